"""Reads values from one log: by field name, by a path into JSON, or by a function.

Sans-I/O. It must return clean values only: without white space around them, without control
characters that cannot be written, and ``""`` for SLS's ``-``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sls_syslog.syslog.sanitize import replace_characters

__all__ = [
    "NOTHING",
    "Accept",
    "Constant",
    "Fields",
    "JsonPaths",
    "Source",
    "clean",
    "clean_log",
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
# All bytes of UTF-8 but control characters, and those with which the others begin that cannot be
# written, and white space outside ASCII.
_HARMLESS = bytes({*range(256)} - {*range(32), 127, 0xC2, 0xE1, 0xE2, 0xE3, 0xED})
_JSON_STARTS = ("{", "[")  # of what has anything at a path
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


def clean_log(log: Mapping[str, str]) -> Mapping[str, str]:
    """Return the log with clean values."""
    values = log.values()
    if not _are_tidy(values):
        return {name: clean(value) for name, value in log.items()}
    if NOTHING in values:
        return {name: "" if value == NOTHING else value for name, value in log.items()}
    return log


def _are_tidy(values: Iterable[str]) -> bool:
    """Whether ``clean`` would change no value, except ``-``.

    One test for all values is quick, and nearly all logs are tidy. It may be false for tidy
    values, for example because of "| " in a value.
    """
    joined = "|".join(values)
    if " |" in joined or "| " in joined or joined[:1] == " " or joined[-1:] == " ":
        return False
    doubtful = joined.encode("utf-8", "surrogatepass").translate(None, _HARMLESS)
    return not doubtful or joined.isprintable()


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
    """

    __slots__ = ("_parsed", "log")

    def __init__(self, log: Mapping[str, str]) -> None:
        self.log = clean_log(log)
        self._parsed: dict[str, tuple[Any, _Write]] = {}

    @classmethod
    def of_clean(cls, log: Mapping[str, str]) -> Fields:
        """Make the fields of a log that ``clean_log`` returned."""
        made = cls.__new__(cls)
        made.log, made._parsed = log, {}
        return made

    def text(self, name: str) -> str:
        """Return the value, or ``""`` if there is none."""
        value = self.log.get(name)
        return clean(self._find_inside(name)) if value is None else value

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
        if not dot or not self.log.get(holder, "").startswith(_JSON_STARTS):
            return ""
        if holder not in self._parsed:
            self._parsed[holder] = parse_json(self.log[holder])
        parsed, write = self._parsed[holder]
        return _write_text(_find_at(parsed, path), write)


