"""tests/benchmarks: the model in virtual time gives figures that follow from the rules.

The figures of the other programs depend on the machine; only that they start is tested.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pytest

from tests.benchmarks.virtual import Found, Scenario, simulate

HEARTBEAT = 20.0  # seconds; the SDK's default, which consumer_config keeps
TIMEOUT = 2 * HEARTBEAT
CALM = Scenario("", shards=6, consumers=3, kill_seconds=1000, seconds=120)
KILLS = replace(CALM, kill_seconds=60, is_regular=True, restart_seconds=6)
PROGRAMS = ("client", "model", "pipe", "scale", "soak", "windows")


def test_a_calm_group_sends_what_the_sdk_s_rules_say() -> None:
    found = simulate(CALM)
    assert (found.kills, found.copies) == (0, 0)
    assert found.logs == pytest.approx(6 * found.seconds, abs=12)
    assert found.rate("ConsumerGroupHeartBeat") == pytest.approx(3 / HEARTBEAT, rel=0.1)
    assert found.rate("PullLogs") == pytest.approx(6 / 0.5, rel=0.05)
    assert found.rate("ConsumerGroupUpdateCheckPoint") == pytest.approx(6 / 5, rel=0.2)
    assert found.rate() == pytest.approx(sum(found.requests.values()) / found.seconds)
    assert found.pause < 1
    # One with logs and, as few shards begin at the same time, at most one beside it.
    assert 6 <= max(found.opened) <= 12


def test_who_comes_back_under_its_name_has_its_shards_at_once() -> None:
    found = simulate(KILLS)
    assert found.kills == 2
    assert len(found.take_ups) == 4
    assert all(6 < seconds < 7 for seconds in found.take_ups)
    assert 0 < found.copies < found.logs / 20


@pytest.mark.parametrize("restart_seconds", [6, None])
def test_the_shards_of_who_does_not_wait_for_the_timeout_and_a_heartbeat(
    restart_seconds: float | None,
) -> None:
    found = simulate(replace(KILLS, keeps_names=False, restart_seconds=restart_seconds))
    assert found.kills == 2
    assert found.take_ups
    assert all(TIMEOUT - HEARTBEAT < one < TIMEOUT + HEARTBEAT + 1 for one in found.take_ups)
    assert len(found.outages) == 2
    assert found.pause >= max(found.take_ups) - 1


def test_the_same_seed_gives_the_same_run() -> None:
    scenario = replace(KILLS, kill_seconds=20, is_regular=False, seconds=40)
    assert simulate(scenario, 7) == simulate(scenario, 7)
    assert simulate(scenario, 7) != simulate(scenario, 8)


def test_a_figure_that_is_not_known_is_left_out() -> None:
    described = Found(seconds=1.0).describe()
    assert described["longest pause of any shard, s"] == ""
    assert described["worst"] == ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        import_module(f"tests.benchmarks.{name}").main(["--help"])
    assert ended.value.code == 0
    assert f"python -m tests.benchmarks.{name}" in capsys.readouterr().out
