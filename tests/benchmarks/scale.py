"""Measure how the cost of a log grows: with many, large and wide logs, and several processes.

From a clone, with the package and its extra `testing` installed:

    python -m tests.benchmarks.scale

The first table has the CPU cost of encoding alone, in this process. The second table ships through
the whole path, with several consumer processes that share 8 shards, and with one that has 64. The
emulator and the receiver need cores too: they limit the gain of more processes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from typing import Any

from aliyun.log.proto import LogGroupList

from sls_syslog import ShipperSettings
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group

from .helpers import Helper
from .measure import Bench
from .variants import VARIANTS

__all__ = ["main"]

_BATCH_BYTES = 10_000_000  # the most that one fetch of the SDK returns
_GROUP_LOGS = 500  # logs of one LogGroup
_ENCODED_BYTES = 40_000_000  # bytes to encode of each kind of log, enough for the clock

# number of logs, fields of each, bytes of each
_KINDS = [
    (1, 16, 550),
    (100, 16, 550),
    (10_000, 16, 550),
    (1_000_000, 16, 550),
    (1_000_000, 1, 10),
    (1_000, 16, 10_000),
    (100, 16, 100_000),
    (40, 16, 1_000_000),
    (10_000, 1, 550),
    (10_000, 100, 4_000),
    (1_000, 1_000, 40_000),
]
# shards, processes
_SHARES = [(8, 1), (8, 2), (8, 4), (64, 1)]


def _make_batch(logs: int, fields: int, size: int) -> Any:
    value = "x" * max(1, size // fields - len("field_000"))
    log = [(f"field_{number:03d}", value) for number in range(fields)]
    raw = b""
    for begin in range(0, logs, _GROUP_LOGS):
        count = min(_GROUP_LOGS, logs - begin)
        entries = [LogEntry(log, time=1_790_000_000 + number // 50) for number in range(count)]
        group = encode_log_group(entries, topic="scale", source="10.0.0.1", tags={})
        raw += b"".join(frame_log_group(group))
    batch = LogGroupList()
    batch.ParseFromString(raw)
    return batch


def _measure_encoding(logs: int, fields: int, size: int) -> tuple[float, int]:
    """Return the seconds of CPU, and the number of logs encoded in them."""
    settings = ShipperSettings(host="siem")
    encoder = LogEncoder(settings, MessageHooks(settings))
    batch = _make_batch(min(logs, max(1, _BATCH_BYTES // size)), fields, size)
    in_batch = sum(len(group.Logs) for group in batch.LogGroups)
    batches = max(1, logs // in_batch, round(_ENCODED_BYTES / size / in_batch))
    if logs >= _GROUP_LOGS:
        encoder.encode(batch)  # the encoder prepares each shape of log once; do not measure that
    began = time.process_time()
    for _ in range(batches):
        encoder.encode(batch)
    return time.process_time() - began, batches * in_batch


def _format_encoding() -> Iterator[str]:
    yield "| logs in a batch or in all | fields | bytes each | CPU us/log | CPU ms/MB |"
    yield "| --- | --- | --- | --- | --- |"
    for logs, fields, size in _KINDS:
        seconds, encoded = _measure_encoding(logs, fields, size)
        micros, millis = 1e6 * seconds / encoded, 1e9 * seconds / (encoded * size)
        yield f"| {logs:,} | {fields:,} | {size:,} | {micros:,.1f} | {millis:.1f} |"


def _format_sharing(megabytes: float, repeat: int) -> Iterator[str]:
    yield "| shards | processes | wall MB/s | CPU ms/MB | peak RSS MB of one | all arrived |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for shards, processes in _SHARES:
        options = {"megabytes": megabytes, "shards": shards}
        with Helper("server", options) as server, Helper("sink") as sink:
            bench = Bench(server, sink)
            runs = [bench.run(VARIANTS["default"], processes=processes) for _ in range(repeat)]
        best = min(runs, key=lambda run: run.wall)
        size = bench.raw_bytes / 1e6
        arrived = "yes" if all(run.complete for run in runs) else "NO"
        yield (
            f"| {shards} | {processes} | {size / best.wall:.1f} | {1000 * best.cpu / size:.1f} |"
            f" {best.peak_rss / 1e6:.0f} | {arrived} |"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale")
    parser.add_argument("--megabytes", type=float, default=200, help="shipped in each run (200)")
    parser.add_argument("--repeat", type=int, default=2, help="runs; the quickest is shown (2)")
    given = parser.parse_args(arguments)
    for line in _format_encoding():
        print(line, flush=True)
    print()
    for line in _format_sharing(given.megabytes, given.repeat):
        print(line, flush=True)


if __name__ == "__main__":
    main()
