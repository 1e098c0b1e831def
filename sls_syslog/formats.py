"""Headers, and messages behind them, as the two RFCs write them.

Pure: no sockets, no clock. What comes in is legal already: a ``SyslogMessage`` by
construction, a log's values by ``repair.py``; so nothing is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sls_syslog.codes import pri
from sls_syslog.message import SyslogMessage
from sls_syslog.repair import hostname_rfc3164, tag_rfc3164
from sls_syslog.timestamps import rfc3164_time, rfc5424_time

__all__ = [
    "FORMATS",
    "TAG_UNSET",
    "Format",
    "header_rfc3164",
    "header_rfc5424",
    "structured_data_text",
]

TAG_UNSET = "sls"
"""The TAG where no application is named: without one, receivers take the first word of
the text for it, and RFC 3164 has no NILVALUE."""

# PARAM-VALUE = UTF-8-STRING ; characters '"', '\' and ']' MUST be escaped (section 6.3.3)
_SD_SPECIAL = re.compile(r'(["\\\]])')


def header_rfc5424(
    prival: int, timestamp: str, hostname: str, app_name: str, procid: str, msgid: str
) -> str:
    """All that stands before STRUCTURED-DATA, with the space behind it (RFC 5424 section 6)."""
    return f"<{prival}>1 {timestamp} {hostname} {app_name} {procid} {msgid} "


def header_rfc3164(
    prival: int, timestamp: str, hostname: str, app_name: str, procid: str, msgid: str
) -> str:
    """All that stands before CONTENT, with the space behind it (RFC 3164 section 4.1).

    ``msgid`` has no place in this format. Where ``app_name`` is ``""`` there is no TAG, nor a
    ``procid``: CONTENT begins with what stands for one, as CEF and LEEF do.
    """
    start = f"<{prival}>{timestamp} {hostname_rfc3164(hostname)} "
    if not app_name:
        return start
    tag = tag_rfc3164(app_name) if app_name != "-" else TAG_UNSET
    process = f"[{tag_rfc3164(procid)}]" if procid != "-" else ""
    return f"{start}{tag}{process}: "


def structured_data_text(
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
            pri(message.facility, message.severity),
            self._timestamp(message.timestamp, now),
            message.hostname or "-",
            message.app_name or "-",
            message.procid or "-",
            message.msgid or "-",
        )
        if not self.has_structured_data:
            return header
        return header + structured_data_text(elements, newlines)

    def _timestamp(self, timestamp: datetime | None, now: datetime) -> str:
        if timestamp is None and self.has_structured_data:
            return "-"
        return self.time(timestamp or now)


FORMATS: dict[str, Format] = {
    "rfc5424": Format(header_rfc5424, rfc5424_time, has_structured_data=True),
    "rfc3164": Format(header_rfc3164, rfc3164_time, has_structured_data=False),
}
"""The formats by their setting's value."""
