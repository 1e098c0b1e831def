"""From runs to medians, and from these to a table, JSON and a plot."""

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
from .ways import WAYS

__all__ = ["Figures", "as_json", "as_markdown", "draw", "figures_of"]

_HEADINGS = (
    *("way", "CPU ms/MB", "of it start-up", "MB/core-s", "wall MB/s", "peak RSS MB"),
    *("x documented", "x default", "target", "met", "all arrived"),
)


@dataclass(frozen=True)
class Figures:
    """The medians of a way's runs.

    Attributes:
        ms_per_mb: Milliseconds of CPU of the whole process per raw MB, start-up included.
        startup_ms_per_mb: What of it is the start-up: the larger the load, the less.
        mb_per_core_second: Raw MB per second of CPU.
        mb_per_second: Raw MB per second of time, start-up included.
        peak_rss_mb: MB.
        complete: Whether each run delivered every log once and saved every checkpoint.
    """

    ms_per_mb: float
    startup_ms_per_mb: float
    mb_per_core_second: float
    mb_per_second: float
    peak_rss_mb: float
    complete: bool


def figures_of(runs: Sequence[Run], raw_bytes: int) -> Figures:
    """The medians of one way's runs."""
    megabytes = raw_bytes / 1e6
    cpu, wall = median(run.cpu for run in runs), median(run.wall for run in runs)
    return Figures(
        ms_per_mb=1000 * cpu / megabytes,
        startup_ms_per_mb=1000 * median(run.startup_cpu for run in runs) / megabytes,
        mb_per_core_second=megabytes / cpu,
        mb_per_second=megabytes / wall if wall else 0.0,
        peak_rss_mb=median(run.peak_rss for run in runs) / 1e6,
        complete=all(run.complete for run in runs),
    )


def _ratio(name: str, other: str, figures: Mapping[str, Figures]) -> float | None:
    if other not in figures:
        return None
    return figures[name].ms_per_mb / figures[other].ms_per_mb


def _verdict(name: str, figures: Mapping[str, Figures]) -> str:
    target = WAYS[name].target
    ratio = _ratio(name, target.of, figures) if target else None
    if target is None or ratio is None:
        return ""
    if ratio > target.most or not figures[name].complete:
        return "NO"
    return "yes" if ratio <= (target.goal or target.most) else "accepted"


def _row(name: str, figures: Mapping[str, Figures]) -> tuple[str, ...]:
    own = figures[name]
    ratios = (_ratio(name, other, figures) for other in ("documented", "default"))
    return (
        name,
        f"{own.ms_per_mb:.1f}",
        f"{own.startup_ms_per_mb:.1f}",
        f"{own.mb_per_core_second:.1f}",
        f"{own.mb_per_second:.1f}",
        f"{own.peak_rss_mb:.0f}",
        *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
        str(WAYS[name].target or ""),
        _verdict(name, figures),
        "yes" if own.complete else "NO",
    )


def as_markdown(figures: Mapping[str, Figures]) -> str:
    """A table, one row for each way."""
    rows = [_HEADINGS, *(_row(name, figures) for name in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = [tuple("-" * width for width in widths)]
    lines = (
        "| "
        + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        + " |"
        for row in [*rows[:1], *rule, *rows[1:]]
    )
    return "\n".join(lines)


def as_json(
    figures: Mapping[str, Figures], runs: Mapping[str, Sequence[Run]], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything, each single run included."""
    machine = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
    }
    ways = {
        name: {
            **asdict(figures[name]),
            "x_documented": _ratio(name, "documented", figures),
            "x_default": _ratio(name, "default", figures),
            "target": asdict(target) if (target := WAYS[name].target) else None,
            "runs": [asdict(run) for run in runs[name]],
        }
        for name in figures
    }
    return {**about, **machine, "ways": ways}


def draw(figures: Mapping[str, Figures], path: Path) -> None:
    """Draw CPU per MB as bars, with matplotlib.

    Raises:
        SystemExit: If that is not installed.
    """
    try:
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("svg" if path.suffix == ".svg" else "agg")
        plot = importlib.import_module("matplotlib.pyplot")
    except ImportError:
        raise SystemExit("--plot needs matplotlib") from None
    names = list(figures)[::-1]
    figure, axes = plot.subplots(figsize=(8, 0.4 * len(names) + 1.2), layout="constrained")
    bars = axes.barh(names, [figures[name].ms_per_mb for name in names])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set_xlabel("CPU of the shipping process, ms per MB of logs (less is better)")
    figure.savefig(path)
