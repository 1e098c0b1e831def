"""``Delivery``: delivers batches, and knows the cursor up to which the receiver has them.

The window is what is sent and not confirmed; up to a limit, it is kept to be sent again. This
module decides when to confirm, and which cursor a checkpoint may have. It must not know the SDK or
touch a socket.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from sls_syslog.delivery.batches import (
    Batch,
    count_bytes,
    cut_piece,
    drop_larger,
    get_last_message,
    list_messages,
    remove_messages,
    split_messages,
)
from sls_syslog.delivery.copies import Copies
from sls_syslog.delivery.ledger import ShardLedger
from sls_syslog.delivery.pieces import Pieces
from sls_syslog.delivery.refusal import Outcome, Refusals
from sls_syslog.delivery.retry import RetryPolicy
from sls_syslog.errors import (
    ConnectError,
    MessageTooLongError,
    TransportError,
    UnconfirmedError,
)
from sls_syslog.network.deadline import Stop
from sls_syslog.network.transport import Transport
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.throttle import throttle

__all__ = ["Delivery", "WindowLimits"]

logger = SafeLogger("sls_syslog.delivery")

# Share of the usual time between two confirmations, at the first one after a failure. The share
# doubles with each: so a receiver that comes and goes gets few logs twice.
_SHORTEST = 0.1
# Seconds between two checks of a receiver that must stay connected for some seconds.
_WATCH_SECONDS = 0.25


@dataclass(frozen=True)
class WindowLimits:
    """When to confirm a window. The setting ``window_bytes`` is how much of it to keep.

    Each confirmation costs a connection and a saved checkpoint; after a failure, what is
    unconfirmed is sent again (``docs/explanation/design.md`` has the measurements).

    Attributes:
        seconds: Seconds since the last confirmation.
    """

    seconds: float = 5.0


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
        settings: ``retry_seconds``, ``replay_seconds``, ``window_bytes``, ``on_refused``,
            ``refused_tries`` and ``dropped``.
        transport: Sends to the receiver.
        stop: Ends every wait when requested.
        ledger: Counts what happens.
        start: The cursor at which the first batch begins.
        name: The shard, for log lines.
        limits: When to confirm.
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
        name: str = "",
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
        self._is_kept = True  # whether all frames of the window are in memory
        # Number of batches at the head of the window that the transport was given completely. They
        # count as sent only while `_is_sure`: see `_attempt`.
        self._sent = 0
        self._is_sure = True
        self.is_failing = False
        self._failures = 0  # since the last confirmation
        self._pieces = Pieces()
        self._copies = Copies(settings, name)
        self._refusals = Refusals(settings, name, self._copies)
        self._has_progressed = False  # whether a piece was confirmed in this attempt
        self._in_doubt = 0, 0  # messages and bytes that were sent since the last confirmation
        self._receivers = len(settings.receivers)
        self._confirmed_at = self._due_at = float("-inf")
        self._spacing = limits.seconds  # of confirmations

    @property
    def confirmed(self) -> str:
        """The cursor up to which the receiver has confirmed everything."""
        return self._replayable[-1].end if self._replayable else self.committable

    @property
    def position(self) -> str:
        """The cursor after the last batch that was given to ``deliver``."""
        return self._window[-1].end if self._window else self.confirmed

    @property
    def has_unconfirmed(self) -> bool:
        """Whether batches wait for their confirmation."""
        return bool(self._window)

    def deliver(self, batch: Batch) -> None:
        """Send a batch, and confirm if that is due.

        Raises:
            MessageTooLongError: If messages must be encoded again, under the error's limit; call
                ``roll_back``.
            TransportError: If it could not be delivered in ``retry_seconds``, or SLS must deliver
                logs again for another reason; call ``roll_back``.
            CopyError: If a message must be dropped, and no copy of it can be kept; call
                ``roll_back``.
        """
        if not self._window:
            self._due_at = self._reserve_turn()
        batch.is_split = self._settings.framing != "newline"
        self._window.append(batch)
        self._ledger.note_pending(batch.tally)
        self._try(confirm=self._is_due())

    def poll(self) -> None:
        """Confirm the window if that is due, and check that the receiver is there.

        Call this before fetching a batch.

        Raises:
            MessageTooLongError: As ``deliver`` does.
            TransportError: As ``deliver`` does.
        """
        if self._window or self.is_failing or self._replayable:
            self._try(confirm=bool(self._window) and self._is_due())
        else:
            with self._transport_at_work():
                self._transport.retire()

    def flush(self) -> None:
        """Confirm the window now.

        Raises:
            MessageTooLongError: As ``deliver`` does.
            TransportError: As ``deliver`` does.
        """
        if self._window:
            self._try(confirm=True)
        self._await_trail()

    def _await_trail(self) -> None:
        """Wait until what is confirmed is safe, if that is a matter of seconds.

        Else each restart would send again what the receiver has. ``replay_seconds`` may be hours.

        Raises:
            TransportError: If the receiver does not stand that long.
        """
        while self._replayable and self._settings.replay_seconds < self._transport.trail:
            time.sleep(_WATCH_SECONDS)
            with self._transport_at_work():
                self._watch()

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
        self._is_sure = False
        confirmed = sum(done.logs for done in self._replayable)
        again = sum(batch.tally.again for batch in self._window)
        pending = sum(batch.tally.logs for batch in self._window)
        self._window, self._replayable, self._is_kept = [], deque(), True
        self._in_doubt = 0, 0
        self._pieces.lose_place()
        self._ledger.roll_back(confirmed + again, pending)
        self._transport.close()
        return self.committable

    def close(self) -> None:
        """Close the connection to the receiver."""
        self._is_sure = False
        self._transport.close()

    def _reserve_turn(self) -> float:
        """Reserve the moment to confirm a window that begins now."""
        now = self._clock()
        wanted = max(now, self._confirmed_at + self._spacing)
        return self._transport.destination.turns.reserve(now, wanted)

    def _is_due(self) -> bool:
        return self._failures > 0 or self._clock() >= self._due_at

    def _commit(self, alive_at: float) -> None:
        """Commit what was confirmed ``replay_seconds`` before the receiver was seen alive."""
        latest = alive_at - self._trail
        while self._replayable and self._replayable[0].at <= latest:
            self.committable = self._replayable.popleft().end

    def _try(self, *, confirm: bool) -> None:
        """Send what is not sent; after a failure, send the whole window again until that works.

        Raises:
            MessageTooLongError: If messages must be encoded again, under the error's limit.
            TransportError: If it has not worked in ``retry_seconds``, or before a stop.
        """
        give_up = self._clock() + self._settings.retry_seconds
        delays = RetryPolicy().draw_delays()
        while True:
            self._has_progressed = False
            try:
                self._attempt(give_up, confirm=confirm)
                return
            except MessageTooLongError as error:  # this system's datagrams are smaller than most
                if error.limit is not None:  # its owner can make smaller ones of the same logs
                    raise
                self._drop_oversize(error.size)
            except TransportError as error:
                self._note_failure(error)
                if self._has_progressed:
                    delays = RetryPolicy().draw_delays()
                delay = next(delays)
                is_late = self._clock() + delay > give_up
                # A crashed receiver may have lost confirmed logs: only SLS can deliver them again.
                is_for_sls = bool(self._replayable) or not self._is_kept
                if self._stop.requested or is_for_sls or is_late or self._stop.wait(delay):
                    raise
            confirm = bool(self._window)  # all of it is in doubt

    def _attempt(self, give_up: float, *, confirm: bool) -> None:
        """Send what is not sent, and confirm, once.

        Raises:
            TransportError: If that fails; then nothing of the window counts as sent.
        """
        with self._transport_at_work():
            self._watch()
            if self._failures:
                split_messages(self._window)
            # Frames, not batches: what is acknowledged has none left, and only counts.
            if self._pieces.are_wanted and any(batch.frames for batch in self._window):
                self._send_in_pieces(give_up)
            else:
                self._send_rest()
                if confirm and self._window:
                    self._confirm()
            self.is_failing = self._sent < len(self._window)
        if not self.is_failing:
            self._forget_frames()

    @contextmanager
    def _transport_at_work(self) -> Iterator[None]:
        """Let the transport work; if anything is raised meanwhile, nothing counts as sent.

        This is recorded before the transport is asked, so no handler of errors has to run. What a
        transport was given when it failed, and what it knows of that, does not matter then: its
        connection is closed before the next use, and the window is sent again.

        Raises:
            UnconfirmedError: If the window has to be sent again, but is not kept.
            MessageTooLongError: If that is what is raised meanwhile.
        """
        if not self._is_sure:
            self._transport.close()
            if not self._is_kept:
                problem = "more was sent than window_bytes keeps in memory to send again"
                raise UnconfirmedError(self._settings.destination, self._settings.confirm, problem)
            self._sent = 0
        self._is_sure = False
        try:
            yield
        except MessageTooLongError:  # it was not sent, and nothing else is in doubt
            self._is_sure = True
            raise
        self._is_sure = True

    def _watch(self) -> None:
        """Check that the receiver is there, if it has failed or may have lost something."""
        if self.is_failing or self._replayable:
            now = self._clock()
            self._transport.watch()
            self._commit(now)

    def _send_rest(self) -> None:
        """Send the batches that are not sent; if there are none, look after the connection."""
        rest = self._window[self._sent :]
        if rest:
            self._send(list(list_messages(rest)), count_bytes(rest))
            self._sent = len(self._window)
        elif not self._is_watched:
            self._transport.retire()

    def _send(self, frames: list[bytes], size: int) -> None:
        before, bytes_before = self._in_doubt
        self._in_doubt = before + len(frames), bytes_before + size
        if frames:
            self._transport.send(frames)

    def _send_in_pieces(self, give_up: float) -> None:
        """Send the window again, and confirm each piece before the next one is sent.

        So even a receiver that always fails half-way makes progress. What is left when the time is
        over stays in the window, and is sent before anything else.

        Raises:
            UnconfirmedError: If a stop leaves no time for the rest.
        """
        self._sent = 0
        outcome = self._refusals.try_suspect(self._transport, self._window, self.confirmed)
        if outcome is not Outcome.NONE:
            self._pieces = Pieces()
        if outcome is Outcome.FIRST_TAKEN:
            self._note_piece(1)
        while piece := self._cut_piece():
            self._send(piece, sum(map(len, piece)))
            if not self._transport.confirm(watched=self._is_watched):
                # Pieces are of no use if confirmations must wait: send the rest at once.
                self._pieces = Pieces()
                rest = list(list_messages(self._window))[len(piece) :]
                self._send(rest, sum(map(len, rest)))
                break
            self._note_piece(len(piece))
            if self._window and self._stop.remaining <= 0:
                problem = "a stop leaves no time for the rest"
                raise UnconfirmedError(self._settings.destination, self._settings.confirm, problem)
            if self._window and self._clock() >= give_up:
                return
        else:  # an empty batch may be left
            if self._window:
                self._note_confirmed(len(self._window))
        self._sent = len(self._window)

    def _cut_piece(self) -> list[bytes]:
        """Cut the next piece from the window."""
        size, most = self._pieces.choose_size(sum(map(len, list_messages(self._window))))
        return cut_piece(self._window, size, most)

    def _note_piece(self, messages: int) -> None:
        """Note that the receiver has this number of messages at the head of the window."""
        self._in_doubt = 0, 0
        self._refusals.note_good(list(islice(list_messages(self._window), messages))[-1])
        self._pieces.note_success(messages)
        self._has_progressed = True
        complete = remove_messages(self._window, messages)
        if complete:
            self._note_confirmed(complete)

    def _forget_frames(self) -> None:
        """Keep no frames of a window that is too large to be kept; one batch is always kept.

        A part of them would be of no use: after a failure SLS must deliver the whole window again.
        """
        if self._is_kept and len(self._window) > 1:
            self._is_kept = count_bytes(self._window) <= self._settings.window_bytes
        if not self._is_kept:
            for batch in self._window:
                batch.frames = []

    def _confirm(self) -> None:
        if self._transport.confirm(watched=self._is_watched):
            self._note_confirmed(self._sent)

    @property
    def _is_watched(self) -> bool:
        return self._trail > 0

    @property
    def _trail(self) -> float:
        """Seconds by which ``committable`` trails behind ``confirmed``."""
        return max(self._settings.replay_seconds, self._transport.trail)

    def _note_confirmed(self, batches: int) -> None:
        """Note that the receiver has this number of batches at the head of the window."""
        now = self._clock()
        done, rest = self._window[:batches], self._window[batches:]
        self._refusals.note_good(get_last_message(done))
        logs = sum(batch.logs for batch in done if not batch.is_part)
        parts = sum(batch.logs for batch in done if batch.is_part)
        replayable = deque([*self._replayable, _Confirmed(now, done[-1].end, logs)])
        # In one statement: no exception can come between, so no batch is lost or there twice.
        self._window, self._replayable, self._sent, self._is_kept = rest, replayable, 0, True
        self._confirmed_at = now
        self._ledger.confirm(batch.tally for batch in done)
        self._ledger.roll_back(parts, 0)
        self._in_doubt = 0, 0
        if not rest:
            self._pieces = Pieces()
        self._spacing = min(2 * self._spacing, self._limits.seconds)
        if self._failures:
            self._failures = 0
            self._ledger.count("reconnects")
        destination = self._transport.destination
        destination.outage.end()
        if self._is_watched:
            self._transport.watch()  # the receiver may have died just before
        self._commit(now)
        receiver = destination.in_use.name or destination.name
        self._ledger.note_receiver(receiver, self._transport.level)

    def _drop_acknowledged(self) -> None:
        """Do not send again what the receiver has acknowledged, message by message."""
        if not self._is_watched:  # else it may have lost what it has acknowledged
            remove_messages(self._window, self._transport.acknowledged)

    def _note_failure(self, error: TransportError) -> None:
        self._drop_acknowledged()
        self.is_failing = True
        self._failures += 1
        self._spacing = self._limits.seconds * _SHORTEST  # it may fail again soon
        messages, size = self._in_doubt
        # After a refused connection, nothing was sent that could be too much.
        if messages and not isinstance(error, ConnectError):
            self._pieces.note_failure(messages, size)
            if self._pieces.has_one_message:
                self._refusals.note_suspect(next(list_messages(self._window), None))
        self._in_doubt = 0, 0
        self._transport.close()
        self._ledger.count("retries")
        if self._stop.requested:
            return
        is_away = isinstance(error, ConnectError)
        suspect = "" if is_away else self._refusals.describe_suspect(self._window)
        self._ledger.note_trouble(f"{suspect}{error}")
        if self._failures >= self._receivers:
            self._transport.destination.outage.begin(error)

    def _drop_oversize(self, size: int) -> None:
        """Drop messages that this system's datagrams cannot carry.

        Raises:
            CopyError: If no copy of one can be kept; then none is dropped.
        """
        start = self.confirmed
        for batch in self._window:
            for number, frame in enumerate(batch.frames, batch.removed + 1):
                if len(frame) >= size:
                    self._copies.keep(start, number, "oversize", frame=frame)
            start = batch.end
        drop_larger(self._window, size)
        if throttle.is_due("oversize", self._settings.destination):
            logger.warning(
                "%s: a message of %d bytes does not fit into a datagram of this system: dropped",
                self._settings.destination,
                size,
            )
