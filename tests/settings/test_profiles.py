"""Receiver profiles: what the setting does, and that each row's bytes obey its receiver's rules.

The rules are written here once more, from the receivers' documentation and sources, and share
nothing with the code that writes messages. They are applied to every log of the hostile corpus.
"""

from __future__ import annotations

import dataclasses
import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aliyun.log.proto import LogGroupList

from sls_syslog import SettingsError, ShipperSettings, SyslogClient
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.safe_hooks import SafeHooks
from sls_syslog.payloads.by_name import PAYLOADS
from sls_syslog.payloads.cef import CefPayload
from sls_syslog.payloads.leef import LeefPayload
from sls_syslog.payloads.text import JsonPayload, KeyValuePayload
from sls_syslog.settings.keywords import ReceiverName
from sls_syslog.settings.profiles import PROFILES
from sls_syslog.settings.protocols import PROTOCOLS
from sls_syslog.testing import LogEntry, encode_log_group
from tests.support.corpus import CORPUS
from tests.support.processes import ROOT
from tests.support.servers import ParsedByServer, Rsyslog, SyslogNg, SyslogServer

each_profile = pytest.mark.parametrize("name", PROFILES)

Rule: TypeAlias = Callable[[bytes], object]
"""Looks at one message, without its frame, and raises or returns something false if it is wrong."""

# The receivers' rules

PRI = rb"<(?:0|[1-9]\d?|1[0-8]\d|19[01])>"
RFC3164 = re.compile(
    PRI + rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?: [1-9]|[12]\d|3[01])"
    rb" (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d [A-Za-z0-9_.-]{1,255} "
)
TAG = re.compile(rb"[A-Za-z0-9_./-]{1,32}: ")
RFC5424 = re.compile(
    PRI + rb"1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)"
    rb" [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32} - "
)
PART = re.compile(rb"__part__=(\d+)/(\d+) __part_id__=([0-9a-f]+) ")
CEF = re.compile(
    rb"CEF:0\|(?:[^|\\]|\\[|\\]){1,}\|(?:[^|\\]|\\[|\\])*\|(?:[^|\\]|\\[|\\])*\|"
    rb"(?:[^|\\]|\\[|\\])*\|(?:[^|\\]|\\[|\\])*\|(?:\d|10|Unknown|Low|Medium|High|Very-High)\|"
)
# The EventID has up to 255 characters, not bytes.
LEEF = re.compile(r"LEEF:2\.0\|[^|\t]+\|[^|\t]+\|[^|\t]*\|[^|\t]{1,255}\|\^\|")
LEEF_ATTRIBUTE = re.compile(r"[A-Za-z0-9_.-]+=[^\t^]*", re.S)
SEPARATORS = {"\u0085", "\u2028", "\u2029", "\x7f", *map(chr, (*range(0x20), *range(0x80, 0xA0)))}


def text(message: bytes) -> bytes:
    """The MSG part."""
    header = RFC5424.match(message) or RFC3164.match(message)
    assert header
    rest = message[header.end() :]
    tag = None if header.re is RFC5424 else TAG.match(rest)
    return rest[tag.end() :] if tag else rest


def is_utf8(message: bytes) -> bool:
    return bool(message.decode("utf-8", "strict"))


def has_no_bom(message: bytes) -> bool:
    return not text(message).startswith(b"\xef\xbb\xbf")


def is_one_line(message: bytes) -> bool:
    """No LF, CR, NUL or what else ends a line for some reader; a TAB is none of these."""
    return not (SEPARATORS - {"\t"}) & set(message.decode())


def has_no_tab(message: bytes) -> bool:
    return b"\t" not in message


def is_rfc5424(message: bytes) -> object:
    return RFC5424.match(message)


def is_rfc3164(message: bytes) -> object:
    return RFC3164.match(message)


def has_a_tag(message: bytes) -> object:
    header = RFC3164.match(message)
    return header and TAG.match(message, header.end())


def is_cef_without_a_tag(message: bytes) -> object:
    header = RFC3164.match(message)
    return header and CEF.match(message, header.end())


def is_leef_without_a_tag(message: bytes) -> object:
    header = RFC3164.match(message)
    return header and LEEF.match(message[header.end() :].decode())


