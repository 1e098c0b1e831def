"""Tells a payload the severity of the message, and converts it to CEF's and LEEF's.

Sans-I/O. It must import no payload: those of events load slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from sls_syslog.syslog.codes import Severity

__all__ = ["EVENT_SEVERITIES", "SeverityPayload", "bind_severities"]

_Payload: TypeAlias = Callable[[Mapping[str, str]], str]

EVENT_SEVERITIES: dict[Severity, str] = {
    Severity.EMERGENCY: "10",
    Severity.ALERT: "9",
    Severity.CRITICAL: "8",
    Severity.ERROR: "7",
    Severity.WARNING: "6",
    Severity.NOTICE: "4",
    Severity.INFO: "3",
    Severity.DEBUG: "1",
}
"""CEF's and LEEF's severity of an event, by the syslog severity of its message.

No standard has such a table. CEF names four bands ("Common Event Format, Implementation Standard",
header field Severity): 0-3 Low, 4-6 Medium, 7-8 High, 9-10 Very-High. Two of RFC 5424's eight
severities are in each band, in order, and no two have the same number. 1 is the least because
LEEF ("Log Event Extended Format", attribute ``sev``) has no 0.
"""


class SeverityPayload(Protocol):
    """A payload whose texts depend on the severity of the message."""

    def __call__(self, log: Mapping[str, str]) -> str:
        """Make the MSG part of one log."""

    def for_severity(self, severity: Severity) -> _Payload:
        """Return the payload for messages of this severity."""


def bind_severities(payload: SeverityPayload | Any) -> dict[Severity, _Payload] | None:
    """Return the payload for each severity; ``None`` if it is the same for all."""
    if not hasattr(payload, "for_severity"):
        return None
    return {severity: payload.for_severity(severity) for severity in Severity}
