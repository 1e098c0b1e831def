"""Maps a log to an event whose values have the keys of CEF's extension dictionary.

Sans-I/O. A mapping says where each value comes from. The values of an event are clean and have
the type of their key. This module must not escape: ``cef.py`` and ``leef.py`` write the event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.caches import BUDGET, weigh
from sls_syslog.payloads.dictionary import (
    ADDRESSES,
    CEF_KEYS,
    CONSUMER_KEYS,
    CUSTOM_KEYS,
    FULL_NAMES,
    HEADER_NAMES,
    LEEF_NAMES,
    RESERVED_KEYS,
    STRING_KINDS,
    Address,
    rank_key,
)
from sls_syslog.payloads.fields import (
    NOTHING,
    Accept,
    Constant,
    Fields,
    Source,
    clean,
    make_reader,
)
from sls_syslog.payloads.shorten import LEAST_TEXT, MARK, cut, find_least
from sls_syslog.payloads.values import CONVERSIONS, NO_VALUES, classify_address

__all__ = [
    "Event",
    "EventMapping",
    "Labelled",
    "find_least_of",
    "get_source",
    "make_key",
    "weigh_mapping",
    "weigh_with_mapping",
]

_KEY = re.compile(r"[A-Za-z0-9]+")
_TIME_DIGITS = 10  # of seconds since 1970; SLS's have at most 10, and no receiver reads more
_AUTHORITY = re.compile(r"(?:[A-Za-z][\w+.-]*://[^/?#]*)?[/?#]")  # scheme, host and port of a URL
_WORDS = ("Unknown", "Low", "Medium", "High", "Very-High")
_SEVERITIES: dict[str, str] = {str(n): str(n) for n in range(11)} | {
    word.lower(): word for word in _WORDS
}
_HEADER_LIMITS = {"vendor": 63, "product": 63, "version": 31}
_A_SOURCE = "a field's name, a function of the log, or a tuple of these"
_SHORT_NAMES = {full.lower(): key for key, full in FULL_NAMES.items()}
_INSTEAD = {leef: f"use CEF's {key!r}" for key, leef in LEEF_NAMES.items()} | {
    "sev": "use the parameter severity",
    "devTimeFormat": "times are always milliseconds since 1970",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value for a key that needs a label: ``cs1``, ``cn1``, ...

    Attributes:
        label: What the value is; LEEF's key is made from it.
        source: Where the value comes from.
    """

    label: str
    source: Source


class Event(NamedTuple):
    """The event that one log describes.

    Attributes:
        class_id: The kind of event, for machines.
        name: The kind of event, for people.
        severity: ``0`` to ``10``, or ``Unknown``, ``Low``, ``Medium``, ``High``, ``Very-High``;
            ``""`` if the mapping finds none: the severity of the message counts.
        values: The values by CEF's keys; none is empty. They are in the order of ``rank_key``.
        omitted: How many values were left out because they are not of their key's type, or too
            long for it.
    """

    class_id: str
    name: str
    severity: str
    values: dict[str, str]
    omitted: int = 0


_Read: TypeAlias = Callable[[Fields], str]
# Stores a value, and returns whether the log's value could be stored or was none.
_Put: TypeAlias = Callable[[dict[str, str], str], bool]
# The name of a field, or None; the reader for everything else; the key; and the function that
# stores a value under the key, or None if the key accepts any text.
_Step: TypeAlias = tuple[Any, _Read, str, "_Put | None"]


