"""Groups and rows that the helper finds in the bytes of a batch; protobuf is the oracle."""

from __future__ import annotations

from typing import Any

import pytest
from aliyun.log.proto import LogGroupList, LogGroupListRaw
from hypothesis import example, given
from hypothesis import strategies as st

from sls_syslog.logs.groups import describe_group
from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group
from tests.support.native import need_helper

LOG = b"\x0a\x02\x08\x07"  # a log of the second 7


def frame(*groups: bytes) -> bytes:
    return b"".join(part for group in groups for part in frame_log_group(group))


def describe(body: bytes) -> list[tuple[Any, ...]] | None:
    """Describe the groups with protobuf, all but where they are; ``None`` if it cannot."""
    batch = LogGroupList()
    try:
        batch.ParseFromString(body)
    except Exception:  # each version of protobuf has an error of its own
        return None
    return [
        (group.topic, group.source, group.tags, group.logs, group.first, group.last)
        for group in map(describe_group, batch.LogGroups)
    ]


def check(body: bytes) -> bool:
    """Assert that what the helper finds is what protobuf finds, and where; return if it does."""
    found = need_helper().find_groups(body)
    if found is None:
        return False
    described = describe(body)
    if described is not None:  # the helper does not look into logs
        assert [head for head, _ in found] == described
    parts = [body[begin:end] for _, (begin, end) in found]
    assert frame(*parts) == body
    return True


texts = st.text(max_size=5) | st.just("")
logs = st.lists(
    st.builds(
        LogEntry,
        st.dictionaries(texts, texts, max_size=3),
        st.integers(0, 2**32 - 1),
        st.integers(0, 999_999_999),
    ),
    max_size=3,
)
groups = st.builds(
    encode_log_group,
    logs,
    topic=texts,
    source=texts,
    tags=st.dictionaries(texts, texts, max_size=3),
)


@given(made=st.lists(groups, max_size=4))
def test_all_groups_that_writers_make_are_found(made: list[bytes]) -> None:
    assert check(frame(*made))


def test_a_long_batch_is_found_where_it_is() -> None:
    """Lengths of one, two, three and four bytes."""
    made = [
        encode_log_group([LogEntry({"k": "v" * size}, 5)], topic="t")
        for size in (1, 200, 40_000, 3_000_000)
    ]
    assert check(frame(*made))
    found = need_helper().find_groups(frame(*made))
    assert found is not None
    assert [end - begin for _, (begin, end) in found] == [len(group) for group in made]


@pytest.mark.parametrize(
    "group",
    [
        b"",
        LOG,
        LOG + b"\x1a\x01t" + LOG.replace(b"\x07", b"\x09"),  # logs before and after the topic
        b"\x12\x01r\x2a\x01m",  # what nobody reads
        b"\x1a\x02\xff\xfe",  # a topic that is not UTF-8
        b"\x32\x06\x0a\x01\xff\x12\x01v",
        b"\x1a\x00\x22\x00",
    ],
    ids=bytes.hex,
)
def test_groups_of_other_writers_are_found(group: bytes) -> None:
    assert check(frame(group, LOG))


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a",
        b"\x0a\x05abc",
        b"\x0a\x80",
        b"\x0a\xff\xff\xff\xff\xff\x01",
        b"\x12\x01a",
        frame(LOG) + b"\x12\x00",
        frame(b"\x1a\x01a\x1a\x01b"),  # two topics: protobuf takes the last
        frame(b"\x22\x00\x22\x01b"),
        frame(b"\x0a\x00"),  # a log without a time
        frame(b"\x0a\x02\x12\x00"),
        frame(b"\x0a\x01\x08"),
        frame(b"\x0a\x07\x08\xff\xff\xff\xff\x7f\x00"),  # a time of more than 32 bits
        frame(b"\x32\x00"),  # a tag without a name
        frame(b"\x32\x06\x12\x01v\x0a\x01n"),  # its parts in another order
        frame(b"\x32\x08\x0a\x01n\x12\x01v\x18\x01"),  # a part that is unknown
        frame(b"\x38\x01"),
    ],
    ids=bytes.hex,
)
def test_what_is_not_as_most_writers_have_it_is_parsed(body: bytes) -> None:
    assert need_helper().find_groups(body) is None


@given(body=st.binary(max_size=40))
@example(body=b"\x0a\x04\x0a\x02\x08\x07")
def test_any_bytes_give_what_protobuf_finds_or_nothing(body: bytes) -> None:
    check(body)
    check(frame(body))


@given(made=groups, place=st.integers(0, 200), octet=st.integers(0, 255))
def test_a_changed_byte_gives_what_protobuf_finds_or_nothing(
    made: bytes, place: int, octet: int
) -> None:
    body = bytearray(frame(made))
    if place < len(body):
        body[place] = octet
    check(bytes(body))
    check(bytes(body[:place]))


def test_a_group_is_found_with_its_place() -> None:
    assert need_helper().find_groups(frame(LOG)) == [(("", "", (), 1, 7, 7), (2, 6))]


def read_by_protobuf(body: bytes) -> list[tuple[Any, ...]]:
    """Read keys, seconds, nanoseconds and values of each log, with protobuf."""
    batch = LogGroupListRaw()
    batch.ParseFromString(body)
    return [
        (
            tuple(encode(content.Key) for content in log.Contents),
            log.Time,
            log.Time_ns,
            tuple(encode(content.Value) for content in log.Contents),
        )
        for log in batch.LogGroups[0].Logs
    ]


def encode(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


@given(made=groups)
def test_rows_are_the_logs_that_protobuf_reads(made: bytes) -> None:
    body = frame(made)
    rows = need_helper().read_rows(body, len(body) - len(made), len(body))
    assert rows == read_by_protobuf(body)


def test_rows_with_the_same_keys_share_them() -> None:
    logs = [LogEntry(dict.fromkeys(keys, "v"), 5) for keys in ("ab", "ab", "ba", "a", "", "ab")]
    made = encode_log_group(logs)
    rows = need_helper().read_rows(made, 0, len(made))
    assert rows is not None
    assert [b"".join(keys) for keys, *_ in rows] == [b"ab", b"ab", b"ba", b"a", b"", b"ab"]
    assert rows[0][0] is rows[1][0]


@given(made=groups, place=st.integers(0, 200), octet=st.integers(0, 255))
def test_rows_of_a_changed_group_are_those_of_protobuf_or_none(
    made: bytes, place: int, octet: int
) -> None:
    changed = bytearray(made)
    if place < len(changed):
        changed[place] = octet
    for group in (bytes(changed), made[:place]):
        rows = need_helper().read_rows(group, 0, len(group))
        if rows is not None and describe(frame(group)) is not None:
            assert rows == read_by_protobuf(frame(group))


@pytest.mark.parametrize("span", [(-1, 3), (2, 1), (0, 99), (99, 99)])
def test_a_group_outside_of_its_body_is_refused(span: tuple[int, int]) -> None:
    helper = need_helper()
    with pytest.raises(ValueError, match="begin <= end"):
        helper.render_group(LOG, [], lambda *_: None, lambda _: b"", -1, -1, 0, False, *span)
    with pytest.raises(ValueError, match="begin <= end"):
        helper.read_rows(LOG, *span)
