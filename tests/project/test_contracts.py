"""The import contracts: each one breaks on an import that it forbids."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = "imports go down the floors of the house"
SDK = "only consumer knows the SDK, and the HTTP below it"
PLANTED = [
    # where, what, and the contract that must notice
    ("syslog/oversize.py", "import sls_syslog.logs.templates", HOUSE),
    ("delivery/window.py", "import sls_syslog.client", HOUSE),
    ("consumer/samples.py", "import sls_syslog.commands.preview", HOUSE),
    ("network/resolver.py", "import sls_syslog.encoding.wire", HOUSE),
    ("network/connection.py", "import sls_syslog.network.stream", "the rooms of network"),
    ("payloads/values.py", "import sls_syslog.payloads.cef", "the rooms of payloads"),
    (
        "network/explain.py",
        "import aliyun.log",
        "only consumer knows the SDK, and the HTTP below it",
    ),
    (
        "syslog/oversize.py",
        "import aliyun.log",
        "only consumer knows the SDK, and the HTTP below it",
    ),
    ("delivery/retry.py", "import requests", SDK),
    ("logs/templates.py", "import socket", "only network touches sockets"),
    ("delivery/window.py", "import selectors", "only network touches sockets"),
    ("consumer/worker.py", "import asyncio", "no other door leads to the network"),
    ("encoding/wire.py", "import select", "no other door leads to the network"),
    (
        "preflight/check.py",
        "import ssl",
        "only network speaks TLS, and settings make its context",
    ),
    ("payloads/text.py", "import google.protobuf", "only logs and consumer know protobuf"),
    (
        "testing/grammar.py",
        "import sls_syslog.syslog.codes",
        "what judges shares no code with what it judges",
    ),
]


def broken_contracts(root: Path) -> set[str]:
    """The names of the contracts that `lint-imports` finds broken in a copy of the project."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    ran = subprocess.run(
        [*command, "--no-cache"],
        cwd=root,
        env={"PYTHONPATH": str(root), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.strip() for line in ran.stdout.splitlines()]
    broken = {line.removesuffix(" BROKEN") for line in lines if line.endswith(" BROKEN")}
    assert (ran.returncode == 0) == (not broken), ran.stdout + ran.stderr
    return broken


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    pytest.importorskip("importlinter", reason="it comes with the extra lint")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "sls_syslog", tmp_path / "sls_syslog")
    return tmp_path


def test_every_contract_is_kept(copy: Path) -> None:
    assert broken_contracts(copy) == set()


@pytest.mark.gate
@pytest.mark.parametrize(("module", "line", "contract"), PLANTED)
def test_a_planted_import_breaks_its_contract(
    copy: Path, module: str, line: str, contract: str
) -> None:
    path = copy / "sls_syslog" / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    assert contract in broken_contracts(copy)


def test_every_contract_is_broken_by_one_of_them() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    names = {line[8:-1] for line in text.splitlines() if line.startswith('name = "')} - {
        "sls-syslog"
    }
    assert names == {contract for _, _, contract in PLANTED}
