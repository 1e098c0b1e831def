"""``Shard``: ships one shard: begin, encode, deliver, poll, roll back, save.

It follows the SDK's rules for cursors. No exception may leave it into the SDK: if ``process()``
raises, the SDK drops the batch (``aliyun/log/consumer/tasks.py``) and continues with the next.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Protocol

from aliyun.log.proto import LogGroupListRaw

from sls_syslog.consumer.fetches import Fetches
from sls_syslog.consumer.patches import (
    Beginning,
    get_current_worker,
    listen,
    patch_tracker,
    stop_listening,
)
from sls_syslog.consumer.sdk import CheckpointTracker
from sls_syslog.delivery.batches import Batch
from sls_syslog.delivery.copies import Copies
from sls_syslog.delivery.ledger import ShipperStats, Tally, close_ledger, open_ledger
from sls_syslog.delivery.retry import RetryPolicy
from sls_syslog.delivery.window import Delivery
from sls_syslog.encoding.encoder import Held, LogEncoder
from sls_syslog.errors import MessageTooLongError, TransportError, short_repr
from sls_syslog.logs.event_ids import format_ledger_name, format_shard_name, make_event_ids
from sls_syslog.logs.protobuf import LogGroupList
from sls_syslog.logs.receive_time import read_receive_time
from sls_syslog.network.deadline import Stop
from sls_syslog.network.failover import open_transport
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.throttle import throttle

__all__ = ["Shard"]

logger = SafeLogger("sls_syslog.consumer", caught=BaseException)

# Most seconds for one attempt to connect; a receiver that is back is found within this time.
_CONNECT_SECONDS = 10.0
# Seconds to pause after an error that the receiver did not cause, so that retries do not spin.
_PAUSE_SECONDS = 1.0


# Upper bounds of the pauses between the tries of a log that is held, in seconds. Each try fetches
# its batch again, and usually the hook must be corrected first.
_HOLD = RetryPolicy(first=1.0, longest=20.0)


class _Owner(Protocol):
    settings: ShipperSettings
    stats: ShipperStats


class Shard:
    """Ships one shard in order, and saves its checkpoint when the receiver has confirmed.

    It begins with the first fetch or the first batch, whichever comes first.

    Args:
        owner: The processor of this shard.
        encoder: Encodes the logs of this shard.
        gets_batches: Tells whether ``process()`` gets the batches unchanged.
    """

    def __init__(
        self, owner: _Owner, encoder: LogEncoder, gets_batches: Callable[[], bool] = bool
    ) -> None:
        self._owner = owner
        self._encoder = encoder
        self._gets_batches = gets_batches
        self._stop = Stop()
        # Held while the shard is at work: the SDK's threads call process() and choose_start().
        self._busy = Lock()
        self._worker = get_current_worker()
        self._number = -1
        self._name = ""
        self._delivery: Delivery | None = None
        self.beginning: Beginning | None = None
        self._fetches = Fetches()
        # Cursor that the SDK still holds after a roll-back.
        self._rolled_back_at: str | None = None
        # The cursor of the batch in which a log is held, and how many logs before it the receiver
        # has. After a roll-back nothing is known of them.
        self._held_at: tuple[str, int] | None = None
        self._pauses = _HOLD.draw_delays()

    def __repr__(self) -> str:
        return self._name or f"shard {self._number}"

    def initialize(self, number: int) -> None:
        """Note the shard's number, and listen to its fetches.

        Args:
            number: The number in SLS.
        """
        self._number = number
        if self._worker is not None:
            listen(self._worker.consumer_client, number, self)

    def process(self, log_groups: LogGroupList, tracker: CheckpointTracker) -> str | None:
        """Ship one batch; raise nothing.

        Args:
            log_groups: The batch.
            tracker: The shard's checkpoint tracker.

        Returns:
            ``None`` if the batch is sent; else the cursor from which the SDK must fetch again.
        """
        with self._busy:
            try:
                return self._ship_or_roll_back(log_groups, tracker)
            except BaseException:  # an interrupt while a failure was handled
                return self._roll_back(tracker)

    def choose_start(self, cursor: str) -> tuple[str, bool]:
        """Confirm what is due; raise nothing. The patched SDK calls this before each fetch.

        So a shard without new logs saves its checkpoint within seconds. While a receiver is
        down, the same logs are not fetched repeatedly.

        Args:
            cursor: The cursor from which the SDK wants to fetch.

        Returns:
            The cursor to fetch from instead, and whether to fetch now.
        """
        try:
            return self._confirm_and_choose(cursor)
        except BaseException as error:  # an interrupt too would end the SDK's worker
            self._report(error)
            return cursor, False

    def _confirm_and_choose(self, cursor: str) -> tuple[str, bool]:
        """Do the work of ``choose_start``."""
        if self._busy.locked():
            # Usually process() is running, and confirms what is due; the SDK may fetch ahead.
            return cursor, self._delivery is None or not self._delivery.is_failing
        with self._busy:
            delivery = self._delivery or self._begin_early()
            if delivery is None:
                return cursor, True
            delivery.skip(self._fetches.skip_gaps(delivery.position))
            if cursor not in {delivery.position, self._rolled_back_at}:
                return cursor, True  # a fetched batch waits for process()
            if not self._stop.requested:
                self._poll(delivery, cursor)
            self._ledger.note_position(delivery.position, delivery.confirmed)
            self._owner.stats.log_line()
            return delivery.position, not delivery.is_failing

    def note_fetch(
        self, cursor: str, start: str, end: str, batch: LogGroupList | None, is_at_end: bool
    ) -> None:
        """Note a fetch that has worked, before the SDK passes the batch to ``process()``.

        Args:
            cursor: The cursor from which the SDK wanted to fetch.
            start: The cursor from which it fetched.
            end: The cursor from which it will fetch next.
            batch: What ``process()`` will get; ``None`` if no logs lie between start and end, for
                example because the consumer's SPL query dropped all of them.
            is_at_end: Whether SLS has no logs after ``end``.
        """
        if self._delivery is not None:
            self._ledger.note_fetched()
            if is_at_end:
                self._ledger.note_end(end)
        if batch is None:
            self._fetches.add_gap(start, end)
        else:
            self._fetches.add_batch(batch, start)
        if cursor == self._rolled_back_at:
            self._rolled_back_at = None

    def note_fetch_failure(self, problem: str) -> None:
        """Note why nothing was fetched, for the status line."""
        if self._delivery is not None:
            self._ledger.note_trouble(problem)

    @property
    def takes_bytes(self) -> bool:
        """Whether ``process()`` may get a ``SentBatch`` instead of the SDK's ``LogGroupList``."""
        return self._encoder.reads_bytes and self._gets_batches()

    @property
    def is_behind(self) -> bool:
        """Whether SLS may have more logs than are fetched."""
        return self._delivery is not None and self._ledger.is_behind

    def note_shard_end(self, cursor: str) -> None:
        """Note the cursor after the last log that SLS has now."""
        if self._delivery is not None:
            self._ledger.note_shard_end(cursor)

    def note_expiry(self) -> None:
        """Count the logs that expired before they could be sent again."""
        if self._delivery is not None:
            self._ledger.drop_expired()

    def shut_down(self, tracker: CheckpointTracker) -> None:
        """Confirm what is sent, save the checkpoint, and close the connection.

        Args:
            tracker: The shard's checkpoint tracker.
        """
        self._stop.request()  # a running process() ends within the grace of a stop
        with self._busy:
            delivery = self._delivery or self._begin(tracker)
            stop_listening(tracker)
            try:
                delivery.flush()
            except BaseException as error:
                self._report(error)
            finally:
                # If nothing is delivered yet, this saves the cursor where the shard began.
                self._save(delivery.committable)
                delivery.close()
                close_ledger(self._owner.stats, self._ledger)

    def request_stop(self) -> None:
        """Make a running ``process()`` return within seconds; any thread may call it."""
        self._stop.request()

    def _ship_or_roll_back(
        self, log_groups: LogGroupList, tracker: CheckpointTracker
    ) -> str | None:
        """Ship one batch; roll back if that fails, and report it only then."""
        try:
            delivery = self._delivery or self._begin(tracker)
            delivery.skip(self._fetches.skip_gaps(delivery.position))
            start = self._fetches.pop_start(log_groups)
            if start not in {None, delivery.position}:
                return self._go_back_to(delivery.position, tracker)
            batch, held = self._encode(log_groups, delivery.position)
            if held is not None:
                return self._hold(delivery, batch, held, tracker)
            delivery.deliver(batch)
            if self._held_at is not None:
                self._held_at, self._pauses = None, _HOLD.draw_delays()
            self._save(delivery.committable)
            self._ledger.note_position(delivery.position, delivery.confirmed)
            self._owner.stats.log_line()
        except BaseException as error:  # SystemExit too would end the SDK's thread
            cursor = self._roll_back(tracker)
            self._report(error)
            return cursor
        return None

    def _begin_early(self) -> Delivery | None:
        """Begin before the first batch: a shard without logs never gets one."""
        consumer = self._worker and self._worker.shard_consumers.get(self._number)
        return self._begin(consumer.checkpoint_tracker) if consumer else None

    def _begin(self, tracker: CheckpointTracker) -> Delivery:
        """Begin at the cursor where the first batch of this shard begins."""
        self._tracker = tracker
        self._name = format_shard_name(tracker)
        self._ledger = open_ledger(self._owner.stats, format_ledger_name(tracker))
        patch_tracker(tracker, self)
        settings = self._owner.settings
        # The tracker has no start of a batch. Before the first save, its checkpoint is that start.
        start = tracker.get_check_point()
        transport = open_transport(settings, self._stop, connect_seconds=_CONNECT_SECONDS)
        copies = Copies(settings, self._name)
        self._encoder.on_drop = lambda number, cause, log: copies.keep(
            self._delivery.position if self._delivery else start, number + 1, cause, log=log
        )
        self._delivery = Delivery(
            settings, transport, self._stop, self._ledger, start, name=self._name
        )
        self.beginning = Beginning(start, bool(tracker.last_persistent_checkpoint))
        # Save the start, so that it survives a crash: END would be another cursor after a restart.
        self._save(start)
        return self._delivery

    def _encode(self, log_groups: LogGroupList, start: str) -> tuple[Batch, Held | None]:
        """Encode a batch.

        Returns:
            The batch, and the log that must not be passed, if there is one. Then the batch is the
            part before that log, without what the receiver has of it.
        """
        encoder = self._encoder
        groups = encoder.find_groups(log_groups)
        number = sum(group.logs for group in groups)
        end = self._tracker.get_cursor()
        encoder.where = f"{self._name}, batch at cursor {start}"
        begin = self._held_at[1] if self._held_at and self._held_at[0] == start else 0
        again = self._ledger.receive(number, end)
        try:
            needs_ids = self._owner.settings.event_id
            ids = make_event_ids(self._name, end, groups) if needs_ids else None
            try:
                encoded = encoder.encode(log_groups, ids, begin, groups)
            except UnicodeDecodeError:  # protobuf before 4.21 raises for text that is not UTF-8
                raw = LogGroupListRaw.FromString(log_groups.SerializeToString())
                encoded = encoder.encode(raw, ids, begin)
        except BaseException:
            self._ledger.roll_back(again, number - again)
            raise
        held = encoded.held
        begin, stop = (begin, held.number) if held else (0, number)
        full = [group for group in groups if group.logs]
        tally = Tally(
            logs=max(0, stop - max(again, begin)),
            again=max(0, min(again, stop) - begin),
            size=sum(map(len, encoded.frames)),
            oldest=read_receive_time(full[0].tags, full[0].first) if full else 0,
            newest=read_receive_time(full[-1].tags, full[-1].last) if full else 0,
            # Outcomes of logs that were confirmed before are counted already.
            outcomes=Counter(kind for log, kind in encoded.outcomes if log >= again),
        )
        if held is None:
            return Batch(encoded.frames, end, tally), None
        tally.newest = tally.oldest
        self._ledger.roll_back(again - tally.again, number - again - tally.logs)
        return Batch(encoded.frames, start, tally, is_part=True), held

    def _hold(self, delivery: Delivery, part: Batch, held: Held, tracker: CheckpointTracker) -> str:
        """Deliver and confirm all logs before one that must not be passed; report that one.

        Returns:
            The cursor of its batch, from which SLS must deliver again.
        """
        start = delivery.position
        if part.logs:
            delivery.deliver(part)
        longest = max(self._owner.settings.retry_seconds, _PAUSE_SECONDS)
        give_up = time.monotonic() + longest
        delivery.flush()
        while delivery.has_unconfirmed:  # the receiver has yet to show that it reads
            if time.monotonic() > give_up or self._stop.wait(_PAUSE_SECONDS):
                return self._roll_back(tracker)
            delivery.flush()
        self._held_at = start, held.number
        self._ledger.note_trouble(f"a log is held: {held.problem}")
        self._save(delivery.committable)
        if throttle.is_due("held", self._name, held.problem):
            logger.error(
                "%s, log %d: %s; the shard waits, nothing of this log is sent, and it is tried"
                " again until that works",
                self._encoder.where,
                held.number + 1,
                held.problem,
                exc_info=held.error,
            )
        self._stop.wait(min(next(self._pauses), longest))
        return self._go_back_to(start, tracker)

    def _poll(self, delivery: Delivery, cursor: str) -> None:
        """Confirm what is due between two batches, and check that the receiver is there."""
        try:
            delivery.poll()
        except BaseException as error:
            self._rolled_back_at = cursor  # first: else the SDK would wait here for new logs
            self._roll_back(self._tracker)
            self._report(error)
        else:
            self._save(delivery.committable)

    def _roll_back(self, tracker: CheckpointTracker) -> str:
        """Roll back; return the cursor from which SLS must deliver again."""
        self._held_at = None
        cursor = self._delivery.roll_back() if self._delivery else tracker.get_check_point()
        return self._go_back_to(cursor, tracker)

    @staticmethod
    def _go_back_to(cursor: str, tracker: CheckpointTracker) -> str:
        # Else each later save, even the SDK's own at shutdown, would save the end of this batch.
        tracker.set_cursor(cursor)
        return str(cursor)

    def _report(self, error: BaseException) -> None:
        if isinstance(error, TransportError):
            logger.debug("shard %s: SLS will deliver its logs again: %s", self._number, error)
            return
        if isinstance(error, MessageTooLongError) and error.limit is not None:
            self._lower_limit(error.size, error.limit)
            return
        if self._delivery is not None:
            self._ledger.note_trouble(short_repr(error, 200))
        if throttle.is_due("roll back", self._name, type(error)):
            logger.error(
                "%s: batch failed, SLS will deliver its logs again", self._name, exc_info=error
            )
        self._stop.wait(_PAUSE_SECONDS)

    def _lower_limit(self, size: int, limit: int) -> None:
        """Encode the logs again under a limit that the network has told."""
        settings = self._owner.settings
        self._encoder.lower_limit(limit)
        if throttle.is_due("limit", settings.destination, limit):
            logger.warning(
                "%s: this system sends no message of %d bytes; from now on oversize=%s applies"
                " from %d bytes, and SLS will deliver the batch again",
                settings.destination,
                size,
                settings.oversize,
                limit,
            )

    def _save(self, cursor: str) -> None:
        """Save a cursor as the checkpoint; the patched tracker reports a failure."""
        if cursor:
            self._tracker.save_check_point(True, cursor)
