"""The mechanism of settings: a table of rows, each read, checked and described in one way.

A row is a field of a frozen dataclass. It must not know any setting by name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, TypeVar

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.settings.readers import did_you_mean

__all__ = ["ENVIRONMENT_PREFIX", "SettingsTable", "read_value", "setting"]

ENVIRONMENT_PREFIX = "SYSLOG_"

# What Kubernetes sets in every container when some Service is named "syslog" or "syslog-...".
_SERVICE_LINK = re.compile(
    r"SYSLOG_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+)=.*"
    r"|SYSLOG_(\w+_)?PORT=(tcp|udp|sctp)://.*"
)

_Settings = TypeVar("_Settings", bound="SettingsTable")


def setting(read: Callable[[Any], Any], default: Any, doc: str, *, secret: bool = False) -> Any:
    """Make a row of the table.

    Args:
        read: Turns what a user wrote into the value; raises ``ValueError("expected ...")``.
        default: The value where none is given.
        doc: What the setting is for, in Markdown.
        secret: Whether the value must never be shown.
    """
    metadata = {"read": read, "default": default, "doc": doc, "secret": secret}
    return field(default=None, repr=not secret, metadata=metadata)


def read_value(key: str, metadata: Mapping[str, Any], value: Any) -> Any:
    """Read the value of one row.

    Raises:
        SettingsError: If it is wrong; a secret is not shown.
    """
    try:
        return metadata["read"](value)
    except SettingsError:
        raise
    except ValueError as error:
        # A key itself is easily given where its file's path is meant.
        secret = metadata["secret"] or "-----BEGIN" in str(value)
        got = "a secret" if secret else short_repr(value)
        expected, hint = (*error.args, "")[:2]
        raise SettingsError(key, f"{expected}, got {got}{hint}") from None


@dataclass(frozen=True, kw_only=True)
class SettingsTable:
    """Settings that exist are valid: every value was read by its row, and none contradicts another.

    Raises:
        SettingsError: If a key is unknown or its value is wrong, or two keys contradict.
    """

    def __post_init__(self) -> None:
        given = {spec.name for spec in fields(self) if getattr(self, spec.name) is not None}
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.name in given:
                value = read_value(spec.name, spec.metadata, value)
            else:
                value = spec.metadata["default"]
            if value == spec.metadata["default"]:
                given.discard(spec.name)  # a default that is written out contradicts nothing
            object.__setattr__(self, spec.name, value)
        for key, problem in self._contradictions(given):
            raise SettingsError(key, problem)
        for key, value in self._derived().items():
            if key not in given:
                object.__setattr__(self, key, value)

    def _contradictions(self, given: set[str]) -> list[tuple[str, str]]:
        """What is wrong with keys that are right one by one; the first is reported."""
        return []

    def _derived(self) -> dict[str, Any]:
        """Defaults that depend on other keys or on this machine."""
        return {}

    @classmethod
    def of(cls: type[_Settings], value: _Settings | Mapping[str, Any]) -> _Settings:
        """Settings from settings, which come back as they are, or from a mapping.

        Raises:
            SettingsError: As the class itself.
        """
        return value if isinstance(value, cls) else cls.from_mapping(value)  # type: ignore[arg-type]

    @classmethod
    def from_mapping(cls: type[_Settings], mapping: Mapping[str, Any]) -> _Settings:
        """Settings from a plain dict, such as the documented program has.

        Raises:
            SettingsError: As the class itself; for an unknown key it names the nearest one.
        """
        if not isinstance(mapping, Mapping):
            raise SettingsError("settings", f"expected a mapping, got {type(mapping).__name__}")
        known = [spec.name for spec in fields(cls)]
        for key in mapping:
            if key not in known:
                hint = did_you_mean(key, known) or f"; the keys are {', '.join(known)}"
                raise SettingsError(str(key), f"unknown setting{hint}")
        return cls(**mapping)

    @classmethod
    def from_env(cls: type[_Settings], environ: Mapping[str, str] | None = None) -> _Settings:
        """Settings from variables such as ``SYSLOG_HOST``; an empty one counts as not set.

        Args:
            environ: The variables; ``None`` for the process's own.

        Raises:
            SettingsError: As the class itself; it names the variable as well as the key.
        """
        variables = os.environ if environ is None else environ
        mapping = {
            name[len(ENVIRONMENT_PREFIX) :].lower(): value
            for name, value in variables.items()
            if name.startswith(ENVIRONMENT_PREFIX)
            and value
            and not _SERVICE_LINK.match(f"{name}={value}")
        }
        try:
            return cls.from_mapping(mapping)
        except SettingsError as error:
            problem = str(error).removeprefix(f"{error.key}: ")
            name = ENVIRONMENT_PREFIX + error.key.upper()
            raise SettingsError(error.key, f"{problem} (environment variable {name})") from None

    @classmethod
    def describe(cls) -> list[tuple[str, str, str]]:
        """Key, default and meaning of every setting, in order: what the reference shows."""
        return [
            (spec.name, _format_default(spec.metadata["default"]), spec.metadata["doc"])
            for spec in fields(cls)
        ]


def _format_default(default: Any) -> str:
    """A default as a user would write it."""
    if default is None or default in ((), {}):
        return ""
    if isinstance(default, Enum):  # TLSv1_2 is written as 1.2
        return default.name.lower().removeprefix("tlsv").replace("_", ".")
    if isinstance(default, (bool, float)):
        return f"{default}".lower().removesuffix(".0")
    return str(default)
