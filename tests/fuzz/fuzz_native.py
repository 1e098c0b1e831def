"""Fuzz the compiled helper with bytes that no SDK would hand out.

Invariant: for each group that protobuf can read, both paths write the same bytes and tell the same
outcomes; for any other bytes the helper gives a result or none, and does not crash.

    pip install atheris
    python tests/fuzz/fuzz_native.py -atheris_runs=20000

The options are those of ``fuzz_encoder.py``. Without the helper it ends at once.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["sls_syslog"]):
    from sls_syslog import CefPayload, KeyValuePayload, LeefPayload
    from sls_syslog.testing import LogEntry, encode_log_group
    from tests.support.native import PathPair, need_helper
    from tests.support.samples import SAMPLES

SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"payload": "json", "framing": "octet-counting"},
    {"payload": KeyValuePayload(sep="a|a", quote=True), "syslog_format": "rfc3164"},
    {"payload": "json", "max_message_bytes": 480},
    {"payload": CefPayload(mapping="oss")},
    {"payload": LeefPayload(mapping="waf", dialect="sc4s"), "framing": "octet-counting"},
    {"payload": CefPayload(mapping="actiontrail")},
    {"payload": LeefPayload(mapping="kubernetes")},
)
FIELDS = [("a", "b"), ("text", '日"\\\t')]
ENTRIES = [LogEntry(FIELDS, 1_790_000_000, time_ns) for time_ns in (None, 1)]
EVENT = [
    *(("object", "a%2Fb%20c"), ("client_ip", "10.0.0.1"), ("object_size", "80"), ("https", "on")),
    *(("real_client_ip", "10.0.0.1"), ("remote_addr", "10.0.0.1"), ("remote_port", "8080")),
    *(("time", "2026-11-03T12:00:00+08:00"), ("host", "a=b|c^"), ("querystring", "x\\=")),
]
AS_JSON = r'{"eventName":"\u0041\n\/","requestParameters":{ "a" : [1.0, null, "\u00e9"] }}'
WITH_JSON = [
    {"event": AS_JSON},
    *[sample.log for sample in SAMPLES if sample.mapping in {"actiontrail", "kubernetes"}],
]


def encode(log: Mapping[str, str]) -> bytes:
    """Make the bytes of a group with one log of a sample."""
    own = [(name, value) for name, value in log.items() if not name.startswith("__")]
    return encode_log_group([LogEntry(own, 1_790_000_000)], topic="", source="", tags={})


SEEDS = (
    *map(encode, WITH_JSON),
    encode_log_group([LogEntry(EVENT, 1_790_000_000, 1)], topic="t", source="s", tags={}),
    encode_log_group(ENTRIES, topic="t", source="s", tags={"k": "v"}),
    encode_log_group([*ENTRIES, LogEntry([("a", b"\xff\n")], 1)], topic="", source="", tags={}),
)
PAIRS = [PathPair(**settings) for settings in SETTINGS]


def test_one_input(data: bytes) -> None:
    """Hold both paths against each other, and give the helper the bytes as they are."""
    if not data:
        return
    body = data[1:]
    if not PAIRS[data[0] % len(PAIRS)].check(body):
        arguments: Any = ([], lambda *_: None, lambda _: b"", -1, -1, data[0] % 3, data[0] > 99)
        need_helper().render_group(body, *arguments)
        need_helper().read_rows(body, 0, len(body))
        need_helper().find_groups(body)


def main() -> None:
    logging.disable()  # a log that is cut is a line in a shipper's own log
    with tempfile.TemporaryDirectory() as seeds:
        for number, seed in enumerate(SEEDS):
            for choice in range(len(PAIRS)):
                Path(seeds, f"{number}-{choice}").write_bytes(bytes([choice]) + seed)
        program, *options = sys.argv
        artifacts = f"-artifact_prefix={tempfile.gettempdir()}/fuzz_native-"
        atheris.Setup([program, artifacts, *options, seeds], test_one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
