"""Mappings of audit logs, which say who did what: ActionTrail, RDS and Kubernetes."""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import (
    choose,
    drop_longer,
    exclude,
    extract_sql_command,
    give_if_present,
    grade,
    join,
    keep_listed,
    translate,
)
from sls_syslog.payloads.catalog.web import derive_outcome
from sls_syslog.payloads.fields import Constant
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = ["ACTIONTRAIL", "KUBERNETES", "KUBERNETES_NAMES", "RDS"]

# Some sign-ins fail without a code, and some succeed with this message.
_ERROR_MESSAGE = exclude("event.errorMessage", "success")
_ERROR = ("event.errorCode", _ERROR_MESSAGE)
# Insight events, by what they were found in. What hides an intruder or gives rights is worst.
_INSIGHT = "event.insightDetails.insightType"
_INSIGHTS = {
    "trailconcealmentinsight": "9",
    "policychangeinsight": "7",
    "passwordchangeinsight": "7",
    "ipinsight": "6",
    "akinsight": "6",
    "apicallrateinsight": "5",
    "apierrorrateinsight": "5",
}

ACTIONTRAIL = EventMapping(
    product="ActionTrail",
    event_class_id=("event.eventName", _INSIGHT),
    name=(
        join("event.serviceName", "event.eventName", sep=":"),
        give_if_present(_INSIGHT, join(Constant("Insight"), _INSIGHT, sep=":")),
    ),
    severity=(
        translate(_INSIGHT, _INSIGHTS, "6"),
        give_if_present(_ERROR, translate("event.eventName", {"consolesignin": "7"}, "6")),
        translate("event.eventRW", {"read": "2", "write": "5"}),
        Constant("3"),
    ),
    extension={
        "rt": "event.eventTime",
        "cat": "event.eventType",
        "act": ("event.eventRW", "event.insightDetails.state"),
        "outcome": (
            give_if_present(_ERROR, Constant("failure")),
            give_if_present("event.eventName", Constant("success")),
        ),
        "reason": "event.errorCode",
        "msg": join(_ERROR_MESSAGE, ("event.requestParameters", "event.insightDetails")),
        "src": (
            "event.sourceIpAddress",
            "event.insightDetails.sourceIpAddress",
            choose(_INSIGHT, {"ipinsight": "event.insightDetails.insightObject"}),
        ),
        "suser": ("event.userIdentity.userName", "event.additionalEventData.loginAccount"),
        "suid": "event.userIdentity.principalId",
        "spriv": "event.userIdentity.type",
        "sourceServiceName": "event.serviceName",
        "destinationServiceName": "event.eventSource",
        "deviceFacility": "event.eventCategory",
        "requestClientApplication": "event.userAgent",
        "externalId": drop_longer("event.eventId", 40),
        "cs1": Labelled(
            "AccessKeyId",
            (
                "event.userIdentity.accessKeyId",
                choose(_INSIGHT, {"akinsight": "event.insightDetails.insightObject"}),
            ),
        ),
        "cs2": Labelled("Region", "event.acsRegion"),
        "cs3": Labelled("RequestId", "event.requestId"),
        "cs4": Labelled("ResourceType", "event.resourceType"),
        "cs5": Labelled("ResourceName", ("event.resourceName", "event.referencedResources")),
        "cs6": Labelled(
            "AccountId",
            (
                "event.recipientAccountId",
                "event.recipient",
                "owner_id",
                "event.userIdentity.accountId",
            ),
        ),
        "flexString1": Labelled(
            "MfaChecked",
            (
                "event.additionalEventData.isMFAChecked",
                "event.additionalEventData.mfaChecked",
                "event.userIdentity.sessionContext.attributes.mfaAuthenticated",
            ),
        ),
        "flexString2": Labelled("VpcId", "event.vpcId"),
    },
)
"""ActionTrail, topics ``actiontrail_event`` and ``actiontrail_audit_event``.

Sources: "ActionTrail" of Log Audit (help/en/sls/actiontrail), "Log fields" of ActionTrail
(help/en/sls/log-fields-25), "Management event structure" (doc-detail/28819), "Insights event
structure" (help/en/actiontrail/user-guide/insights-event-structure; older: help/en/actiontrail/
latest/insight-event-log-reference), logon events (doc-detail/286977).
"""

_CHANGES = dict.fromkeys(
    (
        *("insert", "update", "replace", "delete", "merge", "load", "copy"),
        *("call", "do", "exec", "execute", "with", "xa"),  # may hold a change
    ),
    "3",
)
_DEFINITIONS = dict.fromkeys(
    (
        *("alter", "create", "drop", "rename", "truncate", "grant", "revoke", "deny"),
        *("install", "uninstall", "kill", "purge", "restore", "shutdown"),
    ),
    "5",
)
_STATEMENT = extract_sql_command("sql")

RDS = EventMapping(
    product="RDS",
    event_class_id=(_STATEMENT, Constant("SQL")),
    name=join(Constant("SQL"), _STATEMENT),
    severity=(
        give_if_present(exclude("fail", "0"), Constant("6")),
        translate(_STATEMENT, _CHANGES | _DEFINITIONS, "2"),
        Constant("3"),
    ),
    extension={
        "rt": "origin_time",
        "act": _STATEMENT,
        "outcome": translate("fail", {"0": "success"}, "failure"),
        "reason": exclude("fail", "0", "1"),
        "src": "client_ip",
        "suser": "user",
        "app": "db_type",
        "msg": "sql",
        "cs1": Labelled("Database", "db"),
        "cs2": Labelled("InstanceId", "instance_id"),
        "cs3": Labelled("ThreadId", "thread_id"),
        "cs4": Labelled("InstanceName", "instance_name"),
        "cs5": Labelled("Region", "region"),
        "cs6": Labelled("AccountId", "owner_id"),
        "cn1": Labelled("LatencyUs", "latency"),
        "cn2": Labelled(
            "Rows",
            (
                exclude("update_rows", "0"),
                exclude("effect_row", "0"),
                "return_rows",
            ),
        ),
        "cn3": Labelled("RowsChecked", "check_rows"),
    },
)
"""RDS and PolarDB, SQL audit, topic ``rds_audit_log``.

Sources: "ApsaraDB RDS" of Log Audit (help/en/sls/rds), "View audit analysis results" of Data
Security Center (help/en/dsc/data-security-center/user-guide/view-audit-analysis-results).
"""

