"""Compiles a mapping to one Python function, which makes the event of a log.

Nothing is interpreted for a log: its fields, what is in its JSON and what several sources use are
local variables. The code holds no text of a user: names, keys and tables are constants of a closure
around it. So mappings of the same form share their code.
"""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.columns import Form
from sls_syslog.payloads.dictionary import ADDRESSES, CEF_KEYS, rank_key
from sls_syslog.payloads.fields import (
    Accept,
    Constant,
    Fields,
    JsonPaths,
    Source,
    clean,
    clean_log,
)
from sls_syslog.payloads.values import CONVERSIONS, NO_VALUES, classify_address, fit_text

__all__ = ["SEVERITIES", "Derived", "compile_event", "compile_source"]

_Log: TypeAlias = Mapping[str, str]

_WORDS = ("Unknown", "Low", "Medium", "High", "Very-High")
SEVERITIES: dict[str, str] = {str(n): str(n) for n in range(11)} | {
    word.lower(): word for word in _WORDS
}
"""CEF's severities by their text in lower case."""

_EVENT_ID_LIMIT = CEF_KEYS["externalId"].limit
# A number of at most these digits needs no conversion, unless it begins with a zero.
_PLAIN_DIGITS = {
    "port": 4,
    **dict.fromkeys(("integer", "size"), 9),
    **dict.fromkeys(("long", "count", "float"), 18),
}
_TIME_DIGITS = 10  # of seconds since 1970; SLS's have at most 10, and no receiver reads more
_LEAST_LOOP = 4  # copies in a row that become a loop


@dataclass(frozen=True, eq=False)
class Derived:
    """A source that computes a value from other sources.

    Attributes:
        sources: Where the other values come from.
        how: How the value is computed, in words; ``{0}`` stands for the first source, and so on.
        make: Computes the value from the texts. A missing text is ``""``; the result ``""`` means
            that there is no value.
        accept: Tells which texts ``make`` knows: of several sources the first with such a text
            counts. ``None`` for any text.
        needs_first: Whether there is no value without the first source; the others are then not
            read.
        is_clean: Whether ``make`` returns a clean text if it gets clean texts.
        picks: The place of the source that gives the value, by the value of the first source in
            lower case; ``make`` is then not used.
        gives: The place of the source whose text ``make`` returns, if it does no more.
        table: The results of ``make`` by text in lower case, if it does no more than to look them
            up; ``accept`` then accepts the texts of the table.
        otherwise: The result for a text that is not in ``table``.
        any_of: A log must have one of these fields; without them there is no value.
        copied: The places of the sources that ``make`` only copies: it puts their text into the
            result unchanged, or leaves it out, and only asks whether there is one.
        is_compared: Whether ``make`` needs to know of the first two sources only whether they have
            a text, and the same one.
        slashed: The places of copied sources for which ``make`` also asks whether the text
            begins with a slash.
        longest: The most characters of a text that ``make`` copies; 0 for no limit.
        largest: The largest number that ``make`` copies; 0 for no limit.
        form: How ``make`` copies the text of its only source; ``None`` if it copies it unchanged,
            or does something else.
        is_of_word: Whether ``make`` needs of the text only the letters with which it begins, if it
            begins with some.
    """

    sources: tuple[Source, ...]
    how: str
    make: Callable[..., str]
    accept: Accept | None = None
    needs_first: bool = False
    is_clean: bool = False
    picks: Mapping[str, int] | None = None
    gives: int | None = None
    table: Mapping[str, str] | None = None
    otherwise: str = ""
    any_of: tuple[str, ...] = ()
    copied: tuple[int, ...] = ()
    is_compared: bool = False
    slashed: tuple[int, ...] = ()
    longest: int = 0
    largest: int = 0
    form: Form | None = None
    is_of_word: bool = False

    def __call__(self, log: _Log) -> str:
        """Compute the value for one log."""
        return self._compute(log.log if isinstance(log, Fields) else log)

    @cached_property
    def _compute(self) -> Callable[[_Log], str]:
        return compile_source(self)


