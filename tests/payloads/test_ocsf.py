"""OCSF: the published schema takes every event, and the attributes say what the log says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from sls_syslog import EventMapping, OcsfPayload, Severity, SeverityRule, ShipperSettings
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.payloads.catalog import MAPPINGS
from sls_syslog.payloads.ocsf_classes import (
    CATEGORIES,
    CLASS_ID,
    CLASSES,
    COMPLIANCE_STATUSES,
    CONTROLS,
    FINDING_STATUSES,
    KINDS,
    ORIGINAL_TIMES,
    RCODES,
)
from tests.payloads.ocsf_page import PAGE, list_classes, make_page
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
def test_an_odd_value_in_one_field_leaves_the_event_valid(
    sample: Sample, pytestconfig: pytest.Config
) -> None:
    step = 1 if pytestconfig.getoption("--gate") else 5
    for number, name in enumerate(sample.log):
        for value in ODD[number % step :: step]:
            if name != "__time__":
                read_ocsf(OCSF({**sample.log, name: value}))


@pytest.mark.gate
@each_sample
def test_an_event_without_one_field_is_valid(sample: Sample) -> None:
    for name in sample.log:
        read_ocsf(OCSF({key: text for key, text in sample.log.items() if key != name}))


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
def test_a_cut_event_is_valid_and_true(sample: Sample, pytestconfig: pytest.Config) -> None:
    check_limits(sample.log, 1 if pytestconfig.getoption("--gate") else 149)


FILLERS = ["u", "放行", 'a="b\\ ', "\x85x\n"]


@pytest.mark.parametrize("filler", FILLERS)
def test_an_event_whose_every_value_is_long_is_valid_however_it_is_cut(filler: str) -> None:
    for sample in SAMPLES:
        own = {
            name: text if name.startswith("__") or text[:1] in {"{", "["} else text + filler * 300
            for name, text in sample.log.items()
        }
        check_limits(own, 1499)


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


class Judgement(NamedTuple):
    """What an analyst reads in the event of a sample, and why.

    ``status_id`` is ``None`` if the log does not say how it went.
    """

    class_uid: int
    activity_id: int
    severity_id: int
    status_id: int | None
    why: str


# The classes and their numbers: https://schema.ocsf.io/1.5.0/. "Page" is Alibaba Cloud's page of
# the log's fields, which the mapping names.
JUDGEMENTS = {
    "a RAM user changes a security group": Judgement(
        6003, 3, 3, 1, "page: eventRW is Write; no error; opens port 22, so Medium"
    ),
    "a sign-in to the console fails, over IPv6": Judgement(
        3002, 1, 4, 2, "page: ConsoleSignin with an errorCode; a refused password is worth a look"
    ),
    "a service calls another one, from its host's name": Judgement(
        6003, 99, 1, 1, "AssumeRole gives credentials: no create, read, update or delete"
    ),
    "ActionTrail finds an unusual rate of calls": Judgement(
        2004, 1, 3, 1, "page: an insight event, state Start: ActionTrail found something"
    ),
    "WAF blocks an injection of SQL": Judgement(
        4002, 3, 4, 2, "page: request_method GET, final_action block"
    ),
    "WAF lets a request pass": Judgement(4002, 3, 1, 1, "page: GET, status 200, no rule"),
    "WAF only monitors an injection of SQL": Judgement(
        4002, 3, 4, 1, "page: waf_test: nothing stopped the attack, so as severe as a blocked one"
    ),
    "Cloud Firewall drops an attack": Judgement(
        2004, 1, 4, 1, "page: ips_rule_id of an attack, vul_level 3 is high; nobody has reviewed it"
    ),
    "Cloud Firewall lets traffic of a NAT gateway pass": Judgement(
        4001, 6, 1, 1, "page: rule_result pass, no attack"
    ),
    "a load balancer finds no answer from behind it": Judgement(
        4002, 6, 3, 2, "page: POST, status 502"
    ),
    "OSS refuses an anonymous reader": Judgement(6005, 1, 3, 2, "page: GetObject, status 403"),
    "a user reads from RDS": Judgement(6005, 4, 1, 1, "page: SELECT is a query; fail 0"),
    "a statement fails in RDS": Judgement(6005, 7, 3, 2, "page: DROP deletes; fail is not 0"),
    "someone opens a shell in a pod": Judgement(
        6003, 1, 3, 1, "Kubernetes: the verb is create, of pods/exec; code 101"
    ),
    "Kubernetes forbids a service account to read secrets": Judgement(
        6003, 2, 3, 2, "Kubernetes: list, code 403"
    ),
    "someone reads a secret as another user": Judgement(
        6003, 2, 3, 1, "Kubernetes: get, code 200; impersonation and a secret, so Medium"
    ),
    "Security Center finds an unusual login": Judgement(
        2004, 1, 3, 1, "page: operation new, status 1 is unhandled, level suspicious"
    ),
    "Security Center finds a vulnerability": Judgement(
        2002, 1, 4, 1, "page: operation new, status 1 is unfixed, risk_level high"
    ),
    "Security Center finds a weak password": Judgement(
        2003, 2, 4, 1, "page: operation verify, status 1 is failed: still open; level high"
    ),
    "someone logs in to a host": Judgement(3002, 1, 2, 1, "page: this topic has logins that work"),
    "someone tries passwords, in the older names of the fields": Judgement(
        2004, 1, 3, 1, "page: Security Center has recognized a brute-force attack"
    ),
    "a process starts": Judgement(1007, 1, 1, None, "page: the topic of processes that start"),
    "a host connects to another one": Judgement(
        4001, 1, 1, None, "page: type connect, the host opens a connection"
    ),
    "a host asks for a name that is not there": Judgement(
        4003, 6, 1, 2, "page: question and answer in one log; rcode 3"
    ),
    "a client calls a web server": Judgement(4002, 6, 3, 2, "page: POST, status 401"),
    "a log of an application of one's own": Judgement(
        0, 0, 1, None, "nothing is known about it; the severity is that of the message"
    ),
    "the intrusion prevention of Cloud Firewall lets an attack pass": Judgement(
        2004, 1, 4, 1, "page: ips_rule_id, vul_level 3, rule_result alert"
    ),
    "Cloud Firewall's web filter drops a request": Judgement(
        4001, 5, 3, 2, "page: log_type web_filter, rule_result drop"
    ),
    "a security group rejects traffic that comes in": Judgement(
        4001, 5, 3, 2, "page: action REJECT"
    ),
    "a host sends 5 GB out of its VPC": Judgement(4001, 6, 1, 1, "page: action ACCEPT"),
    "records of a VPC's flows are missing": Judgement(
        4001, 99, 2, None, "page: SKIPDATA: no traffic is described, and nobody knows how it went"
    ),
    "a host in a VPC asks for a name that does not exist": Judgement(
        4003, 6, 1, 2, "page: rcode 3"
    ),
    "public DNS answers a question over IPv6": Judgement(4003, 6, 1, 1, "page: rcode NOERROR"),
    "ALB forwards a request": Judgement(4002, 6, 3, 2, "page: POST, status 403"),
    "Anti-DDoS blocks a request of an HTTP flood": Judgement(
        4002, 3, 3, 2, "page: GET, cc_blocks 1: no success, with any status"
    ),
    "Anti-DDoS answers a request with a captcha": Judgement(
        4002, 3, 3, 2, "page: GET, cc_action captcha: the client did not get what it asked for"
    ),
    "Anti-DDoS lets a request pass": Judgement(4002, 3, 1, 1, "page: GET, cc_action none, 200"),
    "Anti-DDoS Origin throws all traffic of an address away": Judgement(
        2004, 1, 5, 1, "page: blackhole_begin: an attack was found, and the address is lost"
    ),
    "Anti-DDoS Origin scrubs the traffic to an address": Judgement(
        4001, 6, 2, None, "page: sums of traffic, of which a part was dropped"
    ),
    "API Gateway refuses the call of an application": Judgement(
        4002, 6, 3, 2, "page: POST, statusCode 403"
    ),
    "PolarDB-X deletes rows": Judgement(6005, 7, 2, 1, "page: sql_type Delete, fail 0"),
    "PolarDB-X 1.0 refuses a statement, with the database in the topic": Judgement(
        6005, 7, 3, 2, "page: sql_type Drop, fail 1"
    ),
    "Data Security Center sees a table being exported": Judgement(
        6005, 4, 1, 1, "page: operate_type SELECT, fail 0"
    ),
    "NAS refuses to remove a file over NFSv3": Judgement(
        6003, 4, 3, 2, "RFC 1813: procedure 12 is REMOVE, NFS3ERR_ACCES"
    ),
    "NAS reads over NFSv4, whose numbers mean something else": Judgement(
        6003, 2, 1, 1, "RFC 8881: 53, 22, 25 are SEQUENCE, PUTFH, READ"
    ),
    "a user of Active Directory opens a file of NAS over SMB": Judgement(
        6003, 99, 1, None, "MS-SMB2, 2.2.1: CREATE (5) opens a file or makes one"
    ),
    "Security Center blocks a payload on the way to a process": Judgement(
        2004, 1, 3, 1, "page: an attack that the agent intercepted"
    ),
    "Security Center only watches an attack on an application": Judgement(
        2004, 1, 4, 1, "page: final_action monitor, risk_level high"
    ),
    "Security Center finds malware in a bucket": Judgement(
        2004, 1, 5, 1, "page: result 1 is malicious, risk_level serious"
    ),
    "a shell reads the accounts of a host": Judgement(2004, 1, 3, 1, "page: a rule was hit"),
    "a check of the cloud's configuration fails": Judgement(
        2003, 1, 4, 1, "page: status NOT_PASS, risk_level HIGH"
    ),
    "a vulnerability is found without an agent": Judgement(
        2002, 1, 4, 1, "page: operation new, status 1 is unfixed, alert_level asap"
    ),
    "a sensitive file is found without an agent": Judgement(2004, 1, 3, 1, "page: level medium"),
    "an agent of Security Center goes offline": Judgement(
        0, 99, 3, None, "page: status offline; no class of OCSF has it"
    ),
    "a host has an account with root's rights": Judgement(
        5003, 2, 2, None, "page: a snapshot of accounts, collected once a day"
    ),
    "a host listens on a port": Judgement(
        4001, 99, 1, None, "page: a snapshot: the port is open, which OCSF's Listen (began) is not"
    ),
    "a process runs on a host": Judgement(
        1007, 99, 1, None, "page: a snapshot: the process did not start now"
    ),
    "Alibaba Cloud changes a quota of a bucket": Judgement(
        6003, 3, 3, None, "page: Set, Internal Write, WARNING; no field has the outcome"
    ),
    "a control policy of Bastionhost meets a command": Judgement(
        0, 99, 3, None, "page: the values of result are not documented"
    ),
    "a bucket breaks a rule of Cloud Config": Judgement(
        2003, 1, 4, 1, "page: NON_COMPLIANT, riskLevel Critical is 1 of 3"
    ),
    "Cloud Config records a change of a security group": Judgement(
        0, 99, 2, None, "page: a difference, without who made it or how"
    ),
    "SLS refuses to delete a project": Judgement(6003, 4, 3, 2, "page: DeleteProject, status 401"),
}


@each_sample
def test_the_event_of_each_sample_says_what_the_log_says(sample: Sample) -> None:
    event = read_ocsf(OCSF(sample.log))
    wanted = JUDGEMENTS[sample.id]
    got = [event.get(name) for name in wanted._fields[:-1]]
    assert got == list(wanted[:-1]), wanted.why
    assert event["type_uid"] == wanted.class_uid * 100 + wanted.activity_id
    assert ("activity_name" in event) == (wanted.activity_id == 99)
    if wanted.status_id is not None and wanted.status_id != 99:
        published = SCHEMA["classes"][find_class_name(wanted.class_uid)]["attributes"]["status_id"]
        assert event["status"] == published["enum"][str(wanted.status_id)]["caption"]


def test_there_is_a_judgement_for_each_sample_and_no_other() -> None:
    assert [*JUDGEMENTS] == [sample.id for sample in SAMPLES]


VULNERABILITY = "Security Center finds a vulnerability"
BASELINE = "Security Center finds a weak password"
ALERT = "Security Center finds an unusual login"
CSPM = "a check of the cloud's configuration fails"
VERDICT = "a bucket breaks a rule of Cloud Config"
AGENTLESS = "a vulnerability is found without an agent"
INSIGHT = "ActionTrail finds an unusual rate of calls"
ORIGIN = "Anti-DDoS Origin throws all traffic of an address away"


@pytest.mark.parametrize(
    ("name", "fields", "activity_id", "status_id"),
    [
        (VULNERABILITY, {"operation": "verify", "status": "1"}, 2, 1),
        (VULNERABILITY, {"operation": "fix", "status": "2"}, 2, 2),
        (VULNERABILITY, {"operation": "fix", "status": "3"}, 2, 2),
        (VULNERABILITY, {"operation": "fix", "status": "4"}, 2, 2),
        (VULNERABILITY, {"operation": "fix", "status": "5"}, 2, 2),
        (VULNERABILITY, {"operation": "verify", "status": "6"}, 2, 2),
        (VULNERABILITY, {"operation": "fix", "status": "7"}, 3, 4),
        (VULNERABILITY, {"operation": "verify", "status": "7"}, 3, 4),
        (VULNERABILITY, {"operation": "fix", "status": "8"}, 2, 2),
        (VULNERABILITY, {"operation": "fix", "status": "9"}, 2, 2),
        (VULNERABILITY, {"operation": "new", "status": "10"}, 3, 3),
        (VULNERABILITY, {"operation": "fix", "status": "11"}, 2, 2),
        (VULNERABILITY, {"operation": "verify", "status": "12"}, 3, 4),
        (VULNERABILITY, {"operation": "verify", "status": "13"}, 3, 5),
        (VULNERABILITY, {"operation": "verify", "status": "20"}, 3, 5),
        (VULNERABILITY, {"operation": "fix", "status": "77"}, 2, 99),
        (VULNERABILITY, {"operation": "fix", "status": "-"}, 2, None),
        (VULNERABILITY, {"operation": "-", "status": "-"}, 1, 1),
        (BASELINE, {"operation": "new", "status": "1"}, 1, 1),
        (BASELINE, {"operation": "verity", "status": "2"}, 2, 2),
        (BASELINE, {"operation": "verify", "status": "6"}, 3, 3),
        (BASELINE, {"operation": "verify", "status": "7"}, 2, 2),
        (ALERT, {"operation": "dealing", "status": "1"}, 2, 1),
        (ALERT, {"operation": "update", "status": "2"}, 3, 3),
        (ALERT, {"operation": "update", "status": "8"}, 3, 3),
        (ALERT, {"operation": "dealing", "status": "16"}, 2, 2),
        (ALERT, {"operation": "dealing", "status": "32"}, 3, 4),
        (ALERT, {"operation": "update", "status": "64"}, 3, 5),
        (ALERT, {"operation": "new", "status": "513"}, 3, 4),
        (CSPM, {"status": "PASS"}, 3, 4),
        (CSPM, {"status": "WHITELIST"}, 3, 3),
        (CSPM, {"status": "CHECKING"}, 2, 2),
        (CSPM, {"status": "NOT_CHECK"}, 0, 0),
        (VERDICT, {"complianceType": "COMPLIANT"}, 3, 4),
        (VERDICT, {"complianceType": "NOT_APPLICABLE"}, 2, 99),
        (VERDICT, {"complianceType": "INSUFFICIENT_DATA"}, 2, 99),
        (AGENTLESS, {"operation": "update", "status": "1"}, 2, 1),
        (AGENTLESS, {"operation": "update", "status": "7"}, 3, 4),
        (ORIGIN, {"event_type": "blackhole_ended"}, 3, 99),
        (ORIGIN, {"event_type": "mitigation_begin"}, 1, 1),
        (ORIGIN, {"event_type": "mitigation_ended"}, 3, 99),
    ],
)
def test_a_finding_is_opened_updated_and_closed(
    name: str, fields: Mapping[str, str], activity_id: int, status_id: int | None
) -> None:
    """The states are those of Alibaba Cloud's pages; see ``ocsf_classes.py``."""
    whole = read_sample(name)
    event = read_ocsf(OCSF({**BY_ID[name].log, **fields}))
    assert (event["activity_id"], event.get("status_id")) == (activity_id, status_id)
    if "event_type" not in fields or "blackhole" in fields["event_type"]:
        assert event["finding_info"]["uid"] == whole["finding_info"]["uid"]


