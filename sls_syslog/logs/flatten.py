"""What SLS serves, as plain logs: one mapping of str to str for each.

Pure; it knows the shape of the SDK's protobuf messages (``aliyun/log/log_logs_pb2.py``),
not the SDK.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import repeat
from operator import attrgetter
from typing import Any, TypeAlias

__all__ = [
    "KEY",
    "Log",
    "are_plain",
    "flatten",
    "flatten_group",
    "is_sls_field",
    "time_of",
]

Log: TypeAlias = Mapping[str, str]
"""One log: ``__time__`` (seconds since 1970), ``__topic__``, ``__source__``, where it has one
``__time_ns_part__``, if wanted ``__event_id__``, the tags as ``__tag__:name``, then its own
fields, in this order."""

KEY = attrgetter("Key")
"""The name of a field, a ``Content`` of the SDK."""

_VALUE = attrgetter("Value")

_RESERVED = frozenset({"__time__", "__time_ns_part__", "__topic__", "__source__", "__event_id__"})
_TAG = "__tag__:"
_FORGED = "__content__:"


def flatten(
    log_groups: Any,
    counts: Counter[str] | None = None,
    event_id: Callable[[int, int], str] | None = None,
) -> Iterator[Log]:
    """Each log of a batch, in order.

    Nothing that a log's author wrote can pass for what SLS itself says of the log: a field
    of the log that is named like one of the above is found under ``__content__:`` and its
    name. Of fields with the same name the last one counts, as in the SDK. Bytes that are
    not UTF-8 are read with U+FFFD in their place.

    Args:
        log_groups: The SDK's ``LogGroupList`` or ``LogGroupListRaw``.
        counts: Where each such repair is counted; ``None`` not to count.
        event_id: Makes the id of a log from the numbers of its group in the batch and of the
            log in the group, both from 0; ``None`` for no ids.
    """
    for number, group in enumerate(log_groups.LogGroups):
        named = partial(event_id, number) if event_id else None
        yield from flatten_group(group, Counter() if counts is None else counts, named)


def flatten_group(
    group: Any,
    counts: Counter[str],
    event_id: Callable[[int], str] | None,
    wanted: Container[int] | None = None,
    own_fields: Iterable[Iterable[tuple[str, str]] | None] = repeat(None),
) -> Iterator[Log]:
    """Each log of one group; see ``flatten``.

    Args:
        group: A ``LogGroup`` of the SDK.
        counts: Where repairs are counted.
        event_id: Makes the id of a log from its number in the group; ``None`` for no ids.
        wanted: The numbers of the logs to yield; ``None`` for all.
        own_fields: The own fields of each log, where they are known already and need nothing
            done to them.
    """
    text = _Text(counts)
    topic, source = text(group.Topic), text(group.Source)
    tags = {_TAG + text(tag.Key): text(tag.Value) for tag in group.LogTags}
    for number, (log, known) in enumerate(zip(group.Logs, own_fields, strict=False)):
        if wanted is not None and number not in wanted:
            continue
        fields = {"__time__": str(log.Time), "__topic__": topic, "__source__": source}
        nanoseconds = log.Time_ns
        if nanoseconds:
            fields["__time_ns_part__"] = str(nanoseconds)
        if event_id is not None:
            fields["__event_id__"] = event_id(number)
        fields.update(tags)
        if known is not None:
            fields.update(known)
            yield fields
            continue
        contents = list(log.Contents)
        keys, values = tuple(map(KEY, contents)), list(map(_VALUE, contents))
        if are_plain(keys) and _all_text(values):
            fields.update(zip(keys, values, strict=True))
        else:
            distinct = len(fields) + len(keys)
            fields.update(zip(map(text.key, keys), map(text, values), strict=True))
            counts["repaired_duplicate_key"] += distinct - len(fields)
        yield fields


def time_of(log: Log) -> tuple[int, int]:
    """Seconds since 1970 and the nanoseconds to add to them."""
    return int(log["__time__"]), int(log.get("__time_ns_part__", 0))


@lru_cache(maxsize=1024)  # logs come in a few shapes
def are_plain(keys: tuple[str | bytes, ...]) -> bool:
    """Whether the names of a log's own fields need nothing done to them.

    They are text, no two are the same, and none could pass for what SLS says of the log.
    """
    return len(set(keys)) == len(keys) and not any(
        isinstance(key, bytes) or _is_reserved(key) for key in keys
    )


def _all_text(values: list[str | bytes]) -> bool:
    """Whether all of them were valid UTF-8."""
    try:
        "".join(values)  # type: ignore[arg-type]  # the quickest way to find out
    except TypeError:
        return False
    return True


def _is_reserved(key: str) -> bool:
    return key in _RESERVED or key.startswith((_TAG, _FORGED))


def is_sls_field(key: str) -> bool:
    """Whether a field is one that SLS keeps beside a log's own, but its time."""
    return key.startswith(_TAG) or (key in _RESERVED and not key.startswith("__time"))


class _Text:
    """Reads what protobuf hands out: text, or bytes where that is not valid UTF-8."""

    def __init__(self, counts: Counter[str]) -> None:
        self.counts = counts

    def __call__(self, value: str | bytes) -> str:
        if isinstance(value, str):
            return value
        text = value.decode("utf-8", "replace")
        if text.encode() != value:  # LogGroupListRaw has bytes everywhere, valid or not
            self.counts["repaired_utf8"] += 1
        return text

    def key(self, value: str | bytes) -> str:
        """The name under which a log's own field is found."""
        key = self(value)
        if not _is_reserved(key):
            return key
        self.counts["repaired_reserved_key"] += 1
        return _FORGED + key
