"""One shard: LogGroups at consecutive positions, and the cursors that name the positions.

A cursor is the base64 of a decimal position. A read includes the start cursor's group and excludes
the end cursor's (aliyun/log/logclient.py, PullLogs page). Sans-I/O: no network, sleep or lock.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left
from dataclasses import dataclass, field

__all__ = [
    "KEY_SPACE_END",
    "MAX_PULL_BYTES",
    "Shard",
    "SlsError",
    "decode_cursor",
    "encode_cursor",
]

KEY_SPACE_END = 2**128 - 1  # exclusive end of the last shard: hash keys are MD5 sums
MAX_PULL_BYTES = 10 * 1024 * 1024  # raw bytes of one answer; the PullLogs page says 10 MB


class SlsError(Exception):
    """An error answer of the API.

    Attributes:
        status: The HTTP status.
        code: The errorCode.
        message: The errorMessage.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def encode_cursor(position: int) -> str:
    """Return the cursor that names a position."""
    return base64.b64encode(str(position).encode()).decode()


def decode_cursor(cursor: str) -> int:
    """Return the position that a cursor names.

    Raises:
        ValueError: If the cursor is not the base64 of a decimal number.
    """
    try:
        digits = base64.b64decode(cursor, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {cursor!r}") from error
    return int(digits)


@dataclass(eq=False)
class Shard:
    """The LogGroups of one shard, and its attributes in ListShards.

    Attributes:
        id: The number of the shard in its Logstore.
        begin_key: The first hash key of the shard.
        end_key: The first hash key after the shard.
        created: The time of its creation, in seconds since the epoch.
        parents: The shards from which it was split or merged.
        readonly: Whether the shard was split or merged and takes no more logs.
    """

    id: int
    begin_key: int
    end_key: int
    created: float
    parents: tuple[int, ...] = ()
    readonly: bool = False
    _groups: list[bytes] = field(default_factory=list)
    _received: list[float] = field(default_factory=list)
    _expired: int = 0

    @property
    def origin(self) -> int:
        """The position of the first group ever.

        It comes from the time of creation, so that a cursor of a deleted Logstore is invalid here.
        """
        return int(self.created) * 10**9

    @property
    def begin(self) -> int:
        """The position of the oldest group that has not expired."""
        return self.origin + self._expired

    @property
    def end(self) -> int:
        """The position that the next group will get."""
        return self.begin + len(self._groups)

    @property
    def ever_written(self) -> bool:
        """Whether the shard has ever held a log."""
        return self.end > self.origin

    def append(self, log_group: bytes, now: float) -> None:
        """Store one LogGroup with the receive time ``now``."""
        self._groups.append(log_group)
        self._received.append(now)

    def find_position(self, time: float) -> int:
        """Return the position of the first group received at or after a time (GetCursor)."""
        return self.begin + bisect_left(self._received, time)

    def find_receive_time(self, position: int) -> float | None:
        """Return the receive time of the group at a position, or None if no group is there."""
        index = position - self.begin
        return self._received[index] if 0 <= index < len(self._received) else None

    def read(self, position: int, count: int, end: int | None = None) -> list[bytes]:
        """Return groups from a position on: at most ``count`` groups and ``MAX_PULL_BYTES``.

        Stop before the position ``end``. Return the first group even if it is larger: otherwise no
        reader could pass it.
        """
        start = position - self.begin
        stop = start + count if end is None else min(start + count, end - self.begin)
        groups = self._groups[start : max(start, stop)]
        size = 0
        for index, group in enumerate(groups):
            size += len(group)
            if index and size > MAX_PULL_BYTES:
                return groups[:index]
        return groups

    def expire(self, groups: int | None = None) -> None:
        """Delete the oldest groups, as the retention time does. None deletes all of them."""
        count = len(self._groups) if groups is None else min(groups, len(self._groups))
        del self._groups[:count], self._received[:count]
        self._expired += count

    def covers(self, key: int) -> bool:
        """Return whether the shard takes logs with this hash key."""
        return not self.readonly and self.begin_key <= key < self.end_key

    def describe(self) -> dict[str, str | int]:
        """Return the shard's entry in the answers of ListShards, SplitShard and MergeShards."""
        return {
            "shardID": self.id,
            "status": "readonly" if self.readonly else "readwrite",
            "inclusiveBeginKey": f"{self.begin_key:032x}",
            "exclusiveEndKey": f"{self.end_key:032x}",
            "createTime": int(self.created),
        }
