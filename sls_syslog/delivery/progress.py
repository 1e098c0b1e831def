"""``Progress``: how much of a shard is left in SLS, and since when nothing of it has moved.

Sans-I/O: it must not make requests, log, or read a clock. What is left is counted in groups of
logs: the cursors of SLS number them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from sls_syslog.delivery.lag import FRESH_SECONDS
from sls_syslog.logs.event_ids import read_cursor

__all__ = ["Backlog", "Progress", "Stall", "format_numbers", "format_stalls"]

# Seconds without progress that count as a stall: more than some confirmations take, which come
# every 5 s, or every 13 s for 256 shards.
_SILENT_SECONDS = 60.0
# The same if the reason is known; shorter faults are retries that worked.
_FAILING_SECONDS = 10.0
_NEVER = float("-inf")
_LONGEST_REASON = 300  # characters
_MOST_REASONS = 3  # in one line
_DAY = 86400
_WAITS = "no log was confirmed, and no error came: the receiver or a hook holds it up"
_UNANSWERED = "SLS does not answer"


@dataclass(frozen=True)
class Stall:
    """A shard that makes no progress.

    Attributes:
        seconds: For how long.
        reason: What holds it up.
    """

    seconds: float
    reason: str


class Progress:
    """The progress of one shard. All times are seconds on one clock that nobody sets.

    Args:
        now: When the shard began.

    Attributes:
        passed: The number of groups that the receiver has got, each counted once.
    """

    def __init__(self, now: float) -> None:
        self.passed = 0
        self._moved_at = now
        self._reason = ""
        self._at_end = _NEVER
        self._end: int | None = None
        self._fetched: int | None = None  # the number of the highest cursor that was fetched
        self._position = self._confirmed = ""
        self._done: int | None = None  # the number of the cursor `_confirmed`
        self._highest: int | None = None  # the same, without roll-backs

    def note_moved(self, now: float) -> None:
        """Note that logs were confirmed, or that SLS answered and nothing waits."""
        self._moved_at, self._reason = now, ""

    def note_trouble(self, reason: str) -> None:
        """Note what has failed. It counts until something moves."""
        self._reason = reason[:_LONGEST_REASON]

    def note_end(self, cursor: str, now: float) -> None:
        """Note that a fetch has reached the end of the shard."""
        self._at_end = now
        self.note_shard_end(cursor)

    def note_shard_end(self, cursor: str) -> None:
        """Note where the shard ends in SLS."""
        self._end = read_cursor(cursor)

    def note_fetched(self, cursor: str) -> None:
        """Note that SLS has delivered every log before a cursor."""
        self._fetched = max(self._fetched or 0, read_cursor(cursor) or 0)

    def note_expiry(self) -> None:
        """Note that SLS continues at a later log: what lies between was not passed."""
        self._highest = None

    def note_position(self, position: str, confirmed: str) -> None:
        """Note how far the shard is.

        Args:
            position: The cursor after the last batch that was accepted for delivery.
            confirmed: The cursor up to which the receiver has everything.
        """
        self._position = position
        if confirmed == self._confirmed:
            return
        self._confirmed, self._done = confirmed, read_cursor(confirmed)
        if self._done is None:
            return
        before = self._done if self._highest is None else self._highest
        self._highest = max(before, self._done)
        self.passed += self._highest - before

    def is_at_end(self, now: float) -> bool:
        """Whether SLS has just said that there is nothing more."""
        return now - self._at_end < FRESH_SECONDS

    def count_left(self) -> int | None:
        """Count the groups in SLS that the receiver does not have; ``None`` if it is not known."""
        end, position = self._end, read_cursor(self._position)
        if end is None or position is None or self._done is None or position > end:
            return None
        return max(0, end - self._done)

    def count_fetched(self) -> int:
        """Count the groups that SLS has delivered and that the receiver does not have."""
        if self._fetched is None or self._done is None:
            return 0
        return max(0, self._fetched - self._done)

    def find_stall(self, now: float, pending: int) -> Stall | None:
        """Find out whether the shard makes no progress.

        Args:
            now: The time.
            pending: The number of pending logs.
        """
        seconds = now - self._moved_at
        if seconds < (_FAILING_SECONDS if self._reason else _SILENT_SECONDS):
            return None
        return Stall(seconds, self._reason or (_WAITS if pending else _UNANSWERED))


@dataclass(frozen=True)
class Backlog:
    """What is left in SLS of all shards of a ledger.

    Attributes:
        shards: Their names.
        is_at_end: Whether SLS has just said of each shard that there is nothing more.
        left: Groups of logs in SLS that the receiver does not have; ``None`` if not known.
        fetched: How many of these SLS has delivered.
        pending: Logs in these that the receiver does not have.
        passed: Groups that the receiver has got.
        logs: Logs that the receiver has got, or that were left out.
        size: Their bytes on the wire.
    """

    shards: frozenset[str] = frozenset()
    is_at_end: bool = False
    left: int | None = None
    fetched: int = 0
    pending: int = 0
    passed: int = 0
    logs: int = 0
    size: int = 0

    @classmethod
    def combine(cls, shards: Iterable[tuple[str, Backlog]]) -> Backlog:
        """Add up the backlogs of shards, each given with the shard's name."""
        named = list(shards)
        parts = [part for _, part in named]
        is_known = all(part.is_at_end or part.left is not None for part in parts)
        return cls(
            shards=frozenset(name for name, _ in named),
            is_at_end=all(part.is_at_end for part in parts),
            left=sum(part.left or 0 for part in parts) if is_known else None,
            fetched=sum(part.fetched for part in parts),
            pending=sum(part.pending for part in parts),
            passed=sum(part.passed for part in parts),
            logs=sum(part.logs for part in parts),
            size=sum(part.size for part in parts),
        )

    def format(self, before: Backlog, seconds: float) -> str:
        """Say how much is left, and how long that takes.

        Args:
            before: The same, ``seconds`` ago.
            seconds: The time between the two.
        """
        if self.is_at_end:
            return "caught up"
        if not self.left:  # 0 is old, or SLS would have said so
            return "backlog not known"
        return f"backlog {self._format_left()}{self._format_time(before, seconds)}"

    def _format_left(self) -> str:
        left, known = self.left or 0, self.passed + self.fetched
        if not known:
            return f"{left} group{'s' * (left != 1)} of logs"
        # Those that were fetched are counted; only the others are estimated.
        unseen = max(0, left - self.fetched) * (self.logs + self.pending) / known
        logs = self.pending + unseen
        size = f" ({logs * self.size / self.logs / 1e6:.3f} MB)" if self.logs else ""
        return f"about {logs:.0f} log{'s' * (round(logs) != 1)}{size}"

    def _format_time(self, before: Backlog, seconds: float) -> str:
        left = self.left or 0
        if before.shards and self.shards != before.shards:
            return ""
        # What SLS receives meanwhile counts, as soon as that is known.
        gone = self.passed - before.passed if before.left is None else before.left - left
        if gone <= 0:
            return ", not shrinking"
        return f", caught up in {_format_duration(left / gone * seconds)} at this rate"