def _write_text(value: Any, write: _Write) -> str:
    """Write a value of JSON as a text; ``""`` for ``null``."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return write(value)
    except RecursionError:  # hundreds of levels: nothing that a receiver could read
        return ""


class _Number(str):
    """A number that Python would write otherwise than the log does."""

    __slots__ = ()


def parse_json(value: str) -> tuple[Any, _Write]:
    """Parse JSON, and choose what writes its parts: a slow function only if it must."""
    if "-0" not in value or not _MINUS_ZERO.search(value):
        try:
            parsed, end = _QUICK.raw_decode(value)
            if end == len(value):
                return parsed, _json
        except ValueError:  # no JSON, or a number that only the slow way keeps
            pass
        except RecursionError:
            return None, _json
    return _parse_slowly(value)


def _read_exact(text: str) -> float:
    number = float(text)
    if repr(number) != text:
        raise ValueError(text)
    return number


# Python keeps the digits of whole numbers, except of -0; very long ones it refuses.
_QUICK = json.JSONDecoder(parse_float=_read_exact)
_MINUS_ZERO = re.compile(r"-0(?<![^\s:,\[]-0)(?![0-9.Ee])")


def _parse_slowly(value: str) -> tuple[Any, _Write]:
    """Parse JSON, and keep each number that Python would write otherwise."""
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
        if isinstance(value, dict) and value.get(path) is not None:  # usually its last key
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


class JsonPaths:
    """Reads the texts at many paths into JSON, as ``Fields`` does one after the other.

    Args:
        names: The paths, which begin with the name of the field that holds the JSON.

    Attributes:
        names: The paths, in the order in which ``read`` returns their texts.
    """

    def __init__(self, names: Iterable[str]) -> None:
        by_holder: dict[str, list[str]] = {}
        for name in names:
            holder, _, path = name.partition(".")
            by_holder.setdefault(holder, []).append(path)
        holders = {holder: _Paths(paths) for holder, paths in by_holder.items()}
        self._holders = tuple(holders.items())
        self.names = tuple(
            f"{holder}.{path}" for holder, own in self._holders for path in own.paths
        )
        self._exact = frozenset(self.names)

    def read(self, log: Mapping[str, str]) -> Sequence[str]:
        """Read the texts from a log that ``clean_log`` returned; ``""`` where there is none."""
        texts = self.find(log)
        if NOTHING in texts or not _are_tidy(texts):
            texts = [*map(clean, texts)]
        if self._exact.isdisjoint(log):
            return texts
        return [log.get(name, inside) for name, inside in zip(self.names, texts, strict=True)]

    def find(self, log: Mapping[str, str]) -> list[str]:
        """Find the texts in a log whose JSON is clean, as they are there."""
        texts: list[str] = []
        for holder, paths in self._holders:
            json_text = log.get(holder) or " "
            texts += paths.find(json_text) if json_text[0] in _JSON_STARTS else paths.nothing
        return texts


class _Paths:
    """Finds the texts at many paths in one JSON.

    Args:
        paths: The paths.

    Attributes:
        paths: The paths, in the order in which ``find`` returns their texts.
        nothing: What ``find`` returns if there is none.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        steps = {path: tuple(path.split(".")) for path in paths}
        # A path with a number may lead into a list; with an empty step, it ends early.
        odd = [path for path in paths if any(not step or step.isdecimal() for step in steps[path])]
        plain = sorted({*paths} - {*odd}, key=lambda path: (steps[path][:-1], path))
        self.paths = (*plain, *odd)
        self.nothing = ("",) * len(self.paths)
        self._odd = odd
        parents = sorted(
            {steps[path][:depth] for path in plain for depth in range(len(steps[path]))}
        )
        places = {parent: place for place, parent in enumerate(parents)}
        keys: dict[tuple[str, ...], list[str]] = {parent: [] for parent in parents}
        # The last key of a path may contain dots. What is further out counts.
        dotted: dict[int, dict[str, int]] = {}
        for target, path in enumerate(plain):
            *above, last = steps[path]
            keys[tuple(above)].append(last)
            for depth in reversed(range(len(above))):
                in_place = dotted.setdefault(places[steps[path][:depth]], {})
                in_place[".".join(steps[path][depth:])] = target
        self._top = tuple(keys.pop((), ()))
        self._inner = tuple((places[parent[:-1]], parent[-1], keys[parent]) for parent in keys)
        self._dotted = tuple(sorted(dotted.items(), reverse=True))

    def find(self, json_text: str) -> list[str]:
        """Find the texts; ``""`` where there is none."""
        parsed, write = parse_json(json_text)
        top = parsed if type(parsed) is dict else _NO_OBJECT
        found = [*map(top.get, self._top)]
        objects = [top]
        for place, step, keys in self._inner:
            inner = objects[place].get(step)
            if type(inner) is not dict:
                inner = _NO_OBJECT
            objects.append(inner)
            found += map(inner.get, keys)
        for place, targets in self._dotted:
            inner = objects[place]
            if not inner.keys().isdisjoint(targets):
                for key in targets.keys() & inner.keys():
                    found[targets[key]] = found[targets[key]] if inner[key] is None else inner[key]
        found += [_find_at(parsed, path) for path in self._odd]
        return [
            value if type(value) is str else "" if value is None else _write_text(value, write)
            for value in found
        ]


_NO_OBJECT: dict[str, Any] = {}
