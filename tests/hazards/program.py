"""A shipper as a process of its own; the argument is the way, variables do the rest.

``REFRESH`` gives it a refresher of credentials; ``FORGETFUL`` makes its author forget
``super().__init__()``; ``TIMEOUT`` is the consumer group's. For the naive one, ``HANDLER`` makes
SIGTERM stop the worker, and ``JOIN`` waits with ``join()`` instead of ``start(join=True)``.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any

from aliyun.log.consumer import ConsumerWorker

from hazards import naive
from sls_syslog import ShipperSettings, SyslogShipperProcessor, consumer_config, run_worker


class Forgetful(SyslogShipperProcessor):
    """Its author forgot ``super().__init__()``."""

    def __init__(self, settings: Any) -> None:
        pass


def make(processor: Any, forgetful: Any, settings: Any) -> ConsumerWorker:
    """The worker."""
    options: dict[str, Any] = {"heartbeat_interval": 1}
    if "REFRESH" in os.environ:
        credentials = (os.environ["SLS_AK_ID"], os.environ["SLS_AK_KEY"], "")
        options["credentials_refresher"] = lambda: credentials
    chosen = forgetful if "FORGETFUL" in os.environ else processor
    config = consumer_config(**options)
    config.consumer_group_time_out = int(os.environ.get("TIMEOUT", "30"))
    return ConsumerWorker(chosen, config, args=(settings,))


def ship_naively() -> None:
    """As the documented program."""
    target = {"host": os.environ["SYSLOG_HOST"], "port": int(os.environ["SYSLOG_PORT"])}
    worker = make(naive.Documented, naive.Forgetful, target)
    if "HANDLER" in os.environ:
        signal.signal(signal.SIGTERM, lambda *_: worker.shutdown())
    if "JOIN" in os.environ:
        worker.start()
        worker.join()
        print("the end of the program", flush=True)
    else:
        worker.start(join=True)


def ship_plainly() -> None:
    """With our processor and nothing else."""
    make(SyslogShipperProcessor, Forgetful, ShipperSettings.from_env()).start(join=True)


def ship() -> None:
    """As the README has it."""
    run_worker(make(SyslogShipperProcessor, Forgetful, ShipperSettings.from_env()))


if __name__ == "__main__":
    # As on a terminal: a shell gives what it runs in the background a deaf ear for Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.basicConfig(level=logging.INFO)
    {"naive": ship_naively, "plain": ship_plainly, "ours": ship}[sys.argv[1]]()
