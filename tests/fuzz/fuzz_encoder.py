"""Fuzz everything between SLS and the wire, guided by coverage.

Invariant: whatever log is built from the bytes, the encoder emits exactly one frame for it, which
the deframer hands out and the strict parser accepts, with the header that was set.

    pip install atheris
    python tests/fuzz/fuzz_encoder.py -atheris_runs=20000

Without ``-atheris_runs`` it runs until it is interrupted. All of libFuzzer's options work, such as
a directory to keep the corpus in; inputs that break the invariant go to the temporary directory.
"""

from __future__ import annotations

import itertools
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris
from aliyun.log.proto import LogGroupList

with atheris.instrument_imports(include=["sls_syslog"]):
    from sls_syslog.encoding.encoder import LogEncoder
    from sls_syslog.encoding.hooks import MessageHooks
    from sls_syslog.logs.decode import LogDecoder
    from sls_syslog.logs.groups import describe_group
    from sls_syslog.settings.shipper import ShipperSettings
    from sls_syslog.testing.deframer import make_deframer
    from sls_syslog.testing.grammar import parse_rfc3164, parse_rfc5424
    from sls_syslog.testing.loggroup import LogEntry, encode_log_group, frame_log_group

PARSERS = {"rfc5424": parse_rfc5424, "rfc3164": parse_rfc3164}
CARRIERS = (
    *(("newline", "escape"), ("newline", "space")),
    *(("octet-counting", "escape"), ("octet-counting", "keep")),
)
SEEDS = (
    b"\x00" * 40,
    bytes(range(256)),
    b"\x07\x00\x00\x10topic\n\r\x85\xe2\x80\xa8 10.0.0.1 __tag__:\xff__time__ level=ERROR\\" * 4,
    b"\x0f\xff\xff\xff\xff\xff\xff\xff" + "größer 日本 \U0001f600".encode() * 30,
)


def encoders() -> list[tuple[ShipperSettings, LogEncoder]]:
    """One for each choice of settings that changes what is written."""
    made = []
    for syslog_format, carrier, payload, limit, name in itertools.product(
        PARSERS, CARRIERS, ("key-value", "json"), (None, 480), ("{__source__}", "{k}-{__topic__}")
    ):
        keys: dict[str, Any] = {
            "host": "siem",
            "syslog_format": syslog_format,
            "framing": carrier[0],
            "newlines": carrier[1],
            "payload": payload,
            "max_message_bytes": limit,
            "hostname": name,
            "tag": name,
            "timezone": "Africa/Monrovia",  # whose offset had seconds once
        }
        settings = ShipperSettings.from_mapping(keys)
        made.append((settings, LogEncoder(settings, MessageHooks(settings))))
    return made


ENCODERS = encoders()


def test_one_input(data: bytes) -> None:
    """Hold the logs of one group against the invariant."""
    bytes_left = atheris.FuzzedDataProvider(data)
    settings, encoder = ENCODERS[bytes_left.ConsumeIntInRange(0, len(ENCODERS) - 1)]
    (group,) = served(bytes_left).LogGroups
    assert group.Logs
    decoder = LogDecoder(describe_group(group))
    for number in range(len(group.Logs)):
        encoded = encoder.encode_log(decoder.decode(number, []))
        (frame,) = encoded.frames
        check(frame, settings)
        assert (0, "hook_failed") not in encoded.outcomes, "a default hook failed"


def check(frame: bytes, settings: ShipperSettings) -> None:
    """One frame is one legal message with the header that was set."""
    deframer = make_deframer(settings.framing)
    (message,) = deframer.feed(frame)
    deframer.finish()
    assert settings.max_message_bytes is None or len(message) <= settings.max_message_bytes
    parsed = PARSERS[settings.syslog_format](message)
    assert (parsed.facility, parsed.severity) == (settings.facility, settings.severity)
    assert (parsed.procid, parsed.msgid, parsed.structured_data) == (None, None, None)
    assert parsed.timestamp
    assert parsed.msg, "the text is gone"


def served(bytes_left: Any) -> Any:
    """What the SDK would hand out for a group made of the bytes."""

    def text() -> bytes:
        raw: bytes = bytes_left.ConsumeBytes(bytes_left.ConsumeIntInRange(0, 40))
        times: int = bytes_left.PickValueInList([1, 1, 1, 40])
        return raw * times

    def pairs() -> list[tuple[bytes, bytes]]:
        names = [b"k", b"__topic__", b"__time__", b"__tag__:k", text()]
        count = bytes_left.ConsumeIntInRange(0, 4)
        return [(bytes_left.PickValueInList(names), text()) for _ in range(count)]

    def entry() -> LogEntry:
        seconds = bytes_left.ConsumeIntInRange(0, 2**32 - 1)
        return LogEntry(pairs(), seconds, bytes_left.ConsumeIntInRange(0, 2**32 - 1))

    count = bytes_left.ConsumeIntInRange(1, 3)
    logs = [entry() for _ in range(count)]
    group = encode_log_group(logs, topic=text(), source=text(), tags=pairs())
    log_groups = LogGroupList()
    log_groups.ParseFromString(b"".join(frame_log_group(group)))
    return log_groups


def main() -> None:
    logging.disable()  # a log that is cut is a line in a shipper's own log
    with tempfile.TemporaryDirectory() as seeds:
        for number, seed in enumerate(SEEDS):
            Path(seeds, str(number)).write_bytes(seed)
        program, *options = sys.argv
        artifacts = f"-artifact_prefix={tempfile.gettempdir()}/fuzz_encoder-"
        atheris.Setup([program, artifacts, *options, seeds], test_one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
