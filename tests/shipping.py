"""Support for tests: a worker that ships from the emulator while a test looks on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest import mock

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import SyslogShipperProcessor, consumer_config, run_worker
from sls_syslog.testing import SlsEmulator

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
