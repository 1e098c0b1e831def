"""Tables that several mappings look values up in, and the keys of all logs of an agent.

Sans-I/O. It must hold data only.
"""

from __future__ import annotations

from sls_syslog.payloads.fields import Source
from sls_syslog.payloads.mapping import Labelled

__all__ = [
    "AGENT_KEYS",
    "ASSET",
    "HOST",
    "IP_PROTOCOLS",
    "LEVELS",
    "NECESSITIES",
    "QUERY_TYPES",
    "RCODES",
    "RISKS",
]

HOST = ("host_ip", "ip")
"""The address of the host on which an agent of Security Center runs."""

ASSET = ("intranet_ip", "internet_ip")
"""The address of an asset of Security Center: the private one first."""

AGENT_KEYS: dict[str, Source | Labelled] = {
    "rt": "start_time",
    "deviceExternalId": "uuid",
    "cs4": Labelled("InstanceId", "instance_id"),
    "cs5": Labelled("AssetGroup", "sas_group_name"),
    "cs6": Labelled("AccountId", "owner_id"),
}
"""The keys that all logs of Security Center's agents have."""

LEVELS = {"serious": "9", "suspicious": "6", "remind": "3"}
"""Severities by the levels of alerts."""

RISKS = {"critical": "9", "high": "8", "medium": "5", "low": "3"}
"""Severities by risk levels."""

NECESSITIES = {"asap": "8", "later": "5", "nntf": "3"}
"""Severities by how soon a vulnerability should be fixed."""

QUERY_TYPES = {
    "1": "A",
    "2": "NS",
    "5": "CNAME",
    "6": "SOA",
    "12": "PTR",
    "15": "MX",
    "16": "TXT",
    "28": "AAAA",
    "33": "SRV",
}
"""Types of DNS records by number."""

RCODES = {"0": "NOERROR", "1": "FORMERR", "2": "SERVFAIL", "3": "NXDOMAIN", "5": "REFUSED"}
"""Return codes of DNS by number."""

IP_PROTOCOLS = {
    "1": "icmp",
    "6": "tcp",
    "17": "udp",
    "47": "gre",
    "50": "esp",
    "51": "ah",
    "58": "ipv6-icmp",
    "132": "sctp",
}
"""Protocols by IANA's number."""
