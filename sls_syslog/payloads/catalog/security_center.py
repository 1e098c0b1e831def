"""Mappings of Security Center's logs: its findings, and what its agents see on hosts.

Some fields have an old and a new name; the new one comes first. Sources: "Security Center" of Log
Audit (help/en/sls/security-center; older names: doc-detail/215639), "Log categories and field
descriptions" (zh/security-center/user-guide/log-category-and-field-description-v2-0).
"""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import (
    build_url,
    drop_longer,
    extract_file_name,
    extract_host,
    join,
    translate,
)
from sls_syslog.payloads.catalog.network import DIRECTIONS
from sls_syslog.payloads.catalog.tables import (
    AGENT_KEYS,
    ASSET,
    HOST,
    LEVELS,
    NECESSITIES,
    QUERY_TYPES,
    RCODES,
    RISKS,
)
from sls_syslog.payloads.catalog.web import derive_outcome, derive_severity
from sls_syslog.payloads.fields import Constant, Source
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = [
    "ALERT",
    "BASELINE",
    "BRUTE_FORCE",
    "DNS",
    "HTTP",
    "LOGIN",
    "NETWORK",
    "PROCESS",
    "VULNERABILITY",
]

_PRODUCT = "Security Center"
_PATH_SEPARATORS = "/\\"  # of Linux and Windows
_ALERT_PATH = ("detail.filepath", "detail.filePath", "detail.path")

# What is dealt with is not as urgent as what is open. The numbers are those of the API's
# DescribeSuspEvents. The older page gives alerts the numbers of vulnerabilities, so a number that
# is open in one of the two is not here.
_CLOSED_ALERTS = {
    "7": "2",  # fixed, in the older numbers
    "8": "2",  # marked as a false positive
    "12": "2",  # gone, in the older numbers
    "32": "2",  # handled
    "64": "2",  # expired
    "128": "2",  # deleted
}

ALERT = EventMapping(
    product=_PRODUCT,
    # The name is in the language of the account, so it is no class id.
    event_class_id=("detail.type", "data_source", Constant("alert")),
    name="name",
    severity=(translate("status", _CLOSED_ALERTS), translate("level", LEVELS)),
    extension={
        **AGENT_KEYS,
        "cat": "data_source",
        "act": ("operation", "op"),
        "msg": "detail",
        "src": "detail.loginSourceIp",
        "dst": ASSET,
        "dpt": "detail.loginDestinationPort",
        "duser": "detail.loginUser",
        "fname": extract_file_name(_ALERT_PATH, _PATH_SEPARATORS),
        "filePath": _ALERT_PATH,
        "fileHash": "detail.md5",
        "externalId": drop_longer("unique_info", 40),
        "cs1": Labelled("Level", "level"),
        "cs2": Labelled("InternetIp", "internet_ip"),
        "cs3": Labelled("Tag", "tag"),
        "cn1": Labelled("Status", "status"),
    },
)
"""Alerts, topic ``sas-security-log``."""

# As in the API's DescribeVulList; alerts and baselines use other numbers.
_VULNERABILITY_STATES = {
    "1": "unfixed",
    "2": "fix failed",
    "3": "rollback failed",
    "4": "fixing",
    "5": "rolling back",
    "6": "verifying",
    "7": "fixed",
    "8": "fixed, waiting for a restart",
    "9": "rolled back",
    "10": "ignored",
    "11": "rolled back, waiting for a restart",
    "12": "gone",
    "13": "expired",  # on the page of log fields; the API has 20
    "20": "expired",
}

_CLOSED_VULNERABILITIES = {
    "7": "2",  # fixed
    "8": "3",  # fixed, but only after a restart
    "10": "3",  # ignored
    "12": "2",  # gone
    "13": "2",  # expired
    "20": "2",  # expired
}

