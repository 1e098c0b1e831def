"""``ShipperStats``: the ledger, which counts what happened to each log.

It must not touch SLS or a socket. It balances for each shard and in total, at any moment::

    received = confirmed + filtered + dropped + pending
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from sls_syslog.delivery.lag import Lag
from sls_syslog.delivery.metrics import (
    METRICS,
    count_dropped,
    format_summary,
    make_numbers,
    merge,
)
from sls_syslog.delivery.progress import Backlog, Progress, Stall, format_stalls
from sls_syslog.safe_logger import SafeLogger

__all__ = [
    "PROCESS_STATS",
    "ShardLedger",
    "ShipperStats",
    "Tally",
    "close_ledger",
    "count_given_back",
    "mark_start",
    "open_ledger",
]

# The SDK's threads confirm, and write the line: an interrupt there would only send logs again.
logger = SafeLogger("sls_syslog.delivery", caught=BaseException)

# Seconds between two status lines: often enough to watch, too rare to fill a disk.
_LINE_INTERVAL = 60.0


@dataclass
class Tally:
    """What happened to the logs of one batch that the receiver has not confirmed yet.

    Attributes:
        logs: Number of logs, without those that were confirmed before.
        again: Number of logs that were confirmed before and are sent again.
        size: Bytes on the wire.
        oldest: When SLS received the first log, in seconds since 1970.
        newest: When SLS received the last log, in seconds since 1970.
        outcomes: What the logs needed, by kind (``docs/reference/wire.md``).
    """

    logs: int = 0
    again: int = 0
    size: int = 0
    oldest: float = 0.0
    newest: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def to_confirm(self) -> int:
        """The number of ``logs`` that were sent; they are confirmed with their window."""
        return self.logs - self.outcomes["filtered"] - count_dropped(self.outcomes).total()


class _FirstConfirmations:
    """Logs one line when a receiver has confirmed the first log of all shards.

    Args:
        timer: Returns seconds that nobody sets, counted from any origin.
    """

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._began: float | None = None
        self._names: set[str] = set()

    def begin(self) -> None:
        """Note the start, from which the line counts; only the first call counts."""
        if self._began is None:
            self._began = self._timer()

    def note(self, name: str, level: str) -> None:
        """Note that a receiver has confirmed logs."""
        if name in self._names or self._began is None:
            return
        self._names.add(name)
        logger.info(
            "first log confirmed %.1f s after the start: %s has it (confirmed as '%s')",
            self._timer() - self._began,
            name,
            level,
        )


class ShardLedger:
    """The numbers of one shard, while one processor has it.

    Args:
        lock: Held while numbers change, so that each reader sees balanced numbers.
        clock: Returns seconds since 1970. It may be set at any time.
        timer: Returns seconds that nobody sets, counted from any origin.
        firsts: Reports the first confirmed log.
    """

    def __init__(
        self,
        lock: RLock,
        clock: Callable[[], float],
        timer: Callable[[], float],
        firsts: _FirstConfirmations,
    ) -> None:
        self._lock = lock
        self._firsts = firsts
        self._clock = clock
        self._timer = timer
        self._numbers: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._lag = Lag(timer())
        self._progress = Progress(timer())
        # After a roll-back, SLS delivers confirmed logs again first, and then pending logs.
        self._again_confirmed = 0
        self._again_pending = 0

    def receive(self, logs: int, end: str = "") -> int:
        """Count logs that SLS has delivered.

        Args:
            logs: The number of logs.
            end: The cursor after them.

        Returns:
            How many of them were confirmed before; these come first.
        """
        with self._lock:
            again = min(logs, self._again_confirmed)
            self._again_confirmed -= again
            known = min(logs - again, self._again_pending)
            self._again_pending -= known
            new = logs - again - known
            self._numbers.update(received=new, pending=new, replayed=again + known)
            self._progress.note_fetched(end)
        return again

    def note_pending(self, tally: Tally) -> None:
        """Note that a batch waits for its confirmation."""
        if tally.logs:
            with self._lock:
                self._lag.note_pending(self._convert(tally.oldest))

    def confirm(self, tallies: Iterable[Tally]) -> None:
        """Count batches as confirmed: all batches that waited for it."""
        with self._lock:
            for tally in tallies:
                self._outcomes.update(tally.outcomes)
                self._numbers.update(
                    pending=-tally.logs, confirmed=tally.to_confirm, bytes=tally.size
                )
                self._lag.note_confirmed(self._convert(tally.newest), self._timer())
            self._progress.note_moved(self._timer())

    def note_receiver(self, name: str, level: str) -> None:
        """Note which receiver has confirmed, and at which level of confirmation."""
        if self._numbers["confirmed"]:
            self._firsts.note(name, level)

    def note_fetched(self) -> None:
        """Note that SLS has answered a fetch."""
        with self._lock:
            if not self._numbers["pending"]:
                self._progress.note_moved(self._timer())

    def note_trouble(self, reason: str) -> None:
        """Note why logs are not fetched, sent or confirmed now; the status line repeats it."""
        with self._lock:
            self._progress.note_trouble(reason)

    def note_end(self, cursor: str) -> None:
        """Note that SLS has no logs after a cursor."""
        with self._lock:
            now = self._timer()
            self._lag.note_end(cursor, now)
            self._progress.note_end(cursor, now)

    def note_shard_end(self, cursor: str) -> None:
        """Note where the shard ends in SLS, while logs before it are still to be fetched."""
        with self._lock:
            self._progress.note_shard_end(cursor)

    def note_position(self, cursor: str, confirmed: str) -> None:
        """Note how far the shard is.

        Args:
            cursor: Every log before it was accepted for delivery.
            confirmed: The receiver has every log before it.
        """
        with self._lock:
            self._progress.note_position(cursor, confirmed)
            if not self._numbers["pending"]:
                self._lag.note_drained(cursor)

    @property
    def is_behind(self) -> bool:
        """Whether SLS may have more logs than are fetched."""
        return not self._progress.is_at_end(self._timer())

    def roll_back(self, confirmed: int, pending: int) -> None:
        """Note that SLS will deliver logs again: first confirmed ones, then pending ones.

        Args:
            confirmed: The number of logs that were confirmed before.
            pending: The number of logs that were not.
        """
        with self._lock:
            self._again_confirmed += confirmed
            self._again_pending += pending

    def drop_expired(self) -> None:
        """Count pending logs as dropped: they expired before SLS could deliver them again."""
        with self._lock:
            self._outcomes["dropped_expired"] += self._again_pending
            self._numbers["pending"] -= self._again_pending
            self._progress.note_expiry()
            self._again_confirmed = self._again_pending = 0

    def give_back(self) -> int:
        """Subtract pending logs from ``received``: the next consumer of the shard counts them.

        Returns:
            Their number.
        """
        with self._lock:
            pending = self._numbers["pending"]
            self._numbers["received"] -= pending
            self._numbers["pending"] = self._again_confirmed = self._again_pending = 0
        return pending

    def count(self, kind: str) -> None:
        """Count one event: ``retries`` or ``reconnects``."""
        with self._lock:
            self._numbers[kind] += 1

    def read_numbers(self) -> dict[str, Any]:
        """Read all numbers of this shard; see ``ShipperStats.snapshot``."""
        with self._lock:
            stall = self.find_stall()
            times = {
                "lag_seconds": self._lag.compute(self._timer(), self._numbers["pending"]),
                "stalled_seconds": stall.seconds if stall else 0.0,
            }
            left = self._progress.count_left() or 0
            numbers = Counter({**self._numbers, "backlog_groups": left})
            return make_numbers(numbers, self._outcomes, times)

    def find_stall(self) -> Stall | None:
        """Find out whether the shard makes no progress."""
        with self._lock:
            return self._progress.find_stall(self._timer(), self._numbers["pending"])

    def measure_backlog(self) -> Backlog:
        """Measure what of this shard is left in SLS."""
        with self._lock:
            return Backlog(
                is_at_end=not self.is_behind and self.find_stall() is None,
                left=self._progress.count_left(),
                fetched=self._progress.count_fetched(),
                pending=self._numbers["pending"],
                passed=self._progress.passed,
                logs=self._numbers["confirmed"] + self._outcomes["filtered"],
                size=self._numbers["bytes"],
            )

    def _convert(self, seconds: float) -> float:
        """Convert a time since 1970 to one of the timer: setting the clock must hide no lag."""
        return seconds - self._clock() + self._timer()


class ShipperStats:
    """Counts what happened to the logs, for each shard and in total.

    All processors of a process share one ledger, unless you give them another::

        stats = ShipperStats()
        ConsumerWorker(SyslogShipperProcessor, consumer_config(), args=(settings, stats))

    Any thread may read it. Once a minute it logs the status line, which has the main numbers.

    Args:
        clock: Returns seconds since 1970; ``time.time`` by default. It tells how old a log is.
        timer: Returns seconds that nobody sets; ``time.monotonic`` by default. It measures how
            much time has passed.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._timer = timer
        self._lock = RLock()
        self._firsts = _FirstConfirmations(timer)
        self._closed: dict[str, dict[str, Any]] = {}
        self._open: dict[str, list[ShardLedger]] = {}
        self._line_at: float | None = None
        self._logged: dict[str, Any] = {}
        self._backlog = Backlog()
        self._given_back = 0

    def __repr__(self) -> str:
        numbers = self.snapshot()
        kinds = ("received", "confirmed", "filtered", "pending")
        counts = ", ".join(f"{kind}={numbers[kind]}" for kind in kinds)
        return f"<{type(self).__name__}: shards={len(numbers['shards'])}, {counts}>"

    @classmethod
    def describe(cls) -> list[tuple[str, str, str]]:
        """Return name, kind (``counter`` or ``gauge``) and meaning of every number, in order."""
        return list(METRICS)

    def snapshot(self) -> dict[str, Any]:
        """Read the numbers at this moment, as plain values that ``json.dumps`` takes.

        Returns:
            Each number of ``describe()`` by its name, for all shards together. Under ``shards``,
            the same for each shard by its name, ``project/logstore/group/shard``. ``dropped``
            and ``repaired`` are mappings of causes and kinds to numbers.
        """
        with self._lock:
            shards = {
                shard: merge([closed, *(ledger.read_numbers() for ledger in self._open[shard])])
                for shard, closed in self._closed.items()
            }
        nothing = make_numbers(Counter(), Counter(), {})
        return {**merge([nothing, *shards.values()]), "shards": shards}

    def log_line(self) -> None:
        """Log the status line, if the last one is at least a minute ago."""
        now = self._timer()
        with self._lock:
            last = self._line_at
            if last is not None and now - last < _LINE_INTERVAL:
                return
            self._line_at = now
            before, total = self._logged, self.snapshot()
            ledgers = [(name, one) for name, some in self._open.items() for one in some]
            backlog_before = self._backlog
            backlog = Backlog.combine((name, one.measure_backlog()) for name, one in ledgers)
            self._logged, self._backlog = total, backlog
            stalls = _find_stalls(ledgers)
        if last is not None:
            left = backlog.format(backlog_before, now - last) if backlog.shards else ""
            why = format_stalls(stalls, self._clock())
            logger.info("%s", format_summary(before, total, now - last, left, why))


