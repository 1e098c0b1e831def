"""What a batch and its groups are known by before their logs are read."""

from __future__ import annotations

from typing import Any

import pytest
from aliyun.log.proto import LogGroupList

from sls_syslog.logs.groups import SentBatch, describe_group
from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group

GROUP = encode_log_group(
    [LogEntry({"a": "1"}, 7), LogEntry({"a": "2"}, 9)], topic="t", source="s", tags={"n": "v"}
)
BODY = b"".join(frame_log_group(GROUP)) * 2


def test_a_group_is_described_without_its_logs() -> None:
    message = LogGroupList.FromString(BODY).LogGroups[1]
    group = describe_group(message, 1)
    assert (group.number, group.topic, group.source, group.tags) == (1, "t", "s", (("n", "v"),))
    assert (group.logs, group.first, group.last) == (2, 7, 9)
    assert group.read() is message
    assert group.body is None


def test_a_group_without_logs_has_no_times() -> None:
    group = describe_group(LogGroupList.FromString(b"\x0a\x00").LogGroups[0])
    assert (group.logs, group.first, group.last, group.tags) == (0, 0, 0, ())


def test_a_batch_as_sent_is_parsed_once_and_only_if_it_must_be() -> None:
    parsed: list[Any] = []

    def parse() -> Any:
        parsed.append(LogGroupList.FromString(BODY))
        return parsed[-1]

    batch = SentBatch(BODY, parse)
    assert batch.SerializeToString() == batch.body == BODY
    assert not parsed
    assert len(batch.LogGroups) == 2
    assert batch.read_group(1).Topic == "t"
    assert len(parsed) == 1


def test_what_cannot_be_parsed_raises_at_each_access() -> None:
    def parse() -> Any:
        raise ValueError("no batch")

    batch = SentBatch(b"x", parse)
    for _ in range(2):
        with pytest.raises(ValueError, match="no batch"):
            len(batch.LogGroups)
