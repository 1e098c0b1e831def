"""Planned faults: which request fails next, and how.

Sans-I/O: it must not touch a connection. ``sls_http`` plays the faults.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

__all__ = ["Fault", "FaultPlan"]


@dataclass(kw_only=True)
class Fault:
    """One planned fault.

    Attributes:
        status: The HTTP status of the answer. None answers correctly, after ``delay``.
        code: The errorCode of the answer.
        message: The errorMessage of the answer.
        times: The number of requests that still fail. None means all, until the fault is cleared.
        delay: Seconds before the answer.
        drop: Close the connection without an answer.
        after: The number of requests that still pass before the first failure.
    """

    status: int | None
    code: str
    message: str
    times: int | None
    delay: float
    drop: bool
    after: int

    def count_request(self) -> bool:
        """Count one request. Return whether it fails."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class FaultPlan:
    """The planned faults by operation. If several match a request, the oldest one is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, list[Fault]] = {}

    def add(self, operation: str, fault: Fault) -> None:
        """Plan a fault."""
        with self._lock:
            self._faults.setdefault(operation, []).append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def take_next(self, operation: str) -> Fault | None:
        """Count one request of an operation. Return the fault that it meets, or None."""
        with self._lock:
            faults = self._faults.get(operation, ())
            return next((fault for fault in faults if fault.count_request()), None)