VULNERABILITY = EventMapping(
    product=_PRODUCT,
    event_class_id=("vul_name", "name"),
    name=("vul_alias_name", "alias_name"),
    severity=(
        translate("status", _CLOSED_VULNERABILITIES),
        translate(("risk_level", "level"), RISKS | NECESSITIES, "5"),
    ),
    extension={
        **AGENT_KEYS,
        "cat": "type",
        "act": ("operation", "op"),
        "msg": "extend_content",
        "dst": ASSET,
        "dhost": "instance_name",
        "cs1": Labelled("Status", (translate("status", _VULNERABILITY_STATES), "status")),
        "cs2": Labelled("InternetIp", "internet_ip"),
        "cs3": Labelled("Tag", "tag"),
        "flexString1": Labelled("RiskLevel", ("risk_level", "level")),
        "flexString2": Labelled("VulnerabilityId", "vul_primary_id"),
    },
)
"""Vulnerabilities, topic ``sas-vul-log``."""

BASELINE = EventMapping(
    product=_PRODUCT,
    event_class_id=join("type_name", "sub_type_name", sep=":"),
    name=("check_item_name", "check_item", "risk_name"),
    severity=translate(("check_item_level", "check_level", "risk_level", "level"), RISKS, "5"),
    extension={
        **AGENT_KEYS,
        "cat": "type_name",
        "act": ("operation", "op"),
        "msg": "risk_name",
        "cs1": Labelled("Type", ("type_alias_name", "type_alias")),
        "cs2": Labelled("SubType", ("sub_type_alias_name", "sub_type_alias")),
        "cs3": Labelled("CheckType", "check_type"),
        "flexString1": Labelled("RiskLevel", ("risk_level", "level")),
        "cn1": Labelled("Status", "status"),
    },
)
"""Baseline checks, topic ``sas-hc-log``."""

_LOGIN_TYPE = ("login_type", "warn_type")
_LOGIN_USER = ("username", "warn_user")
_LOGIN: dict[str, Source | Labelled] = {
    **AGENT_KEYS,
    "src": ("src_ip", "warn_ip"),
    "dst": HOST,
    "dpt": ("dst_port", "warn_port"),
    # The account on the host. QRadar normalizes only suser, so both keys have it.
    "duser": _LOGIN_USER,
    "suser": _LOGIN_USER,
    "app": translate(_LOGIN_TYPE, {"sshlogin": "ssh", "rdplogin": "rdp", "ipclogin": "ipc"}),
    "cnt": ("login_count", "warn_count"),
}

LOGIN = EventMapping(
    product=_PRODUCT,
    event_class_id=(_LOGIN_TYPE, Constant("login")),
    name=Constant("Login to a host"),
    severity=3,
    extension={**_LOGIN, "act": Constant("login"), "outcome": Constant("success")},
)
"""Logins to hosts, topic ``aegis-log-login``; failed ones are in ``aegis-log-crack``."""

BRUTE_FORCE = EventMapping(
    product=_PRODUCT,
    event_class_id=join(Constant("brute-force"), _LOGIN_TYPE, sep=":"),
    name=Constant("Brute force against a host"),
    severity=6,
    extension={**_LOGIN, "act": Constant("login"), "outcome": Constant("failure")},
)
"""Failed logins to hosts, topic ``aegis-log-crack``."""

_PROCESS_PATH = ("proc_path", "filepath")
_PARENT_PATH = ("parent_proc_path", "pfilepath")
_PROCESS_NAME = ("proc_name", extract_file_name("proc_path", _PATH_SEPARATORS))

PROCESS = EventMapping(
    product=_PRODUCT,
    event_class_id=Constant("process-start"),
    name=Constant("Process started"),
    severity=2,
    extension={
        **AGENT_KEYS,
        "src": HOST,
        "suser": "username",
        "suid": "uid",
        "sproc": (
            "parent_proc_name",
            "pfilename",
            extract_file_name(_PARENT_PATH, _PATH_SEPARATORS),
        ),
        "spid": "ppid",
        "dproc": ("proc_name", "filename", extract_file_name(_PROCESS_PATH, _PATH_SEPARATORS)),
        "dpid": "pid",
        "filePath": _PROCESS_PATH,
        "msg": "cmdline",
        "cs1": Labelled("CommandChain", "cmd_chain"),
        "cs2": Labelled("ParentCommand", "parent_cmd_line"),
        "cs3": Labelled("Directory", "cwd"),
        "flexString1": Labelled("Container", join("container_name", "container_image_name")),
        "flexString2": Labelled("ParentPath", _PARENT_PATH),
    },
)
"""Processes, topic ``aegis-log-process``."""

