"""``HalfCloseAnswer``: what is known about a receiver's answer to a half-close, and what follows.

A receiver that reads but never answers can be used at ``acked`` only. A receiver that hangs does
not answer either, and must not be used at ``acked``. This module must do no I/O:
``confirmation.py`` asks the receiver, and ``Connection.finish`` waits for the answer.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from enum import Enum
from threading import Lock

from sls_syslog.network.timings import Timings
from sls_syslog.safe_logger import SafeLogger

__all__ = ["LEVEL_BY_ANSWER", "UNANSWERED", "Answer", "HalfCloseAnswer"]

logger = SafeLogger("sls_syslog.network")

UNANSWERED = (
    "the receiver does not answer a half-close: it hangs, or it never answers one; if you know that"
    " it never closes its side of a connection, set confirm='acked'"
)
"""The problem in an error or a finding about a receiver that is doubted."""

# How often in a row a receiver that has answered before may be silent: once, it may hang.
_SILENCES = 2


class Answer(Enum):
    """What is known about a receiver's answer to a half-close."""

    UNKNOWN = "it has not been asked yet"
    GIVEN = "it has answered, so it can"
    DOUBTED = "it has not answered: it cannot, or it hangs"
    NONE = "it is alive and reads, but does not answer"
    RESET = "it answers by a reset, even if it had nothing to read"


LEVEL_BY_ANSWER = {
    Answer.UNKNOWN: "consumed",
    Answer.GIVEN: "consumed",
    Answer.DOUBTED: "held",
    Answer.NONE: "acked",
    Answer.RESET: "acked",
}
"""The level of confirmation that ``auto`` means, by what is known. ``held`` is ``acked``, but waits
until the receiver is known to read."""


class HalfCloseAnswer:
    """What is known about one receiver; all shards that ship to it share this object.

    Another receiver may take its place at any time, so nothing is known for ever: what fits no
    longer is asked again.

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
        self._answered_at = -math.inf
        self._silences = 0  # in a row, of a receiver that has answered before

    def mark_answered(self) -> None:
        """Note that the receiver has answered."""
        self._answered_at, self._silences = self._clock(), 0
        if self.known is not Answer.GIVEN:
            self._learn(Answer.GIVEN, self._answered_at)

    def mark_silent(self) -> None:
        """Note that the receiver has not answered.

        At the second time in a row it is asked again: it hangs, or it is another receiver.
        """
        with self._lock:
            self._silences += self.known is Answer.GIVEN
            if self._silences >= _SILENCES:
                self.known, self._silences = Answer.UNKNOWN, 0

    def probe_if_unknown(self, probe: Callable[[], Answer]) -> None:
        """Call ``probe`` if nothing is known yet."""
        if self.known is Answer.UNKNOWN:
            asked_at = self._clock()
            self._learn(probe(), asked_at)

    def probe_reset(self, probe: Callable[[], Answer]) -> None:
        """Call ``probe`` to learn whether the receiver answers by a reset at all times."""
        asked_at = self._clock()
        answer = probe()
        if answer is Answer.RESET:
            self._learn(answer, asked_at)

    def judge_reading(self, probe: Callable[[], Answer]) -> None:
        """Judge a doubted receiver that reads; if ``probe`` gets no answer, it cannot answer."""
        asked_at = self._clock()
        answer = probe()
        self._learn(Answer.NONE if answer is Answer.DOUBTED else answer, asked_at)

    def probe_again(self, probe: Callable[[], Answer]) -> None:
        """Call ``probe`` again if the last probe is long enough ago."""
        with self._lock:
            asked_at = self._clock()
            if self.known in {Answer.UNKNOWN, Answer.GIVEN}:
                return
            if asked_at - self._asked_at < self._interval:
                return
            self._asked_at = asked_at  # one shard probes for all
        answer = probe()
        # Silence is no news of a receiver that never answers.
        if answer is not Answer.DOUBTED or self.known is Answer.RESET:
            self._learn(answer, asked_at)

    def _learn(self, answer: Answer, asked_at: float) -> None:
        with self._lock:
            before = self.known
            is_old = answer is not Answer.GIVEN and self._answered_at > asked_at
            if answer is Answer.UNKNOWN or is_old:  # another shard was answered meanwhile
                return
            self.known, self._asked_at = answer, self._clock()
        line = _LINES.get((before, answer))
        if line:
            logger.log(*line, self._destination)


_FROM_NOW_ON = (
    ": from now on a message counts as delivered when the receiver's kernel has acknowledged it"
    " (confirm='acked')"
)
_NEVER = "%s never answers a half-close" + _FROM_NOW_ON
_BY_RESET = "%s ends each connection by a reset" + _FROM_NOW_ON
_LINES = {
    (Answer.UNKNOWN, Answer.NONE): (logging.WARNING, _NEVER),
    (Answer.DOUBTED, Answer.NONE): (logging.INFO, _NEVER),  # after the warning of an outage
    (Answer.RESET, Answer.NONE): (logging.WARNING, _NEVER),
    (Answer.UNKNOWN, Answer.RESET): (logging.WARNING, _BY_RESET),
    (Answer.GIVEN, Answer.RESET): (logging.WARNING, _BY_RESET),
    (Answer.DOUBTED, Answer.RESET): (logging.WARNING, _BY_RESET),
    (Answer.NONE, Answer.RESET): (logging.WARNING, _BY_RESET),
    (Answer.DOUBTED, Answer.GIVEN): (logging.INFO, "%s answers half-closes again"),
    (Answer.NONE, Answer.GIVEN): (logging.INFO, "%s answers half-closes now"),
    (Answer.RESET, Answer.GIVEN): (logging.INFO, "%s answers half-closes now"),
}
"""What to log when something new is known."""
