"""ship_to_siem.py that also answers a supervisor's probes over HTTP, Kubernetes' say.

    /livez    200 while the SDK's threads run; if not, only a new start helps
    /readyz   200 while SLS takes the heartbeats and the receiver takes the logs

Both answer 503 with the reason otherwise. The variables are those of ship_to_siem.py, and on top
HEALTH_HOST (all addresses), HEALTH_PORT (8080; 0 for a free one), and HEALTH_PATIENCE: the seconds
for which logs may be on their way, and none be confirmed, before that counts (60).
"""

import logging
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import (
    ShipperSettings,
    ShipperStats,
    SyslogShipperProcessor,
    consumer_config,
    run_worker,
)

PATIENCE = float(os.environ.get("HEALTH_PATIENCE", "60"))


class Health:
    """What is wrong with a worker."""

    def __init__(self, worker: ConsumerWorker, stats: ShipperStats) -> None:
        self._worker = worker
        self._stats = stats
        self._lock = threading.Lock()
        self._confirmed = 0
        self._confirmed_at = time.monotonic()

    def what_is_dead(self) -> Iterator[str]:
        for thread in (self._worker, self._worker.heart_beat):
            if not thread.is_alive():
                yield f"{type(thread).__name__} does not run"

    def what_is_wrong(self) -> Iterator[str]:
        yield from self.what_is_dead()
        silent = time.time() - self._worker.heart_beat.last_hearbeat_successed_unixtime
        if silent > self._worker.option.consumer_group_time_out:
            yield f"SLS has taken no heartbeat for {silent:.0f} s"
        waiting = self._waiting()
        if waiting > PATIENCE:
            yield f"the receiver has confirmed nothing for {waiting:.0f} s"

    def _waiting(self) -> float:
        """Seconds since something was confirmed, or nothing was there to confirm."""
        numbers, now = self._stats.snapshot(), time.monotonic()
        with self._lock:
            if numbers["confirmed"] != self._confirmed or not numbers["pending"]:
                self._confirmed, self._confirmed_at = numbers["confirmed"], now
            return now - self._confirmed_at


def health_server(health: Health) -> ThreadingHTTPServer:
    """A server of both paths, which is not running yet."""
    checks = {"/livez": health.what_is_dead, "/readyz": health.what_is_wrong}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            check = checks.get(self.path)
            problems = list(check()) if check else ["there is /livez and /readyz"]
            self.send_response(404 if not check else 503 if problems else 200)
            self.end_headers()
            self.wfile.write(("\n".join(problems or ["ok"]) + "\n").encode())

        def log_message(self, *_: object) -> None:
            """A line for each probe would bury all others."""

    host, port = os.environ.get("HEALTH_HOST", ""), int(os.environ.get("HEALTH_PORT", "8080"))
    return ThreadingHTTPServer((host, port), Handler)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aliyun").setLevel(logging.WARNING)
    settings, stats = ShipperSettings.from_env(), ShipperStats()
    worker = ConsumerWorker(SyslogShipperProcessor, consumer_config(), args=(settings, stats))
    with health_server(Health(worker, stats)) as server:
        logging.info("health on port %d", server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            run_worker(worker)
        finally:
            server.shutdown()


if __name__ == "__main__":
    main()
