"""README and documentation are true: what they show runs, what they list is all there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import ROOT, program

from sls_syslog import ShipperSettings
from sls_syslog.settings import ENVIRONMENT_PREFIX, ClientSettings
from sls_syslog.testing import SlsEmulator, SyslogReceiver

VENV = "python3 -m venv .venv && .venv/bin/pip install -q"
COMMANDS = [
    f"{VENV} . && .venv/bin/python examples/quickstart.py",
    f"{VENV} -e '.[test]' && .venv/bin/python -m pytest",
]


def code_blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S)


def test_the_readme_has_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert [line.strip() for line in lines if "-m venv" in line] == COMMANDS


def test_the_readme_s_program_ships(
    tmp_path: Path, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    (block,) = code_blocks(ROOT / "README.md")
    script = tmp_path / "main.py"
    script.write_text(block)
    sls_emulator.put_logs([{"n": "1"}])
    environ = {**sls_emulator.environ("g"), **syslog_receiver.environ()}
    with program(str(script), environ=environ) as shipper:
        syslog_receiver.wait_for(1, timeout=30)
        shipper.process.terminate()
        assert shipper.wait() == 0, shipper.output()


PAGES = [page for page in (ROOT / "docs").rglob("*.md") if code_blocks(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_runs(page: Path, tmp_path: Path) -> None:
    for block in code_blocks(page):
        script = tmp_path / "block.py"
        script.write_text(block)
        with program(str(script)) as run:
            assert run.wait() == 0, run.output()


def settings_page() -> Iterator[str]:
    """The lines of docs/reference/settings.md, made from the settings themselves."""
    yield "# Settings"
    yield ""
    yield "Keys of the dict, attributes of `ShipperSettings`, and variables of the environment."
    yield (
        "Only `host`, or `hosts` in its place, is required; `None`, and an empty variable, mean"
        " the default."
    )
    yield ""
    yield "| key | variable | default | meaning |"
    yield "| --- | --- | --- | --- |"
    own = {key for key, *_ in ClientSettings.describe()}
    for key, default, meaning in ShipperSettings.describe():
        note = "" if key in own else " Not for `SyslogClient`."
        shown = f"`{default}`".replace("|", "\\|") if default else ""
        variable = f"`{ENVIRONMENT_PREFIX}{key.upper()}`" if key != "ssl_context" else ""
        yield f"| `{key}` | {variable} | {shown} | {meaning}{note} |"


def test_the_settings_page_is_what_the_code_says() -> None:
    page = ROOT / "docs" / "reference" / "settings.md"
    expected = "\n".join(settings_page()) + "\n"
    assert page.read_text() == expected


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_changelog_knows_this_version() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"', pyproject, re.M)
    assert version
    assert f"\n## {version[1]} " in (ROOT / "CHANGELOG.md").read_text()
