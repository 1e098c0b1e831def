"""Tables of the Open Cybersecurity Schema Framework (OCSF): classes, activities, attributes.

Sans-I/O. Sources: https://schema.ocsf.io/1.5.0/; for the states of findings "Log types and log
fields" of Security Center (help/en/security-center/user-guide/
log-category-and-field-description-v2-0). It must hold tables only: ``ocsf.py`` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sls_syslog.syslog.codes import Severity

__all__ = [
    "BASE_EVENT",
    "CATEGORIES",
    "CLASSES",
    "CLASS_ID",
    "COMPLIANCE_STATUSES",
    "CONTROLS",
    "FINDING_STATUSES",
    "KINDS",
    "OCSF_VERSION",
    "ORIGINAL_TIMES",
    "RCODES",
    "SEVERITY_IDS",
    "SEVERITY_IDS_BY_NUMBER",
    "Decision",
    "OcsfClass",
    "State",
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


FINDING_STATUSES: dict[int, str] = {
    1: "New",
    2: "In Progress",
    3: "Suppressed",
    4: "Resolved",
    5: "Archived",
}
"""``status`` by ``status_id`` of a finding. 99 has the word of the log."""

COMPLIANCE_STATUSES: dict[int, str] = {1: "Pass", 2: "Warning", 3: "Fail"}
"""``compliance.status`` by ``compliance.status_id``."""

RCODES: dict[str, int] = {
    "NoError": 0,
    "FormError": 1,
    "ServError": 2,
    "NXDomain": 3,
    "NotImp": 4,
    "Refused": 5,
}
"""``rcode_id`` by OCSF's ``rcode``."""

CLASS_ID = "class_id"
"""Stands for the event class id where the tables name a key or a label."""


class State(NamedTuple):
    """What the state of a finding in a log means.

    Attributes:
        status: ``status_id`` of the finding.
        activity: ``activity_id``; ``None`` if the log's operation says it.
        compliance: ``compliance.status_id``; 0 if the state says nothing about it.
    """

    status: int
    activity: int | None = None
    compliance: int = 0