def test_a_finding_of_one_host_is_not_that_of_another() -> None:
    for name, field in {
        VULNERABILITY: "uuid",
        BASELINE: "uuid",
        AGENTLESS: "uuid",
        CSPM: "instance_id",
        ORIGIN: "ip",
    }.items():
        log = {**BY_ID[name].log, field: "203.0.113.9"}
        uid = read_ocsf(OCSF(log))["finding_info"]["uid"]
        assert uid != read_sample(name)["finding_info"]["uid"], name


def test_an_insight_that_ends_is_closed() -> None:
    log = BY_ID[INSIGHT].log
    ended = {**log, "event": log["event"].replace('"state":"Start"', '"state":"End"')}
    event = read_ocsf(OCSF(ended))
    assert (event["class_uid"], event["activity_id"]) == (2004, 3)
    assert (event["status_id"], event["status"]) == (99, "End")


@pytest.mark.parametrize(
    ("name", "fields", "status_id", "control"),
    [
        (BASELINE, {}, 3, "SSH弱口令"),
        (CSPM, {}, 3, "回源配置"),
        (CSPM, {"status": "PASS"}, 1, "回源配置"),
        (VERDICT, {}, 3, "公开读|禁止"),
        (VERDICT, {"complianceType": "COMPLIANT"}, 1, "公开读|禁止"),
        (VERDICT, {"complianceType": "INSUFFICIENT_DATA"}, 2, "公开读|禁止"),
    ],
)
def test_a_check_has_its_verdict(
    name: str, fields: Mapping[str, str], status_id: int, control: str
) -> None:
    event = read_ocsf(OCSF({**BY_ID[name].log, **fields}))
    assert event["class_uid"] == 2003
    assert event["compliance"]["status_id"] == status_id
    assert event["compliance"]["control"] == control


