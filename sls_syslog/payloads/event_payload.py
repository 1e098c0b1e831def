"""Chooses the mapping that makes an event from a log, for every event format.

Sans-I/O. It must not write events: ``cef.py`` and ``leef.py`` do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeAlias, TypeVar

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.caches import LogCache
from sls_syslog.payloads.catalog import MAPPINGS
from sls_syslog.payloads.catalog.choice import (
    GENERIC,
    choose_mapping,
    choose_mapping_name,
    make_generic_mapping,
)
from sls_syslog.payloads.fields import Source
from sls_syslog.payloads.mapping import Event, EventMapping, Labelled, weigh_mapping
from sls_syslog.payloads.severity import EVENT_SEVERITIES
from sls_syslog.spelling import did_you_mean
from sls_syslog.syslog.codes import Severity

__all__ = ["EventPayload", "name_mapping"]


_Choice: TypeAlias = "Callable[[Mapping[str, str]], EventMapping]"

_Payload = TypeVar("_Payload", bound="EventPayload")

_IN_ANY_LOG = {"rt", "externalId"}


@dataclass(frozen=True, kw_only=True)
class EventPayload:
    """A payload that first makes an event from a log.

    Without ``mapping``, ``extension`` and ``event_class_id``, the topic of each log chooses a
    ready mapping, or the generic one. With ``extension`` or ``event_class_id`` but no ``mapping``,
    the mapping is all your own. Every other argument replaces that part of the mapping. With
    ``mapping``, ``extension`` adds keys to it and replaces keys of the same name.

    An event whose mapping finds no severity has that of its message (``for_severity``).

    Attributes:
        vendor: See ``EventMapping``; ``None`` for the mapping's own, also in the next six.
        product: See ``EventMapping``.
        version: See ``EventMapping``.
        event_class_id: See ``EventMapping``.
        name: See ``EventMapping``.
        severity: See ``EventMapping``.
        extension: See ``EventMapping``.
        mapping: The mapping for all logs: the name of a ready one, ``generic``, or an
            ``EventMapping``. ``None`` to choose by topic.

    Raises:
        SettingsError: If there is no such mapping, or a part is wrong.
    """

    stands_for_tag: ClassVar[bool] = True
    """Whether the text begins with a prefix that replaces RFC 3164's TAG; the message must then
    have no other TAG."""

    vendor: str | None = None
    product: str | None = None
    version: str | None = None
    event_class_id: Source | None = None
    name: Source | None = None
    severity: Source | int | None = None
    extension: Mapping[str, Source | Labelled] | None = None
    mapping: str | EventMapping | None = None
    _severity: str = field(init=False, repr=False, default=EVENT_SEVERITIES[Severity.INFO])
    _is_by_topic: bool = field(init=False, repr=False, compare=False)
    _choose_mapping: _Choice = field(init=False, repr=False, compare=False)
    _choose_generic: _Choice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = (self.mapping, self.extension, self.event_class_id)
        object.__setattr__(self, "_is_by_topic", all(part is None for part in own))
        object.__setattr__(self, "_choose_mapping", self._make_choice())
        object.__setattr__(self, "_choose_generic", self._adjust_choice(make_generic_mapping))

    def for_severity(self: _Payload, severity: Severity | int | str) -> _Payload:
        """Return this payload for messages of one severity.

        Its events have this severity if their mapping finds none in the log. Without a call of
        this method, they have that of ``info``.

        Args:
            severity: The syslog severity, as a member, number or name.

        Returns:
            A copy; this payload stays as it is.
        """
        made = copy(self)
        object.__setattr__(made, "_severity", EVENT_SEVERITIES[Severity.of(severity)])
        return made

    def _make_event(self, log: Mapping[str, str]) -> tuple[EventMapping, Event]:
        """Make the event of a log, and return the mapping that made it.

        If the topic's mapping finds no value in the log, its topic is wrong. Then the generic
        mapping sends all of the log.
        """
        mapping, event, _ = self._find_event(log)
        if event.severity:
            return mapping, event
        class_id, name, _, values, omitted, time = event  # _replace() takes three times as long
        return mapping, Event(class_id, name, self._severity, values, omitted, time)

    def _find_event(self, log: Mapping[str, str]) -> tuple[EventMapping, Event, bool]:
        """Make the event of a log, and tell whether the generic mapping made it in the end."""
        mapping = self._choose_mapping(log)
        event = mapping.event(log)
        if not self._is_by_topic or _has_found_values(event):
            return mapping, event, False
        mapping = self._choose_generic(log)
        return mapping, mapping.event(log), True

    def _name_mapping(self, log: Mapping[str, str], *, is_generic: bool) -> str:
        """Return the name of the mapping that made the event of a log; see ``name_mapping``."""
        if isinstance(self.mapping, str):
            return self.mapping
        if self._is_by_topic:
            return GENERIC if is_generic else choose_mapping_name(log)
        return next((name for name, ready in MAPPINGS.items() if ready is self.mapping), "own")

    def _make_choice(self) -> _Choice:
        """Make the function that chooses the mapping for a log."""
        if self.mapping is None and not self._is_by_topic:
            return _choose_always(self._adjust(EventMapping()))
        self._adjust(EventMapping())  # raise now if a part is wrong
        if self.mapping not in {None, GENERIC}:
            return _choose_always(self._adjust(self._find_mapping()))
        return self._adjust_choice(choose_mapping if self.mapping is None else make_generic_mapping)

    def _adjust_choice(self, choose: _Choice) -> _Choice:
        if not self._list_given():
            return choose
        adjusted = LogCache(self._adjust, lambda mapping: weigh_mapping(mapping.keys))
        return lambda log: adjusted[choose(log)]

    def _find_mapping(self) -> EventMapping:
        if isinstance(self.mapping, EventMapping):
            return self.mapping
        named = MAPPINGS.get(str(self.mapping))
        if named is None:
            known = GENERIC, *MAPPINGS
            got = f"got {short_repr(self.mapping)}{did_you_mean(self.mapping, known)}"
            raise SettingsError("mapping", f"expected one of {', '.join(known)}, {got}")
        return named

    def _list_given(self) -> dict[str, Any]:
        names = ("vendor", "product", "version", "event_class_id", "name", "severity", "extension")
        parts = {name: getattr(self, name) for name in names}
        return {name: part for name, part in parts.items() if part is not None}

    def _adjust(self, mapping: EventMapping) -> EventMapping:
        """Replace the parts that were given to this payload."""
        parts = self._list_given()
        if "extension" in parts:
            parts["extension"] = {**mapping.extension, **parts["extension"]}
        return replace(mapping, **parts)


def name_mapping(payload: EventPayload, log: Mapping[str, str]) -> str:
    """Return the name of the mapping that makes the event of a log.

    Returns:
        The name of a ready mapping, ``generic``, or ``own`` for a mapping of the user's.
    """
    _, _, is_generic = payload._find_event(log)
    return payload._name_mapping(log, is_generic=is_generic)


def _has_found_values(event: Event) -> bool:
    """Whether a mapping has found any of its own values in the log."""
    return len(event.values) > len(_IN_ANY_LOG) or not event.values.keys() <= _IN_ANY_LOG


def _choose_always(mapping: EventMapping) -> _Choice:
    return lambda log: mapping
