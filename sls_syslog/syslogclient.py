"""The names that the documented program imports: the SDK's syslog client, as it should be.

A program written for ``aliyun.log.ext.syslogclient`` runs with this module instead; names,
argument order and numbers are that file's. It is a skin over ``SyslogClient``: it must never
swallow an error, touch a socket itself, or stop a running program over a header value that
can be repaired.
"""

from __future__ import annotations

from datetime import datetime
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

# RFC 5424 tables 1 and 2 from 0 on, under the names that the SDK's file gives them.
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

_DEFAULT_PROGRAM = "SyslogClient"  # of RFC 3164 alone, as in the SDK's file


class SyslogClientBase:
    """What the two clients have in common; not for use by itself.

    Entering a ``with`` block connects. Leaving it normally means that the receiver has
    every message (over UDP, that they were sent), and anything else is an error.

    Args:
        server: The receiver's name or address.
        port: Its port; ``None`` for 514, and 6514 for TLS.
        proto: ``udp``, ``tcp`` or ``tls``, in any case; ``None`` for ``udp``.
        clientname: HOSTNAME of messages that name none; ``None`` for this machine's name.
        timeout: Seconds that connecting, a send that makes no progress, and a confirmation
            may take; ``None`` for 120.
        cert_path: File of CA certificates to trust; ``None`` for the system's. Without a
            meaning, and ignored, where ``proto`` is not ``tls``.
        **settings: Further keys of ``ClientSettings``, which the SDK's file does not have:
            ``confirm``, ``framing``, ``client_cert`` ...

    Raises:
        SettingsError: If one of them is wrong, before anything is connected.
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
        self.clientname = _legal(clientname, 255) or self._client.settings.hostname

    def connect(self) -> bool:
        """Connect now, where there is no connection yet.

        Returns:
            ``True``, always: what was ``False`` in the SDK's file is an error here.

        Raises:
            ConnectError: If there is no connection before the deadline.
            SendError: If one has broken with messages on it that were not confirmed.
        """
        self._client.connect()
        return True

    def confirm(self) -> None:
        """Return when the receiver has everything; the end of a ``with`` block calls it.

        Raises:
            UnconfirmedError: If it is not known to have everything: send it again.
        """
        self._client.confirm()

    def close(self) -> None:
        """End the connection without confirming; a later message makes a new one."""
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

    def _log(self, message: object, *, hostname: object, program: object, **parts: Any) -> None:
        self._client.log(
            str(message).encode(errors="replace").decode(),  # half a surrogate pair, say
            hostname=_legal(hostname, 255) or self.clientname,
            app_name=_legal(program, 48),
            **parts,
        )


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
            facility: Number or name, ``None`` for ``FAC_USER``.
            severity: Number or name, ``None`` for ``SEV_INFO``.
            timestamp: When it happened; without a time zone it is in this machine's local
                one. ``None`` for now.
            hostname: ``None`` for ``clientname``. In this and the three fields below, what
                is illegal in a header is replaced.
            version: 1, the only one there is.
            program: APP-NAME; ``None`` for the NILVALUE, as below.
            pid: PROCID.
            msgid: MSGID.

        Raises:
            InvalidMessageError: If facility, severity, timestamp or version is wrong.
            TransportError: If it cannot be sent.
        """
        if version != 1:
            raise InvalidMessageError("version", "1", version, "RFC 5424 section 6.2.2")
        self._log(
            message,
            facility=facility,
            severity=severity,
            timestamp=timestamp,
            hostname=hostname,
            program=program,
            procid=_legal(pid, 128),
            msgid=_legal(msgid, 32),
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
            facility: Number or name, ``None`` for ``FAC_USER``.
            severity: Number or name, ``None`` for ``SEV_INFO``.
            timestamp: When it happened; without a time zone it is in this machine's local
                one. ``None`` for now.
            hostname: ``None`` for ``clientname``. In this and the two fields below, what
                is illegal in a header is replaced.
            program: TAG; ``None`` for ``SyslogClient``.
            pid: What stands in brackets behind the TAG; ``None`` for nothing.

        Raises:
            InvalidMessageError: If facility, severity or timestamp is wrong.
            TransportError: If it cannot be sent.
        """
        self._log(
            message,
            facility=facility,
            severity=severity,
            timestamp=timestamp,
            hostname=hostname,
            program=program or _DEFAULT_PROGRAM,
            procid=_legal(pid, 128),
        )


def _legal(value: object, limit: int) -> str | None:
    """A header field's text, or ``None`` where there is none."""
    return None if value is None or value == "" else sanitize_header_field(str(value), limit)
