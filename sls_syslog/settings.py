"""All settings as data: their keys, defaults, meaning, and what is refused.

Pure, but for looking whether a named file can be read. Each setting is one field of a
frozen dataclass; its metadata holds how a value is read (from Python, a dict or the
environment), its default and its meaning. Settings that exist are valid.
"""

from __future__ import annotations

import copy
import os
import platform
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from typing import Any, TypeVar

from sls_syslog import parsing
from sls_syslog.addresses import address_list, distinct_addresses, written_address
from sls_syslog.codes import Facility, Severity
from sls_syslog.errors import InvalidMessageError, SettingsError, shown
from sls_syslog.formats import FORMATS
from sls_syslog.framing import LARGEST_DATAGRAM
from sls_syslog.message import SyslogMessage
from sls_syslog.oversize import OVERSIZE
from sls_syslog.payloads import PAYLOADS, Payload
from sls_syslog.profiles import PROFILES
from sls_syslog.repair import NEWLINES, header_field
from sls_syslog.rules import SeverityRule
from sls_syslog.template import Template
from sls_syslog.trust import TrustError, client_context

__all__ = ["ENVIRONMENT_PREFIX", "ClientSettings", "ShipperSettings", "this_machine"]

ENVIRONMENT_PREFIX = "SYSLOG_"

_DEFAULT_PORTS = {"tcp": 514, "udp": 514, "tls": 6514}  # tls: RFC 5425 section 4.1
_TLS_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_TLS_KEYS = (
    *("cert_path", "client_cert", "client_key", "client_key_password", "server_hostname"),
    *("verify_hostname", "fingerprint", "min_tls", "ssl_context"),
)
# What says something of the receiver, not of how the context is made.
_BESIDES_CONTEXT = {"ssl_context", "server_hostname", "fingerprint"}
_RFC5424_KEYS = ("bom", "structured_data", "enterprise_id")
# What Kubernetes sets in every container when some Service is named "syslog" or "syslog-...".
_SERVICE_LINK = re.compile(
    r"SYSLOG_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+)=.*"
    r"|SYSLOG_(\w+_)?PORT=(tcp|udp|sctp)://.*"
)

_Settings = TypeVar("_Settings", bound="ClientSettings")


def this_machine() -> str:
    """This machine's name, as a HOSTNAME."""
    return header_field(platform.node(), 255)


def _setting(read: Callable[[Any], Any], default: Any, doc: str, *, secret: bool = False) -> Any:
    """One setting: how a value is read, what it is when none is given, what it is for."""
    metadata = {"read": read, "default": default, "doc": doc, "secret": secret}
    return field(default=None, repr=not secret, metadata=metadata)


def _payload(value: Any) -> Any:
    if callable(value) and not isinstance(value, type):
        return value
    return parsing.choice(*PAYLOADS)(value)


_EVENTS = ("cef", "leef")


def _is_event(payload: Any) -> bool:
    return payload in _EVENTS or getattr(payload, "stands_for_tag", False)


def _tls_version(value: Any) -> ssl.TLSVersion:
    if isinstance(value, ssl.TLSVersion) and value in _TLS_VERSIONS.values():
        return value
    return _TLS_VERSIONS[parsing.choice(*_TLS_VERSIONS)(str(value))]


def _rate(value: Any) -> float:
    try:
        return parsing.seconds()(value)
    except ValueError:
        raise ValueError("expected a number of messages a second above 0") from None


def _severity_rules(value: Any) -> tuple[SeverityRule, ...]:
    rules = parsing.from_json(value)
    if not isinstance(rules, (list, tuple)):
        raise ValueError("expected a list of rules")
    return tuple(SeverityRule.of(rule) for rule in rules)


