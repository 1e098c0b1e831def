"""``SyslogClient``: sends messages without SLS, and raises an error for each failure.

It must not import the SDK or protobuf: a program that only sends does not need them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from functools import lru_cache, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakSet

from sls_syslog.encoding.wire import Head, WireFormat
from sls_syslog.errors import InvalidMessageError, MessageTooLongError, UnconfirmedError
from sls_syslog.network.failover import open_transport
from sls_syslog.network.half_close import UNANSWERED
from sls_syslog.network.inherited import InheritedTransport
from sls_syslog.network.transport import Transport
from sls_syslog.settings.client import ClientSettings
from sls_syslog.settings.keywords import ClientKeywords
from sls_syslog.settings.table import show_keywords
from sls_syslog.syslog.message import StructuredData, SyslogMessage

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["SyslogClient"]

# Heads to keep; each has at most 0.5 kB. A program uses few, or a new one for each message.
_MOST_HEADS = 256

_Code: TypeAlias = "int | str | None"
_Parts: TypeAlias = "tuple[_Code, _Code, str | None, str | None, _Code, str | None]"
"""Facility, severity, hostname, app_name, procid and msgid, as ``log`` gets them."""


class SyslogClient:
    """Sends messages to one receiver over UDP, TCP or TLS.

    The first message opens the connection. Each failure raises an error. If a ``with`` block ends
    without an error, the receiver has confirmed every message::

        with SyslogClient("siem.example", 6514, protocol="tls", cert_path="ca.pem") as client:
            client.log("user logged in", severity="notice", app_name="portal")

    A connection that the receiver has ended is found by the next message, if the last look was a
    millisecond ago or longer, and by every confirmation. Messages that were sent into it are in
    doubt; they are never confirmed.

    Use a client in one thread at a time. After ``os.fork()`` the child has a connection of its own;
    if messages were not confirmed before, its first use raises an error.

    After ``idle_seconds`` without a message, or at an age of ``max_connection_seconds``, the next
    message confirms what was sent over the old connection and opens a new one. Call ``confirm()``
    before a long pause, so that nothing stays in doubt.

    Args:
        host: Name or address of the receiver; ``None`` only with the key ``hosts``.
        port: Port of the receiver; ``None`` for 514, or 6514 for TLS.
        **settings: Any other key of ``ClientSettings``: ``protocol``, ``syslog_format``,
            ``framing``, ``timeout``, ``cert_path``, ``confirm`` ...

    Raises:
        SettingsError: If a key is unknown or its value is wrong; nothing is connected then.
    """

    def __init__(
        self, host: str | None = None, port: int | None = None, **settings: Unpack[ClientKeywords]
    ) -> None:
        self._use(ClientSettings(host=host, port=port, **settings))

    @classmethod
    def from_settings(cls, settings: ClientSettings | Mapping[str, Any]) -> SyslogClient:
        """Make a client from settings, or from a plain dict of them.

        Raises:
            SettingsError: As the class itself.
        """
        client = cls.__new__(cls)
        client._use(ClientSettings.of(settings))
        return client

    def _use(self, settings: ClientSettings) -> None:
        self.settings = settings
        self._wire = WireFormat(settings)
        # With types: True equals 1, and is no facility. Not a method: a client that nobody uses
        # any more would wait for the garbage collector.
        self._find_head = lru_cache(_MOST_HEADS, typed=True)(
            partial(_make_head, settings, self._wire)
        )
        # A time without a zone, the local zone's names, and what was written for them.
        self._last_time: tuple[datetime, tuple[str, str], str] = datetime.min, ("", ""), ""
        self._transport: Transport = open_transport(settings)
        _clients.add(self)

    def _leave_to_parent(self) -> None:
        """Leave the connection to the process that this one was forked from."""
        self._transport = InheritedTransport(self._transport, open_transport(self.settings))

    def connect(self) -> None:
        """Connect now, before the first message, to find out whether that works.

        Raises:
            ConnectError: If there is no connection within ``timeout`` seconds.
        """
        self._transport.connect()

    def log(
        self,
        message: str,
        *,
        facility: int | str | None = None,
        severity: int | str | None = None,
        timestamp: datetime | None = None,
        hostname: str | None = None,
        app_name: str | None = None,
        procid: str | int | None = None,
        msgid: str | None = None,
        structured_data: StructuredData | None = None,
    ) -> None:
        """Send one message made from these parts.

        Args:
            message: The MSG part.
            facility: Number or name; ``None`` for the setting ``facility``.
            severity: Number or name; ``None`` for the setting ``severity``.
            timestamp: Time of the event. A time without a zone is in the local zone of this
                machine. ``None`` for now.
            hostname: ``None`` for the setting ``hostname``.
            app_name: ``None`` for the setting ``tag``.
            procid: Id of the process; ``None`` for the NILVALUE.
            msgid: Type of the message; ``None`` for the NILVALUE.
            structured_data: SD-ELEMENTs by SD-ID (RFC 5424 section 6.3); ``None`` for none.

        Raises:
            InvalidMessageError: If a part breaks its rule; nothing is sent.
            TransportError: If the message cannot be sent.
        """
        parts = facility, severity, hostname, app_name, procid, msgid
        if not structured_data and self._log_plain(message, timestamp, parts):
            return
        self.send(
            _make_message(
                self.settings,
                parts,
                message=message,
                timestamp=self._localize(timestamp),
                structured_data=structured_data or {},
            )
        )

    def _log_plain(self, message: str, timestamp: datetime | None, parts: _Parts) -> bool:
        """Send a message as most are: nothing of it is wrong, and its text goes as it is.

        Returns:
            Whether it was sent. If not, make it again, to name what is wrong or to change it.
        """
        wire = self._wire
        try:
            head = self._find_head(*parts)
            stamp = wire.format_now() if timestamp is None else self._format_time(timestamp)
            frame = wire.encode_text(head, stamp, message) if type(message) is str else None
        except (InvalidMessageError, OverflowError, TypeError, UnicodeEncodeError):
            return False
        if frame is None:
            return False
        try:
            self._transport.send((frame,))
        except MessageTooLongError as error:
            self._lower_limit(error)
            return False
        return True

    def send(self, message: SyslogMessage) -> None:
        """Send one message as it is: settings such as ``hostname`` and ``tag`` do not apply to it.

        Raises:
            InvalidMessageError: If it is no ``SyslogMessage``, or too large to send.
            TransportError: If the message cannot be sent. Every message since the last
                ``confirm()`` is in doubt.
        """
        self.send_many((message,))

    def send_many(self, messages: Iterable[SyslogMessage]) -> None:
        """Send several messages with few system calls; this is faster than one by one.

        Raises:
            InvalidMessageError: As ``send`` raises it; nothing is sent then.
            MessageTooLongError: If ``oversize`` is ``drop`` and this system sends no datagram that
                long; the messages before it are sent.
            TransportError: If a message cannot be sent. Every message since the last
                ``confirm()`` is in doubt.
        """
        messages = list(messages)
        frames = [frame for message in messages for frame in self._wire.encode_message(message)]
        rest = iter(frames)
        try:
            self._transport.send(rest)
        except MessageTooLongError as error:
            sent = len(frames) - len(list(rest)) - 1
            first = self._find_message(messages, sent)
            self._lower_limit(error)
            self.send_many(messages[first:])

    def _lower_limit(self, error: MessageTooLongError) -> None:
        """Make messages shorter from now on, as this system sends no longer datagrams.

        Raises:
            MessageTooLongError: If that does not help.
        """
        if error.limit is None or self.settings.protocol != "udp":
            raise error
        self._wire.lower_limit(error.limit)

    def _find_message(self, messages: Sequence[SyslogMessage], frame: int) -> int:
        """Find the number of the message that the frame of this number belongs to."""
        number = 0
        while (size := len(self._wire.encode_message(messages[number]))) <= frame:
            frame -= size
            number += 1
        return number

    def confirm(self) -> None:
        """Wait until the receiver has everything, as the setting ``confirm`` defines it.

        With ``consumed`` this closes the connection; the next message opens a new one.

        Raises:
            UnconfirmedError: If the receiver may lack something. Send everything since the last
                confirmation again. The error is raised once, also for what a ``SendError`` left
                in doubt; then the next message opens a new connection.
        """
        if not self._transport.confirm():
            raise UnconfirmedError(self.settings.destination, self.settings.confirm, UNANSWERED)

    def close(self) -> None:
        """Close the connection without confirming; a later message opens a new one."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"<SyslogClient to {self.settings.destination}: {self.settings!r}>"

    def __enter__(self) -> SyslogClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.confirm()
        finally:
            self.close()

    def _format_time(self, timestamp: datetime) -> str:
        """Format a time for the header; quickly, if it is the last one again."""
        if type(timestamp) is not datetime or timestamp.tzinfo is not None:
            return self._wire.format_time(self._localize(timestamp))
        before, zone, stamp = self._last_time
        is_same = timestamp == before and timestamp.fold == before.fold
        # time.tzset() replaces the names, even if the next zone has the same ones.
        if not is_same or zone is not time.tzname:
            zone = time.tzname
            stamp = self._wire.format_time(self._localize(timestamp))
            self._last_time = timestamp, zone, stamp
        return stamp

    def _localize(self, timestamp: datetime | None) -> datetime:
        if timestamp is None:
            return datetime.now(timezone.utc).astimezone(self.settings.timezone)
        try:
            has_zone = timestamp.utcoffset() is not None
            return timestamp if has_zone else timestamp.astimezone(self.settings.timezone)
        except (AttributeError, OverflowError, ValueError):
            expected = "a datetime of the years 1 to 9999 in UTC, or None"
            section = "RFC 5424 section 6.2.3"
            raise InvalidMessageError("timestamp", expected, timestamp, section) from None


def _make_message(settings: ClientSettings, parts: _Parts, **rest: Any) -> SyslogMessage:
    facility, severity, hostname, app_name, procid, msgid = parts
    return SyslogMessage(
        facility=settings.facility if facility is None else facility,
        severity=settings.severity if severity is None else severity,
        hostname=settings.hostname if hostname is None else hostname,
        app_name=settings.tag if app_name is None else app_name,
        procid=str(procid) if isinstance(procid, int) else procid,
        msgid=msgid,
        **rest,
    )


def _make_head(settings: ClientSettings, wire: WireFormat, *parts: Any) -> Head:
    return wire.find_head(_make_message(settings, parts))


def _leave_all_to_parent() -> None:
    for client in list(_clients):
        client._leave_to_parent()


_clients: WeakSet[SyslogClient] = WeakSet()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_leave_all_to_parent)

show_keywords(SyslogClient.__init__, ClientSettings, ClientKeywords)
