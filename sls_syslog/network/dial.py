"""Opens connections: looks up a receiver and tries each of its addresses within one deadline."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sls_syslog.errors import ConnectError, SendError, SettingsError, TlsError
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.destination import Destination
from sls_syslog.network.explain import explain
from sls_syslog.network.race import Failures, connect_first
from sls_syslog.network.resolver import Address, resolve
from sls_syslog.network.resumption import Resumption
from sls_syslog.network.tcp import TcpSocket
from sls_syslog.network.tls import SessionRefusedError, choose_name
from sls_syslog.settings.client import ClientSettings
from sls_syslog.settings.protocols import PROTOCOLS
from sls_syslog.settings.tls import make_unverified_context

__all__ = ["look_up", "open_first", "open_stream", "translate_errors"]

_Opened = TypeVar("_Opened")
_Connection = TypeVar("_Connection", bound=Connection)


def look_up(settings: ClientSettings, deadline: Deadline) -> list[str]:
    """Look up the addresses of a receiver.

    Raises:
        ConnectError: If there is no address before the deadline.
    """
    kind = socket.SOCK_DGRAM if settings.protocol == "udp" else socket.SOCK_STREAM
    with translate_errors(ConnectError, settings):
        found = resolve(settings.host, settings.port, kind, deadline)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def open_stream(
    settings: ClientSettings,
    deadline: Deadline,
    destination: Destination,
    kind: Callable[..., _Connection] = Connection,  # type: ignore[assignment]
    *,
    await_refusal: bool,
    address: Address | None = None,
) -> _Connection:
    """Open a connection to a receiver, over TCP or TLS.

    Args:
        settings: The receiver, and trust.
        deadline: When to give up resolving, connecting and the handshake together.
        destination: Keeps the TLS session, and which addresses have failed.
        kind: Makes the connection; takes the arguments of ``Connection``.
        await_refusal: Whether to wait a moment for a refusal of our certificate.
        address: Where to connect to; ``None`` to look the receiver up.

    Raises:
        ConnectError: If there is no connection before the deadline; its cause is the system's
            error.
        TlsError: If TLS fails.
    """
    try:
        tls = settings.tls_context() if PROTOCOLS[settings.protocol].is_tls else None
    except SettingsError as error:  # a file has changed since the program began
        raise TlsError(settings.destination, str(error)) from error
    name = choose_name(settings.server_hostname, settings.host)
    sessions = destination.resumption

    def open_one(
        address: Address, share: Deadline, sessions: Resumption | None, tcp: TcpSocket | None = None
    ) -> _Connection:
        trust = settings.fingerprint
        return kind(address, share, tls, name, sessions, await_refusal, trust, tcp)

    def open_with_or_without_session(
        address: Address, share: Deadline, tcp: TcpSocket | None = None
    ) -> _Connection:
        try:
            return open_one(address, share, sessions, tcp)
        except SessionRefusedError as error:
            opened = open_one(address, share, None)
            if error.is_alert:
                sessions.give_up()
            else:
                sessions.note_refusal(error.offered)
            return opened

    if address is not None:
        with translate_errors(ConnectError, settings):
            return open_with_or_without_session(address, deadline)
    return _open_first_to_answer(settings, deadline, destination, open_with_or_without_session)


def _open_first_to_answer(
    settings: ClientSettings,
    deadline: Deadline,
    destination: Destination,
    open_one: Callable[[Address, Deadline, TcpSocket], _Opened],
) -> _Opened:
    """Look up a receiver; connect to the first address that answers, and whose TLS works.

    Raises:
        ConnectError: If no address opens.
        TlsError: If TLS fails.
    """
    order = destination.addresses
    left = _look_up_in_order(settings, socket.SOCK_STREAM, deadline, destination)
    failures: Failures = []
    while left:
        try:
            tcp = connect_first(left, deadline, order.stagger, failures)
        except OSError:
            order.note_failures(left)
            break
        order.note_round_trip(tcp.round_trip)
        address = tcp.address
        slow, left = left[: left.index(address)], left[left.index(address) + 1 :]
        failed = {failure for failure, _ in failures}
        left += [one for one in slow if one not in failed]
        order.note_failures(slow)
        try:
            # Each address gets a share, so that one that hangs cannot use up all the time.
            return open_one(address, deadline.share(len(left) + 1), tcp)
        except OSError as error:
            failures.append((address, error))
            order.note_failures([address])
    joined = _join_failures(settings, deadline, failures)
    raise joined from failures[-1][1]


def open_first(
    settings: ClientSettings,
    deadline: Deadline,
    destination: Destination,
    open_one: Callable[[Address], _Opened],
) -> _Opened:
    """Look up a receiver, and open a datagram socket to the first of its addresses that can be.

    Args:
        settings: The receiver.
        deadline: When to give up looking up.
        destination: Keeps which addresses have failed.
        open_one: Opens one address; it must not wait.

    Raises:
        ConnectError: If no address opens; its cause is the system's error.
    """
    failures: Failures = []
    for address in _look_up_in_order(settings, socket.SOCK_DGRAM, deadline, destination):
        try:
            return open_one(address)
        except OSError as error:
            failures.append((address, error))
    joined = _join_failures(settings, deadline, failures)
    raise joined from failures[-1][1]


def _look_up_in_order(
    settings: ClientSettings, kind: int, deadline: Deadline, destination: Destination
) -> list[Address]:
    with translate_errors(ConnectError, settings):
        found = resolve(settings.host, settings.port, kind, deadline)
    return destination.addresses.arrange(found)


def _join_failures(
    settings: ClientSettings, deadline: Deadline, failures: Failures
) -> ConnectError | TlsError:
    """Make the error that tells why each address has failed."""
    is_distrusted = any(isinstance(error, ssl.SSLError) for _, error in failures)
    problems = "; ".join(_describe(*failure, settings, deadline) for failure in failures)
    return (TlsError if is_distrusted else ConnectError)(settings.destination, problems)


def _describe(
    address: Address, error: OSError, settings: ClientSettings, deadline: Deadline
) -> str:
    der = None
    if isinstance(error, ssl.SSLCertVerificationError):
        name = choose_name(settings.server_hostname, settings.host)
        der = _fetch_certificate(address, deadline, name)
    where = str(address[4][0])
    problem = explain(error, settings, der=der, proven=False)
    return problem if where == settings.host else f"{where}: {problem}"


def _fetch_certificate(
    address: Address, deadline: Deadline, server_hostname: str | None
) -> bytes | None:
    """Fetch a receiver's certificate in DER, so that an error can say what is wrong with it.

    Nothing is verified. So nothing is sent, not even our own certificate.

    Args:
        address: The receiver's address, as ``resolve`` returns it.
        deadline: When to give up.
        server_hostname: The name that goes into SNI.

    Returns:
        The certificate; ``None`` if it could not be fetched.
    """
    try:
        connection = Connection(address, deadline, make_unverified_context(), server_hostname)
    except OSError:
        return None
    try:
        return connection.certificate
    finally:
        connection.close()


@contextmanager
def translate_errors(
    kind: type[ConnectError] | type[SendError], settings: ClientSettings, *, proven: bool = True
) -> Iterator[None]:
    """Turn errors of the operating system into errors of this library.

    Raises:
        TransportError: For each ``OSError``, an error of the given kind.
    """
    try:
        yield
    except OSError as error:
        raise kind(settings.destination, explain(error, settings, proven=proven)) from error
