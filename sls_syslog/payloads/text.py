"""Writes a log as key-value pairs or as JSON.

Sans-I/O. A payload is a callable that takes a log, a mapping of str to str, and returns a text;
your own function is one too. It may have a method ``writer``, which makes a quick writer for many
logs with the same fields. The two must write the same bytes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, NoReturn

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.columns import BETWEEN, Columns, Layout, Slot, Writer
from sls_syslog.payloads.fields import parse_json
from sls_syslog.payloads.shorten import Group, Measure, Part, find_least

__all__ = ["JsonPayload", "KeyValuePayload"]


@dataclass(frozen=True, slots=True)
class KeyValuePayload:
    r"""The documented form: ``||__topic__=...||__source__=...||__tag__:k=v||key=value``.

    Fields keep the order of the log. ``__time__`` is left out by default: the header has the time.
    By default values are not quoted, so a receiver splits a value that contains the separator.

    Attributes:
        sep: The separator before each field.
        quote: Whether to put a value into double quotes, with ``\"`` and ``\\`` inside, if a
            receiver would misread it: it is empty, or has a double quote, a line break or the
            separator. Field names are never quoted.
        time: Whether to send ``__time__``, in seconds since 1970. The header of RFC 3164 has no
            year, so a receiver may date a message of New Year's Eve a year ahead.
    """

    sep: str = "||"
    quote: bool = False
    time: bool = False

    def __call__(self, log: Mapping[str, str]) -> str:
        """Make the MSG part of one log."""
        sep = self.sep
        if self.quote:
            log = {key: _quote(value, sep) for key, value in log.items()}
        # A list: join() would first make one from a generator, which is slower.
        left = None if self.time else "__time__"
        return "".join([f"{sep}{key}={value}" for key, value in log.items() if key != left])

    def shorten(self, log: Mapping[str, str], room: int, measure: Measure) -> str | None:
        """Make a shorter MSG part of one log, of whole pairs and of long texts that are cut.

        See ``ShortPayload``.
        """
        sep = self.sep

        def write(value: str) -> str:
            return _quote(value, sep) if self.quote else value

        parts = [
            Part(f"{sep}{key}=", value, least=find_least(value), write=write)
            for key, value in log.items()
            if self.time or key != "__time__"
        ]
        return Group("", parts, "", "").shorten(room, measure)

    def writer(self, columns: Columns) -> Writer | None:
        """Make a quick writer for logs with these fields, or ``None`` if values are quoted."""
        if self.quote:
            return None
        return _make_template(
            "%.0b"
            if name == "__time__" and not self.time
            else f"{_escape_percent(f'{self.sep}{name}=')}{_make_placeholder(text)}"
            for name, text in columns
        )

    def layout(self, columns: Columns) -> Layout:
        """Make the layout of logs with these fields."""
        sep, parts, place = self.sep, list[str | Slot](), 0
        for name, text in columns:
            if self.time or name != "__time__":
                parts.append(f"{sep}{name}=")
                if text is not None:
                    parts.append(_quote(text, sep) if self.quote else text)
                else:
                    parts.append(Slot(place, "quotes", sep) if self.quote else Slot(place))
            place += text is None
        return parts


_QUOTED = set('"\r\n')


def _quote(value: str, sep: str) -> str:
    # The end of the value and the next separator can form a separator: "a|" before "||".
    is_plain = value and (value + sep).find(sep) == len(value) and not _QUOTED & set(value)
    if is_plain:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Made once, because json.dumps() makes an encoder for each call.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# JSON's escapes for the characters that a writer may get; it gets no other control characters.
_JSON_ESCAPES = ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\t", b"\\t"))


@dataclass(frozen=True, slots=True)
class JsonPayload:
    """One compact JSON object per log, in UTF-8 (RFC 8259), fields in the order of the log.

    It includes ``__time__``, in seconds since 1970.

    Attributes:
        expand: The fields that hold JSON. If the text is an object or a list, the text itself is
            put in (``{"event":{"eventName":...}}``), without the line breaks and TABs between its
            parts: every digit of a number stays, and so do keys that come twice. Any other text
            stays a text, and so does JSON that many readers refuse: ``NaN``, numbers beyond
            1.8e308, halves of surrogate pairs, more than 100 levels.
        names: What becomes of the names of fields. ``as-is``: nothing. Elasticsearch refuses a
            document with an empty name, a name that begins with a dot, or ``a`` beside ``a.b``.
            ``nested``: ``a.b`` becomes the member ``b`` of the object ``a``. ``flat``: ``a.b``
            becomes ``a_b``, so that no log makes an object of what is a text in another log. In
            both, empty parts of a name are left out, an empty name becomes ``_``, and a name whose
            place is taken gets a number: ``a_2``. Names inside expanded fields are treated alike.

    Raises:
        SettingsError: If ``expand`` is a text and not a tuple, or ``names`` is none of the three.
    """

    expand: tuple[str, ...] = ()
    names: Literal["as-is", "flat", "nested"] = "as-is"

    def __post_init__(self) -> None:
        if isinstance(self.expand, str):
            raise SettingsError("expand", f"expected several names, got {short_repr(self.expand)}")
        if self.names not in ("as-is", *_PATHS):
            expected = f"expected as-is, {' or '.join(_PATHS)}"
            raise SettingsError("names", f"{expected}, got {short_repr(self.names)}")

    def __call__(self, log: Mapping[str, str]) -> str:
        """Make the MSG part of one log."""
        if self.names != "as-is":
            return _write(self._make_tree(log))
        found = {name: _find_json(log[name]) for name in self.expand if name in log}
        if not any(found.values()):
            return _json(dict(log))
        pairs = [f"{_json(name)}:{found.get(name) or _json(text)}" for name, text in log.items()]
        return f"{{{','.join(pairs)}}}"

    def shorten(self, log: Mapping[str, str], room: int, measure: Measure) -> str | None:
        """Make a shorter JSON object of one log: long texts are cut, members are left out.

        See ``ShortPayload``.
        """
        tree = self._make_tree(log)
        parts = [_make_part(f"{_json(name)}:", value) for name, value in tree.items()]
        return Group("{", parts, ",", "}").shorten(room, measure)

    def _make_tree(self, log: Mapping[str, str]) -> dict[str, Any]:
        """Make the object of a log: texts, ``_Expanded``, and ``_Object`` for nested names."""
        pairs: dict[str, Any] = dict(log)
        for name in self.expand:
            text = _find_json(log.get(name, ""))
            if text:
                parsed, write = parse_json(text)
                pairs[name] = _Expanded(self._rename(parsed), write)
        return self._rename_members(pairs)

    def _rename(self, value: Any) -> Any:
        """Rename the members of objects inside a value."""
        if isinstance(value, dict):
            inner = {name: self._rename(inside) for name, inside in value.items()}
            return self._rename_members(inner)
        return [self._rename(item) for item in value] if isinstance(value, list) else value

    def _rename_members(self, pairs: dict[str, Any]) -> dict[str, Any]:
        return pairs if self.names == "as-is" else _arrange(pairs, _PATHS[self.names])

    def writer(self, columns: Columns) -> Writer | None:
        """Make a quick writer for logs with these fields, or ``None`` if one is expanded."""
        if not set(self.expand).isdisjoint(name for name, _ in columns):
            return None
        tree = self._rename_members({name: (name, text) for name, text in columns})
        template, order = _make_json_template(tree)
        if order != [name for name, _ in columns]:
            return None  # an object has brought values together
        write = _make_template([template])

        def write_json(values: tuple[bytes, ...]) -> bytes | None:
            together = BETWEEN.join(values)
            if b'"' in together or b"\\" in together or b"\t" in together:
                for special, escaped in _JSON_ESCAPES:
                    together = together.replace(special, escaped)
                texts = tuple(together.split(BETWEEN))
                return write(texts) if len(texts) == len(values) else None
            return write(values)

        return write_json

    def layout(self, columns: Columns) -> Layout | None:
        """Make the layout of logs with these fields, or ``None`` if one is expanded."""
        if not set(self.expand).isdisjoint(name for name, _ in columns):
            return None
        own = (name for name, text in columns if text is None)
        slots = {name: Slot(place, "json") for place, name in enumerate(own)}
        tree = self._rename_members({name: slots.get(name, text) for name, text in columns})
        return list(_list_pieces(tree))


class _Object(dict[str, Any]):
    """An object made of the names of fields; it may get more members."""


class _Expanded(NamedTuple):
    """The value of a field that holds JSON, and the function that writes it."""

    parsed: Any
    write: Callable[[Any], str]


_MOST_LEVELS = 20  # of objects made of one name, as many as an index of Elasticsearch has


def _make_nested_path(parts: list[str]) -> list[str]:
    return [*parts[: _MOST_LEVELS - 1], "_".join(parts[_MOST_LEVELS - 1 :])][: len(parts)]


_PATHS: dict[str, Callable[[list[str]], list[str]]] = {
    "flat": lambda parts: ["_".join(parts)],
    "nested": _make_nested_path,
}
"""How the parts of a name become a path of members, by the value of ``names``."""


def _arrange(pairs: Mapping[str, Any], make_path: Callable[[list[str]], list[str]]) -> _Object:
    """Put each value where the path of its name leads; number a member whose place is taken."""
    tree = _Object()
    objects: dict[tuple[int, str], _Object] = {}  # by the object that holds them, and their name
    numbers: dict[tuple[int, str], int] = {}  # the last number, likewise

    def find_place(holder: _Object, name: str) -> str:
        wanted = name
        while name in holder:
            number = numbers[id(holder), wanted] = numbers.get((id(holder), wanted), 1) + 1
            name = f"{wanted}_{number}"
        return name

    for name, value in pairs.items():
        *steps, last = make_path([part for part in name.split(".") if part.strip()] or ["_"])
        holder = tree
        for step in steps:
            key = id(holder), step
            if key not in objects:
                objects[key] = holder[find_place(holder, step)] = _Object()
            holder = objects[key]
        holder[find_place(holder, last)] = value
    return tree


def _write(value: Any) -> str:
    if isinstance(value, _Object):
        pairs = (f"{_json(name)}:{_write(inner)}" for name, inner in value.items())
        return f"{{{','.join(pairs)}}}"
    return value.write(value.parsed) if isinstance(value, _Expanded) else _json(value)


def _make_json_template(tree: dict[str, Any]) -> tuple[str, list[str]]:
    """Make a template of an object of columns, and list the columns in its order."""
    pairs: list[str] = []
    order: list[str] = []
    for name, value in tree.items():
        if isinstance(value, dict):
            text, inside = _make_json_template(value)
            order += inside
        else:
            column, constant = value
            text = '"%b"' if constant is None else _escape_percent(_json(constant))
            order.append(column)
        pairs.append(f"{_escape_percent(_json(name))}:{text}")
    return f"{{{','.join(pairs)}}}", order


def _list_pieces(tree: dict[str, Any]) -> Iterator[str | Slot]:
    """List the pieces of an object of texts, slots and objects."""
    start = "{"
    for name, value in tree.items():
        yield f"{start}{_json(name)}:"
        start = ","
        if isinstance(value, dict):
            yield from _list_pieces(value)
        elif isinstance(value, Slot):
            yield from ('"', value, '"')
        else:
            yield _json(value)
    yield "}"


def _make_part(before: str, value: Any, write: Callable[[Any], str] = _json) -> Part | Group:
    """Make the part of a value. Members of objects may be left out, but no items of lists."""
    if isinstance(value, _Expanded):
        return _make_part(before, value.parsed, value.write)
    if isinstance(value, dict) and value:
        parts = [_make_part(f"{_json(key)}:", inner, write) for key, inner in value.items()]
        return Group(f"{before}{{", parts, ",", "}")
    if type(value) is str:
        return Part(before, value, least=find_least(value), write=_json)
    return Part(before, write(value))


_MAX_DEPTH = 100  # levels of JSON; readers stop at some hundred
_WHITESPACE = " \t\n\r"  # of JSON; Python's strip() would remove more
_LINE_BREAKS = re.compile(r"[\t\n\r][ \t\n\r]*")


def _find_json(text: str) -> str:
    """Return an object or list in JSON as it is written, on one line; ``""`` for any other text."""
    text = text.strip(_WHITESPACE)
    if not text.startswith(("{", "[")):
        return ""
    try:
        parts = json.loads(
            text,
            parse_int=_check_number,
            parse_float=_check_number,
            parse_constant=_refuse,
            object_pairs_hook=_flatten,
        )
        if "\\u" in text or not text.isascii():  # UTF-8 carries no halves of surrogate pairs
            _json(parts).encode()
    except (ValueError, RecursionError):
        return ""
    # A text in JSON holds no control characters, so these are between the parts.
    return _LINE_BREAKS.sub("", text) if _is_shallow(parts) else ""


def _check_number(text: str) -> None:
    if math.isinf(float(text)):
        raise ValueError(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _flatten(pairs: list[tuple[str, Any]]) -> list[Any]:
    return [part for pair in pairs for part in pair]


def _is_shallow(parts: Any) -> bool:
    """Whether lists lie in lists, as ``_flatten`` makes them of objects, for few levels."""
    level = [parts]
    for _ in range(_MAX_DEPTH):
        level = [part for parts in level for part in parts if isinstance(part, list)]
        if not level:
            return True
    return False


def _make_template(parts: Iterable[str]) -> Callable[[tuple[bytes, ...]], bytes]:
    return "".join(parts).encode().__mod__


def _escape_percent(text: str) -> str:
    return text.replace("%", "%%")


def _make_placeholder(text: str | None) -> str:
    return "%b" if text is None else _escape_percent(text)
