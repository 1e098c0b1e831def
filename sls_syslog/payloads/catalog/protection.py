"""Mappings of Security Center's newer logs: what it blocks, inspects and watches on hosts.

Source of all: "Log types and log fields" of Security Center
(help/en/security-center/user-guide/log-category-and-field-description-v2-0).
"""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import (
    drop_longer,
    exclude,
    give_if_present,
    join,
    translate,
)
from sls_syslog.payloads.catalog.tables import (
    AGENT_KEYS,
    ASSET,
    HOST,
    LEVELS,
    NECESSITIES,
    RISKS,
)
from sls_syslog.payloads.fields import Constant
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = [
    "ACCOUNT",
    "AGENT",
    "AGENTLESS",
    "APPLICATION",
    "CONFIGURATION",
    "FILE",
    "MALWARE",
    "NETWORK_DEFENSE",
    "PORT",
    "PROCESS",
]

_PRODUCT = "Security Center"

NETWORK_DEFENSE = EventMapping(
    product=_PRODUCT,
    event_class_id=("rule_type", "func", Constant("network-attack")),
    name=(
        translate(
            "func",
            {"payload": "Malicious payload blocked", "tuple": "Malicious address blocked"},
        ),
        Constant("Network attack"),
    ),
    severity=6,
    extension={
        **AGENT_KEYS,
        "cat": "func",
        "act": "final_action",
        "outcome": translate("final_action", {"block": "failure"}),
        "src": "src_ip",
        "spt": "src_port",
        "dst": ("dst_ip", *ASSET),
        "dpt": "dst_port",
        "dpid": "pid",
        "filePath": "proc_path",
        "msg": "decode_payload",
        "cs1": Labelled("Command", "cmd"),
        "cs2": Labelled("InternetIp", "internet_ip"),
        "flexString1": Labelled("Platform", "platform"),
    },
)
"""Attacks from the network that the agent blocks, topic ``sas-net-block``; ``filePath`` is the
path of the attacked process."""

_ATTACKS = {
    "attach": "Malicious attachment",
    "beans": "Malicious beans binding",
    "classloader": "Malicious class loading",
    "dangerous_protocol": "Dangerous protocol",
    "dns": "Malicious DNS query",
    "engine": "Engine injection",
    "expression": "Expression injection",
    "file": "Malicious file access",
    "file_delete": "Arbitrary file deletion",
    "file_list": "Directory traversal",
    "file_read": "Arbitrary file read",
    "file_upload": "Malicious file upload",
    "jndi": "JNDI injection",
    "jni": "JNI injection",
    "jstl": "JSTL file inclusion",
    "memory_shell": "In-memory webshell",
    "rce": "Remote code execution",
    "read_object": "Deserialization attack",
    "reflect": "Malicious reflection call",
    "sql": "SQL injection",
    "ssrf": "Malicious outbound connection",
    "thread_inject": "Thread injection",
    "xxe": "XXE attack",
}

APPLICATION = EventMapping(
    product=_PRODUCT,
    event_class_id=("type", Constant("application-attack")),
    name=(translate("type", _ATTACKS), "type", Constant("Attack on an application")),
    severity=translate("risk_level", RISKS, "5"),
    extension={
        **AGENT_KEYS,
        "rt": ("timestamp", "start_time"),
        "cat": Constant("application-protection"),
        "act": "final_action",
        # Monitoring reports the attack and lets it through.
        "outcome": translate("final_action", {"block": "failure", "monitor": "success"}),
        "msg": "message",
        "src": "src_ip",
        "dst": (*HOST, *ASSET),
        "dhost": "hostname",
        "request": "url",
        "requestMethod": "request_method",
        "in": "request_content_length",
        "filePath": "app_dir",
        "externalId": drop_longer("rasp_attack_uuid", 40),
        "cs1": Labelled("Payload", "payload"),
        "cs2": Labelled("InternetIp", "internet_ip"),
        "cs3": Labelled("Application", "app_name"),
        "flexString1": Labelled("RiskLevel", "risk_level"),
        "flexString2": Labelled("Confidence", "confidence_level"),
    },
)
"""Attacks on applications (RASP), topic ``sas-rasp-log``.

Headers, parameters and bodies of requests are never sent: they may hold sessions and secrets. An
attack that is only monitored has the outcome ``success``: nothing stopped it.
"""

