"""RELP frames: bytes to send for a command, and the frames in what a receiver sends.

Sans-I/O. What is kept of unread bytes has a limit. The specification is ``doc/relp.md`` of librelp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from sls_syslog.errors import short_repr

__all__ = ["FrameReader", "RelpError", "RelpFrame", "RelpResponse", "encode_frame"]

# Bytes of data in one frame of a receiver. A response is a code and a short text; only the one to
# ``open`` has more, and that is some offers.
_MOST_DATA_BYTES = 16 * 1024
# The header up to its length; what follows shows that the length is complete.
_HEADER = re.compile(rb"([0-9]{1,9}) ([A-Za-z]{1,32}) ([0-9]{1,9})(?=([ \n]))")
# A header that is not complete yet.
_HEADER_BEGINNING = re.compile(rb"[0-9]{1,9}(?: (?:[A-Za-z]{1,32}(?: [0-9]{0,9})?)?)?")
_RESPONSE = re.compile(rb"([0-9]{3})(?: ([^\n]*))?(?:\n(.*))?", re.DOTALL)


class RelpError(ConnectionAbortedError):
    """Raised when a receiver breaks the rules of RELP, or ends the session."""


class RelpFrame(NamedTuple):
    """One frame.

    Attributes:
        txnr: The transaction number; 0 for a hint.
        command: The command; ``rsp`` for a response.
        data: The data; empty for none.
    """

    txnr: int
    command: bytes
    data: bytes


@dataclass(frozen=True)
class RelpResponse:
    """The data of a response.

    Attributes:
        code: 200 if the command was carried out.
        text: What the receiver says about it.
        data: What belongs to the command; for ``open`` the receiver's offers.
    """

    code: int
    text: str
    data: bytes

    @classmethod
    def parse(cls, data: bytes) -> RelpResponse:
        """Read the data of a response.

        Raises:
            RelpError: If it has no code.
        """
        match = _RESPONSE.fullmatch(data)
        if match is None:
            raise RelpError(f"the receiver's response has no code: {short_repr(data)}")
        text = (match[2] or b"").decode("utf-8", "replace")
        return cls(int(match[1]), text, match[3] or b"")

    def __str__(self) -> str:
        return short_repr(f"{self.code} {self.text}".rstrip())


def encode_frame(txnr: int, command: bytes, data: bytes) -> bytes:
    """Make the bytes of a frame.

    Args:
        txnr: The transaction number, at most 9 digits.
        command: At most 32 letters.
        data: At most 999,999,999 bytes; without data there is no space before it either.
    """
    if not data:
        return b"%d %b 0\n" % (txnr, command)
    return b"%d %b %d %b\n" % (txnr, command, len(data), data)


class FrameReader:
    """Finds the frames in a stream of bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> list[RelpFrame]:
        """Take the next bytes of the stream; return the frames that are complete with them.

        Raises:
            RelpError: If the bytes are not RELP, or a frame is too long.
        """
        stream = self._rest + received
        frames: list[RelpFrame] = []
        at = 0
        while at < len(stream):
            header = _HEADER.match(stream, at)
            if header is None:
                if _HEADER_BEGINNING.fullmatch(stream, at):
                    break
                raise RelpError(_describe(stream, at))
            size = int(header[3])
            if size > _MOST_DATA_BYTES:
                raise RelpError(f"the receiver's answer has {size} bytes; a response is short")
            if (header[4] == b" ") != (size > 0):
                raise RelpError(_describe(stream, at))
            begin = header.end() + (size > 0)
            end = begin + size
            if len(stream) <= end:
                break
            if stream[end : end + 1] != b"\n":
                raise RelpError(_describe(stream, at))
            frames.append(RelpFrame(int(header[1]), header[2], stream[begin:end]))
            at = end + 1
        self._rest = stream[at:]
        return frames


def _describe(stream: bytes, at: int) -> str:
    return f"what the receiver answers is not RELP: {short_repr(stream[at : at + 80])}"
