"""The types that ``rows.py`` and the writers of ``payloads`` share: rows of logs and columns.

A ``Layout`` says as data what a ``Writer`` does, so that the compiled helper can do it.

This module must not know protobuf.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias

__all__ = [
    "BETWEEN",
    "NO_ROW",
    "Columns",
    "Escape",
    "Layout",
    "LayoutPayload",
    "Row",
    "RowPayload",
    "Shape",
    "Slot",
    "Writer",
]

BETWEEN = b"\x12"
"""Separates values that are joined, so that one call can handle all of them. It is a control
character: rare in values, and a log with one must take the slow path in any case."""

Columns: TypeAlias = Sequence[tuple[str, str | None]]
"""The fields that some logs share, as name and text; ``None`` if each log has its own text."""

Writer: TypeAlias = Callable[[tuple[bytes, ...]], bytes | None]
"""Writes the MSG part of a log. It is called with the values, in UTF-8, of the columns without
text, and returns ``None`` if this log needs the slow path."""

Escape: TypeAlias = Literal["copy", "json", "quotes"]
"""How a value is written: as it is; as the inside of a string of JSON; or as ``KeyValuePayload``
quotes it, which needs the separator."""


class Slot(NamedTuple):
    """The place of a value in a text.

    Attributes:
        place: The place among the values that a ``Writer`` is called with.
        escape: How to write it.
        separator: The separator, for ``quotes``.
    """

    place: int
    escape: Escape = "copy"
    separator: str = ""


Layout: TypeAlias = "Sequence[str | Slot]"
"""The MSG part of logs with the same fields: texts that all of them have, and values."""

Row: TypeAlias = "tuple[Shape | None, int, int, tuple[bytes, ...]]"
"""A log: its shape, seconds since 1970, nanoseconds, and its values, unchecked. The shape is
``None`` if the log must be read from the SDK's objects; the rest then means nothing."""

NO_ROW: Row = (None, 0, 0, ())
"""The row of a log that must be read from the SDK's objects."""


@dataclass(frozen=True, eq=False)
class Shape:
    """What logs with the same keys in the same order share: one object for all of them.

    Attributes:
        keys: The keys. They are distinct, and none can impersonate SLS metadata.
    """

    keys: tuple[str, ...]


class RowPayload(Protocol):
    """A payload that can also write rows; it must write the same as when it is called."""

    def writer(self, columns: Columns) -> Writer | None:
        """Make a writer of logs with these fields; return ``None`` if the payload cannot."""


class LayoutPayload(Protocol):
    """A payload that writes each log with the same fields by the same layout."""

    def layout(self, columns: Columns) -> Layout | None:
        """Make the layout of logs with these fields; return ``None`` if the payload cannot."""
