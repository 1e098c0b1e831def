"""Chooses the mapping of a log: by its topic, by its fields, or the generic one.

Sans-I/O. The tables of the package say which mapping there is for which topic; this module must
not hold a mapping of a service.
"""

from __future__ import annotations

from collections.abc import Mapping

from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.payloads.catalog import FIELDS, MAPPINGS, PREFIXES, SHARED_TOPICS, TOPICS
from sls_syslog.payloads.mapping import EventMapping, make_key, weigh_mapping

__all__ = ["GENERIC", "choose_mapping", "choose_mapping_name", "make_generic_mapping"]

GENERIC = "generic"
"""The name of the generic mapping, which is made from the fields of a log."""

_TAG = "__tag__:"
_NOT_MAPPED = {"__time__", "__time_ns_part__", "__topic__", "__source__", "__event_id__"}
_BEGINNINGS = tuple(PREFIXES)
# One test excludes most logs of other programs from the search by fields.
_FIRST_FIELDS = frozenset(fields[0] for fields in FIELDS)
_BY_FIELDS = tuple((frozenset(fields), name) for fields, name in FIELDS.items())


def choose_mapping(log: Mapping[str, str]) -> EventMapping:
    """Choose the mapping for the topic or the fields of ``log``, or the generic one."""
    name = choose_mapping_name(log)
    return make_generic_mapping(log) if name == GENERIC else MAPPINGS[name]


def choose_mapping_name(log: Mapping[str, str]) -> str:
    """Choose the mapping for the topic or the fields of ``log``, and return its name.

    A topic counts before fields. Logs whose topic is not documented, or is the user's, are known
    by their fields.
    """
    topic = log.get("__topic__", "")
    name = TOPICS.get(topic)
    if name is not None:
        return name
    if topic in SHARED_TOPICS:
        field, name = SHARED_TOPICS[topic]
        if field in log:
            return name
    if topic.startswith(_BEGINNINGS):
        return next(name for start, name in PREFIXES.items() if topic.startswith(start))
    return GENERIC if _FIRST_FIELDS.isdisjoint(log) else _NAMES[tuple(log)]


def make_generic_mapping(log: Mapping[str, str]) -> EventMapping:
    """Make a mapping of every field of ``log`` to a key made from its name.

    The event class id is the topic. The key of a tag is ``tag`` and its name. The source becomes
    the address or the host name of the device.
    """
    return _GENERIC[tuple(log)]


def _make_mapping(names: tuple[str, ...]) -> EventMapping:
    extension: dict[str, str] = {"dvc": "__source__"}
    for name in names:
        if name not in _NOT_MAPPED:
            # The colon separates two words, so that the name's first letter becomes a capital.
            wanted = f"tag:{name[len(_TAG) :]}" if name.startswith(_TAG) else name
            extension[make_key(wanted, extension)] = name
    return EventMapping(extension=extension)


def _choose_by_fields(names: tuple[str, ...]) -> str:
    return next((name for fields, name in _BY_FIELDS if fields.issubset(names)), GENERIC)


# Logs have a few sets of fields.
_NAMES: LogCache[tuple[str, ...], str] = LogCache(_choose_by_fields, weigh)
_GENERIC: LogCache[tuple[str, ...], EventMapping] = LogCache(_make_mapping, weigh_mapping)
