"""CEF, read back by a strict reader and by liblognorm."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sls_syslog import CefPayload, EventMapping, Labelled, SettingsError, ShipperSettings
from sls_syslog.payloads.dictionary import CEF_KEYS
from sls_syslog.payloads.fields import Constant, clean
from sls_syslog.syslog.formats import FORMATS
from sls_syslog.syslog.sanitize import NEWLINES
from tests.support.hostile import HOSTILE, Hostile
from tests.support.lognorm import read_cef_with_lognorm
from tests.support.read_cef import NotCefError, read_cef
from tests.support.siem_readers import read_as_elastic, read_as_logstash
from tests.support.strategies import CHARACTERS, FIELD_NAMES

LOG = {"__time__": "1795403700", "__topic__": "audit", "__source__": "10.0.0.1"}
OWN = CefPayload(
    vendor="Example",
    product="Shop",
    version="2.1",
    event_class_id="event.eventName",
    name="event.title",
    severity="level",
    extension={
        "src": "sourceIpAddress",
        "suser": "event.userIdentity.userName",
        "cs1": Labelled("Request id", "event.requestId"),
        "cs2": "region",
        "msg": ("errorMessage", "message"),
        "shopTill": "till",
    },
)

# The keys of CEF whose values are sentences, or that a mapping gives a meaning of its own.
FREE_TEXT = {
    *("msg", "reason", "requestClientApplication"),
    *(f"cs{n}" for n in range(1, 7)),
    *("flexString1", "flexString2"),
}


def cut_to(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def naive(log: Mapping[str, str]) -> str:
    """CEF as written by those who have not heard of escaping."""
    pairs = " ".join(f"{key}={value}" for key, value in log.items() if not key.startswith("__"))
    return f"CEF:0|Alibaba Cloud|Log Service|1.0|{log['__topic__']}|audit|3|rt=1 {pairs}"


def test_a_mapping_of_ones_own_makes_exactly_this_message() -> None:
    log = LOG | {
        "__time_ns_part__": "123456789",
        "event": '{"eventName":"Delete|All","title":"A\\\\B","requestId":"R=1",'
        '"userIdentity":{"userName":"李雷"}}',
        "sourceIpAddress": "192.0.2.1",
        "region": "cn-hangzhou",
        "level": "high",
        "message": "two\nlines",
        "till": "7",
        "unmapped": "x",
    }
    assert OWN(log) == (
        r"CEF:0|Example|Shop|2.1|Delete\|All|A\\B|High|rt=1795403700123 src=192.0.2.1 suser=李雷"
        r" cs1=R\=1 cs1Label=Request id cs2=cn-hangzhou cs2Label=region shopTill=7 msg=two\nlines"
    )


def test_an_unknown_topic_gets_the_generic_form() -> None:
    log = LOG | {
        "__tag__:__hostname__": "web-1",
        "user_agent": "curl/8",
        "src": "1",
        "404": "n",
        "referer": "-",
        "用户": "李",
    }
    assert CefPayload()(log) == (
        "CEF:0|Alibaba Cloud|Log Service|1.0|audit|audit|3|rt=1795403700000 dvc=10.0.0.1"
        " tagHostname=web-1 userAgent=curl/8 slsSrc=1 f404=n f842787ca=李"
    )


# What arrived from an unknown topic, and an iptables log: names of CEF in other cases and lengths.
FORGING = {
    "start_time": "2026-11-03 12:00:00",
    "name": "bob",
    "severity": "ERROR",
    "source_address": "192.0.2.66",
    "SRC": "192.0.2.67",
    "DPT": "22",
    "IN": "eth0",
}


@pytest.mark.parametrize("read", [read_as_logstash, read_as_elastic])
def test_no_field_of_an_unknown_log_is_read_as_a_field_of_cef(
    read: Callable[[str], dict[str, str]],
) -> None:
    settings = ShipperSettings(host="siem", receiver="arcsight")
    pairs = read(settings.payload({"__time__": "1795403700", "__topic__": "app", **FORGING}))
    assert (pairs["header name"], pairs["header severity"]) == ("app", "3")
    values = {key: text for key, text in pairs.items() if not key.startswith("header")}
    assert values == {
        "rt": "1795403700000",
        "slsStartTime": "2026-11-03 12:00:00",
        "slsName": "bob",
        "slsSeverity": "ERROR",
        "slsSourceAddress": "192.0.2.66",
        "slsSRC": "192.0.2.67",
        "slsDPT": "22",
        "slsIN": "eth0",
    }


def test_a_log_of_nothing_is_an_event_of_nothing() -> None:
    assert CefPayload()({}) == "CEF:0|Alibaba Cloud|Log Service|1.0|log|log|3|"
    assert read_cef(CefPayload()({})).extension == {}


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_value_is_read_back_exactly(case: Hostile) -> None:
    event = read_cef(CefPayload()(LOG | {"first": case.raw, "last": "end"}))
    there = {} if case.cef is None else {"first": case.cef}
    assert event.extension == {"rt": "1795403700000", "dvc": "10.0.0.1", **there, "last": "end"}
    at_the_end = read_cef(CefPayload()(LOG | {"first": case.raw}))
    assert at_the_end.extension == {"rt": "1795403700000", "dvc": "10.0.0.1", **there}


def test_a_hostile_value_in_the_header_is_read_back_on_one_line() -> None:
    payload = CefPayload(event_class_id="what", name="what", mapping="generic")
    for name, case in HOSTILE.items():
        event = read_cef(payload(LOG | {"what": case.raw}))
        flat = (case.cef or "audit").translate(str.maketrans("\t\r\n", "   "))
        assert event.class_id == cut_to(flat, 1023), name
        assert event.name == cut_to(flat, 512), name


def test_the_newline_policy_has_nothing_left_to_change() -> None:
    for name, case in HOSTILE.items():
        message = CefPayload()(LOG | {"first": case.raw})
        assert NEWLINES["escape"](message) == message, name


def test_the_corpus_finds_out_a_writer_that_escapes_nothing() -> None:
    def survives(raw: str, expected: str | None) -> bool:
        try:
            return read_cef(naive(LOG | {"first": raw, "last": "end"})).extension == {
                "rt": "1",
                **({} if expected is None else {"first": expected}),
                "last": "end",
            }
        except NotCefError:
            return False

    survivors = {name for name, case in HOSTILE.items() if survives(case.raw, case.cef)}
    assert survivors == {name for name, case in HOSTILE.items() if case.plain}


@given(
    st.dictionaries(FIELD_NAMES, st.text(CHARACTERS, max_size=30), max_size=6),
    st.text(CHARACTERS, max_size=12),
)
@example({"cn": "1", "c-n": "2", "cn ": "3"}, "cs1")
@example({"f": "1", "": "2", "1": "3", "用": "4"}, "\\|")
def test_any_log_is_one_strict_line(fields: dict[str, str], topic: str) -> None:
    line = CefPayload()({**LOG, "__topic__": topic, **fields})
    extension = read_cef(line).extension
    assert list(extension)[:2] == ["rt", "dvc"]
    kept = [value for value in map(clean, fields.values()) if value]
    assert list(extension.values())[2:] == kept


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60))
def test_what_needs_no_repair_comes_back_as_it_was(value: str) -> None:
    extension = read_cef(CefPayload()(LOG | {"value": value, "end": "."})).extension
    expected = value.strip()
    assert extension.get("value", "") == ("" if expected == "-" else expected)


LIBLOGNORM_HEADER = {
    "DeviceVendor": "vendor",
    "DeviceProduct": "product",
    "DeviceVersion": "version",
    "SignatureID": "class_id",
    "Name": "name",
    "Severity": "severity",
}


def hostile_lines() -> list[str]:
    payloads = (CefPayload(), CefPayload(event_class_id="first", name="first", mapping="generic"))
    logs = [LOG | {"first": case.raw, "last": "end"} for case in HOSTILE.values()]
    logs += [LOG | {"first": case.raw} for case in HOSTILE.values()]
    return [payload(log) for payload in payloads for log in logs]


def random_lines(count: int = 3000) -> list[str]:
    chance = random.Random(20261123)
    alphabet = "ab =|\\\n\r\t\"'^#%日\u2028\x85\x00-:"
    lines = []
    for _ in range(count):
        values = ("".join(chance.choices(alphabet, k=chance.randrange(12))) for _ in range(4))
        log = dict(zip(("one", "two", "three", "four"), values, strict=True))
        lines.append(OWN(LOG | log) if chance.random() < 0.1 else CefPayload()(LOG | log))
    return lines


@pytest.mark.parametrize("make_lines", [hostile_lines, random_lines])
def test_liblognorm_reads_what_the_strict_reader_reads(
    make_lines: Callable[[], list[str]], tmp_path: Path
) -> None:
    lines = make_lines()
    for line, found in zip(lines, read_cef_with_lognorm(lines, tmp_path), strict=True):
        event = read_cef(line)
        assert {name: found[theirs] for theirs, name in LIBLOGNORM_HEADER.items()} == {
            name: getattr(event, name) for name in LIBLOGNORM_HEADER.values()
        }
        assert found["Extensions"] == event.extension


def test_liblognorm_finds_out_a_writer_that_escapes_nothing(tmp_path: Path) -> None:
    line = naive(LOG | {"first": "a=b"})
    (found,) = read_cef_with_lognorm([line], tmp_path)
    assert "unparsed-data" in found


@pytest.mark.parametrize(
    ("log", "extension", "expected"),
    [
        ({"ip": "2001:DB8::1"}, {"src": "ip"}, "c6a2=2001:db8::1 c6a2Label=Source IPv6 Address"),
        ({"ip": "::ffff:192.0.2.1"}, {"dst": "ip"}, "dst=192.0.2.1"),
        ({"ip": "oss.aliyuncs.com"}, {"src": "ip"}, "shost=oss.aliyuncs.com"),
        ({"ip": "1.2.3.4, 5.6.7.8"}, {"src": "ip"}, "src=1.2.3.4"),
        ({"a": "-", "b": "B"}, {"cs3": ("a", "b")}, "cs3=B cs3Label=a"),
        ({"a": "1"}, {"cs4": Labelled("a=b\\", "a")}, r"cs4=1 cs4Label=a\=b\\"),
        ({"a": "1", "b": "2"}, {"cn1": "a", "cs1": "b"}, "cn1=1 cn1Label=a cs1=2 cs1Label=b"),
        ({"__event_id__": "e" * 40}, {}, "externalId=" + "e" * 40),
        ({"__event_id__": "e" * 41}, {}, ""),
        ({"__event_id__": "e", "id": "mine"}, {"externalId": "id"}, "externalId=mine"),
        ({"m": "x" * 1023}, {"msg": "m"}, "msg=" + "x" * 1023),
        ({"m": "x" * 1024}, {"msg": "m"}, "msg=" + "x" * 1020 + "..."),
        ({"m": "日" * 1022 + " 本"}, {"msg": "m"}, "msg=" + "日" * 1020 + "..."),
        ({"m": "=" * 63}, {"act": "m"}, "act=" + r"\=" * 63),
    ],
)
def test_values_have_the_type_and_length_of_their_key(
    log: dict[str, str], extension: dict[str, Any], expected: str
) -> None:
    line = CefPayload(extension=extension)(log)
    assert line == f"CEF:0|Alibaba Cloud|Log Service|1.0|log|log|3|{expected}"
    read_cef(line)


def test_only_free_text_is_cut_at_the_limit_of_its_key() -> None:
    """Half a user, host, path, hash or action is another one."""
    for key, (kind, limit) in CEF_KEYS.items():
        if kind == "string":
            payload = CefPayload(extension={key: "a"})
            text = payload({"a": "x" * (limit + 1)})
            value = read_cef(text).extension.get(key)
            assert value is None or (key in FREE_TEXT and value == "x" * (limit - 3) + "..."), key
            assert getattr(text, "omitted", 0) == (value is None), key


@pytest.mark.parametrize("key", ["request", "requestContext"])
def test_a_url_is_cut_behind_its_host(key: str) -> None:
    payload = CefPayload(extension={key: "a"})
    limit = CEF_KEYS[key].limit
    host = f"https://{'h' * (limit - 12)}"
    assert f"{key}={host}/..." in payload({"a": f"{host}/path"})
    for value in (f"{host}h/path", f"{host}.example.com:8443"):
        assert f"{key}=" not in payload({"a": value})


def test_the_time_comes_first_wherever_the_mapping_has_it() -> None:
    payload = CefPayload(extension={"msg": "m", "rt": "when"})
    log = LOG | {"m": "x", "when": "2026-11-23T03:15:00.5+08:00"}
    assert payload(log).endswith("|3|rt=1795374900500 msg=x")
    assert payload(log | {"when": "yesterday"}).endswith("|3|rt=1795403700000 msg=x")


def test_parts_take_the_place_of_those_of_the_ready_mapping() -> None:
    payload = CefPayload(vendor="Example %s", severity=7, mapping="generic")
    assert payload(LOG) == (
        "CEF:0|Example %s|Log Service|1.0|audit|audit|7|rt=1795403700000 dvc=10.0.0.1"
    )
    added = CefPayload(mapping="generic", extension={"cs1": Labelled("Till", Constant("5"))})
    assert added(LOG | {"a": "1"}).endswith("dvc=10.0.0.1 cs1=5 cs1Label=Till a=1")


def test_a_mapping_itself_can_be_given() -> None:
    mapping = EventMapping(product="Shop", extension={"act": "what"})
    assert CefPayload(mapping=mapping)({"what": "sold"}).endswith("|Shop|1.0|log|log|3|act=sold")


def test_in_rfc_3164_the_message_stands_where_the_tag_is() -> None:
    payload = CefPayload()
    header = FORMATS["rfc3164"].header(134, "Nov 23 03:15:00", "web-1", "", "-", "-")
    assert payload.stands_for_tag
    assert (header + payload(LOG)).startswith("<134>Nov 23 03:15:00 web-1 CEF:0|Alibaba Cloud|")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"mapping": "actiontrial"}, "mapping: expected one of generic,"),
        ({"vendor": ""}, "vendor: expected 1 to 63 characters"),
        ({"version": "v" * 32}, "version: expected 1 to 31 characters"),
        ({"extension": {"agt": "a"}}, "extension: 'agt': only a consumer may add this key"),
    ],
)
def test_a_payload_that_cannot_be_is_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        CefPayload(**wrong)
    assert str(caught.value).startswith(problem)


def test_the_nearest_mapping_is_named() -> None:
    with pytest.raises(SettingsError, match=r", got 'actiontrial'; did you mean 'actiontrail'\?$"):
        CefPayload(mapping="actiontrial")
    with pytest.raises(SettingsError, match=r", got 'zzzzz'$"):
        CefPayload(mapping="zzzzz")


def test_the_setting_takes_its_name_or_an_object() -> None:
    assert ShipperSettings.of({"host": "siem", "payload": "cef"}).payload == CefPayload()
    assert ShipperSettings(host="siem", payload=OWN).payload is OWN
