"""Writes events as JSON of the Open Cybersecurity Schema Framework (OCSF).

``mapping.py`` gives the values by CEF's keys, and ``ocsf_classes.py`` has the tables. This module
only builds objects of them; it must not know a product. It reads the clock for a log without a
time, and must do no other I/O.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from time import time
from typing import Any, ClassVar, NamedTuple, TypeAlias, TypeVar

from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.payloads.catalog import MAPPINGS
from sls_syslog.payloads.dictionary import CEF_KEYS
from sls_syslog.payloads.event_payload import EventPayload
from sls_syslog.payloads.event_text import EventText
from sls_syslog.payloads.fields import clean
from sls_syslog.payloads.mapping import Event, EventMapping, weigh_with_mapping
from sls_syslog.payloads.ocsf_classes import (
    CATEGORIES,
    CLASS_ID,
    CLASSES,
    COMPLIANCE_STATUSES,
    CONTROLS,
    FINDING_STATUSES,
    KINDS,
    OCSF_VERSION,
    ORIGINAL_TIMES,
    RCODES,
    SEVERITY_IDS,
    SEVERITY_IDS_BY_NUMBER,
    Decision,
    OcsfClass,
    State,
)
from sls_syslog.payloads.shorten import LEAST_TEXT, Group, Measure, Part, find_least
from sls_syslog.syslog.codes import Severity

__all__ = ["OcsfPayload"]

_Payload = TypeVar("_Payload", bound="OcsfPayload")
_Tree = dict[str, Any]
_Objects = list[tuple[str, _Tree]]  # with their names
_Convert: TypeAlias = "Callable[[str], str | int | None]"

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_HEAD = ("time", "category_uid", "class_uid", "activity_id", "type_uid", "severity_id", "metadata")
_STATUS = {"success": (1, "Success"), "failure": (2, "Failure")}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")
_CVE_LIST = re.compile(r'"cveList" ?: ?\[([^\]]*)')
_HEX = re.compile(r"[0-9A-Fa-f]+")
_HASHES = {32: 1, 40: 2, 64: 3, 128: 4}  # algorithm_id of MD5, SHA-1, SHA-256, SHA-512, by length
_DIRECTIONS = {"0": 1, "1": 2}  # direction_id of CEF's inbound and outbound
_METHODS = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE"}
_PORTS = 65536
_INTEGERS = 2**63
_LONGEST = 255  # characters of a required value or member that are kept if room is short
_UNKNOWN = "Unknown"
_NUMBERS = {
    *("code", "count", "pid", "size", "tcp_flags", "start_time", "end_time"),
    *("bytes_in", "bytes_out", "packets_in", "packets_out"),
}
_RCODES = {code.lower(): code for code in RCODES} | {
    "formerr": "FormError",
    "servfail": "ServError",
}
_NAMES = {mapping: name for name, mapping in MAPPINGS.items()}
_NEEDS = {"tls": "version", "query": "hostname"}
"""Objects that the schema refuses without a member."""
_ONE_OF = {
    "src_endpoint": ("name", "ip", "hostname"),
    "dst_endpoint": ("name", "ip", "hostname"),
    "device": ("name", "ip", "hostname", "instance_uid"),
    "user": ("name", "uid"),
    "process": ("uid", "pid"),
    "database": ("name", "uid"),
    "databucket": ("name", "uid"),
    "resources": ("name", "uid"),
}
"""Members of which the schema demands one, by object; the first is ``Unknown`` if none is there."""


@dataclass(frozen=True, kw_only=True)
class OcsfPayload(EventPayload):
    """OCSF: one compact JSON object for each log, an event of version 1.5.0 of the schema.

    The mapping and the kind of event choose the class. Attributes that the schema demands are
    always there: ``Unknown`` stands where a log has no such value. Values without an attribute
    stand under ``unmapped``, by their labels or CEF's keys. The present second is the time of a log
    that has none. A mapping of your own and the generic
    one make a Base Event. See ``EventPayload`` for the other attributes.

    Attributes:
        raw_data: Whether to send the log itself as well, as JSON in the attribute ``raw_data``.
    """

    stands_for_tag: ClassVar[bool] = False

    raw_data: bool = False
    _severity: str = field(init=False, repr=False, default="")
    _severity_id: int = field(init=False, repr=False, default=SEVERITY_IDS[Severity.INFO])

    def for_severity(self: _Payload, severity: Severity | int | str) -> _Payload:
        """Return this payload for messages of one severity; see ``EventPayload``."""
        made = copy(self)
        object.__setattr__(made, "_severity_id", SEVERITY_IDS[Severity.of(severity)])
        return made

    def __call__(self, log: Mapping[str, str]) -> str:
        """Make the MSG part of one log."""
        tree, _, omitted = self._make_tree(log)
        text = _json(tree)
        return EventText(text, omitted) if omitted else text

    def shorten(self, log: Mapping[str, str], room: int, measure: Measure) -> str | None:
        """Make a shorter JSON object of one log, in which all required attributes stay.

        See ``ShortPayload``. Whole attributes and members of ``unmapped`` are left out; free text
        is cut. If that is not enough, required objects lose their long members, then all that the
        schema does not demand.
        """
        tree, kind, _ = self._make_tree(log)
        must = {*_HEAD, *map(_find_top, kind.required)}
        for longest in (None, _LONGEST, 0):
            parts = [
                Part(f"{_json(name)}:", _json(_trim(tree[name], name, kind, longest)))
                for name in tree
                if name in must
            ]
            rest = [_make_part(name, tree[name]) for name in tree if name not in must]
            text = Group("{", [*parts, *rest], ",", "}", must=len(parts)).shorten(room, measure)
            if text is not None:
                return text
        return None

    def _make_tree(self, log: Mapping[str, str]) -> tuple[_Tree, OcsfClass, int]:
        mapping, event, is_generic = self._find_event(log)
        name = _NAMES.get(mapping) or self._name_mapping(log, is_generic=is_generic)
        kind = _KIND_BY_EVENT[name, event.class_id, event.values.get("cat", "")]
        values = {**event.values}
        named = _name_values(mapping, event)
        state = kind.states.get(named.get(kind.state, "").lower())
        activity, word = _find_activity(kind, named, state)
        decision = _find_decision(name, named)
        given = SEVERITY_IDS_BY_NUMBER.get(event.severity) if event.severity else None
        head = {
            "time": int(values.pop("rt", "") or int(time()) * 1000),
            "category_uid": kind.uid // 1000,
            "class_uid": kind.uid,
            "activity_id": activity,
            "type_uid": kind.uid * 100 + activity,
            "severity_id": self._severity_id if given is None else given,
            "metadata": _make_metadata(name, mapping, event, values, log),
        }
        tree, unmapped, objects = _build(kind, mapping, values)
        _complete(kind, tree, unmapped, objects, event, named)
        tree = {**head, **tree}
        if activity == 99 and word:
            tree["activity_name"] = kind.names.get(word.lower(), word)
        if kind.is_finding:
            _put_state(kind, tree, named, state)
        status = _STATUS.get(unmapped.get("outcome", "")) if kind.has_outcome else None
        if status:
            tree["status_id"], tree["status"] = status
            del unmapped["outcome"]
        if decision:
            tree["metadata"]["profiles"] = ["security_control"]
            tree["action_id"], tree["disposition_id"] = decision
        if "message" not in tree:
            tree["message"] = event.name
        elif "finding_info" not in tree:
            unmapped["name"] = event.name
        tree = {name: tree[name] for name in _ORDERS[kind, tuple(tree)]}
        if unmapped:
            tree["unmapped"] = unmapped
        if self.raw_data:
            tree["raw_data"] = _json({name: _replace_halves(log[name]) for name in log})
        return tree, kind, event.omitted


def _find_top(path: str) -> str:
    return path.partition(".")[0].removesuffix("[]")


def _choose_class(chosen: tuple[str, str, str]) -> OcsfClass:
    """Choose the class by the name of the mapping, the event class id, and the category."""
    name, class_id, category = chosen
    for pattern, kind in KINDS.get(name, {}).items():
        if re.fullmatch(pattern, class_id):
            return kind
    return CATEGORIES.get(name, {}).get(category) or CLASSES[name]


# Logs have a few kinds of events.
_KIND_BY_EVENT: LogCache[tuple[str, str, str], OcsfClass] = LogCache(_choose_class, weigh)


def _name_values(mapping: EventMapping, event: Event) -> dict[str, str]:
    """Return the values by CEF's keys and by labels, with the event class id and the name."""
    labels = mapping.labels
    named = {labels[key]: value for key, value in event.values.items() if key in labels}
    return {**named, **event.values, CLASS_ID: event.class_id, "name": event.name}