def test_a_baseline_without_an_agent_is_a_check_too() -> None:
    log = {name: BY_ID[AGENTLESS].log[name] for name in ("__time__", "__topic__", "uuid")}
    log |= {"check_item_name": "口令过期", "check_item_level": "high", "operation": "update"}
    for status, wanted in {"1": (2003, 2, 1, 3), "3": (2003, 3, 4, 1)}.items():
        event = read_ocsf(OCSF({**log, "status": status}))
        got = (event["class_uid"], event["activity_id"], event["status_id"])
        assert (*got, event["compliance"]["status_id"]) == wanted


def test_a_safe_file_is_no_finding() -> None:
    log = {**BY_ID["Security Center finds malware in a bucket"].log, "result": "0"}
    event = read_ocsf(OCSF(log))
    assert (event["class_uid"], event["activity_id"], event["severity_id"]) == (0, 99, 1)


@pytest.mark.parametrize(
    ("name", "fields", "action_id", "disposition_id"),
    [
        ("WAF blocks an injection of SQL", {}, 2, 2),
        ("WAF blocks an injection of SQL", {"final_action": "captcha_strict"}, 0, 22),
        ("WAF blocks an injection of SQL", {"final_action": "js"}, 0, 23),
        ("WAF lets a request pass", {}, 1, 1),
        ("WAF only monitors an injection of SQL", {}, 3, 15),
        ("Cloud Firewall drops an attack", {}, 2, 6),
        ("Cloud Firewall lets traffic of a NAT gateway pass", {}, 1, 1),
        ("the intrusion prevention of Cloud Firewall lets an attack pass", {}, 3, 19),
        ("a security group rejects traffic that comes in", {}, 2, 2),
        ("a host sends 5 GB out of its VPC", {}, 1, 1),
        ("Anti-DDoS blocks a request of an HTTP flood", {}, 2, 2),
        ("Anti-DDoS answers a request with a captcha", {}, 0, 22),
        ("Security Center blocks a payload on the way to a process", {}, 2, 2),
        ("Security Center only watches an attack on an application", {}, 3, 15),
        (ALERT, {"status": "513"}, 2, 2),
    ],
)
def test_what_a_security_control_did(
    name: str, fields: Mapping[str, str], action_id: int, disposition_id: int
) -> None:
    event = read_ocsf(OCSF({**BY_ID[name].log, **fields}))
    assert event["metadata"]["profiles"] == ["security_control"]
    assert (event["action_id"], event["disposition_id"]) == (action_id, disposition_id)
    unnamed = {**event["metadata"]}
    del unnamed["profiles"]
    assert find_faults({**event, "metadata": unnamed})


