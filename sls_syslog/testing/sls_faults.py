"""Faults on demand: which request is to fail next, and how.

Pure bookkeeping; what a fault does to a connection is the server's work (``sls_http``).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

__all__ = ["Fault", "FaultPlan"]


@dataclass(kw_only=True)
class Fault:
    """One planned fault.

    Attributes:
        status: The HTTP status of the answer. None: the request is served as usual, ``delay`` late.
        code: The API's errorCode.
        message: The API's errorMessage.
        times: How many more requests it hits. None means all, until it is cleared.
        delay: Seconds before the answer.
        drop: Close the connection instead of answering.
        after: How many more requests pass unharmed first.
    """

    status: int | None
    code: str
    message: str
    times: int | None
    delay: float
    drop: bool
    after: int

    def hits(self) -> bool:
        """Count one request; whether it is hit."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class FaultPlan:
    """The planned faults by operation; the oldest that hits wins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, list[Fault]] = {}

    def add(self, operation: str, fault: Fault) -> None:
        """Plan a fault."""
        with self._lock:
            self._faults.setdefault(operation, []).append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def next(self, operation: str) -> Fault | None:
        """Return the fault that hits this request, if any."""
        with self._lock:
            return next((fault for fault in self._faults.get(operation, ()) if fault.hits()), None)
