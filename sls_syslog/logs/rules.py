"""``LogRule``: a condition on one field of a log, and what all kinds of rules share.

A wrong rule must raise when it is made, so that it can never fail for a log.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, TypeVar

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.patterns import compile_search
from sls_syslog.spelling import did_you_mean

__all__ = ["LogRule", "check_field", "make_filter", "make_rule"]

_Rule = TypeVar("_Rule")


def make_rule(kind: type[_Rule], key: str, value: _Rule | Mapping[str, Any]) -> _Rule:
    """Make a rule of a setting's value.

    Args:
        kind: The class of the rule, a dataclass.
        key: The setting, for errors.
        value: A rule of just this kind, which is returned as it is, or a mapping of its attributes.

    Raises:
        SettingsError: If a part is missing, unknown or wrong; it names the part.
    """
    specs = fields(kind)  # type: ignore[arg-type]  # each is a dataclass
    known = [spec.name for spec in specs]
    if isinstance(value, kind) and len(fields(value)) == len(known):  # type: ignore[arg-type]
        return value
    if not isinstance(value, Mapping):
        expected = f"expected a {kind.__name__} or a mapping of {', '.join(known)}"
        raise SettingsError(key, f"{expected}, got {short_repr(value)}")
    for name in value:
        if name not in known:
            hint = did_you_mean(name, known) or f"; the keys are {', '.join(known)}"
            raise SettingsError(key, f"a rule has no key {short_repr(name)}{hint}")
    missing = {spec.name: "" for spec in specs if spec.default is MISSING}
    return kind(**{**missing, **value})


def check_field(key: str, field: object) -> None:
    """Check the name of a field.

    Raises:
        SettingsError: If it is no name.
    """
    if not field or type(field) is not str:
        raise SettingsError(key, f"field: expected a name, got {field!r}")


@dataclass(frozen=True, slots=True)
class LogRule:
    """Logs with a field that meets a condition, for the settings ``skip`` and ``only``.

    ``LogRule("path", equals="/healthz")``. Give exactly one condition; the others stay ``None``.
    A log without the field never matches.

    Attributes:
        field: The field's name, for example ``level`` or ``__topic__``.
        equals: The field is this text, in the same case.
        contains: The field contains this text, in the same case.
        matches: This regular expression is found in the first 2,048 characters of the field
            (``re.search``). A pattern for which some text takes long is refused.
        at_least: The field is this number or a larger one.

    Raises:
        SettingsError: If a part is missing or wrong; it names the part.
    """

    _key: ClassVar[str] = "rule"  # what errors name

    field: str
    equals: str | None = None
    contains: str | None = None
    matches: str | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        check_field(self._key, self.field)
        conditions = self._find_conditions()
        if len(conditions) != 1:
            one_of, given = ", ".join(_CONDITIONS), conditions or "none"
            raise SettingsError(self._key, f"expected exactly one of {one_of}, got {given}")
        try:
            self.test()("")  # a pattern of bytes compiles, and fails with each log
        except (ValueError, TypeError, OverflowError, RecursionError, re.error) as error:
            raise SettingsError(self._key, f"{self}: {error}") from None

    def test(self) -> Callable[[str], bool]:
        """Make a function of the condition.

        Returns:
            A function from the field's value to whether it meets the condition.
        """
        (name,) = self._find_conditions()
        return _CONDITIONS[name](getattr(self, name))

    def _find_conditions(self) -> list[str]:
        return [name for name in _CONDITIONS if getattr(self, name) is not None]


def make_filter(
    skip: Iterable[LogRule], only: Iterable[LogRule]
) -> Callable[[Mapping[str, str]], bool] | None:
    """Make a function from a log to whether it is sent; ``None`` if every log is.

    Args:
        skip: A log that matches any of these is not sent.
        only: If there are any, a log that matches none of these is not sent.
    """
    skips = [(rule.field, rule.test()) for rule in skip]
    onlys = [(rule.field, rule.test()) for rule in only]
    if not skips and not onlys:
        return None

    def is_sent(log: Mapping[str, str]) -> bool:
        return not _matches_any(log, skips) and (not onlys or _matches_any(log, onlys))

    return is_sent


def _matches_any(
    log: Mapping[str, str], tests: Iterable[tuple[str, Callable[[str], bool]]]
) -> bool:
    return any(field in log and is_met(log[field]) for field, is_met in tests)


def _make_at_least(least: Any) -> Callable[[str], bool]:
    if isinstance(least, bool) or not math.isfinite(float(least)):
        raise ValueError("at_least: expected a number")
    bound = float(least)

    def is_reached(value: str) -> bool:
        try:
            return float(value) >= bound and "_" not in value  # only Python reads 1_000
        except ValueError:
            return False

    return is_reached


def _read_text(operand: Any) -> str:
    if isinstance(operand, bool) or not isinstance(operand, (str, int, float)):
        raise ValueError("expected a text or a number to compare with")
    return str(operand)


def _make_equals(operand: Any) -> Callable[[str], bool]:
    text = _read_text(operand)
    return lambda value: value == text


def _make_contains(operand: Any) -> Callable[[str], bool]:
    text = _read_text(operand)
    return lambda value: text in value


def _make_matches(pattern: str) -> Callable[[str], bool]:
    search = compile_search(pattern)
    return lambda value: search(value) is not None


_CONDITIONS: dict[str, Callable[[Any], Callable[[str], bool]]] = {
    "equals": _make_equals,
    "contains": _make_contains,
    "matches": _make_matches,
    "at_least": _make_at_least,
}
"""By a condition's name: the function that makes a test of a value from the operand."""
