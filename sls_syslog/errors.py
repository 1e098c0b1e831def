"""Every error that this library raises, as one tree.

The class tells who must act::

    SyslogError
    ├── SettingsError           a setting is wrong: correct it; nothing was connected yet
    ├── InvalidMessageError     a message breaks its RFC: correct it; a retry cannot help
    │   └── MessageTooLongError the message is larger than the limit
    ├── TransportError          the network or the receiver failed: a retry may help
    │   ├── ConnectError        no connection: name, address, port, deadline
    │   │   └── TlsError        no trust: certificate, host name, version
    │   ├── SendError           the connection broke or stalled while sending
    │   └── UnconfirmedError    sent, but the receiver has not confirmed it: send it again
    ├── SourceError             SLS refuses requests, or cannot be reached: the text says why
    └── WorkerError             the SDK's worker died, or SLS refuses it: end the program

After a ``SendError`` or an ``UnconfirmedError``, everything sent since the last
successful ``confirm()`` is in doubt: send it again.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ConnectError",
    "InvalidMessageError",
    "MessageTooLongError",
    "SendError",
    "SettingsError",
    "SourceError",
    "SyslogError",
    "TlsError",
    "TransportError",
    "UnconfirmedError",
    "WorkerError",
    "short_repr",
]


class SyslogError(Exception):
    """Root of all errors of this library."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickle the text and the attributes, because __init__ has other arguments.
        return _rebuild, (type(self), self.args, vars(self))


class SettingsError(SyslogError, ValueError):
    """Raised when a setting is unknown, of the wrong kind, or contradicts another.

    It is also raised when a processor or a worker cannot work as the program makes it.

    Attributes:
        key: The setting's key, or the name of the environment variable it came from; else the
            argument or the method that is wrong.
    """

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key


class InvalidMessageError(SyslogError, ValueError):
    """Raised when a message's field holds a value that its RFC forbids.

    Attributes:
        field: The field's name as an attribute of ``SyslogMessage``.
        section: The section that has the rule, such as ``"RFC 5424 section 6.2.4"``.
    """

    def __init__(self, field: str, expected: str, given: object, section: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {short_repr(given)} ({section})")
        self.field = field
        self.section = section


class MessageTooLongError(InvalidMessageError):
    """Raised when a message is larger than the limit.

    Attributes:
        size: The message's size in bytes.
        limit: The limit in bytes; ``None`` if only the network knows it.
    """

    def __init__(self, size: int, limit: int | None, section: str) -> None:
        bound = "what one datagram can carry" if limit is None else f"at most {limit} bytes"
        super().__init__("message", bound, f"{size} bytes", section)
        self.size = size
        self.limit = limit


class TransportError(SyslogError, OSError):
    """Raised when the network or the receiver fails; a retry may help.

    Attributes:
        destination: The receiver, as ``protocol://host:port``.
    """

    def __init__(self, destination: str, problem: str) -> None:
        super().__init__(f"{destination}: {problem}")
        self.destination = destination


class ConnectError(TransportError):
    """Raised when no connection to the receiver is made before the deadline."""


class TlsError(ConnectError):
    """Raised when the TLS handshake fails: certificate, host name, version, cipher."""


class SendError(TransportError):
    """Raised when a connection breaks or stalls while sending."""


class UnconfirmedError(TransportError):
    """Raised when the receiver has not confirmed what was sent.

    Attributes:
        level: The level of confirmation that was asked for: ``"consumed"`` or ``"acked"``.
    """

    def __init__(self, destination: str, level: str, problem: str) -> None:
        super().__init__(destination, f"delivery not confirmed as {level!r}: {problem}")
        self.level = level


class SourceError(SyslogError):
    """Raised when SLS refuses a request, or cannot be reached.

    The text is one line: what has failed, what SLS has answered, and what to change.

    Attributes:
        code: The error code of SLS, such as ``"LogStoreNotExist"``; ``None`` if SLS has not
            answered.
        request_id: The id of the request, for the support of SLS; ``None`` if SLS has not answered.
    """

    def __init__(
        self, problem: str, *, code: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(problem)
        self.code = code
        self.request_id = request_id


class WorkerError(SyslogError):
    """Raised when a worker cannot continue: a thread of it has died, or SLS refuses it for good."""


def _rebuild(kind: type[SyslogError], args: Any, parts: dict[str, Any]) -> SyslogError:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(parts)
    return error


def short_repr(value: object, limit: int = 80) -> str:
    """Write a value for an error or log line; a whole message could have a megabyte.

    Args:
        value: Any object.
        limit: The most characters of its ``repr`` to keep.

    Returns:
        The ``repr``; if it is longer, its beginning and its length.
    """
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
