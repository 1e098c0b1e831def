"""The compiled helper, for tests that are about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sls_syslog.encoding.native import PURE_PYTHON, Helper, load_helper
from tests.support.tools import missing

__all__ = ["need_helper", "pure_python"]

NATIVE = "SLS_SYSLOG_REQUIRE_NATIVE"
"""Demands that the helper is built."""


def need_helper() -> Helper:
    """Return the helper; skip the test without it."""
    helper, problem = load_helper()
    if helper is None:
        missing(f"the compiled helper ({problem})", NATIVE)
        raise AssertionError
    return helper


@contextmanager
def pure_python(is_wanted: bool = True) -> Iterator[None]:
    """Turn the helper off for encoders made in the block, or leave it as it is."""
    before = os.environ.get(PURE_PYTHON)
    if is_wanted:
        os.environ[PURE_PYTHON] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(PURE_PYTHON, None)
        else:
            os.environ[PURE_PYTHON] = before
