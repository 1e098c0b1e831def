"""How tests reach into the library: by what it is handed, not by the path of a private name."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.processes import ROOT

PRIVATE = re.compile(r"sls_syslog(\.\w+)*\._(?!_)\w+(\.\w+)*")


def find_private_paths(source: str) -> list[str]:
    """The strings that are paths of private names of ours, in the arguments of calls."""
    return [
        argument.value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        for argument in [*call.args, *[keyword.value for keyword in call.keywords]]
        if isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and PRIVATE.fullmatch(argument.value)
    ]


def test_no_private_name_is_patched_by_its_path() -> None:
    """A test that does so holds on to the inside, and fails when a name moves."""
    tests = (ROOT / "tests").rglob("*.py")
    found = {path: paths for path in tests if (paths := find_private_paths(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "call",
    [
        'monkeypatch.setattr("sls_syslog.network.stream.{}", 0)',
        'mock.patch("sls_syslog.network.stream.{}", 0)',
        'patch(target="sls_syslog.network.stream.{}", new=0)',
        'setattr("sls_syslog.network.stream.{}.value", 0)',
    ],
)
def test_such_a_path_is_found(call: str) -> None:
    assert len(find_private_paths(call.format("_SECONDS"))) == 1
    assert find_private_paths(call.format("SECONDS")) == []
    assert find_private_paths(call.format("__name__")) == []
