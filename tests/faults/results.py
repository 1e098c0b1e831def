"""Run all cases of one form of the suite, several at a time: a run mostly waits."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.faults.model import Case, Result
from tests.faults.scene import run_case

CONCURRENT_RUNS = 6  # few enough for two cores: runs measure times, and must not slow each other
PATIENCE_SECONDS = 900.0  # longest wait for one result, including the runs before it


class Results:
    """A context manager that starts all runs, and returns their results."""

    def __init__(self, cases: Iterable[Case], scratch: Path, *, long: bool) -> None:
        self._pool = ThreadPoolExecutor(CONCURRENT_RUNS, thread_name_prefix="fault")
        self._runs: dict[tuple[str, str], Future[Result]] = {}
        self.cases = list(cases)
        for case in self.cases:
            variants = ["ours"]
            if long or case.fault.documented_in_short:
                variants.append("documented")
            if not case.fault.needs():
                for variant in variants:
                    self._runs[case.id, variant] = self._pool.submit(
                        run_case, case, variant, scratch
                    )

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def wait_for(self, case: Case, variant: str) -> Result | None:
        """Wait for the result of a run. Return None if it is not one of these runs."""
        run = self._runs.get((case.id, variant))
        return None if run is None else run.result(PATIENCE_SECONDS)

    def wait_for_documented(self) -> list[Result]:
        """Wait for the results of all runs of the documented program."""
        found = (self.wait_for(case, "documented") for case in self.cases)
        return [result for result in found if result is not None]
