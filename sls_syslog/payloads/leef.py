"""Events as LEEF, QRadar's Log Event Extended Format, writes them.

Pure. IBM, "Log Event Extended Format (LEEF)", versions 1.0 and 2.0. The format escapes
nothing, so what would end a value or a header field must be replaced here.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.columns import Columns, Writer
from sls_syslog.payloads.dictionary import LEEF_NAMES, STRING_LIMITS
from sls_syslog.payloads.event_payload import MappedPayload
from sls_syslog.payloads.fast_events import EventStyle, event_writer
from sls_syslog.payloads.mapping import Event, EventMapping, key_for

__all__ = ["LeefPayload"]

_DEFAULT_DELIMITERS = {"1.0": "\t", "2.0": "^"}
_DELIMITERS = frozenset(string.punctuation) - frozenset("|=\\")
_EVENT_ID_LIMIT = 255
_USER_NAME_LIMIT = 255
_TIME_DIGITS = 13  # as many as tell QRadar that it is milliseconds
_SEVERITIES = {"0": "1", "Unknown": "3", "Low": "3", "Medium": "6", "High": "8", "Very-High": "10"}
_NAME = "(name)"  # no key of CEF
_IN_HEADER = str.maketrans("|\t\r\n", "/   ")


@dataclass(frozen=True, kw_only=True)
class LeefPayload(MappedPayload):
    r"""LEEF: ``LEEF:2.0|vendor|product|version|event id|^|key=value^key=value``.

    Keys are LEEF's own where it has one for the same thing (``src``, ``srcPort``, ``usrName``,
    ``devTime`` in milliseconds since 1970, ``sev`` from 1 to 10), made of their label where they
    have one, and else CEF's. The delimiter, TAB, line feeds and carriage returns in a value become
    spaces, ``|`` in the header ``/``. A message begins with ``LEEF:``, which in RFC 3164 stands
    where the TAG is. See ``CefPayload`` for a mapping of your own.

    Attributes:
        leef_version: ``2.0``, or ``1.0``, in which the delimiter is always TAB: a rsyslog on the
            way to the receiver writes ``#011`` for it unless told not to.
        delimiter: What stands between attributes in 2.0: TAB, or a punctuation character of
            ASCII other than ``|``, ``=`` and ``\``; ``""`` for ``^``.

    Raises:
        SettingsError: If the delimiter cannot be one, or as in ``MappedPayload``.
    """

    leef_version: str = "2.0"
    delimiter: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.leef_version not in _DEFAULT_DELIMITERS:
            expected = " or ".join(_DEFAULT_DELIMITERS)
            problem = f"expected {expected}, got {short_repr(self.leef_version)}"
            raise SettingsError("leef_version", problem)
        default = _DEFAULT_DELIMITERS[self.leef_version]
        if not self.delimiter:
            object.__setattr__(self, "delimiter", default)
        _check_delimiter(self.delimiter, any_other=default != "\t")

    def __call__(self, log: Mapping[str, str]) -> str:
        """The MSG part of one log."""
        mapping, (class_id, name, severity, values) = self._event_of(log)
        if "rt" in values:
            values["rt"] = values["rt"].zfill(_TIME_DIGITS)
        if "suser" in values:
            values["suser"] = values["suser"][:_USER_NAME_LIMIT].rstrip()
        if name != class_id:
            values[_NAME] = name
        values = _writable(values, self.delimiter)
        layout = _layout(mapping, tuple(values), self.leef_version, self.delimiter)
        event_id = _header(class_id[:_EVENT_ID_LIMIT])
        return layout % (event_id, _SEVERITIES.get(severity, severity), *values.values())

    def writer(self, columns: Columns) -> Writer | None:
        """Writes logs that have these fields."""
        mapping = self._mapping_of({name: text or "" for name, text in columns})
        return event_writer(mapping, columns, _style(mapping, self.leef_version, self.delimiter))


@lru_cache(maxsize=1024)
def _style(mapping: EventMapping, version: str, delimiter: str) -> EventStyle:
    keys = _keys(mapping)
    end = delimiter.encode()

    def around(event: Event) -> tuple[bytes, bytes]:
        class_id, name, severity, _ = event
        named = _writable({_NAME: name} if name != class_id else {}, delimiter)
        layout = _layout(mapping, ("rt", *named), version, delimiter)
        event_id, severity = (
            _header(class_id[:_EVENT_ID_LIMIT]),
            _SEVERITIES.get(severity, severity),
        )
        # The time, which each event has, stands for all pairs.
        whole = layout % (event_id, severity, "\n", *named.values())
        before, behind = whole.encode().split(f"{keys['rt']}=\n".encode())
        return before, behind

    def pair(key: str, text: str) -> bytes:
        text = text.zfill(_TIME_DIGITS) if key == "rt" else text
        text = text[:_USER_NAME_LIMIT].rstrip() if key == "suser" else text
        left = _writable({key: text}, delimiter)
        return f"{keys[key]}={left[key]}".encode() if left else b""

    def escaped(text: bytes) -> bytes | None:
        return None if end in text else text

    return EventStyle(around, end, pair, lambda key: b"", (end, b"\t"), escaped, _LIMITS)


_LIMITS = {**STRING_LIMITS, "suser": _USER_NAME_LIMIT}


def _writable(values: dict[str, str], delimiter: str) -> dict[str, str]:
    """The values without what would end them, and without those that are nothing else."""
    joined = "\0".join(values.values())  # all at once, since nearly none has any
    ends = [end for end in (delimiter, "\t", "\r", "\n") if end in joined]
    if not ends:
        return values
    for end in ends:
        joined = joined.replace(end, " ")
    texts = zip(values, joined.split("\0"), strict=True)
    return {key: text.strip() for key, text in texts if text.strip()}


def _check_delimiter(delimiter: str, *, any_other: bool) -> None:
    if delimiter != "\t" and not (any_other and delimiter in _DELIMITERS):
        others = ", or punctuation of ASCII but | = \\" if any_other else " in version 1.0"
        raise SettingsError("delimiter", f"expected TAB{others}; got {short_repr(delimiter)}")


@lru_cache(maxsize=4096)  # events of a mapping come with a few sets of keys
def _layout(mapping: EventMapping, keys: tuple[str, ...], version: str, delimiter: str) -> str:
    """A message with these values, ``%s`` for each, and for what differs in the header."""
    header = map(_header, (mapping.vendor, mapping.product, mapping.version))
    start = "|".join((f"LEEF:{version}", *header)).replace("%", "%%")
    field = "" if version == "1.0" else "x09|" if delimiter == "\t" else f"{delimiter}|"
    leef_keys = _keys(mapping)
    attributes = ["sev=%s", *(f"{leef_keys[key]}=%s" for key in keys)]
    between, field = delimiter.replace("%", "%%"), field.replace("%", "%%")
    return f"{start}|%s|{field}{between.join(attributes)}"


def _keys(mapping: EventMapping) -> dict[str, str]:
    """LEEF's keys by CEF's, and that of the event's name; only an address has two for one."""
    labelled = {key: label for key, label in mapping.labels.items() if key in mapping.extension}
    keys = {key: LEEF_NAMES.get(key, key) for key in mapping.keys if key not in labelled}
    for key, label in {**labelled, _NAME: "name"}.items():
        keys[key] = key_for(label, keys.values())
    return keys


@lru_cache(maxsize=1024)
def _header(text: str) -> str:
    return text.translate(_IN_HEADER).rstrip()
