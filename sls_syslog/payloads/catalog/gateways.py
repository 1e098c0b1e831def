"""Mappings of what passes a gateway: ALB, Anti-DDoS and API Gateway.

Bytes follow CEF: ``in`` comes from the client, ``out`` goes to it. Cookies, headers and bodies must
not be sent: they may hold sessions and secrets.
"""

from __future__ import annotations

from dataclasses import replace

from sls_syslog.payloads.catalog.functions import (
    build_url,
    drop_longer,
    exclude,
    extract_address,
    extract_host,
    extract_port,
    give_if_equal,
    give_if_present,
    translate,
)
from sls_syslog.payloads.catalog.web import SLB, derive_outcome, derive_severity
from sls_syslog.payloads.fields import Constant
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = ["ALB", "ANTI_DDOS", "ANTI_DDOS_ORIGIN", "API_GATEWAY"]

ALB = replace(SLB, product="ALB", extension={**SLB.extension, "deviceExternalId": "app_lb_id"})
"""Application Load Balancer, layer 7, topic ``alb_layer7_access_log``.

Sources: "ALB" of Log Audit (help/en/sls/alb), "Log fields" of ALB (help/en/sls/log-fields-10).
"""

# cc_blocks or last_result says that a request was blocked; a log has one of them.
_BLOCKED = (translate("cc_blocks", {"1": "block"}), translate("last_result", {"failed": "block"}))
# The client got a test instead of what it asked for.
_CHALLENGES = ("challenge", "captcha", "wait", "login")
_CHALLENGED = translate("cc_action", dict.fromkeys(_CHALLENGES, "challenge"))
_CLOSED = translate("cc_action", {"close": "close"})
_STOPPED = (_BLOCKED, _CLOSED, _CHALLENGED)
_SCHEME = (translate("https", {"true": "https", "on": "https"}, "http"), Constant("http"))
_HOST = ("host", "matched_host")

ANTI_DDOS = EventMapping(
    product="Anti-DDoS",
    event_class_id=(
        translate(
            _STOPPED,
            {
                "block": "http-flood-block",
                "close": "http-flood-close",
                "challenge": "http-flood-challenge",
            },
        ),
        Constant("access"),
    ),
    name=(
        translate(
            _STOPPED,
            {
                "block": "HTTP flood request blocked",
                "close": "HTTP flood connection closed",
                "challenge": "HTTP flood request challenged",
            },
        ),
        Constant("Web request"),
    ),
    severity=(
        translate(_STOPPED, {"block": "6", "close": "6", "challenge": "5"}),
        *derive_severity("status"),
    ),
    extension={
        "rt": ("time", "start_time"),
        "act": (_BLOCKED, exclude("cc_action", "none", "n"), Constant("pass")),
        "outcome": (give_if_present(_STOPPED, Constant("failure")), derive_outcome("status")),
        "reason": "cc_phase",
        "src": ("real_client_ip", "remote_addr"),
        # The port is one of the connection, which may come from a proxy.
        "spt": give_if_equal("real_client_ip", "remote_addr", "remote_port"),
        "dhost": extract_host(_HOST),
        "destinationTranslatedAddress": ("upstream_ip", extract_address("upstream_addr")),
        "destinationTranslatedPort": extract_port("upstream_addr"),
        "app": _SCHEME,
        "request": build_url(_SCHEME, _HOST, "request_uri", "querystring"),
        "requestMethod": "request_method",
        "requestClientApplication": "http_user_agent",
        "requestContext": "http_referer",
        "in": "request_length",
        "out": "body_bytes_sent",
        "cs1": Labelled("FloodAction", "cc_action"),
        "cs2": Labelled("MatchedHost", "matched_host"),
        "cs3": Labelled("RemoteAddress", "remote_addr"),
        "cs4": Labelled("XForwardedFor", "http_x_forwarded_for"),
        "cs5": Labelled("IspLine", "isp_line"),
        "cs6": Labelled("AccountId", ("user_id", "owner_id")),
        "cn1": Labelled("Status", "status"),
        "cn2": Labelled("UpstreamStatus", "upstream_status"),
        "cn3": Labelled("RequestTimeMs", "request_time_msec"),
        "flexNumber1": Labelled("RemotePort", "remote_port"),
    },
)
"""Anti-DDoS Proxy (Pro and Premium), topics ``ddoscoo_access_log``, ``ddosdip_access_log`` and
``ddos_access_log``.

A request that was blocked, closed or answered by a challenge has the outcome ``failure``: the
client did not get what it asked for, with any status. ``remote_addr`` and ``remote_port`` are
of the connection to Anti-DDoS, which may come from a proxy and not from ``real_client_ip``: they
are sent beside ``src`` and ``spt``.

Sources: "Anti-DDoS access log fields" of Log Audit (help/en/sls/anti-ddos), "Fields included in
full logs" (help/en/anti-ddos/anti-ddos-pro-and-premium/user-guide/fields-included-in-full-logs),
"Log fields" of Anti-DDoS Pro and Premium (doc-detail/99111).
"""

