"""The settings of ``SyslogClient`` as data: keys, defaults, meaning, and what is refused.

Each setting is one row of a table. It must not open a connection; it does look whether a named
file can be read.
"""

from __future__ import annotations

import copy
import platform
import ssl
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, TypeVar

from sls_syslog.errors import SettingsError
from sls_syslog.settings import readers
from sls_syslog.settings.addresses import format_address, parse_distinct_addresses, read_addresses
from sls_syslog.settings.table import SettingsTable, setting
from sls_syslog.settings.tls import TrustError, make_client_context
from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.syslog.formats import FORMATS
from sls_syslog.syslog.framing import LARGEST_DATAGRAM
from sls_syslog.syslog.oversize import OVERSIZE
from sls_syslog.syslog.sanitize import NEWLINES, sanitize_header_field

__all__ = ["ClientSettings", "get_machine_name"]

_DEFAULT_PORTS = {"tcp": 514, "udp": 514, "tls": 6514}  # tls: RFC 5425 section 4.1
_TLS_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_TLS_KEYS = (
    *("cert_path", "client_cert", "client_key", "client_key_password", "server_hostname"),
    *("verify_hostname", "fingerprint", "min_tls", "ssl_context"),
)
# What says something of the receiver, not of how the context is made.
_BESIDES_CONTEXT = {"ssl_context", "server_hostname", "fingerprint"}
_RFC5424_KEYS = ("bom", "structured_data", "enterprise_id")

_Settings = TypeVar("_Settings", bound="ClientSettings")


def get_machine_name() -> str:
    """This machine's name, as a HOSTNAME."""
    return sanitize_header_field(platform.node(), 255)


def _tls_version(value: Any) -> ssl.TLSVersion:
    if isinstance(value, ssl.TLSVersion) and value in _TLS_VERSIONS.values():
        return value
    return _TLS_VERSIONS[readers.choice(*_TLS_VERSIONS)(str(value))]


def _rate(value: Any) -> float:
    try:
        return readers.seconds()(value)
    except ValueError:
        raise ValueError("expected a number of messages a second above 0") from None


