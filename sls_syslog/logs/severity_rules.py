"""``SeverityRule``: a log's severity from one of its fields.

Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sls_syslog.errors import SettingsError
from sls_syslog.syslog.codes import Severity

__all__ = ["SeverityRule", "make_severity_function"]


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """When a field meets a condition, the log has this severity.

    ``SeverityRule("level", equals="ERROR", severity="error")``; exactly one condition is given.
    A log without the field never matches.

    Attributes:
        field: The field's name, ``level`` or ``__topic__`` say.
        severity: The severity of a log that matches; a member, a number or a name.
        equals: The field is this text.
        contains: The field has this text in it.
        matches: This regular expression is found in the field (``re.search``).
        at_least: The field is a number, and not below this one.

    Raises:
        SettingsError: If a part is missing or wrong; it names the part.
    """

    field: str
    equals: str | None = None
    contains: str | None = None
    matches: str | None = None
    at_least: float | None = None
    severity: Severity | int | str = ""  # required, but named last: it is the conclusion

    def __post_init__(self) -> None:
        if not self.field or type(self.field) is not str:
            raise SettingsError("severity_rules", f"field: expected a name, got {self.field!r}")
        if len(self._given()) != 1:
            one_of, given = ", ".join(_CONDITIONS), self._given() or "none"
            raise SettingsError("severity_rules", f"expected exactly one of {one_of}, got {given}")
        try:
            object.__setattr__(self, "severity", Severity.of(self.severity))
            self.test()("")  # a pattern of bytes compiles, and fails with each log
        except (ValueError, TypeError, OverflowError, RecursionError, re.error) as error:
            raise SettingsError("severity_rules", f"{self}: {error}") from None

    @classmethod
    def of(cls, value: SeverityRule | Mapping[str, Any]) -> SeverityRule:
        """A rule from a rule, which comes back as it is, or from a mapping of its attributes.

        Raises:
            SettingsError: As the class itself.
        """
        if isinstance(value, cls):
            return value
        known = [spec.name for spec in fields(cls)]
        if not isinstance(value, Mapping) or not set(value) <= set(known):
            expected = f"expected a SeverityRule or a mapping of {', '.join(known)}"
            raise SettingsError("severity_rules", f"{expected}, got {value!r}")
        return cls(**{"field": "", **value})

    def test(self) -> Callable[[str], bool]:
        """The condition as a function of the field's value."""
        (name,) = self._given()
        return _CONDITIONS[name](getattr(self, name))

    def _given(self) -> list[str]:
        return [name for name in _CONDITIONS if getattr(self, name) is not None]


def _at_least(least: Any) -> Callable[[str], bool]:
    if isinstance(least, bool) or not math.isfinite(float(least)):
        raise ValueError("at_least: expected a number")
    bound = float(least)

    def reached(value: str) -> bool:
        try:
            return float(value) >= bound and "_" not in value  # which Python alone takes
        except ValueError:
            return False

    return reached


def _text(operand: Any) -> str:
    if isinstance(operand, bool) or not isinstance(operand, (str, int, float)):
        raise ValueError("expected a text or a number to compare with")
    return str(operand)


def _equals(operand: Any) -> Callable[[str], bool]:
    text = _text(operand)
    return lambda value: value == text


def _contains(operand: Any) -> Callable[[str], bool]:
    text = _text(operand)
    return lambda value: text in value


def _matches(pattern: str) -> Callable[[str], bool]:
    search = re.compile(pattern).search
    return lambda value: search(value) is not None


_CONDITIONS: dict[str, Callable[[Any], Callable[[str], bool]]] = {
    "equals": _equals,
    "contains": _contains,
    "matches": _matches,
    "at_least": _at_least,
}
"""How each condition is made a function of the field's value."""


def make_severity_function(
    rules: Iterable[SeverityRule], otherwise: Severity
) -> Callable[[Mapping[str, str]], Severity]:
    """A function from a log to the severity of the first rule that it meets."""
    tests = [(rule.field, rule.test(), Severity.of(rule.severity)) for rule in rules]

    def severity(log: Mapping[str, str]) -> Severity:
        for field, met, level in tests:
            value = log.get(field)
            if value is not None and met(value):
                return level
        return otherwise

    return severity
