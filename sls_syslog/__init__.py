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
from sls_syslog.codes import Facility, Severity
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
from sls_syslog.events.cef import CefPayload
from sls_syslog.events.leef import LeefPayload
from sls_syslog.events.mapping import EventMapping, Labelled
from sls_syslog.message import SyslogMessage
from sls_syslog.payloads import JsonPayload, KeyValuePayload
from sls_syslog.preflight.check import check_destination
from sls_syslog.preflight.report import DestinationReport
from sls_syslog.rules import SeverityRule
from sls_syslog.settings import ShipperSettings
from sls_syslog.shipper import SyslogShipperProcessor
from sls_syslog.stats import ShipperStats
from sls_syslog.worker import consumer_config, run_worker

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
