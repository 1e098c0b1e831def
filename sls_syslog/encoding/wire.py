"""``WireFormat``: from a message, or the parts of one, to the bytes that go out.

It reads the clock, but touches no socket. It puts together what the settings choose:
header format, newline policy, size limit, framing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone

from sls_syslog.errors import InvalidMessageError, MessageTooLongError
from sls_syslog.settings.client import ClientSettings
from sls_syslog.syslog.formats import FORMATS
from sls_syslog.syslog.framing import FRAMINGS
from sls_syslog.syslog.message import SyslogMessage
from sls_syslog.syslog.oversize import OVERSIZE
from sls_syslog.syslog.sanitize import NEWLINES, is_clean

__all__ = ["WireFormat"]


class WireFormat:
    """How messages look on the wire under given settings.

    Args:
        settings: Format, newline policy, size limit and policy, framing and time zone.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self.format = FORMATS[settings.syslog_format]
        self.newlines = NEWLINES[settings.newlines]
        self.bom = "\ufeff" if settings.bom else ""
        self._oversize, self.oversized = OVERSIZE[settings.oversize]
        self._limit = settings.max_message_bytes
        self.frame = FRAMINGS[settings.framing]
        self._zone = settings.timezone

    def message_frames(self, message: SyslogMessage) -> list[bytes]:
        """The bytes of one message; of several, where it is too long and to be split.

        Raises:
            InvalidMessageError: If its time cannot be written.
            MessageTooLongError: If it is too long, and not to be cut or split.
        """
        now = datetime.now(timezone.utc)
        try:
            if not self.format.has_structured_data:
                moment = self.in_zone(message.timestamp or now)
                message = replace(message, timestamp=moment)
            head = self.format.format_head(message, now, self.newlines)
        except OverflowError:  # the first and the last day of all, in another zone
            expected, section = "a time that every zone has", "RFC 5424 section 6.2.3"
            raise InvalidMessageError("timestamp", expected, message.timestamp, section) from None
        counts: Counter[str] = Counter()
        frames = self.frames(head, message.message, counts)
        if counts["dropped_oversize"]:
            size = len(head.encode()) + len(message.message.encode())
            raise MessageTooLongError(size, self._limit, "RFC 5424 section 6.1")
        return frames

    def in_zone(self, moment: datetime) -> datetime:
        """``moment`` as the header shows it: RFC 3164 has no zone, so there is only one."""
        return moment if self.format.has_structured_data else moment.astimezone(self._zone)

    def frames(self, head: str, text: str, counts: Counter[str]) -> list[bytes]:
        """The bytes of a message whose header is put together already.

        Args:
            head: Header and STRUCTURED-DATA, without the space behind them.
            text: The MSG part, as it is; empty for none.
            counts: Where is counted what had to be done to it.

        Returns:
            Its frames: one; several when it was split; none when it was dropped.

        Raises:
            MessageTooLongError: If ``head`` leaves no room: no receiver can read a message
                whose header or STRUCTURED-DATA is cut.
        """
        # Behind STRUCTURED-DATA the space belongs to MSG (RFC 5424 section 6).
        msg = text.encode("utf-8", "replace")
        if not is_clean(msg) and (legal := self.newlines(msg.decode()).encode()) != msg:
            counts["repaired_control_characters"] += 1
            msg = legal
        space = " " if text and self.format.has_structured_data else ""
        start = f"{head}{space}{self.bom if text else ''}".encode()
        if self._limit is None or len(start) + len(msg) <= self._limit:
            return [self.frame(start + msg)]
        messages = self._oversize(start, msg, self._limit)
        counts[self.oversized] += 1
        return [self.frame(message) for message in messages]