def has_only_leef_attributes(message: bytes) -> bool:
    """Each key once; the last attribute may be cut anywhere."""
    decoded = message.decode()
    found = LEEF.search(decoded)
    attributes = decoded[found.end() :].split("^")[:-1] if found else []
    names = [attribute.partition("=")[0] for attribute in attributes]
    return all(map(LEEF_ATTRIBUTE.fullmatch, attributes)) and len(set(names)) == len(names)


def is_json(message: bytes) -> bool:
    body = text(message)
    return bool(PART.match(body) or isinstance(json.loads(body), dict))


def is_at_most(size: int) -> Rule:
    return lambda message: len(message) <= size


ALL: tuple[Rule, ...] = (is_utf8, has_no_bom, is_one_line)
JSON_5424: tuple[Rule, ...] = (*ALL, is_rfc5424, is_json)
JSON_3164: tuple[Rule, ...] = (*ALL, is_rfc3164, has_a_tag, is_json)
CEF_3164: tuple[Rule, ...] = (*ALL, is_cef_without_a_tag)
LEEF_3164: tuple[Rule, ...] = (
    *(*ALL, is_leef_without_a_tag),
    *(has_no_tab, has_only_leef_attributes),
)
RULES: Mapping[str, tuple[Rule, ...]] = {
    "qradar": (*LEEF_3164, is_at_most(4096)),
    "qradar-json": (*JSON_3164, is_at_most(4096)),
    "arcsight": CEF_3164,
    "splunk": (*JSON_5424, is_at_most(10_000)),
    "sc4s": (*JSON_5424, is_at_most(65_536)),
    "sentinel": (*CEF_3164, is_at_most(8096)),
    "elastic": (*JSON_5424, is_at_most(20_971_520)),
    "graylog": (*JSON_5424, is_at_most(2_097_152)),
    # 65536 with the line feed and "2:<address>:", of at most 46 characters, before it
    "wazuh": (*JSON_3164, is_at_most(65_536 - 1 - 49)),
    "logrhythm": (*ALL, is_rfc3164, has_a_tag),
    "rsyslog": (*ALL, is_rfc5424, is_at_most(8096)),
    "rsyslog-relp": (*ALL, is_rfc5424, is_at_most(8096)),
    "syslog-ng": (*ALL, is_rfc5424, is_at_most(65_536)),
    "sumo": (*ALL, is_rfc5424, is_at_most(64_000)),
    "datadog": (*JSON_5424, is_at_most(256_000)),
    "logscale": (*JSON_5424, is_at_most(2048)),
    "vector": (*JSON_5424, is_at_most(102_400)),
}
UDP_SIZES = {"qradar": 1024, "qradar-json": 1024, "elastic": 10_240}
OCTET_COUNTING = {"rsyslog"}
RELP = {"rsyslog-relp"}  # each frame is a message

# The library's bytes


def settings_of(name: str, **keys: Any) -> ShipperSettings:
    return ShipperSettings.from_mapping({"host": "siem.example", "receiver": name, **keys})


def make_encoder(settings: ShipperSettings) -> LogEncoder:
    return LogEncoder(settings, MessageHooks(settings))


def encoded(encoder: LogEncoder, *groups: bytes) -> list[bytes]:
    """What is sent for these groups, piece by piece."""
    batch = LogGroupList()
    for group in groups:
        batch.LogGroups.add().ParseFromString(group)
    return encoder.encode(batch).frames


def lines(stream: bytes) -> Iterator[bytes]:
    assert stream.endswith(b"\n")
    yield from stream[:-1].split(b"\n")


def counted(stream: bytes) -> Iterator[bytes]:
    """Octet counting: a number without a leading zero, a space, so many bytes, and so on."""
    while stream:
        count = re.match(rb"([1-9]\d*) ", stream)
        assert count
        size = int(count[1])
        message, stream = stream[count.end() :][:size], stream[count.end() + size :]
        assert len(message) == size
        yield message


def messages(name: str, *groups: bytes, **keys: Any) -> list[bytes]:
    """What the receiver of a profile is sent for these groups."""
    return taken_out(name, encoded(make_encoder(settings_of(name, **keys)), *groups))


def taken_out(name: str, frames: list[bytes]) -> list[bytes]:
    """What the receiver of a profile takes out of the stream, each as it begins with ``<``."""
    if name in RELP:
        found = frames
    else:
        stream = b"".join(frames)
        found = list(counted(stream) if name in OCTET_COUNTING else lines(stream))
    assert all(message.startswith(b"<") for message in found)
    return found


