"""Writes events as LEEF, QRadar's Log Event Extended Format.

Sans-I/O. Source: IBM, "Log Event Extended Format (LEEF)", versions 1.0 and 2.0. LEEF has no
escapes, so this module replaces every character that would end a value or a header field.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.columns import Columns, EventLayout, Writer
from sls_syslog.payloads.dictionary import (
    LEEF_LABELS,
    LEEF_NAMES,
    LEEF_RESERVED_KEYS,
    STRING_LIMITS,
)
from sls_syslog.payloads.event_layout import EventStyle, make_event_layout
from sls_syslog.payloads.event_payload import EventPayload
from sls_syslog.payloads.event_text import EventText
from sls_syslog.payloads.fast_events import make_event_writer
from sls_syslog.payloads.mapping import (
    Event,
    EventMapping,
    find_least_of,
    make_key,
    weigh_with_mapping,
)
from sls_syslog.payloads.shorten import LEAST_TEXT, Group, Measure, Part, cut, fit_header

__all__ = ["LeefPayload"]

_DEFAULT_DELIMITERS = {"1.0": "\t", "2.0": "^"}
_DELIMITERS = frozenset(string.punctuation) - frozenset("|=\\")
_EVENT_ID_LIMIT = 255
_USER_NAME_LIMIT = 255
_TIME_DIGITS = 13  # QRadar recognizes milliseconds by this number of digits
_SEVERITIES = {"0": "1", "Unknown": "3", "Low": "3", "Medium": "6", "High": "8", "Very-High": "10"}
_NAME = "(name)"  # our key for the event's name; CEF has no such key
_IN_HEADER = str.maketrans("|\t\r\n", "/   ")


class _Dialect(NamedTuple):
    """What a reader needs that does not follow IBM's guide.

    Attributes:
        format_time: Formats a time of 13 digits.
        refused: The characters that must not stand in a value; each becomes ``/``.
    """

    format_time: Callable[[str], str]
    refused: str


_DIALECTS = {
    "ibm": _Dialect(str, ""),
    # parser_leef.py and app-leef.conf of SC4S: split("|"), date-parser with "%s.%f" and "%s".
    "sc4s": _Dialect(lambda digits: f"{digits[:-3]}.{digits[-3:]}", "|"),
}


@dataclass(frozen=True, kw_only=True)
class LeefPayload(EventPayload):
    r"""LEEF: ``LEEF:2.0|vendor|product|version|event id|^|key=value^key=value``.

    A key that has a label is made from the label. For any other value, the key is LEEF's, if LEEF
    has one (``src``, ``srcPort``, ``usrName``, ``devTime`` in milliseconds since 1970, ``sev`` from
    1 to 10); if not, it is CEF's. In values the delimiter, TAB, line feeds and carriage returns
    become spaces. In the header ``|`` becomes ``/``. The message begins with ``LEEF:``; in RFC 3164
    this prefix takes the place of the TAG. See ``CefPayload`` for a mapping of your own.

    Attributes:
        leef_version: ``2.0`` or ``1.0``. In 1.0 the delimiter is always TAB, and a rsyslog on the
            way to the receiver writes ``#011`` for it by default.
        delimiter: The character between attributes in 2.0: TAB, or a punctuation character of
            ASCII other than ``|``, ``=`` and ``\``; ``""`` for ``^``.
        dialect: ``ibm``, or ``sc4s`` for Splunk Connect for Syslog: it looks for attributes only
            behind the last ``|``, so ``|`` becomes ``/`` in values too, and it reads ``devTime`` in
            seconds with a fraction.

    Raises:
        SettingsError: If the delimiter or the dialect is not allowed, or as in ``EventPayload``.
    """

    leef_version: str = "2.0"
    delimiter: str = ""
    dialect: Literal["ibm", "sc4s"] = "ibm"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dialect not in _DIALECTS:
            problem = f"expected {' or '.join(_DIALECTS)}, got {short_repr(self.dialect)}"
            raise SettingsError("dialect", problem)
        if self.leef_version not in _DEFAULT_DELIMITERS:
            expected = " or ".join(_DEFAULT_DELIMITERS)
            problem = f"expected {expected}, got {short_repr(self.leef_version)}"
            raise SettingsError("leef_version", problem)
        default = _DEFAULT_DELIMITERS[self.leef_version]
        if not self.delimiter:
            object.__setattr__(self, "delimiter", default)
        _check_delimiter(self.delimiter, any_other=default != "\t")

    def __call__(self, log: Mapping[str, str]) -> str:
        """Make the MSG part of one log."""
        mapping, event_id, severity, values, omitted = self._make_attributes(log)
        layout = _LAYOUTS[mapping, tuple(values), self.leef_version, self.delimiter]
        text = layout % (event_id, severity, *values.values())
        return EventText(text, omitted) if omitted else text

    def shorten(self, log: Mapping[str, str], room: int, measure: Measure) -> str | None:
        """Make a shorter MSG part of one log, in which every attribute is true.

        See ``ShortPayload``.
        """
        mapping, event_id, severity, values, _ = self._make_attributes(log)
        layout = _LAYOUTS[mapping, (), self.leef_version, self.delimiter]
        before, behind = (layout % ("\0", severity)).split("\0")
        start = fit_header(lambda least: [Part(before, event_id, behind, least)], room, measure)
        if start is None:
            return None
        keys = _map_keys(mapping)
        parts = [
            Part(
                f"{keys[key]}=",
                text,
                least=LEAST_TEXT if key == _NAME else find_least_of(key, text),
                write=self._write_value,
            )
            for key, text in values.items()
        ]
        group = Group("", [Part(start, ""), *parts], self.delimiter, "", must=1)
        return group.shorten(room, measure)

    def _make_attributes(
        self, log: Mapping[str, str]
    ) -> tuple[EventMapping, str, str, dict[str, str], int]:
        """Make the event of a log as LEEF has it.

        Returns:
            The mapping, the event id, the severity, the values by CEF's keys, and how many values
            were left out.
        """
        mapping, (class_id, name, severity, values, omitted, _) = self._make_event(log)
        dialect = _DIALECTS[self.dialect]
        if "rt" in values:
            values["rt"] = dialect.format_time(values["rt"].zfill(_TIME_DIGITS))
        if len(values.get("suser", "")) > _USER_NAME_LIMIT:
            del values["suser"]
            omitted += 1
        if name != class_id:
            values[_NAME] = name
        values = _replace_ends(values, self.delimiter, dialect.refused)
        event_id = _HEADERS[cut(class_id, _EVENT_ID_LIMIT)]
        return mapping, event_id, _SEVERITIES.get(severity, severity), values, omitted

    def _write_value(self, text: str) -> str:
        """Write a value that may have got a mark, in which the delimiter may be."""
        return text.replace(self.delimiter, " ").rstrip()

    def writer(self, columns: Columns) -> Writer | None:
        """Make a quick writer for logs with these fields, or ``None`` if they need the slow one."""
        return make_event_writer(self.layout(columns))

    def layout(self, columns: Columns) -> EventLayout | None:
        """Make the layout of logs with these fields, or ``None`` if they need the slow way."""
        mapping = self._choose_mapping({name: text or "" for name, text in columns})
        chosen = mapping, self._severity, self.leef_version, self.delimiter, self.dialect
        return make_event_layout(mapping, columns, _STYLES[chosen])


def _make_style(chosen: tuple[EventMapping, str, str, str, str]) -> EventStyle:
    mapping, otherwise, version, delimiter, dialect = chosen
    format_time, refused = _DIALECTS[dialect]
    keys = _map_keys(mapping)
    ends = dict.fromkeys((delimiter, "\t", "\r", "\n", *refused))

    def format_around(event: Event) -> tuple[bytes, bytes]:
        class_id, name, severity, *_ = event
        severity = severity or otherwise
        named = _replace_ends({_NAME: name} if name != class_id else {}, delimiter, refused)
        layout = _LAYOUTS[mapping, ("rt", *named), version, delimiter]
        event_id = _HEADERS[cut(class_id, _EVENT_ID_LIMIT)]
        severity = _SEVERITIES.get(severity, severity)
        # Each event has a time, so it can mark where the pairs go.
        whole = layout % (event_id, severity, "\n", *named.values())
        before, behind = whole.encode().split(f"{keys['rt']}=\n".encode())
        return before, behind

    def format_pair(key: str, text: str) -> bytes:
        text = format_time(text.zfill(_TIME_DIGITS)) if key == "rt" else text
        left = _replace_ends({key: text}, delimiter, refused)
        return f"{keys[key]}={left[key]}".encode() if left else b""

    return EventStyle(
        around=format_around,
        between=delimiter.encode(),
        pair=format_pair,
        label=lambda key: b"",
        special="".join(ends).encode(),
        replacements=tuple([b"/" if end in refused else b" " for end in ends]),
        limits=_LIMITS,
    )


_STYLES: LogCache[tuple[EventMapping, str, str, str, str], EventStyle] = LogCache(
    _make_style, lambda chosen: weigh_with_mapping(*chosen, chosen[0].keys, besides=2000)
)


_LIMITS = {**STRING_LIMITS, "suser": _USER_NAME_LIMIT}


def _replace_ends(values: dict[str, str], delimiter: str, refused: str) -> dict[str, str]:
    """Replace each character that would end a value; leave out empty values."""
    joined = "\0".join(values.values())  # one test for all: nearly no value has such a character
    ends = [end for end in (delimiter, "\t", "\r", "\n", *refused) if end in joined]
    if not ends:
        return values
    for end in ends:
        joined = joined.replace(end, "/" if end in refused else " ")
    texts = zip(values, joined.split("\0"), strict=True)
    return {key: text.strip() for key, text in texts if text.strip()}


def _check_delimiter(delimiter: str, *, any_other: bool) -> None:
    if delimiter != "\t" and not (any_other and delimiter in _DELIMITERS):
        others = ", or punctuation of ASCII other than | = \\" if any_other else " in version 1.0"
        raise SettingsError("delimiter", f"expected TAB{others}; got {short_repr(delimiter)}")


def _make_layout(chosen: tuple[EventMapping, tuple[str, ...], str, str]) -> str:
    """Make a template with ``%s`` for event id, severity and each value."""
    mapping, keys, version, delimiter = chosen
    header = map(_format_header, (mapping.vendor, mapping.product, mapping.version))
    start = "|".join((f"LEEF:{version}", *header)).replace("%", "%%")
    field = "" if version == "1.0" else "x09|" if delimiter == "\t" else f"{delimiter}|"
    leef_keys = _map_keys(mapping)
    attributes = ["sev=%s", *(f"{leef_keys[key]}=%s" for key in keys)]
    between, field = delimiter.replace("%", "%%"), field.replace("%", "%%")
    return f"{start}|%s|{field}{between.join(attributes)}"


# The events of a mapping have a few sets of keys.
_LAYOUTS: LogCache[tuple[EventMapping, tuple[str, ...], str, str], str] = LogCache(
    _make_layout, lambda chosen: weigh_with_mapping(*chosen)
)


def _map_keys(mapping: EventMapping) -> dict[str, str]:
    """Map CEF's keys, and the event's name, to LEEF's keys.

    Only the two keys of an address have the same key in LEEF.
    """
    labelled = {key: label for key, label in mapping.labels.items() if key in mapping.extension}
    keys = {key: LEEF_NAMES.get(key, key) for key in mapping.keys if key not in labelled}
    for key, label in {**labelled, _NAME: "name"}.items():
        reserved = () if key == _NAME else LEEF_RESERVED_KEYS
        keys[key] = LEEF_LABELS.get(label) or make_key(label, keys.values(), reserved)
    return keys


def _format_header(text: str) -> str:
    return text.translate(_IN_HEADER).rstrip()


_HEADERS: LogCache[str, str] = LogCache(_format_header, lambda text: weigh(text, times=3))
