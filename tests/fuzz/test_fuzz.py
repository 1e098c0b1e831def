"""The fuzz targets run, and find nothing in a short run.

Atheris has no wheels for some Pythons: there these tests are skipped, unless
``SLS_SYSLOG_REQUIRE_FUZZ=1`` says that it has to be there.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.support.native import need_helper
from tests.support.processes import program

HERE = Path(__file__).parent


@pytest.fixture(scope="module", autouse=True)
def _atheris() -> None:
    if importlib.util.find_spec("atheris") is not None:
        return
    reason = "atheris, which guides the fuzz targets, is not installed"
    if os.environ.get("SLS_SYSLOG_REQUIRE_FUZZ") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize(
    ("target", "runs"),
    [("fuzz_receiver.py", 40_000), ("fuzz_encoder.py", 10_000), ("fuzz_native.py", 20_000)],
)
def test_a_short_run_finds_nothing(target: str, runs: int, tmp_path: Path) -> None:
    if target == "fuzz_native.py":
        need_helper()
    environ = {"TMPDIR": str(tmp_path)}
    with program(str(HERE / target), f"-atheris_runs={runs}", environ=environ) as fuzzer:
        assert fuzzer.wait(timeout=120) == 0, fuzzer.output()
        assert f"Done {runs} in " in fuzzer.output()
    assert not list(tmp_path.glob("fuzz_*"))
