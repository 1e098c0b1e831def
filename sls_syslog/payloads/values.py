"""What a log wrote, as CEF's types have it: numbers, addresses, times.

Pure. Each function takes a text and gives the text to send, or None for what is nothing of
that type: it is then left out, as a receiver would refuse the whole event.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from ipaddress import IPv6Address

__all__ = ["CONVERSIONS", "address_of", "epoch_milliseconds"]

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}", re.ASCII)
_HOST = re.compile(r"(?!\.)[\w.-]+")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}")
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_FLOAT = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[Ee][+-]?\d{1,2})?", re.ASCII)
_EPOCH = re.compile(r"(\d{10})(?:\.?(\d{3})\d*)?", re.ASCII)
_EPOCH_DIGITS = (10, 13, 16, 19)  # seconds, milliseconds, microseconds, nanoseconds
_ISO_8601 = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)", re.ASCII
)
_EPOCH_START = datetime(1970, 1, 1, tzinfo=timezone.utc)
_YEAR_2286 = 10**13  # milliseconds: then they have a digit more, and no receiver knows them
_MILLISECOND = timedelta(milliseconds=1)


_LONGEST_ADDRESS = 255  # a host name


def address_of(text: str) -> tuple[str, str] | None:
    """``ipv4``, ``ipv6`` or ``host``, and the text in the form of its kind.

    An IPv4 address in IPv6's clothes (``::ffff:10.0.0.1``) is one of IPv4; the zone of a
    link-local address means nothing elsewhere and is left out.
    """
    return _address_of(text) if len(text) <= _LONGEST_ADDRESS else _kind_of(text)


def _kind_of(text: str) -> tuple[str, str] | None:
    if _IPV4.fullmatch(text):
        return "ipv4", text
    if ":" not in text:
        return ("host", text) if _HOST.fullmatch(text) else None
    try:
        address = IPv6Address(text.partition("%")[0])
    except ValueError:
        return None
    return ("ipv4", str(address.ipv4_mapped)) if address.ipv4_mapped else ("ipv6", str(address))


_address_of = lru_cache(maxsize=4096)(_kind_of)  # the same addresses come again and again


def epoch_milliseconds(text: str) -> str | None:
    """Milliseconds since 1970.

    Args:
        text: Seconds since then, or milli-, micro- or nanoseconds (10, 13, 16, 19 digits), or
            ISO 8601 with a zone. Without a zone it could be any time of a day.
    """
    number = _EPOCH.fullmatch(text)
    if number:
        known = "." in text or len(text) in _EPOCH_DIGITS
        return f"{number[1]}{number[2] or '000'}" if known else None
    parts = _ISO_8601.fullmatch(text)
    if parts is None:
        return None
    day, clock, fraction, zone = parts.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{_offset(zone)}")
    except ValueError:
        return None
    milliseconds = (moment - _EPOCH_START) // _MILLISECOND + int(f"{fraction or '':0<3.3}")
    return str(milliseconds) if 0 <= milliseconds < _YEAR_2286 else None


def _offset(zone: str) -> str:
    return "+00:00" if zone == "Z" else f"{zone[:3]}:{zone[-2:]}"


def _integer(least: int, most: int) -> Callable[[str], str | None]:
    def convert(text: str) -> str | None:
        # Without leading zeros: some receivers take them for octal.
        number = int(text) if _INTEGER.fullmatch(text) else least - 1
        return str(number) if least <= number <= most else None

    return convert


def _float(text: str) -> str | None:
    return text if _FLOAT.fullmatch(text) else None


def _mac(text: str) -> str | None:
    return text.replace("-", ":") if _MAC.fullmatch(text) else None


def _of_kind(kind: str) -> Callable[[str], str | None]:
    def convert(text: str) -> str | None:
        found = address_of(text)
        return found[1] if found and found[0] == kind else None

    return convert


CONVERSIONS: dict[str, Callable[[str], str | None]] = {
    "ipv4": _of_kind("ipv4"),
    "ipv6": _of_kind("ipv6"),
    "mac": _mac,
    "integer": _integer(-(2**31), 2**31 - 1),
    "long": _integer(-(2**63), 2**63 - 1),
    "port": _integer(0, 65535),
    "count": _integer(0, 2**63 - 1),
    "float": _float,
    "time": epoch_milliseconds,
}
"""The types of one form each, by their names in the table of keys."""
