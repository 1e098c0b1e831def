"""``event_writer``: events of many logs that have the same fields, written straight from bytes.

Pure. What a value becomes is always asked of the mapping itself (``EventMapping.event``), once for
what comes again; a value that goes out as it came needs no asking. What does not fit is left to the
payload, called with the log: this file writes the very same bytes, or none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from sls_syslog.logs.columns import BETWEEN, Columns, Writer
from sls_syslog.payloads.dictionary import CEF_KEYS
from sls_syslog.payloads.fields import NOTHING, Constant, Source
from sls_syslog.payloads.mapping import Event, EventMapping, Labelled

__all__ = ["EventStyle", "event_writer"]

# White space other than ASCII's; it does no harm inside a value, but is not common either.
_SPACE = re.compile(rb"\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2[\x80\x81]|\xe3\x80\x80")
_NOT_ITS_FIRST_BYTE = bytes({*range(256)} - {0xC2, 0xE1, 0xE2, 0xE3})
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,8}").fullmatch
_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# Values that are in the form of their key's type already; of any other the mapping is asked.
_AS_THEY_ARE = {
    "address": re.compile(rb"%b(?:\.%b){3}" % (_OCTET, _OCTET)).fullmatch,
    "port": re.compile(rb"0|[1-9][0-9]{0,3}").fullmatch,
    **dict.fromkeys(("integer", "long", "count", "float"), _NUMBER),
    "time": re.compile(rb"[1-9][0-9]{12}").fullmatch,
}
_NEVER = re.compile(rb"(?!)").fullmatch
_NOTHING = NOTHING.encode()
_SECONDS_DIGITS = 10  # from 2001 to 2286
_KEPT = 4096  # answers of a mapping, and the longest values that they are kept for
_KEPT_BYTES = 512
# What becomes rt and externalId by itself.
_OWN_KEYS = ("__time__", "__time_ns_part__", "__event_id__")

_Texts: TypeAlias = "Sequence[bytes]"
_Frame: TypeAlias = "Callable[[tuple[bytes, ...], bytes], bytes]"
_Pairs: TypeAlias = "Sequence[bytes]"


@dataclass(frozen=True, eq=False)
class EventStyle:
    """How a format writes the events of a mapping.

    Attributes:
        around: What stands before and behind the pairs of an event.
        between: What stands between two pairs.
        pair: A key and its value; ``b""`` if nothing is left of that.
        label: The pair that says what a key means; ``b""`` where none is needed.
        special: The bytes of which a value that goes out as it came has none.
        escaped: Values with what the format escapes; ``None`` where more has to be done.
        limits: The most characters that strings may have, by key.
    """

    around: Callable[[Event], tuple[bytes, bytes]]
    between: bytes
    pair: Callable[[str, str], bytes]
    label: Callable[[str], bytes]
    special: Sequence[bytes]
    escaped: Callable[[bytes], bytes | None]
    limits: Mapping[str, int]


class _Answers(dict["tuple[bytes, ...]", Any]):
    """What is made of an event, by the values of these fields; asked once for the same ones."""

    def __init__(
        self,
        mapping: EventMapping,
        names: Sequence[str],
        make: Callable[[Event], Any],
        constants: Mapping[str, str],
    ) -> None:
        self._mapping = mapping
        self._names = names
        self._make = make
        self._constants = constants

    def __missing__(self, values: tuple[bytes, ...]) -> Any:
        if len(self) >= _KEPT:
            self.clear()
        own = {name: value.decode() for name, value in zip(self._names, values, strict=True)}
        answer = self._make(self._mapping.event({**self._constants, **own}))
        if sum(map(len, values)) <= _KEPT_BYTES:
            self[values] = answer
        return answer


class _Step(NamedTuple):
    """A value's place in the log, and what to write: itself behind ``prefix``, or an answer."""

    place: int
    answers: Mapping[Any, _Pairs] | None
    prefix: bytes = b""
    limit: int = 0
    label: bytes = b""
    as_it_is: Callable[[bytes], Any] = bool

    @property
    def is_simple(self) -> bool:
        """Whether any value will do."""
        return self.answers is None and not self.limit and not self.label


class _Part(NamedTuple):
    """What of a mapping depends on a few fields: the names of those that logs have of their own."""

    mapping: EventMapping
    names: tuple[str, ...]
    places: tuple[int, ...]
    make: Callable[[Event], Any]

    def answers(self, constants: Mapping[str, str]) -> _Answers:
        """What it makes of logs."""
        return _Answers(self.mapping, self.names, self.make, constants)


