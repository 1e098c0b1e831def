"""Several processes: ship one Logstore with as many as you say, and restart one that dies.

    python examples/ship_with_processes.py 4 [PROGRAM]

One process uses one core; SLS shares the shards among them. Each runs PROGRAM (ship_to_siem.py)
under a consumer name of its own, also in containers with equal host names and process ids. SIGTERM
or Ctrl-C ends them; the exit status is 0 if all have saved their checkpoints.
"""

import argparse
import logging
import os
import platform
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sls_syslog import ShipperSettings, SyslogError, consumer_config

LONGEST_DELAY = 60.0  # seconds before a restart; the first delay is 1, and each next one is doubled
GRACE = 25.0  # seconds for a process to end; the supervisor of this program must allow more
signals: list[int] = []  # those that asked this program to end


def keep_running(name: str, program: str | Path) -> bool:
    """Run one consumer until a signal comes. Return whether it ended cleanly."""
    delay, environ = 1.0, {**os.environ, "SLS_CONSUMER": name}
    while not signals:
        started = time.monotonic()
        # In a session of its own, Ctrl-C in the terminal does not reach it: SIGTERM from us does.
        run = subprocess.Popen([sys.executable, program], env=environ, start_new_session=True)
        logging.info("%s: started, process %d", name, run.pid)
        while run.poll() is None:
            if signals:
                return end(name, run)
            time.sleep(0.1)
        delay = 1.0 if time.monotonic() - started > LONGEST_DELAY else delay
        logging.warning("%s: ended with status %d, restart in %.0f s", name, run.returncode, delay)
        start_at, delay = time.monotonic() + delay, min(2 * delay, LONGEST_DELAY)
        while time.monotonic() < start_at and not signals:
            time.sleep(0.1)
    return True


def end(name: str, run: "subprocess.Popen[bytes]") -> bool:
    run.terminate()
    try:
        run.wait(GRACE)
    except subprocess.TimeoutExpired:
        run.kill()
    logging.info("%s: ended with status %d", name, run.wait())
    return run.returncode in (0, -signal.SIGTERM)  # SIGTERM: it had just been started


def main() -> bool:
    parser = argparse.ArgumentParser(description="Ship one Logstore with several processes.")
    parser.add_argument("processes", type=int, choices=range(1, 257), metavar="PROCESSES")
    parser.add_argument("program", nargs="?", default=Path(__file__).with_name("ship_to_siem.py"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    ShipperSettings.from_env()  # a wrong setting is one error here, not a series of restarts
    consumer_config()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.append(number))
    base = f"{os.environ.get('SLS_CONSUMER') or platform.node()}-{os.urandom(4).hex()}"
    names = [f"{base}-{number}" for number in range(1, arguments.processes + 1)]
    with ThreadPoolExecutor(len(names) or 1) as pool:
        return all(list(pool.map(keep_running, names, [arguments.program] * len(names))))


if __name__ == "__main__":
    try:
        sys.exit(0 if main() else 1)
    except SyslogError as error:
        sys.exit(str(error))
