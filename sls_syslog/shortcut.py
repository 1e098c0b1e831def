"""``ShortCut``: from a log's row to its message's bytes, for logs that need nothing done to them.

Pure. Nearly all logs are such: the settings make every header alike but for its time, no hook is
overridden, the payload knows how to write a row, and nothing has to be escaped for the line's
sake. Whatever does not fit is left to ``LogEncoder``'s long way; this file must write the very
same bytes, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sls_syslog.framing import FRAMINGS
from sls_syslog.payloads import Fields, Writer
from sls_syslog.repair import is_clean
from sls_syslog.rows import Row, Shape

__all__ = ["ShortCut"]

_Names = tuple[str, ...]


class ShortCut:
    """Encodes groups of logs whose headers differ only in their time.

    Args:
        before: What stands before the time in each message.
        behind: What stands between the time and the text.
        writer: Of the payload: how it writes logs with these fields.
        stamp: The time as a header has it.
        framing: As the setting.
        limit: The most bytes that a message may have; ``None`` for no limit.
    """

    def __init__(
        self,
        before: str,
        behind: str,
        writer: Callable[[Fields], Writer],
        stamp: Callable[[int, int], str],
        framing: str | None,
        limit: int | None,
    ) -> None:
        self._before = before
        self._behind = behind
        self._writer = writer
        self._stamp = stamp
        self._frame = FRAMINGS[framing]
        self._in_one_piece = framing == "newline"
        self._limit = limit

    def messages(
        self, group: Any, rows: Iterable[Row | None], event_id: Callable[[int], str] | None
    ) -> list[bytes | None]:
        """The message of each log of a group; ``None`` for those that need the long way.

        Args:
            group: A ``LogGroup`` of the SDK.
            rows: Its logs.
            event_id: The id of a log by its number in the group; ``None`` for no ids.
        """
        origin = _Origin.of(group)
        if origin is None:
            return [None] * len(group.Logs)
        heads: dict[bytes, tuple[bytes, bytes]] = {}  # by the time
        writers: dict[Shape, Writer] = {}
        messages: list[bytes | None] = []
        for number, row in enumerate(rows):
            if row is None:
                messages.append(None)
                continue
            shape, nanoseconds, values = row
            if nanoseconds or event_id:
                named = event_id(number) if event_id else None
                messages.append(self._extended(origin, row, named))
                continue
            time = values[0]
            if time not in heads:
                heads[time] = self._head(_number(time), 0)
            if shape not in writers:
                writers[shape] = self._writer(origin.fields((), shape.keys))
            head, seconds = heads[time]
            messages.append(head + writers[shape]((seconds, *values[1:])))
        return self._legal(messages)

    def framed(self, messages: list[bytes]) -> list[bytes]:
        """Messages as they go out; those that are not told apart by length, in one piece."""
        if self._in_one_piece and messages:
            return [b"\n".join([*messages, b""])]
        return [self._frame(message) for message in messages]

    def _extended(self, origin: _Origin, row: Row, event_id: str | None) -> bytes:
        """The message of a log that has fields which stand before the tags."""
        shape, nanoseconds, (time, *values) = row
        seconds = _number(time)
        own = {"__time_ns_part__": str(nanoseconds) if nanoseconds else None}
        own["__event_id__"] = event_id
        present = {name: text.encode() for name, text in own.items() if text is not None}
        kind = (shape, *present)
        if kind not in origin.extended:
            origin.extended[kind] = self._writer(origin.fields(tuple(present), shape.keys))
        head, written = self._head(seconds, nanoseconds)
        return head + origin.extended[kind]((written, *present.values(), *values))

    def _head(self, seconds: int, nanoseconds: int) -> tuple[bytes, bytes]:
        """All of a message before its text, and the seconds as a field has them."""
        stamp = self._stamp(seconds, nanoseconds)
        return f"{self._before}{stamp}{self._behind}".encode(), str(seconds).encode()

    def _legal(self, messages: list[bytes | None]) -> list[bytes | None]:
        """``None`` for those in which is what a line may not have, or which are too long."""
        limit = self._limit
        present = [message for message in messages if message is not None]
        if limit is None and _is_text(b"".join(present)):
            return messages
        return [
            message
            if message and (limit is None or len(message) <= limit) and _is_text(message)
            else None
            for message in messages
        ]


class _Origin:
    """What SLS says of all logs of a group.

    Attributes:
        extended: The writers of logs with further fields, by shape and these fields' names.
    """

    def __init__(self, first: list[tuple[str, str]], tags: list[tuple[str, str]]) -> None:
        self._first = first
        self._tags = tags
        self.extended: dict[tuple[Any, ...], Writer] = {}

    @classmethod
    def of(cls, group: Any) -> _Origin | None:
        """``None`` for a group that does not say it in texts, or says a thing twice."""
        tags = {tag.Key: tag.Value for tag in group.LogTags}
        texts = [group.Topic, group.Source, *tags, *tags.values()]
        if len(tags) != len(group.LogTags) or not all(isinstance(text, str) for text in texts):
            return None
        first = [("__topic__", group.Topic), ("__source__", group.Source)]
        return cls(first, [(f"__tag__:{key}", value) for key, value in tags.items()])

    def fields(self, names: _Names, keys: _Names) -> Fields:
        """The fields of a log in their order, its own without their values."""
        own: list[tuple[str, str | None]] = [(key, None) for key in keys]
        further = [(name, None) for name in names]
        return [("__time__", None), *self._first, *further, *self._tags, *own]


def _is_text(messages: bytes) -> bool:
    """Whether it is UTF-8, and without anything that a newline policy would replace."""
    if not is_clean(messages):
        return False
    try:
        return messages.isascii() or bool(messages.decode())
    except UnicodeDecodeError:
        return False


def _number(varint: bytes) -> int:
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(varint))
