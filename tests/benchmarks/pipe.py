"""Ship a Logstore through the whole path with several variants, and compare their costs.

From a clone, with the package and its extra `testing` installed (POSIX only):

    python -m tests.benchmarks.pipe                              # all variants
    python -m tests.benchmarks.pipe --megabytes 40 --repeat 1    # a quick look
    python -m tests.benchmarks.pipe --variants documented,default,tls --json costs.json
    python -m tests.benchmarks.pipe --profile default            # where the time goes

Three processes run: the kit's emulator (real HTTP, lz4, signed requests), the shipping program with
the SDK's own ConsumerWorker, and the receiver. The table has the cost of the shipping program: user
and system CPU from its start to its end, per decimal MB of logs as SLS counts them. CPU includes
the start-up, which matters with few logs; the table shows it. The emulator and the SDK's fetch
interval limit the wall time.

The table compares each row with the floor: the SDK alone with the same logs. Rows may have logs of
their own (`waf-`, `actiontrail-`, `kubernetes-`), more of them (`-twice`), or a single one
(`-start`). A slope is what further logs cost: twice as many, minus as many.

The runs of all variants are interleaved, so that noise hits all of them. On a busy machine CPU time
grows too: compare ratios.

Take a profile with Python 3.10 or 3.11. With later versions it also shows the waits of other
threads, as `time.sleep` and `_bootstrap_inner`.
"""

from __future__ import annotations

import argparse
import json
import os
import pstats
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from .helpers import Helper
from .measure import Bench, Run
from .report import add_slopes, draw, format_markdown, make_json, take_medians
from .variants import VARIANTS, Source, Variant

__all__ = ["main"]


def _parse_variants(text: str) -> list[Variant]:
    names = text.split(",")
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        expected = ", ".join(VARIANTS)
        raise argparse.ArgumentTypeError(f"expected some of {expected}, got {unknown[0]!r}")
    return [VARIANTS[name] for name in names]


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.pipe", description=(__doc__ or "").partition("\n")[0]
    )
    add = parser.add_argument
    add("--megabytes", type=float, default=200, help="size of the logs, uncompressed (200)")
    add("--shards", type=int, default=4, help="shards of the Logstore (4)")
    add("--repeat", type=int, default=3, help="runs of each variant; medians are shown (3)")
    add(
        "--variants",
        type=_parse_variants,
        default=list(VARIANTS.values()),
        help=f"some of {','.join(VARIANTS)}",
    )
    add("--json", type=Path, metavar="FILE", help="write all figures, also those of each run")
    add("--markdown", type=Path, metavar="FILE", help="write the table")
    add("--plot", type=Path, metavar="FILE.svg", help="draw the CPU costs; needs matplotlib")
    add(
        "--profile",
        choices=VARIANTS,
        metavar="VARIANT",
        help="one run of a variant under cProfile instead",
    )
    add("--top", type=int, default=30, help="number of functions that --profile shows (30)")
    return parser.parse_args(arguments)


class _Benches:
    """The bench for each source. Only one emulator runs at a time: each holds all of its logs."""

    def __init__(self, megabytes: float, shards: int, sink: Helper) -> None:
        self._megabytes = megabytes
        self._shards = shards
        self._sink = sink
        self._source: Source | None = None
        self._server: Helper | None = None
        self._bench: Bench | None = None

    def prepare(self, source: Source) -> Bench:
        """Return the bench for a source."""
        if self._bench is None or source != self._source:
            self.close()
            # Of no size at all there would be no log; of this one there is one.
            megabytes = max(source.scale * self._megabytes, 1e-6)
            print(f"Making {megabytes:g} MB of {source.kind} logs ...", file=sys.stderr)
            shards = source.shards or self._shards
            options = {"megabytes": megabytes, "shards": shards, "kind": source.kind}
            self._server = Helper("server", options)
            self._bench, self._source = Bench(self._server, self._sink), source
        return self._bench

    def close(self) -> None:
        """End the emulator."""
        if self._server is not None:
            self._server.close()
        self._server = self._bench = None


@contextmanager
def _run_helpers(megabytes: float, shards: int) -> Iterator[_Benches]:
    with Helper("sink") as sink, closing(_Benches(megabytes, shards, sink)) as benches:
        yield benches


def _measure(benches: _Benches, variants: Sequence[Variant], repeat: int) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {variant.name: [] for variant in variants}
    sources = dict.fromkeys(variant.source for variant in variants)
    for turn in range(1, repeat + 1):
        for source in sources:
            bench = benches.prepare(source)
            for variant in variants:
                if variant.source == source:
                    run = bench.run(variant)
                    runs[variant.name].append(run)
                    _print_run(bench, f"{turn}/{repeat} {variant.name}", run)
    return runs


def _print_run(bench: Bench, what: str, run: Run) -> None:
    cost = 1000 * run.cpu / (bench.raw_bytes / 1e6)
    print(f"{what:<28}{cost:7.1f} ms/MB {run.wall:7.1f} s", file=sys.stderr)
    if not run.complete:
        print(f"INCOMPLETE: {run.arrived} of {bench.logs} logs\n{run.output}", file=sys.stderr)


def _profile(bench: Bench, variant: Variant, top: int) -> None:
    """Print where the SDK's tasks spend their time, including waits for the network."""
    with tempfile.TemporaryDirectory(prefix="sls-syslog-bench-") as directory:
        path = Path(directory, "profile")
        _print_run(bench, variant.name, bench.run(variant, profile=path))
        print(
            f"{variant.name}, {bench.logs} logs. All tasks of the SDK run in one thread. It waits"
        )
        print("in SimpleQueue.get for tasks, and in recv_into for SLS and the receiver.")
        stats = pstats.Stats(str(path))
        stats.sort_stats(pstats.SortKey.TIME).print_stats(top)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the variants and print a table, or print a profile.

    Returns:
        0. 1 if a run lost a log, sent one twice, or did not save the last checkpoints.
    """
    given = _parse_arguments(arguments)
    about = {"megabytes": given.megabytes, "shards": given.shards, "load": os.getloadavg()}
    with _run_helpers(given.megabytes, given.shards) as benches:
        if given.profile:
            variant = VARIANTS[given.profile]
            _profile(benches.prepare(variant.source), variant, given.top)
            return 0
        runs = _measure(benches, given.variants, given.repeat)
    figures = add_slopes({name: take_medians(each) for name, each in runs.items()})
    table = format_markdown(figures)
    print(table)
    if given.markdown:
        given.markdown.write_text(table + "\n", encoding="utf-8")
    if given.json:
        given.json.write_text(json.dumps(make_json(figures, runs, about), indent=2) + "\n")
    if given.plot:
        draw(figures, given.plot)
    return 0 if all(own.complete for own in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
