"""Mappings of what web services write for each request: WAF, CLB and OSS.

Pure: tables. Bytes are as CEF has them, ``in`` from the client and ``out`` to it. Cookies are
left out: a SIEM has no use for the sessions of users, an intruder has.
"""

from __future__ import annotations

from sls_syslog.payloads.catalog.sources import (
    Derived,
    address_in,
    at_least,
    choice,
    decoded,
    host_in,
    joined,
    port_in,
    url,
    within,
)
from sls_syslog.payloads.fields import Source
from sls_syslog.payloads.mapping import EventMapping, Labelled, text

__all__ = ["OSS", "SLB", "WAF", "outcome_of", "severity_of"]


def outcome_of(status: Source) -> Derived:
    """Success or failure, from an HTTP status."""
    return at_least(status, {100: "success", 400: "failure"})


def severity_of(status: Source) -> tuple[Source, ...]:
    """A severity from an HTTP status: a refusal says more than a missing page."""
    refused = choice(status, {"401": "5", "403": "5"})
    return refused, at_least(status, {100: "2", 400: "3", 500: "5"})


_WAF_SCHEME = (choice("https", {"true": "https", "on": "https"}, "http"), text("http"))
_WAF_HOST = ("host", "matched_host")

WAF = EventMapping(
    product="WAF",
    event_class_id=(joined("final_plugin", "final_rule_type", sep=":"), text("access")),
    name=(
        choice(
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
        text("Web request"),
    ),
    severity=(
        choice("final_action", {"block": "7"}, "5"),
        *severity_of("status"),
    ),
    extension={
        "rt": "time",
        # No action is recorded for what WAF lets pass.
        "act": ("final_action", text("pass")),
        "outcome": (choice("final_action", {"block": "failure"}), outcome_of("status")),
        "src": ("real_client_ip", "remote_addr"),
        "spt": "remote_port",
        "dhost": host_in(_WAF_HOST),
        "dpt": ("server_port", "dst_port"),
        "destinationTranslatedAddress": address_in("upstream_addr"),
        "destinationTranslatedPort": port_in("upstream_addr"),
        "app": _WAF_SCHEME,
        "request": url(_WAF_SCHEME, _WAF_HOST, "request_path", "querystring"),
        "requestMethod": "request_method",
        "requestClientApplication": "http_user_agent",
        "requestContext": "http_referer",
        "in": "request_length",
        "out": "body_bytes_sent",
        "externalId": within("request_traceid", 40),
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
    event_class_id=text("access"),
    name=text("Web request"),
    severity=severity_of("status"),
    extension={
        "rt": "time",
        "outcome": outcome_of("status"),
        "src": "client_ip",
        "spt": "client_port",
        "dst": "vip_addr",
        "dhost": host_in(("http_host", "host")),
        "dpt": "slb_vport",
        # What the client calls and what answers differ: this is a translation like any other.
        "destinationTranslatedAddress": address_in("upstream_addr"),
        "destinationTranslatedPort": port_in("upstream_addr"),
        "app": "scheme",
        "request": url("scheme", ("http_host", "host"), "request_uri"),
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

_OSS_SCHEME = choice("http_type", {"http": "http", "https": "https"})

OSS = EventMapping(
    product="OSS",
    event_class_id="operation",
    severity=(
        choice("http_status", {"401": "5", "403": "5"}),
        at_least("http_status", {400: "3", 500: "5"}),
        choice("http_method", {"put": "4", "post": "4", "delete": "5"}, "2"),
    ),
    extension={
        # The field ``time`` has no zone; the log's own time is the same.
        "act": "operation",
        "outcome": outcome_of("http_status"),
        "reason": "error_code",
        "src": "client_ip",
        "suid": "requester_id",
        "dhost": "host",
        "app": _OSS_SCHEME,
        "fname": decoded("object"),
        "fsize": "object_size",
        "request": url(_OSS_SCHEME, "host", "request_uri"),
        "requestMethod": "http_method",
        "requestClientApplication": ("User-Agent", "user_agent"),
        "requestContext": "referer",
        "in": ("request_length", "content_length_in"),
        "out": ("response_body_length", "content_length_out"),
        "externalId": within("request_id", 40),
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
