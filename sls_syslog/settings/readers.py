"""Readers: functions that turn what a user wrote for a setting into its value.

A reader takes the value as it came, from Python, a dict or the environment. If it is wrong, it
raises ``ValueError("expected ...")``. A second argument is a hint, a third the part that is
wrong. A reader must not do any I/O, except to check that a file can be read.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from sls_syslog.logs.templates import Template
from sls_syslog.settings.secret import Secret
from sls_syslog.spelling import did_you_mean
from sls_syslog.syslog.codes import Facility, Severity, suggest_name
from sls_syslog.syslog.sanitize import sanitize_header_field

__all__ = [
    "choice",
    "code",
    "file_path",
    "fingerprints",
    "flag",
    "from_json",
    "header_template",
    "host",
    "instance_of",
    "integer",
    "new_file_path",
    "seconds",
    "secret",
    "template",
    "text",
    "time_zone",
    "word",
]

_Value = TypeVar("_Value")
# The words for true and false that people write in environment variables.
_FLAGS = {"true": True, "yes": True, "on": True, "1": True}
_FLAGS |= {"false": False, "no": False, "off": False, "0": False}
# Characters of a URL, a user name or a typing mistake, which no name or address holds.
_NOT_IN_HOST = set("/@ \t\r\n\v\f\0")
# At most 18 digits: no setting needs more, and int() is slow for very long texts.
_DIGITS = re.compile(r"[0-9]{1,18}")
# As `openssl x509 -fingerprint -sha256` writes it, with or without its label.
_FINGERPRINT = re.compile(r"(?:sha256(?::| fingerprint=))?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.I)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
# What people write for an offset. Not a name such as Etc/GMT+8, which is west of Greenwich.
_LOOSE_OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-]?)(\d{1,2}):?(\d\d)?", re.I)


def text(value: Any) -> str:
    """Read a text that is not empty.

    Raises:
        ValueError: If it is empty, or not a text.
    """
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text that is not empty")
    return value


def secret(value: Any) -> Secret:
    """Read a text that must not be shown; line feeds at its end, as ``echo`` writes them, go.

    Raises:
        ValueError: If it is empty, or not a text.
    """
    return Secret(text(value.rstrip("\r\n") if isinstance(value, str) else value))


def word(value: Any) -> str:
    """Read a name, an id or a key of SLS; white space around it goes.

    Raises:
        ValueError: If it holds white space, or what no header of HTTP can carry.
    """
    name = value.strip() if isinstance(value, str) else ""
    if not name.isascii() or not name.isprintable() or " " in name or not name:
        raise ValueError("expected printable ASCII characters without white space")
    return name


def host(value: Any) -> str:
    """Read a name or an address alone: without scheme, port or white space.

    Raises:
        ValueError: If it is neither.
    """
    try:
        is_name = isinstance(value, str) and not set(value) & _NOT_IN_HOST and value.encode("idna")
        if is_name and (":" not in value or ip_address(value.partition("%")[0]) is not None):
            return str(value)
    except (UnicodeError, ValueError):
        pass
    raise ValueError("expected a name or an address without a port; the port is the setting port")


def choice(*names: str) -> Callable[[Any], str]:
    """Make a reader of one of ``names``, in any case."""

    def read(value: Any) -> str:
        name = value.strip().lower() if isinstance(value, str) else value
        if name not in names:
            hint = "" if isinstance(name, type) else did_you_mean(name, names)
            raise ValueError(f"expected one of {', '.join(names)}", hint)
        return str(name)

    return read


def code(kind: type[Facility] | type[Severity]) -> Callable[[Any], Facility | Severity]:
    """Make a reader of a facility or a severity, as a member, a number or a name."""

    def read(value: Any) -> Facility | Severity:
        try:
            return kind.of(value)
        except ValueError as error:
            raise ValueError(str(error), suggest_name(kind, value)) from None

    return read


def integer(least: int, most: int) -> Callable[[Any], int]:
    """Make a reader of a whole number from ``least`` to ``most``, or of its digits."""

    def read(value: Any) -> int:
        digits = isinstance(value, str) and _DIGITS.fullmatch(value.strip())
        number = int(value) if digits else value
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")
        return number

    return read


def seconds(*, zero: bool = False) -> Callable[[Any], float]:
    """Make a reader of a time span in seconds; ``zero`` is whether it may be 0."""
    expected = f"expected a number of seconds {'of at least' if zero else 'above'} 0"

    def read(value: Any) -> float:
        try:
            number = float("no number" if isinstance(value, bool) else value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(expected) from None
        if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
            raise ValueError(expected)
        return number

    return read


def flag(value: Any) -> bool:
    """Read ``True`` or ``False``, or a word for it.

    Raises:
        ValueError: If it is neither.
    """
    answer = value if isinstance(value, bool) else _FLAGS.get(str(value).strip().lower())
    if answer is None:
        raise ValueError("expected true or false")
    return answer


def from_json(value: Any) -> Any:
    """Parse a text as JSON, as the environment has it; return anything else as it is.

    Raises:
        ValueError: If a text is not JSON.
    """
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError("expected JSON") from None


def file_path(value: Any) -> str:
    """Read the path of a file that can be opened.

    Raises:
        ValueError: If the file cannot be opened.
    """
    try:
        with Path(value).open("rb"):
            return str(os.fspath(value))
    except (TypeError, ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ValueError(f"expected the path of a readable file ({reason})") from None


def new_file_path(value: Any) -> str:
    """Read the path of a file that can be written; it need not exist yet.

    Raises:
        ValueError: If it is a directory, or cannot be written.
    """
    problem = "not a path"
    if isinstance(value, (str, os.PathLike)) and value:
        path = Path(value)
        problem = "a directory" if path.is_dir() else "cannot be written"
        if not path.is_dir() and os.access(path if path.exists() else path.parent, os.W_OK):
            return str(path)
    raise ValueError(f"expected the path of a file that can be written ({problem})")


def fingerprints(value: Any) -> tuple[str, ...]:
    """Read SHA-256 fingerprints: a list, or a text with commas between them.

    Returns:
        Each as 64 hexadecimal digits in lower case.

    Raises:
        ValueError: If one of them is not a fingerprint.
    """
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, (list, tuple)):
        raise ValueError("expected SHA-256 fingerprints")
    found = [_FINGERPRINT.fullmatch(str(entry).strip()) for entry in entries]
    if not all(found):
        raise ValueError("expected SHA-256 fingerprints of 64 hexadecimal digits each")
    return tuple(one[1].replace(":", "").lower() for one in found if one)


def instance_of(kind: type[_Value]) -> Callable[[Any], _Value]:
    """Make a reader of an object that only Python code can give."""

    def read(value: Any) -> _Value:
        if not isinstance(value, kind):
            raise ValueError(f"expected an object of {kind.__module__}.{kind.__name__}")
        return value

    return read


def template(value: Any) -> str:
    """Read a text in which ``{field}`` stands for a field of the log."""
    Template(text(value), "")
    return str(value)


def header_template(limit: int) -> Callable[[Any], str]:
    """Make a reader of a header field of at most ``limit`` characters, or of its template."""

    def read(value: Any) -> str:
        # The result of a template is sanitized for each log; a fixed text must be right as it is.
        name = template(value)
        if not Template(name, "").fields and sanitize_header_field(name, limit) != name:
            raise ValueError(f"expected 1 to {limit} printable ASCII characters without a space")
        return name

    return read


def time_zone(value: Any) -> tzinfo | None:
    """Read ``local``, ``UTC``, an offset such as ``+08:00``, or a name of the tz database.

    Returns:
        The zone; ``None`` for the local zone of this machine.

    Raises:
        ValueError: If there is no such zone.
    """
    if isinstance(value, tzinfo):
        try:
            datetime(2000, 1, 1, tzinfo=timezone.utc).astimezone(value)
        except Exception:
            raise ValueError("expected a tzinfo that has an offset") from None
        return value
    name = str(value).strip()
    if name.lower() == "local":
        return None
    if name.upper() in {"UTC", "Z"}:
        return timezone.utc
    offset = _OFFSET.fullmatch(name)
    try:
        return _make_fixed_zone(*offset.groups()) if offset else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            "expected local, UTC, an offset such as +08:00, or a name such as Asia/Shanghai",
            _suggest_zone(name),
        ) from None


def _suggest_zone(name: str) -> str:
    offset = _LOOSE_OFFSET.fullmatch(name)
    if offset is None:
        names = (one for one in available_timezones() if not one.startswith("Etc/"))
        return did_you_mean(name, ["local", "UTC", *sorted(names)])
    sign, hours, minutes = offset.groups()
    try:
        _make_fixed_zone(sign or "+", hours, minutes or "00")
    except ValueError:
        return ""
    return f"; did you mean '{sign or '+'}{hours:0>2}:{minutes or '00'}'?"


def _make_fixed_zone(sign: str, hours: str, minutes: str) -> timezone:
    moment = datetime.strptime(f"{hours}:{minutes}", "%H:%M")
    offset = timedelta(hours=moment.hour, minutes=moment.minute)
    return timezone(-offset if sign == "-" else offset)
