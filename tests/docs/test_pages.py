"""README and documentation are true: what they show runs, what they list is all there is.

What is done with a block, by its language:

- ``python``: run, those of a page one after the other in one process. One that ships
  (``run_worker``) finds logs in the emulator and is ended by SIGTERM when one has arrived. Where
  it says ``siem.example`` and port 514, the kit's receiver is put. (The tutorial is followed in
  ``test_tutorial.py``.)
- ``sh``: not run. Its syntax is checked, and that the files, programs, extras and variables that
  it names exist. The README's own two commands are run by ``.ci/run``.
- ``json``: parsed. ``text`` and ``diff``: read by people, unless a test says otherwise.
"""

from __future__ import annotations

import ast
import errno
import importlib.util
import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sls_syslog import ShipperSettings, ShipperStats
from sls_syslog.settings.table import ENVIRONMENT_PREFIX
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.docs.pictures import FOLDER, PICTURES
from tests.docs.settings_page import SETTINGS_PAGE, settings_page
from tests.support.pages import PAGES, Block, blocks, files_named_in, rows, tables
from tests.support.processes import ROOT, program

VENV = "python3 -m venv .venv && .venv/bin/pip install -q"
COMMANDS = [
    f"{VENV} . && .venv/bin/python examples/quickstart.py",
    f"{VENV} -e '.[test]' && .venv/bin/python -m pytest",
]


CHINESE = [page for page in PAGES if page.name.endswith(".zh-CN.md")]
TUTORIAL = ROOT / "docs" / "tutorial"
RECEIVERS = ROOT / "docs" / "how-to" / "receivers"  # see test_receiver_pages.py
# Chinese pages have the same blocks as the English ones, which is tested below.
RUNNABLE = [
    page
    for page in PAGES
    if page not in CHINESE
    and not {TUTORIAL, RECEIVERS} & {*page.parents}
    and blocks(page, ["python"])
]
RUN_ALL = """
import runpy, sys
for script in sys.argv[1:]:
    runpy.run_path(script, run_name="__main__")
"""
SHELL = [block for page in PAGES for block in blocks(page, ["sh", "bash", "shell"])]
FOLDERS = r"examples|docs|tests|sls_syslog|\.ci"


def code_blocks(path: Path) -> list[str]:
    return [block.text for block in blocks(path, ["python"])]


def test_the_readme_has_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert [line.strip() for line in lines if "-m venv" in line] == COMMANDS


@pytest.mark.parametrize("name", ["README.md", "docs/README.zh-CN.md"])
def test_the_readme_s_proof_is_what_the_fault_suite_measured(name: str) -> None:
    measured = {row[0]: row[2:] for row in rows(ROOT / "docs" / "explanation" / "delivery.md")}
    english = [row[0] for row in rows(ROOT / "README.md")[1:]]
    table = [row for row in rows(ROOT / name) if row[-1][0].isdigit()]
    assert len(table) == len(english) == 4
    for what, (_, logs, ours, theirs) in zip(english, table, strict=True):
        figures = [cell.split(", ")[0] for cell in measured[what]]  # of TCP, the first transport
        assert [logs, ours, theirs] == [figures[0], figures[1], figures[3]], what


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_row_of_a_table_has_as_many_cells_as_its_head(page: Path) -> None:
    for table in tables(page):
        assert {len(row) for row in table} == {len(table[0])}, table[0]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_runs(
    page: Path, tmp_path: Path, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs([{"n": "1"}])
    for logstore in ("audit", "waf"):
        sls_emulator.create_logstore(logstore)
        sls_emulator.put_logs([{"n": "1"}], logstore=logstore)
    scripts = []
    ships = False
    for block in blocks(page, ["python"]):
        assert not ships, "only the last block of a page may ship: SIGTERM ends the first that does"
        script = tmp_path / f"line_{block.line}.py"
        text = block.text.replace("siem.example", syslog_receiver.host)
        script.write_text(re.sub(r"\b514\b", str(syslog_receiver.port), text))
        scripts.append(str(script))
        ships = "run_worker" in text and "SlsEmulator" not in text
    environ = {**sls_emulator.environ("docs"), **syslog_receiver.environ()}
    with program("-c", RUN_ALL, *scripts, environ=environ) as run:
        if ships:
            syslog_receiver.wait_for(1, timeout=30)
            run.process.terminate()
        assert run.wait() == 0, run.output()


def test_what_a_page_checks_it_also_prints() -> None:
    for page in RUNNABLE:
        for block in blocks(page, ["python"]):
            assert "assert " not in block.text or "print(" in block.text, block.name


def test_the_bytes_on_the_wire_are_those_that_the_page_shows() -> None:
    page = ROOT / "docs" / "how-to" / "choose-format-and-framing.md"
    (script,), (printed,) = blocks(page, ["python"]), blocks(page, ["text"])
    with program("-c", script.text) as run:
        assert run.wait() == 0, run.output()
        assert run.output() == printed.text


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.name)
def test_what_a_shell_block_names_exists(block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
    for path in re.findall(rf"(?<![\w./-])(?:{FOLDERS})/[\w./@-]+", block.text):
        assert (ROOT / path).exists(), path
    typed = files_named_in(block.page)
    for script in re.findall(r"\bpython[\d.]* (\S+\.py)", block.text):
        assert script in typed or (ROOT / script).exists(), script
    for module in re.findall(r"\bpython[\d.]* -m ([\w.]+)", block.text):
        assert importlib.util.find_spec(module), module
    pyproject = (ROOT / "pyproject.toml").read_text()
    for extra in re.findall(r"(?:\.|sls-syslog)\[(\w+)\]", block.text):
        assert f"\n{extra} = [" in pyproject, extra


# Many readers learnt English late: "again" says it as well as "anew", "for example" as "say".
IDIOMS = r"""
\b(anew|as\ a\ rule|by\ itself|is\ to\ be|of\ which|one\ wonders|so\ many|thrice|whatever)\b
|,\ say[,;.)]|\ say\)
"""


def test_no_page_uses_idioms() -> None:
    for page in PAGES:
        prose = re.sub(r"(?ms)^```.*?^```$", "", page.read_text())
        text = " ".join(prose.split())
        found = re.search(IDIOMS, text, re.I | re.X)
        assert not found, f"{page.name}: {text[found.start() - 40 : found.end() + 40]}"


def test_every_block_says_its_language() -> None:
    for page in PAGES:
        for block in blocks(page):
            assert block.language, block.name
        for block in blocks(page, ["json"]):
            json.loads(block.text)


def test_no_command_that_a_page_shows_is_cut_off() -> None:
    for page in PAGES:
        text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text())
        found = re.search(r"^ {4}\S.*[|\\]\n(?! {4})", text, re.M)
        assert not found, f"{page.name}: {found[0]}"
    for block in SHELL:
        assert not re.search(r"[|\\]\s*\Z", block.text), block.name


