"""LEEF, read back by a strict reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sls_syslog import Labelled, LeefPayload, SettingsError, ShipperSettings
from sls_syslog.payloads.dictionary import CEF_KEYS, CONSUMER_KEYS, LEEF_KEYS, LEEF_NAMES
from sls_syslog.payloads.event_text import EventText
from sls_syslog.payloads.fields import clean
from sls_syslog.syslog.formats import FORMATS
from sls_syslog.syslog.sanitize import NEWLINES
from tests.support.hostile import HOSTILE, Hostile
from tests.support.read_leef import NotLeefError, read_leef
from tests.support.siem_readers import read_as_sc4s
from tests.support.strategies import CHARACTERS, FIELD_NAMES

LOG = {"__time__": "1795403700", "__topic__": "audit", "__source__": "10.0.0.1"}
START = {"sev": "3", "devTime": "1795403700000", "dvc": "10.0.0.1"}
each_hostile_value = pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE)


def cut_to(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def naive(log: Mapping[str, str]) -> str:
    """LEEF as written by those who replace nothing."""
    pairs = "^".join(f"{key}={value}" for key, value in log.items() if not key.startswith("__"))
    return f"LEEF:2.0|Alibaba Cloud|Log Service|1.0|{log['__topic__']}|^|sev=3^{pairs}"


def test_the_same_mapping_speaks_leef() -> None:
    payload = LeefPayload(
        vendor="Example",
        product="Shop|Floor",
        version="2.1",
        event_class_id="action",
        name="title",
        severity="level",
        extension={
            "src": "client",
            "spt": "port",
            "suser": "user",
            "in": "bytes",
            "request": "url",
            "act": "done",
            "cs1": Labelled("Request id", "request"),
            "cn1": "status",
            "shopTill": "till",
            "policy": "rule",
        },
    )
    log = LOG | {
        "__time_ns_part__": "5000000",
        "action": "sell",
        "title": "Sold something",
        "level": "Very-High",
        "client": "2001:db8::1",
        "port": "0443",
        "user": "李雷",
        "bytes": "5000000000",
        "url": "/?a=b^c",
        "done": "sold",
        "request": "R1",
        "status": "200",
        "till": "7",
        "rule": "all",
    }
    assert payload(log) == (
        "LEEF:2.0|Example|Shop/Floor|2.1|sell|^|sev=10^devTime=1795403700005"
        "^src=2001:db8::1^srcPort=443^act=sold^usrName=李雷^srcBytes=5000000000^RequestId=R1"
        "^status=200^shopTill=7^policy=all^url=/?a=b c^name=Sold something"
    )


def test_version_1_has_tabs_and_no_delimiter_field() -> None:
    assert LeefPayload(leef_version="1.0")(LOG | {"a": "x\ty^z"}) == (
        "LEEF:1.0|Alibaba Cloud|Log Service|1.0|audit|"
        "sev=3\tdevTime=1795403700000\tdvc=10.0.0.1\ta=x y^z"
    )


@pytest.mark.parametrize(("delimiter", "field"), [("\t", "x09"), ("%", "%"), ("~", "~")])
def test_another_delimiter_is_named_in_the_header(delimiter: str, field: str) -> None:
    line = LeefPayload(delimiter=delimiter)(LOG | {"a": f"1{delimiter}2", "b": "3^4"})
    assert line.startswith(f"LEEF:2.0|Alibaba Cloud|Log Service|1.0|audit|{field}|sev=3")
    assert read_leef(line).attributes == {**START, "a": "1 2", "b": "3^4"}


@each_hostile_value
def test_a_hostile_value_is_read_back_exactly(case: Hostile) -> None:
    there = {} if case.leef is None else {"first": case.leef}
    event = read_leef(LeefPayload()(LOG | {"first": case.raw, "last": "end"}))
    assert event.attributes == {**START, **there, "last": "end"}
    at_the_end = read_leef(LeefPayload()(LOG | {"first": case.raw}))
    assert at_the_end.attributes == {**START, **there}


def test_a_hostile_value_in_the_header_keeps_its_place() -> None:
    payload = LeefPayload(event_class_id="what", mapping="generic")
    flat = str.maketrans("|\t\r\n", "/   ")
    for name, case in HOSTILE.items():
        event = read_leef(payload(LOG | {"what": case.raw}))
        assert event.event_id == cut_to(case.cef or "audit", 255).translate(flat), name


def test_the_newline_policy_has_nothing_left_to_change() -> None:
    for name, case in HOSTILE.items():
        message = LeefPayload()(LOG | {"first": case.raw})
        assert NEWLINES["escape"](message) == message, name


def test_the_corpus_finds_out_a_writer_that_replaces_nothing() -> None:
    def survives(case: Hostile) -> bool:
        expected = {} if case.leef is None else {"first": case.leef}
        try:
            line = naive(LOG | {"first": case.raw, "last": "end"})
            return read_leef(line).attributes == {"sev": "3", **expected, "last": "end"}
        except NotLeefError:
            return False

    broken = {name for name, case in HOSTILE.items() if not survives(case)}
    assert {"line feed", "tab", "caret", "only carets", "C1", "separators", "empty"} <= broken


@given(
    st.dictionaries(FIELD_NAMES, st.text(CHARACTERS, max_size=30), max_size=6),
    st.text(CHARACTERS, max_size=12),
    st.sampled_from([("1.0", ""), ("2.0", "^"), ("2.0", "\t"), ("2.0", "%"), ("2.0", ".")]),
)
@example({"name": "1", "Name": "2", "devTime": "3", "sev": "x"}, "", ("2.0", "^"))
@example({"cn": "1", "c-n": "2", "usrName": "3", "usr Name": "4"}, "|", ("2.0", "^"))
def test_any_log_is_one_strict_line(
    fields: dict[str, str], topic: str, form: tuple[str, str]
) -> None:
    version, delimiter = form
    payload = LeefPayload(leef_version=version, delimiter=delimiter)
    log = {**LOG, "__source__": "source", "__topic__": topic, **fields}
    attributes = read_leef(payload(log)).attributes
    ends = str.maketrans(dict.fromkeys(f"{payload.delimiter}\t\r\n", " "))
    kept = [clean(value).translate(ends).strip() for value in fields.values()]
    source = "source".translate(ends)
    assert list(attributes.values()) == ["3", "1795403700000", source, *filter(None, kept)]


@given(st.text(CHARACTERS, min_size=1, max_size=20), st.text(CHARACTERS, min_size=1, max_size=20))
@example("name", "Name")
@example("Title", "title")
def test_labels_become_keys_that_differ_from_all_others(one: str, two: str) -> None:
    labels = [label for label in (one, two) if clean(label)]
    extension: dict[str, Any] = {
        f"cs{n}": Labelled(label, "a") for n, label in enumerate(labels, start=1)
    }
    payload = LeefPayload(extension={**extension, "act": "a", "title": "a", "suser": "a"})
    attributes = read_leef(payload({"a": "x"})).attributes
    assert len(attributes) == 4 + len(labels)
    assert LEEF_KEYS & attributes.keys() == {"sev", "usrName"}


@pytest.mark.parametrize(
    ("given_severity", "expected"),
    list(
        zip(
            ("0", "1", "10", "low", "Medium", "high", "VERY-HIGH", "unknown", "11", "", "any"),
            ("1", "1", "10", "3", "6", "8", "10", "3", "3", "3", "3"),
            strict=True,
        )
    ),
)
def test_severity_goes_from_1_to_10(given_severity: str, expected: str) -> None:
    line = LeefPayload(severity="level", extension={})({"level": given_severity})
    assert read_leef(line).attributes["sev"] == expected


def test_limits_are_those_of_leef_as_well() -> None:
    payload = LeefPayload(event_class_id="id", extension={"suser": "user"})
    event = read_leef(payload({"id": "日" * 300, "user": "u" * 255}))
    assert (len(event.event_id), len(event.attributes["usrName"])) == (255, 255)
    text = payload({"id": "a", "user": "u" * 256})  # half a user is another one
    assert read_leef(text).attributes.keys() == {"sev"}
    assert isinstance(text, EventText)
    assert text.omitted == 1


def test_a_time_before_2001_has_thirteen_digits_too() -> None:
    line = LeefPayload(extension={})({"__time__": "86400"})
    assert read_leef(line).attributes["devTime"] == "0000086400000"


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE)
def test_sc4s_finds_all_attributes_and_a_time_that_it_reads(case: Hostile) -> None:
    payload = LeefPayload(dialect="sc4s")
    log = LOG | {"__time_ns_part__": "5000000", "first": case.raw, "last": "end"}
    found = read_as_sc4s(payload(log))
    there = {} if case.leef is None else {"first": case.leef.replace("|", "/")}
    assert found == {**START, "devTime": "1795403700.005", **there, "last": "end"}
    read_leef(payload(log).replace("1795403700.005", "1795403700005"))


def test_a_dialect_is_one_of_two() -> None:
    with pytest.raises(SettingsError, match="dialect: expected ibm or sc4s, got 'sap'"):
        LeefPayload(dialect="sap")  # type: ignore[arg-type]


def test_the_translation_is_into_leefs_own_names() -> None:
    assert set(LEEF_NAMES) <= set(CEF_KEYS)
    assert set(LEEF_NAMES.values()) - LEEF_KEYS == {"dvc"}
    assert not CONSUMER_KEYS & CEF_KEYS.keys()
    twice = {name for name in LEEF_NAMES.values() if list(LEEF_NAMES.values()).count(name) > 1}
    assert twice == {"src", "dst"}


def test_in_rfc_3164_one_space_stands_before_the_message() -> None:
    header = FORMATS["rfc3164"].header(134, "Nov 23 03:15:00", "web-1", "", "-", "-")
    message = header + LeefPayload()(LOG)
    assert message.startswith("<134>Nov 23 03:15:00 web-1 LEEF:2.0|Alibaba Cloud|")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"leef_version": "3.0"}, "leef_version: expected 1.0 or 2.0"),
        ({"leef_version": "1.0", "delimiter": "^"}, "delimiter: expected TAB in version 1.0"),
        *(
            ({"delimiter": bad}, "delimiter: expected TAB, or punctuation")
            for bad in ("|", "x7c", "0x7c", "=", "\\", "a", "1", " ", "\n", "^^", "日", "\0")
        ),
        ({"extension": {"usrName": "user"}}, "extension: 'usrName': this is LEEF's name: use"),
    ],
)
def test_a_payload_that_cannot_be_is_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        LeefPayload(**wrong)
    assert str(caught.value).startswith(problem)


def test_the_setting_takes_its_name_or_an_object() -> None:
    own = LeefPayload(leef_version="1.0")
    assert ShipperSettings.of({"host": "siem", "payload": "leef"}).payload == LeefPayload()
    assert ShipperSettings(host="siem", payload=own).payload is own
