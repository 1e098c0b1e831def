"""The settings of ``SyslogClient`` as data: keys, defaults, meanings, and what is refused.

Each setting is one row of a table. This module must not open a connection; it only checks that
a named file can be read.
"""

from __future__ import annotations

import copy
import platform
import re
import ssl
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from sls_syslog.errors import SettingsError
from sls_syslog.settings import readers
from sls_syslog.settings.addresses import format_address, parse_distinct_addresses, read_addresses
from sls_syslog.settings.contradictions import NEEDS, RULES, TEMPLATE_RULES
from sls_syslog.settings.keywords import (
    ClientOptions,
    ConfirmLevel,
    Framing,
    NewlinePolicy,
    OversizePolicy,
    ProtocolName,
    ShipperOptions,
    SyslogFormat,
)
from sls_syslog.settings.protocols import PROTOCOLS
from sls_syslog.settings.table import Rule, SettingsTable, setting, show_keywords
from sls_syslog.settings.tls import TrustError, make_client_context
from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.syslog.formats import FORMATS
from sls_syslog.syslog.oversize import OVERSIZE
from sls_syslog.syslog.sanitize import NEWLINES, sanitize_header_field

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["ClientSettings", "get_machine_name"]

_TLS_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

# 1.1, TLSv1_1, TLSv1, SSLv3 and the like; MINIMUM_SUPPORTED stands for the oldest of them.
_OLD_TLS = re.compile(r"(?:TLS ?v?)?1([._][01])?|SSL ?v?[23]([._]0)?|MINIMUM_SUPPORTED", re.I)

_Settings = TypeVar("_Settings", bound="ClientSettings")


def get_machine_name() -> str:
    """Return the name of this machine, as a legal HOSTNAME."""
    return sanitize_header_field(platform.node(), 255)


def _read_tls_version(value: Any) -> ssl.TLSVersion:
    if isinstance(value, ssl.TLSVersion) and value in _TLS_VERSIONS.values():
        return value
    name = value.name if isinstance(value, ssl.TLSVersion) else str(value)
    if _OLD_TLS.fullmatch(name.strip()):
        hint = "; older versions are no longer safe (RFC 8996, RFC 7568)"
        raise ValueError(f"expected one of {', '.join(_TLS_VERSIONS)}", hint)
    return _TLS_VERSIONS[readers.choice(*_TLS_VERSIONS)(name)]


def _read_host(value: Any) -> str:
    if isinstance(value, (list, tuple, set)) or (isinstance(value, str) and "," in value):
        raise ValueError("expected one name or address", "; the setting hosts takes several")
    return readers.host(value)


def _read_rate(value: Any) -> float:
    try:
        return readers.seconds()(value)
    except ValueError:
        raise ValueError("expected a number of messages per second above 0") from None


