"""Receivers that talk, over TCP or TLS, in records of any size, at any speed."""

from __future__ import annotations

import hmac
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sls_syslog.testing import TemporaryCA
from tests.support.peers import HOST, Peer, hold_closed_port
from tests.support.relp import ACCEPTED
from tests.support.tools import tool
from tests.support.waiting import eventually

__all__ = [
    "HELLO_REQUEST",
    "KeyUpdater",
    "RelpTalker",
    "Renegotiator",
    "Session",
    "SilenceBreaker",
    "Talker",
    "renegotiating",
]

_Value = TypeVar("_Value")

HELLO_REQUEST = bytes.fromhex("16 0303 0004 00000000")
"""A TLS record that asks for a handshake; in a handshake a client ignores it (RFC 5246 7.4.1.1)."""

_BATCH_BYTES = 256 * 1024  # what a talker that makes no pause sends at a time
_PAUSE_SECONDS = 0.02  # longest wait before it looks whether the test has ended


class Session:
    """The server's side of one connection, over TLS or not."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext | None) -> None:
        self.socket = connection
        self.secret = b""  # of a `_RecordMaker`, from which its keys come
        self.records = 0  # that a `Renegotiator` has encrypted
        self.sent = b""  # to complete the handshake of TLS
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        if context is not None:
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def shake_hands(self) -> None:
        if self._tls is not None:
            self._advance(self._tls.do_handshake)

    def hear(self) -> bytes:
        """Return the next text that the client sends."""
        tls = self._tls
        if tls is None:
            return self.socket.recv(65536)
        return self._advance(lambda: tls.read(65536))

    def _advance(self, step: Callable[[], _Value]) -> _Value:
        """Exchange bytes with the client until a step of TLS is done; return its value."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                received = self.socket.recv(65536)
                if not received:
                    raise ConnectionAbortedError from None
                self._incoming.write(received)
            finally:
                self._flush()

    def _flush(self) -> None:
        self.sent += (text := self._outgoing.read())
        self.socket.sendall(text)

    def wrap(self, text: bytes) -> bytes:
        """Return the bytes that carry this text, in one record if they are of TLS."""
        if self._tls is None:
            return text
        self._tls.write(text)
        return self._outgoing.read()


