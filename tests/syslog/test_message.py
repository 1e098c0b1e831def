"""``SyslogMessage``: what it accepts, what it refuses, and that it never changes."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import pickle
from typing import Any

import pytest

from sls_syslog.errors import InvalidMessageError
from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.syslog.message import SyslogMessage

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.timezone.utc)
FULL = SyslogMessage(
    message="größer",
    facility=Facility.LOCAL0,
    severity=Severity.ERROR,
    timestamp=NOON,
    hostname="web-1",
    app_name="portal",
    procid="4711",
    msgid="LOGIN",
    structured_data={"origin": {"ip": "192.0.2.1"}},
)
LIMITS = {"hostname": 255, "app_name": 48, "procid": 128, "msgid": 32}
SECTIONS = {"hostname": "6.2.4", "app_name": "6.2.5", "procid": "6.2.6", "msgid": "6.2.7"}


def test_everything_may_be_left_out() -> None:
    message = SyslogMessage()
    assert (message.message, message.facility, message.severity) == ("", 1, 6)
    assert (message.timestamp, message.hostname, message.app_name) == (None, None, None)
    assert (message.procid, message.msgid, dict(message.structured_data)) == (None, None, {})


def test_fields_are_given_by_name_only() -> None:
    with pytest.raises(TypeError):
        SyslogMessage("text")  # type: ignore[call-arg]


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FULL.message = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        FULL.structured_data["new"] = {}  # type: ignore[index]


def test_a_replaced_field_is_checked_as_well() -> None:
    assert dataclasses.replace(FULL, hostname="web-2").hostname == "web-2"
    with pytest.raises(InvalidMessageError, match="hostname"):
        dataclasses.replace(FULL, hostname="web 2")


def pickled(message: SyslogMessage) -> Any:
    return pickle.loads(pickle.dumps(message))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_message_can_be_copied_and_sent_to_another_process(copied: Any) -> None:
    assert copied(FULL) == FULL


def test_equal_messages_have_equal_hashes() -> None:
    assert len({FULL, dataclasses.replace(FULL)}) == 1


@pytest.mark.parametrize("field", LIMITS)
def test_a_header_field_takes_printable_ascii_up_to_its_limit(field: str) -> None:
    for value in ("!", "~", "-", 'a"=]\\', "x" * LIMITS[field], None):
        assert getattr(SyslogMessage(**{field: value}), field) == value  # type: ignore[arg-type]


@pytest.mark.parametrize("field", LIMITS)
@pytest.mark.parametrize(
    "value", ["", " ", "a b", "a\n", "a\x00", "\x7f", "ä", "日本", "\ud800", 7, b"web"], ids=repr
)
def test_a_header_field_refuses_all_else(field: str, value: Any) -> None:
    with pytest.raises(InvalidMessageError) as got:
        SyslogMessage(**{field: value})
    assert got.value.field == field
    assert got.value.section == f"RFC 5424 section {SECTIONS[field]}"
    assert repr(value) in str(got.value)


@pytest.mark.parametrize("field", LIMITS)
def test_a_header_field_refuses_one_character_too_many(field: str) -> None:
    with pytest.raises(InvalidMessageError, match=f"1 to {LIMITS[field]} printable"):
        SyslogMessage(**{field: "x" * (LIMITS[field] + 1)})  # type: ignore[arg-type]


def test_codes_may_be_names_or_numbers_and_become_members() -> None:
    message = SyslogMessage(facility="local0", severity=3)
    assert message.facility is Facility.LOCAL0
    assert message.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("field", "value"),
    [("facility", 24), ("facility", "locla0"), ("severity", 8), ("severity", None)],
)
def test_a_code_that_does_not_exist_is_refused(field: str, value: Any) -> None:
    with pytest.raises(InvalidMessageError, match="a number from 0 to") as got:
        SyslogMessage(**{field: value})
    assert (got.value.field, got.value.section) == (field, "RFC 5424 section 6.2.1")


@pytest.mark.parametrize(
    ("field", "value", "right"), [("facility", "locla3", "local3"), ("severity", "eror", "error")]
)
def test_the_nearest_code_is_named(field: str, value: Any, right: str) -> None:
    with pytest.raises(InvalidMessageError) as got:
        SyslogMessage(**{field: value})
    assert f" (did you mean {right!r}?), got {value!r} (RFC" in str(got.value)


@pytest.mark.parametrize(
    "value", [dt.datetime(2026, 11, 23), dt.date(2026, 11, 23), "2026-11-23T00:00:00Z", 0], ids=repr
)
def test_a_timestamp_without_a_zone_is_refused(value: Any) -> None:
    with pytest.raises(InvalidMessageError, match="time zone") as got:
        SyslogMessage(timestamp=value)
    assert (got.value.field, got.value.section) == ("timestamp", "RFC 5424 section 6.2.3")


@pytest.mark.parametrize("value", ["", "line\nfeed", "\x00", "\ufeffBOM", "日本", "\U0001f600"])
def test_any_text_may_be_the_message(value: str) -> None:
    assert SyslogMessage(message=value).message == value


@pytest.mark.parametrize("value", ["\ud800", b"bytes", None, 5], ids=repr)
def test_what_utf8_cannot_carry_is_refused_as_message(value: Any) -> None:
    with pytest.raises(InvalidMessageError) as got:
        SyslogMessage(message=value)
    assert (got.value.field, got.value.section) == ("message", "RFC 5424 section 6.4")


def test_parameters_may_be_a_mapping_or_pairs_that_repeat_a_name() -> None:
    message = SyslogMessage(structured_data={"a": {"k": "v"}, "b@1": [("ip", "1"), ("ip", "2")]})
    assert dict(message.structured_data) == {"a": (("k", "v"),), "b@1": (("ip", "1"), ("ip", "2"))}


def test_structured_data_is_a_copy() -> None:
    params = {"k": "v"}
    elements = {"a": params}
    message = SyslogMessage(structured_data=elements)
    params["k"] = "changed"
    elements["b"] = {}
    assert dict(message.structured_data) == {"a": (("k", "v"),)}


@pytest.mark.parametrize("name", ["!", "~", "x" * 32, "__tag__:__path__", "a@32473", "[\\;<>^"])
def test_a_name_of_structured_data_is_printable_ascii_up_to_32(name: str) -> None:
    message = SyslogMessage(structured_data={name: {name: ""}})
    assert dict(message.structured_data) == {name: ((name, ""),)}


WRONG_NAMES = ["", "x" * 33, "a b", "a=b", "a]b", 'a"b', "a\n", "\x7f", "ä", "键", 1, None, b"id"]


@pytest.mark.parametrize("name", WRONG_NAMES, ids=repr)
@pytest.mark.parametrize("place", ["SD-ID", "PARAM-NAME"])
def test_any_other_name_is_refused(place: str, name: Any) -> None:
    elements = {name: {}} if place == "SD-ID" else {"id": {name: "v"}}
    with pytest.raises(InvalidMessageError, match=place) as got:
        SyslogMessage(structured_data=elements)
    assert got.value.field == "structured_data"
    assert got.value.section.startswith("RFC 5424 section 6.3")


@pytest.mark.parametrize("value", [1, None, b"v", "\ud800", ["v"]], ids=repr)
def test_a_parameter_value_must_be_text(value: Any) -> None:
    with pytest.raises(InvalidMessageError, match="structured_data") as got:
        SyslogMessage(structured_data={"id": {"k": value}})
    assert got.value.section == "RFC 5424 section 6.3.3"


@pytest.mark.parametrize(
    "elements",
    [
        *("text", ["id"], 5, None),
        *({"id": "text"}, {"id": None}, {"id": 5}),
        *({"id": ["kv"]}, {"id": [("k",)]}, {"id": [("k", "v", "w")]}, {"id": [5]}),
    ],
    ids=repr,
)
def test_structured_data_of_another_shape_is_refused(elements: Any) -> None:
    with pytest.raises(InvalidMessageError, match="structured_data"):
        SyslogMessage(structured_data=elements)
