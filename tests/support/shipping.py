"""Support for tests: a worker that ships from the emulator while a test looks on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest import mock

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import (
    ShipperSettings,
    ShipperStats,
    SyslogShipperProcessor,
    consumer_config,
    run_worker,
)
from sls_syslog.testing import SlsEmulator, SyslogReceiver

GROUP = "siem"


def make_worker(
    emulator: SlsEmulator,
    settings: Any,
    processor: Any = SyslogShipperProcessor,
    *,
    logstore: str | None = None,
    stats: ShipperStats | None = None,
    **options: Any,
) -> ConsumerWorker:
    """The worker of a user's program, with heartbeats fast enough for a test."""
    options.setdefault("heartbeat_interval", 1)
    args = (settings, stats) if stats else (settings,)
    with mock.patch.dict(os.environ, emulator.environ(GROUP, logstore=logstore)):
        return ConsumerWorker(processor, consumer_config(**options), args=args)


@contextmanager
def shipping(
    emulator: SlsEmulator,
    settings: ShipperSettings | Mapping[str, Any],
    processor: Any = SyslogShipperProcessor,
    *,
    stats: ShipperStats | None = None,
    **options: Any,
) -> Iterator[ConsumerWorker]:
    """``run_worker`` in a thread; the end of the block ends the worker and raises its error.

    Of a processor of ours the ledger has to balance in the end, whatever happened.
    """
    ours = isinstance(processor, type) and issubclass(processor, SyslogShipperProcessor)
    stats = stats or (ShipperStats() if ours else None)
    worker = make_worker(emulator, settings, processor, stats=stats, **options)
    with ThreadPoolExecutor(1, thread_name_prefix="run_worker") as pool:
        run = pool.submit(run_worker, worker)
        try:
            yield worker
        finally:
            worker.shutdown()
            run.result()
    if stats:
        assert_balanced(stats)


def assert_balanced(stats: ShipperStats) -> None:
    """Received = confirmed + filtered + dropped + pending, for each shard and in total."""
    snapshot = stats.snapshot()
    for numbers in (snapshot, *snapshot["shards"].values()):
        parts = [numbers[kind] for kind in ("confirmed", "filtered", "pending")]
        parts += numbers["dropped"].values()
        assert numbers["received"] == sum(parts), numbers
        assert min(parts) >= 0, numbers


def numbers(receiver: SyslogReceiver) -> list[int]:
    """The distinct values of the field ``n`` that have arrived, in order."""
    found = (re.search(rb"\|\|n=(\d+)", frame) for frame in receiver.frames)
    return sorted({int(match[1]) for match in found if match})
