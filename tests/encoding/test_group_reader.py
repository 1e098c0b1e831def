"""Batches are parsed only where that is needed, on all paths, and come out the same."""

from __future__ import annotations

from typing import Any

import pytest
from aliyun.log.proto import LogGroupList

from sls_syslog import LogRule, MaskRule, ShipperSettings
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.logs.event_ids import make_event_ids
from sls_syslog.logs.groups import SentBatch
from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group
from tests.support.native import need_helper, pure_python

PLAIN = [LogEntry({"a": "1", "b": "密"}, 5, n) for n in range(3)]
OTHER = [LogEntry({"a": "2"}, 6)]
BAD = b"\x0a\x0c\x08\x05\x12\x08\x0a\x01a\x12\x03b\xffc"  # a value that is not UTF-8
REPEATED = b"\x0a\x16\x08\x05\x12\x08\x0a\x01a\x12\x03one\x12\x08\x0a\x01a\x12\x03two"
BACKWARDS = b"\x0a\x0b\x12\x07\x0a\x01a\x12\x02of\x08\x05"  # the time after the fields
UNKNOWN = b"\x0a\x04\x08\x05\x18\x01"  # a part that the SDK does not know
CURSOR = "Nw=="  # the number 7


class Hook(MessageHooks):
    def format_message(self, log: Any) -> str:
        return "|".join(f"{key}={value}" for key, value in log.items())


def frame(*groups: bytes) -> bytes:
    return b"".join(part for group in groups for part in frame_log_group(group))


def encode(batch: Any, hooks: type[MessageHooks], settings: dict[str, Any]) -> Any:
    chosen = ShipperSettings(host="siem", **settings)
    encoder = LogEncoder(chosen, hooks(chosen), logs_before_writer=0)
    groups = encoder.find_groups(batch)
    ids = make_event_ids("shard", CURSOR, groups) if chosen.event_id else None
    made = encoder.encode(batch, ids, 0, groups)
    return b"".join(made.frames), made.outcomes


WAYS = [
    pytest.param(MessageHooks, {}, id="plain"),
    pytest.param(Hook, {}, id="hook"),
    pytest.param(MessageHooks, {"skip": [LogRule("a", equals="2")]}, id="filter"),
    pytest.param(MessageHooks, {"mask": [MaskRule("b")]}, id="mask"),
    pytest.param(MessageHooks, {"event_id": True}, id="ids"),
    pytest.param(MessageHooks, {"payload": "ocsf"}, id="ocsf"),
]


@pytest.mark.parametrize(("hooks", "settings"), WAYS)
def test_usual_logs_are_not_parsed(hooks: Any, settings: dict[str, Any]) -> None:
    need_helper()
    body = frame(
        encode_log_group(PLAIN, topic="t", source="s", tags={"n": "v"}),
        b"",
        encode_log_group([*OTHER, *PLAIN], topic="u"),
    )

    def parse() -> Any:
        pytest.fail("it was parsed")

    got = encode(SentBatch(body, parse), hooks, settings)
    assert got[0]
    with pure_python():
        assert got == encode(LogGroupList.FromString(body), hooks, settings)


@pytest.mark.parametrize("group", [BAD, REPEATED, BACKWARDS, UNKNOWN], ids=bytes.hex)
@pytest.mark.parametrize(("hooks", "settings"), WAYS)
def test_unusual_logs_are_parsed_once(hooks: Any, settings: dict[str, Any], group: bytes) -> None:
    need_helper()
    body = frame(encode_log_group(PLAIN, topic="t"), group, encode_log_group(OTHER))
    parsed: list[Any] = []

    def parse() -> Any:
        parsed.append(LogGroupList.FromString(body))
        return parsed[-1]

    got = encode(SentBatch(body, parse), hooks, settings)
    assert len(parsed) == 1
    with pure_python():
        assert got == encode(LogGroupList.FromString(body), hooks, settings)


@pytest.mark.parametrize(("hooks", "settings"), WAYS)
def test_producers_that_are_always_strange_are_read_as_objects(
    hooks: Any, settings: dict[str, Any]
) -> None:
    """After some groups no time is lost on their bytes any more."""
    need_helper()
    body = frame(*[UNKNOWN] * 12)
    batch = SentBatch(body, lambda: LogGroupList.FromString(body))
    chosen = ShipperSettings(host="siem", **settings)
    encoder = LogEncoder(chosen, hooks(chosen), logs_before_writer=0)
    assert all(group.body for group in encoder.find_groups(batch))
    first = encoder.encode(batch).frames
    assert not any(group.body for group in encoder.find_groups(batch))
    assert encoder.encode(batch).frames == first


@pytest.mark.parametrize("is_sent", [True, False], ids=["sent", "parsed"])
def test_a_log_that_is_held_leaves_no_rows_to_the_next_group(is_sent: bool) -> None:
    """Python encodes a group with a repeated tag; of the next one it only decodes a log."""
    need_helper()
    repeated_tag = b"\x32\x06\x0a\x01n\x12\x01v" * 2
    long = encode_log_group([LogEntry({"k": text}, 5) for text in ("one", "two", "x" * 3000)])
    other = [LogEntry({"k": text}, 6) for text in ("first", "second\x01", "third")]
    body = frame(long + repeated_tag, encode_log_group(other))
    settings = ShipperSettings(host="siem", oversize="drop", max_message_bytes=2048)
    encoder = LogEncoder(settings, MessageHooks(settings), logs_before_writer=0)
    parsed = LogGroupList.FromString(body)
    batch = SentBatch(body, lambda: parsed) if is_sent else parsed

    def refuse(*_: Any) -> None:
        raise OSError("no copy can be kept")

    encoder.on_drop = refuse
    held = encoder.encode(batch).held
    assert held is not None
    encoder.on_drop = None
    lines = b"".join(encoder.encode(batch, None, held.number).frames).splitlines()
    texts = (b"first", b"second", b"third")
    assert [text in line for text, line in zip(texts, lines, strict=True)] == [True] * 3
