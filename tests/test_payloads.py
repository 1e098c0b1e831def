"""The MSG part of a log."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.payloads import PAYLOADS, JsonPayload, KeyValuePayload

LOG = {
    "__time__": "1795403700",
    "__topic__": "audit",
    "__source__": "10.0.0.1",
    "__tag__:__hostname__": "web-1",
    "user": "größer 日本",
    "empty": "",
}


def test_the_documented_text_comes_out_in_its_order_without_the_time() -> None:
    assert KeyValuePayload()(LOG) == (
        "||__topic__=audit||__source__=10.0.0.1||__tag__:__hostname__=web-1"
        "||user=größer 日本||empty="
    )


@pytest.mark.parametrize(
    ("log", "sep", "expected"),
    [
        ({}, "||", ""),
        ({"__time__": "1"}, "||", ""),
        ({"a": "1", "b": "2"}, " ", " a=1 b=2"),
        ({"a": "1||b=2"}, "||", "||a=1||b=2"),
        ({"": ""}, "||", "||="),
        ({"a=b": "{a}%s\n"}, "%s", "%sa=b={a}%s\n"),
    ],
    ids=["no-fields", "time-only", "space", "unquoted", "empty-key", "no-formatting"],
)
def test_key_value_writes(log: dict[str, str], sep: str, expected: str) -> None:
    assert KeyValuePayload(sep)(log) == expected


def test_json_is_compact_and_in_utf_8() -> None:
    assert JsonPayload()({"__time__": "1", "a b": '日"\n'}) == '{"__time__":"1","a b":"日\\"\\n"}'


@given(st.dictionaries(st.text(), st.text()))
def test_json_reads_back_in_the_same_order(log: dict[str, str]) -> None:
    assert list(json.loads(JsonPayload()(log)).items()) == list(log.items())


def test_each_name_of_the_setting_makes_its_payload() -> None:
    made = {name: make("^") for name, make in PAYLOADS.items()}
    assert made == {"key-value": KeyValuePayload("^"), "json": JsonPayload()}
