"""What an analyst reads in an event: who did what to whom, with what effect, and how bad it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from sls_syslog import CefPayload, LeefPayload
from sls_syslog.payloads.catalog import MAPPINGS
from tests.payloads.mapping_page import notes
from tests.support.read_cef import read_cef
from tests.support.read_leef import read_leef
from tests.support.samples import SAMPLES

NONE = None


def waf(**fields: str) -> dict[str, str]:
    return {"__topic__": "waf_access_log", "host": "shop.example.com", "status": "200", **fields}


def firewall(**fields: str) -> dict[str, str]:
    return {"__topic__": "cloudfirewall_access_log", "src_ip": "10.0.0.17", **fields}


def actiontrail(**event: object) -> dict[str, str]:
    return {"__topic__": "actiontrail_event", "event": json.dumps(event, ensure_ascii=False)}


def kubernetes(**fields: Any) -> dict[str, str]:
    return {
        "auditID": "1",
        "verb": "get",
        **{
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in fields.items()
        },
    }


def rds(sql: str, fail: str = "0") -> dict[str, str]:
    return {"__topic__": "rds_audit_log", "sql": sql, "fail": fail, "user": "app"}


def read(log: Mapping[str, str]) -> dict[str, str]:
    """The values of the event in CEF by key, or by label, with its header."""
    event = read_cef(CefPayload()({"__time__": "1793678405", **log}))
    labels = {key: event.extension.get(f"{key}Label", key) for key in event.extension}
    values = {labels[key]: value for key, value in event.extension.items()}
    return {**values, "class": event.class_id, "name": event.name, "severity": event.severity}


OUTGOING = firewall(
    direction="out",
    out_packet_bytes="5000000000",
    in_packet_bytes="12000",
    out_packet_count="3500000",
    in_packet_count="90",
)
FAILED_CALL = actiontrail(
    eventName="DeleteBucket",
    errorCode="AccessDenied",
    errorMessage="You have no right to access this object",
    requestParameters={"BucketName": "payroll"},
    resourceType="ACS::OSS::Bucket",
    userIdentity={"sessionContext": {"attributes": {"mfaAuthenticated": "false"}}},
)
MONITORED = waf(waf_test="true", waf_rule_type="sqli", waf_action="block")
PROXIED = waf(real_client_ip="203.0.113.77", remote_addr="198.51.100.8", remote_port="52714")
VULNERABLE = {"__topic__": "sas-vul-log", "vul_name": "oval:1", "risk_level": "critical"}
ALERT = {"__topic__": "sas-security-log", "level": "serious", "name": "木马"}

CASES: list[tuple[Mapping[str, str], dict[str, str | None]]] = [
    # Cloud Firewall: ``in`` flows from the source to the destination.
    (OUTGOING, {"in": "5000000000", "out": "12000", "deviceDirection": "1"}),
    (OUTGOING, {"SourcePackets": "3500000", "DestinationPackets": "90"}),
    ({**OUTGOING, "direction": "in"}, {"in": "12000", "out": "5000000000"}),
    ({**OUTGOING, "direction": "in"}, {"SourcePackets": "90", "DestinationPackets": "3500000"}),
    ({**OUTGOING, "direction": "-"}, {"in": NONE, "out": NONE, "SourcePackets": NONE}),
    (firewall(rule_result="drop"), {"outcome": "failure", "act": "drop", "severity": "5"}),
    (firewall(rule_result="alert"), {"outcome": "success", "act": "alert", "severity": "5"}),
    (firewall(rule_result="alert"), {"name": "Traffic passed with an alert"}),
    (firewall(rule_result="pass"), {"outcome": "success", "severity": "2"}),
    # WAF: rules that monitor are seen, and graded as what they would do.
    (MONITORED, {"class": "waf:sqli", "name": "Web attack", "severity": "7"}),
    (MONITORED, {"act": "monitor", "outcome": "success", "RuleType": "sqli", "Plugin": "waf"}),
    (MONITORED, {"MatchedRules": "waf:monitor"}),
    (
        waf(acl_test="true", acl_action="captcha", acl_rule_id="7"),
        {"class": "acl", "severity": "5"},
    ),
    (waf(sema_test="true", sema_rule_id="8"), {"class": "sema", "act": "monitor", "severity": "5"}),
    (waf(acl_test="false", acl_action="js_pass"), {"act": "js_pass", "severity": "3"}),
    (waf(waf_test="false", waf_action="pass"), {"act": "pass", "class": "access", "severity": "2"}),
    (waf(normalized_action="continue"), {"act": "pass", "MatchedRules": NONE}),
    (waf(non_terminating_rules='[{"id":1}]'), {"name": "Rules matched", "severity": "5"}),
    (waf(non_terminating_rules='[{"id":1}]'), {"MatchedRules": '[{"id":1}]', "act": "pass"}),
    (waf(bypass_matched_ids="283531,9"), {"MatchedRules": "bypass:283531,9", "severity": "2"}),
    (
        {**MONITORED, "final_action": "block", "final_plugin": "acl", "waf_rule_id": "1"},
        {"class": "acl", "act": "block", "RuleType": NONE, "MatchedRules": "waf:1:monitor"},
    ),
    # A challenge is no answer of the website's.
    (waf(final_action="captcha", final_plugin="cc"), {"outcome": "failure", "act": "captcha"}),
    (waf(final_action="captcha_strict", final_plugin="cc"), {"outcome": "failure"}),
    (waf(final_action="js", final_plugin="cc"), {"outcome": "failure"}),
    (waf(final_action="sigchl", final_plugin="cc"), {"outcome": "failure"}),
    (waf(final_action="block", final_plugin="cc"), {"outcome": "failure", "severity": "7"}),
    (waf(acl_action="captcha_pass"), {"outcome": "success"}),
    # The port is one of the connection, the address of the client is not.
    (PROXIED, {"src": "203.0.113.77", "spt": NONE, "RemoteAddress": "198.51.100.8"}),
    ({**PROXIED, "real_client_ip": "198.51.100.8"}, {"src": "198.51.100.8", "spt": "52714"}),
    ({**PROXIED, "real_client_ip": "-"}, {"src": "198.51.100.8", "spt": "52714"}),
    # ActionTrail
    (FAILED_CALL, {"reason": "AccessDenied", "outcome": "failure", "MfaChecked": "false"}),
    (FAILED_CALL, {"ResourceType": "ACS::OSS::Bucket"}),
    (
        FAILED_CALL,
        {"msg": 'You have no right to access this object {"BucketName":"payroll"}'},
    ),
    (
        actiontrail(eventCategory="Insight", insightDetails={"insightType": "AkInsight"}),
        {"class": "AkInsight", "severity": "6", "deviceFacility": "Insight", "outcome": NONE},
    ),
    (
        actiontrail(insightDetails={"insightType": "AkInsight", "insightObject": "LTAI5t"}),
        {"AccessKeyId": "LTAI5t", "src": NONE, "shost": NONE},
    ),
    (
        actiontrail(insightDetails={"insightType": "IpInsight", "sourceIpAddress": "192.0.2.1"}),
        {"src": "192.0.2.1", "msg": '{"insightType":"IpInsight","sourceIpAddress":"192.0.2.1"}'},
    ),
    (actiontrail(insightDetails={"insightType": "TrailConcealmentInsight"}), {"severity": "9"}),
    (actiontrail(insightDetails={"insightType": "NewInsight"}), {"severity": "6"}),
    # Kubernetes
    (
        kubernetes(
            user={"username": "alice"},
            impersonatedUser={"username": "admin", "uid": "7", "groups": ["system:masters"]},
        ),
        {
            "suser": "alice",
            "duser": "admin",
            "duid": "7",
            "ImpersonatedGroups": '["system:masters"]',
        },
    ),
    (
        kubernetes(user={"username": "system:anonymous"}, objectRef={"resource": "pods"}),
        {"severity": "7"},
    ),
    (
        kubernetes(
            user={"username": "system:anonymous"},
            objectRef={"resource": "pods"},
            responseStatus={"code": 403},
        ),
        {"severity": "6"},
    ),
    (kubernetes(user={"username": "system:anonymous"}), {"severity": "4"}),
    (kubernetes(user={"username": "bob"}, objectRef={"resource": "pods"}), {"severity": "2"}),
    (kubernetes(objectRef={"resource": "secrets"}), {"severity": "5", "class": "get:secrets"}),
    (kubernetes(verb="list", objectRef={"resource": "secrets"}), {"severity": "5"}),
    (
        kubernetes(verb="hack", objectRef={"resource": "mine", "subresource": "x y"}),
        {"class": "other:other/other", "ResourceType": "mine"},
    ),
    # SQL: what stands in /*! ... */ is run; a class id is no user's text.
    (rds("/*!50001 DROP */ TABLE x"), {"class": "DROP", "act": "DROP", "severity": "5"}),
    (rds("/*!40000 */ select 1"), {"class": "SELECT"}),
    (rds("/*M!100100 drop */ table x"), {"class": "DROP"}),
    (rds("/*+ hint */ delete from x"), {"class": "DELETE", "severity": "3"}),
    (rds("attack{} now"), {"class": "SQL", "name": "SQL", "act": NONE, "msg": "attack{} now"}),
    # OSS
    (
        {"__topic__": "oss_access_log", "object": "a%2Fb%2Fc.txt", "bucket": "b"},
        {"fname": "c.txt", "filePath": "a/b/c.txt"},
    ),
    (
        {"__topic__": "oss_access_log", "object": "a%2Fb%2F", "bucket": "b"},
        {"fname": NONE, "filePath": "a/b/"},
    ),
    # Security Center
    ({**VULNERABLE, "status": "1"}, {"severity": "9", "Status": "unfixed"}),
    ({**VULNERABLE, "status": "7"}, {"severity": "2", "Status": "fixed"}),
    ({**VULNERABLE, "status": "2"}, {"severity": "9", "Status": "fix failed"}),
    ({**ALERT, "status": "1"}, {"severity": "9"}),
    ({**ALERT, "status": "32"}, {"severity": "2"}),
    ({**ALERT, "status": "2"}, {"severity": "9"}),  # "fix failed" on the older page
    (
        {
            **ALERT,
            "data_source": "aegis_suspicious_file_v2",
            "detail": '{"type":"webshell","md5":"0552c44e","filepath":"/www/a.php"}',
        },
        {"class": "webshell", "fileHash": "0552c44e", "filePath": "/www/a.php", "fname": "a.php"},
    ),
    ({**ALERT, "data_source": "security_event"}, {"class": "security_event"}),
    ({"__topic__": "aegis-log-login", "src_ip": "192.0.2.1"}, {"outcome": "success"}),
    (
        {"__topic__": "aegis-log-process", "parent_proc_path": "C:\\Windows\\cmd.exe"},
        {"sproc": "cmd.exe", "ParentPath": "C:\\Windows\\cmd.exe"},
    ),
    (
        {"__topic__": "sas-log-http", "src_ip": "192.0.2.1", "content_length": "123"},
        {"out": NONE, "ContentLength": "123"},
    ),
]


@pytest.mark.parametrize(("log", "expected"), CASES)
def test_an_event_says_what_happened(
    log: Mapping[str, str], expected: Mapping[str, str | None]
) -> None:
    values = read(log)
    assert {key: values.get(key) for key in expected} == expected


def test_leef_says_who_sent_how_much() -> None:
    attributes = read_leef(LeefPayload()({"__time__": "1793678405", **OUTGOING})).attributes
    expected = {"srcBytes": "5000000000", "dstBytes": "12000"}
    expected |= {"srcPackets": "3500000", "dstPackets": "90"}
    assert {key: attributes.get(key) for key in expected} == expected


def test_leef_names_the_host_of_an_identity_only_with_its_address() -> None:
    shown = [read_leef(LeefPayload()(sample.log)).attributes for sample in SAMPLES]
    shown.append(read_leef(LeefPayload(extension={"src": "host"})({"host": "web-1"})).attributes)
    assert all("identSrc" in each for each in shown if "identHostName" in each)
    assert shown[-1]["shost"] == "web-1"


def test_the_name_of_a_file_or_process_is_no_path() -> None:
    names = {"fname", "sproc", "dproc", "deviceProcessName"}
    for sample in SAMPLES:
        values = read_cef(CefPayload()(sample.log)).extension
        assert not any("/" in values[key] for key in names & values.keys()), sample.id


def test_the_page_lists_the_modules_of_waf_in_their_order() -> None:
    text = " ".join(notes()[MAPPINGS["waf"]].split())
    (listed,) = re.findall(r"first one first: ([^.]*)\.", text)
    every = {f"{module}_test": "true" for module in listed.split(", ")}
    matched = read(waf(**every))["MatchedRules"]
    assert matched == ", ".join(f"{module}:monitor" for module in listed.split(", "))
    assert len(every) == 14
