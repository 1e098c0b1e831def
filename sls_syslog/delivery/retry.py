"""When to try again: a policy that is data.

Pure: it neither sleeps nor reads a clock; whoever waits does.
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
    ``longest``: the draw keeps a hundred shards from knocking at the same moment.

    Attributes:
        first: Upper bound of the first wait, in seconds.
        factor: How much each bound exceeds the one before.
        longest: No wait is longer, in seconds; so much later than it came back may a
            receiver be found.
    """

    first: float = 0.2
    factor: float = 2.0
    longest: float = 3.0

    def delays(self) -> Iterator[float]:
        """The waits between the tries, in seconds, without end."""
        bound = min(self.first, self.longest)
        while True:
            yield random.uniform(0, bound)  # noqa: S311  # jitter, not a secret
            bound = min(bound * self.factor, self.longest)
