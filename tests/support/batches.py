"""What the SDK gives to ``process()``: logs as one group of a batch."""

from __future__ import annotations

from typing import Any

from aliyun.log.proto import LogGroupList

from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group

__all__ = ["serve"]


def serve(*logs: Any, **group: Any) -> Any:
    """Make a batch of one group.

    Args:
        logs: The fields of each log, as pairs.
        group: Topic, source and tags.
    """
    entries = [LogEntry(log, time=1_790_000_000) for log in logs]
    batch = LogGroupList()
    raw = encode_log_group(entries, **{"topic": "t", "source": "s", "tags": {}, **group})
    batch.ParseFromString(b"".join(frame_log_group(raw)))
    return batch
