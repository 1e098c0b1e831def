"""Health probes: ship_to_siem.py with answers over HTTP, for example to Kubernetes.

    /livez    200 while the SDK's threads run; otherwise restart the program
    /readyz   200 while no shard stands still: SLS answers, and the receiver confirms the logs

Otherwise the answer is 503, with the reason. It reads the variables of ship_to_siem.py, and
HEALTH_HOST (the address to listen on; all by default) and HEALTH_PORT (8080; 0 takes a free one).
Nothing answers before SLS does: start_seconds must be less than the probes allow for a start.
"""

import logging
import os
import sys
import threading
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


def find_problems(path: str, worker: ConsumerWorker, stats: ShipperStats) -> Iterator[str]:
    for thread in (worker, worker.heart_beat):
        if not thread.is_alive():
            yield f"the thread {type(thread).__name__} has ended"
    stalled = stats.snapshot()["stalled_seconds"]
    if path == "/readyz" and stalled:
        yield f"a shard has made no progress for {stalled:.0f} s; the log of this program says why"


def make_health_server(worker: ConsumerWorker, stats: ShipperStats) -> ThreadingHTTPServer:
    """Make a server for both paths. The caller starts it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.path in ("/livez", "/readyz")
            problems = (
                list(find_problems(self.path, worker, stats)) if is_known else ["no such path"]
            )
            self.send_response(404 if not is_known else 503 if problems else 200)
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
        SyslogShipperProcessor, consumer_config(), args=(settings, stats), start_seconds=100
    )
    with make_health_server(worker, stats) as server:
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
