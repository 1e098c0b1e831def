"""``consumer_config``: the SDK's configuration, from the environment, safe for shipping.

It must not connect to SLS, and must not show a secret.
"""

from __future__ import annotations

import inspect
import os
import platform
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from aliyun.log.consumer import CursorPosition, LogHubConfig

from sls_syslog.consumer.endpoint import check_endpoint
from sls_syslog.consumer.patches import POOL_SIZE
from sls_syslog.consumer.start import POSITIONS, make_cursor_options
from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.settings import readers
from sls_syslog.settings.secret import Secret
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.settings.table import get_rows
from sls_syslog.spelling import did_you_mean, find_typo

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11 on

__all__ = ["ConsumerOptions", "consumer_config"]

# The variables of the documented program, by the option of LogHubConfig that each one sets.
_VARIABLES = {
    "endpoint": "SLS_ENDPOINT",
    "access_key_id": "SLS_AK_ID",
    "access_key": "SLS_AK_KEY",
    "project": "SLS_PROJECT",
    "logstore": "SLS_LOGSTORE",
    "consumer_group_name": "SLS_CG",
}
_CREDENTIALS = ("access_key_id", "access_key")
# Options that are one word each. A line feed at the end, as `echo` writes it, would make another
# signature, or another Logstore.
_WORDS = (*_VARIABLES, "consumer_name", "security_token", "region")
_SECRETS = ("access_key", "security_token")
# Options whose default differs from LogHubConfig's.
_DEFAULTS = {
    # Seconds. The SDK fetches one batch per interval and shard: its default of 2 is 0.5 batches/s.
    # Under run_worker a shard with a backlog does not wait for the end of the interval, unless it
    # is longer than this.
    "data_fetch_interval": 0.1,
    "worker_pool_size": POOL_SIZE,
}


class ConsumerOptions(TypedDict, total=False):
    """The options of ``LogHubConfig`` (``aliyun/log/consumer/config.py``), and two of ours."""

    endpoint: str
    access_key_id: str
    access_key: str
    project: str
    logstore: str
    consumer_group_name: str
    consumer_name: str
    cursor_position: CursorPosition | None
    heartbeat_interval: int | None
    data_fetch_interval: float | None
    in_order: bool
    cursor_start_time: int | str | None
    security_token: str | None
    max_fetch_log_group_size: int | None
    worker_pool_size: int | None
    shared_executor: Executor | None
    cursor_end_time: int | str | None
    credentials_refresher: Callable[[], Sequence[str | None]] | None
    auth_version: str
    region: str
    query: str | None
    accept_compress_type: str | None
    processor: str | None
    start: str | datetime | None
    end: str | datetime | None


def consumer_config(**options: Unpack[ConsumerOptions]) -> LogHubConfig:
    """Make the SDK's ``LogHubConfig``, with values that are safe for shipping.

    By default it takes ``SLS_ENDPOINT``, ``SLS_AK_ID``, ``SLS_AK_KEY``, ``SLS_PROJECT``,
    ``SLS_LOGSTORE`` and ``SLS_CG`` (the consumer group) from the environment. The consumer name
    is unique. The fetch interval and the thread pool let a backlog drain fast.

    ``start`` says where a new consumer group begins: at ``begin``, the oldest log that SLS still
    has (the default); at ``end``, with the logs that SLS receives from now on; or at the first log
    that SLS received at or after a time. It applies only to shards for which the group has no
    checkpoint. ``end`` is the time at which a range ends: logs that SLS received before it are
    shipped, and then ``run_worker`` returns. A time is a ``datetime`` or a text in ISO 8601;
    without an offset it is in the zone of this machine. By default both come from ``SLS_START`` and
    ``SLS_END``. They stand in place of ``cursor_position``, ``cursor_start_time`` and
    ``cursor_end_time``.

    SLS gives a consumer's shards to others only after a silence of twice the heartbeat
    interval. So a restarted program waits for 40 seconds, unless it has the same name as before.
    Set ``SLS_CONSUMER`` to a fixed name only if two processes can never have it at the same time,
    for example to the name of a StatefulSet's pod.

    Args:
        **options: ``start``, ``end``, and options of ``LogHubConfig``; each overrides the
            environment and our default.

    Returns:
        The configuration, for ``ConsumerWorker``.

    Raises:
        SettingsError: If a variable is missing, a name or a key holds white space, the endpoint is
            none, a time is wrong, or ``LogHubConfig`` does not know an option. White space around
            a value is removed.
    """
    _check_options(options)
    variables = {**_VARIABLES, "consumer_name": "SLS_CONSUMER"}
    environment = {
        name: _read_word(variable, os.environ.get(variable, ""), is_secret=name in _SECRETS)
        for name, variable in variables.items()
        if name not in options
    }
    words = {
        name: _read_word(name, value, is_secret=name in _SECRETS) if name in _WORDS else value
        for name, value in options.items()
    }
    given: dict[str, Any] = {
        **environment,
        **_DEFAULTS,
        **{name: value for name, value in words.items() if name not in POSITIONS},
        **make_cursor_options(options),
    }
    refresher = given.get("credentials_refresher")
    if refresher:
        given["credentials_refresher"] = partial(_refresh, refresher)
    optional = _CREDENTIALS if refresher else ()
    missing = [
        variable
        for name, variable in _VARIABLES.items()
        if not given[name] and name not in optional
    ]
    if missing:
        problem = f"environment variable not set{_find_misspelt(missing)}"
        raise SettingsError(", ".join(missing), problem)
    check_endpoint(given["endpoint"], "endpoint" if "endpoint" in options else "SLS_ENDPOINT")
    given["consumer_name"] = given["consumer_name"] or _make_unique_name(
        given["consumer_group_name"]
    )
    return LogHubConfig(**given)


