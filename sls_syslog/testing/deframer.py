"""Cut the bytes of a syslog stream into frames, in whatever pieces they arrive (RFC 6587).

Pure and strict: it does no input or output, keeps no frame it has handed out, and never resumes
after an error, because from there on no boundary can be trusted. The work is linear in the bytes.
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
    "deframer_for",
]

_MSG_LEN = re.compile(rb"[1-9][0-9]{0,8}(?= )")  # below 1 GB: more is a broken count
_MSG_LEN_SO_FAR = re.compile(rb"(?:[1-9][0-9]{0,8})?\Z")
_SHOWN_BYTES = 24


class FramingError(ValueError):
    """The stream breaks its framing, or ended inside a frame.

    Attributes:
        frames: The frames of the same chunk that were complete before the error.
        partial: The bytes that form no frame, from the first one that does not fit.
    """

    def __init__(self, reason: str, *, frames: list[bytes], partial: bytes) -> None:
        self.frames = frames
        self.partial = partial
        super().__init__(f"{reason}: {len(partial)} bytes from {partial[:_SHOWN_BYTES]!r}")


class Deframer(Protocol):
    """What every splitter offers."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes of the stream.

        Args:
            chunk: Any number of bytes.

        Returns:
            The frames that these bytes complete, without their framing.

        Raises:
            FramingError: The stream breaks its framing here, or did before.
        """

    def finish(self) -> None:
        """Take the end of the stream.

        Raises:
            FramingError: It ended inside a frame.
        """


class NewlineDeframer:
    """Frames that each end with one LF (RFC 6587 section 3.4.2).

    An empty line is an empty frame, and a CR before the LF belongs to the frame: the reader of the
    messages is to see, and refuse, what should not be there.
    """

    def __init__(self) -> None:
        self._partial: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes of the stream; see ``Deframer.feed``.

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
        """Take the end of the stream.

        Raises:
            FramingError: The last line has no LF.
        """
        if self._partial:
            partial = b"".join(self._partial)
            raise FramingError("the stream ended before an LF", frames=[], partial=partial)


class OctetCountingDeframer:
    """Frames that each follow their length in bytes and a space (RFC 6587 section 3.4.1)."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = 1
        self._error: FramingError | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes of the stream; see ``Deframer.feed``.

        Args:
            chunk: Any number of bytes.

        Returns:
            The frames that these bytes complete.

        Raises:
            FramingError: A MSG-LEN is no number without leading zero and a space, here or before.
        """
        if self._error is not None:
            raise self._error
        self._chunks.append(chunk)
        self._have += len(chunk)
        # Joining only when a whole frame is there keeps a large frame in small pieces linear.
        return self._cut(b"".join(self._chunks)) if self._have >= self._need else []

    def finish(self) -> None:
        """Take the end of the stream.

        Raises:
            FramingError: It ended inside a frame, or was broken before.
        """
        if self._error is not None:
            raise self._error
        if self._have:
            partial = b"".join(self._chunks)
            raise FramingError("the stream ended inside a frame", frames=[], partial=partial)

    def _cut(self, data: bytes) -> list[bytes]:
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
    """Decides once, by the first byte: ``<`` means LF, and anything else has to be a MSG-LEN."""

    def __init__(self) -> None:
        self._chosen: Deframer | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes of the stream; see ``Deframer.feed``.

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
        """Take the end of the stream; see ``Deframer.finish``."""
        if self._chosen is not None:
            self._chosen.finish()


_DEFRAMERS: dict[str | None, type[Deframer]] = {
    None: AutoDeframer,
    "newline": NewlineDeframer,
    "octet-counting": OctetCountingDeframer,
}


def deframer_for(framing: str | None) -> Deframer:
    """A fresh deframer for one connection.

    Args:
        framing: ``newline``, ``octet-counting``, or None to decide by the first byte.

    Returns:
        The deframer.

    Raises:
        ValueError: There is no such framing.
    """
    if framing not in _DEFRAMERS:
        raise ValueError(f"framing: expected newline, octet-counting or None, got {framing!r}")
    return _DEFRAMERS[framing]()
