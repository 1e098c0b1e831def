"""Splits the bytes of a batch, as SLS sent them, into the bytes of its groups.

This module must not know the SDK or protobuf. It gives nothing for bytes that are not as expected.
"""

from __future__ import annotations

__all__ = ["split_groups"]

_GROUP = 0x0A  # the tag of LogGroupList.LogGroups
_LONGEST_LENGTH = 5  # bytes of a length


def split_groups(body: bytes, count: int) -> list[bytes] | None:
    """Split a serialised ``LogGroupList``.

    Args:
        body: The bytes.
        count: The number of groups that the SDK has found in them.

    Returns:
        The bytes of each group; ``None`` if they are not exactly ``count`` groups.
    """
    groups: list[bytes] = []
    place, size = 0, len(body)
    while place < size:
        if body[place] != _GROUP:
            return None
        length, begin = _read_length(body, place + 1)
        place = begin + length
        if not begin or place > size:
            return None
        groups.append(body[begin:place])
    return groups if len(groups) == count else None


def _read_length(body: bytes, place: int) -> tuple[int, int]:
    """Return a length and the place after it; the place is 0 if there is none."""
    length = 0
    for number, octet in enumerate(body[place : place + _LONGEST_LENGTH]):
        length |= (octet & 0x7F) << (7 * number)
        if octet < 0x80:
            return length, place + number + 1
    return 0, 0
