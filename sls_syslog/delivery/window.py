"""``Delivery``: delivers batches, and knows the cursor up to which the receiver has them.

The window is what is sent and not confirmed; it is kept to be sent again. This module decides when
to confirm, and which cursor a checkpoint may have. It must not know the SDK or touch a socket.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from sls_syslog.delivery.ledger import ShardLedger, Tally
from sls_syslog.delivery.retry import RetryPolicy
from sls_syslog.errors import MessageTooLongError, TransportError, UnconfirmedError
from sls_syslog.network.deadline import Stop
from sls_syslog.network.transport import Transport
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.throttle import throttle

__all__ = ["Batch", "Delivery", "WindowLimits"]

logger = logging.getLogger("sls_syslog.delivery")


@dataclass(frozen=True)
class WindowLimits:
    """When to confirm a window, and how much it may hold.

    It is confirmed after ``seconds`` or ``size``, whichever comes first. Each confirmation costs a
    connection and a saved checkpoint; after a failure, what is unconfirmed is sent again
    (``docs/explanation/delivery.md`` has the measurements).

    Attributes:
        seconds: Seconds since the last confirmation.
        size: Bytes in the window.
        held: Most bytes in the window while a receiver does not answer half-closes and has not
            shown that it reads: enough bytes for ``FlowControl`` to prove that.
    """

    seconds: float = 2.0
    size: int = 1024 * 1024
    held: int = 32 * 1024 * 1024


@dataclass
class Batch:
    """One batch of logs, encoded.

    Attributes:
        frames: The bytes to send. Each is one message; under newline framing, one or several.
        end: The cursor after the batch.
        tally: What happened to its logs.
    """

    frames: list[bytes]
    end: str
    tally: Tally


@dataclass(frozen=True)
class _Confirmed:
    """A window that the receiver has confirmed.

    Attributes:
        at: When, in seconds of the clock.
        end: The cursor after it.
        logs: The number of its logs.
    """

    at: float
    end: str
    logs: int


class Delivery:
    """Delivers the batches of one shard, in order.

    Three cursors divide the shard; ``committable <= confirmed <= position`` is always true::

        ... safe ...|... confirmed, may be replayed ...|... sent, not confirmed ...
               committable                         confirmed                  position

    A checkpoint may have the cursor ``committable``. The part after it is empty unless
    ``replay_seconds`` is set. The last part is the window.

    Args:
        settings: ``retry_seconds`` and ``replay_seconds``.
        transport: Sends to the receiver.
        stop: Ends every wait when requested.
        ledger: Counts what happens.
        start: The cursor at which the first batch begins.
        limits: When to confirm, and how much to keep unconfirmed.
        clock: Returns seconds, counted from any origin.

    Attributes:
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
        *,
        limits: WindowLimits = WindowLimits(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._stop = stop
        self._ledger = ledger
        self._limits = limits
        self._clock = clock
        self.committable = start
        self._replayable: deque[_Confirmed] = deque()  # a receiver that crashes may lose these
        self._window: list[Batch] = []
        self.is_failing = False
        self._failures = 0  # since the last confirmation
        self._receivers = len(settings.receivers)
        self._confirmed_at = float("-inf")

    @property
    def confirmed(self) -> str:
        """The cursor up to which the receiver has confirmed everything."""
        return self._replayable[-1].end if self._replayable else self.committable

    @property
    def position(self) -> str:
        """The cursor after the last batch that was given to ``deliver``."""
        return self._window[-1].end if self._window else self.confirmed

    def deliver(self, batch: Batch) -> None:
        """Send a batch, and confirm if that is due.

        Raises:
            TransportError: If it could not be delivered in ``retry_seconds``, or SLS must deliver
                logs again for another reason; call ``roll_back``.
        """
        self._window.append(batch)
        self._ledger.note_pending(batch.tally)
        self._try(batch.frames, confirm=self._is_due())

    def poll(self) -> None:
        """Confirm the window if that is due, and check that the receiver is there.

        Call this before fetching a batch.

        Raises:
            TransportError: As ``deliver`` does.
        """
        if self._window or self.is_failing or self._replayable:
            self._try([], confirm=bool(self._window) and self._is_due())
        else:
            self._transport.retire()

    def flush(self) -> None:
        """Confirm the window now.

        Raises:
            TransportError: As ``deliver`` does.
        """
        if self._window:
            self._try([], confirm=True)

    def skip(self, end: str) -> None:
        """Move the position to ``end``: no logs lie in between."""
        if self._window:
            self._window[-1].end = end
        elif self._replayable:
            self._replayable[-1] = replace(self._replayable[-1], end=end)
        else:
            self.committable = end

    def roll_back(self) -> str:
        """Forget all that is not safe; return the cursor from which SLS must deliver again."""
        confirmed = sum(done.logs for done in self._replayable)
        again = sum(batch.tally.again for batch in self._window)
        pending = sum(batch.tally.logs for batch in self._window)
        self._window.clear()
        self._replayable.clear()
        self._ledger.roll_back(confirmed + again, pending)
        self._transport.close()
        return self.committable

    def close(self) -> None:
        """Close the connection to the receiver."""
        self._transport.close()

    def _is_due(self) -> bool:
        waited = self._clock() - self._confirmed_at
        return waited >= self._limits.seconds or self._count_bytes() >= self._limits.size

    def _count_bytes(self) -> int:
        return sum(batch.tally.size for batch in self._window)

    def _commit(self, alive_at: float) -> None:
        """Commit what was confirmed ``replay_seconds`` before the receiver was seen alive."""
        latest = alive_at - self._settings.replay_seconds
        while self._replayable and self._replayable[0].at <= latest:
            self.committable = self._replayable.popleft().end

    def _try(self, frames: list[bytes], *, confirm: bool) -> None:
        """Send frames; after a failure, send the whole window again until that works.

        Raises:
            TransportError: If it has not worked in ``retry_seconds``, or before a stop.
        """
        give_up = self._clock() + self._settings.retry_seconds
        again = False
        for tries, delay in enumerate(RetryPolicy().draw_delays()):
            try:
                self._watch()
                if again:
                    self._send_again(tries)
                else:
                    self._transport.send(frames)
                if confirm or again:
                    self._confirm()
                self.is_failing = False
                return
            except MessageTooLongError as error:  # this system's datagrams are smaller than most
                self._drop_oversize(error.size)
            except TransportError as error:
                self._note_failure(error)
                is_late = self._clock() + delay > give_up
                # A crashed receiver may have lost confirmed logs: only SLS can deliver them again.
                if self._stop.requested or self._replayable or is_late or self._stop.wait(delay):
                    raise
            again = bool(self._window)  # all of it is in doubt

    def _watch(self) -> None:
        """Check that the receiver is there, if it has failed or may have lost something."""
        if self.is_failing or self._replayable:
            now = self._clock()
            self._transport.watch()
            self._commit(now)

    def _send_again(self, tries: int) -> None:
        """Send the window again, after each failure in twice as many pieces.

        So even a receiver that always fails half-way makes progress.
        """
        for batch in self._window:
            batch.frames = self._split_messages(batch.frames)
            size = max(1, len(batch.frames) // 2 ** (tries - 1))
            sent = 0
            while sent < len(batch.frames):
                self._transport.send(batch.frames[sent : sent + size])
                if tries > 1 and self._transport.confirm(watched=self._is_watched):
                    del batch.frames[: sent + size]
                    sent = 0
                else:
                    sent += size

    def _split_messages(self, frames: list[bytes]) -> list[bytes]:
        """Split frames that hold several messages."""
        if self._settings.framing != "newline":
            return frames
        return [line + b"\n" for frame in frames for line in frame.split(b"\n")[:-1]]

    def _confirm(self) -> None:
        if self._transport.confirm(watched=self._is_watched):
            self._note_confirmed()
        elif self._count_bytes() > self._limits.held:
            problem = "more is unconfirmed than can be kept in memory"
            raise UnconfirmedError(self._settings.destination, self._settings.confirm, problem)

    @property
    def _is_watched(self) -> bool:
        return self._settings.replay_seconds > 0

    def _note_confirmed(self) -> None:
        now = self._clock()
        logs = sum(batch.tally.logs + batch.tally.again for batch in self._window)
        self._replayable.append(_Confirmed(now, self._window[-1].end, logs))
        self._ledger.confirm(batch.tally for batch in self._window)
        self._window.clear()
        self._confirmed_at = now
        if self._failures:
            self._failures = 0
            self._ledger.count("reconnects")
        self._transport.destination.outage.end()
        if self._is_watched:
            self._transport.watch()  # the receiver may have died just before
        self._commit(now)

    def _note_failure(self, error: TransportError) -> None:
        self._transport.close()
        self.is_failing = True
        self._failures += 1
        self._ledger.count("retries")
        if self._failures >= self._receivers and not self._stop.requested:
            self._transport.destination.outage.begin(error)

    def _drop_oversize(self, size: int) -> None:
        """Drop messages that this system's datagrams cannot carry."""
        for batch in self._window:
            kept = [frame for frame in batch.frames if len(frame) < size]
            # A datagram is one message; of a log that was split, each part is one.
            dropped = min(len(batch.frames) - len(kept), batch.tally.to_confirm)
            batch.tally.outcomes["dropped_oversize"] += dropped
            batch.frames = kept
        if throttle.is_due("oversize", self._settings.destination):
            logger.warning(
                "%s: a message of %d bytes does not fit into a datagram of this system: dropped",
                self._settings.destination,
                size,
            )
