"""The states of a transport: random sequences over real sockets, against an obvious model.

The model knows only what a sender knows: what it sent since it was last told that all is well, or
that it has to send again. It judges by what the receivers have got.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sls_syslog import ConnectError, SendError, TransportError, UnconfirmedError
from sls_syslog.network.confirmation import TRANSITIONS, Confirmation, Event, State
from sls_syslog.network.connection import Connection
from sls_syslog.network.destination import Destinations
from sls_syslog.network.failover import open_transport
from sls_syslog.network.stream import StreamTransport
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver

IDLE_SECONDS = 0.02
LEVELS = ["consumed", "written", *(["acked"] if sys.platform == "linux" else [])]


class Obvious:
    """What can be, by the table in the documentation, written out with booleans.

    `may_stand` is whether there may be a connection: one that has rested may be gone at any time.
    """

    def __init__(self) -> None:
        self.may_stand = False
        self.is_in_doubt = False
        self.is_broken = False

    def states(self) -> set[State]:
        if self.is_broken:
            return {State.BROKEN}
        if self.is_in_doubt:
            return {State.IN_DOUBT}
        return {State.IDLE, State.OPEN} if self.may_stand else {State.IDLE}

    def forget(self, *, may_stand: bool) -> None:
        self.may_stand, self.is_in_doubt, self.is_broken = may_stand, False, False


class OneReceiver(RuleBasedStateMachine):
    """One transport and one receiver, which ends connections, or does not listen, at times."""

    level = "consumed"

    def __init__(self) -> None:
        super().__init__()
        self.receiver = SyslogReceiver().start()
        self.numbers = itertools.count()
        self.transport = self.open_transport()
        self.model = Obvious()
        self.has_ended = False  # the connection that the transport believes in
        self.is_listening = True
        self.sent: list[bytes] = []  # since the sender was last told

    def open_transport(self) -> Any:
        mapping = {
            **self.receiver.settings(),
            "confirm": self.level,
            "timeout": 10,
            "idle_seconds": IDLE_SECONDS,
        }
        return open_transport(ClientSettings.of(mapping), destinations=Destinations())

    def teardown(self) -> None:
        self.transport.close()
        self.receiver.stop()

    def frames(self, count: int) -> list[bytes]:
        return [b"<14>1 - - - - - - %d\n" % next(self.numbers) for _ in range(count)]

    @rule(count=st.integers(1, 20))
    def send(self, count: int) -> None:
        frames, model = self.frames(count), self.model
        must_fail = model.is_broken or (model.is_in_doubt and self.has_ended)
        failure: TransportError | None = None
        try:
            self.transport.send(frames)
        except TransportError as error:
            failure = error
        if failure is None:
            assert not must_fail
            self.sent += frames
            model.is_in_doubt = model.may_stand = True
            self.has_ended = False
            return
        if must_fail:
            assert isinstance(failure, SendError)
            model.is_broken, model.is_in_doubt, model.may_stand = True, False, False
            return
        # Nobody listens, and the connection had ended or rested; then it was confirmed before.
        assert isinstance(failure, ConnectError)
        assert not self.is_listening
        assert self.has_arrived(self.sent, seconds=self.patience)
        model.forget(may_stand=False)
        self.sent.clear()

    @rule()
    def confirm(self) -> None:
        model = self.model
        must_fail = model.is_broken or (model.is_in_doubt and self.has_ended)
        try:
            assert self.transport.confirm()
        except UnconfirmedError:
            assert must_fail
            model.forget(may_stand=False)
        else:
            assert not must_fail
            assert self.has_arrived(self.sent, seconds=self.patience)
            model.forget(may_stand=model.may_stand)
        self.sent.clear()

    def has_arrived(self, frames: list[bytes], *, seconds: float) -> bool:
        wanted = {frame.rstrip(b"\n") for frame in frames}
        end = time.monotonic() + seconds
        while not wanted <= set(self.receiver.frames) and time.monotonic() < end:
            time.sleep(0.001)
        return wanted <= set(self.receiver.frames)

    @property
    def patience(self) -> float:
        """What is consumed has arrived; what the kernel alone has is read a little later."""
        return 0 if self.level == "consumed" else 10

    @rule()
    def retire(self) -> None:
        model = self.model
        try:
            self.transport.retire()
        except SendError:
            assert model.is_broken or (model.is_in_doubt and self.has_ended)
            model.is_broken, model.is_in_doubt, model.may_stand = True, False, False
        else:
            assert not model.is_broken
            if self.transport.state is not State.IN_DOUBT and model.is_in_doubt:
                assert self.has_arrived(
                    self.sent, seconds=self.patience
                )  # confirmed before it was ended
                model.forget(may_stand=False)
                self.sent.clear()

    @rule()
    def rest(self) -> None:
        time.sleep(1.5 * IDLE_SECONDS)

    @rule()
    def close(self) -> None:
        self.transport.close()
        self.model.forget(may_stand=False)
        self.sent.clear()

    @rule()
    def peer_ends(self) -> None:
        self.wait_until_read()
        self.receiver.reset_connections()
        self.has_ended = True

    def wait_until_read(self) -> None:
        """All levels but `consumed` promise nothing of what a process had not read when it died.

        And a connection that is not accepted yet would be reset when the listening ends.
        """
        assert self.model.is_broken or self.has_arrived(self.sent, seconds=10)

    @precondition(lambda self: self.is_listening)
    @rule()
    def stop_listening(self) -> None:
        self.wait_until_read()
        self.receiver.stop_listening()
        self.is_listening = False

    @precondition(lambda self: not self.is_listening)
    @rule()
    def listen_again(self) -> None:
        self.receiver.listen_again()
        self.is_listening = True

    @invariant()
    def the_state_is_one_that_can_be(self) -> None:
        assert self.transport.state in self.model.states()


class TwoReceivers(RuleBasedStateMachine):
    """Failover: what is confirmed has arrived; what may be lost is told once."""

    def __init__(self) -> None:
        super().__init__()
        self.receivers = [SyslogReceiver().start(), SyslogReceiver().start()]
        self.listening = [True, True]
        self.numbers = itertools.count()
        hosts = [f"{receiver.host}:{receiver.port}" for receiver in self.receivers]
        mapping = {"hosts": hosts, "confirm": "consumed", "timeout": 10}
        mapping["idle_seconds"] = IDLE_SECONDS
        self.transport = open_transport(ClientSettings.of(mapping), destinations=Destinations())
        self.in_doubt: list[bytes] = []  # sent, and the sender knows nothing of it yet
        self.is_owed = False  # a failure after which confirm() has to raise

    def teardown(self) -> None:
        self.transport.close()
        for receiver in self.receivers:
            receiver.stop()

    def settle(self) -> None:
        """What is no longer in doubt was confirmed, or is owed to the sender."""
        state = self.transport.state
        if state is State.IN_DOUBT:
            return
        if state is State.BROKEN:
            self.is_owed = True
        else:
            assert not self.is_owed
            self.must_have_arrived()
        self.in_doubt.clear()

    def must_have_arrived(self) -> None:
        arrived = {frame for receiver in self.receivers for frame in receiver.frames}
        assert set(self.in_doubt) <= arrived

    @rule(count=st.integers(1, 20))
    def send(self, count: int) -> None:
        frames = [b"<14>1 - - - - - - %d\n" % next(self.numbers) for _ in range(count)]
        try:
            self.transport.send(frames)
        except TransportError:
            self.settle()
        else:
            self.in_doubt += [frame.rstrip(b"\n") for frame in frames]

    @rule()
    def confirm(self) -> None:
        try:
            assert self.transport.confirm()
        except UnconfirmedError:
            assert self.is_owed or self.in_doubt
        else:
            assert not self.is_owed
            self.must_have_arrived()
        self.in_doubt.clear()
        self.is_owed = False
        assert self.transport.confirm()  # it was told once, and now there is nothing more

    @rule()
    def rest_and_retire(self) -> None:
        time.sleep(1.5 * IDLE_SECONDS)
        with contextlib.suppress(TransportError):
            self.transport.retire()
        self.settle()

    @rule()
    def close(self) -> None:
        self.transport.close()
        self.in_doubt.clear()
        self.is_owed = False

    @rule(number=st.integers(0, 1))
    def peer_ends(self, number: int) -> None:
        self.receivers[number].reset_connections()

    @rule(number=st.integers(0, 1))
    def stop_or_start_listening(self, number: int) -> None:
        receiver = self.receivers[number]
        if self.listening[number]:
            receiver.stop_listening()
        else:
            receiver.listen_again()
        self.listening[number] = not self.listening[number]

    @invariant()
    def what_is_owed_is_seen_in_the_state(self) -> None:
        assert (self.transport.state is State.BROKEN) == self.is_owed


FEW = hypothesis_settings(max_examples=20, stateful_step_count=15, deadline=None)


@pytest.mark.parametrize("level", LEVELS)
def test_a_transport_is_in_a_state_of_the_table(level: str) -> None:
    machine = type("Machine", (OneReceiver,), {"level": level})
    run_state_machine_as_test(machine, settings=FEW)


def test_failing_over_loses_nothing_and_tells_it_once() -> None:
    run_state_machine_as_test(TwoReceivers, settings=FEW)


def test_every_state_can_be_closed_and_is_reached() -> None:
    assert all(TRANSITIONS[state, Event.CLOSED] is State.IDLE for state in State)
    assert set(TRANSITIONS.values()) == set(State)


def test_doubt_ends_only_by_proof_or_by_telling() -> None:
    settled = {State.IDLE, State.OPEN}
    ways = {
        event
        for (state, event), after in TRANSITIONS.items()
        if state not in settled and after in settled
    }
    assert ways == {Event.CONFIRMED, Event.TOLD, Event.CLOSED}


class InterruptError(BaseException):
    """As a signal handler raises it, or Ctrl-C."""


def interrupt(*_: object) -> None:
    raise InterruptError


@pytest.fixture
def transports(syslog_receiver: SyslogReceiver) -> list[Any]:
    """One to a single receiver, and one to two receivers; the first of these works."""
    one = syslog_receiver.settings()
    port = syslog_receiver.port
    two = {"hosts": [f"127.0.0.1:{port}", "127.0.0.1:1"]}
    return [open_transport(ClientSettings.of(mapping)) for mapping in (one, two)]


@pytest.mark.parametrize(
    ("kind", "method"),
    [(Connection, "send"), (Connection, "send_at_once"), (Confirmation, "prove")],
)
def test_an_interrupt_leaves_the_doubt(
    transports: list[Any], kind: type, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for transport in transports:
        transport.send([b"<14>1 - - - - - - x\n"])
        with monkeypatch.context() as patch, pytest.raises(InterruptError):
            patch.setattr(kind, method, interrupt)
            transport.send([b"<14>1 - - - - - - y\n"])
            transport.confirm()
        assert transport.state is State.BROKEN
        with pytest.raises(UnconfirmedError):
            transport.confirm()
        assert transport.confirm()
        transport.close()


def test_an_interrupt_while_a_connection_is_dropped_stops_nothing(
    transports: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of several receivers, the interrupt may have hidden the answer once.
    for transport, hidden in zip(transports, ([], [UnconfirmedError]), strict=True):
        transport.send([b"<14>1 - - - - - - x\n"])
        with monkeypatch.context() as patch, pytest.raises(InterruptError):
            patch.setattr(StreamTransport, "_end_connection", interrupt)
            transport.confirm()
        transport.send([b"<14>1 - - - - - - y\n"])
        with contextlib.suppress(*hidden):
            assert transport.confirm()
        assert transport.confirm()
        transport.close()