def _sort_names(chosen: tuple[OcsfClass, tuple[str, ...]]) -> list[str]:
    """Sort attributes: those that the schema demands come first, the message last."""
    kind, names = chosen
    required = {*map(_find_top, kind.required)}

    def rank(name: str) -> int:
        if name in _HEAD:
            return _HEAD.index(name)
        return len(_HEAD) + (0 if name in required else 2 if name == "message" else 1)

    return sorted(names, key=rank)


# The events of a class have a few sets of attributes.
_ORDERS: LogCache[tuple[OcsfClass, tuple[str, ...]], list[str]] = LogCache(
    _sort_names, lambda chosen: weigh(chosen[1])
)


def _find_activity(
    kind: OcsfClass, named: Mapping[str, str], state: State | None
) -> tuple[int, str]:
    """Return ``activity_id``, and the word of the log that says what was done."""
    words = list(filter(None, map(named.get, kind.words)))
    if state and state.activity is not None:
        return state.activity, named[kind.state]
    for name, activity in kind.presence.items():
        if name in named:
            return activity, name
    for word in words:
        first = _WORD.match(word)
        for name in (word.lower(), first[0].lower() if first else ""):
            if name in kind.activities:
                return kind.activities[name], word
    activities = {kind.compound[number][1] for number in _split_numbers(kind, named)}
    found = next((each for each in kind.compound_order if each in activities), kind.otherwise)
    return found, next(iter(words), "") or _find_operation(kind, named)


