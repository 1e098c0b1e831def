"""Makes the layout of the events of logs with the same fields.

Sans-I/O. A layout must lead to the bytes of the payload, or leave the log to it. The mapping itself
(``EventMapping.event``) makes each text of the layout, from a log that has a mark in the place of
each value that is only copied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeAlias

from sls_syslog.logs.caches import BUDGET, TOO_LARGE, LogCache, weigh
from sls_syslog.logs.columns import (
    BETWEEN,
    Answer,
    Columns,
    Copy,
    EventLayout,
    EventPart,
    Fact,
    FactKind,
    Form,
    JsonPath,
    Question,
    SimplePart,
)
from sls_syslog.payloads.dictionary import CEF_KEYS, rank_key
from sls_syslog.payloads.event_facts import Facts, UnknownSourceError, find_facts
from sls_syslog.payloads.fields import Source
from sls_syslog.payloads.mapping import Event, EventMapping, get_source, weigh_with_mapping
from sls_syslog.syslog.sanitize import is_clean

__all__ = ["EventStyle", "make_event_layout"]

_FORMS = {
    **dict.fromkeys(("address", "ipv4"), Form.ADDRESS),
    "port": Form.PORT,
    **dict.fromkeys(("integer", "size"), Form.NUMBER),
    **dict.fromkeys(("long", "count"), Form.LONG),
    "float": Form.DECIMAL,
    "time": Form.TIME,
}
"""The form of each type; a type without one is never copied."""

_PART = 6000  # bytes of what is made for one source
_MOST_BYTES = 512  # of the facts of an answer to keep; longer ones rarely come again
_MOST_ANSWERS = 1000  # of a part; values that differ in each log must not drive out all others

_NO, _YES = b"", b"1"  # what is told about presence and equality


def _make_text_mark(turn: int, place: int) -> str:
    return chr(0x10F000 + 0x800 * turn + place)


# What stands in a log for a value that is copied: one text in the first evaluation, another one in
# the second, and of one length. What does not change between the two is no copy.
_MARKS: Mapping[Form, Callable[[int, int], str]] = {
    Form.ADDRESS: lambda turn, place: f"10.{turn}.{100 + place // 100}.{100 + place % 100}",
    Form.PORT: lambda turn, place: f"{10_000 * (1 + turn) + place}",
    **dict.fromkeys(
        (Form.NUMBER, Form.LONG, Form.DECIMAL),
        lambda turn, place: f"{10**8 * (1 + turn) + place}",
    ),
    Form.TIME: lambda turn, place: f"{10**12 * (1 + turn) + place}",
    Form.PATH: lambda turn, place: f"/{_make_text_mark(turn, place)}",
}
_WHOLE = frozenset(_MARKS) - {Form.PATH}
"""The forms of values that must be all of a text; others may stand anywhere in it."""

_MOST_FIELDS = 2000  # of a log; the marks can tell that many apart

# The fields from which rt is made without a mapping: their marks in the log and in the event.
_TIMES = {
    "__time__": (Form.SECONDS, ("1111111111", "3333333333"), ("1111111111", "3333333333")),
    "__time_ns_part__": (Form.MILLISECONDS, ("222000000", "444000000"), ("222", "444")),
}


class _Mark(NamedTuple):
    """A text in an event, and the copy that it stands for."""

    text: str
    copy: Copy


@dataclass(frozen=True, eq=False)
class EventStyle:
    """How a format writes the events of a mapping.

    Attributes:
        around: Writes what stands before and after the pairs of an event.
        between: The separator of two pairs.
        pair: Writes a key and its value; ``b""`` if the written value would be empty.
        label: Writes the pair that says what a key means; ``b""`` if the key needs no label.
        special: Bytes that cannot be copied as they are; see ``EventLayout``.
        replacements: What is written for each of these bytes.
        limits: The limits of strings in characters, by key.
    """

    around: Callable[[Event], tuple[bytes, bytes]]
    between: bytes
    pair: Callable[[str, str], bytes]
    label: Callable[[str], bytes]
    special: bytes
    replacements: tuple[bytes, ...]
    limits: Mapping[str, int]


def make_event_layout(
    mapping: EventMapping, columns: Columns, style: EventStyle
) -> EventLayout | None:
    """Make the layout of the events of logs with the same fields.

    Args:
        mapping: How the logs become events.
        columns: The fields of the logs.
        style: How to write the events; give the same object for the same mapping.

    Returns:
        The layout; ``None`` if the mapping has a function of the user's or an unusual path into
        JSON, or has too many keys to keep a layout.
    """
    if type(mapping) is not EventMapping:  # a subclass may do anything
        return None
    if BUDGET.is_too_large(_weigh_plan(mapping)):
        return None
    constants = {name: text for name, text in columns if text is not None}
    own = tuple([name for name, text in columns if text is None])
    plan = _PLANS[mapping, style, own, tuple(constants)]
    return None if plan is None else plan.make_layout(constants)


_PlanKey: TypeAlias = "tuple[EventMapping, EventStyle, tuple[str, ...], tuple[str, ...]]"


def _weigh_plan(mapping: EventMapping) -> int:
    """Estimate the bytes of what is made for the sources of a mapping."""
    return _PART * (1 + len(mapping.extension))


def _make_plan(key: _PlanKey) -> _Plan | None:
    try:
        return _Plan(*key)
    except UnknownSourceError:
        return None


# Log groups differ in constants more often than in fields.
_PLANS: LogCache[_PlanKey, _Plan | None] = LogCache(
    _make_plan, lambda key: weigh_with_mapping(key[0], *key[2:], besides=_weigh_plan(key[0]))
)


class _Plan:
    """What the layouts of logs whose fields have the same names have in common."""

    def __init__(
        self,
        mapping: EventMapping,
        style: EventStyle,
        own: Sequence[str],
        constants: Sequence[str],
    ) -> None:
        self._style = style
        self._own = own
        self._constants = constants
        self._places: dict[str, int] = {}  # of the fields that are used
        self._head = self._make_head(mapping)
        self._parts = [
            self._make_part(key, source, mapping.extension.keys())
            for key, source in self._list_sources(mapping)
        ]
        if len(self._places) > _MOST_FIELDS:
            raise UnknownSourceError
        # Logs of many origins have those constants in common that a part uses.
        self._made: LogCache[tuple[int, tuple[str, ...]], bytes | EventPart | None] = LogCache(
            lambda key: self._parts[key[0]].make(key[1]),
            lambda key: weigh(*key, times=2, besides=2000),
        )

    def make_layout(self, constants: Mapping[str, str]) -> EventLayout | None:
        """Make the layout of logs that have these values in common.

        Returns:
            The layout; ``None`` if the payload has to write all of these logs.
        """
        parts: list[bytes | EventPart] = []
        is_found = False
        for number, part in enumerate(self._parts):
            made = self._made[number, part.pick_constants(constants)]
            if made is None:
                return None
            if isinstance(made, bytes):
                is_found = is_found or (part.is_found and bool(made))
                if parts and isinstance(parts[-1], bytes):
                    parts[-1] += made
                    continue
            parts.append(made)
        own = {name: place for place, name in enumerate(self._own)}
        return EventLayout(
            tuple([own[name] if name in own else _make_path(name, own) for name in self._places]),
            self._head.ask(self._head.pick_constants(constants))[0],
            tuple(parts),
            self._style.special,
            self._style.replacements,
            is_found,
        )

    def _list_sources(self, mapping: EventMapping) -> Iterator[tuple[str, Source]]:
        """List keys and sources in the order of an event."""
        sources = [(key, get_source(value)) for key, value in mapping.extension.items()]
        if "rt" not in mapping.extension:
            sources.append(("rt", ()))
        if "__event_id__" in self._own:
            # It has another place among the keys than an id that the mapping finds.
            sources.append(("__event_id__", get_source(mapping.extension.get("externalId", ()))))
        return iter(
            sorted(
                sources, key=lambda item: rank_key(item[0].replace("__event_id__", "externalId"))
            )
        )

    def _make_head(self, mapping: EventMapping) -> _Part:
        severity = "" if mapping.severity is None else mapping.severity
        sources = (mapping.event_class_id, mapping.name or "", severity, "__topic__")
        facts = find_facts(sources, None, self._own, self._constants)
        header = replace(mapping, extension={})

        def write(event: Event, marks: _Marks) -> Answer:
            return -1, self._style.around(event)

        return _Part(header, facts, (), self._places, write)

    def _make_part(self, key: str, source: Source, keys: Collection[str]) -> _Part:
        """Make the part for a key.

        Raises:
            UnknownSourceError: If a source is unknown, or makes ``rt`` from the log's own time.
        """
        if key == "__event_id__":
            return self._make_event_id_part(source)
        kind = CEF_KEYS[key].kind if key in CEF_KEYS else "string"
        form = Form.TEXT if kind == "string" else _FORMS.get(kind)
        always = tuple([name for name in _TIMES if key == "rt" and name in self._own])
        if always == ("__time__",) == (source,):
            source = ()  # the same as without a source
        facts = find_facts([source], form, self._own, self._constants)
        if not {*always}.isdisjoint(facts.names):
            raise UnknownSourceError
        mapping = EventMapping(extension={} if source == () else {key: source})
        pair = _PairWriter(key, facts.longest, keys, self._style)
        return _Part(mapping, facts, always, self._places, pair.write, key)

    def _make_event_id_part(self, source: Source) -> _Part:
        """Make the part for the log's own id, which counts if the mapping finds none.

        Raises:
            UnknownSourceError: If the mapping itself uses the log's own id.
        """
        key = "externalId"
        facts = find_facts([source], None, self._own, self._constants)
        if "__event_id__" in facts.values:
            raise UnknownSourceError
        facts = facts._replace(present={"__event_id__": Form.TEXT})
        mapping = EventMapping(extension={} if source == () else {key: source})
        pair = _PairWriter(key, 0, (), self._style)

        def write(event: Event, marks: _Marks) -> Answer:
            is_own = event.values.get(key) in [mark.text for mark in marks]
            return pair.write(event, marks) if is_own else (-1, ())

        return _Part(mapping, facts, (), self._places, write, key, has_exact=False)


_Marks: TypeAlias = "list[_Mark]"
_Write: TypeAlias = "Callable[[Event, _Marks], Answer]"


class _Part:
    """A part of an event: the head, or what one source gives.

    Args:
        mapping: The part, as a mapping of its own.
        facts: What decides.
        always: The fields that every log has, and that are copied.
        places: The places of the fields that are used; those of this part are added.
        write: Makes the answer from an event and the marks that may be in it.
        key: The key; ``""`` for the head.
        has_exact: Whether the text can also be found from all values.
    """

    def __init__(
        self,
        mapping: EventMapping,
        facts: Facts,
        always: tuple[str, ...],
        places: dict[str, int],
        write: _Write,
        key: str = "",
        has_exact: bool = True,
    ) -> None:
        self.is_found = key not in {"rt", "externalId"}
        self._mapping = mapping
        self._facts = facts
        self._write = write
        self._questions = [facts.list_facts(places)]
        if facts.present and has_exact:
            self._questions.append(facts.make_exact().list_facts(places))
        self._always = {name: places.setdefault(name, len(places)) for name in always}
        self._names = {places[name]: name for name in facts.names}

    def pick_constants(self, constants: Mapping[str, str]) -> tuple[str, ...]:
        """Return the constants that the part uses."""
        return tuple([constants[name] for name in self._facts.constants])

    def make(self, constants: tuple[str, ...]) -> bytes | EventPart | None:
        """Make the part for logs with these constants; ``None`` if it cannot be written."""
        if self._questions[0] or self._always:
            usual, *exact = self.ask(constants)
            return EventPart(
                self._make_simple(constants) or usual, exact[0] if exact else None, self.is_found
            )
        answer = self._answer((), constants, b"")
        return None if answer is None else b"".join(map(bytes, answer[1]))

    def ask(self, constants: tuple[str, ...]) -> list[Question]:
        """Make the questions for logs with these constants: the usual one, and the exact one."""
        return [
            Question(facts, _make_answers(partial(self._answer, facts, constants)))
            for facts in self._questions
        ]

    def _make_simple(self, constants: tuple[str, ...]) -> SimplePart | None:
        """Return the part in its simple form, if it copies one field, or nothing without it."""
        facts = self._questions[0]
        if [fact.kind for fact in facts] != ([] if self._always else [FactKind.PRESENT]):
            return None
        without = self._answer(facts, constants, _NO) if facts else (-1, ())
        having = self._answer(facts, constants, _YES)
        if without is None or without[1] or having is None or len(having[1]) != 3:
            return None
        before, copy, behind = having[1]
        if isinstance(copy, Copy) and isinstance(before, bytes) and isinstance(behind, bytes):
            return SimplePart(before, copy, behind, having[0])
        return None

    def _answer(self, facts: Sequence[Fact], constants: tuple[str, ...], key: bytes) -> Answer:
        """Answer a question about logs with these facts and constants."""
        told = key.split(BETWEEN) if facts else []
        has_marks = bool(self._always) or any(fact.kind is FactKind.PRESENT for fact in facts)
        try:
            made = [self._evaluate(facts, told, constants, turn) for turn in range(1 + has_marks)]
        except UnicodeError:
            return None
        return made[0] if made[0] == made[-1] and _is_clean(made[0]) else None

    def _evaluate(
        self, facts: Sequence[Fact], told: Sequence[bytes], constants: tuple[str, ...], turn: int
    ) -> Answer:
        """Have the mapping make the event of a log with these facts, and the marks of a turn."""
        log = dict(zip(self._facts.constants, constants, strict=True))
        log.update(dict.fromkeys(self._names.values(), ""))
        marks: _Marks = []
        for (kind, place, other), value in zip(facts, told, strict=True):
            if kind in {FactKind.VALUE, FactKind.WORD}:
                log[self._names[place]] = value.decode()
            elif kind is FactKind.SAME:
                if value == _YES:
                    log[self._names[other]] = log[self._names[place]]
            elif value == _YES:
                name = self._names[place]
                form = self._facts.present[name]
                log[name] = mark = _MARKS.get(form, _make_text_mark)(turn, place)
                marks.append(_Mark(mark, Copy(place, form)))
        for name, place in self._always.items():
            form, values, texts = _TIMES[name]
            marks.append(_Mark(texts[turn], Copy(place, form)))
            log[name] = values[turn]
        event = self._mapping.event(_put_into_json(log, self._facts.paths))
        return None if event.omitted else self._write(event, marks)  # the payload counts these


def _make_path(name: str, own: Mapping[str, int]) -> JsonPath:
    holder, _, path = name.partition(".")
    return JsonPath(own[holder], path)


def _put_into_json(log: dict[str, str], paths: Collection[str]) -> dict[str, str]:
    """Put the values of these paths into the JSON of their fields.

    The last key of a path may contain dots, so each value stands where its whole path is the key.
    """
    inside: dict[str, dict[str, str]] = {}
    for name in paths:
        holder, _, path = name.partition(".")
        inside.setdefault(holder, {})[path] = log.pop(name)
    return {**log, **{holder: json.dumps(values) for holder, values in inside.items()}}


def _make_answers(answer: Callable[[bytes], Answer]) -> LogCache[bytes, Answer]:
    """Make a cache of answers; it forgets all of them when there are many."""

    def weigh_key(key: bytes) -> int:
        if len(answers) >= _MOST_ANSWERS:
            answers.clear()
        return weigh(key, times=4, besides=200) if len(key) <= _MOST_BYTES else TOO_LARGE

    answers = LogCache(answer, weigh_key)
    return answers


def _is_clean(answer: Answer) -> bool:
    """Whether no newline policy would change the text."""
    return answer is None or is_clean(b"".join(p for p in answer[1] if isinstance(p, bytes)))


class _PairWriter:
    """Writes what one source gives: a pair and its label, or nothing.

    Args:
        key: The key of the source.
        longest: The most characters of a copied value; 0 for no limit.
        keys: The keys of all sources of the mapping.
        style: How to write the pairs.
    """

    def __init__(self, key: str, longest: int, keys: Collection[str], style: EventStyle) -> None:
        self._key = key
        self._longest = longest
        self._keys = keys
        self._style = style

    def write(self, event: Event, marks: _Marks) -> Answer:
        """Make the answer from an event; ``None`` if the payload has to write it."""
        found = {
            key: text
            for key, text in event.values.items()
            if key == self._key or key not in {"rt", "externalId"}  # those have their own part
        }
        if not found:
            return -1, ()
        ((key, text),) = found.items()
        if key != self._key and key in self._keys:
            return None  # two sources for one key: the first value counts
        limit = self._style.limits.get(key)
        if limit is not None and len(text) > limit:
            return None  # the payload counts what it omits
        return self._write_pair(key, text, marks)

    def _write_pair(self, key: str, text: str, marks: _Marks) -> Answer:
        style = self._style
        before = b"" if key == "rt" else style.between  # the head ends where rt begins
        pair, label = style.pair(key, text).decode(), style.label(key)
        if not pair:
            return -1, ()
        behind = style.between + label if label else b""
        copies = {mark.text: mark.copy for mark in marks}
        pieces = re.split(f"({'|'.join(map(re.escape, copies))})", pair) if marks else [pair]
        found = [copies[piece] for piece in pieces[1::2]]
        if text not in copies and any(copy.form in _WHOLE for copy in found):
            return None  # a number with more digits around it may not fit its key any more
        texts: list[bytes | Copy] = [copies.get(piece) or piece.encode() for piece in pieces]
        texts[0], texts[-1] = before + pieces[0].encode(), pieces[-1].encode() + behind
        if len(pieces) == 1:
            texts[0] = before + pair.encode() + behind
        room = self._find_room(key, len(text) - sum(map(len, pieces[1::2]))) if found else -1
        return room, tuple(texts)

    def _find_room(self, key: str, taken: int) -> int:
        """Find how many characters copied values may have together; -1 for no limit."""
        limits = [limit for limit in (self._style.limits.get(key), self._longest) if limit]
        return min(limits) - taken if limits else -1
