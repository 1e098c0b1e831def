"""Reads the values of all logs of a group at once.

Reading through the SDK creates one object per field. This module reads a group as if it had one log
with one content: protobuf then merges all logs, and returns all keys and all values as two lists
made in C. ``decode.py`` reads the logs that this way cannot read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Protocol

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from sls_syslog.logs import protobuf
from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.columns import NO_ROW, Row, Shape
from sls_syslog.logs.decode import are_plain

__all__ = ["SHAPES", "read_rows"]


def read_rows(group: protobuf.LogGroup) -> Iterator[Row]:
    """Read the row of each log of a group, in order.

    Args:
        group: A ``LogGroup`` of the SDK.

    Returns:
        One row per log.
    """
    logs = group.Logs
    try:
        merged = _MERGED_GROUP.FromString(group.SerializePartialToString()).Logs
    except DecodeError:  # an unknown field that reads like packed times
        return repeat(NO_ROW, len(logs))
    contents = merged.Contents
    counts = [len(log.Contents) for log in logs]  # only the SDK's objects know where a log ends
    times, values = merged.Time[:], contents.Value[:]
    if not len(values) == len(contents.Key) == sum(counts) or len(times) != len(counts):
        return repeat(NO_ROW, len(counts))  # for example, a field has no key
    nanoseconds = [log.Time_ns for log in logs] if merged.Time_ns else repeat(0)
    shapes: Iterable[Shape | None] = map(SHAPES.__getitem__, _split(contents.Key, counts))
    parts: Iterable[tuple[bytes, ...]] = _split(values, counts)
    count = counts[0] if counts else 0
    if count and counts.count(count) == len(counts) and _has_same_keys(contents, len(counts)):
        shapes = repeat(SHAPES[tuple(contents.Key[:count])])
        parts = zip(*[iter(values)] * count, strict=True)
    return zip(shapes, times, nanoseconds, parts, strict=False)


class _MergedContents(Protocol):
    Key: Sequence[bytes]
    Value: Sequence[bytes]

    def __init__(self, *, Key: Sequence[bytes]) -> None: ...  # noqa: N803  # protobuf's name

    def ClearField(self, name: str) -> None: ...  # noqa: N802  # protobuf's name

    def SerializeToString(self) -> bytes: ...  # noqa: N802  # protobuf's name


class _MergedLogs(Protocol):
    Time: Sequence[int]
    Time_ns: Sequence[int]
    Contents: _MergedContents


class _MergedGroup(Protocol):
    Logs: _MergedLogs

    @classmethod
    def FromString(cls, data: bytes) -> _MergedGroup: ...  # noqa: N802  # protobuf's name


def _has_same_keys(contents: _MergedContents, times: int) -> bool:
    """Whether each log has the same keys in the same order; clears the values of ``contents``."""
    contents.ClearField("Value")
    first = type(contents)(Key=contents.Key[: len(contents.Key) // times])
    return contents.SerializeToString() == first.SerializeToString() * times


def _split(flat: Sequence[bytes], counts: Iterable[int]) -> Iterator[tuple[bytes, ...]]:
    begin = 0
    for count in counts:
        yield tuple(flat[begin : begin + count])
        begin += count


def _make_shape(keys: tuple[bytes, ...]) -> Shape | None:
    try:
        names = tuple([key.decode() for key in keys])
    except UnicodeDecodeError:
        return None
    return Shape(names) if are_plain(names) else None


SHAPES: LogCache[tuple[bytes, ...], Shape | None] = LogCache(
    _make_shape, lambda keys: weigh(keys, times=2)
)
"""The shape of logs by their keys; ``None`` if these need repair."""


def _make_merged_group() -> type[_MergedGroup]:
    """Make a class for the SDK's ``LogGroup``, as if it had one log with one content."""
    field = descriptor_pb2.FieldDescriptorProto
    one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    messages = {
        "Group": [("Logs", 1, one, field.TYPE_MESSAGE)],
        "Logs": [
            ("Time", 1, many, field.TYPE_UINT32),
            ("Contents", 2, one, field.TYPE_MESSAGE),
            ("Time_ns", 4, many, field.TYPE_FIXED32),
        ],
        "Contents": [
            ("Key", 1, many, field.TYPE_BYTES),
            ("Value", 2, many, field.TYPE_BYTES),
        ],
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="sls_syslog/rows.proto", package="sls_syslog.logs.rows", syntax="proto2"
    )
    for message, fields in messages.items():
        added_message = file.message_type.add(name=message)
        for name, number, label, kind in fields:
            added = added_message.field.add(name=name, number=number, label=label, type=kind)
            if kind == field.TYPE_MESSAGE:
                added.type_name = f".sls_syslog.logs.rows.{name}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    factory: Any = message_factory
    # The SDK allows any protobuf above 3.4; GetMessageClass came with 4.22.
    make = getattr(factory, "GetMessageClass", None) or factory.MessageFactory(pool).GetPrototype
    made: type[_MergedGroup] = make(pool.FindMessageTypeByName("sls_syslog.logs.rows.Group"))
    return made


_MERGED_GROUP = _make_merged_group()