def _check_options(options: Mapping[str, Any]) -> None:
    """Check the names of the options, before a missing variable is reported instead.

    Raises:
        SettingsError: If one is unknown; it names the nearest, or the class that has it.
    """
    known = {**ConsumerOptions.__annotations__, **inspect.signature(LogHubConfig).parameters}
    for key in options:
        if key not in known:
            nearest = did_you_mean(key, known) or f"; the options are {', '.join(known)}"
            hint = "; only ShipperSettings has it" if key in get_rows(ShipperSettings) else nearest
            raise SettingsError(key, f"unknown option of consumer_config{hint}")


def _find_misspelt(missing: Sequence[str]) -> str:
    """Say which variables that are set may be missing ones, misspelt."""
    known = {*_VARIABLES.values(), "SLS_CONSUMER"}
    others = {name.upper(): name for name in os.environ if name not in known}
    found = ((find_typo(name, others, most=2), name) for name in missing)
    hints = [f"{others[near]} is set: did you mean {name}?" for near, name in found if near]
    return "".join(f"; {hint}" for hint in hints)


def _read_word(name: str, value: Any, *, is_secret: bool) -> Any:
    """Read an option that is one word; leave what is missing, or no text, to the caller.

    Raises:
        SettingsError: If it cannot be right; a secret is not shown.
    """
    if not isinstance(value, str):
        return value
    if not value.strip():
        return ""
    try:
        word = readers.word(value)
    except ValueError as error:
        got = "a secret" if is_secret else short_repr(value)
        raise SettingsError(name, f"{error}, got {got}") from None
    return Secret(word) if is_secret else word


def _refresh(refresher: Callable[[], Sequence[str | None]]) -> tuple[Any, ...]:
    """Ask the user's ``credentials_refresher``, and read what it returns like other credentials."""
    names = ("access_key_id", "access_key", "security_token")
    return tuple(
        _read_word(f"credentials_refresher ({name})", value, is_secret=name in _SECRETS)
        for name, value in zip(names, refresher(), strict=False)
    )


class _Shown(str):
    """A placeholder for a computed default, in the signature that ``help()`` shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{self}>"


def _make_signature() -> inspect.Signature:
    """Make the signature of ``consumer_config``: all options with their defaults."""
    computed = {name: _Shown(variable) for name, variable in _VARIABLES.items()}
    computed["consumer_name"] = _Shown("SLS_CONSUMER, or a unique name")
    # The oldest log that SLS still has, so that a new group loses nothing.
    computed["start"] = _Shown(f"{POSITIONS['start']}, or begin")
    computed["end"] = _Shown(f"{POSITIONS['end']}, or no end")
    known = {
        name: parameter.default
        for name, parameter in inspect.signature(LogHubConfig).parameters.items()
    }
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default={**known, **computed, **_DEFAULTS}[name],
            annotation=kind.__forward_arg__,
        )
        for name, kind in ConsumerOptions.__annotations__.items()
    ]
    return inspect.Signature(parameters, return_annotation="LogHubConfig")


consumer_config.__signature__ = _make_signature()  # type: ignore[attr-defined]  # inspect reads it


def _make_unique_name(group: str) -> str:
    """Make a unique consumer name; the process id is not enough, since containers all have 1.

    Two consumers with the same name would both get every shard.
    """
    host = re.sub(r"[^A-Za-z0-9_.-]", "-", platform.node())[:64]
    return f"{group}-{host}-{os.getpid()}-{secrets.token_hex(3)}"
