"""Mappings of web requests: WAF, CLB and OSS.

Bytes follow CEF: ``in`` comes from the client, ``out`` goes to it. Cookies must not be sent: a
SIEM does not need the sessions of users, and an intruder could use them.
"""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import (
    Derived,
    build_url,
    decode_url,
    drop_longer,
    extract_address,
    extract_host,
    extract_port,
    grade,
    join,
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

WAF = EventMapping(
    product="WAF",
    event_class_id=(join("final_plugin", "final_rule_type", sep=":"), Constant("access")),
    name=(
        translate(
            "final_plugin",
            {
                "waf": "Web attack",
                "acl": "Access control rule",
                "cc": "HTTP flood",
                "antiscan": "Scanning",
                "antibot": "Bot",
                "dlp": "Data leakage",
            },
        ),
        "final_plugin",
        Constant("Web request"),
    ),
    severity=(
        translate("final_action", {"block": "7"}, "5"),
        *derive_severity("status"),
    ),
    extension={
        "rt": "time",
        # WAF records no action for requests that it lets pass.
        "act": ("final_action", Constant("pass")),
        "outcome": (translate("final_action", {"block": "failure"}), derive_outcome("status")),
        "src": ("real_client_ip", "remote_addr"),
        "spt": "remote_port",
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
        "cs1": Labelled("RuleId", "final_rule_id"),
        "cs2": Labelled("RuleType", "final_rule_type"),
        "cs3": Labelled("Plugin", "final_plugin"),
        "cs4": Labelled("XForwardedFor", "http_x_forwarded_for"),
        "cs5": Labelled("Region", "region"),
        "cs6": Labelled("AccountId", ("user_id", "owner_id")),
        "cn1": Labelled("Status", "status"),
        "cn2": Labelled("UpstreamStatus", "upstream_status"),
        "cn3": Labelled("RequestTimeMs", "request_time_msec"),
    },
)
"""Web Application Firewall, topic ``waf_access_log``.

Sources: "Log fields" of Web Application Firewall 3.0 (help/en/waf/web-application-firewall-3-0/
fields-in-logs), "Log fields supported by WAF" (doc-detail/95492), "WAF" of Log Audit
(help/en/sls/waf).
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
        "fname": decode_url("object"),
        "fsize": "object_size",
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
    },
)
"""Object Storage Service, topics ``oss_access_log`` and ``oss_batch_delete_log``.

Sources: "OSS" of Log Audit (help/en/sls/oss), "Log fields" of OSS (doc-detail/100726).
"""
