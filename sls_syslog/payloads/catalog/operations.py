"""Mappings of what people and programs do with the cloud itself: administration and compliance.

Inner-ActionTrail, Bastionhost, Cloud Config, and SLS's own operation log.
"""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import drop_longer, join, translate
from sls_syslog.payloads.catalog.web import derive_outcome, derive_severity
from sls_syslog.payloads.fields import Constant
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = ["BASTIONHOST", "CONFIG_CHANGE", "CONFIG_COMPLIANCE", "INNER_ACTIONTRAIL", "SLS"]

INNER_ACTIONTRAIL = EventMapping(
    product="Inner-ActionTrail",
    event_class_id=("EventName", "EventType", Constant("platform-operation")),
    name=join("EventProduct", "EventName", sep=":"),
    severity=translate("EventLevel", {"notice": "3", "warning": "6"}),
    extension={
        "rt": "EventTime",
        "cat": "EventType",
        "act": "EventMethod",
        "msg": "EventDescription",
        "destinationServiceName": "EventProduct",
        "externalId": drop_longer("EventID", 40),
        "cs1": Labelled("ResourceType", "ResourceType"),
        "cs2": Labelled("ResourceId", "ResourceID"),
        "cs3": Labelled("Location", "EventLocation"),
        "cs4": Labelled("Detail", "EventAdditionalDetail"),
        "cs5": Labelled("Region", "ResourceRegionID"),
        "cs6": Labelled("AccountId", "ResourceOwnerID"),
        "flexString1": Labelled("Level", "EventLevel"),
    },
)
"""Inner-ActionTrail: what Alibaba Cloud's staff and systems do. Its logs have no documented topic
and are known by the fields ``EventProduct``, ``EventMethod`` and ``ResourceOwnerID``.

``WARNING`` is what Alibaba Cloud alerts the user of.

Source: "Fields of event logs" of inner-ActionTrail (doc-detail/139245, older: doc-detail/140397).
"""

_EVENTS = {
    "cmd.command": ("Command", "3"),
    "cmd.command.policy": ("Command under a control policy", "5"),
    "graph.text": ("Text on a screen", "2"),
    "graph.keyboard": ("Keyboard input", "2"),
    "file.upload": ("File uploaded", "4"),
    "file.download": ("File downloaded", "4"),
    "file.rename": ("File renamed", "3"),
    "file.delete": ("File deleted", "4"),
    "file.deletedir": ("Directory deleted", "4"),
    "file.createdir": ("Directory created", "3"),
    "db.mysql.req": ("MySQL request", "3"),
    "db.oracle.req": ("Oracle request", "3"),
    "db.pgsql.req": ("PostgreSQL request", "3"),
    "login.cslogin": ("Login", "3"),
    "session.session": ("Session", "3"),
    "user.createuser": ("User created", "5"),
    "user.deleteuser": ("User deleted", "5"),
    "user.modifyuser": ("User changed", "5"),
    "user.lockuser": ("User locked", "5"),
    "user.unlockuser": ("User unlocked", "5"),
    "policy.createpolicy": ("Control policy created", "5"),
    "policy.deletepolicy": ("Control policy deleted", "6"),
    "policy.modifypolicy": ("Control policy changed", "6"),
    "policy.rejectapprovecommand": ("Command denied", "5"),
    "system.deleteauditsessionvideo": ("Session recording deleted", "7"),
    "system.interruptauditsession": ("Session blocked", "5"),
    "system.modifyinstancetwofactor": ("Two-factor authentication changed", "6"),
}

BASTIONHOST = EventMapping(
    product="Bastionhost",
    event_class_id=("event_type", Constant("operation")),
    name=(translate("event_type", {key: name for key, (name, _) in _EVENTS.items()}), "event_type"),
    severity=translate("event_type", {key: grade for key, (_, grade) in _EVENTS.items()}, "3"),
    extension={
        "cat": "event_type",
        "msg": "content",
        "src": "user_client_ip",
        "suser": "user_name",
        "suid": "user_id",
        "dst": "resource_address",
        "deviceExternalId": "instance_id",
        "cs1": Labelled("Result", "result"),
        "cs2": Labelled("AssetName", "resource_name"),
        "cs3": Labelled("SessionId", "session_id"),
        "cs4": Labelled("LogLevel", "log_level"),
        "cs5": Labelled("Region", "region"),
        "cs6": Labelled("AccountId", "owner_id"),
    },
)
"""Bastionhost, operation logs, topic ``bastionhost`` with the field ``event_type``.

The values of ``result`` are not documented, so it is sent as it is and there is no ``outcome``.

Sources: "Bastionhost" of Log Audit (help/en/sls/bastionhost), "Archive audit logs to Simple Log
Service" (help/en/bh/bastionhost/user-guide/archive-audit-logs-in-log-service), its list of event
types.
"""

