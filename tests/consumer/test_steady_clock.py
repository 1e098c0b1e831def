"""Methods with a clock that nobody sets."""

from __future__ import annotations

import time
from time import monotonic
from typing import Any

import pytest

from sls_syslog.consumer.steady_clock import with_steady_clock


class Sleeper:
    """Measures as the SDK does: from ``noted`` on, with the clock of the machine."""

    def __init__(self) -> None:
        self.noted = time.time()

    def measure(self, factor: float = 1.0, *, more: float = 0.0) -> float:
        """How much time has passed."""
        time.sleep(0)
        return factor * (time.time() - self.noted) + more


@pytest.mark.parametrize("seconds", [-3600, 3600], ids=["back", "forward"])
def test_setting_the_clock_does_not_change_what_has_passed(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper = Sleeper()
    measure = with_steady_clock(sleeper.measure)
    machine, begun = time.time, monotonic()
    monkeypatch.setattr(time, "time", lambda: machine() + seconds)
    assert abs(sleeper.measure()) > 3000
    passed = measure()
    assert -0.001 <= passed <= monotonic() - begun + 0.1
    assert measure(0.0, more=5.0) == 5.0


def test_what_reads_no_such_clock_is_left_alone() -> None:
    names: dict[str, Any] = {"time": time.time}  # from time import time
    exec("class Other:\n    def measure(self):\n        return time()\n", names)
    other = names["Other"]()
    steady = with_steady_clock(Sleeper().measure)
    methods: list[Any] = [other.measure, [].append, len, steady]
    for method in methods:
        assert with_steady_clock(method) == method
