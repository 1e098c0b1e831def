"""The ledger, against one that remembers every single log."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import ShipperStats
from sls_syslog.delivery.ledger import Tally, close_ledger, mark_start, open_ledger
from sls_syslog.testing.sls_shard import encode_cursor

DROPPED = dict.fromkeys(("expired", "hook_failed", "oversize", "refused"), 0)


@dataclass
class SlowLedger:
    """A shard as a list of logs, each with its state; ``at`` is what SLS serves next."""

    states: list[str] = field(default_factory=list)  # pending, confirmed, filtered or dropped
    at: int = 0
    safe: int = 0
    replayed: int = 0
    window: list[int] = field(default_factory=list)

    def serve(self, number: int) -> list[int]:
        served = list(range(self.at, self.at + number))
        for log in served:
            if log < len(self.states):
                self.replayed += 1
            else:
                self.states.append("pending")
        self.at += number
        self.window += served
        return served

    def confirm(self, fates: dict[int, str]) -> None:
        for log in self.window:
            if self.states[log] == "pending":
                self.states[log] = fates[log]
        self.window.clear()

    def numbers(self) -> dict[str, Any]:
        counts = Counter(self.states)
        return {
            "received": len(self.states),
            "replayed": self.replayed,
            **{kind: counts[kind] for kind in ("confirmed", "filtered", "pending")},
            "dropped": DROPPED | {"oversize": counts["dropped"]},
        }


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("serve"), st.integers(1, 7)),
        st.tuples(st.just("confirm"), st.just(0)),
        st.tuples(st.just("roll back"), st.integers(0, 10)),
    ),
    max_size=40,
)
FATES = ("confirmed", "confirmed", "filtered", "dropped")


@given(STEPS)
def test_every_log_is_counted_once_whatever_is_rolled_back(steps: list[tuple[str, int]]) -> None:
    stats = ShipperStats()
    ledger, slow = open_ledger(stats, "shard"), SlowLedger()
    tallies: list[Tally] = []
    fates = {log: FATES[log * 7 % len(FATES)] for log in range(400)}
    for step, number in steps:
        if step == "serve":
            again = ledger.receive(number)
            served = slow.serve(number)
            assert all(slow.states[log] != "pending" for log in served[:again])
            outcomes = Counter(fates[log] for log in served[again:])
            outcomes["dropped_oversize"] = outcomes.pop("dropped", 0)
            outcomes.pop("confirmed", None)
            tallies.append(Tally(logs=number - again, again=again, outcomes=outcomes))
        elif step == "confirm":
            ledger.confirm(tallies)
            tallies.clear()
            slow.confirm(fates)
        else:  # to some place at or before the end of what is confirmed: a trailing checkpoint
            settled = slow.at - len(slow.window)
            back = max(0, settled - number)
            ledger.roll_back(
                settled - back + sum(tally.again for tally in tallies),
                sum(tally.logs for tally in tallies),
            )
            tallies.clear()
            slow.window.clear()
            slow.at = back
        snapshot = stats.snapshot()
        assert {kind: snapshot[kind] for kind in slow.numbers()} == slow.numbers()


def numbers(stats: ShipperStats, *kinds: str) -> list[Any]:
    snapshot = stats.snapshot()
    return [snapshot[kind] for kind in kinds]


def test_a_shard_that_is_given_back_takes_its_pending_logs_along() -> None:
    stats = ShipperStats()
    ledger = open_ledger(stats, "shard")
    ledger.receive(5)
    ledger.confirm([Tally(logs=2)])
    close_ledger(stats, ledger)
    assert numbers(stats, "received", "confirmed", "pending") == [2, 2, 0]


def test_two_consumers_of_one_shard_do_not_mix_up_what_is_pending() -> None:
    """After an eviction both may have it for a while."""
    stats = ShipperStats()
    first, second = open_ledger(stats, "shard"), open_ledger(stats, "shard")
    first.receive(5)
    second.receive(3)
    close_ledger(stats, first)
    assert numbers(stats, "received", "pending") == [3, 3]
    second.confirm([Tally(logs=3)])
    close_ledger(stats, second)
    third = open_ledger(stats, "shard")
    third.receive(1)
    assert numbers(stats, "received", "confirmed", "pending") == [4, 3, 1]
    assert list(stats.snapshot()["shards"]) == ["shard"]


def test_logs_that_expire_before_they_are_served_again_are_dropped() -> None:
    stats = ShipperStats()
    ledger = open_ledger(stats, "shard")
    ledger.receive(5)
    ledger.roll_back(confirmed=0, pending=5)
    ledger.drop_expired()
    assert numbers(stats, "received", "pending") == [5, 0]
    assert stats.snapshot()["dropped"] == DROPPED | {"expired": 5}
    assert ledger.receive(3) == 0
    assert numbers(stats, "received", "replayed") == [8, 0]


def test_all_shards_together_are_the_total() -> None:
    stats = ShipperStats()
    for place, logs in (("a", 2), ("b", 3)):
        ledger = open_ledger(stats, place)
        ledger.receive(logs)
        outcomes = Counter(filtered=1, truncated=1, repaired_utf8=2)
        ledger.confirm([Tally(logs=logs, size=10 * logs, outcomes=outcomes)])
    snapshot = stats.snapshot()
    assert numbers(stats, "confirmed", "filtered", "truncated", "bytes") == [3, 2, 2, 50]
    assert snapshot["repaired"] == {"hook_failed": 0, "utf8": 4}
    assert snapshot["shards"]["b"]["confirmed"] == 2


def test_no_number_is_without_a_description_and_all_can_be_dumped() -> None:
    stats = ShipperStats()
    open_ledger(stats, "project/logstore/group/0")
    names = [name for name, *_ in ShipperStats.describe()]
    snapshot = json.loads(json.dumps(stats.snapshot()))
    assert list(snapshot) == [*names, "shards"]
    assert list(snapshot["shards"]["project/logstore/group/0"]) == names


def test_what_is_called_a_counter_never_falls() -> None:
    stats = ShipperStats()
    ledger = open_ledger(stats, "shard")
    ledger.receive(5)
    ledger.confirm([Tally(logs=2)])
    before = stats.snapshot()
    close_ledger(stats, ledger)
    after = stats.snapshot()
    fallen = {name for name, *_ in ShipperStats.describe() if after[name] != before[name]}
    assert fallen == {"received", "pending"}
    kinds = {name: kind for name, kind, _ in ShipperStats.describe()}
    assert {kinds[name] for name in fallen} == {"gauge"}


def test_the_lag_of_a_shard_that_was_given_up_is_another_consumers() -> None:
    now = [1000.0]
    stats = ShipperStats(clock=lambda: now[0], timer=lambda: now[0])
    ledger = open_ledger(stats, "shard")
    ledger.note_pending(Tally(logs=2, oldest=400))
    assert numbers(stats, "lag_seconds") == [600.0]
    close_ledger(stats, ledger)
    assert numbers(stats, "lag_seconds") == [0.0]
    open_ledger(stats, "shard")
    now[0] = 1007.0
    assert stats.snapshot()["shards"]["shard"]["lag_seconds"] == 7.0


def test_its_repr_says_how_it_goes() -> None:
    stats = ShipperStats()
    open_ledger(stats, "shard").receive(3)
    expected = "<ShipperStats: shards=1, received=3, confirmed=0, filtered=0, pending=3>"
    assert repr(stats) == expected


def test_once_a_minute_a_line_says_how_it_goes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="sls_syslog.delivery")
    now = [0.5]
    stats = ShipperStats(clock=lambda: now[0], timer=lambda: now[0])
    ledger = open_ledger(stats, "shard")
    for second in range(1, 125):
        now[0] = float(second)
        stats.log_line()
        ledger.receive(10)
        ledger.confirm([Tally(logs=10, size=10_000, newest=now[0] - 1)])
    first, second_line = caplog.messages
    assert first.startswith(
        "600 logs confirmed in 60 s (10.0/s, 0.010 MB/s), lag 2.0 s (shard), pending 0"
    )
    assert "in all 1200 confirmed" in second_line


def tell(caplog: pytest.LogCaptureFixture, stats: ShipperStats, now: list[float]) -> str:
    """The line that comes a minute later."""
    now[0] += 60.0
    caplog.clear()
    stats.log_line()
    return caplog.messages[-1] if caplog.messages else ""


def test_the_line_tells_what_is_left_and_how_long_that_takes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="sls_syslog.delivery")
    now = [0.0]
    stats = ShipperStats(clock=lambda: now[0], timer=lambda: now[0])
    stats.log_line()
    assert "retries 0; in all" in tell(caplog, stats, now)  # no shard, no backlog
    ledger = open_ledger(stats, "shard")
    start, end = (encode_cursor(position) for position in (1000, 1900))
    ledger.note_position(start, start)
    assert "retries 0, backlog not known;" in tell(caplog, stats, now)
    ledger.note_shard_end(end)
    ledger.receive(3000)
    ledger.confirm([Tally(logs=3000, size=3_000_000)])
    ledger.note_position(encode_cursor(1400), encode_cursor(1300))
    assert stats.snapshot()["backlog_groups"] == 600
    expected = "retries 0, backlog about 6000 logs (6.000 MB), caught up in 2 min at this rate;"
    assert expected in tell(caplog, stats, now)
    assert ledger.is_behind
    ledger.note_position(end, end)
    now[0] += 55.0
    ledger.note_end(end)
    ledger.note_fetched()
    assert not ledger.is_behind
    now[0] -= 55.0
    assert "retries 0, caught up;" in tell(caplog, stats, now)
    close_ledger(stats, ledger)
    assert stats.snapshot()["backlog_groups"] == 0


def test_the_line_repeats_why_a_shard_makes_no_progress_as_long_as_it_makes_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="sls_syslog.delivery")
    now = [0.0]
    stats = ShipperStats(clock=lambda: now[0], timer=lambda: now[0])
    ledger, idle = open_ledger(stats, "p/l/g/0"), open_ledger(stats, "p/l/g/1")
    ledger.receive(1)
    stats.log_line()
    for _ in range(2):
        ledger.note_trouble("tcp://siem:514: Connection refused")
        now[0] += 55.0
        ledger.note_fetched()  # of logs that wait for those that are pending
        idle.note_fetched()
        now[0] -= 55.0
        line = tell(caplog, stats, now)
        since = time.strftime("%H:%M", time.localtime(0))
        assert line.endswith(
            f"; no progress since {since} in p/l/g/0: tcp://siem:514: Connection refused"
        )
    assert numbers(stats, "stalled_seconds") == [120.0]
    ledger.confirm([Tally(logs=1)])
    idle.note_fetched()
    assert "no progress" not in tell(caplog, stats, [now[0]])
    assert numbers(stats, "stalled_seconds") == [0.0]
    ledger.note_trouble("reset")
    now[0] += 70.0
    assert numbers(stats, "stalled_seconds") == [70.0]
    close_ledger(stats, ledger)
    close_ledger(stats, idle)
    assert numbers(stats, "stalled_seconds") == [0.0]


def test_each_receiver_that_confirms_its_first_log_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="sls_syslog.delivery")
    now = [100.0]
    stats = ShipperStats(clock=lambda: 0.0, timer=lambda: now[0])
    mark_start(stats)
    now[0] = 102.0
    ledgers = [open_ledger(stats, shard) for shard in ("a", "b")]
    now[0] = 104.5
    for ledger in ledgers:
        ledger.note_receiver("tcp://one:514", "consumed")
    assert caplog.messages == []  # only filtered logs so far
    for ledger in ledgers:
        ledger.receive(1)
        ledger.confirm([Tally(logs=1)])
        ledger.note_receiver("tcp://one:514", "consumed")
    ledgers[0].note_receiver("udp://two:514", "written")
    assert caplog.messages == [
        "first log confirmed 4.5 s after the start: tcp://one:514 has it (confirmed as 'consumed')",
        "first log confirmed 4.5 s after the start: udp://two:514 has it (confirmed as 'written')",
    ]


SET_BY = pytest.mark.parametrize("seconds", [-3600.0, 3600.0], ids=["back", "forward"])


class Clocks:
    """The clock of a machine, which is set, and a timer, which is not."""

    def __init__(self) -> None:
        self.passed, self.is_set_by = 0.0, 0.0

    def clock(self) -> float:
        return 1_795_403_700 + self.passed + self.is_set_by

    def timer(self) -> float:
        return self.passed

    def make_stats(self) -> ShipperStats:
        return ShipperStats(clock=self.clock, timer=self.timer)


@SET_BY
def test_the_line_comes_each_minute_although_the_clock_is_set(
    seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sls_syslog.delivery")
    clocks = Clocks()
    stats = clocks.make_stats()
    for second in range(125):
        clocks.passed = float(second)
        clocks.is_set_by = seconds if second > 30 else 0.0
        stats.log_line()
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        "0 logs confirmed in 60 s",
        "0 logs confirmed in 60 s",
    ]


@SET_BY
def test_a_clock_that_is_set_hides_no_lag_and_makes_none(seconds: float) -> None:
    clocks = Clocks()
    stats = clocks.make_stats()
    ledger = open_ledger(stats, "shard")
    ledger.note_end("1")
    ledger.note_position("1", "1")
    clocks.is_set_by = seconds
    clocks.passed = 10.0
    assert numbers(stats, "lag_seconds") == [0.0]  # SLS has said just now that there is no more
    clocks.passed = 100.0
    assert numbers(stats, "lag_seconds") == [100.0]  # SLS is silent
    ledger.note_pending(Tally(logs=2, oldest=clocks.clock()))
    assert numbers(stats, "lag_seconds") == [100.0]
    ledger.confirm([Tally(logs=0, newest=clocks.clock() - 5)])
    clocks.passed = 120.0
    assert numbers(stats, "lag_seconds") == [25.0]
