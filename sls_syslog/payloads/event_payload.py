"""What the payloads of events have in common: which mapping makes an event of a log.

Pure. How an event is written is the business of ``cef.py`` and ``leef.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.payloads.catalog import MAPPINGS, generic, mapping_for
from sls_syslog.payloads.fields import Source
from sls_syslog.payloads.mapping import Event, EventMapping, Labelled

__all__ = ["MappedPayload"]


_Choice: TypeAlias = "Callable[[Mapping[str, str]], EventMapping]"

_IN_ANY_LOG = {"rt", "externalId"}


@dataclass(frozen=True, kw_only=True)
class MappedPayload:
    """A payload that makes an event of a log first.

    With neither ``extension`` nor ``event_class_id`` nor ``mapping``, the topic of each log
    chooses a ready mapping, or the generic one; with one of the former two the mapping is all
    your own. What else is given takes the place of that part of the mapping; an ``extension``
    beside ``mapping`` adds to its keys, and replaces those of the same name.

    Attributes:
        vendor: See ``EventMapping``; ``None`` for the mapping's, like all that follow.
        product: See ``EventMapping``.
        version: See ``EventMapping``.
        event_class_id: See ``EventMapping``.
        name: See ``EventMapping``.
        severity: See ``EventMapping``.
        extension: See ``EventMapping``.
        mapping: For all logs the ready mapping of this name, ``generic``, or a mapping itself;
            ``None`` to choose by topic.

    Raises:
        SettingsError: If there is no such mapping, or a part is wrong.
    """

    stands_for_tag: ClassVar[bool] = True
    """Whether a message begins where RFC 3164 has the TAG, and so must have no other one."""

    vendor: str | None = None
    product: str | None = None
    version: str | None = None
    event_class_id: Source | None = None
    name: Source | None = None
    severity: Source | int | None = None
    extension: Mapping[str, Source | Labelled] | None = None
    mapping: str | EventMapping | None = None
    _mapping_of: _Choice = field(init=False, repr=False, compare=False)
    _generic_of: _Choice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_mapping_of", self._chosen())
        object.__setattr__(self, "_generic_of", self._adjusting(generic))

    def _event_of(self, log: Mapping[str, str]) -> tuple[EventMapping, Event]:
        """What a log means, and by which mapping.

        One that the topic has chosen and that finds nothing in the log leaves it to the generic
        one: the log is not what it seems, and all that it holds must arrive.
        """
        mapping = self._mapping_of(log)
        event = mapping.event(log)
        if self._is_by_topic and not event.values.keys() - _IN_ANY_LOG:
            mapping = self._generic_of(log)
            event = mapping.event(log)
        return mapping, event

    @property
    def _is_by_topic(self) -> bool:
        return all(part is None for part in (self.mapping, self.extension, self.event_class_id))

    def _chosen(self) -> _Choice:
        """A function that gives the mapping for a log."""
        if self.mapping is None and not self._is_by_topic:
            return _always(self._adjusted(EventMapping()))
        self._adjusted(EventMapping())  # what is wrong should be known now
        if self.mapping not in {None, "generic"}:
            return _always(self._adjusted(self._fixed()))
        return self._adjusting(mapping_for if self.mapping is None else generic)

    def _adjusting(self, choose: _Choice) -> _Choice:
        if not self._given():
            return choose
        adjusted = lru_cache(maxsize=1024)(self._adjusted)
        return lambda log: adjusted(choose(log))

    def _fixed(self) -> EventMapping:
        if isinstance(self.mapping, EventMapping):
            return self.mapping
        named = MAPPINGS.get(str(self.mapping))
        if named is None:
            known = ", ".join(("generic", *MAPPINGS))
            raise SettingsError(
                "mapping", f"expected one of {known}, got {short_repr(self.mapping)}"
            )
        return named

    def _given(self) -> dict[str, Any]:
        names = ("vendor", "product", "version", "event_class_id", "name", "severity", "extension")
        parts = {name: getattr(self, name) for name in names}
        return {name: part for name, part in parts.items() if part is not None}

    def _adjusted(self, mapping: EventMapping) -> EventMapping:
        parts = self._given()
        if "extension" in parts:
            parts["extension"] = {**mapping.extension, **parts["extension"]}
        return replace(mapping, **parts)


def _always(mapping: EventMapping) -> _Choice:
    return lambda log: mapping
