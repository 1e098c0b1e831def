"""What a log means to a SIEM, in one vocabulary: that of CEF's extension dictionary.

Pure. A mapping says where each value comes from; what it makes of a log is clean and of
the type of its key, so that ``cef.py`` and ``leef.py`` have nothing left but to write it.
Nothing here escapes anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.payloads.dictionary import (
    ADDRESSES,
    CEF_KEYS,
    CONSUMER_KEYS,
    CUSTOM_KEYS,
    LEEF_NAMES,
    RESERVED_KEYS,
    Address,
)
from sls_syslog.payloads.fields import NOTHING, Constant, Fields, Source, clean, reader, text
from sls_syslog.payloads.values import CONVERSIONS, address_of

__all__ = ["Event", "EventMapping", "Fields", "Labelled", "Source", "key_for", "text"]

_KEY = re.compile(r"[A-Za-z0-9]+")
_WORDS = ("Unknown", "Low", "Medium", "High", "Very-High")
_SEVERITIES: dict[str, str] = {str(n): str(n) for n in range(11)} | {
    word.lower(): word for word in _WORDS
}
_DEFAULT_SEVERITY = "3"
_HEADER_LIMITS = {"vendor": 63, "product": 63, "version": 31}
_A_SOURCE = "a field's name, a function of the log, or a tuple of these"
_INSTEAD = {leef: f"CEF's {key!r} is the same" for key, leef in LEEF_NAMES.items()} | {
    "sev": "severity is a parameter of its own",
    "devTimeFormat": "times are always milliseconds since 1970",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value for one of the keys that mean nothing without a label: ``cs1``, ``cn1``, ...

    Attributes:
        label: What the value is; in LEEF its key is made of it.
        source: Where it comes from.
    """

    label: str
    source: Source


class Event(NamedTuple):
    """What one log means.

    Attributes:
        class_id: What kind of event it is.
        name: The same for people.
        severity: ``0`` to ``10``, or ``Unknown``, ``Low``, ``Medium``, ``High``, ``Very-High``.
        values: The values by their keys of CEF; none is empty, the time comes first.
    """

    class_id: str
    name: str
    severity: str
    values: dict[str, str]


_Read: TypeAlias = Callable[[Fields], str]
_Put: TypeAlias = Callable[[dict[str, str], str], None]
# The name of a field (else None), what else to ask, the key, and how to put a value there, which
# is None where any text will do.
_Step: TypeAlias = tuple[Any, _Read, str, "_Put | None"]