def test_no_profile_is_named_without_a_decision() -> None:
    decided = {sample.id for sample in SAMPLES if "action_id" in json.loads(OCSF(sample.log))}
    for sample in SAMPLES:
        assert ("profiles" in json.loads(OCSF(sample.log))["metadata"]) == (sample.id in decided)


SMB = "a user of Active Directory opens a file of NAS over SMB"
NFS4 = "NAS reads over NFSv4, whose numbers mean something else"


@pytest.mark.parametrize(
    ("name", "fields", "activity_id", "operation"),
    [
        (SMB, {}, 99, "Create"),
        (SMB, {"Opcode": "8", "OpName": "Read"}, 2, "Read"),
        (SMB, {"Opcode": "-", "OpName": "Write"}, 3, "Write"),
        (SMB, {"Opcode": "14", "OpName": "Query_Directory"}, 2, "Query_Directory"),
        (SMB, {"Opcode": "17", "OpName": "SetInfo"}, 3, "SetInfo"),
        (SMB, {"Opcode": "6", "OpName": "Close"}, 99, "Close"),
        (SMB, {"Opcode": "-", "OpName": "-"}, 99, "smb"),
        (NFS4, {}, 2, "SEQUENCE,PUTFH,READ"),
        (NFS4, {"OpList": "53,22,38"}, 3, "SEQUENCE,PUTFH,WRITE"),
        (NFS4, {"OpList": "53,22,28"}, 4, "SEQUENCE,PUTFH,REMOVE"),
        (NFS4, {"OpList": "53,22,18,9"}, 99, "SEQUENCE,PUTFH,OPEN,GETATTR"),
        (NFS4, {"OpList": "53,22,18,38"}, 3, "SEQUENCE,PUTFH,OPEN,WRITE"),
        (NFS4, {"OpList": "53,22,9"}, 2, "SEQUENCE,PUTFH,GETATTR"),
        (NFS4, {"OpList": "53,22,4"}, 99, "SEQUENCE,PUTFH,CLOSE"),
        (NFS4, {"OpList": "999,28"}, 99, "nfs"),
        (NFS4, {"OpList": "-"}, 99, "nfs"),
        (NFS4, {"Vers": "3", "Proc": "0", "OpList": "-"}, 99, "NULL"),
        (NFS4, {"Vers": "3", "Proc": "8", "OpList": "-"}, 1, "CREATE"),
        (NFS4, {"Vers": "3", "Proc": "17", "OpList": "-"}, 2, "READDIRPLUS"),
    ],
)
def test_operations_of_file_services(
    name: str, fields: Mapping[str, str], activity_id: int, operation: str
) -> None:
    event = read_ocsf(OCSF({**BY_ID[name].log, **fields}))
    assert (event["activity_id"], event["api"]["operation"]) == (activity_id, operation)


