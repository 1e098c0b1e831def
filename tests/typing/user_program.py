"""A user's program with a bit of everything, for type checkers only: it is never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aliyun.log.consumer import ConsumerWorker, LogHubConfig

from sls_syslog import (
    Facility,
    JsonPayload,
    Severity,
    SeverityRule,
    ShipperSettings,
    ShipperStats,
    SyslogClient,
    SyslogError,
    SyslogMessage,
    SyslogShipperProcessor,
    TransportError,
    consumer_config,
    run_worker,
)
from sls_syslog.syslogclient import FAC_LOCAL0, SEV_ERROR, SyslogClientRFC5424
from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA


class Shipper(SyslogShipperProcessor):
    """Every hook, with the types that the documentation gives."""

    def format_message(self, log: Mapping[str, str]) -> str | None:
        return None if "debug" in log else super().format_message(log)

    def severity(self, log: Mapping[str, str]) -> int | str:
        return Severity.ERROR if "error" in log else super().severity(log)

    def facility(self, log: Mapping[str, str]) -> Facility:
        return Facility.LOCAL0

    def hostname(self, log: Mapping[str, str]) -> str:
        return log.get("host") or super().hostname(log)

    def app_name(self, log: Mapping[str, str]) -> str:
        return log.get("service", "-")


def settings() -> ShipperSettings:
    """Settings in all three ways."""
    from_environment: ShipperSettings = ShipperSettings.from_env()
    from_dict = ShipperSettings.from_mapping({"host": from_environment.host, "port": 514})
    return ShipperSettings(
        host=from_dict.host,
        port=6514,
        protocol="tls",
        payload=JsonPayload(),
        severity_rules=(SeverityRule("level", equals="ERROR", severity=Severity.ERROR),),
    )


def ship(stats: ShipperStats) -> int:
    """The program of the README, with a subclass."""
    config: LogHubConfig = consumer_config(heartbeat_interval=10)
    run_worker(ConsumerWorker(Shipper, config, args=(settings(), stats)))
    numbers: dict[str, Any] = stats.snapshot()
    return int(numbers["confirmed"])


def send(host: str) -> str:
    """The client by itself."""
    message = SyslogMessage(message="hello", severity=Severity.NOTICE, app_name="app")
    try:
        with SyslogClient(host, 514, protocol="tcp", timeout=10) as client:
            client.log("hello", facility=Facility.USER, severity=Severity.INFO)
            client.send(message)
            client.confirm()
    except TransportError as error:
        return str(error)
    except SyslogError:
        raise
    return "sent"


def send_as_documented(host: str) -> None:
    """The documented names."""
    with SyslogClientRFC5424(host, 514, proto="tcp") as client:
        client.log("hello", facility=FAC_LOCAL0, severity=SEV_ERROR, program="app", pid=1)


def try_it() -> tuple[list[bytes], Path]:
    """The testing kit."""
    with SlsEmulator(shards=2) as emulator, SyslogReceiver() as receiver, TemporaryCA() as ca:
        emulator.put_logs([{"key": "value"}])
        return receiver.wait_for(1), Path(ca.cert_path)
