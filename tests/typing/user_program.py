"""A user's program with a bit of everything, for type checkers only: it is never run."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

from aliyun.log.consumer import ConsumerWorker, LogHubConfig

import sls_syslog
from sls_syslog import (
    CefPayload,
    ClientSettings,
    DroppedLog,
    Facility,
    JsonPayload,
    LogRule,
    MaskRule,
    Severity,
    SeverityRule,
    ShipperSettings,
    ShipperStats,
    SyslogClient,
    SyslogError,
    SyslogMessage,
    SyslogShipperProcessor,
    TransportError,
    check_destination,
    consumer_config,
    make_worker,
    preview,
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


def look_before_shipping() -> list[bytes]:
    """What logs would become, with hooks of one's own and without."""
    logs: list[dict[str, object]] = [{"__topic__": "nginx", "status": 502}]
    shown = [*preview(settings(), logs), *preview({"host": "siem.example"}, logs, Shipper)]
    assert all(log.verdict for log in shown if log.mapping is None)
    return [frame for log in shown for frame in log.frames]


def keep(copy: DroppedLog) -> None:
    """What a function for dropped logs gets."""
    print(copy.shard, copy.cursor, copy.number, copy.cause, copy.log, copy.frame, copy.to_json())


def settings_in_every_spelling(log_payload: Callable[[Mapping[str, str]], str]) -> None:
    """What the reference allows for each keyword."""
    ShipperSettings(host="siem", port=None, protocol=None, payload=None, severity_rules=None)
    ShipperSettings(hosts="a,b", payload="json", facility="local0", severity="error")
    ShipperSettings(hosts=["a", "b:1514"], payload="cef", facility=16, severity=3, timezone="UTC")
    ShipperSettings(hosts=("a", "[::1]:514"), payload="leef", severity=Severity.ERROR)
    ShipperSettings(host="siem", payload=log_payload, receiver="qradar", confirm="acked")
    ShipperSettings(host="siem", payload=CefPayload(mapping="actiontrail"), newlines="space")
    ShipperSettings(host="siem", payload=lambda log: log["message"], protocol="udp", sep="^")
    ShipperSettings(host="siem", oversize="split", max_message_bytes=8096)
    ShipperSettings(host="siem", protocol="relp+tls", receiver="rsyslog-relp")
    ShipperSettings(host="siem", protocol="udp", max_rate=500, max_message_bytes=1024)
    ShipperSettings(
        host="siem",
        framing="octet-counting",
        newlines="keep",
        severity_rules=[
            SeverityRule("level", equals="ERROR", severity="error"),
            {"field": "code", "at_least": 500, "severity": 3},
        ],
        structured_data={"origin@32473": {"ip": "{__source__}"}},
        timezone=timezone(timedelta(hours=8)),
        enterprise_id=32473,
        event_id=True,
        retry_seconds=0,
        replay_seconds=2.5,
        window_bytes=1_000_000,
        on_refused="drop",
        refused_tries=3,
        skip=[LogRule("path", equals="/healthz"), {"field": "status", "at_least": 500}],
        only=(LogRule("level", matches="^E"),),
        mask=[MaskRule("password"), {"value_matches": "[0-9]{13}", "hashed": True}],
        mask_key="a key of 24 characters..",
        on_hook_error="hold",
        dropped="dropped.jsonl",
        hostname="{__source__}",
        tag="{__topic__}",
    )
    ShipperSettings(host="siem", on_hook_error="drop", dropped=keep)
    ShipperSettings(host="siem", on_hook_error="drop", dropped=Path("dropped.jsonl"))
    rules = [SeverityRule("level", equals="ERROR", severity="error")]
    ShipperSettings(host="siem", severity_rules=rules, idle_seconds=0, max_connection_seconds=60)
    ClientSettings(host="siem", protocol="tls", min_tls="1.2", fingerprint="ab" * 32)
    ClientSettings(host="siem", protocol="tls", min_tls=ssl.TLSVersion.TLSv1_3, timeout=5)
    ClientSettings(host="siem", protocol="tls", cert_path=Path("ca.pem"), verify_hostname=False)
    ClientSettings(host="siem", protocol="tls", client_cert="a.pem", client_key_password="x")
    ClientSettings(host="siem", protocol="tls", fingerprint=["ab" * 32], server_hostname="siem")
    ClientSettings(host="siem", protocol="tls", ssl_context=ssl.create_default_context())
    ClientSettings(host="siem", syslog_format="rfc3164", bom=False, client_key=None)
    SyslogClient("siem", protocol="tcp", facility="local0", hosts="a,b", timezone="Asia/Shanghai")
    SyslogClient("siem", None, confirm="consumed", severity="warning", framing="newline", tag="app")
    SyslogClient.from_settings({"host": "siem", "protocol": "tcp"})
    check_destination(ClientSettings(host="siem"))


def read(settings: ShipperSettings) -> ClientSettings:
    """Attributes have the types of what was read, and can be given again."""
    facility: Facility = settings.facility
    severity: Severity = settings.severity
    zone: tzinfo | None = settings.timezone
    hosts: tuple[str, ...] = settings.hosts
    version: ssl.TLSVersion = settings.min_tls
    payload: Callable[[Mapping[str, str]], str] = settings.payload
    rules: tuple[SeverityRule, ...] = settings.severity_rules
    again: ShipperSettings = dataclasses.replace(settings, framing="octet-counting", timeout=5)
    ShipperSettings(host=again.host, payload=payload, severity_rules=rules, receiver=again.receiver)
    return ClientSettings(
        host=settings.host,
        port=settings.port,
        protocol=settings.protocol,
        framing=settings.framing,
        confirm=settings.confirm,
        facility=facility,
        severity=severity,
        timezone=zone,
        hosts=hosts,
        min_tls=version,
    )


def ship(stats: ShipperStats) -> int:
    """The program of the README, with a subclass."""
    config: LogHubConfig = consumer_config(heartbeat_interval=10)
    run_worker(ConsumerWorker(Shipper, config, args=(settings(), stats)))
    run_worker(make_worker(Shipper, config, args=(settings(), stats), start_seconds=None))
    numbers: dict[str, Any] = stats.snapshot()
    return int(numbers["confirmed"])


def ship_yesterday(midnight: datetime) -> None:
    """A range."""
    config = consumer_config(start="2026-11-27T00:00:00+08:00", end=midnight)
    run_worker(ConsumerWorker(Shipper, config, args=(settings(),)))


def send(host: str) -> str:
    """The client alone."""
    print(sls_syslog.__version__, sls_syslog.SyslogClient)
    message = SyslogMessage(message="hello", facility="local0", severity=5, app_name="app")
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
