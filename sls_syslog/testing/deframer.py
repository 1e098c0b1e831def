"""Split the bytes of a syslog stream into frames (RFC 6587). Sans-I/O, linear in the bytes.

It must not keep a frame that it has returned. It must not go on after an error: no later frame
boundary can be trusted.
"""

from __future__ import annotations

import re
from typing import Protocol

__all__ = [
    "AutoDeframer",
    "Deframer",
    "FramingError",
    "NewlineDeframer",
    "OctetCountingDeframer",
    "make_deframer",
]

# MSG-LEN has at most 9 digits here: a message of 1 GB or more means that the count is broken.
_MSG_LEN = re.compile(rb"[1-9][0-9]{0,8}(?= )")
_MSG_LEN_SO_FAR = re.compile(rb"(?:[1-9][0-9]{0,8})?\Z")
_SHOWN_BYTES = 24  # bytes of the broken part that an error shows: enough to recognise it


class FramingError(ValueError):
    """The stream breaks its framing, or it ended inside a frame.

    Attributes:
        frames: The complete frames before the error, of the same chunk.
        partial: The bytes after these frames.
    """

    def __init__(self, reason: str, *, frames: list[bytes], partial: bytes) -> None:
        self.frames = frames
        self.partial = partial
        super().__init__(f"{reason}: {len(partial)} bytes from {partial[:_SHOWN_BYTES]!r}")


class Deframer(Protocol):
    """The methods of every deframer."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Read the next bytes of the stream.

        Args:
            chunk: Any number of bytes.

        Returns:
            The frames that these bytes complete, without their framing.

        Raises:
            FramingError: The stream breaks its framing, in this chunk or in an earlier one.
        """

    def finish(self) -> None:
        """End the stream.

        Raises:
            FramingError: The stream ended inside a frame.
        """


class NewlineDeframer:
    """Splits frames that each end with one LF (RFC 6587 section 3.4.2).

    An empty line is an empty frame. A CR before the LF belongs to the frame. So the reader of the
    messages sees both and refuses them.
    """

    def __init__(self) -> None:
        self._partial: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Read the next bytes of the stream; see ``Deframer.feed``.

        Args:
            chunk: Any number of bytes.

        Returns:
            The lines that these bytes complete.
        """
        *lines, rest = chunk.split(b"\n")
        if lines and self._partial:
            self._partial.append(lines[0])
            lines[0] = b"".join(self._partial)
            self._partial = []
        if rest:
            self._partial.append(rest)
        return lines

    def finish(self) -> None:
        """End the stream.

        Raises:
            FramingError: The last line has no LF.
        """
        if self._partial:
            partial = b"".join(self._partial)
            raise FramingError("the stream ended before an LF", frames=[], partial=partial)


class OctetCountingDeframer:
    """Splits frames that each follow MSG-LEN and a space (RFC 6587 section 3.4.1).

    MSG-LEN is the length of the frame in bytes.
    """

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = 1
        self._error: FramingError | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Read the next bytes of the stream; see ``Deframer.feed``.

        Args:
            chunk: Any number of bytes.

        Returns:
            The frames that these bytes complete.

        Raises:
            FramingError: This chunk or an earlier one has a wrong MSG-LEN: not a number, a leading
                zero, more than 9 digits, or no space after it.
        """
        if self._error is not None:
            raise self._error
        self._chunks.append(chunk)
        self._have += len(chunk)
        # Join only complete frames: joining at every chunk makes a large frame quadratic.
        return self._cut_frames(b"".join(self._chunks)) if self._have >= self._need else []

    def finish(self) -> None:
        """End the stream.

        Raises:
            FramingError: The stream ended inside a frame, or its framing was broken earlier.
        """
        if self._error is not None:
            raise self._error
        if self._have:
            partial = b"".join(self._chunks)
            raise FramingError("the stream ended inside a frame", frames=[], partial=partial)

    def _cut_frames(self, data: bytes) -> list[bytes]:
        frames: list[bytes] = []
        at, end = 0, 0
        while (length := _MSG_LEN.match(data, at)) is not None:
            start = length.end() + 1
            end = start + int(length[0])
            if end > len(data):
                break
            frames.append(data[start:end])
            at = end
        self._keep(data[at:], end - at)
        if length is None and not _MSG_LEN_SO_FAR.match(data, at):
            reason = "expected MSG-LEN, a number without leading zero, and a space"
            self._error = FramingError(reason, frames=frames, partial=data[at:])
            raise self._error
        return frames

    def _keep(self, rest: bytes, frame_size: int) -> None:
        self._chunks = [rest] if rest else []
        self._have = len(rest)
        self._need = max(frame_size, len(rest) + 1)


class AutoDeframer:
    """Chooses the framing by the stream's first byte.

    ``<`` means newline framing. Any other byte means octet counting.
    """

    def __init__(self) -> None:
        self._chosen: Deframer | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Read the next bytes of the stream; see ``Deframer.feed``.

        Args:
            chunk: Any number of bytes.

        Returns:
            The frames that these bytes complete.
        """
        if self._chosen is None:
            if not chunk:
                return []
            newline = chunk.startswith(b"<")
            self._chosen = NewlineDeframer() if newline else OctetCountingDeframer()
        return self._chosen.feed(chunk)

    def finish(self) -> None:
        """End the stream; see ``Deframer.finish``."""
        if self._chosen is not None:
            self._chosen.finish()


_DEFRAMERS: dict[str | None, type[Deframer]] = {
    None: AutoDeframer,
    "newline": NewlineDeframer,
    "octet-counting": OctetCountingDeframer,
}


def make_deframer(framing: str | None) -> Deframer:
    """Make a deframer for one connection.

    Args:
        framing: ``newline`` or ``octet-counting``. None chooses by the first byte.

    Returns:
        The deframer.

    Raises:
        ValueError: The framing is unknown.
    """
    if framing not in _DEFRAMERS:
        raise ValueError(f"framing: expected newline, octet-counting or None, got {framing!r}")
    return _DEFRAMERS[framing]()
