"""What each receiver needs to accept a message: one row of settings per receiver, with its source.

A row sets only what a receiver needs in messages. It must not set how to reach or trust the
receiver: the user decides that. Keys that the user sets win over a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sls_syslog.payloads.by_name import MakePayload, make_leef_for_sc4s
from sls_syslog.payloads.text import JsonPayload, KeyValuePayload
from sls_syslog.settings.protocols import PROTOCOLS
from sls_syslog.syslog.framing import LARGEST_DATAGRAM

__all__ = ["PROFILES", "Profile"]

# No row may make a receiver lose logs. So each limit comes with a policy for larger messages.
# Key-value and JSON are split, because the parts together have all of the log. CEF and LEEF are
# shortened: with ``__part__=1/2`` in front, no receiver recognizes the event. A shorter event has
# only true values, and the log is counted and reported as truncated.


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What one receiver needs.

    Attributes:
        name: The value of the setting ``receiver``.
        title: The name that the vendor gives to the receiver.
        settings: Keys of ``ShipperSettings`` and their values; sizes are in bytes.
        udp: Values that differ over UDP.
        events: Values that differ if the user has chosen CEF or LEEF.
        payloads: Forms of payloads that the receiver needs, by the value of ``payload``.
        source: The vendor's documentation, or the receiver's source code, that proves it.
        note: Why the row has these values.
        reads_both_framings: Whether one input of it reads newline framing and octet counting.
    """

    name: str
    title: str
    settings: Mapping[str, Any]
    udp: Mapping[str, Any] = field(default_factory=dict)
    events: Mapping[str, Any] = field(default_factory=dict)
    payloads: Mapping[str, MakePayload] = field(default_factory=dict)
    source: str
    note: str
    reads_both_framings: bool = False

    def choose_settings(self, protocol: str | None) -> dict[str, Any]:
        """Return the settings for a protocol. Only TCP and TLS have a framing.

        Args:
            protocol: The protocol; ``None`` for that of the profile, or the default.
        """
        chosen = dict(self.settings)
        name = protocol or chosen.get("protocol", "tcp")
        if PROTOCOLS[name].framing is None:
            chosen.pop("framing", None)
        if name != "udp":
            return chosen
        chosen |= self.udp
        if "max_message_bytes" in chosen:
            chosen["max_message_bytes"] = min(chosen["max_message_bytes"], LARGEST_DATAGRAM)
        return chosen


_LINES = {"framing": "newline", "newlines": "escape"}
_JSON = {"syslog_format": "rfc5424", **_LINES, "payload": "json", "oversize": "split"}
_RELAY = {"syslog_format": "rfc5424", **_LINES, "oversize": "split"}
# CEF and LEEF stand in place of the TAG of RFC 3164, and have no escape such as \u0085.
_EVENT = {
    "syslog_format": "rfc3164",
    "framing": "newline",
    "newlines": "space",
    "oversize": "truncate",
}
_EVENT_INSTEAD = {key: of for key, of in _EVENT.items() if key != "framing"}
_LEEF_GUIDE = "https://www.ibm.com/docs/en/dsm?topic=overview-leef-event-components"
_QRADAR_SIZES = (
    "sizes: Max TCP (UDP) Syslog Payload Length in"
    " https://www.ibm.com/docs/en/qsip/7.5?topic=tasks-configuring-system-settings"
)

