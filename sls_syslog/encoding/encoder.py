"""``LogEncoder``: encodes any log to the bytes of its message.

Most logs take the fast path (``fast_path.py``), all others the slow one (``slow_path.py``). Filters
and masks come before both. It must lose no log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from typing import TypeAlias, TypeGuard

from sls_syslog.encoding.fast_path import LOGS_BEFORE_WRITER, FastPath
from sls_syslog.encoding.group_reader import GroupReader
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.native_path import NativePath, make_path
from sls_syslog.encoding.safe_hooks import HookError
from sls_syslog.encoding.slow_path import SlowPath
from sls_syslog.encoding.wire import WireFormat
from sls_syslog.logs import protobuf
from sls_syslog.logs.columns import RowPayload
from sls_syslog.logs.decode import Log, LogDecoder
from sls_syslog.logs.groups import Group
from sls_syslog.logs.masking import LogMask
from sls_syslog.logs.rules import make_filter
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["EncodedLogs", "Held", "LogEncoder"]

logger = SafeLogger("sls_syslog.encoding")

_Runs: TypeAlias = Iterable[tuple[Sequence[bytes], int | None]]
"""The logs of a group as ``FastPath.encode_group`` yields them."""

_DROPPED = "dropped_"

# Logs that are read as rows in the time that one log takes from the SDK's objects.
_ROWS_PER_LOG = 4


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
        self._slow_path = SlowPath(
            settings, hooks, self._wire, self._report_failure, self._report_size
        )
        self._reader = GroupReader()
        self._has_ids = settings.event_id
        self._reasons = self._list_reasons(settings)
        self._fast_path = self._make_fast_path(settings, logs_before_writer)

    @property
    def path(self) -> str:
        """How plain logs are encoded, in words."""
        if self._fast_path is None:
            return f"on the slow path, because of {', '.join(self._reasons)}"
        if self._has_ids and isinstance(self._fast_path, NativePath):
            return "in pure Python: the compiled helper does not know event_id"
        return self._fast_path.how

    @property
    def reads_bytes(self) -> bool:
        """Whether ``encode`` is quicker with a ``SentBatch``."""
        return self._reader.reads_bytes

    def lower_limit(self, limit: int) -> None:
        """Make no message longer than ``limit`` bytes from now on, as the system sends none."""
        self._wire.lower_limit(limit)
        if self._fast_path is not None:
            self._fast_path.lower_limit(limit)

    def find_groups(self, batch: protobuf.LogGroupList) -> list[Group]:
        """Find the groups of a batch, without parsing it if that is possible.

        Args:
            batch: The SDK's ``LogGroupList``, or a ``SentBatch``.

        Returns:
            The groups, in order.
        """
        return self._reader.find_groups(batch)

    def encode(
        self,
        batch: protobuf.LogGroupList,
        event_id: Callable[[int, int], str] | None = None,
        begin: int = 0,
        groups: Iterable[Group] | None = None,
    ) -> EncodedLogs:
        """Encode and frame a batch, up to the first log that must not be passed.

        Args:
            batch: The SDK's ``LogGroupList``, or a ``SentBatch``.
            event_id: Makes the id of a log from the numbers of its group in the batch and of the
                log in the group, both from 0; ``None`` for no ids.
            begin: The number in the batch of the first log to encode, from 0.
            groups: What ``find_groups`` has returned for the batch; ``None`` to call it.

        Returns:
            The frames, and the outcomes of logs.
        """
        encoded = EncodedLogs()
        first = 0  # the number in the batch of the group's first log
        for group in self.find_groups(batch) if groups is None else groups:
            if encoded.held is None and first + group.logs > begin:
                ids = partial(event_id, group.number) if event_id else None
                self._encode_group(group, ids, first, encoded, max(0, begin - first))
            first += group.logs
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
        group: Group,
        event_id: Callable[[int], str] | None,
        first: int,
        encoded: EncodedLogs,
        begin: int,
    ) -> None:
        """Add the logs of a group to ``encoded``.

        Args:
            group: The group.
            event_id: Makes the id of a log from its number in the group.
            first: The number in the batch of its first log.
            encoded: What is encoded.
            begin: The number in the group of the first log to add.
        """
        decoder: LogDecoder | None = None
        before_rows = -1  # logs to decode before the rows are read; negative if they are
        if self._fast_path is None or begin:
            rows = self._reader.read_rows(group)
            decoder = LogDecoder(group, event_id, rows)
            runs: _Runs = zip(repeat(()), range(begin, len(rows)), strict=False)
        else:
            runs = self._fast_path.encode_group(group, event_id)
        for frames, number in runs:
            encoded.frames += frames
            if number is None:
                break
            if decoder is None:
                known = self._fast_path.rows if self._fast_path else ()
                decoder = LogDecoder(group, event_id, known)
                before_rows = -1 if known else group.logs // _ROWS_PER_LOG
            elif before_rows == 0:
                decoder.use_rows(self._reader.read_rows(group))
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
            return self._slow_path.encode(log, outcomes)
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

    def _list_reasons(self, settings: ShipperSettings) -> list[str]:
        """List the hooks and settings that need the slow path for all logs."""
        reasons = [key for key in ("mask", "skip", "only") if getattr(settings, key)]
        reasons += self._slow_path.list_reasons()
        payload = self._slow_path.find_payload()
        if payload is not None and not _has_writer(payload):
            reasons.append("payload")
        return reasons

    def _make_fast_path(
        self, settings: ShipperSettings, logs_before_writer: int
    ) -> FastPath | None:
        """Make the fast path; ``None`` if settings or hooks need the slow path for all logs."""
        constants = None if self._reasons else self._slow_path.find_constants()
        if constants is None or not _has_writer(constants.payload):
            return None
        return make_path(
            constants.payload,
            self._wire.format.has_structured_data,
            self._reader,
            constants.before,
            constants.behind,
            constants.payload.writer,
            constants.stamp,
            settings.framing,
            settings.max_message_bytes,
            logs_before_writer,
        )

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


def _has_writer(payload: object) -> TypeGuard[RowPayload]:
    # A subclass that inherits the writer may write anything when it is called.
    return "writer" in vars(type(payload))
