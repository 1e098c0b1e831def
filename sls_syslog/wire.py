"""``WireFormat``: from a message, or the parts of one, to the bytes that go out.

It reads the clock, but touches no socket. It puts together what the settings choose:
header format, newline policy, size limit, framing.
"""

from __future__ import annotations

from datetime import datetime, timezone

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
        self._newlines = NEWLINES[settings.newlines]
        self._limit = settings.max_message_bytes
        self._frame = FRAMINGS[settings.framing]
        self._zone = settings.timezone

    def frame_message(self, message: SyslogMessage) -> bytes:
        """The bytes of one message."""
        now = datetime.now(timezone.utc).astimezone(self._zone)
        return self.frame(self.format.text(message, now))

    def frame(self, text: str) -> bytes:
        """The bytes of a message whose header and text are put together already."""
        data = self._newlines(text).encode()
        if self._limit is not None:
            data = truncated(data, self._limit)
        return self._frame(data)
