"""The hand-written encoder against the SDK's generated protobuf classes."""

from __future__ import annotations

from typing import Any

import pytest
from aliyun.log.proto import LogGroup, LogGroupList, LogGroupListRaw, LogGroupRaw
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.testing.loggroup import LogEntry, encode_log_group, frame_log_group
from tests.support.strategies import CHARACTERS

LONG = "x" * 300_000
NO_UTF8 = b"\xff\xfe broken"
uint32 = st.integers(0, 2**32 - 1)
texts = st.text(CHARACTERS, max_size=200)


def parsed(raw: bytes, kind: Any = LogGroup) -> Any:
    group = kind()
    group.ParseFromString(raw)
    return group


def test_a_group_reads_back_with_all_its_parts() -> None:
    raw = encode_log_group(
        [{"level": "ERROR", "text": "größer"}],
        topic="audit",
        source="10.0.0.1",
        tags={"__hostname__": "web-1"},
        time=1_700_000_000,
        time_ns=123_456_789,
    )
    group = parsed(raw)
    (log,) = group.Logs
    assert [(field.Key, field.Value) for field in log.Contents] == [
        ("level", "ERROR"),
        ("text", "größer"),
    ]
    assert (log.Time, log.Time_ns) == (1_700_000_000, 123_456_789)
    assert (group.Topic, group.Source) == ("audit", "10.0.0.1")
    assert [(tag.Key, tag.Value) for tag in group.LogTags] == [("__hostname__", "web-1")]


@given(
    logs=st.lists(st.lists(st.tuples(texts, texts), max_size=5), max_size=5),
    topic=texts,
    source=texts,
    tags=st.lists(st.tuples(texts, texts), max_size=3),
    time=uint32,
    time_ns=st.none() | uint32,
)
def test_every_group_is_byte_for_byte_what_the_sdk_writes(
    logs: list[list[tuple[str, str]]],
    topic: str,
    source: str,
    tags: list[tuple[str, str]],
    time: int,
    time_ns: int | None,
) -> None:
    expected = LogGroup()
    for pairs in logs:
        log = expected.Logs.add(Time=time)
        for key, value in pairs:
            log.Contents.add(Key=key, Value=value)
        if time_ns is not None:
            log.Time_ns = time_ns
    if topic:
        expected.Topic = topic
    if source:
        expected.Source = source
    for key, value in tags:
        expected.LogTags.add(Key=key, Value=value)
    raw = encode_log_group(logs, topic=topic, source=source, tags=tags, time=time, time_ns=time_ns)
    assert raw == expected.SerializeToString()


@pytest.mark.parametrize("length", [0, 1, 127, 128, 2047, 2048, 2049, 16_383, 16_384, 2_097_152])
def test_lengths_at_the_edges_of_their_encoding(length: int) -> None:
    group = parsed(encode_log_group([{"k": "v" * length, "after": "1"}]))
    assert [len(field.Value) for field in group.Logs[0].Contents] == [length, 1]


def test_repeated_keys_stay_repeated() -> None:
    group = parsed(encode_log_group([[("k", "1"), ("k", "2")]]))
    assert [field.Value for field in group.Logs[0].Contents] == ["1", "2"]


def test_an_entry_has_its_own_time_and_the_others_the_group_s() -> None:
    entries: list[Any] = [{"a": "1"}, LogEntry({"a": "2"}, 5), LogEntry([("a", "3")], 6, 7)]
    group = parsed(encode_log_group(entries, time=1, time_ns=2))
    assert [(log.Time, log.Time_ns) for log in group.Logs] == [(1, 2), (5, 2), (6, 7)]


def test_bytes_that_are_no_utf8_are_written_in_every_position() -> None:
    raw = encode_log_group(
        [{NO_UTF8: NO_UTF8}], topic=NO_UTF8, source=NO_UTF8, tags={NO_UTF8: NO_UTF8}
    )
    group = parsed(raw, LogGroupRaw)
    assert group.Logs[0].Contents[0].Key == group.Logs[0].Contents[0].Value == NO_UTF8
    assert group.LogTags[0].Key == group.LogTags[0].Value == NO_UTF8
    assert group.Topic == group.Source == NO_UTF8
    assert raw.count(NO_UTF8) == 6


def test_framed_groups_joined_are_a_list() -> None:
    groups = [encode_log_group([{"n": str(n), "long": LONG}]) for n in range(3)]
    raw = b"".join(piece for group in groups for piece in frame_log_group(group))
    for kind in (LogGroupList, LogGroupListRaw):
        read = parsed(raw, kind).LogGroups
        assert [group.SerializeToString() for group in read] == groups


@pytest.mark.parametrize("log", [{"k": 1}, {1: "v"}, [("k", None)]])
def test_what_is_neither_str_nor_bytes_is_refused(log: Any) -> None:
    with pytest.raises(TypeError, match="str or bytes"):
        encode_log_group([log])


@pytest.mark.parametrize("times", [{"time": -1}, {"time": 2**32}, {"time_ns": 2**32}])
def test_a_time_that_does_not_fit_is_refused(times: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="32 unsigned bits"):
        encode_log_group([{"k": "v"}], **times)
