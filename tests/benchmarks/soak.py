"""Ship to a receiver for minutes, and watch memory, descriptors and threads of the shipper.

From a clone, with the package and its extra `testing` installed (Linux only):

    python -m tests.benchmarks.soak
    python -m tests.benchmarks.soak --minutes 10 --shards 32 --protocol tls

Three processes run, as for `pipe`. Each shard gets a log each second, so each window is confirmed
over a connection of its own. The last line compares the last third with the second one: in the
first, caches and the allocator's arenas fill.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from .helpers import Helper, run_shipper
from .variants import BASE_SETTINGS

__all__ = ["main"]

_GROUP = "soak"
_SAMPLES = 60


@dataclass(frozen=True)
class _Sample:
    rss: float  # in MB
    descriptors: int
    threads: int


def _read_sample(pid: int) -> _Sample:
    process = Path(f"/proc/{pid}")
    lines = (process / "status").read_text(encoding="ascii").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    rss = int(status["VmRSS"].split()[0]) / 1000
    return _Sample(rss, len(os.listdir(process / "fd")), int(status["Threads"]))


def _soak(server: Helper, sink: Helper, pid: int, given: argparse.Namespace) -> Iterator[_Sample]:
    begun = due = time.monotonic()
    while time.monotonic() - begun < 60 * given.minutes:
        server.ask(group=_GROUP, seconds=0, put=given.shards)
        if time.monotonic() >= due:
            due += 60 * given.minutes / _SAMPLES
            sample = _read_sample(pid)
            seen = sink.ask(logs=0, seconds=0)
            print(
                f"{time.monotonic() - begun:6.0f} s: RSS {sample.rss:.1f} MB,"
                f" {sample.descriptors} descriptors, {sample.threads} threads,"
                f" {seen['connections']} connections with logs",
                flush=True,
            )
            yield sample
        time.sleep(min(1.0, given.minutes))


def _compare(samples: list[_Sample]) -> str:
    third = len(samples) // 3
    middle, last = (
        [statistics.median(column) for column in zip(*map(astuple, part), strict=True)]
        for part in (samples[third : 2 * third], samples[2 * third :])
    )
    names = ("RSS in MB", "descriptors", "threads")
    rows = zip(names, middle, last, strict=True)
    return "; ".join(f"{name}: {before:.1f} -> {after:.1f}" for name, before, after in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Soak, and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.soak")
    add = parser.add_argument
    add("--minutes", type=float, default=10, help="how long (10)")
    add("--shards", type=int, default=32, help="shards of the Logstore (32)")
    add("--protocol", default="tls", help="of the receiver: tcp, tls or relp (tls)")
    add("--settings", type=json.loads, default={}, help="more settings of the shipper, as JSON")
    given = parser.parse_args(arguments)
    options = {"megabytes": 0, "shards": given.shards}
    with Helper("server", options) as server, Helper("sink") as sink:
        place = sink.ready
        where = {"host": place["host"], "port": place["ports"][given.protocol]}
        trust = {"cert_path": place["cert_path"]} if given.protocol == "tls" else {}
        settings = {**BASE_SETTINGS, **where, "protocol": given.protocol, **trust, **given.settings}
        with run_shipper(server, _GROUP, settings) as pid:
            samples = list(_soak(server, sink, pid, given))
            drained = server.ask(group=_GROUP, seconds=60)["drained"]
    print(_compare(samples), "; all is confirmed" if drained else "; NOT all is confirmed", sep="")


if __name__ == "__main__":
    main()