def compile_event(
    make_event: Callable[..., Any],
    extension: Mapping[str, Source],
    class_id: Source,
    name: Source | None,
    severity: Source | int | None,
) -> Callable[[_Log], Any]:
    """Make the function that makes the event of a log.

    Args:
        make_event: Gets class id, name, severity, values, the number of values left out, and the
            text of the time.
        extension: The sources by key, in the order of ``rank_key``.
        class_id: The source of the event class id.
        name: The source of the name.
        severity: The source of the severity, or a severity.
    """
    sources = (*extension.values(), class_id, "__topic__", name or "", severity)
    copies = {source for key, source in extension.items() if _is_copy(key, source)}
    coder = _Coder(sources, copies)
    coder.write("values = {}", "omitted = 0")
    time = _write_extension(coder, extension)
    texts = {
        "class_id": coder.read((class_id, "__topic__", Constant("log"))).code,
        "severity": _read_severity(coder, severity),
    }
    coder.write(*[f"{variable} = {code}" for variable, code in texts.items()])
    text = "class_id" if name is None else f"{coder.read(name).code} or class_id"
    made = coder.hold(make_event, "MAKE_EVENT")
    return coder.finish(f"{made}(class_id, {text}, severity, values, omitted, {time})")


def compile_source(source: Source) -> Callable[[_Log], str]:
    """Make the function that reads a source; it returns ``""`` if there is no value."""
    coder = _Coder((source,))
    return coder.finish(coder.read(source).string)


class _Text(NamedTuple):
    """An expression for a text.

    Attributes:
        code: The expression.
        is_string: Whether it is never ``None``.
        is_variable: Whether it only names a variable, so that it may stand several times.
    """

    code: str
    is_string: bool = False
    is_variable: bool = False

    @property
    def string(self) -> str:
        """An expression that is never ``None``."""
        return self.code if self.is_string else f'({self.code} or "")'


_NO_TEXT = _Text('""', is_string=True, is_variable=True)


class _Fit(NamedTuple):
    """How to find out whether a text fits.

    Attributes:
        convert: Writes an expression that is ``None`` if a variable's text does not fit.
        is_address: Whether an IP address fits better than a host name.
    """

    convert: Callable[[str], str]
    is_address: bool = False


