"""A testing kit: SLS and a syslog receiver on loopback, without an account or a server.

``SlsEmulator`` is SLS, ``SyslogReceiver`` is the SIEM, ``TemporaryCA`` makes certificates (it needs
the extra ``sls-syslog[testing]``). The kit must share no code with what it judges.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sls_syslog.testing.certificates import TemporaryCA
    from sls_syslog.testing.emulator import SlsEmulator
    from sls_syslog.testing.grammar import GrammarError, ParsedMessage, parse_rfc3164, parse_rfc5424
    from sls_syslog.testing.loggroup import LogEntry, encode_log_group
    from sls_syslog.testing.receiver import SyslogReceiver
    from sls_syslog.testing.sls_shard import SlsError

__all__ = [
    "GrammarError",
    "LogEntry",
    "ParsedMessage",
    "SlsEmulator",
    "SlsError",
    "SyslogReceiver",
    "TemporaryCA",
    "encode_log_group",
    "parse_rfc3164",
    "parse_rfc5424",
]

# The module of each public name, imported when the name is first used: pytest loads this package in
# every run wherever it is installed (see ``pytest_plugin``).
_MODULES = {
    "GrammarError": "grammar",
    "LogEntry": "loggroup",
    "ParsedMessage": "grammar",
    "SlsEmulator": "emulator",
    "SlsError": "sls_shard",
    "SyslogReceiver": "receiver",
    "TemporaryCA": "certificates",
    "encode_log_group": "loggroup",
    "parse_rfc3164": "grammar",
    "parse_rfc5424": "grammar",
}


if not TYPE_CHECKING:  # a type checker would believe that every name exists

    def __getattr__(name: str) -> object:
        """Import the object of a public name, and keep it for the next use.

        Raises:
            AttributeError: If there is no such public name.
        """
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the public names and the module's own dunders."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
