"""Ours loses nothing under any fault. The documented program loses logs: the suite sees losses.

`--faults=long` runs all rows over all transports to all receivers. `--faults-table` writes the
results into the documentation.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import table
from tests.faults.model import Case
from tests.faults.results import Results
from tests.faults.rows import list_cases

# The promise is 10 s, and the table shows the time measured. A busy machine may take longer.
FIRST_LOG_SECONDS = 30.0


def is_long(config: pytest.Config) -> bool:
    return bool(config.getoption("--faults") == "long")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        rows = list_cases(long=is_long(metafunc.config))
        metafunc.parametrize("case", rows, ids=[case.id for case in rows])


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Results]:
    mine = (item for item in request.session.items if item.path == request.path)
    specs = (getattr(item, "callspec", None) for item in mine)
    chosen = [spec.params["case"] for spec in specs if spec is not None]
    scratch = tmp_path_factory.mktemp("faults")
    with Results(chosen, scratch, long=is_long(request.config)) as runs:
        yield runs
        if request.config.getoption("--faults-table"):
            table.write(runs)


def test_ours_loses_nothing(case: Case, results: Results) -> None:
    fault = case.fault
    if fault.needs():
        pytest.skip(fault.needs())
    result = results.wait_for(case, "ours")
    assert result is not None
    assert not result.broken, result
    if fault.loses_nothing:
        assert result.lost == 0, result.output
    if fault.ends_drained:
        assert result.drained, result.output
    assert result.status == 0, result.output
    assert result.first_log < FIRST_LOG_SECONDS, result.output


def test_the_documented_program_loses_logs(results: Results) -> None:
    runs = results.wait_for_documented()
    if not runs:
        pytest.skip("the chosen cases do not run the documented program")
    assert sum(run.lost for run in runs) > 0
