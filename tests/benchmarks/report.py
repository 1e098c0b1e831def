"""Turn runs into medians, and medians into a table, JSON and a plot."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .measure import Run
from .variants import SLOPES, VARIANTS, Source, Target

__all__ = ["Figures", "add_slopes", "draw", "format_markdown", "make_json", "take_medians"]

_HEADINGS = (
    *("variant", "CPU s", "CPU ms/MB", "start-up ms/MB", "MB/core-s", "wall MB/s"),
    *("peak RSS MB", "faults/MB", "x floor", "x documented", "x default", "targets", "met"),
    "all arrived",
)
_LEAST_MEGABYTES = 0.01  # of a run whose cost by MB means anything


@dataclass(frozen=True)
class Figures:
    """The medians of a variant's runs, or what further MB cost.

    Attributes:
        megabytes: The size of the logs, in MB.
        cpu: Seconds of CPU of the whole process.
        startup_cpu: The part of the start-up in `cpu`.
        wall: Seconds, including the start-up.
        peak_rss_mb: Largest resident memory, in MB.
        page_faults: Page faults.
        complete: Whether each run delivered every log once and saved every checkpoint.
    """

    megabytes: float
    cpu: float
    startup_cpu: float
    wall: float
    peak_rss_mb: float
    page_faults: float
    complete: bool

    @property
    def ms_per_mb(self) -> float:
        """Milliseconds of CPU per raw MB, including the start-up."""
        return 1000 * self.cpu / self.megabytes

    @property
    def has_rates(self) -> bool:
        """Whether there are enough logs for costs by MB."""
        return self.megabytes >= _LEAST_MEGABYTES


def take_medians(runs: Sequence[Run]) -> Figures:
    """Take the medians of one variant's runs."""
    return Figures(
        megabytes=runs[0].raw_bytes / 1e6,
        cpu=median(run.cpu for run in runs),
        startup_cpu=median(run.startup_cpu for run in runs),
        wall=median(run.wall for run in runs),
        peak_rss_mb=median(run.peak_rss for run in runs) / 1e6,
        page_faults=median(run.page_faults for run in runs),
        complete=all(run.complete for run in runs),
    )


def add_slopes(figures: Mapping[str, Figures]) -> dict[str, Figures]:
    """Add the slopes whose variants were run."""
    slopes = {
        slope.name: _subtract(figures[slope.large], figures[slope.small])
        for slope in SLOPES.values()
        if slope.large in figures and slope.small in figures
    }
    return {**figures, **slopes}


def _subtract(large: Figures, small: Figures) -> Figures:
    return Figures(
        megabytes=large.megabytes - small.megabytes,
        cpu=large.cpu - small.cpu,
        startup_cpu=0.0,
        wall=large.wall - small.wall,
        peak_rss_mb=large.peak_rss_mb,
        page_faults=large.page_faults - small.page_faults,
        complete=large.complete and small.complete,
    )


def _compare(name: str, other: str | None, figures: Mapping[str, Figures]) -> float | None:
    if other is None or other not in figures:
        return None
    return figures[name].ms_per_mb / figures[other].ms_per_mb


def _find_floor(name: str, figures: Mapping[str, Figures]) -> str | None:
    """Find the row of the lower limit: for the same logs, or at least for their kind."""
    if name in SLOPES:
        return "sdk-only-slope"
    source = VARIANTS[name].source
    floors = [own for own in figures if own in VARIANTS and VARIANTS[own].is_floor]
    same = [own for own in floors if VARIANTS[own].source == source]
    kind = [own for own in floors if VARIANTS[own].source == Source(source.kind)]
    return next(iter([*same, *kind]), None)


def _find_targets(name: str) -> tuple[Target, ...]:
    return (SLOPES[name] if name in SLOPES else VARIANTS[name]).targets


def _judge(name: str, figures: Mapping[str, Figures]) -> str:
    """Judge all targets whose other variant was run."""
    ratios = [(target, _compare(name, target.of, figures)) for target in _find_targets(name)]
    known = [(target, ratio) for target, ratio in ratios if ratio is not None]
    if not known:
        return ""
    if any(ratio > target.most for target, ratio in known) or not figures[name].complete:
        return "NO"
    is_met = all(ratio <= (target.goal or target.most) for target, ratio in known)
    return "yes" if is_met else "accepted"


def _list_ratios(name: str, figures: Mapping[str, Figures]) -> dict[str, float | None]:
    """List the ratios to other rows; those that ship other logs are left out."""
    is_usual = name in VARIANTS and VARIANTS[name].source == Source()
    ratios = {"floor": _compare(name, _find_floor(name, figures), figures)}
    for other in ("documented", "default"):
        ratios[other] = _compare(name, other if is_usual else None, figures)
    return ratios


def _format_row(name: str, figures: Mapping[str, Figures]) -> tuple[str, ...]:
    own = figures[name]
    rates = (
        f"{own.ms_per_mb:.1f}",
        f"{1000 * own.startup_cpu / own.megabytes:.1f}",
        f"{own.megabytes / own.cpu:.1f}" if own.cpu > 0 else "",
        f"{own.megabytes / own.wall:.1f}" if own.wall > 0 else "",
    )
    ratios = _list_ratios(name, figures).values()
    return (
        name,
        f"{own.cpu:.2f}",
        *(rates if own.has_rates else [""] * len(rates)),
        f"{own.peak_rss_mb:.0f}",
        f"{own.page_faults / own.megabytes:.0f}" if own.has_rates else "",
        *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
        "; ".join(map(str, _find_targets(name))),
        _judge(name, figures),
        "yes" if own.complete else "NO",
    )


def format_markdown(figures: Mapping[str, Figures]) -> str:
    """Format a table with one row for each variant."""
    rows = [_HEADINGS, *(_format_row(name, figures) for name in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = [tuple("-" * width for width in widths)]
    lines = (
        "| "
        + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        + " |"
        for row in [*rows[:1], *rule, *rows[1:]]
    )
    return "\n".join(lines)


def make_json(
    figures: Mapping[str, Figures], runs: Mapping[str, Sequence[Run]], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all figures, also those of each run."""
    machine = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
    }
    variants = {
        name: {
            **asdict(figures[name]),
            "ms_per_mb": figures[name].ms_per_mb,
            **{f"x_{other}": x for other, x in _list_ratios(name, figures).items()},
            "targets": [asdict(target) for target in _find_targets(name)],
            "runs": [asdict(run) for run in runs.get(name, ())],
        }
        for name in figures
    }
    return {**about, **machine, "variants": variants}


def draw(figures: Mapping[str, Figures], path: Path) -> None:
    """Draw CPU per MB as bars, with matplotlib.

    Raises:
        SystemExit: If matplotlib is not installed.
    """
    try:
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("svg" if path.suffix == ".svg" else "agg")
        plot = importlib.import_module("matplotlib.pyplot")
    except ImportError:
        raise SystemExit("--plot needs matplotlib: pip install matplotlib") from None
    names = [name for name in figures if figures[name].has_rates][::-1]
    figure, axes = plot.subplots(figsize=(8, 0.4 * len(names) + 1.2), layout="constrained")
    bars = axes.barh(names, [figures[name].ms_per_mb for name in names])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set_xlabel("CPU of the shipping process, ms per MB of logs (less is better)")
    figure.savefig(path)
