"""Turns what a log may hold into what a header or a line may carry.

Pure. Logs are dirty and must be shipped all the same, so nothing here refuses:
every function returns the nearest legal text, and text that is legal already
comes back as it is, which is the common case and costs one regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b

__all__ = [
    "NEWLINES",
    "is_clean",
    "sanitize_header_field",
    "sanitize_rfc3164_hostname",
    "sanitize_rfc3164_tag",
    "sanitize_rfc5424_hostname",
    "sanitize_sd_name",
]

_NOT_SD_NAME = re.compile(r"[^!#-<>-\\^-~]")
_NOT_PRINTUSASCII = re.compile(r"[^!-~]")
# syslog-ng refuses brackets, and colons that are not in an IPv6 address, legal as they are.
_REFUSED_HOSTNAME = re.compile(r"[\[\]]|[^0-9A-Fa-f:.].*:")
_REFUSED_HOSTNAME_PART = re.compile(r"[\[\]:]")
# SC4S and QRadar take anything else in a RFC 3164 header, an IPv6 address say, for text.
_NOT_HOSTNAME_RFC3164 = re.compile(r"[^A-Za-z0-9_.-]")
# A TAG ends at its first character that is none of these; 32 characters (RFC 3164 4.1.3).
_NOT_TAG = re.compile(r"[^A-Za-z0-9_./-]")

# What ends a line or a message for some receiver, or is dropped or rewritten on the way:
# C0 but TAB, DEL, C1 (with NEL), LINE SEPARATOR and PARAGRAPH SEPARATOR.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# The same in UTF-8: these bytes by themselves, and those of two or three bytes only together;
# most text has neither of their first bytes.
_CONTROL_BYTES = bytes({*range(0x20), 0x7F} - {0x09})
_NO_CONTROL_BYTES = bytes(0x20 if byte in _CONTROL_BYTES else byte for byte in range(256))
_CONTROL_PAIRS = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r"}


def sanitize_header_field(text: str, limit: int) -> str:
    """``text`` as a header field of RFC 5424: ``_`` for what is illegal, ``-`` for nothing."""
    return _NOT_PRINTUSASCII.sub("_", text)[:limit] or "-"


def sanitize_rfc5424_hostname(text: str) -> str:
    """``text`` as HOSTNAME of RFC 5424, of those that every receiver takes."""
    legal = sanitize_header_field(text, 255)
    return _REFUSED_HOSTNAME_PART.sub("_", legal) if _REFUSED_HOSTNAME.search(legal) else legal


def sanitize_rfc3164_hostname(text: str) -> str:
    """``text`` as HOSTNAME of RFC 3164; ``unknown`` for nothing, since it has no NILVALUE.

    rsyslog takes one that does not end in a letter or digit for the TAG.
    """
    return _NOT_HOSTNAME_RFC3164.sub("-", text)[:255].rstrip("-_.") or "unknown"


def sanitize_rfc3164_tag(text: str) -> str:
    """``text`` as TAG of RFC 3164."""
    return _NOT_TAG.sub("_", text)[:32] or "-"


def sanitize_sd_name(text: str) -> str:
    """``text`` as SD-ID or PARAM-NAME of RFC 5424 (section 6.3.3).

    What had to be changed ends in a digest of what it was, so that two names stay two.
    """
    legal = _NOT_SD_NAME.sub("_", text)
    if legal == text and 0 < len(text) <= 32:
        return text
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"{legal[:23]}_{digest}"


def is_clean(text: bytes) -> bool:
    """Whether a newline policy would find nothing in this UTF-8."""
    if text.translate(_NO_CONTROL_BYTES) != text:  # quicker than a regular expression
        return False
    return not (b"\xc2" in text or b"\xe2" in text) or not _CONTROL_PAIRS.search(text)


def _escaped(text: str) -> str:
    r"""Line feed as ``\n``, carriage return as ``\r``, all else as ``\u0085`` and the like.

    JSON reads these escapes back, so a JSON payload stays the same JSON.
    """
    return text if text.isprintable() else _CONTROL.sub(_escape, text)  # which takes longer


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04x}"


def _spaced(text: str) -> str:
    """A space for each of them."""
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def _kept(text: str) -> str:
    """As it is: only octet counting can carry that."""
    return text


NEWLINES: dict[str, Callable[[str], str]] = {
    "escape": _escaped,
    "space": _spaced,
    "keep": _kept,
}
"""What happens to line separators and other control characters, by the setting's value."""
