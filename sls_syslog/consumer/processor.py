"""``SyslogShipperProcessor``: where SLS's consumer group meets syslog.

The SDK's rules for cursors are kept in this one file: nothing that it calls may let an
exception out, because the SDK drops the batch of a ``process()`` that raises
(``aliyun/log/consumer/tasks.py``) and takes the next.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Any

from aliyun.log.consumer import ConsumerProcessorBase
from aliyun.log.proto import LogGroupListRaw

from sls_syslog.consumer.fetches import Fetches
from sls_syslog.consumer.patches import current_worker, guard, listen, unguard
from sls_syslog.delivery.ledger import PROCESS_STATS, ShipperStats, Tally
from sls_syslog.delivery.window import Batch, Delivery
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.errors import TransportError
from sls_syslog.logs.event_ids import format_ledger_name, format_shard_name, make_event_ids
from sls_syslog.logs.receive_time import read_receive_time
from sls_syslog.network.deadline import Stop
from sls_syslog.network.failover import open_transport
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.throttle import throttle

__all__ = ["SyslogShipperProcessor"]

logger = logging.getLogger("sls_syslog.consumer")

# The longest that one attempt to connect may take: a host that comes back is found soon.
_CONNECT_SECONDS = 10.0
# How long a shard rests after an error that has nothing to do with its receiver.
_PAUSE_SECONDS = 1.0


class SyslogShipperProcessor(MessageHooks, ConsumerProcessorBase):
    """Ships the logs of one shard to a syslog receiver, losing none.

    The SDK makes one for each shard::

        ConsumerWorker(SyslogShipperProcessor, consumer_config(), args=(settings,))

    A checkpoint is saved only when the receiver has confirmed every log before it. What
    fails is tried again, inside ``process()`` for ``retry_seconds`` and by asking SLS for
    the same logs after that, for ever: at-least-once delivery. Nothing is connected
    before the first batch.

    Override a hook (``format_message``, ``severity`` ...) to change what is sent.

    Args:
        settings: ``ShipperSettings``, or a plain dict of them.
        stats: The ledger to count in; ``None`` for the one that all processors of this
            process share.

    Attributes:
        stats: The ledger.

    Raises:
        SettingsError: If a key is unknown or its value is wrong.
    """

    def __init__(
        self,
        settings: ShipperSettings | Mapping[str, Any],
        stats: ShipperStats | None = None,
    ) -> None:
        ConsumerProcessorBase.__init__(self)
        MessageHooks.__init__(self, ShipperSettings.of(settings))
        self.stats = stats or PROCESS_STATS
        self._stop = Stop()
        self._encoder = LogEncoder(self.settings, hooks=self)
        # The SDK's threads call process() and, between two batches, before_fetch().
        self._busy = Lock()
        self._worker = current_worker()
        self._place = ""
        self._delivery: Delivery | None = None  # begins with the first fetch
        self._course = Fetches()
        # Where the SDK is although logs before it have to be fetched again.
        self._rolled_back_at: str | None = None

    def initialize(self, shard: int) -> None:
        """Take note of the shard; the SDK calls it, again after each failure to begin.

        Args:
            shard: Its number.
        """
        super().initialize(shard)
        if self._worker is not None:
            listen(self._worker.consumer_client, shard, self)

    def process(self, log_groups: Any, check_point_tracker: Any) -> str | None:
        """Ship one batch.

        Returns:
            ``None`` when it is on its way; a cursor when SLS has to go on from there instead.
        """
        with self._busy:
            try:
                delivery = self._delivery or self._begin(check_point_tracker)
                delivery.skip(self._course.across_gaps(delivery.position))
                start = self._course.begin_of(log_groups)
                if start not in {None, delivery.position}:
                    return self._go_back_to(delivery.position, check_point_tracker)
                delivery.deliver(self._encode(log_groups, delivery.position))
            except BaseException as error:  # SystemExit too would end the SDK's thread
                return self._roll_back(check_point_tracker, error)
            self._save(delivery.committable)
            self._ledger.reached(delivery.position)
        self.stats.log_line()
        return None

    def before_fetch(self, cursor: str) -> tuple[str, bool]:
        """Confirm what waits for it; the guarded SDK calls this before it fetches more.

        That is how a shard without new logs gets its checkpoint within a second or two, and
        why nothing is fetched, again and again, for a receiver that is down.

        Args:
            cursor: Where the SDK is about to go on.

        Returns:
            Where it has to go on, and whether it should fetch now.
        """
        if not self._busy.acquire(blocking=False):
            # process() is at work, as a rule, and will see to it; the SDK may fetch ahead.
            return cursor, self._delivery is None or not self._delivery.is_failing
        try:
            delivery = self._delivery or self._begin_early()
            if delivery is None:
                return cursor, True
            delivery.skip(self._course.across_gaps(delivery.position))
            if cursor not in {delivery.position, self._rolled_back_at}:
                return cursor, True  # a batch lies ready for process()
            if not self._stop.requested:
                self._look_after(delivery, cursor)
            self._ledger.reached(delivery.position)
            return delivery.position, not delivery.is_failing
        finally:
            self._busy.release()
            self.stats.log_line()

    def fetched(self, cursor: str, start: str, end: str, batch: Any, at_end: bool) -> None:
        """A fetch has worked; the guarded SDK says so before it hands the batch on.

        Args:
            cursor: Where the SDK meant to go on.
            start: Where it did.
            end: Where it will go on next.
            batch: What will be processed; ``None`` when no log for us lies between the two: with
                an SPL query in the consumer, whole stretches may be empty.
            at_end: Whether SLS has nothing behind ``end``.
        """
        if at_end and self._delivery is not None:
            self._ledger.ends_at(end)
        if batch is None:
            self._course.add_gap(start, end)
        else:
            self._course.add_batch(batch, start)
        if cursor == self._rolled_back_at:
            self._rolled_back_at = None

    def logs_expired(self) -> None:
        """Logs have expired before they were shipped; the guarded SDK says so."""
        if self._delivery is not None:
            self._ledger.expired()

    def shutdown(self, check_point_tracker: Any) -> None:
        """Save how far delivery got, and let go of the receiver; the SDK calls it last.

        It does not call the SDK's own, which saves the end of the last batch that was
        submitted, delivered or not.
        """
        self._stop.request()  # what is still at work ends within the grace of a stop
        with self._busy:
            delivery = self._delivery or self._begin(check_point_tracker)
            unguard(check_point_tracker)
            try:
                delivery.flush()
            except BaseException as error:
                self._report(error)
            # A shard of which nothing was delivered yet keeps the place where it began.
            self._save(delivery.committable)
            delivery.close()
            self.stats.close(self._ledger)

    def request_stop(self) -> None:
        """Make a running ``process()`` return within seconds; any thread may call it."""
        self._stop.request()

    def _begin_early(self) -> Delivery | None:
        """Before the first batch, which a shard without logs will never have."""
        consumer = self._worker and self._worker.shard_consumers.get(self.shard_id)
        return self._begin(consumer.checkpoint_tracker) if consumer else None

    def _begin(self, tracker: Any) -> Delivery:
        """Take up a shard at the cursor where its first batch begins."""
        self._tracker = tracker
        self._place = format_shard_name(tracker)
        self._ledger = self.stats.open(format_ledger_name(tracker))
        guard(tracker, self)
        settings = self.settings
        # The tracker has no cursor of a batch's start; before anything is saved, this is it.
        start = tracker.get_check_point()
        transport = open_transport(settings, self._stop, connect_seconds=_CONNECT_SECONDS)
        self._delivery = Delivery(settings, transport, self._stop, self._ledger, start)
        # Where this shard began must outlive a crash: END would be another place by then.
        self._save(start)
        return self._delivery

    def _encode(self, log_groups: Any, start: str) -> Batch:
        groups = [group for group in log_groups.LogGroups if group.Logs]
        number = sum(len(group.Logs) for group in groups)
        again = self._ledger.receive(number)
        end = self._tracker.get_cursor()
        encoder = self._encoder
        encoder.where = f"{self._place}, batch at cursor {start}"
        try:
            ids = make_event_ids(self._place, end, log_groups) if self.settings.event_id else None
            try:
                encoded = encoder.encode(log_groups, ids)
            except UnicodeDecodeError:  # protobuf before 4.21 hands out nothing that is not UTF-8
                raw = LogGroupListRaw.FromString(log_groups.SerializeToString())
                encoded = encoder.encode(raw, ids)
        except BaseException:
            self._ledger.roll_back(again, number - again)
            raise
        tally = Tally(
            logs=number - again,
            again=again,
            size=sum(map(len, encoded.frames)),
            oldest=read_receive_time(groups[0], groups[0].Logs[0]) if groups else 0,
            newest=read_receive_time(groups[-1], groups[-1].Logs[-1]) if groups else 0,
            outcomes=Counter(kind for log, kind in encoded.outcomes if log >= again),
        )
        return Batch(encoded.frames, end, tally)

    def _look_after(self, delivery: Delivery, cursor: str) -> None:
        try:
            delivery.poll()
        except BaseException as error:
            self._roll_back(self._tracker, error)
            if cursor != delivery.position:
                self._rolled_back_at = cursor
        else:
            self._save(delivery.committable)

    def _roll_back(self, tracker: Any, error: BaseException) -> str:
        """Have SLS serve again what is not safe."""
        self._report(error)
        cursor = self._delivery.roll_back() if self._delivery else tracker.get_check_point()
        return self._go_back_to(cursor, tracker)

    @staticmethod
    def _go_back_to(cursor: str, tracker: Any) -> str:
        # Every later save, the SDK's own at shutdown included, would take the batch for done.
        tracker.set_cursor(cursor)
        return str(cursor)

    def _report(self, error: BaseException) -> None:
        if isinstance(error, TransportError):
            logger.debug("shard %s: logs go back to SLS: %s", self.shard_id, error)
            return
        if throttle.is_due("roll back", self._place, type(error)):
            logger.error("%s: logs go back to SLS", self._place, exc_info=error)
        self._stop.wait(_PAUSE_SECONDS)

    def _save(self, cursor: str) -> None:
        if cursor:
            self._tracker.save_check_point(True, cursor)
