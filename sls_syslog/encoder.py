"""``LogEncoder``: from one log to the bytes of its message, whatever the log holds.

Pure. Hooks are a user's code: what they return is checked and repaired here, and what
they raise ends here, since a mistake in formatting must not cost a log or stall a shard.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from sls_syslog.codes import Facility, Severity, pri
from sls_syslog.errors import MessageTooLongError
from sls_syslog.formats import structured_data_text
from sls_syslog.hooks import MessageHooks
from sls_syslog.logs import Log
from sls_syslog.message import SyslogMessage
from sls_syslog.payloads import JsonPayload, KeyValuePayload
from sls_syslog.repair import header_field, hostname_rfc5424
from sls_syslog.settings import ShipperSettings
from sls_syslog.wire import WireFormat

__all__ = ["LogEncoder"]

logger = logging.getLogger(__name__)

_LAST_RESORT: dict[str, Callable[[Log], Any]] = {
    "format_message": KeyValuePayload(),
    "severity": lambda log: Severity.INFO,
    "facility": lambda log: Facility.USER,
    "hostname": lambda log: "-",
    "app_name": lambda log: "-",
    "timestamp": lambda log: datetime.now(timezone.utc),
    "structured_data": lambda log: {},
}
_OVERSIZE = ("truncated", "split", "dropped_oversize")


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
        if not isinstance(settings.payload, (KeyValuePayload, JsonPayload)):
            settings = replace(settings, payload=KeyValuePayload(settings.sep))
        self._defaults = MessageHooks(settings)
        self._said: set[tuple[str, ...]] = set()
        self._legal: dict[str, Callable[[Any], Any]] = {
            "format_message": _text_or_none,
            "severity": Severity.of,
            "facility": Facility.of,
            "hostname": lambda value: self._repaired("hostname", value, hostname_rfc5424),
            "app_name": lambda value: self._repaired("app_name", value, _app_name),
            "timestamp": self._timestamp,
            "structured_data": _structured_data,
        }

    def frames(self, log: Log) -> list[bytes]:
        """The bytes of one log, framed: one frame as a rule, none when it is left out."""
        body = self._ask("format_message", log)
        if body is None:
            self.counts["filtered"] += 1
            return []
        wire = self._wire
        header = wire.format.header(
            pri(self._ask("facility", log), self._ask("severity", log)),
            self._ask("timestamp", log),
            self._ask("hostname", log),
            self._ask("app_name", log),
            "-",
            "-",
        )
        if not wire.format.has_structured_data:
            return self._sized(header, body)
        elements = structured_data_text(self._ask("structured_data", log), wire.newlines)
        try:
            return self._sized(header + elements, body)
        except MessageTooLongError:
            self.counts["omitted_structured_data"] += 1
            self._warn_of_size("omitted_structured_data")
            return self._sized(f"{header}-", body)  # a log without them is better than none

    def _sized(self, head: str, body: str) -> list[bytes]:
        before = [self.counts[kind] for kind in _OVERSIZE]
        frames = self._wire.frames(head, body, self.counts)
        for kind, count in zip(_OVERSIZE, before, strict=True):
            if self.counts[kind] > count:
                self._warn_of_size(kind)
        return frames

    def _warn_of_size(self, kind: str) -> None:
        if self._first_time(kind):
            logger.warning("%s: a log is longer than may be sent: %s", self.where, kind)

    def _ask(self, hook: str, log: Log) -> Any:
        """What a hook says, made legal; the default's word where it fails."""
        legal = self._legal[hook]
        for asked in (self._hooks, self._defaults):
            try:
                # A copy: what a hook does to its log must reach neither the next nor the default.
                return legal(getattr(asked, hook)(dict(log)))
            except BaseException as error:  # sys.exit() too: it would send the batch back for ever
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


def _app_name(text: str) -> str:
    return header_field(text, 48)


def _text_or_none(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else value.encode("utf-8", "replace").decode()
    raise TypeError(f"expected a str or None, got {type(value).__name__}")


def _structured_data(value: Any) -> Mapping[str, Any]:
    return SyslogMessage(structured_data=value or {}).structured_data
