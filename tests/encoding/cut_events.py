"""The forms of a text that may be cut, their independent readers, and what counts as true."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from sls_syslog import (
    CefPayload,
    JsonPayload,
    KeyValuePayload,
    LeefPayload,
    OcsfPayload,
    ShipperSettings,
)
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from tests.support.read_cef import read_cef
from tests.support.read_leef import read_leef
from tests.support.read_ocsf import read_ocsf
from tests.support.siem_readers import (
    read_as_elastic,
    read_as_logstash,
    read_as_qradar,
    read_as_sc4s,
    read_quoted,
)

__all__ = [
    "FORMS",
    "LEAST",
    "Form",
    "Pairs",
    "check_short",
    "encode",
    "find_text",
    "is_true",
    "make_encoder",
    "may_be_cut",
    "read_all",
    "read_pairs_of_cef",
    "read_pairs_of_leef",
]

LEAST = 480  # the least max_message_bytes
LONGEST_NAME = 255  # characters that an address, a hash or a host name may have

# Keys of CEF and LEEF whose values are sentences, whatever their length.
SENTENCES = {"msg", "requestClientApplication", "name", "header name"}
SENTENCES_OF_OCSF = {"/message", "/status_detail"}
URLS = {"request", "requestContext", "url"}
# Keys whose values name somebody or something, whatever their length.
NAMES = {
    *("act", "app", "cat", "externalId", "outcome", "proto", "deviceExternalId"),
    *("suser", "usrName", "duser", "suid", "duid", "spriv", "role", "shost", "identHostName"),
    *("dhost", "dvchost", "dvc", "src", "dst", "fname", "filePath", "sproc", "dproc"),
    *("destinationDnsDomain", "destinationServiceName", "deviceProcessName", "requestMethod"),
}

PLAIN = re.compile(r"[\w.:-]+", re.ASCII)  # what needs no escape in any form

Pairs: TypeAlias = Mapping[str, str]
Read: TypeAlias = Callable[[str], Pairs]


def read_pairs_of_cef(text: str) -> Pairs:
    event = read_cef(text)
    header = {"vendor": event.vendor, "product": event.product, "version": event.version}
    header |= {"class id": event.class_id, "name": event.name, "severity": event.severity}
    return {f"header {name}": part for name, part in header.items()} | event.extension


def read_pairs_of_leef(text: str) -> Pairs:
    event = read_leef(text)
    header = {"vendor": event.vendor, "product": event.product}
    header |= {"version": event.product_version, "class id": event.event_id}
    return {f"header {name}": part for name, part in header.items()} | event.attributes


def read_pairs_of_json(text: str) -> Pairs:
    return dict(flatten(json.loads(text), ""))


def read_pairs_of_ocsf(text: str) -> Pairs:
    return dict(flatten(read_ocsf(text), ""))


def flatten(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each text of a JSON value by its path; anything else as it is."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{path}/{key}")
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from flatten(item, f"{path}/{number}")
    else:
        yield path, value if isinstance(value, str) else repr(value)


def read_pairs_of_key_value(text: str) -> Pairs:
    """The pairs between separators; the second of two with the same key gets another one."""
    assert not text or text.startswith("||")
    return number_keys(pair.partition("=")[::2] for pair in text[2:].split("||") if text)


def read_pairs_of_quoted(text: str) -> Pairs:
    return number_keys(read_quoted(text, "||"))


def number_keys(pairs: Iterable[Sequence[str]]) -> Pairs:
    """The pairs by paths as in JSON, because a field may have the name of a key of CEF."""
    made: dict[str, str] = {}
    for name, value in pairs:
        key = f"/{name}"
        while key in made:
            key += "*"
        made[key] = value
    return made


@dataclass(frozen=True)
class Form:
    """A form of text.

    Attributes:
        payload: What writes it.
        start: How it begins.
        readers: Independent readers of it, by name; the strictest first.
        settings: The settings for it.
        fallbacks: Values that a shorter text may have for what it must not lack.
    """

    payload: Any
    start: bytes
    readers: Mapping[str, Read]
    settings: Mapping[str, Any] = field(default_factory=dict)
    fallbacks: frozenset[str] = frozenset()


CEF: dict[str, Read] = {
    "standard": read_pairs_of_cef,
    "elastic": read_as_elastic,
    "logstash": read_as_logstash,
}
LEEF: dict[str, Read] = {"standard": read_pairs_of_leef, "qradar": read_as_qradar}
EVENT = {"syslog_format": "rfc3164", "newlines": "space"}
JSON: dict[str, Read] = {"json": read_pairs_of_json}
EXPANDED = ("event", "detail", "userInfo", "user")
FORMS = {
    "cef": Form(CefPayload(), b"CEF:0|", CEF, EVENT),
    "leef": Form(LeefPayload(), b"LEEF:2.0|", LEEF, EVENT),
    "leef-1": Form(LeefPayload(leef_version="1.0"), b"LEEF:1.0|", LEEF, EVENT),
    "leef-sc4s": Form(
        LeefPayload(dialect="sc4s"),
        b"LEEF:2.0|",
        {"sc4s": read_as_sc4s, "qradar": read_as_qradar},
        EVENT,
    ),
    "json": Form(JsonPayload(), b"{", JSON),
    "json-expanded": Form(JsonPayload(expand=EXPANDED), b"{", JSON),
    "json-nested": Form(JsonPayload(expand=("event",), names="nested"), b"{", JSON),
    "json-flat": Form(JsonPayload(expand=EXPANDED, names="flat"), b"{", JSON),
    "key-value": Form(KeyValuePayload(), b"||", {"split": read_pairs_of_key_value}),
    "key-value-quoted": Form(KeyValuePayload(quote=True), b"||", {"quotes": read_pairs_of_quoted}),
    "ocsf": Form(
        OcsfPayload(), b"{", {"schema": read_pairs_of_ocsf}, fallbacks=frozenset({"Unknown", "0"})
    ),
}


def may_be_cut(key: str, value: str) -> bool:
    """Whether a value is free text, of which a part is true as well."""
    # In UTF-8, a header with 255 characters may be longer than the least message.
    is_long = len(value.encode()) > LONGEST_NAME and key not in NAMES
    return key in SENTENCES or key in SENTENCES_OF_OCSF or key in URLS or is_long


def is_true(key: str, value: str, whole: Pairs) -> bool:
    """Whether a value is that of the whole text, or free text that ends in a mark."""
    if key not in whole:
        return False
    if value == whole[key]:
        return True
    rest = value.removesuffix("...")
    if not whole[key].startswith(rest):
        return False
    if key in URLS:
        host = urlsplit(whole[key]).netloc  # nothing, if it is a path alone
        has_whole_host = not host or re.search("[/?#]", rest[8:]) is not None
        return urlsplit(rest).netloc == host and has_whole_host
    return may_be_cut(key, whole[key])


def make_encoder(form: Form, **settings: Any) -> LogEncoder:
    chosen = {"host": "siem", "hostname": "h", "timezone": "UTC", **form.settings, **settings}
    made = ShipperSettings(payload=form.payload, **chosen)
    return LogEncoder(made, MessageHooks(made))


def encode(encoder: LogEncoder, log: Pairs) -> bytes:
    return encode_with_outcomes(encoder, log)[0]


def encode_with_outcomes(encoder: LogEncoder, log: Pairs) -> tuple[bytes, list[str]]:
    """The message of a log, without its frame, and its outcomes."""
    encoded = encoder.encode_log(dict(log))
    (frame,) = encoded.frames
    size, _, counted = frame.partition(b" ")
    message = counted if size == str(len(counted)).encode() else frame.removesuffix(b"\n")
    return message, [kind for _, kind in encoded.outcomes]


def find_text(message: bytes, form: Form) -> str:
    return message[message.index(form.start) :].decode()


def read_all(message: bytes, form: Form) -> dict[str, Pairs]:
    """What each reader reads."""
    text = find_text(message, form)
    return {name: read(text) for name, read in form.readers.items()}


def check_short(
    form: Form, encoder: LogEncoder, log: Pairs, limit: int, message: bytes, whole: Any
) -> tuple[int, bool]:
    """Check the message of a log at a limit against the whole one.

    Args:
        form: The form of the text.
        encoder: The encoder, with any greater limit.
        log: The log.
        limit: The limit in bytes.
        message: The whole message, which is longer.
        whole: What each reader reads in it.

    Returns:
        The bytes of the message, and whether free text was cut.
    """
    encoder.lower_limit(limit)
    short, outcomes = encode_with_outcomes(encoder, log)
    assert len(short) <= limit
    assert "truncated" in outcomes, outcomes
    start = short.index(form.start)
    assert short[:start] == message[:start]
    texts: dict[str, str] = {}
    for reader, pairs in read_all(short, form).items():
        right = whole[reader]
        for key, value in pairs.items():
            if value != right.get(key):
                at = reader, limit, key, value, right.get(key)
                assert is_true(key, value, right) or value in form.fallbacks, at
                texts[key] = value
        if form.settings == EVENT:
            check_order(pairs, right)
    return len(short), bool(texts)


def check_order(pairs: Pairs, whole: Pairs) -> None:
    """Check that no free text has taken the place of a name, an address or a number."""
    cut = {key: value for key, value in pairs.items() if value != whole[key]}
    room = sum(len(f"{key}={value}".encode()) for key, value in cut.items() if " " not in key)
    for key, value in whole.items():
        is_pair = not key.endswith("Label") and not may_be_cut(key, value)
        if key not in pairs and is_pair and PLAIN.fullmatch(value):
            label = whole.get(f"{key}Label", "")
            assert len(f"{key}={value} {key}Label={label}".encode()) > room, (key, value, cut)
