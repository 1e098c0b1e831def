"""Ship one Logstore with several processes on one machine, and start those anew that die.

    python examples/ship_with_processes.py 4 [PROGRAM]

One Python process uses one core; SLS shares the shards out among all processes of a consumer
group, on this machine and on others. Each runs PROGRAM, ship_to_siem.py if there is none, with
its variables and a consumer name of its own. SIGTERM or Ctrl-C ends all of them within seconds;
the exit status is 0 if each has ended cleanly then, its checkpoints saved. If this program is
killed itself, the others go on without it; systemd, say, would end them too.
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

from sls_syslog import ShipperSettings, consumer_config

SHIP_TO_SIEM = str(Path(__file__).with_name("ship_to_siem.py"))
FIRST_DELAY = 1.0  # seconds before a process is started anew; doubled each time it dies again ...
LONGEST_DELAY = 60.0  # ... up to this; one that ran for longer than this begins at the first
GRACE = 25.0  # seconds for a process to end; less than a supervisor of this one should give it
LOOK_INTERVAL = 0.1
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Consumer:
    """A consumer's name, and the process that has it: one at a time, as two must never be."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self._command = command
        self._delay = FIRST_DELAY
        self._start()

    def _start(self) -> None:
        # In a session of its own, so that the terminal's Ctrl-C reaches it once, through us.
        self.process: subprocess.Popen[bytes] | None = subprocess.Popen(
            self._command, env={**os.environ, "SLS_CONSUMER": self.name}, start_new_session=True
        )
        self._started = time.monotonic()
        logging.info("%s: started, process %d", self.name, self.process.pid)

    def keep_running(self) -> None:
        """Start it anew if it has died, and its time has come."""
        if self.process is None:
            if time.monotonic() >= self._start_at:
                self._start()
        elif self.process.poll() is not None:
            self._bury(self.process.returncode)

    def _bury(self, status: int) -> None:
        now = time.monotonic()
        if now - self._started > LONGEST_DELAY:
            self._delay = FIRST_DELAY
        logging.warning("%s: ended with status %d, anew in %.0f s", self.name, status, self._delay)
        self.process = None
        self._start_at = now + self._delay
        self._delay = min(2 * self._delay, LONGEST_DELAY)

    def ask_to_end(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def end(self, deadline: float) -> bool:
        """Wait for it, kill it after the deadline; whether it has ended cleanly."""
        if self.process is None:
            return True
        try:
            status = self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        logging.info("%s: ended with status %d", self.name, status)
        # One that had just been started may not have been ready for the signal yet.
        return status in (0, -signal.SIGTERM)


class Supervisor:
    """Keeps consumers running until it is told to stop."""

    def __init__(self) -> None:
        self._stopping = False
        for number in SIGNALS:
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def run(self, names: list[str], command: list[str]) -> bool:
        """Whether all have ended cleanly."""
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


def base_name() -> str:
    """A name that no other supervisor has: containers may share host names and process ids."""
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
    # A wrong setting is one error here, rather than one in each process for ever.
    ShipperSettings.from_env()
    consumer_config()
    base = base_name()
    names = [f"{base}-{number}" for number in range(1, arguments.processes + 1)]
    return 0 if Supervisor().run(names, [sys.executable, arguments.program]) else 1


if __name__ == "__main__":
    sys.exit(main())
