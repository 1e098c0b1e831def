"""Writes events as CEF, ArcSight's Common Event Format.

Sans-I/O. Source: "Common Event Format, Implementation Standard" (OpenText), version 0 of the
format. ``mapping.py`` gives clean values of the right type; this module only escapes and
arranges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.columns import Columns, EventLayout, Writer
from sls_syslog.payloads.dictionary import STRING_LIMITS
from sls_syslog.payloads.event_layout import EventStyle, make_event_layout
from sls_syslog.payloads.event_payload import EventPayload
from sls_syslog.payloads.event_text import EventText
from sls_syslog.payloads.fast_events import make_event_writer
from sls_syslog.payloads.mapping import Event, EventMapping, find_least_of, weigh_with_mapping
from sls_syslog.payloads.shorten import LEAST_TEXT, Group, Measure, Part, cut, fit_header

__all__ = ["CefPayload"]

_CLASS_ID_LIMIT = 1023  # characters, as all limits of CEF
_NAME_LIMIT = 512
_IN_HEADER = str.maketrans("\t\r\n", "   ")


@dataclass(frozen=True, kw_only=True)
class CefPayload(EventPayload):
    r"""CEF: ``CEF:0|vendor|product|version|class id|name|severity|key=value key=value``.

    In the header ``\`` and ``|`` are escaped. In values ``\``, ``=``, line feeds and carriage
    returns are escaped (section "Character Encoding"). Other control characters, except TAB,
    become spaces. Limits are characters. The message begins with ``CEF:``; in RFC 3164 this
    prefix takes the place of the TAG.

    A mapping of your own::

        CefPayload(
            vendor="Example",
            product="Shop",
            event_class_id="action",
            extension={"src": "client_ip", "suser": "user", "cs1": Labelled("Order", "order")},
        )
    """

    def __call__(self, log: Mapping[str, str]) -> str:
        """Make the MSG part of one log."""
        mapping, (class_id, name, severity, values, omitted, _) = self._make_event(log)
        texts = _escape("\0".join(values.values())).split("\0") if values else []
        class_id = _format_header(class_id, _CLASS_ID_LIMIT)
        name = _format_header(name, _NAME_LIMIT)
        text = _LAYOUTS[mapping, tuple(values)] % (class_id, name, severity, *texts)
        return EventText(text, omitted) if omitted else text

    def shorten(self, log: Mapping[str, str], room: int, measure: Measure) -> str | None:
        """Make a shorter MSG part of one log, in which every pair is true.

        See ``ShortPayload``.
        """
        mapping, (class_id, name, severity, values, *_) = self._make_event(log)
        before, between, behind = (_LAYOUTS[mapping, ()] % ("\0", "\0", severity)).split("\0")

        def make_header(least: int | None) -> list[Part]:
            return [
                Part(before, cut(class_id, _CLASS_ID_LIMIT), between, least, _escape_header),
                Part("", cut(name, _NAME_LIMIT), behind, LEAST_TEXT, _escape_header),
            ]

        start = fit_header(make_header, room, measure)
        if start is None:
            return None
        parts = [
            Part(f"{key}=", text, _find_label(mapping, key), find_least_of(key, text), _escape)
            for key, text in values.items()
        ]
        return Group(start, parts, " ", "").shorten(room, measure)

    def writer(self, columns: Columns) -> Writer | None:
        """Make a quick writer for logs with these fields, or ``None`` if they need the slow one."""
        return make_event_writer(self.layout(columns))

    def layout(self, columns: Columns) -> EventLayout | None:
        """Make the layout of logs with these fields, or ``None`` if they need the slow way."""
        mapping = self._choose_mapping({name: text or "" for name, text in columns})
        return make_event_layout(mapping, columns, _STYLES[mapping, self._severity])


def _make_style(chosen: tuple[EventMapping, str]) -> EventStyle:
    mapping, otherwise = chosen

    def format_around(event: Event) -> tuple[bytes, bytes]:
        class_id = _format_header(event.class_id, _CLASS_ID_LIMIT)
        name = _format_header(event.name, _NAME_LIMIT)
        severity = event.severity or otherwise
        return (_LAYOUTS[mapping, ()] % (class_id, name, severity)).encode(), b""

    def format_label(key: str) -> bytes:
        return _format_label(mapping, key).encode() if key in mapping.labels else b""

    return EventStyle(
        around=format_around,
        between=b" ",
        pair=_format_pair,
        label=format_label,
        special=b"\\=\n\r",
        replacements=(rb"\\", rb"\=", rb"\n", rb"\r"),
        limits=STRING_LIMITS,
    )


_STYLES: LogCache[tuple[EventMapping, str], EventStyle] = LogCache(
    _make_style, lambda chosen: weigh_with_mapping(*chosen, besides=2000)
)


def _format_pair(key: str, text: str) -> bytes:
    return f"{key}={_escape(text)}".encode()


def _find_label(mapping: EventMapping, key: str) -> str:
    return f" {_format_label(mapping, key)}" if key in mapping.labels else ""


def _format_label(mapping: EventMapping, key: str) -> str:
    return f"{key}Label={_escape(mapping.labels[key])}"


def _make_layout(chosen: tuple[EventMapping, tuple[str, ...]]) -> str:
    """Make a template with ``%s`` for class id, name, severity and each value."""
    mapping, keys = chosen
    header = (
        _format_header(part, len(part))
        for part in (mapping.vendor, mapping.product, mapping.version)
    )
    start = "|".join(("CEF:0", *header)).replace("%", "%%")
    pairs = (f"{key}=%s{_find_label(mapping, key).replace('%', '%%')}" for key in keys)
    return f"{start}|%s|%s|%s|{' '.join(pairs)}"


# The events of a mapping have a few sets of keys.
_LAYOUTS: LogCache[tuple[EventMapping, tuple[str, ...]], str] = LogCache(
    _make_layout, lambda chosen: weigh_with_mapping(*chosen)
)


def _escape(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("=", "\\=")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _format_header(text: str, limit: int) -> str:
    return _HEADERS[text if len(text) <= limit else cut(text, limit)]


def _escape_header(text: str) -> str:
    text = text.translate(_IN_HEADER).rstrip()
    return text.replace("\\", "\\\\").replace("|", "\\|")


_HEADERS: LogCache[str, str] = LogCache(_escape_header, lambda text: weigh(text, times=3))
