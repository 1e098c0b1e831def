"""Mappings are compiled; the oracle reads them one step after another (tests/support)."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import EventMapping, Labelled
from sls_syslog.payloads.catalog import functions as f
from sls_syslog.payloads.catalog.choice import choose_mapping
from sls_syslog.payloads.dictionary import CEF_KEYS, CUSTOM_KEYS
from sls_syslog.payloads.fields import Constant
from tests.support.hostile import HOSTILE
from tests.support.plain_events import make_plain_event
from tests.support.sample import Sample
from tests.support.samples import SAMPLES

VALUES = [hostile.raw for hostile in HOSTILE.values()]
INSIDE: list[Any] = [
    *(
        None,
        True,
        0,
        7,
        2**70,
        1.5,
        -0.0,
        [],
        {},
        "",
        "-",
        " x ",
        "a\tb",
        "\u3000x\u2028",
        "\ud800",
    ),
    *([1, "2"], {"a": " b "}, {"userName": {"deep": None}}),
]


JSON_STARTS = {'{"', '["'}  # what the JSON of the samples begins with


def check(mapping: EventMapping, log: Mapping[str, str]) -> None:
    """Compare what the compiled mapping makes with what the oracle makes."""
    event, expected = mapping.event(log), make_plain_event(mapping, log)
    assert event == expected
    assert list(event.values) == list(expected.values)


def lack_one(log: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for name in log:
        yield {other: value for other, value in log.items() if other != name}


def spoil_inside(log: Mapping[str, str], value: Any) -> Iterator[dict[str, str]]:
    """Logs with one place after the other inside their JSON replaced."""
    for name, text in log.items():
        for tree in replace_each(json.loads(text), value) if text[:2] in JSON_STARTS else ():
            yield {**log, name: json.dumps(tree, ensure_ascii=False)}


def replace_each(tree: Any, value: Any) -> Iterator[Any]:
    yield value
    if isinstance(tree, dict):
        for key, inner in tree.items():
            yield from ({**tree, key: spoilt} for spoilt in replace_each(inner, value))
    elif isinstance(tree, list):
        for place, inner in enumerate(tree):
            for spoilt in replace_each(inner, value):
                yield [*tree[:place], spoilt, *tree[place + 1 :]]


def flatten(log: Mapping[str, str]) -> dict[str, str]:
    """The log with what is at the top of its JSON in fields of their own, besides."""
    found = dict(log)
    for name, text in log.items():
        if text[:1] == "{":
            found |= {f"{name}.{key}": f"{value}" for key, value in json.loads(text).items()}
    return found


each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)


@each_sample
def test_a_compiled_mapping_makes_the_event_that_it_describes(sample: Sample) -> None:
    mapping = choose_mapping(sample.log)
    values, inside = cycle(VALUES), cycle(INSIDE)
    for log in (sample.log, flatten(sample.log), {}, *lack_one(sample.log)):
        check(mapping, log)
    for name in sample.log:
        check(mapping, {**sample.log, name: next(values)})
    for value in (next(inside), next(inside)):
        for log in spoil_inside(sample.log, value):
            check(mapping, log)


@pytest.mark.gate
@each_sample
def test_a_compiled_mapping_makes_it_of_any_value(sample: Sample) -> None:
    mapping = choose_mapping(sample.log)
    for value in VALUES:
        for name in sample.log:
            check(mapping, {**sample.log, name: value})
    for value in INSIDE:
        for log in spoil_inside(sample.log, value):
            check(mapping, log)


NAMES = ("a", "b", "c", "a.b", "a.b.c", "a.0", "a.c.d", "b.a", "c.", ".", "__topic__", "__time__")
TEXTS = (
    *("", "-", "x", "X", "0", "7", "007", "+7", "-1", "99999", "4294967296", "9" * 19, "9" * 40),
    *("10.0.0.1", "10.0.0.1:80", "2001:db8::1", "host.example", "no host", "unknown", "n/a"),
    *("1793678405", "1793678405123", "2026-11-03T04:00:05Z", "2026-11-03", "1.5", "１２", "high"),
    *("00:11:22:aa:BB:cc", "GET", "true", "x" * 70, "w o r d s " * 500, "/p" * 3000, " x", "x\t"),
    *(
        "x | y",
        "a\u3000",
        "\u2028",
        '{"b":"1"}',
        "[",
        '{"b":{"c":"-0"}}',
        '{"b":-0,"c":{"d":1.10}}',
    ),
    *('{"b.c":"dotted","b":{"c":"deep"}}', '["first",2]', '{"0":"zero","b":null,"b.c":null}'),
    *('{"b": "\\u0000x ", "c": {"d": [1, {"e": 2e5}]}}', '{"":{"":"empty"}}', "1793678405\n"),
)
KEYS = sorted({*CEF_KEYS, "sourceServiceName", "other", "another", "third", "fourth", "fifth"})

fields = st.sampled_from(NAMES)
simple: st.SearchStrategy[Any] = st.one_of(
    fields,
    fields,
    st.sampled_from(TEXTS).map(Constant),
    st.sampled_from(["a", "b.a"]).map(lambda name: lambda log: log.get(name)),
)
table = st.dictionaries(
    st.sampled_from(["x", "0", "get", "high"]), st.sampled_from(TEXTS), min_size=1
)


def compute(sources: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What is made of other sources."""
    return st.one_of(
        st.lists(sources, max_size=4).map(tuple),
        st.builds(f.translate, sources, table, st.sampled_from(["", "5", "odd"])),
        st.builds(f.choose, sources, st.dictionaries(st.sampled_from(["x", "7", "get"]), sources)),
        st.builds(f.keep_listed, sources, st.just(["GET", "x"]), st.sampled_from(["", "other"])),
        st.builds(f.grade, sources, st.just({5: "low", 90: "high"})),
        st.builds(f.exclude, sources, st.just("x")),
        st.builds(f.drop_longer, sources, st.just(3)),
        st.builds(f.drop_larger, sources, st.just(100)),
        st.builds(f.give_if_present, sources, sources),
        st.builds(f.give_if_absent, sources, sources),
        st.builds(f.give_if_equal, sources, sources, sources),
        st.lists(sources, min_size=1, max_size=3).map(lambda parts: f.join(*parts, sep="-")),
        st.builds(f.build_url, sources, sources, sources, sources),
        st.builds(f.decode_url, sources),
        st.builds(f.extract_port, sources),
        st.builds(f.extract_file_name, sources),
        st.just(f.list_matches(("a", "b"), ("x",))),
    )


