"""What a batch and its groups are known by before their logs are read.

The SDK's classes parse a whole batch at once. ``SentBatch`` has it parsed only if a log needs that.
This module must not import the SDK or protobuf.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sls_syslog.logs import protobuf

__all__ = ["Group", "SentBatch", "describe_group"]


class SentBatch:
    """A batch as SLS sent it; it can stand for the SDK's ``LogGroupList``.

    Args:
        body: Its bytes.
        parse: Parses them, as the SDK does. It is called when the first log must be read.

    Attributes:
        body: Its bytes.
    """

    def __init__(self, body: bytes, parse: Callable[[], protobuf.LogGroupList]) -> None:
        self.body = body
        self._parse = parse
        self._parsed: protobuf.LogGroupList | None = None

    @property
    def LogGroups(self) -> Sequence[protobuf.LogGroup]:  # noqa: N802  # protobuf's name
        """The groups, parsed at the first access; the SDK's ``LogException`` if that fails."""
        if self._parsed is None:
            self._parsed = self._parse()
        return self._parsed.LogGroups

    def read_group(self, number: int) -> protobuf.LogGroup:
        """Return a group by its number, from 0."""
        return self.LogGroups[number]

    def SerializeToString(self) -> bytes:  # noqa: N802  # protobuf's name
        """Return the bytes."""
        return self.body


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What all logs of a group share, and how many they are.

    Attributes:
        number: The number of the group in its batch, from 0.
        topic: The topic.
        source: The source.
        tags: The tags, as name and value.
        logs: How many logs it has.
        first: The time of its first log, in seconds since 1970; 0 without logs.
        last: The time of its last log, in the same way.
        read: Returns the group as the SDK has it; this may parse the batch.
        body: The bytes of the batch as SLS sent them; ``None`` if they are not known.
        begin: Where the group begins in ``body``.
        end: Where it ends.
    """

    number: int
    topic: protobuf.Text
    source: protobuf.Text
    tags: tuple[tuple[protobuf.Text, protobuf.Text], ...]
    logs: int
    first: int
    last: int
    read: Callable[[], protobuf.LogGroup]
    body: bytes | None = None
    begin: int = 0
    end: int = 0


def describe_group(group: protobuf.LogGroup, number: int = 0) -> Group:
    """Describe a group that is parsed.

    Args:
        group: The group.
        number: Its number in its batch, from 0.
    """
    logs = group.Logs
    first, last = (logs[0].Time, logs[-1].Time) if logs else (0, 0)
    tags = tuple([(tag.Key, tag.Value) for tag in group.LogTags])
    return Group(
        number, group.Topic, group.Source, tags, len(logs), first, last, read=lambda: group
    )
