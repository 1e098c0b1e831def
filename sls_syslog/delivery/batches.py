"""The batches of a window: what they hold, and what is cut out of them.

Sans-I/O: it must not send, and does not know what is confirmed.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sls_syslog.delivery.ledger import Tally

__all__ = [
    "Batch",
    "count_bytes",
    "cut_piece",
    "drop_larger",
    "drop_message",
    "find_message",
    "find_other_message",
    "get_last_message",
    "list_messages",
    "remove_messages",
    "split_messages",
]


@dataclass
class Batch:
    """One batch of logs, encoded.

    Attributes:
        frames: The bytes to send. Each is one message; under newline framing, one or several.
        end: The cursor after the batch.
        tally: What happened to its logs.
        removed: Messages that were removed from its head because the receiver has them.
        is_split: Whether each frame is one message for sure.
        is_part: Whether it ends where it begins, because a log behind it is held: SLS will deliver
            its logs again even if the receiver has them.
    """

    frames: list[bytes]
    end: str
    tally: Tally
    removed: int = 0
    is_split: bool = False
    is_part: bool = False

    @property
    def logs(self) -> int:
        """The number of its logs, with those that were confirmed before."""
        return self.tally.logs + self.tally.again


def count_bytes(batches: Iterable[Batch]) -> int:
    """Count the bytes of whole batches; messages that were removed count too."""
    return sum(batch.tally.size for batch in batches)


def list_messages(batches: Iterable[Batch]) -> Iterator[bytes]:
    """List the frames of all batches, in order."""
    return itertools.chain.from_iterable(batch.frames for batch in batches)


def split_messages(batches: Iterable[Batch]) -> None:
    """Split frames that hold several lines, so that each frame is one message."""
    for batch in batches:
        if not batch.is_split:
            frames = batch.frames
            lines = [line + b"\n" for frame in frames for line in frame.split(b"\n")[:-1]]
            batch.frames, batch.is_split = lines, True


def cut_piece(batches: Iterable[Batch], size: int, most: int) -> list[bytes]:
    """Copy a piece of the messages, from the head of the window.

    Args:
        batches: The window.
        size: The most bytes; one message is always allowed.
        most: The most messages.
    """
    piece: list[bytes] = []
    for frame in itertools.islice(list_messages(batches), most):
        size -= len(frame)
        if piece and size < 0:
            break
        piece.append(frame)
    return piece


def remove_messages(batches: Sequence[Batch], number: int) -> int:
    """Remove messages from the head of the window.

    Returns:
        How many batches at the head are empty now, or were before.
    """
    for empty, batch in enumerate(batches):
        taken = min(number, len(batch.frames))
        del batch.frames[:taken]
        batch.removed += taken
        number -= taken
        if batch.frames:
            return empty
    return len(batches)


def drop_larger(batches: Iterable[Batch], size: int) -> None:
    """Drop the messages of ``size`` bytes or more, and count them as dropped."""
    for batch in batches:
        kept = [frame for frame in batch.frames if len(frame) < size]
        _count_dropped(batch, "oversize", len(batch.frames) - len(kept))
        batch.frames = kept


def find_message(batches: Iterable[Batch], message: bytes) -> Batch | None:
    """Find the first batch that holds a message."""
    return next((batch for batch in batches if message in batch.frames), None)


def find_other_message(batches: Iterable[Batch], message: bytes) -> bytes | None:
    """Find any other message."""
    others = [frame for frame in list_messages(batches) if frame != message]
    return random.choice(others) if others else None  # noqa: S311  # no secret


def get_last_message(batches: Iterable[Batch]) -> bytes | None:
    """Return the last message, if it is in memory; also out of a frame of several lines."""
    last = None
    for batch in batches:
        if batch.frames:
            last = batch
    if last is None:
        return None
    frame = last.frames[-1]
    return frame if last.is_split else frame[frame.rfind(b"\n", 0, -1) + 1 :]


def drop_message(batch: Batch, message: bytes) -> None:
    """Drop one message of a batch, and count it as refused."""
    batch.frames.remove(message)
    _count_dropped(batch, "refused", 1)


def _count_dropped(batch: Batch, cause: str, messages: int) -> None:
    # A log that was split has several messages.
    batch.tally.outcomes[f"dropped_{cause}"] += min(messages, batch.tally.to_confirm)
