"""``FastPath``: encodes the rows of a group to frames, for logs that need no change.

Nearly all logs are such: the settings fix the header except for its time, no hook is overridden,
the payload can write rows, and nothing must be escaped. All others take the slow path of
``LogEncoder``. The fast path must write the same bytes as the slow path, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TypeAlias, TypeGuard

from sls_syslog.encoding.group_reader import GroupReader
from sls_syslog.logs import protobuf
from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.columns import Columns, Row, Shape, Writer
from sls_syslog.logs.groups import Group
from sls_syslog.syslog.framing import FRAMINGS
from sls_syslog.syslog.sanitize import is_clean

__all__ = ["LOGS_BEFORE_WRITER", "FastPath", "Kind", "Origin", "Run", "is_legal"]

LOGS_BEFORE_WRITER = 20
"""Logs of one kind that take the slow path before a writer is made for the kind. Making a writer
takes as long as some logs on the slow path: 0.02 ms, and 0.5 to 3 ms for CEF."""

# Stands for a message that the slow path has to write; no message is empty.
_SLOW = b""

Run: TypeAlias = "tuple[list[bytes], int | None]"
"""The frames of logs that follow one another, and the number in the group of the log after them,
which needs the slow path; ``None`` after the last logs."""

_Pair: TypeAlias = tuple[protobuf.Text, protobuf.Text]

Kind: TypeAlias = "Shape | tuple[Shape, tuple[str, ...]]"
"""A kind of logs: their shape; with the names of their fields before the tags, if they have any."""

_Writers: TypeAlias = "LogCache[Kind, Writer]"

_Start: TypeAlias = tuple[bytes, tuple[bytes]]
"""A message up to its text, and the first value of its row, the seconds."""


class FastPath:
    """Encodes groups of logs whose headers differ only in their time.

    Args:
        reader: Reads the rows of a group.
        before: The part of each message before the time.
        behind: The part between the time and the text.
        make_writer: The payload's method that makes a writer of logs with these fields; it returns
            ``None`` if it cannot.
        stamp: Formats the time for the header, from seconds since 1970 and nanoseconds.
        framing: The setting ``framing``.
        limit: The most bytes that a message may have; ``None`` for no limit.
        logs_before_writer: Logs of one kind that take the slow path before a writer is made.

    Attributes:
        how: How plain logs are encoded, in words: with the compiled helper, or why without.
        rows: The rows of the group that is encoded, if they were read; empty otherwise.
    """

    how = "in pure Python"

    def __init__(
        self,
        reader: GroupReader,
        before: str,
        behind: str,
        make_writer: Callable[[Columns], Writer | None],
        stamp: Callable[[int, int], str],
        framing: str | None,
        limit: int | None,
        logs_before_writer: int = LOGS_BEFORE_WRITER,
    ) -> None:
        self._reader = reader
        self._before = before
        self._behind = behind
        self._make_writer = make_writer
        self._stamp = stamp
        self._framing = framing
        self._frame = FRAMINGS[framing]
        self._is_joined = framing == "newline"
        self._limit = limit
        self._logs_before_writer = logs_before_writer
        self._origin: Origin | None = None
        self._writers: _Writers | None = None
        self.rows: Sequence[Row] = ()
        self._seen: LogCache[Kind, Iterator[int]] = LogCache(lambda kind: count(1), _weigh_kind)

    def lower_limit(self, limit: int) -> None:
        """Write no message longer than ``limit`` bytes from now on."""
        self._limit = limit if self._limit is None else min(limit, self._limit)

    def encode_group(
        self,
        group: Group,
        event_id: Callable[[int], str] | None,
    ) -> Iterator[Run]:
        """Encode and frame the logs of a group in order, and name those for the slow path.

        Args:
            group: The group.
            event_id: Makes the id of a log from its number in the group; ``None`` for no ids.

        Yields:
            The runs of the group.
        """
        self.rows = self._reader.read_rows(group)
        try:
            messages = self._write_messages(group, event_id)
            begin = 0
            for number in [number for number, message in enumerate(messages) if not message]:
                yield self._frame_all(messages[begin:number]), number
                begin = number + 1
            yield self._frame_all(messages[begin:]), None
        finally:
            self.rows = ()  # also if the group is left early, at a log that is held

    def _write_messages(self, group: Group, event_id: Callable[[int], str] | None) -> list[bytes]:
        """Write the message of each log of a group, or ``_SLOW``."""
        writers = self._find_writers(group)
        if writers is None:
            return [_SLOW] * group.logs
        starts: dict[int, _Start] = {}  # by seconds, which many logs share
        messages: list[bytes] = []
        for number, row in enumerate(self.rows):
            shape, seconds, nanoseconds, values = row
            if shape is None:
                messages.append(_SLOW)
                continue
            if nanoseconds or event_id:
                messages.append(self._write_extended(writers, shape, row, number, event_id))
                continue
            write = writers.get(shape) or self._find_writer(writers, shape)
            if write is _write_nothing:  # before the start, which a log for the slow path needs not
                messages.append(_SLOW)
                continue
            if seconds not in starts:
                starts[seconds] = self._make_start(seconds, 0)
            start, first = starts[seconds]
            text = write(first + values)
            messages.append(_SLOW if text is None else start + text)
        return self._check(messages)

    def _write_extended(
        self,
        writers: _Writers,
        shape: Shape,
        row: Row,
        number: int,
        event_id: Callable[[int], str] | None,
    ) -> bytes:
        """Write a log that has nanoseconds or an id; these fields come before the tags."""
        _, seconds, nanoseconds, values = row
        extra: dict[str, bytes] = {}
        if nanoseconds:
            extra["__time_ns_part__"] = str(nanoseconds).encode()
        if event_id is not None:
            extra["__event_id__"] = event_id(number).encode()
        kind = (shape, tuple(extra))
        write = writers.get(kind) or self._find_writer(writers, kind)
        start, first = self._make_start(seconds, nanoseconds)
        text = write((*first, *extra.values(), *values))
        return _SLOW if text is None else start + text

    def _find_writers(self, group: Group) -> _Writers | None:
        """Return the writers of logs with the origin of a group."""
        origin = self._read_origin(group)
        if origin is not None and self._writers is None:
            make, size = partial(_make_writer, self._make_writer, origin), origin.weigh()
            self._writers = LogCache(make, lambda kind: size + _weigh_kind(kind))
        return self._writers

    def _read_origin(self, group: Group) -> Origin | None:
        """Read the origin of a group; keep the one before if they are equal."""
        origin = Origin.read(group)
        if self._origin != origin:  # a group is often like the one before
            self._origin, self._writers = origin, None
        return self._origin

    def _find_writer(self, writers: _Writers, kind: Kind) -> Writer:
        """Return the writer of a kind of logs; make it if the kind came often enough."""
        return _write_nothing if self._is_rare(kind) else writers[kind]

    def _is_rare(self, kind: Kind) -> bool:
        """Whether a kind of logs came too rarely to prepare for it; count one more."""
        return next(self._seen[kind]) <= self._logs_before_writer

    def _make_start(self, seconds: int, nanoseconds: int) -> _Start:
        stamp = self._stamp(seconds, nanoseconds)
        return f"{self._before}{stamp}{self._behind}".encode(), (str(seconds).encode(),)

    def _check(self, messages: list[bytes]) -> list[bytes]:
        """Replace messages that are too long, or hold illegal characters, by ``_SLOW``."""
        limit = self._limit
        if limit is None or max(map(len, messages), default=0) <= limit:
            if is_legal(b"".join(messages)):
                return messages
            limit = None
        return [
            message if (limit is None or len(message) <= limit) and is_legal(message) else _SLOW
            for message in messages
        ]

    def _frame_all(self, messages: list[bytes]) -> list[bytes]:
        """Frame messages; under newline framing, join them into one piece."""
        if self._is_joined:
            return [b"\n".join([*messages, b""])] if messages else []
        return [self._frame(message) for message in messages]


@dataclass
class Origin:
    """What SLS says about all logs of a group.

    Attributes:
        first: Topic and source, as fields.
        tags: The tags, as fields.
    """

    first: list[tuple[str, str]]
    tags: list[tuple[str, str]]

    @classmethod
    def read(cls, group: Group) -> Origin | None:
        """Read the origin of a group; ``None`` if a part is not text, or a tag occurs twice."""
        first: list[_Pair] = [("__topic__", group.topic), ("__source__", group.source)]
        pairs = [*first, *group.tags]
        if not _are_str(pairs):
            return None
        tags = {f"__tag__:{name}": value for name, value in pairs[2:]}
        if len(tags) != len(pairs) - 2:
            return None
        return cls(pairs[:2], list(tags.items()))

    def weigh(self) -> int:
        """Estimate the bytes of these texts in what is made for a kind of logs."""
        return weigh(*self.first, *self.tags, times=3)

    def make_columns(self, extra: tuple[str, ...], keys: tuple[str, ...]) -> Columns:
        """Make the fields of logs, in order.

        Args:
            extra: The names of the fields that come before the tags.
            keys: The keys of a log's own fields.

        Returns:
            The fields; only those of the origin have a text.
        """
        own: list[tuple[str, str | None]] = [(key, None) for key in keys]
        between = [(name, None) for name in extra]
        return [("__time__", None), *self.first, *between, *self.tags, *own]


def _make_writer(make: Callable[[Columns], Writer | None], origin: Origin, kind: Kind) -> Writer:
    """Make the writer of a kind of logs with this origin."""
    shape, extra = kind if isinstance(kind, tuple) else (kind, ())
    return make(origin.make_columns(extra, shape.keys)) or _write_nothing


def _weigh_kind(kind: Kind) -> int:
    shape, _ = kind if isinstance(kind, tuple) else (kind, ())
    return weigh(shape.keys, times=3, besides=1000)


def _write_nothing(values: tuple[bytes, ...]) -> None:
    """Stand in for the writer of logs that the payload cannot write, or that are rare."""


def _are_str(pairs: list[_Pair]) -> TypeGuard[list[tuple[str, str]]]:
    return {type(text) for pair in pairs for text in pair} == {str}


def is_legal(messages: bytes) -> bool:
    """Whether this is UTF-8 that no newline policy would change."""
    if not is_clean(messages):
        return False
    try:
        return messages.isascii() or bool(messages.decode())
    except UnicodeDecodeError:
        return False
