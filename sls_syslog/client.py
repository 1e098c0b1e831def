"""``SyslogClient``: a message in, bytes out, and an error when anything goes wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

from sls_syslog.encoding.wire import WireFormat
from sls_syslog.errors import InvalidMessageError, UnconfirmedError
from sls_syslog.network.failover import open_transport
from sls_syslog.network.half_close import UNANSWERED
from sls_syslog.settings.client import ClientSettings
from sls_syslog.syslog.message import StructuredData, SyslogMessage

__all__ = ["SyslogClient"]


class SyslogClient:
    """Sends messages to one receiver over UDP, TCP or TLS.

    It connects with the first message, and raises whatever goes wrong. A ``with`` block
    that ends normally has confirmed that the receiver has everything::

        with SyslogClient("siem.example", 6514, protocol="tls", cert_path="ca.pem") as client:
            client.log("user logged in", severity="notice", app_name="portal")

    A client belongs to one thread at a time. One that has rested for ``idle_seconds``, or whose
    connection is older than ``max_connection_seconds``, uses a new connection for the next
    message, and confirms before that what went over the old one: call ``confirm()`` before
    a long rest, and nothing can be in doubt after it.

    Args:
        host: The receiver's name or address.
        port: Its port; ``None`` for 514, and 6514 for TLS.
        **settings: Any key of ``ClientSettings``: ``protocol``, ``syslog_format``,
            ``framing``, ``timeout``, ``cert_path``, ``confirm`` ...

    Raises:
        SettingsError: If a key is unknown or its value is wrong, before anything is connected.
    """

    def __init__(self, host: str, port: int | None = None, **settings: Any) -> None:
        self._use(ClientSettings.from_mapping({"host": host, "port": port, **settings}))

    @classmethod
    def from_settings(cls, settings: ClientSettings | Mapping[str, Any]) -> SyslogClient:
        """A client from settings, or from a plain dict of them.

        Raises:
            SettingsError: As the class itself.
        """
        client = cls.__new__(cls)
        client._use(ClientSettings.of(settings))
        return client

    def _use(self, settings: ClientSettings) -> None:
        self.settings = settings
        self._wire = WireFormat(settings)
        self._transport = open_transport(settings)

    def connect(self) -> None:
        """Connect now, rather than with the first message, to see whether it works.

        Raises:
            ConnectError: If there is no connection before the deadline.
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
            timestamp: When it happened; without a time zone it is in this machine's
                local one. ``None`` for now.
            hostname: ``None`` for the setting ``hostname``.
            app_name: ``None`` for the setting ``tag``.
            procid: Process id; ``None`` for the NILVALUE.
            msgid: Type of message; ``None`` for the NILVALUE.
            structured_data: SD-ELEMENTs by SD-ID (RFC 5424 section 6.3); ``None`` for none.

        Raises:
            InvalidMessageError: If a part breaks its rule; nothing is sent.
            TransportError: If it cannot be sent.
        """
        settings = self.settings
        self.send(
            SyslogMessage(
                message=message,
                facility=settings.facility if facility is None else facility,  # type: ignore[arg-type]  # converted
                severity=settings.severity if severity is None else severity,  # type: ignore[arg-type]  # converted
                timestamp=self._in_zone(timestamp),
                hostname=settings.hostname if hostname is None else hostname,
                app_name=settings.tag if app_name is None else app_name,
                procid=str(procid) if isinstance(procid, int) else procid,
                msgid=msgid,
                structured_data=structured_data or {},
            )
        )

    def send(self, message: SyslogMessage) -> None:
        """Send one message.

        Raises:
            InvalidMessageError: If it is too large to be sent at all.
            TransportError: If it cannot be sent; all since the last ``confirm`` is in doubt.
        """
        self.send_many((message,))

    def send_many(self, messages: Iterable[SyslogMessage]) -> None:
        """Send messages with few system calls: quicker than one by one.

        Raises:
            InvalidMessageError: If one is too large to be sent at all; none is sent then.
            TransportError: If one cannot be sent; all since the last ``confirm`` is in doubt.
        """
        frames = [frame for message in messages for frame in self._wire.encode_message(message)]
        self._transport.send(frames)

    def confirm(self) -> None:
        """Return when the receiver has everything, as the setting ``confirm`` defines it.

        With ``consumed`` this ends the connection; the next message makes a new one.

        Raises:
            UnconfirmedError: If it is not known to have everything: send again what was
                sent since the last confirmation. It is raised once, also for what a
                ``SendError`` left in doubt, and a new connection may then be made.
        """
        if not self._transport.confirm():
            raise UnconfirmedError(self.settings.destination, self.settings.confirm, UNANSWERED)

    def close(self) -> None:
        """End the connection without confirming; a later message makes a new one."""
        self._transport.close()

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

    def _in_zone(self, timestamp: datetime | None) -> datetime:
        if timestamp is None:
            return datetime.now(timezone.utc).astimezone(self.settings.timezone)
        try:
            known = timestamp.utcoffset() is not None
            return timestamp if known else timestamp.astimezone(self.settings.timezone)
        except (AttributeError, OverflowError, ValueError):
            expected, section = "a datetime that every zone has, or None", "RFC 5424 section 6.2.3"
            raise InvalidMessageError("timestamp", expected, timestamp, section) from None