class _Coder:
    """Writes the code of a function that gets a log.

    Args:
        sources: All that the function reads.
        copies: The fields that it copies; one that it does not use besides needs no variable.
    """

    def __init__(
        self, sources: Sequence[Source | int | None], copies: Collection[Source] = ()
    ) -> None:
        self._lines: list[str] = []
        self._indent = " " * 8
        self._constants: dict[str, Any] = {}
        self._held: dict[int, str] = {}
        self._variables: dict[str | int, _Text] = {}  # by field, or by the id of a Derived
        self._count = 0
        uses: Counter[Any] = Counter()
        order: list[Any] = []
        for source in sources:
            _count_uses(source, uses, order)
        self._write_start(uses, order, {name for name in copies if uses[name] == 1})

    def write(self, *lines: str) -> None:
        """Write lines into the block."""
        self._lines += [f"{self._indent}{line}" for line in lines]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write what follows into a block of its own."""
        self.write(head)
        before, self._indent = self._indent, f"{self._indent}    "
        yield
        self._indent = before

    def hold(self, value: Any, name: str) -> str:
        """Hold a value as a constant of the function, and return its name."""
        known = self._held.get(id(value))
        if known is None:
            known = self._held[id(value)] = f"{name}_{len(self._constants)}"
            self._constants[known] = value
        return known

    def make_variable(self, name: str) -> str:
        """Make the name of a new variable."""
        self._count += 1
        return f"{name}_{self._count}"

    def store(self, text: _Text) -> str:
        """Return a variable with a text."""
        if text.is_variable:
            return text.code
        variable = self.make_variable("text")
        self.write(f"{variable} = {text.code}")
        return variable

    def has_variable(self, source: Source | None) -> bool:
        """Whether a field is in a variable already."""
        return isinstance(source, str) and source in self._variables

    def read(self, source: Source, fit: _Fit | None = None) -> _Text:
        """Write what finds the text of a source; of several, of the first that has one and fits."""
        if isinstance(source, tuple):
            sources = _flatten(source)
            if fit is not None and len(sources) > 1:
                return _Text(self.read_fitting(source, fit)[0], is_variable=True)
            return self._read_first(sources)
        if isinstance(source, str):
            way = "fields.text" if "." in source else "get"
            return self._variables.get(source) or _Text(f"{way}({self.hold(source, 'FIELD')})")
        if isinstance(source, Constant):
            return _Text(self.hold(clean(source.value), "TEXT"), is_string=True, is_variable=True)
        if isinstance(source, Derived):
            return self._variables.get(id(source)) or self._derive(source)
        return _Text(f'clean({self.hold(source, "FUNCTION")}(fields) or "")', is_string=True)

    def read_fitting(self, source: Source, fit: _Fit) -> tuple[str, str]:
        """Write what finds the first text that fits best, else the first text.

        Returns:
            The variable of the text, and that of its conversion, which is ``None`` if it does not
            fit.
        """
        first, *others = _flatten(source) or [Constant("")]
        text, made = self.make_variable("text"), self.make_variable("made")
        self.write(f"{text} = {self.read(first).code}")
        self.write(f"{made} = {fit.convert(text)} if {text} else None")
        has_worse = f"{made} is None" + (f' or {made}[0] == "host"' if fit.is_address else "")
        for other in others:
            with self.block(f"if {has_worse}:"):
                next_text = self.store(self.read(other))
                with self.block(f"if {next_text}:"):
                    better = self.make_variable("made")
                    self.write(f"{better} = {fit.convert(next_text)}")
                    is_better = f"{better} is not None"
                    if fit.is_address:
                        is_better += f' and ({made} is None or {better}[0] != "host")'
                    with self.block(f"if {is_better}:"):
                        self.write(f"{text}, {made} = {next_text}, {better}")
                    with self.block(f"elif not {text}:"):
                        self.write(f"{text} = {next_text}")
        return text, made

    def finish(self, result: str) -> Callable[[_Log], Any]:
        """Make the function, which returns the value of an expression."""
        self.write(f"return {result}")
        names = "".join(f"{name}, " for name in self._constants)
        head = ["def make(constants):"]
        if names:
            head.append(f"    {names}= constants")
        source = "\n".join([*head, "    def run(log):", *self._lines, "    return run", ""])
        run: Callable[[_Log], Any] = _CODES[source](self._constants.values())
        return run

    def _write_start(
        self, uses: Counter[Any], order: list[Any], copies: Collection[Source]
    ) -> None:
        """Write what cleans a log, and reads what the function uses several times."""
        self.write("log = clean_log(log)", "get = log.get")
        names = [each for each in order if isinstance(each, str) and each not in copies]
        self._read_at_once([name for name in names if "." not in name and uses[name] > 1])
        paths = [name for name in names if "." in name]
        if paths:
            reader = JsonPaths(paths)
            kept = [self._keep(name, is_string=True) for name in reader.names]
            variables = "".join(f"{variable}, " for variable in kept)
            self.write(f"{variables}= {self.hold(reader.read, 'READ_JSON')}(log)")
        if any(_needs_fields(each, copies) for each in order):
            self.write("fields = Fields.of_clean(log)")
        for each in order:
            if isinstance(each, Derived) and uses[id(each)] > 1:
                text = self._derive(each)
                variable = self.make_variable("shared")
                self.write(f"{variable} = {text.code}")
                self._variables[id(each)] = _Text(variable, text.is_string, is_variable=True)

    def _read_at_once(self, names: list[str]) -> None:
        if len(names) == 1:
            self.write(f"{self._keep(names[0])} = get({self.hold(names[0], 'FIELD')})")
        elif names:
            variables = ", ".join(map(self._keep, names))
            self.write(f"{variables} = map(get, {self.hold(tuple(names), 'FIELDS')})")

    def _keep(self, name: str, *, is_string: bool = False) -> str:
        variable = self.make_variable("field")
        self._variables[name] = _Text(variable, is_string, is_variable=True)
        return variable

    def _read_apart(self, source: Source) -> tuple[_Text, list[str]]:
        """Return the text of a source, and the lines that a block for it must begin with."""
        before, self._lines, self._indent = (self._lines, self._indent), [], f"{self._indent}    "
        text, lines = self.read(source), self._lines
        self._lines, self._indent = before
        return text, lines

    def _read_first(self, sources: list[Source]) -> _Text:
        """Write what finds the first text that is not empty."""
        if not sources:
            return _NO_TEXT
        first, *others = sources
        text = self.read(first)
        for other in others:
            following, lines = self._read_apart(other)
            if not lines:
                text = _Text(f"{text.code} or {following.code}", following.is_string)
                continue
            variable = self.make_variable("text")
            self.write(f"{variable} = {text.code}")
            with self.block(f"if not {variable}:"):
                self._lines += lines
                self.write(f"{variable} = {following.code}")
            text = _Text(variable, following.is_string, is_variable=True)
        return text if text.is_variable or not others else _Text(f"({text.code})", text.is_string)

    def _derive(self, source: Derived) -> _Text:
        """Write what computes a value."""
        if source.picks is not None:
            return self._pick(source, source.picks)
        if source.table is not None:
            return self._look_up(source, source.table)
        if source.any_of:
            condition = f"not log.keys().isdisjoint({self.hold(source.any_of, 'FIELDS')})"
            return self._compute_if(condition, source, [])
        if source.needs_first:
            first = self.store(self.read(source.sources[0], _make_accept_fit(self, source)))
            return self._compute_if(first, source, [_Text(first, is_variable=True)])
        return self._compute(source, [])

    def _compute_if(self, condition: str, source: Derived, known: list[_Text]) -> _Text:
        """Write what computes a value if a condition holds."""
        variable = self.make_variable("text")
        self.write(f'{variable} = ""')
        with self.block(f"if {condition}:"):
            text = self._compute(source, known)
            self.write(f"{variable} = {text.code}")
        return _Text(variable, text.is_string, is_variable=True)

    def _compute(self, source: Derived, known: list[_Text]) -> _Text:
        """Write the call that computes a value; the texts of the first sources may be known."""
        fit = _make_accept_fit(self, source)
        if source.gives is not None:
            return self.read(source.sources[source.gives], fit)
        texts = [*known, *(self.read(each, fit) for each in source.sources[len(known) :])]
        arguments = ", ".join(text.string for text in texts)
        call = f"{self.hold(source.make, 'COMPUTE')}({arguments})"
        return _Text(call if source.is_clean else f"clean({call})", is_string=True)

    def _look_up(self, source: Derived, table: Mapping[str, str]) -> _Text:
        results = {text: clean(result) for text, result in table.items()}
        held, otherwise = self.hold(results, "TABLE"), clean(source.otherwise)
        if len(_flatten(source.sources)) == 1:
            text = self.store(self.read(source.sources[0]))
            default = self.hold(otherwise, "TEXT") if otherwise else '""'
            code = f'({held}.get({text}.lower(), {default}) if {text} else "")'
            return _Text(code, is_string=True)
        fit = _Fit(lambda text: f"{held}.get({text}.lower())")
        text, made = self.read_fitting(source.sources, fit)
        if not otherwise:
            return _Text(made, is_variable=True)
        default = f'{self.hold(otherwise, "TEXT")} if {text} else ""'
        return _Text(f"({made} if {made} is not None else {default})", is_string=True)

    def _pick(self, source: Derived, picks: Mapping[str, int]) -> _Text:
        first = self.read(source.sources[0]).string
        place, variable = self.make_variable("place"), self.make_variable("text")
        self.write(f"{place} = {self.hold(picks, 'PLACES')}.get({first}.lower())")
        self.write(f'{variable} = ""')
        for number in dict.fromkeys(picks.values()):
            with self.block(f"if {place} == {number}:"):
                self.write(f"{variable} = {self.read(source.sources[number]).code}")
        return _Text(variable, is_variable=True)


def _count_uses(source: Source | int | None, uses: Counter[Any], order: list[Any]) -> None:
    """Count how often each source is used; list the sources, those that others need first."""
    if isinstance(source, tuple):
        for each in source:
            _count_uses(each, uses, order)
    elif source is not None and not isinstance(source, (int, Constant)):
        known = source if isinstance(source, str) else id(source)
        if not uses[known]:
            if isinstance(source, Derived):
                _count_uses(source.sources, uses, order)
            order.append(source)
        uses[known] += 1


def _needs_fields(source: Source, copies: Collection[Source]) -> bool:
    """Whether ``Fields`` finds the text of a source: a user's function, or a path to copy."""
    if isinstance(source, str):
        return "." in source and source in copies
    return not isinstance(source, Derived)


