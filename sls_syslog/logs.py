"""What SLS serves, as plain logs: one mapping of str to str for each.

Pure; it knows the shape of the SDK's protobuf messages (``aliyun/log/log_logs_pb2.py``),
not the SDK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

__all__ = ["Log", "flatten", "time_of"]

Log: TypeAlias = Mapping[str, str]
"""One log: ``__time__`` (seconds since 1970), ``__topic__``, ``__source__``, where it has one
``__time_ns_part__``, the tags as ``__tag__:name``, then its own fields, in this order."""

_RESERVED = frozenset({"__time__", "__time_ns_part__", "__topic__", "__source__"})
_TAG = "__tag__:"
_FORGED = "__content__:"


def flatten(log_groups: Any) -> Iterator[Log]:
    """Each log of a batch, in order.

    Nothing that a log's author wrote can pass for what SLS itself says of the log: a field
    of the log that is named like one of the above is found under ``__content__:`` and its
    name. Of fields with the same name the last one counts, as in the SDK. Bytes that are
    not UTF-8 are read with U+FFFD in their place.

    Args:
        log_groups: The SDK's ``LogGroupList`` or ``LogGroupListRaw``.
    """
    for group in log_groups.LogGroups:
        topic, source = _text(group.Topic), _text(group.Source)
        tags = {_TAG + _text(tag.Key): _text(tag.Value) for tag in group.LogTags}
        for log in group.Logs:
            fields = {"__time__": str(log.Time), "__topic__": topic, "__source__": source}
            if log.Time_ns:
                fields["__time_ns_part__"] = str(log.Time_ns)
            fields.update(tags)
            fields.update((_own(_text(item.Key)), _text(item.Value)) for item in log.Contents)
            yield fields


def time_of(log: Log) -> tuple[int, int]:
    """Seconds since 1970 and the nanoseconds to add to them."""
    return int(log["__time__"]), int(log.get("__time_ns_part__", 0))


def _own(key: str) -> str:
    """The name under which a log's own field is found."""
    return _FORGED + key if key in _RESERVED or key.startswith(_TAG) else key


def _text(value: str | bytes) -> str:
    # Where a field is not valid UTF-8, protobuf hands out bytes (sls-sdk: LogGroupListRaw too).
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
