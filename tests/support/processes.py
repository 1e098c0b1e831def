"""Support for tests: programs of their own, as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""


class Program:
    """A started Python program, whose output is kept.

    Args:
        command: What follows ``python``.
        environ: Variables on top of the bare minimum: the machine's own are not passed on.
    """

    def __init__(self, command: list[str], environ: Mapping[str, str]) -> None:
        self._output = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # close() does
        inherited = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TMPDIR": tempfile.gettempdir(),
        }
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env={**inherited, **environ},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )

    def wait(self, timeout: float = 60.0) -> int:
        """Its exit status."""
        return self.process.wait(timeout)

    def output(self) -> str:
        """What it has printed so far."""
        self._output.seek(0)
        return self._output.read()

    def close(self) -> None:
        """Kill it, if it still runs."""
        self.process.kill()
        self.process.wait()
        self._output.close()


@contextmanager
def program(*command: str, environ: Mapping[str, str] | None = None) -> Iterator[Program]:
    """A program that does not outlive the block."""
    started = Program(list(command), environ or {})
    try:
        yield started
    finally:
        started.close()