@dataclass(frozen=True, kw_only=True, eq=False)
class EventMapping:
    """How logs of one kind become events.

    Free text is cut at the limits of CEF's dictionary, in characters, and then ends in ``...``. A
    value that is not of its key's type is left out, and counted; so is a name, path or identifier
    that is too long. Under ``src``, ``dst`` and ``dvc``, an IPv6 address goes to
    ``c6a2``, ``c6a3`` and ``c6a1`` instead, and a host name to ``shost``, ``dhost`` and
    ``dvchost``; of several sources an IP address counts before a host name. If a key gets several
    values, the first one counts. If the mapping gives no ``rt``, it is the log's own time, if that
    is a number of at most ten digits; if it gives no ``externalId``, it is the log's
    ``__event_id__``, if that has at most 40 characters. An event has its values in the order of
    ``rank_key``, not of ``extension``.

    Attributes:
        vendor: Who made the product; at most 63 characters.
        product: What wrote the log; at most 63 characters.
        version: The product's version; at most 31 characters.
        event_class_id: The kind of event, the same in every language. If it gives nothing, the
            topic counts, and without a topic ``log``.
        name: The kind of event, for people. If it is ``None`` or gives nothing, the event class
            id counts.
        severity: Where the severity comes from, or a severity: 0 to 10, or one of CEF's words. If
            it is ``None``, or gives anything else, the severity of the message counts, which
            ``severity.py`` converts.
        extension: Where the values come from, by key: a key of CEF's dictionary, or any other of
            letters and digits. For a key that needs a label, give ``Labelled``; with any other
            source, the name of the field is the label.
        labels: The labels by key; derived.
        keys: All keys that an event of this mapping may have, in order; derived.

    Raises:
        SettingsError: If a text is too long or a key is wrong.
    """

    vendor: str = "Alibaba Cloud"
    product: str = "Log Service"
    version: str = "1.0"
    event_class_id: Source = "__topic__"
    name: Source | None = None
    severity: Source | int | None = None
    extension: Mapping[str, Source | Labelled] = field(default_factory=dict)
    labels: Mapping[str, str] = field(init=False, repr=False)
    keys: tuple[str, ...] = field(init=False, repr=False)
    _steps: tuple[_Step, ...] = field(init=False, repr=False)
    _class_id: _Read = field(init=False, repr=False)
    _name: _Read | None = field(init=False, repr=False)
    _severity: _Read = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for key, limit in _HEADER_LIMITS.items():
            _check_header(key, getattr(self, key), limit)
        _check_source("event_class_id", self.event_class_id)
        _check_source("name", "" if self.name is None else self.name)
        if self.severity is not None and not _is_severity(self.severity):
            _check_source("severity", self.severity)
        for key, value in self.extension.items():
            _check_key(key, value)
        ordered = sorted(self.extension.items(), key=lambda item: rank_key(item[0]))
        object.__setattr__(self, "extension", dict(ordered))
        for name, derived in self._derive().items():
            object.__setattr__(self, name, derived)

    def event(self, log: Mapping[str, str]) -> Event:
        """Make the event of one log."""
        fields = Fields(log)
        get_field = fields.log.get
        values: dict[str, str] = {}
        omitted = 0
        for name, read, key, put in self._steps:  # runs once per value: the quick way first
            value = get_field(name)
            if value is None:
                value = read(fields)
            if value and value != NOTHING:
                if put is None:
                    values[key] = value
                elif not put(values, value):
                    omitted += 1
        class_id = self._class_id(fields)
        name = self._name(fields) if self._name else class_id
        return Event(class_id, name or class_id, self._severity(fields), values, omitted)

    def _derive(self) -> dict[str, Any]:
        sources = {key: get_source(value) for key, value in self.extension.items()}
        labels = {
            key: _make_label(key, self.extension[key]) for key in sources if key in CUSTOM_KEYS
        }
        steps = [
            *(_make_step(key, source) for key, source in sources.items()),
            _make_default("rt", _read_time),
            _make_default("externalId", _read_event_id),
        ]
        return {
            "labels": {other.ipv6: other.ipv6_label for other in _find_addresses(sources)} | labels,
            "keys": tuple(dict.fromkeys(_list_keys(sources))),
            "_steps": tuple(sorted(steps, key=lambda step: rank_key(step[2]))),
            "_class_id": make_reader((self.event_class_id, "__topic__", Constant("log"))),
            "_name": self.name and make_reader(self.name),
            "_severity": _make_severity_reader(self.severity),
        }


