"""What is left of a shard, since when nothing has moved, and how both are said."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from sls_syslog.delivery.progress import (
    Backlog,
    Progress,
    Stall,
    format_numbers,
    format_stalls,
)
from sls_syslog.testing.sls_shard import encode_cursor

NOW = 1_795_403_700.0
END = encode_cursor(1000)


def passed_to(*positions: int) -> Progress:
    """A shard whose logs were confirmed up to these cursors, one after another."""
    progress = Progress(0.0)
    for position in positions:
        progress.note_position(encode_cursor(position), encode_cursor(position))
    return progress


def test_cursors_tell_how_many_groups_are_left() -> None:
    progress = passed_to(100)
    assert progress.count_left() is None
    progress.note_shard_end(END)
    assert progress.count_left() == 900
    progress.note_position(encode_cursor(700), encode_cursor(400))
    assert (progress.passed, progress.count_left()) == (300, 600)


def test_groups_that_were_fetched_count_until_they_are_confirmed() -> None:
    progress = passed_to(100)
    assert progress.count_fetched() == 0
    progress.note_fetched(encode_cursor(160))
    progress.note_fetched(encode_cursor(130))  # again, after a roll-back
    assert progress.count_fetched() == 60
    progress.note_position(encode_cursor(160), encode_cursor(150))
    assert progress.count_fetched() == 10
    progress.note_fetched("digest")
    progress.note_position(encode_cursor(170), encode_cursor(170))
    assert progress.count_fetched() == 0


def test_what_is_fetched_beyond_the_end_that_was_told_makes_it_old() -> None:
    progress = passed_to(100)
    progress.note_shard_end(END)
    progress.note_position(encode_cursor(1001), encode_cursor(500))
    assert progress.count_left() is None


def test_a_roll_back_passes_no_group_twice_and_an_expiry_passes_none() -> None:
    progress = passed_to(100, 300, 200, 350)
    assert progress.passed == 250
    progress.note_expiry()
    progress.note_position(encode_cursor(900), encode_cursor(900))
    assert progress.passed == 250


@pytest.mark.parametrize("cursor", ["", "digest", "1"])
def test_cursors_that_are_no_numbers_tell_nothing(cursor: str) -> None:
    progress = passed_to(100)
    progress.note_shard_end(cursor)
    assert progress.count_left() is None
    progress = passed_to(100)
    progress.note_shard_end(END)
    progress.note_position(cursor, cursor)
    assert (progress.passed, progress.count_left()) == (0, None)


def test_a_shard_is_at_its_end_as_long_as_sls_says_so() -> None:
    progress = passed_to(1000)
    assert not progress.is_at_end(0.0)
    progress.note_end(END, 5.0)
    assert progress.is_at_end(19.0)
    assert not progress.is_at_end(21.0)


def test_a_stall_is_a_minute_or_ten_seconds_after_an_error() -> None:
    progress = Progress(0.0)
    progress.note_moved(100.0)
    assert progress.find_stall(159.0, pending=1) is None
    waits = progress.find_stall(160.0, pending=1)
    assert waits is not None
    assert (waits.seconds, waits.reason.partition(":")[0]) == (
        60.0,
        "no log was confirmed, and no error came",
    )
    assert progress.find_stall(160.0, pending=0) == Stall(60.0, "SLS does not answer")
    progress.note_trouble("refused")
    assert progress.find_stall(109.0, pending=1) is None
    assert progress.find_stall(110.0, pending=1) == Stall(10.0, "refused")
    progress.note_moved(111.0)
    assert progress.find_stall(121.0, pending=1) is None


def test_a_reason_of_any_length_stays_short() -> None:
    progress = Progress(0.0)
    progress.note_trouble("x" * 10_000)
    stall = progress.find_stall(60.0, pending=1)
    assert stall is not None
    assert len(stall.reason) < 1000


def behind(left: int | None, passed: int, logs: int = 0, shard: str = "a") -> Backlog:
    return Backlog(frozenset({shard}), left=left, passed=passed, logs=logs, size=logs * 1000)


def held(left: int, passed: int, logs: int) -> Backlog:
    """One group was fetched, and all of its logs but one are confirmed."""
    return replace(behind(left, passed, logs), fetched=1, pending=1)


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [
        # The first line knows only how much was passed.
        (Backlog(), behind(1200, 600, 6000), "12000 logs (12.000 MB), caught up in 2 min"),
        (behind(None, 0), behind(1200, 600, 6000), "12000 logs (12.000 MB), caught up in 2 min"),
        # Later ones also know how much was written meanwhile.
        (behind(1200, 600), behind(900, 1500, 15000), "9000 logs (9.000 MB), caught up in 3 min"),
        (behind(900, 600), behind(900, 1500, 15000), "9000 logs (9.000 MB), not shrinking"),
        (behind(900, 0), behind(950, 0), "950 groups of logs, not shrinking"),
        (behind(1, 0), behind(1, 0), "backlog 1 group of logs, not"),
        # What was fetched is counted, and not estimated: one log of a group is held.
        (Backlog(), held(left=1, passed=0, logs=3), "about 1 log (0.001 MB), not shrinking"),
        (Backlog(), held(left=1, passed=1, logs=3), "about 1 log (0.001 MB), caught up"),
        (Backlog(), held(left=2, passed=1, logs=7), "about 5 logs (0.005 MB), caught up"),
        (Backlog(), held(left=1, passed=0, logs=0), "about 1 log, not shrinking"),
        # Nothing is known of shards that have come or gone.
        (behind(900, 600, shard="b"), behind(90, 50, 500), "900 logs (0.900 MB)"),
    ],
)
def test_a_backlog_is_told_with_the_time_that_it_takes(
    before: Backlog, now: Backlog, text: str
) -> None:
    assert text in now.format(before, 60.0)
    assert ("caught up" in text) == now.format(before, 60.0).endswith("at this rate")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59, "59 s"), (300, "5 min"), (36000, "10 h"), (400_000, "5 days")],
)
def test_the_time_has_the_unit_that_fits(seconds: int, text: str) -> None:
    now = behind(seconds, 60, 60)
    assert f"caught up in {text} at" in now.format(behind(seconds + 60, 0), 60.0)


def test_shards_are_caught_up_together() -> None:
    end = Backlog(is_at_end=True, left=5, passed=10, logs=100)
    both = Backlog.combine([("a", end), ("b", Backlog(is_at_end=True))])
    assert both.format(Backlog(), 60.0) == "caught up"
    one = Backlog.combine([("a", end), ("b", Backlog(left=20, passed=10, logs=100))])
    assert one.format(one, 60.0).startswith("backlog about 250 logs")
    old = Backlog.combine([("a", Backlog(left=0, passed=10)), ("b", Backlog(is_at_end=True))])
    assert old.format(one, 60.0) == "backlog not known"
    unknown = Backlog.combine([("a", end), ("b", Backlog())])
    assert unknown.format(one, 60.0) == "backlog not known"


def test_shards_that_stand_for_one_reason_are_told_together() -> None:
    stalls = [(f"p/l/g/{shard}", Stall(30.0 + shard, "refused")) for shard in (0, 1, 2, 5)]
    stalls.append(("p/l2/g/7", Stall(600.0, "reset")))
    first, second = format_stalls(stalls, NOW)
    began = [time.strftime("%H:%M", time.localtime(NOW - seconds)) for seconds in (600, 35)]
    assert first == f"no progress since {began[0]} in p/l2/g/7: reset"
    assert second == f"no progress since {began[1]} in p/l/g/0-2, 5: refused"


def test_a_stall_of_days_has_its_day_and_many_reasons_are_counted() -> None:
    stalls = [(f"p/l/g/{shard}", Stall(3e5 - shard, f"reason {shard}")) for shard in range(9)]
    *told, rest = format_stalls(stalls, NOW)
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(NOW - 3e5))
    assert told[0] == f"no progress since {day} in p/l/g/0: reason 0"
    assert (len(told), rest) == (3, "no progress in 6 more shards")


def test_numbers_are_written_as_ranges() -> None:
    assert format_numbers([]) == ""
    assert format_numbers([7, 3, 1, 2, 9, 8]) == "1-3, 7-9"