_CHANGES = {
    "mitigation_begin": "scrubbing-begin",
    "mitigation_ended": "scrubbing-end",
    "blackhole_begin": "blackhole-begin",
    "blackhole_ended": "blackhole-end",
}
_CHANGE_NAMES = {
    "mitigation_begin": "Traffic scrubbing began",
    "mitigation_ended": "Traffic scrubbing ended",
    "blackhole_begin": "Blackhole filtering began",
    "blackhole_ended": "Blackhole filtering ended",
}
_SCRUBBED = "total_traffic_drop_bps"

ANTI_DDOS_ORIGIN = EventMapping(
    product="Anti-DDoS Origin",
    event_class_id=(
        translate("event_type", _CHANGES),
        give_if_present(_SCRUBBED, Constant("scrubbing")),
        Constant("traffic"),
    ),
    name=(
        translate("event_type", _CHANGE_NAMES),
        give_if_present(_SCRUBBED, Constant("Traffic scrubbed")),
        Constant("Traffic"),
    ),
    severity=(
        translate(
            "event_type",
            {
                "blackhole_begin": "9",
                "mitigation_begin": "7",
                "blackhole_ended": "4",
                "mitigation_ended": "4",
            },
        ),
        translate(_SCRUBBED, {"0": "2"}, "4"),
        Constant("3"),
    ),
    extension={
        "rt": ("event_time", "time"),
        "act": "event_type",
        "dst": ("ip", "destination_ip"),
        "dpt": exclude("port", "all"),
        "deviceExternalId": "instance_id",
        "cs1": Labelled("DataType", "data_type"),
        "cs2": Labelled("Subnet", "subnet"),
        "cs3": Labelled("ScrubbingCenter", "scrubbing_center"),
        "cs6": Labelled("AccountId", "user_id"),
        "cn1": Labelled("PacketsPerSecond", ("pps_in", "total_traffic_in_pps")),
        "cn2": Labelled("DroppedPacketsPerSecond", "total_traffic_drop_pps"),
        "cn3": Labelled("KilobitsPerSecond", "kbps_in"),
        "cfp1": Labelled("Queries", "qps"),
        "cfp2": Labelled("NewConnections", "new_con"),
        "flexNumber1": Labelled("TotalTrafficInBps", "total_traffic_in_bps"),
        "flexNumber2": Labelled("TotalTrafficDropBps", _SCRUBBED),
    },
)
"""Anti-DDoS Origin, topic ``ddosbqp_access_log``, or any topic with the fields of its events or of
its scrubbing.

A blackhole is the most severe: all traffic to the address is lost. No event has an outcome: it says
what happens to an address, and not what somebody tried. The pages disagree on the unit of
``total_traffic_in_bps`` and ``total_traffic_drop_bps``, bits or bytes, so they are no ``in``, and
their labels name the fields.

Sources: "Fields in logs" of Anti-DDoS Origin
(help/en/anti-ddos/anti-ddos-origin/user-guide/fields-in-logs), "Fields in logs" of Log Service
(help/en/sls/user-guide/log-fields-14), with the topic: doc-detail/202686.
"""

_API_SCHEME = translate("requestProtocol", {"http": "http", "https": "https", "ws": "ws"})

API_GATEWAY = EventMapping(
    product="API Gateway",
    event_class_id=Constant("access"),
    name=Constant("API request"),
    severity=derive_severity("statusCode"),
    extension={
        "rt": "requestHandleTime",
        "outcome": derive_outcome("statusCode"),
        "reason": "errorCode",
        "msg": ("errorMessage", "exception"),
        "src": "clientIp",
        "suser": "appName",
        "suid": "appId",
        "dhost": extract_host("domain"),
        "app": _API_SCHEME,
        "request": build_url(_API_SCHEME, "domain", "path", "requestQueryString"),
        "requestMethod": "httpMethod",
        "in": "requestSize",
        "out": "responseSize",
        "deviceExternalId": "instanceId",
        "externalId": drop_longer("requestId", 40),
        "cs1": Labelled("ApiName", "apiName"),
        "cs2": Labelled("ApiId", "apiUid"),
        "cs3": Labelled("ApiGroup", ("apiGroupName", "apiGroupUid")),
        "cs4": Labelled("Stage", ("apiStageName", "apiStageUid")),
        "cs5": Labelled("Region", "region"),
        "cs6": Labelled("AccountId", ("owner_id", "providerAliUid")),
        "cn1": Labelled("Status", "statusCode"),
        "cn2": Labelled("LatencyMs", "totalLatency"),
        "cn3": Labelled("BackendLatencyMs", "serviceLatency"),
        "flexString1": Labelled("InitialRequestId", "initialRequestId"),
    },
)
"""API Gateway; its logs have no documented topic and are known by the fields ``apiUid``,
``apiStageName`` and ``statusCode``.

Headers, bodies and the claims of a JWT are never sent.

Sources: "API Gateway" of Log Audit (help/en/sls/api-gateway), "Log fields" of API Gateway
(help/en/sls/api-gateway-access-logs-log-fields).
"""
