"""Hooks and the encoder: every log becomes one legal message, whatever log and hooks do."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import CefPayload, LeefPayload, SeverityRule
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.testing.grammar import ParsedMessage, parse_rfc3164, parse_rfc5424
from tests.support.read_cef import read_cef
from tests.support.read_leef import read_leef
from tests.support.strategies import CHARACTERS

PARSERS = {"rfc5424": parse_rfc5424, "rfc3164": parse_rfc3164}
LOG = {
    "__time__": "1795403700",
    "__topic__": "audit",
    "__source__": "10.0.0.1",
    "__time_ns_part__": "123456789",
    "__tag__:__hostname__": "web-1",
    "text": "größer 日本",
}
TEXT = (
    "||__topic__=audit||__source__=10.0.0.1||__time_ns_part__=123456789"
    "||__tag__:__hostname__=web-1||text=größer 日本"
)
UTC = dt.timezone.utc
MOMENT = dt.datetime(2026, 11, 23, 3, 15, 0, 123456, tzinfo=UTC)


def settings_of(**keys: Any) -> ShipperSettings:
    return ShipperSettings.from_mapping({"host": "siem", "hostname": "relay", **keys})


def hooks_of(settings: ShipperSettings, **hooks: Callable[[Any], Any]) -> MessageHooks:
    """A subclass as a user writes one, with these hooks overridden."""

    def method(hook: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, log: hook(log)

    overridden = {name: method(hook) for name, hook in hooks.items()}
    made: MessageHooks = type("Hooks", (MessageHooks,), overridden)(settings)
    return made


def encoder(hooks: dict[str, Callable[[Any], Any]] | None = None, **keys: Any) -> LogEncoder:
    settings = settings_of(**keys)
    return LogEncoder(settings, hooks_of(settings, **(hooks or {})))


def read(frame: bytes | None, syslog_format: str = "rfc5424") -> ParsedMessage:
    assert frame is not None
    assert frame.count(b"\n") == 1
    assert frame.endswith(b"\n")
    return PARSERS[syslog_format](frame[:-1])


def frame_of(made: LogEncoder, log: Any) -> bytes:
    (frame,) = made.encode_log(log).frames
    return frame


def sent(
    hooks: dict[str, Callable[[Any], Any]] | None = None,
    log: dict[str, str] | None = None,
    **keys: Any,
) -> ParsedMessage:
    frame = frame_of(encoder(hooks, **keys), dict(LOG) if log is None else log)
    return read(frame, keys.get("syslog_format", "rfc5424"))


def test_a_log_becomes_the_documented_message() -> None:
    frame = frame_of(encoder(timezone="Asia/Shanghai", tag="portal"), dict(LOG))
    header = "<14>1 2026-11-23T11:15:00.123456+08:00 relay portal - - - "
    assert frame == f"{header}{TEXT}\n".encode()


def test_a_log_becomes_the_documented_message_in_rfc_3164() -> None:
    frame = frame_of(
        encoder(timezone="Asia/Kolkata", tag="portal", syslog_format="rfc3164"), dict(LOG)
    )
    assert frame == f"<14>Nov 23 08:45:00 relay portal: {TEXT}\n".encode()


@pytest.mark.parametrize(
    ("keys", "attribute", "expected"),
    [
        ({"facility": "local3"}, "facility", Facility.LOCAL3),
        ({"severity": "err"}, "severity", Severity.ERROR),
        ({"hostname": "{__source__}"}, "hostname", "10.0.0.1"),
        ({"hostname": "{__tag__:__hostname__}"}, "hostname", "web-1"),
        ({"tag": "sls-{__topic__}"}, "app_name", "sls-audit"),
        ({"tag": "{missing}"}, "app_name", None),
        ({"hostname": "{text}"}, "hostname", "gr__er___"),
        ({"tag": "{text}{text}{text}{text}{text}{text}"}, "app_name", ("gr__er___" * 6)[:48]),
        ({"payload": lambda log: log["text"]}, "msg", "größer 日本"),
        ({"sep": " "}, "msg", TEXT.replace("||", " ")),
    ],
)
def test_the_defaults_follow_the_settings(
    keys: dict[str, Any], attribute: str, expected: object
) -> None:
    assert getattr(sent(**keys), attribute) == expected


def test_a_missing_field_of_a_hostname_falls_back_to_this_machine() -> None:
    this_machine = ShipperSettings(host="siem").hostname
    assert sent(hostname="{missing}").hostname == this_machine


def test_json_reads_back_as_the_log() -> None:
    assert json.loads(sent(payload="json").msg) == LOG


@pytest.mark.parametrize(
    ("hook", "answer", "attribute", "expected"),
    [
        ("format_message", "mine", "msg", "mine"),
        ("format_message", "", "msg", ""),
        ("format_message", "a\nb", "msg", "a\\nb"),
        ("format_message", "lone \ud800", "msg", "lone ?"),
        ("severity", "warning", "severity", 4),
        ("severity", Severity.ALERT, "severity", 1),
        ("severity", 0, "severity", 0),
        ("facility", "local7", "facility", 23),
        ("facility", 0, "facility", 0),
        ("hostname", "web 1", "hostname", "web_1"),
        ("hostname", None, "hostname", None),
        ("hostname", "", "hostname", None),
        ("hostname", 5, "hostname", "5"),
        ("hostname", "h" * 256, "hostname", "h" * 255),
        ("app_name", "größer", "app_name", "gr__er"),
        ("app_name", "a" * 49, "app_name", "a" * 48),
        ("app_name", "x> 1\n<0>1", "app_name", "x>_1_<0>1"),
        ("timestamp", MOMENT, "datetime", MOMENT),
        ("structured_data", {}, "structured_data", None),
        ("structured_data", None, "structured_data", None),
        ("structured_data", {"a@1": {"k": ']\\"'}}, "structured_data", {"a@1": [("k", ']\\"')]}),
        ("structured_data", {"a@1": {"k": "x\ny"}}, "structured_data", {"a@1": [("k", "x\\ny")]}),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_hook_is_followed_and_made_legal(
    hook: str, answer: object, attribute: str, expected: object
) -> None:
    assert getattr(sent({hook: lambda log: answer}), attribute) == expected


def test_a_log_can_be_left_out() -> None:
    assert encoder({"format_message": lambda log: None}).encode_log(dict(LOG)).frames == []


def test_a_hook_sees_the_log() -> None:
    seen: list[dict[str, str]] = []

    def severity(log: Any) -> int:
        seen.append(dict(log))
        return 3

    sent({"severity": severity})
    assert seen == [LOG]


def raises(log: Any) -> Any:
    raise RuntimeError("a bug in a hook")


DEFAULT = read(frame_of(encoder(), dict(LOG)))


@pytest.mark.parametrize(
    ("hook", "answer"),
    [
        ("format_message", b"bytes"),
        ("format_message", 5),
        ("severity", None),
        ("severity", "worse"),
        ("severity", 8),
        ("severity", True),
        ("facility", 24),
        ("facility", "locla0"),
        ("timestamp", None),
        ("timestamp", "2026-11-23T03:15:00Z"),
        ("timestamp", dt.datetime(2026, 11, 23)),
        ("timestamp", 1795403700),
        ("structured_data", "text"),
        ("structured_data", {"two words": {}}),
        ("structured_data", {"a@1": {"k": 5}}),
        ("structured_data", {"a@1": "text"}),
        ("structured_data", {"a@1": {"k": "\ud800"}}),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_a_field_cannot_hold_is_replaced_by_the_default_and_reported(
    hook: str, answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert sent({hook: lambda log: answer}) == DEFAULT
    (record,) = caplog.records
    assert (record.levelno, hook in record.getMessage()) == (logging.ERROR, True)


HOOKS = [
    *("format_message", "severity", "facility", "hostname", "app_name", "timestamp"),
    "structured_data",
]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_raises_costs_no_log(hook: str, caplog: pytest.LogCaptureFixture) -> None:
    assert sent({hook: raises}) == DEFAULT
    (record,) = caplog.records
    assert hook in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)


def test_the_default_of_a_hook_is_what_the_settings_say() -> None:
    message = sent({"format_message": raises, "severity": raises}, payload="json", severity="err")
    assert json.loads(message.msg) == LOG
    assert message.severity == Severity.ERROR


def test_all_hooks_may_fail_together() -> None:
    assert sent(dict.fromkeys(HOOKS, raises)) == DEFAULT


def test_a_hook_that_fails_for_every_log_is_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = encoder({"severity": raises, "facility": lambda log: log["missing"]})
    for _ in range(100):
        failing.encode_log(dict(LOG))
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    "payload",
    [raises, lambda log: log["missing"], lambda log: 5, lambda log: b"bytes"],
    ids=["raises", "missing-field", "number", "bytes"],
)
def test_a_payload_of_your_own_that_fails_costs_no_log(
    payload: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # The log goes out in the default payload: or else its shard would stand still for ever.
    assert sent(payload=payload).msg == TEXT
    assert len(caplog.records) == 1


def takes_the_time(log: Any) -> str:
    """As the documented program does: the header has the time already."""
    del log["__time__"]
    return f"text={log['text']}"


def takes_everything(log: Any) -> str:
    log.clear()
    raise RuntimeError("a bug, too late")


@pytest.mark.parametrize("as_payload", [True, False], ids=["payload", "hook"])
@pytest.mark.parametrize("change", [takes_the_time, takes_everything])
def test_a_hook_that_changes_the_log_changes_nothing_else(
    change: Callable[[Any], str], as_payload: bool
) -> None:
    message = sent(payload=change) if as_payload else sent({"format_message": change})
    assert message.datetime == MOMENT
    assert message.msg == (TEXT if change is takes_everything else "text=größer 日本")


def test_rfc_3164_is_written_in_the_zone_of_the_settings_whatever_a_hook_returns() -> None:
    message = sent(
        {"timestamp": lambda log: MOMENT}, syslog_format="rfc3164", timezone="Asia/Shanghai"
    )
    assert message.timestamp == "Nov 23 11:15:00"


def test_structured_data_too_long_for_the_limit_leaves_a_legal_message() -> None:
    message = sent(
        {"structured_data": lambda log: {"a@1": {"k": "v" * 1000}}}, max_message_bytes=480
    )
    assert message.hostname == "relay"


@pytest.mark.parametrize("syslog_format", PARSERS)
def test_the_longest_header_fits_into_the_smallest_limit(syslog_format: str) -> None:
    message = sent(
        {"hostname": lambda log: "h" * 999, "app_name": lambda log: "a" * 999},
        syslog_format=syslog_format,
        max_message_bytes=480,
        timezone="America/St_Johns",
    )
    assert message.hostname == "h" * 255
    assert message.msg


words = st.text(CHARACTERS, max_size=40) | st.text(
    st.sampled_from('\n\r\0<1>]"\\\u2028 \t='), max_size=10
)


@pytest.mark.parametrize("payload", ["key-value", "json"])
@pytest.mark.parametrize("syslog_format", PARSERS)
@given(
    log=st.dictionaries(words, words, max_size=5),
    seconds=st.integers(0, 2**32 - 1),
    nanoseconds=st.integers(0, 2**32 - 1),
    source=words,
)
def test_any_log_is_one_message_whose_header_is_not_forged(
    log: dict[str, str],
    seconds: int,
    nanoseconds: int,
    source: str,
    syslog_format: str,
    payload: str,
) -> None:
    fields = {
        **log,
        "__time__": str(seconds),
        "__time_ns_part__": str(nanoseconds),
        "__source__": source,
    }
    message = sent(
        log=fields,
        syslog_format=syslog_format,
        payload=payload,
        tag="{__source__}",
        hostname="{__source__}",
        timezone="UTC",
    )
    assert (message.facility, message.severity) == (1, 6)
    assert "__source__" in message.msg
    if syslog_format == "rfc5424":
        assert message.datetime is not None
        assert int(message.datetime.timestamp()) == seconds
    if payload == "json":
        assert json.loads(message.msg) == fields


def test_hooks_have_defaults_that_a_user_can_call() -> None:
    hooks = hooks_of(settings_of(timezone="UTC", tag="{__topic__}", facility="local0"))
    assert hooks.format_message(LOG) == TEXT
    assert (hooks.facility(LOG), hooks.severity(LOG)) == (Facility.LOCAL0, Severity.INFO)
    assert (hooks.hostname(LOG), hooks.app_name(LOG)) == ("relay", "audit")
    assert (hooks.timestamp(LOG), dict(hooks.structured_data(LOG))) == (MOMENT, {})


def test_a_hook_can_build_on_the_default() -> None:
    class Prefixed(MessageHooks):
        def format_message(self, log: Any) -> str | None:
            return f"prod {super().format_message(log)}"

    settings = settings_of()
    assert read(frame_of(LogEncoder(settings, Prefixed(settings)), LOG)).msg == f"prod {TEXT}"


def test_a_log_is_sent_even_when_the_defaults_fail_too() -> None:
    log = {"n": "1"}  # no time, which SLS never leaves out
    assert read(frame_of(encoder(), log)).msg == "||n=1"


@pytest.mark.parametrize("payload", ["cef", "leef", "ocsf", "json", "key-value"])
@pytest.mark.parametrize("bad", ["", "now", "²", "253402300800", "9" * 5000])
def test_a_log_whose_time_is_none_is_sent_with_the_present_one(bad: str, payload: str) -> None:
    before = dt.datetime.now(UTC)
    for fields in ({"__time__": bad}, {"__time__": "1", "__time_ns_part__": f"{bad}0x"}):
        message = sent(log={"__topic__": "app", "text": "x", **fields}, payload=payload)
        assert message.datetime is not None
        assert before <= message.datetime <= dt.datetime.now(UTC)
        assert "text" in message.msg


def _mistaken(log: Mapping[str, str]) -> str:
    raise ValueError("of a mapping")


def test_where_no_event_can_be_made_the_text_in_its_place_has_a_tag() -> None:
    settings = settings_of(
        payload=CefPayload(extension={"act": _mistaken}), syslog_format="rfc3164"
    )
    (frame,) = LogEncoder(settings, MessageHooks(settings)).encode_log(LOG).frames
    assert b" relay sls: ||__topic__=audit" in frame
    settings = settings_of(payload="cef", syslog_format="rfc3164")
    (frame,) = LogEncoder(settings, MessageHooks(settings)).encode_log(LOG).frames
    assert b" relay CEF:0|" in frame


SPLIT: dict[str, Any] = {
    "structured_data": {"a@1": {"b": "{long}"}},
    "max_message_bytes": 2048,
    "oversize": "split",
}


def test_parts_of_a_log_do_not_repeat_long_structured_data() -> None:
    """A field of 1,850 bytes in the header made 46 MB of a log of 3 MB."""
    log = {"__time__": "1795403700", "long": "l" * 1850, "text": "t" * 300_000}
    encoded = encoder(**SPLIT).encode_log(log)
    assert sum(map(len, encoded.frames)) < 2 * 302_000
    assert [kind for _, kind in encoded.outcomes] == ["omitted_structured_data", "split"]
    texts = [read(frame).msg.split(" ", 2)[2] for frame in encoded.frames]
    assert "".join(texts) == f"||long={log['long']}||text={log['text']}"


def test_parts_of_a_log_repeat_short_structured_data() -> None:
    log = {"__time__": "1795403700", "long": "l" * 800, "text": "t" * 300_000}
    encoded = encoder(**SPLIT).encode_log(log)
    assert [kind for _, kind in encoded.outcomes] == ["split"]
    assert len(encoded.frames) < 300
    for frame in encoded.frames:
        assert read(frame).structured_data == {"a@1": [("b", "l" * 800)]}


# The severity of events

APPLICATION = {"__time__": "1795403700", "__topic__": "shop", "level": "ERROR"}
WEB = {"__time__": "1795403700", "__topic__": "waf_access_log", "status": "200"}
RULES = [SeverityRule("level", equals="ERROR", severity="critical")]


def masking(hooks: MessageHooks) -> MessageHooks:
    """A processor that changes the log before the payload gets it."""

    class Masking(type(hooks)):  # type: ignore[misc]  # a class that a test has made
        def format_message(self, log: Mapping[str, str]) -> str | None:
            text: str | None = super().format_message({**log, "user": "*"})
            return text

    made: MessageHooks = Masking(hooks.settings)
    return made


@pytest.mark.parametrize("change", [lambda hooks: hooks, masking])
@pytest.mark.parametrize(
    ("keys", "hooks", "severity", "expected"),
    [
        ({}, {}, 6, "3"),
        ({"severity": "warning"}, {}, 4, "6"),
        ({"severity_rules": RULES}, {}, 2, "8"),
        ({"severity_rules": RULES}, {"severity": lambda log: "alert"}, 1, "9"),
        ({"severity": "notice"}, {"severity": lambda log: "loud"}, 5, "4"),
        ({"severity": "notice"}, {"severity": raises}, 5, "4"),
    ],
)
def test_the_severity_that_is_chosen_is_in_header_and_event(
    change: Callable[[MessageHooks], MessageHooks],
    keys: dict[str, Any],
    hooks: dict[str, Callable[[Any], Any]],
    severity: int,
    expected: str,
) -> None:
    for payload, syslog_format in ((CefPayload(), "rfc3164"), (LeefPayload(), "rfc5424")):
        settings = settings_of(payload=payload, syslog_format=syslog_format, **keys)
        made = LogEncoder(settings, change(hooks_of(settings, **hooks)))
        message = read(frame_of(made, dict(APPLICATION)), syslog_format)
        assert message.severity == severity
        text = message.msg
        if syslog_format == "rfc3164":
            assert text.startswith("CEF:")  # no TAG
            assert read_cef(text).severity == expected
        else:
            assert read_leef(text).attributes["sev"] == expected


def test_a_severity_that_the_mapping_finds_stays() -> None:
    assert read_cef(sent({"severity": lambda log: 0}, WEB, payload="cef").msg).severity == "2"


def test_the_hook_is_asked_once_for_each_log() -> None:
    numbers = iter(range(8))
    first = sent({"severity": lambda log: next(numbers)}, APPLICATION, payload="cef")
    assert (first.severity, read_cef(first.msg).severity) == (0, "10")
    assert next(numbers) == 1


def test_a_severity_hook_that_fails_is_counted_once_and_not_for_a_log_that_is_left_out() -> None:
    failing = encoder({"severity": raises}, payload="cef")
    assert failing.encode_log(APPLICATION).outcomes == [(0, "hook_failed")]
    filtering = encoder({"severity": raises, "format_message": lambda log: None}, payload="cef")
    assert filtering.encode_log(APPLICATION).outcomes == [(0, "filtered")]


def test_a_user_who_calls_the_hook_gets_the_severity_of_that_log() -> None:
    settings = settings_of(payload="cef", severity_rules=RULES)
    hooks = MessageHooks(settings)
    frame_of(LogEncoder(settings, hooks), WEB)
    for log, expected in ((APPLICATION, "8"), ({**APPLICATION, "level": "INFO"}, "3")):
        assert read_cef(hooks.format_message(log) or "").severity == expected


def test_a_payload_of_your_own_can_learn_the_severity() -> None:
    class Payload:
        def __call__(self, log: Mapping[str, str]) -> str:
            return "unknown"

        def for_severity(self, severity: Severity) -> Callable[[Mapping[str, str]], str]:
            return lambda log: f"{severity.name} {log['level']}"

    assert sent(None, APPLICATION, payload=Payload(), severity_rules=RULES).msg == (
        "CRITICAL ERROR"
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_the_path_names_the_hook_that_needs_the_slow_one(hook: str) -> None:
    """A setting that the hook replaces is not the reason any more."""
    keys = {"payload": "ocsf"} if hook == "format_message" else {}
    made = encoder({hook: lambda log: getattr(MessageHooks(settings_of()), hook)(log)}, **keys)
    assert made.path == f"on the slow path, because of the hook {hook}"


def test_the_path_names_all_that_needs_the_slow_one() -> None:
    made = encoder({"timestamp": lambda log: MOMENT}, tag="{app}", enterprise_id=32473)
    assert made.path == "on the slow path, because of the hook timestamp, tag, enterprise_id"


def test_structured_data_that_is_not_sent_needs_no_slow_path() -> None:
    made = encoder({"structured_data": lambda log: {}}, syslog_format="rfc3164")
    assert "slow path" not in made.path
