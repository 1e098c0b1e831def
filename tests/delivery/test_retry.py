"""The waits between tries."""

from __future__ import annotations

from itertools import islice

import pytest

from sls_syslog.delivery.retry import RetryPolicy


@pytest.mark.parametrize(
    ("policy", "bounds"),
    [
        (RetryPolicy(), [0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0]),
        (RetryPolicy(first=1, factor=3, longest=10), [1, 3, 9, 10, 10]),
        (RetryPolicy(first=10, longest=1), [1, 1, 1]),
        (RetryPolicy(first=0), [0, 0, 0]),
    ],
    ids=["default", "factor", "first-above-longest", "none"],
)
def test_each_wait_is_drawn_below_a_bound_that_grows(
    policy: RetryPolicy, bounds: list[float]
) -> None:
    for _ in range(200):
        waits = list(islice(policy.draw_delays(), len(bounds)))
        assert all(0 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))


def test_the_draw_uses_the_whole_range() -> None:
    # 1000 draws all in one half of the range: one chance in 2**1000.
    draws = [next(RetryPolicy(first=2.0).draw_delays()) for _ in range(1000)]
    assert min(draws) < 1.0 < max(draws)


def test_there_is_always_another_try() -> None:
    assert len(list(islice(RetryPolicy().draw_delays(), 100_000))) == 100_000
