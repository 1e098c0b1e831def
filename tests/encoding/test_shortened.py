"""A log that is too long: every reader reads only what the log says, whatever the limit is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sls_syslog import CefPayload, LeefPayload, ShipperSettings
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from tests.encoding.cut_events import (
    FORMS,
    LEAST,
    Form,
    Pairs,
    check_short,
    encode,
    make_encoder,
    read_all,
    read_pairs_of_cef,
    read_pairs_of_leef,
)
from tests.support.read_cef import read_cef
from tests.support.read_leef import read_leef
from tests.support.samples import SAMPLES

STRIDE = 149  # bytes between the limits that a plain run tries
EACH = 700  # the gate tries each limit below

FILLERS = ["u", "放行", "a=b\\ ", "\x85x\n", '"\\n']


def stretch(log: Pairs, number: int) -> dict[str, str]:
    """The log with a long text in each third of its fields that is no JSON."""
    filler = FILLERS[number % len(FILLERS)]
    own = [name for name in log if not name.startswith("__") and log[name][:1] not in {"{", "["}]
    return {**log, **{name: f"{log[name]} {filler * 400}"[:1500] for name in own[number % 3 :: 3]}}


LOGS: dict[str, Pairs] = {sample.id: sample.log for sample in SAMPLES}
LONG = {one.id: stretch(one.log, number) for number, one in enumerate(SAMPLES)}


def list_limits(size: int, stride: int) -> list[int]:
    """The limits to try for a message, from long to short."""
    chosen = {
        *range(size - 1, LEAST - 1, -stride),
        *(range(LEAST, EACH) if stride < STRIDE else ()),
    }
    return sorted((limit for limit in chosen if limit < size), reverse=True)


def check_limits(form: Form, logs: Mapping[str, Pairs], stride: int) -> None:
    for log in logs.values():
        encoder = make_encoder(form)
        message = encode(encoder, log)
        whole = read_all(message, form)
        for limit in list_limits(len(message), stride):
            check_short(form, encoder, log, limit, message, whole)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_reader_reads_a_false_value(form: Form) -> None:
    check_limits(form, LOGS, STRIDE)
    check_limits(form, dict([*LONG.items()][::5]), STRIDE)


@pytest.mark.gate
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_reader_reads_a_false_value_whatever_the_limit_is(form: Form) -> None:
    check_limits(form, LOGS, 1)


@pytest.mark.gate
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_reader_reads_a_false_value_in_a_long_log(form: Form) -> None:
    check_limits(form, LONG, 97)


def show(log: Pairs, **settings: Any) -> tuple[str, list[str]]:
    """The message of a log, and its outcomes."""
    made = ShipperSettings(host="siem", hostname="h", **settings)
    encoded = LogEncoder(made, MessageHooks(made)).encode_log({"__time__": "1793678405", **log})
    (frame,) = encoded.frames
    return frame.decode().removesuffix("\n"), [kind for _, kind in encoded.outcomes]


@pytest.mark.parametrize("length", range(240, 300))
def test_a_waf_log_that_is_too_long_for_sentinel_has_only_true_values(length: int) -> None:
    log = {
        "__topic__": "waf_access_log",
        "host": "shop.example.com",
        "real_client_ip": "203.0.113.140",
        "http_user_agent": "u" * length,
        "status": "405",
        "server_port": "443",
    }
    message, outcomes = show(log, receiver="sentinel", max_message_bytes=LEAST)
    event = read_cef(message[message.index("CEF:0|") :])
    assert event.extension["cn1"] == "405"
    assert event.extension["src"] == "203.0.113.140"
    agent = event.extension["requestClientApplication"]
    assert agent == "u" * length or agent.endswith("u...")
    assert outcomes == (["truncated"] if agent.endswith("...") else [])


def test_who_and_where_stay_in_a_datagram_for_qradar() -> None:
    event = {
        "eventName": "RunInstances",
        "sourceIpAddress": "203.0.113.24",
        "requestParameters": {"Description": "放行" * 400},
        "recipientAccountId": "1234567890123456",
        "userIdentity": {"userName": "alice", "type": "ram-user"},
    }
    log = {
        "__topic__": "actiontrail_audit_event",
        "event": json.dumps(event, ensure_ascii=False),
    }
    message, outcomes = show(log, receiver="qradar", protocol="udp")
    attributes = read_leef(message[message.index("LEEF:") :]).attributes
    assert outcomes == ["truncated"]
    assert attributes["src"] == "203.0.113.24"
    assert attributes["usrName"] == "alice"
    assert attributes["role"] == "ram-user"
    assert attributes["AccountId"] == "1234567890123456"
    assert attributes["msg"].startswith('{"Description":"放行')
    assert attributes["msg"].endswith("放...") or attributes["msg"].endswith("行...")
    assert len(message.encode()) > 1024 - 3  # no room is left for another character


def test_a_long_value_that_must_not_be_cut_drives_out_no_other() -> None:
    """Whoever signs in chooses the user name."""
    payload = CefPayload(
        mapping="generic", extension={"suser": "user", "dhost": "where", "cn1": "status"}
    )
    log = {"user": "u" * 1000, "where": "web-1", "status": "7", "text": "t" * 999}
    message, _ = show(log, payload=payload, max_message_bytes=LEAST)
    extension = read_cef(message[message.index("CEF:0|") :]).extension
    assert "suser" not in extension
    assert (extension["dhost"], extension["cn1"]) == ("web-1", "7")
    assert extension["text"].endswith("t...")


@pytest.mark.parametrize("payload", ["cef", "leef"])
def test_a_header_is_whole_and_only_its_name_is_cut(payload: str) -> None:
    kind = {"cef": CefPayload, "leef": LeefPayload}[payload]
    named = kind(event_class_id="id", name="name", mapping="generic")
    log = {"id": "i" * 200, "name": "名|\\" * 150, "status": "7"}
    message, outcomes = show(log, payload=named, max_message_bytes=LEAST)
    read = {"cef": read_pairs_of_cef, "leef": read_pairs_of_leef}[payload]
    pairs = read(message[message.index(f"{payload.upper()}:") :])
    assert pairs["header class id"] == "i" * 200
    assert pairs["header name" if payload == "cef" else "name"].endswith("...")
    assert outcomes == ["truncated"]


@pytest.mark.parametrize("newlines", ["escape", "space", "keep"])
def test_room_is_counted_with_the_escapes_of_the_newline_policy(newlines: str) -> None:
    log = {"first": "\x01\x85\u2028" * 400, "last": "1"}
    for payload in ("json", "key-value"):
        settings = {"payload": payload, "newlines": newlines, "framing": "octet-counting"}
        message, outcomes = show(log, max_message_bytes=LEAST, **settings)
        size, _, rest = message.partition(" ")
        assert LEAST - 18 < int(size) <= LEAST  # three escapes
        assert len(rest.encode()) == int(size)
        assert outcomes[-1] == "truncated"
        assert "last" in rest


def test_the_mark_never_ends_an_attribute() -> None:
    payload = LeefPayload(delimiter=".", extension={"msg": "text"})
    message, _ = show({"text": "x" * 999}, payload=payload, max_message_bytes=LEAST)
    assert set(message.partition("msg=")[2]) == {"x"}
    assert LEAST - len("...") <= len(message) <= LEAST


def test_a_text_of_ones_own_is_cut_by_bytes() -> None:
    class Hooks(MessageHooks):
        def format_message(self, log: Mapping[str, str]) -> str:
            return self.settings.payload(log) + " end"

    settings = ShipperSettings(host="siem", hostname="h", max_message_bytes=LEAST)
    log = {"__time__": "1793678405", "a": "x" * 999}
    (frame,) = LogEncoder(settings, Hooks(settings)).encode_log(log).frames
    assert frame.endswith(b"xxx\n")
    assert len(frame) == LEAST + 1


def test_a_payload_that_fails_to_shorten_loses_no_log() -> None:
    class Payload:
        def __call__(self, log: Mapping[str, str]) -> str:
            return "x" * 999

        def shorten(self, log: Mapping[str, str], room: int, measure: Any) -> str:
            raise ValueError("no")

    message, outcomes = show({}, payload=Payload(), max_message_bytes=LEAST)
    assert message.endswith("xxx")
    assert outcomes == ["hook_failed", "truncated"]


def test_a_payload_of_ones_own_may_shorten_its_text() -> None:
    class Payload:
        def __call__(self, log: Mapping[str, str]) -> str:
            return "x" * 999

        def shorten(self, log: Mapping[str, str], room: int, measure: Any) -> str:
            return f"{room} bytes, not {measure('ä')}"

    message, outcomes = show({}, payload=Payload(), max_message_bytes=LEAST)
    assert message.endswith(" bytes, not 2")
    assert outcomes == ["truncated"]
