"""Reads OCSF events with the published schema: an independent judge of what a payload writes.

This module must never import a payload.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

__all__ = ["SCHEMA", "find_faults", "read_ocsf"]

VERSION = "1.5.0"
SCHEMA: dict[str, Any] = get_ocsf_schema(version=VERSION)
"""The schema as https://schema.ocsf.io exports it."""

_JSON_SCHEMA = OcsfJsonSchemaEmbedded(SCHEMA)


@cache
def _make_validator(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    name = _JSON_SCHEMA.lookup_class_name_from_uid(class_uid=class_uid)
    schema = _JSON_SCHEMA.get_class_schema(class_name=name, profiles=list(profiles))
    return Draft202012Validator(schema)


def find_faults(event: Any) -> list[str]:
    """What the schema has against an event, with the profiles that the event names."""
    profiles = tuple(event.get("metadata", {}).get("profiles", ()))
    faults = [
        f"{error.json_path}: {error.message[:200]}"
        for error in _make_validator(event["class_uid"], profiles).iter_errors(event)
    ]
    if event["category_uid"] != event["class_uid"] // 1000:
        faults.append("category_uid")
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        faults.append("type_uid")
    return faults


def read_ocsf(text: str) -> Any:
    """The event of a text, which must hold nothing that the schema refuses."""
    event = json.loads(text)
    text.encode()
    assert "\n" not in text
    assert not find_faults(event), (find_faults(event), text)
    return event
