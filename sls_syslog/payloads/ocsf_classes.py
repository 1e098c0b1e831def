"""Tables of the Open Cybersecurity Schema Framework (OCSF): classes, activities, attributes.

Sans-I/O. Source: https://schema.ocsf.io/1.5.0/. This module must hold tables only: ``ocsf.py``
reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sls_syslog.syslog.codes import Severity

__all__ = [
    "BASE_EVENT",
    "CLASSES",
    "KINDS",
    "OCSF_VERSION",
    "SEVERITY_IDS",
    "SEVERITY_IDS_BY_NUMBER",
    "OcsfClass",
]

OCSF_VERSION = "1.5.0"
"""The version of the schema. The first in which a vulnerability may have an advisory, no CVE."""

SEVERITY_IDS: dict[Severity, int] = {
    Severity.EMERGENCY: 6,
    Severity.ALERT: 5,
    Severity.CRITICAL: 5,
    Severity.ERROR: 4,
    Severity.WARNING: 3,
    Severity.NOTICE: 2,
    Severity.INFO: 1,
    Severity.DEBUG: 1,
}
"""OCSF's ``severity_id`` of an event whose mapping finds none, by the severity of its message.

1 Informational, 2 Low, 3 Medium, 4 High, 5 Critical, 6 Fatal.
"""

SEVERITY_IDS_BY_NUMBER: dict[str, int] = {
    **dict.fromkeys(("0", "1", "2"), 1),
    **dict.fromkeys(("3", "4", "Low"), 2),
    **dict.fromkeys(("5", "6", "Medium"), 3),
    **dict.fromkeys(("7", "8", "High"), 4),
    **dict.fromkeys(("9", "10", "Very-High"), 5),
    "Unknown": 0,
}
"""OCSF's ``severity_id`` by CEF's severity. No standard has such a table. No mapping finds 6."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OcsfClass:
    """A class of OCSF, and how the values of an event become its attributes.

    Attributes:
        uid: ``class_uid``; the thousands are ``category_uid``.
        caption: Its name.
        attributes: The path of the attribute by CEF's key, or by a label. ``[]`` after a name is
            a list with one item.
        required: What stands at a path of an attribute that the schema demands, if no
            value of the log is there; by path.
        activities: ``activity_id`` by the method, event class id or action, or the first word of
            one, in lower case.
        otherwise: ``activity_id`` for any other word.
        has_outcome: Whether ``status_id`` is that of an outcome.
    """

    uid: int
    caption: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    required: Mapping[str, str | int] = field(default_factory=dict)
    activities: Mapping[str, int] = field(default_factory=dict)
    otherwise: int = 99
    has_outcome: bool = True


_ENDPOINTS = {
    "src": "src_endpoint.ip",
    "c6a2": "src_endpoint.ip",
    "shost": "src_endpoint.hostname",
    "spt": "src_endpoint.port",
    "dst": "dst_endpoint.ip",
    "c6a3": "dst_endpoint.ip",
    "dhost": "dst_endpoint.hostname",
    "dpt": "dst_endpoint.port",
}
_SOURCE = {key: path for key, path in _ENDPOINTS.items() if path.startswith("src")}
_TRAFFIC = {
    "in": "traffic.bytes_out",
    "out": "traffic.bytes_in",
    "SourcePackets": "traffic.packets_out",
    "DestinationPackets": "traffic.packets_in",
}
_COMMON = {
    "start": "start_time",
    "end": "end_time",
    "cnt": "count",
    "msg": "message",
    "reason": "status_detail",
}
_ACTOR = {"suser": "actor.user.name", "suid": "actor.user.uid", "spriv": "actor.user.type"}
_USER = {"duser": "user.name", "duid": "user.uid"}
_TLS = {"TlsProtocol": "tls.version", "TlsCipher": "tls.cipher"}
_REQUEST = {
    "request": "http_request.url.url_string",
    "requestMethod": "http_request.http_method",
    "requestClientApplication": "http_request.user_agent",
    "requestContext": "http_request.referrer",
}
_FILE = {"filePath": "file.path", "fname": "file.name", "fsize": "file.size"}
_HASH = {"fileHash": "file.hashes[].value"}
_RESOURCE = {
    "ResourceName": "resources[].name",
    "ObjectName": "resources[].name",
    "ResourceId": "resources[].uid",
    "ResourceType": "resources[].type",
}
_API = {
    "destinationServiceName": "api.service.name",
    "RequestId": "api.request.uid",
    "Status": "api.response.code",
}
_FROM_SOURCE = {"src_endpoint.name": "Unknown"}
_TO_DESTINATION = {"dst_endpoint.name": "Unknown"}
_BY_ACTOR = {"actor.user.name": "Unknown"}
_CRUD = {
    **dict.fromkeys(("create", "run", "add", "allocate", "put", "post", "mkdir", "upload"), 1),
    **dict.fromkeys(("describe", "get", "list", "watch", "query", "read", "head", "lookup"), 2),
    **dict.fromkeys(("modify", "update", "set", "patch", "write", "rename"), 3),
    **dict.fromkeys(("delete", "deletecollection", "remove", "release", "rmdir"), 4),
}
_STORE = {
    **dict.fromkeys(("get", "head", "read", "download"), 1),
    **dict.fromkeys(("update", "alter", "replace", "merge"), 2),
    **dict.fromkeys(("login", "connect"), 3),
    **dict.fromkeys(("select", "query", "show"), 4),
    **dict.fromkeys(("insert", "put", "post", "append", "copy", "load"), 5),
    "create": 6,
    **dict.fromkeys(("delete", "drop", "truncate"), 7),
    "list": 8,
}
_METHODS = {
    "connect": 1,
    "delete": 2,
    "get": 3,
    "head": 4,
    "options": 5,
    "post": 6,
    "put": 7,
    "trace": 8,
}
_FLOWS = {
    "connect": 1,
    **dict.fromkeys(("reject", "drop", "deny", "block", "discard"), 5),
    **dict.fromkeys(("accept", "pass", "alert", "allow", "monitor"), 6),
    "port-snapshot": 7,
}
_EVIDENCE = {
    key: f"evidences[].{path}"
    for key, path in {**_ENDPOINTS, **_ACTOR, **_USER, **_FILE, **_HASH}.items()
} | {"request": "evidences[].url.url_string", "dproc": "evidences[].process.name"}