def _flatten(source: Source) -> list[Source]:
    """List the sources; the first one with a text counts."""
    if isinstance(source, tuple):
        return [inner for each in source for inner in _flatten(each)]
    return [source]


def _make_accept_fit(coder: _Coder, source: Derived) -> _Fit | None:
    if source.accept is None:
        return None
    accept = coder.hold(source.accept, "ACCEPT")
    return _Fit(lambda text: f"({accept}({text}) or None)")


def _read_severity(coder: _Coder, source: Source | int | None) -> str:
    """Write what finds the severity; ``""`` if there is none."""
    if source is None:
        return '""'
    if isinstance(source, Constant):
        source = source.value
    elif not isinstance(source, int) and str(source).lower() not in SEVERITIES:
        _, made = coder.read_fitting(source, _Fit(lambda text: f"SEVERITIES.get({text}.lower())"))
        return f'{made} or ""'
    return coder.hold(SEVERITIES.get(str(source).lower(), ""), "TEXT")


def _write_extension(coder: _Coder, extension: Mapping[str, Source]) -> str:
    """Write what stores the values, with time and id of the log where the mapping gives none.

    Returns:
        An expression for the text that the mapping converts to ``rt``.
    """
    steps: list[tuple[str, Source | None]] = [
        *extension.items(),
        ("rt", None),
        ("externalId", None),
    ]
    steps.sort(key=lambda step: rank_key(step[0]))
    stored: set[str] = set()
    time = '""'

    def is_copy(step: tuple[str, Source | None]) -> bool:
        return _is_copy(*step) and not coder.has_variable(step[1])

    for are_copies, group in groupby(steps, key=is_copy):
        together = list(group)
        if are_copies and len(together) >= _LEAST_LOOP:
            _write_copies(coder, {key: str(source) for key, source in together})
            continue
        for key, source in together:
            if source is None:
                _write_default(coder, key, stored)
            elif key in CEF_KEYS:
                text = _write_value(coder, key, source, stored)
                time = f'{text} or ""' if key == "rt" else time
            else:
                _write_pair(coder, key, coder.store(coder.read(source)), stored)
    return time


