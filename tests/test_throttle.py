"""At most a line for each cause and minute."""

from __future__ import annotations

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
