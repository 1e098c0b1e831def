"""A syslog receiver on loopback that keeps what it gets, and misbehaves on demand.

It plays the SIEM in tests: UDP, TCP and TLS, newline or octet-counted frames, and the faults that
real receivers and networks show. It only reads: it never writes to a peer (apart from what TLS
itself says), never repairs a frame, and knows nothing about the sending side.
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

from sls_syslog.testing.deframer import FramingError, deframer_for
from sls_syslog.testing.grammar import ParsedMessage, parse

__all__ = ["SyslogReceiver"]

_PROTOCOLS = ("tcp", "udp", "tls")
_READ_BYTES = 256 * 1024
_DATAGRAM_BYTES = 65536
_DATAGRAMS_PER_TURN = 1000
_UDP_BUFFER_BYTES = 8 * 1024 * 1024
_SLOW_READS_PER_SECOND = 20
_HANDSHAKE_SECONDS = 30.0
_JOIN_SECONDS = 10.0
_LINGER_ZERO = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class SyslogReceiver:
    """One syslog server on this machine, for tests. Use it as a context manager.

    A peer that half-closes is answered when everything it sent was read: with a close_notify under
    TLS, and then a clean end-of-stream. Frames are kept as bytes and parsed only when asked for, so
    that hundreds of thousands cost little.

    Args:
        protocol: ``tcp``, ``udp`` or ``tls``.
        framing: ``newline`` or ``octet-counting`` (RFC 6587); None decides for each connection by
            its first byte. A UDP datagram is a frame.
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one, which then stays the same.
        ssl_context: The server's side of TLS, such as ``TemporaryCA.server_context`` makes.
            Required for ``tls``, refused otherwise.
        answer_half_close: False keeps a connection open and silent after the peer's end-of-stream,
            until it is reset or the receiver stops. May be changed while running.
        bytes_per_second: Read each connection no faster than this; None means at full speed. May
            be changed while running.
        receive_buffer_bytes: SO_RCVBUF; a small one makes a pause reach the sender soon. None
            leaves the system's (for UDP the largest up to 8 MiB that it allows).

    Attributes:
        host: As given.
        port: The port; the one taken once the receiver has started.
        protocol: As given.

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
            raise ValueError("ssl_context: required for tls and only for tls")
        if protocol == "udp" and framing is not None:
            raise ValueError("framing: a UDP datagram is a frame, so there is nothing to choose")
        deframer_for(framing)  # refuses an unknown name here and not in a thread
        self.protocol = protocol
        self.host = host
        self.port = port
        self.answer_half_close = answer_half_close
        self.bytes_per_second = bytes_per_second
        self._framing = framing
        self._ssl_context = ssl_context
        self._receive_buffer_bytes = receive_buffer_bytes
        # Everything below changes under this condition, which is notified of each change.
        self._changed = threading.Condition(threading.RLock())
        # Held while bytes are taken from any socket: who holds it knows that nobody is reading.
        self._reading = threading.Lock()
        self._frames: list[bytes] = []
        self._errors: list[Exception] = []
        self._connections: list[_Connection] = []
        self._paused = False
        self._listener: _Listener | None = None
        self._reserved: socket.socket | None = None

    def start(self) -> SyslogReceiver:
        """Begin to listen.

        Returns:
            This receiver.

        Raises:
            OSError: The address or port cannot be had.
        """
        self.listen_again()
        return self

    def stop(self) -> None:
        """Close the listening socket and every connection, and wait until all threads have ended.

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

    # What has arrived

    @property
    def frames(self) -> list[bytes]:
        """The frames so far, from all connections, in the order of their arrival."""
        with self._changed:
            return self._frames.copy()

    @property
    def messages(self) -> list[ParsedMessage]:
        """The frames so far, strictly parsed; ``GrammarError`` at the first malformed one."""
        return [parse(frame) for frame in self.frames]

    @property
    def errors(self) -> list[Exception]:
        """What went wrong on connections that the peer should not have let go wrong.

        ``FramingError`` for broken framing or a frame cut off by the end of the stream, ``OSError``
        for a reset, a failed handshake, or TLS that ends without close_notify. A connection's error
        is here before its ``open_connections`` goes down.
        """
        with self._changed:
            return self._errors.copy()

    @property
    def resets(self) -> int:
        """How many of the errors are resets by the peer."""
        return sum(isinstance(error, ConnectionResetError) for error in self.errors)

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        with self._changed:
            return len(self._connections)

    @property
    def open_connections(self) -> int:
        """How many connections are open on this side."""
        with self._changed:
            return sum(connection.open for connection in self._connections)

    def clear(self) -> None:
        """Forget the frames and errors so far."""
        with self._changed:
            self._frames.clear()
            self._errors.clear()

    def wait_for(self, count: int, timeout: float = 10.0) -> list[bytes]:
        """Wait for frames.

        Args:
            count: How many there must be, counting those that are there already.
            timeout: Seconds to wait at most.

        Returns:
            The frames so far, which may be more.

        Raises:
            TimeoutError: Fewer came in time; says how many, the last one and any errors.
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
        """Wait until something holds, such as ``lambda: receiver.open_connections == 0``.

        Args:
            condition: Asked whenever a frame, an error, an opening or a closing was noted.
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: It did not hold in time.
        """
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError(
                    f"not so after {timeout:g} s: {self.open_connections} of {self.connections} "
                    f"connections open, {len(self._frames)} frames, errors: {self._errors}"
                )

    def settings(self) -> dict[str, object]:
        """The settings with which a sender reaches this receiver.

        Returns:
            ``host``, ``port`` and ``protocol``; ``framing`` where octet counting was asked for.
        """
        settings: dict[str, object] = {
            "host": self.host,
            "port": self.port,
            "protocol": self.protocol,
        }
        if self._framing == "octet-counting":
            settings["framing"] = self._framing
        return settings

    def environ(self) -> dict[str, str]:
        """The settings as environment variables, for a program in a process of its own.

        Returns:
            ``SYSLOG_HOST``, ``SYSLOG_PORT``, ``SYSLOG_PROTOCOL`` and so on.
        """
        return {f"SYSLOG_{key.upper()}": str(value) for key, value in self.settings().items()}

    # Faults on demand

    def pause(self) -> None:
        """Stop reading, like a process that hangs: once this returns nothing more is read.

        Connections are still accepted, but their TLS handshake waits as well.
        """
        with self._reading:
            self._paused = True

    def resume(self) -> None:
        """Read again after ``pause``."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def reset_connections(self) -> None:
        """End every connection with a reset (RST); what was not read is lost."""
        self._end_connections(reset=True)

    def stop_listening(self) -> None:
        """Close the listening socket: new connections are refused, open ones stay.

        The port of a TCP receiver stays its own meanwhile.
        """
        if self._listener is not None:
            self._close_listener()
            if self.protocol != "udp":  # a bound datagram socket would refuse nothing
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

    def _wait_while_paused(self, given_up: Callable[[], bool]) -> None:
        if self._paused:
            with self._changed:
                self._changed.wait_for(lambda: not self._paused or given_up())

    def _keep(self, frames: list[bytes]) -> None:
        if frames:
            with self._changed:
                self._frames.extend(frames)
                self._changed.notify_all()

    def _note_error(self, error: Exception) -> None:
        with self._changed:
            # The traceback would keep the buffers of its frames alive.
            self._errors.append(error.with_traceback(None))
            self._changed.notify_all()

    def _note_end(self, connection: _Connection) -> None:
        with self._changed:
            connection.open = False
            self._changed.notify_all()

    def _end_connections(self, *, reset: bool) -> None:
        with self._changed:
            connections = self._connections.copy()
            for connection in connections:
                connection.abandon(reset=reset)
            self._changed.notify_all()
        for connection in connections:
            _join(connection.thread)


class _Listener:
    """Waits for the listening socket and hands it over whenever there is something to take."""

    def __init__(self, listener: socket.socket, handle: Callable[[_Listener], None]) -> None:
        self.thread = _thread(self._run, "listener")
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
    """Reads one connection to its end and hands the frames to the receiver."""

    def __init__(self, receiver: SyslogReceiver, accepted: socket.socket) -> None:
        self.thread = _thread(self._run, "connection")
        self.open = True
        self._receiver = receiver
        self._socket = accepted
        self._deframer = deframer_for(receiver._framing)
        self._abandoned = False

    def abandon(self, *, reset: bool) -> None:
        """End soon, from any thread: with a reset, or as the close of the socket has it."""
        with self._receiver._reading, contextlib.suppress(OSError):
            self._abandoned = True
            if reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            # Wakes the thread; the TLS socket's own shutdown would pull TLS away from under it.
            socket.socket.shutdown(self._socket, socket.SHUT_RD)

    def _run(self) -> None:
        try:
            self._wait_while_paused()
            self._begin()
            self._read()
        except FramingError as error:
            self._receiver._keep(error.frames)
            self._receiver._note_error(error)
        except OSError as error:
            if not self._abandoned:
                self._receiver._note_error(_as_reset(error))
        finally:
            with self._receiver._reading:
                self._socket.close()
            self._receiver._note_end(self)

    def _wait_while_paused(self) -> None:
        self._receiver._wait_while_paused(lambda: self._abandoned)

    def _begin(self) -> None:
        context = self._receiver._ssl_context
        if context is not None:
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
                if chunk is None:
                    selector.select()
                elif chunk:
                    self._receiver._keep(self._deframer.feed(chunk))
                    self._slow_down(len(chunk))
                else:
                    self._end_of_stream()
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

    def _end_of_stream(self) -> None:
        if self._abandoned:
            return
        self._deframer.finish()
        if not self._receiver.answer_half_close:
            self._wait_until_abandoned()
        elif isinstance(self._socket, ssl.SSLSocket):
            # The peer may be gone already, which is its right after its close_notify.
            with contextlib.suppress(OSError):
                self._socket.unwrap()


def _as_reset(error: OSError) -> OSError:
    """Undo what Python before 3.13 does: it reports a reset under TLS as SSLEOFError.

    The end-of-stream that OpenSSL 3 found itself has a reason, the reset has none.
    """
    hidden = isinstance(error, ssl.SSLEOFError) and not error.reason
    if hidden and ssl.OPENSSL_VERSION_INFO >= (3,):
        return ConnectionResetError(errno.ECONNRESET, "the connection was reset under TLS")
    return error


def _thread(run: Callable[[], None], name: str) -> threading.Thread:
    return threading.Thread(target=run, name=f"syslog-receiver-{name}", daemon=True)


def _join(thread: threading.Thread) -> None:
    thread.join(_JOIN_SECONDS)
    if thread.is_alive():
        raise TimeoutError(f"{thread.name} did not end in {_JOIN_SECONDS:g} s")
