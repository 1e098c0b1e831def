"""Finds what of a log decides how a part of its event is written.

Sans-I/O. It must know each source completely: what it does not know, the payload has to write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, TypeGuard

from sls_syslog.logs.columns import Fact, FactKind, Form
from sls_syslog.payloads.event_code import Derived
from sls_syslog.payloads.fields import Constant, Source

__all__ = ["Facts", "UnknownSourceError", "find_facts"]

_LARGEST_NUMBER = 10**9 - 1  # of Form.NUMBER
_MOST_DIGITS = 9  # of the number of an item of a list; no list in a log is as long


class UnknownSourceError(Exception):
    """Raised for a source that may read any field, or whose path into JSON is unusual."""


class Facts(NamedTuple):
    """What decides how a part of an event is written, by the names of the fields.

    A field is also a path into the JSON of one.

    Attributes:
        values: The fields whose value decides.
        words: The fields whose first word alone decides.
        present: The fields that are copied, or of which only the presence decides, and how they
            are copied.
        same: The pairs of fields of which only their equality decides.
        constants: The fields used that are the same in all logs.
        longest: The most characters of a copied value; 0 for no limit.
        paths: Those of the fields that are paths into JSON.
    """

    values: tuple[str, ...]
    words: tuple[str, ...]
    present: Mapping[str, Form]
    same: tuple[tuple[str, str], ...]
    constants: tuple[str, ...]
    longest: int
    paths: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that differ from log to log."""
        return (*self.values, *self.words, *self.present)

    def list_facts(self, places: dict[str, int]) -> tuple[Fact, ...]:
        """List the facts for a writer; a field that is new gets the next of the places."""

        def find(name: str) -> int:
            return places.setdefault(name, len(places))

        return (
            *(Fact(FactKind.VALUE, find(name)) for name in self.values),
            *(Fact(FactKind.WORD, find(name)) for name in self.words),
            *(Fact(FactKind.PRESENT, find(name)) for name in self.present),
            *(Fact(FactKind.SAME, find(one), find(other)) for one, other in self.same),
        )

    def make_exact(self) -> Facts:
        """Return facts of which the values decide that are copied otherwise."""
        values = (*self.values, *self.present)
        return Facts(values, self.words, {}, (), self.constants, 0, self.paths)


def find_facts(
    sources: Iterable[Source | int],
    form: Form | None,
    own: Collection[str],
    constants: Collection[str],
) -> Facts:
    """Find the facts for a part of an event.

    Args:
        sources: What the part is made of.
        form: The form in which values can be copied; ``None`` if none can.
        own: The names of the fields that differ from log to log.
        constants: The names of the fields that are the same in all logs.

    Raises:
        UnknownSourceError: If the fields of a source are unknown, or one path is unusual.
    """
    return _Search(form, own, constants).run(sources)


