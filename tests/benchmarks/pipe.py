"""Ship a Logstore through the whole path in several ways, and compare what each costs.

From a clone, with the package and its extra `testing` installed (POSIX only):

    python -m tests.benchmarks.pipe                              # the table of the contract
    python -m tests.benchmarks.pipe --megabytes 40 --repeat 1    # a quick look
    python -m tests.benchmarks.pipe --ways documented,default,tls --json costs.json
    python -m tests.benchmarks.pipe --profile default            # where the time goes

The kit's emulator (real HTTP, lz4, signed requests), the shipping program with the SDK's own
ConsumerWorker, and the receiver are processes of their own. Measured is the shipping one: user and
system CPU from its start to its end, per decimal MB of logs as SLS counts them. Its time on the
wall is bound by the emulator and by how often the SDK fetches. Runs of all ways are interleaved,
so that noise hits all alike; on a busy machine CPU time grows too, so judge ratios. The start-up
counts, and weighs on a small load: its share is shown.

A profile is best taken with Python 3.10 or 3.11. Later ones show what other threads wait for as
well, as `time.sleep` and `_bootstrap_inner`.
"""

from __future__ import annotations

import argparse
import json
import os
import pstats
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .helpers import Helper
from .measure import Bench, Run
from .report import as_json, as_markdown, draw, figures_of
from .ways import WAYS, Way

__all__ = ["main"]


def _ways(text: str) -> list[Way]:
    names = text.split(",")
    unknown = [name for name in names if name not in WAYS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no {unknown[0]!r} among {', '.join(WAYS)}")
    return [WAYS[name] for name in names]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.pipe", description=(__doc__ or "").partition("\n")[0]
    )
    add = parser.add_argument
    add("--megabytes", type=float, default=200, help="of logs, uncompressed (200)")
    add("--shards", type=int, default=4, help="of the Logstore (4)")
    add("--repeat", type=int, default=3, help="runs of each way; medians are shown (3)")
    add("--ways", type=_ways, default=list(WAYS.values()), help=f"some of {','.join(WAYS)}")
    add("--json", type=Path, metavar="FILE", help="write everything, single runs included")
    add("--markdown", type=Path, metavar="FILE", help="write the table")
    add("--plot", type=Path, metavar="FILE.svg", help="draw it; needs matplotlib")
    add("--profile", choices=WAYS, metavar="WAY", help="one run of a way under cProfile instead")
    add("--top", type=int, default=30, help="functions that --profile shows (30)")
    return parser.parse_args(arguments)


@contextmanager
def _bench(megabytes: float, shards: int) -> Iterator[Bench]:
    print(f"Making {megabytes:g} MB of logs ...", file=sys.stderr)
    options = {"megabytes": megabytes, "shards": shards}
    with Helper("server", options) as server, Helper("sink") as sink:
        yield Bench(server, sink)


def _measure(bench: Bench, ways: Sequence[Way], repeat: int) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {way.name: [] for way in ways}
    for turn in range(1, repeat + 1):
        for way in ways:
            run = bench.run(way)
            runs[way.name].append(run)
            _say(bench, f"{turn}/{repeat} {way.name}", run)
    return runs


def _say(bench: Bench, what: str, run: Run) -> None:
    cost = 1000 * run.cpu / (bench.raw_bytes / 1e6)
    print(f"{what:<20}{cost:7.1f} ms/MB {run.wall:7.1f} s", file=sys.stderr)
    if not run.complete:
        print(f"INCOMPLETE: {run.arrived} of {bench.logs} logs\n{run.said}", file=sys.stderr)


def _profile(bench: Bench, way: Way, top: int) -> None:
    """Print where the SDK's tasks spend their time, waiting for the network included."""
    with tempfile.TemporaryDirectory(prefix="sls-syslog-bench-") as directory:
        path = Path(directory, "profile")
        _say(bench, way.name, bench.run(way, profile=path))
        print(f"{way.name}, {bench.logs} logs: the SDK's tasks, all in one thread, which waits in")
        print("SimpleQueue.get for tasks, and in recv_into for SLS and the receiver.")
        stats = pstats.Stats(str(path))
        stats.sort_stats(pstats.SortKey.TIME).print_stats(top)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say.

    Returns:
        0; 1 if a run lost a log, sent one twice, or left a checkpoint behind.
    """
    given = _arguments(arguments)
    about = {"megabytes": given.megabytes, "shards": given.shards, "load": os.getloadavg()}
    with _bench(given.megabytes, given.shards) as bench:
        if given.profile:
            _profile(bench, WAYS[given.profile], given.top)
            return 0
        runs = _measure(bench, given.ways, given.repeat)
    figures = {name: figures_of(each, bench.raw_bytes) for name, each in runs.items()}
    table = as_markdown(figures)
    print(table)
    if given.markdown:
        given.markdown.write_text(table + "\n", encoding="utf-8")
    if given.json:
        about |= {"logs": bench.logs, "raw_bytes": bench.raw_bytes}
        given.json.write_text(json.dumps(as_json(figures, runs, about), indent=2) + "\n")
    if given.plot:
        draw(figures, given.plot)
    return 0 if all(own.complete for own in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