MALWARE = EventMapping(
    product=_PRODUCT,
    event_class_id=(
        translate("result", {"0": "file-safe", "1": "file-malicious"}),
        Constant("file-inspection"),
    ),
    name=(
        "event_name",
        translate("result", {"0": "File is safe", "1": "File is malicious"}),
        Constant("File inspected"),
    ),
    severity=(translate("result", {"0": "2"}), translate("risk_level", LEVELS), Constant("6")),
    extension={
        "rt": "start_time",
        "cat": "source",
        "filePath": "file_path",
        "fileHash": ("sha256", "md5"),
        "externalId": drop_longer("event_id", 40),
        "cs1": Labelled("Bucket", "bucket_name"),
        "cs2": Labelled("Md5", "md5"),
        "cs3": Labelled("ParentFile", "parent_file_path"),
        "cs4": Labelled("ParentHash", ("parent_sha256", "parent_md5")),
        "cs5": Labelled("Etag", "etag"),
        "cs6": Labelled("AccountId", "owner_id"),
        "flexString1": Labelled("RiskLevel", "risk_level"),
    },
)
"""Files inspected for malware, topic ``sas-filedetect-log``."""

FILE = EventMapping(
    product=_PRODUCT,
    event_class_id=join(Constant("core-file"), "operation", sep=":"),
    name=Constant("Core file accessed"),
    severity=5,
    extension={
        **AGENT_KEYS,
        "act": "operation",
        "msg": "cmdline",
        "dst": ASSET,
        "dhost": "instance_name",
        "spid": "pid",
        "filePath": "file_path",
        "cs1": Labelled("Rule", "rule_name"),
        "cs2": Labelled("InternetIp", "internet_ip"),
        "cs3": Labelled("ProcessPath", "proc_path"),
        "cs5": Labelled("ProcessPermission", "proc_permission"),
        "flexString1": Labelled("RiskLevel", "risk_level"),
        "flexString2": Labelled("RuleId", "rule_id"),
    },
)
"""Access to core files, topic ``aegis-file-protect-log``.

The numbers of ``risk_level`` are not documented, so the severity is always the same.
"""

CONFIGURATION = EventMapping(
    product=_PRODUCT,
    event_class_id=join(Constant("cspm"), "check_id", sep=":"),
    name=("check_item_name", Constant("Configuration check")),
    severity=(
        translate("status", {"pass": "2", "whitelist": "2", "not_check": "2", "checking": "2"}),
        translate("risk_level", RISKS, "5"),
    ),
    extension={
        "rt": "start_time",
        "cat": "instance_type",
        "outcome": translate("status", {"pass": "success", "not_pass": "failure"}),
        "msg": "instance_result",
        "cs1": Labelled("Status", "status"),
        "cs2": Labelled("InstanceType", join("instance_type", "instance_sub_type", sep="/")),
        "cs3": Labelled("InstanceName", "instance_name"),
        "cs4": Labelled("InstanceId", "instance_id"),
        "cs5": Labelled("Region", "region_id"),
        "cs6": Labelled("AccountId", "owner_id"),
        "flexString1": Labelled("RiskLevel", "risk_level"),
        "flexString2": Labelled("Standard", join("standard_id", "requirement_id", "section_id")),
    },
)
"""Configuration of cloud services (CSPM), topic ``sas-cspm-log``."""

_FINDINGS = {
    "vulnerability": "vul_name",
    "baseline": "check_item_name",
    "malicious-sample": "alert_name",
    "sensitive-file": "file_path",
}