def _is_copy(key: str, source: Source | None) -> bool:
    """Whether the text of a field is stored as it is."""
    return isinstance(source, str) and key not in CEF_KEYS


def _write_copies(coder: _Coder, names: Mapping[str, str]) -> None:
    """Write the loop that stores the texts of fields."""
    with coder.block(f"for key, field in {coder.hold(tuple(names.items()), 'COPIES')}:"):
        coder.write("value = get(field)")
        if any("." in name for name in names.values()):
            with coder.block("if value is None:"):
                coder.write("value = fields.text(field)")
        with coder.block("if value:"):
            coder.write("values[key] = value")


def _write_default(coder: _Coder, key: str, stored: set[str]) -> None:
    """Write what stores time or id of the log, unless the mapping gave one."""
    held = coder.hold(key, "KEY")
    with coder.block(f"if {held} not in values:") if key in stored else nullcontext():
        if key == "rt":
            coder.write('text = read_time(get("__time__", ""), get("__time_ns_part__", ""))')
            condition = "text"
        else:
            coder.write('text = get("__event_id__")')
            condition = f"text and len(text) <= {_EVENT_ID_LIMIT}"
        with coder.block(f"if {condition}:"):
            coder.write(f"values[{held}] = text")


def _write_pair(coder: _Coder, key: str, text: str, stored: set[str]) -> None:
    """Write what stores a text that is not empty."""
    with coder.block(f"if {text}:"):
        _write_store(coder, key, text, stored)


