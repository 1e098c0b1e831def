"""The two programs that ship, as processes that are killed and started again."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from processes import ROOT, Program

from faults.arrivals import until

START_SECONDS = 20.0
STOP_SECONDS = 20.0
UP = "heart beat start"  # the SDK's own line, of both ways


class Shipper:
    """A shipping program that can be killed and started again, under the same consumer name."""

    def __init__(self, way: str, environ: Mapping[str, str]) -> None:
        self._script = str(Path(__file__).with_name(f"program_{way}.py"))
        paths = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
        self._environ = {"PYTHONPATH": paths, "SLS_CONSUMER": "shipper", **environ}
        self._program: Program | None = None
        self._printed = ""
        self._status: int | None = None

    def start(self) -> None:
        self._program = Program([self._script], self._environ)

    def kill(self) -> int | None:
        """SIGKILL."""
        if self._program is not None:
            self._program.process.kill()
        return self._end()

    def freeze(self) -> None:
        """SIGSTOP."""
        if self._program is not None:
            self._program.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self._program is not None:
            self._program.process.send_signal(signal.SIGCONT)

    def stop(self) -> int | None:
        """SIGTERM, when it is up; SIGKILL if that does not end it, and then None."""
        if self._program is not None:
            program = self._program
            until(lambda: UP in program.output() or _ended(program), START_SECONDS)
            program.process.terminate()
        return self._end()

    def _end(self) -> int | None:
        program, self._program = self._program, None
        if program is not None:
            until(lambda: _ended(program), STOP_SECONDS)
            self._status = program.process.poll()
            self._printed += program.output()
            program.close()
        return self._status

    @property
    def printed(self) -> str:
        """What it has printed, over all starts."""
        return self._printed + (self._program.output() if self._program else "")


def _ended(program: Program) -> bool:
    return program.process.poll() is not None
