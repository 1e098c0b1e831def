"""Samples of databases and file systems: SQL audit and NAS; see ``samples.py``."""

from __future__ import annotations

from tests.support.sample import ACCOUNT, Sample, log, rows

__all__ = ["DATA_SAMPLES"]

DATA_SAMPLES: tuple[Sample, ...] = (
    Sample(
        id="PolarDB-X deletes rows",
        mapping="polardb-x",
        log=log(
            "polardbx_sqlaudit",
            instance_id="pxc-hzexample",
            db_name="shop",
            user="app_rw",
            client_ip="10.0.3.7",
            client_port="51000",
            sql="DELETE FROM orders\nWHERE note = 'a=b|c'",
            trace_id="12a4example",
            sql_code="9f1b2c3d",
            hint="-",
            table_name="orders",
            sql_type="Delete",
            sql_type_detail="-",
            sql_time="2026-11-03 04:00:00.123",
            response_time="12",
            affect_rows="318",
            fetched_rows="400",
            fail="0",
            memory_reject="0",
            autocommit="1",
            transaction_id="12a4example",
            transaction_policy="TSO",
        ),
        product="PolarDB-X",
        class_id="DELETE",
        name="SQL DELETE",
        severity="3",
        rows=rows("""
            rt devTime 1793678405000
            act = DELETE
            outcome = success
            src = 10.0.3.7
            spt srcPort 51000
            suser usrName app_rw
            msg = DELETE FROM orders\\nWHERE note = 'a=b|c'
            cs1 [Database] shop
            cs2 [InstanceId] pxc-hzexample
            cs3 [TraceId] 12a4example
            cs4 [Tables] orders
            cn1 [ResponseTime] 12
            cn2 [Rows] 318
            cn3 [RowsFetched] 400
            flexString1 [TransactionId] 12a4example
        """),
    ),
    Sample(
        id="PolarDB-X 1.0 refuses a statement, with the database in the topic",
        mapping="polardb-x",
        log=log(
            "drds_audit_log_drdsxyzabcd_demo_drds_db",
            owner_id=ACCOUNT,
            region="cn-hangzhou",
            instance_id="drdsxyzabcd",
            db_name="demo_drds_db",
            user="reporter",
            client_ip="203.0.113.24",
            client_port="50001",
            sql="DROP TABLE accounts",
            trace_id="drdsabcdxyz-1",
            table_name="accounts",
            sql_type="Drop",
            sql_time="2026-11-03 12:00:00.000",
            response_time="1",
            affect_rows="0",
            fail="1",
        ),
        product="PolarDB-X",
        class_id="DROP",
        name="SQL DROP",
        severity="6",
        rows=rows("""
            rt devTime 1793678405000
            act = DROP
            outcome = failure
            src = 203.0.113.24
            spt srcPort 50001
            suser usrName reporter
            msg = DROP TABLE accounts
            cs1 [Database] demo_drds_db
            cs2 [InstanceId] drdsxyzabcd
            cs3 [TraceId] drdsabcdxyz-1
            cs4 [Tables] accounts
            cs5 [Region] cn-hangzhou
            cs6 [AccountId] 1234567890123456
            cn1 [ResponseTime] 1
            cn2 [Rows] 0
        """),
    ),
    Sample(
        id="Data Security Center sees a table being exported",
        mapping="data-security-center",
        log=log(
            "",
            client_ip="203.0.113.24",
            clusterId="pc-bp1example",
            collector_type="agentless",
            db="crm",
            db_type="mysql",
            effect_row="0",
            execute_time="120",
            fail="0",
            hash="5d41402a",
            instance_id="pi-bp1example",
            latency="120000",
            node_name="-",
            operate_type="SELECT",
            origin_time="1793678400123456",
            region_id="cn-hangzhou",
            return_rows="250000",
            sql="select * from customers",
            thread_id="4711",
            uid=ACCOUNT,
            user="analyst",
        ),
        product="Data Security Center",
        class_id="SELECT",
        name="Data access SELECT",
        severity="2",
        rows=rows("""
            rt devTime 1793678400123
            act = SELECT
            outcome = success
            src = 203.0.113.24
            suser usrName analyst
            app = mysql
            msg = select * from customers
            cs1 [Database] crm
            cs2 [InstanceId] pi-bp1example
            cs3 [ThreadId] 4711
            cs4 [Node] pc-bp1example
            cs5 [Region] cn-hangzhou
            cn1 [LatencyUs] 120000
            cn2 [Rows] 250000
            flexString1 [CollectorType] agentless
            flexString2 [StatementHash] 5d41402a
        """),
    ),
    Sample(
        id="NAS refuses to remove a file over NFSv3",
        mapping="nas-nfs",
        log=log(
            "nas_audit_log",
            ArgIno="1234",
            AuthRc="0",
            NFSProtocolRc="13",
            OpList="-",
            Proc="12",
            RWSize="0",
            RequestId="5F0A1B2C3D4E5F6071829304",
            ResIno="-",
            SourceIp="10.0.3.7",
            User=ACCOUNT,
            Vers="3",
            Vip="10.0.9.1",
            Volume="31a8e4example",
            microtime="1793678400123456",
        ),
        product="NAS",
        class_id="nfs:REMOVE",
        name="NFS REMOVE",
        severity="5",
        rows=rows("""
            rt devTime 1793678400123
            act = REMOVE
            outcome = failure
            reason = NFS3ERR_ACCES
            src = 10.0.3.7
            dst = 10.0.9.1
            app = nfs
            externalId = 5F0A1B2C3D4E5F6071829304
            deviceExternalId = 31a8e4example
            cs1 [Version] 3
            cs2 [Procedure] 12
            cs4 [Inode] 1234
            cs6 [AccountId] 1234567890123456
            cn1 [ReturnCode] 13
            cn2 [AuthorizationCode] 0
            cn3 [Bytes] 0
        """),
    ),
    Sample(
        id="NAS reads over NFSv4, whose numbers mean something else",
        mapping="nas-nfs",
        log=log(
            "",
            owner_id=ACCOUNT,
            ArgIno="1234",
            AuthRc="0",
            NFSProtocolRc="0",
            OpList="53,22,25",
            Proc="1",
            RWSize="65536",
            RequestId="5F0A1B2C3D4E5F6071829305",
            ResIno="-",
            SourceIp="10.0.3.7",
            Vers="4",
            Vip="10.0.9.1",
            Volume="31a8e4example",
            Microtime="1793678400123456",
        ),
        product="NAS",
        class_id="nfs",
        name="NFS",
        severity="2",
        rows=rows("""
            rt devTime 1793678400123
            outcome = success
            src = 10.0.3.7
            dst = 10.0.9.1
            app = nfs
            externalId = 5F0A1B2C3D4E5F6071829305
            deviceExternalId = 31a8e4example
            cs1 [Version] 4
            cs2 [Procedure] 1
            cs3 [Operations] 53,22,25
            cs4 [Inode] 1234
            cs6 [AccountId] 1234567890123456
            cn1 [ReturnCode] 0
            cn2 [AuthorizationCode] 0
            cn3 [Bytes] 65536
        """),
    ),
    Sample(
        id="a user of Active Directory opens a file of NAS over SMB",
        mapping="nas-smb",
        log=log(
            "",
            OpName="Create",
            Host="10.0.3.8",
            ArrivalTime="1793678400123456",
            CompleteTime="1793678400125456",
            ConnID="88",
            Inode="77",
            ObjectName="\\share\\财务\\2026.xlsx",
            RequestID="3",
            PersistentID="9",
            SessionID="1099511627777",
            VolumeID="31a8e4example",
            UserID=ACCOUNT,
            UserSID="S-1-5-21-1004336348-1177238915-682003330-1104",
            UserSName="alice",
            IOBytes="0",
            Opcode="5",
            Status="0",
            TotalTime="2",
        ),
        product="NAS",
        class_id="smb",
        name="SMB Create",
        severity="2",
        rows=rows("""
            rt devTime 1793678400123
            end = 1793678400125
            act = Create
            src = 10.0.3.8
            suser usrName alice
            suid = S-1-5-21-1004336348-1177238915-682003330-1104
            app = smb
            filePath = \\share\\财务\\2026.xlsx
            externalId = 3
            deviceExternalId = 31a8e4example
            cs1 [Status] 0
            cs2 [Opcode] 5
            cs3 [SessionId] 1099511627777
            cs4 [Inode] 77
            cs5 [ConnectionId] 88
            cs6 [AccountId] 1234567890123456
            cn1 [DurationMs] 2
            cn2 [Bytes] 0
            flexString1 [HandleId] 9
        """),
    ),
)