def _find_stalls(ledgers: Iterable[tuple[str, ShardLedger]]) -> list[tuple[str, Stall]]:
    return [(name, stall) for name, one in ledgers if (stall := one.find_stall())]


PROCESS_STATS = ShipperStats()
"""The ledger that processors share unless they are given another."""


def mark_start(stats: ShipperStats) -> None:
    """Mark the start of the program, if it is not marked yet; the first line counts from it."""
    stats._firsts.begin()


def open_ledger(stats: ShipperStats, shard: str) -> ShardLedger:
    """Open the ledger of a shard for a processor that begins with it.

    Args:
        stats: Shows the numbers.
        shard: The shard, as ``project/logstore/group/shard``.
    """
    ledger = ShardLedger(stats._lock, stats._clock, stats._timer, stats._firsts)
    mark_start(stats)
    with stats._lock:
        stats._closed.setdefault(shard, make_numbers(Counter(), Counter(), {}))
        stats._open.setdefault(shard, []).append(ledger)
    return ledger


def close_ledger(stats: ShipperStats, ledger: ShardLedger) -> None:
    """Close the ledger of a shard that its processor gives up; its counters stay.

    Args:
        stats: Shows the numbers.
        ledger: What ``open_ledger`` returned.
    """
    with stats._lock:
        _move_to_closed(stats, ledger)


def count_given_back(stats: ShipperStats) -> int:
    """Count the logs that were not confirmed when their shards were given up, so far."""
    with stats._lock:
        return stats._given_back


def _move_to_closed(stats: ShipperStats, ledger: ShardLedger) -> None:
    stats._given_back += ledger.give_back()
    # From now on, they are those of the next consumer.
    others = {"lag_seconds": 0.0, "backlog_groups": 0, "stalled_seconds": 0.0}
    last = {**ledger.read_numbers(), **others}
    for shard, ledgers in stats._open.items():
        if ledger in ledgers:
            ledgers.remove(ledger)
            stats._closed[shard] = merge([stats._closed[shard], last])