class Talker(Peer):
    """A server that talks as long as the connection stands, and after the client's end too.

    Args:
        context: Of TLS; ``None`` for plain TCP.
        size: Bytes of a record.
        pause: Seconds between two records; 0 for as fast as it can.
        reads: Whether it reads what it is sent.
        limit: How many records it sends at most; it then answers the client's end with its own.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        size: int = 1,
        pause: float = 0.0,
        *,
        reads: bool = True,
        limit: float = float("inf"),
    ) -> None:
        super().__init__()
        self._context = context
        self._size, self._pause, self._reads, self._limit = size, pause, reads, limit
        self.said = 0  # records, over all connections
        self.heard = 0  # bytes, over all connections, with those of TLS after the handshake

    def begin(self, connection: socket.socket) -> None:
        self.start(super().begin, connection)

    def treat(self, connection: socket.socket) -> None:
        session = self.open_session(connection)
        connection.setblocking(False)
        left, unsent, due, is_read = self._limit, b"", 0.0, not self._reads
        while not self.ending.is_set():
            now = time.monotonic()
            if not unsent and left > 0 and now >= due:
                unsent = self.make_words(session)
                left -= 1
                due = now + self._pause
            if left <= 0 and not unsent and is_read:
                return
            readers = [] if is_read else [connection]
            writers = [connection] if unsent else []
            wait = _PAUSE_SECONDS if unsent or not self._pause else min(self._pause, _PAUSE_SECONDS)
            readable, writable, _ = select.select(readers, writers, [], wait)
            if readable:
                received = connection.recv(1 << 20)
                is_read = not received
                left = self.note_heard(left, received)
            if writable:
                unsent = unsent[connection.send(unsent) :]
                self.said += 1

    def open_session(self, connection: socket.socket) -> Session:
        """Complete the handshake of TLS, if it speaks TLS."""
        session = Session(connection, self._context)
        session.shake_hands()
        return session

    def note_heard(self, left: float, received: bytes) -> float:
        """Note what the client has sent; return how many records are left to send."""
        self.heard += len(received)
        return left

    def make_words(self, session: Session) -> bytes:
        """Make what it says next."""
        if self._pause or self._limit < float("inf"):
            return session.wrap(b"x" * self._size)
        if self._context is None:
            return b"x" * _BATCH_BYTES
        words = b""
        while len(words) < _BATCH_BYTES // 4:
            words += session.wrap(b"x" * self._size)
        return words


class SilenceBreaker(Talker):
    """A syslog receiver that talks only while it is sent nothing, from its second connection on."""

    _first: socket.socket | None = None

    def begin(self, connection: socket.socket) -> None:
        self._first = self._first or connection  # here, where they come in order
        super().begin(connection)

    def note_heard(self, left: float, received: bytes) -> float:
        return 0

    def make_words(self, session: Session) -> bytes:
        return b"" if session.socket is self._first else super().make_words(session)


class RelpTalker(Talker):
    """A RELP server that says the same words again and again, and answers no message.

    Args:
        context: Of TLS; ``None`` for plain TCP.
        words: What it says.
        pause: Seconds between two of its words; 0 for as fast as it can.
        accepts: Whether it accepts the session before.
        reads: Whether it reads what it is sent.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        words: bytes,
        pause: float = 0.0,
        *,
        accepts: bool = True,
        reads: bool = True,
    ) -> None:
        super().__init__(context, pause=pause, reads=reads)
        self._words = words if pause else words * max(1, _BATCH_BYTES // 4 // len(words))
        self._accepts = accepts

    def open_session(self, connection: socket.socket) -> Session:
        session = super().open_session(connection)
        session.hear()
        if self._accepts:
            connection.sendall(session.wrap(b"1 rsp %d %b\n" % (len(ACCEPTED), ACCEPTED)))
        return session

    def make_words(self, session: Session) -> bytes:
        return session.wrap(self._words)


class _RecordMaker(Talker):
    """A talker that encrypts its records itself, with the keys of the session.

    So it can ask for what Python's server cannot.

    Args:
        make_context: Makes a context for each connection.
        directory: A new one, into which the secrets of the sessions are written.
    """

    version: ssl.TLSVersion
    label: str  # of the secret in the file (draft-ietf-tls-keylogfile)

    def __init__(self, make_context: Callable[[], ssl.SSLContext], directory: Path) -> None:
        super().__init__(None)
        self._make_context = make_context
        self._directory = directory

    def open_session(self, connection: socket.socket) -> Session:
        keys = self._directory / str(connection.fileno())
        context = self._make_context()
        context.maximum_version = self.version
        context.num_tickets = 0  # so that the first record is its own
        context.keylog_filename = str(keys)
        session = Session(connection, context)
        session.shake_hands()
        lines = [line.split() for line in keys.read_text().splitlines()]
        [*_, (_, client_random, secret)] = [line for line in lines if line[:1] == [self.label]]
        self.take_secret(session, bytes.fromhex(secret), bytes.fromhex(client_random))
        return session

    def take_secret(self, session: Session, secret: bytes, client_random: bytes) -> None:
        session.secret = secret

    def make_words(self, session: Session) -> bytes:
        return b"".join(self.make_record(session) for _ in range(500))

    def make_record(self, session: Session) -> bytes:
        raise NotImplementedError


class KeyUpdater(_RecordMaker):
    """A talker that only asks for new keys (KeyUpdate, RFC 8446 section 4.6.3), without end.

    Args:
        make_context: Makes a context for each connection; with our clients it chooses
            TLS_AES_256_GCM_SHA384.
        directory: A new one, into which the secrets of the sessions are written.
        asks_back: Whether it asks the client for new keys too.
    """

    version = ssl.TLSVersion.TLSv1_3
    label = "SERVER_TRAFFIC_SECRET_0"

    def __init__(
        self, make_context: Callable[[], ssl.SSLContext], directory: Path, *, asks_back: bool
    ) -> None:
        super().__init__(make_context, directory)
        self._message = bytes.fromhex("18 000001 01" if asks_back else "18 000001 00")

    def make_record(self, session: Session) -> bytes:
        """Each record is the first under its keys: a KeyUpdate ends them (RFC 8446 7.2)."""
        inner = self._message + b"\x16"  # the type of its content: a handshake message
        header = bytes.fromhex("17 0303") + (len(inner) + 16).to_bytes(2, "big")
        key, nonce = _expand(session.secret, b"key", 32), _expand(session.secret, b"iv", 12)
        session.secret = _expand(session.secret, b"traffic upd", 48)
        return header + AESGCM(key).encrypt(nonce, inner, header)


class Renegotiator(_RecordMaker):
    """A talker that only asks for a new handshake (HelloRequest, RFC 5246 7.4.1.1), without end.

    It never takes part in one. Its arguments are those of ``KeyUpdater``; with our clients it
    chooses a suite with AES_256_GCM_SHA384.
    """

    version = ssl.TLSVersion.TLSv1_2
    label = "CLIENT_RANDOM"

    def take_secret(self, session: Session, secret: bytes, client_random: bytes) -> None:
        """Derive the server's key and the beginning of its nonces (RFC 5246 6.3, RFC 5288 3)."""
        server_random = session.sent[11:43]  # of the ServerHello, the first that it sends
        seed = b"key expansion" + server_random + client_random
        block, link = b"", seed
        while len(block) < 72:
            link = hmac.digest(secret, link, "sha384")
            block += hmac.digest(secret, link + seed, "sha384")
        session.secret = block[32:64] + block[68:72]
        session.records = 1  # the Finished of the handshake

    def make_record(self, session: Session) -> bytes:
        number = session.records.to_bytes(8, "big")
        session.records += 1
        key, salt = session.secret[:32], session.secret[32:]
        header, message = HELLO_REQUEST[:5], HELLO_REQUEST[5:]
        sealed = AESGCM(key).encrypt(salt + number, message, number + header)
        return header[:3] + (8 + len(sealed)).to_bytes(2, "big") + number + sealed


class OpensslServer:
    """``openssl s_server``, which asks its first client for a new handshake again and again.

    Args:
        port: Where it listens.
        process: The program.
    """

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._process = process
        self._printed = b""
        self._threads = [threading.Thread(target=run) for run in (self._read, self._ask)]
        for thread in self._threads:
            thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether it listens."""
        return b"ACCEPT" in self._printed

    @property
    def asked(self) -> int:
        """How many handshakes it has asked for."""
        return self._printed.count(b"SSL_do_handshake -> 1")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._printed += line[:100]  # what it receives, too

    def _ask(self) -> None:
        assert self._process.stdin is not None
        while self._process.poll() is None:
            time.sleep(_PAUSE_SECONDS / 10)
            if b"Secure Renegotiation IS" in self._printed:  # the first handshake is complete
                with suppress(BrokenPipeError):
                    self._process.stdin.write(b"R\n")
                    self._process.stdin.flush()


@contextmanager
def renegotiating(authority: TemporaryCA) -> Iterator[OpensslServer]:
    """A server that renegotiates all the time under TLS 1.2, and reads what it is sent."""
    issued = authority.issue()
    with hold_closed_port() as port:
        pass
    command = [tool("openssl"), "s_server", "-accept", f"{HOST}:{port}", "-tls1_2"]
    command += ["-cert", issued.cert_path, "-key", issued.key_path]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
    with closing(OpensslServer(port, process)) as server:
        eventually(lambda: server.is_ready)
        yield server


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 section 7.1), of one block."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0\1"
    return hmac.digest(secret, info, "sha384")[:size]
