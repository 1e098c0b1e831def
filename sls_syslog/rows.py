"""``RowReader``: the values of logs, cut out of protobuf's bytes.

Pure. The SDK's objects would be one for each field of each log. But logs come in a few shapes
(which keys, in which order), and a regular expression made for a shape reads all values of a log
at once. What does not fit has no row, and is read by way of the objects (``logs.py``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from sls_syslog.logs import KEY, are_plain

__all__ = ["Row", "RowReader", "Shape", "own_fields"]

# The wire format of protobuf: a number, and the tags of the fields of Log and Content
# (aliyun/log/log_logs_pb2.py). Time_ns comes last, and has a length of its own.
_NUMBER = rb"(?:[\x00-\x7f]|[\x80-\xff]{1,4}[\x00-\x7f])"
_TIME, _CONTENT, _KEY_TAG, _VALUE_TAG = rb"\x08", rb"\x12", rb"\x0a", rb"\x12"
_TIME_NS, _TIME_NS_BYTES = b"\x25", 5
# No value of a row holds this byte, so that it ends where the next field begins.
_END = b"\x12"
_VALUE = rb"([^\x12]*)"
# Making a shape takes about 2 ms, as long as some seventy logs do without.
_SEEN_OFTEN = 20
_SHAPES = 500
_RECENT = 4

Row: TypeAlias = "tuple[Shape, int, tuple[bytes, ...]]"
"""A log: its shape, the nanoseconds of its time, and its values as they came, not looked at.
Before the values stands the time: bytes that are the same for the same second."""


class Shape:
    """Logs that have the same keys in the same order.

    Attributes:
        keys: The keys; no two are the same, and none could pass for what SLS says of the log.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        names = [key.encode() for key in keys]
        fields = [
            _CONTENT + _NUMBER + _KEY_TAG + re.escape(_varint(len(name)) + name)
            + _VALUE_TAG + _NUMBER + _VALUE
            for name in names
        ]  # fmt: skip
        time = _TIME + rb"([\x80-\xff]{0,4}[\x00-\x7f])"
        self.match = re.compile(time + b"".join(fields)).fullmatch


class _NoShape(Shape):
    """What no log has."""

    def __init__(self) -> None:
        self.keys = ()
        self.match = re.compile(rb"(?!)").fullmatch


_NO_SHAPE: Shape = _NoShape()


class RowReader:
    """Reads groups of logs, and learns their shapes."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._recent = [_NO_SHAPE]

    def read(self, group: Any) -> Iterator[Row | None]:
        """The row of each log of a group, in turn; ``None`` for a log that has none.

        Args:
            group: A ``LogGroup`` of the SDK.
        """
        recent = self._recent
        raws = _Group.FromString(group.SerializeToString()).Logs
        for raw, log in zip(raws, group.Logs, strict=True):
            nanoseconds = 0
            if raw[-_TIME_NS_BYTES:][:1] == _TIME_NS and log.HasField("Time_ns"):
                raw, nanoseconds = raw[:-_TIME_NS_BYTES], log.Time_ns
            shape = recent[0]
            found = shape.match(raw)
            if found is None:
                shape, found = self._match(raw, log)
            # A value may hold what looks like fields; they are counted by one who knows lengths.
            forged = found is None or len(log.Contents) != len(shape.keys)
            yield None if forged else (shape, nanoseconds, found.groups())

    def _match(self, raw: bytes, log: Any) -> tuple[Shape, Any]:
        """The shape of a log, which is the first of the recent ones then, and its match."""
        recent = self._recent
        for place, shape in enumerate(recent):
            found = shape.match(raw)
            if found is not None:
                recent.insert(0, recent.pop(place))
                return shape, found
        keys = tuple(map(KEY, log.Contents))
        shape = self._shapes.get(keys) or self._new_shape(keys)
        found = shape.match(raw)
        if found is not None:
            recent.insert(0, shape)
            del recent[_RECENT:]
        return shape, found

    def _new_shape(self, keys: tuple[str, ...]) -> Shape:
        if not are_plain(keys) or not self._is_seen_often(keys):
            return _NO_SHAPE
        shape = self._shapes[keys] = Shape(keys)
        return shape

    def _is_seen_often(self, keys: tuple[str, ...]) -> bool:
        if len(self._seen) > _SHAPES or len(self._shapes) > _SHAPES:
            self._seen.clear()
            self._shapes.clear()
        self._seen[keys] += 1
        return self._seen[keys] > _SEEN_OFTEN


def own_fields(row: Row | None) -> Iterable[tuple[str, str]] | None:
    """The fields of a log by its row; ``None`` without, and where a value is not UTF-8."""
    if row is None:
        return None
    shape, _, values = row
    try:
        return zip(shape.keys, _END.join(values[1:]).decode().split("\x12"), strict=False)
    except UnicodeDecodeError:
        return None


def _varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])


def _view_of_groups() -> Any:
    """The SDK's ``LogGroup``, but with its logs left as bytes."""
    file = descriptor_pb2.FileDescriptorProto(
        name="sls_syslog/rows.proto", package="sls_syslog.rows", syntax="proto2"
    )
    field = file.message_type.add(name="Group").field.add(name="Logs", number=1)
    field.type, field.label = field.TYPE_BYTES, field.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    factory: Any = message_factory
    # The SDK is content with any protobuf above 3.4; the first of these came with 4.22.
    make = getattr(factory, "GetMessageClass", None) or factory.MessageFactory(pool).GetPrototype
    return make(pool.FindMessageTypeByName("sls_syslog.rows.Group"))


_Group = _view_of_groups()