class _NotWrittenError(Exception):
    """Raised when values are worked out from others, or lie in JSON."""


def event_writer(mapping: EventMapping, columns: Columns, style: EventStyle) -> Writer | None:
    """Makes a writer; ``None`` for a mapping that works values out from others.

    Args:
        mapping: What the logs mean.
        columns: Their fields.
        style: How their events are written; the same object for the same mapping.
    """
    if type(mapping) is not EventMapping:  # one made from it may do anything
        return None
    constants = {name: text for name, text in columns if text is not None}
    own = tuple([name for name, text in columns if text is None])
    plan = _planned(mapping, style, own, tuple(constants))
    return None if plan is None else plan.writer(constants)


@lru_cache(maxsize=1024)  # groups of logs differ in constants more often than in fields
def _planned(mapping: EventMapping, *others: Any) -> _Plan | None:
    try:
        return _Plan(mapping, *others)
    except _NotWrittenError:
        return None


class _Plan:
    """What is the same for all logs with fields of the same names."""

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
        self._head = self._head_part()
        self._times = self._times_part()
        self._steps = list(self._made_steps())

    def writer(self, constants: Mapping[str, str]) -> Writer:
        """Writes logs with these values of what they have in common."""
        first, steps = self._with(constants)
        frame = self._frame(constants)
        between, escape = self._style.between, self._style.escaped

        def write(values: tuple[bytes, ...]) -> bytes | None:
            together = BETWEEN.join(values)
            escaped = escape(together) if _is_tidy(together) else None
            texts = escaped.split(BETWEEN) if escaped is not None else ()
            if len(texts) != len(values):
                return None
            pairs = [*first]
            try:
                if not _put(steps, values, texts, pairs) or not pairs:
                    return None  # where nothing is found another mapping may find more
                return frame(values, between.join(pairs))
            except UnicodeDecodeError:
                return None

        plain = bool(steps) and all(step.is_simple for step in steps)
        if plain and self._is_alike and not self._head.places:
            return self._quick_writer(constants, first, steps, write)
        return write

    @property
    def _is_alike(self) -> bool:
        """Whether the time of all events is that of their logs, in whole seconds."""
        return "rt" not in self._mapping.extension and "__time_ns_part__" not in self._places

    def _quick_writer(
        self,
        constants: Mapping[str, str],
        first: Sequence[bytes],
        steps: Sequence[_Step],
        otherwise: Writer,
    ) -> Writer:
        """Writes logs whose values go out as they came; leaves others to the writer given."""
        style = self._style
        before, behind = self._head.answers(constants)[()]
        milliseconds = "1" * (_SECONDS_DIGITS + 3)
        prefix = style.pair("rt", milliseconds).removesuffix(milliseconds.encode())
        parts = [_literal(prefix) + b"%b000", *map(_literal, first)]
        parts += [_literal(step.prefix) + b"%b" for step in steps]
        whole = _literal(style.between).join(parts)
        template = _literal(before) + whole + _literal(behind)
        empty = template % ((b"",) * (1 + len(steps)))
        counts = [(special, empty.count(special)) for special in style.special]
        wanted = _picker([self._places["__time__"], *(step.place for step in steps)])

        def write(values: tuple[bytes, ...]) -> bytes | None:
            texts = tuple(map(bytes.strip, wanted(values)))
            if b"" in texts or _NOTHING in texts or len(texts[0]) != _SECONDS_DIGITS:
                return otherwise(values)
            text = template % texts
            for special, count in counts:
                if text.count(special) != count:
                    return otherwise(values)
            return otherwise(values) if text.translate(None, _NOT_ITS_FIRST_BYTE) else text

        return write

    def _frame(self, constants: Mapping[str, str]) -> _Frame:
        """Puts what stands before and behind around the pairs of a log, and its time."""
        around, of_head = self._head.answers(constants), _picker(self._head.places)
        times, of_time = self._times.answers(constants), _picker(self._times.places)
        between = self._style.between

        def frame(values: tuple[bytes, ...], pairs: bytes) -> bytes:
            (time,) = times[of_time(values)]
            before, behind = around[of_head(values)]
            return bytes(before + time + (between + pairs if pairs else b"") + behind)

        return frame

    def _with(self, constants: Mapping[str, str]) -> tuple[list[bytes], list[_Step]]:
        """The pairs that come first and are the same in all logs, and the steps."""
        pairs: list[bytes] = []
        steps: list[_Step] = []
        for step in self._steps:
            if isinstance(step, _Step):
                steps.append(step)
                continue
            always = step.answers(constants)[()]
            if steps:
                steps.append(_Step(0, _Always(always), as_it_is=_NEVER))
            else:
                pairs += always
        return pairs, steps

    def _head_part(self) -> _Part:
        mapping = self._mapping
        sources = (mapping.event_class_id, mapping.name or "", mapping.severity, "__topic__")
        return self._part(replace(mapping, extension={}), sources, self._style.around)

    def _times_part(self) -> _Part:
        """The pair ``rt``, which is the log's own time where the mapping has none."""
        own = {key: source for key, source in self._mapping.extension.items() if key == "rt"}
        sources = ("__time__", "__time_ns_part__", *map(_unlabelled, own.values()))
        return self._part(EventMapping(extension=own), sources, self._pairs)

    def _made_steps(self) -> Iterator[_Step | _Part]:
        possible: set[str] = set()
        for key, source in self._mapping.extension.items():
            if key == "rt":
                continue
            if _unlabelled(source) in _OWN_KEYS:
                raise _NotWrittenError  # a mapping of this field alone would add these keys
            mapping = EventMapping(extension={key: source})
            part = self._part(mapping, [_unlabelled(source)], self._pairs)
            keys = {*mapping.keys} - {"rt", "externalId"} | {key}
            if not possible.isdisjoint(keys):
                raise _NotWrittenError  # the first that gives something counts
            possible |= keys
            if not part.names:
                yield part
            elif key in CEF_KEYS and CEF_KEYS[key].kind != "string":
                pair, label = self._style.pair(key, ""), self._style.label(key)
                as_it_is = _AS_THEY_ARE.get(CEF_KEYS[key].kind, _NEVER)
                yield _Step(part.places[0], part.answers({}), pair, 0, label, as_it_is)
            else:
                yield self._plain(key, part.places[0])
        if "__event_id__" in self._places:
            if "externalId" in possible:
                raise _NotWrittenError
            yield self._plain("externalId", self._places["__event_id__"])

    def _plain(self, key: str, place: int) -> _Step:
        style = self._style
        return _Step(place, None, style.pair(key, ""), style.limits.get(key, 0), style.label(key))

    def _pairs(self, event: Event) -> _Pairs:
        style = self._style
        both = ((style.pair(key, text), style.label(key)) for key, text in event.values.items())
        return [part for pair, label in both if pair for part in (pair, label) if part]

    def _part(
        self, mapping: EventMapping, sources: Iterable[Source | int], make: Callable[[Event], Any]
    ) -> _Part:
        names = tuple(dict.fromkeys(name for source in sources for name in self._own(source)))
        return _Part(mapping, names, tuple([self._places[name] for name in names]), make)

    def _own(self, source: Source | int) -> list[str]:
        """The fields that each log has of its own of which a source makes use.

        Raises:
            _NotWrittenError: If it is more than a name.
        """
        if isinstance(source, (int, Constant)):
            return []
        if not isinstance(source, str):
            raise _NotWrittenError
        if source in self._places:
            return [source]
        holder = source.partition(".")[0]
        if source not in self._constants and (holder in self._places or holder in self._constants):
            raise _NotWrittenError
        return []