BASE_EVENT = OcsfClass(uid=0, caption="Base Event", attributes=_COMMON, otherwise=0)

_API_ACTIVITY = OcsfClass(
    uid=6003,
    caption="API Activity",
    attributes={**_COMMON, **_ENDPOINTS, **_ACTOR, **_REQUEST, **_API, **_RESOURCE},
    required={**_FROM_SOURCE, **_BY_ACTOR, "api.operation": "Unknown"},
    activities=_CRUD,
)
_AUTHENTICATION = OcsfClass(
    uid=3002,
    caption="Authentication",
    attributes={**_COMMON, **_ENDPOINTS, **_USER, "app": "auth_protocol"},
    required={"user.name": "Unknown", **_TO_DESTINATION},
    otherwise=1,
)
_SIGN_IN = OcsfClass(
    uid=3002,
    caption="Authentication",
    attributes={
        **_COMMON,
        **_ENDPOINTS,
        **_REQUEST,
        "suser": "user.name",
        "suid": "user.uid",
        "spriv": "user.type",
        "destinationServiceName": "service.name",
    },
    required={"user.name": "Unknown", "service.name": "Unknown"},
    otherwise=1,
)
_HTTP_ACTIVITY = OcsfClass(
    uid=4002,
    caption="HTTP Activity",
    attributes={
        **_COMMON,
        **_ENDPOINTS,
        **_TRAFFIC,
        **_REQUEST,
        **_TLS,
        "Status": "http_response.code",
        "app": "app_name",
    },
    required={"http_request.user_agent": "Unknown"},
    activities=_METHODS,
)
_NETWORK_ACTIVITY = OcsfClass(
    uid=4001,
    caption="Network Activity",
    attributes={
        **_COMMON,
        **_ENDPOINTS,
        **_TRAFFIC,
        "proto": "connection_info.protocol_name",
        "TcpFlags": "connection_info.tcp_flags",
        "app": "app_name",
    },
    required=_TO_DESTINATION,
    activities=_FLOWS,
    otherwise=6,
)
_DETECTION_FINDING = OcsfClass(
    uid=2004,
    caption="Detection Finding",
    attributes={**_COMMON, **_EVIDENCE, **_RESOURCE, "cat": "finding_info.types[]"},
    required={"finding_info.uid": "Unknown"},
    otherwise=1,
    has_outcome=False,
)
_VULNERABILITY_FINDING = OcsfClass(
    uid=2002,
    caption="Vulnerability Finding",
    attributes={
        **_COMMON,
        "cat": "finding_info.types[]",
        "InstanceId": "resources[].uid",
        "dhost": "resources[].name",
        "VulnerabilityId": "vulnerabilities[].advisory.uid",
    },
    required={"finding_info.uid": "Unknown", "vulnerabilities[].advisory.uid": "Unknown"},
    otherwise=1,
    has_outcome=False,
)
_DATASTORE_ACTIVITY = OcsfClass(
    uid=6005,
    caption="Datastore Activity",
    attributes={
        **_COMMON,
        **_ENDPOINTS,
        **_ACTOR,
        "Database": "database.name",
        "InstanceId": "database.uid",
    },
    required={**_FROM_SOURCE, **_BY_ACTOR, "database.name": "Unknown"},
    activities=_STORE,
)
_BUCKET_ACTIVITY = OcsfClass(
    uid=6005,
    caption="Datastore Activity",
    attributes={
        **_COMMON,
        **_ENDPOINTS,
        **_ACTOR,
        **_REQUEST,
        "Bucket": "databucket.name",
        **{key: f"databucket.{path}" for key, path in _FILE.items()},
    },
    required={**_FROM_SOURCE, **_BY_ACTOR, "databucket.name": "Unknown"},
    activities=_STORE,
)
_PROCESS_ACTIVITY = OcsfClass(
    uid=1007,
    caption="Process Activity",
    attributes={
        **{key: path for key, path in _COMMON.items() if key != "msg"},
        **_ACTOR,
        "sproc": "actor.process.name",
        "spid": "actor.process.pid",
        "duser": "process.user.name",
        "duid": "process.user.uid",
        "dproc": "process.name",
        "dpid": "process.pid",
        "msg": "process.cmd_line",
        **{key: f"process.{path}" for key, path in {**_FILE, **_HASH}.items()},
        "src": "device.ip",
        "dst": "device.ip",
        "c6a2": "device.ip",
        "c6a3": "device.ip",
        "shost": "device.hostname",
        "dhost": "device.hostname",
        "InstanceId": "device.instance_uid",
    },
    required={"device.name": "Unknown", **_BY_ACTOR, "process.uid": "Unknown"},
    activities={"process-start": 1},
)
_DNS_ACTIVITY = OcsfClass(
    uid=4003,
    caption="DNS Activity",
    attributes={
        **_COMMON,
        **_ENDPOINTS,
        "destinationDnsDomain": "query.hostname",
        "QueryType": "query.type",
        "Answer": "answers[].rdata",
        "proto": "connection_info.protocol_name",
    },
    required=_TO_DESTINATION,
    otherwise=6,
)

