"""After failures: how much is sent before a confirmation, and what the receiver sees of that."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import (
    ConnectError,
    SendError,
    ShipperSettings,
    ShipperStats,
    TransportError,
    UnconfirmedError,
)
from sls_syslog.delivery.batches import Batch
from sls_syslog.delivery.ledger import Tally, open_ledger
from sls_syslog.delivery.pieces import Pieces
from sls_syslog.delivery.window import Delivery
from sls_syslog.network.confirmation import State
from sls_syslog.network.deadline import Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.failover import open_transport
from tests.support.gate import keep_first
from tests.support.peers import HOST, Peer, reset_on_close
from tests.support.waiting import eventually

KIB = 1024
LEAST = 64 * KIB
MOST_CONNECTIONS = 10
"""Over which a shard sends something, from the return of the receiver until all is drained."""


class Simulation:
    """A window of messages of one size, sent in pieces to a receiver that a function plays.

    Args:
        messages: The number of messages.
        size: The bytes of each.
        takes: Whether the receiver takes the messages from one number to another.
    """

    def __init__(self, messages: int, size: int, takes: Callable[[int, int], bool]) -> None:
        self.pieces = Pieces()
        self.begin = 0
        self.sent: list[tuple[int, int]] = []
        self._messages, self._size, self._takes = messages, size, takes

    @property
    def is_drained(self) -> bool:
        return self.begin == self._messages

    def step(self) -> None:
        """Send the next piece."""
        left = self._messages - self.begin
        most_bytes, most = self.pieces.choose_size(left * self._size)
        assert most_bytes >= LEAST
        number = min(left, most, max(1, most_bytes // self._size))
        if not self.pieces.are_wanted:
            assert number == left
        self.sent.append((self.begin, self.begin + number))
        if self._takes(*self.sent[-1]):
            self.pieces.note_success(number)
            self.begin += number
        else:
            self.pieces.note_failure(number, number * self._size)

    def step_until(self, condition: Callable[[], bool], most: int) -> None:
        for _ in range(most):
            if condition():
                return
            self.step()
        assert condition(), self.sent


def test_each_failure_but_the_first_halves_the_pieces_to_a_sixteenth() -> None:
    pieces, window = Pieces(), 64 * LEAST
    seen = []
    for _ in range(8):
        size, _ = pieces.choose_size(window)
        seen.append(window // size)
        pieces.note_failure(1000, size)
    assert seen == [1, 1, 2, 4, 8, 16, 16, 16]


def test_each_success_doubles_the_pieces() -> None:
    pieces, window = Pieces(), 64 * LEAST
    for _ in range(5):
        pieces.note_failure(1000, pieces.choose_size(window)[0])
    seen = []
    for _ in range(6):
        seen.append(window // pieces.choose_size(window)[0])
        pieces.note_success(100)
    assert seen == [16, 8, 4, 2, 1, 1]
    assert not pieces.are_wanted


@given(st.integers(1, 40), st.integers(1, 100_000), st.integers(10, 5_000))
def test_no_piece_is_small_before_the_hunt_begins(
    failures: int, messages: int, message: int
) -> None:
    pieces = Pieces()
    for _ in range(failures):
        size, most = pieces.choose_size(messages * message)
        assert size >= min(LEAST, messages * message)
        assert size >= messages * message / 16
        if most < messages:  # the hunt has begun: all sizes above have failed
            break
        pieces.note_failure(min(messages, max(1, size // message)), size)


@given(st.integers(1, 30), st.integers(1, 50_000), st.integers(10, 5_000))
def test_few_connections_drain_a_window_after_any_outage(
    failures: int, messages: int, message: int
) -> None:
    is_away = True
    shard = Simulation(messages, message, lambda *_: not is_away)
    for _ in range(failures):
        shard.step()
    is_away = False
    shard.step_until(lambda: shard.is_drained, MOST_CONNECTIONS)


@given(st.data(), st.integers(1, 20_000), st.integers(10, 5_000))
def test_the_hunt_finds_one_refused_message(
    data: st.DataObject, messages: int, message: int
) -> None:
    refused = data.draw(st.integers(0, messages - 1))
    shard = Simulation(messages, message, lambda begin, end: not begin <= refused < end)
    shard.step_until(lambda: shard.pieces.has_one_message, 60)
    assert shard.begin == refused  # what is before it has arrived


@given(st.integers(1, 300), st.integers(1, 3_000))
def test_a_receiver_that_takes_few_messages_over_each_connection_gets_all(
    taken: int, messages: int
) -> None:
    shard = Simulation(messages, 100, lambda begin, end: end - begin <= taken)
    shard.step_until(lambda: shard.is_drained, 30 + 6 * messages // taken)


def test_a_place_that_is_lost_has_no_suspect() -> None:
    pieces = Pieces()
    for _ in range(4):
        pieces.note_failure(1, 100)
    assert pieces.has_one_message
    pieces.lose_place()
    assert not pieces.has_one_message


class Script:
    """A transport that fails as it is told; what it is asked is noted.

    Args:
        failures: The errors of the next sends.
    """

    level = "consumed"
    acknowledged = 0
    trail = 0.0
    state = State.IDLE

    def __init__(self, failures: Iterable[TransportError] = ()) -> None:
        self.destination = Destination("tcp://siem:514")
        self.failures = list(failures)
        self.sent: list[int] = []  # messages of each send that worked
        self.before_confirm: Callable[[], object] = lambda: None
        self.is_known = True  # whether it reads

    def send(self, frames: Iterable[bytes]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(len(list(frames)))

    def confirm(self, *, watched: bool = False) -> bool:
        self.before_confirm()
        return self.is_known

    def connect(self) -> None:
        """Always."""

    watch = retire = close = connect


class Shard:
    """A delivery over a script, with a clock that the test moves; nothing waits."""

    def __init__(self, transport: Script, retry_seconds: float = 3600.0) -> None:
        settings = ShipperSettings(host="siem", retry_seconds=retry_seconds)
        self.now = 1000.0
        self.stop = Stop()
        self.stop.wait = lambda seconds: False  # type: ignore[method-assign]
        ledger = open_ledger(ShipperStats(), "p/l/g/0")
        self.delivery = Delivery(
            settings, transport, self.stop, ledger, "0", clock=lambda: self.now
        )

    def deliver(self, end: str, messages: int, size: int = 100) -> None:
        frames = [b"x" * (size - 1) + b"\n"] * messages
        tally = Tally(logs=messages, size=messages * size)
        self.delivery.deliver(Batch(frames, end, tally))


RESET = SendError("tcp://siem:514", "reset")
REFUSED = ConnectError("tcp://siem:514", "refused")


def test_refused_connections_do_not_narrow_the_pieces() -> None:
    transport = Script([REFUSED] * 30)
    Shard(transport).deliver("1", 30_000)
    assert transport.sent == [30_000]


def test_only_failures_after_something_was_sent_narrow_the_pieces() -> None:
    transport = Script([RESET] * 3)
    Shard(transport).deliver("1", 30_000)
    assert transport.sent[0] == 30_000 // 4
    assert len(transport.sent) <= MOST_CONNECTIONS


def test_the_deadline_holds_between_pieces_and_the_rest_is_sent_by_the_next_call() -> None:
    transport = Script([RESET] * 5)
    shard = Shard(transport, retry_seconds=20)

    def take_long() -> None:
        shard.now += 15

    transport.before_confirm = take_long
    shard.deliver("1", 30_000)
    assert len(transport.sent) == 2
    assert shard.delivery.is_failing
    assert shard.delivery.committable == "0"
    transport.before_confirm = lambda: None
    shard.delivery.poll()
    assert sum(transport.sent) == 30_000  # nothing is sent twice
    assert not shard.delivery.is_failing
    assert shard.delivery.committable == "1"


def test_a_whole_batch_that_is_confirmed_moves_the_checkpoint_at_once() -> None:
    transport = Script()
    shard = Shard(transport)
    shard.deliver("1", 1)
    for end in "2345":
        shard.deliver(end, 1000)
    seen: list[str] = []
    transport.failures = [RESET] * 4
    transport.before_confirm = lambda: seen.append(shard.delivery.committable)
    shard.deliver("6", 1000)
    assert len(set(seen)) > 2, seen
    assert shard.delivery.committable == "6"


def test_a_stop_that_leaves_no_time_ends_between_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Script([RESET] * 5)
    shard = Shard(transport)
    monkeypatch.setattr(Stop, "remaining", 0.0)
    shard.stop.request()
    transport.failures = []
    shard.delivery._pieces.note_failure(9999, 10**6)
    shard.delivery._pieces.note_failure(9999, 10**6)
    with pytest.raises(UnconfirmedError, match="stop"):
        shard.deliver("1", 30_000)
    assert len(transport.sent) == 1


def test_a_receiver_that_must_be_waited_for_gets_the_rest_once() -> None:
    transport = Script([RESET] * 3)
    transport.is_known = False
    shard = Shard(transport)
    shard.deliver("1", 30_000)
    for _ in range(5):
        shard.delivery.poll()
    assert sum(transport.sent) == 30_000
    transport.is_known = True
    shard.delivery.poll()
    assert shard.delivery.committable == "1"


def test_a_batch_without_logs_is_confirmed_among_pieces() -> None:
    transport = Script([RESET] * 4)
    shard = Shard(transport)
    shard.deliver("1", 3000)
    shard.delivery._pieces.note_failure(9999, 10**6)
    shard.delivery._pieces.note_failure(9999, 10**6)
    shard.deliver("2", 0)
    shard.delivery.flush()
    assert shard.delivery.committable == "2"


def test_all_shards_of_a_process_confirm_at_most_twenty_times_a_second() -> None:
    destination = Destination("tcp://siem:514")
    confirmed: Counter[int] = Counter()  # by the second
    shards = []
    for _ in range(120):
        transport = Script()
        transport.destination = destination
        shards.append(Shard(transport))
        transport.before_confirm = lambda: confirmed.update([int(now)])
    for step in range(4 * 20):
        now = 1000 + step / 4
        for shard in shards:
            shard.now = now
            shard.deliver(str(step), 1)
    assert max(confirmed.values()) == 20
    assert all(int(shard.delivery.committable) > 4 * 13 for shard in shards)


class Restarting(Peer):
    """A receiver that resets what is sent to it, until it is back.

    Attributes:
        failed: Connections over which something was sent, while it was away.
        used: The same since it is back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failed = self.used = 0
        self.is_back = threading.Event()
        self.lines: list[bytes] = []
        self._lock = threading.Lock()

    def begin(self, connection: socket.socket) -> None:
        self.start(super().begin, connection)  # all connections at once

    def treat(self, connection: socket.socket) -> None:
        data = connection.recv(64 * KIB)
        if not self.is_back.is_set():
            with self._lock:
                self.failed += bool(data)
            reset_on_close(connection)
            return
        with self._lock:
            self.used += bool(data)
        chunks = [data]
        while chunks[-1]:
            chunks.append(connection.recv(64 * KIB))
        with self._lock:
            self.lines += b"".join(chunks).splitlines()


