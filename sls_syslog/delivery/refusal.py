"""``Refusals``: finds out whether the receiver refuses one message, and names or drops it.

A receiver that is away, or flaps, must never pass for one that refuses a message.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import Enum

from sls_syslog.delivery.batches import (
    Batch,
    drop_message,
    find_message,
    find_other_message,
    list_messages,
)
from sls_syslog.delivery.copies import Copies, CopyError
from sls_syslog.errors import TransportError
from sls_syslog.network.evidence import DoubtError
from sls_syslog.network.transport import Transport
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.throttle import throttle

__all__ = ["Outcome", "Refusals", "Trial"]

logger = SafeLogger("sls_syslog.delivery")

# Most times that a good message is sent before the suspect, and after it. The number is drawn, also
# 0 before it, so that no regular fault hits the suspect each time, such as one bad receiver behind
# a load balancer.
_MOST_GOOD = 3
# Bytes of a refused message that are logged: its header, and the beginning of its text.
_SHOWN_BYTES = 200
_HELD = "the shard waits until the receiver takes it, or on_refused is set to 'drop'"
_DROPPED = "it is dropped (on_refused)"


class Trial:
    """The trial of one message that has failed alone.

    One try sends a good message alone, then the suspect, then the good one again. It counts only if
    the receiver confirms the good ones at ``consumed``, and resets or ends the connection of the
    suspect. If a good one fails, the count begins again. Some tries are without a good one before
    the suspect, and do not count.

    Args:
        suspect: The message.
        tries: How many tries in a row must count.

    Attributes:
        suspect: The message.
    """

    def __init__(self, suspect: bytes, tries: int) -> None:
        self.suspect = suspect
        self._tries = tries
        self._refusals = 0  # in a row

    @property
    def is_refused(self) -> bool:
        """Whether the receiver refuses the message."""
        return self._refusals >= self._tries

    def hold(self, transport: Transport, good: bytes) -> bool:
        """Send the suspect alone; until it counts as refused, between good messages.

        Args:
            transport: Sends to the receiver; nothing may be in doubt.
            good: A message that the receiver takes.

        Returns:
            Whether it is proven that the receiver has the suspect.

        Raises:
            TransportError: If the receiver does not take the suspect now, or is not there.
        """
        if self.is_refused:
            return _send_alone(transport, self.suspect)
        refusals, self._refusals = self._refusals, 0  # if a good one fails
        is_proof = _send_good(transport, good, least=0)
        try:
            return _send_alone(transport, self.suspect)
        except TransportError as error:
            if _is_refusal(error):
                transport.close()
                is_proof = _send_good(transport, good, least=1) and is_proof
                self._refusals = refusals + is_proof
            raise


class Outcome(Enum):
    """What became of the suspect message."""

    NONE = "there is none in the window, or it cannot be judged"
    FIRST_TAKEN = "the receiver has it, and it is the first message of the window"
    TAKEN = "the receiver takes it; it will be sent again in its place"
    DROPPED = "the receiver refuses it, and it is dropped"


class Refusals:
    """The messages of one shard that the receiver may refuse, one at a time.

    Args:
        settings: ``on_refused`` and ``refused_tries``.
        name: The shard, for log lines.
        copies: Gets a copy of each message that is dropped.
    """

    def __init__(self, settings: ShipperSettings, name: str, copies: Copies) -> None:
        self._settings = settings
        self._name = name
        self._copies = copies
        self._trial: Trial | None = None
        self._place = ""  # of the suspect, once it is refused
        self._good: bytes | None = None

    def note_good(self, message: bytes | None) -> None:
        """Note a message that the receiver has confirmed, if one is known."""
        self._good = message or self._good

    def note_suspect(self, message: bytes | None) -> None:
        """Note a message that has failed alone, if it is still to be sent."""
        if message and (self._trial is None or self._trial.suspect != message):
            self._trial = Trial(message, self._settings.refused_tries)

    def describe_suspect(self, window: Sequence[Batch]) -> str:
        """Say which message of a window holds up the shard, as words before the last error."""
        if self._trial is None or find_message(window, self._trial.suspect) is None:
            return ""
        size = len(self._trial.suspect)
        if self._trial.is_refused:
            return f"the receiver refuses {self._place} ({size} bytes; on_refused='hold'): "
        return f"a message of {size} bytes fails although it is sent alone: "

    def try_suspect(self, transport: Transport, window: Sequence[Batch], start: str) -> Outcome:
        """Send the suspect message of a window alone, and judge it.

        Args:
            transport: Sends to the receiver; nothing may be in doubt.
            window: The batches, each frame one message.
            start: The cursor at which the window begins.

        Raises:
            TransportError: If the receiver does not take it, and it must not be dropped.
        """
        trial = self._trial
        batch = find_message(window, trial.suspect) if trial else None
        if trial is None or batch is None or transport.level != "consumed":
            return Outcome.NONE
        good = self._good or find_other_message(window, trial.suspect)
        if good is None:
            return Outcome.NONE
        outcome = Outcome.TAKEN
        try:
            is_proof = trial.hold(transport, good)
            if is_proof and next(list_messages(window)) == trial.suspect:
                outcome = Outcome.FIRST_TAKEN
        except TransportError:
            if not trial.is_refused:
                raise
            before = [earlier.end for earlier in window[: window.index(batch)]]
            if not self._settle(trial.suspect, batch, [start, *before][-1]):
                raise
            outcome = Outcome.DROPPED
        self._trial = None
        return outcome

    def _settle(self, message: bytes, batch: Batch, start: str) -> bool:
        """Drop a refused message, if the settings say so, and name it in any case.

        Returns:
            Whether it is dropped.
        """
        number = batch.removed + batch.frames.index(message) + 1
        self._place = f"message {number} of the batch at cursor {start}"
        is_held, verdict = self._settings.on_refused == "hold", _HELD
        if not is_held:
            try:
                self._copies.keep(start, number, "refused", frame=message)
            except CopyError as error:
                is_held, verdict = True, f"the shard waits, because {error}"
            else:
                drop_message(batch, message)
        if is_held and not throttle.is_due("refused", self._name, message):
            return False
        logger.error(
            "%s, batch at cursor %s: the receiver refuses message %d of the batch (%d bytes): it"
            " ends the connection each time, and takes other messages before and after it; %s; if"
            " the receiver limits the size, set max_message_bytes; message: %r",
            self._name,
            start,
            number,
            len(message),
            verdict if is_held else _DROPPED,
            message[:_SHOWN_BYTES],
        )
        return not is_held


def _send_good(transport: Transport, good: bytes, least: int) -> bool:
    """Send a good message some times, each time alone; return whether it was read each time."""
    times = random.randint(least, _MOST_GOOD)  # noqa: S311  # no secret
    return {_send_alone(transport, good) for _ in range(times)} == {True}


def _send_alone(transport: Transport, message: bytes) -> bool:
    """Send a message; return whether the receiver's process has read it."""
    transport.send([message])
    return transport.confirm() and transport.level == "consumed"


def _is_refusal(error: TransportError) -> bool:
    cause = error.__cause__
    return isinstance(cause, ConnectionError) and not isinstance(cause, DoubtError)
