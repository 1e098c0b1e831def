"""The compiled helper touches no memory that is not its own, and keeps none.

Its tests run once more with a build that has the sanitizers of the compiler. Builds with a planted
fault show that these tests find it.
"""

from __future__ import annotations

import gc
import os
import platform
import re
import resource
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sls_syslog.encoding.json_trie import make_trie
from sls_syslog.testing.loggroup import frame_log_group
from tests.support.native import NATIVE, OTHER_BUILD, need_helper
from tests.support.processes import ROOT
from tests.support.tools import missing, run

pytestmark = pytest.mark.gate
SOURCES = ROOT / "sls_syslog" / "encoding" / "helper"
MODULE = "module.c"  # it includes the others
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
SANITIZERS = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
CALLS = 240_000
# A leak of one small object for each call would be 50 times as much.
MOST_GROWTH = 256 * 1024


def compile_with(source: Path, target: Path, *flags: str) -> None:
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler[0]) is None:
        missing("a C compiler", NATIVE)
    include = f"-I{sysconfig.get_path('include')}"
    options = [*STRICT, *flags, "-shared", "-fPIC", include]
    built = run(*compiler, *options, source, "-o", target)
    assert built.returncode == 0, built.stdout


def run_tests(helper: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests of the helper with this build of it."""
    runtime = run("gcc", "-print-file-name=libasan.so").stdout.strip()
    environ = {
        OTHER_BUILD: str(helper),
        "LD_PRELOAD": runtime,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python itself keeps memory to its end
        "PYTHONMALLOC": "malloc",  # else the sanitizer does not see where an object ends
        "SLS_SYSLOG_PUREPYTHON": "",
        NATIVE: "1",
    }
    options = ("-q", "-x", "-s", "-n", "0", "-p", "no:cacheprovider", "-p", "no:faulthandler")
    command = (sys.executable, "-m", "pytest", *options, "--gate", "--hypothesis-profile=plain")
    return run(*command, *tests, cwd=ROOT, **environ)


@pytest.fixture
def sanitized(tmp_path: Path) -> Callable[..., Path]:
    """Builds the helper with sanitizers, with a text of its sources replaced."""
    if platform.system() != "Linux" or "gcc" not in (sysconfig.get_config_var("CC") or ""):
        missing("gcc on Linux")

    def build(right: str = "", wrong: str = "") -> Path:
        target = tmp_path / "_native.abi3.so"
        texts = {path.name: path.read_text() for path in SOURCES.iterdir()}
        assert not right or sum(text.count(right) for text in texts.values()) == 1
        for name, text in texts.items():
            (tmp_path / name).write_text(text.replace(right, wrong) if right else text)
        compile_with(tmp_path / MODULE, target, *SANITIZERS)
        return target

    return build


def test_the_compiler_has_no_warning(tmp_path: Path) -> None:
    compile_with(SOURCES / MODULE, tmp_path / "_native.so", "-O3")


@pytest.mark.parametrize(
    "tests",
    [
        ["tests/encoding/test_native_path.py", "tests/encoding/test_native.py"],
        ["tests/encoding/test_fast_path.py", "tests/test_properties.py", "-k", "fast_path"],
        ["tests/encoding/test_event_paths.py"],
        ["tests/encoding/test_json_paths.py"],
        ["tests/encoding/test_native_groups.py", "tests/encoding/test_group_reader.py"],
    ],
    ids=lambda tests: tests[0],
)
def test_the_sanitizers_find_nothing(tests: list[str], sanitized: Callable[..., Path]) -> None:
    ran = run_tests(sanitized(), *tests)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"\d\d+ passed", ran.stdout)


LONG = ("both_write", "python_renders", "python_finds", "samples", "any_json", "wherever")
QUICK = [
    *("tests/encoding/test_native_path.py", "tests/encoding/test_json_paths.py"),
    "tests/encoding/test_native_groups.py",
    *("-k", " and ".join(f"not {name}" for name in LONG)),
]
FAULTS = {
    "a length is believed": ("|| size > from->size) {", ") {"),
    "an escape is not counted": ("reserve(out, 2 * from.size + 2)", "reserve(out, from.size)"),
    "four bytes are taken": (
        "if (from->size < 4) {\n        return 0;\n    }\n    const byte",
        "if (!from->size) {\n        return 0;\n    }\n    const byte",
    ),
    "a number of a field is believed": (
        "to->source >= (Py_ssize_t)key_count",
        "to->source > (Py_ssize_t)key_count",
    ),
    "a shift is too wide": ("(7 * i)", "(70 * i)"),
    "the place of a fact is believed": (
        "(size_t)place >= place_count ||",
        "(size_t)place > place_count ||",
    ),
    "the place of a copy is believed": (
        "to->place < place_count &&",
        "to->place <= place_count &&",
    ),
    "the size of a decoded URL is guessed": ("reserve(to, value->size)", "reserve(to, 1)"),
    "the number of values is guessed": ("as->place_count * sizeof(text)", "sizeof(text)"),
    "JSON has eight bytes more": ("if (j->end - j->at >= 8) {", "if (j->end > j->at) {"),
    "keys are not counted": ("if (j->key_count == MOST_OPEN_KEYS) {", "if (!j) {"),
    "JSON of any depth is read": ("if (depth == DEEPEST) {", "if (!j) {"),
    "the number of nodes is guessed": ("realloc(r->is_seen, in->node_count)", "realloc(NULL, 1)"),
    "the place of a node is believed": (
        "place < (Py_ssize_t)event->place_count &&",
        "place <= (Py_ssize_t)event->place_count ||",
    ),
    "the children of a node are believed": (
        "own->count <= to->node_count - own->first",
        "own->count <= to->node_count",
    ),
    "the end of a group is believed": ("stop > whole.size || ", ""),
    "keys of the log before are not counted": (
        "known->made != NULL && known->count == log->count",
        "known->made != NULL",
    ),
    "the room for keys is guessed": ("realloc(known->texts, log->room", "realloc(known->texts, 1"),
    "the decoded JSON stays where it was": (
        "as->sources[i] == NO_SOURCE && r->found[i].is_written",
        "as->sources[i] > 0",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_sanitizers_find_a_planted_fault(fault: str, sanitized: Callable[..., Path]) -> None:
    ran = run_tests(sanitized(*FAULTS[fault]), *QUICK)
    assert ran.returncode != 0
    assert re.search(r"AddressSanitizer|runtime error:|FAILED", ran.stdout), ran.stdout


def measure_memory() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def test_calls_keep_no_memory() -> None:
    """Calls that work, that leave logs to Python, and that fail at each place."""
    if not Path("/proc/self/statm").exists():
        missing("/proc/self/statm")
    helper = need_helper()
    key = b"key" * 20
    bodies = []
    for value in (b"a\tb", b"a=b", b'{"b":"\\u0041","c":[ 1 ]}'):
        log = b"\x08\x01\x12" + bytes([64 + len(value)]) + b"\x0a\x3c" + key
        log += b"\x12" + bytes([len(value)]) + value
        bodies.append(b"\x0a" + bytes([len(log)]) + log)
    inside = make_trie({"b": 2, "c": 3})
    places = (0, -2, -1, -1)
    parts = ((b"<", 0, 1), (b"|", -2, 0), (b">", -1, 0))

    def fail(*_: Any) -> Any:
        raise LookupError

    def find(keys: tuple[bytes, ...], _: bool) -> Any:
        return helper.compile_layout(keys, False, parts, b"")

    class Answers(dict[bytes, Any]):
        """Right answers, wrong ones, and none."""

        number = 0

        def __missing__(self, key: bytes) -> Any:
            self.number += 1
            right = -1, (bytes([60]) * 50, (0, 0), b">")
            return [right, None, (-1, ((0, 4), b"x")), (1, 1), (-1, ((0, 9),)), fail][
                self.number % 6
            ] or fail()

    about: Any = (((0, 0, 0), (1, 0, 0), (2, 0, 0), (0, 2, 0), (0, 3, 0)), Answers())
    head: Any = ((), {b"": (-1, (b"<" * 50, b">"))})

    def find_event(keys: tuple[bytes, ...], _: bool) -> Any:
        parts = (about, about, True), (about, None, True)
        event = (places, ((0, inside),), head, parts, b"=", (rb"\=",), True)
        return helper.compile_event_layout(keys, False, event)

    def call(number: int) -> None:
        known = [(find, find_event)[number // 2 % 2]((key,), False)] if number % 2 else []
        finders = [find, fail, find_event, lambda *_: 1]
        starters: list[Any] = [lambda _: b"start", fail, lambda _: None, lambda _: 1]
        own = bodies[number // 4 % 3]
        group = own * 3 if number % 3 else own + b"\xff"
        try:
            helper.find_groups(b"".join(frame_log_group(group)))
            helper.read_rows(group, number % 5 // 4, len(group))
            helper.render_group(
                group,
                known,
                finders[number // 2 % 4],
                starters[number // 8 % 4],
                2,
                -1,
                number % 3,
                False,
            )
            helper.compile_layout((key,), False, ((b"x", number % 7, 0),), b"")
            wrong = [about, (((number % 3, 0, 0), 1), {})][number % 2]
            tries = ((0, inside), (0, inside[: number % 4]))
            event = (
                (0, -2, -1, -1),
                tries,
                head,
                ((wrong, about, True), number % 5),
                b"",
                (),
                True,
            )
            helper.compile_event_layout((key,), False, event)
        except (LookupError, TypeError, ValueError):
            pass

    for number in range(CALLS // 4):
        call(number)
    gc.collect()
    before = measure_memory()
    for number in range(CALLS):
        call(number)
    gc.collect()
    assert measure_memory() - before < MOST_GROWTH


def test_calls_keep_no_reference() -> None:
    helper = need_helper()
    layout = helper.compile_layout((b"key",), False, ((b"<", 0, 0),), b"")
    start = bytes([65] * 50)
    log = b"\x0a\x0e\x08\x01\x12\x0a\x0a\x03key\x12\x03val"
    counted = [layout, start, log, None]
    before = [sys.getrefcount(each) for each in counted[:-1]]
    for framing in range(3):
        helper.render_group(log, [layout], lambda *_: None, lambda _: start, -1, -1, framing, False)
        helper.render_group(log, [], lambda *_: layout, lambda _: start, -1, 1, framing, True)
        helper.render_group(
            log + b"\xff", [layout] * 40, lambda *_: 1, lambda _: start, 0, 1, 0, True
        )
    assert [sys.getrefcount(each) for each in counted[:-1]] == before
