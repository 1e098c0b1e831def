"""When to try again: a policy that is data.

Sans-I/O: it neither sleeps nor reads a clock; the caller does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["RetryPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with full jitter.

    The n-th wait is drawn between zero and ``first * factor ** n``, but not above
    ``longest``. The draw keeps a hundred shards from connecting at the same moment.

    Attributes:
        first: Upper bound of the first wait, in seconds.
        factor: How many times the bound before each bound is.
        longest: Upper bound of every wait, in seconds: a receiver that is back is found after
            this time at the latest.
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