@pytest.mark.parametrize("size", keep_first([40, 2_000]))
def test_a_receiver_that_is_back_sees_few_connections(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four shards of 3,000 logs: 8,671 connections before. 6 MB in a shard are cut by bytes."""
    monkeypatch.setattr(Stop, "wait", lambda stop, _: stop.requested)
    shards, logs = 4, 3000
    with Restarting() as receiver:
        settings = ShipperSettings(
            host=HOST, port=receiver.port, timeout=10, retry_seconds=3600, confirm="consumed"
        )

        def ship(shard: int) -> None:
            stop = Stop()
            ledger = open_ledger(ShipperStats(), f"p/l/g/{shard}")
            delivery = Delivery(settings, open_transport(settings, stop), stop, ledger, "0")
            text = b"x" * size
            frames = [b"<14>1 - - - - - - %d-%d %s\n" % (shard, n, text) for n in range(logs)]
            tally = Tally(logs=logs, size=sum(map(len, frames)))
            delivery.deliver(Batch([b"".join(frames)], "1", tally))
            ends[shard] = delivery.committable
            delivery.close()

        ends: dict[int, str] = {}
        threads = [threading.Thread(target=ship, args=(n,)) for n in range(shards)]
        for thread in threads:
            thread.start()
        eventually(lambda: receiver.failed >= 10 * shards)
        receiver.is_back.set()
        for thread in threads:
            thread.join()
    assert ends == dict.fromkeys(range(shards), "1")
    assert len(set(receiver.lines)) == shards * logs
    assert receiver.used <= shards * MOST_CONNECTIONS
