"""The two shipping programs, as processes that a fault can kill and start again."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes import Program
from tests.support.waiting import holds_within

START_SECONDS = 60.0  # longest start; a busy machine is slow
STOP_SECONDS = 60.0  # longest stop; then the process is killed. SYSLOG_TIMEOUT is twice as long
UP = "heart beat start"  # a log line of the SDK, so both programs print it


class Shipper:
    """A shipping program. It keeps its consumer name when it is started again."""

    def __init__(self, variant: str, environ: Mapping[str, str]) -> None:
        self._script = str(Path(__file__).with_name(f"program_{variant}.py"))
        self._environ = {"SLS_CONSUMER": "shipper", **environ}
        self._program: Program | None = None
        self._printed = ""
        self._status: int | None = None

    def start(self) -> None:
        self._program = Program([self._script], self._environ)

    def kill(self) -> int | None:
        """Send SIGKILL. Return the exit status."""
        if self._program is not None:
            self._program.process.kill()
        return self._wait_for_end()

    def freeze(self) -> None:
        """Send SIGSTOP."""
        if self._program is not None:
            self._program.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Send SIGCONT."""
        if self._program is not None:
            self._program.process.send_signal(signal.SIGCONT)

    def stop(self) -> int | None:
        """Wait until the program is up, then send SIGTERM.

        Returns:
            The exit status. None if SIGTERM did not end the program, and it was killed.
        """
        if self._program is not None:
            program = self._program
            holds_within(START_SECONDS, lambda: UP in program.output() or _has_ended(program))
            program.process.terminate()
        return self._wait_for_end()

    def _wait_for_end(self) -> int | None:
        program, self._program = self._program, None
        if program is not None:
            holds_within(STOP_SECONDS, lambda: _has_ended(program))
            self._status = program.process.poll()
            self._printed += program.output()
            program.close()
        return self._status

    @property
    def printed(self) -> str:
        """The output of the program, of all its starts."""
        return self._printed + (self._program.output() if self._program else "")


def _has_ended(program: Program) -> bool:
    return program.process.poll() is not None
