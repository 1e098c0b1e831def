"""Events as CEF, ArcSight's Common Event Format, writes them.

Pure. "Common Event Format, Implementation Standard" (OpenText), version 0 of the format.
What comes in is clean and of the right type (``mapping.py``); here it is escaped and put
in its order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sls_syslog.logs.columns import Columns, Writer
from sls_syslog.payloads.dictionary import STRING_LIMITS
from sls_syslog.payloads.event_payload import MappedPayload
from sls_syslog.payloads.fast_events import EventStyle, event_writer
from sls_syslog.payloads.mapping import Event, EventMapping

__all__ = ["CefPayload"]

_CLASS_ID_LIMIT = 1023
_NAME_LIMIT = 512
_IN_HEADER = str.maketrans("\t\r\n", "   ")


@dataclass(frozen=True, kw_only=True)
class CefPayload(MappedPayload):
    r"""CEF: ``CEF:0|vendor|product|version|class id|name|severity|key=value key=value``.

    In the header ``\`` and ``|`` are escaped, in values ``\``, ``=``, line feeds and carriage
    returns (section "Character Encoding"); other control characters but TAB become spaces. Limits
    are characters. A message begins with ``CEF:``, which in RFC 3164 stands where the TAG is.

    A mapping of your own::

        CefPayload(
            vendor="Example",
            product="Shop",
            event_class_id="action",
            extension={"src": "client_ip", "suser": "user", "cs1": Labelled("Order", "order")},
        )
    """

    def __call__(self, log: Mapping[str, str]) -> str:
        """The MSG part of one log."""
        mapping, (class_id, name, severity, values) = self._event_of(log)
        texts = _escaped("\0".join(values.values())).split("\0") if values else []
        class_id, name = _header(class_id, _CLASS_ID_LIMIT), _header(name, _NAME_LIMIT)
        return _layout(mapping, tuple(values)) % (class_id, name, severity, *texts)

    def writer(self, columns: Columns) -> Writer | None:
        """Writes logs that have these fields."""
        mapping = self._mapping_of({name: text or "" for name, text in columns})
        return event_writer(mapping, columns, _style(mapping))


@lru_cache(maxsize=1024)
def _style(mapping: EventMapping) -> EventStyle:
    def around(event: Event) -> tuple[bytes, bytes]:
        class_id, name = _header(event.class_id, _CLASS_ID_LIMIT), _header(event.name, _NAME_LIMIT)
        return (_layout(mapping, ()) % (class_id, name, event.severity)).encode(), b""

    def label(key: str) -> bytes:
        return _label(mapping, key).encode() if key in mapping.labels else b""

    return EventStyle(around, b" ", _pair, label, (b"=", b"\\"), _escaped_bytes, STRING_LIMITS)


def _pair(key: str, text: str) -> bytes:
    return f"{key}={_escaped(text)}".encode()


def _label(mapping: EventMapping, key: str) -> str:
    return f"{key}Label={_escaped(mapping.labels[key])}"


def _escaped_bytes(text: bytes) -> bytes:
    if b"\\" in text or b"=" in text:
        return text.replace(b"\\", b"\\\\").replace(b"=", b"\\=")
    return text


@lru_cache(maxsize=4096)  # events of a mapping come with a few sets of keys
def _layout(mapping: EventMapping, keys: tuple[str, ...]) -> str:
    """A message with these values, ``%s`` for each, and for what differs in the header."""
    header = (
        _header(part, len(part)) for part in (mapping.vendor, mapping.product, mapping.version)
    )
    start = "|".join(("CEF:0", *header)).replace("%", "%%")
    # A label right behind its key: what is cut off a message that is too long takes both.
    pairs = (
        f"{key}=%s {_label(mapping, key).replace('%', '%%')}"
        if key in mapping.labels
        else f"{key}=%s"
        for key in keys
    )
    return f"{start}|%s|%s|%s|{' '.join(pairs)}"


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("=", "\\=")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _header(text: str, limit: int) -> str:
    return _written_in_header(text[:limit])


@lru_cache(maxsize=1024)
def _written_in_header(text: str) -> str:
    text = text.translate(_IN_HEADER).rstrip()
    return text.replace("\\", "\\\\").replace("|", "\\|")
