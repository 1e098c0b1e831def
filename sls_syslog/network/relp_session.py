"""``RelpSession``: one RELP session without its connection: what is sent, and what is answered.

Sans-I/O. It numbers the messages, knows which are in flight, and believes only answers to these.
"""

from __future__ import annotations

from collections.abc import Iterable

from sls_syslog.errors import MessageTooLongError, short_repr
from sls_syslog.network.relp_codec import (
    FrameReader,
    RelpError,
    RelpResponse,
    encode_frame,
)
from sls_syslog.settings.protocols import LARGEST_RELP_MESSAGE

__all__ = ["RelpSession"]

# Most messages, and most of their bytes, that wait for an answer at the same time. After a break,
# at most these come twice. With 50 ms to a receiver and back, this allows 40,000 messages and
# 20 MB a second. (librelp's own sender has 128 messages, and no limit of bytes.)
_WINDOW_MESSAGES = 2048
_WINDOW_BYTES = 1024 * 1024

_ACCEPTED = b"200 OK"  # the usual answer to a message, which is not parsed each time
_SHOWN_BYTES = 200  # of a refused message
_LARGEST_TXNR = 999_999_999
_VERSIONS = {b"0", b"1"}
# Version 0: the specification calls it experimental, but it is what librelp, the reference, offers
# and answers; so every receiver is known to take it.
_OFFERS = b"relp_version=0\nrelp_software=sls_syslog\ncommands=syslog"


class RelpSession:
    """The client's side of a session.

    Args:
        first_txnr: The transaction number of the first command.
        most_messages: Most messages that wait for an answer at the same time.
        most_bytes: Most of their bytes; a larger message waits alone.

    Attributes:
        is_open: Whether the receiver has accepted the session.
        has_ended: Whether the receiver has ended it, or answered our ``close``.
        refusal: The first answer that a message was not accepted, and to which; empty for none.
    """

    def __init__(
        self,
        first_txnr: int = 1,
        most_messages: int = _WINDOW_MESSAGES,
        most_bytes: int = _WINDOW_BYTES,
    ) -> None:
        self.is_open = self.has_ended = False
        self.refusal = ""
        self._most_messages, self._most_bytes = most_messages, most_bytes
        self._txnr = first_txnr  # of the next command
        self._reader = FrameReader()
        self._opening = self._closing = 0  # the numbers of these commands
        self._counted_from = first_txnr  # the number of the first message since `start_count`
        self._in_flight: dict[int, bytes] = {}  # transaction number -> message; in order
        self._bytes = 0
        self._refused_at: int | None = None  # the place of a message since `start_count`

    def open(self) -> bytes:
        """Return the command that opens the session."""
        self._opening = self._take_txnr()
        self._counted_from = self._txnr
        return encode_frame(self._opening, b"open", _OFFERS)

    def close(self) -> bytes:
        """Return the command that ends the session; nothing may be in flight."""
        self._closing = self._take_txnr()
        return encode_frame(self._closing, b"close", b"")

    def wrap(self, messages: Iterable[bytes]) -> list[bytes]:
        """Return the frames for the first messages, as many as the window has room for.

        They are in flight from now on. An empty window has room for any message.

        Raises:
            MessageTooLongError: If no frame can hold a message.
        """
        frames = []
        for message in messages:
            size = len(message)
            if not self._has_room(size):
                break
            if size > LARGEST_RELP_MESSAGE:
                raise MessageTooLongError(size, LARGEST_RELP_MESSAGE, "RELP: DATALEN")
            txnr = self._txnr
            self._txnr = txnr % _LARGEST_TXNR + 1  # 0 is for hints
            self._in_flight[txnr] = message
            self._bytes += size
            frames.append(encode_frame(txnr, b"syslog", message))
        return frames

    def _has_room(self, size: int) -> bool:
        return not self._in_flight or (
            len(self._in_flight) < self._most_messages and self._bytes + size <= self._most_bytes
        )

    def has_much_room(self, size: int) -> bool:
        """Whether the window has room for a message of this size, and half of it is free.

        A system call for less is not worth it.
        """
        return self._has_room(size) and (
            2 * len(self._in_flight) <= self._most_messages and 2 * self._bytes <= self._most_bytes
        )

    @property
    def is_closing(self) -> bool:
        """Whether we have ended the session."""
        return self._closing > 0

    @property
    def in_flight(self) -> int:
        """The number of messages without an answer."""
        return len(self._in_flight)

    @property
    def acknowledged(self) -> int:
        """How many of the first messages since ``start_count`` are acknowledged, without a gap."""
        unanswered = self._find_place(next(iter(self._in_flight), self._txnr))
        return unanswered if self._refused_at is None else min(unanswered, self._refused_at)

    def start_count(self) -> None:
        """Count ``acknowledged`` from here; nothing may be in flight."""
        self._counted_from = self._txnr

    def _find_place(self, txnr: int) -> int:
        """Find how many messages since ``start_count`` came before the one with this number."""
        return (txnr - self._counted_from) % _LARGEST_TXNR

    def receive(self, received: bytes) -> None:
        """Take what the receiver has sent.

        Raises:
            RelpError: If it breaks the rules of RELP, or does not accept the session.
        """
        for txnr, command, data in self._reader.feed(received):
            if command == b"rsp":
                self._note_response(txnr, data)
            elif txnr:
                raise RelpError(f"the receiver has sent the command {command.decode()!r}")
            elif command == b"serverclose":
                self.has_ended = True

    def _note_response(self, txnr: int, data: bytes) -> None:
        if txnr in self._in_flight:
            if data != _ACCEPTED:  # what is no response leaves the message in doubt
                self._note_refusal(txnr, RelpResponse.parse(data))
            self._bytes -= len(self._in_flight.pop(txnr))
        elif txnr and txnr == self._opening:
            self._opening = 0
            self._check_acceptance(RelpResponse.parse(data))
        elif txnr and txnr == self._closing:
            self.has_ended = True
        else:
            raise RelpError(f"the receiver has answered {txnr}, which is not in flight")

    def _note_refusal(self, txnr: int, response: RelpResponse) -> None:
        """Note the first refusal, if this response is one."""
        if response.code != 200 and not self.refusal:
            message = self._in_flight[txnr]
            begins = short_repr(message[:_SHOWN_BYTES])
            self.refusal = f"{response} to the one of {len(message)} bytes that begins {begins}"
            self._refused_at = self._find_place(txnr)

    def _check_acceptance(self, response: RelpResponse) -> None:
        if response.code != 200:
            raise RelpError(f"the receiver refuses the session: {response}")
        pairs = (line.partition(b"=") for line in response.data.split(b"\n"))
        offers = {name: set(values.split(b",")) for name, _, values in pairs}
        if not offers.get(b"relp_version", set()) & _VERSIONS:
            raise RelpError("the receiver offers no version of RELP that is known here")
        if b"syslog" not in offers.get(b"commands", set()):
            raise RelpError("the receiver does not take syslog messages over RELP")
        self.is_open = True

    def _take_txnr(self) -> int:
        txnr = self._txnr
        self._txnr = txnr % _LARGEST_TXNR + 1  # 0 is for hints
        return txnr
