"""Writes the events of many logs with the same fields quickly, straight from bytes.

Sans-I/O. It does in pure Python what a layout says; the compiled helper does the same. It must
write the same bytes as the payload, or ``None``: the payload then writes that log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes

from sls_syslog.logs.columns import (
    BETWEEN,
    Answer,
    EventLayout,
    EventPart,
    Fact,
    FactKind,
    Form,
    JsonPath,
    Question,
    Writer,
)
from sls_syslog.payloads.fields import NOTHING, JsonPaths, clean
from sls_syslog.payloads.values import parse_milliseconds

__all__ = ["make_event_writer"]

_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PATTERNS = {
    Form.TEXT: rb".*",
    Form.ADDRESS: rb"%b(?:\.%b){3}" % (_OCTET, _OCTET),
    Form.PORT: rb"0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6(?:[0-4][0-9]{3}|5(?:[0-4][0-9]{2}|5(?:[0-2]"
    rb"[0-9]|3[0-5])))",
    Form.NUMBER: rb"0|[1-9][0-9]{0,8}",
    Form.LONG: rb"0|[1-9][0-9]{0,17}",
    Form.DECIMAL: rb"[0-9]+(?:\.[0-9]+)?",
    Form.TIME: rb"[1-9][0-9]{12}",
    Form.SECONDS: rb"[1-9][0-9]{9}",
    Form.HOST: rb"[A-Za-z][^:]*|[^:.]*\.[^:]*",
    Form.PATH: rb"/.*",
}
_ARE_IN_FORM: dict[Form, Callable[[bytes], Any]] = {
    form: re.compile(pattern, re.DOTALL).fullmatch for form, pattern in _PATTERNS.items()
} | {Form.TEXT: bool}

_CONTROLS = bytes({*range(32), 127} - {*b"\t\n\r"})
_ONE_SPACE = bytes.maketrans(b"\t\n\r", b"   ")


def _cut_milliseconds(nanoseconds: bytes) -> bytes:
    """Return the milliseconds of the nanoseconds of a second; more is more than a second."""
    return nanoseconds.zfill(9)[:3] if len(nanoseconds) <= 9 else b"000"


def _find_name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


_CHANGES: dict[Form, Callable[[bytes], bytes]] = {
    Form.MILLISECONDS: _cut_milliseconds,
    Form.DECODED: unquote_to_bytes,
    Form.NAME: _find_name,
    Form.DECODED_NAME: lambda path: _find_name(unquote_to_bytes(path)),
    Form.NAME_OF_ANY: lambda path: _find_name(path.replace(b"\\", b"/")),
}
"""By form: makes what is written from a value."""

# By the number of the form, because an enum's members have a slow hash.
_CHANGE_OF = tuple([_CHANGES.get(form) for form in Form])
_CHECK_OF = tuple([_ARE_IN_FORM.get(form, bool) for form in Form])

_is_iso_time = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch


def _convert(value: bytes, form: Form) -> bytes:
    """Convert a value that is not in its form; ``b""`` if only the mapping can."""
    if form is not Form.TIME or not _is_iso_time(value):
        return b""
    return (parse_milliseconds(value.decode()) or "").encode()


# White space and control characters outside ASCII. They are harmless inside a value, but rare, so
# the payload writes them.
_SPACE = re.compile(rb"\xc2[\x80-\xa0]|\xe1\x9a\x80|\xe2[\x80\x81]|\xe3\x80\x80")
_NOT_SPACE_START = bytes({*range(256)} - {0xC2, 0xE1, 0xE2, 0xE3})
_NOTHING = NOTHING.encode()
_NO_VALUES = (b"", _NOTHING)
_BETWEEN = BETWEEN.decode()

_find_word: Callable[[bytes], Any] = re.compile(rb"[A-Za-z]*").match

# Values inside JSON. The compiled mapping finds as many as an event of ActionTrail has, 36, in nine
# tenths of the time; a layout of 15, as for Kubernetes, takes nine tenths of the mapping's.
_MOST_PATHS = 24

_Values: TypeAlias = "tuple[bytes, ...]"
_Escape: TypeAlias = "Callable[[bytes], bytes | None]"
_Ask: TypeAlias = "Callable[[_Values], Answer]"


class _Step(NamedTuple):
    """How to write a part of an event.

    Attributes:
        place: The place of the value that is copied; -1 if the part is not simple.
        form: The form of that value.
        is_in_form: Tells whether the value can be copied; ``None`` if any can.
        before: What stands before the value, or the text of every event.
        behind: What stands behind the value.
        room: The most bytes of the value.
        ask: Answers the question of the part; ``None`` if its text is ``before``.
        ask_exactly: Answers the exact question.
        is_found: Whether a text shows that the mapping fits the log.
    """

    place: int = -1
    form: Form = Form.TEXT
    is_in_form: Callable[[bytes], Any] | None = None
    before: bytes = b""
    behind: bytes = b""
    room: int = 0
    ask: _Ask | None = None
    ask_exactly: _Ask | None = None
    is_found: bool = False


def make_event_writer(layout: EventLayout | None) -> Writer | None:
    """Make a writer that does what a layout says; ``None`` if the payload is as quick."""
    if layout is None or sum(isinstance(each, JsonPath) for each in layout.places) > _MOST_PATHS:
        return None
    read = _make_reader(layout.places)
    parts = [_make_questions(part) for part in layout.parts]
    tell, places = _make_teller(len(layout.places), [layout.head, *_list_questions(parts)])
    ask_head = _make_ask(layout.head, places)
    steps = [_make_step(part, places) for part in parts]
    separators = max(len(layout.places) - 1, 0)
    is_found, escape = layout.is_found, _make_escape(layout.special, layout.replacements)

    def write(values: tuple[bytes, ...]) -> bytes | None:
        made: Any
        used = read(values)
        if used is None:
            return None
        together = BETWEEN.join(used)
        if not _is_tidy(together, separators):
            return None
        escaped = escape(together)
        if escaped is None:
            return None
        texts = used if escaped is together else escaped.split(BETWEEN)
        told = tell(used) if tell else used
        head = ask_head(told)
        if head is None:
            return None
        (head_before, head_behind), found = head[1], is_found
        pieces: list[Any] = [head_before]
        for place, form, is_in_form, before, behind, room, ask, ask_exactly, shows in steps:
            if place >= 0:
                value = used[place]
                if not value or value == _NOTHING:
                    continue
                fits = room < 0 or len(value) <= room
                if fits and (is_in_form is None or is_in_form(value)):
                    pieces += (before, texts[place], behind)
                    found = found or shows
                    continue
                text = _convert(value, form) if fits else b""
                made = (before, text, behind) if text else None
            elif ask is None:
                pieces.append(before)
                continue
            else:
                answer = ask(told)
                if answer is not None and answer[0] < 0 and len(answer[1]) <= 1:
                    made = answer[1]  # nothing is copied
                else:
                    made = _fill(answer, used, texts, escape)
            if made is None:
                made = _fill(ask_exactly(told), used, texts, escape) if ask_exactly else None
            if made is None:
                return None
            if made:
                pieces += made
                found = found or shows
        if not found:
            return None  # another mapping may find more
        pieces.append(head_behind)
        return b"".join(pieces)

    return write


def _make_questions(part: bytes | EventPart) -> bytes | EventPart:
    """Return a part; as a question, if its simple form changes the value."""
    if isinstance(part, bytes) or isinstance(part.usual, Question):
        return part
    before, copy, behind, room = part.usual
    if copy.form not in _CHANGES:
        return part
    present = Fact(FactKind.PRESENT, copy.place)
    answer: Answer = room, (before, copy, behind)
    return part._replace(usual=Question((present,), {b"": (-1, ()), b"1": answer}))


def _list_questions(parts: Sequence[bytes | EventPart]) -> list[Question]:
    asked = [question for part in parts if isinstance(part, EventPart) for question in part[:2]]
    return [question for question in asked if isinstance(question, Question)]


def _make_step(part: bytes | EventPart, places: Mapping[Fact, int]) -> _Step:
    if isinstance(part, bytes):
        return _Step(before=part)
    usual, exact, is_found = part
    ask_exactly = _make_ask(exact, places) if exact else None
    if isinstance(usual, Question):
        return _Step(ask=_make_ask(usual, places), ask_exactly=ask_exactly, is_found=is_found)
    before, copy, behind, room = usual
    is_in_form = None if copy.form is Form.TEXT else _ARE_IN_FORM[copy.form]
    return _Step(
        copy.place, copy.form, is_in_form, before, behind, room, None, ask_exactly, is_found
    )


def _make_teller(
    count: int, questions: Sequence[Question]
) -> tuple[Callable[[_Values], _Values] | None, Mapping[Fact, int]]:
    """Make a function that tells all facts of a log at once.

    Args:
        count: How many values a log has.
        questions: What the facts are for.

    Returns:
        The function, which puts the other facts behind the values, or ``None`` without others; and
        the place of each fact.
    """
    facts = dict.fromkeys(fact for question in questions for fact in question.facts)
    places = {fact: fact.place for fact in facts if fact.kind is FactKind.VALUE}
    present = [fact for fact in facts if fact.kind is FactKind.PRESENT]
    others = [fact for fact in facts if fact not in places and fact.kind is not FactKind.PRESENT]
    places.update((fact, count + n) for n, fact in enumerate([*present, *others]))
    pick = _make_picker([fact.place for fact in present])
    tells = [_TELLERS[fact.kind](fact.place, fact.other) for fact in others]

    def tell(values: _Values) -> _Values:
        has_value = [b"" if value in _NO_VALUES else b"1" for value in pick(values)]
        return (*values, *has_value, *[tell_other(values) for tell_other in tells])

    return tell if present or others else None, places


_TELLERS: dict[FactKind, Callable[[int, int], Callable[[_Values], bytes]]] = {
    FactKind.WORD: lambda place, _: lambda values: _find_word(values[place])[0] or values[place],
    FactKind.SAME: lambda place, other: (
        lambda values: b"1" if values[place] == values[other] else b""
    ),
}


def _make_ask(question: Question, places: Mapping[Fact, int]) -> _Ask:
    """Make a function that asks a question about what was told of a log."""
    facts, answers = question
    if not facts:
        return lambda told: answers[b""]
    first, *others = [places[fact] for fact in facts]
    if not others:
        return lambda told: answers[told[first]]
    pick = itemgetter(first, *others)
    return lambda told: answers[BETWEEN.join(pick(told))]


def _fill(
    answer: Answer, values: _Values, texts: Sequence[bytes], escape: _Escape
) -> Sequence[bytes] | None:
    """Put the values of a log into an answer.

    Args:
        answer: The answer.
        values: The values of the log.
        texts: The same values, escaped.
        escape: Escapes other texts.

    Returns:
        The text in pieces; ``None`` if there is no answer, or a value does not fit.
    """
    if answer is None:
        return None
    room, parts = answer
    pieces: list[bytes] = []
    taken = 0
    for part in parts:
        if isinstance(part, bytes):
            pieces.append(part)
            continue
        place, form = part
        value, text = values[place], texts[place]
        change = _CHANGE_OF[form]
        if change is not None:
            value = change(value)
            changed = escape(value) if _is_tidy(value, 0) else None
            if changed is None or value in _NO_VALUES:
                return None
            text = changed
        elif not _CHECK_OF[form](value):
            text = _convert(value, form)
            if not text:
                return None
        taken += len(value)
        pieces.append(text)
    return pieces if room < 0 or taken <= room else None


def _make_reader(
    places: Sequence[int | JsonPath],
) -> Callable[[tuple[bytes, ...]], tuple[bytes, ...] | None]:
    """Make a function that reads the values at these places.

    It returns ``None`` if they cannot be told from the values themselves.
    """
    paths = {f"{each.place}.{each.path}": each for each in places if isinstance(each, JsonPath)}
    if not paths:
        return _make_picker([each for each in places if isinstance(each, int)])
    holders = {str(each.place): each.place for each in paths.values()}
    reader = JsonPaths(paths)
    # What the reader finds stands behind the values.
    found_at = {paths[name]: n - len(paths) for n, name in enumerate(reader.names)}
    pick = _make_picker([found_at[p] if isinstance(p, JsonPath) else p for p in places])

    def read(values: tuple[bytes, ...]) -> tuple[bytes, ...] | None:
        try:
            log = {name: values[place].decode() for name, place in holders.items()}
            if not all(map(_is_clean_json, log.values())):
                log = {name: clean(value) for name, value in log.items()}
            found = _BETWEEN.join(reader.find(log)).encode().split(BETWEEN)
        except UnicodeError:
            return None
        return pick((*values, *found)) if len(found) == len(paths) else None

    return read


def _is_clean_json(value: str) -> bool:
    """Whether ``clean`` does not change a value; it may be false for one with line ends."""
    return value.isprintable() and value[:1] != " " != value[-1:] and value != NOTHING


def _make_picker(places: Sequence[int]) -> Callable[[_Values], tuple[bytes, ...]]:
    """Make a function that returns the values at these places as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))


