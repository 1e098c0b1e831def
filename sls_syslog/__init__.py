"""Ship logs from Alibaba Cloud Simple Log Service (SLS) to a SIEM over syslog, losing none.

This is a whole program that does it::

    from sls_syslog import ShipperSettings, SyslogShipperProcessor
    from sls_syslog import consumer_config, make_worker, run_worker

    settings = ShipperSettings.from_env()
    run_worker(make_worker(SyslogShipperProcessor, consumer_config(), args=(settings,)))
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sls_syslog.client import SyslogClient
    from sls_syslog.consumer.check import check_source
    from sls_syslog.consumer.config import consumer_config
    from sls_syslog.consumer.factory import make_worker
    from sls_syslog.consumer.processor import SyslogShipperProcessor
    from sls_syslog.consumer.worker import run_worker
    from sls_syslog.delivery.ledger import ShipperStats
    from sls_syslog.errors import (
        ConnectError,
        InvalidMessageError,
        MessageTooLongError,
        SendError,
        SettingsError,
        SourceError,
        SyslogError,
        TlsError,
        TransportError,
        UnconfirmedError,
        WorkerError,
    )
    from sls_syslog.logs.dropped import DroppedLog
    from sls_syslog.logs.masking import MaskRule
    from sls_syslog.logs.rules import LogRule
    from sls_syslog.logs.severity_rules import SeverityRule
    from sls_syslog.payloads.cef import CefPayload
    from sls_syslog.payloads.leef import LeefPayload
    from sls_syslog.payloads.mapping import EventMapping, Labelled
    from sls_syslog.payloads.ocsf import OcsfPayload
    from sls_syslog.payloads.text import JsonPayload, KeyValuePayload
    from sls_syslog.preflight.check import check_destination
    from sls_syslog.preflight.preview import LogPreview, preview
    from sls_syslog.preflight.report import DestinationReport, SourceReport
    from sls_syslog.settings.client import ClientSettings
    from sls_syslog.settings.shipper import ShipperSettings
    from sls_syslog.syslog.codes import Facility, Severity
    from sls_syslog.syslog.message import SyslogMessage

    __version__: str

__all__ = [
    "CefPayload",
    "ClientSettings",
    "ConnectError",
    "DestinationReport",
    "DroppedLog",
    "EventMapping",
    "Facility",
    "InvalidMessageError",
    "JsonPayload",
    "KeyValuePayload",
    "Labelled",
    "LeefPayload",
    "LogPreview",
    "LogRule",
    "MaskRule",
    "MessageTooLongError",
    "OcsfPayload",
    "SendError",
    "SettingsError",
    "Severity",
    "SeverityRule",
    "ShipperSettings",
    "ShipperStats",
    "SourceError",
    "SourceReport",
    "SyslogClient",
    "SyslogError",
    "SyslogMessage",
    "SyslogShipperProcessor",
    "TlsError",
    "TransportError",
    "UnconfirmedError",
    "WorkerError",
    "check_destination",
    "check_source",
    "consumer_config",
    "make_worker",
    "preview",
    "run_worker",
]

# The module of each public name. It is imported when the name is first used: CEF, LEEF and the
# doctor take as long to import as all the rest, and sending without SLS needs no SDK.
_MODULES = {
    "CefPayload": "payloads.cef",
    "ClientSettings": "settings.client",
    "ConnectError": "errors",
    "DestinationReport": "preflight.report",
    "DroppedLog": "logs.dropped",
    "EventMapping": "payloads.mapping",
    "Facility": "syslog.codes",
    "InvalidMessageError": "errors",
    "JsonPayload": "payloads.text",
    "KeyValuePayload": "payloads.text",
    "Labelled": "payloads.mapping",
    "LeefPayload": "payloads.leef",
    "LogPreview": "preflight.preview",
    "LogRule": "logs.rules",
    "MaskRule": "logs.masking",
    "MessageTooLongError": "errors",
    "OcsfPayload": "payloads.ocsf",
    "SendError": "errors",
    "SettingsError": "errors",
    "Severity": "syslog.codes",
    "SeverityRule": "logs.severity_rules",
    "ShipperSettings": "settings.shipper",
    "ShipperStats": "delivery.ledger",
    "SourceError": "errors",
    "SourceReport": "preflight.report",
    "SyslogClient": "client",
    "SyslogError": "errors",
    "SyslogMessage": "syslog.message",
    "SyslogShipperProcessor": "consumer.processor",
    "TlsError": "errors",
    "TransportError": "errors",
    "UnconfirmedError": "errors",
    "WorkerError": "errors",
    "check_destination": "preflight.check",
    "check_source": "consumer.check",
    "consumer_config": "consumer.config",
    "make_worker": "consumer.factory",
    "preview": "preflight.preview",
    "run_worker": "consumer.worker",
}


if not TYPE_CHECKING:  # a type checker would believe that every name exists

    def __getattr__(name: str) -> object:
        """Import the object of a public name, and keep it for the next use.

        Raises:
            AttributeError: If there is no such public name.
        """
        if name == "__version__":
            from importlib.metadata import version

            value = version("sls-syslog")
        elif name in _MODULES:
            value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the public names and the module's own dunders; submodules and helpers are internal."""
    dunders = {name for name in globals() if name.startswith("__")}
    return sorted({*__all__, *dunders, "__version__"})
