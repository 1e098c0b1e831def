"""`preview` shows the very bytes that a receiver gets, and says what became of each log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aliyun.log.proto import LogGroupList

from sls_syslog import (
    CefPayload,
    EventMapping,
    LeefPayload,
    LogPreview,
    SettingsError,
    ShipperSettings,
    SyslogShipperProcessor,
    preview,
)
from sls_syslog.payloads.by_name import PAYLOADS
from sls_syslog.payloads.catalog import MAPPINGS
from sls_syslog.settings.profiles import PROFILES
from sls_syslog.settings.protocols import PROTOCOLS
from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA, encode_log_group
from sls_syslog.testing.deframer import make_deframer
from tests.support.corpus import CORPUS
from tests.support.groups import encode_log
from tests.support.relp import RelpServer
from tests.support.samples import SAMPLES
from tests.support.shipping import GROUP, shipping

SETTINGS: dict[str, Any] = {"host": "siem.example", "hostname": "shipper", "timezone": "UTC"}
LOG = {"__time__": "1793678405", "__topic__": "app", "__source__": "192.0.2.7", "level": "ERROR"}


# Hostile logs; one for each mapping; so many of a kind that the fast path writes the last ones;
# one that is too long for most receivers.
RAW = [
    *(case.group() for case in CORPUS[:: len(CORPUS) // 50]),
    *(encode_log(sample.log) for sample in SAMPLES),
    *(encode_log(LOG | {"n": str(number)}) for number in range(30)),
    encode_log(LOG | {"long": "失败 " * 12_000}),
]


def read_groups(raw: Sequence[bytes]) -> list[Any]:
    """The SDK's objects of LogGroups."""
    batch = LogGroupList()
    for group in raw:
        batch.LogGroups.add().ParseFromString(group)
    return list(batch.LogGroups)


def show(log: Mapping[str, Any], processor: Any = None, **settings: Any) -> LogPreview:
    (shown,) = preview({**SETTINGS, **settings}, [log], processor)
    return shown


# The bytes


class Masking(SyslogShipperProcessor):
    """A user's processor, which changes text and severity, leaves logs out, and fails for one."""

    def format_message(self, log: Mapping[str, str]) -> str | None:
        if log["__topic__"] == "waf_access_log":
            return None
        return f"{len(log)} fields of {log['level'].lower()}: {super().format_message(log)}"

    def severity(self, log: Mapping[str, str]) -> str:
        return "error" if "level" in log else "debug"


class Changing(SyslogShipperProcessor):
    """A user's processor that changes its settings."""

    def __init__(self, settings: ShipperSettings, *args: Any) -> None:
        super().__init__({"host": settings.host, "port": settings.port, "tag": "ours"}, *args)


