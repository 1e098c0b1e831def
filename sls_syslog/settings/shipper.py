"""The settings of ``SyslogShipperProcessor``: those of a client, and how logs are shipped.

Each setting is one row of a table. This module must not open a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from sls_syslog.errors import InvalidMessageError, SettingsError
from sls_syslog.logs.dropped import DroppedLog
from sls_syslog.logs.masking import DIGEST_LENGTH, MaskRule
from sls_syslog.logs.rules import LogRule, make_rule
from sls_syslog.logs.severity_rules import SeverityRule
from sls_syslog.logs.templates import Template
from sls_syslog.payloads.by_name import PAYLOADS, Payload
from sls_syslog.payloads.text import JsonPayload, KeyValuePayload
from sls_syslog.settings import readers
from sls_syslog.settings.client import ClientSettings
from sls_syslog.settings.contradictions import NEEDS, RULES
from sls_syslog.settings.keywords import (
    HookErrorPolicy,
    ReceiverName,
    RefusedPolicy,
    ShipperOptions,
)
from sls_syslog.settings.profiles import PROFILES
from sls_syslog.settings.table import (
    Rule,
    get_rows,
    need,
    read_value,
    setting,
    show_keywords,
)
from sls_syslog.syslog.message import SyslogMessage

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["ShipperSettings"]

_Rule = TypeVar("_Rule")

# A shorter key could be found by trying.
_LEAST_KEY = 16

# Payloads that write an event with a header of its own, in place of the TAG of RFC 3164.
_EVENTS = {"cef", "leef"}


def _is_event(payload: Any) -> bool:
    is_named = isinstance(payload, str) and payload in _EVENTS
    return is_named or getattr(payload, "stands_for_tag", False)


def _writes_sep(settings: Any) -> bool:
    payload = settings.payload
    if isinstance(payload, KeyValuePayload):
        return bool(payload.sep == settings.sep)
    # If a user's payload fails, key-value replaces it.
    return payload == "key-value" or not (
        isinstance(payload, (str, JsonPayload)) or _is_event(payload)
    )


def _can_see_refusals(settings: Any) -> bool:
    return settings.protocol in {"tcp", "tls"} and settings.confirm in {"auto", "consumed"}


def _read_payload(value: Any) -> Any:
    if callable(value) and not isinstance(value, type):
        return value
    return readers.choice(*PAYLOADS)(value)


def _can_drop(settings: Any) -> bool:
    return "drop" in {settings.oversize, settings.on_hook_error, settings.on_refused} or (
        settings.protocol == "udp"  # whose datagrams may carry less than max_message_bytes
    )


def _has_hashed(settings: Any) -> bool:
    return any(rule.hashed for rule in settings.mask)


def _read_rules(key: str, kind: type[_Rule], value: Any) -> tuple[_Rule, ...]:
    rules = readers.from_json(value)
    if not isinstance(rules, (list, tuple)):
        raise ValueError("expected a list of rules")
    try:
        return tuple(make_rule(kind, key, rule) for rule in rules)
    except SettingsError as error:
        raise SettingsError(key, str(error).removeprefix(f"{error.key}: ")) from None


def _read_mask_key(value: Any) -> Any:
    key = readers.secret(value)
    if len(key) < _LEAST_KEY:
        raise ValueError(f"expected a secret of at least {_LEAST_KEY} characters")
    return key


def _read_dropped(value: Any) -> Any:
    is_function = callable(value) and not isinstance(value, type)
    return value if is_function else readers.new_file_path(value)


def _read_structured_data(value: Any) -> Mapping[str, Mapping[str, str]]:
    elements = readers.from_json(value)
    try:
        checked = SyslogMessage(structured_data=elements).structured_data
    except InvalidMessageError as error:
        # It says already what came: the part that is wrong.
        raise SettingsError("structured_data", str(error).partition(": ")[2]) from None
    by_id = {sd_id: dict(params) for sd_id, params in checked.items()}
    for params in by_id.values():
        for text in params.values():
            Template(text, "")  # raises if a brace is not closed
    return by_id


@dataclass(frozen=True, kw_only=True, init=False, repr=False)
class ShipperSettings(ClientSettings):
    """What ``SyslogShipperProcessor`` needs: the client's settings and how logs are shipped.

    Each key may be left out, or be ``None``, for its default; only ``host`` is required, or
    ``hosts`` in its place. ``ShipperSettings.describe()`` returns the table of all keys.

    Raises:
        SettingsError: If a key is unknown or its value is wrong, or two keys contradict.
    """

    _rules: ClassVar[tuple[Rule, ...]] = (
        *RULES,
        Rule(
            ("oversize",),
            lambda settings: settings.oversize == "split" and _is_event(settings.payload),
            "'split' would leave the SIEM with parts of a CEF or LEEF event, which it cannot read",
        ),
        Rule(
            ("on_refused",),
            lambda settings: settings.on_refused == "drop" and not _can_see_refusals(settings),
            "'drop' needs protocol 'tcp' or 'tls' with confirm 'auto' or 'consumed': nothing else"
            " shows that a log was refused",
        ),
        Rule(
            ("mask",),
            lambda settings: _has_hashed(settings) and settings.mask_key is None,
            "a rule with hashed needs mask_key",
        ),
        *NEEDS,
        need(("mask_key",), _has_hashed, "needs a rule in mask with hashed"),
        need(
            ("dropped",),
            _can_drop,
            "has no effect: nothing is dropped unless oversize, on_hook_error or on_refused is"
            " 'drop', or protocol is 'udp'",
        ),
        need(
            ("refused_tries",),
            _can_see_refusals,
            "needs protocol 'tcp' or 'tls' with confirm 'auto' or 'consumed': nothing else shows"
            " that a log was refused",
        ),
        need(("sep",), _writes_sep, "is for payload 'key-value': this payload does not use it"),
    )
    _elsewhere: ClassVar[Mapping[str, str]] = {}

    receiver: ReceiverName | None = setting(
        readers.choice(*PROFILES),
        None,
        "Profile of a receiver: gives other keys the values that this receiver needs. A key that"
        " is set itself wins. "
        f"One of {', '.join(f'`{name}`' for name in PROFILES)}.",
    )
    sep: str = setting(readers.text, "||", "Text before each field. Only for `key-value`.")
    payload: Payload = setting(
        _read_payload,
        "key-value",
        "How a log becomes the text of a message: `key-value`, `json`, `cef`, `leef`, `ocsf`"
        " (version 1.5.0), or a function or object that is called with the log and returns a text,"
        " such as a `CefPayload` with a mapping of your own.",
    )
    severity_rules: tuple[SeverityRule, ...] = setting(
        partial(_read_rules, "severity_rules", SeverityRule),
        (),
        "A list of `SeverityRule`s, or of mappings such as"
        ' `{"field": "level", "equals": "ERROR", "severity": "error"}` (JSON in the environment).'
        " The first rule that matches a log gives its severity; if none does, `severity` does."
        " `equals` and `contains` are case-sensitive; `matches` is not if it begins with `(?i)`."
        " `matches` looks at the first 2048 characters of a field; a pattern that some text makes"
        " take long, such as `(a+)+$`, is refused.",
    )
    skip: tuple[LogRule, ...] = setting(
        partial(_read_rules, "skip", LogRule),
        (),
        "A list of `LogRule`s, or of mappings such as"
        ' `{"field": "path", "equals": "/healthz"}` (JSON in the environment), with the conditions'
        " of `severity_rules`. A log that matches any of them is not sent; it counts as"
        " `filtered`.",
    )
    only: tuple[LogRule, ...] = setting(
        partial(_read_rules, "only", LogRule),
        (),
        "As `skip`; a log that matches none of these rules is not sent.",
    )
    mask: tuple[MaskRule, ...] = setting(
        partial(_read_rules, "mask", MaskRule),
        (),
        'A list of `MaskRule`s, or of mappings such as `{"field": "password"}`,'
        ' `{"field_matches": "(?i)token", "hashed": true}` or'
        ' `{"value_matches": "[0-9]{13,19}", "text": "<card>"}` (JSON in the environment). They'
        " replace values, also inside JSON, before anything else sees the log, after `skip` and"
        " `only`. The default of `text` is `***`.",
    )
    mask_key: str | None = setting(
        _read_mask_key,
        None,
        f"Key of the digests that rules of `mask` with `hashed` write: at least {_LEAST_KEY}"
        f" characters. A digest is HMAC-SHA256 in {DIGEST_LENGTH} hexadecimal digits.",
        secret=True,
    )
    structured_data: Mapping[str, Mapping[str, str]] = setting(
        _read_structured_data,
        {},
        "SD-ELEMENTs of each message: a mapping of SD-ID to a mapping of PARAM-NAME to text"
        " (JSON in the environment). In a text, `{__source__}` and the like stand for fields of"
        " the log; a parameter whose field is missing is left out. Only for rfc5424.",
    )
    enterprise_id: int | None = setting(
        readers.integer(1, 2**32 - 1),
        None,
        "Your private enterprise number. Each message gets an SD-ELEMENT `sls@<number>` with the"
        " SLS metadata of the log: topic, source, tags, and the event id if there is one. Only for"
        " rfc5424.",
    )
    event_id: bool = setting(
        readers.flag,
        False,
        "Whether each log gets a field `__event_id__`. It stays the same when the log is sent"
        " again, so that a receiver can drop duplicates.",
    )
    retry_seconds: float = setting(
        readers.seconds(zero=True),
        20.0,
        "Seconds to retry a failed batch. After that, SLS delivers the batch again, and the retries"
        " start again, until it works.",
    )
    replay_seconds: float = setting(
        readers.seconds(zero=True),
        0.0,
        "By how many seconds checkpoints stay behind what is confirmed. After an outage,"
        " everything younger is sent again, for receivers that lose the data in their memory when"
        " they crash.",
    )

    window_bytes: int = setting(
        readers.integer(0, 2**40),
        8 * 1024 * 1024,
        "Most bytes of each shard that are kept in memory until the receiver has confirmed them."
        " After a failure they are sent again from there; if more was sent, SLS delivers all of it"
        " again. The batch that is sent at the moment is always kept.",
    )

    on_hook_error: HookErrorPolicy = setting(
        readers.choice("default", "drop", "hold"),
        "default",
        "What to do with a log for which a hook or a payload of yours raises: `default` (the"
        " default of the hook is used, which sends what the hook would have masked), `drop` (the"
        " log is not sent, and is counted as dropped) or `hold` (the shard waits until the hook"
        " works, and an error in the log names it).",
    )
    on_refused: RefusedPolicy = setting(
        readers.choice("hold", "drop"),
        "hold",
        "What to do with a log for which the receiver ends the connection each time: `hold` (the"
        " shard waits until the receiver takes it, and an error in the log names it) or `drop` (it"
        " is counted as dropped). Only for `tcp` and `tls`, with `confirm` `auto` or `consumed`.",
    )
    refused_tries: int = setting(
        readers.integer(2, 1000),
        5,
        "How often in a row the receiver must refuse a log before it counts as refused. Each time,"
        " the log is sent alone, and the receiver must confirm other logs before and after it. Only"
        " where `on_refused` can be set to `drop`.",
    )

    dropped: str | Callable[[DroppedLog], object] | None = setting(
        _read_dropped,
        None,
        "What gets a copy of each log that is dropped: the path of a file, to which a line of JSON"
        " is appended, or a function that is called with a `DroppedLog`. A log is dropped only"
        " after this has worked. Only where something can be dropped.",
    )

    def __init__(self, /, **options: Unpack[ShipperOptions]) -> None:
        self._read_options(options)

    def _read_options(self, options: Mapping[str, Any]) -> None:
        super()._read_options(options)
        if isinstance(self.payload, str):
            makers = {**PAYLOADS, **(PROFILES[self.receiver].payloads if self.receiver else {})}
            object.__setattr__(self, "payload", makers[self.payload](self.sep))

    def _choose_profile(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the settings of the profile ``receiver`` that fit the other keys."""
        rows = get_rows(self)
        given = {
            key: read_value(key, rows[key], options[key])
            for key in ("receiver", "protocol", "payload")
            if options.get(key) is not None
        }
        if "receiver" not in given:
            return {}
        row = PROFILES[given["receiver"]]
        settings = row.choose_settings(given.get("protocol"))
        payload = given.get("payload", settings.get("payload"))
        if _is_event(payload) == _is_event(settings.get("payload")):
            return settings
        # The policies for CEF and LEEF would cut JSON, and those for JSON would split an event.
        fitting = {key: of for key, of in settings.items() if key not in {"oversize", "newlines"}}
        events = row.events if _is_event(payload) else {}
        return {**fitting, **events}

    def _find_contradictions(self, given: Set[str]) -> Iterator[tuple[str, str]]:
        by_whom = f" (with receiver {self.receiver!r})" if self.receiver else ""
        for key, problem in super()._find_contradictions(given):
            yield key, f"{problem}{by_whom}"


show_keywords(ShipperSettings.__init__, ShipperSettings, ShipperOptions)
