"""Samples of Security Center's newer logs; see ``samples.py``."""

from __future__ import annotations

from tests.support.sample import ACCOUNT, AGENT, Sample, log, rows

__all__ = ["PROTECTION_SAMPLES"]

HOST = {"uuid": AGENT, "instance_id": "i-bp1example", "start_time": "1793678400"}
GROUPED = {**HOST, "sas_group_name": "default"}
ADDRESSES = {"internet_ip": "198.51.100.77", "intranet_ip": "10.0.0.31"}

PROTECTION_SAMPLES: tuple[Sample, ...] = (
    Sample(
        id="Security Center blocks a payload on the way to a process",
        mapping="security-center-network-defense",
        log=log(
            "sas-net-block",
            **GROUPED,
            **ADDRESSES,
            cmd="nginx: master process nginx",
            cur_time="2026-11-03 12:00:00",
            decode_payload="POST /Services/FileService/UserFiles/ HTTP/1.1\nHost: a=b",
            dst_ip="10.0.0.31",
            dst_port="80",
            final_action="block",
            func="payload",
            payload="504f5354202f",
            pid="7107",
            platform="linux",
            proc_path="/usr/sbin/nginx",
            rule_type="alinet_payload",
            src_ip="203.0.113.99",
            src_port="29575",
        ),
        product="Security Center",
        class_id="alinet_payload",
        name="Malicious payload blocked",
        severity="6",
        rows=rows(f"""
            rt devTime 1793678400000
            deviceExternalId = {AGENT}
            cs4 [InstanceId] i-bp1example
            cs5 [AssetGroup] default
            cat = payload
            act = block
            outcome = failure
            src = 203.0.113.99
            spt srcPort 29575
            dst = 10.0.0.31
            dpt dstPort 80
            dpid = 7107
            filePath = /usr/sbin/nginx
            msg = POST /Services/FileService/UserFiles/ HTTP/1.1\\nHost: a=b
            cs1 [Command] nginx: master process nginx
            cs2 [InternetIp] 198.51.100.77
            flexString1 [Platform] linux
        """),
    ),
    Sample(
        id="Security Center only watches an attack on an application",
        mapping="security-center-application",
        log=log(
            "sas-rasp-log",
            **GROUPED,
            **ADDRESSES,
            app_dir="/opt/shop",
            app_id="6492a391fc9b4e2aad94",
            app_name="shop",
            confidence_level="low",
            data='{"cmd":"id"}',
            final_action="monitor",
            headers='{"cookie":"session=hunter2"}',
            host_ip="10.0.0.31",
            hostname="web-1",
            is_cliped="false",
            message="Unsafe class serial.",
            payload="bash -c id",
            rasp_attack_uuid="18823b23-7ad4-47c0-b5ac-e5f036a20001",
            request_body='{"password":"hunter2"}',
            request_content_length="112",
            request_method="Post",
            risk_level="high",
            rule_action="monitor",
            src_ip="203.0.113.99",
            stacktrace="[java.io.FileInputStream.<init>]",
            timestamp="1793678400123",
            type="rce",
            url="http://shop.example.com/serial",
        ),
        product="Security Center",
        class_id="rce",
        name="Remote code execution",
        severity="8",
        rows=rows(f"""
            rt devTime 1793678400123
            deviceExternalId = {AGENT}
            cs4 [InstanceId] i-bp1example
            cs5 [AssetGroup] default
            cat = application-protection
            act = monitor
            outcome = success
            msg = Unsafe class serial.
            src = 203.0.113.99
            dst = 10.0.0.31
            dhost = web-1
            request url http://shop.example.com/serial
            requestMethod = Post
            in srcBytes 112
            filePath = /opt/shop
            externalId = 18823b23-7ad4-47c0-b5ac-e5f036a20001
            cs1 [Payload] bash -c id
            cs2 [InternetIp] 198.51.100.77
            cs3 [Application] shop
            flexString1 [RiskLevel] high
            flexString2 [Confidence] low
        """),
    ),
    Sample(
        id="Security Center finds malware in a bucket",
        mapping="security-center-malware",
        log=log(
            "sas-filedetect-log",
            owner_id=ACCOUNT,
            bucket_name="uploads",
            compress_file_number="1/10",
            etag="6BC2B853D409B1",
            event_id="802210",
            event_name="挖矿程序",
            file_path="test.zip/bin_test",
            md5="6bc2bc00000000000000000053d409b1",
            parent_file_path="test.zip",
            parent_md5="3d0f8045bb9000000000000000000000",
            result="1",
            risk_level="serious",
            sha256="f038f95250000000000000000000000000000000000000000000007772981e87",
            source="OSS",
            start_time="1793678400",
        ),
        product="Security Center",
        class_id="file-malicious",
        name="挖矿程序",
        severity="9",
        rows=rows("""
            rt devTime 1793678400000
            cat = OSS
            filePath = test.zip/bin_test
            fileHash = f038f95250000000000000000000000000000000000000000000007772981e87
            externalId = 802210
            cs1 [Bucket] uploads
            cs2 [Md5] 6bc2bc00000000000000000053d409b1
            cs3 [ParentFile] test.zip
            cs4 [ParentHash] 3d0f8045bb9000000000000000000000
            cs5 [Etag] 6BC2B853D409B1
            cs6 [AccountId] 1234567890123456
            flexString1 [RiskLevel] serious
        """),
    ),
    Sample(
        id="a shell reads the accounts of a host",
        mapping="security-center-file",
        log=log(
            "aegis-file-protect-log",
            **HOST,
            **ADDRESSES,
            cmdline="bash /opt/a",
            file_path="/etc/passwd",
            instance_name="web-1",
            operation="READ",
            pid="45324",
            platform="Linux",
            proc_path="/usr/bin/bash",
            proc_permission="rwxrwxrwx",
            risk_level="2",
            rule_id="123",
            rule_name="file_test_rule",
        ),
        product="Security Center",
        class_id="core-file:READ",
        name="Core file accessed",
        severity="5",
        rows=rows(f"""
            rt devTime 1793678400000
            deviceExternalId = {AGENT}
            cs4 [InstanceId] i-bp1example
            act = READ
            msg = bash /opt/a
            dst = 10.0.0.31
            dhost = web-1
            spid = 45324
            filePath = /etc/passwd
            cs1 [Rule] file_test_rule
            cs2 [InternetIp] 198.51.100.77
            cs3 [ProcessPath] /usr/bin/bash
            cs5 [ProcessPermission] rwxrwxrwx
            flexString1 [RiskLevel] 2
            flexString2 [RuleId] 123
        """),
    ),
    Sample(
        id="a check of the cloud's configuration fails",
        mapping="security-center-configuration",
        log=log(
            "sas-cspm-log",
            check_id="11",
            check_item_name="回源配置",
            instance_id="i-bp1example",
            instance_name="web-1",
            instance_result='{"Checks":[{}]}',
            instance_sub_type="INSTANCE",
            instance_type="ECS",
            region_id="cn-hangzhou",
            requirement_id="5",
            risk_level="HIGH",
            section_id="1",
            standard_id="1",
            start_time="1793678400",
            status="NOT_PASS",
            vendor="ALIYUN",
        ),
        product="Security Center",
        class_id="cspm:11",
        name="回源配置",
        severity="8",
        rows=rows("""
            rt devTime 1793678400000
            cat = ECS
            outcome = failure
            msg = {"Checks":[{}]}
            cs1 [Status] NOT_PASS
            cs2 [InstanceType] ECS/INSTANCE
            cs3 [InstanceName] web-1
            cs4 [InstanceId] i-bp1example
            cs5 [Region] cn-hangzhou
            flexString1 [RiskLevel] HIGH
            flexString2 [Standard] 1 5 1
        """),
    ),
    Sample(
        id="a vulnerability is found without an agent",
        mapping="security-center-agentless",
        log=log(
            "sas-agentless-log",
            **GROUPED,
            **ADDRESSES,
            alert_level="asap",
            instance_name="web-1",
            operation="new",
            status="1",
            tag="-",
            type="sca",
            vul_alias_name="gson 代码问题漏洞 (CVE-2022-25647)",
            vul_name="imgsca:java:gson:AVD-2022-25647",
            vul_primary_id="990174361",
        ),
        product="Security Center",
        class_id="vulnerability",
        name="gson 代码问题漏洞 (CVE-2022-25647)",
        severity="8",
        rows=rows(f"""
            rt devTime 1793678400000
            deviceExternalId = {AGENT}
            cs4 [InstanceId] i-bp1example
            cs5 [AssetGroup] default
            cat = sca
            act = new
            dst = 10.0.0.31
            dhost = web-1
            cs1 [Status] 1
            cs2 [InternetIp] 198.51.100.77
            flexString1 [RiskLevel] asap
            flexString2 [Finding] imgsca:java:gson:AVD-2022-25647
        """),
    ),
    Sample(
        id="a sensitive file is found without an agent",
        mapping="security-center-agentless",
        log=log(
            "sas-agentless-log",
            **GROUPED,
            **ADDRESSES,
            alert_level="medium",
            file_path="/srv/app/.ionic/token",
            result='{"result":"[]"}',
            rule_name="Ionic token",
        ),
        product="Security Center",
        class_id="sensitive-file",
        name="Ionic token",
        severity="5",
        rows=rows(f"""
            rt devTime 1793678400000
            deviceExternalId = {AGENT}
            cs4 [InstanceId] i-bp1example
            cs5 [AssetGroup] default
            msg = {{"result":"[]"}}
            dst = 10.0.0.31
            filePath = /srv/app/.ionic/token
            cs2 [InternetIp] 198.51.100.77
            flexString1 [RiskLevel] medium
            flexString2 [Finding] Ionic token
        """),
    ),
    Sample(
        id="an agent of Security Center goes offline",
        mapping="security-center-agent",
        log=log(
            "aegis-log-client",
            agent_version="aegis_11_91",
            host_ip="10.0.0.31",
            last_login="1793678387617",
            platform="linux",
            region_id="cn-beijing",
            start_time="1793678400",
            status="offline",
            uuid=AGENT,
        ),
        product="Security Center",
        class_id="agent:offline",
        name="Agent offline",
        severity="5",
        rows=rows(f"""
            rt devTime 1793678400000
            deviceExternalId = {AGENT}
            act = offline
            dvc = 10.0.0.31
            cs1 [Version] aegis_11_91
            cs2 [Platform] linux
            cs3 [Region] cn-beijing
            deviceCustomDate1 [LastLogin] 1793678387617
        """),
    ),
    Sample(
        id="a host has an account with root's rights",
        mapping="security-center-account",
        log=log(
            "aegis-snapshot-host",
            **GROUPED,
            account_expire="never",
            domain="N/A",
            groups='["wheel"]',
            home_dir="/home/ops",
            host_ip="10.0.0.31",
            last_chg="2022-11-29",
            last_logon="2026-11-02 09:21:21",
            login_ip="203.0.113.12",
            passwd_expire="never",
            perm="1",
            shell="/bin/bash",
            status="1",
            tty="N/A",
            username="ops",
            warn_time="never",
        ),
        product="Security Center",
        class_id="account-snapshot",
        name="Account on a host",
        severity="3",
        rows=rows(f"""
            rt devTime 1793678400000
            deviceExternalId = {AGENT}
            cs4 [InstanceId] i-bp1example
            cs5 [AssetGroup] default
            dst = 10.0.0.31
            duser = ops
            dpriv = root
            cs1 [Status] enabled
            cs2 [LastLoginIp] 203.0.113.12
            cs3 [LastLogin] 2026-11-02 09:21:21
            flexString1 [Groups] ["wheel"]
            flexString2 [Shell] /bin/bash
        """),
    ),
    Sample(
        id="a host listens on a port",
        mapping="security-center-port-snapshot",
        log=log(
            "aegis-snapshot-port",
            **GROUPED,
            connection_type="tcp4",
            dst_ip="-",
            dst_port="-",
            host_ip="10.0.0.31",
            net_connect_dir="in",
            pid="682",
            proc_name="sshd",
            src_ip="0.0.0.0",
            src_port="22",
            status="2",
        ),
        product="Security Center",
        class_id="port-snapshot",
        name="Port in use",
        severity="2",
        rows=rows(f"""
            rt devTime 1793678400000
            deviceExternalId = {AGENT}
            cs4 [InstanceId] i-bp1example
            cs5 [AssetGroup] default
            dst = 0.0.0.0
            dpt dstPort 22
            dvc = 10.0.0.31
            proto = tcp4
            dproc = sshd
            dpid = 682
            cs1 [State] 2
        """),
    ),
    Sample(
        id="a process runs on a host",
        mapping="security-center-process-snapshot",
        log=log(
            "aegis-snapshot-process",
            **GROUPED,
            cmdline="/usr/local/share/assist-daemon/assist_daemon",
            host_ip="10.0.0.31",
            md5="1086e731640751c9802c19a7f53a64f5",
            pid="1692",
            pname="systemd",
            proc_name="assist_daemon",
            proc_path="/usr/local/share/assist-daemon/assist_daemon",
            proc_start_time="2026-08-18 20:00:12",
            uid="0",
            username="root",
        ),
        product="Security Center",
        class_id="process-snapshot",
        name="Process running",
        severity="2",
        rows=rows(f"""
            rt devTime 1793678400000
            deviceExternalId = {AGENT}
            cs4 [InstanceId] i-bp1example
            cs5 [AssetGroup] default
            dst = 10.0.0.31
            duser = root
            duid = 0
            sproc = systemd
            dproc = assist_daemon
            dpid = 1692
            filePath = /usr/local/share/assist-daemon/assist_daemon
            fileHash = 1086e731640751c9802c19a7f53a64f5
            msg = /usr/local/share/assist-daemon/assist_daemon
        """),
    ),
)