def test_a_file_that_is_opened_is_not_called_created() -> None:
    assert read_sample(SMB)["activity_name"] == "Open or create"


@pytest.mark.parametrize(
    ("topic", "fields", "activity_id"),
    [
        ("aegis-log-network", {"type": "accept"}, 1),
        ("aegis-log-network", {"type": "listen"}, 7),
        ("aegis-log-network", {"type": "-"}, 99),
        ("sas-log-session", {"type": "-"}, 6),
    ],
)
def test_connections_of_hosts(topic: str, fields: Mapping[str, str], activity_id: int) -> None:
    log = {**BY_ID["a host connects to another one"].log, "__topic__": topic, **fields}
    assert read_ocsf(OCSF(log))["activity_id"] == activity_id


@pytest.mark.parametrize(
    ("fields", "activity_id", "rcode"),
    [
        ({}, 6, (3, "NXDomain")),
        ({"rcode": "0"}, 6, (0, "NoError")),
        ({"rcode": "2"}, 6, (2, "ServError")),
        ({"rcode": "-"}, 6, (None, None)),
        ({"rcode": "-", "answer": "-"}, 1, (None, None)),
    ],
)
def test_a_question_without_an_answer_is_a_query(
    fields: Mapping[str, str], activity_id: int, rcode: tuple[int | None, str | None]
) -> None:
    log = {**BY_ID["a host asks for a name that is not there"].log, **fields}
    event = read_ocsf(OCSF(log))
    assert event["activity_id"] == activity_id
    assert (event.get("rcode_id"), event.get("rcode")) == rcode


