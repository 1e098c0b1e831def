"""The fields of a log as sources of values: by name, by a path into JSON, or by a function.

Pure. What is read here is clean: no control characters that could not be written, no white
space around it, and nothing at all where SLS has a ``-``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, TypeAlias

__all__ = ["NOTHING", "Constant", "Fields", "Source", "clean", "reader", "text"]

Source: TypeAlias = "str | Callable[[Mapping[str, str]], str | None] | tuple[Source, ...]"
"""Where a value comes from: a field's name or a path into a field that holds JSON (see
``Fields``), a function that is called with the log's ``Fields``, or several of these, of which
the first that gives something counts."""

NOTHING = "-"
"""What SLS's products write into a field that has no value."""

# Line feed, carriage return and TAB can be written, one way or another; all other control
# characters, LINE and PARAGRAPH SEPARATOR and halves of surrogate pairs cannot.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROLS = bytes((*range(32), 127))
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def clean(value: str) -> str:
    """A value as it can be sent: no white space around it, ``""`` for SLS's ``-``."""
    if not value.isprintable():
        value = _UNWRITABLE.sub(" ", value)
    value = value.strip()
    return "" if value == NOTHING else value


def _is_tidy(log: Mapping[str, str]) -> bool:
    """Whether no value has anything that ``clean`` would take away, except ``-``.

    All at once, since nearly all logs are. A doubt makes it false, as "| " in a value does.
    """
    joined = "|".join(log.values())
    if joined.isascii():  # then this is quicker than isprintable()
        writable = len(joined.encode().translate(None, _CONTROLS)) == len(joined)
    else:
        writable = joined.isprintable()
    return writable and not (
        " |" in joined or "| " in joined or joined[:1] == " " or joined[-1:] == " "
    )


class Fields(Mapping[str, str]):
    """The fields of one log that hold something, and what lies in those that hold JSON.

    ``fields["event.userIdentity.userName"]`` is a field of exactly that name, if the log has
    one, and else what lies at that path in the JSON of the field ``event``, which is read once.
    Items of lists go by number from 0: ``sourceIPs.0``; a key with dots may end a path. Numbers,
    true, false, lists and objects are given as JSON writes them. A field that is missing, empty
    or ``-`` is not there.

    Args:
        log: The log.

    Attributes:
        log: The log with clean values, though some may be empty.
    """

    __slots__ = ("_inside", "_parsed", "log")

    def __init__(self, log: Mapping[str, str]) -> None:
        self.log = log if _is_tidy(log) else {key: clean(value) for key, value in log.items()}
        self._parsed: dict[str, Any] = {}
        self._inside: dict[str, str] = {}

    def text(self, name: str) -> str:
        """The value, ``""`` where there is none."""
        value = self.log.get(name)
        if value is not None:
            return "" if value == NOTHING else value
        value = self._inside.get(name)  # mappings ask for some paths several times
        if value is None:
            value = self._inside[name] = clean(self._found_inside(name))
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

    def _found_inside(self, name: str) -> str:
        holder, dot, path = name.partition(".")
        if not dot or holder not in self.log:
            return ""
        if holder not in self._parsed:
            self._parsed[holder] = _from_json(self.log[holder])
        value = _at(self._parsed[holder], path)
        if value is None or isinstance(value, str):
            return value or ""
        return _json(value)


def _from_json(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _at(value: Any, path: str) -> Any:
    """What lies at a path, ``None`` for nothing."""
    while path:
        if isinstance(value, dict) and path in value:  # mostly at once
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
        """The text."""
        return self.value


def text(value: str) -> Source:
    """A source that gives this text for every log."""
    return Constant(value)


def reader(source: Source) -> Callable[[Fields], str]:
    """A function from a log's fields to what a source gives, clean, or to ``""``."""
    if isinstance(source, str):
        return methodcaller("text", source)
    if isinstance(source, tuple):
        return _first(tuple(map(reader, source)))
    function = source
    return lambda fields: clean(function(fields) or "")


def _first(readers: tuple[Callable[[Fields], str], ...]) -> Callable[[Fields], str]:
    def read(fields: Fields) -> str:
        for reads in readers:
            value = reads(fields)
            if value:
                return value
        return ""

    return read