class Decision(NamedTuple):
    """What a security control did: ``action_id`` and ``disposition_id``."""

    action: int
    disposition: int


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
        activities: ``activity_id`` by a word of the log, or its first word, in lower case.
        words: The keys or labels whose values are looked up in ``activities``, in order.
        otherwise: ``activity_id`` for any other word.
        presence: ``activity_id`` if a value of this key or label is there; before ``activities``.
        names: ``activity_name`` by word, in lower case, where the word itself would mislead.
        operation: The keys or labels that give ``api.operation``; the first counts.
        compound: The name and ``activity_id`` of each operation of a list, by its number. The first
            of ``compound_order`` that is in the list is the activity.
        compound_source: The label of the list.
        states: What the state of a finding means, by its word in lower case.
        state: The key or label that has the state.
        finding_uid: The keys or labels that make ``finding_info.uid``; a text after ``=`` stands
            for itself.
        has_own_uid: Whether ``externalId``, if it is there, is the id of the finding instead.
        has_outcome: Whether ``status_id`` is that of an outcome.
    """

    uid: int
    caption: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    required: Mapping[str, str | int] = field(default_factory=dict)
    activities: Mapping[str, int] = field(default_factory=dict)
    words: tuple[str, ...] = ("requestMethod", CLASS_ID, "act")
    otherwise: int = 99
    presence: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    operation: tuple[str, ...] = (CLASS_ID,)
    compound: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    compound_order: tuple[int, ...] = (4, 1, 3, 99, 2)
    compound_source: str = ""
    states: Mapping[str, State] = field(default_factory=dict)
    state: str = ""
    finding_uid: tuple[str, ...] = (CLASS_ID,)
    has_own_uid: bool = False
    has_outcome: bool = True

    @property
    def is_finding(self) -> bool:
        """Whether the class is one of the category Findings."""
        return self.uid // 1000 == 2


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
    "reason": "status_code",
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
    "assume": 99,  # gives credentials; ActionTrail calls it a read
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
    **dict.fromkeys(("reject", "drop", "deny", "block", "discard", "flow-reject"), 5),
    **dict.fromkeys(("accept", "pass", "alert", "allow", "monitor", "flow-accept"), 6),
    **dict.fromkeys(("scrubbing", "traffic"), 6),
}
# The agent of Security Center: what a process on the host did with its socket.
_CONNECTIONS = {
    **dict.fromkeys(("connect", "accept"), 1),
    "sas-log-session": 6,
    "listen": 7,
}
# MS-SMB2, 2.2.1: the numbers of commands. CREATE opens a file or makes one: it is neither Read nor
# Create, as long as the log does not say which.
_SMB = {
    **dict.fromkeys(("8", "14", "16", "read", "querydirectory", "queryinfo"), 2),
    **dict.fromkeys(("9", "17", "write", "setinfo"), 3),
    **dict.fromkeys(("5", "create"), 99),
}
_SMB_NAMES = {"5": "Open or create", "create": "Open or create"}
# RFC 1813, 3.3.
_NFS3 = {
    **dict.fromkeys(("create", "mkdir", "symlink", "mknod", "link"), 1),
    **dict.fromkeys(("getattr", "lookup", "access", "readlink", "read", "readdir"), 2),
    **dict.fromkeys(("readdirplus", "fsstat", "fsinfo", "pathconf"), 2),
    **dict.fromkeys(("setattr", "write", "rename", "commit"), 3),
    **dict.fromkeys(("remove", "rmdir"), 4),
}
# RFC 7530, 16 and RFC 8881, 18. OPEN opens a file or makes one. 0: no activity of its own.
_NFS4 = {
    "3": ("ACCESS", 2),
    "4": ("CLOSE", 0),
    "5": ("COMMIT", 3),
    "6": ("CREATE", 1),
    "7": ("DELEGPURGE", 0),
    "8": ("DELEGRETURN", 0),
    "9": ("GETATTR", 2),
    "10": ("GETFH", 0),
    "11": ("LINK", 1),
    "12": ("LOCK", 0),
    "13": ("LOCKT", 0),
    "14": ("LOCKU", 0),
    "15": ("LOOKUP", 2),
    "16": ("LOOKUPP", 2),
    "17": ("NVERIFY", 0),
    "18": ("OPEN", 99),
    "19": ("OPENATTR", 0),
    "20": ("OPEN_CONFIRM", 0),
    "21": ("OPEN_DOWNGRADE", 0),
    "22": ("PUTFH", 0),
    "23": ("PUTPUBFH", 0),
    "24": ("PUTROOTFH", 0),
    "25": ("READ", 2),
    "26": ("READDIR", 2),
    "27": ("READLINK", 2),
    "28": ("REMOVE", 4),
    "29": ("RENAME", 3),
    "30": ("RENEW", 0),
    "31": ("RESTOREFH", 0),
    "32": ("SAVEFH", 0),
    "33": ("SECINFO", 0),
    "34": ("SETATTR", 3),
    "35": ("SETCLIENTID", 0),
    "36": ("SETCLIENTID_CONFIRM", 0),
    "37": ("VERIFY", 0),
    "38": ("WRITE", 3),
    "39": ("RELEASE_LOCKOWNER", 0),
    "40": ("BACKCHANNEL_CTL", 0),
    "41": ("BIND_CONN_TO_SESSION", 0),
    "42": ("EXCHANGE_ID", 0),
    "43": ("CREATE_SESSION", 0),
    "44": ("DESTROY_SESSION", 0),
    "45": ("FREE_STATEID", 0),
    "53": ("SEQUENCE", 0),
    "57": ("DESTROY_CLIENTID", 0),
    "58": ("RECLAIM_COMPLETE", 0),
}

_OPEN = State(1)
_WORKED_ON = State(2, 2)
_SUPPRESSED = State(3, 3)
_RESOLVED = State(4, 3)
_ARCHIVED = State(5, 3)
# The product says that what it had found has ended; nobody says that it was looked into.
_ENDED = State(99, 3)

_OPERATIONS = {
    "new": 1,
    # "verity" is how the page has it for baselines.
    **dict.fromkeys(("verify", "verity", "fix", "update", "dealing"), 2),
}
# By the words that the mapping has for the numbers. A fix that needs a restart does
# not protect yet.
_VULNERABILITY_STATES = {
    "unfixed": _OPEN,
    **dict.fromkeys(("fix failed", "rollback failed", "fixing", "rolling back"), _WORKED_ON),
    **dict.fromkeys(("verifying", "rolled back"), _WORKED_ON),
    "fixed, waiting for a restart": _WORKED_ON,
    "rolled back, waiting for a restart": _WORKED_ON,
    "fixed": _RESOLVED,
    "gone": _RESOLVED,
    "ignored": _SUPPRESSED,
    "expired": _ARCHIVED,
}
_ALERT_STATES = {
    "1": _OPEN,
    "2": _SUPPRESSED,  # ignored
    "7": _RESOLVED,  # fixed, in the older numbers
    "8": _SUPPRESSED,  # on the white list
    "12": _RESOLVED,  # gone, in the older numbers
    "16": _WORKED_ON,
    "32": _RESOLVED,  # handled
    "64": _ARCHIVED,  # expired
    "128": _ARCHIVED,  # deleted
    "513": _RESOLVED,  # blocked automatically; nothing is left to do
}
_BASELINE_STATES = {
    "1": State(1, None, 3),
    "2": State(2, 2),  # verifying
    "6": State(3, 3),  # ignored
    "7": State(2, 2),  # being fixed
}
_CSPM_STATES = {
    "not_pass": State(1, 1, 3),
    "pass": State(4, 3, 1),
    "whitelist": State(3, 3),
    "checking": State(2, 2),
    "not_check": State(0, 0),
}
_VERDICT_STATES = {
    "noncompliant": State(1, 1, 3),
    "compliant": State(4, 3, 1),
    "notapplicable": State(99, 2, 99),
    "insufficientdata": State(99, 2, 2),
}
_EVIDENCE = {
    key: f"evidences[].{path}"
    for key, path in {**_ENDPOINTS, **_ACTOR, **_USER, **_FILE, **_HASH}.items()
} | {"request": "evidences[].url.url_string", "dproc": "evidences[].process.name"}

BASE_EVENT = OcsfClass(uid=0, caption="Base Event", attributes=_COMMON, otherwise=0)
_NAMED_EVENT = replace(BASE_EVENT, otherwise=99, words=("act", CLASS_ID))

_API_ACTIVITY = OcsfClass(
    uid=6003,
    caption="API Activity",
    attributes={**_COMMON, **_ENDPOINTS, **_ACTOR, **_REQUEST, **_API, **_RESOURCE},
    required={**_FROM_SOURCE, **_BY_ACTOR, "api.operation": "Unknown"},
    activities=_CRUD,
)
_NFS_ACTIVITY = replace(
    _API_ACTIVITY,
    activities=_NFS3,
    words=("act",),
    operation=("act", "Operations", CLASS_ID),
    compound=_NFS4,
    compound_source="Operations",
)
_SMB_ACTIVITY = replace(
    _API_ACTIVITY,
    activities=_SMB,
    words=("Opcode", "act"),
    names=_SMB_NAMES,
    operation=("act", CLASS_ID),
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
_FLOOD = replace(
    _HTTP_ACTIVITY,
    # The phase of the protection, and no code.
    attributes={**_HTTP_ACTIVITY.attributes, "reason": "status_detail"},
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
)
_CONNECTION = replace(_NETWORK_ACTIVITY, activities=_CONNECTIONS)
_DETECTION_FINDING = OcsfClass(
    uid=2004,
    caption="Detection Finding",
    attributes={**_COMMON, **_EVIDENCE, **_RESOURCE, "cat": "finding_info.types[]"},
    required={"finding_info.uid": "Unknown"},
    activities=_OPERATIONS,
    words=("act",),
    otherwise=1,
    finding_uid=(CLASS_ID, "deviceExternalId", "filePath"),
    has_own_uid=True,
    has_outcome=False,
)
_ATTACK = replace(_DETECTION_FINDING, finding_uid=(CLASS_ID, "src", "c6a2", "dst", "c6a3"))
_ALERT = replace(_DETECTION_FINDING, states=_ALERT_STATES, state="Status")
_INSIGHT = replace(_DETECTION_FINDING, states={"start": State(1, 1), "end": _ENDED}, state="act")
_SCRUBBING = replace(
    _DETECTION_FINDING,
    states={"mitigation_begin": State(1, 1), "mitigation_ended": _ENDED},
    state="act",
    finding_uid=("=scrubbing", "deviceExternalId", "dst", "c6a3"),
    has_own_uid=False,
)
_BLACKHOLE = replace(
    _DETECTION_FINDING,
    states={"blackhole_begin": State(1, 1), "blackhole_ended": _ENDED},
    state="act",
    finding_uid=("=blackhole", "deviceExternalId", "dst", "c6a3"),
    has_own_uid=False,
)
_COMPLIANCE_FINDING = OcsfClass(
    uid=2003,
    caption="Compliance Finding",
    attributes={
        **_COMMON,
        **_RESOURCE,
        "InstanceId": "resources[].uid",
        "InstanceName": "resources[].name",
        "InstanceType": "resources[].type",
        "dhost": "resources[].name",
        "Rule": "compliance.control",
        "SubType": "compliance.standards[]",
        "cat": "finding_info.types[]",
    },
    required={"finding_info.uid": "Unknown", "compliance.control": "Unknown"},
    activities=_OPERATIONS,
    words=("act",),
    otherwise=1,
    has_outcome=False,
)
_BASELINE = replace(
    _COMPLIANCE_FINDING,
    states=_BASELINE_STATES,
    state="Status",
    finding_uid=(CLASS_ID, "name", "deviceExternalId"),
)
_CSPM = replace(
    _COMPLIANCE_FINDING,
    states=_CSPM_STATES,
    state="Status",
    finding_uid=(CLASS_ID, "Region", "InstanceId"),
)
_VERDICT = replace(
    _COMPLIANCE_FINDING,
    states=_VERDICT_STATES,
    state=CLASS_ID,
    finding_uid=("RuleId", "Region", "ResourceId"),
)
_AGENTLESS_BASELINE = replace(_BASELINE, states={"1": State(1, None, 3), "3": State(4, 3, 1)})
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
    activities=_OPERATIONS,
    words=("act",),
    otherwise=1,
    states=_VULNERABILITY_STATES,
    state="Status",
    finding_uid=(CLASS_ID, "deviceExternalId"),
    has_outcome=False,
)
_AGENTLESS_VULNERABILITY = replace(
    _VULNERABILITY_FINDING,
    states={"1": _OPEN, "7": _RESOLVED},
    finding_uid=("Finding", "deviceExternalId"),
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
    # PutBucket makes a bucket; GetBucket and GetService list objects and buckets. The method says
    # less than the operation: DeleteMultipleObjects is a POST.
    activities={**_STORE, "putbucket": 6, "getbucket": 8, "getservice": 8},
    words=(CLASS_ID, "requestMethod"),
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
    presence={"outcome": 6, "Answer": 6},
    otherwise=1,
)
_ACCOUNTS = OcsfClass(
    uid=5003,
    caption="User Inventory Info",
    attributes={**_COMMON, **_USER, "dpriv": "user.type", "dntdom": "user.domain"},
    required={"user.name": "Unknown"},
    otherwise=2,
)

KINDS = {
    "actiontrail": {"ConsoleSignin": _SIGN_IN},
    "anti-ddos-origin": {"blackhole-.*": _BLACKHOLE, "scrubbing-.*": _SCRUBBING},
    "cloud-firewall": {"[0-9]+": _ATTACK},
    "cloud-firewall-event": {"[0-9]+": _ATTACK},
    "security-center-agentless": {
        "baseline": _AGENTLESS_BASELINE,
        "vulnerability": _AGENTLESS_VULNERABILITY,
    },
    "security-center-malware": {"file-safe": _NAMED_EVENT},
}
"""The classes of some events of a mapping, by a pattern of their event class ids."""

CATEGORIES = {"actiontrail": {"ActionTrailInsight": _INSIGHT}}
"""The classes of some events of a mapping, by their value of ``cat``."""

ORIGINAL_TIMES: dict[str, str] = {"oss": "time", "polardb-x": "sql_time"}
"""The field with the log's own time where the mapping does not use it: it has no time zone."""