def format_stalls(stalls: Iterable[tuple[str, Stall]], now: float) -> list[str]:
    """Say which shards make no progress, since when, and why: one text for each reason.

    Args:
        stalls: The shards, as ``project/logstore/group/shard``.
        now: The time, in seconds since 1970.
    """
    by_reason: dict[str, list[tuple[str, Stall]]] = {}
    for name, stall in stalls:
        by_reason.setdefault(stall.reason, []).append((name, stall))
    longest = sorted(by_reason.values(), key=lambda found: -max(s.seconds for _, s in found))
    texts = [
        f"no progress since {_format_time(now - max(stall.seconds for _, stall in found), now)}"
        f" in {_format_names(name for name, _ in found)}: {found[0][1].reason}"
        for found in longest[:_MOST_REASONS]
    ]
    others = sum(map(len, longest[_MOST_REASONS:]))
    return [*texts, *([f"no progress in {others} more shards"] if others else [])]


def format_numbers(numbers: Iterable[int]) -> str:
    """Write numbers as ranges, such as ``0-3, 7``."""
    ordered = sorted(numbers)
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(ordered), key=lambda pair: pair[1] - pair[0])
    ]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _format_names(names: Iterable[str]) -> str:
    """Write the names of shards, with what they have in common only once."""
    places: dict[str, list[str]] = {}
    for name in names:
        place, _, shard = name.rpartition("/")
        places.setdefault(place, []).append(shard)
    return ", ".join(_format_place(place, shards) for place, shards in sorted(places.items()))


def _format_place(place: str, shards: Sequence[str]) -> str:
    is_numbered = all(shard.isdecimal() for shard in shards)
    text = format_numbers(map(int, shards)) if is_numbered else ", ".join(shards)
    return f"{place}/{text}" if place else text


def _format_time(then: float, now: float) -> str:
    pattern = "%H:%M" if now - then < _DAY else "%Y-%m-%d %H:%M"
    return time.strftime(pattern, time.localtime(then))


def _format_duration(seconds: float) -> str:
    for unit, size in (("days", _DAY), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
