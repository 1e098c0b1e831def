"""The contract between the rows of logs and the payloads that write them.

A payload that writes many logs at once needs these names, and nothing of protobuf.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["BETWEEN", "Columns", "Row", "Shape", "Writer"]

BETWEEN = b"\x12"
"""A byte that hardly any value holds, and none that may go out as it is: a control character."""

Columns: TypeAlias = Sequence[tuple[str, str | None]]
"""The fields of logs that have the same ones: name and text; ``None`` where each has its own."""

Writer: TypeAlias = Callable[[tuple[bytes, ...]], bytes | None]
"""Writes the MSG part of a log from the values, in UTF-8, of those fields that have no text;
``None`` where a value needs more than it does."""

Row: TypeAlias = "tuple[Shape, int, int, tuple[bytes, ...]]"
"""A log: its shape, seconds since 1970, nanoseconds, and its values as they came, not looked at."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Logs that have the same keys in the same order; one object for all of them.

    Attributes:
        keys: The keys; no two are the same, and none could pass for what SLS says of the log.
    """

    keys: tuple[str, ...]
