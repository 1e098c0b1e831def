"""What the shipping programs have in common. It must stay light: its import is measured too.

In particular it must not import `sls_syslog`, which the documented program does not have.
"""

from __future__ import annotations

import cProfile
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aliyun.log.consumer import ConsumerProcessorBase, ConsumerWorker, CursorPosition, LogHubConfig

__all__ = ["OPTIONS", "run_sdk_worker", "ship"]

OPTIONS: dict[str, Any] = json.loads(sys.argv[1])
"""What this process is to do: `settings`, `processor`, and where to write what it measures."""


def ship(run: Callable[[dict[str, Any]], None]) -> None:
    """Run a worker to its end, profiled if that is asked for.

    Args:
        run: Makes the worker and runs it; it is given options for its configuration.
    """
    logging.basicConfig(level=logging.WARNING)
    began = {"startup_cpu": time.process_time()}
    Path(OPTIONS["report"]).write_text(json.dumps(began), encoding="utf-8")
    if OPTIONS["profile"]:
        _profiled(run, OPTIONS["profile"])
    else:
        run({})


def _profiled(run: Callable[[dict[str, Any]], None], path: str) -> None:
    """All of the SDK's tasks in one thread, the profiled one: cProfile knows only its own."""
    profile = cProfile.Profile()
    with ThreadPoolExecutor(1, initializer=profile.enable) as pool:
        run({"shared_executor": pool})
        pool.submit(profile.disable).result()
    profile.dump_stats(path)


def run_sdk_worker(processor: type[ConsumerProcessorBase], options: dict[str, Any]) -> None:
    """Run a worker the documented way, with the documented program's values, until SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends at KeyboardInterrupt
    config = LogHubConfig(
        os.environ["SLS_ENDPOINT"],
        os.environ["SLS_AK_ID"],
        os.environ["SLS_AK_KEY"],
        os.environ["SLS_PROJECT"],
        os.environ["SLS_LOGSTORE"],
        os.environ["SLS_CG"],
        f"{os.environ['SLS_CG']}-{os.getpid()}",
        cursor_position=CursorPosition.BEGIN_CURSOR,
        heartbeat_interval=20,
        data_fetch_interval=1,
        **options,
    )
    ConsumerWorker(processor, consumer_option=config).start(join=True)