def make_key(
    name: str, taken: Container[str] = (), reserved: Container[str] = RESERVED_KEYS
) -> str:
    """Make a custom key from a field's name or a label; the same name gives the same key.

    ASCII letters and digits stay. A letter after any other character becomes a capital
    (``user_agent``: ``userAgent``). A name with characters outside ASCII ends in a digest of
    the name. If CEF or LEEF give the key a meaning, in any case, it gets ``sls`` in front.

    Args:
        name: Any text.
        taken: Keys that are in use; a key that would be one of them gets a number.
        reserved: Keys with a meaning, in lower case.
    """
    first, *others = _KEY.findall(name) or [""]
    key = str(first + "".join(part[0].upper() + part[1:] for part in others))
    if not name.isascii():  # the remaining characters could be the key of another field
        key += blake2b(name.encode("utf-8", "replace"), digest_size=4).hexdigest()
    if not key or key[0].isdigit():
        key = f"f{key}"
    if key.lower() in reserved:
        key = f"sls{key[0].upper()}{key[1:]}"
    number, numbered = 1, key
    while numbered in taken or numbered.lower() in reserved:
        number += 1
        numbered = f"{key}{number}"
    return numbered


def find_least_of(key: str, value: str) -> int | None:
    """Find to how many characters a value may be cut, with the mark.

    Args:
        key: The key in CEF.
        value: The value.

    Returns:
        The fewest characters that must stay; ``None`` if half of the value would be a false one.
    """
    if key in CEF_KEYS and CEF_KEYS[key].kind != "string":
        return None
    kind = STRING_KINDS.get(key, "long")
    if kind == "url":
        found = _AUTHORITY.match(value)
        return max(LEAST_TEXT, found.end() + len(MARK)) if found else None
    if kind == "text":
        return LEAST_TEXT
    return find_least(value) if kind == "long" else None


def weigh_mapping(names: tuple[str, ...]) -> int:
    """Estimate the bytes of a mapping with these fields or keys."""
    return weigh(names, times=5, besides=4000)


def weigh_with_mapping(mapping: EventMapping, *parts: Any, besides: int = 0) -> int:
    """Estimate the bytes of what is made from a mapping and these texts.

    The mapping does not count: another cache holds it. If it is too large for that, the answer
    is too large as well.
    """
    whole = weigh_mapping(mapping.keys)
    return whole if BUDGET.is_too_large(whole) else weigh(*parts, times=2, besides=besides)


def _check_header(key: str, value: object, limit: int) -> None:
    if not isinstance(value, str) or not 0 < len(clean(value)) <= limit:
        raise SettingsError(key, f"expected 1 to {limit} characters, got {short_repr(value)}")


def _check_source(key: str, source: object) -> None:
    if not _is_source(source):
        raise SettingsError(key, f"expected {_A_SOURCE}, got {short_repr(source)}")


def _check_key(key: Any, value: Any) -> None:
    problems = (
        (
            "a key must have only letters and digits",
            not isinstance(key, str) or not _KEY.fullmatch(key),
        ),
        ("only a consumer may add this key, a producer must not send it", key in CONSUMER_KEYS),
        (
            f"give the label as Labelled('...', source) under {str(key)[:-5]!r}",
            str(key).endswith("Label") and str(key)[:-5] in CUSTOM_KEYS,
        ),
        (
            f"this is LEEF's name: {_INSTEAD.get(key, '')}",
            key in _INSTEAD and key not in CEF_KEYS,
        ),
        (
            f"this is the full name of CEF's {_SHORT_NAMES.get(str(key).lower())!r}: use that",
            str(key).lower() in _SHORT_NAMES,
        ),
        (
            f"CEF's header has this name: give the parameter {str(key).lower()!r}",
            key in HEADER_NAMES,
        ),
        (
            "only keys such as cs1, cn1 and c6a4 have a label",
            isinstance(value, Labelled) and key not in CUSTOM_KEYS,
        ),
        (
            "a label must be a text that is not empty",
            isinstance(value, Labelled) and not clean(value.label),
        ),
        (f"expected {_A_SOURCE}, got {short_repr(value)}", not _is_source(get_source(value))),
    )
    for problem, holds in problems:
        if holds:
            raise SettingsError("extension", f"{short_repr(key)}: {problem}")


def _is_source(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_source, value))
    return isinstance(value, str) or callable(value)


def get_source(value: Source | Labelled) -> Source:
    """Return the source of a value, with or without a label."""
    return value.source if isinstance(value, Labelled) else value


def _make_label(key: str, value: Source | Labelled) -> str:
    label = value.label if isinstance(value, Labelled) else _find_name(value) or key
    return clean(label)[: CUSTOM_KEYS[key]].rstrip()


