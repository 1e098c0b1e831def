"""Makes the text of a log fit a number of bytes, without a false value.

Sans-I/O. A text that is cut anywhere may end in half an address or half a number. So the payload
tells the parts of its text, and this module chooses which parts stay. It must not know a format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

__all__ = [
    "LEAST_TEXT",
    "MARK",
    "Group",
    "Measure",
    "Part",
    "ShortPayload",
    "cut",
    "find_least",
    "fit_header",
]

MARK = "..."
"""The end of a value that was cut."""

LEAST_TEXT = 32
"""Characters, with the mark, to which free text is cut at most. Fewer are of no use to a reader."""

# Characters of the longest value that is never cut if nothing is known about its key. A host name
# has at most 253, and no address, hash, number or time has as many. A longer value is free text.
_LONGEST_NAME = 255

Measure: TypeAlias = Callable[[str], int]
"""Returns the bytes of a text on the wire. Two texts together have the sum of their bytes."""


class ShortPayload(Protocol):
    """A payload that can also make a shorter text."""

    def shorten(self, log: Mapping[str, str], room: int, measure: Measure) -> str | None:
        """Make a shorter MSG part of one log, in which every value is true.

        Args:
            log: The log.
            room: The most bytes.
            measure: Measures the bytes of a text.

        Returns:
            The text; ``None`` if no such text fits. Then the whole text is cut.
        """


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a text that stays or goes as a whole: most often a key with its value.

    Attributes:
        before: The text before the value, such as its key.
        value: The value, before it is escaped.
        behind: The text after the value, such as its label.
        least: The fewest characters of the value, with the mark; ``None`` if it must not be cut.
        write: Escapes a value.
    """

    before: str
    value: str
    behind: str = ""
    least: int | None = None
    write: Callable[[str], str] = str

    @property
    def can_be_cut(self) -> bool:
        """Whether a shorter form of the value can be written."""
        return self.least is not None and self.least < len(self.value)

    @property
    def least_size(self) -> int:
        """Bytes that the part has at least: no character takes less than a byte."""
        kept = self.least if self.least is not None and self.can_be_cut else len(self.value)
        return len(self.before) + kept + len(self.behind)

    def format(self, limit: int) -> str:
        """Write the part, with at most this many characters of the value if it can be cut."""
        value = self.value
        if self.can_be_cut and limit < len(value):
            value = cut(value, max(limit, self.least or 0))
        return f"{self.before}{self.write(value)}{self.behind}"


@dataclass(frozen=True, eq=False)
class Group:
    """Parts that stand together, such as the members of a JSON object.

    Attributes:
        start: The text before the first part.
        parts: The parts, the most important first. Groups can be parts.
        between: The text between two parts.
        end: The text after the last part.
        must: How many of the first parts every text must have.
    """

    start: str
    parts: Sequence[Part | Group]
    between: str
    end: str
    must: int = 0

    def shorten(self, room: int, measure: Measure) -> str | None:
        """Write as many parts as fit.

        Parts that cannot be cut are chosen first, in their order; then free text. Free text is cut
        to the same number of characters everywhere, the largest that fits.

        Args:
            room: The most bytes of the text.
            measure: Measures bytes.

        Returns:
            The text; ``None`` if not even the start, the end and the parts fit that must stay.
        """
        leaves = list(_list_leaves(self, ()))
        order = [*leaves[: self.must], *sorted(leaves[self.must :], key=_can_be_cut)]
        chosen: set[Part | Group] = {self}
        texts: list[Part] = []  # the chosen parts that can be cut
        left = room - measure(self.start + self.end)
        if left < 0:
            return None
        for number, (leaf, around) in enumerate(order):
            if leaf.least_size <= left:  # quick, for logs with very many fields
                groups = [group for group in around if group not in chosen]
                holder = around[-1 - len(groups)]
                size = measure(leaf.format(0)) + sum(
                    measure(group.start + group.end) for group in groups
                )
                if holder is not self or len(chosen) > 1:  # it has a part already
                    size += measure(holder.between)
                if size <= left:
                    chosen.update((leaf, *groups))
                    left -= size
                    if leaf.can_be_cut:
                        texts.append(leaf)
                    continue
            if number < self.must:
                return None
        return self._format(chosen, _find_limit(texts, left, measure))

    def _format(self, chosen: set[Part | Group], limit: int) -> str:
        parts = (
            part._format(chosen, limit) if isinstance(part, Group) else part.format(limit)
            for part in self.parts
            if part in chosen
        )
        return f"{self.start}{self.between.join(parts)}{self.end}"


_Leaf: TypeAlias = "tuple[Part, tuple[Group, ...]]"
"""A part, and the groups that hold it, from the outermost."""


def _list_leaves(group: Group, around: tuple[Group, ...]) -> Iterator[_Leaf]:
    around = (*around, group)
    for part in group.parts:
        if isinstance(part, Group):
            yield from _list_leaves(part, around)
        else:
            yield part, around


def _find_limit(texts: Sequence[Part], left: int, measure: Measure) -> int:
    """Find to how many characters texts must be cut.

    Args:
        texts: The texts.
        left: Bytes that they may have besides those of the shortest form.
        measure: Measures bytes.
    """
    room = sum(measure(part.format(0)) for part in texts) + left
    longest = max((len(part.value) for part in texts), default=0)
    fits, too_many = 0, min(longest, room) + 1  # no character takes less than a byte
    while too_many - fits > 1:
        limit = (fits + too_many) // 2
        if sum(measure(part.format(limit)) for part in texts) <= room:
            fits = limit
        else:
            too_many = limit
    return fits


def _can_be_cut(leaf: _Leaf) -> bool:
    return leaf[0].can_be_cut


def find_least(value: str) -> int | None:
    """Find to how many characters a value of unknown meaning may be cut, with the mark.

    Returns:
        The fewest characters that must stay; ``None`` if half of the value could be a false one.
    """
    return LEAST_TEXT if len(value) > _LONGEST_NAME else None


def cut(value: str, limit: int) -> str:
    """Cut a value to a number of characters, with the mark."""
    return value if len(value) <= limit else value[: limit - len(MARK)] + MARK


def fit_header(
    make_parts: Callable[[int | None], Sequence[Part]], room: int, measure: Measure
) -> str | None:
    """Write the header of an event; cut its identifier only if it does not fit in any other way.

    Args:
        make_parts: Makes the parts of the header from ``least`` of the identifier.
        room: The most bytes.
        measure: Measures bytes.

    Returns:
        The header; ``None`` if the parts that must not be cut are too long.
    """
    for least in (None, LEAST_TEXT):
        parts = make_parts(least)
        header = Group("", parts, "", "", must=len(parts)).shorten(room, measure)
        if header is not None:
            return header
    return None
