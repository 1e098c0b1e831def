"""The numbers of the ledger: names, kinds and meanings, and how to add up those of shards.

Sans-I/O. A name must never change: dashboards and alert rules use it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["METRICS", "count_dropped", "format_summary", "make_numbers", "merge"]

_DROPPED = "dropped_"
_REPAIRED = "repaired_"
_OUTCOMES = ("filtered", "masked", "truncated", "split")
# Causes and kinds that are present from the beginning, at 0. If a counter appeared only with its
# first event, an alert would not see it rise.
_CAUSES = ("expired", "hook_failed", "oversize", "refused")
_KINDS = ("hook_failed",)
_TIMES = ("lag_seconds", "stalled_seconds")

METRICS = (
    (
        "received",
        "gauge",
        "Logs that SLS delivered, each counted once. The number falls when a shard is given up:"
        " the next consumer of the shard counts the logs that were pending.",
    ),
    ("confirmed", "counter", "Logs that the receiver has, as the setting `confirm` defines it."),
    (
        "filtered",
        "counter",
        "Logs for which `format_message` returned `None`, or that `skip` or `only` left out.",
    ),
    (
        "dropped",
        "counter",
        "Logs that could not be sent, by cause: `oversize` (longer than `max_message_bytes`, with"
        " `oversize` set to `drop`, or longer than a datagram can be), `expired` (gone from SLS"
        " before they could be sent again), `refused` (the receiver refuses it, with `on_refused`"
        " set to `drop`), `hook_failed` (a hook raised, with `on_hook_error` set to `drop`).",
    ),
    (
        "pending",
        "gauge",
        "Logs that are received and not yet confirmed, also those that SLS has to deliver again.",
    ),
    ("replayed", "counter", "Logs that SLS delivered again."),
    ("retries", "counter", "Attempts to deliver that failed."),
    ("reconnects", "counter", "Deliveries that worked after at least one failed attempt."),
    ("masked", "counter", "Logs in which `mask` replaced something."),
    ("truncated", "counter", "Logs that were cut to `max_message_bytes`."),
    ("split", "counter", "Logs that were sent as several messages."),
    (
        "repaired",
        "counter",
        "Other changes that logs needed, by kind: `utf8`, `control_characters`, `hook_failed`"
        " and so on.",
    ),
    ("bytes", "counter", "Bytes on the wire that the receiver has."),
    (
        "lag_seconds",
        "gauge",
        "Seconds that the receiver is behind SLS: now - T. The receiver has every log that SLS"
        " received before T. 0 if the receiver has every log. In total: the largest.",
    ),
    (
        "backlog_groups",
        "gauge",
        "Groups of logs in SLS that the receiver does not have, as far as the library knows their"
        " number from cursors. Under `run_worker`, SLS is asked once a minute for the end of each"
        " shard that is behind.",
    ),
    (
        "stalled_seconds",
        "gauge",
        "Seconds since the last progress of a shard whose logs are not confirmed, or for which SLS"
        " does not answer. The value is 0 until the shard has made no progress for 60 seconds (10"
        " seconds if there was an error). In total: the largest.",
    ),
)
"""Name, kind (``counter`` or ``gauge``) and meaning of each number. If the meaning says "by", the
value is a mapping to numbers."""


def make_numbers(
    counted: Counter[str], outcomes: Counter[str], times: Mapping[str, float]
) -> dict[str, Any]:
    """Make the numbers that ``METRICS`` names, in its order.

    Args:
        counted: How often each thing happened, by name.
        outcomes: What happened to logs, by kind, as the encoder counts it.
        times: The gauges in seconds, by name.
    """
    repaired = {
        kind.removeprefix(_REPAIRED): number
        for kind, number in outcomes.items()
        if number and kind not in _OUTCOMES and not kind.startswith(_DROPPED)
    }
    separate = {
        **{kind: outcomes[kind] for kind in _OUTCOMES},
        "dropped": {**dict.fromkeys(_CAUSES, 0), **count_dropped(outcomes)},
        "repaired": {**dict.fromkeys(_KINDS, 0), **repaired},
        **{name: round(times.get(name, 0.0), 3) for name in _TIMES},
    }
    return {name: separate.get(name, counted[name]) for name, *_ in METRICS}


def count_dropped(outcomes: Counter[str]) -> Counter[str]:
    """Count the dropped logs by cause."""
    causes = {kind: n for kind, n in outcomes.items() if kind.startswith(_DROPPED) and n}
    return Counter({kind.removeprefix(_DROPPED): n for kind, n in causes.items()})


def merge(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Add up the numbers of several ledgers."""
    return {name: _COMBINE.get(name, sum)([part[name] for part in parts]) for name in parts[0]}


def _sum_counts(counts: list[dict[str, int]]) -> dict[str, int]:
    return {kind: sum(part.get(kind, 0) for part in counts) for part in counts for kind in part}


_COMBINE: dict[str, Callable[[list[Any]], Any]] = {
    **dict.fromkeys(_TIMES, max),
    "dropped": _sum_counts,
    "repaired": _sum_counts,
}


def format_summary(
    before: dict[str, Any],
    now: dict[str, Any],
    seconds: float,
    backlog: str = "",
    stalls: Iterable[str] = (),
) -> str:
    """Format one line for the log.

    Args:
        before: The snapshot before this one.
        now: The snapshot.
        seconds: The time between the two.
        backlog: What is left in SLS; empty if no shard is open.
        stalls: Which shards make no progress, and why.
    """
    since = {kind: now[kind] - before[kind] for kind in ("confirmed", "bytes", "retries")}
    return (
        f"{since['confirmed']} logs confirmed in {seconds:.0f} s"
        f" ({since['confirmed'] / seconds:.1f}/s, {since['bytes'] / seconds / 1e6:.3f} MB/s),"
        f" lag {_format_lag(now)}, pending {now['pending']}, retries {since['retries']}"
        f"{backlog and f', {backlog}'};"
        f" in all {now['confirmed']} confirmed, {now['filtered']} filtered,"
        f" {sum(now['dropped'].values())} dropped, {now['replayed']} replayed"
        + "".join(f"; {stall}" for stall in stalls)
    )


def _format_lag(now: dict[str, Any]) -> str:
    """Format the largest lag, and name its shard."""
    lag = now["lag_seconds"]
    shards = now["shards"].items()
    late = [shard for shard, numbers in shards if numbers["lag_seconds"] == lag > 0]
    return f"{lag:.1f} s ({late[0]})" if late else f"{lag:.1f} s"
