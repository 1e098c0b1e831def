"""Support for tests: a worker that ships from the emulator while a test looks on."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest import mock

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import SyslogShipperProcessor, consumer_config, run_worker
from sls_syslog.testing import SlsEmulator, SyslogReceiver

GROUP = "siem"


def make_worker(
    emulator: SlsEmulator,
    settings: Any,
    processor: Any = SyslogShipperProcessor,
    *,
    logstore: str | None = None,
    **options: Any,
) -> ConsumerWorker:
    """The worker of a user's program, with heartbeats fast enough for a test."""
    options.setdefault("heartbeat_interval", 1)
    with mock.patch.dict(os.environ, emulator.environ(GROUP, logstore=logstore)):
        return ConsumerWorker(processor, consumer_config(**options), args=(settings,))


@contextmanager
def shipping(
    emulator: SlsEmulator,
    settings: Mapping[str, Any],
    processor: Any = SyslogShipperProcessor,
    **options: Any,
) -> Iterator[ConsumerWorker]:
    """``run_worker`` in a thread; the end of the block ends the worker and raises its error."""
    worker = make_worker(emulator, settings, processor, **options)
    with ThreadPoolExecutor(1, thread_name_prefix="run_worker") as pool:
        run = pool.submit(run_worker, worker)
        try:
            yield worker
        finally:
            worker.shutdown()
            run.result()


def eventually(condition: Callable[[], bool], timeout: float = 30.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def numbers(receiver: SyslogReceiver) -> list[int]:
    """The distinct values of the field ``n`` that have arrived, in order."""
    found = (re.search(rb"\|\|n=(\d+)", frame) for frame in receiver.frames)
    return sorted({int(match[1]) for match in found if match})
