"""Reads values from one log: by field name, by a path into JSON, or by a function.

Sans-I/O. It must return clean values only: without white space around them, without control
characters that cannot be written, and ``""`` for SLS's ``-``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, TypeAlias

from sls_syslog.syslog.sanitize import replace_characters

__all__ = [
    "NOTHING",
    "Accept",
    "Constant",
    "Fields",
    "Source",
    "clean",
    "make_reader",
    "parse_json",
]

Source: TypeAlias = "str | Callable[[Mapping[str, str]], str | None] | tuple[Source, ...]"
"""Where a value comes from: the name of a field, a path into a field that holds JSON (see
``Fields``), a function that takes the log's ``Fields``, or a tuple of sources. For a tuple, the
first value that fits counts: for a key of CEF's that holds an address, a number or a time, the
first that is one; for any other, the first that is not empty."""

Accept: TypeAlias = Callable[[str], bool]
"""Tells whether a value fits."""

NOTHING = "-"
"""What Alibaba Cloud's products write into a field that has no value."""

# Every control character that cannot be written, LINE and PARAGRAPH SEPARATOR, and halves of
# surrogate pairs. Line feed, carriage return and TAB can be written or escaped.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNWRITABLE_CODES = (
    *range(0x09),
    *(0x0B, 0x0C),
    *range(0x0E, 0x20),
    *range(0x7F, 0xA0),
    *(0x2028, 0x2029),
    *range(0xD800, 0xE000),
)
_SPACES = dict.fromkeys(_UNWRITABLE_CODES, " ")
_CONTROLS = bytes((*range(32), 127))
_Write: TypeAlias = Callable[[Any], str]
_json: _Write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def clean(value: str) -> str:
    """Make a value fit to send: no white space around it, ``""`` for SLS's ``-``."""
    if not value:  # a mapping asks for many values that a log has not
        return ""
    if not value.isprintable():
        value = replace_characters(value, _UNWRITABLE, _SPACES)
    value = value.strip()
    return "" if value == NOTHING else value


def _is_tidy(log: Mapping[str, str]) -> bool:
    """Whether ``clean`` would change no value, except ``-``.

    One test for all values is quick, and nearly all logs are tidy. It may be false for a tidy
    log, for example because of "| " in a value.
    """
    joined = "|".join(log.values())
    if joined.isascii():  # quicker than isprintable()
        writable = len(joined.encode().translate(None, _CONTROLS)) == len(joined)
    else:
        writable = joined.isprintable()
    return writable and not (
        " |" in joined or "| " in joined or joined[:1] == " " or joined[-1:] == " "
    )


class Fields(Mapping[str, str]):
    """The fields of one log that have a value, and the values inside their JSON.

    ``fields["event.userIdentity.userName"]`` is the field of exactly that name, if the log has
    one. If not, it is the value at that path in the JSON of the field ``event``, which is parsed
    once. Items of lists have numbers from 0: ``sourceIPs.0``. The last key of a path may contain
    dots. Numbers, true, false, lists and objects are written as JSON, every number with the digits
    that the log has. A field that is missing,
    empty or ``-`` is not in the mapping.

    Args:
        log: The log.

    Attributes:
        log: The log with clean values; some may be empty.
        results: What functions have computed and will be asked for again, by function.
    """

    __slots__ = ("_inside", "_parsed", "log", "results")

    def __init__(self, log: Mapping[str, str]) -> None:
        self.log = log if _is_tidy(log) else {key: clean(value) for key, value in log.items()}
        self._parsed: dict[str, tuple[Any, _Write]] = {}
        self._inside: dict[str, str] = {}
        self.results: dict[Callable[[Fields], str], str] = {}

    def text(self, name: str) -> str:
        """Return the value, or ``""`` if there is none."""
        value = self.log.get(name)
        if value is not None:
            return "" if value == NOTHING else value
        if "." not in name:
            return ""
        value = self._inside.get(name)  # a mapping may ask for a path several times
        if value is None:
            value = self._inside[name] = clean(self._find_inside(name))
        return value

    def __getitem__(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.log if self.text(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _find_inside(self, name: str) -> str:
        holder, dot, path = name.partition(".")
        if not dot or holder not in self.log:
            return ""
        if holder not in self._parsed:
            self._parsed[holder] = parse_json(self.log[holder])
        parsed, write = self._parsed[holder]
        value = _find_at(parsed, path)
        if value is None or isinstance(value, str):
            return value or ""
        try:
            return write(value)
        except RecursionError:  # hundreds of levels: nothing that a receiver could read
            return ""


class _Number(str):
    """A number that Python would write otherwise than the log does."""

    __slots__ = ()


def parse_json(value: str) -> tuple[Any, _Write]:
    """Parse JSON, and choose what writes its parts: a slow function only if it must."""
    special: list[_Number] = []

    def keep(text: str) -> _Number:
        special.append(_Number(text))
        return special[-1]

    def read_integer(text: str) -> Any:
        is_short = len(text) < 19 and text != "-0"  # Python reads long ones slowly, or refuses them
        return int(text) if is_short else keep(text)

    def read_float(text: str) -> Any:
        number = float(text)
        return number if repr(number) == text else keep(text)

    try:
        parsed = json.loads(value, parse_int=read_integer, parse_float=read_float)
    except (ValueError, RecursionError):
        return None, _json
    return parsed, _write_json if special else _json


def _write_json(value: Any) -> str:
    if isinstance(value, dict):
        pairs = [f"{_json(key)}:{_write_json(inner)}" for key, inner in value.items()]
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_write_json, value))}]"
    return value if isinstance(value, _Number) else _json(value)


def _find_at(value: Any, path: str) -> Any:
    """Return the value at a path, or ``None`` if there is none."""
    while path:
        if isinstance(value, dict) and path in value:  # usually the rest of the path is one key
            return value[path]
        step, _, path = path.partition(".")
        if isinstance(value, list):
            number = int(step) if step.isdecimal() else len(value)
            value = value[number] if number < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


@dataclass(frozen=True, slots=True)
class Constant:
    """A source that gives the same text for every log."""

    value: str

    def __call__(self, log: Mapping[str, str]) -> str:
        """Return the text."""
        return self.value


def make_reader(source: Source, *accepts: Accept) -> Callable[[Fields], str]:
    """Make a function that reads a source: it returns a clean text, or ``""``.

    Args:
        source: The source.
        accepts: What fits if there are several sources, the best first: the first value that fits
            best counts. If no value fits, or nothing is given, the first that is not empty.
    """
    if isinstance(source, str):
        return methodcaller("text", source)
    if isinstance(source, tuple):
        readers = tuple(make_reader(each, *accepts) for each in source)
        return _make_first_reader(readers, accepts)
    # The sources of the catalog have the function that takes ``Fields``; a call would look first
    # whether it got these.
    function = getattr(source, "compute_from_fields", source)
    return lambda fields: clean(function(fields) or "")


def _make_first_reader(
    readers: tuple[Callable[[Fields], str], ...], accepts: tuple[Accept, ...]
) -> Callable[[Fields], str]:
    def read(fields: Fields) -> str:
        found: list[str] | None = None  # what does not fit best; most often nothing
        for reads in readers:
            value = reads(fields)
            if value:
                if not accepts or accepts[0](value):
                    return value
                found = [*(found or ()), value]
        if found is None:
            return ""
        fitting = (value for accept in accepts[1:] for value in found if accept(value))
        return next(fitting, found[0])

    return read