def _structured_data(value: Any) -> Mapping[str, Mapping[str, str]]:
    elements = parsing.from_json(value)
    try:
        checked = SyslogMessage(structured_data=elements).structured_data
    except InvalidMessageError as error:
        raise ValueError(str(error).partition(": ")[2]) from None
    by_id = {sd_id: dict(params) for sd_id, params in checked.items()}
    for params in by_id.values():
        for text in params.values():
            Template(text, "")
    return by_id


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """What ``SyslogClient`` needs: the receiver, the message format, and trust.

    Every key may be left out or ``None`` for its default; only ``host`` is required, or
    ``hosts`` in its place. ``ClientSettings.describe()`` gives the table of all keys.

    Raises:
        SettingsError: If a key is unknown or its value is wrong, or two keys contradict.
    """

    host: str = _setting(
        parsing.host, None, "The receiver's name or address; required, unless `hosts` is given."
    )
    port: int = _setting(
        parsing.integer(1, 65535), None, "Its port; by default 514, and 6514 for tls."
    )
    protocol: str = _setting(parsing.choice(*_DEFAULT_PORTS), "tcp", "`tcp`, `udp` or `tls`.")
    hosts: tuple[str, ...] = _setting(
        address_list,
        (),
        "Receivers in order, the next for when one fails: a list, or a text with commas, of"
        " `name`, `name:port` or `[IPv6 address]:port`, by default at `port`; after `host`, if"
        " that is given as well.",
    )
    timeout: float = _setting(
        parsing.seconds(),
        120.0,
        "Seconds: the deadline of resolving and connecting together, of each wait of a send"
        " in which the receiver takes nothing, and of each confirmation. On Linux a receiver that"
        " takes nothing for 30 seconds counts as gone, whatever this says.",
    )
    idle_seconds: float = _setting(
        parsing.seconds(zero=True),
        30.0,
        "Seconds: a connection over which nothing was sent for so long is not used any more but"
        " ended, when all that went over it is confirmed. It should be less than what the receiver,"
        " or a load balancer or firewall before it, allows: many end idle connections after a"
        " minute. `0` for no limit; only tcp and tls.",
    )
    max_connection_seconds: float = _setting(
        parsing.seconds(zero=True),
        3600.0,
        "Seconds: the age at which a connection is replaced by a new one, for which the name is"
        " looked up, a load balancer asked and certificate files read anew; when all that went over"
        " it is confirmed. `0` for no limit; only tcp and tls.",
    )
    syslog_format: str = _setting(
        parsing.choice(*FORMATS), "rfc5424", "The message format, `rfc5424` or `rfc3164`."
    )
    framing: str | None = _setting(
        parsing.choice("newline", "octet-counting"),
        None,
        "How messages are told apart on tcp and tls: `newline` (the default) or"
        " `octet-counting` (RFC 5425, RFC 6587).",
    )
    newlines: str = _setting(
        parsing.choice(*NEWLINES),
        "escape",
        "Line feeds and control characters in a message: `escape` (`\\n`, `\\u0000`), `space`,"
        " or `keep` (only with `octet-counting`).",
    )
    max_message_bytes: int | None = _setting(
        parsing.integer(480, 2**31 - 1),
        None,
        "The most that a message may have, header included; see `oversize`. By default 65507 for"
        " udp, which is all that a datagram can carry, and no limit for tcp and tls.",
    )
    oversize: str = _setting(
        parsing.choice(*OVERSIZE),
        "truncate",
        "Longer messages: `truncate` (cut between characters), `split` (several messages with the"
        " same header, a part number and a shared id), or `drop`; counted, and logged once.",
    )
    bom: bool = _setting(
        parsing.flag,
        False,
        "Whether the text begins with a byte order mark (RFC 5424 section 6.4); most receivers"
        " take it for a part of the text.",
    )
    timezone: tzinfo | None = _setting(
        parsing.time_zone,
        None,
        "The zone of time stamps: `local` (this machine's, the default), `UTC`, an offset such"
        " as `+08:00`, or a name such as `Asia/Shanghai`.",
    )
    facility: Facility = _setting(Facility.of, Facility.USER, "Facility, by name or number.")
    severity: Severity = _setting(Severity.of, Severity.INFO, "Severity, by name or number.")
    hostname: str = _setting(
        parsing.header_template(255),
        None,
        "HOSTNAME of each message, by default this machine's name; for logs also made from their"
        " fields, as in `{__source__}` or `{__tag__:__hostname__}`, and then this machine's name"
        " where a field is missing.",
    )
    tag: str = _setting(
        parsing.header_template(48),
        "-",
        "APP-NAME (TAG in RFC 3164) of each message, `-` for none; for logs also made from their"
        " fields, as in `{__topic__}`, and then `-` where a field is missing.",
    )
    confirm: str = _setting(
        parsing.choice("auto", "consumed", "acked", "written"),
        "auto",
        "What counts as delivered: `consumed` (the receiver's process read everything),"
        " `acked` (its kernel has every byte), `written` (this kernel has), or `auto`:"
        " `consumed`, but `acked` for a receiver that cannot answer a half-close.",
    )
    max_rate: float | None = _setting(
        _rate,
        None,
        "Messages a second that this process sends to a receiver at most, so that it need not"
        " drop any; only udp. By default there is no limit.",
    )
    cert_path: str | None = _setting(
        parsing.file_path, None, "File of CA certificates to trust; by default the system's."
    )
    client_cert: str | None = _setting(
        parsing.file_path, None, "File of the client's certificate chain, for mutual TLS."
    )
    client_key: str | None = _setting(
        parsing.file_path, None, "File of its private key; by default in `client_cert` as well."
    )
    client_key_password: str | None = _setting(
        parsing.text, None, "The private key's password.", secret=True
    )
    server_hostname: str | None = _setting(
        parsing.host,
        None,
        "The name the receiver's certificate must have, and that of all `hosts`; by default"
        " each one's own.",
    )
    verify_hostname: bool = _setting(
        parsing.flag,
        True,
        "Whether that name is checked; the certificate itself always is, except as `fingerprint`"
        " says.",
    )
    fingerprint: tuple[str, ...] = _setting(
        parsing.fingerprints,
        (),
        "SHA-256 fingerprints, one of which the receiver's certificate must have: a list, or a text"
        " with commas, of 64 hexadecimal digits each, with colons or without, with `sha256:` before"
        " them or without. Without `cert_path` the fingerprint is all that is checked: not the"
        " certificate's name, CA and dates, whatever `verify_hostname` says; with `cert_path` or"
        " `ssl_context` it is checked besides.",
    )
    min_tls: ssl.TLSVersion = _setting(
        _tls_version, ssl.TLSVersion.TLSv1_2, "The oldest TLS version accepted, 1.2 or 1.3."
    )
    ssl_context: ssl.SSLContext | None = _setting(
        parsing.instance_of(ssl.SSLContext),
        None,
        "An `ssl.SSLContext` of your own, used as it is, instead of the keys for TLS above; only"
        " `server_hostname` and `fingerprint` go with it.",
    )

    def __post_init__(self) -> None:
        given = {spec.name for spec in fields(self) if getattr(self, spec.name) is not None}
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.name in given:
                value = _read(spec.name, spec.metadata, value)
            else:
                value = spec.metadata["default"]
            if value == spec.metadata["default"]:
                given.discard(spec.name)  # a default that is spelt out contradicts nothing
            object.__setattr__(self, spec.name, value)
        for key, problem in self._contradictions(given):
            raise SettingsError(key, problem)
        for key, value in self._derived().items():
            if key not in given:
                object.__setattr__(self, key, value)
        self._put_hosts_in_order()
        if self.protocol == "tls":
            self.tls_context()  # what is wrong with a certificate should be known now

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
                hint = parsing.did_you_mean(key, known) or f"; the keys are {', '.join(known)}"
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
        return [(spec.name, _shown_default(spec), spec.metadata["doc"]) for spec in fields(cls)]

    def tls_context(self) -> ssl.SSLContext:
        """The context for TLS: ``ssl_context``, or one made of the certificate files.

        It is the same one until a file changes, and belongs to all who ask for it.

        Raises:
            SettingsError: If a file does not hold what it should.
        """
        if self.ssl_context is not None:
            return self.ssl_context
        try:
            return client_context(
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
        hosts = self.hosts or (written_address(self.host, self.port),)
        return " or ".join(f"{self.protocol}://{host}" for host in hosts)

    @property
    def receivers(self: _Settings) -> tuple[_Settings, ...]:
        """Settings for each receiver alone, in order; these themselves where there is one."""
        if not self.hosts:
            return (self,)
        return tuple(self._at(*pair) for pair in distinct_addresses(self.hosts, self.port))

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
            "hostname": this_machine(),
            "confirm": "written" if udp else "auto",
        }

    def _put_hosts_in_order(self) -> None:
        """``host`` and ``port`` are the first of all, and ``hosts`` all of them, if several."""
        first = (written_address(self.host, self.port),) if self.host else ()
        pairs = distinct_addresses(first + self.hosts, self.port)
        several = len(pairs) > 1
        object.__setattr__(self, "hosts", tuple(written_address(*p) for p in pairs if several))
        for key, value in zip(("host", "port"), pairs[0], strict=True):
            object.__setattr__(self, key, value)

    def _at(self: _Settings, host: str, port: int) -> _Settings:
        # Not dataclasses.replace, which would read the certificate files once more.
        one = copy.copy(self)
        for key, value in {"host": host, "port": port, "hosts": ()}.items():
            object.__setattr__(one, key, value)
        return one