def _split_numbers(kind: OcsfClass, named: Mapping[str, str]) -> list[str]:
    """List the numbers of operations that the class knows; nothing if there is another one."""
    if not kind.compound:
        return []
    numbers = re.split(r"[\s,]+", named.get(kind.compound_source, ""))
    return numbers if all(number in kind.compound for number in numbers) else []


def _find_operation(kind: OcsfClass, named: Mapping[str, str]) -> str:
    """Return what was done, for people: the names of numbered operations, or a value."""
    for name in kind.operation:
        if name == kind.compound_source:
            names = [kind.compound[number][0] for number in _split_numbers(kind, named)]
            if names:
                return ",".join(names)
        elif named.get(name):
            return named[name]
    return named[CLASS_ID]


def _find_decision(name: str, named: Mapping[str, str]) -> Decision | None:
    """Return what a security control did, if the log says it."""
    if name not in CONTROLS:
        return None
    source, decisions = CONTROLS[name]
    return decisions.get(named.get(source, "").lower())


def _put_state(kind: OcsfClass, tree: _Tree, named: Mapping[str, str], state: State | None) -> None:
    """Put the status of a finding, and the verdict of a check."""
    word = named.get(kind.state, "")
    if state:
        status = state.status
    elif word:
        status = 99
    elif tree["activity_id"] == 1:
        status = 1
    else:
        return
    tree["status_id"] = status
    tree["status"] = FINDING_STATUSES.get(status, word if status else _UNKNOWN)
    if state and state.compliance and "compliance" in tree:
        tree["compliance"]["status_id"] = state.compliance
        tree["compliance"]["status"] = COMPLIANCE_STATUSES.get(state.compliance, word)