KINDS = {
    "actiontrail": {"ConsoleSignin": _SIGN_IN},
    "cloud-firewall": {"[0-9]+": _DETECTION_FINDING},
    "cloud-firewall-event": {"[0-9]+": _DETECTION_FINDING},
    "security-center-agentless": {"vulnerability": _VULNERABILITY_FINDING},
}
"""The classes of some events of a mapping, by a pattern of their event class ids."""

CLASSES: dict[str, OcsfClass] = {
    **dict.fromkeys(
        ("actiontrail", "actiontrail-inner", "kubernetes", "nas-nfs", "nas-smb", "sls"),
        _API_ACTIVITY,
    ),
    "security-center-login": _AUTHENTICATION,
    **dict.fromkeys(
        ("alb", "anti-ddos", "api-gateway", "security-center-http", "slb", "waf"), _HTTP_ACTIVITY
    ),
    **dict.fromkeys(
        (
            "anti-ddos-origin",
            "cloud-firewall",
            "cloud-firewall-event",
            "security-center-network",
            "security-center-port-snapshot",
            "vpc-flow",
        ),
        _NETWORK_ACTIVITY,
    ),
    **dict.fromkeys(
        (
            "cloud-config-compliance",
            "security-center-agentless",
            "security-center-alert",
            "security-center-application",
            "security-center-baseline",
            "security-center-brute-force",
            "security-center-configuration",
            "security-center-file",
            "security-center-malware",
            "security-center-network-defense",
        ),
        _DETECTION_FINDING,
    ),
    "security-center-vulnerability": _VULNERABILITY_FINDING,
    **dict.fromkeys(("data-security-center", "polardb-x", "rds"), _DATASTORE_ACTIVITY),
    "oss": _BUCKET_ACTIVITY,
    **dict.fromkeys(
        ("security-center-process", "security-center-process-snapshot"), _PROCESS_ACTIVITY
    ),
    **dict.fromkeys(("dns", "security-center-dns"), _DNS_ACTIVITY),
    **dict.fromkeys(
        (
            "bastionhost",
            "cloud-config-change",
            "security-center-account",
            "security-center-agent",
            "generic",
            "own",
        ),
        BASE_EVENT,
    ),
}
"""The class by the name of the mapping; ``own`` is a mapping of the user's."""
