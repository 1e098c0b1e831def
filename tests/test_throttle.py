"""At most a line for each cause and minute."""

from __future__ import annotations

import tracemalloc

from sls_syslog.throttle import Throttle


def test_a_cause_is_due_once_a_minute() -> None:
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0])
    due = []
    for second in range(0, 150, 10):
        now[0] = float(second)
        if throttle.is_due("disk", 1):
            due.append(second)
    assert due == [0, 60, 120]


def test_each_cause_has_its_own_minute() -> None:
    throttle = Throttle(clock=lambda: 0.0)
    assert [
        throttle.is_due("a"),
        throttle.is_due("b"),
        throttle.is_due("a"),
        throttle.is_due("a", 1),
    ] == [
        True,
        True,
        False,
        True,
    ]


def test_no_memory_is_taken_by_causes_of_any_number_and_size() -> None:
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0])
    tracemalloc.start()
    try:
        for number in range(5000):
            now[0] = number / 100
            assert throttle.is_due("refused", str(number).ljust(1000, "x"))
        assert not throttle.is_due("refused", "4999".ljust(1000, "x"))
        assert tracemalloc.get_traced_memory()[0] <= 1_000_000
    finally:
        tracemalloc.stop()