def _make_metadata(
    name: str,
    mapping: EventMapping,
    event: Event,
    values: dict[str, str],
    log: Mapping[str, str],
) -> _Tree:
    product = {"vendor_name": mapping.vendor, "name": mapping.product}
    metadata: _Tree = {"version": OCSF_VERSION, "product": product, "event_code": event.class_id}
    uid = clean(log.get("__event_id__", "")) or values.get("externalId", "")
    if uid:
        metadata["uid"] = uid
    if values.get("externalId") == uid:
        values.pop("externalId", None)
    topic = clean(log.get("__topic__", ""))
    if topic:
        metadata["log_name"] = topic
    time = event.time if "rt" in mapping.extension else _read_original_time(name, log)
    if time:
        metadata["original_time"] = time
    return metadata


def _read_original_time(name: str, log: Mapping[str, str]) -> str:
    """Return the time of a log whose mapping does not use it; ``""`` if it has none."""
    return clean(log.get(ORIGINAL_TIMES[name], "")) if name in ORIGINAL_TIMES else ""


class _Place(NamedTuple):
    """A place in a tree.

    Attributes:
        steps: The names of the objects around it, and whether each is the item of a list.
        name: The name of the attribute.
        is_list: Whether the attribute is a list.
    """

    steps: tuple[tuple[str, bool], ...]
    name: str
    is_list: bool


def _parse_path(path: str) -> _Place:
    steps = [(step.removesuffix("[]"), step.endswith("[]")) for step in path.split(".")]
    return _Place(tuple(steps[:-1]), *steps[-1])


# The tables have some hundred paths.
_PLACES: LogCache[str, _Place] = LogCache(_parse_path, weigh)


class _Route(NamedTuple):
    """Where the value of a key goes.

    Attributes:
        label: Its name among the values that have no attribute.
        place: The place of its attribute; ``None`` if it has none.
        convert: Makes a value of the type of the attribute; returns ``None`` if it is none.
    """

    label: str
    place: _Place | None
    convert: _Convert


def _make_routes(chosen: tuple[OcsfClass, EventMapping]) -> dict[str, _Route]:
    """Make the routes of all keys of a mapping."""
    kind, mapping = chosen
    routes = {}
    for key in mapping.keys:
        label = mapping.labels.get(key, key)
        path = kind.attributes.get(label) or kind.attributes.get(key) if key in CEF_KEYS else None
        place = _PLACES[path] if path else None
        routes[key] = _Route(label, place, _choose_conversion(path or ""))
    return routes


_ROUTES: LogCache[tuple[OcsfClass, EventMapping], dict[str, _Route]] = LogCache(
    _make_routes, lambda chosen: weigh_with_mapping(chosen[1], chosen[1].keys, besides=2000)
)


def _build(
    kind: OcsfClass, mapping: EventMapping, values: Mapping[str, str]
) -> tuple[_Tree, _Tree, _Objects]:
    """Put each value at its place; return also those that have none, and the objects made."""
    tree: _Tree = {}
    unmapped: _Tree = {}
    objects: _Objects = []
    routes = _ROUTES[kind, mapping]
    for key, value in values.items():
        label, place, convert = routes[key]
        if place is not None:
            made = convert(value)
            if made is not None and _put(tree, place, made, objects):
                continue
        unmapped[_find_free(label, unmapped) if label in unmapped else label] = value
    for name, needed in _NEEDS.items():
        if name in tree and needed not in tree[name]:
            unmapped.update({f"{name}.{key}": value for key, value in tree.pop(name).items()})
    if "connection_info" in tree:
        tree["connection_info"]["direction_id"] = _DIRECTIONS.get(
            values.get("deviceDirection", ""), 0
        )
    return tree, unmapped, objects


