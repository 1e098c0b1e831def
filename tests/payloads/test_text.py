"""The MSG part of a log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import CefPayload, LeefPayload, OcsfPayload, SettingsError
from sls_syslog.payloads.by_name import PAYLOADS
from sls_syslog.payloads.text import JsonPayload, KeyValuePayload
from sls_syslog.syslog.sanitize import NEWLINES
from tests.support.siem_readers import read_quoted
from tests.support.strategies import CHARACTERS

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


@given(st.dictionaries(st.text(CHARACTERS), st.text(CHARACTERS)))
def test_json_reads_back_in_the_same_order(log: dict[str, str]) -> None:
    assert list(json.loads(JsonPayload()(log)).items()) == list(log.items())


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("a=b c\\d", "a=b c\\d"),
        ("", '""'),
        ("a||b", '"a||b"'),
        ("a|", '"a|"'),
        ("|a", "|a"),
        ('say "hi"', '"say \\"hi\\""'),
        ("a\nb", '"a\nb"'),
        ("a\rb", '"a\rb"'),
        ('C:\\||"', '"C:\\\\||\\""'),
    ],
)
def test_quoting_is_for_values_that_need_it(value: str, written: str) -> None:
    assert KeyValuePayload(quote=True)({"__time__": "1", "k": value, "l": "x"}) == (
        f"||k={written}||l=x"
    )


@given(
    st.dictionaries(st.text("abc", min_size=1), st.text('ab|"\\ \n;=')),
    st.sampled_from(["||", "|", "; ", " ", "|;|"]),
)
def test_quoted_values_are_read_back(log: dict[str, str], sep: str) -> None:
    text = KeyValuePayload(sep, quote=True)(log)
    assert read_quoted(text, sep) == list(log.items())


def test_json_in_a_field_is_put_in_as_json() -> None:
    payload = JsonPayload(expand=("event", "items", "missing"))
    log = {"event": '{ "b": {"c": "日"},\n "a": [1, 2.50, null] }', "items": "[]", "other": "{}"}
    assert payload(log) == (
        '{"event":{ "b": {"c": "日"},"a": [1, 2.50, null] },"items":[],"other":"{}"}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "[1.10,0.1000000000000000055511,123456789012345678.25,1E2,-0,-0.0,1e-999]",
        '{"tag":"a","tag":"b","":[{},[]]}',
        '{"a":"\\u65e5\\/\\ud83d\\ude00\\u0000"}',
        '["NaN","[","\\"]"]',
        f"{'[' * 100}{']' * 100}",
        f"[{'1' * 309}]",
    ],
)
def test_json_in_a_field_is_put_in_as_it_is_written(text: str) -> None:
    for spaced in (text, f" {text}\n", text.replace(",", "\t,\r\n  ")):
        assert JsonPayload(expand=("event",))({"event": spaced}) == f'{{"event":{text}}}'


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(CHARACTERS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_whatever_a_field_holds_can_be_read_back(value: Any, escaped: bool, indent: Any) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    read = json.loads(NEWLINES["escape"](JsonPayload(expand=("event",))({"a": "b", "event": text})))
    assert read in ({"a": "b", "event": value}, {"a": "b", "event": text})
    constants: list[str] = []  # NaN and Infinity, which JSON does not have
    json.loads(text, parse_constant=constants.append)
    is_json = isinstance(value, (list, dict)) and not constants
    assert read["event"] == (value if is_json else text)


def test_a_key_may_have_the_name_of_a_constant() -> None:
    event = '{"Infinity":["NaN"]}'
    read = json.loads(JsonPayload(expand=("event",))({"event": event}))
    assert read == {"event": {"Infinity": ["NaN"]}}


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "7", '"x"', "null", "{", '{"a":NaN}', '{"a":1e999}', '{"a":"\\ud800"}'),
        "[" * 100_000,
        "[" * 101 + "]" * 101,
        '{"a":' * 101 + "1" + "}" * 101,
        f"[{'1' * 5000}]",
        f"[{'1' * 310}]",
        *(
            "[-Infinity]",
            "[01]",
            "[1.]",
            "[+1]",
            "['a']",
            "[1,]",
            "[] []",
            '["\t"]',
            "\xa0[]",
            "\ufeff[]",
        ),
        *('["\\udc00\\ud800"]', '{"\\ud800":1}', "[\x0b1]"),
    ],
    ids=range(27),
)
def test_what_is_no_json_object_stays_a_text(text: str) -> None:
    assert json.loads(JsonPayload(expand=("event",))({"event": text})) == {"event": text}


NAMES: list[tuple[dict[str, str], Any, Any]] = [
    ({"": "1", "b": "2"}, {"_": "1", "b": "2"}, None),
    ({"": "1", ".": "2", " ": "3"}, {"_": "1", "__2": "2", "__3": "3"}, None),
    (
        {".a": "1", "b.": "2", "c..d": "3"},
        {"a": "1", "b": "2", "c_d": "3"},
        {"a": "1", "b": "2", "c": {"d": "3"}},
    ),
    (
        {"a": "1", "a.b": "2", "a.c": "3"},
        {"a": "1", "a_b": "2", "a_c": "3"},
        {"a": "1", "a_2": {"b": "2", "c": "3"}},
    ),
    (
        {"a.b": "2", "a": "1", "a.c": "3"},
        {"a_b": "2", "a": "1", "a_c": "3"},
        {"a": {"b": "2", "c": "3"}, "a_2": "1"},
    ),
    ({"a": "1", ".a": "2", "a.": "3"}, {"a": "1", "a_2": "2", "a_3": "3"}, None),
    ({"a_2": "0", "a": "1", ".a": "2"}, {"a_2": "0", "a": "1", "a_3": "2"}, None),
]


@pytest.mark.parametrize(("log", "flat", "nested"), NAMES)
def test_names_that_elasticsearch_refuses_are_made_flat_or_nested(
    log: dict[str, str], flat: Any, nested: Any
) -> None:
    assert json.loads(JsonPayload(names="flat")(log)) == flat
    assert json.loads(JsonPayload(names="nested")(log)) == (nested or flat)


def is_readable(value: Any) -> bool:
    """Whether Elasticsearch reads each name as one member."""
    if isinstance(value, list):
        return all(map(is_readable, value))
    return not isinstance(value, dict) or all(
        name.strip() and "." not in name and is_readable(inner) for name, inner in value.items()
    )


def list_texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in list_texts(inner)]
    return [value]


@given(st.dictionaries(st.text("a._ 2", max_size=6), st.text("xyz"), max_size=8))
def test_no_value_is_lost_whatever_the_names_are(log: dict[str, str]) -> None:
    for names in ("flat", "nested"):
        read = json.loads(JsonPayload(names=names)(log))
        assert is_readable(read)
        assert sorted(list_texts(read)) == sorted(log.values())


def test_names_inside_expanded_fields_are_treated_alike() -> None:
    log = {"event": '{"a":1.10,"a.b":[{".c":2}],"":{}}', "event.x": "7"}
    flat = JsonPayload(expand=("event",), names="flat")
    assert flat(log) == '{"event":{"a":1.10,"a_b":[{"c":2}],"_":{}},"event_x":"7"}'
    nested = JsonPayload(expand=("event",), names="nested")
    assert nested(log) == ('{"event":{"a":1.10,"a_2":{"b":[{"c":2}]},"_":{}},"event_2":{"x":"7"}}')


def test_a_name_of_many_parts_makes_few_levels() -> None:
    log = {"a." * 5000 + "b": "1", **{"." * n: "2" for n in range(3000)}}
    read = json.loads(JsonPayload(names="nested")(log))
    assert len(read) == 3001
    level = read["a"]
    for _ in range(18):
        level = level["a"]
    assert list(level.values()) == ["1"]


@pytest.mark.parametrize("names", ["flat", "nested"])
def test_the_writer_writes_the_same_names(names: Any) -> None:
    payload = JsonPayload(names=names)
    columns = [("__time__", None), ("", None), ("a", "x%"), ("a.", None)]
    write = payload.writer(columns)
    assert write is not None
    log = {"__time__": "1", "": "2", "a": "x%", "a.": "3"}
    assert write((b"1", b"2", b"3")) == payload(log).encode()
    dotted = [("a.b", None), ("a.%", "%"), ("c", None)]
    write = payload.writer(dotted)
    assert write is not None
    assert write((b"1", b"2")) == payload({"a.b": "1", "a.%": "%", "c": "2"}).encode()
    apart = payload.writer([("a.b", None), ("c", None), ("a.d", None)])
    assert (apart is None) == (names == "nested")


def test_names_are_one_of_three() -> None:
    with pytest.raises(SettingsError, match="names: expected as-is, flat or nested, got 'deep'"):
        JsonPayload(names="deep")  # type: ignore[arg-type]


def test_the_fields_to_expand_are_several_names() -> None:
    with pytest.raises(SettingsError, match="expand: expected several names"):
        JsonPayload(expand="event")  # type: ignore[arg-type]


def test_the_time_is_in_the_text_on_request() -> None:
    payload = KeyValuePayload("^", time=True)
    log = {"__time__": "1795403700", "__topic__": "t"}
    assert payload(log) == "^__time__=1795403700^__topic__=t"
    write = payload.writer([("__time__", None), ("__topic__", "t")])
    assert write is not None
    assert write((b"1795403700",)) == payload(log).encode()


def test_each_name_of_the_setting_makes_its_payload() -> None:
    made = {name: make("^") for name, make in PAYLOADS.items()}
    assert made == {
        "key-value": KeyValuePayload("^"),
        "json": JsonPayload(),
        "cef": CefPayload(),
        "leef": LeefPayload(),
        "ocsf": OcsfPayload(),
    }


def test_only_cef_and_leef_stand_where_the_tag_is() -> None:
    made = (make("||") for make in PAYLOADS.values())
    assert [getattr(payload, "stands_for_tag", False) for payload in made] == [
        False,
        False,
        True,
        True,
        False,
    ]
