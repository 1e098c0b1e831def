"""Mapping of Cloud Firewall's log of connections."""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import choose, exclude, join, translate
from sls_syslog.payloads.fields import Constant, Source
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = ["CLOUD_FIREWALL", "DIRECTIONS"]

DIRECTIONS = {"in": "0", "out": "1"}
"""The values of CEF's ``deviceDirection``, by Alibaba Cloud's."""


def _flow(inward: str, outward: str) -> tuple[Source, Source]:
    """Return what flows from the source to the destination, and what flows back.

    Cloud Firewall counts what comes into the cloud and what leaves it. For VPC firewalls, the
    direction is always ``out``.
    """
    return (
        choose("direction", {"in": inward, "out": outward}),
        choose("direction", {"in": outward, "out": inward}),
    )


_BYTES_FORTH, _BYTES_BACK = _flow("in_packet_bytes", "out_packet_bytes")
_PACKETS_FORTH, _PACKETS_BACK = _flow("in_packet_count", "out_packet_count")
_ATTACK = ("ips_rule_name_en", "attack_type_name_en", "ips_rule_name", "attack_type_name")
_NO_RULE = "00000000-0000-0000-0000-000000000000"
_IPS_RULE = exclude("ips_rule_id", _NO_RULE, "0")

CLOUD_FIREWALL = EventMapping(
    product="Cloud Firewall",
    event_class_id=(_IPS_RULE, join("log_type", "rule_result", sep=":")),
    name=(
        *_ATTACK,
        translate(
            "rule_result",
            {
                "pass": "Traffic passed",
                "alert": "Traffic passed with an alert",
                "drop": "Traffic dropped",
            },
        ),
        Constant("Traffic"),
    ),
    severity=(
        translate("vul_level", {"1": "4", "2": "6", "3": "8"}),
        translate("rule_result", {"pass": "2"}, "5"),
        Constant("3"),
    ),
    extension={
        "act": "rule_result",
        "outcome": translate(
            "rule_result", {"pass": "success", "alert": "success", "drop": "failure"}
        ),
        "src": "src_ip",
        "spt": "src_port",
        "dst": "dst_ip",
        "dpt": "dst_port",
        "dhost": "domain",
        "proto": "ip_protocol",
        "app": exclude("app_name", "unknown"),
        "request": "url",
        "deviceDirection": translate("direction", DIRECTIONS),
        "in": _BYTES_FORTH,
        "out": _BYTES_BACK,
        "start": "start_time",
        "end": "end_time",
        "deviceExternalId": "firewall_id",
        "cs1": Labelled("AclRuleId", exclude("acl_rule_id", _NO_RULE)),
        "cs2": Labelled("IpsRuleId", _IPS_RULE),
        "cs3": Labelled("AttackType", ("attack_type_name_en", "attack_type_name")),
        "cs4": Labelled("InstanceId", "cloud_instance_id"),
        "cs5": Labelled("Region", "region_id"),
        "cs6": Labelled("AccountId", ("aliuid", "owner_id")),
        "cn1": Labelled("SourcePackets", _PACKETS_FORTH),
        "cn2": Labelled("DestinationPackets", _PACKETS_BACK),
        "cn3": Labelled("VulLevel", "vul_level"),
    },
)
"""Cloud Firewall, topic ``cloudfirewall_access_log``.

Source: "Log field descriptions" of Cloud Firewall
(help/en/cloud-firewall/cloudfirewall/log-fields): ``direction``, ``in_packet_bytes`` "total number
of bytes of inbound traffic", ``rule_result`` pass, alert (the traffic passes) and drop.
"""