@pytest.mark.parametrize(
    ("operation", "method", "activity_id"),
    [
        ("DeleteMultipleObjects", "POST", 7),
        ("GetBucket", "GET", 8),
        ("ListObjects", "GET", 8),
        ("PutBucket", "PUT", 6),
        ("PutObject", "PUT", 5),
        ("InitiateMultipartUpload", "POST", 5),
        ("HeadObject", "HEAD", 1),
        ("-", "DELETE", 7),
    ],
)
def test_the_operation_on_a_bucket_counts_before_the_method(
    operation: str, method: str, activity_id: int
) -> None:
    log = {**BY_ID["OSS refuses an anonymous reader"].log, "http_method": method}
    assert read_ocsf(OCSF({**log, "operation": operation}))["activity_id"] == activity_id


def test_no_traffic_is_no_traffic() -> None:
    log = {**BY_ID["records of a VPC's flows are missing"].log, "log-status": "NODATA"}
    event = read_ocsf(OCSF(log))
    assert (event["activity_id"], event["activity_name"]) == (99, "flow-no-data")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a sign-in to the console fails, over IPv6", "Password.NotMatch"),
        ("OSS refuses an anonymous reader", "AccessDenied"),
        ("a statement fails in RDS", "1142"),
        ("Kubernetes forbids a service account to read secrets", "Forbidden"),
        ("NAS refuses to remove a file over NFSv3", "NFS3ERR_ACCES"),
        ("SLS refuses to delete a project", "Unauthorized"),
        ("API Gateway refuses the call of an application", "A403UA"),
        ("a host asks for a name that is not there", "NXDOMAIN"),
    ],
)
def test_the_code_of_an_outcome(name: str, code: str) -> None:
    assert read_sample(name)["status_code"] == code


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("a RAM user changes a security group", "2026-11-03T04:00:00Z"),
        ("WAF lets a request pass", "2026-11-03T12:00:01+08:00"),
        ("OSS refuses an anonymous reader", "2026-11-03 12:00:00"),
        ("PolarDB-X deletes rows", "2026-11-03 04:00:00.123"),
        ("someone opens a shell in a pod", "2026-11-03T04:00:00.123456Z"),
        ("Security Center finds a vulnerability", "1793678400"),
        ("Cloud Firewall drops an attack", None),
        ("a log of an application of one's own", None),
    ],
)
def test_the_time_as_the_log_has_it(name: str, time: str | None) -> None:
    assert read_sample(name)["metadata"].get("original_time") == time


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


