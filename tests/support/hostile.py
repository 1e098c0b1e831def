"""Values that break careless writers of CEF and LEEF, and what strict readers must get of them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["HOSTILE", "Hostile"]


class Hostile(NamedTuple):
    """A value of a log.

    Attributes:
        raw: The value.
        cef: What a reader of CEF gets, None where the field is left out.
        leef: What a reader of LEEF with the delimiter ^ gets.
        plain: Whether a writer that escapes nothing gets through with it.
    """

    raw: str
    cef: str | None
    leef: str | None
    plain: bool = False


def same(raw: str, *, plain: bool = False) -> Hostile:
    return Hostile(raw, raw, raw, plain)


HOSTILE = {
    "pipe": same("a|b||", plain=True),
    "equals": same("a=b"),
    "only equals": same("="),
    "looks like pairs": same("x src=1.2.3.4 act=none"),
    "backslash": same(r"C:\temp\new"),
    "only backslash": same("\\"),
    "trailing backslash": same("ends in \\"),
    "two trailing backslashes": same("ends in \\\\"),
    "escapes as text": same(r"\n \r \= \| \\"),
    "backslash before equals": same(r"a\=b"),
    "another message": same("CEF:0|a|b|c|d|e|f|g=h"),
    "line feed": Hostile("a\nb", "a\nb", "a b"),
    "a message after a line feed": Hostile(
        "a\n<134>1 - - - - - - b", "a\n<134>1 - - - - - - b", "a <134>1 - - - - - - b"
    ),
    "carriage return": Hostile("a\rb", "a\rb", "a b"),
    "both": Hostile("a\r\nb", "a\r\nb", "a  b"),
    "tab": Hostile("a\tb", "a\tb", "a b", plain=True),
    "caret": Hostile("a^b=c^", "a^b=c^", "a b=c"),
    "only carets": Hostile("^^", "^^", None, plain=True),
    "Chinese": same("用户=管理员 登录|失败"),
    "astral": same("\U0001f600 ok", plain=True),
    "zero width": same("a\u200bb\ufeff", plain=True),
    "empty": Hostile("", None, None),
    "placeholder": Hostile("-", None, None),
    "spaces": Hostile("   ", None, None),
    "spaces around": Hostile("  a  b  ", "a  b", "a  b"),
    "control characters": Hostile("a\x00b\x1bc\x7fd", "a b c d", "a b c d"),
    "C1": Hostile("a\x85b\x9bc", "a b c", "a b c"),
    "separators": Hostile("a\u2028b\u2029c", "a b c", "a b c"),
    "only control characters": Hostile("\x00\x01\x85", None, None),
    "surrounding quotes": same('"quoted"', plain=True),
    "single quotes": same("'quoted'", plain=True),
    "percent": same("%s %(a)s %% 100%", plain=True),
    "braces": same("{a} {0} {}", plain=True),
    "5 kB": same("0123456789abcde|" * 320, plain=True),
    "5 kB to escape": same("\\=" * 2500),
    "JSON": same('{"a":"b=c","d":"\\"e\\n"}'),
}
"""By what is wrong with them."""