@dataclass(frozen=True, kw_only=True)
class ShipperSettings(ClientSettings):
    """What ``SyslogShipperProcessor`` needs: the client's settings and how logs are shipped.

    Every key may be left out or ``None`` for its default; only ``host`` is required, or
    ``hosts`` in its place. ``ShipperSettings.describe()`` gives the table of all keys.

    Raises:
        SettingsError: If a key is unknown or its value is wrong, or two keys contradict.
    """

    receiver: str | None = _setting(
        parsing.choice(*PROFILES),
        None,
        "A profile, which gives other keys the values that a receiver needs; a key that is set"
        " itself wins. "
        f"One of {', '.join(f'`{name}`' for name in PROFILES)}.",
    )
    sep: str = _setting(parsing.text, "||", "What stands before each field in `key-value`.")
    payload: Payload = _setting(
        _payload,
        "key-value",
        "How a log becomes the text of a message: `key-value`, `json`, `cef`, `leef`, or a"
        " function or object that is called with the log and returns a text, such as a"
        " `CefPayload` with a mapping of your own.",
    )
    severity_rules: tuple[SeverityRule, ...] = _setting(
        _severity_rules,
        (),
        "A list of `SeverityRule`s, or of mappings such as"
        ' `{"field": "level", "equals": "ERROR", "severity": "error"}` (JSON in the environment);'
        " the first that matches a log gives its severity, else `severity` does.",
    )
    structured_data: Mapping[str, Mapping[str, str]] = _setting(
        _structured_data,
        {},
        "SD-ELEMENTs for each message: a mapping of SD-ID to a mapping of PARAM-NAME to text"
        " (JSON in the environment); in the text `{__source__}` and the like stand for fields of"
        " the log, and a parameter whose field is missing is left out. Only rfc5424.",
    )
    enterprise_id: int | None = _setting(
        parsing.integer(1, 2**32 - 1),
        None,
        "Your private enterprise number: each message gets an SD-ELEMENT `sls@<number>` with what"
        " SLS says of the log: topic, source, tags, the event id if there is one. Only rfc5424.",
    )
    event_id: bool = _setting(
        parsing.flag,
        False,
        "Whether each log gets a field `__event_id__`, the same when the log is sent again, by"
        " which a receiver can drop duplicates.",
    )
    retry_seconds: float = _setting(
        parsing.seconds(zero=True),
        20.0,
        "Seconds for which a failed batch is tried again before SLS is asked to serve it once"
        " more (and so on, for ever).",
    )

    replay_seconds: float = _setting(
        parsing.seconds(zero=True),
        0.0,
        "Seconds by which checkpoints trail behind what is confirmed; after an outage all that is"
        " younger is sent again, for receivers that lose what lies in their memory when they"
        " crash.",
    )

    def __post_init__(self) -> None:
        if self.receiver is not None:
            self._take_profile()
        super().__post_init__()
        if isinstance(self.payload, str):
            object.__setattr__(self, "payload", PAYLOADS[self.payload](self.sep))

    def _take_profile(self) -> None:
        """Keys that nobody has set get their values from the receiver's profile."""
        metadata = {spec.name: spec.metadata for spec in fields(self)}
        name = _read("receiver", metadata["receiver"], self.receiver)
        protocol = self.protocol and _read("protocol", metadata["protocol"], self.protocol)
        chosen = PROFILES[name].settings_for(protocol)
        payload: Any = self.payload
        if chosen.get("payload") in _EVENTS and payload is not None and not _is_event(payload):
            # What is right for CEF and LEEF would cut JSON.
            chosen = {key: of for key, of in chosen.items() if key not in {"oversize", "newlines"}}
        for key, value in chosen.items():
            if getattr(self, key) is None:
                object.__setattr__(self, key, value)

    def _contradictions(self, given: set[str]) -> list[tuple[str, str]]:
        found = super()._contradictions(given)
        if self.oversize == "split" and _is_event(self.payload):
            found.append(("oversize", "'split' would leave a SIEM with parts of CEF or LEEF"))
        if self.receiver is None:
            return found
        return [(key, f"{problem} (with receiver {self.receiver!r})") for key, problem in found]


def _read(key: str, metadata: Mapping[str, Any], value: Any) -> Any:
    try:
        return metadata["read"](value)
    except SettingsError:
        raise
    except ValueError as error:
        # A key itself is easily given where its file's path is meant.
        secret = metadata["secret"] or "-----BEGIN" in str(value)
        got = "a secret" if secret else shown(value)
        expected, hint = (*error.args, "")[:2]
        raise SettingsError(key, f"{expected}, got {got}{hint}") from None


def _shown_default(spec: Any) -> str:
    """A default as one would write it."""
    default = spec.metadata["default"]
    if default is None or default in ((), {}):
        return ""
    names = {version: name for name, version in _TLS_VERSIONS.items()}
    if isinstance(default, (Facility, Severity)):
        return str(default.name.lower())
    if isinstance(default, (bool, float)):
        return f"{default}".lower().removesuffix(".0")
    return names.get(default) or str(default)
