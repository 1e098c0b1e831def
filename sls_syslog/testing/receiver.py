"""A syslog receiver on loopback: it keeps what it reads, and shows faults on demand.

It plays the SIEM in tests, over UDP, TCP and TLS. It must not write to a peer (TLS itself does),
must not repair a frame, and must know nothing about the sending side.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from sls_syslog.testing.deframer import FramingError, make_deframer
from sls_syslog.testing.grammar import ParsedMessage, parse

__all__ = ["SyslogReceiver"]

_PROTOCOLS = ("tcp", "udp", "tls")
_READ_BYTES = 256 * 1024  # bytes per `recv` at full speed
_DATAGRAM_BYTES = 65536  # no UDP datagram is larger
_DATAGRAMS_PER_TURN = 1000  # datagrams read before they are stored, so that waiting tests see them
_UDP_BUFFER_BYTES = 8 * 1024 * 1024  # SO_RCVBUF; a burst that does not fit is lost
_SLOW_READS_PER_SECOND = 20  # reads per second below full speed: small enough steps to look steady
_HANDSHAKE_SECONDS = 30.0  # longest TLS handshake; a machine under test load may be slow
_JOIN_SECONDS = 10.0  # longest wait for the end of a thread; a longer one is a bug of the receiver
# SO_LINGER on, with 0 seconds: `close` sends a reset (RST).
_LINGER_ZERO = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class SyslogReceiver:
    """A syslog server on this machine, for tests. Use it as a context manager.

    It answers a half-close after it has read everything: under TLS with a close_notify, then with
    its own end of stream. It keeps frames as bytes and parses them only on request, so that
    hundreds of thousands cost little.

    Args:
        protocol: ``tcp``, ``udp`` or ``tls``.
        framing: ``newline`` or ``octet-counting`` (RFC 6587). None chooses by the first byte of
            each connection. Over UDP a datagram is a frame: leave it None.
        host: The address to listen on.
        port: The port to listen on. 0 takes a free port; later starts use the same one.
        ssl_context: The server's TLS context, for example from ``TemporaryCA.server_context``.
            Required for ``tls``, refused for other protocols.
        answer_half_close: False does not answer a half-close: the connection stays open until
            ``reset_connections`` or ``stop``. May be changed while running.
        bytes_per_second: Read each connection at this speed at most. None means full speed. May be
            changed while running.
        receive_buffer_bytes: SO_RCVBUF in bytes. With a small buffer the sender notices a pause
            soon. None keeps the system's default; for UDP it takes up to 8 MiB.

    Attributes:
        host: The address.
        port: The port. With 0 given, it is 0 until ``start``.
        protocol: The protocol.

    Raises:
        ValueError: The arguments contradict each other.
    """

    def __init__(
        self,
        protocol: str = "tcp",
        *,
        framing: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        answer_half_close: bool = True,
        bytes_per_second: int | None = None,
        receive_buffer_bytes: int | None = None,
    ) -> None:
        if protocol not in _PROTOCOLS:
            raise ValueError(f"protocol: expected one of {_PROTOCOLS}, got {protocol!r}")
        if (protocol == "tls") != (ssl_context is not None):
            raise ValueError("ssl_context: required for protocol tls, not allowed for others")
        if protocol == "udp" and framing is not None:
            raise ValueError("framing: leave it out for UDP, where each datagram is one frame")
        make_deframer(framing)  # refuses an unknown framing here, not later in a thread
        self.protocol = protocol
        self.host = host
        self.port = port
        self.answer_half_close = answer_half_close
        self.bytes_per_second = bytes_per_second
        self._framing = framing
        self._ssl_context = ssl_context
        self._receive_buffer_bytes = receive_buffer_bytes
        # Hold it to change anything below, and notify it of each change.
        self._changed = threading.Condition(threading.RLock())
        # Threads hold it from a read until what was read is kept. To stop all reading, take it;
        # before `_changed`, never while that is held.
        self._reading = threading.Lock()
        self._frames: list[bytes] = []
        self._errors: list[Exception] = []
        self._connections: list[_Connection] = []
        self._paused = False
        self._listener: _Listener | None = None
        self._reserved: socket.socket | None = None

    def start(self) -> SyslogReceiver:
        """Start to listen.

        Returns:
            This receiver.

        Raises:
            OSError: The address or the port is not available.
        """
        self.listen_again()
        return self

    def stop(self) -> None:
        """Close the listening socket and all connections. Wait until all threads have ended.

        Raises:
            TimeoutError: A thread did not end.
        """
        self._close_listener()
        self._free_port()
        self._end_connections(reset=False)
        self.resume()

    def __enter__(self) -> SyslogReceiver:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # Results

    @property
    def frames(self) -> list[bytes]:
        """All frames so far, from all connections, in the order of arrival."""
        with self._changed:
            return self._frames.copy()

    @property
    def messages(self) -> list[ParsedMessage]:
        """All frames so far, parsed strictly. A malformed frame raises ``GrammarError``."""
        return [parse(frame) for frame in self.frames]

    @property
    def errors(self) -> list[Exception]:
        """The errors of connections that the peer has caused.

        ``FramingError`` means broken framing, or a stream that ends inside a frame. ``OSError``
        means a reset, a failed handshake, or the end of TLS without close_notify. An error is added
        before ``open_connections`` decreases.
        """
        with self._changed:
            return self._errors.copy()

    @property
    def resets(self) -> int:
        """The number of errors that are resets by the peer."""
        return sum(isinstance(error, ConnectionResetError) for error in self.errors)

    @property
    def connections(self) -> int:
        """The number of connections accepted so far."""
        with self._changed:
            return len(self._connections)

    @property
    def used_connections(self) -> int:
        """The number of connections so far over which something came.

        A shipper opens a silent connection beside each one that it uses, or shares one.
        """
        with self._changed:
            return sum(connection.is_used for connection in self._connections)

    @property
    def open_connections(self) -> int:
        """The number of connections that are open on this side."""
        with self._changed:
            return sum(connection.is_open for connection in self._connections)

    def clear(self) -> None:
        """Remove all frames and errors so far."""
        with self._changed:
            self._frames.clear()
            self._errors.clear()

    def wait_for(self, count: int, timeout: float = 10.0) -> list[bytes]:
        """Wait for frames.

        Args:
            count: The number of frames to wait for, including those that are there already.
            timeout: Longest wait in seconds.

        Returns:
            All frames so far, possibly more than ``count``.

        Raises:
            TimeoutError: Fewer came in time. The text has their number, the last one, and the
                errors.
        """
        with self._changed:
            if self._changed.wait_for(lambda: len(self._frames) >= count, timeout):
                return self._frames.copy()
            last = f", the last is {self._frames[-1]!r}" if self._frames else ""
            failed = f"; errors: {self._errors}" if self._errors else ""
            raise TimeoutError(
                f"{len(self._frames)} of {count} frames came in {timeout:g} s{last}{failed}"
            )

    def wait_until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until a condition holds, for example ``lambda: receiver.open_connections == 0``.

        Args:
            condition: Called after each frame, error, and opened or closed connection.
            timeout: Longest wait in seconds.

        Raises:
            TimeoutError: The condition did not hold in time.
        """
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError(
                    f"the condition did not hold in {timeout:g} s: {self.open_connections} of "
                    f"{self.connections} connections open, {len(self._frames)} frames, "
                    f"errors: {self._errors}"
                )

    def settings(self) -> dict[str, Any]:
        """Return the settings with which a sender reaches this receiver.

        Returns:
            ``host``, ``port`` and ``protocol``. For octet counting also ``framing``.
        """
        settings: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "protocol": self.protocol,
        }
        if self._framing == "octet-counting":
            settings["framing"] = self._framing
        return settings

    def environ(self) -> dict[str, str]:
        """Return the settings as environment variables, for a separate program.

        Returns:
            ``SYSLOG_HOST``, ``SYSLOG_PORT``, ``SYSLOG_PROTOCOL`` and so on.
        """
        return {f"SYSLOG_{key.upper()}": str(value) for key, value in self.settings().items()}

    # Faults on demand

    def pause(self) -> None:
        """Stop reading, like a process that hangs. After this call nothing more is read.

        New connections are still accepted. Their TLS handshake waits too.
        """
        with self._reading:
            self._paused = True

    def resume(self) -> None:
        """Continue to read after ``pause``."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def reset_connections(self) -> None:
        """End all connections with a reset (RST). Bytes that were not read yet are lost."""
        self._end_connections(reset=True)

    def stop_listening(self) -> None:
        """Close the listening socket. New connections are refused, open ones stay.

        With TCP and TLS the receiver keeps its port reserved.
        """
        if self._listener is not None:
            self._close_listener()
            if self.protocol != "udp":  # a bound UDP socket would still accept datagrams
                self._reserved = self._bind(listen=False)

    def listen_again(self) -> None:
        """Listen on the same port after ``stop_listening``."""
        self._free_port()
        if self._listener is None:
            handle = self._take_datagrams if self.protocol == "udp" else self._accept
            self._listener = _Listener(self._bind(), handle)
            self._listener.thread.start()

    # Used by the threads

    def _close_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.ask_to_end()
            with self._changed:
                self._changed.notify_all()
            _join(listener.thread)

    def _free_port(self) -> None:
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            reserved.close()

    def _bind(self, *, listen: bool = True) -> socket.socket:
        kind = socket.SOCK_DGRAM if self.protocol == "udp" else socket.SOCK_STREAM
        family, *_, address = socket.getaddrinfo(self.host, self.port, type=kind)[0]
        listener = socket.socket(family, kind)
        try:
            listener.setblocking(False)
            self._set_receive_buffer(listener)
            if kind == socket.SOCK_STREAM:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            if kind == socket.SOCK_STREAM and listen:
                listener.listen(128)
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        return listener

    def _set_receive_buffer(self, listener: socket.socket) -> None:
        size = self._receive_buffer_bytes
        if size is None and self.protocol == "udp":
            size = _UDP_BUFFER_BYTES
        if size is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def _accept(self, listener: _Listener) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            accepted, _ = listener.socket.accept()
            connection = _Connection(self, accepted)
            with self._changed:
                self._connections.append(connection)
                connection.thread.start()
                self._changed.notify_all()

    def _take_datagrams(self, listener: _Listener) -> None:
        self._wait_while_paused(lambda: listener.closing)
        datagrams: list[bytes] = []
        with self._reading, contextlib.suppress(BlockingIOError):
            while not self._paused and len(datagrams) < _DATAGRAMS_PER_TURN:
                datagrams.append(listener.socket.recv(_DATAGRAM_BYTES))
        self._keep(datagrams)

    def _wait_while_paused(self, is_ending: Callable[[], bool]) -> None:
        if self._paused:
            with self._changed:
                self._changed.wait_for(lambda: not self._paused or is_ending())

    def _keep(self, frames: list[bytes]) -> None:
        if frames:
            with self._changed:
                self._frames.extend(frames)
                self._changed.notify_all()

    def _note_error(self, error: Exception) -> None:
        with self._changed:
            # Drop the traceback: it would keep buffers in memory.
            self._errors.append(error.with_traceback(None))
            self._changed.notify_all()

    def _note_end(self, connection: _Connection) -> None:
        with self._changed:
            connection.is_open = False
            self._changed.notify_all()

    def _end_connections(self, *, reset: bool) -> None:
        with self._changed:
            connections = [one for one in self._connections if one.is_open or one.thread.is_alive()]
        for connection in connections:
            connection.abandon(reset=reset)
        with self._changed:
            self._changed.notify_all()
        for connection in connections:
            _join(connection.thread)


class _Listener:
    """A thread that waits for the listening socket, and calls ``handle`` when it is readable."""

    def __init__(self, listener: socket.socket, handle: Callable[[_Listener], None]) -> None:
        self.thread = _make_thread(self._run, "listener")
        self.socket = listener
        self.closing = False
        self._handle = handle
        self._woken, self._waker = socket.socketpair()

    def ask_to_end(self) -> None:
        self.closing = True
        self._waker.close()

    def _run(self) -> None:
        with self.socket, self._woken, selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self.closing:
                if any(key.fileobj is self.socket for key, _ in selector.select()):
                    self._handle(self)


class _Connection:
    """A thread that reads one connection to its end, and gives the frames to the receiver."""

    def __init__(self, receiver: SyslogReceiver, accepted: socket.socket) -> None:
        self.thread = _make_thread(self._run, "connection")
        self.is_open = True
        self.is_used = False
        self._receiver = receiver
        self._socket = accepted
        self._deframer = make_deframer(receiver._framing)
        self._abandoned = False

    def abandon(self, *, reset: bool) -> None:
        """Make the thread end soon, with a reset or with a plain close. Any thread may call it."""
        with self._receiver._reading, contextlib.suppress(OSError):
            self._abandoned = True
            if reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            # Wake the thread. `SSLSocket.shutdown` would also remove TLS, but the thread needs it.
            socket.socket.shutdown(self._socket, socket.SHUT_RD)

    def _run(self) -> None:
        try:
            self._wait_while_paused()
            self._prepare_socket()
            self._read()
        except FramingError as error:
            self._receiver._keep(error.frames)
            self._receiver._note_error(error)
        except OSError as error:
            if not self._abandoned:
                self._receiver._note_error(_translate(error))
        finally:
            with self._receiver._reading:
                self._socket.close()
            self._receiver._note_end(self)

    def _wait_while_paused(self) -> None:
        self._receiver._wait_while_paused(lambda: self._abandoned)

    def _prepare_socket(self) -> None:
        context = self._receiver._ssl_context
        if context is not None:
            # Early Pythons 3.10 and 3.11 take an end without close_notify for an ordinary one.
            context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
            with self._receiver._reading:
                tls = self._socket = context.wrap_socket(
                    self._socket,
                    server_side=True,
                    do_handshake_on_connect=False,
                    suppress_ragged_eofs=False,
                )
            tls.settimeout(_HANDSHAKE_SECONDS)
            tls.do_handshake()
        self._socket.setblocking(False)

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while not self._abandoned:
                self._wait_while_paused()
                with self._receiver._reading:
                    if self._receiver._paused:
                        continue
                    chunk = self._receive()
                    if chunk:  # after pause() nothing is read that is not kept
                        self.is_used = True
                        self._receiver._keep(self._deframer.feed(chunk))
                if chunk is None:
                    selector.select()
                elif chunk:
                    self._slow_down(len(chunk))
                else:
                    self._finish()
                    return

    def _receive(self) -> bytes | None:
        rate = self._receiver.bytes_per_second
        size = max(1, rate // _SLOW_READS_PER_SECOND) if rate else _READ_BYTES
        try:
            return self._socket.recv(min(size, _READ_BYTES))
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def _slow_down(self, size: int) -> None:
        rate = self._receiver.bytes_per_second
        if rate:
            self._wait_until_abandoned(size / rate)

    def _wait_until_abandoned(self, timeout: float | None = None) -> None:
        with self._receiver._changed:
            self._receiver._changed.wait_for(lambda: self._abandoned, timeout)

    def _finish(self) -> None:
        """Handle the peer's end of stream."""
        if self._abandoned:
            return
        self._deframer.finish()
        if not self._receiver.answer_half_close:
            self._wait_until_abandoned()
        elif isinstance(self._socket, ssl.SSLSocket):
            # The peer may be gone already: after its close_notify it need not wait for ours.
            with contextlib.suppress(OSError):
                self._socket.unwrap()


def _translate(error: OSError) -> OSError:
    """Return the error that the newest Python raises.

    Python before 3.13 reports a reset by the peer under TLS as ``SSLEOFError``, without a reason.
    With OpenSSL 3 a real end of stream has a reason, but early Pythons raise a plain ``SSLError``.
    """
    if not isinstance(error, ssl.SSLError) or ssl.OPENSSL_VERSION_INFO < (3,):
        return error
    if isinstance(error, ssl.SSLEOFError) and not error.reason:
        return ConnectionResetError(errno.ECONNRESET, "the connection was reset under TLS")
    if type(error) is ssl.SSLError and error.reason == "UNEXPECTED_EOF_WHILE_READING":
        return ssl.SSLEOFError(ssl.SSL_ERROR_EOF, str(error))
    return error


def _make_thread(run: Callable[[], None], name: str) -> threading.Thread:
    return threading.Thread(target=run, name=f"syslog-receiver-{name}", daemon=True)


def _join(thread: threading.Thread) -> None:
    thread.join(_JOIN_SECONDS)
    if thread.is_alive():
        raise TimeoutError(f"thread {thread.name} did not end in {_JOIN_SECONDS:g} s")
