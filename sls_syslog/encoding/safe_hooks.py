"""``SafeHooks``: calls a user's hooks so that a mistake in a hook loses no log.

It checks and repairs what a hook returns. If a hook raises, its default answers instead, unless the
settings forbid it. It must not know batches, headers or frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Any, NamedTuple

from sls_syslog.encoding.hooks import MessageHooks, choose_severity, make_text
from sls_syslog.logs.decode import Log
from sls_syslog.payloads.by_name import Payload
from sls_syslog.payloads.event_text import EventText
from sls_syslog.payloads.severity import bind_severities
from sls_syslog.payloads.text import JsonPayload, KeyValuePayload
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.syslog.message import SyslogMessage
from sls_syslog.syslog.sanitize import sanitize_header_field, sanitize_rfc5424_hostname

__all__ = ["HOOK_FAILED", "HookError", "SafeHooks", "is_overridden"]

HOOK_FAILED = "hook_failed"
"""The outcome under which a failed hook is counted."""

_MAX_APP_NAME = 48  # characters, RFC 5424 section 6.2.5


class HookError(Exception):
    """Raised when a hook fails and its default must not stand in.

    Attributes:
        hook: The name of the hook.
        error: What it raised.
    """

    def __init__(self, hook: str, error: BaseException) -> None:
        super().__init__(f"hook {hook} failed")
        self.hook = hook
        self.error = error


class _Hook(NamedTuple):
    """How the answers of a hook are used.

    Attributes:
        check: Returns a legal answer for an answer, and adds a repair to the outcomes; raises if
            the answer cannot be used.
        last_resort: Answers if the default fails too; some settings fail only for some logs.
    """

    check: Callable[[Any, list[str]], Any]
    last_resort: Callable[[Log], Any]


class SafeHooks:
    """Asks hooks, and always has a legal answer.

    Args:
        settings: The settings that the defaults use.
        hooks: The processor, whose hooks a user may have overridden.
        format_time: Formats a time with a zone for the header.
        report: Called with the name of a failed hook and its error.

    Attributes:
        overridden: The hooks that a user has overridden.
        constants: The answers that are the same for every log, by hook.
        default_payload: Makes the text if ``format_message`` fails.
        needs_severity: Whether the text depends on the severity of the message.
    """

    def __init__(
        self,
        settings: ShipperSettings,
        hooks: MessageHooks,
        format_time: Callable[[datetime], str],
        report: Callable[[str, BaseException], None],
    ) -> None:
        self._hooks = hooks
        self._report = report
        self._has_defaults = settings.on_hook_error == "default"
        self._table = _make_table(format_time)
        self.overridden = frozenset(hook for hook in self._table if is_overridden(hooks, hook))
        self.constants = {
            hook: answer
            for hook, answer in _find_constants(settings).items()
            if hook not in self.overridden
        }
        # A payload can be the user's code too, also a subclass; its default is KeyValuePayload.
        self._payload: Payload = settings.payload
        self._payloads = bind_severities(settings.payload)
        is_own_payload = type(settings.payload) not in {KeyValuePayload, JsonPayload}
        self._own = self.overridden | ({"format_message"} if is_own_payload else set())
        if is_own_payload:
            settings = replace(settings, payload=KeyValuePayload(settings.sep))
        self.default_payload: Payload = settings.payload
        self.needs_severity = self._payloads is not None
        self._defaults = MessageHooks(settings)

    def ask(self, hook: str, log: Log, outcomes: list[str]) -> Any:
        """Ask a hook about a log.

        Args:
            hook: The name of the hook.
            log: The log; a user's hook gets a copy.
            outcomes: Gets one entry for each failure and each repair.

        Returns:
            A legal answer: the hook's, else its default's, else a constant.

        Raises:
            HookError: If it fails and ``on_hook_error`` is not ``default``.
        """
        if hook in self.constants:
            return self.constants[hook]
        return self._ask(hook, getattr(self._hooks, hook), log, outcomes)

    def _ask(self, hook: str, answer: Callable[[Log], Any], log: Log, outcomes: list[str]) -> Any:
        check, last_resort = self._table[hook]
        if hook in self._own:
            try:
                # A copy: a change of the log must not reach the next hook or the default.
                return check(answer(dict(log)), outcomes)
            except BaseException as error:  # sys.exit() too, else the batch is never done
                self._fail(hook, error, outcomes)
        try:
            return check(getattr(self._defaults, hook)(log), outcomes)
        except Exception as error:
            self._fail(hook, error, outcomes)
        return check(last_resort(log), outcomes)

    def ask_text(self, log: Log, severity: Severity | None, outcomes: list[str]) -> str | None:
        """Ask the hook ``format_message`` about a log, or the payload if nobody overrides the hook.

        Args:
            log: The log.
            severity: The severity of its message; ``None`` if it is the same for all logs, or the
                text does not depend on it.
            outcomes: Gets one entry for each failure and each repair.

        Returns:
            The text; ``None`` to leave the log out.
        """
        answer = self._hooks.format_message
        if "format_message" not in self.overridden:
            answer = partial(make_text, self.find_payload(severity))
        elif severity is not None:
            return self._ask_about(severity, log, outcomes)
        text: str | None = self._ask("format_message", answer, log, outcomes)
        return text

    def _ask_about(self, severity: Severity, log: Log, outcomes: list[str]) -> str | None:
        """Ask a user's hook ``format_message``, which may call its default."""
        choose_severity(self._hooks, severity)
        try:
            text: str | None = self.ask("format_message", log, outcomes)
        finally:
            choose_severity(self._hooks, None)
        return text

    def find_writer(self, severity: Severity | None, *, has_failed: bool) -> Payload | None:
        """Return the payload that made the text of a log; ``None`` if a user's hook did.

        Args:
            severity: See ``ask_text``.
            has_failed: Whether hook or payload have failed for this log.
        """
        if has_failed:
            return self.default_payload
        return None if "format_message" in self.overridden else self.find_payload(severity)

    def find_payload(self, severity: Severity | None) -> Payload:
        """Return the payload for messages of a severity; see ``ask_text``."""
        if self._payloads is None:
            return self._payload
        return self._payloads[self.constants["severity"] if severity is None else severity]

    def _fail(self, hook: str, error: BaseException, outcomes: list[str]) -> None:
        outcomes.append(HOOK_FAILED)
        self._report(hook, error)
        if not self._has_defaults:
            raise HookError(hook, error) from error