_ROWS = (
    Profile(
        name="qradar",
        title="IBM QRadar, LEEF",
        settings={**_EVENT, "payload": "leef", "max_message_bytes": 4096},
        udp={"max_message_bytes": 1024},
        source=f"{_LEEF_GUIDE}; {_QRADAR_SIZES}",
        note=(
            "QRadar reads both headers. RFC 3164, as in IBM's own samples, because QRadar documents"
            " only three digits of a fraction for RFC 5424, and `devTime` dates the event anyway."
            " QRadar would cut longer events into several, and only the first would have a header."
        ),
    ),
    Profile(
        name="qradar-json",
        title="IBM QRadar, JSON",
        settings={
            **_JSON,
            "syslog_format": "rfc3164",
            "payload": JsonPayload(expand=("event",)),
            "max_message_bytes": 4096,
        },
        udp={"max_message_bytes": 1024},
        source=(
            "https://www.ibm.com/docs/en/qsip/7.6.0?topic=actiontrail-alibaba-sample-event-message;"
            f" {_QRADAR_SIZES}"
        ),
        note="For custom properties by JSON expressions. The `event` of ActionTrail is an object,"
        " as in IBM's sample. Its logs are often longer than 4096 bytes: raise both limits.",
    ),
    Profile(
        name="arcsight",
        title="ArcSight SmartConnector, Logger",
        settings={**_EVENT, "payload": "cef"},
        source=(
            "https://www.microfocus.com/documentation/arcsight/arcsight-smartconnectors-25.1/pdfdoc/"
            "cef-implementation-standard/cef-implementation-standard.pdf"
        ),
        note="`CEF:0` stands in place of the TAG. Each field has a limit, which the payload keeps;"
        " the message has none.",
    ),
    Profile(
        name="splunk",
        title="Splunk, TCP input",
        settings={**_JSON, "max_message_bytes": 10_000},
        source="http://wiki.splunk.com/Community:Test:"
        "How_Splunk_behaves_when_receiving_or_forwarding_udp_data; size: TRUNCATE in props.conf",
        note="The TCP input keeps the message as it is; the UDP input removes the priority and"
        " puts its own time and host before the message.",
    ),
    Profile(
        name="sc4s",
        title="Splunk Connect for Syslog",
        settings={**_JSON, "max_message_bytes": 65_536},
        events=_EVENT_INSTEAD,
        payloads={"leef": make_leef_for_sc4s},
        source="https://github.com/splunk/splunk-connect-for-syslog: docs/sources,"
        " package/etc/go_templates/source_network.t; LEEF: package/etc/pylib/parser_leef.py,"
        " package/etc/conf.d/conflib/syslog/app-leef.conf; size: syslog-ng's log-msg-size",
        note="Ports 514 and 6514 read only lines; octet counting is for 601 and 5425. With `leef`,"
        " `|` in a value becomes `/`, and `devTime` is in seconds with a fraction: SC4S would lose"
        " all attributes before the last `|`, and read milliseconds as the year 58809. CEF and LEEF"
        " go out under RFC 3164, because SC4S knows them by the TAG.",
    ),
    Profile(
        name="sentinel",
        title="Microsoft Sentinel, by a forwarder with the Azure Monitor Agent",
        settings={**_EVENT, "payload": "cef", "max_message_bytes": 8096},
        source="https://learn.microsoft.com/azure/sentinel/cef-syslog-ama-overview;"
        " size: maxMessageSize of the forwarder's rsyslog",
        note="`CEF:0` directly after the host: after a TAG, the agent reads it as plain text."
        " rsyslog would make a second event of the end of a longer message.",
    ),
    Profile(
        name="elastic",
        title="Elastic Agent, Filebeat",
        settings={**_JSON, "max_message_bytes": 20 * 1024 * 1024},
        payloads={"json": lambda sep: JsonPayload(names="nested")},
        udp={"max_message_bytes": 10 * 1024},
        source="https://elastic.co/docs/reference/beats/filebeat/filebeat-input-tcp,"
        " https://elastic.co/docs/reference/beats/filebeat/filebeat-input-syslog",
        note="`framing: delimiter` is the receiver's default. Names become nested objects, because"
        " Elasticsearch refuses a document with an empty name, a name that begins with a dot, or"
        " `a` beside `a.b`.",
    ),
    Profile(
        name="graylog",
        title="Graylog, Syslog TCP input",
        settings={**_JSON, "max_message_bytes": 2 * 1024 * 1024},
        source="https://github.com/Graylog2/graylog2-server: SyslogTCPFramingRouterHandler;"
        " https://github.com/Graylog2/graylog-plugin-cef/issues/11",
        note="JSON, because Graylog's CEF parser un-escapes `=` too early and finds keys in values."
        " RFC 5424, because it has the time zone.",
    ),
    Profile(
        name="wazuh",
        title="Wazuh manager, remoted",
        settings={**_JSON, "syslog_format": "rfc3164", "max_message_bytes": 65_000},
        source="https://github.com/wazuh/wazuh: src/remoted/src/syslogtcp.c; issues/16994,"
        " issues/107",
        note="Wazuh's predecoder does not read RFC 5424. It decodes JSON that follows `TAG: `;"
        " its `__time__` has the year that the header lacks."
        " Its buffer is 65536 bytes, and must also hold the line feed and Wazuh's own prefix.",
    ),
    Profile(
        name="logrhythm",
        title="LogRhythm System Monitor Agent",
        settings={**_LINES, "syslog_format": "rfc3164", "oversize": "split"},
        payloads={"key-value": lambda sep: KeyValuePayload(sep, time=True)},
        source="https://docs.logrhythm.com/lrsiem/docs/syslog-collection",
        note="Lines on 514, or 6514 for TLS. A relay regex of the agent reads host and time; no"
        " limit is documented. `key-value` has the field `__time__`, because the header has no"
        " year.",
    ),
    Profile(
        name="rsyslog",
        title="rsyslog, imtcp, imptcp, imudp",
        settings={**_RELAY, "framing": "octet-counting", "max_message_bytes": 8096},
        source="https://www.rsyslog.com/doc/configuration/modules/imtcp.html, and tried: 8.2302",
        note="rsyslog reads both framings on one port. A longer message would become two, the"
        " second without a header. Choose the payload for the system behind the relay.",
        reads_both_framings=True,
    ),
    Profile(
        name="rsyslog-relp",
        title="rsyslog, imrelp",
        settings={
            "syslog_format": "rfc5424",
            "protocol": "relp",
            "newlines": "escape",
            "oversize": "split",
            "max_message_bytes": 8096,
        },
        source="https://www.rsyslog.com/doc/configuration/modules/imrelp.html, and tried: 8.2302",
        note="rsyslog acknowledges each message. It would cut a longer one at `maxDataSize`, and"
        " acknowledge it. For TLS set `protocol` to `relp+tls`. Choose the payload for the system"
        " behind the relay.",
    ),
    Profile(
        name="syslog-ng",
        title="syslog-ng, AxoSyslog: network() with flags(syslog-protocol)",
        settings={**_RELAY, "max_message_bytes": 65_536},
        source="https://syslog-ng.github.io/admin-guide, and tried: 3.38",
        note="Lines, because they reveal a wrong driver: `syslog()` closes the connection. With"
        " octet counting, `network()` would read the count as a part of the message.",
    ),
    Profile(
        name="sumo",
        title="Sumo Logic, Cloud Syslog Source",
        settings={
            **_JSON,
            "protocol": "tls",
            "oversize": "truncate",
            "max_message_bytes": 64_000,
        },
        source="https://help.sumologic.com/docs/send-data/hosted-collectors/cloud-syslog-source",
        note="Sumo Logic drops every message that is not RFC 5424 or lacks the token of the source."
        " A payload of your own must put the token first. Messages are not split, because only"
        " the first part would have the token.",
    ),
    Profile(
        name="datadog",
        title="Datadog Agent, TCP listener",
        settings={**_JSON, "max_message_bytes": 256_000},
        source="https://docs.datadoghq.com/agent/logs/log_transport",
        note="For your own Agent; Datadog no longer supports its own TCP intake.",
    ),
    Profile(
        name="logscale",
        title="CrowdStrike Falcon LogScale Collector",
        settings={**_JSON, "max_message_bytes": 2048},
        source="https://library.humio.com/falcon-logscale-collector/"
        "log-collector-config-common-source-syslogtls.html",
        note="`maxEventSize` is 2048 by default, and larger events are cut; raise both limits.",
    ),
    Profile(
        name="vector",
        title="Vector, syslog source",
        settings={**_JSON, "max_message_bytes": 102_400},
        source="https://vector.dev/docs/reference/configuration/sources/syslog",
        note="`max_length` is 102400 by default; a longer message does not arrive whole.",
    ),
)

PROFILES: dict[str, Profile] = {row.name: row for row in _ROWS}
"""The profiles by the value of the setting ``receiver``."""
