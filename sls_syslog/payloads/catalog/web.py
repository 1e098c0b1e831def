"""Mappings of web requests: WAF, CLB and OSS.

Bytes follow CEF: ``in`` comes from the client, ``out`` goes to it. Cookies must not be sent: a
SIEM does not need the sessions of users, and an intruder could use them.
"""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import (
    Derived,
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
    find_match,
    give_if_absent,
    give_if_equal,
    give_if_present,
    grade,
    join,
    list_matches,
    translate,
)
from sls_syslog.payloads.fields import Constant, Source
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = ["OSS", "SLB", "WAF", "derive_outcome", "derive_severity"]


def derive_outcome(status: Source) -> Derived:
    """Derive success or failure from an HTTP status."""
    return grade(status, {100: "success", 400: "failure"})


def derive_severity(status: Source) -> tuple[Source, ...]:
    """Derive a severity from an HTTP status: a refusal is more severe than a missing page."""
    refused = translate(status, {"401": "5", "403": "5"})
    return refused, grade(status, {100: "2", 400: "3", 500: "5"})


_WAF_SCHEME = (translate("https", {"true": "https", "on": "https"}, "http"), Constant("http"))
_WAF_HOST = ("host", "matched_host")
# WAF's modules, the worst finding first. Each has the fields *_action, *_rule_id, *_rule_type and
# *_test of the rule that matched. *_test is true if the rule only monitors.
_WAF_MODULES = (
    *("waf", "sema", "deeplearning", "dlp", "account", "antiscan", "acl", "cc", "normalized"),
    *("scene", "antifraud", "intelligence", "algorithm", "wxbb"),
)
_WAF_PASSES = ("continue", "pass")
_WAF_MATCH = find_match(_WAF_MODULES, _WAF_PASSES)
# Where WAF has decided, the parts of another rule must not stand beside those of the decision.
_WAF_MODULE = give_if_absent(("final_action", "final_plugin"), _WAF_MATCH)
_WAF_ACTIONS: dict[str, Source] = {
    module: (
        translate(f"{module}_test", {"true": "monitor"}),
        exclude(f"{module}_action", *_WAF_PASSES),
    )
    for module in _WAF_MODULES
}


def _find_in_module(part: str) -> Derived:
    """Find a part of the rule that matched."""
    fields = {module: f"{module}_{part}" for module in _WAF_MODULES}
    return choose(_WAF_MODULE, fields, how=f"`*_{part}` of {{0}}")


_WAF_PLUGIN = ("final_plugin", _WAF_MODULE)
_WAF_RULE_TYPE = ("final_rule_type", _find_in_module("rule_type"))
# Every rule that matched: an attack that is only monitored can stand beside another decision.
_WAF_MATCHES = list_matches(_WAF_MODULES, _WAF_PASSES)
_WAF_BYPASS = give_if_present(
    "bypass_matched_ids", join(Constant("bypass"), "bypass_matched_ids", sep=":")
)
# A client that has solved a challenge.
_WAF_SOLVED = dict.fromkeys(("captcha_pass", "captcha_strict_pass", "js_pass", "sigchl_pass"), "3")
# WAF answers these itself: no answer of theirs, such as a CAPTCHA with status 200, is a success.
_WAF_ANSWERS = dict.fromkeys(("block", "captcha", "captcha_strict", "js", "sigchl"), "failure")

WAF = EventMapping(
    product="WAF",
    event_class_id=(join(_WAF_PLUGIN, _WAF_RULE_TYPE, sep=":"), Constant("access")),
    name=(
        translate(
            _WAF_PLUGIN,
            {
                "waf": "Web attack",
                "sema": "Web attack",
                "deeplearning": "Web attack",
                "normalized": "Unusual request",
                "account": "Attack on accounts",
                "acl": "Access control rule",
                "cc": "HTTP flood",
                "antiscan": "Scanning",
                "antibot": "Bot",
                "scene": "Bot",
                "intelligence": "Bot",
                "algorithm": "Bot",
                "wxbb": "Bot",
                "antifraud": "Fraud",
                "dlp": "Data leakage",
            },
        ),
        "final_plugin",
        give_if_present("non_terminating_rules", Constant("Rules matched")),
        Constant("Web request"),
    ),
    severity=(
        translate("final_action", {"block": "7"}, "5"),
        # A rule that monitors is graded as what it would do.
        translate(_find_in_module("action"), {"block": "7"} | _WAF_SOLVED, "5"),
        give_if_present(_WAF_MODULE, Constant("5")),
        give_if_present("non_terminating_rules", Constant("5")),
        *derive_severity("status"),
    ),
    extension={
        "rt": "time",
        # WAF records no final action for requests that it lets pass.
        "act": (
            "final_action",
            choose(
                _WAF_MODULE,
                _WAF_ACTIONS,
                how="monitor, if `*_test` is true, else `*_action` of {0}",
            ),
            Constant("pass"),
        ),
        "outcome": (translate("final_action", _WAF_ANSWERS), derive_outcome("status")),
        "src": ("real_client_ip", "remote_addr"),
        # The port is one of the connection, which may come from a proxy.
        "spt": give_if_equal("real_client_ip", "remote_addr", "remote_port"),
        "dhost": extract_host(_WAF_HOST),
        "dpt": ("server_port", "dst_port"),
        "destinationTranslatedAddress": extract_address("upstream_addr"),
        "destinationTranslatedPort": extract_port("upstream_addr"),
        "app": _WAF_SCHEME,
        "request": build_url(_WAF_SCHEME, _WAF_HOST, "request_path", "querystring"),
        "requestMethod": "request_method",
        "requestClientApplication": "http_user_agent",
        "requestContext": "http_referer",
        "in": "request_length",
        "out": "body_bytes_sent",
        "externalId": drop_longer("request_traceid", 40),
        "cs1": Labelled("RuleId", ("final_rule_id", _find_in_module("rule_id"))),
        "cs2": Labelled("RuleType", _WAF_RULE_TYPE),
        "cs3": Labelled("Plugin", _WAF_PLUGIN),
        "cs4": Labelled("XForwardedFor", "http_x_forwarded_for"),
        "cs5": Labelled("Region", "region"),
        "cs6": Labelled("AccountId", ("user_id", "owner_id")),
        "cn1": Labelled("Status", "status"),
        "cn2": Labelled("UpstreamStatus", "upstream_status"),
        "cn3": Labelled("RequestTimeMs", "request_time_msec"),
        "flexString1": Labelled("RemoteAddress", "remote_addr"),
        "flexString2": Labelled(
            "MatchedRules", join("non_terminating_rules", _WAF_MATCHES, _WAF_BYPASS, sep=", ")
        ),
    },
)
"""Web Application Firewall, topic ``waf_access_log``.

Sources: "Log fields" of Web Application Firewall 3.0 (help/en/waf/web-application-firewall-3-0/
fields-in-logs), "Log fields supported by WAF" (doc-detail/95492), "WAF" of Log Audit
(help/en/sls/waf). They say of ``*_test`` that true is the monitor mode, which blocks nothing; of
``final_action``, that it is not recorded if no rule decided. A rule has matched if its module's
``*_test`` is true, or its ``*_action`` is neither continue nor pass. The modules, the first one
first: waf, sema, deeplearning, dlp, account, antiscan, acl, cc, normalized, scene, antifraud,
intelligence, algorithm, wxbb.
"""

