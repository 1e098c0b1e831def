"""At most a line for each cause and minute."""

from __future__ import annotations

from sls_syslog.rarely import Rarely


def test_a_cause_is_due_once_a_minute() -> None:
    now = [0.0]
    rarely = Rarely(clock=lambda: now[0])
    due = []
    for second in range(0, 150, 10):
        now[0] = float(second)
        if rarely("disk", 1):
            due.append(second)
    assert due == [0, 60, 120]


def test_each_cause_has_its_own_minute() -> None:
    rarely = Rarely(clock=lambda: 0.0)
    assert [rarely("a"), rarely("b"), rarely("a"), rarely("a", 1)] == [True, True, False, True]
