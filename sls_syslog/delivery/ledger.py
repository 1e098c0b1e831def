"""``ShipperStats``: the ledger of what became of the logs.

Pure, but for the clock. It balances for each shard and in total, at any moment::

    received = confirmed + filtered + dropped + pending
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from sls_syslog.delivery.lag import Lag
from sls_syslog.delivery.metrics import METRICS, dropped, make_numbers, merge, summary

__all__ = ["PROCESS_STATS", "ShardLedger", "ShipperStats", "Tally"]

logger = logging.getLogger("sls_syslog.delivery")

# Seconds between two summary lines.
_LINE_INTERVAL = 60.0


@dataclass
class Tally:
    """What became of the logs of one batch, which the receiver has not confirmed yet.

    Attributes:
        logs: How many there are, without those that were confirmed before.
        again: How many were confirmed before, and are sent once more.
        size: Bytes on the wire.
        oldest: When SLS received the first, in seconds since 1970.
        newest: When it received the last.
        outcomes: What had to be done to them, by kind (``docs/reference/wire.md``).
    """

    logs: int = 0
    again: int = 0
    size: int = 0
    oldest: float = 0.0
    newest: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def confirmed(self) -> int:
        """How many of ``logs`` are sent, and confirmed with their window."""
        return self.logs - self.outcomes["filtered"] - dropped(self.outcomes).total()


class ShardLedger:
    """The numbers of one shard.

    Args:
        lock: Held while they change, so that whoever reads them finds them balanced.
        clock: Seconds since 1970.
    """

    def __init__(self, lock: RLock, clock: Callable[[], float]) -> None:
        self._lock = lock
        self._clock = clock
        self._numbers: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._lag = Lag(clock())
        # After a roll-back SLS serves again, in this order: logs confirmed before, logs pending.
        self._again_confirmed = 0
        self._again_pending = 0

    def receive(self, logs: int) -> int:
        """SLS has served so many logs.

        Returns:
            How many of them, the first ones, were confirmed before.
        """
        with self._lock:
            again = min(logs, self._again_confirmed)
            self._again_confirmed -= again
            known = min(logs - again, self._again_pending)
            self._again_pending -= known
            new = logs - again - known
            self._numbers.update(received=new, pending=new, replayed=again + known)
        return again

    def wait_for(self, tally: Tally) -> None:
        """A batch is on its way."""
        if tally.logs:
            with self._lock:
                self._lag.waits_since(tally.oldest)

    def confirm(self, tallies: Iterable[Tally]) -> None:
        """The receiver has these batches, which is all that was on its way."""
        with self._lock:
            for tally in tallies:
                self._outcomes.update(tally.outcomes)
                self._numbers.update(
                    pending=-tally.logs, confirmed=tally.confirmed, bytes=tally.size
                )
                self._lag.has_until(tally.newest, self._clock())

    def ends_at(self, cursor: str) -> None:
        """SLS has nothing behind a cursor."""
        with self._lock:
            self._lag.ends_at(cursor, self._clock())

    def reached(self, cursor: str) -> None:
        """All before a cursor was taken; what of it is pending is known here."""
        with self._lock:
            if not self._numbers["pending"]:
                self._lag.has_before(cursor)

    def roll_back(self, confirmed: int, pending: int) -> None:
        """SLS is asked to serve logs again: first those that were confirmed, then the others."""
        with self._lock:
            self._again_confirmed += confirmed
            self._again_pending += pending

    def expired(self) -> None:
        """What was to be served again is gone: SLS goes on at a later log."""
        with self._lock:
            self._outcomes["dropped_expired"] += self._again_pending
            self._numbers["pending"] -= self._again_pending
            self._again_confirmed = self._again_pending = 0

    def give_back(self) -> None:
        """The shard is let go: what is pending is received by whoever has it next."""
        with self._lock:
            self._numbers["received"] -= self._numbers["pending"]
            self._numbers["pending"] = self._again_confirmed = self._again_pending = 0

    def count(self, kind: str) -> None:
        """Something happened: ``retries``, ``reconnects``."""
        with self._lock:
            self._numbers[kind] += 1

    def numbers(self) -> dict[str, Any]:
        """All numbers of this shard; see ``ShipperStats.snapshot``."""
        with self._lock:
            lag = self._lag.seconds(self._clock(), self._numbers["pending"])
            return make_numbers(self._numbers, self._outcomes, lag)


class ShipperStats:
    """What became of the logs, for each shard and in total.

    All processors of a process share one, unless they are given others::

        stats = ShipperStats()
        ConsumerWorker(SyslogShipperProcessor, consumer_config(), args=(settings, stats))

    Any thread may read it. Once a minute a line with the main numbers is logged.

    Args:
        clock: Seconds since 1970; ``time.time`` by default.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = RLock()
        self._closed: dict[str, dict[str, Any]] = {}
        self._open: dict[str, list[ShardLedger]] = {}
        self._line_at = 0.0
        self._told: dict[str, Any] = {}

    def open(self, place: str) -> ShardLedger:
        """A ledger for a processor that takes up the shard ``project/logstore/group/shard``."""
        ledger = ShardLedger(self._lock, self._clock)
        with self._lock:
            self._closed.setdefault(place, make_numbers(Counter(), Counter(), 0.0))
            self._open.setdefault(place, []).append(ledger)
        return ledger

    def close(self, ledger: ShardLedger) -> None:
        """The processor has let go of its shard, and of what is pending."""
        with self._lock:
            ledger.give_back()
            last = {**ledger.numbers(), "lag_seconds": 0.0}  # the next one's, from now on
            for place, ledgers in self._open.items():
                if ledger in ledgers:
                    ledgers.remove(ledger)
                    self._closed[place] = merge([self._closed[place], last])

    @classmethod
    def describe(cls) -> list[tuple[str, str, str]]:
        """Name, kind (``counter`` or ``gauge``) and meaning of every number, in order."""
        return list(METRICS)

    def snapshot(self) -> dict[str, Any]:
        """The numbers at this moment, as plain values that ``json.dumps`` takes.

        Returns:
            Each number of ``describe()`` by its name, for all shards together, and the same
            for each under ``shards`` by its name, ``project/logstore/group/shard``. ``dropped``
            and ``repaired`` are mappings of causes and kinds to numbers.
        """
        with self._lock:
            shards = {
                place: merge([closed, *(open_.numbers() for open_ in self._open[place])])
                for place, closed in self._closed.items()
            }
        nothing = make_numbers(Counter(), Counter(), 0.0)
        return {**merge([nothing, *shards.values()]), "shards": shards}

    def log_line(self) -> None:
        """Log the summary, when the last one is a minute ago."""
        now = self._clock()
        with self._lock:
            first, elapsed = not self._line_at, now - self._line_at
            if not first and elapsed < _LINE_INTERVAL:
                return
            self._line_at = now
            before, total = self._told, self.snapshot()
            self._told = total
        if not first:
            logger.info("%s", summary(before, total, elapsed))


PROCESS_STATS = ShipperStats()
"""The ledger that processors share unless they are given another."""