def group_of(**fields: str) -> bytes:
    return encode_log_group([LogEntry(tuple(fields.items()), 1_795_403_700)], topic="audit")


def broken(rules: tuple[Rule, ...], message: bytes) -> list[str]:
    """The names of the rules that a message breaks."""
    return [str(rule) for rule in rules if not is_kept(rule, message)]


def is_kept(rule: Rule, message: bytes) -> bool:
    try:
        return bool(rule(message))
    except (ValueError, AssertionError):
        return False


# The rows


def test_every_profile_has_rules_and_every_rule_a_profile() -> None:
    assert set(RULES) == set(PROFILES)


def test_every_row_is_whole() -> None:
    for name, row in PROFILES.items():
        assert row.name == name == name.lower()
        assert row.title, name
        assert row.note.endswith("."), name
        assert "http" in row.source, name


def test_no_row_drops_or_touches_trust() -> None:
    keys = {spec.name for spec in dataclasses.fields(ShipperSettings)}
    for name, row in PROFILES.items():
        assert row.settings["oversize"] in {"split", "truncate"}, name
        assert not {"verify_hostname", "host", "hosts", "confirm"} & set(row.settings), name
        assert set(row.settings) | set(row.udp) <= keys, name


@each_profile
def test_a_hostile_corpus_obeys_the_rules_of_the_receiver(name: str) -> None:
    encoder = make_encoder(settings_of(name))
    wrong = [
        (case.id, found, message[:300])
        for case in CORPUS
        for message in taken_out(name, encoded(encoder, case.group()))
        if (found := broken(RULES[name], message))
    ]
    assert not wrong, f"{len(wrong)} messages, first {wrong[0]}"


def test_every_log_of_a_batch_is_a_message() -> None:
    groups = [group_of(n=str(number)) for number in range(50)]
    for name in PROFILES:
        assert len(messages(name, *groups)) == 50, name


@each_profile
def test_a_datagram_has_no_frame_and_fits(name: str) -> None:
    settings = settings_of(name, protocol="UDP")
    assert settings.framing is None
    limit = UDP_SIZES.get(name, 65_507)
    assert (settings.max_message_bytes or 0) <= limit
    encoder = make_encoder(settings)
    for case in CORPUS:
        for datagram in encoded(encoder, case.group()):
            assert datagram.startswith(b"<")
            assert len(datagram) <= limit


SPLITTING = [name for name, row in PROFILES.items() if row.settings["oversize"] == "split"]


@pytest.mark.parametrize("name", SPLITTING)
def test_of_a_log_that_is_split_nothing_is_lost(name: str) -> None:
    value = "中文 words " * 300
    keys = {"max_message_bytes": 2048}
    parts = [PART.match(text(message)) for message in messages(name, group_of(k=value), **keys)]
    assert len(parts) > 1
    assert len({part and part[3] for part in parts}) == 1
    whole = b"".join(part.string[part.end() :] for part in parts if part)
    assert value.encode() in whole
    if "payload" in PROFILES[name].settings:
        assert json.loads(whole)["k"] == value


@pytest.mark.parametrize("name", ["qradar", "sentinel"])
def test_what_is_cut_is_still_the_receiver_s_event(name: str) -> None:
    (message,) = messages(name, group_of(**{f"k{n}": "中" * 500 for n in range(20)}))
    assert broken(RULES[name], message) == []
    # The texts are cut to the same length, so less than a character for each of them is left.
    assert len(message) > (settings_of(name).max_message_bytes or 0) - 20 * len("中".encode())


def test_the_object_in_actiontrail_s_logs_is_one_for_qradar() -> None:
    event = {"eventName": "DeleteBucket", "userIdentity": {"type": "ram-user"}}
    (message,) = messages("qradar-json", group_of(event=json.dumps(event)))
    assert json.loads(text(message))["event"] == event


def test_splunk_s_sed_command_on_its_page_leaves_pure_json() -> None:
    page = (ROOT / "docs" / "how-to" / "receivers" / "splunk.md").read_text()
    command = re.search(r"^ +SEDCMD-\w+ = s/(.+)//$", page, re.M)
    assert command
    (message,) = messages("splunk", group_of(a="1", b="{x} <14>1 "), tag="sls")
    assert json.loads(re.sub(command[1], "", message.decode(), count=1))["a"] == "1"


