"""examples/prometheus: dashboard and alert rules use what the library exposes, and all of it."""

from __future__ import annotations

import json
import re
import runpy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from sls_syslog import ShipperStats
from tests.support.processes import ROOT
from tests.support.tools import module

EXAMPLES = ROOT / "examples"
DASHBOARD = json.loads((EXAMPLES / "prometheus" / "grafana-dashboard.json").read_text())
PANELS = DASHBOARD["panels"]
RULES = (EXAMPLES / "prometheus" / "alerts.yaml").read_text()
WIDTH = 24  # columns of a Grafana dashboard
PROMETHEUS = {"instance", "job"}
"""Labels that Prometheus itself adds."""
BUILT_IN = {"__rate_interval", "__all"}


def expressions() -> Iterator[str]:
    for panel in PANELS:
        yield from (target["expr"] for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def _fold(match: re.Match[str]) -> str:
    return f"{match[1]} {' '.join(match[2].split())}\n"


def rules() -> list[str]:
    """The expressions of the alert rules; one in several lines is folded, as YAML does."""
    folded = re.sub(r"(expr:) >\n((?: {10}.*\n)+)", _fold, RULES)
    return re.findall(r"expr: (.*)", folded)


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """The labels of each metric that prometheus_metrics.py exposes."""
    collector = runpy.run_path(str(EXAMPLES / "prometheus_metrics.py"))["LedgerCollector"]
    total = {"counter": "_total", "gauge": ""}
    return {
        f"{family.name}{total[family.type]}": set(family._labelnames) | PROMETHEUS
        for family in collector(ShipperStats()).collect()
    }


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\bsls_syslog_\w+", expression))


def labels_in(expression: str) -> set[str]:
    matched = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", expression)
    grouped = re.findall(r"\b(?:by|without) \(([^)]*)\)", expression)
    asked = re.findall(r"label_values\([^)]*, (\w+)\)", expression)
    return {*matched, *asked, *(name.strip() for names in grouped for name in names.split(","))}


@pytest.mark.parametrize("expression", [*expressions(), *rules()])
def test_an_expression_uses_only_what_is_exposed(
    expression: str, exposed: dict[str, set[str]]
) -> None:
    used = metrics_in(expression)
    assert used
    assert used <= set(exposed)
    for metric in used:
        assert labels_in(expression) <= exposed[metric], metric


def test_the_dashboard_shows_every_number(exposed: dict[str, set[str]]) -> None:
    shown = set().union(*(metrics_in(expression) for expression in expressions()))
    assert shown == set(exposed)


def test_every_variable_of_the_dashboard_exists_and_is_used() -> None:
    defined = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    text = json.dumps(DASHBOARD)
    used = set(re.findall(r"\$\{?(\w+)\}?", text))
    assert used - BUILT_IN == defined


def test_the_panels_lie_side_by_side() -> None:
    assert [panel["id"] for panel in PANELS] == list(range(1, len(PANELS) + 1))
    cells: Counter[tuple[int, int]] = Counter()
    for panel in PANELS:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= WIDTH
        cells.update(
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        )
    assert max(cells.values()) == 1
    bottom = max(y for _, y in cells) + 1
    assert len(cells) == WIDTH * bottom, "there are holes"


def test_every_panel_says_what_it_shows() -> None:
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert [target["refId"] for target in panel["targets"]] == list(
            "ABCDEFGH"[: len(panel["targets"])]
        )


@pytest.mark.parametrize("expression", [*expressions(), *rules()])
def test_prometheus_can_parse_an_expression(expression: str) -> None:
    """By Prometheus's own grammar. Grafana puts values in place of its variables before."""
    if expression.startswith("label_values("):  # Grafana's own
        expression = expression[len("label_values(") :].rpartition(", ")[0]
    filled = expression.replace("$__rate_interval", "1m")
    module("promql_parser").parse(re.sub(r"\$(\w+)", "any", filled))


def test_grafana_s_own_types_know_every_key_of_the_dashboard() -> None:
    """A key that is misspelt would be lost when it is read and written again."""
    sdk = module("grafana_foundation_sdk.models.dashboard")
    encoder = module("grafana_foundation_sdk.cog.encoder").JSONEncoder
    for name in ("prometheus", "stat", "table", "timeseries"):
        module(f"grafana_foundation_sdk.models.{name}")
    module("grafana_foundation_sdk.cog.plugins").register_default_plugins()
    written = json.loads(encoder(sort_keys=True).encode(sdk.Dashboard.from_json(DASHBOARD)))
    assert list(find_lost(DASHBOARD, written, "")) == []


def find_lost(before: Any, after: Any, where: str) -> Iterator[str]:
    """Find what is not in a copy as it was."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if value is not None:
                yield from find_lost(value, after.get(key), f"{where}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from find_lost(one, other, f"{where}[{number}]")
    elif before != after:
        yield f"{where}: {before!r} became {after!r}"
