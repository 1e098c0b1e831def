"""Budgets of time, without waiting for them to pass."""

from __future__ import annotations

import math
from threading import Thread

import pytest

from sls_syslog.network.deadline import Allowance, Deadline, Stop

HOUR = 3600.0


def stopped(grace: float) -> Stop:
    stop = Stop(grace)
    stop.request()
    return stop


def test_without_a_request_there_is_no_end() -> None:
    stop = Stop()
    assert not stop.requested
    assert stop.remaining == math.inf
    assert stop.wait(0) is False


def test_a_request_leaves_the_grace() -> None:
    stop = stopped(HOUR)
    assert stop.requested
    assert 0 < stop.remaining <= HOUR
    assert stop.wait(HOUR) is True


def test_a_second_request_does_not_grant_a_second_grace() -> None:
    stop = stopped(HOUR)
    left = stop.remaining
    stop.request()
    assert stop.remaining <= left


def test_no_grace_is_the_end() -> None:
    assert stopped(0).remaining == 0


def test_a_request_ends_a_wait_in_another_thread() -> None:
    stop = Stop()
    answers: list[bool] = []
    waiting = Thread(target=lambda: answers.append(stop.wait(60)))
    waiting.start()
    stop.request()
    waiting.join(10)
    assert answers == [True]


def test_a_deadline_counts_down_to_nothing() -> None:
    deadline = Deadline(HOUR)
    first, second = deadline.remaining, deadline.remaining
    assert 0 < second <= first <= HOUR
    assert Deadline(0).remaining == 0
    assert Deadline(-1).remaining == 0
    assert Deadline(math.inf).remaining == math.inf


@pytest.mark.parametrize(
    ("seconds", "grace", "most"), [(HOUR, 1.0, 1.0), (1.0, HOUR, 1.0), (HOUR, 0.0, 0.0)]
)
def test_a_deadline_ends_with_the_grace_if_that_is_sooner(
    seconds: float, grace: float, most: float
) -> None:
    assert 0 <= Deadline(seconds, stopped(grace)).remaining <= most


def test_a_stop_after_the_start_shortens_a_deadline() -> None:
    stop = Stop(grace=0)
    deadline = Deadline(HOUR, stop)
    assert deadline.take_slice() > 0
    stop.request()
    assert deadline.remaining == 0


def test_a_slice_is_short_enough_for_a_stop_to_be_noticed() -> None:
    assert 0 < Deadline(HOUR).take_slice() <= 0.25
    assert 0 < Deadline(0.1).take_slice() <= 0.1


@pytest.mark.parametrize(
    ("deadline", "why"),
    [
        (Deadline(0), "nothing for 0 s"),
        (Deadline(HOUR, stopped(0)), "stopped"),
        (Deadline(0, stopped(HOUR)), "stopped"),
    ],
    ids=["passed", "stopped", "both"],
)
def test_when_nothing_is_left_it_says_why(deadline: Deadline, why: str) -> None:
    with pytest.raises(TimeoutError, match=f"^{why}$"):
        deadline.take_slice()


def test_a_little_work_never_waits() -> None:
    allowance = Allowance(0.1, saved=HOUR, least=1.0)
    assert allowance.wait == 0
    allowance.spend(HOUR / 2)
    assert allowance.wait == 0


def test_much_work_waits_for_its_share_of_the_time() -> None:
    allowance = Allowance(0.1, saved=HOUR, least=60.0)
    allowance.spend(2 * HOUR)
    assert 9 * HOUR < allowance.wait <= 10 * HOUR + 600
    allowance = Allowance(0.1, saved=0.0, least=60.0)
    allowance.spend(0.0)
    assert 0 < allowance.wait <= 600
    allowance = Allowance(0.1, saved=0.0, least=60.0, longest=100.0)
    allowance.spend(HOUR)
    assert 0 < allowance.wait <= 100


def test_a_deadline_says_whether_a_stop_has_shortened_it() -> None:
    assert not Deadline(HOUR, Stop()).is_stopped
    assert Deadline(HOUR, stopped(HOUR)).is_stopped
