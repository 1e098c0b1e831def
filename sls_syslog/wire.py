"""``WireFormat``: from a message, or the parts of one, to the bytes that go out.

It reads the clock, but touches no socket. It puts together what the settings choose:
header format, newline policy, size limit, framing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from sls_syslog.errors import InvalidMessageError, MessageTooLongError
from sls_syslog.formats import FORMATS
from sls_syslog.framing import FRAMINGS
from sls_syslog.message import SyslogMessage
from sls_syslog.repair import NEWLINES, truncated
from sls_syslog.settings import ClientSettings

__all__ = ["WireFormat"]


class WireFormat:
    """How messages look on the wire under given settings.

    Args:
        settings: Format, newline policy, size limit, framing and time zone.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self.format = FORMATS[settings.syslog_format]
        self.newlines = NEWLINES[settings.newlines]
        self._limit = settings.max_message_bytes
        self._frame = FRAMINGS[settings.framing]
        self._zone = settings.timezone

    def frame_message(self, message: SyslogMessage) -> bytes:
        """The bytes of one message.

        Raises:
            InvalidMessageError: If its time cannot be written, or it is too long to be cut.
        """
        now = datetime.now(timezone.utc)
        try:
            if not self.format.has_structured_data:
                moment = self.in_zone(message.timestamp or now)
                message = replace(message, timestamp=moment)
            parts = self.format.parts(message, now, self.newlines)
        except OverflowError:  # the first and the last day of all, in another zone
            expected, section = "a time that every zone has", "RFC 5424 section 6.2.3"
            raise InvalidMessageError("timestamp", expected, message.timestamp, section) from None
        return self.frame(*parts)

    def in_zone(self, moment: datetime) -> datetime:
        """``moment`` as the header shows it: RFC 3164 has no zone, so there is only one."""
        return moment if self.format.has_structured_data else moment.astimezone(self._zone)

    def frame(self, head: str, msg: str) -> bytes:
        """The bytes of a message whose header and text are put together already.

        Raises:
            MessageTooLongError: If ``head`` alone is over the limit: no receiver can read a
                message whose header or STRUCTURED-DATA is cut.
        """
        data = self.newlines(head + msg).encode()
        if self._limit is not None and len(data) > self._limit:
            if len(head.encode()) > self._limit:
                raise MessageTooLongError(len(data), self._limit, "RFC 5424 section 6.1")
            data = truncated(data, self._limit)
        return self._frame(data)
