"""Start the helper programs of a benchmark, and talk to them: lines of JSON through pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["ROOT", "Helper", "make_command", "make_environ", "run_shipper", "start_shipper"]

ROOT = Path(__file__).resolve().parents[2]
_END_SECONDS = 10.0  # longest wait for the end of a helper; then it is killed


def make_command(module: str, options: Mapping[str, Any]) -> list[str]:
    """Make the command that starts a program of this package."""
    return [sys.executable, "-m", f"tests.benchmarks.{module}", json.dumps(options)]


def make_environ() -> dict[str, str]:
    """Make the environment of a program: only the variables that Python needs."""
    kept = ("PATH", "HOME", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ}


class Helper:
    """The emulator or the sink, as a context manager that ends the program.

    Attributes:
        ready: The first line of the program, printed when it was ready.
    """

    def __init__(self, module: str, options: Mapping[str, Any] | None = None) -> None:
        self._module = module
        self._process = subprocess.Popen(
            make_command(module, options or {}),
            cwd=ROOT,
            env=make_environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = self._read_answer()

    def ask(self, **question: Any) -> dict[str, Any]:
        """Send a question and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._read_answer()

    def _read_answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise SystemExit(f"{self._module} ended too early; see its output above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the program by closing its input."""
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


def start_shipper(
    server: Helper,
    group: str,
    settings: Mapping[str, Any],
    directory: str,
    consumer: str = "",
) -> subprocess.Popen[bytes]:
    """Start our shipper.

    Args:
        server: The emulator.
        group: The consumer group.
        settings: Of the shipper.
        directory: Where it writes its report.
        consumer: Its name in the group. Empty means that it makes one.
    """
    options = {
        "settings": settings,
        "processor": "SyslogShipperProcessor",
        "consumer": {},
        "report": str(Path(directory, "report.json")),
        "profile": None,
    }
    own = {"SLS_CG": group, "SLS_CONSUMER": consumer}
    return subprocess.Popen(
        make_command("ship_ours", options),
        cwd=ROOT,
        env={**make_environ(), **server.ready["environ"], **own},
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def run_shipper(server: Helper, group: str, settings: Mapping[str, Any]) -> Iterator[int]:
    """Run our shipper for the length of a block; yields its number of process.

    Args:
        server: The emulator.
        group: The consumer group.
        settings: Of the shipper.
    """
    with tempfile.TemporaryDirectory(prefix="sls-syslog-bench-") as directory:
        process = start_shipper(server, group, settings, directory)
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait()
