"""Compares the paths on which events are written: the helper, pure Python, and the payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aliyun.log.proto import LogGroupList

from sls_syslog import CefPayload, LeefPayload, ShipperSettings
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.native import load_helper
from sls_syslog.encoding.native_path import NativePath
from sls_syslog.logs.groups import SentBatch, describe_group
from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group
from tests.support.native import pure_python

__all__ = ["PATHS", "PATH_IDS", "SECOND", "Paths", "encode_logs", "split_sample"]

SECOND = 1_793_678_405


def _make_encoder(settings: ShipperSettings, logs_before_writer: int, is_pure: bool) -> LogEncoder:
    with pure_python(is_pure):
        return LogEncoder(settings, MessageHooks(settings), logs_before_writer=logs_before_writer)


class Paths:
    """Three encoders with the same settings: the helper, pure Python, and the payload alone.

    Where there is no helper, pure Python takes its place.
    """

    def __init__(self, payload: Any, **settings: Any) -> None:
        chosen = ShipperSettings(host="siem", payload=payload, **settings)
        self._helper = _make_encoder(chosen, 0, False)
        assert isinstance(self._helper._fast_path, NativePath) or load_helper()[0] is None
        self._pure = _make_encoder(chosen, 0, True)
        self._slow = _make_encoder(chosen, 10**9, True)

    def check(self, body: bytes, event_id: Any = None) -> None:
        """Assert that all three do the same with a group, also when it comes again."""
        batch = LogGroupList()
        framed = b"".join(frame_log_group(body))
        batch.ParseFromString(framed)
        expected = self._slow.encode(batch, event_id)
        for got in (
            self._pure.encode(batch, event_id),
            self._pure.encode(batch, event_id),
            self._helper.encode(SentBatch(framed, lambda: batch), event_id),
            self._helper.encode(batch, event_id),
        ):
            assert b"".join(got.frames) == b"".join(expected.frames)
            assert got.outcomes == expected.outcomes

    def count_slow_logs(self, body: bytes) -> list[int]:
        """Count the logs that are left to the payload, by the helper and by pure Python."""
        batch = LogGroupList()
        batch.ParseFromString(b"".join(frame_log_group(body)))
        group = describe_group(batch.LogGroups[0])
        counts = []
        for encoder in (self._helper, self._pure):
            assert encoder._fast_path is not None
            runs = encoder._fast_path.encode_group(group, None)
            counts.append(sum(number is not None for _, number in runs))
        return counts


def split_sample(log: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Part the fields of a sample and what SLS says of its group."""
    tags = {key[8:]: value for key, value in log.items() if key.startswith("__tag__:")}
    origin = {"topic": log.get("__topic__", ""), "source": log.get("__source__", ""), "tags": tags}
    return {key: value for key, value in log.items() if not key.startswith("__")}, origin


def encode_logs(
    logs: Sequence[Mapping[str, str | bytes]], origin: dict[str, Any], ns: Any = None
) -> bytes:
    entries = [LogEntry(list(log.items()), SECOND + n // 2, ns) for n, log in enumerate(logs)]
    return encode_log_group(entries, **origin)


PATHS = [
    Paths(CefPayload()),
    Paths(LeefPayload()),
    Paths(LeefPayload(leef_version="1.0")),
    Paths(LeefPayload(dialect="sc4s")),
    Paths(LeefPayload(delimiter="%")),
]
PATH_IDS = ["cef", "leef-2.0", "leef-1.0", "sc4s", "percent"]
