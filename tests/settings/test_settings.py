"""Settings: what is understood, what is derived, and what is refused with which words."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import json
import pickle
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sls_syslog.client import SyslogClient
from sls_syslog.errors import SettingsError
from sls_syslog.logs.masking import MaskRule
from sls_syslog.logs.rules import LogRule
from sls_syslog.logs.severity_rules import SeverityRule
from sls_syslog.payloads.cef import CefPayload
from sls_syslog.payloads.leef import LeefPayload
from sls_syslog.payloads.text import JsonPayload, KeyValuePayload
from sls_syslog.settings.client import ClientSettings
from sls_syslog.settings.keywords import ClientOptions, ProtocolName, ShipperOptions
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.syslog.message import SyslogMessage
from sls_syslog.testing import TemporaryCA

# The dictionary of the documented program, key for key.
DOCUMENTED = {
    "host": "1.2.3.4",
    "port": 514,
    "protocol": "tcp",
    "sep": "||",
    "cert_path": None,
    "timeout": 120,
    "facility": 1,
    "severity": 6,
    "hostname": None,
    "tag": None,
}
BOTH = pytest.mark.parametrize("kind", [ClientSettings, ShipperSettings])


SECRET = "hunter2"
HASHED = '[{"field": "a", "hashed": true}]'


class Timeless(dt.tzinfo):
    """A zone that does not know its offset."""

    def utcoffset(self, moment: dt.datetime | None) -> None:
        return None

    dst = tzname = utcoffset


@pytest.fixture(scope="module")
def pem() -> Iterator[str]:
    """A file with a certificate and its private key, encrypted with SECRET."""
    with TemporaryCA() as authority:
        issued = authority.issue("shipper.example", password=SECRET)
        path = Path(issued.cert_path)
        path.write_text(path.read_text() + Path(issued.key_path).read_text())
        yield str(path)


def refused(**mapping: Any) -> SettingsError:
    with pytest.raises(SettingsError) as got:
        ShipperSettings.from_mapping(mapping)
    return got.value


def test_the_documented_dictionary_is_accepted_and_means_what_it_meant() -> None:
    settings = ShipperSettings.of(DOCUMENTED)
    assert settings == ShipperSettings(host="1.2.3.4")
    assert settings.destination == "tcp://1.2.3.4:514"
    assert (settings.facility, settings.severity) == (Facility.USER, Severity.INFO)
    assert (settings.hostname, settings.tag) == (socket.gethostname(), "-")
    assert (settings.timeout, settings.sep) == (120.0, "||")


def test_only_the_host_is_required() -> None:
    settings = ShipperSettings(host="siem")
    assert (settings.protocol, settings.port, settings.framing) == ("tcp", 514, "newline")
    assert (settings.syslog_format, settings.newlines) == ("rfc5424", "escape")
    assert (settings.max_message_bytes, settings.confirm) == (None, "auto")
    assert (settings.timezone, settings.verify_hostname) == (None, True)
    assert (settings.min_tls, settings.ssl_context) == (ssl.TLSVersion.TLSv1_2, None)
    assert (settings.cert_path, settings.client_key_password) == (None, None)
    assert (settings.payload, settings.retry_seconds) == (KeyValuePayload("||"), 20.0)


@pytest.mark.parametrize(
    ("protocol", "port", "framing", "size", "confirm"),
    [
        ("tcp", 514, "newline", None, "auto"),
        ("tls", 6514, "newline", None, "auto"),
        ("udp", 514, None, 65507, "written"),
        ("relp", 2514, None, 131072, "consumed"),
        ("relp+tls", 2514, None, 131072, "consumed"),
    ],
)
def test_defaults_follow_the_protocol(
    protocol: ProtocolName, port: int, framing: str | None, size: int | None, confirm: str
) -> None:
    settings = ClientSettings(host="siem", protocol=protocol)
    assert (settings.port, settings.framing) == (port, framing)
    assert (settings.max_message_bytes, settings.confirm) == (size, confirm)
    assert ClientSettings(host="siem", protocol=protocol, port=1514).port == 1514


@pytest.mark.parametrize(
    ("host", "destination"),
    [("siem", "tcp://siem:514"), ("::1", "tcp://[::1]:514"), ("192.0.2.1", "tcp://192.0.2.1:514")],
)
def test_the_destination_is_readable(host: str, destination: str) -> None:
    assert ClientSettings(host=host).destination == destination


@pytest.mark.parametrize(
    ("key", "given", "expected"),
    [
        ("port", "6514", 6514),
        ("protocol", "TLS", "tls"),
        ("timeout", "2.5", 2.5),
        ("idle_seconds", "0", 0.0),
        ("max_connection_seconds", 600, 600.0),
        ("syslog_format", "RFC3164", "rfc3164"),
        ("framing", "octet-counting", "octet-counting"),
        ("newlines", "space", "space"),
        ("max_message_bytes", 480, 480),
        ("timezone", "Asia/Shanghai", ZoneInfo("Asia/Shanghai")),
        ("timezone", "+05:30", dt.timezone(dt.timedelta(hours=5, minutes=30))),
        ("facility", "local0", Facility.LOCAL0),
        ("severity", "4", Severity.WARNING),
        ("hostname", "{__source__}", "{__source__}"),
        ("tag", "{__tag__:app}", "{__tag__:app}"),
        ("confirm", "acked", "acked"),
        ("sep", " ", " "),
        ("payload", "json", JsonPayload()),
        ("payload", repr, repr),
        ("retry_seconds", 0, 0.0),
    ],
)
def test_a_value_is_read(key: str, given: Any, expected: Any) -> None:
    assert getattr(ShipperSettings.from_mapping({"host": "siem", key: given}), key) == expected


@pytest.mark.parametrize(
    ("key", "given", "expected"),
    [
        ("verify_hostname", "no", False),
        ("fingerprint", "AB" * 32, ("ab" * 32,)),
        ("fingerprint", ":".join(["aB"] * 32), ("ab" * 32,)),
        ("fingerprint", f"sha256:{'ab' * 32}, SHA256:{'CD' * 32}", ("ab" * 32, "cd" * 32)),
        ("fingerprint", ["sha256 Fingerprint=" + ":".join(["AB"] * 32)], ("ab" * 32,)),
        ("min_tls", "1.3", ssl.TLSVersion.TLSv1_3),
        ("min_tls", 1.2, ssl.TLSVersion.TLSv1_2),
        ("min_tls", ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3),
        ("server_hostname", "siem.example", "siem.example"),
    ],
)
def test_a_value_for_tls_is_read(key: str, given: Any, expected: Any) -> None:
    settings = ClientSettings.from_mapping({"host": "siem", "protocol": "tls", key: given})
    assert getattr(settings, key) == expected


def test_the_separator_reaches_the_payload() -> None:
    assert ShipperSettings(host="siem", sep="^").payload == KeyValuePayload("^")


@pytest.mark.parametrize(
    ("key", "wrong", "expected"),
    [
        ("host", ["", 5, None], ""),
        ("port", [0, 65536, "x", True, 514.5], "expected a whole number from 1 to 65535"),
        ("protocol", ["tlss", "", 6], "expected one of tcp, udp, tls"),
        ("timeout", [0, -1, "1m", "inf", True], "expected a number of seconds above 0"),
        ("idle_seconds", [-1, "1m", "inf", True], "expected a number of seconds of at least 0"),
        ("max_connection_seconds", [-1, "1h", True], "expected a number of seconds of at least 0"),
        ("syslog_format", ["rfc5425", 5424], "expected one of rfc5424, rfc3164"),
        ("framing", ["lf", "octet"], "expected one of newline, octet-counting"),
        ("newlines", ["remove"], "expected one of escape, space, keep"),
        ("max_message_bytes", [0, 479, 2**31], "expected a whole number from 480 to"),
        ("timezone", ["Asia/Shangai", "+25:00", 8], "expected local, UTC"),
        ("timezone", [Timeless()], "expected a tzinfo that has an offset"),
        ("facility", ["locla0", 24, -1, 1.0], "expected a number from 0 to 23 or one of kern"),
        ("severity", ["worse", 8, True], "expected a number from 0 to 7 or one of emergency"),
        ("hostname", ["", "{", "{}", 5], "expected"),
        ("tag", ["", "}", 5], "expected"),
        ("confirm", ["yes", True], "expected one of auto, consumed, acked, written"),
        ("cert_path", ["/no/such.pem", "/", 5], "expected the path of a readable file"),
        ("client_cert", ["/no/such.pem"], "expected the path of a readable file"),
        ("client_key", ["/no/such.pem"], "expected the path of a readable file"),
        ("client_key_password", ["", 5], "expected a text"),
        (
            "server_hostname",
            ["", 5, ".x", "a..b", "a\0b", "x" * 70],
            "expected a name or an address",
        ),
        (
            "host",
            ["siem:514", "tcp://siem", "a\0b", "10.0.0.1:514"],
            "expected a name or an address without a port",
        ),
        (
            "hosts",
            ["", "a,,b", ["a", ""], [5], "a:x", ["a:0"], "a:65536", "a b", "2001:db8::1", "[a]:1"],
            "expected each receiver as name, name:port or [IPv6 address]:port",
        ),
        ("hosts", [5, {"a": 514}], "expected a list of receivers"),
        ("max_rate", [0, -1, "1/s", "nan", True], "expected a number of messages per second above"),
        ("verify_hostname", ["perhaps", 2], "expected true or false"),
        ("oversize", ["cut", 5], "expected one of truncate, split, drop"),
        ("bom", ["perhaps"], "expected true or false"),
        ("event_id", ["perhaps"], "expected true or false"),
        ("enterprise_id", [0, "x", 2**32], "expected a whole number from 1 to"),
        ("severity_rules", [5, {"field": "x"}], "expected a list of rules"),
        ("severity_rules", ["not json"], "expected JSON"),
        ("skip", [5, {"field": "x"}], "expected a list of rules"),
        ("only", [5, {"field": "x"}], "expected a list of rules"),
        ("only", ["not json"], "expected JSON"),
        ("mask", [5, {"field": "x"}], "expected a list of rules"),
        ("mask_key", ["short", "", 5], "expected a "),
        ("on_hook_error", ["keep", 5], "expected one of default, drop, hold"),
        ("dropped", ["/", "/no/such/file", 5, ""], "expected the path of a file that can be"),
        ("structured_data", [5, ["x"]], "expected a mapping of SD-ID to parameters"),
        ("structured_data", ["not json"], "expected JSON"),
        ("structured_data", [{"a b": {}}, {"a": {"b=": "c"}}], "expected as "),
        ("structured_data", [{"a": {"b": "{"}}], "expected each {"),
        ("fingerprint", ["", "ab:cd", "sha1:" + "ab" * 20, ["ab" * 33], 5], "expected SHA-256"),
        ("min_tls", ["1.1", "SSLv3", 2], "expected one of 1.2, 1.3"),
        (
            "min_tls",
            [ssl.TLSVersion.TLSv1, ssl.TLSVersion.MINIMUM_SUPPORTED, ssl.TLSVersion.SSLv3],
            "expected one of 1.2, 1.3",
        ),
        ("ssl_context", ["x", {}], "expected an object of ssl.SSLContext"),
        ("receiver", ["qradr", "", 5], "expected one of qradar, qradar-json, arcsight"),
        ("sep", ["", 5], "expected a text"),
        ("payload", ["xml", 5, {}], "expected one of key-value, json"),
        ("retry_seconds", [-1, "x", True], "expected a number of seconds of at least 0"),
        ("replay_seconds", [-1, "x", True], "expected a number of seconds of at least 0"),
        ("on_refused", ["keep", 5], "expected one of hold, drop"),
        ("refused_tries", [1, 1001, 2.5, "x", True], "expected a whole number from 2 to 1000"),
        ("window_bytes", [-1, 1.5, "x", True], "expected a whole number from 0 to 1099511627776"),
    ],
)
def test_a_wrong_value_is_refused(key: str, wrong: list[Any], expected: str) -> None:
    for value in wrong:
        error = refused(**{"host": "siem", "protocol": "tls", key: value})
        assert error.key == key
        assert str(error).startswith(f"{key}: {expected}")
        assert str(error).count(", got ") == (value is not None)
        if key not in {"client_key_password", "hosts", "mask_key", "structured_data"}:
            assert value is None or f", got {value!r}" in str(error)


def test_every_key_has_a_row_in_the_table_of_wrong_values() -> None:
    marks = vars(test_a_wrong_value_is_refused)["pytestmark"]
    tested = {row[0] for row in marks[0].args[1]}
    assert tested == {spec.name for spec in dataclasses.fields(ShipperSettings)}


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("protocol", "tpc", "did you mean 'tcp'?"),
        ("framing", "octet-count", "did you mean 'octet-counting'?"),
        ("payload", "jsn", "did you mean 'json'?"),
        ("payload", CefPayload, "CefPayload is a class: give an object, CefPayload()"),
        ("payload", JsonPayload, "JsonPayload is a class: give an object, JsonPayload()"),
        ("ssl_context", ssl.SSLContext, "SSLContext is a class: give an object"),
        ("facility", "locla3", "did you mean 'local3'?"),
        ("facility", "deamon", "did you mean 'daemon'?"),
        ("severity", "eror", "did you mean 'error'?"),
        ("severity", "Warnin", "did you mean 'warning'?"),
        ("receiver", "qradr", "did you mean 'qradar'?"),
        ("confirm", "consummed", "did you mean 'consumed'?"),
        ("newlines", "esacpe", "did you mean 'escape'?"),
        ("oversize", "spilt", "did you mean 'split'?"),
        ("on_refused", "hodl", "did you mean 'hold'?"),
        ("on_hook_error", "hodl", "did you mean 'hold'?"),
        ("mask", [{"feild": "level"}], "a rule has no key 'feild'; did you mean 'field'"),
        (
            "skip",
            [{"field": "a", "equal": "b"}],
            "a rule has no key 'equal'; did you mean 'equals'",
        ),
        ("dropped", list, "list is a class: give an object"),
        ("syslog_format", "RFC-5424", "did you mean 'rfc5424'?"),
        ("timezone", "Asia/Shangai", "did you mean 'Asia/Shanghai'?"),
        ("timezone", "asia/shanghai", "did you mean 'Asia/Shanghai'?"),
        ("timezone", "locale", "did you mean 'local'?"),
        ("timezone", "UTC+8", "did you mean '+08:00'?"),
        ("timezone", "GMT-3:30", "did you mean '-03:30'?"),
        ("timezone", "+0800", "did you mean '+08:00'?"),
        ("timezone", 8, "did you mean '+08:00'?"),
        ("severity_rules", [{"feild": "level"}], "a rule has no key 'feild'; did you mean 'field'"),
        ("severity_rules", '[{"field": "a", "severty": 1}]', "did you mean 'severity'?"),
        ("host", ["a", "b"], "; the setting hosts takes several"),
        ("host", ("a", "b:514"), "; the setting hosts takes several"),
        ("host", "a,b", "; the setting hosts takes several"),
        ("min_tls", "TLSv1.2", "did you mean '1.2'?"),
    ],
)
def test_a_value_that_is_nearly_right_is_recognised(key: str, value: Any, hint: str) -> None:
    assert hint in str(refused(**{"host": "siem", key: value}))


@pytest.mark.parametrize(
    "old", ["1.1", 1.0, "TLSv1.1", "TLSv1", "tls1.0", "SSLv3", "sslv2", ssl.TLSVersion.TLSv1]
)
def test_the_error_says_why_an_old_version_of_tls_is_refused(old: Any) -> None:
    error = str(refused(host="siem", protocol="tls", min_tls=old))
    assert error.endswith("; older versions are no longer safe (RFC 8996, RFC 7568)")


@pytest.mark.parametrize("zone", ["+25:00", "UTC+99", "zzz/zzz"])
def test_no_zone_is_suggested_where_none_is_near(zone: str) -> None:
    assert "did you mean" not in str(refused(host="siem", timezone=zone))


@pytest.mark.parametrize("kind", ["hostname", "tag"])
@pytest.mark.parametrize(
    "value", ["two words", "größer", "x" * 256, "a\n"], ids=["space", "umlaut", "long", "newline"]
)
def test_a_fixed_text_that_no_header_can_hold_is_refused(kind: str, value: str) -> None:
    # Or else each log() of a client that was made without complaint raises.
    assert refused(host="siem", **{kind: value}).key == kind


def test_the_default_hostname_is_legal() -> None:
    hostname = ClientSettings(host="siem").hostname
    assert SyslogMessage(hostname=hostname).hostname == hostname


@pytest.mark.parametrize("host", [" ", "a b", "siem\n", "\t"], ids=repr)
def test_a_host_with_white_space_in_it_is_refused(host: str) -> None:
    assert refused(host=host).key == "host"


def test_a_class_is_no_payload() -> None:
    # Calling it would make an object instead of a text, for every log.
    assert refused(host="siem", payload=JsonPayload).key == "payload"


@BOTH
@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("hsot", "did you mean 'host'?"),
        ("hots", "did you mean 'hosts'?"),
        ("Host", "did you mean 'host'?"),
        ("tls_cert_path", "did you mean 'cert_path'?"),
        ("time_zone", "did you mean 'timezone'?"),
        ("client_password", "did you mean"),
        ("zzzzz", "the keys are host, port, protocol"),
        (5, "the keys are host, port, protocol"),
        (None, "unknown setting"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(
    kind: type[ClientSettings], key: Any, hint: str
) -> None:
    with pytest.raises(SettingsError, match="unknown setting; ") as got:
        kind.from_mapping({"host": "siem", key: "hunter2"})
    assert got.value.key == str(key)
    assert hint in str(got.value)
    assert "hunter2" not in str(got.value)


@pytest.mark.parametrize("make", [SyslogClient, ClientSettings, ShipperSettings])
def test_a_misspelt_keyword_is_refused_with_the_nearest(make: Any) -> None:
    with pytest.raises(SettingsError, match=r"^protocl: unknown .* did you mean 'protocol'\?$"):
        make(host="siem", protocl="tls")


def test_a_key_that_only_the_shipper_has_is_refused_by_the_client() -> None:
    for key in ShipperOptions.__annotations__.keys() - ClientOptions.__annotations__.keys():
        problem = f"^{key}: unknown setting; only ShipperSettings has it$"
        wrong: Any = {key: "json"}
        with pytest.raises(SettingsError, match=problem):
            SyslogClient("siem", **wrong)
        with pytest.raises(SettingsError, match=problem):
            ClientSettings.from_mapping({"host": "siem", **wrong})


@pytest.mark.parametrize("value", [None, "host=siem", ["host"], 5])
def test_what_is_no_mapping_is_refused(value: Any) -> None:
    with pytest.raises(SettingsError, match="expected a mapping"):
        ShipperSettings.of(value)


@pytest.mark.parametrize(
    ("mapping", "key", "words"),
    [
        ({}, "host", "required"),
        ({"protocol": "udp", "framing": "newline"}, "framing", "contradicts protocol 'udp'"),
        (
            {"protocol": "udp", "framing": "octet-counting"},
            "framing",
            "each datagram carries one message",
        ),
        ({"newlines": "keep"}, "newlines", "needs framing 'octet-counting'"),
        ({"newlines": "keep", "framing": "newline"}, "newlines", "needs framing"),
        ({"newlines": "keep", "protocol": "udp"}, "newlines", "needs framing"),
        ({"protocol": "udp", "max_message_bytes": 65508}, "max_message_bytes", "at most 65507"),
        ({"protocol": "udp", "confirm": "consumed"}, "confirm", "contradicts protocol 'udp'"),
        ({"protocol": "udp", "confirm": "acked"}, "confirm", "contradicts protocol 'udp'"),
        ({"protocol": "relp", "framing": "newline"}, "framing", "contradicts protocol 'relp'"),
        ({"protocol": "relp+tls", "framing": "newline"}, "framing", "contradicts protocol 'relp"),
        ({"protocol": "relp", "confirm": "acked"}, "confirm", "acknowledges each message"),
        ({"protocol": "relp+tls", "confirm": "written"}, "confirm", "contradicts protocol 'relp"),
        ({"protocol": "relp", "max_message_bytes": 10**9}, "max_message_bytes", "at most 99999"),
        ({"protocol": "relp", "max_rate": 5}, "max_rate", "is for protocol 'udp'"),
        ({"protocol": "udp", "idle_seconds": 5}, "idle_seconds", "contradicts protocol 'udp'"),
        ({"oversize": "split"}, "oversize", "needs max_message_bytes: protocol 'tcp' has no limit"),
        ({"oversize": "drop", "protocol": "tls"}, "oversize", "needs max_message_bytes: protocol"),
        ({"payload": "json", "sep": "^"}, "sep", "is for payload 'key-value'"),
        ({"payload": JsonPayload(expand=("a",)), "sep": "^"}, "sep", "is for payload 'key-value'"),
        ({"payload": "cef", "sep": "^"}, "sep", "is for payload 'key-value'"),
        ({"payload": LeefPayload(), "sep": "^"}, "sep", "is for payload 'key-value'"),
        ({"payload": KeyValuePayload("^"), "sep": ";"}, "sep", "this payload does not use it"),
        ({"hosts": "a:1514,b:1514", "port": 1515}, "port", "each of hosts names a port of its own"),
        ({"protocol": "udp", "refused_tries": 3}, "refused_tries", "needs protocol 'tcp' or 'tls'"),
        ({"protocol": "relp", "refused_tries": 3}, "refused_tries", "needs protocol 'tcp' or 'tl"),
        ({"confirm": "acked", "refused_tries": 3}, "refused_tries", "with confirm 'auto' or"),
        ({"confirm": "acked", "on_refused": "drop"}, "on_refused", "with confirm 'auto' or"),
        ({"protocol": "relp", "cert_path": "PEM"}, "cert_path", "is for protocol 'tls' or 'relp+"),
        ({"max_rate": 5}, "max_rate", "is for protocol 'udp', but protocol is 'tcp'"),
        ({"max_rate": 5, "protocol": "tls"}, "max_rate", "is for protocol 'udp'"),
        ({"protocol": "tls", "client_key": "PEM"}, "client_key", "needs client_cert"),
        ({"protocol": "tls", "client_key_password": "x"}, "client_key_password", "needs client_"),
        ({"cert_path": "PEM"}, "cert_path", "is for protocol 'tls' or 'relp+tls', but"),
        ({"protocol": "udp", "client_cert": "PEM"}, "client_cert", "is for protocol 'tls'"),
        ({"server_hostname": "x"}, "server_hostname", "is for protocol 'tls'"),
        ({"syslog_format": "rfc3164", "bom": True}, "bom", "is for syslog_format 'rfc5424'"),
        ({"syslog_format": "rfc3164", "enterprise_id": 5}, "enterprise_id", "is for syslog_format"),
        (
            {"syslog_format": "rfc3164", "structured_data": '{"a": {}}'},
            "structured_data",
            "is for syslog_format",
        ),
        ({"mask": HASHED}, "mask", "a rule with hashed needs mask_key"),
        ({"mask_key": "k" * 16}, "mask_key", "needs a rule in mask with hashed"),
        ({"mask_key": "k" * 16, "mask": '[{"field": "a"}]'}, "mask_key", "needs a rule in mask"),
        ({"dropped": print}, "dropped", "has no effect: nothing is dropped unless"),
        ({"verify_hostname": False}, "verify_hostname", "is for protocol 'tls'"),
        ({"min_tls": "1.3"}, "min_tls", "is for protocol 'tls'"),
        ({"fingerprint": "ab" * 32}, "fingerprint", "is for protocol 'tls'"),
        ({"ssl_context": "CONTEXT"}, "ssl_context", "is for protocol 'tls'"),
        (
            {"protocol": "tls", "ssl_context": "CONTEXT", "cert_path": "PEM"},
            "cert_path",
            "contradicts ssl_context",
        ),
        (
            {"protocol": "tls", "ssl_context": "CONTEXT", "verify_hostname": False},
            "verify_hostname",
            "contradicts ssl_context",
        ),
    ],
)
def test_a_contradiction_is_refused(
    mapping: dict[str, Any], key: str, words: str, pem: str
) -> None:
    objects = {"PEM": pem, "CONTEXT": ssl.create_default_context()}
    given = {name: objects.get(value, value) for name, value in mapping.items()}
    error = refused(**given, **({"host": "siem"} if mapping and "hosts" not in mapping else {}))
    assert error.key == key
    assert words in str(error)


@pytest.mark.parametrize(
    "mapping",
    [
        {"newlines": "keep", "framing": "octet-counting"},
        {"protocol": "relp", "newlines": "keep", "confirm": "auto", "idle_seconds": 5},
        {"protocol": "relp", "confirm": "consumed", "max_message_bytes": 999_999_999},
        {
            "protocol": "relp+tls",
            "client_cert": "PEM",
            "client_key_password": SECRET,
            "min_tls": "1.3",
        },
        {"protocol": "udp", "max_message_bytes": 65507},
        {"protocol": "udp", "confirm": "written"},
        {"protocol": "udp", "confirm": "auto"},
        {"protocol": "udp", "framing": None},
        {"protocol": "udp", "max_rate": "0.5"},
        {"protocol": "udp", "oversize": "split"},
        {"protocol": "relp", "oversize": "drop"},
        {"oversize": "split", "max_message_bytes": 480},
        {"oversize": "truncate"},
        {"host": None, "hosts": "a:1514,b:1514", "port": 514},
        {"host": None, "hosts": "a:1514,b", "port": 515},
        {"hosts": "a:1514,b:1514", "port": 515},
        {"payload": "json", "sep": "||"},
        {"payload": KeyValuePayload("^"), "sep": "^"},
        {"payload": repr, "sep": "^"},
        {"protocol": "udp", "refused_tries": 5, "on_refused": "hold"},
        {"mask": HASHED, "mask_key": SECRET * 16},
        {"dropped": print, "on_hook_error": "drop"},
        {"dropped": print, "on_refused": "drop"},
        {"dropped": print, "oversize": "drop", "max_message_bytes": 480},
        {"dropped": print, "protocol": "udp"},
        {"protocol": "tls", "client_cert": "PEM", "client_key_password": SECRET},
        {
            "protocol": "tls",
            "client_cert": "PEM",
            "client_key": "PEM",
            "client_key_password": SECRET,
        },
        {"server_hostname": "2001:db8::1", "protocol": "tls"},
        {"protocol": "tls", "ssl_context": "CONTEXT", "server_hostname": "siem.example"},
        {"protocol": "tls", "ssl_context": "CONTEXT", "fingerprint": "ab" * 32},
        {"protocol": "tls", "verify_hostname": False, "fingerprint": "ab" * 32},
        {"cert_path": None, "client_key": None, "min_tls": None},
    ],
)
def test_what_only_looks_like_a_contradiction_is_accepted(
    mapping: dict[str, Any], pem: str
) -> None:
    objects = {"PEM": pem, "CONTEXT": ssl.create_default_context()}
    given = {name: objects.get(value, value) for name, value in mapping.items()}
    settings = ShipperSettings.from_mapping({"host": "siem", **given})
    assert settings.host in {"siem", "a"}
    assert dataclasses.replace(settings) == settings


WRONG_RULES: list[tuple[str, Any, str]] = [
    ("skip", {}, "field: expected a name"),
    ("skip", {"field": "f"}, "exactly one of equals, contains, matches, at_least, got none"),
    ("only", {"field": "f", "matches": "(a+)+$"}, "a repeat within a repeat"),
    ("only", SeverityRule("f", equals="x", severity=3), "expected a LogRule or a mapping of field"),
    ("mask", {}, "exactly one of field, field_matches, value_matches, got none"),
    ("mask", {"field": "a", "value_matches": "b"}, "exactly one of field, field_matches"),
    ("mask", {"field": ""}, "field: expected a name"),
    ("mask", {"field": "__time__"}, "field: __time__ cannot be masked"),
    ("mask", {"field_matches": "("}, "field_matches: missing )"),
    ("mask", {"field_matches": "(a+)+$"}, "field_matches: some texts can be read in so many ways"),
    ("mask", {"value_matches": "(a+)+$"}, "value_matches: some texts can be read in so many ways"),
    ("mask", {"value_matches": "a*"}, "expected a pattern that matches at least one character"),
    ("mask", {"value_matches": b"a"}, "expected a text, got bytes"),
    ("mask", {"field": "a", "text": 5}, "text: expected a text, got 5"),
    ("mask", {"field": "a", "hashed": "yes"}, "hashed: expected true or false, got 'yes'"),
    ("mask", {"field": "a", "hashed": True, "text": "x"}, "text: has no effect with hashed"),
    ("mask", "password", "expected a MaskRule or a mapping of field, field_matches"),
]


@pytest.mark.parametrize(("key", "rule", "words"), WRONG_RULES)
def test_a_wrong_rule_names_its_setting(key: str, rule: Any, words: str) -> None:
    error = refused(host="siem", **{key: [rule]})
    assert error.key == key
    assert words in str(error)
    if isinstance(rule, dict) and not any(isinstance(value, bytes) for value in rule.values()):
        variables = {"SYSLOG_HOST": "siem", f"SYSLOG_{key.upper()}": json.dumps([rule])}
        with pytest.raises(SettingsError, match=f"environment variable SYSLOG_{key.upper()}"):
            ShipperSettings.from_env(variables)


def test_rules_are_the_same_from_python_a_dict_and_the_environment() -> None:
    made = ShipperSettings(
        host="siem",
        skip=[LogRule("a", equals="b")],
        only=[LogRule("n", at_least=5)],
        mask=[MaskRule("email", hashed=True), MaskRule(value_matches="[0-9]{13}", text="<card>")],
        mask_key="k" * 16,
    )
    rules = {
        "skip": [{"field": "a", "equals": "b"}],
        "only": [{"field": "n", "at_least": 5}],
        "mask": [
            {"field": "email", "hashed": True},
            {"value_matches": "[0-9]{13}", "text": "<card>"},
        ],
    }
    assert ShipperSettings.from_mapping({"host": "siem", "mask_key": "k" * 16, **rules}) == made
    variables = {f"SYSLOG_{key.upper()}": json.dumps(value) for key, value in rules.items()}
    others = {"SYSLOG_HOST": "siem", "SYSLOG_MASK_KEY": "k" * 16 + "\n"}
    assert ShipperSettings.from_env({**variables, **others}) == made
    assert "k" * 16 not in repr(made)
    assert "k" * 16 not in repr(vars(made))


def test_a_key_that_is_too_short_is_not_shown() -> None:
    assert "short" not in str(refused(host="siem", mask_key="short-key"))


def test_a_secret_is_never_shown(pem: str) -> None:
    settings = ShipperSettings(
        host="siem", protocol="tls", client_cert=pem, client_key_password=SECRET
    )
    assert settings.client_key_password == SECRET
    assert SECRET not in repr(settings) + str(settings)
    error = refused(host="siem", client_key_password=SECRET)
    assert SECRET not in str(error) + repr(error)
    assert SECRET not in str(refused(host="siem", client_key_password=[SECRET]))


def test_no_container_of_a_secret_shows_it(pem: str) -> None:
    settings = ShipperSettings(
        host="siem", protocol="tls", client_cert=pem, client_key_password=SECRET
    )
    copies: list[Any] = [vars(settings), dataclasses.astuple(settings), copy.deepcopy(settings)]
    copies += [pickle.loads(pickle.dumps(settings)).client_key_password, [{1: vars(settings)}]]
    for one in copies:
        assert SECRET not in repr(one)


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=repr)
def test_a_line_feed_at_the_end_of_a_secret_is_no_part_of_it(pem: str, end: str) -> None:
    settings = ShipperSettings(
        host="siem", protocol="tls", client_cert=pem, client_key_password=SECRET + end
    )
    assert settings.client_key_password == SECRET
    assert refused(host="siem", client_key_password=end).key == "client_key_password"


def test_repr_shows_what_differs_from_the_defaults() -> None:
    settings = ShipperSettings(hosts="a,b", payload="json", hostname="me", severity="error")
    assert repr(settings) == (
        "ShipperSettings(host='a', port=514, hosts=('a:514', 'b:514'), framing='newline',"
        " severity=<Severity.ERROR: 3>, hostname='me',"
        " payload=JsonPayload(expand=(), names='as-is'))"
    )


def test_repr_of_a_client_shows_where_it_sends_and_no_secret(pem: str) -> None:
    keywords: dict[str, Any] = {"client_cert": pem, "client_key_password": SECRET}
    client = SyslogClient("siem", protocol="tls", **keywords)
    assert repr(client).startswith("<SyslogClient to tls://siem:6514: ClientSettings(host='siem'")
    assert SECRET not in repr(client)


def test_files_that_do_not_hold_what_they_should_are_refused(pem: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    tls = {"host": "siem", "protocol": "tls"}
    error = refused(**tls, cert_path=str(empty))
    assert error.key == "cert_path"
    assert "expected CA certificates" in str(error)
    wrong_password = refused(**tls, client_cert=pem, client_key_password="wrong")
    assert wrong_password.key == "client_key_password"
    assert "is not the password of the private key" in str(wrong_password)
    assert refused(**tls, client_cert=pem, client_key=str(empty)).key == "client_key"


@pytest.mark.parametrize("key", ["client_key", "client_cert", "cert_path"])
def test_a_key_given_in_place_of_its_path_is_not_shown(key: str) -> None:
    text = f"-----BEGIN PRIVATE KEY-----\n{SECRET * 20}\n-----END PRIVATE KEY-----\n"
    error = refused(host="siem", protocol="tls", **{key: text})
    assert error.key == key
    assert SECRET not in str(error)


def test_a_long_value_does_not_fill_the_log() -> None:
    assert len(str(refused(host="siem", protocol="x" * 1_000_000))) < 500


def test_settings_cannot_be_changed_but_replaced() -> None:
    settings = ShipperSettings(host="siem")
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.host = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "given",
    [
        {"host": "siem"},
        {"host": "siem", "protocol": "udp"},
        {"host": "siem", "protocol": "tls", "min_tls": "1.3"},
        {"host": "siem", "protocol": "tls", "ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)},
        {"hosts": "a:1514, [::1]", "port": 600},
    ],
    ids=["tcp", "udp", "tls", "ssl_context", "hosts"],
)
def test_one_key_can_be_replaced(given: dict[str, Any]) -> None:
    settings = ShipperSettings.from_mapping(given)
    replaced = dataclasses.replace(settings, timeout=5)
    assert replaced.timeout == 5.0
    assert dataclasses.replace(replaced, timeout=120) == settings


@pytest.mark.parametrize("payload", ["key-value", "json"])
def test_settings_cross_the_border_of_a_process(payload: Any) -> None:
    settings = ShipperSettings(host="siem", payload=payload, timezone="Asia/Shanghai")
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("given", "receivers"),
    [
        ({"hosts": "a,b:1514"}, ["tcp://a:514", "tcp://b:1514"]),
        ({"hosts": ["a", "[::1]:99", "[2001:db8::1]"]}, ["a:514", "[::1]:99", "[2001:db8::1]:514"]),
        ({"hosts": "a:9 , b", "port": 600}, ["a:9", "b:600"]),
        ({"hosts": ("b", "a"), "protocol": "tls"}, ["tls://b:6514", "tls://a:6514"]),
        ({"host": "c", "hosts": ["a", "b"]}, ["c:514", "a:514", "b:514"]),
        ({"host": "b", "hosts": ["a", "B:514", "b:1514", "a"]}, ["b:514", "a:514", "b:1514"]),
        ({"host": "::1", "hosts": ["[::1]:514", "a"]}, ["[::1]:514", "a:514"]),
    ],
)
def test_several_receivers_stand_in_order(given: dict[str, Any], receivers: list[str]) -> None:
    settings = ShipperSettings.from_mapping(given)
    assert [one.destination for one in settings.receivers] == [
        name if "://" in name else f"tcp://{name}" for name in receivers
    ]
    assert settings.destination == " or ".join(one.destination for one in settings.receivers)
    first = settings.receivers[0]
    assert (settings.host, settings.port) == (first.host, first.port)


def test_settings_of_one_receiver_are_whole() -> None:
    several = ShipperSettings(hosts="a,b:1514", facility="local3", sep="^")
    alone = ShipperSettings(host="b", port=1514, facility="local3", sep="^")
    assert several.receivers[1] == alone
    assert several.receivers[1].receivers == (alone,)
    assert alone.receivers[0] is alone


def test_a_list_of_one_receiver_is_that_receiver() -> None:
    assert ShipperSettings(hosts=("siem:1514",)) == ShipperSettings(host="siem", port=1514)


def test_the_wrong_one_of_several_receivers_is_named() -> None:
    assert str(refused(hosts=["siem", "relay:51x4"])).endswith(", got 'relay:51x4'")
    assert str(refused(hosts=",".join(["a" * 60] * 9 + ["siem:0"]))).endswith(", got 'siem:0'")


def test_the_wrong_part_of_structured_data_is_named() -> None:
    whole = {"right@1": {"a": "b"}, "wrong@1": {"c d": "e"}}
    error = str(refused(host="siem", structured_data=whole))
    assert error.endswith(", got 'c d' (RFC 5424 section 6.3)")
    assert "right" not in error


def test_several_receivers_are_read_from_the_environment() -> None:
    settings = ShipperSettings.from_env({"SYSLOG_HOSTS": "a,b:1514", "SYSLOG_PROTOCOL": "tls"})
    assert [one.destination for one in settings.receivers] == ["tls://a:6514", "tls://b:1514"]
    with pytest.raises(SettingsError, match=r"got 'b:x' \(environment variable SYSLOG_H"):
        ShipperSettings.from_env({"SYSLOG_HOSTS": "a,b:x"})


def test_settings_come_back_as_they_are() -> None:
    settings = ShipperSettings(host="siem")
    assert ShipperSettings.of(settings) is settings
    assert ClientSettings.of(settings) is settings


def test_the_environment_is_read() -> None:
    settings = ShipperSettings.from_env(
        {
            "SYSLOG_HOST": "siem",
            "SYSLOG_PORT": "1514",
            "SYSLOG_PROTOCOL": "udp",
            "SYSLOG_FACILITY": "local3",
            "SYSLOG_TIMEOUT": "5",
            "SYSLOG_RETRY_SECONDS": "0",
            "SYSLOG_SEP": "^",
            "PATH": "/bin",
            "XSYSLOG_HOST": "other",
        }
    )
    assert settings == ShipperSettings(
        host="siem",
        port=1514,
        protocol="udp",
        facility=Facility.LOCAL3,
        timeout=5,
        retry_seconds=0,
        sep="^",
    )


def test_the_environment_is_that_of_the_process_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYSLOG_HOST", "from.the.process")
    assert ShipperSettings.from_env().host == "from.the.process"


def test_an_empty_variable_counts_as_not_set() -> None:
    environ = {f"SYSLOG_{row[0].upper()}": "" for row in ShipperSettings.describe()}
    assert ShipperSettings.from_env({**environ, "SYSLOG_HOST": "siem", "SYSLOG_ZZZ": ""}) == (
        ShipperSettings(host="siem")
    )
    with pytest.raises(SettingsError, match="host: required"):
        ShipperSettings.from_env(environ)


@pytest.mark.parametrize("service", ["SYSLOG", "SYSLOG_RELAY", "SYSLOG_NG_UDP"])
def test_the_links_to_services_that_kubernetes_sets_are_passed_over(service: str) -> None:
    links = {
        f"{service}_SERVICE_HOST": "10.0.0.11",
        f"{service}_SERVICE_PORT": "514",
        f"{service}_SERVICE_PORT_SYSLOG_TCP": "514",
        f"{service}_PORT": "tcp://10.0.0.11:514",
        f"{service}_PORT_514_TCP": "tcp://10.0.0.11:514",
        f"{service}_PORT_514_TCP_PROTO": "tcp",
        f"{service}_PORT_514_TCP_PORT": "514",
        f"{service}_PORT_514_TCP_ADDR": "10.0.0.11",
        f"{service}_PORT_514_UDP": "udp://10.0.0.11:514",
        f"{service}_PORT_514_UDP_PROTO": "udp",
    }
    assert ShipperSettings.from_env({**links, "SYSLOG_HOST": "siem"}) == (
        ShipperSettings(host="siem")
    )


@pytest.mark.parametrize(
    ("environ", "key", "words"),
    [
        ({"SYSLOG_PORT": "0"}, "port", "SYSLOG_PORT"),
        ({"SYSLOG_PORT": "x"}, "port", "expected a whole number"),
        ({"SYSLOG_PROTCOL": "tcp"}, "protcol", "did you mean 'protocol'?"),
        ({"SYSLOG_PROTCOL": "tcp"}, "protcol", "SYSLOG_PROTCOL"),
        ({"SYSLOG_MIN_TLS": "1.3"}, "min_tls", "SYSLOG_MIN_TLS"),
        ({"SYSLOG_HOST": ""}, "host", "SYSLOG_HOST"),
    ],
)
def test_a_wrong_variable_is_named(environ: dict[str, str], key: str, words: str) -> None:
    with pytest.raises(SettingsError) as got:
        ShipperSettings.from_env({"SYSLOG_HOST": "siem", **environ})
    assert got.value.key == key
    assert words in str(got.value)
    assert str(got.value).count(f"{key}: ") == 1


def test_a_secret_of_the_environment_is_not_shown_either() -> None:
    with pytest.raises(SettingsError) as got:
        ShipperSettings.from_env({"SYSLOG_HOST": "siem", "SYSLOG_CLIENT_KEY_PASSWORD": SECRET})
    assert SECRET not in str(got.value)


@BOTH
def test_every_key_is_described(kind: type[ClientSettings]) -> None:
    rows = kind.describe()
    assert [row[0] for row in rows] == [spec.name for spec in dataclasses.fields(kind)]
    assert all(meaning.endswith(".") for _, _, meaning in rows)


def test_a_described_default_can_be_written_as_it_is_shown() -> None:
    environ = {"SYSLOG_HOST": "siem", "SYSLOG_PROTOCOL": "tls"}
    plain = ShipperSettings.from_env(environ)
    for key, default, _ in ShipperSettings.describe():
        if default and key != "protocol":
            written = {**environ, f"SYSLOG_{key.upper()}": default}
            assert ShipperSettings.from_env(written) == plain, key


@pytest.mark.parametrize("kind", [ClientSettings, ShipperSettings])
@pytest.mark.parametrize("key", ["self", "cls", "options", "mapping"])
def test_no_name_of_ours_is_taken_for_a_key(kind: type[ClientSettings], key: str) -> None:
    with pytest.raises(SettingsError, match=f"{key}: unknown setting"):
        kind.from_mapping({"host": "siem", key: 1})
    assert kind.from_env({"SYSLOG_HOST": "siem", f"SYSLOG_{key.upper()}": "1"}) == kind(host="siem")


@pytest.mark.parametrize(
    ("kind", "key", "words"),
    [
        (ShipperSettings, "SERVER_NAME", "; did you mean SYSLOG_SERVER_HOSTNAME? "),
        (ShipperSettings, "TLS_CERT_PATH", "; did you mean SYSLOG_CERT_PATH? "),
        (ShipperSettings, "FOO", "unknown setting; docs/reference/settings.md lists all"),
        (ClientSettings, "FOO", ", as does ClientSettings.describe()"),
        (ShipperSettings, "NG_OPTS", "unknown setting; "),
        pytest.param(ShipperSettings, "X" * 100_000, "unknown setting; ", id="long"),
        (ClientSettings, "RECEIVER", "; only ShipperSettings has it"),
        (ClientSettings, "SEP", "; only ShipperSettings has it"),
    ],
)
def test_a_variable_that_is_far_from_every_key_is_a_warning(
    kind: type[ClientSettings], key: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    environ = {"SYSLOG_HOST": "siem", f"SYSLOG_{key}": SECRET}
    assert kind.from_env(environ) == kind(host="siem")
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("sls_syslog.settings", "WARNING")
    assert record.getMessage().startswith(f"environment variable SYSLOG_{key} has no effect: ")
    assert words in record.getMessage()
    assert len(record.getMessage().replace(key, "")) < 200  # not all names
    assert SECRET not in record.getMessage()


@BOTH
@pytest.mark.parametrize(
    "key", ["HSOT", "HOTS", "PROTCOL", "PROTOKOLL", "TIME_ZONE", "SERVER_HOSTNAMES", "FACILTY"]
)
def test_a_variable_that_is_almost_a_key_is_an_error(kind: type[ClientSettings], key: str) -> None:
    problem = rf"^{key.lower()}: unknown setting; did .* \(environment variable SYSLOG_{key}\)$"
    with pytest.raises(SettingsError, match=problem):
        kind.from_env({"SYSLOG_HOST": "siem", f"SYSLOG_{key}": "x"})