# The verbs of the API (kubernetes.io/docs/reference/access-authn-authz/authorization), and HTTP's
# for requests that name no resource.
_VERBS = (
    *("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"),
    *("post", "put", "head", "options", "connect", "proxy"),
)
# Kubernetes' own resources (kubernetes.io/docs/reference/kubernetes-api). A request's path can name
# any other, so these must not become kinds of events.
_RESOURCES = (
    *("apiservices", "bindings", "certificatesigningrequests", "clusterrolebindings"),
    *("clusterroles", "componentstatuses", "configmaps", "controllerrevisions", "cronjobs"),
    *("csidrivers", "csinodes", "csistoragecapacities", "customresourcedefinitions", "daemonsets"),
    *("deployments", "endpoints", "endpointslices", "events", "flowschemas"),
    *("horizontalpodautoscalers", "ingressclasses", "ingresses", "jobs", "leases", "limitranges"),
    *("localsubjectaccessreviews", "mutatingwebhookconfigurations", "namespaces"),
    *("networkpolicies", "nodes", "persistentvolumeclaims", "persistentvolumes"),
    *("poddisruptionbudgets", "pods", "podtemplates", "priorityclasses"),
    *("prioritylevelconfigurations", "replicasets", "replicationcontrollers", "resourcequotas"),
    *("rolebindings", "roles", "runtimeclasses", "secrets", "selfsubjectaccessreviews"),
    *("selfsubjectreviews", "selfsubjectrulesreviews", "serviceaccounts", "services"),
    *("statefulsets", "storageclasses", "subjectaccessreviews", "tokenreviews"),
    *("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
    *("validatingwebhookconfigurations", "volumeattachments"),
)
_SUBRESOURCES = (
    *("approval", "attach", "binding", "ephemeralcontainers", "eviction", "exec", "finalize"),
    *("log", "portforward", "proxy", "resize", "scale", "status", "token"),
)
_LISTED = "[Kubernetes' own](#kubernetes-names)"
KUBERNETES_NAMES = {"verb": _VERBS, "resource": _RESOURCES, "subresource": _SUBRESOURCES}
"""Of what event class ids are made for Kubernetes."""

_READS = dict.fromkeys(("get", "list", "watch"), "2")
_ANONYMOUS = "system:anonymous"
_INTO_A_POD = dict.fromkeys(("attach", "exec", "portforward"), "6")

KUBERNETES = EventMapping(
    product="Kubernetes",
    event_class_id=join(
        keep_listed("verb", KUBERNETES_NAMES["verb"], "other", _LISTED),
        join(
            keep_listed("objectRef.resource", KUBERNETES_NAMES["resource"], "other", _LISTED),
            keep_listed("objectRef.subresource", KUBERNETES_NAMES["subresource"], "other", _LISTED),
            sep="/",
        ),
        sep=":",
    ),
    name=join("verb", "objectRef.resource", "objectRef.subresource"),
    severity=(
        translate("responseStatus.code", {"401": "6", "403": "6"}),
        give_if_present("objectRef.resource", translate("user.username", {_ANONYMOUS: "7"})),
        translate("objectRef.subresource", _INTO_A_POD),
        grade("responseStatus.code", {400: "3", 500: "5"}),
        # Without a resource: probes such as /healthz, and scans.
        translate("user.username", {_ANONYMOUS: "4"}),
        translate("objectRef.resource", {"secrets": "5"}),
        translate("verb", _READS, "5"),
        Constant("3"),
    ),
    extension={
        "rt": "requestReceivedTimestamp",
        "end": "stageTimestamp",
        "cat": "stage",
        "act": "verb",
        "outcome": derive_outcome("responseStatus.code"),
        "reason": "responseStatus.reason",
        "msg": "responseStatus.message",
        "src": "sourceIPs.0",
        "suser": "user.username",
        "suid": "user.uid",
        "duser": "impersonatedUser.username",
        "duid": "impersonatedUser.uid",
        "request": "requestURI",
        "requestClientApplication": "userAgent",
        "externalId": drop_longer("auditID", 40),
        "cs1": Labelled("Namespace", "objectRef.namespace"),
        "cs2": Labelled("ResourceType", "objectRef.resource"),
        "cs3": Labelled("ObjectName", "objectRef.name"),
        "cs4": Labelled("ApiGroup", "objectRef.apiGroup"),
        "cs5": Labelled("Groups", "user.groups"),
        "cs6": Labelled("Decision", "annotations.authorization.k8s.io/decision"),
        "flexString1": Labelled("ImpersonatedGroups", "impersonatedUser.groups"),
        "cn1": Labelled("Status", "responseStatus.code"),
    },
)
"""Audit of the Kubernetes API server (ACK); its logs have no topic of their own.

Sources: "kube-apiserver audit logs" of ACK (help/en/cs/user-guide/kube-apiserver-audit-logs);
Kubernetes, kube-apiserver Audit Configuration (audit.k8s.io/v1), Event: ``user`` is who asked,
``impersonatedUser`` who they acted as. ``system:anonymous`` is a request without credentials
(kubernetes.io/docs/reference/access-authn-authz/authentication).
"""
