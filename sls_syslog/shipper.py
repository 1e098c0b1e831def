"""``SyslogShipperProcessor``: where SLS's consumer group meets syslog.

The SDK's rules for cursors are kept in this one file: nothing that it calls may let an
exception out, because the SDK drops the batch of a ``process()`` that raises
(``aliyun/log/consumer/tasks.py``) and takes the next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from aliyun.log.consumer import ConsumerProcessorBase

from sls_syslog.deadline import Stop
from sls_syslog.encoder import LogEncoder
from sls_syslog.errors import MessageTooLongError, TransportError
from sls_syslog.eventid import event_ids, place_of
from sls_syslog.guards import guard
from sls_syslog.hooks import MessageHooks
from sls_syslog.logs import flatten
from sls_syslog.outage import outage
from sls_syslog.retry import RetryPolicy
from sls_syslog.settings import ShipperSettings
from sls_syslog.transport import open_transport

__all__ = ["SyslogShipperProcessor"]

logger = logging.getLogger(__name__)


class SyslogShipperProcessor(MessageHooks, ConsumerProcessorBase):
    """Ships the logs of one shard to a syslog receiver, losing none.

    The SDK makes one for each shard::

        ConsumerWorker(SyslogShipperProcessor, consumer_config(), args=(settings,))

    A checkpoint is saved only when the receiver has confirmed every log before it. What
    fails is tried again, inside ``process()`` for ``retry_seconds`` and by asking SLS for
    the same batch after that, for ever: at-least-once delivery. Nothing is connected
    before the first batch.

    Override a hook (``format_message``, ``severity`` ...) to change what is sent.

    Args:
        settings: ``ShipperSettings``, or a plain dict of them.

    Raises:
        SettingsError: If a key is unknown or its value is wrong.
    """

    def __init__(self, settings: ShipperSettings | Mapping[str, Any]) -> None:
        ConsumerProcessorBase.__init__(self)
        MessageHooks.__init__(self, ShipperSettings.of(settings))
        self._stop = Stop()
        self._encoder = LogEncoder(self.settings, hooks=self)
        self._transport = open_transport(
            self.settings, self._stop, connect_seconds=max(1.0, self.settings.retry_seconds)
        )
        self._done: str | None = None  # the cursor behind the last batch that was confirmed

    def process(self, log_groups: Any, check_point_tracker: Any) -> str | None:
        """Ship one batch.

        Returns:
            ``None`` when it is confirmed; otherwise the cursor that it began at, which makes
            the SDK serve it again.
        """
        guard(check_point_tracker)
        # Read before anything else: the tracker itself has no cursor of this batch's start.
        start = self._done or check_point_tracker.get_check_point()
        end = check_point_tracker.get_cursor()
        if self._done is None:
            # Where this shard began must outlive a crash: END would be another place by then.
            self._save(check_point_tracker, start)
        try:
            self._ship(self._encode(log_groups, start, end, place_of(check_point_tracker)))
        except BaseException as error:  # SystemExit too would end the SDK's thread
            self._report(error)
            # Every later save, the SDK's own at shutdown included, would take it for done.
            check_point_tracker.set_cursor(start)
            return str(start)
        self._done = end
        self._save(check_point_tracker, end)
        return None

    def shutdown(self, check_point_tracker: Any) -> None:
        """Save how far delivery got, and let go of the receiver; the SDK calls it last.

        It does not call the SDK's own, which saves the end of the last batch that was
        submitted, delivered or not.
        """
        guard(check_point_tracker)
        # A shard of which nothing was delivered yet keeps the place where it began.
        self._save(check_point_tracker, self._done or check_point_tracker.get_check_point())
        self._transport.close()

    def request_stop(self) -> None:
        """Make a running ``process()`` return within seconds; any thread may call it."""
        self._stop.request()

    @property
    def counts(self) -> Mapping[str, int]:
        """What had to be done to logs so far, by kind: ``filtered``, ``truncated`` ..."""
        return dict(+self._encoder.counts)

    def _encode(self, log_groups: Any, start: str, end: str, place: str) -> list[bytes]:
        encoder = self._encoder
        encoder.where = f"{place}, batch at cursor {start}"
        wanted = self.settings.event_id
        event_id = event_ids(place, end, log_groups) if wanted else None
        logs = flatten(log_groups, encoder.counts, event_id)
        return [frame for log in logs for frame in encoder.frames(log)]

    def _ship(self, frames: list[bytes]) -> None:
        give_up = time.monotonic() + self.settings.retry_seconds
        for delay in RetryPolicy().delays():
            try:
                self._transport.send(frames)
                self._transport.confirm()
            except MessageTooLongError as error:  # this system's datagrams are smaller than most
                kept = [frame for frame in frames if len(frame) < error.size]
                self._encoder.drop_oversize(len(frames) - len(kept))
                frames = kept
            except TransportError as error:
                self._transport.close()
                if self._stop.requested:
                    raise
                outage.began(self.settings.destination, error)
                late = time.monotonic() + delay > give_up
                if late or self._stop.wait(delay):
                    raise
            else:
                outage.ended(self.settings.destination)
                return

    def _report(self, error: BaseException) -> None:
        if isinstance(error, TransportError):
            logger.debug("shard %s: batch goes back to SLS: %s", self.shard_id, error)
        else:
            logger.error("shard %s: batch goes back to SLS", self.shard_id, exc_info=error)

    @staticmethod
    def _save(tracker: Any, cursor: str) -> None:
        if cursor:
            tracker.save_check_point(True, cursor)
