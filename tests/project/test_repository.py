"""The repository as a project: where things lie, what the forge reads, what tox runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from tests.support.tools import run, tool

GITHUB = ROOT / ".github"
WORKFLOW = GITHUB / "workflows" / "ci.yml"
PYPROJECT = (ROOT / "pyproject.toml").read_text()
TOP_LEVEL = {"CHANGELOG.md", "LICENSE", "README.md", "hatch_build.py", "pyproject.toml"} | {
    "docs",
    "examples",
    "sls_syslog",
    "tests",
}
PYTHONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT)


def test_the_top_level_holds_what_belongs_there() -> None:
    made = {"__pycache__", "build", "dist"}  # by builds
    assert {path.name for path in ROOT.iterdir() if path.name[0] != "."} - made == TOP_LEVEL


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_what_a_forge_shows_is_linked_and_its_own_links_lead_somewhere(name: str) -> None:
    assert f"](.github/{name})" in (ROOT / "README.md").read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (GITHUB / name).read_text()):
        assert (GITHUB / target).exists(), target


@pytest.mark.parametrize("name", ["ci.yml", "wheels.yml"])
def test_a_workflow_keeps_to_the_forge_s_schema(name: str) -> None:
    workflow = WORKFLOW.with_name(name)
    checker = tool("check-jsonschema")
    checked = run(checker, "--builtin-schema", "vendor.github-workflows", workflow)
    assert checked.returncode == 0, checked.stdout


def test_the_schema_finds_a_mistake_in_the_workflow(tmp_path: Path) -> None:
    spoilt = tmp_path / "ci.yml"
    spoilt.write_text(WORKFLOW.read_text().replace("timeout-minutes: 20", "timeout-minutes: soon"))
    checked = run(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", spoilt)
    assert "timeout-minutes" in checked.stdout


def test_the_workflow_runs_the_gate_and_every_environment_of_tox(tmp_path: Path) -> None:
    workflow = WORKFLOW.read_text()
    assert "run: bash .ci/run" in workflow
    listed = run(tool("tox"), "list", "--no-desc", "--workdir", tmp_path, cwd=ROOT).stdout.split()
    assert listed == [*PYTHONS, "oldest"]
    found = re.findall(r'- environment: "?([\w.]+)"?\n +python: "(3\.\d+)"', workflow)
    assert dict(found) == {**{python: python for python in PYTHONS}, "oldest": PYTHONS[0]}


def test_the_oldest_environment_has_the_oldest_versions_that_are_allowed() -> None:
    (dependencies,) = re.findall(r"^dependencies = \[\n(.*?)^\]", PYPROJECT, re.M | re.S)
    (deps,) = re.findall(r"^\[tool\.tox\.env\.oldest\]\n(?:.*\n)*?deps = \[(.*)\]", PYPROJECT, re.M)
    allowed = re.findall(r'"([\w-]+)>=([\d.]+)"', dependencies)
    assert allowed
    assert re.findall(r'"([\w-]+)==([\d.]+)"', deps) == allowed
    page = (ROOT / "docs" / "reference" / "versions.md").read_text()
    for name, version in allowed:
        assert f"| `{name}` | {version} |" in page


def test_the_wheels_are_for_the_platforms_and_pythons_that_the_helper_is_for() -> None:
    workflow = WORKFLOW.with_name("wheels.yml").read_text()
    for part in ("ubuntu-latest", "ubuntu-24.04-arm", "cibuildwheel", "abi3audit", "PUREPYTHON"):
        assert part in workflow
    oldest = PYTHONS[0].replace(".", "")
    assert f'TAG = "cp{oldest}-abi3"' in (ROOT / "hatch_build.py").read_text()
    assert f'build = "cp{oldest}-*"' in PYPROJECT  # both manylinux and musllinux