def _make_escape(special: bytes, replacements: tuple[bytes, ...]) -> _Escape:
    """Make a function that replaces special bytes in values with ``BETWEEN`` between them.

    It returns ``None`` if a value would get white space around it.
    """
    pairs = [(bytes([octet]), new) for octet, new in zip(special, replacements, strict=True)]

    def escape(text: bytes) -> bytes | None:
        if len(text.translate(None, special)) == len(text):
            return text
        for octet, new in pairs:
            text = text.replace(octet, new)
        return None if _has_space_around(text) else text

    return escape


def _has_space_around(together: bytes) -> bool:
    return (
        b" \x12" in together
        or b"\x12 " in together
        or together[:1] == b" "
        or together[-1:] == b" "
    )


def _is_tidy(together: bytes, separators: int) -> bool:
    """Whether no value has control characters other than three, or white space around it.

    Args:
        together: The values with ``BETWEEN`` between them.
        separators: How many of these there are.
    """
    if len(together.translate(None, _CONTROLS)) + separators != len(together):
        return False
    if _has_space_around(together.translate(_ONE_SPACE)):
        return False
    # The first tests are much quicker, and nearly always enough.
    return (
        together.isascii()
        or not together.translate(None, _NOT_SPACE_START)
        or not _SPACE.search(together)
    )
