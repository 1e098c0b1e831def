"""``LogEncoder``: from logs to the bytes of their messages, whatever the logs hold.

Pure. Hooks are a user's code: what they return is checked and repaired here, and what
they raise ends here, since a mistake in formatting must not cost a log or stall a shard.
Logs that need nothing of this go by ``fast_path.py``.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Any

from sls_syslog.encoding.fast_path import FastPath
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.wire import WireFormat
from sls_syslog.errors import MessageTooLongError
from sls_syslog.logs.flatten import Log, flatten_group, time_of
from sls_syslog.logs.rows import read_own_fields, read_rows
from sls_syslog.payloads.text import JsonPayload, KeyValuePayload
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.codes import Facility, Severity, compute_prival
from sls_syslog.syslog.formats import format_structured_data
from sls_syslog.syslog.message import SyslogMessage
from sls_syslog.syslog.sanitize import sanitize_header_field, sanitize_rfc5424_hostname
from sls_syslog.syslog.timestamps import LogClock

__all__ = ["LogEncoder"]

logger = logging.getLogger("sls_syslog.encoding")

_LAST_RESORT: dict[str, Callable[[Log], Any]] = {
    "format_message": KeyValuePayload(),
    "severity": lambda log: Severity.INFO,
    "facility": lambda log: Facility.USER,
    "hostname": lambda log: "-",
    "app_name": lambda log: "-",
    "timestamp": lambda log: datetime.now(timezone.utc),
    "structured_data": lambda log: {},
}
_HEADER_HOOKS = ("severity", "facility", "hostname", "app_name")
# Headers that are kept: a SIEM's users have some hundred hosts as a rule.
_HEADS = 1000


class LogEncoder:
    """Encodes logs as settings and hooks say.

    Args:
        settings: Formats, framing, limits.
        hooks: The processor, whose hooks a user may have overridden.

    Attributes:
        counts: What had to be done to logs, by kind (``docs/reference/wire.md``).
        where: The place in SLS that the next logs come from, for lines in this program's log.
    """

    def __init__(self, settings: ShipperSettings, hooks: MessageHooks) -> None:
        self.counts: Counter[str] = Counter()
        self.where = ""
        self._wire = WireFormat(settings)
        self._hooks = hooks
        self._limit = settings.max_message_bytes
        self._constants = _constants(settings, hooks)
        self._stamp = None if _is_own(hooks, "timestamp") else self._make_stamp(settings)
        self._second = ("", "")
        is_own_text = _is_own(hooks, "format_message")
        # CEF and LEEF stand where RFC 3164 has the TAG.
        self._has_tag = is_own_text or not getattr(settings.payload, "stands_for_tag", False)
        self._varying = [hook for hook in _HEADER_HOOKS if hook not in self._constants]
        self._heads: dict[tuple[Any, ...], tuple[str, str]] = {}
        self._failures = 0
        self._short_cut = self._make_short_cut(settings)
        own_payload = not isinstance(settings.payload, (KeyValuePayload, JsonPayload))
        if own_payload:
            settings = replace(settings, payload=KeyValuePayload(settings.sep))
        self._defaults = MessageHooks(settings)
        self._own = {hook for hook in _LAST_RESORT if _is_own(hooks, hook)}
        self._own |= {"format_message"} if own_payload else set()
        self._said: set[tuple[str, ...]] = set()
        self._legal: dict[str, Callable[[Any], Any]] = {
            "format_message": _text_or_none,
            "severity": Severity.of,
            "facility": Facility.of,
            "hostname": lambda value: self._repaired("hostname", value, sanitize_rfc5424_hostname),
            "app_name": lambda value: self._repaired("app_name", value, _app_name),
            "timestamp": self._timestamp,
            "structured_data": _structured_data,
        }

    def encode(
        self,
        log_groups: Any,
        event_id: Callable[[int, int], str] | None = None,
        uncounted: int = 0,
    ) -> list[bytes]:
        """The bytes of a batch, framed; under newline framing several messages may be in one piece.

        Args:
            log_groups: The SDK's ``LogGroupList``.
            event_id: Makes an id from the numbers of a group and of a log in it; ``None`` for none.
            uncounted: Of so many logs, the first ones, nothing is counted: it was when they were
                confirmed.
        """
        self.counts = Counter()
        frames: list[bytes] = []
        for number, group in enumerate(log_groups.LogGroups):
            named = partial(event_id, number) if event_id else None
            messages = self._short_messages(group, named)
            if self._short_cut is not None and None not in messages:
                frames += self._short_cut.framed(messages)
                uncounted -= len(messages)
                continue
            logs = self._long_logs(group, messages, named)
            for message in messages:
                frames += (
                    self.frames(next(logs)) if message is None else [self._wire.frame(message)]
                )
                uncounted -= 1
                if uncounted >= 0:
                    self.counts.clear()
        return frames

    def _short_messages(self, group: Any, event_id: Callable[[int], str] | None) -> list[Any]:
        if self._short_cut is None:
            return [None] * len(group.Logs)
        return self._short_cut.messages(group, read_rows(group), event_id)

    def _long_logs(
        self, group: Any, messages: list[Any], event_id: Callable[[int], str] | None
    ) -> Iterator[Log]:
        """The logs without a message, as hooks are given them."""
        if self._short_cut is None:
            own = map(read_own_fields, read_rows(group))
            return flatten_group(group, self.counts, event_id, own_fields=own)
        numbers = {number for number, message in enumerate(messages) if message is None}
        return flatten_group(group, self.counts, event_id, numbers)

    def frames(self, log: Log) -> list[bytes]:
        """The bytes of one log, framed: one frame as a rule, none when it is left out."""
        failures = self._failures
        body = self._ask("format_message", log)
        if body is None:
            self.counts["filtered"] += 1
            return []
        # Where the payload has failed, its default has written a text that stands for no TAG.
        has_tag = self._has_tag or self._failures > failures
        before, behind = self._head(log, has_tag)
        header = f"{before}{self._time(log)}{behind}"
        wire = self._wire
        if not wire.format.has_structured_data:
            return self._sized(header, body)
        if "structured_data" in self._constants:
            return self._sized(f"{header}-", body)
        elements = format_structured_data(self._ask("structured_data", log), wire.newlines)
        try:
            return self._sized(header + elements, body)
        except MessageTooLongError:
            self.counts["omitted_structured_data"] += 1
            self._warn_of_size("omitted_structured_data")
            return self._sized(f"{header}-", body)  # a log without them is better than none

    def _head(self, log: Log, has_tag: bool) -> tuple[str, str]:
        """What stands before and behind the time in the header of a log."""
        said = (has_tag, *[self._ask(hook, log) for hook in self._varying])
        head = self._heads.get(said)
        if head is None:
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            head = self._heads[said] = self._make_head(*said)
        return head

    def _make_head(self, has_tag: bool, *said: Any) -> tuple[str, str]:
        of = {**self._constants, **dict(zip(self._varying, said, strict=True))}
        wire_format = self._wire.format
        app_name = of["app_name"] if has_tag or wire_format.has_structured_data else ""
        prival = compute_prival(of["facility"], of["severity"])
        names = of["hostname"], app_name, "-", "-"
        before, behind = wire_format.header(prival, "\0", *names).split("\0")
        return before, behind

    def _make_stamp(self, settings: ShipperSettings) -> Callable[[int, int], str]:
        clock = LogClock(settings.timezone)
        return (
            clock.format_rfc5424 if self._wire.format.has_structured_data else clock.format_rfc3164
        )

    def _make_short_cut(self, settings: ShipperSettings) -> FastPath | None:
        payload = settings.payload
        # Of this very class: one made from it may write anything.
        if self._varying or "writer" not in vars(type(payload)):
            return None
        if self._stamp is None or _is_own(self._hooks, "format_message"):
            return None
        has_structured_data = self._wire.format.has_structured_data
        if has_structured_data and "structured_data" not in self._constants:
            return None
        before, behind = self._make_head(self._has_tag)
        return FastPath(
            before,
            f"{behind}{'- ' if has_structured_data else ''}{self._wire.bom}",
            payload.writer,  # type: ignore[attr-defined]  # it has one
            self._stamp,
            settings.framing,
            self._limit,
        )

    def _time(self, log: Log) -> str:
        """The log's time as the header has it."""
        if self._stamp is None or "__time__" not in log:
            return str(self._ask("timestamp", log))
        if "__time_ns_part__" in log:
            return self._stamp(*time_of(log))
        if log["__time__"] != self._second[0]:  # logs come many to a second
            self._second = log["__time__"], self._stamp(*time_of(log))
        return self._second[1]

    def _sized(self, head: str, body: str) -> list[bytes]:
        if self._limit is None:
            return self._wire.frames(head, body, self.counts)
        kind = self._wire.oversized
        before = self.counts[kind]
        frames = self._wire.frames(head, body, self.counts)
        if self.counts[kind] > before:
            self._warn_of_size(kind)
        return frames

    def _warn_of_size(self, kind: str) -> None:
        if self._first_time(kind):
            logger.warning("%s: a log is longer than may be sent: %s", self.where, kind)

    def _ask(self, hook: str, log: Log) -> Any:
        """What a hook says, made legal; the default's word where it fails."""
        if hook in self._constants:
            return self._constants[hook]
        legal = self._legal[hook]
        if hook in self._own:
            try:
                # A copy: what a hook does to its log must reach neither the next nor the default.
                return legal(getattr(self._hooks, hook)(dict(log)))
            except BaseException as error:  # sys.exit() too: it would send the batch back for ever
                self._report(hook, error)
        try:
            return legal(getattr(self._defaults, hook)(log))
        except Exception as error:
            self._report(hook, error)
        return legal(_LAST_RESORT[hook](log))  # a setting that only some logs upset

    def _repaired(self, name: str, value: Any, repair: Callable[[str], str]) -> str:
        text = "" if value is None else str(value)
        legal = repair(text)
        if legal != text and text:
            self.counts[f"repaired_{name}"] += 1
        return legal

    def _timestamp(self, value: Any) -> str:
        if isinstance(value, datetime) and value.utcoffset() is not None:
            return self._wire.format.time(self._wire.in_zone(value))
        raise TypeError(f"expected a datetime with a time zone, got {value!r}")

    def _report(self, hook: str, error: BaseException) -> None:
        self.counts["hook_failed"] += 1
        self._failures += 1
        if self._first_time(hook, type(error).__name__):
            logger.error(
                "%s: hook %s failed; its default is used for this log and, without another word,"
                " whenever it fails like this again",
                self.where,
                hook,
                exc_info=error,
            )

    def _first_time(self, *cause: str) -> bool:
        known = cause in self._said
        self._said.add(cause)
        return not known


def _is_own(hooks: MessageHooks, hook: str) -> bool:
    """Whether a user has overridden a hook."""
    return hook in vars(hooks) or getattr(type(hooks), hook) is not getattr(MessageHooks, hook)


def _constants(settings: ShipperSettings, hooks: MessageHooks) -> dict[str, Any]:
    """What hooks say of any log, where that is always the same, and legal."""
    hostname, tag = settings.hostname, settings.tag
    fixed = {
        "severity": (settings.severity, not settings.severity_rules),
        "facility": (settings.facility, True),
        "hostname": (
            hostname,
            "{" not in hostname and sanitize_rfc5424_hostname(hostname) == hostname,
        ),
        "app_name": (tag, "{" not in tag and _app_name(tag) == tag),
        "structured_data": ({}, not settings.structured_data and not settings.enterprise_id),
    }
    return {
        hook: value
        for hook, (value, is_fixed) in fixed.items()
        if is_fixed and not _is_own(hooks, hook)
    }


def _app_name(text: str) -> str:
    return sanitize_header_field(text, 48)


def _text_or_none(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"expected a str or None, got {type(value).__name__}")


def _structured_data(value: Any) -> Mapping[str, Any]:
    return SyslogMessage(structured_data=value or {}).structured_data