def _write_store(coder: _Coder, key: str, text: str, stored: set[str]) -> None:
    """Write what stores a text, unless its key has a value: the first one counts."""
    held = coder.hold(key, "KEY")
    coder.write(
        f"values.setdefault({held}, {text})" if key in stored else f"values[{held}] = {text}"
    )
    stored.add(key)


def _write_value(coder: _Coder, key: str, source: Source, stored: set[str]) -> str:
    """Write what stores a value in the form of its key, or counts it as left out.

    Returns:
        The variable of the text that the value is made from.
    """
    kind, limit = CEF_KEYS[key]
    if kind == "string":
        text = coder.store(coder.read(source))
        with coder.block(f"if {text}:"):
            with coder.block(f"if len({text}) <= {limit}:"):
                _write_store(coder, key, text, stored)
            with coder.block("else:"):
                short = coder.make_variable("short")
                coder.write(f"{short} = fit_text({coder.hold(key, 'KEY')}, {text})")
                _write_pair(coder, key, short, {*stored} - {key})
                with coder.block("else:"):
                    coder.write("omitted += 1")
        return text
    fit = _Fit(lambda text: f"({_convert(kind, text)})", is_address=kind == "address")
    text, made = coder.read_fitting(source, fit)
    if kind == "address":
        other = ADDRESSES[key]
        to_key = {"ipv4": key, "ipv6": other.ipv6, "host": other.host}
        with coder.block(f"if {made} is not None:"):
            with coder.block(f"if len({made}[1]) <= {CEF_KEYS[other.host].limit}:"):
                coder.write(
                    f"values.setdefault({coder.hold(to_key, 'KEYS')}[{made}[0]], {made}[1])"
                )
            with coder.block("else:"):
                coder.write("omitted += 1")
        stored |= {*to_key.values()}
    else:
        with coder.block(f"if {made} is not None:"):
            _write_store(coder, key, made, stored)
    with coder.block(f"elif {text} and {text}.lower() not in NO_VALUES:"):
        coder.write("omitted += 1")
    return text


def _convert(kind: str, text: str) -> str:
    """Write the conversion of a variable to a type of CEF; the usual form needs no call."""
    call = f"convert_{kind}({text})"
    is_digits = f"{text}.isdigit() and {text}.isascii()"
    if kind == "time":
        return f"{text} if len({text}) == 13 and {is_digits} else {call}"
    if kind in _PLAIN_DIGITS:
        is_short = f"len({text}) <= {_PLAIN_DIGITS[kind]}"
        is_plain = f'{is_short} and ({text}[0] != "0" or {text} == "0") and {is_digits}'
        return f"{text} if {is_plain} else {call}"
    return call


def _read_time(seconds: str, nanoseconds: str) -> str:
    """Return a log's own time, in milliseconds since 1970."""
    if not seconds.isdecimal() or len(seconds) > _TIME_DIGITS:
        return ""
    # More than nine digits are more than a second.
    is_part = nanoseconds.isdecimal() and len(nanoseconds) <= 9
    return str(int(seconds) * 1000 + (int(nanoseconds) // 1_000_000 if is_part else 0))


_NAMES: dict[str, Any] = {
    "Fields": Fields,
    "NO_VALUES": NO_VALUES,
    "SEVERITIES": SEVERITIES,
    "clean": clean,
    "clean_log": clean_log,
    "fit_text": fit_text,
    "read_time": _read_time,
    "convert_address": classify_address,
    **{f"convert_{kind}": convert for kind, convert in CONVERSIONS.items()},
}
"""What the code uses, by name."""


def _compile(source: str) -> Callable[..., Any]:
    """Compile the code of a function; a traceback shows its lines."""
    digest = blake2b(source.encode(), digest_size=6).hexdigest()
    file_name = f"<sls_syslog mapping {digest}>"
    names = dict(_NAMES)
    exec(compile(source, file_name, "exec"), names)  # noqa: S102  # it holds no text of a user
    linecache.cache[file_name] = (len(source), None, source.splitlines(keepends=True), file_name)
    made: Callable[..., Any] = names["make"]
    return made


# Mappings have a few forms.
_CODES: LogCache[str, Callable[..., Any]] = LogCache(
    _compile, lambda source: weigh(source, times=6)
)
