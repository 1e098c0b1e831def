"""Samples of what passes a gateway: ALB, Anti-DDoS and API Gateway; see ``samples.py``."""

from __future__ import annotations

from tests.support.sample import ACCOUNT, Sample, log, rows

__all__ = ["GATEWAY_SAMPLES"]

PROTECTED = {
    "body_bytes_sent": "1138",
    "content_type": "-",
    "host": "shop.example.com:8443",
    "http_cookie": "session=hunter2",
    "http_referer": "-",
    "http_user_agent": "python-requests/2.32",
    "http_x_forwarded_for": "203.0.113.77",
    "https": "true",
    "isp_line": "BGP",
    "matched_host": "*.example.com",
    "real_client_ip": "203.0.113.77",
    "remote_addr": "198.51.100.8",
    "remote_port": "52714",
    "request_length": "742",
    "request_method": "GET",
    "request_time_msec": "2",
    "request_uri": "/search",
    "server_name": "shop.example.com",
    "time": "2026-11-03T12:00:00+08:00",
}

GATEWAY_SAMPLES: tuple[Sample, ...] = (
    Sample(
        id="ALB forwards a request",
        mapping="alb",
        log=log(
            "alb_layer7_access_log",
            app_lb_id="alb-bp1example",
            body_bytes_sent="572",
            client_ip="2001:db8::60",
            client_port="55001",
            host="api.example.com",
            http_host="api.example.com",
            http_referer="-",
            http_user_agent="okhttp/4.12.0",
            http_x_forwarded_for="-",
            http_x_real_ip="2001:db8::60",
            read_request_time="0",
            request_length="318",
            request_method="POST",
            request_time="0.043",
            request_uri="/v1/orders?id=42",
            scheme="https",
            server_protocol="HTTP/2.0",
            slb_vport="443",
            ssl_cipher="ECDHE-RSA-AES128-GCM-SHA256",
            ssl_protocol="TLSv1.2",
            status="403",
            tcpinfo_rtt="2100",
            time="2026-11-03T12:00:00+08:00",
            upstream_addr="10.0.0.11:8080",
            upstream_response_time="0.042",
            upstream_status="403",
            vip_addr="198.51.100.21",
            write_response_time="0",
        ),
        product="ALB",
        class_id="access",
        name="Web request",
        severity="5",
        rows=rows("""
            rt devTime 1793678400000
            outcome = failure
            c6a2 src 2001:db8::60
            spt srcPort 55001
            dst = 198.51.100.21
            dhost = api.example.com
            dpt dstPort 443
            destinationTranslatedAddress dstPostNAT 10.0.0.11
            destinationTranslatedPort dstPostNATPort 8080
            app = https
            request url https://api.example.com/v1/orders?id=42
            requestMethod = POST
            requestClientApplication = okhttp/4.12.0
            in srcBytes 318
            out dstBytes 572
            deviceExternalId = alb-bp1example
            cs2 [RealIp] 2001:db8::60
            cs3 [TlsProtocol] TLSv1.2
            cs4 [TlsCipher] ECDHE-RSA-AES128-GCM-SHA256
            cn1 [Status] 403
            cn2 [UpstreamStatus] 403
            cfp1 [RequestTimeSeconds] 0.043
        """),
    ),
    Sample(
        id="Anti-DDoS blocks a request of an HTTP flood",
        mapping="anti-ddos",
        log=log(
            "ddoscoo_access_log",
            **PROTECTED,
            owner_id=ACCOUNT,
            cc_action="close",
            cc_blocks="1",
            cc_phase="server_ip_blacklist",
            querystring="q=a",
            status="200",
            upstream_addr="-",
            upstream_status="-",
        ),
        product="Anti-DDoS",
        class_id="http-flood-block",
        name="HTTP flood request blocked",
        severity="6",
        rows=rows("""
            rt devTime 1793678400000
            act = block
            outcome = failure
            reason = server_ip_blacklist
            src = 203.0.113.77
            dhost = shop.example.com
            app = https
            request url https://shop.example.com:8443/search?q=a
            requestMethod = GET
            requestClientApplication = python-requests/2.32
            in srcBytes 742
            out dstBytes 1138
            cs1 [FloodAction] close
            cs2 [MatchedHost] *.example.com
            cs3 [RemoteAddress] 198.51.100.8
            cs4 [XForwardedFor] 203.0.113.77
            cs5 [IspLine] BGP
            cs6 [AccountId] 1234567890123456
            cn1 [Status] 200
            cn3 [RequestTimeMs] 2
            flexNumber1 [RemotePort] 52714
        """),
    ),
    Sample(
        id="Anti-DDoS answers a request with a captcha",
        mapping="anti-ddos",
        log=log(
            "ddos_access_log",
            **PROTECTED | {"real_client_ip": "-", "https": "false", "host": "shop.example.com"},
            user_id=ACCOUNT,
            cc_action="captcha",
            cc_phase="seccookie",
            last_result="ok",
            status="200",
            upstream_addr="-",
            upstream_status="-",
        ),
        product="Anti-DDoS",
        class_id="http-flood-challenge",
        name="HTTP flood request challenged",
        severity="5",
        rows=rows("""
            rt devTime 1793678400000
            act = captcha
            outcome = failure
            reason = seccookie
            src = 198.51.100.8
            spt srcPort 52714
            dhost = shop.example.com
            app = http
            request url http://shop.example.com/search
            requestMethod = GET
            requestClientApplication = python-requests/2.32
            in srcBytes 742
            out dstBytes 1138
            cs1 [FloodAction] captcha
            cs2 [MatchedHost] *.example.com
            cs3 [RemoteAddress] 198.51.100.8
            cs4 [XForwardedFor] 203.0.113.77
            cs5 [IspLine] BGP
            cs6 [AccountId] 1234567890123456
            cn1 [Status] 200
            cn3 [RequestTimeMs] 2
            flexNumber1 [RemotePort] 52714
        """),
    ),
    Sample(
        id="Anti-DDoS lets a request pass",
        mapping="anti-ddos",
        log=log(
            "ddos_access_log",
            **PROTECTED,
            user_id=ACCOUNT,
            cc_action="none",
            cc_blocks="0",
            cc_phase="-",
            status="200",
            upstream_addr="10.0.0.11:8080",
            upstream_ip="10.0.0.11",
            upstream_response_time="0.044",
            upstream_status="200",
        ),
        product="Anti-DDoS",
        class_id="access",
        name="Web request",
        severity="2",
        rows=rows("""
            rt devTime 1793678400000
            act = pass
            outcome = success
            src = 203.0.113.77
            dhost = shop.example.com
            destinationTranslatedAddress dstPostNAT 10.0.0.11
            destinationTranslatedPort dstPostNATPort 8080
            app = https
            request url https://shop.example.com:8443/search
            requestMethod = GET
            requestClientApplication = python-requests/2.32
            in srcBytes 742
            out dstBytes 1138
            cs1 [FloodAction] none
            cs2 [MatchedHost] *.example.com
            cs3 [RemoteAddress] 198.51.100.8
            cs4 [XForwardedFor] 203.0.113.77
            cs5 [IspLine] BGP
            cs6 [AccountId] 1234567890123456
            cn1 [Status] 200
            cn2 [UpstreamStatus] 200
            cn3 [RequestTimeMs] 2
            flexNumber1 [RemotePort] 52714
        """),
    ),
    Sample(
        id="Anti-DDoS Origin throws all traffic of an address away",
        mapping="anti-ddos-origin",
        log=log(
            "ddosbqp_access_log",
            data_type="event",
            event_type="blackhole_begin",
            event_time="1793678400",
            instance_id="ddosbgp-cn-example",
            ip="198.51.100.21",
            kbps_in="9800000",
            new_con="52000",
            pps_in="1250000",
            qps="800",
            scrubbing_center="us_west",
            subnet="198.51.100.0/24",
            user_id=ACCOUNT,
        ),
        product="Anti-DDoS Origin",
        class_id="blackhole-begin",
        name="Blackhole filtering began",
        severity="9",
        rows=rows("""
            rt devTime 1793678400000
            act = blackhole_begin
            dst = 198.51.100.21
            deviceExternalId = ddosbgp-cn-example
            cs1 [DataType] event
            cs2 [Subnet] 198.51.100.0/24
            cs3 [ScrubbingCenter] us_west
            cs6 [AccountId] 1234567890123456
            cn1 [PacketsPerSecond] 1250000
            cn3 [KilobitsPerSecond] 9800000
            cfp1 [Queries] 800
            cfp2 [NewConnections] 52000
        """),
    ),
    Sample(
        id="Anti-DDoS Origin scrubs the traffic to an address",
        mapping="anti-ddos-origin",
        log=log(
            "",
            data_type="Regional_SC_Mitigation",
            instance_id="ddosbgp-cn-example",
            time="1793678400",
            destination_ip="198.51.100.21",
            port="all",
            total_traffic_in_bps="80000000",
            total_traffic_drop_bps="79000000",
            total_traffic_in_pps="100000",
            total_traffic_drop_pps="98000",
            pps_types_in_tcp_pps="100000",
            pps_types_in_syn_pps="98500",
            pps_types_drop_syn_pps="98000",
            user_id=ACCOUNT,
        ),
        product="Anti-DDoS Origin",
        class_id="scrubbing",
        name="Traffic scrubbed",
        severity="4",
        rows=rows("""
            rt devTime 1793678400000
            dst = 198.51.100.21
            deviceExternalId = ddosbgp-cn-example
            cs1 [DataType] Regional_SC_Mitigation
            cs6 [AccountId] 1234567890123456
            cn1 [PacketsPerSecond] 100000
            cn2 [DroppedPacketsPerSecond] 98000
            flexNumber1 [TotalTrafficInBps] 80000000
            flexNumber2 [TotalTrafficDropBps] 79000000
        """),
    ),
    Sample(
        id="API Gateway refuses the call of an application",
        mapping="api-gateway",
        log=log(
            "",
            owner_id=ACCOUNT,
            apiGroupUid="7f3example",
            apiGroupName="shop",
            apiUid="c0ffeeexample",
            apiName="CreateOrder",
            apiStageUid="1",
            apiStageName="RELEASE",
            httpMethod="POST",
            path="/orders",
            domain="api.example.com",
            statusCode="403",
            errorMessage="Unauthorized",
            errorCode="A403UA",
            appId="110012345",
            appName="partner",
            clientIp="203.0.113.24",
            exception="-",
            region="cn-hangzhou",
            requestHandleTime="2026-11-03T04:00:00Z",
            requestId="8C3E9F10-2B4D-5A6C-B7E8-F90A1B2C3D4E",
            requestSize="512",
            responseSize="64",
            requestProtocol="HTTPS",
            requestQueryString="dry=1",
            requestHeaders="Authorization: Bearer hunter2",
            jwtClaims='{"sub":"hunter2"}',
            instanceId="api-shared-vpc-001",
            totalLatency="3",
            serviceLatency="0",
        ),
        product="API Gateway",
        class_id="access",
        name="API request",
        severity="5",
        rows=rows("""
            rt devTime 1793678400000
            outcome = failure
            reason = A403UA
            msg = Unauthorized
            src = 203.0.113.24
            suser usrName partner
            suid = 110012345
            dhost = api.example.com
            app = https
            request url https://api.example.com/orders?dry=1
            requestMethod = POST
            in srcBytes 512
            out dstBytes 64
            deviceExternalId = api-shared-vpc-001
            externalId = 8C3E9F10-2B4D-5A6C-B7E8-F90A1B2C3D4E
            cs1 [ApiName] CreateOrder
            cs2 [ApiId] c0ffeeexample
            cs3 [ApiGroup] shop
            cs4 [Stage] RELEASE
            cs5 [Region] cn-hangzhou
            cs6 [AccountId] 1234567890123456
            cn1 [Status] 403
            cn2 [LatencyMs] 3
            cn3 [BackendLatencyMs] 0
        """),
    ),
)
