"""A shipper as a separate program. Its argument is the variant, environment variables the options.

``REFRESH``: refresh credentials. ``FORGETFUL``: forget ``super().__init__()``. ``TIMEOUT``: the
group's timeout. Only naive: ``HANDLER``: SIGTERM stops the worker. ``JOIN``: wait with ``join()``.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import ShipperSettings, SyslogShipperProcessor, consumer_config, run_worker
from tests.hazards import naive
from tests.support.processors import Fatal

HEARTBEAT_SECONDS = 0.25  # a test waits for heartbeats, and a stop for the end of the interval


def make_worker(processor: Any, forgetful: Any, settings: Any) -> ConsumerWorker:
    """Make the worker that the environment variables describe."""
    options: dict[str, Any] = {"heartbeat_interval": HEARTBEAT_SECONDS}
    if "REFRESH" in os.environ:
        credentials = (os.environ["SLS_AK_ID"], os.environ["SLS_AK_KEY"], "")
        options["credentials_refresher"] = lambda: credentials
    chosen = forgetful if "FORGETFUL" in os.environ else processor
    config = consumer_config(**options)
    config.consumer_group_time_out = int(os.environ.get("TIMEOUT", "30"))
    return ConsumerWorker(chosen, config, args=(settings,))


def ship_naively() -> None:
    """Ship as the documented program does."""
    target = {"host": os.environ["SYSLOG_HOST"], "port": int(os.environ["SYSLOG_PORT"])}
    worker = make_worker(naive.Documented, naive.Forgetful, target)
    if "HANDLER" in os.environ:
        signal.signal(signal.SIGTERM, lambda *_: worker.shutdown())
    if "JOIN" in os.environ:
        worker.start()
        worker.join()
        print("the end of the program", flush=True)
    else:
        worker.start(join=True)


def ship_plainly() -> None:
    """Ship with our processor, without ``run_worker``."""
    make_worker(SyslogShipperProcessor, Fatal, ShipperSettings.from_env()).start(join=True)


def ship() -> None:
    """Ship as the README shows it."""
    run_worker(make_worker(SyslogShipperProcessor, Fatal, ShipperSettings.from_env()))


if __name__ == "__main__":
    # Handle Ctrl-C as on a terminal: a shell makes background programs ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.basicConfig(level=logging.INFO)
    {"naive": ship_naively, "plain": ship_plainly, "ours": ship}[sys.argv[1]]()