_QUALIFIER = "evaluationResultIdentifier.evaluationResultQualifier"
_VERDICTS = {
    "compliant": "Compliant",
    "non_compliant": "NonCompliant",
    "not_applicable": "NotApplicable",
    "insufficient_data": "InsufficientData",
}

CONFIG_COMPLIANCE = EventMapping(
    product="Cloud Config",
    event_class_id=(translate("complianceType", _VERDICTS), Constant("Compliance")),
    name=join(translate("complianceType", _VERDICTS), f"{_QUALIFIER}.resourceType", sep=":"),
    severity=(
        translate("complianceType", {"compliant": "2", "not_applicable": "2"}),
        translate(
            "riskLevel",
            {"critical": "8", "1": "8", "warning": "5", "2": "5", "info": "3", "3": "3"},
        ),
    ),
    extension={
        "rt": ("notificationCreationTime", "resultRecordedTimestamp"),
        "cat": "eventType",
        "act": "invokingEventMessageType",
        "outcome": translate(
            "complianceType", {"compliant": "success", "non_compliant": "failure"}
        ),
        "msg": "annotation",
        "externalId": drop_longer("requestId", 40),
        "cs1": Labelled("Rule", f"{_QUALIFIER}.configRuleName"),
        "cs2": Labelled("ResourceId", f"{_QUALIFIER}.resourceId"),
        "cs3": Labelled("ResourceType", f"{_QUALIFIER}.resourceType"),
        "cs4": Labelled("ResourceArn", f"{_QUALIFIER}.resourceArn"),
        "cs5": Labelled("Region", f"{_QUALIFIER}.regionId"),
        "cs6": Labelled("AccountId", "accountId"),
        "flexString1": Labelled("RiskLevel", "riskLevel"),
        "flexString2": Labelled("RuleId", f"{_QUALIFIER}.configRuleId"),
    },
)
"""Cloud Config, verdicts on resources; its logs have no documented topic and are known by the
fields ``complianceType`` and ``evaluationResultIdentifier``.

The name of a rule is the user's, so it is no event class id.

Sources: "Example of resource non-compliance events" of Cloud Config
(help/en/cloud-config/latest/delivery-to-log-service-example-of-resource-non-compliance-events),
"Cloud Config" of Log Audit (help/en/sls/cloud-config), with the older numbers of risk levels.
"""

CONFIG_CHANGE = EventMapping(
    product="Cloud Config",
    event_class_id=Constant("ConfigurationItemChange"),
    name=join(Constant("Configuration changed"), "resourceType", sep=":"),
    severity=4,
    extension={
        "rt": "captureTime",
        "cat": "dataType",
        "act": "resourceEventType",
        "msg": "configurationDiff",
        "destinationServiceName": "serviceName",
        "externalId": drop_longer("requestId", 40),
        "cs1": Labelled("ResourceName", "resourceName"),
        "cs2": Labelled("ResourceId", "resourceId"),
        "cs3": Labelled("ResourceType", "resourceType"),
        "cs4": Labelled("ResourceArn", "arn"),
        "cs5": Labelled("Region", "regionId"),
        "cs6": Labelled("AccountId", "accountId"),
        "flexString1": Labelled("ResourceStatus", "resourceStatus"),
        "flexString2": Labelled("RelationDiff", "relationshipDiff"),
    },
)
"""Cloud Config, changes of resources; its logs have no documented topic and are known by the fields
``configurationDiff`` and ``resourceEventType``.

Source: "Cloud Config" of Log Audit (help/en/sls/cloud-config).
"""

SLS = EventMapping(
    product="SLS",
    event_class_id="Method",
    name=join(Constant("SLS"), "Method", sep=":"),
    severity=(
        translate("Method", {"deleteproject": "6", "deletelogstore": "6"}),
        *derive_severity("Status"),
    ),
    extension={
        "act": "Method",
        "outcome": derive_outcome("Status"),
        "reason": "ErrorCode",
        "msg": "ErrorMsg",
        "src": ("SourceIP", "ClientIp"),
        "suid": "InvokerUid",
        "spriv": "CallerType",
        "requestClientApplication": "UserAgent",
        "out": "NetOutFlow",
        "externalId": drop_longer("RequestId", 40),
        "cs1": Labelled("AccessKeyId", "AccessKeyId"),
        "cs2": Labelled("Project", "Project"),
        "cs3": Labelled("Logstore", "LogStore"),
        "cs4": Labelled("ConsumerGroup", "ConsumerGroup"),
        "cs5": Labelled("Job", "Job"),
        "cs6": Labelled("MachineGroup", "MachineGroup"),
        "cn1": Labelled("Status", "Status"),
        "cn2": Labelled("LatencyUs", "Latency"),
        "cn3": Labelled("InternetBytes", "NetworkOut"),
    },
)
"""SLS's own operations, Logstore ``internal-operation_log``; known by the fields ``InvokerUid``,
``Method`` and ``Project``.

Sources: "Service log types" (help/en/sls/log-types, doc-detail/85664), "Log fields" of CloudLens
for SLS (help/en/sls/log-fields-46).
"""
