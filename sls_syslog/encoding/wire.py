"""``WireFormat``: encodes a message, or the parts of a message, to the bytes to send.

It combines what the settings choose: header format, newline policy, size limit, framing.
It reads the clock, and must not touch a socket.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, NamedTuple, TypeAlias

from sls_syslog.errors import InvalidMessageError, MessageTooLongError
from sls_syslog.settings.client import ClientSettings
from sls_syslog.syslog.formats import FORMATS, Format
from sls_syslog.syslog.framing import FRAMINGS
from sls_syslog.syslog.message import SyslogMessage, get_header_parts
from sls_syslog.syslog.oversize import OVERSIZE
from sls_syslog.syslog.sanitize import NEWLINES, is_clean
from sls_syslog.syslog.timestamps import LogClock

__all__ = ["Head", "Shorten", "WireFormat"]

# Marks the place of the TIMESTAMP while a head is made. It is legal in no part of a header.
_PLACE = "\0"

Shorten: TypeAlias = Callable[[int, Callable[[str], int]], "str | None"]
"""Makes a shorter text of a message. It gets the most bytes and a function that measures the bytes
of a text, and returns ``None`` if it cannot."""


class Head(NamedTuple):
    """What messages with the same parts have before their text; see ``WireFormat.find_head``.

    Attributes:
        before: The text before the TIMESTAMP.
        after: The text between the TIMESTAMP and MSG.
        unstamped: All bytes before MSG, of a message without a time.
    """

    before: str
    after: str
    unstamped: bytes


class WireFormat:
    """How messages look on the wire.

    Args:
        settings: Format, newline policy, size limit and policy, framing and time zone.

    Attributes:
        format: The header format, a row of ``FORMATS``.
        newlines: The newline policy: turns a text into the text to send.
        bom: The byte order mark before the text, or nothing.
        oversize_outcome: The outcome under which a message that is too long is counted.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self.format = FORMATS[settings.syslog_format]
        self.newlines = NEWLINES[settings.newlines]
        self.bom = "\ufeff" if settings.bom else ""
        self._make_fit, self.oversize_outcome = OVERSIZE[settings.oversize]
        self._limit = settings.max_message_bytes
        self._frame = FRAMINGS[settings.framing]
        self._zone = settings.timezone
        clock = LogClock(settings.timezone)
        is_rfc5424 = self.format.has_structured_data
        self._format_seconds = clock.format_rfc5424 if is_rfc5424 else clock.format_rfc3164
        self._parts_and_head: tuple[tuple[object, ...], Head | None] = (), None

    def lower_limit(self, limit: int) -> None:
        """Make no message longer than ``limit`` bytes from now on, as the system sends none."""
        self._limit = limit if self._limit is None else min(limit, self._limit)

    def encode_message(self, message: SyslogMessage) -> list[bytes]:
        """Encode and frame a message.

        Args:
            message: The message.

        Returns:
            Its frames: one, or several if it is too long and the policy is to split.

        Raises:
            InvalidMessageError: If it is no ``SyslogMessage``, or its time cannot be written.
            MessageTooLongError: If it is too long, and cannot be cut or split.
        """
        if not isinstance(message, SyslogMessage):
            expected = "a SyslogMessage; log() takes a text"
            raise InvalidMessageError("message", expected, message, "RFC 5424 section 6")
        timestamp, stamp = message.timestamp, None
        try:
            if not message.structured_data:
                if timestamp is not None:
                    stamp = self.format_time(timestamp)
                elif not self.format.has_structured_data:  # the format has no NILVALUE
                    stamp = self.format_now()
                frame = self.encode_text(self.find_head(message), stamp, message.message)
                if frame is not None:
                    return [frame]
            now = datetime.now(timezone.utc)
            if not self.format.has_structured_data:
                message = replace(
                    message, timestamp=(message.timestamp or now).astimezone(self._zone)
                )
            head = self.format.format_head(message, now, self.newlines)
        except OverflowError:  # in another zone, the first day of year 1 and the last of year 9999
            expected = "a datetime of the years 1 to 9999 in UTC, or None"
            section = "RFC 5424 section 6.2.3"
            raise InvalidMessageError("timestamp", expected, message.timestamp, section) from None
        outcomes: list[str] = []
        frames = self.encode_parts(head, message.message, outcomes)
        if "dropped_oversize" in outcomes:
            size = len(head.encode()) + len(message.message.encode())
            raise MessageTooLongError(size, self._limit, "RFC 5424 section 6.1")
        return frames

    def find_head(self, message: SyslogMessage) -> Head:
        """Find what messages with these parts have before their text.

        Args:
            message: The parts. Its time, text and structured data do not matter.
        """
        parts = get_header_parts(message)
        before, head = self._parts_and_head
        if head is None or parts != before:
            head = _make_head(self.format, self.bom, *parts)
            self._parts_and_head = parts, head
        return head

    def encode_text(self, head: Head, stamp: str | None, text: str) -> bytes | None:
        """Encode and frame a text that must not be changed, as most texts.

        Args:
            head: What stands before the text.
            stamp: TIMESTAMP; ``None`` for the NILVALUE.
            text: The text.

        Returns:
            The frame; ``None`` if the text is empty or must be changed.

        Raises:
            UnicodeEncodeError: If UTF-8 cannot carry the text.
        """
        msg = text.encode()
        if not msg or not is_clean(msg):
            return None
        if stamp is None:
            message = head.unstamped + msg
        else:
            message = f"{head.before}{stamp}{head.after}".encode() + msg
        if self._limit is not None and len(message) > self._limit:
            return None
        return self._frame(message)

    def format_now(self) -> str:
        """Format the present time for the header."""
        return self._format_seconds(*divmod(time.time_ns(), 1_000_000_000))

    def format_time(self, moment: datetime) -> str:
        """Format a time for the header. RFC 3164 has no zone, so the settings choose one.

        Args:
            moment: A time with a zone.

        Returns:
            TIMESTAMP.
        """
        if not self.format.has_structured_data:
            moment = moment.astimezone(self._zone)
        return self.format.time(moment)

    def encode_parts(
        self, head: str, text: str, outcomes: list[str], shorten: Shorten | None = None
    ) -> list[bytes]:
        """Encode and frame a message whose header is made already.

        Args:
            head: Header and STRUCTURED-DATA, without the space after them.
            text: The MSG part, unchecked; empty for none.
            outcomes: Gets one entry for each change of the text.
            shorten: Makes a shorter text, if the policy is to truncate. Without it, or if its text
                is too long, the text is cut where it must end.

        Returns:
            Its frames: one; several if it was split; none if it was dropped.

        Raises:
            MessageTooLongError: If ``head`` leaves no room for text: no receiver can read a
                message whose header or STRUCTURED-DATA is cut.
        """
        # The space after STRUCTURED-DATA belongs to MSG (RFC 5424 section 6).
        msg = text.encode("utf-8", "replace")
        if not is_clean(msg) and (legal := self.newlines(msg.decode()).encode()) != msg:
            outcomes.append("repaired_control_characters")
            msg = legal
        space = " " if text and self.format.has_structured_data else ""
        start = f"{head}{space}{self.bom if text else ''}".encode()
        if self._limit is None or len(start) + len(msg) <= self._limit:
            return [self._frame(start + msg)]
        if shorten is not None and self.oversize_outcome == "truncated":
            shorter = shorten(self._limit - len(start), self._measure)
            msg = msg if shorter is None else self._encode(shorter)
        messages = self._make_fit(start, msg, self._limit)
        outcomes.append(self.oversize_outcome)
        return [self._frame(message) for message in messages]

    def _encode(self, text: str) -> bytes:
        return self.newlines(text.encode("utf-8", "replace").decode()).encode()

    def _measure(self, text: str) -> int:
        """Measure the bytes of a text, with the escapes of the newline policy."""
        return len(self._encode(text))


def _make_head(form: Format, bom: str, *parts: Any) -> Head:
    header = form.format_header(_PLACE, *parts)
    before, _, after = header.partition(_PLACE)
    no_data = "- " if form.has_structured_data else ""
    after = f"{after}{no_data}{bom}"
    return Head(before, after, f"{before}-{after}".encode())
