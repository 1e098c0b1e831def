"""Writes headers and structured data as the two RFCs define them.

Sans-I/O. Every value must be legal already: ``SyslogMessage`` checks its own values, and
``sanitize.py`` repairs the values of logs. This module checks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sls_syslog.syslog.codes import compute_prival
from sls_syslog.syslog.message import SyslogMessage, get_header_parts
from sls_syslog.syslog.sanitize import sanitize_rfc3164_hostname, sanitize_rfc3164_tag
from sls_syslog.syslog.timestamps import format_rfc3164_time, format_rfc5424_time

__all__ = [
    "FORMATS",
    "TAG_UNSET",
    "Format",
    "format_rfc3164_header",
    "format_rfc5424_header",
    "format_structured_data",
]

TAG_UNSET = "sls"
"""The TAG if no application is named. RFC 3164 has no NILVALUE, and without a TAG receivers
read the first word of the text as the TAG."""


def format_rfc5424_header(
    prival: int, timestamp: str, hostname: str, app_name: str, procid: str, msgid: str
) -> str:
    """Write the header up to the space before STRUCTURED-DATA (RFC 5424 section 6)."""
    return f"<{prival}>1 {timestamp} {hostname} {app_name} {procid} {msgid} "


def format_rfc3164_header(
    prival: int, timestamp: str, hostname: str, app_name: str, procid: str, msgid: str
) -> str:
    """Write the header up to the space before CONTENT (RFC 3164 section 4.1).

    This format has no field for ``msgid``. If ``app_name`` is ``""``, the header has neither TAG
    nor ``procid``: CONTENT then begins with a prefix of its own, as CEF and LEEF do.
    """
    start = f"<{prival}>{timestamp} {sanitize_rfc3164_hostname(hostname)} "
    if not app_name:
        return start
    tag = sanitize_rfc3164_tag(app_name) if app_name != "-" else TAG_UNSET
    process = f"[{sanitize_rfc3164_tag(procid)}]" if procid != "-" else ""
    return f"{start}{tag}{process}: "


def format_structured_data(
    elements: Mapping[str, Iterable[tuple[str, str]]], newlines: Callable[[str], str] = str
) -> str:
    """Write STRUCTURED-DATA, or ``-`` if there are no elements (RFC 5424 section 6.3).

    ``newlines`` is applied first, so that the backslashes it writes are escaped too.
    """
    return "".join(_format_element(*item, newlines) for item in elements.items()) or "-"


def _format_element(
    sd_id: str, params: Iterable[tuple[str, str]], newlines: Callable[[str], str]
) -> str:
    values = (f' {name}="{_escape(newlines(value))}"' for name, value in params)
    return f"[{sd_id}{''.join(values)}]"


def _escape(text: str) -> str:
    """Escape what must be escaped in a PARAM-VALUE (section 6.3.3)."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


class Format(NamedTuple):
    """One of the two message formats.

    Attributes:
        header: Writes the header from legal values.
        time: Writes a ``datetime``.
        has_structured_data: Whether STRUCTURED-DATA follows the header.
    """

    header: Callable[[int, str, str, str, str, str], str]
    time: Callable[[datetime], str]
    has_structured_data: bool

    def format_head(
        self, message: SyslogMessage, now: datetime, newlines: Callable[[str], str] = str
    ) -> str:
        """Write everything that stands before the MSG part; it must never be cut.

        Args:
            message: The message.
            now: The time to write if the format needs one and the message has none.
            newlines: The newline policy for the values of STRUCTURED-DATA.
        """
        elements: Mapping[str, Iterable[tuple[str, str]]] = message.structured_data  # type: ignore[assignment]  # pairs, since __post_init__
        stamp = self._format_timestamp(message.timestamp, now)
        header = self.format_header(stamp, *get_header_parts(message))
        if not self.has_structured_data:
            return header
        return header + format_structured_data(elements, newlines)

    def format_header(
        self,
        timestamp: str,
        facility: int,
        severity: int,
        hostname: str | None,
        app_name: str | None,
        procid: str | None,
        msgid: str | None,
    ) -> str:
        """Write the header from the parts of a message; ``None`` is for the NILVALUE."""
        return self.header(
            compute_prival(facility, severity),
            timestamp,
            hostname or "-",
            app_name or "-",
            procid or "-",
            msgid or "-",
        )

    def _format_timestamp(self, timestamp: datetime | None, now: datetime) -> str:
        if timestamp is None and self.has_structured_data:
            return "-"
        return self.time(timestamp or now)


FORMATS: dict[str, Format] = {
    "rfc5424": Format(format_rfc5424_header, format_rfc5424_time, has_structured_data=True),
    "rfc3164": Format(format_rfc3164_header, format_rfc3164_time, has_structured_data=False),
}
"""The formats by the value of the setting ``syslog_format``."""
