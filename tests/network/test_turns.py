"""When the windows of a process may be confirmed."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.network.turns import Turns

MOST_A_SECOND = 20


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 10)), max_size=200))
def test_no_second_has_more_than_twenty_turns_and_none_is_early(
    steps: list[tuple[float, float]],
) -> None:
    turns, now = Turns(), 1000.0
    planned: Counter[int] = Counter()
    for waited, ahead in steps:
        now += waited
        moment = turns.reserve(now, now + ahead)
        assert moment >= now + ahead
        planned[int(moment)] += 1
    assert all(number <= MOST_A_SECOND for number in planned.values())


def test_few_shards_wait_for_nobody() -> None:
    turns = Turns()
    for second in range(100, 200, 5):
        for _ in range(MOST_A_SECOND):
            assert turns.reserve(second, second + 5.5) == second + 5.5


def test_256_shards_take_their_turns_within_thirteen_seconds() -> None:
    turns = Turns()
    moments = [turns.reserve(100.0, 100.0) for _ in range(256)]
    assert max(moments) == 112.0


def test_the_past_is_forgotten() -> None:
    turns = Turns()
    for second in range(1000):
        turns.reserve(second, second + 5)
    assert len(turns._planned) < 10
