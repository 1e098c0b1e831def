"""A lock is released whatever comes: also an interrupt, which the interpreter may raise at a jump.

Since 3.11 a table of each function says which instructions a ``with`` block protects. Some versions
of Python leave the jumps of a loop out; an interrupt there leaves the lock locked for ever.
"""

from __future__ import annotations

import ast
import dis
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from tests.support.processes import ROOT

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="it has no table to look into")

LOOP_IN_BLOCK = """
def wait(self):
    with self._lock:
        while self.next() >= 20:
            self.second += 1
        self.count += 1
"""


def find_locked_lines(source: str) -> set[int]:
    """The lines in the blocks of ``with lock``."""
    return {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.With) and "lock" in ast.unparse(node.items[0]).lower()
        for line in range(node.body[0].lineno, (node.body[-1].end_lineno or 0) + 1)
    }


def list_functions(code: CodeType) -> Iterator[CodeType]:
    """The functions in a module; a comprehension is not one: what it raises, its caller gets."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if not constant.co_name.startswith("<"):
                yield constant
            yield from list_functions(constant)


def find_unprotected_lines(source: str) -> set[int]:
    """The lines in blocks of ``with lock`` where an interrupt leaves the lock locked."""
    locked = find_locked_lines(source)
    found: set[int] = set()
    for code in list_functions(compile(source, "module", "exec")):
        entries = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]  # since 3.11
        for instruction in dis.get_instructions(code):
            line = instruction.positions.lineno  # type: ignore[attr-defined]  # since 3.11
            is_place = instruction.opname == "JUMP_BACKWARD" or "CALL" in instruction.opname
            is_protected = any(e.start <= instruction.offset < e.end for e in entries)
            if is_place and not is_protected and line in locked:
                found.add(line)
    return found


def test_no_loop_leaves_a_lock_locked() -> None:
    files = [path for path in (ROOT / "sls_syslog").rglob("*.py") if "testing" not in path.parts]
    found = {path: lines for path in files if (lines := find_unprotected_lines(read(path)))}
    assert found == {}
    assert sum(len(find_locked_lines(read(path))) for path in files) > 50


@pytest.mark.skipif(sys.version_info[:2] != (3, 12), reason="other versions protect this loop")
def test_such_a_loop_is_found() -> None:
    assert find_unprotected_lines(LOOP_IN_BLOCK)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
