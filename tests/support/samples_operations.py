"""Samples of administration and compliance; see ``samples.py``."""

from __future__ import annotations

from tests.support.sample import ACCOUNT, Sample, compact, log, rows

__all__ = ["OPERATION_SAMPLES"]

BASTION = {
    "owner_id": ACCOUNT,
    "region": "cn-hangzhou",
    "instance_id": "bastionhost-cn-example",
    "user_client_ip": "203.0.113.24",
    "user_id": "12",
    "user_name": "运维-张伟",
}
RULE = {
    "resourceId": "test_bucket",
    "configRuleName": "公开读|禁止",
    "configRuleId": "cr-2d736457e0d90044",
    "resourceName": "test_bucket",
    "configRuleArn": "acs:config::1234567890123456:rule/cr-2d736457e0d90044",
    "regionId": "cn-beijing",
    "resourceType": "ACS::OSS::Bucket",
}

OPERATION_SAMPLES: tuple[Sample, ...] = (
    Sample(
        id="Alibaba Cloud changes a quota of a bucket",
        mapping="actiontrail-inner",
        log=log(
            "",
            EventID="b1946ac9-2492-4d23-84bd-1f2d36b5a001",
            EventVersion="1.0.0",
            EventLocation="CN",
            EventProduct="OSS",
            EventName="Set Bucket Quota Limit",
            EventDescription="Ticket 0012345",
            EventType="CUSTOMER_INITIATED_SUPPORT",
            EventMethod="Internal Write",
            ResourceType="Acs::Oss::Bucket",
            ResourceID="uploads",
            ResourceRegionID="cn-hangzhou",
            ResourceOwnerID=ACCOUNT,
            EventAdditionalDetail='{"quota":"10"}',
            EventTime="2026-11-03T04:00:00Z",
            EventLevel="WARNING",
        ),
        product="Inner-ActionTrail",
        class_id="Set Bucket Quota Limit",
        name="OSS:Set Bucket Quota Limit",
        severity="6",
        rows=rows("""
            rt devTime 1793678400000
            cat = CUSTOMER_INITIATED_SUPPORT
            act = Internal Write
            msg = Ticket 0012345
            destinationServiceName = OSS
            externalId = b1946ac9-2492-4d23-84bd-1f2d36b5a001
            cs1 [ResourceType] Acs::Oss::Bucket
            cs2 [ResourceId] uploads
            cs3 [Location] CN
            cs4 [Detail] {"quota":"10"}
            cs5 [Region] cn-hangzhou
            cs6 [AccountId] 1234567890123456
            flexString1 [Level] WARNING
        """),
    ),
    Sample(
        id="a control policy of Bastionhost meets a command",
        mapping="bastionhost",
        log=log(
            "bastionhost",
            **BASTION,
            content="rm -rf /data",
            event_type="cmd.Command.policy",
            resource_address="10.0.0.31",
            resource_name="web-1",
            result="reject",
            session_id="5f0a1b2c",
        ),
        product="Bastionhost",
        class_id="cmd.Command.policy",
        name="Command under a control policy",
        severity="5",
        rows=rows("""
            rt devTime 1793678405000
            cat = cmd.Command.policy
            msg = rm -rf /data
            src = 203.0.113.24
            suser usrName 运维-张伟
            suid = 12
            dst = 10.0.0.31
            deviceExternalId = bastionhost-cn-example
            cs1 [Result] reject
            cs2 [AssetName] web-1
            cs3 [SessionId] 5f0a1b2c
            cs5 [Region] cn-hangzhou
            cs6 [AccountId] 1234567890123456
        """),
    ),
    Sample(
        id="a bucket breaks a rule of Cloud Config",
        mapping="cloud-config-compliance",
        log=log(
            "",
            accountId=ACCOUNT,
            annotation=compact({"configuration": "public-read", "desiredValue": "read"}),
            complianceType="NON_COMPLIANT",
            dataType="NonCompliantNotification",
            evaluationResultIdentifier=compact(
                {"orderingTimestamp": 1793678400000, "evaluationResultQualifier": RULE}
            ),
            eventName="NonCompliant",
            eventType="ResourceCompliance",
            invokingEventMessageType="Manual",
            notificationCreationTime="1793678402932",
            requestId="62e70b45-1171-4648-8db0-233d18f6adb5",
            riskLevel="Critical",
        ),
        product="Cloud Config",
        class_id="NonCompliant",
        name="NonCompliant:ACS::OSS::Bucket",
        severity="8",
        rows=rows("""
            rt devTime 1793678402932
            cat = ResourceCompliance
            act = Manual
            outcome = failure
            msg = {"configuration":"public-read","desiredValue":"read"}
            externalId = 62e70b45-1171-4648-8db0-233d18f6adb5
            cs1 [Rule] 公开读|禁止
            cs2 [ResourceId] test_bucket
            cs3 [ResourceType] ACS::OSS::Bucket
            cs5 [Region] cn-beijing
            cs6 [AccountId] 1234567890123456
            flexString1 [RiskLevel] Critical
            flexString2 [RuleId] cr-2d736457e0d90044
        """),
    ),
    Sample(
        id="Cloud Config records a change of a security group",
        mapping="cloud-config-change",
        log=log(
            "",
            accountId=ACCOUNT,
            arn="acs:ecs:cn-hangzhou:1234567890123456:securitygroup/sg-bp1example",
            availabilityZone="cn-hangzhou-h",
            captureTime="1793678400123",
            configuration="{}",
            configurationDiff='{"Description":["a","b"]}',
            dataType="ConfigurationItemChangeNotification",
            regionId="cn-hangzhou",
            relationship="-",
            relationshipDiff="-",
            requestId="62e70b45-1171-4648-8db0-233d18f6adb6",
            resourceCreateTime="1693678400000",
            resourceEventType="MODIFY",
            resourceId="sg-bp1example",
            resourceName="web",
            resourceStatus="-",
            resourceType="ACS::ECS::SecurityGroup",
            tags="{}",
        ),
        product="Cloud Config",
        class_id="ConfigurationItemChange",
        name="Configuration changed:ACS::ECS::SecurityGroup",
        severity="4",
        rows=rows("""
            rt devTime 1793678400123
            cat = ConfigurationItemChangeNotification
            act = MODIFY
            msg = {"Description":["a","b"]}
            externalId = 62e70b45-1171-4648-8db0-233d18f6adb6
            cs1 [ResourceName] web
            cs2 [ResourceId] sg-bp1example
            cs3 [ResourceType] ACS::ECS::SecurityGroup
            cs4 [ResourceArn] acs:ecs:cn-hangzhou:1234567890123456:securitygroup/sg-bp1example
            cs5 [Region] cn-hangzhou
            cs6 [AccountId] 1234567890123456
        """),
    ),
    Sample(
        id="SLS refuses to delete a project",
        mapping="sls",
        log=log(
            "",
            APIVersion="0.6.0",
            AccessKeyId="LTAI5tExampleExample",
            CallerType="Subuser",
            ErrorCode="Unauthorized",
            ErrorMsg="denied by sts or ram, action: log:DeleteProject",
            InvokerUid=ACCOUNT,
            Latency="123279",
            LogStore="-",
            Method="DeleteProject",
            Project="audit",
            RequestId="8AEADC8B0AF2FA2592C9509E",
            SourceIP="203.0.113.24",
            Status="401",
            UserAgent="aliyun-cli/3.0",
        ),
        product="SLS",
        class_id="DeleteProject",
        name="SLS:DeleteProject",
        severity="6",
        rows=rows("""
            rt devTime 1793678405000
            act = DeleteProject
            outcome = failure
            reason = Unauthorized
            msg = denied by sts or ram, action: log:DeleteProject
            src = 203.0.113.24
            suid = 1234567890123456
            spriv role Subuser
            requestClientApplication = aliyun-cli/3.0
            externalId = 8AEADC8B0AF2FA2592C9509E
            cs1 [AccessKeyId] LTAI5tExampleExample
            cs2 [Project] audit
            cn1 [Status] 401
            cn2 [LatencyUs] 123279
        """),
    ),
)
