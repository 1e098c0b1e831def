"""Facility, severity, and the PRI that combines them (RFC 5424 section 6.2.1).

Sans-I/O.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import TypeVar

from sls_syslog.spelling import did_you_mean

__all__ = ["Facility", "Severity", "compute_prival", "suggest_name"]


_Member = TypeVar("_Member", bound="_Code")


class _Code(IntEnum):
    """A number from a table of RFC 5424; it also has names."""

    @classmethod
    def of(cls: type[_Member], value: int | str) -> _Member:
        """Return a member as it is, or find it by its number or by a name in any case.

        Args:
            value: ``Severity.ERROR``, ``3``, ``"error"``, ``"err"`` or ``"3"``.

        Raises:
            ValueError: If there is no such member.
        """
        if isinstance(value, cls):
            return value
        key: object = (
            _map_names(cls).get(value.strip().upper()) if isinstance(value, str) else value
        )
        if isinstance(key, int) and not isinstance(key, bool) and 0 <= key < len(cls):
            return cls(key)
        names = ", ".join(member.name.lower() for member in cls)
        raise ValueError(f"expected a number from 0 to {len(cls) - 1} or one of {names}")


class Facility(_Code):
    """What kind of program a message comes from (RFC 5424 table 1)."""

    KERN = 0
    USER = 1
    MAIL = 2
    DAEMON = 3
    AUTH = 4
    SYSLOG = 5
    LPR = 6
    NEWS = 7
    UUCP = 8
    CRON = 9
    AUTHPRIV = 10
    FTP = 11
    NTP = 12
    AUDIT = 13
    ALERT = 14
    CLOCK = 15
    LOCAL0 = 16
    LOCAL1 = 17
    LOCAL2 = 18
    LOCAL3 = 19
    LOCAL4 = 20
    LOCAL5 = 21
    LOCAL6 = 22
    LOCAL7 = 23


class Severity(_Code):
    """How bad the event is; 0 is the worst (RFC 5424 table 2)."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


# Other names that syslog(3) and people use.
_ALIASES: dict[type[_Code], dict[str, str]] = {
    Facility: {"KERNEL": "KERN", "SECURITY": "AUTH", "LOGAUDIT": "AUDIT", "LOGALERT": "ALERT"},
    Severity: {
        "EMERG": "EMERGENCY",
        "PANIC": "EMERGENCY",
        "CRIT": "CRITICAL",
        "FATAL": "CRITICAL",
        "ERR": "ERROR",
        "WARN": "WARNING",
        "INFORMATIONAL": "INFO",
        "TRACE": "DEBUG",
    },
}


@cache
def _map_names(codes: type[_Code]) -> dict[str, _Code]:
    """Map the number and all names of each member to it."""
    members = codes.__members__
    aliases = {alias: members[name] for alias, name in _ALIASES[codes].items()}
    return {**{str(member.value): member for member in codes}, **members, **aliases}


def suggest_name(codes: type[_Code], wrong: object) -> str:
    """Return ``"; did you mean 'error'?"`` for a misspelt name of a code, or an empty text."""
    names = [name.lower() for name in _map_names(codes) if not name.isdigit()]
    return did_you_mean(wrong, names) if isinstance(wrong, str) else ""


def compute_prival(facility: int, severity: int) -> int:
    """Compute the PRIVAL of a message: facility times eight plus severity."""
    return facility * 8 + severity
