"""``NativePath``: a fast path whose logs are found and rendered by the compiled helper.

The helper gets as data what it needs: the payload's layout of each kind of logs, and the start of
the messages of each second. It must write the bytes of ``FastPath``, or leave the log to Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from itertools import islice
from typing import Any, TypeGuard

from sls_syslog.encoding.fast_path import FastPath, Origin, Run
from sls_syslog.encoding.json_trie import make_trie
from sls_syslog.encoding.native import (
    NANOSECONDS,
    NO_SOURCE,
    SECONDS,
    Helper,
    Part,
    load_helper,
)
from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.columns import (
    Columns,
    EventLayout,
    JsonPath,
    Layout,
    LayoutPayload,
    RowPayload,
    Slot,
)
from sls_syslog.logs.groups import Group
from sls_syslog.logs.rows import SHAPES
from sls_syslog.safe_logger import SafeLogger

__all__ = ["NativePath", "make_path"]

logger = SafeLogger("sls_syslog.encoding")

# The numbers of helper/group.h and helper/layout.h.
_FRAMINGS = {"newline": 0, "octet-counting": 1, None: 2}
_ESCAPES = {"copy": 0, "json": 1, "quotes": 2}

_FRACTION_AT = len("2026-11-23T03:15:00")
_EXTRA = ("__time_ns_part__",)
_MOST_STARTS = 1000  # seconds; a batch has a few
# Layouts handed to the helper with each group; it asks for others. Most Logstores have a few kinds.
_MOST_GIVEN = 64

_reported: set[str] = set()


class NativePath(FastPath):
    """Encodes groups of logs whose headers differ only in their time.

    Args:
        helper: The compiled helper.
        make_layout: The payload's method that makes the layout of logs with these fields.
        has_fraction: Whether the header's time has a fraction.
        arguments: The arguments of ``FastPath``.
    """

    def __init__(
        self,
        helper: Helper,
        make_layout: Callable[[Columns], Layout | EventLayout | None],
        has_fraction: bool,
        *arguments: Any,
    ) -> None:
        super().__init__(*arguments)
        self._helper = helper
        self._make_layout = make_layout
        self._fraction_at = len(self._before.encode()) + _FRACTION_AT if has_fraction else -1
        self._starts: dict[int, bytes | None] = {}
        self._layouts: LogCache[Any, Any] | None = None
        self._layouts_origin: Origin | None = None

    def encode_group(
        self,
        group: Group,
        event_id: Callable[[int], str] | None,
    ) -> Iterator[Run]:
        """Encode and frame the logs of a group in order, as ``FastPath`` does.

        Args:
            group: The group.
            event_id: Makes the id of a log; with it, ``FastPath`` encodes the logs.

        Returns:
            An iterator of what ``FastPath`` yields.
        """
        self.rows = ()  # those of a group before, which a held log may have left
        origin = self._read_origin(group) if event_id is None else None
        runs = self._render(group, origin) if origin is not None else None
        return iter(runs) if runs is not None else super().encode_group(group, event_id)

    def _render(self, group: Group, origin: Origin) -> list[Run] | None:
        """Render a group; return ``None`` if the helper cannot."""
        body = group.body
        if body is not None:
            runs = self._render_bytes(body, group.begin, group.end, origin, is_as_sent=True)
            if runs is not None:
                return runs
            self._reader.note_strange()
        body = group.read().SerializePartialToString()
        return self._render_bytes(body, 0, len(body), origin, is_as_sent=False)

    def _render_bytes(
        self, body: bytes, begin: int, end: int, origin: Origin, is_as_sent: bool
    ) -> list[Run] | None:
        if self._layouts is None or self._layouts_origin is not origin:
            self._layouts_origin = origin
            compile_layout = partial(self._compile_layout, origin)
            self._layouts = LogCache(compile_layout, partial(_weigh, origin.weigh()))
        layouts = self._layouts
        return self._helper.render_group(
            body,
            list(islice(layouts.values(), _MOST_GIVEN)),
            partial(self._find_layout, layouts),
            self._find_start,
            self._fraction_at,
            -1 if self._limit is None else self._limit,
            _FRAMINGS[self._framing],
            is_as_sent,
            begin,
            end,
        )

    def _find_layout(
        self, layouts: LogCache[Any, Any], keys: tuple[bytes, ...], has_nanoseconds: bool
    ) -> Any:
        """Return the compiled layout of a kind of logs; ``None`` if the kind came too rarely."""
        shape = SHAPES[keys]
        if shape is not None and self._is_rare((shape, _EXTRA) if has_nanoseconds else shape):
            return None
        return layouts[keys, has_nanoseconds]

    def _compile_layout(self, origin: Origin, kind: tuple[tuple[bytes, ...], bool]) -> Any:
        keys, has_nanoseconds = kind
        shape = SHAPES[keys]
        extra = _EXTRA if has_nanoseconds else ()
        layout = shape and self._make_layout(origin.make_columns(extra, shape.keys))
        if isinstance(layout, EventLayout):
            event = _make_event(layout, len(extra))
            return self._helper.compile_event_layout(keys, has_nanoseconds, event)
        parts, separator = _make_parts(layout or (), len(extra))
        if not layout or not all(self._helper.is_legal(literal) for literal, _, _ in parts):
            return self._helper.compile_layout(keys, has_nanoseconds, None, b"")
        return self._helper.compile_layout(keys, has_nanoseconds, tuple(parts), separator)

    def _find_start(self, seconds: int) -> bytes | None:
        """Return the messages of a second up to their text; ``None`` if that is not legal."""
        if seconds not in self._starts:
            if len(self._starts) >= _MOST_STARTS:
                self._starts.clear()
            start, _ = self._make_start(seconds, 0)
            self._starts[seconds] = start if self._helper.is_legal(start) else None
        return self._starts[seconds]


def make_path(payload: RowPayload, has_fraction: bool, *arguments: Any) -> FastPath:
    """Make the quickest path that this Python and the payload allow.

    Args:
        payload: The payload.
        has_fraction: Whether the header's time has a fraction.
        arguments: The arguments of ``FastPath``.

    Returns:
        A ``NativePath``, or a ``FastPath`` without the helper or without layouts.
    """
    helper, problem = load_helper()
    if helper is None or not _has_layout(payload):
        how = f"in pure Python: {problem or 'the compiled helper does not know the payload'}"
        return _report(FastPath(*arguments), how)
    path = NativePath(helper, payload.layout, has_fraction, *arguments)
    return _report(path, "by the compiled helper")


def _report(path: FastPath, how: str) -> FastPath:
    """Note in a path which one it is, and log it, once each."""
    path.how = how
    if how not in _reported:
        _reported.add(how)
        logger.debug("plain logs are encoded %s", how)
    return path


def _has_layout(payload: object) -> TypeGuard[LayoutPayload]:
    # A subclass that inherits the layout may write anything when it is called.
    return "layout" in vars(type(payload))


def _make_parts(layout: Layout, extra: int) -> tuple[list[Part], bytes]:
    """Make the helper's form of a layout, and its separator.

    Args:
        layout: The layout.
        extra: How many fields stand before a log's own, besides the time.
    """
    parts: list[Part] = []
    literal, separator = "", ""
    for piece in layout:
        if not isinstance(piece, Slot):
            literal += piece
            continue
        separator = piece.separator or separator
        parts.append((literal.encode(), _find_source(piece.place, extra), _ESCAPES[piece.escape]))
        literal = ""
    return [*parts, (literal.encode(), NO_SOURCE, 0)], separator.encode()


def _make_event(layout: EventLayout, extra: int) -> tuple[Any, ...]:
    """Make the helper's form of the layout of an event; ``extra`` is as in ``_make_parts``."""
    _, *others = (getattr(layout, field.name) for field in fields(layout))
    sources: list[int] = []
    paths: dict[int, dict[str, int]] = {}  # by source
    for number, place in enumerate(layout.places):
        if isinstance(place, JsonPath):
            paths.setdefault(_find_source(place.place, extra), {})[place.path] = number
            sources.append(NO_SOURCE)
        else:
            sources.append(_find_source(place, extra))
    tries = [(source, make_trie(inside)) for source, inside in paths.items()]
    return tuple(sources), tuple(tries), *others


def _find_source(place: int, extra: int) -> int:
    sources: Sequence[int] = (SECONDS, NANOSECONDS)[: 1 + extra]
    return sources[place] if place < len(sources) else place - len(sources)


def _weigh(size: int, kind: tuple[tuple[bytes, ...], bool]) -> int:
    keys, _ = kind
    return size + weigh(keys, times=4, besides=1000)