_DECISIONS = {
    **dict.fromkeys(("accept", "pass", "allow"), Decision(1, 1)),
    **dict.fromkeys(
        ("captcha_pass", "captcha_strict_pass", "js_pass", "sigchl_pass"), Decision(1, 1)
    ),
    **dict.fromkeys(("block", "deny", "reject"), Decision(2, 2)),
    **dict.fromkeys(("drop", "discard", "close"), Decision(2, 6)),
    "monitor": Decision(3, 15),
    "alert": Decision(3, 19),
    **dict.fromkeys(("captcha", "captcha_strict"), Decision(0, 22)),
    **dict.fromkeys(("challenge", "js", "sigchl", "wait"), Decision(0, 23)),
}

CONTROLS: dict[str, tuple[str, Mapping[str, Decision]]] = {
    **dict.fromkeys(
        (
            *("anti-ddos", "cloud-firewall", "cloud-firewall-event", "vpc-flow", "waf"),
            *("security-center-application", "security-center-network-defense"),
        ),
        ("act", _DECISIONS),
    ),
    "security-center-alert": ("Status", {"513": Decision(2, 2)}),
}
"""What a security control did, by mapping: the key or label, and the words in lower case.

The profile ``security_control`` has these attributes.
"""

CLASSES: dict[str, OcsfClass] = {
    **dict.fromkeys(
        ("actiontrail", "actiontrail-inner", "kubernetes", "sls"),
        _API_ACTIVITY,
    ),
    "nas-nfs": _NFS_ACTIVITY,
    "nas-smb": _SMB_ACTIVITY,
    "security-center-login": _AUTHENTICATION,
    **dict.fromkeys(("alb", "api-gateway", "security-center-http", "slb", "waf"), _HTTP_ACTIVITY),
    "anti-ddos": _FLOOD,
    "security-center-network": _CONNECTION,
    **dict.fromkeys(
        (
            "anti-ddos-origin",
            "cloud-firewall",
            "cloud-firewall-event",
            "security-center-port-snapshot",
            "vpc-flow",
        ),
        _NETWORK_ACTIVITY,
    ),
    **dict.fromkeys(
        (
            "security-center-agentless",
            "security-center-file",
            "security-center-malware",
        ),
        _DETECTION_FINDING,
    ),
    **dict.fromkeys(
        (
            "security-center-application",
            "security-center-brute-force",
            "security-center-network-defense",
        ),
        _ATTACK,
    ),
    "security-center-alert": _ALERT,
    "security-center-baseline": _BASELINE,
    "security-center-configuration": _CSPM,
    "cloud-config-compliance": _VERDICT,
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
            "security-center-agent",
        ),
        _NAMED_EVENT,
    ),
    "security-center-account": _ACCOUNTS,
    **dict.fromkeys(("generic", "own"), BASE_EVENT),
}
"""The class by the name of the mapping; ``own`` is a mapping of the user's."""
