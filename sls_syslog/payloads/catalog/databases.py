"""Mappings of SQL audit besides RDS: PolarDB-X and Data Security Center."""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import (
    exclude,
    extract_sql_command,
    give_if_present,
    join,
    translate,
)
from sls_syslog.payloads.fields import Constant
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = ["DATA_SECURITY_CENTER", "POLARDB_X"]

# Statements by severity; every other one is OTHER: no user's text becomes an event class id.
_SEVERITIES = {
    "select": "2",
    "set": "2",
    "insert": "3",
    "update": "3",
    "replace": "3",
    "delete": "3",
    "alter": "5",
    "create": "5",
    "drop": "5",
    "grant": "5",
    "rename": "5",
    "revoke": "5",
    "truncate": "5",
}
_STATEMENTS = {word: word.upper() for word in _SEVERITIES}
_FAILED = exclude("fail", "0", "success")
_OUTCOME = translate("fail", {"0": "success", "success": "success"}, "failure")

_TYPE = translate("sql_type", _STATEMENTS, "OTHER")

POLARDB_X = EventMapping(
    product="PolarDB-X",
    event_class_id=(_TYPE, Constant("SQL")),
    name=join(Constant("SQL"), _TYPE),
    severity=(
        give_if_present(_FAILED, Constant("6")),
        translate("sql_type", _SEVERITIES, "3"),
        Constant("3"),
    ),
    extension={
        # No "rt": sql_time has no zone.
        "act": _TYPE,
        "outcome": _OUTCOME,
        "reason": translate("memory_reject", {"1": "out of memory"}),
        "src": "client_ip",
        "spt": "client_port",
        "suser": "user",
        "msg": "sql",
        "cs1": Labelled("Database", "db_name"),
        "cs2": Labelled("InstanceId", "instance_id"),
        "cs3": Labelled("TraceId", "trace_id"),
        "cs4": Labelled("Tables", "table_name"),
        "cs5": Labelled("Region", "region"),
        "cs6": Labelled("AccountId", "owner_id"),
        "cn1": Labelled("ResponseTime", "response_time"),
        "cn2": Labelled("Rows", "affect_rows"),
        "cn3": Labelled("RowsFetched", "fetched_rows"),
        "flexString1": Labelled("TransactionId", "transaction_id"),
        "flexString2": Labelled("Hint", "hint"),
    },
)
"""PolarDB-X, SQL audit, topics ``polardbx_sqlaudit`` (2.0) and ``drds_audit_log_...`` (1.0), which
ends in the instance and the database.

``sql_time`` has no zone, so the event has the log's own time. ``response_time`` is in milliseconds;
with the topic ``drds_audit_log`` alone, as in Log Audit, it is in microseconds, so its label has no
unit.

Sources: "Log fields" of PolarDB-X (zh/sls/user-guide/log-fields-polardb-x), "Log fields" of
PolarDB-X 1.0 (document_detail/118963), "PolarDB-X 1.0" of Log Audit (doc-detail/215633).
"""

_OPERATION = translate(("operate_type", extract_sql_command("sql")), _STATEMENTS, "OTHER")

DATA_SECURITY_CENTER = EventMapping(
    product="Data Security Center",
    event_class_id=(_OPERATION, Constant("OTHER")),
    name=join(Constant("Data access"), _OPERATION),
    severity=(
        give_if_present(_FAILED, Constant("6")),
        translate(_OPERATION, _SEVERITIES, "3"),
        Constant("3"),
    ),
    extension={
        "rt": "origin_time",
        "act": "operate_type",
        "outcome": _OUTCOME,
        "reason": exclude("fail", "0", "1", "success", "failure"),
        "src": "client_ip",
        "suser": "user",
        "app": "db_type",
        "msg": "sql",
        "cs1": Labelled("Database", "db"),
        "cs2": Labelled("InstanceId", "instance_id"),
        "cs3": Labelled("ThreadId", "thread_id"),
        "cs4": Labelled("Node", ("node_name", "clusterId")),
        "cs5": Labelled("Region", "region_id"),
        "cn1": Labelled("LatencyUs", "latency"),
        "cn2": Labelled("Rows", (exclude("effect_row", "0"), "return_rows")),
        "flexString1": Labelled("CollectorType", "collector_type"),
        "flexString2": Labelled("StatementHash", "hash"),
    },
)
"""Data Security Center, audit of databases; its logs have no documented topic and are known by the
fields ``collector_type``, ``operate_type`` and ``client_ip``.

The event class id is a statement of a closed list, from ``operate_type`` or the statement itself;
anything else is ``OTHER``.

Source: "View audit logs" of Data Security Center
(help/en/dsc/data-security-center/user-guide/view-audit-analysis-results).
"""
