"""A user's regular expression is compiled, unless some text makes its search take long."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sls_syslog
from sls_syslog import SettingsError, SeverityRule
from sls_syslog.logs.patterns import MAX_SEARCHED, compile_replace, compile_search

SAFE = [
    *("", "^Delete", "error|fail", r"(?i)\b(?:error|failed|denied)\b", r"^5\d\d$", r"[^\x00-\x7f]"),
    *(r"^(?:\d{1,3}\.){3}\d{1,3}$", r"\d+\.\d+\.\d+\.\d+", r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"),
    *(r"status[=:]\s*5\d\d", r"failed.*password", r"^.*failed.*password", ".*error", r"\s+$"),
    *(r"^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$", r"(?:\w+\.)+\w+@", r"(\w+\s)*x", r"^(\w+\s)*\w+$"),
    *(r'"(?:[^"\\]|\\.)*"', "(a|b)*c", r"(\w|\d)+x", "(?i)(a|A)*b", "(?:ERR|WARN)+", "(a|ab)c*"),
    *(r"[A-Z]{3,}-\d{4,}", ".{0,100}error.{0,100}", "failed.{0,100}user.{0,100}root", "a{1000}"),
    *("(?!.*test).*prod", "(?=.*a)(?=.*b)c", r"/\*.*?\*/", r"^\[.*?\] (?:ERROR|FATAL)", r"(\w)\1"),
    *("(?:foo|bar|baz){2,3}", "(?m)^ERROR.*$", r"^\s*at .*Exception: .*$", r"((?:\d+,)+)\d+$"),
    *(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)", r"(?:union|select)\s+.*from"),
    *("(a+)+", r"(\w+\s?)*", "(?:a?)*b", "(?:ab|cd)*e", r"(?s:a.*)b", r"(a)?(?(1)b|c)", r"(?<=a)b"),
    "|".join(f"word{number}" for number in range(1000)),
]
NESTED = [
    *(r"^(\w+\s?)*$", "(a+)+$", "(a*)*b", "(a|aa)+$", "(a|a.)*b", r"(\d+)*x", "(x+x+)+y", "(.+)+x"),
    *("^(([a-z])+.)+[A-Z]([a-z])+$", "(?:(?:a*|b*)c)*d", "^(?:a|b|ab)*c", "(a{1,20}){1,20}b"),
    *(r"(\w{1,20}\s?){1,10}$", r"(?:\w+,?)+;", "(?=(a+)+b)c", "((a?){3,}b)*c", "(?:[^,]+,?)*;"),
    *(r"^(?:\s*\w+\s*)*$", "([^@]+@?)+x", "^(a?){30}a{30}$", "(?:a+b?)+c", "(?i)(?:[a-c]+B?)+x"),
    *(
        "((a*)*b)*c",
        "(?:a*b*)*c",
        "(?:a+|[ab]+)*c",
        "(?:a|(?:)|a)*b{2}c",
        "(?s)(?:.|\n)*x",
        "(a*?)*b",
    ),
    *("(.*a){10}x", "(?:(?:)|(?:(?:(?:))+(?:.){2})*?)c"),
    r"(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}))$",
]
FOLLOWING = [
    *(".*.*=.*;x", r"\w*\w*\w*x", "(?s).*a.*b.*c.*d", r"\s+\s+\s+$", ".*foo.*bar"),
    *("(?:ab?)*(?:ab?)*(?:ab?)*x", "(?=.*a.*b.*c)d", "a{0,1000}a{0,1000}b", r"(\w*)\1\w*\w*x"),
]


@pytest.mark.parametrize("pattern", SAFE, ids=lambda pattern: pattern[:40])
def test_a_pattern_that_is_quick_for_every_text_is_accepted(pattern: str) -> None:
    """Each is searched in texts made to be read in many ways; an endless one would hang here."""
    search = compile_search(pattern)
    for unit in ("a", "ab", "1", "a1. ", " ", "x,", "foo", "failed password ", '"\\'):
        for end in ("", "!", "\n"):
            text = unit * (200 // len(unit)) + end
            assert bool(search(text)) == bool(re.search(pattern, text))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        *((pattern, "a repeat within a repeat") for pattern in NESTED),
        *((pattern, "several repeats can read the same text") for pattern in FOLLOWING),
    ],
)
def test_a_pattern_that_some_text_makes_take_long_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compile_search(pattern)
    with pytest.raises(SettingsError, match=words) as refused:
        SeverityRule("path", matches=pattern, severity="error")
    assert "severity_rules" in str(refused.value)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="re has them since Python 3.11")
@pytest.mark.parametrize(
    ("pattern", "is_accepted"),
    [
        (r"(?:\w++\s?)*$", True),
        ("(a++)+b", True),
        ("(?>a+)b", True),
        ("(?>(a+)+b)c", False),
        ("(?:(a+)+b)++c", False),
        ("(?:(?>a)|a)*b", False),
    ],
)
def test_what_gives_nothing_back_is_read_in_one_way(pattern: str, is_accepted: bool) -> None:
    if is_accepted:
        assert compile_search(pattern)("a b ab")
        return
    with pytest.raises(ValueError, match="a repeat within a repeat"):
        compile_search(pattern)


def test_a_pattern_that_is_too_large_to_be_checked_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        compile_search("a" * 10_001)


def test_only_the_beginning_of_a_text_is_searched() -> None:
    search = compile_search("error$")
    for before, is_found in ((MAX_SEARCHED - 5, True), (MAX_SEARCHED - 4, False)):
        assert bool(search("x" * before + "error")) is is_found
    assert search("x" * (MAX_SEARCHED - 5) + "error, and more")


@given(
    st.sampled_from(
        [
            r"\d{13,19}",
            r"(?<!\d)\d{3,5}(?!\d)",
            r"\b[a-c]{2,5}\b",
            "a|bc",
            "1$",
            "(?m)^a",
            r"(?m)c$",
        ]
    ),
    st.text("1a c\n", max_size=40),
    st.integers(0, 300),
    st.text("1a c\n", max_size=40),
)
def test_a_replacement_finds_in_a_text_of_any_length_what_re_finds(
    pattern: str, unit: str, times: int, end: str
) -> None:
    text = unit * times + end
    replaced = compile_replace(pattern)(text, lambda match: f"<{match}>")
    assert replaced == re.sub(pattern, lambda match: f"<{match[0]}>", text)


@pytest.mark.parametrize(
    ("pattern", "longest"),
    [
        (r"\d+", MAX_SEARCHED),  # a match may be longer than what is searched at once
        (r"\d(?=.*x)", MAX_SEARCHED),
        (r"\d{1000}(?=[^x]{100})", MAX_SEARCHED),
        ("^.{0,50}error.{0,50}root", 100 * MAX_SEARCHED),
    ],
)
def test_a_text_that_cannot_be_searched_as_a_whole_is_not_replaced(
    pattern: str, longest: int
) -> None:
    replace = compile_replace(pattern)
    assert replace("y" * longest, str.upper) == "y" * longest
    if longest == MAX_SEARCHED:
        assert replace("y" * (longest + 1), str.upper) is None


def test_a_text_of_which_the_search_would_take_more_than_a_second_is_not_replaced() -> None:
    replace = compile_replace(r"[\w.]{1,64}@[\w.]{1,255}\.[a-z]{2,20}")
    assert replace("y" * (1 << 15), str.upper) is not None
    assert replace("y" * (1 << 28), str.upper) is None


@pytest.mark.parametrize("pattern", ["", "a*", "(?=a)", r"\b", "a|"])
def test_a_pattern_that_can_match_nothing_replaces_nothing(pattern: str) -> None:
    with pytest.raises(ValueError, match="at least one character"):
        compile_replace(pattern)


def list_own_patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for module in pkgutil.walk_packages(sls_syslog.__path__, "sls_syslog."):
        if "pytest_plugin" not in module.name:
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern):
                    yield f"{module.name}.{name}", value


def test_no_pattern_of_the_library_is_endless() -> None:
    """The one that is named reads each text in one way because of its lookahead."""
    found = []
    for name, pattern in list_own_patterns():
        text = pattern.pattern
        try:
            compile_search(text.decode("latin-1") if isinstance(text, bytes) else text)
        except ValueError as error:
            if "within a repeat" in str(error):
                found.append(name)
    assert found == ["sls_syslog.payloads.catalog.functions._SQL_START"]
