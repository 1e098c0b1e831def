"""A testing kit: SLS and a syslog receiver on loopback, without an account or a server.

``SlsEmulator`` answers the SDK over HTTP, ``SyslogReceiver`` takes messages over UDP, TCP
and TLS and reads them strictly, ``TemporaryCA`` makes throw-away certificates (it needs the
extra ``sls-syslog[testing]``). With pytest, the fixtures ``sls_emulator``,
``syslog_receiver`` and ``temporary_ca`` are there as soon as the library is installed.
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
