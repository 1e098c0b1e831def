"""Support for tests: tools that not every machine has, and that `.ci/run` demands.

A test that wants one is skipped without it, and fails instead where a variable says so.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOOLS = "SLS_SYSLOG_REQUIRE_TOOLS"
"""Demands what the extra `release` of pyproject.toml installs, and a package index."""

SERVERS = "SLS_SYSLOG_REQUIRE_SERVERS"
"""Demands what .ci/install-servers installs."""

LIMIT_SECONDS = 300.0


def missing(what: str, demanded_by: str = TOOLS) -> None:
    """Skip the test for want of something, or fail it where that is demanded."""
    if os.environ.get(demanded_by) == "1":
        pytest.fail(f"{what} is missing, and {demanded_by} is 1")
    pytest.skip(f"{what} is missing")


def tool(name: str, demanded_by: str = TOOLS) -> str:
    """The path of a program: beside this Python, or wherever the system has it."""
    beside = Path(sys.executable).parent
    found = shutil.which(name, path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        missing(name, demanded_by)
    return str(found)


def module(name: str) -> Any:
    """A module that is no dependency of the tests."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return missing(f"the module {name}")


def run(
    *command: str | Path, cwd: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; its output, errors included, is ``stdout``."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
