"""Reads what a user names on the command line: a file of logs, a processor.

Each error is one sentence that names the argument.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Iterator
from typing import Any

from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.errors import SettingsError, short_repr

__all__ = ["load_processor", "read_logs"]


def read_logs(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read logs from a file, one JSON object a line.

    Args:
        path: The file; ``-`` for standard input.

    Yields:
        The number of a line, from 1, and its log; empty lines are left out.

    Raises:
        SettingsError: If the file cannot be read, or a line is no log.
    """
    try:
        # Bytes, because JSON is UTF-8, and the locale of this machine may be another.
        with contextlib.nullcontext(sys.stdin.buffer) if path == "-" else open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _parse_log(line, f"{path}, line {number}")
    except OSError as error:
        raise SettingsError(path, f"cannot be read: {error.strerror}") from None


def load_processor(name: str) -> type[MessageHooks]:
    """Import a user's processor.

    Args:
        name: ``module:Class``.

    Returns:
        The class.

    Raises:
        SettingsError: If there is no such class, or it is no processor.
    """
    module, colon, path = name.partition(":")
    if not (module and colon and path):
        raise SettingsError("--processor", f"expected module:Class, got {short_repr(name)}")
    try:
        found = getattr(importlib.import_module(module), path)
    except Exception as error:
        problem = f"cannot import {short_repr(name)}: {type(error).__name__}: {error}"
        raise SettingsError("--processor", problem) from error
    if not (isinstance(found, type) and issubclass(found, MessageHooks)):
        expected = "expected a subclass of SyslogShipperProcessor"
        raise SettingsError("--processor", f"{expected}, got {short_repr(found)}")
    return found


def _parse_log(line: bytes, where: str) -> dict[str, Any]:
    """Parse a line.

    Raises:
        SettingsError: If it is no JSON object.
    """
    try:
        log = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SettingsError(where, f"expected a JSON object: {error}") from None
    if not isinstance(log, dict):
        raise SettingsError(where, f"expected a JSON object, got {short_repr(log)}")
    return log
