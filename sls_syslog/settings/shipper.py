"""The settings of ``SyslogShipperProcessor``: those of the client, and how logs are shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sls_syslog.errors import InvalidMessageError
from sls_syslog.logs.severity_rules import SeverityRule
from sls_syslog.logs.templates import Template
from sls_syslog.payloads.by_name import PAYLOADS, Payload
from sls_syslog.settings import readers
from sls_syslog.settings.client import ClientSettings
from sls_syslog.settings.profiles import PROFILES
from sls_syslog.settings.table import read_value, setting
from sls_syslog.syslog.message import SyslogMessage

__all__ = ["ShipperSettings"]


def _payload(value: Any) -> Any:
    if callable(value) and not isinstance(value, type):
        return value
    return readers.choice(*PAYLOADS)(value)


_EVENTS = ("cef", "leef")


def _is_event(payload: Any) -> bool:
    return payload in _EVENTS or getattr(payload, "stands_for_tag", False)


def _severity_rules(value: Any) -> tuple[SeverityRule, ...]:
    rules = readers.from_json(value)
    if not isinstance(rules, (list, tuple)):
        raise ValueError("expected a list of rules")
    return tuple(SeverityRule.of(rule) for rule in rules)


def _structured_data(value: Any) -> Mapping[str, Mapping[str, str]]:
    elements = readers.from_json(value)
    try:
        checked = SyslogMessage(structured_data=elements).structured_data
    except InvalidMessageError as error:
        raise ValueError(str(error).partition(": ")[2]) from None
    by_id = {sd_id: dict(params) for sd_id, params in checked.items()}
    for params in by_id.values():
        for text in params.values():
            Template(text, "")
    return by_id


@dataclass(frozen=True, kw_only=True)
class ShipperSettings(ClientSettings):
    """What ``SyslogShipperProcessor`` needs: the client's settings and how logs are shipped.

    Every key may be left out or ``None`` for its default; only ``host`` is required, or
    ``hosts`` in its place. ``ShipperSettings.describe()`` gives the table of all keys.

    Raises:
        SettingsError: If a key is unknown or its value is wrong, or two keys contradict.
    """

    receiver: str | None = setting(
        readers.choice(*PROFILES),
        None,
        "A profile, which gives other keys the values that a receiver needs; a key that is set"
        " itself wins. "
        f"One of {', '.join(f'`{name}`' for name in PROFILES)}.",
    )
    sep: str = setting(readers.text, "||", "What stands before each field in `key-value`.")
    payload: Payload = setting(
        _payload,
        "key-value",
        "How a log becomes the text of a message: `key-value`, `json`, `cef`, `leef`, or a"
        " function or object that is called with the log and returns a text, such as a"
        " `CefPayload` with a mapping of your own.",
    )
    severity_rules: tuple[SeverityRule, ...] = setting(
        _severity_rules,
        (),
        "A list of `SeverityRule`s, or of mappings such as"
        ' `{"field": "level", "equals": "ERROR", "severity": "error"}` (JSON in the environment);'
        " the first that matches a log gives its severity, else `severity` does.",
    )
    structured_data: Mapping[str, Mapping[str, str]] = setting(
        _structured_data,
        {},
        "SD-ELEMENTs for each message: a mapping of SD-ID to a mapping of PARAM-NAME to text"
        " (JSON in the environment); in the text `{__source__}` and the like stand for fields of"
        " the log, and a parameter whose field is missing is left out. Only rfc5424.",
    )
    enterprise_id: int | None = setting(
        readers.integer(1, 2**32 - 1),
        None,
        "Your private enterprise number: each message gets an SD-ELEMENT `sls@<number>` with what"
        " SLS says of the log: topic, source, tags, the event id if there is one. Only rfc5424.",
    )
    event_id: bool = setting(
        readers.flag,
        False,
        "Whether each log gets a field `__event_id__`, the same when the log is sent again, by"
        " which a receiver can drop duplicates.",
    )
    retry_seconds: float = setting(
        readers.seconds(zero=True),
        20.0,
        "Seconds for which a failed batch is tried again before SLS is asked to serve it once"
        " more (and so on, for ever).",
    )

    replay_seconds: float = setting(
        readers.seconds(zero=True),
        0.0,
        "Seconds by which checkpoints trail behind what is confirmed; after an outage all that is"
        " younger is sent again, for receivers that lose what lies in their memory when they"
        " crash.",
    )

    def __post_init__(self) -> None:
        if self.receiver is not None:
            self._take_profile()
        super().__post_init__()
        if isinstance(self.payload, str):
            object.__setattr__(self, "payload", PAYLOADS[self.payload](self.sep))

    def _take_profile(self) -> None:
        """Keys that nobody has set get their values from the receiver's profile."""
        metadata = {spec.name: spec.metadata for spec in fields(self)}
        name = read_value("receiver", metadata["receiver"], self.receiver)
        protocol = self.protocol and read_value("protocol", metadata["protocol"], self.protocol)
        chosen = PROFILES[name].settings_for(protocol)
        payload: Any = self.payload
        if chosen.get("payload") in _EVENTS and payload is not None and not _is_event(payload):
            # What is right for CEF and LEEF would cut JSON.
            chosen = {key: of for key, of in chosen.items() if key not in {"oversize", "newlines"}}
        for key, value in chosen.items():
            if getattr(self, key) is None:
                object.__setattr__(self, key, value)

    def _contradictions(self, given: set[str]) -> list[tuple[str, str]]:
        found = super()._contradictions(given)
        if self.oversize == "split" and _is_event(self.payload):
            found.append(("oversize", "'split' would leave a SIEM with parts of CEF or LEEF"))
        if self.receiver is None:
            return found
        return [(key, f"{problem} (with receiver {self.receiver!r})") for key, problem in found]
