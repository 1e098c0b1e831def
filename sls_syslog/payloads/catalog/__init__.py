"""The ready mappings and what chooses them, as tables.

Sans-I/O. ``audit.py``, ``databases.py``, ``gateways.py``, ``network.py``, ``operations.py``,
``protection.py``, ``security_center.py``, ``storage.py``, ``traffic.py`` and ``web.py`` hold the
mappings; they must compute values only with the functions of ``functions.py``. ``choice.py``
chooses.
"""

from __future__ import annotations

from sls_syslog.payloads.catalog import (
    audit,
    databases,
    gateways,
    network,
    operations,
    protection,
    security_center,
    storage,
    traffic,
    web,
)
from sls_syslog.payloads.mapping import EventMapping

__all__ = ["FIELDS", "MAPPINGS", "PREFIXES", "SHARED_TOPICS", "TOPICS"]

MAPPINGS: dict[str, EventMapping] = {
    "actiontrail": audit.ACTIONTRAIL,
    "actiontrail-inner": operations.INNER_ACTIONTRAIL,
    "alb": gateways.ALB,
    "anti-ddos": gateways.ANTI_DDOS,
    "anti-ddos-origin": gateways.ANTI_DDOS_ORIGIN,
    "api-gateway": gateways.API_GATEWAY,
    "bastionhost": operations.BASTIONHOST,
    "cloud-config-change": operations.CONFIG_CHANGE,
    "cloud-config-compliance": operations.CONFIG_COMPLIANCE,
    "cloud-firewall": network.CLOUD_FIREWALL,
    "cloud-firewall-event": traffic.FIREWALL_EVENT,
    "data-security-center": databases.DATA_SECURITY_CENTER,
    "dns": traffic.DNS,
    "kubernetes": audit.KUBERNETES,
    "nas-nfs": storage.NFS,
    "nas-smb": storage.SMB,
    "oss": web.OSS,
    "polardb-x": databases.POLARDB_X,
    "rds": audit.RDS,
    "security-center-account": protection.ACCOUNT,
    "security-center-agent": protection.AGENT,
    "security-center-agentless": protection.AGENTLESS,
    "security-center-alert": security_center.ALERT,
    "security-center-application": protection.APPLICATION,
    "security-center-baseline": security_center.BASELINE,
    "security-center-brute-force": security_center.BRUTE_FORCE,
    "security-center-configuration": protection.CONFIGURATION,
    "security-center-dns": security_center.DNS,
    "security-center-file": protection.FILE,
    "security-center-http": security_center.HTTP,
    "security-center-login": security_center.LOGIN,
    "security-center-malware": protection.MALWARE,
    "security-center-network": security_center.NETWORK,
    "security-center-network-defense": protection.NETWORK_DEFENSE,
    "security-center-port-snapshot": protection.PORT,
    "security-center-process": security_center.PROCESS,
    "security-center-process-snapshot": protection.PROCESS,
    "security-center-vulnerability": security_center.VULNERABILITY,
    "slb": web.SLB,
    "sls": operations.SLS,
    "vpc-flow": traffic.VPC_FLOW,
    "waf": web.WAF,
}
"""The ready mappings by name."""

TOPICS: dict[str, str] = {
    "actiontrail_audit_event": "actiontrail",
    "actiontrail_event": "actiontrail",
    "aegis-file-protect-log": "security-center-file",
    "aegis-log-client": "security-center-agent",
    "aegis-log-crack": "security-center-brute-force",
    "aegis-log-dns-query": "security-center-dns",
    "aegis-log-login": "security-center-login",
    "aegis-log-network": "security-center-network",
    "aegis-log-process": "security-center-process",
    "aegis-snapshot-host": "security-center-account",
    "aegis-snapshot-port": "security-center-port-snapshot",
    "aegis-snapshot-process": "security-center-process-snapshot",
    "alb_layer7_access_log": "alb",
    "cloudfirewall_access_log": "cloud-firewall",
    "cloudfirewall_ips_log": "cloud-firewall-event",
    "cloudfirewall_vpc_ips_log": "cloud-firewall-event",
    "cloudfirewall_vpc_log": "cloud-firewall",
    "ddos_access_log": "anti-ddos",
    "ddosbqp_access_log": "anti-ddos-origin",
    "ddoscoo_access_log": "anti-ddos",
    "ddosdip_access_log": "anti-ddos",
    "dns_intranet_log": "dns",
    "dns_resolve_log": "dns",
    "local-dns": "security-center-dns",
    "nas_audit_log": "nas-nfs",
    "oss_access_log": "oss",
    "oss_batch_delete_log": "oss",
    "polardbx_sqlaudit": "polardb-x",
    "rds_audit_log": "rds",
    "sas-agentless-log": "security-center-agentless",
    "sas-cspm-log": "security-center-configuration",
    "sas-filedetect-log": "security-center-malware",
    "sas-hc-log": "security-center-baseline",
    "sas-log-dns": "security-center-dns",
    "sas-log-http": "security-center-http",
    "sas-log-session": "security-center-network",
    "sas-net-block": "security-center-network-defense",
    "sas-rasp-log": "security-center-application",
    "sas-security-log": "security-center-alert",
    "sas-vul-log": "security-center-vulnerability",
    "slb_layer7_access_log": "slb",
    "waf_access_log": "waf",
}
"""The names of the ready mappings by ``__topic__``."""

SHARED_TOPICS: dict[str, tuple[str, str]] = {
    "bastionhost": ("event_type", "bastionhost"),
    "event_log": ("aliuid", "cloud-firewall-event"),
    "flow_log": ("srcaddr", "vpc-flow"),
}
"""Topics that other programs may use too: the field that must be there, and the mapping."""

PREFIXES: dict[str, str] = {
    "drds_audit_log": "polardb-x",
}
"""The names of the ready mappings by the beginning of ``__topic__``: its end names an instance."""

FIELDS: dict[tuple[str, ...], str] = {
    ("auditID", "verb"): "kubernetes",
    ("EventProduct", "EventMethod", "ResourceOwnerID"): "actiontrail-inner",
    ("InvokerUid", "Method", "Project"): "sls",
    ("NFSProtocolRc", "SourceIp", "Volume"): "nas-nfs",
    ("UserSID", "OpName", "VolumeID"): "nas-smb",
    ("apiUid", "apiStageName", "statusCode"): "api-gateway",
    ("collector_type", "operate_type", "client_ip"): "data-security-center",
    ("complianceType", "evaluationResultIdentifier"): "cloud-config-compliance",
    ("configurationDiff", "resourceEventType"): "cloud-config-change",
    ("kbps_in", "pps_in", "event_time", "event_type"): "anti-ddos-origin",
    ("total_traffic_drop_bps", "total_traffic_drop_pps"): "anti-ddos-origin",
    ("eni-id", "srcaddr", "dstaddr"): "vpc-flow",
}
"""The names of the ready mappings by fields: for logs whose topic is not documented."""
