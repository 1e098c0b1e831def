"""The common code of the shipping programs.

It must import little, because its import is measured too. It must not import `sls_syslog`: the
documented program does not have it.
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
"""The task of this process: `settings`, `processor`, and the files for its results."""


def ship(run: Callable[[dict[str, Any]], None]) -> None:
    """Run a worker to its end, with a profile if the options ask for it.

    Args:
        run: Makes the worker and runs it. Its argument are options for `LogHubConfig`.
    """
    logging.basicConfig(level=logging.WARNING)
    began = {"startup_cpu": time.process_time()}
    Path(OPTIONS["report"]).write_text(json.dumps(began), encoding="utf-8")
    if OPTIONS["profile"]:
        _run_profiled(run, OPTIONS["profile"])
    else:
        run(OPTIONS["consumer"])


def _run_profiled(run: Callable[[dict[str, Any]], None], path: str) -> None:
    """Run all tasks of the SDK in one thread, and profile it: cProfile sees only one thread."""
    profile = cProfile.Profile()
    with ThreadPoolExecutor(1, initializer=profile.enable) as pool:
        run({**OPTIONS["consumer"], "shared_executor": pool})
        pool.submit(profile.disable).result()
    profile.dump_stats(path)


def run_sdk_worker(processor: type[ConsumerProcessorBase], options: dict[str, Any]) -> None:
    """Run a worker as the documented program does, with its values, until SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the SDK ends at KeyboardInterrupt
    config = LogHubConfig(
        os.environ["SLS_ENDPOINT"],
        os.environ["SLS_AK_ID"],
        os.environ["SLS_AK_KEY"],
        os.environ["SLS_PROJECT"],
        os.environ["SLS_LOGSTORE"],
        os.environ["SLS_CG"],
        f"{os.environ['SLS_CG']}-{os.getpid()}",
        cursor_position=CursorPosition.BEGIN_CURSOR,
        **{"heartbeat_interval": 20, "data_fetch_interval": 1, **options},
    )
    ConsumerWorker(processor, consumer_option=config).start(join=True)