@dataclass(frozen=True, kw_only=True, eq=False)
class EventMapping:
    """How logs of one kind become events.

    Strings are cut at the limits of CEF's dictionary, in characters. Values of another type
    than their key's are left out. An IPv6 address under ``src``, ``dst`` or ``dvc`` goes to
    ``c6a2``, ``c6a3`` or ``c6a1``, a host name to ``shost``, ``dhost`` or ``dvchost``. Of several
    values for a key the first one counts. ``rt`` is the log's own time where the mapping gives
    none, and ``externalId`` its ``__event_id__`` if that has at most 40 characters.

    Attributes:
        vendor: Who made the product; at most 63 characters.
        product: What wrote the log; at most 63 characters.
        version: Its version; at most 31 characters.
        event_class_id: What kind of event it is, the same for the same kind in any language;
            where it gives nothing the topic counts, and ``log`` where there is none.
        name: The same for people; ``None``, or where it gives nothing, the event class id.
        severity: Where 0 to 10, or one of CEF's words for it, comes from, or such a severity
            itself; anything else counts as 3.
        extension: Where the values come from, by key: one of CEF's dictionary, or any other of
            letters and digits. The keys that need a label take ``Labelled``; for another
            source the name of the field is the label.
        labels: The labels by the keys they belong to; derived.
        keys: All keys that an event of this mapping may have, in order; derived.

    Raises:
        SettingsError: If a text is too long or a key is wrong.
    """

    vendor: str = "Alibaba Cloud"
    product: str = "Log Service"
    version: str = "1.0"
    event_class_id: Source = "__topic__"
    name: Source | None = None
    severity: Source | int = 3
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
        _check_source(
            "severity", str(self.severity) if _is_severity(self.severity) else self.severity
        )
        for key, value in self.extension.items():
            _check_key(key, value)
        for name, derived in self._derived().items():
            object.__setattr__(self, name, derived)

    def event(self, log: Mapping[str, str]) -> Event:
        """What ``log`` means."""
        fields = Fields(log)
        field_of = fields.log.get
        values: dict[str, str] = {}
        for name, read, key, put in self._steps:  # the quick way first: once for each value
            value = field_of(name)
            if value is None:
                value = read(fields)
            if value and value != NOTHING:
                if put is None:
                    values[key] = value
                else:
                    put(values, value)
        class_id = self._class_id(fields)
        name = self._name(fields) if self._name else class_id
        return Event(class_id, name or class_id, self._severity(fields), values)

    def _derived(self) -> dict[str, Any]:
        sources = {key: _unlabelled(value) for key, value in self.extension.items()}
        labels = {key: _label(key, self.extension[key]) for key in sources if key in CUSTOM_KEYS}
        steps = [_step(key, source) for key, source in sources.items() if key != "rt"]
        times = [_step("rt", sources["rt"])] if "rt" in sources else []
        return {
            "labels": {other.ipv6: other.ipv6_label for other in _addresses(sources)} | labels,
            "keys": tuple(dict.fromkeys(_possible_keys(sources))),
            "_steps": (
                *times,
                _if_missing("rt", _own_time),
                *steps,
                _if_missing("externalId", _event_id),
            ),
            "_class_id": reader((self.event_class_id, "__topic__", text("log"))),
            "_name": self.name and reader(self.name),
            "_severity": _severity_reader(self.severity),
        }


def key_for(name: str, taken: Container[str] = ()) -> str:
    """A custom key made of a field's name or of a label, the same for the same name.

    ASCII's letters and digits stay, and a letter behind anything else becomes a capital
    (``user_agent``: ``userAgent``); a name that has other letters ends in a digest of it. A name
    that CEF or LEEF have given a meaning gets ``sls`` before it.

    Args:
        name: Any text.
        taken: Keys that it must differ from; it gets a number for that.
    """
    first, *others = _KEY.findall(name) or [""]
    key = str(first + "".join(part[0].upper() + part[1:] for part in others))
    if not name.isascii():  # what is left of it would be another field's as well
        key += blake2b(name.encode("utf-8", "replace"), digest_size=4).hexdigest()
    if not key or key[0].isdigit():
        key = f"f{key}"
    if key in RESERVED_KEYS:
        key = f"sls{key[0].upper()}{key[1:]}"
    number, numbered = 1, key
    while numbered in taken or numbered in RESERVED_KEYS:
        number += 1
        numbered = f"{key}{number}"
    return numbered


def _check_header(key: str, value: object, limit: int) -> None:
    if not isinstance(value, str) or not 0 < len(clean(value)) <= limit:
        raise SettingsError(key, f"expected 1 to {limit} characters, got {short_repr(value)}")


def _check_source(key: str, source: object) -> None:
    if not _is_source(source):
        raise SettingsError(key, f"expected {_A_SOURCE}, got {short_repr(source)}")


def _check_key(key: Any, value: Any) -> None:
    problems = (
        ("a key is letters and digits", not isinstance(key, str) or not _KEY.fullmatch(key)),
        ("this key is for consumers, a producer must not send it", key in CONSUMER_KEYS),
        (
            f"give the label as Labelled('...', source) under {str(key)[:-5]!r}",
            str(key).endswith("Label") and str(key)[:-5] in CUSTOM_KEYS,
        ),
        (
            f"this is LEEF's name, and {_INSTEAD.get(key, '')}",
            key in _INSTEAD and key not in CEF_KEYS,
        ),
        (
            "only keys such as cs1, cn1 and c6a4 have a label",
            isinstance(value, Labelled) and key not in CUSTOM_KEYS,
        ),
        (
            "a label is a text that is not empty",
            isinstance(value, Labelled) and not clean(value.label),
        ),
        (f"expected {_A_SOURCE}, got {short_repr(value)}", not _is_source(_unlabelled(value))),
    )
    for problem, holds in problems:
        if holds:
            raise SettingsError("extension", f"{short_repr(key)}: {problem}")


