"""The compiled helper, for tests that are about it."""

from __future__ import annotations

from sls_syslog.encoding.native import Helper, find_helper
from tests.support.tools import missing

__all__ = ["need_helper"]

NATIVE = "SLS_SYSLOG_REQUIRE_NATIVE"
"""Demands that the helper is built."""


def need_helper() -> Helper:
    """Return the helper; skip the test without it."""
    helper = find_helper()
    if helper is None:
        missing("the compiled helper", NATIVE)
    assert helper is not None
    return helper
