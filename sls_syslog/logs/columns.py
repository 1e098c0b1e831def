"""The types that ``rows.py`` and the writers of ``payloads`` share: rows of logs and columns.

A ``Layout`` or ``EventLayout`` says as data what a ``Writer`` does, so that the compiled helper can
do it.

This module must not know protobuf.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple, Protocol, TypeAlias

__all__ = [
    "BETWEEN",
    "NO_ROW",
    "Answer",
    "Columns",
    "Copy",
    "Escape",
    "EventLayout",
    "EventPart",
    "Fact",
    "FactKind",
    "Form",
    "JsonPath",
    "Layout",
    "LayoutPayload",
    "Question",
    "Row",
    "RowPayload",
    "Shape",
    "SimplePart",
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


class Form(IntEnum):
    """What a value must look like to be copied into an event, or how it is copied.

    A value in its form needs no conversion and no check by the mapping. A number has no sign and no
    zero in front.
    """

    TEXT = 0
    ADDRESS = 1
    """An IPv4 address."""
    PORT = 2
    """A number up to 65535."""
    NUMBER = 3
    """A number of at most nine digits: it fits into 31 bits."""
    LONG = 4
    """A number of at most 18 digits: it fits into 63 bits."""
    DECIMAL = 5
    """Digits, perhaps with a fraction."""
    TIME = 6
    """Milliseconds since 1970, with 13 digits; or a time such as ``2026-11-03T04:00:05.123Z``, with
    any offset, which is written as milliseconds. A limit is one of the value in the log."""
    SECONDS = 7
    """Seconds since 1970, with 10 digits."""
    MILLISECONDS = 8
    """Nanoseconds of a second, as SLS has them; their milliseconds are written, with 3 digits."""

    HOST = 9
    """A host without a port: a text without a colon that has a dot, or begins with a letter."""
    PATH = 10
    """A text that begins with a slash."""
    DECODED = 11
    """A value that is written URL-decoded, as ``urllib.parse.unquote`` does. In this form, and in
    the next three, what is written must be a value that could be copied itself."""
    NAME = 12
    """A path; the part after the last ``/`` is written."""
    DECODED_NAME = 13
    """The same after URL-decoding."""
    NAME_OF_ANY = 14
    """A path; the part after the last ``/`` or backslash is written."""


class FactKind(IntEnum):
    """What of a log decides how a part of its event is written."""

    VALUE = 0
    """The value of a field."""
    PRESENT = 1
    """Whether a field has a value: one that is neither empty nor ``-``."""
    SAME = 2
    """Whether two fields have the same value."""
    WORD = 3
    """The ASCII letters with which the value of a field begins; all of it without such letters."""


class JsonPath(NamedTuple):
    """A value inside the JSON of a field.

    Attributes:
        place: The place of the field among the values that a ``Writer`` is called with.
        path: The keys that lead to the value, with dots between them, as ``payloads.fields.Fields``
            reads them. None is empty, and a number has no zero in front.
    """

    place: int
    path: str


class Fact(NamedTuple):
    """A fact of a log.

    Attributes:
        kind: What it is about.
        place: The place of the field in ``EventLayout.places``.
        other: The place of the second field, for ``SAME``.
    """

    kind: FactKind
    place: int
    other: int = 0


class Copy(NamedTuple):
    """The place in an event to which a value is copied.

    Attributes:
        place: The place of the field in ``EventLayout.places``.
        form: The form that the value must have.
    """

    place: int
    form: Form


Answer: TypeAlias = "tuple[int, tuple[bytes | Copy, ...]] | None"
"""The text of a part of an event, and the most bytes that its copied values may have together; -1
for no limit. ``None`` if there is no such text."""


class Question(NamedTuple):
    """Finds the text of a part of an event.

    Attributes:
        facts: What decides.
        answers: The answers. The key has ``BETWEEN`` between the facts: the value, the word, ``1``
            for yes and ``b""`` for no. The mapping makes an answer that it does not hold.
    """

    facts: tuple[Fact, ...]
    answers: Mapping[bytes, Answer]


class SimplePart(NamedTuple):
    """The text of a part that copies one field, and is empty without it.

    Attributes:
        before: What stands before the value.
        copy: The value.
        behind: What stands behind the value.
        room: The most bytes of the value; -1 for no limit.
    """

    before: bytes
    copy: Copy
    behind: bytes
    room: int


class EventPart(NamedTuple):
    """A part of an event whose text differs from log to log.

    Attributes:
        usual: The text, or what finds it.
        exact: Finds the text if ``usual`` has none, or a value is not in its form, or has no room;
            ``None`` if nothing does.
        is_found: Whether a text shows that the mapping fits the log.
    """

    usual: SimplePart | Question
    exact: Question | None
    is_found: bool


@dataclass(frozen=True, eq=False)
class EventLayout:
    """How to write the events of logs with the same fields.

    Only values without white space around them can be written so, and without control characters
    other than TAB, line feed and carriage return.
    Where a part has no text, the payload must write the log; also if no part has shown that the
    mapping fits the log.

    Attributes:
        places: The values that are used: places among the values that a ``Writer`` is called with,
            and paths into the JSON of these.
        head: Finds what stands before and after the parts.
        parts: The parts in order; bytes are the same in every event.
        special: Bytes that cannot be copied as they are. If the backslash is one of them, it is
            the first.
        replacements: What is written for each of these bytes. A value that begins or ends with a
            byte that becomes a space has no form.
        is_found: Whether the mapping fits every log with these fields.
    """

    places: tuple[int | JsonPath, ...]
    head: Question
    parts: tuple[bytes | EventPart, ...]
    special: bytes
    replacements: tuple[bytes, ...]
    is_found: bool


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

    def layout(self, columns: Columns) -> Layout | EventLayout | None:
        """Make the layout of logs with these fields; return ``None`` if the payload cannot."""
