"""Ship logs from Alibaba Cloud Simple Log Service (SLS) to a SIEM over syslog, losing none.

The whole of a program that does it::

    from aliyun.log.consumer import ConsumerWorker
    from sls_syslog import ShipperSettings, SyslogShipperProcessor, consumer_config, run_worker

    run_worker(
        ConsumerWorker(
            SyslogShipperProcessor, consumer_config(), args=(ShipperSettings.from_env(),)
        )
    )
"""

from sls_syslog.client import SyslogClient
from sls_syslog.consumer.processor import SyslogShipperProcessor
from sls_syslog.consumer.worker import consumer_config, run_worker
from sls_syslog.delivery.ledger import ShipperStats
from sls_syslog.errors import (
    ConnectError,
    InvalidMessageError,
    MessageTooLongError,
    SendError,
    SettingsError,
    SyslogError,
    TlsError,
    TransportError,
    UnconfirmedError,
    WorkerError,
)
from sls_syslog.logs.severity_rules import SeverityRule
from sls_syslog.payloads.cef import CefPayload
from sls_syslog.payloads.leef import LeefPayload
from sls_syslog.payloads.mapping import EventMapping, Labelled
from sls_syslog.payloads.text import JsonPayload, KeyValuePayload
from sls_syslog.preflight.check import check_destination
from sls_syslog.preflight.report import DestinationReport
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.syslog.message import SyslogMessage

__all__ = [
    "CefPayload",
    "ConnectError",
    "DestinationReport",
    "EventMapping",
    "Facility",
    "InvalidMessageError",
    "JsonPayload",
    "KeyValuePayload",
    "Labelled",
    "LeefPayload",
    "MessageTooLongError",
    "SendError",
    "SettingsError",
    "Severity",
    "SeverityRule",
    "ShipperSettings",
    "ShipperStats",
    "SyslogClient",
    "SyslogError",
    "SyslogMessage",
    "SyslogShipperProcessor",
    "TlsError",
    "TransportError",
    "UnconfirmedError",
    "WorkerError",
    "check_destination",
    "consumer_config",
    "run_worker",
]