def test_a_vulnerability_has_all_cves_of_its_list() -> None:
    assert read_sample(VULNERABILITY)["vulnerabilities"] == [{"cve": {"uid": "CVE-2026-0001"}}]
    content = '{"cveList":["CVE-2026-0001","CVE-2026-0002","CVE-2026-0001"],"os":"CVE-2020-1111"}'
    event = read_ocsf(OCSF({**BY_ID[VULNERABILITY].log, "extend_content": content}))
    found = [each["cve"]["uid"] for each in event["vulnerabilities"]]
    assert found == ["CVE-2026-0001", "CVE-2026-0002"]


def test_an_expired_vulnerability_is_not_severe_any_more() -> None:
    for status in ("13", "20"):
        event = read_ocsf(OCSF({**BY_ID[VULNERABILITY].log, "status": status}))
        assert (event["severity_id"], event["status_id"]) == (1, 5)


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
        activities = {*kind.activities.values(), *kind.presence.values(), kind.otherwise}
        activities |= {state.activity for state in kind.states.values() if state.activity}
        activities |= {activity for _, activity in kind.compound.values()}
        assert activities <= list_numbers(published, "activity_id")
        statuses = {state.status for state in kind.states.values()}
        assert statuses <= list_numbers(published, "status_id")


def list_numbers(published: Any, attribute: str) -> set[int]:
    return {int(number) for number in published["attributes"][attribute]["enum"]}


