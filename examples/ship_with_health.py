"""ship_to_siem.py with answers to health probes over HTTP, for example those of Kubernetes.

    /livez    200 while the SDK's threads run; otherwise restart the program
    /readyz   200 while SLS accepts the heartbeats and the receiver confirms the logs

Otherwise the answer is 503, with the reason. It reads the variables of ship_to_siem.py, and:

    HEALTH_HOST       address to listen on (default: all)
    HEALTH_PORT       port to listen on (default: 8080; 0 takes a free one)
    HEALTH_PATIENCE   seconds without a confirmation, while logs wait for one, until /readyz
                      answers 503 (default: 60)
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import (
    ShipperSettings,
    ShipperStats,
    SyslogError,
    SyslogShipperProcessor,
    consumer_config,
    make_worker,
    run_worker,
)

PATIENCE = float(os.environ.get("HEALTH_PATIENCE", "60"))


class Unchanged:
    """Measures for how many seconds a value has stayed the same, as the probes see it.

    It uses the monotonic clock: the machine's own may be set while the program runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: object = None
        self._since = time.monotonic()

    def measure(self, value: object) -> float:
        now = time.monotonic()
        with self._lock:
            if value != self._last:
                self._last, self._since = value, now
            return now - self._since


class Health:
    """Finds the problems of a worker."""

    def __init__(self, worker: ConsumerWorker, stats: ShipperStats) -> None:
        self._worker = worker
        self._stats = stats
        self._heartbeat = Unchanged()
        self._confirmed = Unchanged()

    def find_dead_threads(self) -> Iterator[str]:
        for thread in (self._worker, self._worker.heart_beat):
            if not thread.is_alive():
                yield f"the thread {type(thread).__name__} has ended"

    def find_problems(self) -> Iterator[str]:
        yield from self.find_dead_threads()
        last = self._worker.heart_beat.last_hearbeat_successed_unixtime
        silent = self._heartbeat.measure(last)
        if silent > self._worker.option.consumer_group_time_out:
            yield f"SLS has accepted no heartbeat for {silent:.0f} s"
        waiting = self._measure_wait()
        if waiting > PATIENCE:
            yield f"the receiver has confirmed nothing for {waiting:.0f} s"

    def _measure_wait(self) -> float:
        """Return the seconds since the last confirmation, or since no log waited for one."""
        numbers = self._stats.snapshot()
        # If no log waits, a new object each time: it is never the same.
        return self._confirmed.measure(numbers["confirmed"] if numbers["pending"] else object())


def make_health_server(health: Health) -> ThreadingHTTPServer:
    """Make a server for both paths. The caller starts it."""
    checks = {"/livez": health.find_dead_threads, "/readyz": health.find_problems}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            check = checks.get(self.path)
            problems = list(check()) if check else ["the paths are /livez and /readyz"]
            self.send_response(404 if not check else 503 if problems else 200)
            self.end_headers()
            self.wfile.write(("\n".join(problems or ["ok"]) + "\n").encode())

        def log_message(self, *_: object) -> None:
            """Log nothing: one line per probe would hide all other lines."""

    host, port = os.environ.get("HEALTH_HOST", ""), int(os.environ.get("HEALTH_PORT", "8080"))
    return ThreadingHTTPServer((host, port), Handler)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aliyun").setLevel(logging.WARNING)
    settings, stats = ShipperSettings.from_env(), ShipperStats()
    worker = make_worker(
        SyslogShipperProcessor,
        consumer_config(),
        args=(settings, stats),
        start_seconds=100,  # nothing answers probes meanwhile: less than a start may take for them
    )
    with make_health_server(Health(worker, stats)) as server:
        logging.info("health on port %d", server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            run_worker(worker)
        finally:
            server.shutdown()


if __name__ == "__main__":
    try:
        main()
    except SyslogError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
