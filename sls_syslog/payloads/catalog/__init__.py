"""The ready mappings, by name and by ``__topic__``.

Sans-I/O. ``audit.py``, ``network.py``, ``security_center.py`` and ``web.py`` hold the mappings;
they must compute values only with the functions of ``functions.py``. ``choice.py`` chooses.
"""

from __future__ import annotations

from sls_syslog.payloads.catalog import audit, network, security_center, web
from sls_syslog.payloads.mapping import EventMapping

__all__ = ["MAPPINGS", "TOPICS"]

MAPPINGS: dict[str, EventMapping] = {
    "actiontrail": audit.ACTIONTRAIL,
    "cloud-firewall": network.CLOUD_FIREWALL,
    "kubernetes": audit.KUBERNETES,
    "oss": web.OSS,
    "rds": audit.RDS,
    "security-center-alert": security_center.ALERT,
    "security-center-baseline": security_center.BASELINE,
    "security-center-brute-force": security_center.BRUTE_FORCE,
    "security-center-dns": security_center.DNS,
    "security-center-http": security_center.HTTP,
    "security-center-login": security_center.LOGIN,
    "security-center-network": security_center.NETWORK,
    "security-center-process": security_center.PROCESS,
    "security-center-vulnerability": security_center.VULNERABILITY,
    "slb": web.SLB,
    "waf": web.WAF,
}
"""The ready mappings by name."""

TOPICS: dict[str, str] = {
    "actiontrail_audit_event": "actiontrail",
    "actiontrail_event": "actiontrail",
    "aegis-log-crack": "security-center-brute-force",
    "aegis-log-dns-query": "security-center-dns",
    "aegis-log-login": "security-center-login",
    "aegis-log-network": "security-center-network",
    "aegis-log-process": "security-center-process",
    "cloudfirewall_access_log": "cloud-firewall",
    "local-dns": "security-center-dns",
    "oss_access_log": "oss",
    "oss_batch_delete_log": "oss",
    "rds_audit_log": "rds",
    "sas-hc-log": "security-center-baseline",
    "sas-log-dns": "security-center-dns",
    "sas-log-http": "security-center-http",
    "sas-log-session": "security-center-network",
    "sas-security-log": "security-center-alert",
    "sas-vul-log": "security-center-vulnerability",
    "slb_layer7_access_log": "slb",
    "waf_access_log": "waf",
}
"""The names of the ready mappings by ``__topic__``."""
