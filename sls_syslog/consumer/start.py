"""Where a new consumer group begins, and where a range of logs ends.

It reads what a user writes for both, and must not ask SLS. What is wrong is refused here: the SDK
takes any text for a position, and then ships the oldest logs.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from aliyun.log.consumer import CursorPosition

from sls_syslog.consumer.sdk import Options
from sls_syslog.errors import SettingsError, short_repr

__all__ = [
    "POSITIONS",
    "describe_scope",
    "describe_start",
    "format_time",
    "make_cursor_options",
    "read_end",
    "read_start",
    "read_start_time",
]

POSITIONS = {"start": "SLS_START", "end": "SLS_END"}
"""The variable of each option that is not one of ``LogHubConfig``."""

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:[.,]\d+)?)?"
    r"(?:(Z)| ?([+-])(\d\d?)(?::?(\d\d))?)?)?",
    re.ASCII | re.IGNORECASE,
)
_EXPECTED = "an ISO 8601 time such as 2026-11-28T08:00:00+08:00"
# The last second that a datetime has. Milliseconds since 1970 are beyond it.
_LATEST = 253402300799
_CURSORS = {"begin": CursorPosition.BEGIN_CURSOR, "end": CursorPosition.END_CURSOR}
_START_OPTIONS = ("start", "cursor_position", "cursor_start_time")
_END_OPTIONS = ("end", "cursor_end_time")


def make_cursor_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Make the options of ``LogHubConfig`` that say where to begin and where to end.

    Args:
        options: What the program gives: ``start`` and ``end``, or the SDK's own options. For what
            is missing or ``None``, ``SLS_START`` and ``SLS_END`` apply.

    Returns:
        ``cursor_position``, ``cursor_start_time`` and ``cursor_end_time``.

    Raises:
        SettingsError: If a value is wrong, or two of them contradict each other.
    """
    start_name, start = _find_start(options)
    end_name, end = _find_end(options)
    now = time.time()
    if isinstance(start, int) and start > now:
        problem = f"expected a time that has passed, got {format_time(start)}"
        raise SettingsError(start_name, f"{problem}; SLS would begin with the next log")
    first = now if start == "end" else start
    if end is not None and not isinstance(first, str) and end <= first:
        problem = f"expected a time after the start, {format_time(first)}, got {format_time(end)}"
        raise SettingsError(end_name, problem)
    return {
        "cursor_position": _CURSORS.get(str(start), CursorPosition.SPECIAL_TIMER_CURSOR),
        "cursor_start_time": start if isinstance(start, int) else None,
        "cursor_end_time": end,
    }


def read_start(value: Any, *words: str) -> int | str:
    """Read a position in a Logstore.

    Args:
        value: One of the words, or a time: a ``datetime``, or a text in ISO 8601. Without an offset
            it is in the zone of this machine. A fraction of a second is cut off: the receive times
            of SLS are whole seconds.
        *words: Words that are accepted in place of a time.

    Returns:
        Seconds since 1970, or the word.

    Raises:
        ValueError: If it is neither, or before 1970.
    """
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.lower() in words:
        return text.lower()
    moment = _parse(text) if isinstance(text, str) else text
    try:
        if isinstance(moment, datetime) and moment.timestamp() >= 0:
            return int(moment.timestamp())
    except (ArithmeticError, OSError, ValueError):
        pass
    expected = f"{', '.join(words)}, or {_EXPECTED}" if words else _EXPECTED
    raise ValueError(f"expected {expected}, got {short_repr(value)}")


def read_end(name: str, value: Any) -> int:
    """Read the time at which a range ends, as the SDK takes it.

    Args:
        name: The option, for the error.
        value: Seconds since 1970, a time as ``read_start`` takes it, or ``end``: now.

    Raises:
        SettingsError: If it is none of these.
    """
    end = _read_sdk_time(name, value, "end")
    # One more: what SLS has received within this second is received before now.
    return int(time.time()) + 1 if isinstance(end, str) else end


def describe_start(option: Options) -> str:
    """Describe where a shard begins for which the group has no checkpoint."""
    given = option.cursor_start_time
    word = next((word for word in _CURSORS if _CURSORS[word] is option.cursor_position), given)
    if word == "begin":
        return "the oldest log that SLS has"
    if word == "end":
        return "the logs that SLS receives from now on"
    start = read_start_time(option)
    moment = given if start is None else format_time(start)
    return f"the first log that SLS received at {moment} or later"


