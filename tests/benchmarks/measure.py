"""One run of one way: start its program, wait for the last log, end it, see what it cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .helpers import ROOT, Helper, command, environment
from .ways import BASE_SETTINGS, Way

__all__ = ["Bench", "Run"]

_LONGEST_RUN = 600.0  # seconds
_LONGEST_SAVE = 15.0  # from the last log's arrival to its checkpoint
_LONGEST_END = 60.0  # from SIGTERM to the end
_LOOK = 0.2  # between two looks at whether the program still runs
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Run:
    """What one run cost.

    Attributes:
        cpu: Seconds of CPU, user and system, of the whole process.
        system_cpu: How many of them in the kernel.
        startup_cpu: How many of them before the worker was made.
        wall: Seconds from the start of the process to the arrival of the last log.
        peak_rss: Bytes.
        arrived: Logs that the receiver counted.
        complete: Whether these are all, once each, with every checkpoint at its end.
        said: What it wrote to its standard error.
    """

    cpu: float
    system_cpu: float
    startup_cpu: float
    wall: float
    peak_rss: int
    arrived: int
    complete: bool
    said: str


class Bench:
    """A filled emulator and a sink, for any number of runs.

    Args:
        server: The emulator.
        sink: The receiver.
    """

    def __init__(self, server: Helper, sink: Helper) -> None:
        self._server = server
        self._sink = sink
        self._runs = 0
        self.logs: int = server.ready["logs"]
        self.raw_bytes: int = server.ready["raw_bytes"]

    def run(self, way: Way, profile: Path | None = None, processes: int = 1) -> Run:
        """Ship everything once, from the first log on, as a new consumer group.

        Args:
            way: How.
            profile: Where the program writes its profile. None means none, which is quicker.
            processes: How many of its programs share the shards.
        """
        self._runs += 1
        group = f"bench-{os.getpid()}-{self._runs}"
        self._sink.ask(reset=True, logs=0, seconds=0)
        with tempfile.TemporaryDirectory(prefix="sls-syslog-bench-") as directory:
            report, said = Path(directory, "report.json"), Path(directory, "said.txt")
            options = self._options(way, report, profile)
            with said.open("wb") as errors:
                began = time.monotonic()
                endings = [
                    _Ending(self._start(way, options, group, errors)) for _ in range(processes)
                ]
                usages = self._watch(endings, group, way)
            seen = self._sink.ask(logs=self.logs, seconds=0)
            drained = self._is_drained(group, 0)
            return Run(
                cpu=sum(usage.ru_utime + usage.ru_stime for usage in usages),
                system_cpu=sum(usage.ru_stime for usage in usages),
                startup_cpu=processes * _startup_cpu(report),
                wall=max(seen["last"] - began, 0.0),
                peak_rss=max(usage.ru_maxrss for usage in usages) * _MAXRSS_UNIT,
                arrived=seen["logs"],
                # What the SDK's own programs save in the end is not what is measured.
                complete=(drained or not way.saves_at_once)
                and seen["logs"] == self.logs
                and all(ending.succeeded for ending in endings),
                said=said.read_text(errors="replace"),
            )

    def _start(
        self, way: Way, options: dict[str, Any], group: str, errors: BinaryIO
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command(way.program, options),
            cwd=ROOT,
            env={**environment(), **self._server.ready["environ"], "SLS_CG": group},
            stdin=subprocess.DEVNULL,
            stderr=errors,
        )

    def _options(self, way: Way, report: Path, profile: Path | None) -> dict[str, Any]:
        place = self._sink.ready
        protocol = way.settings.get("protocol", "tcp")
        trust = {"cert_path": place["cert_path"]} if protocol == "tls" else {}
        where = {"host": place["host"], "port": place["ports"][protocol], "protocol": protocol}
        return {
            "settings": {**BASE_SETTINGS, **where, **trust, **way.settings},
            "processor": way.processor,
            "report": str(report),
            "profile": str(profile) if profile else None,
        }

    def _watch(self, endings: Sequence[_Ending], group: str, way: Way) -> list[Any]:
        """Let them run until all is confirmed, end them; their resource usages."""

        def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
            until = time.monotonic() + seconds
            while not condition():
                if time.monotonic() > until or any(ending.has_come() for ending in endings):
                    return False
            return True

        try:
            arrived = wait_for(lambda: self._has_arrived(_LOOK), _LONGEST_RUN)
            if arrived and way.saves_at_once:
                wait_for(lambda: self._is_drained(group, _LOOK), _LONGEST_SAVE)
        finally:
            for ending in endings:
                ending.ask()
            usages = [ending.wait() for ending in endings]
        return usages

    def _has_arrived(self, seconds: float) -> bool:
        return bool(self._sink.ask(logs=self.logs, seconds=seconds)["logs"] >= self.logs)

    def _is_drained(self, group: str, seconds: float) -> bool:
        return bool(self._server.ask(group=group, seconds=seconds)["drained"])


class _Ending:
    """The end of a process, with what it has used: `Popen` would throw that away."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._usage: Any = None

    @property
    def succeeded(self) -> bool:
        """Whether it has ended with status 0."""
        return self._process.returncode == 0

    def ask(self) -> None:
        """SIGTERM."""
        if not self.has_come():
            self._process.terminate()

    def wait(self) -> Any:
        """The resource usage; SIGKILL if it takes too long."""
        until = time.monotonic() + _LONGEST_END
        while not self.has_come():
            if time.monotonic() > until:
                self._process.kill()
            time.sleep(0.02)
        return self._usage

    def has_come(self) -> bool:
        """Whether it has ended."""
        if self._usage is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._usage = usage
                self._process.returncode = os.waitstatus_to_exitcode(status)
        return self._usage is not None


def _startup_cpu(report: Path) -> float:
    if not report.exists():  # it failed before
        return 0.0
    return float(json.loads(report.read_text(encoding="utf-8"))["startup_cpu"])
