"""What ``examples/quickstart.py`` shows around the shipping: sample logs, a bar, a table.

It must not ship anything: the example does that with the library, as a user's program does.
"""

from __future__ import annotations

import base64
import sys
import threading
import time
from collections.abc import Iterator
from io import TextIOWrapper
from typing import Protocol

from sls_syslog.testing.emulator import SlsEmulator
from sls_syslog.testing.receiver import SyslogReceiver

__all__ = ["Demonstration", "put_audit_logs", "tolerate_terminal"]

LOGS_PER_GROUP = 100
"""SLS keeps logs in groups, and a cursor counts groups."""
_LOOK_SECONDS = 0.02  # poll interval of the bar
_LINE_SECONDS = 0.5  # seconds between two lines, if there is no terminal for a bar


def tolerate_terminal() -> None:
    """Print what the encoding of the terminal lacks as escapes."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def put_audit_logs(emulator: SlsEmulator, groups: int) -> int:
    """Put sign-ins into the emulator, each with a unique ``event_id``; return their number."""
    for group in range(groups):
        emulator.put_logs(_make_audit_logs(group), topic="audit", source="192.0.2.7")
    return groups * LOGS_PER_GROUP


def _make_audit_logs(group: int) -> Iterator[dict[str, str]]:
    for number in range(group * LOGS_PER_GROUP, (group + 1) * LOGS_PER_GROUP):
        yield {
            "event_id": f"e-{number:06d}",
            "event_name": "ConsoleSignin",
            "event_source": "signin.aliyun.com",
            "source_ip": f"198.51.100.{number % 250}",
            "user": f"alice-{number % 97}",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
            "result": "成功" if number % 9 else "密码错误",
            "message": f'sign-in of "alice-{number % 97}"\nby password and one-time code',
        }


class _Worker(Protocol):
    """What the SDK's ``ConsumerWorker`` has."""

    shut_down_flag: bool

    def shutdown(self) -> object: ...


class Demonstration(threading.Thread):
    """Shows progress until all logs are confirmed, then stops the worker.

    Args:
        worker: Ships the logs.
        emulator: Has the logs.
        receiver: Gets them.
        group: The consumer group.
        logs: How many logs there are.
        timeout: Seconds after which it gives up.

    Attributes:
        phases: Seconds by phase: from the start to the first log at the receiver, to the last one
            there, and to the last checkpoint in SLS.
    """

    def __init__(
        self,
        worker: _Worker,
        emulator: SlsEmulator,
        receiver: SyslogReceiver,
        *,
        group: str,
        logs: int,
        timeout: float = 50.0,
    ) -> None:
        super().__init__()
        self.phases = {"start-up": 0.0, "shipping": 0.0, "confirming": 0.0}
        self._emulator, self._receiver, self._group, self._logs = emulator, receiver, group, logs
        self._worker, self._timeout = worker, timeout
        self._terminal = sys.stdout.isatty()
        self._shown, self._shown_phase, self._show_at = "", "", 0.0

    def run(self) -> None:
        """Look until everything is confirmed; the thread's own method."""
        began = phase_began = time.monotonic()
        phase, received = "start-up", 0
        while not self._worker.shut_down_flag:
            is_drained = self._emulator.drained(self._group)
            received = len(self._receiver.frames)
            now = time.monotonic()
            self.phases[phase] = now - phase_began
            following = self._find_phase(received)
            if following != phase:
                phase, phase_began = following, now
            self._show(phase, received, now - began)
            if is_drained or now - began > self._timeout:
                break
            time.sleep(_LOOK_SECONDS)
        self._show(phase, received, time.monotonic() - began, last=True)
        self._worker.shutdown()

    def show_result(self) -> bool:
        """Print some messages and the table. Return whether all logs arrived and are confirmed."""
        frames, confirmed = self._receiver.frames, self._count_confirmed()
        print("\nSome of the messages that the receiver got:\n")  # noqa: T201  # it is for a terminal
        for frame in frames[:: max(1, len(frames) // 3)][:3]:
            print("   ", frame.decode())  # noqa: T201
        arrived = {frame.split(b"||event_id=")[1].split(b"||")[0] for frame in frames}
        megabytes = sum(map(len, frames)) / 1e6
        rows = {
            "logs in": f"{self._logs:,}",
            "confirmed": f"{confirmed:,}",
            "lost": f"{self._logs - len(arrived):,}",
            "duplicated": f"{len(frames) - len(arrived):,}",
            **{name: f"{seconds:.1f} s" for name, seconds in self.phases.items()},
            "MB/s": f"{megabytes / max(self.phases['shipping'], 0.001):.1f}",  # of shipping alone
        }
        print()  # noqa: T201
        for name, value in rows.items():
            print(f"    {name:<12}{value:>10}")  # noqa: T201
        return len(arrived) == confirmed == self._logs

    def _count_confirmed(self) -> int:
        """Count the logs before the checkpoints that SLS has saved."""
        begin = self._emulator.begin_cursors()
        groups = sum(
            int(base64.b64decode(cursor)) - int(base64.b64decode(begin[shard]))
            for shard, cursor in self._emulator.checkpoints(self._group).items()
        )
        return groups * LOGS_PER_GROUP

    def _find_phase(self, received: int) -> str:
        if not received:
            return "start-up"
        return "shipping" if received < self._logs else "confirming"

    def _show(self, phase: str, received: int, seconds: float, *, last: bool = False) -> None:
        share = min(1.0, received / self._logs)
        line = f"{received:>7,} of {self._logs:,} logs  {share:4.0%}  {phase:10}"
        if self._terminal:
            bar = f"\r[{'#' * round(40 * share):40}] {line}  {seconds:5.1f} s"
            print(bar, end="\n" if last else "", flush=True)  # noqa: T201
        elif line != self._shown and (
            last or phase != self._shown_phase or seconds >= self._show_at
        ):
            print(f"{line}  {seconds:5.1f} s", flush=True)  # noqa: T201
            self._shown, self._shown_phase = line, phase
            self._show_at = seconds + _LINE_SECONDS