@dataclass(frozen=True, kw_only=True)
class ClientSettings(SettingsTable):
    """What ``SyslogClient`` needs: the receiver, the message format, and trust.

    Every key may be left out or ``None`` for its default; only ``host`` is required, or
    ``hosts`` in its place. ``ClientSettings.describe()`` gives the table of all keys.

    Raises:
        SettingsError: If a key is unknown or its value is wrong, or two keys contradict.
    """

    host: str = setting(
        readers.host, None, "The receiver's name or address; required, unless `hosts` is given."
    )
    port: int = setting(
        readers.integer(1, 65535), None, "Its port; by default 514, and 6514 for tls."
    )
    protocol: str = setting(readers.choice(*_DEFAULT_PORTS), "tcp", "`tcp`, `udp` or `tls`.")
    hosts: tuple[str, ...] = setting(
        read_addresses,
        (),
        "Receivers in order, the next for when one fails: a list, or a text with commas, of"
        " `name`, `name:port` or `[IPv6 address]:port`, by default at `port`; after `host`, if"
        " that is given as well.",
    )
    timeout: float = setting(
        readers.seconds(),
        120.0,
        "Seconds: the deadline of resolving and connecting together, of each wait of a send"
        " in which the receiver takes nothing, and of each confirmation. On Linux a receiver that"
        " takes nothing for 30 seconds counts as gone, whatever this says.",
    )
    idle_seconds: float = setting(
        readers.seconds(zero=True),
        30.0,
        "Seconds: a connection over which nothing was sent for so long is not used any more but"
        " ended, when all that went over it is confirmed. It should be less than what the receiver,"
        " or a load balancer or firewall before it, allows: many end idle connections after a"
        " minute. `0` for no limit; only tcp and tls.",
    )
    max_connection_seconds: float = setting(
        readers.seconds(zero=True),
        3600.0,
        "Seconds: the age at which a connection is replaced by a new one, for which the name is"
        " looked up, a load balancer asked and certificate files read anew; when all that went over"
        " it is confirmed. `0` for no limit; only tcp and tls.",
    )
    syslog_format: str = setting(
        readers.choice(*FORMATS), "rfc5424", "The message format, `rfc5424` or `rfc3164`."
    )
    framing: str | None = setting(
        readers.choice("newline", "octet-counting"),
        None,
        "How messages are told apart on tcp and tls: `newline` (the default) or"
        " `octet-counting` (RFC 5425, RFC 6587).",
    )
    newlines: str = setting(
        readers.choice(*NEWLINES),
        "escape",
        "Line feeds and control characters in a message: `escape` (`\\n`, `\\u0000`), `space`,"
        " or `keep` (only with `octet-counting`).",
    )
    max_message_bytes: int | None = setting(
        readers.integer(480, 2**31 - 1),
        None,
        "The most that a message may have, header included; see `oversize`. By default 65507 for"
        " udp, which is all that a datagram can carry, and no limit for tcp and tls.",
    )
    oversize: str = setting(
        readers.choice(*OVERSIZE),
        "truncate",
        "Longer messages: `truncate` (cut between characters), `split` (several messages with the"
        " same header, a part number and a shared id), or `drop`; counted, and logged once.",
    )
    bom: bool = setting(
        readers.flag,
        False,
        "Whether the text begins with a byte order mark (RFC 5424 section 6.4); most receivers"
        " take it for a part of the text.",
    )
    timezone: tzinfo | None = setting(
        readers.time_zone,
        None,
        "The zone of time stamps: `local` (this machine's, the default), `UTC`, an offset such"
        " as `+08:00`, or a name such as `Asia/Shanghai`.",
    )
    facility: Facility = setting(Facility.of, Facility.USER, "Facility, by name or number.")
    severity: Severity = setting(Severity.of, Severity.INFO, "Severity, by name or number.")
    hostname: str = setting(
        readers.header_template(255),
        None,
        "HOSTNAME of each message, by default this machine's name; for logs also made from their"
        " fields, as in `{__source__}` or `{__tag__:__hostname__}`, and then this machine's name"
        " where a field is missing.",
    )
    tag: str = setting(
        readers.header_template(48),
        "-",
        "APP-NAME (TAG in RFC 3164) of each message, `-` for none; for logs also made from their"
        " fields, as in `{__topic__}`, and then `-` where a field is missing.",
    )
    confirm: str = setting(
        readers.choice("auto", "consumed", "acked", "written"),
        "auto",
        "What counts as delivered: `consumed` (the receiver's process read everything),"
        " `acked` (its kernel has every byte), `written` (this kernel has), or `auto`:"
        " `consumed`, but `acked` for a receiver that cannot answer a half-close.",
    )
    max_rate: float | None = setting(
        _rate,
        None,
        "Messages a second that this process sends to a receiver at most, so that it need not"
        " drop any; only udp. By default there is no limit.",
    )
    cert_path: str | None = setting(
        readers.file_path, None, "File of CA certificates to trust; by default the system's."
    )
    client_cert: str | None = setting(
        readers.file_path, None, "File of the client's certificate chain, for mutual TLS."
    )
    client_key: str | None = setting(
        readers.file_path, None, "File of its private key; by default in `client_cert` as well."
    )
    client_key_password: str | None = setting(
        readers.text, None, "The private key's password.", secret=True
    )
    server_hostname: str | None = setting(
        readers.host,
        None,
        "The name the receiver's certificate must have, and that of all `hosts`; by default"
        " each one's own.",
    )
    verify_hostname: bool = setting(
        readers.flag,
        True,
        "Whether that name is checked; the certificate itself always is, except as `fingerprint`"
        " says.",
    )
    fingerprint: tuple[str, ...] = setting(
        readers.fingerprints,
        (),
        "SHA-256 fingerprints, one of which the receiver's certificate must have: a list, or a text"
        " with commas, of 64 hexadecimal digits each, with colons or without, with `sha256:` before"
        " them or without. Without `cert_path` the fingerprint is all that is checked: not the"
        " certificate's name, CA and dates, whatever `verify_hostname` says; with `cert_path` or"
        " `ssl_context` it is checked besides.",
    )
    min_tls: ssl.TLSVersion = setting(
        _tls_version, ssl.TLSVersion.TLSv1_2, "The oldest TLS version accepted, 1.2 or 1.3."
    )
    ssl_context: ssl.SSLContext | None = setting(
        readers.instance_of(ssl.SSLContext),
        None,
        "An `ssl.SSLContext` of your own, used as it is, instead of the keys for TLS above; only"
        " `server_hostname` and `fingerprint` go with it.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._put_hosts_in_order()
        if self.protocol == "tls":
            self.tls_context()  # what is wrong with a certificate should be known now

    def tls_context(self) -> ssl.SSLContext:
        """The context for TLS: ``ssl_context``, or one made of the certificate files.

        It is the same one until a file changes, and belongs to all who ask for it.

        Raises:
            SettingsError: If a file does not hold what it should.
        """
        if self.ssl_context is not None:
            return self.ssl_context
        try:
            return make_client_context(
                cert_path=self.cert_path,
                client_cert=self.client_cert,
                client_key=self.client_key,
                client_key_password=self.client_key_password,
                verify_hostname=self.verify_hostname,
                min_tls=self.min_tls,
                verify=not self.fingerprint or self.cert_path is not None,
            )
        except TrustError as error:
            raise SettingsError(error.key, error.problem) from None

    @property
    def destination(self) -> str:
        """The receivers as ``protocol://host:port``, for log lines and errors."""
        hosts = self.hosts or (format_address(self.host, self.port),)
        return " or ".join(f"{self.protocol}://{host}" for host in hosts)

    @property
    def receivers(self: _Settings) -> tuple[_Settings, ...]:
        """Settings for each receiver alone, in order; these themselves where there is one."""
        if not self.hosts:
            return (self,)
        return tuple(self._at(*pair) for pair in parse_distinct_addresses(self.hosts, self.port))

    def _contradictions(self, given: set[str]) -> list[tuple[str, str]]:
        """What is wrong with keys that are right one by one; the first is reported."""
        udp = self.protocol == "udp"
        rules = (
            (
                "host",
                "required: the receiver's name or address, or hosts",
                not (self.host or self.hosts),
            ),
            ("framing", "contradicts protocol 'udp': a datagram is a frame", udp and self.framing),
            (
                "newlines",
                "'keep' needs framing 'octet-counting': under newline framing a line feed"
                " would end the message",
                self.newlines == "keep" and self.framing != "octet-counting",
            ),
            (
                "max_message_bytes",
                "a datagram carries at most 65507 bytes",
                udp and (self.max_message_bytes or 0) > LARGEST_DATAGRAM,
            ),
            (
                "confirm",
                f"{self.confirm!r} contradicts protocol 'udp', which can only be 'written'",
                udp and self.confirm in {"consumed", "acked"},
            ),
            (
                "max_rate",
                f"is for protocol 'udp', but protocol is {self.protocol!r}, where the receiver"
                " sets the pace",
                self.max_rate and not udp,
            ),
            *(
                (key, "contradicts protocol 'udp', which has no connections", udp)
                for key in ("idle_seconds", "max_connection_seconds")
                if key in given
            ),
            *(
                (key, "has no place in syslog_format 'rfc3164'", True)
                for key in _RFC5424_KEYS
                if key in given and self.syslog_format == "rfc3164"
            ),
            *(
                (key, "a {field} is of a log, and a client has none", True)
                for key in ("hostname", "tag")
                if type(self) is ClientSettings and "{" in (getattr(self, key) or "")
            ),
            ("client_key", "needs client_cert", self.client_key and not self.client_cert),
            (
                "client_key_password",
                "needs client_cert",
                self.client_key_password and not self.client_cert,
            ),
            *(
                (key, f"is for protocol 'tls', but protocol is {self.protocol!r}", True)
                for key in _TLS_KEYS
                if key in given and self.protocol != "tls"
            ),
            *(
                (key, "contradicts ssl_context, which is used as it is", True)
                for key in _TLS_KEYS
                if key in given and self.ssl_context and key not in _BESIDES_CONTEXT
            ),
        )
        return [(key, problem) for key, problem, holds in rules if holds]

    def _derived(self) -> dict[str, Any]:
        """Defaults that depend on other keys or on this machine."""
        udp = self.protocol == "udp"
        return {
            "port": _DEFAULT_PORTS[self.protocol],
            "framing": None if udp else "newline",
            "max_message_bytes": LARGEST_DATAGRAM if udp else None,
            "hostname": get_machine_name(),
            "confirm": "written" if udp else "auto",
        }

    def _put_hosts_in_order(self) -> None:
        """``host`` and ``port`` are the first of all, and ``hosts`` all of them, if several."""
        first = (format_address(self.host, self.port),) if self.host else ()
        pairs = parse_distinct_addresses(first + self.hosts, self.port)
        several = len(pairs) > 1
        object.__setattr__(self, "hosts", tuple(format_address(*p) for p in pairs if several))
        for key, value in zip(("host", "port"), pairs[0], strict=True):
            object.__setattr__(self, key, value)

    def _at(self: _Settings, host: str, port: int) -> _Settings:
        # Not dataclasses.replace, which would read the certificate files once more.
        one = copy.copy(self)
        for key, value in {"host": host, "port": port, "hosts": ()}.items():
            object.__setattr__(one, key, value)
        return one