def _picker(places: Sequence[int]) -> Callable[[tuple[bytes, ...]], tuple[bytes, ...]]:
    """Takes what lies at these places, always as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))


def _put(
    steps: Sequence[_Step],
    values: _Texts,
    texts: _Texts,
    pairs: list[bytes],
) -> bool:
    """Adds the pairs of values, plain and escaped, with their labels; ``False`` if it cannot."""
    for place, answers, prefix, limit, label, as_it_is in steps:
        text = texts[place]
        if not text or text == _NOTHING:
            continue
        if answers is not None and not as_it_is(text):
            pairs += answers[values[place],]
            continue
        if limit and len(text) > limit:  # bytes: as many as characters at least
            return False
        pairs.append(prefix + text)
        if label:
            pairs.append(label)
    return True


class _Always(dict[Any, _Pairs]):
    """The same answer to anything."""

    def __init__(self, answer: _Pairs) -> None:
        self._answer = answer

    def __missing__(self, question: Any) -> _Pairs:
        return self._answer


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")


def _unlabelled(source: Source | Labelled) -> Source:
    return source.source if isinstance(source, Labelled) else source


def _is_tidy(together: bytes) -> bool:
    """Whether no value has white space around it."""
    if b"\t" in together or b" \x12" in together or b"\x12 " in together:
        return False
    if together[:1] == b" " or together[-1:] == b" ":
        return False
    # Much quicker than the expression, and nearly always enough.
    return not together.translate(None, _NOT_ITS_FIRST_BYTE) or not _SPACE.search(together)
