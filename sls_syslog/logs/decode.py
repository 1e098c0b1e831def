"""Decodes the SDK's messages to logs: one mapping of str to str for each log.

It must decode any log: U+FFFD replaces a byte that is not UTF-8, and a field that impersonates
SLS gets another name. It reads the messages through ``protobuf.py``, and must not import the SDK
or protobuf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TypeAlias

from sls_syslog.logs import protobuf
from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.columns import BETWEEN, NO_ROW, Row
from sls_syslog.logs.groups import Group

__all__ = ["Log", "LogDecoder", "are_plain", "is_sls_field", "read_time"]

Log: TypeAlias = Mapping[str, str]
"""One log, in this order: ``__time__`` (seconds since 1970), ``__topic__``, ``__source__``,
``__time_ns_part__`` if it has one, ``__event_id__`` if wanted, the tags as ``__tag__:name``, its
own fields."""

_get_key = attrgetter("Key")
_get_value = attrgetter("Value")

_RESERVED = frozenset({"__time__", "__time_ns_part__", "__topic__", "__source__", "__event_id__"})
_TAG = "__tag__:"
_FORGED = "__content__:"


class LogDecoder:
    """Decodes single logs of one group.

    A log's own field can never impersonate SLS metadata: a field that is named like one of SLS's
    is read as ``__content__:`` and its name. If fields share a name, the last one counts, as
    in the SDK. U+FFFD replaces bytes that are not UTF-8.

    Args:
        group: The group; a log without a row is read from the SDK's objects.
        event_id: Makes the id of a log from its number in the group; ``None`` for no ids.
        rows: The row of each log, which is faster to read; empty to read the SDK's objects.
    """

    def __init__(
        self,
        group: Group,
        event_id: Callable[[int], str] | None = None,
        rows: Sequence[Row] = (),
    ) -> None:
        self._group = group
        self._event_id = event_id
        self._rows = rows
        self._shared: tuple[str, str, dict[str, str]] | None = None

    def use_rows(self, rows: Sequence[Row]) -> None:
        """Read the logs that follow from their rows."""
        self._rows = rows

    def decode(self, number: int, outcomes: list[str]) -> Log:
        """Decode one log.

        Args:
            number: The number of the log in the group, from 0.
            outcomes: Gets one entry for each repair; a repair of topic, source or tags counts
                with the first log that is read.

        Returns:
            The log.
        """
        topic, source, tags = self._shared or self._read_shared(outcomes)
        row = self._rows[number] if self._rows else NO_ROW
        _, seconds, nanoseconds, _ = row
        own = _read_row(row)
        if own is None:
            log = self._group.read().Logs[number]
            seconds, nanoseconds = log.Time, log.Time_ns
        fields = {"__time__": str(seconds), "__topic__": topic, "__source__": source}
        if nanoseconds:
            fields["__time_ns_part__"] = str(nanoseconds)
        if self._event_id is not None:
            fields["__event_id__"] = self._event_id(number)
        fields.update(tags)
        if own is None:
            _add_contents(fields, log.Contents, outcomes)
        else:
            fields.update(own)
        return fields

    def _read_shared(self, outcomes: list[str]) -> tuple[str, str, dict[str, str]]:
        group = self._group
        topic, source = _decode_text(group.topic, outcomes), _decode_text(group.source, outcomes)
        tags = {
            _TAG + _decode_text(name, outcomes): _decode_text(value, outcomes)
            for name, value in group.tags
        }
        self._shared = topic, source, tags
        return self._shared


def read_time(log: Log) -> tuple[int, int]:
    """Read the time of a log.

    Returns:
        Seconds since 1970, and the nanoseconds to add.
    """
    return int(log["__time__"]), int(log.get("__time_ns_part__", 0))


def are_plain(keys: tuple[protobuf.Text, ...]) -> bool:
    """Whether the keys of a log need no repair: text, distinct, and none like SLS metadata."""
    return len(set(keys)) == len(keys) and not any(
        isinstance(key, bytes) or _is_reserved(key) for key in keys
    )


_PLAIN_KEYS: LogCache[tuple[protobuf.Text, ...], bool] = LogCache(are_plain, weigh)


def is_sls_field(key: str) -> bool:
    """Whether a field is SLS metadata other than the time."""
    return key.startswith(_TAG) or (key in _RESERVED and not key.startswith("__time"))


def _read_row(row: Row) -> Iterable[tuple[str, str]] | None:
    """Read the own fields of a log; ``None`` if it has no row, or a value that is not UTF-8."""
    shape, _, _, values = row
    if shape is None:
        return None
    try:
        texts = BETWEEN.join(values).decode().split("\x12")
        if len(texts) != len(values):
            texts = [value.decode() for value in values]
    except UnicodeDecodeError:
        return None
    return zip(shape.keys, texts, strict=True)


def _add_contents(
    fields: dict[str, str], contents: Sequence[protobuf.Content], outcomes: list[str]
) -> None:
    """Add the own fields of a log, read from the SDK's objects and repaired."""
    contents = list(contents)  # protobuf makes its objects at each iteration
    keys, values = tuple(map(_get_key, contents)), list(map(_get_value, contents))
    if _PLAIN_KEYS[keys] and _are_text(values):
        fields.update(zip(keys, values, strict=True))
        return
    distinct = len(fields) + len(keys)
    for key, value in zip(keys, values, strict=True):
        fields[_read_key(key, outcomes)] = _decode_text(value, outcomes)
    outcomes += ["repaired_duplicate_key"] * (distinct - len(fields))


def _are_text(values: list[protobuf.Text]) -> bool:
    """Whether all values are valid UTF-8."""
    try:
        "".join(values)  # type: ignore[arg-type]  # the fastest way to find out
    except TypeError:
        return False
    return True


def _is_reserved(key: str) -> bool:
    return key in _RESERVED or key.startswith((_TAG, _FORGED))


def _decode_text(value: protobuf.Text, outcomes: list[str]) -> str:
    if isinstance(value, str):
        return value
    text = value.decode("utf-8", "replace")
    if text.encode() != value:  # LogGroupListRaw has bytes everywhere, valid or not
        outcomes.append("repaired_utf8")
    return text


def _read_key(value: protobuf.Text, outcomes: list[str]) -> str:
    """Read the name under which a log's own field is found."""
    key = _decode_text(value, outcomes)
    if not _is_reserved(key):
        return key
    outcomes.append("repaired_reserved_key")
    return _FORGED + key
