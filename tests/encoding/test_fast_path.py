"""Which logs take the fast path; that it writes the same bytes is in ``test_properties.py``."""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from aliyun.log.proto import LogGroupList

from sls_syslog import (
    CefPayload,
    EventMapping,
    JsonPayload,
    KeyValuePayload,
    Labelled,
    LeefPayload,
    SeverityRule,
    ShipperSettings,
)
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.fast_path import LOGS_BEFORE_WRITER
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.logs.caches import BUDGET
from sls_syslog.logs.columns import Columns, Writer
from sls_syslog.payloads.fields import Constant
from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group
from tests.support.batches import serve
from tests.support.flattening import flatten
from tests.support.native import need_helper, pure_python

PLAIN = [("user", "王小明"), ("action", "a · b"), ("tab", "1\t2")]


@pytest.fixture(autouse=True, params=["native", "pure"])
def _path(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "native":
        need_helper()
    with pure_python(request.param == "pure"):
        yield


class Watched(LogEncoder):
    """Makes writers at first sight of a log, and counts the logs that take the slow path."""

    def __init__(
        self, settings: ShipperSettings, hooks: Any = MessageHooks, logs_before_writer: int = 0
    ) -> None:
        super().__init__(settings, hooks(settings), logs_before_writer=logs_before_writer)
        self.slow_logs = 0

    def _encode_or_drop(self, log: Mapping[str, str], outcomes: list[str]) -> list[bytes]:
        self.slow_logs += 1
        return super()._encode_or_drop(log, outcomes)


def count_slow_logs(log_groups: Any, hooks: Any = MessageHooks, **settings: Any) -> int:
    encoder = Watched(ShipperSettings.from_mapping({"host": "siem", **settings}), hooks)
    encoder.encode(log_groups)
    return encoder.slow_logs


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"framing": "octet-counting"},
        {"protocol": "udp"},
        {"protocol": "relp"},
        {"syslog_format": "rfc3164"},
        {"bom": True},
        {"tag": "sls", "hostname": "shipper", "severity": "error", "facility": "local0"},
        {"max_message_bytes": 1000},
        {"sep": ";"},
        {"payload": "json"},
        {"timezone": "+05:30"},
    ],
)
def test_plain_logs_take_the_fast_path(settings: dict[str, Any]) -> None:
    log_groups = serve(PLAIN, PLAIN, tags={"__path__": "/var/log"})
    assert count_slow_logs(log_groups, **settings) == 0


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
def test_logs_that_need_something_done_take_the_slow_path(
    log: list[tuple[str | bytes, str | bytes]],
) -> None:
    assert count_slow_logs(serve(PLAIN, log, PLAIN)) == 1


@pytest.mark.parametrize(
    "group", [{"topic": "a\nb"}, {"source": b"\xff"}, {"tags": {"new\nline": "x"}}]
)
def test_groups_that_need_something_done_take_the_slow_path(group: dict[str, Any]) -> None:
    assert count_slow_logs(serve(PLAIN, PLAIN, **group)) == 2


def test_a_message_that_is_too_long_takes_the_slow_path() -> None:
    log_groups = serve(PLAIN, [("text", "x" * 500)])
    assert count_slow_logs(log_groups, max_message_bytes=500) == 1


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
def test_what_depends_on_the_log_takes_the_slow_path(hooks: Any, settings: dict[str, Any]) -> None:
    assert count_slow_logs(serve(PLAIN), hooks, **settings) == 1


def test_what_was_done_is_told_by_the_number_of_the_log_in_the_batch() -> None:
    settings = ShipperSettings(host="siem")
    encoder = Watched(settings)
    log_groups = serve(PLAIN, [("text", b"\xff")], PLAIN, [("text", "two\nlines")])
    log_groups.LogGroups.add()  # an empty one
    log_groups.LogGroups.extend(serve([("text", b"\xff"), (b"\xff", "key")]).LogGroups)
    encoded = encoder.encode(log_groups)
    assert encoder.slow_logs == 3
    assert encoded.outcomes == [
        (1, "repaired_utf8"),
        (3, "repaired_control_characters"),
        (4, "repaired_utf8"),
        (4, "repaired_utf8"),
    ]
    fast, slow, *others = encoded.frames
    assert [frame.count(b"\n") for frame in (fast, slow, *others)] == [1] * 5


def test_logs_that_follow_one_another_on_the_fast_path_are_one_piece() -> None:
    settings = ShipperSettings(host="siem")
    encoder = Watched(settings)
    log_groups = serve(PLAIN, PLAIN, [("text", "two\nlines")], PLAIN, PLAIN, PLAIN)
    assert [frame.count(b"\n") for frame in encoder.encode(log_groups).frames] == [2, 1, 3]


