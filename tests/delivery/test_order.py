"""Delivery's one invariant, ``committable <= confirmed <= position``, under any sequence of events.

The transport here is a script without a socket: it decides at random what fails. Cursors are
numbers, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import SendError, ShipperSettings, ShipperStats, TransportError, UnconfirmedError
from sls_syslog.delivery.batches import Batch
from sls_syslog.delivery.ledger import Tally, open_ledger
from sls_syslog.delivery.window import Delivery
from sls_syslog.network.confirmation import State
from sls_syslog.network.deadline import Stop
from sls_syslog.network.destination import Destination

FATES = ["works", "works", "works", "send fails", "confirm fails", "not yet", "watch fails"]
STEPS = ["deliver", "deliver", "poll", "flush", "skip"]


class Script:
    """A transport whose next operations have a fate; `has` is what the receiver has for sure."""

    def __init__(self) -> None:
        self.fate = "works"
        self.has: set[bytes] = set()
        self.state = State.IDLE
        self.destination = Destination("tcp://siem:514")
        self._on_its_way: list[bytes] = []

    def connect(self) -> None:
        self.state = State.OPEN

    def send(self, frames: Iterable[bytes]) -> None:
        if self.fate == "send fails":
            raise SendError("tcp://siem:514", "reset")
        self._on_its_way += frames

    def confirm(self, *, watched: bool = False) -> bool:
        if self.fate == "confirm fails":
            self._on_its_way.clear()
            raise UnconfirmedError("tcp://siem:514", "consumed", "reset")
        if self.fate == "not yet":
            return False
        self.has.update(self._on_its_way)
        self._on_its_way.clear()
        return True

    def watch(self) -> None:
        if self.fate == "watch fails":
            raise SendError("tcp://siem:514", "reset")

    level = "consumed"
    acknowledged = 0
    trail = 0.0

    def retire(self) -> None:
        pass

    def close(self) -> None:
        self._on_its_way.clear()


@given(
    st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(FATES)), max_size=40),
    st.sampled_from([0.0, 1e-9, 3600.0]),
)
def test_no_checkpoint_passes_what_the_receiver_is_not_known_to_have(
    steps: list[tuple[str, str]], replay_seconds: float
) -> None:
    settings = ShipperSettings(host="siem", retry_seconds=0, replay_seconds=replay_seconds)
    ledger = open_ledger(ShipperStats(), "p/l/g/0")
    transport = Script()
    delivery = Delivery(settings, transport, Stop(), ledger, "0")
    frames: dict[int, bytes] = {}  # by the cursor after them
    for step, fate in steps:
        transport.fate = fate
        end = int(delivery.position) + 1
        try:
            if step == "deliver":
                frames[end] = b"<14>1 - - - - - - %d\n" % end
                again = ledger.receive(1)
                tally = Tally(logs=1 - again, again=again, size=len(frames[end]))
                delivery.deliver(Batch([frames[end]], str(end), tally))
            elif step == "skip":
                frames.pop(end, None)
                delivery.skip(str(end))
            else:
                getattr(delivery, step)()
        except TransportError:
            assert delivery.roll_back() == delivery.committable == delivery.position
        committable, confirmed = int(delivery.committable), int(delivery.confirmed)
        assert committable <= confirmed <= int(delivery.position)
        assert {frame for cursor, frame in frames.items() if cursor <= confirmed} <= transport.has
