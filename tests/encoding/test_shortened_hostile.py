"""Hostile values in a log that is too long: no reader reads a false pair, at any limit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.encoding.cut_events import (
    FORMS,
    LEAST,
    Form,
    Pairs,
    check_short,
    encode,
    make_encoder,
    read_all,
)
from tests.support.hostile import HOSTILE
from tests.support.samples import SAMPLES
from tests.support.siem_readers import read_as_elastic, read_as_logstash, read_as_qradar
from tests.support.strategies import CHARACTERS

VALUES = {
    **{name: value.raw for name, value in HOSTILE.items()},
    "pairs without end": "x src=192.0.2.66 suser=root act=none " * 40,
    "attributes without end": "x^src=192.0.2.66^usrName=root\tact=none|" * 40,
    "equals without end": "= a= b=" * 90,
    "quotes without end": '"\\" ' * 300,
    "JSON without end": '{"a":"b","c":"d\\n"},' * 60,
    "Chinese without end": "用户=放行\\|" * 150,
    "astral without end": "\U0001f600" * 300,
    "lines without end": "a=b\r\nCEF:0|a|b|c|d|e|9|src=192.0.2.66 " * 40,
    "controls without end": "\x00\x85\u2028" * 400,
    "dots without end": "." * 700,
    "spaces without end": f"a{' ' * 700}b",
    "URL": "https://user:pa@shop.example.com:8443/" + "path=/" * 200,
    "URL without a path": "https://" + "a" * 700,
    "255": "h" * 255,
    "256": "h" * 256,
    "255 of three bytes": "放" * 255,
    "half of a pair": "\ud800",
    "address": "203.0.113.5",
    "IPv6": "2001:db8::1",
    "NUL": "\0",
}
"""What stands in a field, by what is wrong with it."""

WIRES = [
    {"syslog_format": syslog_format, "newlines": newlines, "framing": framing}
    for syslog_format, newlines, framing in product(
        ["rfc3164", "rfc5424"],
        ["escape", "space", "keep"],
        ["octet-counting", "newline"],
    )
    if (newlines, framing) != ("keep", "newline")  # the settings refuse it
]
"""The ways to the receiver."""

STEP = 211  # bytes between the limits if free text is cut: each limit cuts it


class Case(NamedTuple):
    """A log with a hostile value.

    Attributes:
        log: The log.
        wire: The settings of the way to the receiver.
    """

    log: Pairs
    wire: dict[str, Any]


def list_cases(number: int) -> Iterator[Case]:
    """Each field of each sample with the next hostile value, and a long text beside it."""
    values = [*VALUES.values()]
    for sample in SAMPLES:
        names = [name for name in sample.log if name != "__time__"]
        for place, name in enumerate(names):
            beside = names[place - 1]
            log = {**sample.log, name: values[number % len(values)]}
            if not beside.startswith("__") and sample.log[beside][:1] not in {"{", "["}:
                log[beside] += " t" * (number % 3 * 150)
            yield Case(log, WIRES[number % len(WIRES)])
            number += 1


def check_whole(read: dict[str, Pairs]) -> None:
    """Check that all readers read the same in a whole event; only Logstash keeps some escapes."""
    first, *_ = read.values()
    for name, pairs in read.items():
        assert "errors" not in pairs, (name, pairs["errors"])
        expected = {key: keep_escapes(text) for key, text in first.items()}
        same = {key: text for key, text in pairs.items() if key in first or " " not in key}
        assert same == (expected if name == "logstash" else first), name


def keep_escapes(text: str) -> str:
    return text.replace("\n", "\\n").replace("\r", "\\r")


def check_case(form: Form, case: Case, step: int = STEP, below: int | None = None) -> int:
    """Check a log at each limit where a pair goes, and at some where free text is cut.

    Args:
        form: The form of the text.
        case: The log.
        step: Bytes between two limits at which free text is cut; 1 for each limit.
        below: The limits to check are below this; ``None`` for all.

    Returns:
        The number of messages that were read.
    """
    # Without quotes a value may hold the separator, or a part of it; pages say so.
    if form is FORMS["key-value"] and any("||" in f"{text}|" for text in case.log.values()):
        return 0
    encoder = make_encoder(form, tag="t", **case.wire)
    message = encode(encoder, case.log)
    whole = read_all(message, form)
    check_whole(whole)
    limit, count = min(len(message), below or len(message)) - 1, 1
    while limit >= LEAST:
        size, is_cut = check_short(form, encoder, case.log, limit, message, whole)
        # If no text is cut, each limit down to this size gives the same message.
        limit = min(size, limit - step + 1) - 1 if is_cut else size - 1
        count += 1
    return count


def list_cases_of(form: Form, stride: int) -> list[Case]:
    """List each so many-th case, others for each form."""
    number = [*FORMS.values()].index(form)
    return [*list_cases(number)][number % stride :: stride]


each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@each_form
def test_no_reader_reads_a_false_value_beside_a_hostile_one(form: Form) -> None:
    for case in list_cases_of(form, 37):
        check_case(form, case)


@pytest.mark.gate
@each_form
def test_no_reader_reads_a_false_value_beside_any_hostile_one(form: Form) -> None:
    stride = 4 if "schema" in form.readers else 1  # it takes 1 ms a message
    for case in list_cases_of(form, stride):
        check_case(form, case)


@pytest.mark.gate
@each_form
def test_no_reader_reads_a_false_value_beside_a_hostile_one_at_each_limit(form: Form) -> None:
    for case in list_cases_of(form, 149):
        check_case(form, case, step=1, below=800)


texts = st.one_of(
    st.sampled_from([*VALUES.values()]),
    st.text(CHARACTERS, max_size=600),
    st.builds(str.__mul__, st.text('a=|^\\"\n 放,{}', min_size=1, max_size=9), st.integers(1, 200)),
)


@given(st.sampled_from([*FORMS.values()]), st.sampled_from(WIRES), st.data())
def test_no_text_makes_a_reader_read_a_false_value(
    form: Form, wire: dict[str, Any], data: st.DataObject
) -> None:
    sample = data.draw(st.sampled_from(SAMPLES))
    names = st.sampled_from([name for name in sample.log if name != "__time__"])
    changed = data.draw(st.dictionaries(names, texts, min_size=1, max_size=3))
    check_case(form, Case({**sample.log, **changed}, wire), step=997)


WRONG = [
    ("cn1=405 cn1Label", "cn1", "405 cn1Label"),  # a label that was cut
    ("cn1=40", "cn1", "40"),
    ("msg=a src=192.0.2.66 act=pass", "src", "192.0.2.66"),  # spaces of a value that has pairs
    ("msg=a=b act=pass", "act", "pass"),
]


@pytest.mark.parametrize(("extension", "key", "value"), WRONG)
def test_the_readers_find_out_what_careless_writers_write(
    extension: str, key: str, value: str
) -> None:
    text = rf"CEF:0|Alibaba \| Cloud|\\|1.0|access|a|3|{extension}"
    for read in (read_as_elastic, read_as_logstash):
        pairs = read(text)
        assert pairs[key] == value
        assert (pairs["header vendor"], pairs["header product"]) == ("Alibaba | Cloud", "\\")
    is_malformed = "a=b" in extension
    assert read_as_elastic(text).get("errors") == (
        "malformed value for msg" if is_malformed else None
    )


@pytest.mark.parametrize(
    ("start", "delimiter"),
    [("2.0|a|b|c|d|^|", "^"), ("2.0|a|b|c|d|x09|", "\t"), ("1.0|a|b|c|d|", "\t")],
)
def test_a_reader_of_leef_takes_the_delimiter_of_the_header(start: str, delimiter: str) -> None:
    pairs = read_as_qradar(f"LEEF:{start}sev=3{delimiter}msg=a|b=c{delimiter}sev=9{delimiter}rest")
    header = {"vendor": "a", "product": "b", "version": "c", "class id": "d"}
    named = {f"header {name}": text for name, text in header.items()}
    assert pairs == {**named, "sev": "3", "msg": "a|b=c"}