# Real receivers

SERVERS: Mapping[str, Callable[..., SyslogServer]] = {
    "rsyslog": partial(Rsyslog, framing="octet-counting", max_message_bytes=8096),
    "syslog-ng": SyslogNg,
}


@pytest.mark.parametrize("name", SERVERS)
def test_the_real_receiver_takes_the_longest_messages_whole(name: str, tmp_path: Path) -> None:
    group = group_of(key="x" * 200_000)
    with SERVERS[name](tmp_path) as server:
        settings = settings_of(name, port=server.port)
        sent = messages(name, group)
        assert max(map(len, sent)) == settings.max_message_bytes
        send(b"".join(encoded(make_encoder(settings), group)), settings.port)
        received: list[ParsedByServer] = server.wait_for(len(sent))
    assert [one.msg.encode() for one in received] == [text(message) for message in sent]


def send(stream: bytes, port: int) -> None:
    """To the server on this machine, and wait until it has read everything."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(stream)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


# The setting


def test_a_profile_sets_several_keys() -> None:
    settings = settings_of("wazuh")
    assert (settings.syslog_format, settings.framing) == ("rfc3164", "newline")
    assert (settings.max_message_bytes, settings.oversize) == (65_000, "split")
    assert settings.payload == ShipperSettings(host="siem", payload="json").payload
    assert settings.receiver == "wazuh"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("syslog_format", "rfc5424"),  # the default
        ("syslog_format", "rfc3164"),
        ("framing", "octet-counting"),
        ("framing", "newline"),
        ("max_message_bytes", 480),
        ("oversize", "truncate"),  # the default
        ("newlines", "space"),
        ("port", 5514),
        ("protocol", "tcp"),
    ],
)
def test_a_key_that_is_given_wins(key: str, value: Any) -> None:
    for name in PROFILES if key != "framing" else PROFILES.keys() - RELP:
        assert getattr(settings_of(name, **{key: value}), key) == value, name
        keywords: dict[str, Any] = {"host": "siem", "receiver": name, key: value}
        assert getattr(ShipperSettings(**keywords), key) == value, name
        environ = {f"SYSLOG_{name.upper()}": str(given) for name, given in keywords.items()}
        assert getattr(ShipperSettings.from_env(environ), key) == value, name


def test_a_payload_that_is_given_wins() -> None:
    for name, row in PROFILES.items():
        make = row.payloads.get("key-value", KeyValuePayload)
        assert settings_of(name, payload="key-value").payload == make("||"), name
        assert settings_of(name, payload=repr).payload is repr, name


@each_profile
def test_dict_keyword_and_environment_are_the_same(name: ReceiverName) -> None:
    settings = settings_of(name.upper())
    assert settings == ShipperSettings(host="siem.example", receiver=name)
    environ = {"SYSLOG_HOST": "siem.example", "SYSLOG_RECEIVER": name}
    assert settings == ShipperSettings.from_env(environ)
    assert settings == dataclasses.replace(settings)
    assert settings == settings_of(name, payload=None, syslog_format=None, framing=None)


@each_profile
def test_the_documented_settings_take_a_profile_on_top(name: str) -> None:
    documented = {"port": 514, "protocol": "tcp", "sep": "||", "timeout": 120, "facility": 1}
    settings = settings_of(name, **documented, cert_path=None, severity=6, hostname=None, tag=None)
    assert (settings.protocol, settings.port) == ("tcp", 514)


@pytest.mark.parametrize("name", ["sumo", "SUMO"])
def test_a_profile_can_demand_tls(name: str) -> None:
    assert settings_of(name).destination == "tls://siem.example:6514"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("qradr", "did you mean 'qradar'?"),
        ("syslogng", "did you mean 'syslog-ng'?"),
        ("splunkk", "did you mean 'splunk'?"),
        ("zzz", "expected one of qradar, "),
        (5, "expected one of qradar, "),
        ("", "expected one of qradar, "),
    ],
)
def test_an_unknown_receiver_is_refused_with_the_nearest(wrong: Any, words: str) -> None:
    with pytest.raises(SettingsError) as got:
        settings_of(wrong)
    assert got.value.key == "receiver"
    assert words in str(got.value)


def test_a_wrong_protocol_is_that_key_s_error() -> None:
    with pytest.raises(SettingsError, match=r"^protocol: expected one of tcp, udp, tls"):
        settings_of("qradar", protocol="tpc")


def test_a_contradiction_names_the_receiver_as_well() -> None:
    with pytest.raises(
        SettingsError, match=r"^bom: is for syslog_format .* \(with receiver 'wazuh'\)"
    ):
        settings_of("wazuh", bom=True)
    with pytest.raises(SettingsError, match=r"^framing: contradicts protocol 'udp'"):
        settings_of("rsyslog", protocol="udp", framing="newline")


def test_a_client_has_no_receiver_profile() -> None:
    with pytest.raises(SettingsError, match="receiver: unknown setting"):
        SyslogClient.from_settings({"host": "siem", "receiver": "splunk"})


def test_what_is_right_for_events_does_not_cut_another_payload() -> None:
    settings = ShipperSettings.from_mapping(
        {"host": "siem", "receiver": "qradar", "payload": "json", "oversize": "split"}
    )
    assert (settings.oversize, settings.newlines) == ("split", "escape")
    settings = ShipperSettings.from_mapping({"host": "siem", "receiver": "qradar"})
    assert (settings.oversize, settings.newlines) == ("truncate", "space")


@each_profile
@pytest.mark.parametrize("protocol", [None, *PROTOCOLS])
@pytest.mark.parametrize("payload", [None, *PAYLOADS, CefPayload(), repr])
def test_no_profile_makes_a_payload_or_a_protocol_refused(
    name: str, protocol: str | None, payload: Any
) -> None:
    settings = settings_of(name, protocol=protocol, payload=payload)
    assert dataclasses.replace(settings) == settings
    assert settings.oversize != "split" or not getattr(settings.payload, "stands_for_tag", False)
    if isinstance(payload, str):
        assert settings_of(name, protocol=protocol, payload=payload.upper()) == settings
    SafeHooks(settings, MessageHooks(settings), str, lambda *_: None)  # has a payload of its own


@each_profile
def test_what_a_profile_sets_may_be_repeated(name: str) -> None:
    assert settings_of(name, **PROFILES[name].settings) == settings_of(name)


def test_what_is_right_for_json_does_not_split_an_event() -> None:
    assert settings_of("splunk", payload="cef").oversize == "truncate"
    with pytest.raises(SettingsError, match="oversize: 'split' would leave"):
        settings_of("splunk", payload="cef", oversize="split")


def test_a_setting_without_effect_under_a_profile_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"^sep: is for payload 'key-value'.* \(with receiver 'splunk'\)$"
    ):
        settings_of("splunk", sep="^")
    with pytest.raises(SettingsError, match=r"^oversize: needs max_message_bytes"):
        settings_of("logrhythm", oversize="drop")
    settings = settings_of("logrhythm", oversize="drop", max_message_bytes=480)
    assert settings.oversize == "drop"


def test_a_receiver_gets_the_form_of_a_payload_that_it_reads() -> None:
    assert settings_of("elastic").payload == JsonPayload(names="nested")
    assert settings_of("elastic", payload="json").payload == JsonPayload(names="nested")
    assert settings_of("elastic", payload=JsonPayload()).payload == JsonPayload()
    assert settings_of("logrhythm", sep="^").payload == KeyValuePayload("^", time=True)
    leef = settings_of("sc4s", payload="leef")
    assert leef.payload == LeefPayload(dialect="sc4s")
    assert (leef.syslog_format, leef.newlines, leef.oversize) == ("rfc3164", "space", "truncate")
    assert (leef.framing, leef.max_message_bytes) == ("newline", 65_536)
    assert settings_of("sc4s", payload="leef", syslog_format="rfc5424").syslog_format == "rfc5424"


@pytest.mark.parametrize("name", ["wazuh", "logrhythm"])
def test_a_header_without_a_year_has_the_full_time_behind_it(name: str) -> None:
    (message,) = messages(name, group_of(a="1"))
    assert broken(RULES[name], message) == []
    assert re.search(rb'__time__(=|":")\d{10}\b', message)


def test_parts_of_an_event_are_refused() -> None:
    with pytest.raises(SettingsError, match="oversize: 'split' would leave"):
        ShipperSettings.from_mapping({"host": "siem", "payload": "cef", "oversize": "split"})