@pytest.mark.parametrize("payload", ["key-value", "json"])
def test_a_value_cannot_pass_for_fields(payload: str) -> None:
    """A user agent that looks like protobuf's own bytes must not become a user's name."""
    settings = ShipperSettings.from_mapping({"host": "siem", "payload": payload})
    encoder = Watched(settings)
    forging = "x\x12\x0d\n\x04user\x12\x05admin"
    honest = [("agent", "y"), ("user", "guest")]
    log_groups = serve(honest, [("agent", forging)], honest)
    stream = b"".join(encoder.encode(log_groups).frames)
    assert encoder.slow_logs == 1
    assert stream == write_slowly(encoder, log_groups)


@pytest.mark.parametrize(
    ("logs", "slow_logs"),
    [([PLAIN] * 50, LOGS_BEFORE_WRITER), ([[(f"key{n}", "x")] for n in range(50)], 50)],
    ids=["often", "once"],
)
def test_a_writer_is_made_only_for_logs_that_come_often(logs: Any, slow_logs: int) -> None:
    encoder = Watched(ShipperSettings(host="siem"), logs_before_writer=LOGS_BEFORE_WRITER)
    encoder.encode(serve(*logs))
    assert encoder.slow_logs == slow_logs


def write_slowly(encoder: LogEncoder, log_groups: Any) -> bytes:
    """What the encoder writes on the slow path."""
    return b"".join(
        frame for log in flatten(log_groups) for frame in encoder.encode_log(log).frames
    )


def write_twice(settings: ShipperSettings, log_groups: Any) -> tuple[bytes, bytes]:
    """What the encoder writes, and what it writes on the slow path."""
    encoder = Watched(settings)
    return b"".join(encoder.encode(log_groups).frames), write_slowly(encoder, log_groups)


def test_keys_repeat_only_where_one_ends() -> None:
    """The bytes of these two keys together are periodic, and yet they are two."""
    logs = serve([("abcdefgh", "1")], [("\x08abcdefgh\n", "2")])
    fast, slow = write_twice(ShipperSettings(host="siem"), logs)
    assert fast == slow


@pytest.mark.parametrize(
    "payload",
    [
        CefPayload(),
        LeefPayload(),
        CefPayload(extension={"end": "__time__"}),
        CefPayload(extension={"cn1": Labelled("T", "__event_id__")}),
        LeefPayload(extension={"start": "__time__", "suser": "__topic__"}),
        LeefPayload(extension={"suser": Constant("x" * 400), "act": "user"}),
        LeefPayload(extension={"act": "__tag__:who", "fname": "action"}),
    ],
)
def test_events_are_the_same_on_both_paths(payload: Any) -> None:
    simple = [("user", "王小明"), ("action", "100%"), ("rest", "x y")]
    logs = serve(simple, PLAIN, simple, topic="t" * 300, tags={"who": "x^usrName=root"})
    fast, slow = write_twice(ShipperSettings(host="siem", payload=payload), logs)
    assert fast == slow


@pytest.mark.parametrize("payload", [CefPayload(), LeefPayload(leef_version="1.0"), "cef", "leef"])
def test_the_severity_of_the_settings_is_in_events_on_both_paths(payload: Any) -> None:
    logs = serve([("user", "li")], [("user", "li"), ("same", "1")], topic="shop")
    texts = []
    for severity in ("warning", "alert"):
        settings = {"host": "siem", "payload": payload, "severity": severity}
        fast, slow = write_twice(ShipperSettings.from_mapping(settings), logs)
        assert fast == slow
        assert count_slow_logs(logs, **settings) == 0
        texts.append(fast.decode())
    assert all("|6|" in line or "sev=6" in line for line in texts[0].splitlines())
    assert all("|9|" in line or "sev=9" in line for line in texts[1].splitlines())


class OwnMapping(EventMapping):
    def event(self, log: Mapping[str, str]) -> Any:
        made = super().event(log)
        return made._replace(name="mine")


def test_a_mapping_made_from_another_may_do_anything() -> None:
    payload = CefPayload(mapping=OwnMapping(extension={"suser": "user"}))
    fast, slow = write_twice(ShipperSettings(host="siem", payload=payload), serve(PLAIN))
    assert b"|mine|" in fast
    assert fast == slow