def describe_scope(option: Options) -> str:
    """Describe to which shards the start applies; see ``FirstLook`` for the end."""
    if option.cursor_position is CursorPosition.END_CURSOR:
        return "if the group has no checkpoint"
    return "to a shard without a checkpoint"


def read_start_time(option: Options) -> int | None:
    """Return when SLS received the first log; ``None`` if that is not given as a number."""
    is_time = option.cursor_position is CursorPosition.SPECIAL_TIMER_CURSOR
    start = option.cursor_start_time
    return start if is_time and isinstance(start, int) else None


def format_time(seconds: float) -> str:
    """Format seconds since 1970 in ISO 8601, in UTC."""
    return datetime.fromtimestamp(int(seconds), timezone.utc).isoformat()


def _parse(text: str) -> datetime | None:
    """Parse a time. Python 3.10 reads less of ISO 8601 than later versions."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    day, minute, second, is_utc, sign, hours, minutes = found.groups()
    offset = "+00:00" if is_utc else f"{sign}{hours:0>2}:{minutes or '00'}" if sign else ""
    try:
        return datetime.fromisoformat(f"{day}T{minute or '00:00'}{(second or ':00')[:3]}{offset}")
    except ValueError:
        return None


def _find_start(options: Mapping[str, Any]) -> tuple[str, int | str]:
    """Return the name of what says where to begin, and that position.

    Raises:
        SettingsError: If it is wrong, or not alone.
    """
    given = {name: options[name] for name in _START_OPTIONS if options.get(name) is not None}
    if not given:
        variable = POSITIONS["start"]
        text = os.environ.get(variable, "").strip()
        return variable, _read(variable, text, "begin", "end") if text else "begin"
    if "start" in given:
        _refuse_both("start", given)
        return "start", _read("start", given["start"], "begin", "end")
    position = given.get("cursor_position", CursorPosition.SPECIAL_TIMER_CURSOR)
    if not isinstance(position, CursorPosition):
        problem = f"expected a member of CursorPosition, got {short_repr(position)}"
        raise SettingsError("cursor_position", f"{problem}; start='end' or a time is simpler")
    has_time = "cursor_start_time" in given
    if position is not CursorPosition.SPECIAL_TIMER_CURSOR:
        if has_time:
            problem = f"contradicts cursor_position={position}, which has no time"
            raise SettingsError("cursor_start_time", problem)
        return "cursor_position", next(word for word in _CURSORS if _CURSORS[word] is position)
    if not has_time:
        problem = "SPECIAL_TIMER_CURSOR needs cursor_start_time; start='...' sets both"
        raise SettingsError("cursor_position", problem)
    name = "cursor_start_time"
    return name, _read_sdk_time(name, given[name], "begin", "end")


def _find_end(options: Mapping[str, Any]) -> tuple[str, int | None]:
    """Return the name of what says where to end, and that time."""
    given = {name: options[name] for name in _END_OPTIONS if options.get(name) is not None}
    if "end" in given:
        _refuse_both("end", given)
        return "end", _read_time("end", given["end"])
    if given:
        name = "cursor_end_time"
        return name, read_end(name, given[name])
    variable = POSITIONS["end"]
    text = os.environ.get(variable, "").strip()
    return variable, _read_time(variable, text) if text else None


def _refuse_both(name: str, given: Mapping[str, Any]) -> None:
    others = [other for other in given if other != name]
    if others:
        raise SettingsError(name, f"contradicts {' and '.join(others)}; give one of them")


def _read(name: str, value: Any, *words: str) -> int | str:
    try:
        return read_start(value, *words)
    except ValueError as error:
        raise SettingsError(name, str(error)) from None


def _read_time(name: str, value: Any) -> int:
    return int(_read(name, value))


def _read_sdk_time(name: str, value: Any, *words: str) -> int | str:
    """Read a time as the SDK takes it: seconds since 1970, or what ``read_start`` takes.

    The SDK itself reads it again for each shard, and only then.

    Raises:
        SettingsError: If it is neither.
    """
    text = value.strip() if isinstance(value, str) else value
    number = int(text) if isinstance(text, str) and re.fullmatch(r"[0-9]{1,18}", text) else text
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        if not 0 <= number <= _LATEST:
            problem = f"expected seconds since 1970, got {short_repr(value)}"
            raise SettingsError(name, problem)
        return int(number)
    return _read(name, value, *words)
