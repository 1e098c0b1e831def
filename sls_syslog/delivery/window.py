"""``Delivery``: batches go in, and out comes the cursor up to which the receiver has them.

It knows nothing of the SDK and touches no socket. What is sent and not confirmed is kept, as
the window, to be sent again. When to confirm, and how far a checkpoint trails, is decided here.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass, replace

from sls_syslog.delivery.ledger import ShardLedger, Tally
from sls_syslog.delivery.retry import RetryPolicy
from sls_syslog.errors import MessageTooLongError, TransportError, UnconfirmedError
from sls_syslog.network.deadline import Stop
from sls_syslog.network.outage import outage
from sls_syslog.network.transport import Transport
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.throttle import throttle

__all__ = ["Batch", "Delivery"]

logger = logging.getLogger("sls_syslog.delivery")

# What is sent is confirmed when the last confirmation is so long ago, or when it is so much:
# a confirmation costs a connection and a saved checkpoint, and what is unconfirmed is sent again
# after a failure (docs/explanation/delivery.md has the measurements).
_WINDOW_SECONDS = 2.0
_WINDOW_BYTES = 1024 * 1024
# What is kept while a receiver that does not answer half-closes has yet to show that it reads.
_HELD_BYTES = 32 * 1024 * 1024


@dataclass
class Batch:
    """What one batch of logs has become.

    Attributes:
        frames: The bytes to send.
        end: The cursor behind it.
        tally: What became of its logs.
    """

    frames: list[bytes]
    end: str
    tally: Tally


@dataclass(frozen=True)
class _Confirmed:
    at: float
    end: str
    logs: int


class Delivery:
    """Delivers the batches of one shard, in order.

    Args:
        settings: ``retry_seconds`` and ``replay_seconds``.
        transport: The way to the receiver.
        stop: Ends every wait when requested.
        ledger: Where is counted what happens.
        start: The cursor at which the first batch begins.

    Attributes:
        position: The cursor behind the last batch that was taken.
        committable: The cursor that a checkpoint may have.
        is_failing: Whether the last attempt to deliver has failed.
    """

    def __init__(
        self,
        settings: ShipperSettings,
        transport: Transport,
        stop: Stop,
        ledger: ShardLedger,
        start: str,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._stop = stop
        self._ledger = ledger
        self._window: list[Batch] = []  # sent, not confirmed
        self._replayable: deque[_Confirmed] = (
            deque()
        )  # confirmed, but a receiver that dies may lose it
        self.committable = self.position = start
        self.is_failing = False
        self._failures = 0  # since the last confirmation
        self._receivers = len(settings.receivers)
        self._confirmed_at = float("-inf")

    def deliver(self, batch: Batch) -> None:
        """Send a batch, and confirm when it is time to.

        Raises:
            TransportError: If it could not be delivered in ``retry_seconds``, or logs have to be
                served again for another reason; call ``roll_back``.
        """
        self._window.append(batch)
        self.position = batch.end
        self._ledger.wait_for(batch.tally)
        self._try(batch.frames, confirm=self._is_due())

    def poll(self) -> None:
        """Confirm what waits for it, and see whether the receiver is there, or is back.

        To be called before a batch is asked for.

        Raises:
            TransportError: As ``deliver`` does.
        """
        if self._window or self.is_failing or self._replayable:
            self._try([], confirm=bool(self._window) and self._is_due())
        else:
            self._transport.retire()

    def flush(self) -> None:
        """Confirm what waits for it, now.

        Raises:
            TransportError: As ``deliver`` does.
        """
        if self._window:
            self._try([], confirm=True)

    def skip(self, end: str) -> None:
        """Nothing to deliver lies between what was reached and this cursor."""
        self.position = end
        if self._window:
            self._window[-1].end = end
        elif self._replayable:
            self._replayable[-1] = replace(self._replayable[-1], end=end)
        else:
            self.committable = end

    def roll_back(self) -> str:
        """Forget all that is not safe; SLS has to serve again from the cursor returned."""
        self.position = self.committable
        confirmed = sum(done.logs for done in self._replayable)
        again = sum(batch.tally.again for batch in self._window)
        pending = sum(batch.tally.logs for batch in self._window)
        self._ledger.roll_back(confirmed + again, pending)
        self._window.clear()
        self._replayable.clear()
        self._transport.close()
        return self.committable

    def close(self) -> None:
        """Let go of the receiver."""
        self._transport.close()

    def _is_due(self) -> bool:
        waited = time.monotonic() - self._confirmed_at
        return waited >= _WINDOW_SECONDS or self._size() >= _WINDOW_BYTES

    def _size(self) -> int:
        return sum(batch.tally.size for batch in self._window)

    def _seen_alive(self, at: float) -> None:
        """What was confirmed ``replay_seconds`` before the receiver was seen alive is safe."""
        while self._replayable and self._replayable[0].at <= at - self._settings.replay_seconds:
            self.committable = self._replayable.popleft().end

    def _try(self, frames: list[bytes], *, confirm: bool) -> None:
        give_up = time.monotonic() + self._settings.retry_seconds
        again = False
        for pieces, delay in enumerate(RetryPolicy().delays()):
            try:
                self._look()
                if again:
                    self._send_again(pieces)
                else:
                    self._transport.send(frames)
                if confirm or again:
                    self._confirm()
                self.is_failing = False
                return
            except MessageTooLongError as error:  # this system's datagrams are smaller than most
                self._leave_out(error.size)
            except TransportError as error:
                self._failed(error)
                late = time.monotonic() + delay > give_up
                # What a receiver that died may have lost cannot be sent from here.
                if self._stop.requested or self._replayable or late or self._stop.wait(delay):
                    raise
            again = bool(self._window)  # all of it is in doubt

    def _look(self) -> None:
        """See whether the receiver is there, if it has failed or may have lost something."""
        if self.is_failing or self._replayable:
            now = time.monotonic()
            self._transport.watch()
            self._seen_alive(now)

    def _send_again(self, pieces: int) -> None:
        """Send the window, in more and more pieces each time it has failed.

        A receiver that keeps failing half-way still gets on.
        """
        for batch in self._window:
            batch.frames = self._apart(batch.frames)
            size = max(1, len(batch.frames) // 2 ** (pieces - 1))
            sent = 0
            while sent < len(batch.frames):
                self._transport.send(batch.frames[sent : sent + size])
                if pieces > 1 and self._transport.confirm(watched=self._is_watched()):
                    del batch.frames[: sent + size]
                    sent = 0
                else:
                    sent += size

    def _apart(self, frames: list[bytes]) -> list[bytes]:
        """Messages one by one, where several are in one piece."""
        if self._settings.framing != "newline":
            return frames
        return [message for frame in frames for message in frame.splitlines(keepends=True)]

    def _confirm(self) -> None:
        if self._transport.confirm(watched=self._is_watched()):
            self._all_confirmed()
        elif self._size() > _HELD_BYTES:
            problem = "more is held back than can be kept"
            raise UnconfirmedError(self._settings.destination, self._settings.confirm, problem)

    def _is_watched(self) -> bool:
        return self._settings.replay_seconds > 0

    def _all_confirmed(self) -> None:
        now = time.monotonic()
        logs = sum(batch.tally.logs + batch.tally.again for batch in self._window)
        self._replayable.append(_Confirmed(now, self._window[-1].end, logs))
        self._ledger.confirm(batch.tally for batch in self._window)
        self._window.clear()
        self._confirmed_at = now
        if self._failures:
            self._failures = 0
            self._ledger.count("reconnects")
        outage.ended(self._settings.destination)
        if self._is_watched():
            self._transport.watch()  # it may have died just before
        self._seen_alive(now)

    def _failed(self, error: TransportError) -> None:
        self._transport.close()
        self.is_failing = True
        self._failures += 1
        self._ledger.count("retries")
        if self._failures >= self._receivers and not self._stop.requested:
            outage.began(self._settings.destination, error)

    def _leave_out(self, size: int) -> None:
        """Drop messages that turned out, on the way, to be too long to be sent at all."""
        for batch in self._window:
            kept = [frame for frame in batch.frames if len(frame) < size]
            # Of a log that was split, each part is a message.
            dropped = min(len(batch.frames) - len(kept), batch.tally.confirmed)
            batch.tally.outcomes["dropped_oversize"] += dropped
            batch.frames = kept
        if throttle.is_due("oversize", self._settings.destination):
            logger.warning(
                "%s: a message of %d bytes is longer than a datagram can be here: dropped",
                self._settings.destination,
                size,
            )
