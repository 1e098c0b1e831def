"""What logs hold becomes legal, and what is legal stays as it is."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.syslog.message import SyslogMessage
from sls_syslog.syslog.sanitize import (
    NEWLINES,
    sanitize_header_field,
    sanitize_rfc3164_hostname,
    sanitize_rfc3164_tag,
    sanitize_rfc5424_hostname,
    sanitize_sd_name,
)
from tests.support.strategies import CHARACTERS

# Every character that ends a line or a message for some receiver: the control characters of
# Unicode but TAB, and its two separators.
CONTROLS = [
    chr(code)
    for code in (*range(0x100), 0x2028, 0x2029)
    if unicodedata.category(chr(code)) in {"Cc", "Zl", "Zp"} and chr(code) != "\t"
]


def test_the_table_of_control_characters_is_whole() -> None:
    assert len(CONTROLS) == 31 + 33 + 2


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("web-1.example:[::1]", 255, "web-1.example:[::1]"),
        ("", 48, "-"),
        ("-", 48, "-"),
        ("a b\tc\nd\x00e\x7f", 48, "a_b_c_d_e_"),
        ("größer 日本 \U0001f600", 48, "gr__er_____"),
        ("x" * 48, 48, "x" * 48),
        ("x" * 49, 48, "x" * 48),
        ("\ud800", 48, "_"),
        ("!~", 48, "!~"),
    ],
)
def test_a_header_field_is_made_legal(text: str, limit: int, expected: str) -> None:
    assert sanitize_header_field(text, limit) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web_1.example-a", "web_1.example-a"),
        ("", "-"),
        ("::1", "::1"),
        ("2001:db8::a:1", "2001:db8::a:1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("[::1]", "___1_"),
        ("web:1", "web_1"),
        ("T00:00:00Z x", "T00_00_00Z_x"),
        ("日本", "__"),
        ("x" * 256, "x" * 255),
    ],
)
def test_a_hostname_of_rfc_5424_is_made_legal_for_every_receiver(text: str, expected: str) -> None:
    assert sanitize_rfc5424_hostname(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web_1.example-a", "web_1.example-a"),
        ("", "unknown"),
        ("fe80::1", "fe80--1"),
        ("two words\n", "two-words"),
        ("web-1:", "web-1"),
        ("-web_1", "web_1"),
        ("._-web-1", "web-1"),
        ("::1", "1"),
        ("日本", "unknown"),
        ("x" * 256, "x" * 255),
    ],
)
def test_a_hostname_of_rfc_3164_is_made_legal(text: str, expected: str) -> None:
    assert sanitize_rfc3164_hostname(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postfix/smtpd", "postfix/smtpd"),
        ("", "-"),
        ("a:b[c] d", "a_b_c__d"),
        ("日本", "__"),
        ("x" * 33, "x" * 32),
    ],
)
def test_a_tag_is_made_legal(text: str, expected: str) -> None:
    assert sanitize_rfc3164_tag(text) == expected


def test_a_control_character_is_escaped_or_a_space_or_kept() -> None:
    for character in CONTROLS:
        text = f"a{character}b"
        assert json.loads(f'"{NEWLINES["escape"](text)}"') == text
        assert NEWLINES["space"](text) == "a b", repr(text)
        assert NEWLINES["keep"](text) == text


@pytest.mark.parametrize("text", ["", "a\tb", 'C:\\new "x"', "größer\u00a0日本\u2027\U0001f600"])
@pytest.mark.parametrize("policy", NEWLINES)
def test_other_text_stays_as_it_is(policy: str, text: str) -> None:
    assert NEWLINES[policy](text) == text


def test_the_two_common_ones_have_short_escapes() -> None:
    assert NEWLINES["escape"]("a\r\nb\x00") == "a\\r\\nb\\u0000"


def escape_slowly(character: str) -> str:
    return {"\n": "\\n", "\r": "\\r"}.get(character, f"\\u{ord(character):04x}")


@given(st.text(st.sampled_from([*CONTROLS, "a", "ß", "日", "\t", "\\"]), max_size=100))
def test_many_control_characters_are_replaced_like_one(text: str) -> None:
    parts = [(character, character in CONTROLS) for character in text]
    escaped = "".join(escape_slowly(part) if control else part for part, control in parts)
    assert NEWLINES["escape"](text) == escaped
    assert NEWLINES["space"](text) == "".join(" " if control else part for part, control in parts)


@given(st.text(CHARACTERS))
@pytest.mark.parametrize("policy", ["escape", "space"])
def test_any_text_becomes_one_line(policy: str, text: str) -> None:
    line = NEWLINES[policy](text)
    assert line.splitlines() in ([], [line])
    assert not set(CONTROLS) & set(line)


@given(st.dictionaries(st.text(CHARACTERS), st.text(CHARACTERS)))
def test_escaped_json_is_the_same_json(value: dict[str, str]) -> None:
    assert json.loads(NEWLINES["escape"](json.dumps(value, ensure_ascii=False))) == value


SD_NAME_CHARACTERS = {chr(code) for code in range(33, 127)} - set('= ]"')


@given(st.text(CHARACTERS))
def test_a_name_for_structured_data_is_legal_and_stays_distinct(text: str) -> None:
    name = sanitize_sd_name(text)
    message = SyslogMessage(structured_data={name: {name: "v"}})
    assert list(message.structured_data) == [name]
    assert (name == text) == (0 < len(text) <= 32 and not set(text) - SD_NAME_CHARACTERS)


def test_two_names_that_are_repaired_stay_two() -> None:
    assert sanitize_sd_name("__tag__:" + "x" * 40 + "1") != sanitize_sd_name(
        "__tag__:" + "x" * 40 + "2"
    )
    assert sanitize_sd_name("路径") != sanitize_sd_name("主机")