def test_every_variable_that_a_page_names_is_read_by_something() -> None:
    read = {f"{ENVIRONMENT_PREFIX}{key.upper()}" for key, *_ in ShipperSettings.describe()}
    for folder in ("sls_syslog", "examples", "tests"):
        for source in (ROOT / folder).rglob("*.py"):
            read.update(re.findall(r"\bSLS_[A-Z_]+[A-Z]\b", source.read_text()))
    for page in PAGES:
        named = re.findall(r"\b(?:SLS|SYSLOG)_[A-Z_]*[A-Z]\b", page.read_text())
        assert set(named) <= read, page.name


def code_of(page: Path) -> list[str]:
    indented = re.findall(r"^ {4}\S.*$", re.sub(r"(?ms)^```.*?^```$", "", page.read_text()), re.M)
    return [block.text for block in blocks(page)] + indented


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.name)
def test_the_chinese_pages_show_the_same_code_as_the_english_ones(page: Path) -> None:
    name = page.name.replace(".zh-CN", "")
    english = ROOT / name if name == "README.md" else page.with_name(name)
    assert code_of(page) == code_of(english)


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.name)
def test_no_line_of_a_chinese_page_is_wrapped(page: Path) -> None:
    prose = re.sub(r"(?ms)^```.*?^```$", "", page.read_text())
    # A browser shows a wrapped line as a blank, which Chinese has not.
    assert not re.findall(r"^[^|\n].*\n(?!- |\||\[)\S.*", prose, re.M)


def test_the_rules_for_a_field_level_are_the_same_in_python_and_in_the_environment() -> None:
    page = ROOT / "docs" / "how-to" / "severity-and-custom-formats.md"
    (code,) = [one.text for one in blocks(page, ["python"]) if "(?i)^warn" in one.text]
    (variables,) = [one.text for one in blocks(page, ["sh"]) if "(?i)^warn" in one.text]
    names: dict[str, Any] = {}
    exec(code, names)
    words = (word.partition("=") for word in shlex.split(variables) if "=" in word)
    environ = {name: value for name, _, value in words}
    read = ShipperSettings.from_env({"SYSLOG_HOST": names["settings"]["host"], **environ})
    assert read == ShipperSettings.from_mapping(names["settings"])


def test_the_design_page_names_every_room_once() -> None:
    package = ROOT / "sls_syslog"
    rooms = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    page = (ROOT / "docs" / "explanation" / "design.md").read_text()
    stations_to_floors = page[page.index("## Stations") : page.index("## Floors")]
    named = re.findall(r"`(\w+(?:/|\.py))`", stations_to_floors)
    assert sorted(named) == sorted(rooms | modules | {"catalog/"})


