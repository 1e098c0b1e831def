"""All runs of one form of the suite, a few beside each other, since they mostly wait."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from faults.model import Case, Result
from faults.scene import run_case

BESIDE_EACH_OTHER = 6
PATIENCE_SECONDS = 900.0


class Results:
    """Starts all runs at once and hands out what they have counted; a context manager."""

    def __init__(self, cases: Iterable[Case], scratch: Path, *, long: bool) -> None:
        self._pool = ThreadPoolExecutor(BESIDE_EACH_OTHER, thread_name_prefix="fault")
        self._runs: dict[tuple[str, str], Future[Result]] = {}
        self.cases = list(cases)
        for case in self.cases:
            ways = ["ours"]
            if long or case.fault.documented_in_short:
                ways.append("documented")
            if not case.fault.needs():
                for way in ways:
                    self._runs[case.id, way] = self._pool.submit(run_case, case, way, scratch)

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def of(self, case: Case, way: str) -> Result | None:
        """Wait for a run; None if it is not among these."""
        run = self._runs.get((case.id, way))
        return None if run is None else run.result(PATIENCE_SECONDS)

    def documented(self) -> list[Result]:
        """Wait for all runs of the documented program."""
        found = (self.of(case, "documented") for case in self.cases)
        return [result for result in found if result is not None]
