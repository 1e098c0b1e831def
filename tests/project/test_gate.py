"""What a plain run leaves for the gate, and that it says so."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from tests.support.tools import run

TESTS = """
import pytest
from hypothesis import given, strategies

examples = 0

def test_short():
    pass

@pytest.mark.gate
def test_long():
    pass

@given(strategies.integers())
def test_property(number):
    global examples
    examples += 1

def test_of_the_examples(request):
    assert examples == (1000 if request.config.getoption("--gate") else 100)
"""


def test_what_is_left_for_the_gate_is_listed() -> None:
    listed = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
    commands = re.findall(r"`python -m pytest ([^`]*) --gate", listed)
    named = [ROOT / path for command in commands for path in command.split()]
    makers = {ROOT / "tests" / "conftest.py", ROOT / "tests" / "support" / "gate.py"}
    for path in {*(ROOT / "tests").rglob("*.py")} - makers:
        if re.search(r"\bgate\b|\bkeep_first\b", path.read_text()):
            assert any(path.is_relative_to(place) for place in named), path


@pytest.fixture
def run_pytest(tmp_path: Path) -> list[str]:
    """The command that runs `TESTS` with our options, on one worker."""
    (tmp_path / "test_two.py").write_text(TESTS)
    # The last of the tests looks at what the one before it did, so their order is ours.
    plugins = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-p", "no:randomly"]
    settings = ["-c", str(ROOT / "pyproject.toml"), "-n", "1"]
    return [sys.executable, "-m", "pytest", *plugins, *settings, str(tmp_path)]


def test_a_plain_run_says_what_it_left_for_the_gate(run_pytest: list[str]) -> None:
    said = run(*run_pytest, cwd=ROOT).stdout
    assert "3 passed, 1 skipped" in said.splitlines()[-1]
    assert "Left for the gate (bash .ci/run, or pytest --gate): 1 of the tests" in said


@pytest.mark.gate
def test_the_gate_leaves_nothing(run_pytest: list[str]) -> None:
    said = run(*run_pytest, "--gate", cwd=ROOT).stdout
    assert "4 passed in" in said.splitlines()[-1]
    assert "Left for the gate" not in said
