"""Which settings contradict each other: one table, a row for each rule.

The first rule that is broken is reported. A rule must not read a file or look anything up.
"""

from __future__ import annotations

from typing import Any

from sls_syslog.settings.addresses import has_every_port
from sls_syslog.settings.protocols import LARGEST_RELP_MESSAGE, PROTOCOLS, Protocol
from sls_syslog.settings.table import Rule, need
from sls_syslog.syslog.framing import LARGEST_DATAGRAM

__all__ = ["NEEDS", "RULES", "TEMPLATE_RULES"]

# The keys that only TLS uses.
_TLS_KEYS = (
    *("cert_path", "client_cert", "client_key", "client_key_password", "server_hostname"),
    *("verify_hostname", "fingerprint", "min_tls", "ssl_context"),
)

# These describe the receiver; the other keys for TLS describe how a context is made.
_ALLOWED_WITH_CONTEXT = {"ssl_context", "server_hostname", "fingerprint"}


def _describe_protocol(settings: Any) -> Protocol:
    return PROTOCOLS[settings.protocol]


def _is_udp(settings: Any) -> bool:
    return not _describe_protocol(settings).has_connection


def _is_relp(settings: Any) -> bool:
    return _describe_protocol(settings).is_relp


def _is_too_large(settings: Any) -> bool:
    largest = _describe_protocol(settings).largest
    return largest is not None and settings.max_message_bytes > largest


def _cannot_confirm(settings: Any) -> bool:
    return settings.confirm not in _describe_protocol(settings).levels


RULES = (
    Rule(("framing",), _is_udp, "contradicts protocol 'udp': each datagram carries one message"),
    Rule(
        ("framing",),
        _is_relp,
        "contradicts protocol {0.protocol!r}: each RELP frame carries one message",
    ),
    Rule(
        ("newlines",),
        lambda settings: (
            settings.newlines == "keep"
            and settings.framing != "octet-counting"
            and not _is_relp(settings)
        ),
        "'keep' needs framing 'octet-counting' or protocol 'relp': under newline framing a line"
        " feed would end the message",
    ),
    Rule(
        ("max_message_bytes",),
        lambda settings: _is_udp(settings) and _is_too_large(settings),
        f"a datagram carries at most {LARGEST_DATAGRAM} bytes",
    ),
    Rule(
        ("max_message_bytes",),
        lambda settings: _is_relp(settings) and _is_too_large(settings),
        f"a RELP frame carries at most {LARGEST_RELP_MESSAGE} bytes",
    ),
    Rule(
        ("confirm",),
        lambda settings: _is_udp(settings) and _cannot_confirm(settings),
        "{0.confirm!r} contradicts protocol 'udp', which allows only 'written'",
    ),
    Rule(
        ("confirm",),
        lambda settings: _is_relp(settings) and _cannot_confirm(settings),
        "{0.confirm!r} contradicts protocol {0.protocol!r}: the receiver acknowledges each message,"
        " and nothing less counts; leave confirm out",
    ),
    Rule(
        tuple(key for key in _TLS_KEYS if key not in _ALLOWED_WITH_CONTEXT),
        lambda settings: settings.ssl_context is not None,
        "contradicts ssl_context, which is used as it is",
    ),
)
"""The rules for every kind of settings."""

NEEDS = (
    need(
        ("max_rate",),
        _is_udp,
        "is for protocol 'udp', but protocol is {0.protocol!r}, where the receiver sets the pace",
    ),
    need(
        ("idle_seconds", "max_connection_seconds"),
        lambda settings: _describe_protocol(settings).has_connection,
        "contradicts protocol 'udp', which has no connections",
    ),
    need(
        ("bom", "structured_data", "enterprise_id"),
        lambda settings: settings.syslog_format == "rfc5424",
        "is for syslog_format 'rfc5424', but syslog_format is 'rfc3164'",
    ),
    need(
        ("client_key", "client_key_password"),
        lambda settings: settings.client_cert is not None,
        "needs client_cert",
    ),
    need(
        _TLS_KEYS,
        lambda settings: _describe_protocol(settings).is_tls,
        "is for protocol 'tls' or 'relp+tls', but protocol is {0.protocol!r}",
    ),
    need(
        ("oversize",),
        lambda settings: settings.max_message_bytes is not None,
        "needs max_message_bytes: protocol {0.protocol!r} has no limit of its own",
    ),
    need(
        ("port",),
        lambda settings: settings.host or not has_every_port(settings.hosts),
        "has no effect: each of hosts names a port of its own",
    ),
)
"""What keys need so that they have an effect. A key that has none is refused: its user would rely
on it. A row reads what is set and the defaults that follow from it."""

_NO_LOG = "a template such as {{field}} needs the fields of a log, and a client has no logs"

TEMPLATE_RULES = (
    Rule(("hostname",), lambda settings: "{" in settings.hostname, _NO_LOG),
    Rule(("tag",), lambda settings: "{" in settings.tag, _NO_LOG),
)
"""The rules for settings without logs."""
