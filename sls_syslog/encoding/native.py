"""Loads the compiled helper, ``_native.c``, where it is built and wanted.

It is optional: pure Python writes the same bytes. No other module may import the helper.
"""

from __future__ import annotations

import os
import sysconfig
from importlib import import_module
from typing import Protocol

from sls_syslog.safe_logger import SafeLogger

__all__ = ["PURE_PYTHON", "Helper", "find_helper"]

PURE_PYTHON = "SLS_SYSLOG_PUREPYTHON"
"""The environment variable that turns the helper off: any value but ``0`` and nothing."""

logger = SafeLogger("sls_syslog.encoding")

_said: set[str] = set()


class Helper(Protocol):
    """The compiled functions."""

    def is_legal(self, text: bytes, /) -> bool:
        """Whether this is UTF-8 that no newline policy would change."""


def find_helper() -> Helper | None:
    """Return the compiled helper; ``None`` for pure Python. Log once which it is, at DEBUG."""
    helper, reason = _load()
    if reason not in _said:
        _said.add(reason)
        logger.debug("logs are encoded %s", reason)
    return helper


def _load() -> tuple[Helper | None, str]:
    if os.environ.get(PURE_PYTHON, "0") not in {"", "0"}:
        return None, f"in pure Python: {PURE_PYTHON} is set"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None, "in pure Python: this Python is free-threaded"
    try:
        helper: Helper = import_module("sls_syslog.encoding._native")
    except ImportError as error:
        return None, f"in pure Python: the compiled helper cannot be loaded: {error}"
    return helper, "by the compiled helper"
