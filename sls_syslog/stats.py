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

__all__ = ["PROCESS_STATS", "ShardLedger", "ShipperStats", "Tally"]

logger = logging.getLogger(__name__)

# Seconds between two summary lines.
_LINE_INTERVAL = 60.0
_DROPPED = "dropped_"
_OUTCOMES = ("filtered", "truncated", "split")


@dataclass
class Tally:
    """What became of the logs of one batch, which the receiver has not confirmed yet.

    Attributes:
        logs: How many there are, without those that were confirmed before.
        again: How many were confirmed before, and are sent once more.
        size: Bytes on the wire.
        oldest: When the first was written, in seconds since 1970.
        newest: When the last was.
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
        return self.logs - self.outcomes["filtered"] - _dropped(self.outcomes).total()


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
        self._pending_since: float | None = None
        self._last_lag = 0.0
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
        if self._pending_since is None and tally.logs:
            self._pending_since = tally.oldest

    def confirm(self, tallies: Iterable[Tally]) -> None:
        """The receiver has these batches, which is all that was on its way."""
        with self._lock:
            for tally in tallies:
                self._outcomes.update(tally.outcomes)
                self._numbers.update(
                    pending=-tally.logs, confirmed=tally.confirmed, bytes=tally.size
                )
                self._last_lag = max(0.0, self._clock() - tally.newest)
            self._pending_since = None

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
            self._pending_since = None

    def give_back(self) -> None:
        """The shard is let go: what is pending is received by whoever has it next."""
        with self._lock:
            self._numbers["received"] -= self._numbers["pending"]
            self._numbers["pending"] = self._again_confirmed = self._again_pending = 0
            self._pending_since = None

    def add(self, other: ShardLedger) -> None:
        """Take over the numbers of one that is closed."""
        with self._lock:
            self._numbers.update(other._numbers)
            self._outcomes.update(other._outcomes)
            self._last_lag = max(self._last_lag, other._last_lag)

    def count(self, kind: str) -> None:
        """Something happened: ``retries``, ``reconnects``."""
        with self._lock:
            self._numbers[kind] += 1

    def numbers(self) -> dict[str, Any]:
        """All numbers of this shard; see ``ShipperStats.snapshot``."""
        with self._lock:
            since, outcomes = self._pending_since, Counter(self._outcomes)
            lag = self._last_lag if since is None else max(0.0, self._clock() - since)
            causes = _dropped(outcomes)
            done = {kind: outcomes.pop(kind, 0) for kind in _OUTCOMES}
            repaired = {kind: n for kind, n in outcomes.items() if not kind.startswith(_DROPPED)}
            counted = {kind: self._numbers[kind] for kind in _COUNTED}
        return {
            **counted,
            **done,
            "dropped": causes.total(),
            "dropped_by_cause": dict(causes),
            "repaired": repaired,
            "lag_seconds": lag,
        }


_COUNTED = (
    *("received", "confirmed", "pending", "replayed"),
    *("retries", "reconnects", "bytes"),
)


def _dropped(outcomes: Counter[str]) -> Counter[str]:
    causes = {kind: n for kind, n in outcomes.items() if kind.startswith(_DROPPED) and n}
    return Counter({kind.removeprefix(_DROPPED): n for kind, n in causes.items()})


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
        # Of each shard: those that are closed, together, and then the open ones.
        self._shards: dict[str, list[ShardLedger]] = {}
        self._line_at = 0.0
        self._told: dict[str, Any] = {}

    def open(self, place: str) -> ShardLedger:
        """A ledger for a processor that takes up the shard ``project/logstore/group/shard``."""
        ledger = ShardLedger(self._lock, self._clock)
        with self._lock:
            closed = ShardLedger(self._lock, self._clock)
            self._shards.setdefault(place, [closed]).append(ledger)
        return ledger

    def close(self, ledger: ShardLedger) -> None:
        """The processor has let go of its shard, and of what is pending."""
        with self._lock:
            ledger.give_back()
            for ledgers in self._shards.values():
                if ledger in ledgers:
                    ledgers.remove(ledger)
                    ledgers[0].add(ledger)

    def snapshot(self) -> dict[str, Any]:
        """The numbers at this moment, as plain values.

        Returns:
            For all shards together, and under ``shards`` for each by its name:

            - ``received``: logs that SLS has served, each counted once; those of a shard that was
              given up before they were confirmed are taken off again.
            - ``confirmed``: logs that the receiver has, as the setting ``confirm`` defines it.
            - ``filtered``: logs for which a hook returned ``None``.
            - ``dropped``: logs that could not be sent; ``dropped_by_cause`` says why.
            - ``pending``: logs that are on their way, or that SLS was asked for again.
            - ``replayed``: logs that SLS served again; ``retries``: attempts that failed;
              ``reconnects``: attempts that worked after one that failed.
            - ``truncated``, ``split``: logs that were longer than allowed; ``repaired``: what else
              had to be done to logs, by kind.
            - ``bytes``: confirmed bytes, as on the wire.
            - ``lag_seconds``: how old the oldest pending log is; with none pending, how old the
              last one was when it was confirmed. In total: the largest.
        """
        with self._lock:
            shards = {
                place: _together([ledger.numbers() for ledger in ledgers])
                for place, ledgers in self._shards.items()
            }
            nothing = ShardLedger(self._lock, self._clock).numbers()
        return {**_together([nothing, *shards.values()]), "shards": shards}

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
            logger.info("%s", _line(before, total, elapsed))


def _together(parts: list[dict[str, Any]]) -> dict[str, Any]:
    combine: dict[str, Callable[[list[Any]], Any]] = {
        "lag_seconds": max,
        "dropped_by_cause": _sum_of_counts,
        "repaired": _sum_of_counts,
    }
    return {kind: combine.get(kind, sum)([part[kind] for part in parts]) for kind in parts[0]}


def _sum_of_counts(counts: list[dict[str, int]]) -> dict[str, int]:
    return dict(sum(map(Counter, counts), Counter()))


def _line(before: dict[str, Any], now: dict[str, Any], seconds: float) -> str:
    since = {kind: now[kind] - before[kind] for kind in ("confirmed", "bytes", "retries")}
    return (
        f"{since['confirmed']} logs confirmed in {seconds:.0f} s"
        f" ({since['confirmed'] / seconds:.1f}/s, {since['bytes'] / seconds / 1e6:.3f} MB/s),"
        f" lag {now['lag_seconds']:.1f} s, pending {now['pending']}, retries {since['retries']};"
        f" in all {now['confirmed']} confirmed, {now['filtered']} filtered,"
        f" {now['dropped']} dropped, {now['replayed']} replayed"
    )


PROCESS_STATS = ShipperStats()
"""The ledger that processors share unless they are given another."""
