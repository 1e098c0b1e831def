"""``SeverityRule``: finds a log's severity from one of its fields.

A wrong rule must raise when it is made, so that it can never fail for a log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.rules import LogRule, make_rule
from sls_syslog.syslog.codes import Severity, suggest_name

__all__ = ["SeverityRule", "make_severity_function"]


@dataclass(frozen=True, slots=True)
class SeverityRule(LogRule):
    """If a field meets a condition, the log has this severity.

    ``SeverityRule("level", equals="ERROR", severity="error")``. Give exactly one condition; the
    others stay ``None``. A log without the field never matches.

    Attributes:
        field: The field's name, for example ``level`` or ``__topic__``.
        severity: The severity of a log that matches: a member, a number or a name.
        equals: The field is this text, in the same case.
        contains: The field contains this text, in the same case.
        matches: This regular expression is found in the first 2,048 characters of the field
            (``re.search``). A pattern for which some text takes long is refused.
        at_least: The field is this number or a larger one.

    Raises:
        SettingsError: If a part is missing or wrong; it names the part.
    """

    _key: ClassVar[str] = "severity_rules"

    severity: Severity | int | str = ""  # required, but last: it is the conclusion

    def __post_init__(self) -> None:
        LogRule.__post_init__(self)  # super() does not know a class with slots
        try:
            object.__setattr__(self, "severity", Severity.of(self.severity))
        except ValueError as error:
            got = f"got {short_repr(self.severity)}{suggest_name(Severity, self.severity)}"
            raise SettingsError(self._key, f"severity: {error}, {got}") from None

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
        return make_rule(cls, cls._key, value)


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
