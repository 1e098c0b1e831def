"""See the library work, without an account and without a server. It takes less than a minute.

The SDK's own ConsumerWorker pulls logs from an emulated Logstore over HTTP. The library ships them
over a real TCP connection. A receiver in this process counts them. At the end the program prints a
table: logs in, confirmed, lost, duplicated, and how long each phase took.
"""

import base64
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from io import TextIOWrapper

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import SyslogShipperProcessor, consumer_config, make_worker, run_worker
from sls_syslog.testing import SlsEmulator, SyslogReceiver

SHARDS = 4
LOGS_PER_GROUP = 100  # SLS keeps logs in groups, and a cursor counts groups
GROUPS = 600
LOGS = GROUPS * LOGS_PER_GROUP
GROUPS_PER_FETCH = 10  # a hundredth of what SLS allows: many small fetches move the bar
TIMEOUT = 50  # seconds after which the program gives up
CONSUMER_GROUP = "quickstart"

NEXT_STEPS = """
To ship a Logstore of your own, set these and run examples/ship_to_siem.py:

    SLS_ENDPOINT=https://cn-hangzhou.log.aliyuncs.com  SLS_PROJECT=...  SLS_LOGSTORE=...
    SLS_AK_ID=...  SLS_AK_KEY=...              SLS_CG=siem      (the consumer group)
    SYSLOG_HOST=siem.example  SYSLOG_PORT=514  SYSLOG_PROTOCOL=tcp   (or udp, tls)"""


def make_audit_logs(group: int) -> Iterator[dict[str, str]]:
    """Make the logs of one group. Each log has a unique event_id."""
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


def count_confirmed_logs(emulator: SlsEmulator) -> int:
    """Count the logs before the checkpoints that SLS has saved."""
    begin = emulator.begin_cursors()
    checkpoints = emulator.checkpoints(CONSUMER_GROUP)
    groups = sum(
        int(base64.b64decode(cursor)) - int(base64.b64decode(begin[shard]))
        for shard, cursor in checkpoints.items()
    )
    return groups * LOGS_PER_GROUP


class Watcher(threading.Thread):
    """Shows progress until all logs are confirmed, then ends the worker.

    Attributes:
        phases: Seconds by phase: from the start to the first log at the receiver, to the last one
            there, and to the last checkpoint in SLS.
    """

    def __init__(
        self, worker: ConsumerWorker, emulator: SlsEmulator, receiver: SyslogReceiver
    ) -> None:
        super().__init__()
        self.phases = {"start-up": 0.0, "shipping": 0.0, "confirming": 0.0}
        self._worker, self._emulator, self._receiver = worker, emulator, receiver
        self._terminal = sys.stdout.isatty()
        self._shown, self._shown_phase, self._show_at = "", "", 0.0

    def run(self) -> None:
        began = phase_began = time.monotonic()
        phase, received = "start-up", 0
        while not self._worker.shut_down_flag:
            is_drained = self._emulator.drained(CONSUMER_GROUP)
            received = len(self._receiver.frames)
            now = time.monotonic()
            self.phases[phase] = now - phase_began
            following = find_phase(received)
            if following != phase:
                phase, phase_began = following, now
            self._show(phase, received, now - began)
            if is_drained or now - began > TIMEOUT:
                break
            time.sleep(0.02)
        self._show(phase, received, time.monotonic() - began, last=True)
        self._worker.shutdown()

    def _show(self, phase: str, received: int, seconds: float, *, last: bool = False) -> None:
        share = min(1.0, received / LOGS)
        line = f"{received:>7,} of {LOGS:,} logs  {share:4.0%}  {phase:10}"
        if self._terminal:
            bar = f"\r[{'#' * round(40 * share):40}] {line}  {seconds:5.1f} s"
            print(bar, end="\n" if last else "", flush=True)
        elif line != self._shown and (
            last or phase != self._shown_phase or seconds >= self._show_at
        ):
            print(f"{line}  {seconds:5.1f} s", flush=True)
            self._shown, self._shown_phase, self._show_at = line, phase, seconds + 0.5


def find_phase(received: int) -> str:
    if not received:
        return "start-up"
    return "shipping" if received < LOGS else "confirming"


def show_result(frames: list[bytes], confirmed: int, phases: dict[str, float]) -> bool:
    """Print some messages and the table. Return whether all logs arrived and are confirmed."""
    print("\nSome of the messages that the receiver got:\n")
    for frame in frames[:: max(1, len(frames) // 3)][:3]:
        print("   ", frame.decode())
    arrived = {frame.split(b"||event_id=")[1].split(b"||")[0] for frame in frames}
    megabytes = sum(map(len, frames)) / 1e6
    rows = {
        "logs in": f"{LOGS:,}",
        "confirmed": f"{confirmed:,}",
        "lost": f"{LOGS - len(arrived):,}",
        "duplicated": f"{len(frames) - len(arrived):,}",
        **{name: f"{seconds:.1f} s" for name, seconds in phases.items()},
        "MB/s": f"{megabytes / max(phases['shipping'], 0.001):.1f}",  # of shipping alone
    }
    print()
    for name, value in rows.items():
        print(f"    {name:<12}{value:>10}")
    return len(arrived) == confirmed == LOGS


def main() -> int:
    # Print what the encoding of the terminal lacks as escapes.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING)
    with SlsEmulator(shards=SHARDS) as emulator, SyslogReceiver() as receiver:
        print(f"Putting {LOGS:,} logs into {SHARDS} shards of an emulated Logstore ...")
        for group in range(GROUPS):
            emulator.put_logs(make_audit_logs(group), topic="audit", source="192.0.2.7")

        # Your own program does the same, with other addresses.
        os.environ.update(emulator.environ(CONSUMER_GROUP))
        settings = {**receiver.settings(), "facility": "local0", "tag": "quickstart"}
        config = consumer_config(
            max_fetch_log_group_size=GROUPS_PER_FETCH, data_fetch_interval=0.02
        )
        worker = make_worker(SyslogShipperProcessor, config, args=(settings,))

        watcher = Watcher(worker, emulator, receiver)
        watcher.start()
        run_worker(worker)
        watcher.join()
        complete = show_result(receiver.frames, count_confirmed_logs(emulator), watcher.phases)
    print(NEXT_STEPS)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
