r"""Shortens, splits or drops a message that is longer than the limit.

Sans-I/O. Lengths are bytes and include the header. It must not cut inside a UTF-8 character
or an escape such as ``\n`` or ``\u0085``: the rest would be unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import blake2b

from sls_syslog.errors import MessageTooLongError

__all__ = ["OVERSIZE"]

_SECTION = "RFC 5424 section 6.1"
# What follows the backslash of an escape that is not complete.
_INCOMPLETE_ESCAPE = re.compile(rb"(?:u[0-9a-f]{0,3})?")
# The fewest bytes to leave for text; fewer are of no use to a reader.
_LEAST_ROOM = 64
# Bytes of the longest header without STRUCTURED-DATA: 255 of HOSTNAME, 48 of APP-NAME, 128 of
# PROCID, 32 of MSGID, and 49 of the rest with a byte order mark.
_LONGEST_HEADER = 512


def _truncate(head: bytes, msg: bytes, limit: int) -> list[bytes]:
    """Keep the beginning."""
    return [head + _cut(msg, _compute_room(head, msg, limit))]


def _split(head: bytes, msg: bytes, limit: int) -> list[bytes]:
    """Keep everything, in several messages with the same header.

    The text of each begins with ``__part__=2/7 __part_id__=0123456789ab``. All parts of a
    message have the same id, and they have it again when the log is sent again. Each part has at
    least as many bytes of text as of a header with STRUCTURED-DATA: so the parts of a message are
    at most about twice as long as the message.
    """
    part_id = blake2b(head + msg, digest_size=6).hexdigest().encode()
    least = max(_LEAST_ROOM, len(head) if len(head) > _LONGEST_HEADER else 0)
    count = 1
    while True:  # a count with more digits leaves less room for text
        longest = len(_format_prefix(count, count, part_id))
        pieces = list(_split_pieces(msg, _compute_room(head, msg, limit, longest, least)))
        if len(str(len(pieces))) <= len(str(count)):
            break
        count = len(pieces)
    return [
        b"%b%b%b" % (head, _format_prefix(number, len(pieces), part_id), piece)
        for number, piece in enumerate(pieces, 1)
    ]


def _drop(head: bytes, msg: bytes, limit: int) -> list[bytes]:
    """Keep nothing."""
    return []


OVERSIZE: dict[str, tuple[Callable[[bytes, bytes, int], list[bytes]], str]] = {
    "truncate": (_truncate, "truncated"),
    "split": (_split, "split"),
    "drop": (_drop, "dropped_oversize"),
}
"""The policies by the value of the setting ``oversize``: a function that makes the messages from
header, text and limit, and the name of its counter."""


def _format_prefix(number: int, count: int, part_id: bytes) -> bytes:
    return b"__part__=%d/%d __part_id__=%b " % (number, count, part_id)


def _split_pieces(msg: bytes, size: int) -> Iterator[bytes]:
    begin = 0
    while begin < len(msg):
        piece = _cut(msg[begin : begin + size + 1], size)
        yield piece
        begin += len(piece)


def _compute_room(
    head: bytes, msg: bytes, limit: int, prefix: int = 0, least: int = _LEAST_ROOM
) -> int:
    # The bytes left for text: the header must never be cut.
    room = limit - len(head) - prefix
    if room < least:
        raise MessageTooLongError(len(head) + len(msg), limit, _SECTION)
    return room


def _cut(data: bytes, limit: int) -> bytes:
    """Keep at most ``limit`` bytes."""
    if len(data) <= limit:
        return data
    # A continuation byte begins with the bits 10: step back to the first byte of the character.
    end = limit
    while data[end] & 0xC0 == 0x80:
        end -= 1
    before, backslash, behind = data[:end].rpartition(b"\\")
    is_escaped = (len(before) - len(before.rstrip(b"\\"))) % 2  # by another backslash before it
    cuts_escape = backslash and not is_escaped and _INCOMPLETE_ESCAPE.fullmatch(behind)
    return before if cuts_escape else data[:end]