@dataclass(frozen=True, kw_only=True, init=False, repr=False)
class ClientSettings(SettingsTable):
    """What ``SyslogClient`` needs: the receiver, the message format, and trust.

    Each key may be left out, or be ``None``, for its default; only ``host`` is required, or
    ``hosts`` in its place. ``ClientSettings.describe()`` returns the table of all keys.

    Raises:
        SettingsError: If a key is unknown or its value is wrong, or two keys contradict.
    """

    _rules: ClassVar[tuple[Rule, ...]] = (*RULES, *NEEDS, *TEMPLATE_RULES)
    _elsewhere: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ShipperOptions.__annotations__.keys() - ClientOptions.__annotations__.keys(),
        "ShipperSettings",
    )

    host: str = setting(
        _read_host, None, "Name or address of the receiver. Required, unless `hosts` is given."
    )
    port: int = setting(
        readers.integer(1, 65535),
        None,
        "Port of the receiver. Default: 514; 6514 for tls, 2514 for relp.",
    )
    protocol: ProtocolName = setting(
        readers.choice(*PROTOCOLS),
        "tcp",
        "`tcp`, `udp`, `tls`, `relp` (RELP over TCP: the receiver acknowledges each message) or"
        " `relp+tls` (RELP over TLS).",
    )
    hosts: tuple[str, ...] = setting(
        read_addresses,
        (),
        "Receivers in order. If one fails, the next is used. A list, or a text with commas, of"
        " `name`, `name:port` or `[IPv6 address]:port`; the default port is `port`. If `host` is"
        " given as well, it comes first.",
    )
    timeout: float = setting(
        readers.seconds(),
        120.0,
        "Time limit in seconds: for resolving and connecting together, for each wait of a send"
        " in which the receiver reads nothing, and for each confirmation. On Linux, a receiver"
        " that reads nothing for 30 seconds counts as dead, even if `timeout` is longer.",
    )
    idle_seconds: float = setting(
        readers.seconds(zero=True),
        30.0,
        "Close a connection after this many seconds without data (after confirming it). Choose"
        " less than the idle limit of the receiver, and of load balancers and firewalls before it;"
        " many of them close idle connections after one minute. `0`: no limit. Not for udp.",
    )
    max_connection_seconds: float = setting(
        readers.seconds(zero=True),
        3600.0,
        "Replace a connection at this age in seconds (after confirming it). The new connection"
        " resolves the name, passes the load balancer and reads the certificate files again. `0`:"
        " no limit. Not for udp.",
    )
    syslog_format: SyslogFormat = setting(
        readers.choice(*FORMATS), "rfc5424", "Message format: `rfc5424` or `rfc3164`."
    )
    framing: Framing | None = setting(
        readers.choice("newline", "octet-counting"),
        None,
        "How messages are told apart on tcp and tls: `newline` (the default) or"
        " `octet-counting` (RFC 5425, RFC 6587). The other protocols have no framing.",
    )
    newlines: NewlinePolicy = setting(
        readers.choice(*NEWLINES),
        "escape",
        "What happens to line feeds and control characters in a message: `escape` writes them as"
        " `\\n` and `\\u0000`, `space` writes a space, `keep` leaves them as they are (only with"
        " `octet-counting` or relp).",
    )
    max_message_bytes: int | None = setting(
        readers.integer(480, 2**31 - 1),
        None,
        "Largest message in bytes, header included; `oversize` decides what happens to larger"
        " ones. Default: 65507 for udp, which is the largest datagram; 131072 for relp, which"
        " receivers accept by default; no limit for tcp and tls.",
    )
    oversize: OversizePolicy = setting(
        readers.choice(*OVERSIZE),
        "truncate",
        "What happens to larger messages: `truncate` cuts free text and leaves pairs out, `split`"
        " makes several messages with the same header, a part number and a shared id, `drop` leaves"
        " them out. They are counted, and logged once. On tcp and tls it needs"
        " `max_message_bytes`.",
    )
    bom: bool = setting(
        readers.flag,
        False,
        "Whether the text begins with a byte order mark (RFC 5424 section 6.4). Most receivers"
        " read it as a part of the text.",
    )
    timezone: tzinfo | None = setting(
        readers.time_zone,
        None,
        "Time zone of time stamps: `local` (that of this machine, the default), `UTC`, an offset"
        " such as `+08:00`, or a name such as `Asia/Shanghai`.",
    )
    facility: Facility = setting(
        readers.code(Facility), Facility.USER, "Facility, as a name or a number."
    )
    severity: Severity = setting(
        readers.code(Severity), Severity.INFO, "Severity, as a name or a number."
    )
    hostname: str = setting(
        readers.header_template(255),
        None,
        "HOSTNAME of each message. Default: the name of this machine. For logs also a template"
        " over their fields, such as `{__source__}` or `{__tag__:__hostname__}`; if a field is"
        " missing, the name of this machine is used.",
    )
    tag: str = setting(
        readers.header_template(48),
        "-",
        "APP-NAME (TAG in RFC 3164) of each message; `-` means none. For logs also a template over"
        " their fields, such as `{__topic__}`; if a field is missing, `-` is used.",
    )
    confirm: ConfirmLevel = setting(
        readers.choice("auto", "consumed", "acked", "written"),
        "auto",
        "What counts as delivered: `consumed` (the receiver's process read everything),"
        " `acked` (its kernel has every byte), `written` (the kernel of this machine has), or"
        " `auto`: `consumed`, but `acked` for a receiver that cannot answer a half-close. For relp"
        " always `consumed`, because the receiver acknowledges each message.",
    )
    max_rate: float | None = setting(
        _read_rate,
        None,
        "How many messages per second this process sends to one receiver at most, so that the"
        " receiver need not drop any. Only for udp. Default: no limit.",
    )
    cert_path: str | None = setting(
        readers.file_path, None, "File of CA certificates to trust. Default: those of the system."
    )
    client_cert: str | None = setting(
        readers.file_path, None, "File of the client's certificate chain, for mutual TLS."
    )
    client_key: str | None = setting(
        readers.file_path,
        None,
        "File of the client's private key. Default: `client_cert`, which then holds both.",
    )
    client_key_password: str | None = setting(
        readers.secret, None, "Password of the private key.", secret=True
    )
    server_hostname: str | None = setting(
        readers.host,
        None,
        "Name that the certificate of the receiver, or of each of `hosts`, must have. Default:"
        " the name or address by which each receiver is reached.",
    )
    verify_hostname: bool = setting(
        readers.flag,
        True,
        "Whether that name is checked. The certificate itself is always verified, except as"
        " `fingerprint` says.",
    )
    fingerprint: tuple[str, ...] = setting(
        readers.fingerprints,
        (),
        "SHA-256 fingerprints; the receiver's certificate must have one of them. A list, or a text"
        " with commas, of 64 hexadecimal digits each, with or without colons, with or without"
        " `sha256:` before them. Without `cert_path`, the fingerprint is the only check: name, CA"
        " and dates of the certificate are not checked, even if `verify_hostname` is true. With"
        " `cert_path` or `ssl_context`, the fingerprint is checked in addition.",
    )
    min_tls: ssl.TLSVersion = setting(
        _read_tls_version, ssl.TLSVersion.TLSv1_2, "Oldest TLS version to accept: 1.2 or 1.3."
    )
    ssl_context: ssl.SSLContext | None = setting(
        readers.instance_of(ssl.SSLContext),
        None,
        "An `ssl.SSLContext` of your own, used as it is, in place of the keys for TLS above. Only"
        " `server_hostname` and `fingerprint` can be set with it.",
    )

    def __init__(self, /, **options: Unpack[ClientOptions]) -> None:
        self._read_options(options)

    def _read_options(self, options: Mapping[str, Any]) -> None:
        super()._read_options(options)
        self._put_hosts_in_order()
        if PROTOCOLS[self.protocol].is_tls:
            self.tls_context()  # report a wrong certificate file now, not at the first connection

    def tls_context(self) -> ssl.SSLContext:
        """Return the context for TLS: ``ssl_context``, or one made of the certificate files.

        It stays the same one until a file changes. All callers share it: do not change it.

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
        """Settings for each receiver alone, in order; these settings themselves if there is one."""
        if not self.hosts:
            return (self,)
        pairs = parse_distinct_addresses(self.hosts, self.port)
        return tuple(self._copy_for(*pair) for pair in pairs)

    def _find_contradictions(self, given: Set[str]) -> Iterator[tuple[str, str]]:
        if not (self.host or self.hosts):
            yield "host", "required: the name or address of the receiver, or hosts"
        yield from super()._find_contradictions(given)

    def _derive_defaults(self) -> dict[str, Any]:
        protocol = PROTOCOLS[self.protocol]
        return {
            "port": protocol.port,
            "framing": protocol.framing,
            "max_message_bytes": protocol.max_message_bytes,
            "hostname": get_machine_name(),
            "confirm": protocol.confirm,
        }

    def _put_hosts_in_order(self) -> None:
        """Make ``host`` and ``port`` the first receiver, and ``hosts`` all of them, if several."""
        first = (format_address(self.host, self.port),) if self.host else ()
        pairs = parse_distinct_addresses(first + self.hosts, self.port)
        has_several = len(pairs) > 1
        object.__setattr__(self, "hosts", tuple(format_address(*p) for p in pairs if has_several))
        for key, value in zip(("host", "port"), pairs[0], strict=True):
            object.__setattr__(self, key, value)

    def _copy_for(self: _Settings, host: str, port: int) -> _Settings:
        # Not dataclasses.replace, which would read the certificate files once more.
        one = copy.copy(self)
        for key, value in {"host": host, "port": port, "hosts": ()}.items():
            object.__setattr__(one, key, value)
        return one


show_keywords(ClientSettings.__init__, ClientSettings, ClientOptions)