def _find_name(source: Source) -> str:
    """Find the name of the first field in a source; ``""`` if there is none."""
    if isinstance(source, tuple):
        return next(filter(None, map(_find_name, source)), "")
    return source if isinstance(source, str) else ""


def _find_addresses(keys: Mapping[str, Any]) -> list[Address]:
    return [other for key, other in ADDRESSES.items() if key in keys]


def _list_keys(keys: Mapping[str, Any]) -> list[str]:
    others = [key for other in _find_addresses(keys) for key in (other.ipv6, other.host)]
    return ["rt", *keys, *others, "externalId"]


def _make_step(key: str, source: Source) -> _Step:
    name = source if isinstance(source, str) else None
    read = make_reader(source, *_list_fits(key))
    return name, read, key, _make_put(key) if key in CEF_KEYS else None


def _list_fits(key: str) -> tuple[Accept, ...]:
    """List what fits a key, the best first; nothing if any text does."""
    kind, _ = CEF_KEYS.get(key, ("string", 0))
    if kind == "string":
        return ()
    if kind == "address":
        return _is_ip_address, _is_address
    convert = CONVERSIONS[kind]
    return (lambda value: convert(value) is not None,)


def _is_ip_address(value: str) -> bool:
    return (classify_address(value) or ("host",))[0] != "host"


def _is_address(value: str) -> bool:
    return classify_address(value) is not None


def _make_put(key: str) -> _Put:
    """Make a function that stores a value if its key can hold it and has none yet."""
    kind, limit = CEF_KEYS[key]
    if kind == "string":
        return _make_put_string(key, limit)
    if kind == "address":
        return _make_put_address(key)
    return _make_put_typed(key, CONVERSIONS[kind])


def _make_put_string(key: str, limit: int) -> _Put:
    def put(values: dict[str, str], value: str) -> bool:
        if len(value) > limit:
            least = find_least_of(key, value)
            if least is None or least > limit:
                return False
            value = cut(value, limit)
        values.setdefault(key, value)
        return True

    return put


def _make_put_typed(key: str, convert: Callable[[str], str | None]) -> _Put:
    def put(values: dict[str, str], value: str) -> bool:
        converted = convert(value)
        if converted is None:
            return value.lower() in NO_VALUES
        values.setdefault(key, converted)
        return True

    return put


def _make_put_address(key: str) -> _Put:
    other = ADDRESSES[key]
    keys = {"ipv4": key, "ipv6": other.ipv6, "host": other.host}
    limit = CEF_KEYS[other.host].limit  # longer than any address

    def put(values: dict[str, str], value: str) -> bool:
        found = classify_address(value)
        if found is None:
            return value.lower() in NO_VALUES
        kind, address = found
        if len(address) > limit:
            return False
        values.setdefault(keys[kind], address)
        return True

    return put


def _is_severity(source: object) -> bool:
    return isinstance(source, (int, str)) and str(source).lower() in _SEVERITIES


def _make_severity_reader(source: Source | int | None) -> _Read:
    if source is None:
        source = Constant("")
    elif isinstance(source, int) or _is_severity(source):
        source = Constant(str(source))
    if isinstance(source, Constant):
        constant = _SEVERITIES.get(source.value.lower(), "")
        return lambda fields: constant
    read = make_reader(source, lambda value: value.lower() in _SEVERITIES)
    return lambda fields: _SEVERITIES.get(read(fields).lower(), "")


def _read_time(fields: Fields) -> str:
    """Read the log's own time, in milliseconds since 1970."""
    seconds = fields.log.get("__time__", "")
    nanoseconds = fields.log.get("__time_ns_part__", "")
    if not seconds.isdecimal() or len(seconds) > _TIME_DIGITS:
        return ""
    # More than nine digits are more than a second.
    is_part = nanoseconds.isdecimal() and len(nanoseconds) <= 9
    return str(int(seconds) * 1000 + (int(nanoseconds) // 1_000_000 if is_part else 0))


def _read_event_id(fields: Fields) -> str:
    event_id = fields.log.get("__event_id__", "")
    return event_id if len(event_id) <= CEF_KEYS["externalId"].limit else ""


def _make_default(key: str, read: _Read) -> _Step:
    """Make the step that stores a value if the mapping gave none."""

    def put(values: dict[str, str], value: str) -> bool:
        values.setdefault(key, value)
        return True

    return None, read, key, put
