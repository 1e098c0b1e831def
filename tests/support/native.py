"""The compiled helper, for tests that are about it.

``SLS_SYSLOG_TEST_HELPER`` names a build of it to test in place of the one that is installed, such
as one with sanitizers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace
from typing import Any

from aliyun.log.proto import LogGroupList

from sls_syslog.encoding.encoder import EncodedLogs, LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.native import PURE_PYTHON, Helper, load_helper
from sls_syslog.logs.groups import SentBatch
from sls_syslog.payloads.event_payload import EventPayload
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.testing.loggroup import frame_log_group
from tests.support.tools import missing

__all__ = ["PathPair", "need_helper", "pure_python"]

NATIVE = "SLS_SYSLOG_REQUIRE_NATIVE"
"""Demands that the helper is built."""

OTHER_BUILD = "SLS_SYSLOG_TEST_HELPER"

_NAME = "sls_syslog.encoding._native"
if OTHER_BUILD in os.environ:
    _spec = spec_from_file_location(_NAME, os.environ[OTHER_BUILD])
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules[_NAME] = module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_NAME])


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


class PathPair:
    """Two encoders with the same settings, one with the helper and one without.

    Args:
        settings: The settings, as keys.
    """

    def __init__(self, **settings: Any) -> None:
        need_helper()
        chosen = ShipperSettings.from_mapping({"host": "siem", **settings})
        self._is_event = isinstance(chosen.payload, EventPayload)
        self._native = LogEncoder(chosen, MessageHooks(chosen), logs_before_writer=0)
        with pure_python():
            self._pure = LogEncoder(chosen, MessageHooks(chosen), logs_before_writer=0)

    def check(self, body: bytes) -> bool:
        """Assert that both write the same for a group with these bytes.

        Returns:
            Whether they could: ``False`` if protobuf cannot read the bytes.
        """
        batch = LogGroupList()
        try:
            batch.ParseFromString(b"".join(frame_log_group(body)))
            batch.SerializeToString()  # this too fails if a log has no time
        except Exception:  # each version of protobuf has an error of its own
            return False
        expected = self._pure.encode(batch)
        sent = SentBatch(b"".join(frame_log_group(body)), lambda: batch)
        as_sent: Any = SimpleNamespace(LogGroups=[_AsSent(batch.LogGroups[0], body)])
        for made in (self._native.encode(as_sent), self._native.encode(sent)):
            assert b"".join(made.frames) == b"".join(expected.frames), body
            assert self._list_outcomes(made) == self._list_outcomes(expected), body
        return True

    def _list_outcomes(self, made: EncodedLogs) -> list[tuple[int, str]]:
        """List what was done, but for what events may do: not look at fields that are not sent."""
        return [each for each in made.outcomes if not self._is_event or each[1] != "repaired_utf8"]


class _AsSent:
    """A group of the SDK whose bytes are those that were sent, in whatever order they are."""

    def __init__(self, group: Any, body: bytes) -> None:
        self._group, self._body = group, body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._group, name)

    def SerializePartialToString(self) -> bytes:  # noqa: N802  # protobuf's name
        return self._body
