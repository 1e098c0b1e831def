"""The table of faults is written from the reports of a whole long form, and from nothing less."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.model import Case, Result
from tests.faults.rows import list_cases
from tests.faults.table import BEGIN, END, TableWriter, make_property
from tests.faults.table import PAGE as DELIVERY

CASES = list_cases("ours", long=True)
PAGE = f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n"


def make_report(case: Case, variant: str, outcome: Any = "passed") -> pytest.TestReport:
    result = Result(
        sent=1000,
        lost=0 if variant == "ours" else 1234,
        duplicated=7,
        first_log=0.5,
        stall=1.25,
        drained=True,
        status=0,
        seconds=9.0,
        broken=(),
        output="",
    )
    return pytest.TestReport(
        nodeid=case.id,
        location=("", None, ""),
        keywords={},
        outcome=outcome,
        longrepr=None,
        when="call",
        user_properties=[make_property(case, variant, result)],
    )


def finish(page: Path, reports: list[pytest.TestReport], status: int = 0) -> int:
    """Finish a session with these reports. Return its exit status."""
    page.write_text(PAGE)
    writer = TableWriter(page)
    for report in reports:
        writer.pytest_runtest_logreport(report)
    session: Any = SimpleNamespace(exitstatus=status)
    writer.pytest_sessionfinish(session, status)
    return int(session.exitstatus)


def test_all_results_become_the_table_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    reports = [make_report(case, variant) for case in reversed(CASES) for variant in case.variants]
    assert finish(page, reports) == 0
    written = page.read_text()
    assert written.startswith(f"before\n\n{BEGIN}\n\n| what goes wrong |")
    assert written.endswith(f"|\n\n{END}\n\nafter\n")
    row = "| receiver cannot be reached for 3 s | TCP, TLS 1.2, TLS 1.3 | 3,500 | 0 | 7 | 1,234 |"
    assert f"{row} 0.5 |" in written
    assert written.count("\n| ") == len({(case.fault.name, case.receiver) for case in CASES}) + 2


def test_the_page_has_the_rows_of_the_suite(tmp_path: Path) -> None:
    def list_rows(path: Path) -> list[list[str]]:
        table = path.read_text().partition(BEGIN)[2].partition(END)[0]
        return [line.split(" | ")[:3] for line in table.splitlines()]

    page = tmp_path / "page.md"
    reports = [make_report(case, variant) for case in CASES for variant in case.variants]
    assert finish(page, reports) == 0
    assert list_rows(DELIVERY) == list_rows(page)


@pytest.mark.parametrize("outcome", ["missing", "failed", "skipped"])
def test_the_table_is_not_written_without_one_of_the_results(outcome: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    reports = [make_report(case, variant) for case in CASES for variant in case.variants]
    last = reports.pop()
    if outcome != "missing":
        reports.append(make_report(CASES[-1], CASES[-1].variants[-1], outcome))
    assert last.passed
    assert finish(page, reports) == pytest.ExitCode.TESTS_FAILED
    assert page.read_text() == PAGE


def test_the_table_is_not_written_after_a_failure_elsewhere(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    reports = [make_report(case, variant) for case in CASES for variant in case.variants]
    assert finish(page, reports, pytest.ExitCode.TESTS_FAILED) == pytest.ExitCode.TESTS_FAILED
    assert page.read_text() == PAGE