sources = st.recursive(simple, compute, max_leaves=6)
mappings = st.builds(
    EventMapping,
    event_class_id=sources,
    name=st.none() | sources,
    severity=st.none() | st.integers(0, 10) | sources,
    extension=st.dictionaries(st.sampled_from(KEYS), sources, max_size=9).map(
        lambda extension: {
            key: Labelled("label", source) if key in CUSTOM_KEYS else source
            for key, source in extension.items()
        }
    ),
)
logs = st.dictionaries(
    st.sampled_from([*NAMES, "", "__event_id__", "__time_ns_part__", "a_action", "b_test"]),
    st.sampled_from(TEXTS),
)


@given(mappings, st.lists(logs, min_size=1, max_size=5))
def test_any_mapping_makes_the_event_that_it_describes(
    mapping: EventMapping, logs: list[dict[str, str]]
) -> None:
    for log in logs:
        check(mapping, log)


def test_what_several_values_use_is_computed_once() -> None:
    calls = []

    def count(log: Mapping[str, str]) -> str:
        calls.append(log)
        return "7"

    shared = f.join(count, "b", sep="")
    mapping = EventMapping(
        extension={"act": shared, "cat": (shared, "a"), "reason": f.join(shared)}
    )
    assert set(mapping.event({}).values.values()) == {"7"}
    assert len(calls) == 1


def test_a_source_is_not_called_where_another_counts_before_it() -> None:
    def refuse(log: Mapping[str, str]) -> str:
        raise AssertionError(log)

    extension = {"act": ("a", refuse), "spt": ("b", refuse), "src": ("c", refuse)}
    mapping = EventMapping(extension=extension, severity=("b", refuse))
    log = {"a": "x", "b": "7", "c": "10.0.0.1"}
    assert mapping.event(log).values == {"act": "x", "spt": "7", "src": "10.0.0.1"}


def get_code(mapping: EventMapping) -> object:
    mapping.event({})
    make: Any = mapping._make_event
    return make.__code__


def make_mapping(name: str, label: str, source: Callable[[Any], str]) -> EventMapping:
    return EventMapping(extension={name: name, "cs1": Labelled(label, (name, source)), "spt": name})


def test_no_text_of_a_user_is_in_the_code() -> None:
    hostile = "'\"\\\n); raise SystemExit(1) #{0}"
    mapping = EventMapping(extension={"act": hostile, "cat": f.join(hostile, Constant(hostile))})
    assert mapping.event({hostile: "x"}).values["act"] == "x"
    one, other = make_mapping("k1", "one", str), make_mapping("k2", "two", repr)
    assert get_code(one) is get_code(other)


def test_a_traceback_shows_the_line_that_calls_a_source() -> None:
    def fail(log: Mapping[str, str]) -> str:
        raise LookupError("here")

    mapping = EventMapping(extension={"act": fail})
    with pytest.raises(LookupError, match="here") as caught:
        mapping.event({"a": "x"})
    text = "".join(traceback.format_exception(caught.value))
    assert "<sls_syslog mapping " in text
    assert "clean(FUNCTION_" in text
