"""The values of a group's logs, all at once: ``read_rows`` a group.

Pure. The SDK's objects would be one for each field of each log. But protobuf merges a message that
comes again into the one before: read as if a group had one log, and that one content, a group
gives all keys and all values of its logs as two lists, made in C. What does not fit has no row, and
is read by way of the objects (``flatten.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from sls_syslog.logs.columns import BETWEEN, Row, Shape
from sls_syslog.logs.flatten import are_plain

__all__ = ["read_own_fields", "read_rows"]


def read_rows(group: Any) -> Iterator[Row | None]:
    """The row of each log of a group, in turn; ``None`` for a log that has none.

    Args:
        group: A ``LogGroup`` of the SDK.
    """
    logs = group.Logs
    merged = _Group.FromString(group.SerializePartialToString()).Logs
    contents = merged.Contents
    counts = [len(log.Contents) for log in logs]  # where a log ends: only the SDK's objects know
    times, values = merged.Time[:], contents.Value[:]
    if not len(values) == len(contents.Key) == sum(counts) or len(times) != len(counts):
        return repeat(None, len(counts))  # a field without a key, say
    some = len(merged.Time_ns)
    nanoseconds = [log.Time_ns for log in logs] if some else repeat(0)
    shapes: Iterable[Shape | None] = map(_shape, _apart(contents.Key, counts))
    parts: Iterable[tuple[bytes, ...]] = _apart(values, counts)
    number = counts[0] if counts else 0
    if number and counts.count(number) == len(counts) and _repeats(contents, len(counts)):
        shapes = repeat(_shape(tuple(contents.Key[:number])))
        parts = zip(*[iter(values)] * number, strict=True)
    rows = zip(shapes, times, nanoseconds, parts, strict=False)
    return (row if row[0] else None for row in rows)  # type: ignore[misc]  # it has a shape


def read_own_fields(row: Row | None) -> Iterable[tuple[str, str]] | None:
    """The fields of a log by its row; ``None`` without, and where a value is not UTF-8."""
    if row is None:
        return None
    shape, _, _, values = row
    try:
        texts = BETWEEN.join(values).decode().split("\x12")
        if len(texts) != len(values):
            texts = [value.decode() for value in values]
    except UnicodeDecodeError:
        return None
    return zip(shape.keys, texts, strict=True)


def _repeats(contents: Any, times: int) -> bool:
    """Whether keys come in the same order again and again; takes the values out of contents."""
    contents.ClearField("Value")
    first = type(contents)(Key=contents.Key[: len(contents.Key) // times])
    return bool(contents.SerializeToString() == first.SerializeToString() * times)


def _apart(flat: Sequence[bytes], counts: Iterable[int]) -> Iterator[tuple[bytes, ...]]:
    begin = 0
    for count in counts:
        yield tuple(flat[begin : begin + count])
        begin += count


@lru_cache(maxsize=1024)  # logs come in a few shapes
def _shape(keys: tuple[bytes, ...]) -> Shape | None:
    try:
        names = tuple([key.decode() for key in keys])
    except UnicodeDecodeError:
        return None
    return Shape(names) if are_plain(names) else None


def _view_of_groups() -> Any:
    """The SDK's ``LogGroup`` (aliyun/log/log_logs_pb2.py), as if with one log with one content."""
    field = descriptor_pb2.FieldDescriptorProto
    one, all_of_them = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    messages = {
        "Group": [("Logs", 1, one, field.TYPE_MESSAGE)],
        "Logs": [
            ("Time", 1, all_of_them, field.TYPE_UINT32),
            ("Contents", 2, one, field.TYPE_MESSAGE),
            ("Time_ns", 4, all_of_them, field.TYPE_FIXED32),
        ],
        "Contents": [
            ("Key", 1, all_of_them, field.TYPE_BYTES),
            ("Value", 2, all_of_them, field.TYPE_BYTES),
        ],
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="sls_syslog/rows.proto", package="sls_syslog.logs.rows", syntax="proto2"
    )
    for message, fields in messages.items():
        made = file.message_type.add(name=message)
        for name, number, label, kind in fields:
            added = made.field.add(name=name, number=number, label=label, type=kind)
            if kind == field.TYPE_MESSAGE:
                added.type_name = f".sls_syslog.logs.rows.{name}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    factory: Any = message_factory
    # The SDK is content with any protobuf above 3.4; the first of these came with 4.22.
    make = getattr(factory, "GetMessageClass", None) or factory.MessageFactory(pool).GetPrototype
    return make(pool.FindMessageTypeByName("sls_syslog.logs.rows.Group"))


_Group = _view_of_groups()
