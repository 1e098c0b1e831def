"""Which logs take the short way; that it writes the same bytes is in ``test_properties.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aliyun.log.proto import LogGroupList

from sls_syslog import JsonPayload, KeyValuePayload, SeverityRule, ShipperSettings
from sls_syslog.encoder import LogEncoder
from sls_syslog.hooks import MessageHooks
from sls_syslog.logs import flatten
from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group

PLAIN = [("user", "王小明"), ("action", "a · b"), ("tab", "1\t2")]


def served(*logs: Any, **group: Any) -> Any:
    """What ``process()`` is given: one group, with logs of its shapes in front."""
    entries = [LogEntry(log, time=1_790_000_000) for log in logs]
    log_groups = LogGroupList()
    raw = encode_log_group(entries, **{"topic": "t", "source": "s", "tags": {}, **group})
    log_groups.ParseFromString(b"".join(frame_log_group(raw)))
    return log_groups


@pytest.fixture(autouse=True)
def _at_first_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape is worth its making when it is seen for the first time."""
    monkeypatch.setattr("sls_syslog.rows._SEEN_OFTEN", 0)


class Watched(LogEncoder):
    """Counts the logs that take the long way."""

    long_way = 0

    def frames(self, log: Mapping[str, str]) -> list[bytes]:
        self.long_way += 1
        return super().frames(log)


def takes_the_long_way(log_groups: Any, hooks: Any = MessageHooks, **settings: Any) -> int:
    """How many logs do."""
    chosen = ShipperSettings.from_mapping({"host": "siem", **settings})
    encoder = Watched(chosen, hooks(chosen))
    encoder.encode(log_groups)
    return encoder.long_way


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"framing": "octet-counting"},
        {"protocol": "udp"},
        {"syslog_format": "rfc3164"},
        {"bom": True},
        {"tag": "sls", "hostname": "shipper", "severity": "error", "facility": "local0"},
        {"max_message_bytes": 1000},
        {"sep": ";"},
        {"payload": "json"},
        {"timezone": "+05:30"},
    ],
)
def test_plain_logs_take_the_short_way(settings: dict[str, Any]) -> None:
    log_groups = served(PLAIN, PLAIN, tags={"__path__": "/var/log"})
    assert takes_the_long_way(log_groups, **settings) == 0


@pytest.mark.parametrize(
    "log",
    [
        [("text", "two\nlines")],
        [("text", "nul\x00")],
        [("text", "next line \x85")],
        [("text", "separator \u2028")],
        [("text", b"\xff")],
        [(b"\xff", "text")],
        [("same", "1"), ("same", "2")],
        [("__topic__", "forged")],
        [("__tag__:x", "forged")],
        [("new\nline", "key")],
    ],
)
def test_logs_that_need_something_done_take_the_long_way(
    log: list[tuple[str | bytes, str | bytes]],
) -> None:
    assert takes_the_long_way(served(PLAIN, log, PLAIN)) == 1


@pytest.mark.parametrize(
    "group", [{"topic": "a\nb"}, {"source": b"\xff"}, {"tags": {"new\nline": "x"}}]
)
def test_groups_that_need_something_done_take_the_long_way(group: dict[str, Any]) -> None:
    assert takes_the_long_way(served(PLAIN, PLAIN, **group)) == 2


def test_a_message_that_is_too_long_takes_the_long_way() -> None:
    log_groups = served(PLAIN, [("text", "x" * 500)])
    assert takes_the_long_way(log_groups, max_message_bytes=500) == 1


class Own(MessageHooks):
    def severity(self, log: Mapping[str, str]) -> str:
        return "error"


class OwnText(MessageHooks):
    def format_message(self, log: Mapping[str, str]) -> str | None:
        return "text"


class OwnPayload(KeyValuePayload):
    def __call__(self, log: Mapping[str, str]) -> str:
        return "text"


class OwnJson(JsonPayload):
    def __call__(self, log: Mapping[str, str]) -> str:
        return "{}"


