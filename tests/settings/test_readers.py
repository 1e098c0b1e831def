"""The readers of settings, one table of what each takes and one of what it refuses."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sls_syslog.settings import readers

COLOUR = readers.choice("red", "green", "blue")
PORT = readers.integer(1, 65535)
ABOVE_ZERO = readers.seconds()
FROM_ZERO = readers.seconds(zero=True)
UTC = dt.timezone.utc


def offset(hours: int, minutes: int = 0) -> dt.timezone:
    return dt.timezone(dt.timedelta(hours=hours, minutes=minutes))


@pytest.mark.parametrize(
    ("read", "given", "expected"),
    [
        (readers.text, "x", "x"),
        (readers.text, " ", " "),
        (COLOUR, "red", "red"),
        (COLOUR, " Green\n", "green"),
        (PORT, 1, 1),
        (PORT, 65535, 65535),
        (PORT, "514", 514),
        (PORT, " 514\n", 514),
        (ABOVE_ZERO, 120, 120.0),
        (ABOVE_ZERO, "0.5", 0.5),
        (ABOVE_ZERO, 5e-324, 5e-324),
        (FROM_ZERO, 0, 0.0),
        (FROM_ZERO, "0", 0.0),
        (readers.flag, True, True),
        (readers.flag, "Yes", True),
        (readers.flag, " on ", True),
        (readers.flag, 1, True),
        (readers.flag, "FALSE", False),
        (readers.flag, "no", False),
        (readers.flag, "off", False),
        (readers.flag, 0, False),
        (readers.instance_of(dict), {}, {}),
        (readers.template, "{__source__}", "{__source__}"),
        (readers.time_zone, "local", None),
        (readers.time_zone, "LOCAL", None),
        (readers.time_zone, "utc", UTC),
        (readers.time_zone, "Z", UTC),
        (readers.time_zone, "+08:00", offset(8)),
        (readers.time_zone, "-03:30", offset(-3, -30)),
        (readers.time_zone, "-00:30", offset(0, -30)),
        (readers.time_zone, "+23:59", offset(23, 59)),
        (readers.time_zone, "+00:00", UTC),
        (readers.time_zone, " Asia/Shanghai ", ZoneInfo("Asia/Shanghai")),
        (readers.time_zone, UTC, UTC),
        (readers.time_zone, ZoneInfo("Asia/Kolkata"), ZoneInfo("Asia/Kolkata")),
    ],
    ids=lambda value: "read" if callable(value) else repr(value),
)
def test_a_reader_takes(read: Any, given: Any, expected: Any) -> None:
    value = read(given)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("read", "wrong", "expected"),
    [
        (readers.text, ["", None, 5, b"x"], "expected a text that is not empty"),
        (COLOUR, ["", "yellow", None, 5, ["red"], {}], "expected one of red, green, blue"),
        (
            PORT,
            [0, 65536, -1, "0", "-1", "", " ", "5.0", 514.0, "²", "٥", True, None, "9" * 5000],
            "expected a whole number from 1 to 65535",
        ),
        (
            ABOVE_ZERO,
            [0, "0", -1, "-0.1", "", "5s", "nan", "inf", float("-inf"), True, None, [], 10**400],
            "expected a number of seconds above 0",
        ),
        (FROM_ZERO, [-1, "-1", "nan", None, False], "expected a number of seconds of at least 0"),
        (readers.flag, ["", "maybe", 2, None, 0.5, "nope"], "expected true or false"),
        (readers.instance_of(ssl.SSLContext), [None, "x", ssl], "expected an object of ssl.SSLC"),
        (readers.template, ["", None, 5], "expected a text that is not empty"),
        (readers.template, ["{", "{}", "a}"], "expected each { to be closed by a }"),
        (
            readers.time_zone,
            [
                *("", " ", "Asia/Shangai", "Asia", "shanghai", "+8", "+0800", "08:00", "+24:00"),
                *("+01:60", "../UTC", "/etc/localtime", "a\x00b", "\ud800", 8, None, "UTC+8"),
            ],
            "expected local, UTC, an offset such as +08:00, or a name such as Asia/Shanghai",
        ),
    ],
    ids=["text", "choice", "int", "seconds", "zero", "flag", "object", "template", "brace", "zone"],
)
def test_a_reader_refuses_and_says_what_it_wants(
    read: Any, wrong: list[Any], expected: str
) -> None:
    for given in wrong:
        with pytest.raises(ValueError) as got:  # noqa: PT011  # its text is what is tested
            read(given)
        assert (given, got.value.args[0][: len(expected)]) == (given, expected)


@pytest.mark.parametrize(
    ("wrong", "hint"), [("grene", "; did you mean 'green'?"), ("xyz", ""), (5, "")]
)
def test_a_choice_names_the_nearest_apart_from_what_it_wants(wrong: Any, hint: str) -> None:
    with pytest.raises(ValueError, match="expected") as got:
        COLOUR(wrong)
    assert got.value.args == ("expected one of red, green, blue", hint)


def test_a_file_must_be_there_and_readable(tmp_path: Path) -> None:
    pem = tmp_path / "größer.pem"
    pem.touch()
    assert readers.file_path(pem) == str(pem)
    assert readers.file_path(str(pem)) == str(pem)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("/no/such/file", "No such file or directory"),
        ("/", "Is a directory"),
        ("", "Is a directory"),
        ("a\x00b", "not a path"),
        ("x" * 300, "File name too long"),
        (5, "not a path"),
        (None, "not a path"),
        (["x"], "not a path"),
    ],
    ids=["missing", "directory", "empty", "nul", "long", "number", "none", "list"],
)
def test_what_cannot_be_read_is_refused_with_the_reason(given: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^expected the path of a readable file \((.*)\)$") as got:
        readers.file_path(given)
    assert f"({reason})" in str(got.value)


def test_of_a_secret_only_line_feeds_at_its_end_go() -> None:
    assert readers.secret(" a b \n") == " a b "
    assert repr(readers.secret("hunter2")) == "<secret>"
    assert f"{readers.secret('hunter2')}" == "hunter2"


@pytest.mark.parametrize("wrong", ["", "\n", "a b", "a\x00b", "a\u200b", 5, None])
def test_a_word_has_no_white_space_in_it(wrong: Any) -> None:
    assert readers.word(" a-b_c/d==\n") == "a-b_c/d=="
    with pytest.raises(ValueError, match="without white space"):
        readers.word(wrong)