KINDS: dict[str, dict[str, Any]] = {
    "newline": {},
    "octet-counting": {"framing": "octet-counting", "newlines": "keep"},
    "udp": {"protocol": "udp"},
    "rfc3164": {"syslog_format": "rfc3164", "max_message_bytes": 480},
}
MASKS: dict[str, Any] = {
    "mask": [
        {"field": "__topic__", "text": "hidden"},
        {"field_matches": "(?i)user|name", "hashed": True},
        {"value_matches": r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b", "text": "<address>"},
    ],
    "mask_key": "a key of 24 characters..",
}
CASES: dict[str, dict[str, Any]] = {
    **{f"profile {name}": {"receiver": name} for name in PROFILES},
    **{
        f"{payload} {kind}": {"payload": payload, **others}
        for payload in PAYLOADS
        for kind, others in KINDS.items()
    },
    "qradar udp": {"receiver": "qradar", "protocol": "udp"},
    "relp": {"protocol": "relp", "newlines": "keep"},
    "tls": {"protocol": "tls"},
    "split": {"max_message_bytes": 480, "oversize": "split"},
    "drop": {"max_message_bytes": 480, "oversize": "drop", "framing": "octet-counting"},
    "templates": {"hostname": "{__tag__:__hostname__}", "tag": "{__topic__}", "bom": True},
    "elements": {"enterprise_id": 32473, "structured_data": {"a@1": {"ip": "{__source__}"}}},
    "rules": {
        "severity_rules": [{"field": "level", "equals": "ERROR", "severity": "error"}],
        "payload": "json",
    },
    "hooks": {"processor": Masking},
    "hooks drop": {"processor": Masking, "on_hook_error": "drop"},
    "filters": {
        "skip": [{"field": "n", "at_least": 20}],
        "only": [{"field": "level", "equals": "ERROR"}, {"field": "long", "contains": "x"}],
    },
    **{f"masks {payload}": {"payload": payload, **MASKS} for payload in PAYLOADS},
    "masks templates": {
        "hostname": "{__source__}",
        "tag": "{__topic__}",
        "enterprise_id": 32473,
        **MASKS,
    },
    "changed settings": {"processor": Changing},
    "mapping": {"payload": CefPayload(mapping="waf", vendor="Us")},
}


@pytest.mark.parametrize("name", CASES)
def test_the_bytes_are_those_that_a_receiver_gets(
    name: str, sls_emulator: SlsEmulator, authority: TemporaryCA
) -> None:
    settings = dict(CASES[name])
    processor = settings.pop("processor", SyslogShipperProcessor)
    protocol = ShipperSettings(host="siem.example", **settings).protocol
    framing = None if protocol == "udp" else settings.get("framing", "newline")
    receiver: RelpServer | SyslogReceiver
    if PROTOCOLS[protocol].is_relp:
        receiver = RelpServer()
    else:
        context = authority.server_context() if protocol == "tls" else None
        receiver = SyslogReceiver(protocol, ssl_context=context, framing=framing)
    for group in RAW:
        sls_emulator.put_group(group, shard=0)
    with receiver:
        place = {"host": "127.0.0.1", "port": receiver.port}
        trust = {"cert_path": authority.cert_path} if protocol == "tls" else {}
        given = ShipperSettings.of({**settings, **place, **trust, "protocol": protocol})
        shown = list(preview(given, read_groups(RAW), processor))
        frames = [frame for log in shown for frame in log.frames]
        with shipping(sls_emulator, given, processor):
            sls_emulator.wait_until_drained(GROUP)
            if isinstance(receiver, RelpServer):
                assert receiver.messages == frames
            elif protocol == "udp":
                assert receiver.wait_for(len(frames)) == frames
            else:
                assert receiver.frames == make_deframer(framing).feed(b"".join(frames))
    assert len(shown) == len(RAW)


def test_a_log_is_shown_as_hooks_get_it_and_says_what_becomes_of_it() -> None:
    masked = show(LOG, mask=[{"field": "level"}, {"field": "__topic__"}], payload="cef")
    assert (masked.log["level"], masked.log["__topic__"]) == ("***", "***")
    assert masked.outcomes == ("masked",)
    filtered = show(LOG, skip=[{"field": "level", "equals": "ERROR"}], mask=[{"field": "level"}])
    assert (filtered.frames, filtered.outcomes) == ((), ("filtered",))
    assert filtered.log["level"] == "***"


@pytest.mark.parametrize(
    ("policy", "outcomes", "writer"),
    [
        ("default", ("hook_failed",), "default payload"),
        ("drop", ("hook_failed", "dropped_hook_failed"), "nothing"),
        ("hold", ("hook_failed", "held"), "nothing"),
    ],
)
def test_what_a_hook_that_fails_does_is_shown(
    policy: str, outcomes: tuple[str, ...], writer: str
) -> None:
    shown = show({**LOG, "level": ""}, Failing, on_hook_error=policy)
    assert bool(shown.frames) is (policy == "default")
    assert (tuple(dict.fromkeys(shown.outcomes)), shown.writer) == (outcomes, writer)
    assert shown.failures[0] == "format_message: IndexError('string index out of range')"


def test_event_ids_take_the_place_of_those_that_only_a_cursor_gives() -> None:
    first, second, third = preview(
        {**SETTINGS, "event_id": True},
        [LOG, {**LOG, "__event_id__": "p/l/0/7/0"}, *read_groups([encode_log(LOG)])],
    )
    assert first.log["__event_id__"] == "preview/0/0"
    assert second.log["__event_id__"] == "p/l/0/7/0"
    assert third.log["__event_id__"] == "preview/2/0"
    assert list(first.log)[:4] == ["__time__", "__topic__", "__source__", "__event_id__"]


# The logs


def test_a_mapping_becomes_what_the_same_log_of_sls_becomes() -> None:
    log = {**LOG, "__time_ns_part__": "5000", "__tag__:__hostname__": "web-1", "n": "1"}
    (decoded,) = preview(SETTINGS, read_groups([encode_log({**log, "__time_ns_part__": ""})]))
    for given in (dict(decoded.log), dict(reversed(list(decoded.log.items())))):
        (shown,) = preview(SETTINGS, [given])
        assert sorted(shown.log.items()) == sorted(decoded.log.items())
        assert list(shown.log)[:4] == list(decoded.log)[:4]
    assert b".000005+00:00 " in show(log).frames[0]


def test_what_the_sdk_flattens_is_taken_as_it_is() -> None:
    # get_flatten_logs_json() gives numbers, and a tuple for the nanoseconds.
    flat: dict[Any, Any] = {"__time__": 1793678405, "__time_ns_part__": (5000,), b"k": b"v"}
    assert show(flat).log == {
        "__time__": "1793678405",
        "__topic__": "",
        "__source__": "",
        "__time_ns_part__": "5000",
        "k": "v",
    }


def test_a_value_that_is_no_text_becomes_json() -> None:
    log = show({**LOG, "n": 1, "x": 0.5, "no": None, "yes": True, "of": {"a": ["é"]}}).log
    assert [log[key] for key in ("n", "x", "no", "yes", "of")] == [
        *("1", "0.5", "null", "true", '{"a":["é"]}')
    ]


def test_logs_are_taken_one_after_another() -> None:
    def endless() -> Any:
        while True:
            yield LOG

    shown = preview(SETTINGS, endless())
    assert next(shown) == next(shown)


@pytest.mark.parametrize("time", ["yesterday", "-1", "1.5", 2**32, None, "１", "9" * 20])
def test_a_time_that_sls_cannot_have_is_refused(time: object) -> None:
    with pytest.raises(ValueError, match=r"^__time__: expected a whole number up to 4294967295"):
        show({**LOG, "__time__": time})


def test_what_is_no_log_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^logs: expected a mapping or a LogGroup, got 'text'$"):
        list(preview(SETTINGS, ["text"]))  # type: ignore[list-item]


def test_wrong_settings_are_refused_at_once() -> None:
    with pytest.raises(SettingsError, match=r"^paylod: unknown setting; did you mean 'payload'"):
        preview({"host": "siem.example", "paylod": "cef"}, [])
    with pytest.raises(SettingsError, match=r"^processor: expected a subclass of SyslogShipper"):
        preview(SETTINGS, [], lambda settings: "text")  # type: ignore[arg-type,return-value]


# What is said about each


def test_the_mapping_that_applies_is_named() -> None:
    for sample in SAMPLES:
        for payload in ("cef", "leef", "ocsf"):
            assert show(sample.log, payload=payload).mapping == sample.mapping, sample.id


def test_every_mapping_has_a_sample_here() -> None:
    assert {sample.mapping for sample in SAMPLES} == {*MAPPINGS, "generic"}


@pytest.mark.parametrize(
    ("payload", "mapping"),
    [
        (CefPayload(mapping="oss"), "oss"),
        (LeefPayload(mapping="generic"), "generic"),
        (CefPayload(vendor="Us"), "waf"),
        (CefPayload(mapping=MAPPINGS["slb"]), "slb"),
        (CefPayload(mapping=EventMapping(extension={"src": "remote_addr"})), "own"),
        (CefPayload(extension={"src": "remote_addr"}), "own"),
        (CefPayload(extension={"src": lambda log: log["missing"]}), None),  # the default is sent
        ("json", None),
        (lambda log: "text", None),
    ],
)
def test_a_mapping_of_the_settings_is_named(payload: Any, mapping: str | None) -> None:
    log = {**LOG, "__topic__": "waf_access_log", "remote_addr": "192.0.2.9"}
    assert show(log, payload=payload).mapping == mapping


def test_the_mapping_of_a_wrong_topic_gives_way_to_the_generic_one() -> None:
    assert show({**LOG, "__topic__": "actiontrail_event"}, payload="cef").mapping == "generic"


def test_the_verdict_says_what_applied_and_what_was_cut() -> None:
    long = {**LOG, "__topic__": "waf_access_log", "user_id": "1" * 5000}
    shown = show(long, receiver="qradar")
    assert shown.profile == "qradar"
    assert shown.verdict == (
        "1 message, 4097 bytes; profile qradar; LeefPayload, mapping waf; truncated"
    )
    assert str(shown) == f"{shown.verdict}\n{shown.frames[0]!r}"
    split = show({**LOG, "text": "x" * 700}, max_message_bytes=480, oversize="split")
    sizes = ", ".join(str(len(frame)) for frame in split.frames)
    assert split.verdict == f"2 messages, {sizes} bytes; KeyValuePayload; split"
    assert show(LOG).verdict.endswith(" bytes; KeyValuePayload; unchanged")
    dropped = show({**LOG, "text": "x" * 700}, max_message_bytes=480, oversize="drop")
    assert dropped.verdict == "no messages; KeyValuePayload; dropped_oversize"
    masked = show({**LOG, "__topic__": "waf_access_log"}, Masking)
    assert masked.verdict == "no messages; Masking.format_message; filtered"


def test_repairs_are_named_for_each_log_that_needs_them() -> None:
    raw = encode_log_group([{"k": "a\nb"}, {"__topic__": "forged"}], topic=b"\xff", time=1)
    first, second = preview(SETTINGS, read_groups([raw]))
    assert sorted(first.outcomes) == ["repaired_control_characters", "repaired_utf8"]
    assert sorted(second.outcomes) == ["repaired_reserved_key", "repaired_utf8"]


class Failing(SyslogShipperProcessor):
    """A user's processor that fails for some logs."""

    def format_message(self, log: Mapping[str, str]) -> str:
        return log["level"][0]

    def severity(self, log: Mapping[str, str]) -> str:
        return log["level"]


def test_a_hook_that_fails_is_named_with_its_error(caplog: pytest.LogCaptureFixture) -> None:
    fine, failed = preview({**SETTINGS, "payload": "cef"}, [LOG, {**LOG, "level": ""}], Failing)
    assert (fine.writer, fine.failures) == ("Failing.format_message", ())
    assert failed.writer == "default payload"
    assert failed.frames[0].endswith(b"||level=\n")
    severity, text = failed.failures  # CEF needs the severity first
    assert text == "format_message: IndexError('string index out of range')"
    assert severity.startswith("severity: ValueError(")
    assert failed.verdict.endswith(f"hook_failed; {severity}; {text}")
    assert "log 2: hook format_message failed" in caplog.text


def test_an_event_shows_the_severity_that_its_message_has() -> None:
    rules = [{"field": "level", "equals": "ERROR", "severity": "critical"}]
    assert b"|app|app|8|" in show(LOG, payload="cef", severity_rules=rules).frames[0]
    assert b"|app|app|3|" in show(LOG | {"level": "INFO"}, payload="cef").frames[0]
