"""``SeverityRule``: finds a log's severity from one of its fields.

A wrong rule must raise when it is made, so that it can never fail for a log.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.patterns import compile_search
from sls_syslog.spelling import did_you_mean
from sls_syslog.syslog.codes import Severity, suggest_name

__all__ = ["SeverityRule", "make_severity_function"]


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """If a field meets a condition, the log has this severity.

    ``SeverityRule("level", equals="ERROR", severity="error")``. Give exactly one condition; the
    others stay ``None``. A log without the field never matches.

    Attributes:
        field: The field's name, for example ``level`` or ``__topic__``.
        severity: The severity of a log that matches: a member, a number or a name.
        equals: The field is this text.
        contains: The field contains this text.
        matches: This regular expression is found in the first 2,048 characters of the field
            (``re.search``). A pattern for which some text takes long is refused.
        at_least: The field is this number or a larger one.

    Raises:
        SettingsError: If a part is missing or wrong; it names the part.
    """

    field: str
    equals: str | None = None
    contains: str | None = None
    matches: str | None = None
    at_least: float | None = None
    severity: Severity | int | str = ""  # required, but last: it is the conclusion

    def __post_init__(self) -> None:
        if not self.field or type(self.field) is not str:
            raise SettingsError("severity_rules", f"field: expected a name, got {self.field!r}")
        conditions = self._find_conditions()
        if len(conditions) != 1:
            one_of, given = ", ".join(_CONDITIONS), conditions or "none"
            raise SettingsError("severity_rules", f"expected exactly one of {one_of}, got {given}")
        try:
            object.__setattr__(self, "severity", Severity.of(self.severity))
        except ValueError as error:
            got = f"got {short_repr(self.severity)}{suggest_name(Severity, self.severity)}"
            raise SettingsError("severity_rules", f"severity: {error}, {got}") from None
        try:
            self.test()("")  # a pattern of bytes compiles, and fails with each log
        except (ValueError, TypeError, OverflowError, RecursionError, re.error) as error:
            raise SettingsError("severity_rules", f"{self}: {error}") from None

    @classmethod
    def of(cls, value: SeverityRule | Mapping[str, Any]) -> SeverityRule:
        """Make a rule of a setting's value.

        Args:
            value: A rule, which is returned as it is, or a mapping of its attributes.

        Returns:
            The rule.

        Raises:
            SettingsError: If a part is missing, unknown or wrong; it names the part.
        """
        if isinstance(value, cls):
            return value
        known = [spec.name for spec in fields(cls)]
        if not isinstance(value, Mapping):
            expected = f"expected a SeverityRule or a mapping of {', '.join(known)}"
            raise SettingsError("severity_rules", f"{expected}, got {short_repr(value)}")
        for key in value:
            if key not in known:
                hint = did_you_mean(key, known) or f"; the keys are {', '.join(known)}"
                problem = f"a rule has no key {short_repr(key)}{hint}"
                raise SettingsError("severity_rules", problem)
        return cls(**{"field": "", **value})

    def test(self) -> Callable[[str], bool]:
        """Make a function of the condition.

        Returns:
            A function from the field's value to whether it meets the condition.
        """
        (name,) = self._find_conditions()
        return _CONDITIONS[name](getattr(self, name))

    def _find_conditions(self) -> list[str]:
        return [name for name in _CONDITIONS if getattr(self, name) is not None]


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


def make_severity_function(
    rules: Iterable[SeverityRule], otherwise: Severity
) -> Callable[[Mapping[str, str]], Severity]:
    """Make a function from a log to its severity.

    Args:
        rules: The rules; the first that matches gives the severity.
        otherwise: The severity of a log that no rule matches.

    Returns:
        The function.
    """
    tests = [(rule.field, rule.test(), Severity.of(rule.severity)) for rule in rules]

    def find_severity(log: Mapping[str, str]) -> Severity:
        for field, is_met, severity in tests:
            value = log.get(field)
            if value is not None and is_met(value):
                return severity
        return otherwise

    return find_severity
