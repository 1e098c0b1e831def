"""Compiles a user's regular expression, if no log can make the search take long.

Python's ``re`` tries all ways in which a pattern can match. For nested repeats, such as ``(a+)+$``,
a text of 40 characters has more ways than there is time, and nothing can interrupt the search: not
even SIGTERM. So such a pattern is refused when settings are made.

The pattern becomes an automaton whose states are the places in it that read one character. It is
refused in two cases:

- A loop of the automaton can read the same text in two ways: the time is exponential.
- Loops can follow each other on the same text, as in ``.*a.*b.*c``: each place where one ends and
  the next begins multiplies the time. The product must not exceed a limit.

Where the automaton is not exact, it has more ways than the pattern, so it refuses rather too much.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

__all__ = ["MAX_SEARCHED", "compile_replace", "compile_search"]

MAX_SEARCHED = 2048
"""The first characters of a text in which a pattern is searched."""

_MAX_STEPS = 25_000_000
"""Most steps of a search in the worst text: up to a second, and most patterns need a hundredth."""

_MAX_REACH = MAX_SEARCHED // 2
"""Most characters that a pattern may read in a longer text: of a match, and after it. Each part of
a search begins the rest of ``MAX_SEARCHED`` after the part before."""

_MAX_STATES = 10_000
"""Most states of a pattern; more take long to check."""

_MAX_PAIRS = 100_000
"""Most pairs of states to look at in one loop."""

_NESTED = (
    "some texts can be read in so many ways that the search never ends: a repeat within a repeat,"
    " as in (a+)+; let something stand between that the inner one cannot read, as in (a+,)+"
)
_FOLLOWING = (
    f"some texts of {MAX_SEARCHED} characters take too long: several repeats can read the same"
    " text, as in .*a.*b; begin with ^, leave .* out at the beginning, write .{0,100}, or use"
    " contains"
)
_TOO_LARGE = "the pattern is too large to be checked"

_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")


def compile_search(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """Compile a pattern, and return a function that searches it at the beginning of a text.

    Args:
        pattern: The regular expression.

    Returns:
        A function from a text to the match in its first ``MAX_SEARCHED`` characters.

    Raises:
        TypeError: If it is no text.
        ValueError: If it is no regular expression, or the search could take long.
    """
    compiled, _, _ = _compile(pattern)
    return lambda text: compiled.search(text, 0, MAX_SEARCHED)


def compile_replace(pattern: str) -> Callable[[str, Callable[[str], str]], str | None]:
    r"""Compile a pattern, and return a function that replaces its matches anywhere in a text.

    A text of more than ``MAX_SEARCHED`` characters is searched in parts that overlap by what the
    pattern can look at. So that must be bounded (``\d{13,19}``, but not ``\d+``), and the text
    must not be so long that the search could take more than a second.

    Args:
        pattern: The regular expression.

    Returns:
        A function that takes a text and a function from a match to what stands in its place. It
        returns the new text, or ``None`` if the text is too long to be searched.

    Raises:
        TypeError: If it is no text.
        ValueError: If it is no regular expression, can match nothing, or the search could take
            long.
    """
    compiled, tree, steps = _compile(pattern)
    if not tree.getwidth()[0]:
        raise ValueError("expected a pattern that matches at least one character")
    reach = tree.getwidth()[1] + sum(_list_lookaheads(tree)) + _CONTEXT
    longest = MAX_SEARCHED * max(1, _MAX_STEPS // steps) if reach <= _MAX_REACH else MAX_SEARCHED

    def replace(text: str, write: Callable[[str], str]) -> str | None:
        if len(text) <= MAX_SEARCHED:
            return compiled.sub(lambda match: write(match[0]), text)
        if len(text) > longest:
            return None
        parts: list[str] = []
        copied = begin = 0
        while begin < len(text):
            end = begin + MAX_SEARCHED
            # From here on, a match could depend on what is behind the part.
            border = end - reach if end < len(text) else end
            match = compiled.search(text, begin, end)
            if match is None or match.start() >= border:
                begin = border
                continue
            parts += [text[copied : match.start()], write(match[0])]
            copied = begin = match.end()
        return "".join([*parts, text[copied:]])

    return replace


# Characters behind a match at which `$` and `\b` look.
_CONTEXT = 3


def _compile(pattern: str) -> tuple[re.Pattern[str], Any, int]:
    """Compile a pattern and check it; return it, its tree, and the steps of the longest search.

    Raises:
        TypeError: If it is no text.
    """
    if not isinstance(pattern, str):
        raise TypeError(f"matches: expected a text, got {type(pattern).__name__}")
    compiled = re.compile(pattern)
    tree = _parser.parse(pattern)
    return compiled, tree, _Automaton(tree, compiled.flags).check()


def _list_lookaheads(tree: Any) -> Iterator[int]:
    """List the most characters that each assertion of a pattern looks at."""
    if isinstance(tree, tuple) and len(tree) == 2 and str(tree[0]) in {"ASSERT", "ASSERT_NOT"}:
        yield tree[1][1].getwidth()[1]
    if isinstance(tree, (list, tuple)) or hasattr(tree, "data"):
        for part in getattr(tree, "data", tree):
            yield from _list_lookaheads(part)


@dataclass(slots=True)
class _Part:
    """A part of a pattern.

    Attributes:
        first: The states in which it can begin, and in how many ways: one, or 2 for more.
        last: The states in which it can end, and in how many ways.
        empty: In how many ways it can read nothing.
        sure: The states after which it has matched, with any text that follows.
        is_sure: Whether it matches anywhere, in any text.
    """

    first: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    empty: int = 0
    sure: frozenset[int] = frozenset()
    is_sure: bool = False


@dataclass(frozen=True, slots=True)
class _Loop:
    """States that can follow each other without end.

    Attributes:
        states: The states.
        reads: The characters that one of them reads.
        weight: Most characters that it can read.
    """

    states: frozenset[int]
    reads: int
    weight: int


class _Automaton:
    """The automaton of a pattern.

    Args:
        tree: The pattern, parsed.
        flags: Its flags.
    """

    def __init__(self, tree: Any, flags: int) -> None:
        self._alphabet = _Alphabet(tree)
        self._reads: list[int] = []  # by state: a bit for each character
        self._weights: list[int] = []  # by state: most times that the loops around it can run
        self._next: list[dict[int, int]] = []  # by state: the next ones, and in how many ways
        whole = self._build(tree, flags, 1)
        self._first = whole.first
        self._is_anchored = _is_anchored(tree, flags)
        # A search that fails never comes to a state after which everything matches.
        for state in whole.sure:
            self._next[state] = {}
        if whole.is_sure:
            self._first = {}

    def check(self) -> int:
        """Check that no text takes long; return the steps of a search in the worst text.

        Raises:
            ValueError: If a text does.
        """
        loops = [self._make_loop(states) for states in self._find_loops(range(len(self._next)))]
        for loop in loops:
            self._check_loop(loop)
        steps = self._count_steps(loops)
        if steps > _MAX_STEPS:
            raise ValueError(_FOLLOWING)
        return steps

    def _build(self, tree: Any, flags: int, weight: int) -> _Part:
        """Build the automaton of a sequence."""
        whole = _Part(empty=1, is_sure=True)
        for operation, argument in tree:
            build = _BUILDERS.get(operation.name, _Automaton._build_state)
            whole = self._join(whole, build(self, operation.name, argument, flags, weight))
        return whole

    def _build_state(self, name: str, argument: Any, flags: int, weight: int) -> _Part:
        return self._add_state(self._alphabet.read(name, argument, flags), weight)

    def _build_group(self, name: str, argument: Any, flags: int, weight: int) -> _Part:
        _, added, removed, inner = argument
        return self._build(inner, (flags | added) & ~removed, weight)

    def _build_branch(self, name: str, argument: Any, flags: int, weight: int) -> _Part:
        return _merge(self._build(inner, flags, weight) for inner in argument[1])

    def _build_condition(self, name: str, argument: Any, flags: int, weight: int) -> _Part:
        branches = [self._build(inner or (), flags, weight) for inner in argument[1:]]
        return _make_unsure(_merge(branches))

    def _build_place(self, name: str, argument: Any, flags: int, weight: int) -> _Part:
        return _Part(empty=1)

    def _build_assertion(self, name: str, argument: Any, flags: int, weight: int) -> _Part:
        direction, inner = argument
        if direction < 0:  # its length is fixed, so it has no loop
            return _Part(empty=1)
        return _Part(self._build(inner, flags, weight).first, empty=1)

    def _build_reference(self, name: str, argument: Any, flags: int, weight: int) -> _Part:
        part = self._add_state(self._alphabet.all, weight)
        return _Part(part.first, part.last, empty=1)

    def _build_atomic(self, name: str, argument: Any, flags: int, weight: int) -> _Part:
        """Build what is read in one way only: it is tried, and then it is as one state."""
        begin = len(self._next)
        tried = self._build(argument if name == "ATOMIC_GROUP" else argument[2], flags, weight)
        reads = self._unite(range(begin, len(self._next)))
        part = self._add_state(reads, weight)
        can_be_empty = tried.empty or (name != "ATOMIC_GROUP" and not argument[0])
        return _Part(_add(tried.first, part.first), part.last, int(bool(can_be_empty)))

    def _build_repeat(self, name: str, argument: Any, flags: int, weight: int) -> _Part:
        least, most, inner = argument
        if (least, most) == (0, 1):
            return _merge([self._build(inner, flags, weight), _Part(empty=1, is_sure=True)])
        shortest, longest = inner.getwidth()
        if least == most and shortest == longest and most * longest <= MAX_SEARCHED:
            whole = _Part(empty=1, is_sure=True)
            for _ in range(most):
                whole = self._join(whole, self._build(inner, flags, weight))
            return whole
        body = self._build(inner, flags, min(weight * min(most, MAX_SEARCHED), MAX_SEARCHED))
        if body.empty and (least > 1 or most < MAX_SEARCHED):  # any of the rounds can be empty
            raise ValueError(_NESTED)
        self._connect(body.last, body.first)
        # After an empty round the loop ends; without it, it ends as well: two ways.
        last = _scale(body.last, 2) if body.empty else body.last
        is_sure = not least or (least == 1 and body.is_sure)
        sure = body.sure if least <= 1 else frozenset[int]()
        empty = 2 if body.empty else int(not least)
        return _Part(body.first, last, empty, sure, is_sure)

    def _add_state(self, reads: int, weight: int) -> _Part:
        number = len(self._next)
        if number >= _MAX_STATES:
            raise ValueError(_TOO_LARGE)
        self._reads.append(reads)
        self._weights.append(weight)
        self._next.append({})
        return _Part({number: 1}, {number: 1}, 0, frozenset([number]))

    def _join(self, before: _Part, behind: _Part) -> _Part:
        """Let one part follow another one."""
        self._connect(before.last, behind.first)
        return _Part(
            _add(before.first, _scale(behind.first, before.empty)),
            _add(behind.last, _scale(before.last, behind.empty)),
            min(2, before.empty * behind.empty),
            behind.sure | (before.sure if behind.is_sure else frozenset()),
            before.is_sure and behind.is_sure,
        )

    def _connect(self, last: Mapping[int, int], first: Mapping[int, int]) -> None:
        for state, ways in last.items():
            self._next[state] = _add(self._next[state], _scale(first, ways))

    def _make_loop(self, states: frozenset[int]) -> _Loop:
        weight = max(self._weights[state] for state in states)
        return _Loop(states, self._unite(states), weight)

    def _unite(self, states: Iterable[int]) -> int:
        """Return the characters that one of some states reads."""
        reads = 0
        for state in states:
            reads |= self._reads[state]
        return reads

    def _find_loops(self, states: Iterable[int]) -> list[frozenset[int]]:
        """Find the states that can follow themselves within some states, by loop.

        These are the strongly connected components, in Tarjan's order: the last ones come first.
        """
        inside = frozenset(states)
        loops: list[frozenset[int]] = []
        numbers: dict[int, int] = {}
        lowest: dict[int, int] = {}
        open_states: list[int] = []
        for root in sorted(inside):
            path = [] if root in numbers else [(root, iter(self._next[root]))]
            while path:
                state, following = path[-1]
                if state not in numbers:
                    numbers[state] = lowest[state] = len(numbers)
                    open_states.append(state)
                new = next((s for s in following if s in inside and s not in numbers), None)
                if new is not None:
                    path.append((new, iter(self._next[new])))
                    continue
                path.pop()
                known = [s for s in self._next[state] if s in lowest]
                lowest[state] = min([lowest[state], *(lowest[s] for s in known)])
                if lowest[state] == numbers[state]:
                    at = open_states.index(state)
                    loop = frozenset(open_states[at:])
                    del open_states[at:]
                    for closed in loop:
                        del lowest[closed]
                    if len(loop) > 1 or state in self._next[state]:
                        loops.append(loop)
        return loops

    def _reach(self, begin: Iterable[int], inside: frozenset[int]) -> set[int]:
        """Find the states that can be reached within some states."""
        found = {state for state in begin if state in inside}
        left = list(found)
        while left:
            new = [state for state in self._next[left.pop()] if state in inside]
            left += set(new) - found
            found.update(new)
        return found

    def _check_loop(self, loop: _Loop) -> None:
        """Check that a loop reads each text in one way only.

        Raises:
            ValueError: If it reads a text in several ways, or is too large.
        """
        inside = loop.states
        if any(self._next[s][t] > 1 for s in inside for t in self._next[s] if t in inside):
            raise ValueError(_NESTED)
        # Two ways part in pairs of different states. They must never meet again.
        before: dict[tuple[int, int], list[tuple[int, int]]] = {}
        left = [(state, state) for state in inside]
        while left:
            pair = left.pop()
            for following in self._list_pairs(pair, inside):
                if following[0] != following[1] and following not in before:
                    left.append(following)
                before.setdefault(following, []).append(pair)
            if len(before) > _MAX_PAIRS:
                raise ValueError(_TOO_LARGE)
        left = [(state, state) for state in inside]
        seen: set[tuple[int, int]] = set(left)
        while left:
            for pair in before.get(left.pop(), ()):
                if pair[0] != pair[1]:
                    raise ValueError(_NESTED)
                if pair not in seen:
                    seen.add(pair)
                    left.append(pair)

    def _list_pairs(
        self, pair: tuple[int, int], inside: frozenset[int]
    ) -> Iterator[tuple[int, int]]:
        """List the pairs of states that follow a pair if both read the same character."""
        for one in self._next[pair[0]]:
            for other in self._next[pair[1]]:
                if one in inside and other in inside and self._reads[one] & self._reads[other]:
                    yield min(one, other), max(one, other)

    def _count_steps(self, loops: list[_Loop]) -> int:
        """Count the steps of a search in the worst text."""
        everywhere = frozenset(range(len(self._next)))
        best: list[tuple[_Loop, int]] = []
        for loop in loops:
            reached = self._reach([t for s in loop.states for t in self._next[s]], everywhere)
            later = [
                steps * (loop.weight if self._can_share(loop, other) else 1)
                for other, steps in best
                if reached & other.states
            ]
            best.append((loop, max([loop.weight, *later])))
        starts = 1 if self._is_anchored else MAX_SEARCHED
        total = [steps * (starts if self._can_begin(loop) else 1) for loop, steps in best]
        return max([starts, *total])

    def _can_share(self, loop: _Loop, other: _Loop) -> bool:
        """Whether two loops, and what is between them, can read the same text."""
        shared = loop.reads & other.reads
        begin = self._find_inner_states(loop, shared)
        end = self._find_inner_states(other, shared)
        between = self._find_readers(shared)
        following = [t for state in begin for t in self._next[state]]
        return bool(self._reach(following, between) & end)

    def _can_begin(self, loop: _Loop) -> bool:
        """Whether a loop, and what is before it, can read the text before the match as well."""
        end = self._find_inner_states(loop, loop.reads)
        return bool(self._reach(self._first, self._find_readers(loop.reads)) & end)

    def _find_inner_states(self, loop: _Loop, reads: int) -> frozenset[int]:
        """Find the states of a loop that form a loop with only these characters."""
        inside = loop.states & self._find_readers(reads)
        return frozenset(state for states in self._find_loops(inside) for state in states)

    def _find_readers(self, reads: int) -> frozenset[int]:
        return frozenset(s for s in range(len(self._next)) if self._reads[s] & reads)


_Build = Callable[[_Automaton, str, Any, int, int], _Part]
_BUILDERS: dict[str, _Build] = {
    "SUBPATTERN": _Automaton._build_group,
    "BRANCH": _Automaton._build_branch,
    "GROUPREF_EXISTS": _Automaton._build_condition,
    "AT": _Automaton._build_place,
    "ASSERT": _Automaton._build_assertion,
    "ASSERT_NOT": _Automaton._build_assertion,
    "GROUPREF": _Automaton._build_reference,
    "ATOMIC_GROUP": _Automaton._build_atomic,
    "POSSESSIVE_REPEAT": _Automaton._build_atomic,
    "MAX_REPEAT": _Automaton._build_repeat,
    "MIN_REPEAT": _Automaton._build_repeat,
}


def _merge(parts: Iterable[_Part]) -> _Part:
    """Make the part that is one of several."""
    whole = _Part()
    for part in parts:
        whole = _Part(
            _add(whole.first, part.first),
            _add(whole.last, part.last),
            min(2, whole.empty + part.empty),
            whole.sure | part.sure,
            whole.is_sure or part.is_sure,
        )
    return whole


def _make_unsure(part: _Part) -> _Part:
    return _Part(part.first, part.last, part.empty)


def _add(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {**one, **{state: min(2, ways + one.get(state, 0)) for state, ways in other.items()}}


def _scale(states: Mapping[int, int], times: int) -> dict[int, int]:
    return {state: min(2, ways * times) for state, ways in states.items()} if times else {}


def _is_anchored(tree: Any, flags: int) -> bool:
    """Whether a pattern matches at the beginning of a text only."""
    if not len(tree):
        return False
    operation, argument = tree[0]
    if operation.name == "AT":
        name = argument.name
        return name == "AT_BEGINNING_STRING" or (
            name == "AT_BEGINNING" and not flags & re.MULTILINE
        )
    if operation.name == "SUBPATTERN":
        return _is_anchored(argument[3], (flags | argument[1]) & ~argument[2])
    return operation.name == "BRANCH" and all(_is_anchored(inner, flags) for inner in argument[1])


class _Alphabet:
    """Some characters for all: those that a pattern names, their neighbours, and one of each kind.

    Two sets of a pattern have a common character if they have one of these.

    Args:
        tree: The pattern, parsed.
    """

    def __init__(self, tree: Any) -> None:
        named = {near for code in _list_codes(tree) for near in (code - 1, code, code + 1)}
        codes = {code for code in named if 0 <= code <= sys.maxunicode}
        self._characters = sorted({*map(chr, codes), *map(chr, range(256)), *"中٣\u2028ſ\u212a"})
        self._known: dict[tuple[str, str, int], int] = {}
        self.all = (1 << len(self._characters)) - 1

    def read(self, name: str, argument: Any, flags: int) -> int:
        """Return the characters that an operation of the pattern reads, a bit for each."""
        key = (name, repr(argument), flags)
        if key not in self._known:
            matches = partial(_MATCHES.get(name, _match_any), argument, flags)
            bits = (1 << n for n, text in enumerate(self._characters) if matches(text))
            self._known[key] = sum(bits)
        return self._known[key]


def _list_codes(tree: Any) -> Iterator[int]:
    """List the characters that a pattern names."""
    if isinstance(tree, int):
        yield tree
    elif isinstance(tree, (list, tuple)) or hasattr(tree, "data"):
        for part in getattr(tree, "data", tree):
            yield from _list_codes(part)


def _match_any(argument: Any, flags: int, text: str) -> bool:
    return text != "\n" or bool(flags & re.DOTALL)


def _match_literal(argument: Any, flags: int, text: str) -> bool:
    return _match_range((argument, argument), flags, text)


def _match_other(argument: Any, flags: int, text: str) -> bool:
    # IGNORECASE leaves the other case out as well; to read more is the safe side.
    return text != chr(argument)


def _match_range(argument: Any, flags: int, text: str) -> bool:
    cases = {text, *text.lower(), *text.upper()} if flags & re.IGNORECASE else {text}
    return any(argument[0] <= ord(case) <= argument[1] for case in cases)


def _match_category(argument: Any, flags: int, text: str) -> bool:
    name = str(argument.name)
    kind = name.rpartition("_")[2]
    is_of_kind = _CATEGORIES[kind](text) and (text.isascii() or not flags & re.ASCII)
    is_negated = "_NOT_" in name
    return is_of_kind is not is_negated


def _match_set(argument: Any, flags: int, text: str) -> bool:
    is_negated = bool(argument[0][0].name == "NEGATE")
    found = any(
        _MATCHES[item.name](inner, flags, text) for item, inner in argument[int(is_negated) :]
    )
    return found != is_negated


_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "DIGIT": str.isdecimal,
    "SPACE": str.isspace,
    "WORD": lambda text: text.isalnum() or text == "_",
}
_MATCHES: dict[str, Callable[[Any, int, str], bool]] = {
    "LITERAL": _match_literal,
    "NOT_LITERAL": _match_other,
    "RANGE": _match_range,
    "CATEGORY": _match_category,
    "IN": _match_set,
}
