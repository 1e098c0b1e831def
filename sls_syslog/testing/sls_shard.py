"""One shard: LogGroups at consecutive positions, and the cursors that name the positions.

Pure state. It must never touch the network, sleep or take a lock: the caller holds the one lock.
A cursor is the base64 of a decimal position; each LogGroup is one position; reading starts at the
cursor's own group and ends before the end cursor's (aliyun/log/logclient.py, PullLogs API page).
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

KEY_SPACE_END = 2**128 - 1  # hash keys are MD5 sums; the last shard's exclusive end is all ones
MAX_PULL_BYTES = 10 * 1024 * 1024  # one answer's raw size, about; the PullLogs page says 10 MB


class SlsError(Exception):
    """An error answer of the API.

    Attributes:
        status: The HTTP status.
        code: The API's errorCode.
        message: The API's errorMessage.
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
        ValueError: If it is not the base64 of a decimal number.
    """
    try:
        digits = base64.b64decode(cursor, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {cursor!r}") from error
    return int(digits)


@dataclass(eq=False)
class Shard:
    """The LogGroups of one shard and what ListShards says about it.

    Attributes:
        id: Its number within the Logstore.
        begin_key: The first hash key that belongs to it.
        end_key: The first hash key that no longer does.
        created: When it came to be, seconds since the epoch.
        parents: The shards it was split from.
        readonly: Whether it was split and takes no more logs.
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
        """The first position it ever had: unlike 0, no cursor of a deleted Logstore reaches it."""
        return int(self.created) * 10**9

    @property
    def begin(self) -> int:
        """The position of the oldest group that is still there."""
        return self.origin + self._expired

    @property
    def end(self) -> int:
        """The position that the next group will get."""
        return self.begin + len(self._groups)

    @property
    def ever_written(self) -> bool:
        """Whether it has held a log at any time."""
        return self.end > self.origin

    def append(self, log_group: bytes, now: float) -> None:
        """Store one LogGroup, as received at the time ``now``."""
        self._groups.append(log_group)
        self._received.append(now)

    def position_at(self, time: float) -> int:
        """Return the position of the first group received at or after a time (GetCursor)."""
        return self.begin + bisect_left(self._received, time)

    def received_at(self, position: int) -> float | None:
        """Return when a position's group arrived, or None if no group is there."""
        index = position - self.begin
        return self._received[index] if 0 <= index < len(self._received) else None

    def read(self, position: int, count: int, end: int | None = None) -> list[bytes]:
        """Return groups from a position on, to ``end``: ``count`` or about ``MAX_PULL_BYTES``.

        However large it is, one group is returned, so that no reader is stuck.
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
        """Forget the oldest groups as the Logstore's TTL does; None forgets all of them."""
        count = len(self._groups) if groups is None else min(groups, len(self._groups))
        del self._groups[:count], self._received[:count]
        self._expired += count

    def covers(self, key: int) -> bool:
        """Whether it takes the logs of a hash key."""
        return not self.readonly and self.begin_key <= key < self.end_key

    def describe(self) -> dict[str, str | int]:
        """Return its entry in the answer of ListShards and SplitShard."""
        return {
            "shardID": self.id,
            "status": "readonly" if self.readonly else "readwrite",
            "inclusiveBeginKey": f"{self.begin_key:032x}",
            "exclusiveEndKey": f"{self.end_key:032x}",
            "createTime": int(self.created),
        }