@pytest.mark.parametrize(
    ("hooks", "settings"),
    [
        (Own, {}),
        (OwnText, {}),
        (MessageHooks, {"payload": OwnPayload()}),
        (MessageHooks, {"payload": OwnJson()}),
        (MessageHooks, {"payload": lambda log: "text"}),
        (MessageHooks, {"hostname": "{__source__}"}),
        (MessageHooks, {"tag": "{__topic__}"}),
        (MessageHooks, {"severity_rules": [SeverityRule("a", equals="b", severity="error")]}),
        (MessageHooks, {"structured_data": {"a@1": {"b": "c"}}}),
        (MessageHooks, {"enterprise_id": 1}),
        (MessageHooks, {"hostname": "a[b]"}),
    ],
)
def test_what_depends_on_the_log_takes_the_long_way(hooks: Any, settings: dict[str, Any]) -> None:
    assert takes_the_long_way(served(PLAIN), hooks, **settings) == 1


def test_of_logs_that_were_confirmed_before_nothing_is_counted() -> None:
    settings = ShipperSettings(host="siem")
    encoder = LogEncoder(settings, MessageHooks(settings))
    log_groups = served(*[[("text", b"\xff")]] * 5)
    counted = []
    for uncounted in range(7):
        encoder.encode(log_groups, uncounted=uncounted)
        counted.append(encoder.counts["repaired_utf8"])
    assert counted == [5, 4, 3, 2, 1, 0, 0]


def test_a_shape_is_made_only_when_it_comes_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sls_syslog.rows._SEEN_OFTEN", 20)
    assert takes_the_long_way(served(*[PLAIN] * 50)) == 20
    assert takes_the_long_way(served(*[[(f"key{n}", "x")] for n in range(50)])) == 50


@pytest.mark.parametrize("payload", ["key-value", "json"])
def test_a_value_cannot_pass_for_fields(payload: str) -> None:
    """A user agent that looks like protobuf's own bytes must not become a user's name."""
    settings = ShipperSettings.from_mapping({"host": "siem", "payload": payload})
    encoder = Watched(settings, MessageHooks(settings))
    forging = "x\x12\x0d\n\x04user\x12\x05admin"
    honest = [("agent", "y"), ("user", "guest")]
    log_groups = served(honest, [("agent", forging)], honest)
    stream = b"".join(encoder.encode(log_groups))
    assert encoder.long_way == 1
    assert stream == b"".join(frame for log in flatten(log_groups) for frame in encoder.frames(log))


def test_many_shapes_of_logs_cost_no_memory_without_end() -> None:
    settings = ShipperSettings(host="siem")
    encoder = LogEncoder(settings, MessageHooks(settings))
    log_groups = served(*[[(f"key{number}", "x")] for number in range(1200)])
    assert b"".join(encoder.encode(log_groups)).count(b"\n") == 1200
    assert len(encoder._rows._shapes) <= 501


@pytest.mark.parametrize("time_ns", [None, 0, 1, 123_456_789, 0x25252525])
def test_a_value_may_end_like_nanoseconds(time_ns: int | None) -> None:
    """Their tag is a percent sign, and four bytes follow."""
    entries = [LogEntry([("a", value)], 1, time_ns) for value in ("%abcd", "x%abcd", "%%%%%")]
    log_groups = LogGroupList()
    raw = encode_log_group(entries, topic="t", source="s", tags={})
    log_groups.ParseFromString(b"".join(frame_log_group(raw)))
    settings = ShipperSettings(host="siem")
    encoder = Watched(settings, MessageHooks(settings))
    stream = b"".join(encoder.encode(log_groups))
    assert encoder.long_way == 0
    assert [line.rpartition(b"||a=")[2] for line in stream.splitlines()] == [
        b"%abcd",
        b"x%abcd",
        b"%%%%%",
    ]
    assert stream.count(b"__time_ns_part__") == (3 if time_ns else 0)


def test_names_may_hold_percent_signs() -> None:
    settings = ShipperSettings(host="siem")
    encoder = Watched(settings, MessageHooks(settings))
    (line,) = encoder.encode(served([("%s", "%d"), ("100%", "")]))
    assert encoder.long_way == 0
    assert line.endswith(b"||%s=%d||100%=\n")
