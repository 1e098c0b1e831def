"""Mapping of Cloud Firewall's log of connections."""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import exclude, join, translate
from sls_syslog.payloads.fields import Constant
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = ["CLOUD_FIREWALL", "DIRECTIONS"]

DIRECTIONS = {"in": "0", "out": "1"}
"""The values of CEF's ``deviceDirection``, by Alibaba Cloud's."""

_ATTACK = ("ips_rule_name_en", "attack_type_name_en", "ips_rule_name", "attack_type_name")
_NO_RULE = "00000000-0000-0000-0000-000000000000"
_IPS_RULE = exclude("ips_rule_id", _NO_RULE, "0")

CLOUD_FIREWALL = EventMapping(
    product="Cloud Firewall",
    event_class_id=(_IPS_RULE, join("log_type", "rule_result", sep=":")),
    name=(
        *_ATTACK,
        translate("rule_result", {"pass": "Traffic passed", "drop": "Traffic dropped"}),
        Constant("Traffic"),
    ),
    severity=(
        translate("vul_level", {"1": "4", "2": "6", "3": "8"}),
        translate("rule_result", {"pass": "2"}, "5"),
        Constant("3"),
    ),
    extension={
        "act": "rule_result",
        "src": "src_ip",
        "spt": "src_port",
        "dst": "dst_ip",
        "dpt": "dst_port",
        "dhost": "domain",
        "proto": "ip_protocol",
        "app": exclude("app_name", "unknown"),
        "request": "url",
        "deviceDirection": translate("direction", DIRECTIONS),
        "in": "in_packet_bytes",
        "out": "out_packet_bytes",
        "start": "start_time",
        "end": "end_time",
        "deviceExternalId": "firewall_id",
        "cs1": Labelled("AclRuleId", exclude("acl_rule_id", _NO_RULE)),
        "cs2": Labelled("IpsRuleId", _IPS_RULE),
        "cs3": Labelled("AttackType", ("attack_type_name_en", "attack_type_name")),
        "cs4": Labelled("InstanceId", "cloud_instance_id"),
        "cs5": Labelled("Region", "region_id"),
        "cs6": Labelled("AccountId", ("aliuid", "owner_id")),
        "cn1": Labelled("PacketsIn", "in_packet_count"),
        "cn2": Labelled("PacketsOut", "out_packet_count"),
        "cn3": Labelled("VulLevel", "vul_level"),
    },
)
"""Cloud Firewall, topic ``cloudfirewall_access_log``.

Source: "Log field descriptions" of Cloud Firewall
(help/en/cloud-firewall/cloudfirewall/log-fields).
"""
