"""The Protocols of the SDK's log messages, against the SDK's own classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from aliyun.log.proto import LogGroupList, LogGroupListRaw

from sls_syslog.logs import protobuf
from sls_syslog.testing.loggroup import LogEntry, encode_log_group, frame_log_group

GROUP = encode_log_group([LogEntry([("k", "v"), ("b", b"\xff")], 1, 2)], tags={"t": "x"})
PLAIN = {"int": ["int"], "Text": ["str", "bytes"]}


def find_messages(log_groups: Any) -> Iterator[tuple[type, Any]]:
    """Each Protocol, with a message that it stands for."""
    (group,) = log_groups.LogGroups
    (log,), (tag,) = group.Logs, group.LogTags
    yield protobuf.LogGroupList, log_groups
    yield protobuf.LogGroup, group
    yield protobuf.LogTag, tag
    yield protobuf.Log, log
    for content in log.Contents:
        yield protobuf.Content, content


@pytest.mark.parametrize("kind", [LogGroupList, LogGroupListRaw])
def test_the_sdk_s_messages_have_what_is_read_of_them(kind: Any) -> None:
    log_groups = kind()
    log_groups.ParseFromString(b"".join(frame_log_group(GROUP)))
    for protocol, message in find_messages(log_groups):
        assert type(message).__name__.removesuffix("Raw") == protocol.__name__
        for name, expected in inspect.get_annotations(protocol).items():
            value = getattr(message, name)
            if expected.startswith("Sequence["):
                assert value[0] == next(iter(value)), name
                assert len(value) == len([*value]), name
            else:
                assert type(value).__name__ in PLAIN[expected], name
        for name, method in vars(protocol).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                assert isinstance(getattr(message, name)(), bytes), name
