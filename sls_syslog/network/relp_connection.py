"""``RelpConnection``: a connection over which a RELP session is open.

This module must not know what a refusal or an error means for what was sent: ``relp.py`` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

from sls_syslog.network.connection import Connection, TalkError
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.destination import Destination
from sls_syslog.network.dial import open_stream
from sls_syslog.network.relp_codec import RelpError
from sls_syslog.network.relp_session import RelpSession
from sls_syslog.network.resolver import Address
from sls_syslog.network.tcp import READ
from sls_syslog.settings.client import ClientSettings

__all__ = ["RelpConnection", "open_relp"]

_NO_ANSWER = "answer our messages"


class RelpConnection(Connection):
    """A connection over which a RELP session is open.

    Its arguments are those of ``Connection``. The deadline is for the session too.

    Attributes:
        session: What was sent and answered. Whatever is read goes to it.

    Raises:
        OSError: As ``Connection`` does, or if the receiver does not accept the session.
    """

    _expected = "only answers count: does the receiver speak RELP on this port?"

    def __init__(self, address: Address, deadline: Deadline, *args: Any) -> None:
        self.session = RelpSession()
        super().__init__(address, deadline, *args)
        try:
            self.send(self.session.open(), deadline)
            self._await(lambda: self.session.is_open, deadline, "accept the RELP session")
        except TimeoutError as error:
            self.close()
            if deadline.is_stopped or isinstance(error, TalkError):
                raise
            raise RelpError(f"{error}: no answer when a RELP session was opened") from error
        except BaseException:
            self.close()
            raise

    def send_messages(self, messages: Sequence[bytes], deadline: Deadline) -> None:
        """Hand messages to the kernel, in frames; wait for answers while the window is full.

        Args:
            messages: The messages.
            deadline: When to give up; renewed by each answer, and by each byte that is accepted.

        Raises:
            OSError: If the connection breaks, or nothing moves for too long.
        """
        sent = 0
        while sent < len(messages):
            frames = self.session.wrap(islice(messages, sent, None))
            self.send(b"".join(frames), deadline)
            sent += len(frames)
            if sent < len(messages):
                has_room = partial(self.session.has_much_room, len(messages[sent]))
                self._await(has_room, deadline, _NO_ANSWER)

    def await_answers(self, deadline: Deadline) -> None:
        """Wait until the receiver has answered each message.

        Raises:
            OSError: If the connection breaks, or the deadline passes before.
        """
        self._await(lambda: not self.session.in_flight, deadline, _NO_ANSWER)

    def end_session(self, deadline: Deadline) -> None:
        """Tell the receiver that nothing more comes, and wait for its answer.

        Raises:
            OSError: If there is no answer before the deadline.
        """
        self.send(self.session.close(), deadline)
        self._await(lambda: self.session.has_ended, deadline, "end the RELP session")

    def _await(self, is_done: Callable[[], bool], deadline: Deadline, lacking: str) -> None:
        """Read until something is done; each answer to a message renews the deadline.

        Args:
            is_done: Whether it is done.
            deadline: When to give up.
            lacking: What a receiver that talks does not do if the deadline passes.
        """
        with self._name_talk(deadline, lacking):
            while not is_done():
                before = self.session.in_flight
                self._wait(READ, deadline)
                self.drain()
                if self.session.in_flight < before:
                    deadline.renew()

    @contextmanager
    def _spend_allowance(self) -> Iterator[None]:
        """Spend nothing on a read that brings answers: their number is bounded by the window."""
        before, begun = self.session.in_flight, time.thread_time()
        try:
            yield
        finally:
            if self.session.in_flight == before:
                self._allowance.spend(time.thread_time() - begun)

    def _record(self, received: bytes) -> None:
        """Give what the receiver sends to the session.

        Raises:
            RelpError: If it is no answer to what was sent, or ends the session.
        """
        if self._tls is None:
            super()._record(received)
            answers = received
        else:
            answers = self._tls.decrypt(received)
        self.session.receive(answers)
        if self.session.has_ended and not self.session.is_closing:
            raise RelpError("the receiver has ended the session")


def open_relp(
    settings: ClientSettings, deadline: Deadline, destination: Destination
) -> RelpConnection:
    """Connect to a receiver, and open a session.

    Args:
        settings: The receiver, and trust.
        deadline: When to give up resolving, connecting, the handshake and the session together.
        destination: Keeps the TLS session, and which addresses have failed.

    Raises:
        ConnectError: If there is no session before the deadline.
        TlsError: If TLS fails.
    """
    # The answer to `open` shows that the receiver accepts our certificate.
    return open_stream(settings, deadline, destination, RelpConnection, await_refusal=False)
