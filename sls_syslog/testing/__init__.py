"""A testing kit: SLS and a syslog receiver on loopback, without an account or a server.

``SlsEmulator`` is SLS, ``SyslogReceiver`` is the SIEM, ``TemporaryCA`` makes certificates (it needs
the extra ``sls-syslog[testing]``). The kit must share no code with what it judges.
"""

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
