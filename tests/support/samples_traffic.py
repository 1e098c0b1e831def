"""Samples of Cloud Firewall's events, VPC flow logs and DNS; see ``samples.py``."""

from __future__ import annotations

from tests.support.sample import ACCOUNT, Sample, log, rows

__all__ = ["TRAFFIC_SAMPLES"]

FLOW = {
    "version": "1",
    "account-id": ACCOUNT,
    "eni-id": "eni-bp1example",
    "vm-id": "i-bp1example",
    "vswitch-id": "vsw-bp1example",
    "vpc-id": "vpc-bp1example",
    "protocol": "6",
    "log-status": "OK",
    "start": "1793678340",
    "end": "1793678400",
}
RESOLVED = {
    "user_id": ACCOUNT,
    "region_id": "cn-hangzhou",
    "dns_msg_id": "51216",
    "dns_msg_flags": "QR RD RA",
    "edns": "-",
}

TRAFFIC_SAMPLES: tuple[Sample, ...] = (
    Sample(
        id="the intrusion prevention of Cloud Firewall lets an attack pass",
        mapping="cloud-firewall-event",
        log=log(
            "cloudfirewall_ips_log",
            log_type="internet_ips_log",
            aliuid=ACCOUNT,
            src_ip="203.0.113.99",
            src_port="41234",
            dst_ip="198.51.100.43",
            dst_port="443",
            ip_protocol="tcp",
            app_name="HTTPS",
            ips_rule_id="1000073",
            ips_rule_name="Log4j2 远程命令执行",
            ips_rule_name_en="Log4j2 remote command execution",
            attack_type_name_en="Command Execution",
            rule_result="alert",
            vul_level="3",
        ),
        product="Cloud Firewall",
        class_id="1000073",
        name="Log4j2 remote command execution",
        severity="8",
        rows=rows("""
            rt devTime 1793678405000
            act = alert
            outcome = success
            src = 203.0.113.99
            spt srcPort 41234
            dst = 198.51.100.43
            dpt dstPort 443
            proto = tcp
            app = HTTPS
            cs2 [IpsRuleId] 1000073
            cs3 [AttackType] Command Execution
            cs6 [AccountId] 1234567890123456
            cn3 [VulLevel] 3
        """),
    ),
    Sample(
        id="Cloud Firewall's web filter drops a request",
        mapping="cloud-firewall-event",
        log=log(
            "event_log",
            log_type="web_filter",
            aliuid=ACCOUNT,
            src_ip="10.0.3.7",
            src_port="50112",
            dst_ip="203.0.113.66",
            dst_port="443",
            domain="malware.example",
            rule_result="drop",
        ),
        product="Cloud Firewall",
        class_id="web_filter:drop",
        name="Web filtering",
        severity="5",
        rows=rows("""
            rt devTime 1793678405000
            act = drop
            outcome = failure
            src = 10.0.3.7
            spt srcPort 50112
            dst = 203.0.113.66
            dpt dstPort 443
            dhost = malware.example
            cs6 [AccountId] 1234567890123456
        """),
    ),
    Sample(
        id="a security group rejects traffic that comes in",
        mapping="vpc-flow",
        log=log(
            "flow_log",
            **FLOW,
            srcaddr="203.0.113.9",
            srcport="51514",
            dstaddr="10.0.3.7",
            dstport="3389",
            direction="in",
            packets="3",
            bytes="156",
            action="REJECT",
            **{"tcp-flags": "2"},
        ),
        product="VPC",
        class_id="flow-reject",
        name="Traffic rejected",
        severity="5",
        rows=rows("""
            rt devTime 1793678405000
            act = REJECT
            outcome = failure
            src = 203.0.113.9
            spt srcPort 51514
            dst = 10.0.3.7
            dpt dstPort 3389
            proto = tcp
            deviceDirection = 0
            in srcBytes 156
            start = 1793678340000
            end = 1793678400000
            deviceExternalId = eni-bp1example
            cs1 [InstanceId] i-bp1example
            cs2 [VpcId] vpc-bp1example
            cs3 [VSwitchId] vsw-bp1example
            cs4 [LogStatus] OK
            cs6 [AccountId] 1234567890123456
            cn1 [SourcePackets=srcPackets] 3
            cn2 [TcpFlags] 2
        """),
    ),
    Sample(
        id="a host sends 5 GB out of its VPC",
        mapping="vpc-flow",
        log=log(
            "",
            **FLOW,
            region="cn-hangzhou",
            srcaddr="10.0.3.7",
            srcport="49152",
            dstaddr="203.0.113.66",
            dstport="443",
            direction="out",
            packets="3600000",
            bytes="5000000000",
            action="ACCEPT",
            traffic_path="all",
        ),
        product="VPC",
        class_id="flow-accept",
        name="Traffic accepted",
        severity="2",
        rows=rows("""
            rt devTime 1793678405000
            act = ACCEPT
            outcome = success
            src = 10.0.3.7
            spt srcPort 49152
            dst = 203.0.113.66
            dpt dstPort 443
            proto = tcp
            deviceDirection = 1
            in srcBytes 5000000000
            start = 1793678340000
            end = 1793678400000
            deviceExternalId = eni-bp1example
            cs1 [InstanceId] i-bp1example
            cs2 [VpcId] vpc-bp1example
            cs3 [VSwitchId] vsw-bp1example
            cs4 [LogStatus] OK
            cs5 [Region] cn-hangzhou
            cs6 [AccountId] 1234567890123456
            cn1 [SourcePackets=srcPackets] 3600000
            flexString1 [TrafficPath] all
        """),
    ),
    Sample(
        id="records of a VPC's flows are missing",
        mapping="vpc-flow",
        log=log(
            "flow_log",
            **FLOW
            | {
                "protocol": "-",
                "log-status": "SKIPDATA",
                "srcaddr": "-",
                "srcport": "-",
                "dstaddr": "-",
                "dstport": "-",
                "direction": "-",
                "packets": "-",
                "bytes": "-",
                "action": "-",
            },
        ),
        product="VPC",
        class_id="flow-skip-data",
        name="Flow records skipped",
        severity="4",
        rows=rows("""
            rt devTime 1793678405000
            start = 1793678340000
            end = 1793678400000
            deviceExternalId = eni-bp1example
            cs1 [InstanceId] i-bp1example
            cs2 [VpcId] vpc-bp1example
            cs3 [VSwitchId] vsw-bp1example
            cs4 [LogStatus] SKIPDATA
            cs6 [AccountId] 1234567890123456
        """),
    ),
    Sample(
        id="a host in a VPC asks for a name that does not exist",
        mapping="dns",
        log=log(
            "dns_intranet_log",
            **RESOLVED,
            vpc_id="vpc-bp1example",
            src_addr="10.0.3.7",
            src_port="40001",
            dst_addr="100.100.2.136",
            dst_port="53",
            transport="UDP",
            query_name="c2.malware.example",
            query_type="1",
            rcode="3",
            service_type="RESOLVER",
            module_type="GLOBAL",
            rt="12",
            view_name="DEFAULT",
            ecs_id="i-bp1example",
            ecs_hostname="web-1",
        ),
        product="DNS",
        class_id="dns-query",
        name="DNS query",
        severity="2",
        rows=rows("""
            rt devTime 1793678405000
            cat = RESOLVER
            outcome = failure
            reason = NXDOMAIN
            src = 10.0.3.7
            spt srcPort 40001
            shost = web-1
            dst = 100.100.2.136
            dpt dstPort 53
            proto = UDP
            destinationDnsDomain = c2.malware.example
            deviceExternalId = i-bp1example
            cs2 [QueryType] A
            cs3 [Module] GLOBAL
            cs4 [VpcId] vpc-bp1example
            cs5 [Region] cn-hangzhou
            cs6 [AccountId] 1234567890123456
            flexString1 [MessageFlags] QR RD RA
            flexString2 [View] DEFAULT
            cn1 [MessageId] 51216
        """),
    ),
    Sample(
        id="public DNS answers a question over IPv6",
        mapping="dns",
        log=log(
            "dns_resolve_log",
            **RESOLVED,
            src_addr="2001:db8::53",
            src_port="40002",
            dst_addr="203.0.113.53",
            dst_port="53",
            transport="UDP",
            query_name="shop.example.com",
            query_type="AAAA",
            rcode="NOERROR",
            answer_rrset="shop.example.com 600 AAAA 2001:db8::443",
            service_type="PUB_ZONE",
        ),
        product="DNS",
        class_id="dns-query",
        name="DNS query",
        severity="2",
        rows=rows("""
            rt devTime 1793678405000
            cat = PUB_ZONE
            outcome = success
            reason = NOERROR
            c6a2 src 2001:db8::53
            spt srcPort 40002
            dst = 203.0.113.53
            dpt dstPort 53
            proto = UDP
            destinationDnsDomain = shop.example.com
            cs1 [Answer] shop.example.com 600 AAAA 2001:db8::443
            cs2 [QueryType] AAAA
            cs5 [Region] cn-hangzhou
            cs6 [AccountId] 1234567890123456
            flexString1 [MessageFlags] QR RD RA
            cn1 [MessageId] 51216
        """),
    ),
)
