"""Start the programs beside the one that is measured, and talk with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["ROOT", "Helper", "command", "environment"]

ROOT = Path(__file__).resolve().parents[2]
_END_SECONDS = 10.0


def command(module: str, options: Mapping[str, Any]) -> list[str]:
    """How a program of this package is started."""
    return [sys.executable, "-m", f"tests.benchmarks.{module}", json.dumps(options)]


def environment() -> dict[str, str]:
    """The variables a program is started with: the machine's settings for others are left out."""
    kept = ("PATH", "HOME", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ}


class Helper:
    """The emulator or the sink: a context manager that ends its program.

    Attributes:
        ready: What it said when it was ready.
    """

    def __init__(self, module: str, options: Mapping[str, Any] | None = None) -> None:
        self._module = module
        self._process = subprocess.Popen(
            command(module, options or {}),
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = self._answer()

    def ask(self, **question: Any) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise SystemExit(f"{self._module} has ended; what it said is above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it: the end of its input is its end."""
        try:
            self._process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def __enter__(self) -> Helper:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
