"""``HalfCloseAnswer``: what is known about a receiver's answer to a half-close, and what follows.

A receiver that reads but never answers can be used at ``acked`` only. A receiver that hangs does
not answer either, and must not be used at ``acked``. This module must do no I/O:
``confirmation.py`` asks the receiver, and ``Connection.finish`` waits for the answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import Enum
from threading import Lock

from sls_syslog.network.timings import Timings

__all__ = ["LEVEL_BY_ANSWER", "UNANSWERED", "Answer", "HalfCloseAnswer"]

logger = logging.getLogger("sls_syslog.network")

UNANSWERED = (
    "the receiver does not answer a half-close: it hangs, or it never answers one; if you know that"
    " it never closes its side of a connection, set confirm='acked'"
)
"""The problem in an error or a finding about a receiver that is doubted."""


class Answer(Enum):
    """What is known about a receiver's answer to a half-close."""

    UNKNOWN = "it has not been asked yet"
    GIVEN = "it has answered once, so it can"
    DOUBTED = "it has not answered: it cannot, or it hangs"
    NONE = "it is alive and reads, but does not answer"


LEVEL_BY_ANSWER = {
    Answer.UNKNOWN: "consumed",
    Answer.GIVEN: "consumed",
    Answer.DOUBTED: "held",
    Answer.NONE: "acked",
}
"""The level of confirmation that ``auto`` means, by what is known. ``held`` is ``acked``, but waits
until the receiver is known to read."""


class HalfCloseAnswer:
    """What is known about one receiver; all shards that ship to it share this object.

    Args:
        destination: The receiver, for log lines.
        timings: How long to wait before another probe.
        clock: Returns seconds, counted from any origin.

    Attributes:
        known: What is known now.
    """

    def __init__(
        self,
        destination: str,
        timings: Timings = Timings(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.known = Answer.UNKNOWN
        self._destination = destination
        self._interval = timings.half_close_probe_interval
        self._clock = clock
        self._lock = Lock()
        self._asked_at = clock()

    def mark_answered(self) -> None:
        """Note that the receiver has answered; from now on, silence means that it hangs."""
        if self.known is not Answer.GIVEN:
            self._learn(Answer.GIVEN)

    def probe_if_unknown(self, probe: Callable[[], Answer]) -> None:
        """Call ``probe`` if nothing is known yet."""
        if self.known is Answer.UNKNOWN:
            self._learn(probe())

    def judge_reading(self, probe: Callable[[], Answer]) -> None:
        """Judge a doubted receiver that reads; if ``probe`` gets no answer, it cannot answer."""
        answer = probe()
        if answer is not Answer.UNKNOWN:
            self._learn(Answer.GIVEN if answer is Answer.GIVEN else Answer.NONE)

    def probe_again(self, probe: Callable[[], Answer]) -> None:
        """Call ``probe`` again if the last probe is long enough ago."""
        with self._lock:
            if self.known in {Answer.UNKNOWN, Answer.GIVEN}:
                return
            now = self._clock()
            if now - self._asked_at < self._interval:
                return
            self._asked_at = now  # one shard probes for all
        if probe() is Answer.GIVEN:
            self._learn(Answer.GIVEN)

    def _learn(self, answer: Answer) -> None:
        with self._lock:
            before = self.known
            if before is Answer.GIVEN:  # another shard was answered meanwhile
                return
            self.known, self._asked_at = answer, self._clock()
        line = _LINES.get((before, answer))
        if line:
            logger.log(*line, self._destination)


_NOW_ACKED = (
    "%s never answers a half-close: from now on a message counts as delivered when the"
    " receiver's kernel has acknowledged it (confirm='acked')"
)
_LINES = {
    (Answer.UNKNOWN, Answer.NONE): (logging.WARNING, _NOW_ACKED),
    (Answer.DOUBTED, Answer.NONE): (logging.INFO, _NOW_ACKED),
    (Answer.DOUBTED, Answer.GIVEN): (logging.INFO, "%s answers half-closes again"),
    (Answer.NONE, Answer.GIVEN): (logging.INFO, "%s answers half-closes now"),
}
