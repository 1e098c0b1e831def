"""The ready mappings, chosen by ``__topic__``, and a generic one for all other logs.

Sans-I/O. ``audit.py``, ``network.py``, ``security_center.py`` and ``web.py`` hold the mappings;
they must compute values only with the functions of ``functions.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

from sls_syslog.logs.caches import LogCache
from sls_syslog.payloads.catalog import audit, network, security_center, web
from sls_syslog.payloads.mapping import EventMapping, make_key, weigh_mapping

__all__ = [
    "GENERIC",
    "MAPPINGS",
    "TOPICS",
    "choose_mapping",
    "choose_mapping_name",
    "make_generic_mapping",
]

GENERIC = "generic"
"""The name of the generic mapping, which is made from the fields of a log."""

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

_TAG = "__tag__:"
_NOT_MAPPED = {"__time__", "__time_ns_part__", "__topic__", "__source__", "__event_id__"}


def choose_mapping(log: Mapping[str, str]) -> EventMapping:
    """Choose the mapping for the topic of ``log``, or the generic one."""
    name = choose_mapping_name(log)
    return make_generic_mapping(log) if name == GENERIC else MAPPINGS[name]


def choose_mapping_name(log: Mapping[str, str]) -> str:
    """Choose the mapping for the topic of ``log``, or the generic one, and return its name.

    Kubernetes' audit logs have no topic of their own; their fields identify them.
    """
    name = TOPICS.get(log.get("__topic__", ""))
    if name is None and "auditID" in log and "verb" in log:
        name = "kubernetes"
    return name or GENERIC


def make_generic_mapping(log: Mapping[str, str]) -> EventMapping:
    """Make a mapping of every field of ``log`` to a key made from its name.

    The event class id is the topic. The key of a tag is ``tag`` and its name. The source becomes
    the address or the host name of the device.
    """
    return _GENERIC[tuple(log)]


def _make_mapping(names: tuple[str, ...]) -> EventMapping:
    extension: dict[str, str] = {"dvc": "__source__"}
    for name in names:
        if name not in _NOT_MAPPED:
            # The colon separates two words, so that the name's first letter becomes a capital.
            wanted = f"tag:{name[len(_TAG) :]}" if name.startswith(_TAG) else name
            extension[make_key(wanted, extension)] = name
    return EventMapping(extension=extension)


# Logs have a few sets of fields.
_GENERIC: LogCache[tuple[str, ...], EventMapping] = LogCache(_make_mapping, weigh_mapping)
