"""``make_plain_event``: what the event of a log is, read off its mapping one step after another.

The oracle of the compiled mappings: it is slow, and says each rule once. It shares with them the
conversion of single values (``values.py``), which have their own tests, and nothing else.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from sls_syslog.payloads.catalog.functions import Derived
from sls_syslog.payloads.dictionary import ADDRESSES, CEF_KEYS, rank_key
from sls_syslog.payloads.fields import Fields
from sls_syslog.payloads.mapping import Event, EventMapping, Labelled, find_least_of
from sls_syslog.payloads.shorten import cut
from sls_syslog.payloads.values import CONVERSIONS, NO_VALUES, classify_address

__all__ = ["make_plain_event"]

Fit = Callable[[str], bool]

WORDS = {word.lower(): word for word in ("Unknown", "Low", "Medium", "High", "Very-High")}
SEVERITIES = {str(number): str(number) for number in range(11)} | WORDS


class Number(str):
    """A number of JSON, with the digits of the log."""

    __slots__ = ()


def make_plain_event(mapping: EventMapping, log: Mapping[str, str]) -> Event:
    """Make the event of a log."""
    log = {name: clean(value) for name, value in log.items()}
    values: dict[str, str] = {}
    omitted, time = 0, ""
    # The log's own time and id come after all values of their rank.
    for key in sorted([*mapping.extension, "(time)", "(id)"], key=rank_step):
        if key == "(time)":
            found: dict[str, str] | None = {"rt": read_time(log)}
        elif key == "(id)":
            event_id = log.get("__event_id__", "")
            found = {"externalId": event_id if len(event_id) <= 40 else ""}
        else:
            given = mapping.extension[key]
            source = given.source if isinstance(given, Labelled) else given
            text = read(source, log, *list_fits(key))
            found = convert(key, text)
            time = text if key == "rt" else time
        omitted += found is None
        for name, value in (found or {}).items():
            if value:
                values.setdefault(name, value)
    class_id = read(mapping.event_class_id, log) or log.get("__topic__") or "log"
    name = "" if mapping.name is None else read(mapping.name, log)
    severity = find_severity(mapping, log)
    return Event(class_id, name or class_id, severity, values, omitted, time)


def rank_step(key: str) -> int:
    return rank_key({"(time)": "rt", "(id)": "externalId"}.get(key, key))


def find_severity(mapping: EventMapping, log: Mapping[str, str]) -> str:
    given = mapping.severity
    if given is None:
        return ""
    if str(given).lower() in SEVERITIES:
        return SEVERITIES[str(given).lower()]
    assert not isinstance(given, int)
    text = read(given, log, lambda value: value.lower() in SEVERITIES)
    return SEVERITIES.get(text.lower(), "")


def read_time(log: Mapping[str, str]) -> str:
    seconds, part = log.get("__time__", ""), log.get("__time_ns_part__", "")
    if not seconds.isdecimal() or len(seconds) > 10:
        return ""
    milliseconds = int(part) // 1_000_000 if part.isdecimal() and len(part) <= 9 else 0
    return str(1000 * int(seconds) + milliseconds)


def list_fits(key: str) -> list[Fit]:
    """What fits a key, the best first."""
    kind = CEF_KEYS[key].kind if key in CEF_KEYS else "string"
    if kind == "string":
        return []
    if kind == "address":
        return [is_ip_address, lambda value: classify_address(value) is not None]
    return [lambda value: CONVERSIONS[kind](value) is not None]


def is_ip_address(value: str) -> bool:
    found = classify_address(value)
    return found is not None and found[0] != "host"


def convert(key: str, value: str) -> dict[str, str] | None:
    """The pairs that a value becomes; None if it has to be omitted."""
    if not value or key not in CEF_KEYS:
        return {key: value} if value else {}
    kind, limit = CEF_KEYS[key]
    if kind == "string":
        if len(value) <= limit:
            return {key: value}
        least = find_least_of(key, value)
        return None if least is None or least > limit else {key: cut(value, limit)}
    if kind == "address":
        found = classify_address(value)
        other = ADDRESSES[key]
        if found is not None:
            to_key = {"ipv4": key, "ipv6": other.ipv6, "host": other.host}[found[0]]
            return {to_key: found[1]} if len(found[1]) <= CEF_KEYS[other.host].limit else None
    elif (converted := CONVERSIONS[kind](value)) is not None:
        return {key: converted}
    return {} if value.lower() in NO_VALUES else None


def read(source: Any, log: Mapping[str, str], *fits: Fit) -> str:
    """The text of a source; of several the first that fits best, else the first."""
    if isinstance(source, str):
        return find_field(source, log)
    if isinstance(source, tuple):
        found = [value for each in source if (value := read(each, log, *fits))]
        best = [value for fit in fits for value in found if fit(value)]
        return [*best, *found, ""][0]
    if isinstance(source, Derived):
        return clean(derive(source, log))
    return clean(source(Fields(log)) or "")


def derive(source: Derived, log: Mapping[str, str]) -> str:
    fits = () if source.accept is None else (source.accept,)
    texts = [read(each, log, *fits) for each in source.sources]
    if source.picks is not None:
        place = source.picks.get(texts[0].lower())
        return "" if place is None else texts[place]
    if source.needs_first and not texts[0]:
        return ""
    if source.any_of and not any(name in log for name in source.any_of):
        return ""
    return source.make(*texts)


def find_field(name: str, log: Mapping[str, str]) -> str:
    """The field of this name, else what is there in the JSON of the field before the first dot."""
    holder, dot, path = name.partition(".")
    if name in log or not dot or log.get(holder, "")[:1] not in {"{", "["}:
        return log.get(name, "")
    try:
        found = find_at(json.loads(log[holder], parse_int=Number, parse_float=Number), path)
        text = found if isinstance(found, str) else "" if found is None else write(found)
    except (ValueError, RecursionError):
        return ""
    return clean(text)


def find_at(value: Any, path: str) -> Any:
    if not path:
        return value
    if isinstance(value, dict) and value.get(path) is not None:
        return value[path]
    step, _, rest = path.partition(".")
    if isinstance(value, list):
        place = int(step) if step.isdecimal() else len(value)
        return find_at(value[place], rest) if place < len(value) else None
    return find_at(value.get(step), rest) if isinstance(value, dict) else None


def write(value: Any) -> str:
    """Compact JSON."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{write(key)}:{write(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(write, value))}]"
    return value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def clean(value: str) -> str:
    """The value without what cannot be sent; "" for SLS's dash."""
    text = "".join(" " if is_unwritable(character) else character for character in value).strip()
    return "" if text == "-" else text


def is_unwritable(character: str) -> bool:
    is_kept = character in "\t\n\r"
    return not is_kept and unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