_CONNECTION_STATES = {
    "1": "closed",
    "2": "listen",
    "3": "syn sent",
    "4": "syn received",
    "5": "established",
    "6": "close wait",
    "7": "closing",
    "8": "fin wait 1",
    "9": "fin wait 2",
    "10": "time wait",
    "11": "deleted",
}
_DIRECTION = translate(("net_connect_dir", "in_out", "dir"), DIRECTIONS)

NETWORK = EventMapping(
    product=_PRODUCT,
    name=Constant("Network connection"),
    severity=2,
    extension={
        **AGENT_KEYS,
        "act": "type",
        "src": "src_ip",
        "spt": "src_port",
        "dst": "dst_ip",
        "dpt": "dst_port",
        "dvc": HOST,
        "proto": ("connection_type", "l4_proto", "proto"),
        "deviceDirection": _DIRECTION,
        "deviceProcessName": _PROCESS_NAME,
        "filePath": "proc_path",
        "suser": "username",
        "cs1": Labelled("State", (translate("status", _CONNECTION_STATES), "status")),
        "cs2": Labelled("AssetType", "asset_type"),
        "cs3": Labelled("CommandChain", "cmd_chain"),
    },
)
"""Connections of hosts, topics ``aegis-log-network`` and ``sas-log-session``."""

_QUERY_TYPE = ("query_type", "qtype")

DNS = EventMapping(
    product=_PRODUCT,
    event_class_id=Constant("dns-query"),
    name=Constant("DNS query"),
    severity=2,
    extension={
        **AGENT_KEYS,
        "rt": ("start_time", "query_datetime", "time"),
        "outcome": translate("rcode", {"0": "success"}, "failure"),
        "reason": translate("rcode", RCODES),
        "src": ("src_ip", *HOST),
        "spt": "src_port",
        "shost": ("host", "hostname"),
        "dst": ("dst_ip", "dest_ip"),
        "dpt": ("dst_port", "dest_port"),
        "destinationDnsDomain": ("query_name", "qname", "domain"),
        "deviceDirection": _DIRECTION,
        "deviceProcessName": _PROCESS_NAME,
        "filePath": "proc_path",
        "msg": "cmdline",
        "externalId": drop_longer(("qid", "id"), 40),
        "cs1": Labelled("Answer", ("answer_rdata", "answer_rda", "answer")),
        "cs2": Labelled("QueryType", (translate(_QUERY_TYPE, QUERY_TYPES), *_QUERY_TYPE)),
        "cs3": Labelled("AnswerName", ("answer_name", "anwser_name")),
    },
)
"""DNS, topics ``sas-log-dns``, ``local-dns`` and ``aegis-log-dns-query``."""


_STATUS = ("status", "ret_code")

HTTP = EventMapping(
    product=_PRODUCT,
    event_class_id=Constant("http-request"),
    name=Constant("Web request"),
    severity=derive_severity(_STATUS),
    extension={
        **AGENT_KEYS,
        "outcome": derive_outcome(_STATUS),
        "src": "src_ip",
        "spt": "src_port",
        "dst": "dst_ip",
        "dpt": "dst_port",
        "dhost": extract_host("host"),
        "request": build_url(Constant("http"), "host", ("request_uri", "uri")),
        "requestMethod": ("request_method", "method"),
        "requestClientApplication": ("http_user_agent", "user_agent"),
        "requestContext": ("http_referer", "referer"),
        "out": "response_content_length",
        "cs1": Labelled("XForwardedFor", ("http_x_forward_for", "x_forward_for")),
        "cs2": Labelled("Redirect", "jump_location"),
        "cn1": Labelled("Status", _STATUS),
        # The pages do not agree whether this is the request's or the answer's.
        "cn2": Labelled("ContentLength", "content_length"),
    },
)
"""Web requests in the network traffic, topic ``sas-log-http``."""
