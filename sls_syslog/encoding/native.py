"""Loads the compiled helper, ``helper/module.c``, where it is built and wanted.

It is optional: pure Python writes the same bytes. No other module may import the helper.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, TypeAlias

from sls_syslog.logs.protobuf import Text

__all__ = [
    "HELPER",
    "NANOSECONDS",
    "NO_SOURCE",
    "PURE_PYTHON",
    "SECONDS",
    "FoundGroup",
    "Helper",
    "Part",
    "load_helper",
]

HELPER = "sls_syslog.encoding._native"
"""The compiled module."""

PURE_PYTHON = "SLS_SYSLOG_PUREPYTHON"
"""The environment variable that turns the helper off: any value but ``0`` and nothing."""

NO_SOURCE, SECONDS, NANOSECONDS = -1, -2, -3
"""Sources of a ``Part`` besides the numbers of fields."""

Part: TypeAlias = "tuple[bytes, int, int]"
"""A literal, the source of the value after it, and the number of the escape."""

FoundGroup: TypeAlias = (
    "tuple[tuple[Text, Text, tuple[tuple[Text, Text], ...], int, int, int], tuple[int, int]]"
)
"""What a ``Group`` says of itself: topic, source, tags, logs, first, last; and begin, end."""

# The version of what the helper offers.
_INTERFACE = 9


class Helper(Protocol):
    """The compiled functions. They raise ``TypeError`` or ``ValueError`` for wrong arguments."""

    def is_legal(self, text: bytes, /) -> bool:
        """Whether this is UTF-8 that no newline policy would change."""

    def compile_layout(
        self,
        keys: tuple[bytes, ...],
        has_nanoseconds: bool,
        parts: tuple[Part, ...] | None,
        separator: bytes,
        /,
    ) -> Any:
        """Compile how to write logs with the same keys.

        Args:
            keys: The keys, in order.
            has_nanoseconds: Whether the logs have nanoseconds other than 0.
            parts: The text; ``None`` if Python has to write these logs.
            separator: The separator, for values in quotes.

        Returns:
            An object for ``render_group``.
        """

    def compile_event_layout(
        self, keys: tuple[bytes, ...], has_nanoseconds: bool, event: tuple[Any, ...], /
    ) -> Any:
        """Compile how to write logs with the same keys that become events.

        Args:
            keys: The keys, in order.
            has_nanoseconds: Whether the logs have nanoseconds other than 0.
            event: The attributes of an ``EventLayout``, with the source of each value, as in a
                ``Part``, in place of ``places``: ``NO_SOURCE`` for a value inside JSON. Behind
                these, the fields with such values: the source, and the nodes of ``make_trie``. No
                text may need a change by a newline policy.

        Returns:
            An object for ``render_group``.
        """

    def find_groups(self, body: bytes, /) -> list[FoundGroup] | None:
        """Find the groups of a batch; of their logs, read only the times.

        Args:
            body: The serialised ``LogGroupList``.

        Returns:
            The groups, in order; ``None`` if the bytes are not as most writers have them.
        """

    def read_rows(
        self, body: bytes, begin: int, end: int, /
    ) -> list[tuple[tuple[bytes, ...], int, int, tuple[bytes, ...]]] | None:
        """Read the logs of a group as they are.

        Args:
            body: The serialised ``LogGroupList``.
            begin: Where in ``body`` the group begins.
            end: Where the group ends.

        Returns:
            For each log its keys, seconds, nanoseconds and values. Logs that follow one another
            and have the same keys share one object of them. ``None`` if one log is not as most
            writers have it.
        """

    def render_group(
        self,
        body: bytes,
        layouts: list[Any],
        find_layout: Callable[[tuple[bytes, ...], bool], Any],
        make_start: Callable[[int], bytes | None],
        fraction_at: int,
        limit: int,
        framing: int,
        is_as_sent: bool,
        begin: int = ...,
        end: int = ...,
        /,
    ) -> list[tuple[list[bytes], int | None]] | None:
        """Render and frame the logs of a group.

        Args:
            body: Bytes in which the serialised ``LogGroup`` is.
            layouts: Layouts that may fit.
            find_layout: Called for a log that none of them fits, with its keys and whether it
                has nanoseconds; returns a layout, or ``None``: Python then writes this log.
            make_start: Makes a message up to its text, from seconds since 1970; ``None`` if
                Python has to write the logs of this second.
            fraction_at: Where in the start the fraction of the second goes; -1 for nowhere.
            limit: The most bytes of a message; -1 for no limit.
            framing: The number of the framing.
            is_as_sent: Whether the bytes are those that SLS sent. If one log is not as most writers
                have it, Python then has to write the whole group, or make other bytes of it.
            begin: Where in ``body`` the group begins; its start by default.
            end: Where the group ends; the end of ``body`` by default.

        Returns:
            The runs, as ``FastPath.encode_group`` yields them; ``None`` if Python has to write the
            whole group.
        """


def load_helper() -> tuple[Helper | None, str]:
    """Load the compiled helper.

    Returns:
        The helper, or ``None``; and why it is missing.
    """
    if os.environ.get(PURE_PYTHON, "0") not in {"", "0"}:
        return None, f"{PURE_PYTHON} is set"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None, "this Python is free-threaded"
    try:
        helper: Any = import_module(HELPER)
    except ImportError as error:
        return None, f"the compiled helper cannot be loaded: {error}"
    if getattr(helper, "INTERFACE", 0) != _INTERFACE:
        return None, "the compiled helper was built before the last update; install again"
    return helper, ""
