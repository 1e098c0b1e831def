"""Ours loses nothing under any fault. The documented program loses logs: the suite sees losses.

A plain run takes one row of each common kind of fault. `--gate` takes the short form: each row over
one or two transports. `--faults=long` takes all rows over all transports to all receivers, and runs
the documented program in each of them. `--faults-table` writes their results into the
documentation.

No time is asserted, since a busy machine is slow: the waits of `scene.py` have limits, and the
table shows the times.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.model import Case, Result
from tests.faults.rows import list_cases
from tests.faults.scene import run_case
from tests.faults.table import make_property

VARIANTS = {"case": "ours", "documented_case": "documented"}  # by the argument of the test

Run = Callable[[Case, str], Result]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    long = metafunc.config.getoption("--faults") == "long"
    for name in VARIANTS.keys() & set(metafunc.fixturenames):
        variant = VARIANTS[name]
        parameters = [
            pytest.param(
                case,
                id=case.id,
                marks=[] if long or case.is_plain(variant) else pytest.mark.gate,
            )
            for case in list_cases(variant, long=long)
        ]
        metafunc.parametrize(name, parameters)


@pytest.fixture
def run(tmp_path: Path, record_property: Callable[[str, object], None]) -> Run:
    """Run a case with one shipper, and leave the result in the report for the table."""

    def run_and_record(case: Case, variant: str) -> Result:
        if case.fault.needs():
            pytest.skip(case.fault.needs())
        result = run_case(case, variant, tmp_path)
        record_property(*make_property(case, variant, result))
        return result

    return run_and_record


def test_ours_loses_nothing(case: Case, run: Run) -> None:
    result = run(case, "ours")
    assert not result.broken, result
    if case.fault.loses_nothing:
        assert result.lost == 0, result.output
    if case.fault.ends_drained:
        assert result.drained, result.output
    assert result.status == 0, result.output


def test_the_documented_program_loses_logs(documented_case: Case, run: Run) -> None:
    result = run(documented_case, "documented")
    if documented_case.shows_loss:  # the long form runs the others too, for the table
        assert result.lost > 0, result.output


def test_a_plain_run_has_one_row_of_each_kind_and_sees_a_loss() -> None:
    plain = {
        variant: [case.fault for case in list_cases(variant, long=False) if case.is_plain(variant)]
        for variant in VARIANTS.values()
    }
    kinds = [fault.stands_for for fault in plain["ours"]]
    assert len(set(kinds)) == len(kinds) > 1
    assert plain["documented"]