def _find_free(name: str, taken: _Tree) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}{number}"
    return free


def _choose_conversion(path: str) -> _Convert:
    """Choose what makes a value of the type of an attribute."""
    name = path.rpartition(".")[2]
    if name == "ip":
        return _read_address
    if name == "port" or name in _NUMBERS:
        return partial(_read_number, _PORTS if name == "port" else _INTEGERS)
    if name == "http_method":
        return _read_method
    return _read_hex if path.endswith("hashes[].value") else str


def _read_number(end: int, value: str) -> int | None:
    is_number = value.isascii() and value.isdigit() and len(value) < 20
    return int(value) if is_number and int(value) < end else None


def _read_method(value: str) -> str | None:
    return value.upper() if value.upper() in _METHODS else None


def _read_hex(value: str) -> str | None:
    return value if _HEX.fullmatch(value) else None


def _read_address(value: str) -> str | None:
    return _ADDRESSES[value] if len(value) <= _LONGEST else _parse_address(value)


def _parse_address(value: str) -> str | None:
    try:
        address = ip_address(value)
    except ValueError:
        return None
    return address.compressed.partition("%")[0]


# Logs repeat a few addresses.
_ADDRESSES: LogCache[str, str | None] = LogCache(_parse_address, weigh)


def _put(tree: _Tree, place: _Place, value: str | int, objects: _Objects) -> bool:
    """Put a value at a place, and list the objects made for it; return whether it was free."""
    steps, name, is_list = place
    for step, is_item in steps:
        inner = tree.get(step)
        if inner is None:
            inner = {}
            tree[step] = [inner] if is_item else inner
            objects.append((step, inner))
        elif is_item:
            inner = inner[0]
        tree = inner
    if name in tree:
        return False
    tree[name] = [value] if is_list else value
    return True


def _complete(
    kind: OcsfClass,
    tree: _Tree,
    unmapped: _Tree,
    objects: _Objects,
    event: Event,
    named: Mapping[str, str],
) -> None:
    """Add what the schema demands, where no value of the log is, and what follows from others."""
    if kind.uid == 6003:
        _put(tree, _PLACES["api.operation"], _find_operation(kind, named), objects)
    if kind.is_finding:
        _put(tree, _PLACES["finding_info.uid"], _make_finding_uid(kind, named), objects)
        _put(tree, _PLACES["finding_info.title"], event.name, objects)
    if kind.uid == 2003:
        _put(tree, _PLACES["compliance.control"], event.name, objects)
    rcode = _RCODES.get(tree.get("status_code", "").lower()) if kind.uid == 4003 else None
    if rcode:
        tree["rcode"], tree["rcode_id"] = rcode, RCODES[rcode]
    cves = _find_cves(event) if kind.uid == 2002 else []
    if cves:
        advisory = tree.pop("vulnerabilities", [{}])[0].get("advisory")
        tree["vulnerabilities"] = [{"cve": {"uid": cve}} for cve in cves]
        if advisory:  # the schema takes only one of the two
            unmapped["VulnerabilityId"] = advisory["uid"]
    for top, inner, place, value in _REQUIRED[kind]:
        present = tree.get(top)
        if not present or (top in _OPEN_OBJECTS and inner not in present):
            _put(tree, place, event.class_id if value is None else value, objects)
    for name, found in objects:
        _complete_object(name, found)


_OPEN_OBJECTS = {"api", "compliance", "finding_info"}
"""Required objects that other values may have begun."""


def _list_required(kind: OcsfClass) -> list[tuple[str, str, _Place, str | int | None]]:
    """List what the schema demands: attribute, member, place, and what stands there otherwise.

    ``None`` stands for the event class id.
    """
    return [
        (
            _find_top(path),
            path.partition(".")[2],
            _PLACES[path],
            None if "advisory" in path else value,
        )
        for path, value in kind.required.items()
    ]


_REQUIRED: LogCache[OcsfClass, list[tuple[str, str, _Place, str | int | None]]] = LogCache(
    _list_required, lambda kind: weigh(tuple(kind.required), times=2)
)


