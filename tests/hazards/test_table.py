"""The table of hazards in the documentation is complete, and its tests exist."""

from __future__ import annotations

import re

from tests.support.processes import ROOT

IDS = [f"L{n}" for n in range(1, 12)] + [f"S{n}" for n in range(1, 32)]
UNTESTABLE = {"S26"}  # it needs SPL, which the emulator lacks, or a system without semaphores
HERE = ROOT / "tests" / "hazards"


def read_rows() -> dict[str, list[str]]:
    """Read the tests of each hazard."""
    page = (ROOT / "docs" / "explanation" / "hazards.md").read_text()
    hazards = re.findall(r"^\| ([LS]\d+) \|", page, re.M)
    tests = dict(re.findall(r"^- ([LS]\d+):(.*(?:\n  .*)*)$", page, re.M))
    assert hazards == [*tests] == IDS
    return {name: re.findall(r"`([\w/]+\.py::test_\w+)`", row) for name, row in tests.items()}


def list_tests(path: str) -> set[str]:
    """Return the names of the tests in a file below ``tests/``."""
    return set(re.findall(r"^def (test_\w+)", (ROOT / "tests" / path).read_text(), re.M))


def test_every_hazard_has_a_row_and_every_row_its_tests() -> None:
    for name, tests in read_rows().items():
        assert bool(tests) is (name not in UNTESTABLE), name
        for test in tests:
            path, _, function = test.partition("::")
            assert function in list_tests(path), test


def test_every_test_of_a_hazard_is_in_its_row() -> None:
    named = read_rows()
    for path in HERE.glob("test_[ls]*.py"):
        for test in list_tests(f"hazards/{path.name}"):
            name = test.split("_")[1].upper()
            assert f"hazards/{path.name}::{test}" in named[name], test
