"""The SDK's own protobuf classes in, plain logs out."""

from __future__ import annotations

from typing import Any

import pytest
from aliyun.log.proto import LogGroupList, LogGroupListRaw
from aliyun.log.pulllog_response import PullLogResponse
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.logs.decode import read_time
from sls_syslog.testing.loggroup import LogEntry, encode_log_group, frame_log_group
from tests.support.flattening import flatten
from tests.support.strategies import CHARACTERS

KINDS = pytest.mark.parametrize("kind", [LogGroupList, LogGroupListRaw])
NOT_UTF8 = b"\xff\xfe caf\xe9"
READ = "\ufffd\ufffd caf\ufffd"


def served(*groups: bytes, kind: Any = LogGroupList) -> Any:
    """What the SDK hands to ``process()`` for these groups."""
    log_groups = kind()
    log_groups.ParseFromString(b"".join(b"".join(frame_log_group(group)) for group in groups))
    return log_groups


def logs_of(*args: Any, kind: Any = LogGroupList, **group: Any) -> list[dict[str, str]]:
    return [dict(log) for log in flatten(served(encode_log_group(*args, **group), kind=kind))]


@KINDS
def test_a_log_has_its_time_then_topic_source_tags_and_fields(kind: Any) -> None:
    (log,) = logs_of(
        [{"level": "ERROR", "text": "größer 日本"}],
        topic="audit",
        source="10.0.0.1",
        tags={"__hostname__": "web-1", "app": "portal"},
        time=1_795_403_700,
        time_ns=5,
        kind=kind,
    )
    assert list(log.items()) == [
        ("__time__", "1795403700"),
        ("__topic__", "audit"),
        ("__source__", "10.0.0.1"),
        ("__time_ns_part__", "5"),
        ("__tag__:__hostname__", "web-1"),
        ("__tag__:app", "portal"),
        ("level", "ERROR"),
        ("text", "größer 日本"),
    ]


@KINDS
def test_logs_come_in_the_order_of_the_batch_with_their_group(kind: Any) -> None:
    first = encode_log_group([{"n": "1"}, {"n": "2"}], topic="a", tags={"t": "x"})
    second = encode_log_group([{"n": "3"}], topic="b")
    logs = list(flatten(served(first, encode_log_group([]), second, kind=kind)))
    assert [(log["n"], log["__topic__"], log.get("__tag__:t")) for log in logs] == [
        ("1", "a", "x"),
        ("2", "a", "x"),
        ("3", "b", None),
    ]


def test_a_batch_of_nothing_has_no_logs() -> None:
    assert list(flatten(LogGroupList())) == []


def test_a_log_of_nothing_still_has_time_topic_and_source() -> None:
    assert logs_of([{}]) == [{"__time__": "0", "__topic__": "", "__source__": ""}]


@pytest.mark.parametrize(
    ("group", "key", "value"),
    [
        ({"logs": [{"k": NOT_UTF8}]}, "k", READ),
        ({"logs": [[(NOT_UTF8, "v")]]}, READ, "v"),
        ({"logs": [{}], "topic": NOT_UTF8}, "__topic__", READ),
        ({"logs": [{}], "source": NOT_UTF8}, "__source__", READ),
        ({"logs": [{}], "tags": {"k": NOT_UTF8}}, "__tag__:k", READ),
        ({"logs": [{}], "tags": [(NOT_UTF8, "v")]}, f"__tag__:{READ}", "v"),
    ],
    ids=["value", "key", "topic", "source", "tag-value", "tag-key"],
)
def test_bytes_that_are_not_utf8_are_read_with_replacements(
    group: dict[str, Any], key: str, value: str
) -> None:
    (log,) = logs_of(group.pop("logs"), **group)
    assert log[key] == value


def test_a_raw_value_that_is_not_utf8_is_read_with_replacements() -> None:
    assert logs_of([{"k": NOT_UTF8}], kind=LogGroupListRaw)[0]["k"] == READ


@KINDS
@pytest.mark.parametrize(
    "key",
    [
        *("__time__", "__time_ns_part__", "__topic__", "__source__"),
        *("__tag__:__hostname__", "__tag__:new", "__tag__:"),
    ],
)
def test_a_field_cannot_pass_for_what_sls_says(key: str, kind: Any) -> None:
    group: dict[str, Any] = {"topic": "real", "tags": {"__hostname__": "real"}, "time": 7}
    (honest,) = logs_of([{"a": "1"}], **group, kind=kind)
    (forged,) = logs_of([{key: "forged", "a": "1"}], **group, kind=kind)
    assert forged == {**honest, f"__content__:{key}": "forged"}


def test_a_forged_tag_of_broken_bytes_is_no_tag_either() -> None:
    (log,) = logs_of([[(b"__tag__:\xff", "forged")]])
    assert log["__content__:__tag__:\ufffd"] == "forged"
    assert "__tag__:\ufffd" not in log


@KINDS
def test_of_fields_with_one_name_the_last_counts_as_in_the_sdk(kind: Any) -> None:
    group = {"tags": [("t", "1"), ("t", "2")]}
    (log,) = logs_of([[("a", "1"), ("b", "x"), ("a", "2")]], **group, kind=kind)
    assert list(log.items())[3:] == [("__tag__:t", "2"), ("a", "2"), ("b", "x")]


@KINDS
def test_empty_keys_and_values_are_kept(kind: Any) -> None:
    (log,) = logs_of([[("", "v"), ("k", "")]], tags=[("", "")], kind=kind)
    assert list(log.items())[3:] == [("__tag__:", ""), ("", "v"), ("k", "")]


texts = st.text(CHARACTERS, max_size=20)
# No name of SLS's own: there this library departs from the SDK on purpose.
keys = texts.filter(lambda key: not key.startswith("__"))


@given(
    logs=st.lists(st.lists(st.tuples(keys, texts), max_size=4), max_size=4),
    topic=texts,
    source=texts,
    tags=st.lists(st.tuples(keys, texts), max_size=3),
    time=st.integers(0, 2**32 - 1),
)
def test_honest_logs_are_flattened_as_the_sdk_does(
    logs: Any, topic: str, source: str, tags: Any, time: int
) -> None:
    raw = encode_log_group(logs, topic=topic, source=source, tags=tags, time=time)
    log_groups = served(raw)
    expected = PullLogResponse.loggroups_to_flattern_list(log_groups, True, True)
    ours = [dict(log) for log in flatten(log_groups)]
    assert [list(log.items()) for log in ours] == [list(log.items()) for log in expected]


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=5))
def test_whatever_bytes_come_every_key_and_value_is_text_that_utf8_can_carry(
    pairs: list[tuple[bytes, bytes]],
) -> None:
    (log,) = logs_of([pairs], topic=NOT_UTF8, tags=pairs)
    assert all(text.encode().decode() == text for item in log.items() for text in item)
    assert (log["__time__"], log["__topic__"]) == ("0", READ)


@KINDS
@pytest.mark.parametrize(
    ("time", "time_ns", "expected"),
    [
        (0, None, (0, 0)),
        (1, 0, (1, 0)),
        (1, 1, (1, 1)),
        (2**32 - 1, 999_999_999, (2**32 - 1, 999_999_999)),
        (1, 2**32 - 1, (1, 2**32 - 1)),
    ],
)
def test_the_time_of_a_log_has_seconds_and_nanoseconds(
    time: int, time_ns: int | None, expected: tuple[int, int], kind: Any
) -> None:
    (log,) = logs_of([LogEntry({}, time, time_ns)], kind=kind)
    assert read_time(log) == expected
    assert log.get("__time_ns_part__") == (str(time_ns) if time_ns else None)
