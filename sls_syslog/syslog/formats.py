"""Headers, and messages behind them, as the two RFCs write them.

Pure: no sockets, no clock. What comes in is legal already: a ``SyslogMessage`` by
construction, a log's values by ``sanitize.py``; so nothing is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sls_syslog.syslog.codes import compute_prival
from sls_syslog.syslog.message import SyslogMessage
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
"""The TAG where no application is named: without one, receivers take the first word of
the text for it, and RFC 3164 has no NILVALUE."""

# PARAM-VALUE = UTF-8-STRING ; characters '"', '\' and ']' MUST be escaped (section 6.3.3)
_SD_SPECIAL = re.compile(r'(["\\\]])')


def format_rfc5424_header(
    prival: int, timestamp: str, hostname: str, app_name: str, procid: str, msgid: str
) -> str:
    """All that stands before STRUCTURED-DATA, with the space behind it (RFC 5424 section 6)."""
    return f"<{prival}>1 {timestamp} {hostname} {app_name} {procid} {msgid} "


def format_rfc3164_header(
    prival: int, timestamp: str, hostname: str, app_name: str, procid: str, msgid: str
) -> str:
    """All that stands before CONTENT, with the space behind it (RFC 3164 section 4.1).

    ``msgid`` has no place in this format. Where ``app_name`` is ``""`` there is no TAG, nor a
    ``procid``: CONTENT begins with what stands for one, as CEF and LEEF do.
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
    """STRUCTURED-DATA, ``-`` when there is none (RFC 5424 section 6.3).

    ``newlines`` goes first: the backslashes that it writes have to be escaped as well.
    """
    return "".join(_element(*element, newlines) for element in elements.items()) or "-"


def _element(sd_id: str, params: Iterable[tuple[str, str]], newlines: Callable[[str], str]) -> str:
    values = (
        f' {name}="{_SD_SPECIAL.sub(_BACKSLASHED, newlines(value))}"' for name, value in params
    )
    return f"[{sd_id}{''.join(values)}]"


_BACKSLASHED = r"\\\1"


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

    def head(
        self, message: SyslogMessage, now: datetime, newlines: Callable[[str], str] = str
    ) -> str:
        """All of a message but its MSG part; what must not be cut.

        Args:
            message: The message.
            now: The time, where the format cannot do without one.
            newlines: The newline policy, for the values of STRUCTURED-DATA.
        """
        elements: Mapping[str, Iterable[tuple[str, str]]] = message.structured_data  # type: ignore[assignment]  # pairs, since __post_init__
        header = self.header(
            compute_prival(message.facility, message.severity),
            self._timestamp(message.timestamp, now),
            message.hostname or "-",
            message.app_name or "-",
            message.procid or "-",
            message.msgid or "-",
        )
        if not self.has_structured_data:
            return header
        return header + format_structured_data(elements, newlines)

    def _timestamp(self, timestamp: datetime | None, now: datetime) -> str:
        if timestamp is None and self.has_structured_data:
            return "-"
        return self.time(timestamp or now)


FORMATS: dict[str, Format] = {
    "rfc5424": Format(format_rfc5424_header, format_rfc5424_time, has_structured_data=True),
    "rfc3164": Format(format_rfc3164_header, format_rfc3164_time, has_structured_data=False),
}
"""The formats by their setting's value."""
