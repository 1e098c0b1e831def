"""OCSF: the published schema takes every event, and the attributes say what the log says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sls_syslog import EventMapping, OcsfPayload, Severity, SeverityRule, ShipperSettings
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.payloads.catalog import MAPPINGS
from sls_syslog.payloads.ocsf_classes import CLASSES, KINDS, OcsfClass
from tests.payloads.ocsf_page import PAGE, make_page
from tests.support.hostile import HOSTILE
from tests.support.read_ocsf import SCHEMA, find_faults, read_ocsf
from tests.support.sample import ACCOUNT, TIME, Sample
from tests.support.samples import SAMPLES

OCSF = OcsfPayload()
LEAST = 480  # the least max_message_bytes
ODD = [
    *(value.raw for value in HOSTILE.values()),
    *("0", "-1", "007", "1e3", "65535", "65536", "9223372036854775807", "9" * 19, "9" * 30),
    *("203.0.113.5", "2001:db8::1", "fe80::1%eth0", "::ffff:192.0.2.1", "host_name", "1.2.3"),
    *("null", "true", "{}", "[]", "CVE-2026-1", "\ud800", "½", "²", "٣", "x" * 70000),
]
BY_ID = {sample.id: sample for sample in SAMPLES}

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)


# The schema


@each_sample
def test_the_published_schema_takes_each_sample(sample: Sample) -> None:
    event = read_ocsf(OCSF(sample.log))
    assert event["metadata"]["product"] == {"vendor_name": "Alibaba Cloud", "name": sample.product}
    assert event["metadata"]["version"] == "1.5.0"
    assert event["metadata"]["event_code"] == sample.class_id
    assert event["time"] > TIME * 1000 - 10**9


def test_the_schema_refuses_an_event_that_lacks_what_it_demands() -> None:
    for sample in SAMPLES:
        whole = json.loads(OCSF(sample.log))
        required = SCHEMA["classes"][find_class_name(whole["class_uid"])]["attributes"]
        for name in whole:
            less = {key: value for key, value in whole.items() if key != name}
            if required[name]["requirement"] == "required" and name not in {
                *("class_uid", "category_uid", "activity_id", "type_uid")
            }:
                assert find_faults(less), (sample.id, name)
        assert find_faults({**whole, "severity_id": "3"})
        assert find_faults({**whole, "cs1": "a value under a key of CEF's"})


def find_class_name(uid: int) -> str:
    classes: Mapping[str, Any] = {"base_event": SCHEMA["base_event"], **SCHEMA["classes"]}
    return next(name for name, one in classes.items() if one["uid"] == uid)


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:24])
def test_an_odd_value_in_every_field_leaves_the_event_valid(value: str) -> None:
    for sample in SAMPLES:
        kept = {key: sample.log[key] for key in sample.log if key.startswith("__")}
        read_ocsf(OCSF({**dict.fromkeys(sample.log, value), **kept}))


@each_sample
def test_an_odd_value_in_one_field_leaves_the_event_valid(sample: Sample) -> None:
    for number, name in enumerate(sample.log):
        for value in ODD[number % 5 :: 5]:
            if name not in {"__time__", "__topic__"}:
                read_ocsf(OCSF({**sample.log, name: value}))


@pytest.mark.gate
@each_sample
def test_every_odd_value_in_one_field_leaves_the_event_valid(sample: Sample) -> None:
    for name in sample.log:
        read_ocsf(OCSF({key: text for key, text in sample.log.items() if key != name}))
        for value in ODD:
            if name != "__time__":
                read_ocsf(OCSF({**sample.log, name: value}))


@each_sample
def test_what_is_deep_in_json_leaves_the_event_valid(sample: Sample) -> None:
    for name, text in sample.log.items():
        if text.startswith("{"):
            for inner in json.loads(text):
                for value in ODD[::7]:
                    changed = {**json.loads(text), inner: value}
                    read_ocsf(OCSF({**sample.log, name: json.dumps(changed)}))


# Cut events


def list_leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of an event that is no object and no list, by its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from list_leaves(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from list_leaves(inner, f"{path}/{number}")
    else:
        yield path, value


def check_limits(log: Mapping[str, str], stride: int) -> None:
    settings = ShipperSettings(host="siem", hostname="h", payload="ocsf", framing="newline")
    encoder = LogEncoder(settings, MessageHooks(settings))
    whole = dict(list_leaves(read_ocsf(OCSF(log))))
    for limit in range(len(OCSF(log).encode()) + 60, LEAST - 1, -stride):
        encoder.lower_limit(limit)
        (frame,) = encoder.encode_log(dict(log)).frames
        assert len(frame) <= limit + 1
        text = frame.decode().removesuffix("\n")
        for path, value in list_leaves(read_ocsf(text[text.index("{") :])):
            is_whole = value == whole.get(path)
            is_cut = isinstance(value, str) and value.endswith("...")
            may_be_cut = (
                path in {"/message", "/status_detail"} or len(str(whole.get(path, ""))) > 255
            )
            if not is_whole and is_cut:
                assert may_be_cut, (path, value)
                assert whole[path].startswith(value[:-3]), (path, value)
            elif not is_whole:
                assert value in {"Unknown", 0}, (path, value)


@each_sample
def test_a_cut_event_is_valid_and_true(sample: Sample) -> None:
    check_limits(sample.log, 149)


FILLERS = ["u", "放行", 'a="b\\ ', "\x85x\n"]


@pytest.mark.parametrize("filler", FILLERS)
def test_an_event_whose_every_value_is_long_is_valid_however_it_is_cut(filler: str) -> None:
    for sample in SAMPLES:
        own = {
            name: text if name.startswith("__") or text[:1] in {"{", "["} else text + filler * 300
            for name, text in sample.log.items()
        }
        check_limits(own, 1499)


@pytest.mark.gate
@each_sample
def test_a_cut_event_is_valid_and_true_whatever_the_limit_is(sample: Sample) -> None:
    check_limits(sample.log, 1)


# Meaning


def read_sample(name: str) -> Any:
    return read_ocsf(OCSF(BY_ID[name].log))


def test_a_call_of_an_api() -> None:
    event = read_sample("a RAM user changes a security group")
    assert (event["class_uid"], event["activity_id"], event["type_uid"]) == (6003, 3, 600303)
    assert event["src_endpoint"] == {"ip": "203.0.113.24"}
    assert event["actor"]["user"]["name"] == "运维-张伟"
    assert event["api"]["operation"] == "AuthorizeSecurityGroup"
    assert event["api"]["service"]["name"] == "ecs.aliyuncs.com"
    assert event["resources"][0]["name"] == "sg-bp1examplegroup"
    assert (event["status_id"], event["status"]) == (1, "Success")
    assert event["unmapped"]["AccountId"] == ACCOUNT
    assert event["unmapped"]["Region"] == "cn-hangzhou"


def test_a_sign_in_to_the_console_is_an_authentication() -> None:
    event = read_sample("a sign-in to the console fails, over IPv6")
    assert (event["class_uid"], event["activity_id"], event["status_id"]) == (3002, 1, 2)
    assert ":" in event["src_endpoint"]["ip"]
    assert event["severity_id"] == 4


def test_what_flowed_from_the_source_is_bytes_out() -> None:
    """OCSF counts from the source's side; CEF's `in` is what the source sent."""
    event = read_sample("a host sends 5 GB out of its VPC")
    assert event["class_uid"] == 4001
    assert event["traffic"]["bytes_out"] >= 5 * 10**9


@pytest.mark.parametrize(
    ("sample", "class_uid", "activity_id"),
    [
        ("WAF blocks an injection of SQL", 4002, 3),
        ("a load balancer finds no answer from behind it", 4002, 6),
        ("Cloud Firewall drops an attack", 2004, 1),
        ("Cloud Firewall lets traffic of a NAT gateway pass", 4001, 6),
        ("Cloud Firewall's web filter drops a request", 4001, 5),
        ("a security group rejects traffic that comes in", 4001, 5),
        ("a host connects to another one", 4001, 1),
        ("a host listens on a port", 4001, 7),
        ("OSS refuses an anonymous reader", 6005, 1),
        ("a user reads from RDS", 6005, 4),
        ("a statement fails in RDS", 6005, 7),
        ("someone opens a shell in a pod", 6003, 1),
        ("Security Center finds a vulnerability", 2002, 1),
        ("a vulnerability is found without an agent", 2002, 1),
        ("someone logs in to a host", 3002, 1),
        ("a process starts", 1007, 1),
        ("a process runs on a host", 1007, 99),
        ("public DNS answers a question over IPv6", 4003, 6),
        ("NAS refuses to remove a file over NFSv3", 6003, 4),
        ("SLS refuses to delete a project", 6003, 4),
        ("a log of an application of one's own", 0, 0),
    ],
)
def test_class_and_activity(sample: str, class_uid: int, activity_id: int) -> None:
    event = read_sample(sample)
    assert (event["class_uid"], event["activity_id"]) == (class_uid, activity_id)


@each_sample
def test_every_value_of_the_event_is_sent(sample: Sample) -> None:
    """Under an attribute or under ``unmapped``; times and numbers as numbers."""
    sent = [str(value) for _, value in list_leaves(read_ocsf(OCSF(sample.log)))]
    for row in sample.rows:
        is_coded = row.cef in {"outcome", "deviceDirection"}
        value = row.value.lower() if row.cef.startswith("c6a") else row.value
        assert is_coded or value in sent, (row.cef, row.value)


def test_a_vulnerability_has_its_cve() -> None:
    event = read_sample("a vulnerability is found without an agent")
    assert event["vulnerabilities"] == [{"cve": {"uid": "CVE-2022-25647"}}]


def test_severity_follows_the_message_where_the_mapping_has_none() -> None:
    log = {"__time__": str(TIME), "__topic__": "app", "level": "ERROR"}
    ids = {
        severity: read_ocsf(OCSF.for_severity(severity)(log))["severity_id"]
        for severity in Severity
    }
    assert list(ids.values()) == [6, 5, 5, 4, 3, 2, 1, 1]
    assert read_ocsf(OCSF(log))["severity_id"] == 1
    rule = SeverityRule(field="level", equals="ERROR", severity="error")
    settings = ShipperSettings(host="siem", payload="ocsf", severity_rules=[rule])
    (frame,) = LogEncoder(settings, MessageHooks(settings)).encode_log(dict(log)).frames
    assert read_ocsf(frame.decode()[frame.decode().index("{") :].strip())["severity_id"] == 4


@pytest.mark.parametrize(
    ("severity", "severity_id"),
    [
        *((0, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3), (7, 4), (8, 4), (9, 5), (10, 5)),
        *(("Unknown", 0), ("Low", 2), ("Medium", 3), ("High", 4), ("Very-High", 5)),
    ],
)
def test_severity_of_a_mapping(severity: int | str, severity_id: int) -> None:
    payload = OcsfPayload(severity=severity, mapping="generic")
    if isinstance(severity, str):
        payload = OcsfPayload(severity="level", mapping="generic")
    event = read_ocsf(payload({"level": str(severity)}))
    assert event["severity_id"] == severity_id


def test_the_id_of_a_log_is_that_of_the_event() -> None:
    log = {**BY_ID["WAF lets a request pass"].log, "__event_id__": "shard/1/2"}
    assert read_ocsf(OCSF(log))["metadata"]["uid"] == "shard/1/2"
    assert read_ocsf(OCSF(log))["metadata"]["log_name"] == log["__topic__"]


@pytest.mark.parametrize("fields", [{}, *({"__time__": bad} for bad in ("", "now", "9" * 5000))])
def test_the_present_is_the_time_of_a_log_without_one(fields: dict[str, str]) -> None:
    before = int(time.time()) * 1000
    event = read_ocsf(OCSF({"__topic__": "app", **fields}))
    assert before <= event["time"] <= time.time() * 1000


def test_raw_data_is_the_log() -> None:
    log = {"__time__": str(TIME), "__topic__": "app", "text": 'a"b\n', "half": "\udc80"}
    raw = read_ocsf(OcsfPayload(raw_data=True)(log))["raw_data"]
    assert json.loads(raw) == {**log, "half": "?"}
    assert "raw_data" not in read_ocsf(OCSF(log))


def test_a_mapping_of_ones_own_is_a_base_event() -> None:
    own = EventMapping(vendor="Us", product="Shop", extension={"src": "ip", "suser": "who"})
    event = read_ocsf(OcsfPayload(mapping=own)({"ip": "192.0.2.1", "who": "eve"}))
    assert event["class_uid"] == 0
    assert event["unmapped"] == {"src": "192.0.2.1", "suser": "eve"}
    assert event["metadata"]["product"] == {"vendor_name": "Us", "name": "Shop"}


def test_a_part_of_ones_own_changes_no_class() -> None:
    log = BY_ID["WAF lets a request pass"].log
    event = read_ocsf(OcsfPayload(vendor="Us")(log))
    assert (event["class_uid"], event["metadata"]["product"]["vendor_name"]) == (4002, "Us")


def test_a_key_of_ones_own_keeps_the_class_and_is_unmapped() -> None:
    log = {**BY_ID["WAF lets a request pass"].log, "order": "7"}
    event = read_ocsf(OcsfPayload(mapping="waf", extension={"order": "order"})(log))
    assert (event["class_uid"], event["unmapped"]["order"]) == (4002, "7")


def test_masks_are_applied_before() -> None:
    settings = ShipperSettings(
        host="siem", payload="ocsf", mask=[{"field": "who", "text": "hidden"}]
    )
    log = {"__time__": str(TIME), "__topic__": "app", "who": "mallory", "what": "x"}
    (frame,) = LogEncoder(settings, MessageHooks(settings)).encode_log(log).frames
    assert b"mallory" not in frame
    assert b'"what":"x"' in frame


# The tables


def list_classes() -> list[OcsfClass]:
    return [*CLASSES.values(), *(kind for kinds in KINDS.values() for kind in kinds.values())]


def test_every_mapping_has_a_class() -> None:
    assert CLASSES.keys() == {*MAPPINGS, "generic", "own"}
    assert len(set(MAPPINGS.values())) == len(MAPPINGS)


def test_classes_have_the_names_and_activities_of_the_schema() -> None:
    for kind in list_classes():
        published = SCHEMA["classes"][find_class_name(kind.uid)] if kind.uid else None
        if published is None:
            assert kind.caption == "Base Event"
            continue
        assert kind.caption == published["caption"]
        ids = {int(number) for number in published["attributes"]["activity_id"]["enum"]}
        assert {*kind.activities.values(), kind.otherwise} <= ids


def test_the_page_is_what_the_code_says() -> None:
    """Otherwise: `python -m tests.payloads.ocsf_page`, and see what has changed."""
    assert PAGE.read_text() == make_page()
