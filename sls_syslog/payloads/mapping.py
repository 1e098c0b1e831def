"""Maps a log to an event whose values have the keys of CEF's extension dictionary.

Sans-I/O. A mapping says where each value comes from. The values of an event are clean and have
the type of their key. This module must not escape: ``cef.py`` and ``leef.py`` write the event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

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
    Address,
    rank_key,
)
from sls_syslog.payloads.event_code import SEVERITIES, compile_event
from sls_syslog.payloads.fields import Source, clean
from sls_syslog.payloads.values import find_least_of

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
        time: The text of which the mapping made ``rt``, as the log has it; ``""`` if there is none.
    """

    class_id: str
    name: str
    severity: str
    values: dict[str, str]
    omitted: int = 0
    time: str = ""


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

    def __post_init__(self) -> None:
        for key, limit in _HEADER_LIMITS.items():
            _check_header(key, getattr(self, key), limit)
        _check_source("event_class_id", self.event_class_id)
        _check_source("name", "" if self.name is None else self.name)
        if self.severity is not None and not _is_severity(self.severity):
            _check_source("severity", self.severity)
        for key, value in self.extension.items():
            _check_key(key, value)
        ordered = dict(sorted(self.extension.items(), key=lambda item: rank_key(item[0])))
        labels = {key: _make_label(key, ordered[key]) for key in ordered if key in CUSTOM_KEYS}
        by_address = {other.ipv6: other.ipv6_label for other in _find_addresses(ordered)}
        for name, derived in {
            "extension": ordered,
            "labels": by_address | labels,
            "keys": tuple(dict.fromkeys(_list_keys(ordered))),
        }.items():
            object.__setattr__(self, name, derived)

    def event(self, log: Mapping[str, str]) -> Event:
        """Make the event of one log."""
        return self._make_event(log)

    @cached_property
    def _make_event(self) -> Callable[[Mapping[str, str]], Event]:
        """The compiled mapping; most processes use a few of the ready ones."""
        sources = {key: get_source(value) for key, value in self.extension.items()}
        return compile_event(Event, sources, self.event_class_id, self.name or None, self.severity)


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


def _is_severity(source: object) -> bool:
    return isinstance(source, (int, str)) and str(source).lower() in SEVERITIES