def test_numbers_of_findings_controls_and_answers_are_those_of_the_schema() -> None:
    classes, objects = SCHEMA["classes"], SCHEMA["objects"]
    assert FINDING_STATUSES.items() <= list_captions(classes["detection_finding"], "status_id")
    assert COMPLIANCE_STATUSES.items() <= list_captions(objects["compliance"], "status_id")
    rcodes = {number: rcode for rcode, number in RCODES.items()}
    assert rcodes.items() <= list_captions(classes["dns_activity"], "rcode_id")
    for _, decisions in CONTROLS.values():
        for decision in decisions.values():
            assert decision.action in list_numbers(classes["http_activity"], "action_id")
            assert decision.disposition in list_numbers(classes["http_activity"], "disposition_id")
    verdicts = {state.compliance for kind in list_classes() for state in kind.states.values()}
    assert verdicts <= list_numbers(objects["compliance"], "status_id")


def list_captions(published: Any, attribute: str) -> Any:
    enum = published["attributes"][attribute]["enum"]
    return {int(number): one["caption"] for number, one in enum.items()}.items()


def test_the_tables_name_mappings_and_values_that_exist() -> None:
    assert {*KINDS, *CATEGORIES, *CONTROLS, *ORIGINAL_TIMES} <= {*MAPPINGS}
    for kind in list_classes():
        for name, mapping in MAPPINGS.items():
            used = {
                CLASSES[name],
                *KINDS.get(name, {}).values(),
                *CATEGORIES.get(name, {}).values(),
            }
            if kind.state and kind in used:
                assert kind.state in {CLASS_ID, *mapping.keys, *mapping.labels.values()}, name
    for name, (source, _) in CONTROLS.items():
        assert source in {*MAPPINGS[name].keys, *MAPPINGS[name].labels.values()}


def test_the_page_is_what_the_code_says() -> None:
    """Otherwise: `python -m tests.payloads.ocsf_page`, and see what has changed."""
    assert PAGE.read_text() == make_page()
