"""A strict reader of LEEF, from IBM's guide; it forgives nothing.

It shares no code with what writes, and so must not import any of it. The guide has no escapes:
an attribute goes from its key's first equals sign to the delimiter, whatever stands between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

__all__ = ["LeefEvent", "NotLeefError", "read_leef"]

_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_KEY = re.compile(r"[A-Za-z0-9]+")
_HEX = re.compile(r"(?:0x|x)([0-9A-Fa-f]{1,4})")
_RULES = {
    "sev": re.compile(r"[1-9]|10"),
    "devTime": re.compile(r"\d{13}"),
    "srcPort": re.compile(r"\d{1,5}"),
    "dstPort": re.compile(r"\d{1,5}"),
    "srcBytes": re.compile(r"\d+"),
    "dstBytes": re.compile(r"\d+"),
    "usrName": re.compile(r".{1,255}"),
    "srcMAC": re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"),
}


class NotLeefError(ValueError):
    """The line is not what the guide says."""


@dataclass(frozen=True)
class LeefEvent:
    version: str
    vendor: str
    product: str
    product_version: str
    event_id: str
    attributes: dict[str, str]


def read_leef(line: str) -> LeefEvent:
    """What a line says.

    Raises:
        NotLeefError: If it breaks a rule.
    """
    if _FORBIDDEN.search(line):
        raise NotLeefError("a control character")
    version = line.partition("|")[0].removeprefix("LEEF:")
    if not line.startswith("LEEF:") or version not in {"1.0", "2.0"}:
        raise NotLeefError(f"version {version!r}")
    pipes = 6 if version == "2.0" else 5
    parts = line.split("|", pipes)
    if len(parts) <= pipes:
        raise NotLeefError("too few pipes")
    delimiter = _delimiter(parts[5]) if version == "2.0" else "\t"
    vendor, product, product_version, event_id = parts[1:5]
    if not all(parts[1:5]) or any("\t" in part for part in parts[1:5]):
        raise NotLeefError("a header field is empty, or has a TAB")
    if len(event_id) > 255:
        raise NotLeefError(f"the event id has {len(event_id)} characters")
    attributes = _attributes(parts[pipes], delimiter)
    return LeefEvent(version, vendor, product, product_version, event_id, attributes)


def _delimiter(field: str) -> str:
    code = _HEX.fullmatch(field)
    if code:
        return chr(int(code[1], 16))
    if len(field) > 1:
        raise NotLeefError(f"delimiter {field!r}")
    return field or "\t"


def _attributes(text: str, delimiter: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for attribute in text.split(delimiter):
        key, equals, value = attribute.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise NotLeefError(f"no key: {attribute!r}")
        if key in attributes:
            raise NotLeefError(f"{key!r} comes twice, and the second is ignored")
        if not value or value != value.strip() or "\t" in value:
            raise NotLeefError(f"{key!r} has no value, or white space in the wrong place")
        attributes[key] = value
    for key, value in attributes.items():
        _check(key, value)
    return attributes


def _check(key: str, value: str) -> None:
    if key in _RULES and not _RULES[key].fullmatch(value):
        raise NotLeefError(f"{key}={value!r}")
    if key in {"src", "dst", "srcPostNAT", "dstPostNAT"}:
        try:
            ip_address(value)
        except ValueError:
            raise NotLeefError(f"{key}={value!r}") from None
