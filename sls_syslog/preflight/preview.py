"""``preview``: shows the bytes that logs would become, without a receiver.

It uses the encoder that ships. It reads the clock, and must do no other I/O.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.safe_hooks import is_overridden
from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.decode import Log, LogDecoder
from sls_syslog.logs.groups import Group, describe_group
from sls_syslog.logs.protobuf import LogGroup
from sls_syslog.payloads.event_payload import EventPayload, name_mapping
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["LogPreview", "LogPreviewer", "format_count", "preview"]

_TEXT_HOOK = "format_message"
_EVENT_ID = "__event_id__"
# The fields that SLS gives to a log, in the order in which a shipped log has them.
_FIRST = ("__time__", "__topic__", "__source__", "__time_ns_part__", _EVENT_ID)
_TAG = "__tag__:"
# Times are 32-bit numbers in SLS.
_LATEST = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class LogPreview:
    """What one log would become; print it.

    Attributes:
        log: The log, as payloads and hooks get it: with its masks.
        frames: The bytes of its messages with their framing, in order: one element; several if the
            log would be split; none if it would be left out. Over UDP, each element is one
            datagram. Over RELP, each element is the message in one RELP frame.
        outcomes: What would be repaired, cut or left out, by kind (``docs/reference/wire.md``);
            empty if the log would be sent unchanged. ``held`` if the shard would wait here.
        failures: The hooks that fail for this log, with their errors; ``on_hook_error`` says what
            happens then.
        profile: The setting ``receiver``; ``None`` if it is not set.
        writer: What writes the text: the class of the payload, the overridden hook
            ``format_message``, or ``default payload`` if that one fails; ``nothing`` if
            ``on_hook_error`` forbids that.
        mapping: The mapping of CEF, LEEF or OCSF: the name of a ready one, ``generic``, or ``own``
            for a mapping of yours. ``None`` if the text is no such event.
    """

    log: Mapping[str, str]
    frames: tuple[bytes, ...]
    outcomes: tuple[str, ...]
    failures: tuple[str, ...]
    profile: str | None
    writer: str
    mapping: str | None

    @property
    def verdict(self) -> str:
        """What happens to the log, in one line."""
        sizes = ", ".join(str(len(frame)) for frame in self.frames)
        messages = format_count(len(self.frames), "message")
        parts = [f"{messages}, {sizes} bytes" if self.frames else messages]
        if self.profile:
            parts.append(f"profile {self.profile}")
        parts.append(f"{self.writer}, mapping {self.mapping}" if self.mapping else self.writer)
        parts.append(", ".join(dict.fromkeys(self.outcomes)) or "unchanged")
        parts += self.failures
        return "; ".join(parts)

    def __str__(self) -> str:
        return "\n".join([self.verdict, *map(repr, self.frames)])


def preview(
    settings: ShipperSettings | Mapping[str, Any],
    logs: Iterable[Mapping[str, Any] | LogGroup],
    processor: Callable[[ShipperSettings], MessageHooks] | None = None,
) -> Iterator[LogPreview]:
    """Show the bytes that logs would become under these settings; send nothing.

    No receiver and no SLS is needed::

        for log in preview(ShipperSettings.from_env(), [{"__topic__": "app", "level": "ERROR"}]):
            print(log)

    Args:
        settings: ``ShipperSettings``, or a plain dict of them.
        logs: Mappings of a log's fields, or the SDK's ``LogGroup`` objects with any number of logs
            in each. In a mapping, ``__time__``, ``__topic__``, ``__source__`` and ``__tag__:...``
            are SLS's own fields. A missing ``__time__`` is the present second, and a missing topic
            or source is empty. A value that is no text becomes JSON, as SLS stores it.
        processor: Your subclass of ``SyslogShipperProcessor``, whose hooks are used; any function
            that makes one from the settings works. ``None`` for the default hooks.

    Returns:
        An iterator over what each log would become, in order. With the setting ``event_id``, a log
        without an id gets ``preview/<item>/<log>`` in its place, because only SLS's cursor gives
        the real one.

    Raises:
        SettingsError: If a setting is wrong, or ``processor`` makes no processor.
        TypeError: While iterating, if a log is neither a mapping nor a ``LogGroup``.
        ValueError: While iterating, if the time of a log is no number of seconds.
    """
    previewer = LogPreviewer(settings, processor)
    return _preview_all(previewer, logs)


class LogPreviewer:
    """Shows what single logs would become.

    Args:
        settings: ``ShipperSettings``, or a plain dict of them.
        processor: Makes the processor whose hooks are used; ``None`` for the default hooks.

    Attributes:
        settings: The settings of the processor, which may have changed those it was given.

    Raises:
        SettingsError: If a setting is wrong, or ``processor`` makes no processor.
    """

    def __init__(
        self,
        settings: ShipperSettings | Mapping[str, Any],
        processor: Callable[[ShipperSettings], MessageHooks] | None = None,
    ) -> None:
        hooks = (processor or MessageHooks)(ShipperSettings.of(settings))
        if not isinstance(hooks, MessageHooks):
            expected = "expected a subclass of SyslogShipperProcessor"
            raise SettingsError("processor", f"{expected}, got {short_repr(processor)}")
        self.settings = hooks.settings
        self._failures: list[tuple[str, BaseException]] = []
        self._encoder = LogEncoder(
            self.settings, hooks, on_failure=lambda *failure: self._failures.append(failure)
        )
        self._own_writer = (
            f"{type(hooks).__name__}.{_TEXT_HOOK}" if is_overridden(hooks, _TEXT_HOOK) else None
        )
        self._number = 0

    def preview_log(self, group: Group, number: int, event_id: Callable[[int], str]) -> LogPreview:
        """Show what a log of a group would become.

        Args:
            group: The group.
            number: The number of the log in the group, from 0.
            event_id: Makes the id of a log from its number in the group.
        """
        outcomes: list[str] = []
        # One for each log: it reports what is repaired in topic and tags only once.
        decoder = LogDecoder(group, event_id if self.settings.event_id else None)
        return self._preview(decoder.decode(number, outcomes), outcomes)

    def preview_mapping(self, fields: Mapping[str, Any], event_id: str) -> LogPreview:
        """Show what a log would become.

        Args:
            fields: The fields of the log.
            event_id: The id of a log that has none.

        Raises:
            ValueError: If its time is no number of seconds.
        """
        default = {_EVENT_ID: event_id} if self.settings.event_id else {}
        return self._preview(_make_log({**default, **fields}), [])

    def _preview(self, log: Log, outcomes: list[str]) -> LogPreview:
        self._number += 1
        self._failures.clear()
        self._encoder.where = f"log {self._number}"
        encoded = self._encoder.encode_log(log)
        log = self._encoder.mask(log)
        writer, mapping = self._find_writer(log)
        return LogPreview(
            log=log,
            frames=tuple(encoded.frames),
            outcomes=(*outcomes, *(kind for _, kind in encoded.outcomes)),
            failures=tuple(f"{hook}: {short_repr(error)}" for hook, error in self._failures),
            profile=self.settings.receiver,
            writer=writer,
            mapping=mapping,
        )

    def _find_writer(self, log: Log) -> tuple[str, str | None]:
        """Return what wrote the text, and the mapping that it used."""
        if _TEXT_HOOK in dict(self._failures):
            stands_in = self.settings.on_hook_error == "default"
            return "default payload" if stands_in else "nothing", None
        if self._own_writer:
            return self._own_writer, None
        payload: Any = self.settings.payload
        name = getattr(payload, "__name__", type(payload).__name__)
        return name, name_mapping(payload, log) if isinstance(payload, EventPayload) else None


def format_count(number: int, thing: str) -> str:
    """Format a number of things, such as ``no logs``, ``1 log`` or ``2 logs``."""
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


def _preview_all(
    previewer: LogPreviewer, logs: Iterable[Mapping[str, Any] | LogGroup]
) -> Iterator[LogPreview]:
    for item, log in enumerate(logs):
        name = f"preview/{item}/%d"
        if isinstance(log, Mapping):
            yield previewer.preview_mapping(log, name % 0)
        elif hasattr(log, "Logs"):
            group = describe_group(log)
            for number in range(group.logs):
                yield previewer.preview_log(group, number, name.__mod__)
        else:
            raise TypeError(f"logs: expected a mapping or a LogGroup, got {short_repr(log)}")


def _make_log(fields: Mapping[str, Any]) -> Log:
    """Make a log as the decoder makes it: SLS's own fields first, and every value a text."""
    given = {_make_text(key): _make_text(value) for key, value in fields.items()}
    nanoseconds = fields.get("__time_ns_part__")
    if isinstance(nanoseconds, (list, tuple)) and len(nanoseconds) == 1:
        # The SDK's get_flatten_logs_json() makes a tuple of it by mistake.
        given["__time_ns_part__"] = _make_text(nanoseconds[0])
    log = {"__time__": str(int(time.time())), "__topic__": "", "__source__": ""}
    log |= {key: given[key] for key in _FIRST if key in given}
    _check_number("__time__", log["__time__"], _LATEST)
    _check_number("__time_ns_part__", log.get("__time_ns_part__", "0"), 999_999_999)
    return log | {key: text for key, text in given.items() if key.startswith(_TAG)} | given


def _make_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _check_number(name: str, text: str, most: int) -> None:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    if not is_number or int(text) > most:
        raise ValueError(f"{name}: expected a whole number up to {most}, got {short_repr(text)}")
