"""``RetryPolicy``: when to retry.

Sans-I/O: it must not sleep or read a clock; the caller does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["RetryPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with full jitter.

    Each wait is a random time between zero and a bound; the n-th bound is ``first * factor ** n``,
    at most ``longest``. Random waits keep a hundred shards from connecting at the same moment.

    Attributes:
        first: Upper bound of the first wait, in seconds.
        factor: The factor from each bound to the next.
        longest: Upper bound of every wait, in seconds; a receiver that is back is found within
            this time.
    """

    first: float = 0.2
    factor: float = 2.0
    longest: float = 3.0

    def draw_delays(self) -> Iterator[float]:
        """Draw the waits between the tries, in seconds, without end."""
        bound = min(self.first, self.longest)
        while True:
            yield random.uniform(0, bound)  # noqa: S311  # jitter, not a secret
            bound = min(bound * self.factor, self.longest)