class Counted:
    """A payload that knows which of its writers are still kept."""

    def __init__(self) -> None:
        self.kept: weakref.WeakSet[Any] = weakref.WeakSet()

    def __call__(self, log: Mapping[str, str]) -> str:
        return "text"

    def writer(self, columns: Columns) -> Writer | None:
        def write(values: tuple[bytes, ...]) -> bytes:
            return b"text"

        self.kept.add(write)
        return write


def test_many_shapes_of_logs_keep_few_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BUDGET, "limit", 1_000_000)
    payload = Counted()
    encoder = Watched(ShipperSettings(host="siem", payload=payload))
    log_groups = serve(*[[(f"key{number}", "x")] for number in range(1500)])
    assert b"".join(encoder.encode(log_groups).frames).count(b"\n") == 1500
    assert encoder.slow_logs == 0
    assert 0 < len(payload.kept) <= 1000


@pytest.mark.parametrize("time_ns", [None, 0, 1, 123_456_789, 0x25252525])
def test_a_value_may_end_like_nanoseconds(time_ns: int | None) -> None:
    """Their tag is a percent sign, and four bytes follow."""
    entries = [LogEntry([("a", value)], 1, time_ns) for value in ("%abcd", "x%abcd", "%%%%%")]
    log_groups = LogGroupList()
    raw = encode_log_group(entries, topic="t", source="s", tags={})
    log_groups.ParseFromString(b"".join(frame_log_group(raw)))
    settings = ShipperSettings(host="siem")
    encoder = Watched(settings)
    stream = b"".join(encoder.encode(log_groups).frames)
    assert encoder.slow_logs == 0
    assert [line.rpartition(b"||a=")[2] for line in stream.splitlines()] == [
        b"%abcd",
        b"x%abcd",
        b"%%%%%",
    ]
    assert stream.count(b"__time_ns_part__") == (3 if time_ns else 0)


@pytest.mark.parametrize("field", [b"\x22\x01s", b"\x0a\x02\x01\x02", b"\x22\x04abcd"])
def test_an_unknown_field_that_reads_like_packed_times_stops_no_batch(field: bytes) -> None:
    log = b"\x08\x01\x12\x06\x0a\x01a\x12\x01b" + field
    log_groups = LogGroupList()
    log_groups.ParseFromString(b"".join(frame_log_group(b"\x0a" + bytes([len(log)]) + log)))
    encoder = Watched(ShipperSettings(host="siem"))
    assert b"".join(encoder.encode(log_groups).frames) == write_slowly(encoder, log_groups)
    with_hook = Watched(ShipperSettings(host="siem", tag="{a}"))
    assert b"".join(with_hook.encode(log_groups).frames).endswith(b"||a=b\n")


def test_names_may_hold_percent_signs() -> None:
    settings = ShipperSettings(host="siem")
    encoder = Watched(settings)
    (line,) = encoder.encode(serve([("%s", "%d"), ("100%", "")])).frames
    assert encoder.slow_logs == 0
    assert line.endswith(b"||%s=%d||100%=\n")


@pytest.mark.parametrize("payload", [CefPayload(), LeefPayload(leef_version="1.0")])
@pytest.mark.parametrize(
    ("log", "group", "omitted"),
    [
        ([("src_ip", "192.0.2.1"), ("src_port", "80")], {}, 0),
        ([("src_ip", "unknown"), ("src_port", "-"), ("dst_port", "80")], {}, 0),
        ([("src_ip", "two words"), ("src_port", "http"), ("dst_port", "80")], {}, 2),
        ([("start_time", "yesterday"), ("src_port", "80")], {}, 1),
        ([("src_ip", "two words")], {"topic": "x", "source": "two words"}, 1),
        ([("src_ip", "two words")], {"topic": "x", "source": ""}, 0),
    ],
)
def test_what_an_event_omits_is_counted_on_either_path(
    payload: Any, log: list[tuple[str, str]], group: dict[str, Any], omitted: int
) -> None:
    settings = ShipperSettings(host="siem", payload=payload)
    batch = serve(*[log] * 3, **{"topic": "cloudfirewall_access_log", **group})
    fast, slow = (
        LogEncoder(settings, MessageHooks(settings), logs_before_writer=before).encode(batch)
        for before in (0, 100)
    )
    assert b"".join(fast.frames) == b"".join(slow.frames)
    expected = [(number, "omitted_value") for number in range(3) for _ in range(omitted)]
    assert fast.outcomes == slow.outcomes == expected


def test_a_text_that_says_what_it_lacks_can_be_pickled() -> None:
    text = CefPayload(extension={"src": "a"})({"a": "two words", "__time__": "1"})
    copied = pickle.loads(pickle.dumps(text))
    assert (copied, copied.omitted, type(copied)) == (text, 1, type(text))
