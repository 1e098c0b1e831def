r"""What becomes of a message that is longer than the receiver takes.

Pure. Lengths are bytes, and count the header. Whatever is cut is cut between characters of
UTF-8, and never inside an escape such as ``\n`` or ``\u0085``: half of one is a riddle.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import blake2b

from sls_syslog.errors import MessageTooLongError

__all__ = ["OVERSIZE"]

_SECTION = "RFC 5424 section 6.1"
# What may stand behind the backslash of an escape that is not complete.
_BEGUN = re.compile(rb"(?:u[0-9a-f]{0,3})?")
# The least room that must be left for text: less than that is no use.
_LEAST_ROOM = 64


def _truncate(head: bytes, msg: bytes, limit: int) -> list[bytes]:
    """The beginning of it."""
    return [head + _cut(msg, _room(head, msg, limit))]


def _split(head: bytes, msg: bytes, limit: int) -> list[bytes]:
    """All of it, in several messages with the same header.

    The text of each begins with ``__part__=2/7 __part_id__=0123456789ab``; the id is the same
    in all parts of one message, and the same again when the log is sent again.
    """
    identity = blake2b(head + msg, digest_size=6).hexdigest().encode()
    room = _room(head, msg, limit)
    count = 1
    while True:
        longest = len(_part(count, count, identity))
        pieces = list(_pieces(msg, room - longest))
        if len(str(len(pieces))) <= len(str(count)):
            break
        count = len(pieces)
    return [
        b"%b%b%b" % (head, _part(number, len(pieces), identity), piece)
        for number, piece in enumerate(pieces, 1)
    ]


def _drop(head: bytes, msg: bytes, limit: int) -> list[bytes]:
    """Nothing of it."""
    return []


OVERSIZE: dict[str, tuple[Callable[[bytes, bytes, int], list[bytes]], str]] = {
    "truncate": (_truncate, "truncated"),
    "split": (_split, "split"),
    "drop": (_drop, "dropped_oversize"),
}
"""The policies by their setting's value: what makes messages to send of header, text and limit,
and the name under which it is counted."""


def _part(number: int, count: int, identity: bytes) -> bytes:
    return b"__part__=%d/%d __part_id__=%b " % (number, count, identity)


def _pieces(msg: bytes, size: int) -> Iterator[bytes]:
    begin = 0
    while begin < len(msg):
        piece = _cut(msg[begin : begin + size + 1], size)
        yield piece
        begin += len(piece)


def _room(head: bytes, msg: bytes, limit: int) -> int:
    # Bytes left for text: a header must never be cut, for nobody could read the rest.
    room = limit - len(head)
    if room < _LEAST_ROOM:
        raise MessageTooLongError(len(head) + len(msg), limit, _SECTION)
    return room


def _cut(data: bytes, limit: int) -> bytes:
    """The first ``limit`` bytes at most."""
    if len(data) <= limit:
        return data
    # A continuation byte begins with the bits 10: step back to where the cut character began.
    end = limit
    while data[end] & 0xC0 == 0x80:
        end -= 1
    before, backslash, behind = data[:end].rpartition(b"\\")
    escaped = (len(before) - len(before.rstrip(b"\\"))) % 2  # by the backslash before it
    return before if backslash and not escaped and _BEGUN.fullmatch(behind) else data[:end]
