"""Writes the events of many logs with the same fields quickly, straight from bytes.

Sans-I/O. It must write the same bytes as the payload, or ``None``: the payload then writes that
log. A value that needs no change is copied. For any other value this module asks the mapping
(``EventMapping.event``) and caches the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from sls_syslog.logs.caches import TOO_LARGE, LogCache, weigh
from sls_syslog.logs.columns import BETWEEN, Columns, Writer
from sls_syslog.payloads.dictionary import CEF_KEYS, rank_key
from sls_syslog.payloads.fields import NOTHING, Constant, Source
from sls_syslog.payloads.mapping import Event, EventMapping, get_source, weigh_with_mapping

__all__ = ["EventStyle", "make_event_writer"]

# White space outside ASCII. It is harmless inside a value, but rare, so the payload writes it.
_SPACE = re.compile(rb"\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2[\x80\x81]|\xe3\x80\x80")
_NOT_SPACE_START = bytes({*range(256)} - {0xC2, 0xE1, 0xE2, 0xE3})
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,8}").fullmatch
_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# By type: tells whether a value has its final form, so that the mapping need not be asked.
_FINAL_FORMS = {
    "address": re.compile(rb"%b(?:\.%b){3}" % (_OCTET, _OCTET)).fullmatch,
    "port": re.compile(rb"0|[1-9][0-9]{0,3}").fullmatch,
    **dict.fromkeys(("integer", "long", "count", "size", "float"), _NUMBER),
    "time": re.compile(rb"[1-9][0-9]{12}").fullmatch,
}
_NEVER = re.compile(rb"(?!)").fullmatch
_NOTHING = NOTHING.encode()
_SECONDS_DIGITS = 10  # of seconds since 1970, from 2001 to 2286
_MOST_BYTES = 512  # of the values of an answer to cache; longer values are rarely repeated
# The fields that become rt and externalId without a mapping.
_OWN_FIELDS = ("__time__", "__time_ns_part__", "__event_id__")

_Texts: TypeAlias = "Sequence[bytes]"
_Frame: TypeAlias = "Callable[[tuple[bytes, ...], bytes], bytes | None]"
_Pairs: TypeAlias = "Sequence[bytes]"


@dataclass(frozen=True, eq=False)
class EventStyle:
    """How a format writes the events of a mapping.

    Attributes:
        around: Writes what stands before and after the pairs of an event.
        between: The separator of two pairs.
        pair: Writes a key and its value; ``b""`` if the written value would be empty.
        label: Writes the pair that says what a key means; ``b""`` if the key needs no label.
        special: A value with one of these bytes cannot be copied.
        escape: Escapes values, or returns ``None`` if escaping is not enough.
        limits: The limits of strings in characters, by key.
    """

    around: Callable[[Event], tuple[bytes, bytes]]
    between: bytes
    pair: Callable[[str, str], bytes]
    label: Callable[[str], bytes]
    special: Sequence[bytes]
    escape: Callable[[bytes], bytes | None]
    limits: Mapping[str, int]


_Answers: TypeAlias = "LogCache[tuple[bytes, ...], Any]"
"""A cache of the results of ``_Part.make`` for an event, by the values of a few fields."""


class _Step(NamedTuple):
    """How to write one value of a log.

    Attributes:
        place: The place of the value in the row.
        answers: The pairs by value; ``None`` if every value is copied.
        prefix: What stands before a copied value.
        limit: The most bytes of a copied value; 0 for no limit.
        label: The pair that follows a copied value.
        is_final: Tells whether a value can be copied and needs no answer.
    """

    place: int
    answers: Mapping[Any, _Pairs | None] | None
    prefix: bytes = b""
    limit: int = 0
    label: bytes = b""
    is_final: Callable[[bytes], Any] = bool

    @property
    def is_simple(self) -> bool:
        """Whether every value is copied, without limit and label."""
        return self.answers is None and not self.limit and not self.label


class _Part(NamedTuple):
    """A part of a mapping that depends on a few fields only.

    Attributes:
        mapping: The part, as a mapping of its own.
        names: The fields that it uses and that differ from log to log.
        places: The places of these fields in a row.
        make: Makes the answer from an event.
    """

    mapping: EventMapping
    names: tuple[str, ...]
    places: tuple[int, ...]
    make: Callable[[Event], Any]

    def make_answers(self, constants: Mapping[str, str]) -> _Answers:
        """Make the cache of answers for logs with these constants."""

        def answer(values: tuple[bytes, ...]) -> Any:
            own = {name: value.decode() for name, value in zip(self.names, values, strict=True)}
            event = self.mapping.event({**constants, **own})
            return None if event.omitted else self.make(event)  # the payload counts what it omits

        return LogCache(answer, _weigh_answer)


def _weigh_answer(values: tuple[bytes, ...]) -> int:
    return weigh(values, times=4) if sum(map(len, values)) <= _MOST_BYTES else TOO_LARGE


class _TooComplexError(Exception):
    """Raised when a mapping computes values, reads them from JSON, or fills a key twice."""


def make_event_writer(mapping: EventMapping, columns: Columns, style: EventStyle) -> Writer | None:
    """Make a quick writer for logs with the same fields.

    Args:
        mapping: How the logs become events.
        columns: The fields of the logs.
        style: How to write the events; give the same object for the same mapping.

    Returns:
        The writer; ``None`` if the mapping does more than copy or convert single fields.
    """
    if type(mapping) is not EventMapping:  # a subclass may do anything
        return None
    constants = {name: text for name, text in columns if text is not None}
    own = tuple([name for name, text in columns if text is None])
    plan = _PLANS[mapping, style, own, tuple(constants)]
    return None if plan is None else plan.make_writer(constants)


_PlanKey: TypeAlias = "tuple[EventMapping, EventStyle, tuple[str, ...], tuple[str, ...]]"


def _make_plan(key: _PlanKey) -> _Plan | None:
    try:
        return _Plan(*key)
    except _TooComplexError:
        return None


# Log groups differ in constants more often than in fields.
_PLANS: LogCache[_PlanKey, _Plan | None] = LogCache(
    _make_plan, lambda key: weigh_with_mapping(key[0], *key[2:], besides=9000)
)


class _Plan:
    """How to write logs whose fields have the same names."""

    def __init__(
        self,
        mapping: EventMapping,
        style: EventStyle,
        own: Sequence[str],
        constants: Sequence[str],
    ) -> None:
        self._mapping = mapping
        self._style = style
        self._places = {name: place for place, name in enumerate(own)}
        self._constants = constants
        self._head = self._make_head_part()
        self._times = self._make_times_part()
        self._steps = list(self._make_steps())

    def make_writer(self, constants: Mapping[str, str]) -> Writer | None:
        """Make the writer for logs that have these values in common.

        Returns:
            The writer; ``None`` if one of the values has to be omitted, which the payload counts.
        """
        applied = self._apply(constants)
        if applied is None:
            return None
        first, steps = applied
        frame = self._make_frame(constants)
        between, escape = self._style.between, self._style.escape

        def write(values: tuple[bytes, ...]) -> bytes | None:
            together = BETWEEN.join(values)
            escaped = escape(together) if _is_tidy(together) else None
            texts = escaped.split(BETWEEN) if escaped is not None else ()
            if len(texts) != len(values):
                return None
            pairs = [*first]
            try:
                if not _put(steps, values, texts, pairs) or not pairs:
                    return None  # nothing found: another mapping may find more
                return frame(values, between.join(pairs))
            except UnicodeDecodeError:
                return None

        are_simple = bool(steps) and all(step.is_simple for step in steps)
        if are_simple and self._has_plain_time and not self._head.places:
            return self._make_template_writer(constants, first, steps, write)
        return write

    @property
    def _has_plain_time(self) -> bool:
        """Whether each event has the time of its log, in whole seconds."""
        return "rt" not in self._mapping.extension and "__time_ns_part__" not in self._places

    def _make_template_writer(
        self,
        constants: Mapping[str, str],
        first: Sequence[bytes],
        steps: Sequence[_Step],
        otherwise: Writer,
    ) -> Writer:
        """Make a writer that copies all values; it leaves other logs to ``otherwise``."""
        style = self._style
        before, behind = self._head.make_answers(constants)[()]
        seconds = "1" * _SECONDS_DIGITS
        time = style.pair("rt", f"{seconds}000").split(seconds.encode())
        parts = [b"%b".join(map(_escape_percent, time)), *map(_escape_percent, first)]
        parts += [_escape_percent(step.prefix) + b"%b" for step in steps]
        whole = _escape_percent(style.between).join(parts)
        template = _escape_percent(before) + whole + _escape_percent(behind)
        empty = template % ((b"",) * (1 + len(steps)))
        counts = [(special, empty.count(special)) for special in style.special]
        pick = _make_picker([self._places["__time__"], *(step.place for step in steps)])

        def write(values: tuple[bytes, ...]) -> bytes | None:
            texts = tuple(map(bytes.strip, pick(values)))
            if b"" in texts or _NOTHING in texts or len(texts[0]) != _SECONDS_DIGITS:
                return otherwise(values)
            text = template % texts
            for special, count in counts:
                if text.count(special) != count:
                    return otherwise(values)
            return otherwise(values) if text.translate(None, _NOT_SPACE_START) else text

        return write

    def _make_frame(self, constants: Mapping[str, str]) -> _Frame:
        """Make a function that adds header, time and end to the pairs of a log."""
        around, pick_head = self._head.make_answers(constants), _make_picker(self._head.places)
        times, pick_time = self._times.make_answers(constants), _make_picker(self._times.places)
        between = self._style.between

        def frame(values: tuple[bytes, ...], pairs: bytes) -> bytes | None:
            time = times[pick_time(values)]
            if time is None:
                return None
            before, behind = around[pick_head(values)]
            return bytes(before + time[0] + (between + pairs if pairs else b"") + behind)

        return frame

    def _apply(self, constants: Mapping[str, str]) -> tuple[list[bytes], list[_Step]] | None:
        """Return the first pairs, which are the same in all logs, and the steps after these.

        Return ``None`` if a value that is the same in all logs has to be omitted.
        """
        pairs: list[bytes] = []
        steps: list[_Step] = []
        for step in self._steps:
            if isinstance(step, _Step):
                steps.append(step)
                continue
            always = step.make_answers(constants)[()]
            if always is None:
                return None
            if steps:
                steps.append(_Step(0, _SameAnswer(always), is_final=_NEVER))
            else:
                pairs += always
        return pairs, steps

    def _make_head_part(self) -> _Part:
        mapping = self._mapping
        severity = "" if mapping.severity is None else mapping.severity
        sources = (mapping.event_class_id, mapping.name or "", severity, "__topic__")
        return self._make_part(replace(mapping, extension={}), sources, self._style.around)

    def _make_times_part(self) -> _Part:
        """Make the part for ``rt``: the log's own time, if the mapping gives none."""
        own = {key: source for key, source in self._mapping.extension.items() if key == "rt"}
        sources = ("__time__", "__time_ns_part__", *map(get_source, own.values()))
        return self._make_part(EventMapping(extension=own), sources, self._format_pairs)

    def _make_steps(self) -> Iterator[_Step | _Part]:
        possible: set[str] = set()
        has_event_id = "__event_id__" in self._places
        for key, source in self._mapping.extension.items():
            if key == "rt":
                continue
            if has_event_id and rank_key(key) > rank_key("externalId"):
                yield self._make_event_id_step(possible)
                has_event_id = False
            if get_source(source) in _OWN_FIELDS:
                raise _TooComplexError  # a mapping of this field alone would add rt or externalId
            mapping = EventMapping(extension={key: source})
            part = self._make_part(mapping, [get_source(source)], self._format_pairs)
            keys = {*mapping.keys} - {"rt", "externalId"} | {key}
            if not possible.isdisjoint(keys):
                raise _TooComplexError  # two sources for one key: the first value counts
            possible |= keys
            if not part.names:
                yield part
            elif key in CEF_KEYS and CEF_KEYS[key].kind != "string":
                pair, label = self._style.pair(key, ""), self._style.label(key)
                is_final = _FINAL_FORMS.get(CEF_KEYS[key].kind, _NEVER)
                yield _Step(part.places[0], part.make_answers({}), pair, 0, label, is_final)
            else:
                yield self._make_copy_step(key, part.places[0])
        if has_event_id:
            yield self._make_event_id_step(possible)

    def _make_event_id_step(self, possible: set[str]) -> _Step:
        if "externalId" in possible:
            raise _TooComplexError
        return self._make_copy_step("externalId", self._places["__event_id__"])

    def _make_copy_step(self, key: str, place: int) -> _Step:
        style = self._style
        return _Step(place, None, style.pair(key, ""), style.limits.get(key, 0), style.label(key))

    def _format_pairs(self, event: Event) -> _Pairs | None:
        style = self._style
        if any(len(text) > style.limits.get(key, len(text)) for key, text in event.values.items()):
            return None  # the payload counts what it omits
        both = ((style.pair(key, text), style.label(key)) for key, text in event.values.items())
        return [part for pair, label in both if pair for part in (pair, label) if part]

    def _make_part(
        self, mapping: EventMapping, sources: Iterable[Source | int], make: Callable[[Event], Any]
    ) -> _Part:
        names = tuple(dict.fromkeys(name for source in sources for name in self._find_own(source)))
        return _Part(mapping, names, tuple([self._places[name] for name in names]), make)

    def _find_own(self, source: Source | int) -> list[str]:
        """Find the fields that a source uses and that differ from log to log.

        Raises:
            _TooComplexError: If the source is more than the name of a field.
        """
        if isinstance(source, (int, Constant)):
            return []
        if not isinstance(source, str):
            raise _TooComplexError
        if source in self._places:
            return [source]
        holder = source.partition(".")[0]
        if source not in self._constants and (holder in self._places or holder in self._constants):
            raise _TooComplexError  # a path into JSON
        return []


