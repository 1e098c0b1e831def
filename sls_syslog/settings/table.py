"""The mechanism of settings: a table of rows, all read, checked and described in one way.

A row is a field of a frozen dataclass. This module must not know any setting by name.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, ClassVar, NamedTuple, TypeVar

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.settings.secret import Secret
from sls_syslog.spelling import did_you_mean, find_nearest, find_typo

__all__ = [
    "ENVIRONMENT_PREFIX",
    "Rule",
    "SettingsTable",
    "get_rows",
    "need",
    "read_value",
    "setting",
    "show_keywords",
]

ENVIRONMENT_PREFIX = "SYSLOG_"
"""The name of a variable is this prefix and the key in capitals."""

# Edits between a variable and a key that count as a typing mistake, which is an error. A variable
# that is further away may belong to another program.
_TYPO_EDITS = 2

_LIST = "docs/reference/settings.md lists all, as does {}.describe()"

# Variables that Kubernetes sets in every container if a Service is named "syslog" or "syslog-...".
_SERVICE_LINK = re.compile(
    r"SYSLOG_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+)=.*"
    r"|SYSLOG_(\w+_)?PORT=(tcp|udp|sctp)://.*"
)

logger = SafeLogger("sls_syslog.settings")

_Settings = TypeVar("_Settings", bound="SettingsTable")


class Rule(NamedTuple):
    """Settings that are right alone, but contradict each other.

    Attributes:
        keys: The keys to which the rule applies if they were set.
        is_broken: Whether these settings break the rule.
        problem: What is wrong, as a template of ``str.format`` over the settings.
    """

    keys: tuple[str, ...]
    is_broken: Callable[[Any], bool]
    problem: str


def need(keys: tuple[str, ...], is_met: Callable[[Any], bool], problem: str) -> Rule:
    """Make the rule that keys need something without which they have no effect.

    Args:
        keys: The keys.
        is_met: Whether these settings have what the keys need.
        problem: What the keys need, as a template of ``str.format`` over the settings.
    """
    return Rule(keys, lambda settings: not is_met(settings), problem)


def setting(read: Callable[[Any], Any], default: Any, doc: str, *, secret: bool = False) -> Any:
    """Make a row of the table.

    Args:
        read: Turns what a user wrote into the value; raises ``ValueError("expected ...")``.
        default: The value if the key is left out or ``None``.
        doc: What the setting means, in Markdown.
        secret: Whether the value must never be shown.
    """
    return field(metadata={"read": read, "default": default, "doc": doc, "secret": secret})


def read_value(key: str, row: Mapping[str, Any], value: Any) -> Any:
    """Read the value of one row.

    Raises:
        SettingsError: If it is wrong; a secret is not shown.
    """
    try:
        return row["read"](value)
    except SettingsError:
        raise
    except ValueError as error:
        # Users sometimes give a private key instead of the path of its file.
        is_secret = row["secret"] or "-----BEGIN" in str(value)
        parts = dict(enumerate(error.args))
        expected, hint, wrong = parts[0], parts.get(1, ""), parts.get(2, value)
        if isinstance(wrong, type) and not hint:
            hint = f"; {wrong.__name__} is a class: give an object, {wrong.__name__}()"
        got = "a secret" if is_secret else short_repr(wrong)
        raise SettingsError(key, f"{expected}, got {got}{hint}") from None


def show_keywords(function: Callable[..., None], table: type[SettingsTable], options: Any) -> None:
    """Make ``inspect.signature`` and ``help`` show each setting with its type and default.

    Args:
        function: A function that takes the settings as ``**settings``.
        table: The settings class that has the rows.
        options: The ``TypedDict`` that has the types of the keywords of this function.
    """
    types = options.__annotations__
    signature = inspect.signature(function)
    named = [part for part in signature.parameters.values() if part.kind is not part.VAR_KEYWORD]
    keywords = [
        inspect.Parameter(
            key, inspect.Parameter.KEYWORD_ONLY, default=row["default"], annotation=types[key]
        )
        for key, row in get_rows(table).items()
        if key in types
    ]
    function.__dict__["__signature__"] = signature.replace(parameters=[*named, *keywords])


def get_rows(table: SettingsTable | type[SettingsTable]) -> dict[str, Mapping[str, Any]]:
    """Return the rows of a table by their keys, in order."""
    return {spec.name: spec.metadata for spec in fields(table)}


@dataclass(frozen=True, kw_only=True, init=False, repr=False)
class SettingsTable:
    """Settings that are always valid: rows have read all values, and no two contradict.

    Raises:
        SettingsError: If a key is unknown or its value is wrong, or two keys contradict.
    """

    _rules: ClassVar[tuple[Rule, ...]] = ()
    _elsewhere: ClassVar[Mapping[str, str]] = {}  # keys of other classes, and which

    def __init__(self, /, **options: Any) -> None:
        self._read_options(options)

    def _read_options(self, options: Mapping[str, Any]) -> None:
        """Set each attribute to what ``options`` has for it, or to its default.

        Raises:
            SettingsError: As the class itself; for an unknown key it names the nearest one.
        """
        rows = get_rows(self)
        for key in options:
            if key not in rows:
                raise SettingsError(key, f"unknown setting{self._explain_unknown(key)}")
        profile = self._choose_profile(options)
        values = {}
        for key, row in rows.items():
            value = profile.get(key) if options.get(key) is None else options[key]
            values[key] = row["default"] if value is None else read_value(key, row, value)
            object.__setattr__(self, key, values[key])
        derived = self._derive_defaults()
        for key, value in derived.items():
            if values[key] == rows[key]["default"]:
                object.__setattr__(self, key, value)
        # A default that the user repeats contradicts nothing, and neither does a profile.
        defaults = [{key: row["default"] for key, row in rows.items()}, derived, profile]
        given = {
            key
            for key, value in values.items()
            if options.get(key) is not None
            and not any(key in each and each[key] in (value, options[key]) for each in defaults)
        }
        for key, problem in self._find_contradictions(given):
            raise SettingsError(key, problem)

    def _choose_profile(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return values, as users write them, that stand before the defaults."""
        return {}

    @classmethod
    def _explain_unknown(cls, key: str) -> str:
        """Return the end of an error about an unknown key: who takes it, or the nearest."""
        rows = get_rows(cls)
        if key in cls._elsewhere:
            return f"; only {cls._elsewhere[key]} has it"
        return did_you_mean(key, rows) or f"; the keys are {', '.join(rows)}"

    @classmethod
    def _explain_variable(cls, key: str) -> str:
        """As ``_explain_unknown``, for a variable: with the prefix, and where the list is."""
        if key in cls._elsewhere:
            return cls._explain_unknown(key)
        nearest = find_nearest(key, get_rows(cls))
        hint = "" if nearest is None else f"; did you mean {_name_variable(nearest)}?"
        return f"{hint or ';'} {_LIST.format(cls.__name__)}"

    def _find_contradictions(self, given: Set[str]) -> Iterator[tuple[str, str]]:
        """Yield each key that contradicts another, and what is wrong; the first is reported.

        Args:
            given: The keys that the user has set to anything but their default.
        """
        for keys, is_broken, problem in self._rules:
            for key in keys:
                if key in given and is_broken(self):
                    yield key, problem.format(self)

    def _derive_defaults(self) -> dict[str, Any]:
        """Return the defaults that depend on other keys or on this machine."""
        return {}

    def __repr__(self) -> str:
        """Show each value that differs from its row's default, and no secret."""
        shown = [
            f"{key}={value!r}"
            for key, row in get_rows(self).items()
            if (value := vars(self).get(key)) != row["default"] and not row["secret"]
        ]
        return f"{type(self).__qualname__}({', '.join(shown)})"

    @classmethod
    def of(cls: type[_Settings], value: _Settings | Mapping[str, Any]) -> _Settings:
        """Return settings as they are, or make them from a mapping.

        Raises:
            SettingsError: As the class itself.
        """
        return value if isinstance(value, cls) else cls.from_mapping(value)  # type: ignore[arg-type]

    @classmethod
    def from_mapping(cls: type[_Settings], mapping: Mapping[str, Any]) -> _Settings:
        """Make settings from a plain dict, such as that of the documented program.

        Raises:
            SettingsError: As the class itself; for an unknown key it names the nearest one.
        """
        if not isinstance(mapping, Mapping):
            raise SettingsError("settings", f"expected a mapping, got {type(mapping).__name__}")
        return cls(**{str(key): value for key, value in mapping.items()})

    @classmethod
    def from_env(cls: type[_Settings], environ: Mapping[str, str] | None = None) -> _Settings:
        """Make settings from variables such as ``SYSLOG_HOST``; an empty one counts as not set.

        A variable that is almost one of ours is an error. Any other that begins with ``SYSLOG_``
        is left out, with a warning: it may belong to another program.

        Args:
            environ: The variables; ``None`` for those of this process.

        Raises:
            SettingsError: As the class itself; it names the variable as well as the key.
        """
        variables = os.environ if environ is None else environ
        secrets = {key for key, row in get_rows(cls).items() if row["secret"]}
        mapping: dict[str, Any] = {
            name[len(ENVIRONMENT_PREFIX) :].lower(): value
            for name, value in variables.items()
            if name.startswith(ENVIRONMENT_PREFIX)
            and value
            and not _SERVICE_LINK.match(f"{name}={value}")
        }
        mapping.update({key: Secret(mapping[key]) for key in secrets & mapping.keys()})
        rows = get_rows(cls)
        for key in [key for key in mapping if key not in rows]:
            if key in cls._elsewhere or not find_typo(key, rows, most=_TYPO_EDITS):
                del mapping[key]
                logger.warning(
                    "environment variable %s has no effect: unknown setting%s",
                    _name_variable(key),
                    cls._explain_variable(key),
                )
        try:
            return cls.from_mapping(mapping)
        except SettingsError as error:
            problem = str(error).removeprefix(f"{error.key}: ")
            problem = f"{problem} (environment variable {_name_variable(error.key)})"
            raise SettingsError(error.key, problem) from None

    @classmethod
    def describe(cls) -> list[tuple[str, str, str]]:
        """Return key, default and meaning of each setting, in order, for the reference."""
        return [
            (spec.name, _format_default(spec.metadata["default"]), spec.metadata["doc"])
            for spec in fields(cls)
        ]


def _name_variable(key: str) -> str:
    return ENVIRONMENT_PREFIX + key.upper()


def _format_default(default: Any) -> str:
    """Write a default as a user would."""
    if default is None or default in ((), {}):
        return ""
    if isinstance(default, Enum):  # TLSv1_2 is written as 1.2
        return default.name.lower().removeprefix("tlsv").replace("_", ".")
    if isinstance(default, (bool, float)):
        return f"{default}".lower().removesuffix(".0")
    return str(default)
