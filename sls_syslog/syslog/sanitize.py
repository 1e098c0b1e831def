"""Makes any text legal for a header field or a line; bytes become text in ``logs/decode.py``.

Sans-I/O. It must not refuse anything: dirty logs must be shipped too. Each function returns
the nearest legal text, and legal text unchanged, for the cost of one regular expression. It must
not call a function for each character: a log may have ten million of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b

__all__ = [
    "NEWLINES",
    "is_clean",
    "replace_characters",
    "sanitize_header_field",
    "sanitize_rfc3164_hostname",
    "sanitize_rfc3164_tag",
    "sanitize_rfc5424_hostname",
    "sanitize_sd_name",
]

_NOT_SD_NAME = re.compile(r"[^!#-<>-\\^-~]")
_NOT_PRINTUSASCII = re.compile(r"[^!-~]")
# Legal, but syslog-ng refuses them: brackets, and colons outside an IPv6 address.
_REFUSED_HOSTNAME = re.compile(r"[\[\]]|[^0-9A-Fa-f:].*:")
_REFUSED_HOSTNAME_PART = re.compile(r"[\[\]:]")
# SC4S and QRadar read any other hostname of RFC 3164, such as an IPv6 address, as text.
_NOT_HOSTNAME_RFC3164 = re.compile(r"[^A-Za-z0-9_.-]")
# These characters end a TAG, which has at most 32 characters (RFC 3164 4.1.3).
_NOT_TAG = re.compile(r"[^A-Za-z0-9_./-]")

# Some receivers end a line or message at these characters, drop them or rewrite them:
# C0 but TAB, DEL, C1 (with NEL), LINE SEPARATOR and PARAGRAPH SEPARATOR.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# The same in UTF-8: single bytes, and pairs or triples of bytes. Most text has neither the
# single bytes nor the first bytes of the others.
_CONTROL_BYTES = bytes({*range(0x20), 0x7F} - {0x09})
_NO_CONTROL_BYTES = bytes(0x20 if byte in _CONTROL_BYTES else byte for byte in range(256))
_CONTROL_PAIRS = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r"}
_CONTROL_CODES = (*range(0x09), *range(0x0A, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
_ESCAPES = {code: _SHORT_ESCAPES.get(chr(code), f"\\u{code:04x}") for code in _CONTROL_CODES}
_SPACES = dict.fromkeys(_CONTROL_CODES, " ")
# Characters to replace one after the other. Each takes a quarter of the time of `translate`, but a
# text may have all of them.
_MAX_REPLACED = 4


def sanitize_header_field(text: str, limit: int) -> str:
    """Make a header field of RFC 5424: ``_`` for an illegal character, ``-`` for no text."""
    return _NOT_PRINTUSASCII.sub("_", text[:limit]) or "-"


def sanitize_rfc5424_hostname(text: str) -> str:
    """Make a HOSTNAME of RFC 5424 that every receiver accepts."""
    legal = sanitize_header_field(text, 255)
    return _REFUSED_HOSTNAME_PART.sub("_", legal) if _REFUSED_HOSTNAME.search(legal) else legal


def sanitize_rfc3164_hostname(text: str) -> str:
    """Make a HOSTNAME of RFC 3164: ``unknown`` for no text, since it has no NILVALUE.

    It begins with a letter or digit, because grok refuses any other hostname, and ends in one,
    because rsyslog reads any other hostname as the TAG.
    """
    return _NOT_HOSTNAME_RFC3164.sub("-", text[:255]).strip("-_.") or "unknown"


def sanitize_rfc3164_tag(text: str) -> str:
    """Make a TAG of RFC 3164."""
    return _NOT_TAG.sub("_", text[:32]) or "-"


def sanitize_sd_name(text: str) -> str:
    """Make an SD-ID or PARAM-NAME of RFC 5424 (section 6.3.3).

    A changed name ends in a digest of the text, so that two names never become one.
    """
    legal = _NOT_SD_NAME.sub("_", text[:32])
    if legal == text and text:
        return text
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"{legal[:23]}_{digest}"


def replace_characters(text: str, any_of: re.Pattern[str], table: Mapping[int, str]) -> str:
    """Replace characters, quickly if most of the text stays.

    Args:
        text: Any text.
        any_of: Finds one of the characters.
        table: What to write for each character, by its code; it must write none of them again.
    """
    start = 0
    for _ in range(_MAX_REPLACED):
        found = any_of.search(text, start)
        if found is None:
            return text
        text = text.replace(found[0], table[ord(found[0])])
        start = found.start()
    return text.translate(table)


def is_clean(text: bytes) -> bool:
    """Whether this UTF-8 has nothing that a newline policy would change."""
    if text.translate(_NO_CONTROL_BYTES) != text:  # quicker than a regular expression
        return False
    # Numbers: `in` takes four times as long for a byte string.
    return not (0xC2 in text or 0xE2 in text) or not _CONTROL_PAIRS.search(text)


def _escape(text: str) -> str:
    r"""Write line feed as ``\n``, carriage return as ``\r``, all others like ``\u0085``.

    JSON reads these escapes back, so a JSON payload keeps its meaning.
    """
    return text if text.isprintable() else replace_characters(text, _CONTROL, _ESCAPES)


def _replace(text: str) -> str:
    """Write a space for each control character."""
    return text if text.isprintable() else replace_characters(text, _CONTROL, _SPACES)


def _keep(text: str) -> str:
    """Change nothing; only octet counting can carry such text."""
    return text


NEWLINES: dict[str, Callable[[str], str]] = {
    "escape": _escape,
    "space": _replace,
    "keep": _keep,
}
"""What happens to line separators and other control characters, by the value of ``newlines``."""
