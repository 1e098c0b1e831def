"""``LogEncoder``: from one log to the bytes of one message, whatever the log holds.

Pure. Hooks are a user's code: what they return is checked and repaired here, and what
they raise ends here, since a mistake in formatting must not cost a log or stall a shard.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sls_syslog.codes import Facility, Severity, pri
from sls_syslog.errors import MessageTooLongError
from sls_syslog.formats import structured_data_text
from sls_syslog.hooks import MessageHooks
from sls_syslog.logs import Log
from sls_syslog.message import SyslogMessage
from sls_syslog.payloads import JsonPayload, KeyValuePayload
from sls_syslog.repair import header_field
from sls_syslog.settings import ShipperSettings
from sls_syslog.wire import WireFormat

__all__ = ["LogEncoder"]

logger = logging.getLogger(__name__)


class LogEncoder:
    """Encodes logs as settings and hooks say.

    Args:
        settings: Formats, framing, limits.
        hooks: The processor, whose hooks a user may have overridden.
    """

    def __init__(self, settings: ShipperSettings, hooks: MessageHooks) -> None:
        self._wire = WireFormat(settings)
        self._hooks = hooks
        if not isinstance(settings.payload, (KeyValuePayload, JsonPayload)):
            settings = replace(settings, payload=KeyValuePayload(settings.sep))
        self._defaults = MessageHooks(settings)
        self._legal = {**_LEGAL, "timestamp": self._timestamp_text}
        self._reported: set[tuple[str, type[BaseException]]] = set()

    def frame(self, log: Log) -> bytes | None:
        """The bytes of one log, framed; ``None`` when ``format_message`` leaves it out."""
        body = self._ask("format_message", log)
        if body is None:
            return None
        wire = self._wire
        header = wire.format.header(
            pri(self._ask("facility", log), self._ask("severity", log)),
            self._ask("timestamp", log),
            self._ask("hostname", log),
            self._ask("app_name", log),
            "-",
            "-",
        )
        if wire.format.has_structured_data:
            elements = structured_data_text(self._ask("structured_data", log), wire.newlines)
            try:
                return wire.frame(f"{header}{elements} ", body)
            except MessageTooLongError as error:
                self._report("structured_data", error)
                header += "- "  # a log without them is better than none
        return wire.frame(header, body)

    def _ask(self, hook: str, log: Log) -> Any:
        """What a hook says, made legal; the default's word where it fails."""
        legal = self._legal[hook]
        try:
            # A copy: what a hook does to its log must reach neither the next one nor the default.
            return legal(getattr(self._hooks, hook)(dict(log)))
        except BaseException as error:  # sys.exit() too: it would send the batch back for ever
            self._report(hook, error)
            return legal(getattr(self._defaults, hook)(log))

    def _timestamp_text(self, value: Any) -> str:
        if isinstance(value, datetime) and value.utcoffset() is not None:
            return self._wire.format.time(self._wire.in_zone(value))
        raise TypeError(f"expected a datetime with a time zone, got {value!r}")

    def _report(self, hook: str, error: BaseException) -> None:
        cause = (hook, type(error))
        if cause not in self._reported:
            self._reported.add(cause)
            logger.error(
                "hook %s failed; its default is used for this log and, without another word,"
                " whenever it fails like this again",
                hook,
                exc_info=error,
            )


def _text_or_none(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else value.encode("utf-8", "replace").decode()
    raise TypeError(f"expected a str or None, got {type(value).__name__}")


def _header_field(limit: int) -> Callable[[Any], str]:
    return lambda value: header_field("" if value is None else str(value), limit)


def _structured_data(value: Any) -> Mapping[str, Any]:
    return SyslogMessage(structured_data=value or {}).structured_data


_LEGAL: dict[str, Callable[[Any], Any]] = {
    "format_message": _text_or_none,
    "severity": Severity.of,
    "facility": Facility.of,
    "hostname": _header_field(255),
    "app_name": _header_field(48),
    "structured_data": _structured_data,
}
"""What makes a hook's answer legal, or refuses it."""