def _make_table(format_time: Callable[[datetime], str]) -> dict[str, _Hook]:
    def check_time(answer: object, outcomes: list[str]) -> str:
        if isinstance(answer, datetime) and answer.utcoffset() is not None:
            return format_time(answer)
        raise TypeError(f"expected a datetime with a time zone, got {answer!r}")

    repair_hostname = _make_repair("repaired_hostname", sanitize_rfc5424_hostname)
    repair_app_name = _make_repair("repaired_app_name", _sanitize_app_name)
    return {
        "format_message": _Hook(_check_text, KeyValuePayload()),
        "severity": _Hook(_check_severity, lambda log: Severity.INFO),
        "facility": _Hook(_check_facility, lambda log: Facility.USER),
        "hostname": _Hook(repair_hostname, lambda log: "-"),
        "app_name": _Hook(repair_app_name, lambda log: "-"),
        "timestamp": _Hook(check_time, lambda log: datetime.now(timezone.utc)),
        "structured_data": _Hook(_check_structured_data, lambda log: {}),
    }


def _make_repair(kind: str, sanitize: Callable[[str], str]) -> Callable[[Any, list[str]], str]:
    def repair(answer: object, outcomes: list[str]) -> str:
        text = "" if answer is None else str(answer)
        legal = sanitize(text)
        if legal != text and text:
            outcomes.append(kind)
        return legal

    return repair


def _check_text(answer: object, outcomes: list[str]) -> str | None:
    if isinstance(answer, EventText):
        outcomes += ["omitted_value"] * answer.omitted
    if answer is None or isinstance(answer, str):
        return answer
    raise TypeError(f"expected a str or None, got {type(answer).__name__}")


def _check_severity(answer: Any, outcomes: list[str]) -> Severity:
    return Severity.of(answer)


def _check_facility(answer: Any, outcomes: list[str]) -> Facility:
    return Facility.of(answer)


def _check_structured_data(answer: Any, outcomes: list[str]) -> Mapping[str, Any]:
    return SyslogMessage(structured_data=answer or {}).structured_data


def is_overridden(hooks: MessageHooks, hook: str) -> bool:
    """Whether a user has overridden a hook."""
    return hook in vars(hooks) or getattr(type(hooks), hook) is not getattr(MessageHooks, hook)


def _find_constants(settings: ShipperSettings) -> dict[str, Any]:
    """Find the defaults that give the same legal answer for every log, and these answers."""
    hostname, tag = settings.hostname, settings.tag
    candidates = {
        "severity": (settings.severity, not settings.severity_rules),
        "facility": (settings.facility, True),
        "hostname": (
            hostname,
            "{" not in hostname and sanitize_rfc5424_hostname(hostname) == hostname,
        ),
        "app_name": (tag, "{" not in tag and _sanitize_app_name(tag) == tag),
        "structured_data": ({}, not settings.structured_data and not settings.enterprise_id),
    }
    return {hook: answer for hook, (answer, is_constant) in candidates.items() if is_constant}


def _sanitize_app_name(text: str) -> str:
    return sanitize_header_field(text, _MAX_APP_NAME)