def _find_cves(event: Event) -> list[str]:
    """List the CVEs of a vulnerability: those of its list, or the one in its name."""
    listed = _CVE_LIST.search(event.values.get("msg", ""))
    texts = [listed[1] if listed else "", f"{event.name} {event.class_id}"]
    found = [_CVE.findall(text) for text in texts]
    return list(dict.fromkeys(next(filter(None, found), [])))


def _make_finding_uid(kind: OcsfClass, named: Mapping[str, str]) -> str:
    """Make an id that all events of one finding have, and no other finding."""
    own = named.get("externalId")
    if own and kind.has_own_uid:
        return own
    return ":".join(
        filter(None, (name[1:] if name[0] == "=" else named.get(name) for name in kind.finding_uid))
    )


def _list_objects(value: Any, name: str = "") -> Iterator[tuple[str, _Tree]]:
    """List the objects in a tree, with their names."""
    if isinstance(value, dict):
        yield name, value
        for key, inner in list(value.items()):
            yield from _list_objects(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _list_objects(inner, name)


def _complete_object(name: str, found: _Tree) -> None:
    """Add what the schema demands of an object of this name."""
    if name in _ONE_OF and found.keys().isdisjoint(_ONE_OF[name]):
        found[_ONE_OF[name][0]] = _UNKNOWN
    if name in {"database", "databucket", "device", "file"}:
        found["type_id"] = 0
    if name == "file":
        path = str(found.get("path", ""))
        found.setdefault("name", re.split(r"[/\\]", path.rstrip("/\\"))[-1] or path or _UNKNOWN)
    elif name == "hashes":
        found["algorithm_id"] = _HASHES.get(len(found["value"]), 0)


def _trim(value: Any, name: str, kind: OcsfClass, longest: int | None) -> Any:
    """Leave out long members of a required object; with 0, all that the schema does not demand."""
    if longest is None or not isinstance(value, (dict, list)):
        return value
    if longest == 0:
        return _make_least(value, name, kind)
    return _drop_long(value, longest)


def _drop_long(value: Any, longest: int) -> Any:
    """Leave out the texts that are longer than this and that the schema does not demand."""
    if isinstance(value, list):
        return [_drop_long(item, longest) for item in value]
    if isinstance(value, dict):
        kept = {
            name: _drop_long(inner, longest)
            for name, inner in value.items()
            if not isinstance(inner, str) or len(inner) <= longest or name in _IDENTITIES
        }
        return {name: inner for name, inner in kept.items() if inner != {}}
    return value


_IDENTITIES = {"name", "value", "uid", "operation", "hostname", "instance_uid", "user_agent"}
"""Members that an object of the schema may be refused without."""


def _make_least(value: Any, name: str, kind: OcsfClass) -> Any:
    """Make the least that the schema takes for a required attribute."""
    if name == "metadata":
        # The schema refuses the attributes of a profile that is not named.
        return {key: value[key] for key in ("version", "product", "profiles") if key in value}
    least: _Tree = {}
    for path, otherwise in kind.required.items():
        if _find_top(path) == name:
            _put(least, _PLACES[path], otherwise, [])
    for found, inner in _list_objects(least):
        _complete_object(found, inner)
    return least[name]


def _make_part(name: str, value: Any) -> Part | Group:
    before = f"{_json(name)}:"
    if name == "unmapped":
        parts = [
            Part(f"{_json(key)}:", text, least=find_least(text), write=_json)
            for key, text in value.items()
        ]
        return Group(f"{before}{{", parts, ",", "}")
    if name in {"message", "status_detail"}:
        return Part(before, value, least=LEAST_TEXT, write=_json)
    return Part(before, _json(value))


def _replace_halves(text: str) -> str:
    """Replace halves of surrogate pairs, which UTF-8 cannot carry."""
    return text.encode("utf-8", "replace").decode()
