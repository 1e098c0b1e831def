"""``LogEncoder``: encodes any log to the bytes of its message.

Most logs take the fast path (``fast_path.py``). For all others it calls the hooks
(``safe_hooks.py``) and writes header and text (``wire.py``). It must lose no log. Filters and masks
come before all of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from typing import Any, TypeAlias, TypeGuard

from sls_syslog.encoding.fast_path import LOGS_BEFORE_WRITER, FastPath
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.native_path import NativePath, make_path
from sls_syslog.encoding.safe_hooks import HOOK_FAILED, HookError, SafeHooks
from sls_syslog.encoding.wire import Shorten, WireFormat
from sls_syslog.errors import MessageTooLongError
from sls_syslog.logs import protobuf
from sls_syslog.logs.bodies import split_groups
from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.columns import RowPayload
from sls_syslog.logs.decode import Log, LogDecoder, read_time
from sls_syslog.logs.masking import LogMask
from sls_syslog.logs.rows import read_rows
from sls_syslog.logs.rules import make_filter
from sls_syslog.payloads.severity import bind_severities
from sls_syslog.payloads.shorten import Measure, ShortPayload
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.codes import Severity, compute_prival
from sls_syslog.syslog.formats import format_structured_data
from sls_syslog.syslog.timestamps import LogClock

__all__ = ["EncodedLogs", "Held", "LogEncoder"]

logger = SafeLogger("sls_syslog.encoding")

_Runs: TypeAlias = Iterable[tuple[Sequence[bytes], int | None]]
"""The logs of a group as ``FastPath.encode_group`` yields them."""

_DROPPED = "dropped_"

# So many logs are read as rows in the time in which one is read from the SDK's objects.
_ROWS_PER_LOG = 4

_HEADER_HOOKS = ("severity", "facility", "hostname", "app_name")


@dataclass(frozen=True, slots=True)
class Held:
    """A log that must not be passed.

    Attributes:
        number: The number of the log in the batch, from 0.
        problem: What is wrong, for this program's own log.
        error: What was raised.
    """

    number: int
    problem: str
    error: BaseException


class _HeldError(Exception):
    """Raised when a log must not be passed."""

    def __init__(self, problem: str, error: BaseException) -> None:
        super().__init__(problem)
        self.problem = problem
        self.error = error


@dataclass(slots=True)
class EncodedLogs:
    """Logs, encoded.

    Attributes:
        frames: The bytes to send, in order; under newline framing one piece may hold several
            messages.
        outcomes: What happened to logs: the number of the log in the batch, from 0, and the kind
            (``docs/reference/wire.md``). A log that was sent unchanged has no entry; a log with
            several outcomes has several entries.
        held: The log at which encoding ended, because it must not be passed; ``None`` if all logs
            are encoded.
    """

    frames: list[bytes] = field(default_factory=list)
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    held: Held | None = None


class LogEncoder:
    """Encodes logs as settings and hooks say.

    Args:
        settings: Formats, framing, limits.
        hooks: The processor, whose hooks a user may have overridden.
        logs_before_writer: Logs of one kind that take the slow path before the fast path has a
            writer for them.
        on_failure: Called with the name of each hook that fails, and its error; ``None`` for
            nothing but the line in this program's own log.

    Attributes:
        where: The shard and cursor of the next logs, for this program's own log.
        on_drop: Called with the number in the batch, the cause and the fields of each log that is
            to be dropped. If it raises, the log is held. ``None`` at first.
    """

    def __init__(
        self,
        settings: ShipperSettings,
        hooks: MessageHooks,
        *,
        logs_before_writer: int = LOGS_BEFORE_WRITER,
        on_failure: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self.where = ""
        self._on_failure = on_failure
        self.on_drop: Callable[[int, str, Log], None] | None = None
        self._on_hook_error = settings.on_hook_error
        self._is_sent = make_filter(settings.skip, settings.only)
        self._mask = LogMask(settings.mask, settings.mask_key).apply if settings.mask else None
        self._reported: set[tuple[str, ...]] = set()
        self._wire = WireFormat(settings)
        self._hooks = SafeHooks(settings, hooks, self._wire.format_time, self._report_failure)
        self._varying = [hook for hook in _HEADER_HOOKS if hook not in self._hooks.constants]
        self._heads = LogCache(self._make_head, partial(weigh, times=2))
        self._stamp = self._make_stamp(settings)
        self._last_time: tuple[str | None, str] = (None, "")  # of a log, and as the header has it
        # CEF and LEEF take the place of the TAG of RFC 3164.
        self._has_tag = "format_message" in self._hooks.overridden or not getattr(
            settings.payload, "stands_for_tag", False
        )
        self._payloads = bind_severities(settings.payload)
        self._asks_severity_first = self._payloads is not None and "severity" in self._varying
        self._payload = settings.payload
        self._fast_path = self._make_fast_path(settings, logs_before_writer)

    @property
    def path(self) -> str:
        """How plain logs are encoded, in words."""
        return self._fast_path.how if self._fast_path else "on the slow path, as the settings need"

    @property
    def reads_bodies(self) -> bool:
        """Whether ``encode`` is quicker with the bytes of a batch."""
        return isinstance(self._fast_path, NativePath)

    def lower_limit(self, limit: int) -> None:
        """Make no message longer than ``limit`` bytes from now on, as the system sends none."""
        self._wire.lower_limit(limit)
        if self._fast_path is not None:
            self._fast_path.lower_limit(limit)

    def encode(
        self,
        log_groups: protobuf.LogGroupList,
        event_id: Callable[[int, int], str] | None = None,
        begin: int = 0,
        body: bytes | None = None,
    ) -> EncodedLogs:
        """Encode and frame a batch, up to the first log that must not be passed.

        Args:
            log_groups: The batch, the SDK's ``LogGroupList``.
            event_id: Makes the id of a log from the numbers of its group in the batch and of the
                log in the group, both from 0; ``None`` for no ids.
            begin: The number in the batch of the first log to encode, from 0.
            body: The bytes of the batch as SLS sent them; ``None`` if they are not known. It is
                quicker with them, see ``reads_bodies``.

        Returns:
            The frames, and the outcomes of logs.
        """
        encoded = EncodedLogs()
        first = 0  # the number in the batch of the group's first log
        groups = log_groups.LogGroups
        bodies = split_groups(body, len(groups)) if body is not None else None
        if bodies:
            bodies.reverse()  # so that each is let go of when its group is encoded
        for number, group in enumerate(groups):
            size, own = len(group.Logs), bodies.pop() if bodies else None
            if encoded.held is None and first + size > begin:
                ids = partial(event_id, number) if event_id else None
                self._encode_group(group, ids, first, encoded, max(0, begin - first), own)
            first += size
        return encoded

    def encode_log(self, log: Log) -> EncodedLogs:
        """Encode and frame a single log.

        Args:
            log: The log, as a hook gets it.

        Returns:
            Its frames and its outcomes. It has one frame, unless it was split or left out.
        """
        outcomes: list[str] = []
        encoded = EncodedLogs()
        self._add_log(log, 0, outcomes, encoded)
        encoded.outcomes = [(0, kind) for kind in outcomes]
        return encoded

    def mask(self, log: Log) -> Log:
        """Return a log as payloads and hooks get it."""
        return self._mask(log) if self._mask else log

    def _encode_group(
        self,
        group: protobuf.LogGroup,
        event_id: Callable[[int], str] | None,
        first: int,
        encoded: EncodedLogs,
        begin: int,
        body: bytes | None = None,
    ) -> None:
        """Add the logs of a group to ``encoded``.

        Args:
            group: The group.
            event_id: Makes the id of a log from its number in the group.
            first: The number in the batch of its first log.
            encoded: What is encoded.
            begin: The number in the group of the first log to add.
            body: The bytes of the group as SLS sent them, if they are known.
        """
        decoder: LogDecoder | None = None
        if self._fast_path is None or begin:
            rows = list(read_rows(group))
            decoder = LogDecoder(group, event_id, rows)
            runs: _Runs = zip(repeat(()), range(begin, len(rows)), strict=False)
        else:
            runs = self._fast_path.encode_group(group, event_id, body)
        before_rows = len(group.Logs) // _ROWS_PER_LOG if decoder is None else -1
        for frames, number in runs:
            encoded.frames += frames
            if number is None:
                break
            decoder = decoder or LogDecoder(group, event_id)
            if before_rows == 0:
                decoder.use_rows(list(read_rows(group)))
            before_rows -= 1
            outcomes: list[str] = []
            self._add_log(decoder.decode(number, outcomes), first + number, outcomes, encoded)
            if encoded.held:
                break
            if outcomes:
                encoded.outcomes += [(first + number, kind) for kind in outcomes]

    def _add_log(self, log: Log, number: int, outcomes: list[str], encoded: EncodedLogs) -> None:
        """Add any log to ``encoded``, or note there that it is held."""
        if self._is_sent is not None and not self._is_sent(log):
            outcomes.append("filtered")
            return
        if self._mask is not None:
            masked = self._mask(log)
            if masked is not log:
                outcomes.append("masked")
            log = masked
        try:
            frames = self._encode_or_drop(log, outcomes)
            if not frames:
                self._report_drop(log, number, outcomes)
        except _HeldError as error:
            outcomes.append("held")
            encoded.held = Held(number, error.problem, error.error)
        else:
            encoded.frames += frames

    def _encode_or_drop(self, log: Log, outcomes: list[str]) -> list[bytes]:
        """Encode and frame a log; return no frames if it is left out.

        Raises:
            _HeldError: If a hook fails, and the log must not be passed.
        """
        try:
            return self._encode_slowly(log, outcomes)
        except HookError as failure:
            if self._on_hook_error == "hold":
                raise _HeldError(f"{failure} (on_hook_error)", failure.error) from failure
            outcomes.append(f"{_DROPPED}hook_failed")
            return []

    def _report_drop(self, log: Log, number: int, outcomes: list[str]) -> None:
        """Report a log that is dropped and not filtered.

        Raises:
            _HeldError: If that fails.
        """
        causes = [kind.removeprefix(_DROPPED) for kind in outcomes if kind.startswith(_DROPPED)]
        if self.on_drop is None or not causes:
            return
        try:
            self.on_drop(number, causes[0], log)
        except BaseException as error:  # the user's function, as a hook
            raise _HeldError("it must be dropped, and no copy of it can be kept", error) from error

    def _encode_slowly(self, log: Log, outcomes: list[str]) -> list[bytes]:
        """Encode and frame any log; return no frames if a hook filters it."""
        hooks, wire = self._hooks, self._wire
        severity: Severity | None = None
        of_severity: list[str] = []
        if self._asks_severity_first:
            severity = hooks.ask("severity", log, of_severity)
            body = hooks.ask_text(log, severity, outcomes)
        else:
            body = hooks.ask("format_message", log, outcomes)
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
        payload = self._find_writer(severity, has_failed)
        if payload is None:
            return None
        try:
            return payload.shorten(log, room, measure)
        except Exception as error:  # the text is cut instead, since no log may be lost
            outcomes.append(HOOK_FAILED)
            self._report_failure("shorten", error)
            return None

    def _find_writer(self, severity: Severity | None, has_failed: bool) -> ShortPayload | None:
        """Return the payload that wrote the text of a log, if it can make a shorter one."""
        hooks = self._hooks
        if has_failed:
            return _find_short_payload(hooks.default_payload)
        if "format_message" in hooks.overridden:
            return None
        if self._payloads is None:
            return _find_short_payload(self._payload)
        known = hooks.constants["severity"] if severity is None else severity
        return _find_short_payload(self._payloads[known])

    def _find_head(
        self, log: Log, has_tag: bool, severity: Severity | None, outcomes: list[str]
    ) -> tuple[str, str]:
        """Return the parts of a log's header before and after the time.

        ``severity`` is the answer of the hook of that name, if it has been asked.
        """
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

    def _make_fast_path(
        self, settings: ShipperSettings, logs_before_writer: int
    ) -> FastPath | None:
        """Make the fast path; ``None`` if settings or hooks need the slow path for all logs."""
        payload = settings.payload
        if self._mask is not None or self._is_sent is not None:
            return None
        if self._payloads is not None and not self._varying:
            payload = self._payloads[self._hooks.constants["severity"]]
        if not _has_writer(payload) or "format_message" in self._hooks.overridden:
            return None
        if self._varying or self._stamp is None:
            return None
        has_structured_data = self._wire.format.has_structured_data
        if has_structured_data and "structured_data" not in self._hooks.constants:
            return None
        before, behind = self._make_head((self._has_tag,))
        return make_path(
            payload,
            has_structured_data,
            before,
            f"{behind}{'- ' if has_structured_data else ''}{self._wire.bom}",
            payload.writer,
            self._stamp,
            settings.framing,
            settings.max_message_bytes,
            logs_before_writer,
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

    def _report_failure(self, hook: str, error: BaseException) -> None:
        if self._on_failure is not None:
            self._on_failure(hook, error)
        # Whoever holds the shard reports a log that is held.
        verdict = {"default": "its default was used", "drop": "the log is dropped"}
        policy = self._on_hook_error
        if policy in verdict and self._is_first(hook, type(error).__name__):
            logger.error(
                "%s: hook %s failed; %s (on_hook_error)."
                " Further failures of this kind are only counted.",
                self.where,
                hook,
                verdict[policy],
                exc_info=error,
            )

    def _report_size(self, kind: str) -> None:
        if self._is_first(kind):
            logger.warning(
                "%s: a log is longer than max_message_bytes: %s. Further ones are only counted.",
                self.where,
                kind,
            )

    def _is_first(self, *cause: str) -> bool:
        """Whether a cause is new; mark it as reported."""
        is_first = cause not in self._reported
        self._reported.add(cause)
        return is_first


def _find_short_payload(payload: Any) -> ShortPayload | None:
    """Return the payload if it can make shorter texts; one that inherits this cannot, as above."""
    return payload if "shorten" in vars(type(payload)) else None


def _has_writer(payload: object) -> TypeGuard[RowPayload]:
    # A subclass that inherits the writer may write anything when it is called.
    return "writer" in vars(type(payload))