def test_the_loggers_are_those_of_the_table() -> None:
    sources = [path.read_text() for path in (ROOT / "sls_syslog").rglob("*.py")]
    used = {name for text in sources for name in re.findall(r'SafeLogger\("(.*?)"', text)}
    page = ROOT / "docs" / "how-to" / "watch-it.md"
    named = {row[0].strip("`") for row in rows(page) if row[0].startswith("`sls_syslog.")}
    assert used == named


# What the system and OpenSSL say; the texts of this library are in its code.
NOT_OURS = {os.strerror(errno.ECONNREFUSED), "Name or service not known"}


def texts_of_the_code() -> str:
    trees = [ast.parse(path.read_text()) for path in (ROOT / "sls_syslog").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
    names = [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    return "\n".join([*(text for text in texts if isinstance(text, str)), *names])


def test_troubleshooting_quotes_what_the_library_says() -> None:
    page = ROOT / "docs" / "how-to" / "troubleshooting.md"
    symptoms = [row[0] for row in rows(page) if row[0] != "what you see"]
    assert len(symptoms) >= 20
    said = texts_of_the_code()
    for symptom in symptoms:
        for quoted in re.findall(r"`([^`]+)`", symptom):
            for piece in re.split(r" ?…(?:: | ?)|(?<=Error): ", quoted):
                assert piece in said or piece in NOT_OURS, f"{quoted}: {piece}"


def test_the_permissions_are_those_of_the_requests_that_are_sent(
    tmp_path: Path, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    page = ROOT / "docs" / "how-to" / "ram-permissions.md"
    table = [row for row in rows(page) if row[0].startswith("`log:") and re.match("[A-Z]", row[1])]
    (policy,) = (json.loads(block.text) for block in blocks(page, ["json"]))
    assert sorted(policy["Statement"][0]["Action"]) == sorted(row[0].strip("`") for row in table)
    script = tmp_path / "main.py"
    (shipper_program,) = code_blocks(ROOT / "README.md")
    script.write_text(shipper_program)
    environ = {**sls_emulator.environ("g"), **syslog_receiver.environ(), "SLS_CONSUMER": "c"}
    for start in (1, 2):
        sls_emulator.put_logs([{"n": "1"}])
        with program(str(script), environ=environ) as shipper:
            syslog_receiver.wait_for(start, timeout=30)
            sls_emulator.wait_until_drained("g")
            shipper.process.terminate()
            assert shipper.wait() == 0, shipper.output()
    requests = {name for row in table for name in row[1].split(", ")}
    assert requests == set(sls_emulator.calls) - {"PutLogs"}


def test_the_settings_page_is_what_the_code_says() -> None:
    assert SETTINGS_PAGE.read_text() == "\n".join(settings_page()) + "\n"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_its_text_draws_and_is_shown(name: str) -> None:
    assert (FOLDER / f"{name}.svg").read_text() == str(PICTURES[name]())
    assert any(f"pictures/{name}.svg)" in page.read_text() for page in PAGES)


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_changelog_knows_this_version() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"', pyproject, re.M)
    assert version
    assert f"\n## {version[1]} " in (ROOT / "CHANGELOG.md").read_text()


def test_the_page_on_watching_has_every_number_and_no_other() -> None:
    text = (ROOT / "docs" / "how-to" / "watch-it.md").read_text()
    table = [
        f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in ShipperStats.describe()
    ]
    numbers = r"^\| `\w+` \|.*\|$"  # the other tables are about loggers and symptoms
    assert re.findall(numbers, text, re.M) == table
    total = {"counter": "_total", "gauge": ""}
    names = {f"sls_syslog_{name}{total[kind]}" for name, kind, _ in ShipperStats.describe()}
    assert set(re.findall(r"\bsls_syslog_\w+", text)) <= names


def test_the_figures_of_the_page_on_sizing_are_those_that_were_measured() -> None:
    """So whoever measures again finds both pages."""
    folder = ROOT / "docs"
    measured = (folder / "explanation" / "performance.md").read_text()
    figures = {round(float(number)) for number in re.findall(r"\b\d+\.\d\b", measured)}
    text = (folder / "how-to" / "size-a-deployment.md").read_text()
    table = text[text.index("## 2. Processes") : text.index("| masks |")]
    named = [
        int(number)
        for row in re.findall(r"^\| .* \| (.*MB/s.*) \| \[?(?:performance|the same)", table, re.M)
        for numbers in re.findall(r"\b([\d to]+) (?:ms|MB/s measured)", row)
        for number in re.findall(r"\d+", numbers)
    ]
    assert len(named) > 8
    assert set(named) <= figures
