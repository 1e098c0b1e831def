"""Converts texts to CEF's types: numbers, addresses, times.

Sans-I/O. Each conversion returns the text to send, or ``None`` if the text is not of the type.
Such a value is left out: a receiver would refuse the whole event because of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from ipaddress import IPv6Address

from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.payloads.dictionary import CEF_KEYS, STRING_KINDS
from sls_syslog.payloads.shorten import LEAST_TEXT, MARK, cut, find_least

__all__ = [
    "CONVERSIONS",
    "NO_VALUES",
    "classify_address",
    "find_least_of",
    "fit_text",
    "parse_milliseconds",
    "split_port",
]

NO_VALUES = frozenset({"unknown", "none", "null", "nil", "undefined", "n/a", "log_service"})
"""What programs write for an address, a number or a time that they do not know, in lower case.
``log_service`` is the source of logs that Alibaba Cloud's services write, and no host."""

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}", re.ASCII)
_HOST = re.compile(r"(?!\.)(?:[\w-]*\.)*(?!\d+\Z)[\w-]*")  # a last label of digits: no valid IPv4
_WITH_PORT = re.compile(r"\[([^\[\]]*)\](?::(\d{1,5}))?|([^:\[\]]+):(\d{1,5})", re.ASCII)
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}")
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_FLOAT = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[Ee][+-]?\d{1,2})?", re.ASCII)
_EPOCH = re.compile(r"(\d{10})(?:\.?(\d{3})\d*)?", re.ASCII)
_EPOCH_DIGITS = (10, 13, 16, 19)  # seconds, milliseconds, microseconds, nanoseconds
_ISO_8601 = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)", re.ASCII
)
_EPOCH_START = datetime(1970, 1, 1, tzinfo=timezone.utc)
_YEAR_2286 = 10**13  # milliseconds; after it, times have 14 digits, which no receiver reads
_MILLISECOND = timedelta(milliseconds=1)
_AUTHORITY = re.compile(r"(?:[A-Za-z][\w+.-]*://[^/?#]*)?[/?#]")  # scheme, host and port of a URL
_LONGEST_CACHED = 255  # characters of the longest host name


def classify_address(text: str) -> tuple[str, str] | None:
    """Find the kind of an address.

    A port after the address is left out (``192.0.2.1:80``, ``[2001:db8::1]:80``). Of a list with
    commas the first address counts: in ``X-Forwarded-For`` that is the client. An IPv4-mapped
    IPv6 address (``::ffff:10.0.0.1``) counts as IPv4. The zone of a link-local address is left
    out: it means nothing on another machine.

    Returns:
        ``ipv4``, ``ipv6`` or ``host``, and the text in the form of that kind; ``None`` if the
        text is no address.
    """
    return _ADDRESSES[text] if len(text) <= _LONGEST_CACHED else _classify(text)


def split_port(text: str) -> tuple[str, str]:
    """Part an address and its port, which is ``""`` if there is none."""
    found = _WITH_PORT.fullmatch(text)
    if found is None:
        return text, ""
    return found[1] or found[3] or "", found[2] or found[4] or ""


def _classify(text: str) -> tuple[str, str] | None:
    if _IPV4.fullmatch(text):
        return "ipv4", text
    text, _ = split_port(text.partition(",")[0].strip())
    if _IPV4.fullmatch(text):
        return "ipv4", text
    if ":" not in text:
        is_host = text.lower() not in NO_VALUES and _HOST.fullmatch(text)
        return ("host", text) if text and is_host else None
    try:
        address = IPv6Address(text.partition("%")[0])
    except ValueError:
        return None
    return ("ipv4", str(address.ipv4_mapped)) if address.ipv4_mapped else ("ipv6", str(address))


# Logs repeat a few addresses.
_ADDRESSES: LogCache[str, tuple[str, str] | None] = LogCache(_classify, weigh)


def parse_milliseconds(text: str) -> str | None:
    """Convert a time to milliseconds since 1970.

    Args:
        text: Seconds, milli-, micro- or nanoseconds since 1970 (10, 13, 16, 19 digits), or
            ISO 8601 with a zone. A time without a zone is refused: it could be any hour.
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
        moment = datetime.fromisoformat(f"{day}T{clock}{_format_offset(zone)}")
    except ValueError:
        return None
    milliseconds = (moment - _EPOCH_START) // _MILLISECOND + int(f"{fraction or '':0<3.3}")
    return str(milliseconds) if 0 <= milliseconds < _YEAR_2286 else None


def _format_offset(zone: str) -> str:
    return "+00:00" if zone == "Z" else f"{zone[:3]}:{zone[-2:]}"


def _make_integer_converter(least: int, most: int) -> Callable[[str], str | None]:
    def convert(text: str) -> str | None:
        # Leave out leading zeros: some receivers read such a number as octal.
        number = int(text) if _INTEGER.fullmatch(text) else least - 1
        return str(number) if least <= number <= most else None

    return convert


def _check_float(text: str) -> str | None:
    return text if _FLOAT.fullmatch(text) else None


def _convert_mac(text: str) -> str | None:
    return text.replace("-", ":") if _MAC.fullmatch(text) else None


def _make_address_converter(kind: str) -> Callable[[str], str | None]:
    def convert(text: str) -> str | None:
        found = classify_address(text)
        return found[1] if found and found[0] == kind else None

    return convert


CONVERSIONS: dict[str, Callable[[str], str | None]] = {
    "ipv4": _make_address_converter("ipv4"),
    "ipv6": _make_address_converter("ipv6"),
    "mac": _convert_mac,
    "integer": _make_integer_converter(-(2**31), 2**31 - 1),
    "long": _make_integer_converter(-(2**63), 2**63 - 1),
    "port": _make_integer_converter(0, 65535),
    "count": _make_integer_converter(0, 2**63 - 1),
    "size": _make_integer_converter(0, 2**31 - 1),
    "float": _check_float,
    "time": parse_milliseconds,
}
"""The conversions by the type's name in ``dictionary.py``."""


def fit_text(key: str, value: str) -> str:
    """Cut a text that is too long for its key; return ``""`` if half of it would be false."""
    limit = CEF_KEYS[key].limit
    least = find_least_of(key, value)
    return "" if least is None or least > limit else cut(value, limit)


def find_least_of(key: str, value: str) -> int | None:
    """Find to how many characters a value may be cut, with the mark.

    Args:
        key: The key in CEF.
        value: The value.

    Returns:
        The fewest characters that must stay; ``None`` if half of the value would be a false one.
    """
    if key in CEF_KEYS and CEF_KEYS[key].kind != "string":
        return None
    kind = STRING_KINDS.get(key, "long")
    if kind == "url":
        found = _AUTHORITY.match(value)
        return max(LEAST_TEXT, found.end() + len(MARK)) if found else None
    if kind == "text":
        return LEAST_TEXT
    return find_least(value) if kind == "long" else None
