"""Time limits: a deadline for several steps, and a stop that can shorten it.

Sans-I/O except for the clock.
"""

from __future__ import annotations

import math
import time
from threading import Event

__all__ = ["Allowance", "Deadline", "Stop"]

# Longest single wait, in seconds: a stop is noticed within this time.
_SLICE_SECONDS = 0.25


class Stop:
    """A request to end, made by one thread and noticed by others.

    Args:
        grace: Seconds that work in progress may still take. A healthy receiver can confirm the
            batch in this time, so that it is not sent again after the restart.
    """

    def __init__(self, grace: float = 2.0) -> None:
        self._grace = grace
        self._requested = Event()
        self._end = math.inf

    def request(self) -> None:
        """Request the end; requesting it again changes nothing."""
        if not self.requested:
            self._end = time.monotonic() + self._grace
            self._requested.set()

    @property
    def requested(self) -> bool:
        """Whether nothing new may begin."""
        return self._requested.is_set()

    @property
    def remaining(self) -> float:
        """Seconds left for work in progress; infinite before a request."""
        return max(0.0, self._end - time.monotonic())

    def wait(self, seconds: float) -> bool:
        """Sleep, but not beyond a request; return whether there was one."""
        return self._requested.wait(seconds)


class Deadline:
    """A point in time at most ``seconds`` from now, sooner after a stop.

    Args:
        seconds: The budget, in seconds.
        stop: May shorten it; ``None`` for no stop.

    Attributes:
        seconds: The budget.
    """

    def __init__(self, seconds: float, stop: Stop | None = None) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._stop = stop or Stop()

    @property
    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return min(max(0.0, self._end - time.monotonic()), self._stop.remaining)

    @property
    def is_stopped(self) -> bool:
        """Whether a stop has shortened it."""
        return self._stop.requested

    def renew(self) -> None:
        """Start the budget again, because there was progress."""
        self._end = time.monotonic() + self.seconds

    def share(self, parts: int) -> Deadline:
        """Make a deadline for the first of ``parts`` steps that share this one."""
        return self if parts == 1 else self.shorten(self.remaining / parts)

    def shorten(self, seconds: float) -> Deadline:
        """Make a deadline at most ``seconds`` from now, and no later than this one."""
        return Deadline(min(seconds, self.remaining), self._stop)

    def take_slice(self) -> float:
        """Return the seconds that one wait may take; short, so that a stop is noticed.

        Raises:
            TimeoutError: If no time is left.
        """
        seconds = min(self.remaining, _SLICE_SECONDS)
        if seconds > 0:
            return seconds
        why = "stopped" if self.is_stopped else f"nothing for {self.seconds:.3g} s"
        raise TimeoutError(why)


class Allowance:
    """A share of the time, for work whose amount another machine decides.

    What is not used is saved, up to a limit, for the beginning of the next work. So a little work
    never waits, and work without end takes its share of a processor and no more.

    Args:
        share: The share of the time, between 0 and 1.
        saved: Most seconds of work to save.
        least: Seconds of work that a pause saves at least; many short pauses cost more than few.
        longest: Most seconds of a pause. Work that took much longer than usual, because Python
            collected garbage meanwhile for example, then takes more than its share once.
    """

    def __init__(self, share: float, saved: float, least: float, longest: float = math.inf) -> None:
        self._share, self._most, self._least, self._longest = share, saved, least, longest
        self._saved = saved
        self._resume_at = self._at = time.monotonic()

    def spend(self, seconds: float) -> None:
        """Note that the work has used this many seconds of CPU."""
        before, self._at = self._at, time.monotonic()
        saved = self._saved + (self._at - before) * self._share
        self._saved = min(saved, self._most) - seconds
        if self._saved <= 0:
            pause = (self._least - self._saved) / self._share
            self._resume_at = self._at + min(pause, self._longest)

    @property
    def wait(self) -> float:
        """Seconds until the work may go on; 0 if it may now."""
        return max(0.0, self._resume_at - time.monotonic())
