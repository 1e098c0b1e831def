"""What this process has learnt of its receivers: whether they answer a half-close.

A receiver that does not, although it reads, can only be used at ``acked``; one that does not
because it hangs must not be. Pure, but for the clock; who probes is ``stream.py``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from threading import Lock

__all__ = ["UNANSWERED", "Answer", "HalfCloses", "half_closes"]

logger = logging.getLogger("sls_syslog.network")

UNANSWERED = (
    "the receiver does not answer a half-close: it hangs, or it never does; if it is known never"
    " to close its side of a connection, set confirm='acked'"
)
"""What to tell whoever waits for a receiver that is doubted."""

# Seconds between two looks at whether a receiver answers by now.
_TRY_AGAIN = 60.0


class Answer(Enum):
    """What is known of a receiver's answer to a half-close."""

    UNKNOWN = "nobody has asked yet"
    GIVEN = "it has answered once, so it can"
    DOUBTED = "it has not answered: it cannot, or it hangs"
    NONE = "it is alive, reads, and does not answer"


@dataclass
class _Knowledge:
    answer: Answer
    since: float


class HalfCloses:
    """Keeps what is known for each destination; shards that ship to one share it.

    Args:
        clock: Seconds, from any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, _Knowledge] = {}

    def known(self, destination: str) -> Answer:
        """What is known of a receiver."""
        knowledge = self._known.get(destination)
        return knowledge.answer if knowledge else Answer.UNKNOWN

    def answered(self, destination: str) -> None:
        """It has answered: from now on silence means that it hangs."""
        if self.known(destination) is not Answer.GIVEN:
            self._learn(destination, Answer.GIVEN)

    def find_out(self, destination: str, probe: Callable[[], Answer]) -> None:
        """Ask with ``probe``, if nothing is known of it yet."""
        if self.known(destination) is Answer.UNKNOWN:
            self._learn(destination, probe())

    def found_alive(self, destination: str, probe: Callable[[], Answer]) -> None:
        """It is doubted, and is now known to read: if it does not answer, it cannot."""
        answer = probe()
        if answer is not Answer.UNKNOWN:
            self._learn(destination, Answer.GIVEN if answer is Answer.GIVEN else Answer.NONE)

    def try_again(self, destination: str, probe: Callable[[], Answer]) -> None:
        """Ask once more, a minute after it was last asked: it may have hung only."""
        with self._lock:
            knowledge = self._known.get(destination)
            if knowledge is None or knowledge.answer is Answer.GIVEN:
                return
            if self._clock() - knowledge.since < _TRY_AGAIN:
                return
            knowledge.since = self._clock()  # one shard asks for all
        if probe() is Answer.GIVEN:
            self._learn(destination, Answer.GIVEN)

    def _learn(self, destination: str, answer: Answer) -> None:
        with self._lock:
            before = self.known(destination)
            if before is Answer.GIVEN:  # another shard was answered meanwhile
                return
            self._known[destination] = _Knowledge(answer, self._clock())
        line = _LINES.get((before, answer))
        if line:
            logger.log(*line, destination)


_NOW_ACKED = (
    "%s never answers a half-close: from now on a message counts as delivered when the"
    " receiver's kernel has acknowledged it (confirm='acked')"
)
_LINES = {
    (Answer.UNKNOWN, Answer.NONE): (logging.WARNING, _NOW_ACKED),
    (Answer.DOUBTED, Answer.NONE): (logging.INFO, _NOW_ACKED),
    (Answer.DOUBTED, Answer.GIVEN): (logging.INFO, "%s answers half-closes again"),
    (Answer.NONE, Answer.GIVEN): (logging.INFO, "%s answers half-closes by now"),
}

half_closes = HalfCloses()
"""What this process knows."""
