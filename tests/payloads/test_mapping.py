"""What a log means: sources, types, keys; before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import EventMapping, Labelled, SettingsError
from sls_syslog.payloads.catalog.choice import make_generic_mapping
from sls_syslog.payloads.dictionary import CEF_KEYS, CUSTOM_KEYS, RESERVED_KEYS
from sls_syslog.payloads.fields import Constant, Fields
from sls_syslog.payloads.mapping import make_key
from sls_syslog.payloads.values import CONVERSIONS, parse_milliseconds
from tests.support.strategies import CHARACTERS

EVENT = (
    '{"userIdentity":{"userName":"李雷","mfa":true,"age":7,"rate":1.5,"nothing":null},'
    '"sourceIPs":["10.0.0.1",["deep"]],"a.b":{"c.d":"dotted"},"empty":"","dash":"-",'
    '"text":" x\\u0000y\\u2028 \\ud800"}'
)
LOG = {"event": EVENT, "event.flat": "exact", "plain": " value\t", "dash": "-", "spaces": "  "}


def values_of(extension: dict[str, Any], log: dict[str, str]) -> dict[str, str]:
    return EventMapping(extension=extension).event(log).values


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("plain", "value"),
        ("dash", None),
        ("spaces", None),
        ("missing", None),
        ("missing.path", None),
        ("plain.path", None),
        ("event.flat", "exact"),
        ("event.userIdentity.userName", "李雷"),
        ("event.userIdentity.mfa", "true"),
        ("event.userIdentity.age", "7"),
        ("event.userIdentity.rate", "1.5"),
        ("event.userIdentity.nothing", None),
        ("event.userIdentity.nothing.more", None),
        ("event.userIdentity.userName.more", None),
        ("event.sourceIPs", '["10.0.0.1",["deep"]]'),
        ("event.sourceIPs.0", "10.0.0.1"),
        ("event.sourceIPs.1.0", "deep"),
        ("event.sourceIPs.2", None),
        ("event.sourceIPs.-1", None),
        ("event.sourceIPs.x", None),
        ("event.a.b.c.d", None),
        ("event.empty", None),
        ("event.dash", None),
        ("event.text", "x y"),
    ],
)
def test_a_field_is_found_by_its_name_and_else_by_its_path(path: str, expected: str | None) -> None:
    fields = Fields(LOG)
    assert fields.get(path) == expected
    assert (path in fields) is (expected is not None)


def test_a_key_with_dots_may_end_a_path() -> None:
    assert Fields({"k": '{"x":{"a.b/c":"1"}}'})["k.x.a.b/c"] == "1"


@pytest.mark.parametrize(
    "number",
    [
        *("1.10", "0.1000000000000000055511", "123456789012345678.25", "1E2", "-0", "-0.0"),
        *("1e-999", "9" * 18, "9" * 19, "9" * 5000, "1.5", "-7"),
    ],
)
def test_a_number_keeps_its_digits(number: str) -> None:
    inner = f'{{"a":[{number},true,"x"],"ü":{{}}}}'
    fields = Fields({"event": f'{{"n":{number}, "o":{inner.replace(",", ", ")}}}'})
    assert fields["event.n"] == fields["event.o.a.0"] == number
    assert fields["event.o"] == inner


@pytest.mark.parametrize("number", ["1", "1.10"])
def test_json_of_any_depth_raises_nothing(number: str) -> None:
    for depth in (10, 100, 300, 600, 900, 100_000):
        value = Fields({"event": f'{{"a":{"[" * depth}{number}{"]" * depth}}}'}).text("event.a")
        assert value in ("", f"{'[' * depth}{number}{']' * depth}")


def test_fields_are_those_that_hold_something() -> None:
    assert dict(Fields(LOG)) == {"event": Fields(LOG)["event"], "event.flat": "exact"} | {
        "plain": "value"
    }
    assert len(Fields(LOG)) == 3
    with pytest.raises(KeyError):
        Fields(LOG)["dash"]


@pytest.mark.parametrize(
    "broken", ["{", "nonsense", "[" * 100_000, '{"a":' * 100_000, "1" * 5000, "", "null", "NaN"]
)
def test_what_is_no_json_gives_nothing(broken: str) -> None:
    assert Fields({"event": broken}).get("event.a.b") is None


def test_sources_are_names_functions_or_several_of_these() -> None:
    seen = []

    def function(log: Mapping[str, str]) -> str | None:
        seen.append(log["event.userIdentity.userName"])
        return log.get("nope")

    extension = {
        "act": ("missing", "dash", function, Constant("fixed"), "plain"),
        "app": Constant(" a "),
    }
    assert values_of(extension, LOG) == {"act": "fixed", "app": "a"}
    assert seen == ["李雷"]


@pytest.mark.parametrize(
    ("kind", "given_text", "expected"),
    [
        ("integer", "0443", "443"),
        ("integer", "+7", "7"),
        ("integer", "-2147483648", "-2147483648"),
        ("integer", "2147483648", None),
        ("integer", "1.0", None),
        ("integer", "１２", None),
        ("integer", "9" * 5000, None),
        ("long", "9223372036854775807", "9223372036854775807"),
        ("long", "9223372036854775808", None),
        ("port", "65535", "65535"),
        ("port", "65536", None),
        ("port", "-1", None),
        ("count", "5000000000", "5000000000"),
        ("count", "-1", None),
        ("float", "1.5e-3", "1.5e-3"),
        ("float", "nan", None),
        ("float", "1,5", None),
        ("mac", "00-1A-2b-3c-4d-5e", "00:1A:2b:3c:4d:5e"),
        ("mac", "001a2b3c4d5e", None),
        ("ipv4", "192.0.2.255", "192.0.2.255"),
        ("ipv4", "192.0.2.256", None),
        ("ipv4", "192.0.2.01", None),
        ("ipv4", "::1", None),
        ("ipv6", "FE80::1%eth0", "fe80::1"),
        ("ipv6", "::ffff:192.0.2.1", None),
        ("ipv6", "192.0.2.1", None),
        ("ipv6", "1:2", None),
    ],
)
def test_values_of_a_type_are_in_its_form_or_left_out(
    kind: str, given_text: str, expected: str | None
) -> None:
    assert CONVERSIONS[kind](given_text) == expected


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("1795403700", "1795403700000"),
        ("1795403700.5", None),
        ("1795403700.123456", "1795403700123"),
        ("1795403700123", "1795403700123"),
        ("1795403700123456", "1795403700123"),
        ("1795403700123456789", "1795403700123"),
        ("17954037001", None),
        ("2026-11-23T03:15:00Z", "1795403700000"),
        ("2026-11-23T11:15:00.123456789+08:00", "1795403700123"),
        ("2026-11-23 08:45:00,1+0530", "1795403700100"),
        ("2026-11-22T19:15:00-08:00", "1795403700000"),
        ("2026-11-23T03:15:00", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-11-23T03:15:00+99:00", None),
        ("1969-12-31T23:59:59Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("yesterday", None),
    ],
)
def test_times_are_milliseconds_since_1970(given_text: str, expected: str | None) -> None:
    assert parse_milliseconds(given_text) == expected


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ({"__time__": "1795403700"}, "1795403700000"),
        ({"__time__": "1795403700", "__time_ns_part__": "7000000"}, "1795403700007"),
        ({"__time__": "1795403700", "__time_ns_part__": "4294967295"}, "1795403700000"),
        ({"__time__": "0"}, "0"),
        ({"__time__": "9999999999"}, "9999999999000"),
        *(({"__time__": text}, None) for text in ("now", "", "99999999999", "9" * 5000)),
        ({}, None),
    ],
)
def test_the_logs_own_time_is_its_time(log: dict[str, str], expected: str | None) -> None:
    assert values_of({}, log).get("rt") == expected


@pytest.mark.parametrize(
    ("key", "address", "expected"),
    [
        ("src", "192.0.2.1", {"src": "192.0.2.1"}),
        ("src", "2001:db8::1", {"c6a2": "2001:db8::1"}),
        ("dst", "2001:db8::1", {"c6a3": "2001:db8::1"}),
        ("dvc", "2001:db8::1", {"c6a1": "2001:db8::1"}),
        ("src", "web-1.example", {"shost": "web-1.example"}),
        ("dst", "actiontrail.aliyuncs.com", {"dhost": "actiontrail.aliyuncs.com"}),
        ("dvc", "web_1" * 20, {"dvchost": "web_1" * 20}),
        ("dvc", "web_1" * 20 + "2", {}),
        ("src", "192.0.2.1:80", {"src": "192.0.2.1"}),
        ("src", "[2001:db8::1]:80", {"c6a2": "2001:db8::1"}),
        ("src", "[2001:db8::1%eth0]", {"c6a2": "2001:db8::1"}),
        ("src", "[::ffff:192.0.2.1]:80", {"src": "192.0.2.1"}),
        ("src", "web.example:80", {"shost": "web.example"}),
        ("src", "192.0.2.1, 10.0.0.1", {"src": "192.0.2.1"}),
        ("src", "192.0.2.1:80,10.0.0.1:80", {"src": "192.0.2.1"}),
        ("src", "[2001:db8::1]:80, 10.0.0.1", {"c6a2": "2001:db8::1"}),
        *(("src", text, {}) for text in ("-", "", "unknown", "Unknown", "null", "None", "n/a")),
        ("dvc", "log_service", {}),
        *(("src", text, {}) for text in ("two words", "1.2.3", "256.0.0.1", "17", "1.2.3.4.5")),
        *(("src", text, {}) for text in (":80", "[]:80", "192.0.2.1:port", "192.0.2.1:123456")),
        *(
            ("src", text, {})
            for text in (",192.0.2.1", "unknown, 192.0.2.1", "[192.0.2.1", "1::2::")
        ),
    ],
)
def test_an_address_goes_where_its_kind_belongs(
    key: str, address: str, expected: dict[str, str]
) -> None:
    mapping = EventMapping(extension={key: "a"})
    event = mapping.event({"a": address})
    assert event.values == expected
    assert expected.keys() <= set(mapping.keys)


@pytest.mark.parametrize(
    ("key", "bad", "worse", "good"),
    [
        ("src", "unknown", "web-1", "192.0.2.1"),
        ("src", "two words", "web-1", "192.0.2.1"),
        ("dst", "256.1.1.1", "1.2", "db.example"),
        ("dvc", "unix:", "login", "2001:db8::1"),
        ("destinationTranslatedAddress", "web-1", "2001:db8::1", "192.0.2.1"),
        ("spt", "http", "65536", "80"),
        ("cnt", "many", "-1", "3"),
        ("cn1", "502, 200", "x", "200"),
        ("cfp1", "0.1 s", "nan", "0.1"),
        ("smac", "001a2b3c4d5e", "-1", "00:1a:2b:3c:4d:5e"),
        ("rt", "yesterday", "2026-11-23T03:15:00", "1795403700000"),
        ("end", "yesterday", "0", "1795403700000"),
    ],
)
def test_the_first_source_that_has_the_type_of_the_key_counts(
    key: str, bad: str, worse: str, good: str
) -> None:
    def find(source: Any, log: Mapping[str, str]) -> str:
        given = source if key not in CUSTOM_KEYS else Labelled("Label", source)
        values = EventMapping(extension={key: given}).event(log).values
        return ",".join(values.values())

    log = {"a": bad, "b": worse, "c": good, "d": "198.51.100.1", "e": "7"}
    for source in (("a", "b", "c"), ("a", ("b", "c")), (("a", "b"), lambda log: log["c"])):
        assert find(source, log) == good
    assert find(("c", "a"), log) == good


def test_an_ip_address_counts_before_a_host_name() -> None:
    """Whoever sends a request writes its headers: a name there must not hide the address."""
    mapping = EventMapping(extension={"src": ("forwarded", "remote")})
    log = {"forwarded": "anything", "remote": "192.0.2.1"}
    assert mapping.event(log).values == {"src": "192.0.2.1"}
    assert mapping.event({"forwarded": "anything", "remote": "?"}).values == {"shost": "anything"}


@pytest.mark.parametrize(
    ("log", "omitted"),
    [
        ({}, 0),
        ({"a": "192.0.2.1", "b": "80"}, 0),
        ({"a": "two words", "b": "-"}, 1),
        ({"a": "two words", "b": "http", "c": "?"}, 2),
        ({"a": "two words", "c": "192.0.2.1"}, 0),
        ({"a": "unknown", "b": "N/A"}, 0),
    ],
)
def test_what_is_left_out_is_counted(log: dict[str, str], omitted: int) -> None:
    mapping = EventMapping(extension={"src": ("a", "c"), "spt": "b", "msg": "a", "own": "a"})
    assert mapping.event(log).omitted == omitted


def test_the_first_of_several_values_for_a_key_counts() -> None:
    extension = {"src": "a", "shost": "b"}
    assert values_of(extension, {"a": "one", "b": "two"}) == {"shost": "one"}
    assert values_of(extension, {"a": "192.0.2.1", "b": "two"}) == {
        "src": "192.0.2.1",
        "shost": "two",
    }


@pytest.mark.parametrize(
    ("severity", "log", "expected"),
    [
        (7, {}, "7"),
        ("7", {"7": "9"}, "7"),
        ("high", {}, "High"),
        ("level", {"level": "very-high"}, "Very-High"),
        ("level", {"level": "11"}, ""),
        ("level", {}, ""),
        (None, {"level": "5"}, ""),
        (("a", "b"), {"b": "10"}, "10"),
        (("a", "b"), {"a": "?", "b": "HIGH"}, "High"),
        (("a", "b"), {"a": "?", "b": "11"}, ""),
        (Constant("Low"), {}, "Low"),
        (lambda log: "2" if "a" in log else None, {"a": "x"}, "2"),
    ],
)
def test_severity_is_one_of_cefs_or_is_left_to_the_message(
    severity: Any, log: dict[str, str], expected: str
) -> None:
    assert EventMapping(severity=severity).event(log).severity == expected


def test_name_and_class_id_fall_back() -> None:
    mapping = EventMapping(event_class_id="id", name="name")
    assert mapping.event({"id": "i", "name": "n"})[:2] == ("i", "n")
    assert mapping.event({"id": "i", "name": "-"})[:2] == ("i", "i")
    assert mapping.event({"__topic__": "t"})[:2] == ("t", "t")
    assert mapping.event({"__topic__": ""})[:2] == ("log", "log")


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("region", "region"),
        (("event.a", "b"), "event.a"),
        (lambda log: "x", "cs1"),
        ((lambda log: "x", "b"), "b"),
        (Labelled(" The\nregion ", "region"), "The\nregion"),
        (Labelled("l" * 2000, "region"), "l" * 1023),
    ],
)
def test_a_custom_field_has_a_label(source: Any, label: str) -> None:
    assert EventMapping(extension={"cs1": source}).labels == {"cs1": label}


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"extension": {"a b": "x"}}, "extension: 'a b': a key must have only letters and digits"),
        ({"extension": {"用户": "x"}}, "extension: '用户': a key must"),
        ({"extension": {"": "x"}}, "extension: '': a key must"),
        ({"extension": {"rawEvent": "x"}}, "extension: 'rawEvent': only a consumer may add"),
        ({"extension": {"cs1Label": "x"}}, "extension: 'cs1Label': give the label as Labelled("),
        ({"extension": {"devTime": "x"}}, "extension: 'devTime': this is LEEF's name: use CEF's"),
        ({"extension": {"sev": "x"}}, "extension: 'sev': this is LEEF's name: use the parameter"),
        (
            {"extension": {"sourceAddress": "x"}},
            "extension: 'sourceAddress': this is the full name",
        ),
        (
            {"extension": {"message": "x"}},
            "extension: 'message': this is the full name of CEF's 'm",
        ),
        ({"extension": {"name": "x"}}, "extension: 'name': CEF's header has this name: give the"),
        ({"extension": {"act": Labelled("a", "x")}}, "extension: 'act': only keys such as"),
        ({"extension": {"cs1": Labelled("-", "x")}}, "extension: 'cs1': a label must"),
        ({"extension": {"act": 7}}, "extension: 'act': expected a field's name"),
        ({"extension": {"act": ("a", None)}}, "extension: 'act': expected a field's name"),
        ({"event_class_id": 7}, "event_class_id: expected a field's name"),
        ({"name": ["a"]}, "name: expected a field's name"),
        ({"severity": 11}, "severity: expected a field's name"),
        ({"product": "p" * 64}, "product: expected 1 to 63 characters"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        EventMapping(**wrong)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("user_agent", "userAgent"),
        ("User-Agent", "UserAgent"),
        ("__topic__", "topic"),
        ("a.b[0].c", "aB0C"),
        ("404", "f404"),
        ("用户", "f842787ca"),
        ("", "f"),
        ("src", "slsSrc"),
        ("rawEvent", "slsRawEvent"),
        ("usrName", "slsUsrName"),
        ("cs1Label", "slsCs1Label"),
        ("request_method", "slsRequestMethod"),
        ("SRC", "slsSRC"),
        ("start_time", "slsStartTime"),
        ("deviceCustomString1Label", "slsDeviceCustomString1Label"),
        ("mrt", "slsMrt"),
        ("name", "slsName"),
        ("Severity", "slsSeverity"),
        ("usrname", "slsUsrname"),
    ],
)
def test_a_name_becomes_a_key(name: str, key: str) -> None:
    assert make_key(name) == key


@given(
    st.lists(
        st.text(CHARACTERS, max_size=6) | st.sampled_from(["cn", "c_n", "cs", "src"]), unique=True
    )
)
def test_every_field_of_an_unknown_log_has_a_key_of_its_own(names: list[str]) -> None:
    log = {name: "x" for name in names if not name.startswith("__")}
    values = make_generic_mapping(log).event(log).values
    assert list(values.values()) == ["x"] * len(log)
    assert not {key.lower() for key in values} & RESERVED_KEYS


# Names that Logstash's codec and Elastic's decode_cef read as fields of CEF.
READ_AS_CEF = """
    agentAddress agentHostName agentId agentMacAddress agentReceiptTime agentTimeZone agentType
    agentVersion applicationProtocol baseEventCount bytesIn bytesOut categoryDeviceType
    destinationAddress destinationGeoLatitude destinationGeoLongitude destinationHostName
    destinationMacAddress destinationNtDomain destinationPort destinationProcessId
    destinationProcessName destinationUserId destinationUserName destinationUserPrivileges
    deviceAction deviceAddress deviceCustomFloatingPoint1 deviceCustomFloatingPoint4Label
    deviceCustomIPv6Address1 deviceCustomIPv6Address4Label deviceCustomNumber1
    deviceCustomNumber3Label deviceCustomString1 deviceCustomString6Label deviceCustomDate1Label
    deviceEventCategory deviceEventClassId deviceHostName deviceMacAddress deviceProcessId
    deviceProduct deviceReceiptTime deviceTimeZone deviceVendor deviceVersion endTime eventId
    eventOutcome fileName fileSize flexDate1Label flexString2Label managerReceiptTime message
    rawEvent requestUrl sourceAddress sourceGeoLatitude sourceGeoLongitude sourceHostName
    sourceMacAddress sourceNtDomain sourcePort sourceProcessId sourceProcessName sourceUserId
    sourceUserName sourceUserPrivileges startTime transportProtocol name severity catdt mrt
    deviceInboundInterface oldFileHash destinationTranslatedZoneExternalID cefVersion
"""
READ_AS_LEEF = "devTime devTimeFormat usrName srcPort identHostName isLoginEvent sev url policy"


def spellings(name: str) -> Iterator[str]:
    """Names of fields that could become a key."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    yield from (name, name.lower(), name.upper(), words, words.lower(), words.replace("_", "-"))


@pytest.mark.parametrize("known", f"{READ_AS_CEF} {READ_AS_LEEF}".split())
def test_no_field_of_an_unknown_log_passes_for_a_field_of_cef_or_leef(known: str) -> None:
    for name in spellings(known):
        (key,) = make_generic_mapping({name: "x"}).event({name: "x"}).values
        assert key.lower().startswith("sls"), name


def test_the_dictionary_has_a_type_for_each_key() -> None:
    kinds = {spec.kind for spec in CEF_KEYS.values()}
    assert kinds == {"string", "address", *CONVERSIONS}
    assert all(spec.limit for spec in CEF_KEYS.values() if spec.kind == "string")
    assert len(CUSTOM_KEYS) == 6 + 3 + 4 + 4 + 2 + 1 + 2 + 2
    assert set(CUSTOM_KEYS) <= set(CEF_KEYS)
