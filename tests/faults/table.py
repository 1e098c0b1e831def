"""Write the results as a table into the documentation. Change nothing outside of two markers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.faults.model import VARIANTS, Case, Result
from tests.faults.rows import list_cases
from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "explanation" / "delivery.md"
BEGIN = "<!-- made by: python -m pytest tests/faults --faults=long --faults-table -->"
END = "<!-- end of what the fault suite measured -->"
PROPERTY = "fault"  # the property of a test's report that carries its result to the table
NAMES = {"tcp": "TCP", "udp": "UDP", "tls1.2": "TLS 1.2", "tls1.3": "TLS 1.3"}
NAMES |= {"relp": "RELP", "relp+tls": "RELP over TLS"}
COLUMNS = (
    *("what goes wrong", "transport", "logs", "lost", "sent again"),
    *("lost by the documented program", "first log after, s", "longest stall, s"),
)

Key = tuple[str, str]  # the id of a case, and the variant
Row = list[tuple[Case, Result, Result | None]]  # ours, and the documented program's


def make_property(case: Case, variant: str, result: Result) -> tuple[str, tuple[Any, ...]]:
    """Make the property that carries a result in the report of its test."""
    return PROPERTY, (case.id, variant, asdict(result))


class TableWriter:
    """A plugin that collects the results of the long form, and writes the table at the end.

    It must be the plugin of the process that sees all reports, not of a worker of xdist.

    Args:
        page: The page with the table.
    """

    def __init__(self, page: Path = PAGE) -> None:
        self._page = page
        self._results: dict[Key, Result] = {}
        self._outcome = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the result of a test that passed."""
        if report.when == "call" and report.passed:
            properties: dict[str, Any] = dict(report.user_properties)
            if PROPERTY in properties:
                case_id, variant, counted = properties[PROPERTY]
                self._results[case_id, variant] = Result(**counted)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the table, or fail the session if that is not possible."""
        missing = self._list_missing()
        if exitstatus or missing:
            reason = "without these results:" if missing else "because the run failed."
            self._outcome = "\n".join([f"The table of faults is not written {reason}", *missing])
            session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED
            return
        write(self._page, self._results)
        self._outcome = f"The table of faults is written into {self._page}."

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what became of the table."""
        terminalreporter.write_line(self._outcome)

    def _list_missing(self) -> list[str]:
        return [
            f"{case.id}, {variant}"
            for case in list_cases("ours", long=True)
            for variant in case.variants
            if (case.id, variant) not in self._results
        ]


def write(page: Path, results: Mapping[Key, Result]) -> None:
    """Replace the table in the page, between the markers."""
    made = "\n".join([BEGIN, "", *format_lines(results), "", END])
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    page.write_text(before + made + rest.partition(END)[2], "utf-8")


def format_lines(results: Mapping[Key, Result]) -> Iterator[str]:
    """Format the table in Markdown, one line for each fault and receiver."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "| --- " * len(COLUMNS) + "|"
    for row in _group_rows(results):
        yield f"| {' | '.join(_format_cells(row))} |"


def _group_rows(results: Mapping[Key, Result]) -> list[Row]:
    rows: dict[tuple[str, str], Row] = {}
    for case in list_cases("ours", long=True):
        ours, documented = (results.get((case.id, variant)) for variant in VARIANTS)
        assert ours is not None
        rows.setdefault((case.fault.name, case.receiver), []).append((case, ours, documented))
    return list(rows.values())


def _format_cells(row: Row) -> list[str]:
    case = row[0][0]
    server = "" if case.receiver == "kit" or case.receiver in case.fault.name else case.receiver
    return [
        case.fault.name + (f" ({server})" if server else ""),
        ", ".join(_name_transport(each) for each, _, _ in row),
        f"{case.fault.logs:,}",
        _join_figures(f"{ours.lost:,}" for _, ours, _ in row),
        _join_figures(f"{ours.duplicated:,}" for _, ours, _ in row),
        _join_figures(f"{documented.lost:,}" if documented else "-" for _, _, documented in row),
        f"{max(ours.first_log for _, ours, _ in row):.1f}",
        f"{max(ours.stall for _, ours, _ in row):.1f}",
    ]


def _name_transport(case: Case) -> str:
    tls = case.transport.startswith("tls")
    return "TLS" if tls and case.receiver != "kit" else NAMES[case.transport]


def _join_figures(figures: Iterator[str]) -> str:
    """Join the figures of all transports. If they are equal, return one of them."""
    found = list(figures)
    return found[0] if len(set(found)) == 1 else ", ".join(found)