def _make_picker(places: Sequence[int]) -> Callable[[tuple[bytes, ...]], tuple[bytes, ...]]:
    """Make a function that returns the values at these places as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))


def _put(
    steps: Sequence[_Step],
    values: _Texts,
    texts: _Texts,
    pairs: list[bytes],
) -> bool:
    """Append the pairs of one log, with their labels.

    Args:
        steps: How to write each value.
        values: The values of the log.
        texts: The same values, escaped.
        pairs: The list to extend.

    Returns:
        ``False`` if a value is too long for its key, or not of its type, so that the payload must
        write this log.
    """
    for place, answers, prefix, limit, label, is_final in steps:
        text = texts[place]
        if not text or text == _NOTHING:
            continue
        if answers is not None and not is_final(text):
            answer = answers[values[place],]
            if answer is None:
                return False
            pairs += answer
            continue
        if limit and len(text) > limit:  # a text never has more characters than bytes
            return False
        pairs.append(prefix + text)
        if label:
            pairs.append(label)
    return True


class _SameAnswer(dict[Any, _Pairs]):
    """The same answer for every value."""

    def __init__(self, answer: _Pairs) -> None:
        self._answer = answer

    def __missing__(self, value: Any) -> _Pairs:
        return self._answer


def _escape_percent(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")


def _is_tidy(together: bytes) -> bool:
    """Whether no value has white space around it."""
    if b"\t" in together or b" \x12" in together or b"\x12 " in together:
        return False
    if together[:1] == b" " or together[-1:] == b" ":
        return False
    # The first test is much quicker, and nearly always enough.
    return not together.translate(None, _NOT_SPACE_START) or not _SPACE.search(together)
