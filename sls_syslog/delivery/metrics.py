"""The numbers of the ledger: their names, kinds and meanings, and how those of shards add up.

Pure. The names go into dashboards and alert rules: they stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

__all__ = ["METRICS", "dropped", "make_numbers", "merge", "summary"]

_DROPPED = "dropped_"
_REPAIRED = "repaired_"
_OUTCOMES = ("filtered", "truncated", "split")
# There from the beginning, for alerts: a counter that appears with its first event has not risen.
_CAUSES = ("expired", "oversize")
_KINDS = ("hook_failed",)

METRICS = (
    (
        "received",
        "gauge",
        "Logs that SLS has served, each counted once. It falls when a shard is given up, by what is"
        " pending then: whoever has the shard next receives that.",
    ),
    ("confirmed", "counter", "Logs that the receiver has, as the setting `confirm` defines it."),
    ("filtered", "counter", "Logs for which `format_message` returned `None`."),
    (
        "dropped",
        "counter",
        "Logs that could not be sent, by cause: `oversize` (longer than allowed, with `oversize`"
        " set to `drop`, or than a datagram can be), `expired` (gone from SLS before they could be"
        " sent again).",
    ),
    ("pending", "gauge", "Logs that are on their way, or that SLS was asked for again."),
    ("replayed", "counter", "Logs that SLS has served again."),
    ("retries", "counter", "Attempts to deliver that failed."),
    ("reconnects", "counter", "Deliveries that worked after one or more that failed."),
    ("truncated", "counter", "Logs that were cut to `max_message_bytes`."),
    ("split", "counter", "Logs that were sent in several messages."),
    (
        "repaired",
        "counter",
        "What else had to be done to logs, by kind: `utf8`, `control_characters`, `hook_failed`"
        " and so on.",
    ),
    ("bytes", "counter", "Bytes that the receiver has, as on the wire."),
    (
        "lag_seconds",
        "gauge",
        "How far behind SLS the receiver is: seconds since the moment up to which it has all that"
        " SLS had received; 0 when it has all there is. In total: the largest.",
    ),
)
"""Name, kind (``counter`` or ``gauge``) and meaning of each; those that are not one number are
said to be "by" something."""


def make_numbers(counted: Counter[str], outcomes: Counter[str], lag: float) -> dict[str, Any]:
    """All that ``METRICS`` names, in its order.

    Args:
        counted: What happened, by name.
        outcomes: What became of logs, by kind, as the encoder counts it.
        lag: In seconds.
    """
    repaired = {
        kind.removeprefix(_REPAIRED): number
        for kind, number in outcomes.items()
        if number and kind not in _OUTCOMES and not kind.startswith(_DROPPED)
    }
    separate = {
        **{kind: outcomes[kind] for kind in _OUTCOMES},
        "dropped": {**dict.fromkeys(_CAUSES, 0), **dropped(outcomes)},
        "repaired": {**dict.fromkeys(_KINDS, 0), **repaired},
        "lag_seconds": round(lag, 3),
    }
    return {name: separate.get(name, counted[name]) for name, *_ in METRICS}


def dropped(outcomes: Counter[str]) -> Counter[str]:
    """How many logs were dropped, by cause."""
    causes = {kind: n for kind, n in outcomes.items() if kind.startswith(_DROPPED) and n}
    return Counter({kind.removeprefix(_DROPPED): n for kind, n in causes.items()})


def merge(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The numbers of several ledgers as those of one."""
    return {name: _COMBINE.get(name, sum)([part[name] for part in parts]) for name in parts[0]}


def _sum_of_counts(counts: list[dict[str, int]]) -> dict[str, int]:
    return {kind: sum(part.get(kind, 0) for part in counts) for part in counts for kind in part}


_COMBINE: dict[str, Callable[[list[Any]], Any]] = {
    "lag_seconds": max,
    "dropped": _sum_of_counts,
    "repaired": _sum_of_counts,
}


def summary(before: dict[str, Any], now: dict[str, Any], seconds: float) -> str:
    """One line for the log, from two snapshots and the time between them."""
    since = {kind: now[kind] - before[kind] for kind in ("confirmed", "bytes", "retries")}
    return (
        f"{since['confirmed']} logs confirmed in {seconds:.0f} s"
        f" ({since['confirmed'] / seconds:.1f}/s, {since['bytes'] / seconds / 1e6:.3f} MB/s),"
        f" lag {_lag(now)}, pending {now['pending']}, retries {since['retries']};"
        f" in all {now['confirmed']} confirmed, {now['filtered']} filtered,"
        f" {sum(now['dropped'].values())} dropped, {now['replayed']} replayed"
    )


def _lag(now: dict[str, Any]) -> str:
    """The largest, and of which shard."""
    lag = now["lag_seconds"]
    shards = now["shards"].items()
    late = [place for place, numbers in shards if numbers["lag_seconds"] == lag > 0]
    return f"{lag:.1f} s ({late[0]})" if late else f"{lag:.1f} s"
