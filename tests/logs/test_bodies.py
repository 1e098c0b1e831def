"""The bytes of a batch as the bytes of its groups."""

from __future__ import annotations

import pytest
from aliyun.log.proto import LogGroupList
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.logs.bodies import split_groups
from sls_syslog.testing.loggroup import frame_log_group


def join(groups: list[bytes]) -> bytes:
    return b"".join(part for group in groups for part in frame_log_group(group))


@given(groups=st.lists(st.binary(max_size=20) | st.just(b"x" * 200), max_size=4))
def test_groups_come_back_as_they_were_joined(groups: list[bytes]) -> None:
    assert split_groups(join(groups), len(groups)) == groups
    assert split_groups(join(groups), len(groups) + 1) is None


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a",
        b"\x0a\x05abc",
        b"\x0a\x80",
        b"\x0a\xff\xff\xff\xff\xff\x01",
        b"\x12\x01a",
        b"\x0a\x01a\x12\x00",
    ],
)
def test_other_bytes_are_not_split(body: bytes) -> None:
    assert split_groups(body, 1) is None


@given(body=st.binary(max_size=30))
def test_what_is_split_is_what_protobuf_finds(body: bytes) -> None:
    batch = LogGroupList()
    try:
        batch.ParseFromString(body)
    except Exception:  # each version of protobuf has an error of its own
        return
    groups = split_groups(body, len(batch.LogGroups))
    if groups is not None:
        again = LogGroupList()
        again.MergeFromString(join(groups))
        assert again == batch
