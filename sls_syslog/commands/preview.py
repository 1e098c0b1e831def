"""The command ``preview``: writes the bytes that logs would become; sends nothing.

Standard output gets these bytes and no others; standard error gets what is said about each log.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from itertools import islice

from sls_syslog.commands.inputs import load_processor, read_logs
from sls_syslog.commands.output import tolerate_closed_pipe, write_bytes, write_note
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.errors import SettingsError, SyslogError, short_repr
from sls_syslog.preflight.preview import LogPreview, LogPreviewer, format_count
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["run_preview"]

_Shown = Iterable[tuple[str, LogPreview]]
"""What logs would become, each with where it comes from."""


def run_preview(most: int, path: str | None, start: int | str | None, processor: str | None) -> int:
    """Preview logs, one after another.

    Args:
        most: How many logs at most.
        path: A file of logs, ``-`` for standard input; ``None`` to fetch them from SLS.
        start: When SLS received the first log, in seconds since 1970, or ``begin``; ``None`` for
            the newest logs.
        processor: The user's processor, as ``module:Class``; ``None`` for the default hooks.

    Returns:
        The exit status 0.

    Raises:
        SettingsError: If a setting or an argument is wrong.
        SyslogError: If SLS cannot be reached or refuses a request.
    """
    previewer = _make_previewer(processor)
    shown: _Shown
    if path is None:
        shown = _preview_logstore(previewer, most, start)
    else:
        shown = islice(_preview_file(previewer, path), most)
    with tolerate_closed_pipe():
        _write(shown, is_stream=previewer.settings.framing is not None)
    return 0


def _make_previewer(processor: str | None) -> LogPreviewer:
    settings = ShipperSettings.from_env()
    make: Callable[[ShipperSettings], MessageHooks] | None = None
    if processor is not None:
        make = load_processor(processor)
    try:
        return LogPreviewer(settings, make)
    except SyslogError:
        raise
    except Exception as error:  # the user's __init__ may raise anything
        problem = f"cannot make {processor}(settings): {type(error).__name__}: {error}"
        raise SettingsError("--processor", problem) from error


def _preview_logstore(
    previewer: LogPreviewer, most: int, start: int | str | None
) -> Iterator[tuple[str, LogPreview]]:
    # Here, because a file of logs needs no SDK.
    from sls_syslog.consumer.config import consumer_config
    from sls_syslog.consumer.samples import fetch_from, fetch_newest

    # No group is created or read; its name only completes the configuration.
    config = consumer_config(consumer_group_name=os.environ.get("SLS_CG") or "preview")
    logs = fetch_newest(config, most) if start is None else fetch_from(config, start, most)
    for log in logs:
        yield f"shard {log.shard}", previewer.preview_log(log.group, log.number, log.event_id)


def _preview_file(previewer: LogPreviewer, path: str) -> Iterator[tuple[str, LogPreview]]:
    for line, fields in read_logs(path):
        where = f"line {line}"
        try:
            yield where, previewer.preview_mapping(fields, f"preview/{line}/0")
        except ValueError as error:
            raise SettingsError(f"{path}, {where}", str(error)) from None


def _write(shown: _Shown, *, is_stream: bool) -> None:
    """Write the messages to standard output, and what is said about each to standard error."""
    logs = messages = size = 0
    for logs, (where, log) in enumerate(shown, 1):
        write_note(f"log {logs}, {where}, {_describe(log)}: {log.verdict}")
        for frame in log.frames:
            # Nothing separates datagrams in a file.
            write_bytes(frame if is_stream else frame + b"\n")
        messages += len(log.frames)
        size += sum(map(len, log.frames))
    note = "" if is_stream else "; the line feed after each message is not part of it"
    write_note(
        f"{format_count(logs, 'log')}, {format_count(messages, 'message')}, {size} bytes;"
        f" nothing was sent{note}"
    )


def _describe(log: LogPreview) -> str:
    moment = datetime.fromtimestamp(int(log.log["__time__"]), timezone.utc)
    return f"topic {short_repr(log.log['__topic__'])}, {moment:%Y-%m-%dT%H:%M:%SZ}"
