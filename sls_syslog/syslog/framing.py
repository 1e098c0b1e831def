"""How messages are told apart on a stream (RFC 6587 section 3.4).

Pure: bytes to bytes. A datagram needs none of this (RFC 5426 section 3.1).
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["FRAMINGS", "LARGEST_DATAGRAM"]

LARGEST_DATAGRAM = 65_507
"""Bytes that UDP can carry: 65535 less the headers of IPv4 and UDP."""


def frame_by_newline(message: bytes) -> bytes:
    """A line feed behind each message: non-transparent framing (RFC 6587 section 3.4.2).

    The message itself must hold no line feed; the newline policy sees to that.
    """
    return message + b"\n"


def frame_by_octet_count(message: bytes) -> bytes:
    """Its length in bytes before each message (RFC 6587 section 3.4.1, RFC 5425 section 4.3)."""
    return b"%d %b" % (len(message), message)


def frame_as_datagram(message: bytes) -> bytes:
    """The message alone: one datagram carries one message."""
    return message


FRAMINGS: dict[str | None, Callable[[bytes], bytes]] = {
    "newline": frame_by_newline,
    "octet-counting": frame_by_octet_count,
    None: frame_as_datagram,
}
"""The framings by their setting's value; ``None`` is what UDP has."""
