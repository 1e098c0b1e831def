"""What a plain run leaves for the gate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["keep_first"]


def keep_first(values: Iterable[Any], count: int = 1) -> list[Any]:
    """Return parameters of a test, of which a plain run has the first ones only.

    Args:
        values: The parameters; what ``pytest.param`` made may stand among them.
        count: How many a plain run has.
    """
    first, others = [*values][:count], [*values][count:]
    return [*first, *(_leave(value) for value in others)]


def _leave(value: Any) -> Any:
    if hasattr(value, "marks"):  # made by pytest.param
        marks = {mark.name: mark for mark in (*value.marks, pytest.mark.gate.mark)}
        return pytest.param(*value.values, id=value.id, marks=[*marks.values()])
    return pytest.param(value, marks=pytest.mark.gate)
