"""tests/benchmarks: the model in virtual time gives figures that follow from the rules.

The figures of the other programs depend on the machine; only that they start is tested.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pytest
from aliyun.log.proto import LogGroupList

from sls_syslog import ShipperSettings
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.testing.loggroup import frame_log_group
from tests.benchmarks.measure import Run
from tests.benchmarks.report import Figures, add_slopes, format_markdown, take_medians
from tests.benchmarks.variants import BASE_SETTINGS, SLOPES, VARIANTS, Slope, Variant
from tests.benchmarks.virtual import Found, Scenario, simulate
from tests.benchmarks.workload import KINDS, MARKER, make_groups

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


# The rows of pipe

SETTINGS = {
    row.name: row for row in VARIANTS.values() if row.program == "ship_ours" and not row.environ
}


def test_each_row_is_compared_with_rows_that_there_are() -> None:
    rows = {*VARIANTS, *SLOPES}
    assert len(rows) == len(VARIANTS) + len(SLOPES)
    all_rows: list[Variant | Slope] = [*VARIANTS.values(), *SLOPES.values()]
    for row in all_rows:
        assert {target.of for target in row.targets} <= rows - {row.name}
    assert {row.source.kind for row in VARIANTS.values()} == set(KINDS)
    for slope in SLOPES.values():
        large, small = VARIANTS[slope.large], VARIANTS[slope.small]
        assert replace(large, name="", source=small.source) == replace(small, name="", targets=())
        assert large.source.scale > small.source.scale


@pytest.mark.parametrize("row", SETTINGS.values(), ids=SETTINGS)
def test_the_receiver_counts_each_log_of_a_row_once(row: Variant) -> None:
    raw, workload = next(make_groups(0.02, row.source.kind))
    settings = ShipperSettings.from_mapping({"host": "siem", **BASE_SETTINGS, **row.settings})
    batch = LogGroupList.FromString(b"".join(frame_log_group(raw)))
    stream = b"".join(LogEncoder(settings, MessageHooks(settings)).encode(batch).frames)
    assert workload.logs > 20
    assert stream.count(MARKER) == workload.logs


def make_run(cpu: float, megabytes: float = 200, *, complete: bool = True) -> Run:
    return Run(cpu, 0.1, 0.1, 2 * cpu, 100_000_000, 50, round(megabytes * 1e6), 9, complete, "")


def read_table(figures: dict[str, Figures]) -> dict[str, dict[str, str]]:
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in format_markdown(figures).splitlines()
    ]
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def test_the_table_compares_each_row_with_the_floor_of_its_logs() -> None:
    costs = {"documented": 20, "sdk-only": 1, "default": 1.4, "waf-sdk-only": 2, "waf-cef": 5}
    figures = {name: take_medians([make_run(cpu)]) for name, cpu in costs.items()}
    figures |= {
        "sdk-only-twice": take_medians([make_run(1.8, 400)]),
        "default-twice": take_medians([make_run(cpu, 400) for cpu in (9, 2.4, 1)]),
        "default-start": take_medians([make_run(0.4, 0.0005)]),
        "default-64-shards": take_medians([make_run(1.5, complete=False)]),
    }
    table = read_table(add_slopes(figures))
    assert table["default"]["x floor"] == "1.40"
    assert (table["default"]["x documented"], table["default"]["met"]) == ("0.07", "accepted")
    assert (table["waf-cef"]["x floor"], table["waf-cef"]["x default"]) == ("2.50", "")
    assert table["default-twice"]["x floor"] == "1.33"
    assert table["default-slope"]["CPU ms/MB"] == "5.0"
    assert (table["default-slope"]["x floor"], table["default-slope"]["met"]) == ("1.25", "yes")
    assert (table["default-start"]["CPU s"], table["default-start"]["CPU ms/MB"]) == ("0.40", "")
    assert table["default-64-shards"]["all arrived"] == "NO"