SLB = EventMapping(
    product="SLB",
    event_class_id=Constant("access"),
    name=Constant("Web request"),
    severity=derive_severity("status"),
    extension={
        "rt": "time",
        "outcome": derive_outcome("status"),
        "src": "client_ip",
        "spt": "client_port",
        "dst": "vip_addr",
        "dhost": extract_host(("http_host", "host")),
        "dpt": "slb_vport",
        # The client calls one address and another one answers, as with any translation.
        "destinationTranslatedAddress": extract_address("upstream_addr"),
        "destinationTranslatedPort": extract_port("upstream_addr"),
        "app": "scheme",
        "request": build_url("scheme", ("http_host", "host"), "request_uri"),
        "requestMethod": "request_method",
        "requestClientApplication": "http_user_agent",
        "requestContext": "http_referer",
        "in": "request_length",
        "out": "body_bytes_sent",
        "deviceExternalId": ("slbid", "instance_id"),
        "cs1": Labelled("XForwardedFor", "http_x_forwarded_for"),
        "cs2": Labelled("RealIp", "http_x_real_ip"),
        "cs3": Labelled("TlsProtocol", "ssl_protocol"),
        "cs4": Labelled("TlsCipher", "ssl_cipher"),
        "cs5": Labelled("Region", "region"),
        "cs6": Labelled("AccountId", "owner_id"),
        "cn1": Labelled("Status", "status"),
        "cn2": Labelled("UpstreamStatus", "upstream_status"),
        "cfp1": Labelled("RequestTimeSeconds", "request_time"),
    },
)
"""Classic Load Balancer (SLB), layer 7, topic ``slb_layer7_access_log``.

Sources: "Log fields" of CLB (help/en/sls/user-guide/log-fields-24), "SLB" of Log Audit
(help/en/sls/slb).
"""

_OSS_OBJECT = decode_url("object")
_OSS_SCHEME = translate("http_type", {"http": "http", "https": "https"})

OSS = EventMapping(
    product="OSS",
    event_class_id="operation",
    severity=(
        translate("http_status", {"401": "5", "403": "5"}),
        grade("http_status", {400: "3", 500: "5"}),
        translate("http_method", {"put": "4", "post": "4", "delete": "5"}, "2"),
    ),
    extension={
        # No "rt": the field ``time`` has no zone, and the log's own time is the same.
        "act": "operation",
        "outcome": derive_outcome("http_status"),
        "reason": "error_code",
        "src": "client_ip",
        "suid": "requester_id",
        "dhost": "host",
        "app": _OSS_SCHEME,
        "fname": extract_file_name(_OSS_OBJECT),
        "filePath": _OSS_OBJECT,
        "fsize": drop_larger("object_size", 2**31 - 1),
        "request": build_url(_OSS_SCHEME, "host", "request_uri"),
        "requestMethod": "http_method",
        "requestClientApplication": ("User-Agent", "user_agent"),
        "requestContext": "referer",
        "in": ("request_length", "content_length_in"),
        "out": ("response_body_length", "content_length_out"),
        "externalId": drop_longer("request_id", 40),
        "cs1": Labelled("Bucket", "bucket"),
        "cs2": Labelled("AccessKeyId", "access_id"),
        "cs3": Labelled("SignType", "sign_type"),
        "cs4": Labelled("VpcId", "vpc_id"),
        "cs5": Labelled("Region", ("region", "bucket_location")),
        "cs6": Labelled("AccountId", "owner_id"),
        "cn1": Labelled("Status", "http_status"),
        "cn2": Labelled("ResponseTimeMs", "response_time"),
        "cn3": Labelled("ObjectSize", "object_size"),
    },
)
"""Object Storage Service, topics ``oss_access_log`` and ``oss_batch_delete_log``.

Sources: "OSS" of Log Audit (help/en/sls/oss), "Log fields" of OSS (doc-detail/100726).
"""
