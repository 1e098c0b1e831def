"""Whatever names and values logs have, encoding them takes no memory without end."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import pytest

from sls_syslog import CefPayload, ShipperSettings
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.logs.caches import BUDGET
from tests.support.batches import serve

LIMIT = 1024 * 1024


@pytest.fixture(autouse=True)
def _small_budget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    BUDGET.clear()
    monkeypatch.setattr(BUDGET, "limit", LIMIT)
    yield
    BUDGET.clear()


def serve_long_names(number: int) -> Any:
    """A log with 100 names of 110 bytes that no other log has."""
    return serve([(f"{number:05}.{place:05}".ljust(110, "k"), "v") for place in range(100)])


def serve_shapes(number: int) -> Any:
    """Logs of one field, each with a name of its own."""
    return serve(*[[(f"key{number}.{place}", "v")] for place in range(20)])


def serve_sets(number: int) -> Any:
    """Logs with the same 60 fields, of which each has others filled."""
    names = [f"field{place}".ljust(110, "k") for place in range(60)]
    chosen = [Random(20 * number + log).getrandbits(60) for log in range(20)]
    return serve(
        *[
            [(name, "v\n" if bits >> place & 1 else "-") for place, name in enumerate(names)]
            for bits in chosen
        ]
    )


def serve_hosts(number: int) -> Any:
    """Logs of many hosts with long names."""
    return serve(*[[("host", f"{number}.{place}".ljust(200, "h"))] for place in range(50)])


def serve_topics(number: int) -> Any:
    """Groups with long topics."""
    return serve(*[[("key", "v")]] * 2, topic=f"{number}".ljust(3000, "t"))


def serve_tags(number: int) -> Any:
    """Logs of some shapes, and a long tag, which the writer of each shape holds."""
    logs = [[(f"key{place}", "v")] for place in range(60)]
    return serve(*logs, tags={"x": f"{number}".ljust(50_000, "t")})


def serve_values(number: int) -> Any:
    """Logs whose addresses, ports and counts are all different, and have to be converted."""
    return serve(
        *[
            [
                ("src_ip", f"host-{number}-{place}"),
                ("dst_ip", f"gate-{number}-{place}"),
                ("src_port", f"0{number * 100 + place}"),
                ("in_packet_bytes", f"0{number * 100 + place}"),
            ]
            for place in range(100)
        ],
        topic="cloudfirewall_access_log",
    )


EVENTS: dict[str, Any] = {"cef": {"payload": "cef"}, "leef": {"payload": "leef"}}
OWN = {"own": {"payload": CefPayload(vendor="Example")}}
TEXTS: dict[str, Any] = {"key-value": {}, "json": {"payload": "json"}}
HEADERS = {"headers": {"tag": "{host}", "hostname": "{host}"}}


@pytest.mark.parametrize(
    ("batches", "serve_batch", "settings"),
    [
        pytest.param(
            *(batches, serve_batch, settings),
            id=f"{serve_batch.__name__}-{name}",
            marks=[pytest.mark.gate] if number else [],
        )
        for batches, serve_batch, kinds in [
            (40, serve_long_names, TEXTS | EVENTS | OWN | HEADERS),
            (15, serve_shapes, EVENTS | OWN),
            (30, serve_sets, EVENTS),
            (60, serve_hosts, HEADERS),
            (700, serve_topics, {"cef": EVENTS["cef"]}),
            (4, serve_tags, TEXTS | EVENTS),
            (90, serve_values, EVENTS),
        ]
        for number, (name, settings) in enumerate(kinds.items())
    ],
)
def test_hostile_logs_take_no_memory_without_end(
    batches: int, serve_batch: Callable[[int], Any], settings: Mapping[str, Any]
) -> None:
    chosen = ShipperSettings.from_mapping({"host": "siem", **settings})
    encoder = LogEncoder(chosen, MessageHooks(chosen), logs_before_writer=0)
    served = [serve_batch(number) for number in range(batches)]
    encoder.encode(serve([("key", "v")]))
    tracemalloc.start()
    try:
        begin = tracemalloc.get_traced_memory()[0]
        for batch in served:
            encoder.encode(batch)
            assert BUDGET.measure() <= LIMIT
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - begin
    finally:
        tracemalloc.stop()
    assert taken <= 1.25 * LIMIT
