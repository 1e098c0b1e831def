"""``ShortCut``: from protobuf's bytes to a message's, for logs that need nothing done to them.

Pure. Nearly all logs are such: the settings make every header alike but for its time, no hook is
overridden, keys are unique and none looks like SLS's own, and nothing has to be escaped. Logs come
in a few shapes (which keys, in which order); a regular expression made for a shape reads all values
of a log at once, where the SDK's objects would be one for each field. Whatever does not fit is left
to ``LogEncoder``'s long way; this file must write the very same bytes, or none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from sls_syslog.framing import FRAMINGS
from sls_syslog.logs import KEY, are_plain

__all__ = ["ShortCut"]

# What a newline policy would replace (repair.py), in UTF-8: these bytes by themselves ...
_CONTROL_BYTES = bytes({*range(0x20), 0x7F} - {0x09})
_VALUE = rb"([^\x00-\x08\x0a-\x1f\x7f]*)"
# ... and these only together; most text has neither first byte.
_CONTROL_PAIRS = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")
_FIRST_BYTES = (b"\xc2", b"\xe2\x80")
# The wire format of protobuf: a number, and the tags of the fields of Log and Content
# (aliyun/log/log_logs_pb2.py). Time_ns comes last, and has a length of its own.
_NUMBER = rb"(?:[\x00-\x7f]|[\x80-\xff]{1,4}[\x00-\x7f])"
_TIME, _CONTENT, _KEY_TAG, _VALUE_TAG = rb"\x08", rb"\x12", rb"\x0a", rb"\x12"
_TIME_NS, _TIME_NS_BYTES = b"\x25", 5
# Making a shape takes about 2 ms, as long as some seventy logs do the long way.
_SEEN_OFTEN = 20
_SHAPES = 500
_RECENT = 4


class ShortCut:
    """Encodes groups of logs in the documented key-value form.

    Args:
        before: What stands before the time in each message.
        behind: What stands between the time and the text.
        sep: What stands before each field of the text.
        stamp: The time as a header has it.
        framing: As the setting.
        limit: The most bytes that a message may have; ``None`` for no limit.
    """

    def __init__(
        self,
        before: str,
        behind: str,
        sep: str,
        stamp: Callable[[int, int], str],
        framing: str | None,
        limit: int | None,
    ) -> None:
        self._before = before
        self._behind = behind
        self._sep = sep
        self._stamp = stamp
        self._frame = FRAMINGS[framing]
        self._in_one_piece = framing == "newline"
        self._limit = limit
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._recent: list[_Shape] = []

    def messages(self, group: Any, event_id: Callable[[int], str] | None) -> list[bytes | None]:
        """The message of each log of a group; ``None`` for those that need the long way.

        Args:
            group: A ``LogGroup`` of the SDK.
            event_id: The id of a log by its number in the group; ``None`` for no ids.
        """
        origin = self._origin(group)
        if origin is None:
            return [None] * len(group.Logs)
        heads: dict[bytes, bytes] = {}  # by the bytes of the time
        messages: list[bytes | None] = []
        for number, raw in enumerate(_Group.FromString(group.SerializeToString()).Logs):
            nanoseconds = 0
            if raw[-_TIME_NS_BYTES:][:1] == _TIME_NS:  # or the end of a value that looks so
                raw, nanoseconds = _without_nanoseconds(raw, group.Logs[number])
            found = self._match(raw, group, number)
            if found is None:
                messages.append(None)
                continue
            time = found[1]
            if nanoseconds or event_id:
                named = event_id(number) if event_id else None
                head = self._head(_number(time), nanoseconds, named, *origin)
            elif time in heads:
                head = heads[time]
            else:
                head = heads[time] = self._head(_number(time), 0, None, *origin)
            messages.append(head + self._recent[0].text % found.groups())
        return self._legal(messages)

    def framed(self, messages: list[bytes]) -> list[bytes]:
        """Messages as they go out; those that are not told apart by length, in one piece."""
        if self._in_one_piece and messages:
            return [b"\n".join([*messages, b""])]
        return [self._frame(message) for message in messages]

    def _origin(self, group: Any) -> tuple[str, str] | None:
        """The fields that all logs of a group share, before and behind those of one log."""
        sep = self._sep
        tags = {tag.Key: tag.Value for tag in group.LogTags}
        texts = [group.Topic, group.Source, *tags, *tags.values()]
        if len(tags) != len(group.LogTags) or not all(isinstance(text, str) for text in texts):
            return None
        first = f"{sep}__topic__={group.Topic}{sep}__source__={group.Source}"
        second = "".join(f"{sep}__tag__:{key}={value}" for key, value in tags.items())
        return (first, second) if _is_clean(f"{first}{second}".encode()) else None

    def _head(
        self, seconds: int, nanoseconds: int, event_id: str | None, first: str, second: str
    ) -> bytes:
        """All of a message before the log's own fields."""
        sep = self._sep
        fraction = f"{sep}__time_ns_part__={nanoseconds}" if nanoseconds else ""
        named = f"{sep}__event_id__={event_id}" if event_id is not None else ""
        stamp = self._stamp(seconds, nanoseconds)
        return f"{self._before}{stamp}{self._behind}{first}{fraction}{named}{second}".encode()

    def _match(self, raw: bytes, group: Any, number: int) -> re.Match[bytes] | None:
        """The values of a log, whose shape is the first of the recent ones then."""
        recent = self._recent
        for place, shape in enumerate(recent):
            found = shape.match(raw)
            if found is not None:
                if place:
                    recent.insert(0, recent.pop(place))
                return found
        keys = tuple(map(KEY, group.Logs[number].Contents))
        shape_of = self._shapes.get(keys) or self._new_shape(keys)
        found = shape_of.match(raw) if shape_of else None
        if found is not None and shape_of is not None:
            recent.insert(0, shape_of)
            del recent[_RECENT:]
        return found

    def _new_shape(self, keys: tuple[str, ...]) -> _Shape | None:
        if not are_plain(keys) or not self._is_seen_often(keys):
            return None
        if not _is_clean("".join((self._sep, *keys)).encode()):
            return None
        shape = self._shapes[keys] = _Shape(keys, self._sep)
        return shape

    def _is_seen_often(self, keys: tuple[str, ...]) -> bool:
        if len(self._seen) > _SHAPES or len(self._shapes) > _SHAPES:
            self._seen.clear()
            self._shapes.clear()
        self._seen[keys] += 1
        return self._seen[keys] > _SEEN_OFTEN

    def _legal(self, messages: list[bytes | None]) -> list[bytes | None]:
        """``None`` for those in which is what a value may not have, or which are too long."""
        limit = self._limit
        lines = b"\n".join(filter(None, messages))
        if limit is None and _is_text(lines):
            return messages
        return [
            message
            if message and (limit is None or len(message) <= limit) and _is_text(message)
            else None
            for message in messages
        ]


