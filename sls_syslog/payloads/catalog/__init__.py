"""Which mapping makes an event of a log: ready ones by ``__topic__``, and one for all others.

Pure: tables, and the few functions that they need. The ready mappings lie in ``audit.py``,
``network.py``, ``security_center.py`` and ``web.py``, written in the words of ``sources.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sls_syslog.payloads.catalog import audit, network, security_center, web
from sls_syslog.payloads.mapping import EventMapping, key_for

__all__ = ["MAPPINGS", "TOPICS", "generic", "mapping_for"]

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
"""The ready mappings by their names."""

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
_SAID_BY_SLS = {"__time__", "__time_ns_part__", "__topic__", "__source__", "__event_id__"}


def mapping_for(log: Mapping[str, str]) -> EventMapping:
    """The mapping for the topic of ``log``, or the generic one.

    Kubernetes' audit logs have no topic of their own, and are known by their fields.
    """
    name = TOPICS.get(log.get("__topic__", ""))
    if name is None and "auditID" in log and "verb" in log:
        name = "kubernetes"
    return generic(log) if name is None else MAPPINGS[name]


def generic(log: Mapping[str, str]) -> EventMapping:
    """A mapping of every field of ``log`` to a key made of its name.

    The event class id is the topic. Tags come as ``tag`` and their name, the source as the
    address or the name of the device.
    """
    return _of_shape(tuple(log))


@lru_cache(maxsize=1024)  # logs come in a few shapes
def _of_shape(names: tuple[str, ...]) -> EventMapping:
    extension: dict[str, str] = {"dvc": "__source__"}
    for name in names:
        if name not in _SAID_BY_SLS:
            # The colon parts two words, so that the name's first letter becomes a capital.
            wanted = f"tag:{name[len(_TAG) :]}" if name.startswith(_TAG) else name
            extension[key_for(wanted, extension)] = name
    return EventMapping(extension=extension)
