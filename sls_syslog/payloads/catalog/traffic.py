"""Mappings of network traffic: Cloud Firewall's events, VPC flow logs and DNS."""

from __future__ import annotations

from dataclasses import replace

from sls_syslog.payloads.catalog.functions import translate
from sls_syslog.payloads.catalog.network import CLOUD_FIREWALL, DIRECTIONS
from sls_syslog.payloads.catalog.tables import IP_PROTOCOLS, QUERY_TYPES, RCODES
from sls_syslog.payloads.fields import Constant
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = ["DNS", "FIREWALL_EVENT", "VPC_FLOW"]

FIREWALL_EVENT = replace(
    CLOUD_FIREWALL,
    name=(
        "ips_rule_name_en",
        "attack_type_name_en",
        "ips_rule_name",
        "attack_type_name",
        translate(
            "log_type",
            {
                "internet_ips_log": "Intrusion prevention",
                "vpc_ips_log": "Intrusion prevention",
                "tls": "TLS inspection",
                "appid_ctrl": "Application control",
                "web_filter": "Web filtering",
            },
        ),
        Constant("Firewall event"),
    ),
    severity=(
        translate("vul_level", {"1": "4", "2": "6", "3": "8"}),
        translate("rule_result", {"pass": "3"}, "5"),
        Constant("5"),
    ),
)
"""What Cloud Firewall recognizes, topics ``cloudfirewall_ips_log``, ``cloudfirewall_vpc_ips_log``
and ``event_log``: intrusion prevention, TLS inspection, application control, web filtering.

An event that the firewall lets pass is more severe than plain traffic, and its outcome is
``success``: nothing stopped it. ``event_log`` is known with the field ``aliuid`` only: other
programs may use that topic.

Source: "Log fields" of Cloud Firewall (help/en/cloud-firewall/cloudfirewall/log-fields), its tables
of log types, topics and fields.
"""

VPC_FLOW = EventMapping(
    product="VPC",
    event_class_id=(
        translate("action", {"accept": "flow-accept", "reject": "flow-reject"}),
        translate("log-status", {"nodata": "flow-no-data", "skipdata": "flow-skip-data"}),
        Constant("flow"),
    ),
    name=(
        translate("action", {"accept": "Traffic accepted", "reject": "Traffic rejected"}),
        translate("log-status", {"nodata": "No traffic", "skipdata": "Flow records skipped"}),
        Constant("Traffic"),
    ),
    severity=(
        translate("action", {"accept": "2", "reject": "5"}),
        translate("log-status", {"nodata": "1", "skipdata": "4"}),
        Constant("3"),
    ),
    extension={
        "act": "action",
        "outcome": translate("action", {"accept": "success", "reject": "failure"}),
        "src": "srcaddr",
        "spt": "srcport",
        "dst": "dstaddr",
        "dpt": "dstport",
        "proto": (translate("protocol", IP_PROTOCOLS), "protocol"),
        "deviceDirection": translate("direction", DIRECTIONS),
        "in": "bytes",
        "start": "start",
        "end": "end",
        "deviceExternalId": "eni-id",
        "cs1": Labelled("InstanceId", "vm-id"),
        "cs2": Labelled("VpcId", "vpc-id"),
        "cs3": Labelled("VSwitchId", "vswitch-id"),
        "cs4": Labelled("LogStatus", "log-status"),
        "cs5": Labelled("Region", "region"),
        "cs6": Labelled("AccountId", "account-id"),
        "cn1": Labelled("SourcePackets", "packets"),
        "cn2": Labelled("TcpFlags", "tcp-flags"),
        "flexString1": Labelled("TrafficPath", "traffic_path"),
    },
)
"""VPC flow logs, topic ``flow_log``, or any topic with the fields ``eni-id``, ``srcaddr`` and
``dstaddr``.

A record counts the packets from the source to the destination, so its bytes are ``in``, in both
directions. The answers are another record. ``deviceDirection`` says whether the traffic enters the
network interface or leaves it. ``SKIPDATA`` means that records are missing.

Sources: "VPC" of Log Audit (help/en/sls/vpc), "Log fields" of VPC flow logs
(help/en/sls/flowlog-field-details); numbers of protocols: IANA.
"""

DNS = EventMapping(
    product="DNS",
    event_class_id=Constant("dns-query"),
    name=Constant("DNS query"),
    severity=2,
    extension={
        "cat": "service_type",
        "outcome": translate("rcode", {"0": "success", "noerror": "success"}, "failure"),
        "reason": (translate("rcode", RCODES), "rcode"),
        "src": "src_addr",
        "spt": "src_port",
        "shost": "ecs_hostname",
        "dst": "dst_addr",
        "dpt": "dst_port",
        "proto": "transport",
        "destinationDnsDomain": "query_name",
        "deviceExternalId": "ecs_id",
        "cs1": Labelled("Answer", "answer_rrset"),
        "cs2": Labelled("QueryType", (translate("query_type", QUERY_TYPES), "query_type")),
        "cs3": Labelled("Module", "module_type"),
        "cs4": Labelled("VpcId", "vpc_id"),
        "cs5": Labelled("Region", "region_id"),
        "cs6": Labelled("AccountId", "user_id"),
        "flexString1": Labelled("MessageFlags", "dns_msg_flags"),
        "flexString2": Labelled("View", "view_name"),
        "cn1": Labelled("MessageId", "dns_msg_id"),
    },
)
"""DNS of VPCs and of the Internet, topics ``dns_intranet_log`` and ``dns_resolve_log``.

The field ``rt`` is a latency and no time, so it is not sent.

Source: "DNS" of Log Audit (help/en/sls/dns).
"""
