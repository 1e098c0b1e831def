"""Measure what confirmations cost at full speed, and what a failure sends twice.

From a clone, with the package and its extra `testing` installed (POSIX only):

    python -m tests.benchmarks.windows
    python -m tests.benchmarks.windows --megabytes 400 --shards 8 --settings '{"window_bytes": 0}'

Three processes run, as for `pipe`. Each run ships all logs once. In the runs with a failure, the
receiver resets all connections when half of the logs have arrived; some of what lay in its sockets
is lost then. Connections over which nothing was sent do not count.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .helpers import Helper, run_shipper
from .variants import BASE_SETTINGS

__all__ = ["main"]

_LONGEST = 600.0  # seconds of one run


@dataclass(frozen=True)
class _Result:
    seconds: float
    cpu: float
    peak_rss: int
    connections: int
    checkpoints: int
    copies: int
    is_complete: bool


def _ship(server: Helper, sink: Helper, group: str, settings: Any, *, fails: bool) -> _Result:
    logs = server.ready["logs"]
    sink.ask(reset=True, logs=0, seconds=0)
    before = server.ask(group=group, seconds=0)["calls"]
    place = sink.ready
    where = {"host": place["host"], "port": place["ports"]["tcp"]}
    began = time.monotonic()
    with run_shipper(server, group, {**BASE_SETTINGS, **where, **settings}) as pid:
        if fails:
            sink.ask(logs=logs // 2, seconds=_LONGEST)
            sink.ask(cut=True, logs=0, seconds=0)
        drained = server.ask(group=group, seconds=_LONGEST)
        seconds = time.monotonic() - began
        cpu, peak_rss = _read_usage(pid)
    seen = sink.ask(logs=0, seconds=0)
    kind = "ConsumerGroupUpdateCheckPoint"
    return _Result(
        seconds=seconds,
        cpu=cpu,
        peak_rss=peak_rss,
        connections=int(seen["connections"]),
        checkpoints=drained["calls"].get(kind, 0) - before.get(kind, 0),
        copies=int(seen["logs"]) - logs,
        is_complete=bool(drained["drained"]) and seen["logs"] >= logs,
    )


def _read_usage(pid: int) -> tuple[float, int]:
    """Read the seconds of CPU and the peak of the memory of a process that runs, on Linux."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    times = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / 100, peak * 1024


def _format_results(given: argparse.Namespace) -> Iterator[str]:
    yield (
        "| failure | seconds | CPU s | peak RSS MB | connections | checkpoint requests |"
        " sent again | complete |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    options = {"megabytes": given.megabytes, "shards": given.shards}
    with Helper("server", options) as server, Helper("sink") as sink:
        for number in range(given.repeat):
            for fails in (False, True):
                group = f"windows-{number}-{fails}"
                run = _ship(server, sink, group, given.settings, fails=fails)
                yield (
                    f"| {'a reset' if fails else 'none'} | {run.seconds:.1f} | {run.cpu:.1f} |"
                    f" {run.peak_rss / 1e6:.0f} | {run.connections} | {run.checkpoints} |"
                    f" {run.copies / server.ready['logs']:.1%} |"
                    f" {'yes' if run.is_complete else 'NO'} |"
                )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.windows")
    add = parser.add_argument
    add("--megabytes", type=float, default=200, help="size of the logs, uncompressed (200)")
    add("--shards", type=int, default=2, help="shards of the Logstore (2)")
    add("--repeat", type=int, default=2, help="runs with and without a failure (2)")
    add("--settings", type=json.loads, default={}, help="more settings of the shipper, as JSON")
    for line in _format_results(parser.parse_args(arguments)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
