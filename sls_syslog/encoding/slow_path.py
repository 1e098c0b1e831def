"""``SlowPath``: encodes any log: calls the hooks, and writes header and text.

A log takes it if the fast path cannot write it, or if a hook or a setting differs from log to log.
It must lose no log, and must not know batches.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.safe_hooks import HOOK_FAILED, SafeHooks
from sls_syslog.encoding.wire import Shorten, WireFormat
from sls_syslog.errors import MessageTooLongError
from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.decode import Log, read_time
from sls_syslog.payloads.by_name import Payload
from sls_syslog.payloads.shorten import Measure, ShortPayload
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.codes import Severity, compute_prival
from sls_syslog.syslog.formats import format_structured_data
from sls_syslog.syslog.timestamps import LogClock

__all__ = ["Constants", "SlowPath"]

_HEADER_HOOKS = ("severity", "facility", "hostname", "app_name")
# The settings that let the default of a hook differ from log to log.
_SETTINGS_OF_HOOKS = {
    "severity": ("severity_rules",),
    "hostname": ("hostname",),
    "app_name": ("tag",),
    "structured_data": ("structured_data", "enterprise_id"),
}


class Constants(NamedTuple):
    """What all messages have in common, if they differ in their times and texts only.

    Attributes:
        payload: Makes the texts.
        before: The part of a message before the time.
        behind: The part between the time and the text.
        stamp: Formats the time, from seconds since 1970 and nanoseconds.
    """

    payload: Payload
    before: str
    behind: str
    stamp: Callable[[int, int], str]


class SlowPath:
    """Encodes single logs.

    Args:
        settings: Formats, and what the default hooks use.
        hooks: The processor, whose hooks a user may have overridden.
        wire: Writes and frames messages.
        report_failure: Called with the name of each hook that fails, and its error.
        report_size: Called with the outcome of each message that is too long.
    """

    def __init__(
        self,
        settings: ShipperSettings,
        hooks: MessageHooks,
        wire: WireFormat,
        report_failure: Callable[[str, BaseException], None],
        report_size: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._wire = wire
        self._report_failure = report_failure
        self._report_size = report_size
        self._hooks = SafeHooks(settings, hooks, wire.format_time, report_failure)
        self._varying = [hook for hook in _HEADER_HOOKS if hook not in self._hooks.constants]
        self._heads = LogCache(self._make_head, partial(weigh, times=2))
        self._stamp = self._make_stamp(settings)
        self._last_time: tuple[str | None, str] = (None, "")  # of a log, and as the header has it
        # CEF and LEEF take the place of the TAG of RFC 3164.
        self._has_tag = "format_message" in self._hooks.overridden or not getattr(
            settings.payload, "stands_for_tag", False
        )
        self._asks_severity_first = self._hooks.needs_severity and "severity" in self._varying

    def list_reasons(self) -> list[str]:
        """List the hooks and settings that make messages differ in more than time and text."""
        hooks = self._hooks
        asked = [*sorted(hooks.overridden & {"format_message", "timestamp"}), *self._varying]
        if self._wire.format.has_structured_data and "structured_data" not in hooks.constants:
            asked.append("structured_data")
        reasons: list[str] = []
        for hook in asked:
            if hook in hooks.overridden:
                reasons.append(f"the hook {hook}")
            else:
                keys = _SETTINGS_OF_HOOKS[hook]
                reasons += [key for key in keys if getattr(self._settings, key)] or keys
        return reasons

    def find_payload(self) -> Payload | None:
        """Return a payload that makes texts, of any severity; ``None`` if a hook makes them."""
        return self._hooks.find_writer(Severity.INFO, has_failed=False)

    def find_constants(self) -> Constants | None:
        """Return what all messages have in common; ``None`` if more than time and text differs."""
        if self.list_reasons():
            return None
        assert self._stamp is not None  # noqa: S101  # else the hook timestamp is overridden
        hooks, has_structured_data = self._hooks, self._wire.format.has_structured_data
        before, behind = self._make_head((self._has_tag,))
        data = "- " if has_structured_data else ""
        return Constants(
            hooks.find_payload(None), before, f"{behind}{data}{self._wire.bom}", self._stamp
        )

    def encode(self, log: Log, outcomes: list[str]) -> list[bytes]:
        """Encode and frame a log.

        Args:
            log: The log.
            outcomes: Gets one entry for each change, failure and repair.

        Returns:
            Its frames: one, or several if it was split; none if it is left out.

        Raises:
            HookError: If a hook fails, and its default must not stand in.
        """
        hooks, wire = self._hooks, self._wire
        severity: Severity | None = None
        of_severity: list[str] = []
        if self._asks_severity_first:
            severity = hooks.ask("severity", log, of_severity)
        body = hooks.ask_text(log, severity, outcomes)
        if body is None:
            outcomes.append("filtered")
            return []
        # If the payload failed, its default has written a text without a prefix: add a TAG.
        has_failed = HOOK_FAILED in outcomes
        has_tag = self._has_tag or has_failed
        outcomes += of_severity
        shorten = partial(self._shorten, log, severity, has_failed, outcomes)
        before, behind = self._find_head(log, has_tag, severity, outcomes)
        header = f"{before}{self._format_time(log, outcomes)}{behind}"
        if not wire.format.has_structured_data:
            return self._encode_parts(header, body, outcomes, shorten)
        if "structured_data" in hooks.constants:
            return self._encode_parts(f"{header}-", body, outcomes, shorten)
        elements = hooks.ask("structured_data", log, outcomes)
        head = header + format_structured_data(elements, wire.newlines)
        try:
            return self._encode_parts(head, body, outcomes, shorten)
        except MessageTooLongError:
            outcomes.append("omitted_structured_data")
            self._report_size("omitted_structured_data")
            return self._encode_parts(f"{header}-", body, outcomes, shorten)

    def _encode_parts(
        self, head: str, body: str, outcomes: list[str], shorten: Shorten | None
    ) -> list[bytes]:
        frames = self._wire.encode_parts(head, body, outcomes, shorten)
        if outcomes and self._wire.oversize_outcome in outcomes:
            self._report_size(self._wire.oversize_outcome)
        return frames

    def _shorten(
        self,
        log: Log,
        severity: Severity | None,
        has_failed: bool,
        outcomes: list[str],
        room: int,
        measure: Measure,
    ) -> str | None:
        """Make a shorter text of a log; ``None`` if the payload that wrote it cannot."""
        payload = _find_short_payload(self._hooks.find_writer(severity, has_failed=has_failed))
        if payload is None:
            return None
        try:
            return payload.shorten(log, room, measure)
        except Exception as error:  # the text is cut instead, since no log may be lost
            outcomes.append(HOOK_FAILED)
            self._report_failure("shorten", error)
            return None

    def _find_head(
        self, log: Log, has_tag: bool, severity: Severity | None, outcomes: list[str]
    ) -> tuple[str, str]:
        """Return the parts of a log's header before and after the time.

        ``severity`` is the answer of the hook of that name, if it has been asked.
        """
        if not self._varying:
            return self._heads[has_tag,]
        asked = {} if severity is None else {"severity": severity}
        answers = [
            asked[hook] if hook in asked else self._hooks.ask(hook, log, outcomes)
            for hook in self._varying
        ]
        key = (has_tag, *answers)
        return self._heads[key]

    def _make_head(self, all_answers: tuple[Any, ...]) -> tuple[str, str]:
        has_tag, *answers = all_answers
        values = {**self._hooks.constants, **dict(zip(self._varying, answers, strict=True))}
        wire_format = self._wire.format
        app_name = values["app_name"] if has_tag or wire_format.has_structured_data else ""
        prival = compute_prival(values["facility"], values["severity"])
        header = wire_format.header(prival, "\0", values["hostname"], app_name, "-", "-")
        before, behind = header.split("\0")
        return before, behind

    def _make_stamp(self, settings: ShipperSettings) -> Callable[[int, int], str] | None:
        """Make the function that formats a log's time; ``None`` if a hook gives the time."""
        if "timestamp" in self._hooks.overridden:
            return None
        clock = LogClock(settings.timezone)
        return (
            clock.format_rfc5424 if self._wire.format.has_structured_data else clock.format_rfc3164
        )

    def _format_time(self, log: Log, outcomes: list[str]) -> str:
        """Format the time of a log as the header has it."""
        if self._stamp is None or "__time__" not in log:
            return str(self._hooks.ask("timestamp", log, outcomes))
        if "__time_ns_part__" not in log and log["__time__"] == self._last_time[0]:
            return self._last_time[1]  # many logs have the same second
        try:
            text = self._stamp(*read_time(log))
        except (ValueError, OverflowError, OSError):  # no time; the default of the hook tells it
            return str(self._hooks.ask("timestamp", log, outcomes))
        if "__time_ns_part__" not in log:
            self._last_time = log["__time__"], text
        return text


def _find_short_payload(payload: Any) -> ShortPayload | None:
    """Return the payload if it can make shorter texts; one that inherits this cannot, as above."""
    return payload if "shorten" in vars(type(payload)) else None