class _Shape:
    """Logs that have the same keys in the same order."""

    def __init__(self, keys: tuple[str, ...], sep: str) -> None:
        names = [key.encode() for key in keys]
        fields = [
            _CONTENT + _NUMBER + _KEY_TAG + re.escape(_varint(len(name)) + name)
            + _VALUE_TAG + _NUMBER + _VALUE
            for name in names
        ]  # fmt: skip
        time = _TIME + rb"([\x80-\xff]{0,4}[\x00-\x7f])"
        self.match = re.compile(time + b"".join(fields)).fullmatch
        before = [f"{sep}{key}=".replace("%", "%%").encode() for key in keys]
        # The first group is the time, of which nothing is shown here.
        self.text = b"%.0b" + b"".join(b"%b%%b" % text for text in before)


def _is_text(lines: bytes) -> bool:
    """Whether it is UTF-8, and none of the characters that take two bytes or three to control."""
    if lines.isascii():
        return True
    try:
        lines.decode()
    except UnicodeDecodeError:
        return False
    return not any(first in lines for first in _FIRST_BYTES) or not _CONTROL_PAIRS.search(lines)


def _is_clean(text: bytes) -> bool:
    """Whether a newline policy would find nothing in it."""
    return len(text.translate(None, _CONTROL_BYTES)) == len(text) and _is_text(text)


def _without_nanoseconds(raw: bytes, log: Any) -> tuple[bytes, int]:
    return (raw[:-_TIME_NS_BYTES], log.Time_ns) if log.HasField("Time_ns") else (raw, 0)


def _number(varint: bytes) -> int:
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(varint))


def _varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])


def _view_of_groups() -> Any:
    """The SDK's ``LogGroup``, but with its logs left as bytes."""
    file = descriptor_pb2.FileDescriptorProto(
        name="sls_syslog/shortcut.proto", package="sls_syslog.shortcut", syntax="proto2"
    )
    field = file.message_type.add(name="Group").field.add(name="Logs", number=1)
    field.type, field.label = field.TYPE_BYTES, field.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    factory: Any = message_factory
    # The SDK is content with any protobuf above 3.4; the first of these came with 4.22.
    make = getattr(factory, "GetMessageClass", None) or factory.MessageFactory(pool).GetPrototype
    return make(pool.FindMessageTypeByName("sls_syslog.shortcut.Group"))


_Group = _view_of_groups()
