"""What a sample is, and helpers that write one: data for tests.

This module must never import anything that makes events of logs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ACCOUNT", "AGENT", "TIME", "Row", "Sample", "compact", "log", "rows"]


@dataclass(frozen=True)
class Row:
    """One value of an event.

    Attributes:
        cef: Its key in CEF.
        leef: Its key in LEEF.
        value: The value.
        label: Its label in CEF, ``""`` for keys that have none.
    """

    cef: str
    leef: str
    value: str
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A log, and the event that it is.

    Attributes:
        id: What this sample is about.
        mapping: The name of the mapping it is for.
        log: The log.
        class_id: The event class id that is expected, and the other parts of CEF's header.
        rows: The expected values.
    """

    id: str
    mapping: str
    log: Mapping[str, str]
    product: str
    class_id: str
    name: str
    severity: str
    rows: tuple[Row, ...]


ACCOUNT = "1234567890123456"
TIME = 1793678405  # 2026-11-03T04:00:05Z
AGENT = "7b4f5f0e-3c9a-4f53-9d40-0c1f3a5b7d11"


def log(topic: str, /, **fields: str) -> dict[str, str]:
    """A log as the library sees it."""
    said_by_sls = {"__time__": str(TIME), "__topic__": topic, "__source__": "log_service"}
    return {**said_by_sls, **fields}


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def rows(text: str) -> tuple[Row, ...]:
    r"""Rows from lines ``key value``, ``key leef-key value`` or ``key [label] value``.

    The name between is that of LEEF, or with brackets the label, which LEEF has for a key; the
    lines of a key that has the same name in both have ``=`` in its place. ``[label=name]`` has
    LEEF's name too. ``\n`` is a line feed.
    """
    return tuple(_row(line.strip()) for line in text.strip().splitlines())


def _row(line: str) -> Row:
    cef, leef, value = line.split(" ", 2)
    label, _, name = leef.strip("[]").partition("=") if leef.startswith("[") else ("", "", "")
    leef = name or label or (cef if leef == "=" else leef)
    return Row(cef, leef, value.replace("\\n", "\n"), label)
