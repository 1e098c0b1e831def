"""Run one variant: start its program, wait for the last log, end it, and measure its cost."""

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

from .helpers import ROOT, Helper, make_command, make_environ
from .variants import BASE_SETTINGS, Variant

__all__ = ["Bench", "Run"]

_LONGEST_RUN = 600.0  # seconds from the start to the last log
_LONGEST_SAVE = 15.0  # seconds from the last log to its checkpoint
_LONGEST_END = 60.0  # seconds from SIGTERM to the end; then SIGKILL
_LOOK = 0.2  # seconds between two checks whether the program still runs
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes; see getrusage(2)


@dataclass(frozen=True)
class Run:
    """The cost of one run.

    Attributes:
        cpu: Seconds of CPU of the whole process, user and system.
        system_cpu: The part of `cpu` in the kernel.
        startup_cpu: The part of `cpu` before the worker was made.
        wall: Seconds from the start of the process to the arrival of the last log.
        peak_rss: Largest resident memory, in bytes.
        page_faults: Pages that the kernel had to map.
        raw_bytes: The uncompressed size of all logs.
        arrived: The number of logs that the receiver counted.
        complete: Whether each log arrived exactly once, and every checkpoint is at its end.
        output: The standard error of the process.
    """

    cpu: float
    system_cpu: float
    startup_cpu: float
    wall: float
    peak_rss: int
    page_faults: int
    raw_bytes: int
    arrived: int
    complete: bool
    output: str


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

    def run(
        self, variant: Variant, profile: Path | None = None, processes: int | None = None
    ) -> Run:
        """Ship all logs once, with a new consumer group.

        Args:
            variant: The variant to run.
            profile: The file for a profile. None makes no profile, which is faster.
            processes: The number of processes that share the shards. None means the variant's.
        """
        processes = processes or variant.processes
        self._runs += 1
        group = f"bench-{os.getpid()}-{self._runs}"
        self._sink.ask(reset=True, logs=0, seconds=0)
        with tempfile.TemporaryDirectory(prefix="sls-syslog-bench-") as directory:
            report, output = Path(directory, "report.json"), Path(directory, "output.txt")
            options = self._make_options(variant, report, profile)
            with output.open("wb") as errors:
                began = time.monotonic()
                endings = [
                    _Ending(self._start(variant, options, group, errors)) for _ in range(processes)
                ]
                usages = self._watch(endings, group, variant)
            seen = self._sink.ask(logs=self.logs, seconds=0)
            drained = self._is_drained(group, 0)
            return Run(
                cpu=sum(usage.ru_utime + usage.ru_stime for usage in usages),
                system_cpu=sum(usage.ru_stime for usage in usages),
                startup_cpu=processes * _read_startup_cpu(report),
                wall=max(seen["last"] - began, 0.0),
                peak_rss=max(usage.ru_maxrss for usage in usages) * _MAXRSS_UNIT,
                page_faults=sum(usage.ru_minflt for usage in usages),
                raw_bytes=self.raw_bytes,
                arrived=seen["logs"],
                # Do not judge the last checkpoints of the SDK's own programs.
                complete=(drained or not variant.saves_at_once)
                and seen["logs"] == self.logs
                and all(ending.succeeded for ending in endings),
                output=output.read_text(errors="replace"),
            )

    def _start(
        self, variant: Variant, options: dict[str, Any], group: str, errors: BinaryIO
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            make_command(variant.program, options),
            cwd=ROOT,
            env={
                **make_environ(),
                **self._server.ready["environ"],
                "SLS_CG": group,
                **variant.environ,
            },
            stdin=subprocess.DEVNULL,
            stderr=errors,
        )

    def _make_options(self, variant: Variant, report: Path, profile: Path | None) -> dict[str, Any]:
        place = self._sink.ready
        protocol = variant.settings.get("protocol", "tcp")
        trust = {"cert_path": place["cert_path"]} if protocol == "tls" else {}
        where = {"host": place["host"], "port": place["ports"][protocol], "protocol": protocol}
        return {
            "settings": {**BASE_SETTINGS, **where, **trust, **variant.settings},
            "processor": variant.processor,
            "consumer": dict(variant.consumer),
            "client": variant.client,
            "report": str(report),
            "profile": str(profile) if profile else None,
        }

    def _watch(self, endings: Sequence[_Ending], group: str, variant: Variant) -> list[Any]:
        """Wait until all logs are confirmed, and end the processes. Return their usages."""

        def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
            until = time.monotonic() + seconds
            while not condition():
                if time.monotonic() > until or any(ending.is_over() for ending in endings):
                    return False
            return True

        try:
            arrived = wait_for(lambda: self._has_arrived(_LOOK), _LONGEST_RUN)
            if arrived and variant.saves_at_once:
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
    """Ends a process and keeps its resource usage, which `Popen` drops."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._usage: Any = None

    @property
    def succeeded(self) -> bool:
        """Whether the process ended with status 0."""
        return self._process.returncode == 0

    def ask(self) -> None:
        """Send SIGTERM."""
        if not self.is_over():
            self._process.terminate()

    def wait(self) -> Any:
        """Wait for the end, with SIGKILL if it takes too long. Return the resource usage."""
        until = time.monotonic() + _LONGEST_END
        while not self.is_over():
            if time.monotonic() > until:
                self._process.kill()
            time.sleep(0.02)
        return self._usage

    def is_over(self) -> bool:
        """Return whether the process has ended."""
        if self._usage is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._usage = usage
                self._process.returncode = os.waitstatus_to_exitcode(status)
        return self._usage is not None


def _read_startup_cpu(report: Path) -> float:
    if not report.exists():  # the program failed earlier
        return 0.0
    return float(json.loads(report.read_text(encoding="utf-8"))["startup_cpu"])