def _is_source(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_source, value))
    return isinstance(value, str) or callable(value)


def _unlabelled(value: Source | Labelled) -> Source:
    return value.source if isinstance(value, Labelled) else value


def _label(key: str, value: Source | Labelled) -> str:
    label = value.label if isinstance(value, Labelled) else _name_of(value) or key
    return clean(label)[: CUSTOM_KEYS[key]].rstrip()


def _name_of(source: Source) -> str:
    """The name of the field that a value comes from, if there is one."""
    if isinstance(source, tuple):
        return next(filter(None, map(_name_of, source)), "")
    return source if isinstance(source, str) else ""


def _addresses(keys: Mapping[str, Any]) -> list[Address]:
    return [other for key, other in ADDRESSES.items() if key in keys]


def _possible_keys(keys: Mapping[str, Any]) -> list[str]:
    others = [key for other in _addresses(keys) for key in (other.ipv6, other.host)]
    return ["rt", *keys, *others, "externalId"]


def _step(key: str, source: Source) -> _Step:
    name = source if isinstance(source, str) else None
    return name, reader(source), key, _writer(key) if key in CEF_KEYS else None


def _writer(key: str) -> _Put:
    """A function that puts a value among others, if its key may hold it and is not there yet."""
    kind, limit = CEF_KEYS[key]
    if kind == "string":
        return _string(key, limit)
    return _address(key) if kind == "address" else _typed(key, CONVERSIONS[kind])


def _string(key: str, limit: int) -> _Put:
    def put(values: dict[str, str], value: str) -> None:
        values.setdefault(key, value if len(value) <= limit else value[:limit].rstrip())

    return put


def _typed(key: str, convert: Callable[[str], str | None]) -> _Put:
    def put(values: dict[str, str], value: str) -> None:
        converted = convert(value)
        if converted is not None:
            values.setdefault(key, converted)

    return put


def _address(key: str) -> _Put:
    other = ADDRESSES[key]
    keys = {"ipv4": key, "ipv6": other.ipv6, "host": other.host}
    limit = CEF_KEYS[other.host].limit  # longer than any address

    def put(values: dict[str, str], value: str) -> None:
        found = address_of(value)
        if found is not None:
            kind, address = found
            values.setdefault(keys[kind], address[:limit])

    return put


def _is_severity(source: object) -> bool:
    return isinstance(source, (int, str)) and str(source).lower() in _SEVERITIES


def _severity_reader(source: Source | int) -> _Read:
    if isinstance(source, int) or _is_severity(source):
        source = text(str(source))
    if isinstance(source, Constant):
        constant = _SEVERITIES.get(source.value.lower(), _DEFAULT_SEVERITY)
        return lambda fields: constant
    read = reader(source)
    return lambda fields: str(_SEVERITIES.get(read(fields).lower(), _DEFAULT_SEVERITY))


def _own_time(fields: Fields) -> str:
    """Milliseconds since 1970, as SLS has the log's time."""
    seconds = fields.log.get("__time__", "")
    nanoseconds = fields.log.get("__time_ns_part__", "")
    if not seconds.isdecimal():
        return ""
    # More than nine digits are no part of a second.
    is_part = nanoseconds.isdecimal() and len(nanoseconds) <= 9
    return str(int(seconds) * 1000 + (int(nanoseconds) // 1_000_000 if is_part else 0))


def _event_id(fields: Fields) -> str:
    event_id = fields.log.get("__event_id__", "")
    return event_id if len(event_id) <= CEF_KEYS["externalId"].limit else ""


def _if_missing(key: str, read: _Read) -> _Step:
    """What stands under ``key`` where the mapping gave nothing."""

    def put(values: dict[str, str], value: str) -> None:
        values.setdefault(key, value)

    return None, read, key, put