class _Search:
    def __init__(self, form: Form | None, own: Collection[str], constants: Collection[str]) -> None:
        self._form = form
        self._own = own
        self._constants = constants
        self._values: dict[str, None] = {}
        self._words: dict[str, None] = {}
        self._present: dict[str, Form] = {}
        self._same: dict[tuple[str, str], None] = {}
        self._shared: dict[str, None] = {}
        self._longest: list[int] = []
        self._paths: set[str] = set()

    def run(self, sources: Iterable[Source | int]) -> Facts:
        for source in sources:
            self._read_top(source)
        self._values.update(dict.fromkeys(self._words.keys() & self._present.keys()))
        same = self._part_pairs()
        present = {name: form for name, form in self._present.items() if name not in self._values}
        holders = {path.partition(".")[0] for path in self._paths}
        if not holders.isdisjoint((*self._values, *self._words, *present)):
            raise UnknownSourceError  # no mark can stand for a field and be JSON with other marks
        return Facts(
            tuple(self._values),
            tuple([name for name in self._words if name not in self._values]),
            present,
            same,
            tuple(self._shared),
            min(self._longest, default=0),
            frozenset(self._paths),
        )

    def _part_pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the pairs of which only the equality decides.

        One mark cannot stand for a field of two pairs, or for one whose value decides as well: of
        such pairs, both values decide.
        """
        uses = Counter(name for pair in self._same for name in pair)
        decided = {*self._values, *self._words}
        for pair in self._same:
            if any(uses[name] > 1 or name in decided for name in pair):
                self._values.update(dict.fromkeys(pair))
        return tuple([pair for pair in self._same if self._values.keys().isdisjoint(pair)])

    def _read_top(self, source: Source | int) -> None:
        """Read a source whose result is the value itself.

        Only here may a limit decide which values can be copied: elsewhere, a value that is too
        long or too large could decide for another source.
        """
        if isinstance(source, tuple):
            for each in source:
                self._read_top(each)
        elif isinstance(source, Derived) and source.longest:
            self._longest.append(source.longest)
            self._read_top(source.sources[0])
        elif isinstance(source, Derived) and source.largest:
            fits = self._form is Form.NUMBER and source.largest >= _LARGEST_NUMBER
            self._read(source.sources[0], is_copied=fits)
        elif isinstance(source, Derived) and source.form is not None:
            self._read_formed(source.sources[0], source.form)
        elif not isinstance(source, int):
            self._read(source, is_copied=True)

    def _read_formed(self, source: Source, form: Form) -> None:
        """Read a source whose text is copied in a form of its own."""
        if isinstance(source, Derived) and form is Form.DECODED_NAME:
            (source,) = source.sources  # decoding is a part of the form
        names = source if isinstance(source, tuple) else (source,)
        is_copied = self._form is Form.TEXT
        for name in names:
            if isinstance(name, str) and is_copied:
                self._add(name, form)
            else:
                self._read(name, is_copied=False)

    def _read(self, source: Source, *, is_copied: bool) -> None:
        if isinstance(source, str):
            self._add(source, self._form if is_copied else None)
        elif isinstance(source, tuple):
            for each in source:
                self._read(each, is_copied=is_copied)
        elif isinstance(source, Derived):
            self._read_derived(source, is_copied=is_copied)
        elif not isinstance(source, Constant):
            raise UnknownSourceError

    def _read_derived(self, source: Derived, *, is_copied: bool) -> None:
        is_limited = source.longest or source.largest
        copied = source.copied if is_copied and not is_limited else ()
        one, other = (*source.sources, None)[:2]
        if copied and source.is_compared and self._is_own(one) and self._is_own(other):
            copied = (0, 1, *copied)
            self._same[one, other] = None
        for place, inner in enumerate(source.sources):
            if source.is_of_word and self._is_own(inner):
                self._note_path(inner)
                self._words[inner] = None
            elif place in copied and place in source.slashed:
                self._read_formed(inner, Form.PATH)
            else:
                self._read(inner, is_copied=place in copied)
        for name in source.any_of:
            self._add(name, None)

    def _add(self, name: str, form: Form | None) -> None:
        """Add a field that is copied in a form; ``None`` if its value decides.

        Raises:
            UnknownSourceError: If the field is an unusual path into JSON.
        """
        if self._is_own(name):
            self._note_path(name)
            if form is None or self._present.setdefault(name, form) is not form:
                self._values[name] = None
            return
        for used in {name, name.partition(".")[0]} & {*self._constants}:
            self._shared[used] = None

    def _is_own(self, source: object) -> TypeGuard[str]:
        """Whether a source is a field, or a path into one, that differs from log to log."""
        if not isinstance(source, str) or source in self._own:
            return isinstance(source, str)
        holder, dot, _ = source.partition(".")
        return bool(dot) and holder in self._own and source not in self._constants

    def _note_path(self, name: str) -> None:
        """Note a field if it is a path into JSON.

        Raises:
            UnknownSourceError: If only ``Fields`` knows where it leads.
        """
        if name not in self._own:
            holder, *steps = name.split(".")
            if holder.startswith("__") or not all(map(_is_usual, steps)):
                raise UnknownSourceError
            self._paths.add(name)


def _is_usual(step: str) -> bool:
    """Whether a step of a path is the key of an object, or the number of an item as JSON has it."""
    if step.isdecimal():
        return step.isascii() and len(step) <= _MOST_DIGITS and str(int(step)) == step
    return bool(step) and not _has_surrogate(step)


def _has_surrogate(text: str) -> bool:
    return text.encode("utf-8", "ignore").decode() != text
