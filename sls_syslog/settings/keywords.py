"""The keywords of the settings for type checkers: each key with every spelling that it takes.

It must not hold defaults, meanings or checks: those are rows of the settings tables, and a test
compares the two. Annotations are objects here, not strings, so that ``help()`` shows the choices.
"""

import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Literal, TypeAlias, TypedDict

from sls_syslog.logs.dropped import DroppedLog
from sls_syslog.logs.masking import MaskRule
from sls_syslog.logs.rules import LogRule
from sls_syslog.logs.severity_rules import SeverityRule
from sls_syslog.payloads.by_name import Payload
from sls_syslog.syslog.codes import Facility, Severity

__all__ = [
    "ClientKeywords",
    "ClientOptions",
    "ConfirmLevel",
    "Framing",
    "HookErrorPolicy",
    "NewlinePolicy",
    "OversizePolicy",
    "PayloadName",
    "ProtocolName",
    "ReceiverName",
    "RefusedPolicy",
    "ShipperOptions",
    "SyslogFormat",
    "TlsVersion",
]

ProtocolName: TypeAlias = Literal["tcp", "udp", "tls", "relp", "relp+tls"]
SyslogFormat: TypeAlias = Literal["rfc5424", "rfc3164"]
Framing: TypeAlias = Literal["newline", "octet-counting"]
NewlinePolicy: TypeAlias = Literal["escape", "space", "keep"]
OversizePolicy: TypeAlias = Literal["truncate", "split", "drop"]
RefusedPolicy: TypeAlias = Literal["hold", "drop"]
HookErrorPolicy: TypeAlias = Literal["default", "drop", "hold"]
ConfirmLevel: TypeAlias = Literal["auto", "consumed", "acked", "written"]
TlsVersion: TypeAlias = Literal["1.2", "1.3"]
PayloadName: TypeAlias = Literal["key-value", "json", "cef", "leef", "ocsf"]
ReceiverName: TypeAlias = Literal[
    "qradar",
    "qradar-json",
    "arcsight",
    "splunk",
    "sc4s",
    "sentinel",
    "elastic",
    "graylog",
    "wazuh",
    "logrhythm",
    "rsyslog",
    "rsyslog-relp",
    "syslog-ng",
    "sumo",
    "datadog",
    "logscale",
    "vector",
]


class ClientKeywords(TypedDict, total=False):
    """The keywords of ``SyslogClient``, beside its first two arguments."""

    protocol: ProtocolName | None
    hosts: str | Sequence[str] | None
    timeout: float | None
    idle_seconds: float | None
    max_connection_seconds: float | None
    syslog_format: SyslogFormat | None
    framing: Framing | None
    newlines: NewlinePolicy | None
    max_message_bytes: int | None
    oversize: OversizePolicy | None
    bom: bool | None
    timezone: str | tzinfo | None
    facility: Facility | int | str | None
    severity: Severity | int | str | None
    hostname: str | None
    tag: str | None
    confirm: ConfirmLevel | None
    max_rate: float | None
    cert_path: str | os.PathLike[str] | None
    client_cert: str | os.PathLike[str] | None
    client_key: str | os.PathLike[str] | None
    client_key_password: str | None
    server_hostname: str | None
    verify_hostname: bool | None
    fingerprint: str | Sequence[str] | None
    min_tls: TlsVersion | ssl.TLSVersion | None
    ssl_context: ssl.SSLContext | None


class ClientOptions(ClientKeywords, total=False):
    """The keywords of ``ClientSettings``."""

    host: str | None
    port: int | None


class ShipperOptions(ClientOptions, total=False):
    """The keywords of ``ShipperSettings``."""

    receiver: ReceiverName | None
    sep: str | None
    payload: PayloadName | Payload | None
    severity_rules: Sequence[SeverityRule | Mapping[str, Any]] | None
    skip: Sequence[LogRule | Mapping[str, Any]] | None
    only: Sequence[LogRule | Mapping[str, Any]] | None
    mask: Sequence[MaskRule | Mapping[str, Any]] | None
    mask_key: str | None
    structured_data: Mapping[str, Mapping[str, str]] | None
    enterprise_id: int | None
    event_id: bool | None
    retry_seconds: float | None
    replay_seconds: float | None
    window_bytes: int | None
    on_hook_error: HookErrorPolicy | None
    on_refused: RefusedPolicy | None
    refused_tries: int | None
    dropped: str | os.PathLike[str] | Callable[[DroppedLog], object] | None