AGENTLESS = EventMapping(
    product=_PRODUCT,
    event_class_id=(
        *(give_if_present(field, Constant(kind)) for kind, field in _FINDINGS.items()),
        Constant("agentless-detection"),
    ),
    name=("vul_alias_name", "vul_name", "check_item_name", "alert_name", "rule_name"),
    severity=(
        # Fixed; passed, or on the white list.
        translate("status", {"7": "2", "3": "2"}),
        translate(("alert_level", "check_item_level", "risk_level"), NECESSITIES | LEVELS | RISKS),
        Constant("5"),
    ),
    extension={
        **AGENT_KEYS,
        "cat": ("type", "type_name"),
        "act": "operation",
        "msg": ("result", "risk_name"),
        "dst": ASSET,
        "dhost": "instance_name",
        "filePath": "file_path",
        "externalId": drop_longer("suspicious_event_id", 40),
        "cs1": Labelled("Status", "status"),
        "cs2": Labelled("InternetIp", "internet_ip"),
        "cs3": Labelled("Container", ("container_name", "container_id")),
        "flexString1": Labelled("RiskLevel", ("alert_level", "check_item_level", "risk_level")),
        "flexString2": Labelled("Finding", ("vul_name", "sub_type_name", "rule_name")),
    },
)
"""Vulnerabilities, baselines, malicious samples and sensitive files that are found without an
agent, topic ``sas-agentless-log``."""

AGENT = EventMapping(
    product=_PRODUCT,
    event_class_id=join(Constant("agent"), "status", sep=":"),
    name=(
        translate("status", {"online": "Agent online", "offline": "Agent offline"}),
        Constant("Agent event"),
    ),
    severity=(translate("status", {"online": "2", "offline": "5"}), Constant("3")),
    extension={
        **AGENT_KEYS,
        "act": "status",
        "dvc": HOST,
        "cs1": Labelled("Version", "agent_version"),
        "cs2": Labelled("Platform", "platform"),
        "cs3": Labelled("Region", "region_id"),
        "deviceCustomDate1": Labelled("LastLogin", "last_login"),
    },
)
"""Agents that come and go, topic ``aegis-log-client``."""

ACCOUNT = EventMapping(
    product=_PRODUCT,
    event_class_id=Constant("account-snapshot"),
    name=Constant("Account on a host"),
    severity=(translate("perm", {"1": "3"}), Constant("2")),
    extension={
        **AGENT_KEYS,
        "dst": HOST,
        "duser": "username",
        "dpriv": translate("perm", {"1": "root"}),
        "dntdom": exclude("domain", "n/a"),
        "cs1": Labelled("Status", translate("status", {"0": "disabled", "1": "enabled"})),
        "cs2": Labelled("LastLoginIp", exclude("login_ip", "n/a")),
        "cs3": Labelled("LastLogin", exclude("last_logon", "n/a")),
        "flexString1": Labelled("Groups", exclude("groups", "n/a")),
        "flexString2": Labelled("Shell", "shell"),
    },
)
"""Accounts that a host has, topic ``aegis-snapshot-host``."""

PORT = EventMapping(
    product=_PRODUCT,
    event_class_id=Constant("port-snapshot"),
    name=Constant("Port in use"),
    severity=2,
    extension={
        **AGENT_KEYS,
        # A snapshot's source is the listener, to which connections go.
        "dst": ("src_ip", *HOST),
        "dpt": "src_port",
        "dvc": HOST,
        "proto": ("connection_type", "proto"),
        "dproc": "proc_name",
        "dpid": "pid",
        "cs1": Labelled("State", "status"),
    },
)
"""Ports on which a host listens, topic ``aegis-snapshot-port``."""

PROCESS = EventMapping(
    product=_PRODUCT,
    event_class_id=Constant("process-snapshot"),
    name=Constant("Process running"),
    severity=2,
    extension={
        **AGENT_KEYS,
        "dst": HOST,
        "duser": "username",
        "duid": "uid",
        "sproc": "pname",
        "dproc": "proc_name",
        "dpid": "pid",
        "filePath": "proc_path",
        "fileHash": "md5",
        "msg": "cmdline",
    },
)
"""Processes that run on a host, topic ``aegis-snapshot-process``."""
