"""Separates messages on a stream (RFC 6587 section 3.4).

Sans-I/O: bytes to bytes. A datagram needs no framing (RFC 5426 section 3.1).
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = [
    "FRAMINGS",
    "LARGEST_DATAGRAM",
    "frame_as_datagram",
    "frame_by_newline",
    "frame_by_octet_count",
]

LARGEST_DATAGRAM = 65_507
"""Bytes that a UDP datagram can carry: 65535 less the headers of IPv4 and UDP."""


def frame_by_newline(message: bytes) -> bytes:
    """End the message with a line feed: non-transparent framing (RFC 6587 section 3.4.2).

    The message must not contain a line feed; the newline policy removes them.
    """
    return message + b"\n"


def frame_by_octet_count(message: bytes) -> bytes:
    """Put the length in bytes first (RFC 6587 section 3.4.1, RFC 5425 section 4.3)."""
    return b"%d %b" % (len(message), message)


def frame_as_datagram(message: bytes) -> bytes:
    """Return the message as it is: one datagram, or one RELP frame, carries one message."""
    return message


FRAMINGS: dict[str | None, Callable[[bytes], bytes]] = {
    "newline": frame_by_newline,
    "octet-counting": frame_by_octet_count,
    None: frame_as_datagram,
}
"""The framings by the value of the setting ``framing``; ``None`` is for UDP and RELP."""
