"""The ready mappings: what a SIEM reads in a log of each kind, and that no log can spoil it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sls_syslog.payloads.catalog import MAPPINGS
from sls_syslog.payloads.catalog.choice import choose_mapping
from sls_syslog.payloads.catalog.functions import (
    build_url,
    choose,
    decode_url,
    drop_larger,
    drop_longer,
    exclude,
    extract_address,
    extract_file_name,
    extract_host,
    extract_port,
    extract_sql_command,
    find_match,
    give_if_absent,
    give_if_equal,
    give_if_present,
    grade,
    join,
    keep_listed,
    list_matches,
    translate,
)
from sls_syslog.payloads.cef import CefPayload
from sls_syslog.payloads.dictionary import CEF_KEYS, CUSTOM_KEYS
from sls_syslog.payloads.leef import LeefPayload
from tests.payloads.mapping_page import PAGE, leef_key, mapping_page, notes
from tests.support.lognorm import read_cef_with_lognorm
from tests.support.read_cef import read_cef
from tests.support.read_leef import read_leef
from tests.support.samples import SAMPLES, Sample

CEF = CefPayload()
LEEF = LeefPayload()

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)


def cef_values(sample: Sample) -> dict[str, str]:
    """The values and labels that are expected in CEF."""
    values = {row.cef: row.value for row in sample.rows}
    labels = {f"{row.cef}Label": row.label for row in sample.rows if row.label}
    ipv6 = {"c6a2Label": "Source IPv6 Address"} if "c6a2" in values else {}
    return values | labels | ipv6


def leef_values(sample: Sample) -> dict[str, str]:
    """The values that are expected in LEEF, in which a value has one line."""
    values = {row.leef: row.value.replace("\n", " ") for row in sample.rows}
    name = {"name": sample.name} if sample.name != sample.class_id else {}
    return values | name | {"sev": sample.severity}


# What is read


@each_sample
def test_a_strict_reader_of_cef_reads_what_is_meant(sample: Sample) -> None:
    read = read_cef(CEF(sample.log))
    assert (read.vendor, read.product, read.version) == ("Alibaba Cloud", sample.product, "1.0")
    assert (read.class_id, read.name, read.severity) == (
        sample.class_id,
        sample.name,
        sample.severity,
    )
    assert read.extension == cef_values(sample)


@each_sample
def test_a_strict_reader_of_leef_reads_what_is_meant(sample: Sample) -> None:
    read = read_leef(LEEF(sample.log))
    assert (read.version, read.vendor, read.product) == ("2.0", "Alibaba Cloud", sample.product)
    assert read.event_id == sample.class_id
    assert read.attributes == leef_values(sample)


# Kinds of keys in the order in which a long event may lose them, the last one first.
IN_ORDER = (
    ("rt",),
    ("src", "c6a2", "spt", "dst", "c6a3", "dpt", "act", "outcome"),
    ("suser", "duser", "suid", "spriv", "dhost"),
    ("reason", "cat", "externalId", "in", "out", "fname"),
    ("cs1", "cs2", "cs5", "cn1", "flexString1"),
    ("msg", "request", "requestClientApplication", "requestContext"),
)


@each_sample
def test_who_and_where_come_first_and_long_texts_last(sample: Sample) -> None:
    ranks = {key: rank for rank, keys in enumerate(IN_ORDER) for key in keys}
    found = [ranks[key] for key in read_cef(CEF(sample.log)).extension if key in ranks]
    assert found == sorted(found)


def test_liblognorm_reads_what_is_meant(tmp_path: Path) -> None:
    read = read_cef_with_lognorm([CEF(sample.log) for sample in SAMPLES], tmp_path)
    for sample, event in zip(SAMPLES, read, strict=True):
        assert event == {
            "DeviceVendor": "Alibaba Cloud",
            "DeviceProduct": sample.product,
            "DeviceVersion": "1.0",
            "SignatureID": sample.class_id,
            "Name": sample.name,
            "Severity": sample.severity,
            "Extensions": cef_values(sample),
        }


# The page


def test_the_page_is_what_the_code_says() -> None:
    """Otherwise: `python -m tests.payloads.mapping_page`, and see what has changed."""
    assert PAGE.read_text() == mapping_page()


def test_every_mapping_names_its_source() -> None:
    for name, mapping in MAPPINGS.items():
        assert re.search(r"\bSources?\b[^:]*: .*\((help|zh|doc)", notes()[mapping], re.S), name


def test_the_page_names_the_leef_key_of_each_value() -> None:
    for sample in SAMPLES:
        mapping = choose_mapping(sample.log)
        named = {leef_key(mapping, key) for key in mapping.keys} | {"sev", "name"}
        assert read_leef(LEEF(sample.log)).attributes.keys() <= named, sample.id


# The tables


def test_mappings_use_keys_that_cef_has() -> None:
    for name, mapping in MAPPINGS.items():
        assert mapping.extension.keys() <= CEF_KEYS.keys(), name
        labelled = mapping.extension.keys() & CUSTOM_KEYS.keys()
        assert labelled <= mapping.labels.keys(), name


def test_no_two_values_of_an_event_have_the_same_name() -> None:
    for name, mapping in MAPPINGS.items():
        keys = [leef_key(mapping, key).lower() for key in mapping.extension]
        assert len({*keys, "sev", "name"}) == len(keys) + 2, name


def test_vendor_and_version_are_the_same_everywhere() -> None:
    for name, mapping in MAPPINGS.items():
        assert (mapping.vendor, mapping.version) == ("Alibaba Cloud", "1.0"), name


# Severity


def severity(log: Mapping[str, str]) -> str:
    return choose_mapping(log).event(log).severity


def actiontrail(**event: str) -> dict[str, str]:
    return {"__topic__": "actiontrail_event", "event": json.dumps(event)}


def database(**fields: str) -> dict[str, str]:
    return {"collector_type": "agentless", "client_ip": "10.0.3.7", "fail": "0", **fields}


def platform_operation(**fields: str) -> dict[str, str]:
    return {"EventProduct": "OSS", "EventMethod": "Read", "ResourceOwnerID": "1", **fields}


def verdict(**fields: str) -> dict[str, str]:
    return {"evaluationResultIdentifier": "{}", **fields}


# By log; "" leaves it to the message.
SEVERITIES: list[tuple[dict[str, str], str]] = [
    (actiontrail(eventName="DescribeInstances", eventRW="Read"), "2"),
    (actiontrail(eventName="RunInstances", eventRW="Write"), "5"),
    (actiontrail(eventName="RunInstances", eventRW="Write", errorCode="Forbidden"), "6"),
    (actiontrail(eventName="ConsoleSignin"), "3"),
    (actiontrail(eventName="ConsoleSignin", errorMessage="success"), "3"),
    (actiontrail(eventName="ConsoleSignin", errorMessage="wrong password"), "7"),
    ({"__topic__": "actiontrail_event", "event": "{broken"}, "3"),
    ({"__topic__": "waf_access_log", "final_action": "block", "status": "405"}, "7"),
    ({"__topic__": "waf_access_log", "final_action": "captcha", "status": "200"}, "5"),
    ({"__topic__": "waf_access_log", "final_action": "-", "status": "200"}, "2"),
    ({"__topic__": "waf_access_log", "status": "503"}, "5"),
    ({"__topic__": "waf_access_log"}, ""),
    ({"__topic__": "cloudfirewall_access_log", "vul_level": "1"}, "4"),
    ({"__topic__": "cloudfirewall_access_log", "vul_level": "2"}, "6"),
    ({"__topic__": "cloudfirewall_access_log", "vul_level": "3", "rule_result": "pass"}, "8"),
    ({"__topic__": "cloudfirewall_access_log", "vul_level": "0", "rule_result": "drop"}, "5"),
    ({"__topic__": "cloudfirewall_access_log", "vul_level": "0", "rule_result": "pass"}, "2"),
    ({"__topic__": "slb_layer7_access_log", "status": "403"}, "5"),
    ({"__topic__": "slb_layer7_access_log", "status": "404"}, "3"),
    ({"__topic__": "slb_layer7_access_log", "status": "twenty"}, ""),
    ({"__topic__": "oss_access_log", "http_status": "204", "http_method": "DELETE"}, "5"),
    ({"__topic__": "oss_access_log", "http_status": "200", "http_method": "PUT"}, "4"),
    ({"__topic__": "oss_access_log", "http_status": "404", "http_method": "PUT"}, "3"),
    ({"__topic__": "rds_audit_log", "fail": "1", "sql": "select 1"}, "6"),
    ({"__topic__": "rds_audit_log", "fail": "0", "sql": "/* x */ grant all on a to b"}, "5"),
    ({"__topic__": "rds_audit_log", "fail": "0", "sql": "Update a set b = 1"}, "3"),
    ({"auditID": "1", "verb": "delete", "responseStatus": '{"code":200}'}, "5"),
    ({"auditID": "1", "verb": "get", "responseStatus": '{"code":401}'}, "6"),
    ({"auditID": "1", "verb": "get", "responseStatus": '{"code":404}'}, "3"),
    ({"__topic__": "cloudfirewall_ips_log", "vul_level": "0", "rule_result": "pass"}, "3"),
    ({"__topic__": "cloudfirewall_vpc_ips_log", "vul_level": "2", "rule_result": "pass"}, "6"),
    ({"__topic__": "event_log", "aliuid": "1", "log_type": "tls"}, "5"),
    ({"__topic__": "flow_log", "srcaddr": "-", "action": "REJECT"}, "5"),
    ({"__topic__": "flow_log", "srcaddr": "-", "action": "-", "log-status": "NODATA"}, "1"),
    ({"__topic__": "alb_layer7_access_log", "status": "502"}, "5"),
    ({"__topic__": "ddos_access_log", "cc_action": "none", "status": "404"}, "3"),
    ({"__topic__": "ddos_access_log", "last_result": "failed", "status": "200"}, "6"),
    ({"__topic__": "ddoscoo_access_log", "cc_action": "close", "cc_blocks": "0"}, "6"),
    ({"__topic__": "ddosbqp_access_log", "event_type": "mitigation_begin"}, "7"),
    ({"__topic__": "ddosbqp_access_log", "event_type": "blackhole_ended"}, "4"),
    ({"__topic__": "ddosbqp_access_log", "total_traffic_drop_bps": "0"}, "2"),
    ({"__topic__": "ddosbqp_access_log", "data_type": "Regional_SC_Detection"}, "3"),
    ({"apiUid": "1", "apiStageName": "RELEASE", "statusCode": "500"}, "5"),
    ({"__topic__": "polardbx_sqlaudit", "sql_type": "Truncate", "fail": "0"}, "5"),
    ({"__topic__": "drds_audit_log_x_y", "sql_type": "OTHER", "fail": "0"}, "3"),
    (database(operate_type="login", sql="-"), "3"),
    (database(operate_type="-", sql="/* x */ revoke all on a from b"), "5"),
    ({"__topic__": "nas_audit_log", "Vers": "3", "Proc": "12", "NFSProtocolRc": "0"}, "4"),
    ({"__topic__": "nas_audit_log", "Vers": "4", "Proc": "12", "NFSProtocolRc": "0"}, "2"),
    ({"__topic__": "nas_audit_log", "Vers": "3", "Proc": "3", "NFSProtocolRc": "2"}, "3"),
    ({"__topic__": "bastionhost", "event_type": "system.DeleteAuditSessionVideo"}, "7"),
    ({"__topic__": "bastionhost", "event_type": "asset.CreateHost"}, "3"),
    (platform_operation(EventLevel="NOTICE"), "3"),
    (verdict(complianceType="COMPLIANT", riskLevel="Critical"), "2"),
    (verdict(complianceType="NON_COMPLIANT", riskLevel="2"), "5"),
    ({"InvokerUid": "1", "Method": "GetLogStoreLogs", "Project": "a", "Status": "200"}, "2"),
    ({"InvokerUid": "1", "Method": "GetLogStoreLogs", "Project": "a", "Status": "403"}, "5"),
    ({"__topic__": "sas-rasp-log", "risk_level": "low", "type": "ssrf"}, "3"),
    ({"__topic__": "sas-filedetect-log", "result": "0", "risk_level": "serious"}, "2"),
    ({"__topic__": "sas-cspm-log", "status": "PASS", "risk_level": "HIGH"}, "2"),
    ({"__topic__": "sas-cspm-log", "status": "NOT_PASS", "risk_level": "LOW"}, "3"),
    ({"__topic__": "sas-agentless-log", "status": "7", "alert_level": "asap"}, "2"),
    ({"__topic__": "sas-agentless-log", "status": "0", "alert_level": "serious"}, "9"),
    ({"__topic__": "aegis-log-client", "status": "online"}, "2"),
    ({"__topic__": "sas-security-log", "level": "serious"}, "9"),
    ({"__topic__": "sas-security-log", "level": "suspicious"}, "6"),
    ({"__topic__": "sas-security-log", "level": "remind"}, "3"),
    ({"__topic__": "sas-vul-log", "risk_level": "nntf"}, "3"),
    ({"__topic__": "sas-hc-log", "level": "HIGH"}, "8"),
]


def test_the_severity_comes_from_the_log() -> None:
    for log, expected in SEVERITIES:
        assert severity(log) == expected, log


# What must not be sent


def test_no_secret_of_a_request_is_sent() -> None:
    """The samples have it in cookies, headers, bodies and claims."""
    secret = "hunter2"
    having = [sample for sample in SAMPLES if secret in str(sample.log)]
    assert {sample.mapping for sample in having} == {
        "anti-ddos",
        "api-gateway",
        "security-center-application",
        "waf",
    }
    for sample in having:
        assert secret not in CEF(sample.log) + LEEF(sample.log), sample.id


# No log can spoil it

NASTY = {
    "pipes": "a|b||c|",
    "equals": "a=b c=d =",
    "backslashes": "\\ a\\=b \\n \\\\|\\",
    "newlines": "\na\r\nb cs1=forged\n",
    "a forged event": "x\nCEF:0|a|b|c|d|e|10|src=192.0.2.66",
    "Chinese": "中文，日志 = 测试",
    "empty": "",
    "a dash": "-",
    "white space": " \t\n",
    "a number that is none": "12a",
    "a negative number": "-1",
    "a great number": "9" * 30,
    "an Arabic number": "٤٢",
    "a superscript": "²",
    "invalid JSON": '{"a": [1,',
    "other JSON": '[{"a": null}, true, 1e999, "\\ud800", "\\u0000"]',
    "deep JSON": "[" * 3000 + "]" * 3000,
    "JSON of the wrong types": (
        '{"eventName": {"a": 1}, "userIdentity": [1, 2], "username": 7, "code": "x",'
        ' "resource": null, "sourceIpAddress": "1.2.3", "loginDestinationPort": 1.5}'
    ),
    "control characters": "a\x00\x1b[31m\x7f\x85\u2028\u2029b\u202e",
    "carets and TABs": "a^b\tc^^",
    "an IPv6 address with a zone": "fe80::1%eth0",
    "no IPv6 address": "::1::2:::",
    "URL encoding": "%0aCEF%7C%00%ff%zz",
    "an open comment": "/*" * 2000,
    "5 kB": "值=|\\" * 1250,
}


def spoilt(sample: Sample, value: str) -> Iterator[dict[str, str]]:
    """The log with one field after the other replaced, and then with all of them."""
    own = [field for field in sample.log if not field.startswith("__")]
    for field in own:
        yield {**sample.log, field: value}
    yield {**sample.log, **dict.fromkeys(own, value)}
    if sample.mapping == "generic":
        yield {"__topic__": value, "__time__": sample.log["__time__"], value: value}


@each_sample
def test_no_value_spoils_an_event(sample: Sample) -> None:
    for name, value in NASTY.items():
        for log in spoilt(sample, value):
            cef, leef = read_cef(CEF(log)), read_leef(LEEF(log))
            # Where the mapping finds nothing any more, all goes out in the form for other logs.
            assert cef.product == leef.product, name
            assert cef.product in {sample.product, "Log Service"}, name
            for key, text in cef.extension.items():
                kind, limit = CEF_KEYS.get(key, ("string", 0))
                assert not limit or len(text) <= limit, (name, key)
                assert kind != "string" or key.startswith("cs") or text != "-", (name, key)


def test_liblognorm_accepts_spoilt_logs(tmp_path: Path) -> None:
    values = list(NASTY.values())
    lines = [CEF(log) for sample in SAMPLES for value in values for log in spoilt(sample, value)]
    for line, event in zip(lines, read_cef_with_lognorm(lines, tmp_path), strict=True):
        assert event.get("Extensions") == read_cef(line).extension, line


@pytest.mark.parametrize("field", ["event.eventId", "event.requestId", "event.userAgent"])
def test_half_an_identifier_is_not_sent(field: str) -> None:
    log = actiontrail(eventName="X", **{field.removeprefix("event."): "i" * 5000})
    values = MAPPINGS["actiontrail"].event(log).values
    assert "externalId" not in values
    assert all(len(value) <= 4000 for value in values.values())


# The words the tables are written in


def test_a_choice_takes_any_case_and_says_nothing_of_nothing() -> None:
    level = translate("level", {"high": "8"}, "5")
    assert [level({"level": value}) for value in ("High", "odd", "-", "")] == ["8", "5", "", ""]
    assert level({}) == ""


def test_the_greatest_number_that_is_reached_counts() -> None:
    status = grade("status", {100: "success", 400: "failure"})
    values = ("99", "100", "399", "400", "599", "x", "", "9" * 40, "-400")
    assert [status({"status": value}) for value in values] == [
        *("", "success", "success", "failure", "failure"),
        *("", "", "", ""),
    ]


def test_some_values_mean_that_there_is_none() -> None:
    app = exclude("app", "unknown")
    assert [app({"app": value}) for value in ("Unknown", "ssh")] == ["", "ssh"]


def test_a_value_is_given_for_logs_that_have_another() -> None:
    reason = give_if_present("error", "message")
    assert reason({"error": "1", "message": "no"}) == "no"
    assert reason({"message": "no"}) == ""


def test_a_value_is_given_for_logs_that_lack_another() -> None:
    guess = give_if_absent("known", "guess")
    assert [guess({"guess": "a"}), guess({"known": "b", "guess": "a"}), guess({})] == ["a", "", ""]


def test_a_value_is_given_where_two_others_are_equal() -> None:
    port = give_if_equal("client", "peer", "port")
    log = {"client": "a", "peer": "a", "port": "1"}
    assert port(log) == "1"
    assert port({**log, "client": "-"}) == "1"
    assert port({**log, "client": "b"}) == ""


def test_a_value_says_which_source_counts() -> None:
    sent = choose("direction", {"in": "came", "out": ("went", "left")})
    log = {"came": "1", "left": "2"}
    assert [sent({**log, "direction": way}) for way in ("IN", "out", "odd", "-")] == [
        *("1", "2", "", ""),
    ]
    assert sent(log) == ""


def test_only_what_is_listed_is_kept() -> None:
    verb = keep_listed("verb", ("get", "List"), "other")
    assert [verb({"verb": text}) for text in ("GET", "list", "hack", "-")] == [
        *("get", "List", "other", ""),
    ]
    assert keep_listed("verb", ("get",))({"verb": "hack"}) == ""


def test_the_name_of_a_file_is_known_without_its_path() -> None:
    name = extract_file_name("path")
    assert [name({"path": path}) for path in ("a/b.c", "b.c", "/a/", "a\\b")] == [
        *("b.c", "b.c", "", "a\\b"),
    ]
    assert extract_file_name("path", "/\\")({"path": "C:\\a/b\\c.exe"}) == "c.exe"


def test_rules_that_matched_are_found_in_order() -> None:
    first, every = find_match(("a", "b"), ("pass",)), list_matches(("a", "b"), ("pass",))
    both = {"b_action": "block", "b_rule_id": "7", "a_test": "True", "a_action": "block"}
    assert (first(both), every(both)) == ("a", "a:monitor, b:7:block")
    only = {"a_action": "pass", "a_test": "false", "b_action": "js"}
    assert (first(only), every(only)) == ("b", "b:js")
    assert (first({"a_action": "Pass"}), every({"c_action": "block"})) == ("", "")


def test_what_is_shared_is_computed_once_for_a_log() -> None:
    numbers = iter("123456789")
    shared = give_if_absent((), lambda log: next(numbers))
    both = join(shared, shared)
    assert [both({}), both({})] == ["1 1", "2 2"]


def test_what_is_there_is_joined() -> None:
    both = join("a", "b", sep=":")
    assert [both({"a": "1", "b": "2"}), both({"b": "2", "a": "-"}), both({})] == ["1:2", "2", ""]


def test_what_is_too_long_is_left_out() -> None:
    short = drop_longer("id", 3)
    assert [short({"id": "abc"}), short({"id": "abcd"})] == ["abc", ""]


def test_a_size_that_fsize_cannot_hold_has_a_number_of_its_own() -> None:
    oss = MAPPINGS["oss"]
    small = oss.event({"object_size": "2147483647"})
    large = oss.event({"object_size": "2147483648"})
    assert (small.values["fsize"], small.values["cn3"]) == ("2147483647", "2147483647")
    assert "fsize" not in large.values
    assert (large.values["cn3"], large.omitted) == ("2147483648", 0)
    assert [drop_larger("a", 9)({"a": text}) for text in ("9", "10", "9" * 30)] == ["9", "", ""]


def test_a_url_is_put_together_from_what_there_is() -> None:
    whole = build_url("scheme", "host", "path", "query")
    log = {"scheme": "https", "host": "h.example", "path": "/a", "query": "b=c"}
    assert whole(log) == "https://h.example/a?b=c"
    assert whole({**log, "query": "-", "scheme": ""}) == "http://h.example/a"
    assert whole({**log, "host": "-"}) == "/a?b=c"
    assert whole({"host": "h.example"}) == ""


@pytest.mark.parametrize("path", ["@evil.example/", ".evil.example/x", ":8080/x", "*", "?a"])
def test_no_path_changes_the_host_of_a_url(path: str) -> None:
    whole = build_url("scheme", "host", "path", "query")
    assert whole({"host": "h.example", "path": path}) == f"http://h.example/{path}"
    assert whole({"path": path}) == path


def test_url_encoding_is_undone() -> None:
    assert decode_url("object")({"object": "a%2F%E8%A1%A8%zz+b"}) == "a/表%zz+b"


@pytest.mark.parametrize(
    ("value", "address", "port"),
    [
        ("10.0.0.1:80", "10.0.0.1", "80"),
        ("10.0.0.1:80, 10.0.0.2:8080", "10.0.0.2", "8080"),
        ("[2001:db8::1]:443", "2001:db8::1", "443"),
        ("10.0.0.1", "10.0.0.1", ""),
        ("10.0.0.1:80, 10.0.0.2", "10.0.0.2", ""),
        ("2001:db8::1", "2001:db8::1", ""),
        ("[2001:db8::1]", "2001:db8::1", ""),
        ("unix:/run/app.sock", "unix:/run/app.sock", ""),
        ("-", "", ""),
    ],
)
def test_address_and_port_are_parted(value: str, address: str, port: str) -> None:
    assert extract_address("upstream")({"upstream": value}) == address
    assert extract_port("upstream")({"upstream": value}) == port


def test_of_several_sources_the_first_that_is_known_counts() -> None:
    sources = ("a", "b")
    log = {"a": "?", "b": "2"}
    assert translate(sources, {"2": "two"}, "other")(log) == "two"
    assert translate(sources, {"3": "three"}, "other")(log) == "other"
    assert grade(sources, {1: "one"})(log) == "one"
    assert drop_longer(sources, 1)({"a": "long", "b": "b"}) == "b"
    assert exclude(sources, "?")(log) == "2"
    assert join(("a", "b"), "b")(log) == "? 2"


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("shop.example.com:8443", "shop.example.com"),
        ("shop.example.com", "shop.example.com"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
        ("2001:db8::1", "2001:db8::1"),
        (":", ":"),
    ],
)
def test_a_host_is_known_without_its_port(value: str, host: str) -> None:
    assert extract_host("host")({"host": value}) == host


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("select 1", "SELECT"),
        (" ( Select 1)", "SELECT"),
        ("/* a * / b **/ -- x\n# y\n;update t", "UPDATE"),
        ("/* never closed select", ""),
        ("/*!50001 DROP */ TABLE x", "DROP"),
        ("/*!*/ /*M!100100 */drop table x", "DROP"),
        ("/*!99999999 select 1", ""),
        ("/*!1" * 20_000, ""),
        ("/*!" + "1" * 20_000, ""),
        ("*/" * 20_000, ""),
        ("nothing known", ""),
        ("-- only a comment", ""),
        ("42", ""),
        ("/**/" * 20_000 + "1", ""),
        ("/*" * 20_000, ""),
    ],
)
def test_a_statement_is_known_by_its_first_word(statement: str, word: str) -> None:
    assert extract_sql_command("sql")({"sql": statement}) == word


@pytest.mark.parametrize("event", ['{"eventName":"X"', "[1]", "null", '"text"'])
def test_a_log_that_is_not_what_its_topic_says_is_sent_whole(event: str) -> None:
    log = {"__time__": "1793678405", "__topic__": "actiontrail_audit_event", "event": event}
    assert read_cef(CEF(log)).extension["event"] == event
    assert "event" in read_leef(LEEF(log)).attributes


def test_a_vendor_of_ones_own_stays_where_the_topic_s_mapping_finds_nothing() -> None:
    log = {"__time__": "1793678405", "__topic__": "actiontrail_audit_event", "event": "null"}
    read = read_cef(CefPayload(vendor="Example")(log))
    assert (read.vendor, read.extension["event"]) == ("Example", "null")
