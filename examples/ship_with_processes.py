"""Ship one Logstore with several processes on one machine. Restart a process that dies.

    python examples/ship_with_processes.py 4 [PROGRAM]

One Python process uses one core. SLS shares the shards among all processes of a consumer group, on
this machine and on others. Each process runs PROGRAM (default: ship_to_siem.py) with the same
variables, and its own consumer name. SIGTERM or Ctrl-C ends all processes within seconds; the exit
status is 0 if each of them ended cleanly and saved its checkpoints. If this program is killed, its
processes go on: run it under a supervisor that ends them too, for example systemd.
"""

import argparse
import logging
import os
import platform
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

from sls_syslog import ShipperSettings, SyslogError, consumer_config

SHIP_TO_SIEM = str(Path(__file__).with_name("ship_to_siem.py"))
FIRST_DELAY = 1.0  # seconds before the first restart; doubled at each further one
LONGEST_DELAY = 60.0  # seconds; after a run longer than this, the next delay is FIRST_DELAY again
GRACE = 25.0  # seconds for all processes to end; the supervisor of this program must allow more
LOOK_INTERVAL = 0.1  # seconds between two checks for processes that have died
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Consumer:
    """A consumer name and its process. Two processes must never run under one name."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self._command = command
        self._delay = FIRST_DELAY
        self._start()

    def _start(self) -> None:
        # With its own session the process gets Ctrl-C only once: from us, not from the terminal.
        self.process: subprocess.Popen[bytes] | None = subprocess.Popen(
            self._command, env={**os.environ, "SLS_CONSUMER": self.name}, start_new_session=True
        )
        self._started = time.monotonic()
        logging.info("%s: started, process %d", self.name, self.process.pid)

    def keep_running(self) -> None:
        """Start the process again after it has died, when its delay is over."""
        if self.process is None:
            if time.monotonic() >= self._start_at:
                self._start()
        elif self.process.poll() is not None:
            self._schedule_restart(self.process.returncode)

    def _schedule_restart(self, status: int) -> None:
        now = time.monotonic()
        if now - self._started > LONGEST_DELAY:
            self._delay = FIRST_DELAY
        logging.warning(
            "%s: ended with status %d, restart in %.0f s", self.name, status, self._delay
        )
        self.process = None
        self._start_at = now + self._delay
        self._delay = min(2 * self._delay, LONGEST_DELAY)

    def ask_to_end(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def end(self, deadline: float) -> bool:
        """Wait for the process, and kill it at the deadline. Return whether it ended cleanly."""
        if self.process is None:
            return True
        try:
            status = self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        logging.info("%s: ended with status %d", self.name, status)
        # A process that was just started may end by SIGTERM before it handles the signal.
        return status in (0, -signal.SIGTERM)


class Supervisor:
    """Keeps the consumers running until SIGTERM or Ctrl-C."""

    def __init__(self) -> None:
        self._stopping = False
        for number in SIGNALS:
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def run(self, names: list[str], command: list[str]) -> bool:
        """Run until a signal comes. Return whether all processes ended cleanly."""
        consumers = [Consumer(name, command) for name in names]
        while not self._stopping:
            for consumer in consumers:
                consumer.keep_running()
            time.sleep(LOOK_INTERVAL)
        for consumer in consumers:
            consumer.ask_to_end()
        deadline = time.monotonic() + GRACE
        clean = [consumer.end(deadline) for consumer in consumers]
        return all(clean)


def make_base_name() -> str:
    """Make a unique name. Host name and process id are not enough: containers may share both."""
    host = os.environ.get("SLS_CONSUMER") or platform.node()
    return f"{host}-{secrets.token_hex(4)}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Ship one Logstore with several processes.")
    parser.add_argument("processes", type=int)
    parser.add_argument("program", nargs="?", default=SHIP_TO_SIEM)
    arguments = parser.parse_args()
    if arguments.processes < 1:
        parser.error(f"processes: expected 1 or more, got {arguments.processes}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # Check the settings here: a wrong one is then one error, not an endless series of restarts.
    ShipperSettings.from_env()
    consumer_config()
    base = make_base_name()
    names = [f"{base}-{number}" for number in range(1, arguments.processes + 1)]
    return 0 if Supervisor().run(names, [sys.executable, arguments.program]) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SyslogError as error:
        sys.exit(str(error))
