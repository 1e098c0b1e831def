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
from .variants import VARIANTS

__all__ = ["Figures", "draw", "format_markdown", "make_json", "take_medians"]

_HEADINGS = (
    *("variant", "CPU ms/MB", "start-up ms/MB", "MB/core-s", "wall MB/s", "peak RSS MB"),
    *("faults/MB", "x documented", "x default", "target", "met", "all arrived"),
)


@dataclass(frozen=True)
class Figures:
    """The medians of a variant's runs.

    Attributes:
        ms_per_mb: Milliseconds of CPU of the whole process per raw MB, including the start-up.
        startup_ms_per_mb: The part of the start-up in `ms_per_mb`. More logs make it smaller.
        mb_per_core_second: Raw MB per second of CPU.
        mb_per_second: Raw MB per second of time, including the start-up.
        peak_rss_mb: Largest resident memory, in MB.
        faults_per_mb: Page faults per raw MB.
        complete: Whether each run delivered every log once and saved every checkpoint.
    """

    ms_per_mb: float
    startup_ms_per_mb: float
    mb_per_core_second: float
    mb_per_second: float
    peak_rss_mb: float
    faults_per_mb: float
    complete: bool


def take_medians(runs: Sequence[Run], raw_bytes: int) -> Figures:
    """Take the medians of one variant's runs."""
    megabytes = raw_bytes / 1e6
    cpu, wall = median(run.cpu for run in runs), median(run.wall for run in runs)
    return Figures(
        ms_per_mb=1000 * cpu / megabytes,
        startup_ms_per_mb=1000 * median(run.startup_cpu for run in runs) / megabytes,
        mb_per_core_second=megabytes / cpu,
        mb_per_second=megabytes / wall if wall else 0.0,
        peak_rss_mb=median(run.peak_rss for run in runs) / 1e6,
        faults_per_mb=median(run.page_faults for run in runs) / megabytes,
        complete=all(run.complete for run in runs),
    )


def _compare(name: str, other: str, figures: Mapping[str, Figures]) -> float | None:
    if other not in figures:
        return None
    return figures[name].ms_per_mb / figures[other].ms_per_mb


def _judge(name: str, figures: Mapping[str, Figures]) -> str:
    target = VARIANTS[name].target
    ratio = _compare(name, target.of, figures) if target else None
    if target is None or ratio is None:
        return ""
    if ratio > target.most or not figures[name].complete:
        return "NO"
    return "yes" if ratio <= (target.goal or target.most) else "accepted"


def _format_row(name: str, figures: Mapping[str, Figures]) -> tuple[str, ...]:
    own = figures[name]
    ratios = (_compare(name, other, figures) for other in ("documented", "default"))
    return (
        name,
        f"{own.ms_per_mb:.1f}",
        f"{own.startup_ms_per_mb:.1f}",
        f"{own.mb_per_core_second:.1f}",
        f"{own.mb_per_second:.1f}",
        f"{own.peak_rss_mb:.0f}",
        f"{own.faults_per_mb:.0f}",
        *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
        str(VARIANTS[name].target or ""),
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
            "x_documented": _compare(name, "documented", figures),
            "x_default": _compare(name, "default", figures),
            "target": asdict(target) if (target := VARIANTS[name].target) else None,
            "runs": [asdict(run) for run in runs[name]],
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
    names = list(figures)[::-1]
    figure, axes = plot.subplots(figsize=(8, 0.4 * len(names) + 1.2), layout="constrained")
    bars = axes.barh(names, [figures[name].ms_per_mb for name in names])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set_xlabel("CPU of the shipping process, ms per MB of logs (less is better)")
    figure.savefig(path)
