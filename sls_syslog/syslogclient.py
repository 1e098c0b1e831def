"""Replaces ``aliyun.log.ext.syslogclient``, the SDK's syslog client, in existing programs.

It has the names, argument orders and numbers of that file; ``SyslogClient`` does all the
work. It must never swallow an error, touch a socket, or stop a program because of a
header value that can be repaired.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, ClassVar, TypeVar

from sls_syslog.client import SyslogClient
from sls_syslog.errors import InvalidMessageError
from sls_syslog.syslog.sanitize import sanitize_header_field

__all__ = [
    "FAC_AUTH",
    "FAC_CLOCK",
    "FAC_CLOCK2",
    "FAC_FTP",
    "FAC_KERNEL",
    "FAC_LOCAL0",
    "FAC_LOCAL1",
    "FAC_LOCAL2",
    "FAC_LOCAL3",
    "FAC_LOCAL4",
    "FAC_LOCAL5",
    "FAC_LOCAL6",
    "FAC_LOCAL7",
    "FAC_LOG_ALERT",
    "FAC_LOG_AUDIT",
    "FAC_MAIL",
    "FAC_NETWORK",
    "FAC_NTP",
    "FAC_PRINTER",
    "FAC_SECURITY",
    "FAC_SYSLOG",
    "FAC_SYSTEM",
    "FAC_USER",
    "FAC_UUCP",
    "SEV_ALERT",
    "SEV_CRITICAL",
    "SEV_DEBUG",
    "SEV_EMERGENCY",
    "SEV_ERROR",
    "SEV_INFO",
    "SEV_NOTICE",
    "SEV_WARNING",
    "SyslogClientBase",
    "SyslogClientRFC3164",
    "SyslogClientRFC5424",
]

# The numbers of RFC 5424 tables 1 and 2, under the names of the SDK's file.
# fmt: off
(
    FAC_KERNEL, FAC_USER, FAC_MAIL, FAC_SYSTEM, FAC_SECURITY, FAC_SYSLOG, FAC_PRINTER, FAC_NETWORK,
    FAC_UUCP, FAC_CLOCK, FAC_AUTH, FAC_FTP, FAC_NTP, FAC_LOG_AUDIT, FAC_LOG_ALERT, FAC_CLOCK2,
    FAC_LOCAL0, FAC_LOCAL1, FAC_LOCAL2, FAC_LOCAL3, FAC_LOCAL4, FAC_LOCAL5, FAC_LOCAL6, FAC_LOCAL7,
) = range(24)
(
    SEV_EMERGENCY, SEV_ALERT, SEV_CRITICAL, SEV_ERROR,
    SEV_WARNING, SEV_NOTICE, SEV_INFO, SEV_DEBUG,
) = range(8)
# fmt: on

_Client = TypeVar("_Client", bound="SyslogClientBase")

_DEFAULT_PROGRAM = "SyslogClient"  # for RFC 3164 only, as in the SDK's file


class SyslogClientBase:
    """What both clients have in common; use one of its subclasses.

    Entering a ``with`` block connects. If the block ends without an error, the receiver has
    every message; over UDP, every message was sent.

    Args:
        server: The receiver's name or address.
        port: The receiver's port; ``None`` for 514, or 6514 for TLS.
        proto: ``udp``, ``tcp`` or ``tls``, in any case; ``None`` for ``udp``.
        clientname: HOSTNAME for messages that name none; ``None`` for this machine's name.
        timeout: Seconds for connecting, for a send without progress, and for a confirmation;
            ``None`` for 120.
        cert_path: File of CA certificates to trust; ``None`` for the system's. Ignored if
            ``proto`` is not ``tls``.
        **settings: More keys of ``ClientSettings``, which the SDK's file does not have:
            ``confirm``, ``framing``, ``client_cert`` ...

    Raises:
        SettingsError: If an argument is wrong; nothing is connected then.
    """

    _syslog_format: ClassVar[str]

    def __init__(
        self,
        server: str,
        port: int | None,
        proto: str | None = "udp",
        clientname: str | None = None,
        timeout: float | None = 120,
        cert_path: str | None = None,
        **settings: Any,
    ) -> None:
        protocol = "udp" if proto is None else proto
        if str(protocol).strip().lower() == "tls":
            settings["cert_path"] = cert_path or None
        self._client = SyslogClient.from_settings(
            {
                "host": server,
                "port": port,
                "protocol": protocol,
                "timeout": timeout,
                "syslog_format": self._syslog_format,
                **settings,
            }
        )
        self.clientname = _sanitize(clientname, 255) or self._client.settings.hostname

    def connect(self) -> bool:
        """Connect now, if there is no connection yet.

        Returns:
            Always ``True``; where the SDK's file returns ``False``, this raises an error.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If a connection has broken with unconfirmed messages on it.
        """
        self._client.connect()
        return True

    def confirm(self) -> None:
        """Wait until the receiver has everything; the end of a ``with`` block calls this.

        Raises:
            UnconfirmedError: If the receiver does not confirm; send everything again.
        """
        self._client.confirm()

    def close(self) -> None:
        """Close the connection without confirming; the next message opens a new one."""
        self._client.close()

    def __enter__(self: _Client) -> _Client:
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.__exit__(kind, error, traceback)

    def _send(self, message: object, *, hostname: object, program: object, **parts: Any) -> None:
        text = message if type(message) is str else str(message)
        parts["hostname"] = _sanitize(hostname, 255) or self.clientname
        parts["app_name"] = _sanitize(program, 48)
        try:
            self._client.log(text, **parts)
        except InvalidMessageError as error:
            if error.field != "message":
                raise
            # It has half of a surrogate pair.
            self._client.log(text.encode(errors="replace").decode(), **parts)


class SyslogClientRFC5424(SyslogClientBase):
    """Sends RFC 5424 messages; see ``SyslogClientBase`` for the arguments."""

    _syslog_format = "rfc5424"

    def log(
        self,
        message: str,
        facility: int | str | None = None,
        severity: int | str | None = None,
        timestamp: datetime | None = None,
        hostname: str | None = None,
        version: int = 1,
        program: str | None = None,
        pid: int | str | None = None,
        msgid: str | None = None,
    ) -> None:
        """Send one message.

        Args:
            message: The MSG part; line feeds and other control characters are escaped.
            facility: Number or name; ``None`` for ``FAC_USER``.
            severity: Number or name; ``None`` for ``SEV_INFO``.
            timestamp: When the event happened. A time without a zone is in this machine's
                local zone. ``None`` for now.
            hostname: HOSTNAME; ``None`` for ``clientname``. Illegal characters are replaced
                here and in the last three arguments.
            version: 1, the only version.
            program: APP-NAME; ``None`` for the NILVALUE.
            pid: PROCID; ``None`` for the NILVALUE.
            msgid: MSGID; ``None`` for the NILVALUE.

        Raises:
            InvalidMessageError: If facility, severity, timestamp or version is wrong.
            TransportError: If the message cannot be sent.
        """
        if version != 1:
            raise InvalidMessageError("version", "1", version, "RFC 5424 section 6.2.2")
        self._send(
            message,
            facility=facility,
            severity=severity,
            timestamp=timestamp,
            hostname=hostname,
            program=program,
            procid=_sanitize(pid, 128),
            msgid=_sanitize(msgid, 32),
        )


class SyslogClientRFC3164(SyslogClientBase):
    """Sends RFC 3164 messages, in UTF-8; see ``SyslogClientBase`` for the arguments."""

    _syslog_format = "rfc3164"

    def log(
        self,
        message: str,
        facility: int | str | None = None,
        severity: int | str | None = None,
        timestamp: datetime | None = None,
        hostname: str | None = None,
        program: str | None = _DEFAULT_PROGRAM,
        pid: int | str | None = None,
    ) -> None:
        """Send one message.

        Args:
            message: The CONTENT; line feeds and other control characters are escaped.
            facility: Number or name; ``None`` for ``FAC_USER``.
            severity: Number or name; ``None`` for ``SEV_INFO``.
            timestamp: When the event happened. A time without a zone is in this machine's
                local zone. ``None`` for now.
            hostname: HOSTNAME; ``None`` for ``clientname``. Illegal characters are replaced
                here and in the last two arguments.
            program: TAG; ``None`` for ``SyslogClient``.
            pid: The text in brackets after the TAG; ``None`` for no brackets.

        Raises:
            InvalidMessageError: If facility, severity or timestamp is wrong.
            TransportError: If the message cannot be sent.
        """
        self._send(
            message,
            facility=facility,
            severity=severity,
            timestamp=timestamp,
            hostname=hostname,
            program=program or _DEFAULT_PROGRAM,
            procid=_sanitize(pid, 128),
        )


def _sanitize(value: object, limit: int) -> str | None:
    """Make a legal header field; ``None`` for no value."""
    if value is None or value == "":
        return None
    return _sanitize_text((value if type(value) is str else str(value))[:limit], limit)


# Programs use the same few values for all messages.
_sanitize_text = lru_cache(1024)(sanitize_header_field)
