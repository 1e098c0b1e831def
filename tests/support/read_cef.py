"""A strict reader of CEF, from the implementation standard; it forgives nothing.

It shares no code with what writes, and so must not import any of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

__all__ = ["CefEvent", "NotCefError", "read_cef"]

_HEADER_LIMITS = {"vendor": 63, "product": 63, "version": 31, "class id": 1023, "name": 512}
_SEVERITY = re.compile(r"[0-9]|10|Unknown|Low|Medium|High|Very-High")
_KEY = re.compile(r"[A-Za-z0-9]+")
_WORD = re.compile(r"(?:[^\\=]+|\\.?)*", re.DOTALL)
_HEADER_ESCAPES = {"\\": "\\", "|": "|"}
_VALUE_ESCAPES = {"\\": "\\", "=": "=", "n": "\n", "r": "\r"}
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_LABELLED = re.compile(r"(cs[1-6]|cn[1-3]|cfp[1-4]|c6a[1-4]|flex\w+\d|deviceCustomDate[12])")
_TYPES = {
    "src dst dvc sourceTranslatedAddress destinationTranslatedAddress": IPv4Address,
    "c6a1 c6a2 c6a3 c6a4": IPv6Address,
    "spt dpt in out cnt fsize spid dpid cn1 cn2 cn3 deviceDirection rt start end": int,
    "cfp1 cfp2 cfp3 cfp4": float,
}
_TYPE_OF = {key: kind for keys, kind in _TYPES.items() for key in keys.split()}
_LIMITS = {
    "act": 63,
    "app": 31,
    "proto": 31,
    "externalId": 40,
    "msg": 1023,
    "cs1": 4000,
    "suser": 1023,
    "request": 1023,
    "requestContext": 2048,
    "dvchost": 100,
    "outcome": 63,
}


class NotCefError(ValueError):
    """The line is not what the standard says."""


@dataclass(frozen=True)
class CefEvent:
    vendor: str
    product: str
    version: str
    class_id: str
    name: str
    severity: str
    extension: dict[str, str]


def read_cef(line: str) -> CefEvent:
    """What a line says.

    Raises:
        NotCefError: If it breaks a rule.
    """
    if _FORBIDDEN.search(line):
        raise NotCefError("a control character")
    version, *header = _header(line)
    if version != "CEF:0":
        raise NotCefError(f"version {version!r}")
    extension = header.pop()
    for (name, limit), value in zip(_HEADER_LIMITS.items(), header, strict=False):
        if not 0 < len(value) <= limit:
            raise NotCefError(f"{name} has {len(value)} characters")
    if not _SEVERITY.fullmatch(header[5]):
        raise NotCefError(f"severity {header[5]!r}")
    vendor, product, release, class_id, name, severity = header
    pairs = _extension(extension)
    return CefEvent(vendor, product, release, class_id, name, severity, pairs)


def _header(line: str) -> list[str]:
    """Eight parts: the seven before a pipe each, unescaped, and all that follows."""
    parts, part, rest = [], "", iter(line)
    for character in rest:
        if character == "\\":
            part += _unescaped(next(rest, ""), _HEADER_ESCAPES)
        elif character == "|":
            parts.append(part)
            part = ""
            if len(parts) == 7:
                return [*parts, "".join(rest)]
        else:
            part += character
    raise NotCefError("fewer than seven pipes")


def _unescaped(character: str, escapes: dict[str, str]) -> str:
    try:
        return escapes[character]
    except KeyError:
        raise NotCefError(f"nothing is escaped as backslash and {character!r}") from None


def _extension(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    if text:
        for key, value in _pairs(text):
            if key in pairs:
                raise NotCefError(f"{key!r} comes twice")
            if value != value.strip() or not value:
                raise NotCefError(f"{key!r} has white space around its value, or no value")
            pairs[key] = value
    for key, value in pairs.items():
        _check(key, value, pairs)
    return pairs


def _pairs(text: str) -> list[tuple[str, str]]:
    """A key is the word before an equals sign that has no backslash before it."""
    *words, last = _split_at_equals(text)
    if not words:
        raise NotCefError("no pair")
    keys, values = [words[0]], []
    for both in words[1:]:
        value, space, key = both.rpartition(" ")
        if not space:
            raise NotCefError(f"no key before an equals sign in {both!r}")
        values.append(value)
        keys.append(key)
    values.append(last)
    for key in keys:
        if not _KEY.fullmatch(key):
            raise NotCefError(f"no key: {key!r}")
    return [(key, _value(value)) for key, value in zip(keys, values, strict=True)]


def _split_at_equals(text: str) -> Iterator[str]:
    end = -1
    while end < len(text):
        word = _WORD.match(text, end + 1)
        assert word
        yield word[0]
        end = word.end()


def _value(text: str) -> str:
    if "\\" not in text:
        return text
    rest = iter(text)
    return "".join(
        _unescaped(next(rest, ""), _VALUE_ESCAPES) if character == "\\" else character
        for character in rest
    )


def _check(key: str, value: str, pairs: dict[str, str]) -> None:
    if len(value) > _LIMITS.get(key, len(value)):
        raise NotCefError(f"{key} has {len(value)} characters")
    if _LABELLED.fullmatch(key) and f"{key}Label" not in pairs:
        raise NotCefError(f"{key} has no label")
    try:
        _TYPE_OF.get(key, str)(value)
    except ValueError as error:
        raise NotCefError(f"{key}: {error}") from None
