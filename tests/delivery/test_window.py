"""When a batch is confirmed, what is sent again, and how far a checkpoint trails."""

from __future__ import annotations

import contextlib
import itertools
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sls_syslog import (
    DroppedLog,
    MessageTooLongError,
    ShipperSettings,
    ShipperStats,
    TransportError,
    UnconfirmedError,
)
from sls_syslog.delivery.batches import Batch
from sls_syslog.delivery.copies import CopyError
from sls_syslog.delivery.ledger import Tally, open_ledger
from sls_syslog.delivery.window import Delivery, WindowLimits
from sls_syslog.network.deadline import Stop
from sls_syslog.network.failover import open_transport
from sls_syslog.testing import SyslogReceiver
from tests.support.datagrams import refuse_larger_datagrams
from tests.support.peers import serve
from tests.support.timings import probe_soon
from tests.support.waiting import eventually

PATIENT = WindowLimits(seconds=3600.0)
"""Windows that only their size ends."""


class Shard:
    """A delivery to a receiver, its ledger, and batches for it.

    Args:
        settings: Of the shipper.
        options: For `Delivery`.
    """

    def __init__(self, settings: ShipperSettings, **options: Any) -> None:
        self.settings = settings
        self.stats = ShipperStats()
        self.ledger = open_ledger(self.stats, "shard")
        self.stop = Stop()
        transport = open_transport(self.settings, self.stop)
        self.delivery = Delivery(self.settings, transport, self.stop, self.ledger, "0", **options)
        self._numbers = itertools.count(1)

    def batch(self, *frames: bytes) -> Batch:
        """The next batch, which ends at cursor 1, 2, 3 ..."""
        end = str(next(self._numbers))
        frames = frames or (b"<14>1 - - - - - - %s\n" % end.encode(),)
        again = self.ledger.receive(len(frames))
        tally = Tally(logs=len(frames) - again, again=again, size=sum(map(len, frames)))
        return Batch(list(frames), end, tally)

    def deliver(self, *frames: bytes) -> None:
        self.delivery.deliver(self.batch(*frames))

    def poll_until(self, condition: Callable[[], bool]) -> None:
        """As the SDK's fetching does, which goes on while nothing comes."""

        def look() -> bool:
            self.delivery.poll()
            return condition()

        eventually(look)

    def numbers(self) -> dict[str, int]:
        snapshot = self.stats.snapshot()
        dropped = {"dropped": sum(snapshot["dropped"].values())}
        kinds = ("received", "confirmed", "pending", "replayed")
        found = {kind: snapshot[kind] for kind in kinds} | dropped
        return {kind: number for kind, number in found.items() if number}


@contextlib.contextmanager
def shard_to(
    receiver: SyslogReceiver,
    limits: WindowLimits = PATIENT,
    clock: Callable[[], float] = time.monotonic,
    **settings: Any,
) -> Iterator[Shard]:
    given = {**receiver.settings(), "timeout": 5, "retry_seconds": 0, **settings}
    shard = Shard(ShipperSettings.from_mapping(given), limits=limits, clock=clock)
    try:
        yield shard
    finally:
        shard.delivery.close()


def ends(receiver: SyslogReceiver) -> list[str]:
    """What the messages hold, in order."""
    return [message.msg for message in receiver.messages]


def test_the_first_batch_is_confirmed_at_once_and_the_next_with_others(
    syslog_receiver: SyslogReceiver,
) -> None:
    with shard_to(syslog_receiver) as shard:
        assert shard.delivery.committable == "0"
        shard.deliver()
        assert shard.delivery.committable == "1"
        shard.deliver()
        shard.deliver()
        assert shard.delivery.committable == "1"
        assert shard.numbers() == {"received": 3, "confirmed": 1, "pending": 2}
        shard.delivery.flush()
        assert shard.delivery.committable == "3"
        assert shard.numbers() == {"received": 3, "confirmed": 3}
    assert ends(syslog_receiver) == ["1", "2", "3"]
    assert syslog_receiver.used_connections == 2


def test_a_window_is_confirmed_by_its_age_however_large_it_is(
    syslog_receiver: SyslogReceiver,
) -> None:
    large = b"<14>1 - - - - - - " + b"x" * 600_000 + b"\n"
    with shard_to(syslog_receiver) as shard:
        for _ in range(6):
            shard.deliver(large)
        assert shard.delivery.committable == "1"
        shard.delivery.flush()
    assert syslog_receiver.used_connections == 2


def test_a_window_that_is_old_enough_is_confirmed_while_nothing_comes(
    syslog_receiver: SyslogReceiver,
) -> None:
    now = [100.0]
    limits = WindowLimits()
    with shard_to(syslog_receiver, limits, clock=lambda: now[0]) as shard:
        shard.deliver()
        now[0] += 0.9 * limits.seconds
        shard.deliver()
        shard.delivery.poll()
        assert shard.delivery.committable == "1"
        now[0] += 0.1 * limits.seconds
        shard.delivery.poll()
        assert shard.delivery.committable == "2"


def test_after_a_failure_windows_are_short_and_grow_again(syslog_receiver: SyslogReceiver) -> None:
    now = [100.0]
    limits = WindowLimits()

    def measure_wait(shard: Shard) -> float:
        """Seconds until a new window is confirmed."""
        shard.deliver()
        begun = now[0]
        while shard.delivery.committable != shard.delivery.position:
            now[0] += limits.seconds / 20
            shard.delivery.poll()
        return now[0] - begun

    with shard_to(syslog_receiver, limits, clock=lambda: now[0], retry_seconds=60) as shard:
        shard.deliver()
        usual = measure_wait(shard)
        shard.deliver()
        syslog_receiver.wait_until(lambda: len(syslog_receiver.frames) == 3)
        syslog_receiver.reset_connections()
        shard.deliver()
        waits = [measure_wait(shard) for _ in range(6)]
    assert waits[0] < usual / 3
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(usual)


def test_a_broken_connection_sends_the_whole_window_again_and_no_more(
    syslog_receiver: SyslogReceiver,
) -> None:
    with shard_to(syslog_receiver, retry_seconds=10) as shard:
        for _ in range(3):
            shard.deliver()
        syslog_receiver.wait_for(3)
        syslog_receiver.reset_connections()
        shard.deliver()
        assert shard.delivery.committable == "4"
    assert Counter(ends(syslog_receiver)) == {"1": 1, "2": 2, "3": 2, "4": 1}
    snapshot = shard.stats.snapshot()
    assert snapshot["retries"] >= 1
    assert snapshot["reconnects"] == 1


def test_a_roll_back_goes_to_the_last_confirmation_and_the_ledger_balances(
    syslog_receiver: SyslogReceiver,
) -> None:
    with shard_to(syslog_receiver) as shard:
        for _ in range(3):
            shard.deliver()
        syslog_receiver.stop()
        with pytest.raises(TransportError):
            shard.deliver()
        assert shard.delivery.roll_back() == "1"
        assert shard.delivery.position == "1"
        assert shard.numbers() == {"received": 4, "confirmed": 1, "pending": 3}
        syslog_receiver.start()
        for _ in range(3):
            shard.deliver()
        shard.delivery.flush()
        assert shard.numbers() == {"received": 4, "confirmed": 4, "replayed": 3}
        shard.deliver()
        shard.delivery.flush()
        assert shard.numbers() == {"received": 5, "confirmed": 5, "replayed": 3}


@pytest.mark.parametrize("in_one_piece", [False, True])
@pytest.mark.gate
def test_a_receiver_that_fails_half_way_again_and_again_still_gets_on(in_one_piece: bool) -> None:
    """It takes 50 messages over each connection, and dies with the rest unread."""
    taken: list[bytes] = []

    def take_fifty(connection: socket.socket) -> None:
        with connection.makefile("rb", buffering=0) as lines:
            for _ in range(50):
                line = lines.readline()
                if not line:
                    break
                taken.append(line)

    frames = [b"<14>1 - - - - - - %d\n" % number for number in range(300)]
    with serve(take_fifty) as port:
        settings = ShipperSettings(host="127.0.0.1", port=port, timeout=5, retry_seconds=60)
        shard = Shard(settings)
        shard.deliver(*([b"".join(frames)] if in_one_piece else frames))
        assert shard.delivery.committable == "1"
    assert set(taken) == set(frames)
    shard.delivery.close()


def test_what_is_younger_than_replay_seconds_is_served_again_after_an_outage(
    syslog_receiver: SyslogReceiver,
) -> None:
    with shard_to(syslog_receiver, replay_seconds=3600, retry_seconds=3600) as shard:
        for _ in range(3):
            shard.deliver()
            shard.delivery.flush()
        assert shard.delivery.committable == "0"
        syslog_receiver.stop()
        with pytest.raises(TransportError):  # at once: what it lost cannot be sent from here
            shard.deliver()
        assert shard.delivery.roll_back() == "0"
        assert shard.numbers() == {"received": 4, "confirmed": 3, "pending": 1}
        syslog_receiver.start()
        for _ in range(4):
            shard.deliver()
        shard.delivery.flush()
        assert shard.numbers() == {"received": 4, "confirmed": 4, "replayed": 4}
        assert shard.delivery.committable == "0"


def test_a_receiver_that_dies_is_noticed_while_nothing_comes(
    syslog_receiver: SyslogReceiver,
) -> None:
    with shard_to(syslog_receiver, replay_seconds=3600) as shard:
        shard.deliver()
        shard.delivery.poll()
        syslog_receiver.wait_until(lambda: syslog_receiver.open_connections == 2)  # one is silent
        syslog_receiver.reset_connections()
        with pytest.raises(TransportError):
            shard.delivery.poll()


def test_a_checkpoint_trails_by_replay_seconds_behind_the_last_look(
    syslog_receiver: SyslogReceiver,
) -> None:
    now = [100.0]
    with shard_to(
        syslog_receiver, WindowLimits(2.0), clock=lambda: now[0], replay_seconds=10
    ) as shard:
        for second in (100.0, 104.0, 108.0):
            now[0] = second
            shard.deliver()
        seen = []
        for second in (109.9, 110.0, 114.0):
            now[0] = second
            shard.delivery.poll()
            seen.append(shard.delivery.committable)
        now[0] = 200.0
        syslog_receiver.stop()  # when nobody looked
        with pytest.raises(TransportError):
            shard.delivery.poll()
        assert shard.delivery.roll_back() == "2"
    assert seen == ["0", "1", "2"]


def test_a_connection_that_is_only_watched_is_made_anew_before_somebody_ends_it(
    syslog_receiver: SyslogReceiver,
) -> None:
    with shard_to(syslog_receiver, replay_seconds=3600, idle_seconds=0.2) as shard:
        shard.deliver()
        before = syslog_receiver.connections
        shard.poll_until(lambda: syslog_receiver.connections >= before + 2)
        syslog_receiver.wait_until(lambda: syslog_receiver.open_connections == 2)  # one silent
        assert shard.delivery.committable == "0"  # nothing looked like a crash
        assert len(syslog_receiver.frames) == 1


@pytest.mark.parametrize("level", ["written", "acked"])
def test_a_shard_without_logs_keeps_no_connection(
    syslog_receiver: SyslogReceiver, level: str
) -> None:
    if level == "acked" and sys.platform != "linux":
        pytest.skip("Linux's own way with TCP")
    with shard_to(syslog_receiver, confirm=level, idle_seconds=0.1) as shard:
        shard.deliver()
        syslog_receiver.wait_for(1)
        assert shard.delivery.committable == "1"
        shard.poll_until(lambda: syslog_receiver.open_connections == 0)
        shard.deliver()
        syslog_receiver.wait_for(2)
    assert syslog_receiver.used_connections == 2
    assert syslog_receiver.resets == 0


def kept_bytes(shard: Shard) -> int:
    return sum(len(frame) for batch in shard.delivery._window for frame in batch.frames)


def test_a_window_beyond_window_bytes_is_not_kept_and_is_confirmed_all_the_same(
    syslog_receiver: SyslogReceiver,
) -> None:
    with shard_to(syslog_receiver, window_bytes=100) as shard:
        for number in range(2, 20):
            shard.deliver()
            assert kept_bytes(shard) <= 100, number
        assert shard.delivery.committable == "1"
        shard.delivery.flush()
        assert shard.delivery.committable == shard.delivery.position
        assert shard.numbers() == {"received": 18, "confirmed": 18}
    assert ends(syslog_receiver) == [str(number) for number in range(1, 19)]


def test_a_failure_rolls_back_to_sls_at_once_if_the_window_is_not_kept(
    syslog_receiver: SyslogReceiver,
) -> None:
    with shard_to(syslog_receiver, window_bytes=40, retry_seconds=3600) as shard:
        for _ in range(6):
            shard.deliver()
        syslog_receiver.wait_for(6)
        syslog_receiver.reset_connections()
        with pytest.raises(TransportError):
            shard.delivery.flush()
        with pytest.raises(UnconfirmedError, match="window_bytes"):  # if nobody rolls back
            shard.delivery.flush()
        assert shard.delivery.roll_back() == "1"
        for _ in range(6):  # the first batch of a window is kept, and confirmed after a failure
            shard.deliver()
        shard.delivery.flush()
        assert shard.numbers() == {"received": 7, "confirmed": 7, "replayed": 5}
    assert set(ends(syslog_receiver)) >= {"1", "2", "3", "4", "5", "6", "7"}


def test_one_batch_is_kept_however_large_it_is(syslog_receiver: SyslogReceiver) -> None:
    with shard_to(syslog_receiver, window_bytes=0, retry_seconds=3600) as shard:
        shard.deliver()
        shard.deliver()
        syslog_receiver.wait_for(2)
        syslog_receiver.reset_connections()
        shard.delivery.flush()
        assert shard.delivery.committable == "2"
    assert Counter(ends(syslog_receiver)) == {"1": 1, "2": 2}


def test_a_receiver_that_answers_no_half_close_neither_stalls_nor_fills_the_memory(
    syslog_receiver: SyslogReceiver,
) -> None:
    syslog_receiver.answer_half_close = False
    probe_soon(syslog_receiver.settings())
    line = b"<14>1 - - - - - - " + b"x" * 50_000 + b"\n"
    with shard_to(syslog_receiver, WindowLimits(seconds=0.0), window_bytes=200_000) as shard:
        with pytest.raises(UnconfirmedError, match="acked"):  # once, when it is found out
            shard.deliver()
        assert shard.delivery.roll_back() == "0"
        most = 0
        for _ in range(1000):
            shard.deliver(line)
            most = max(most, kept_bytes(shard))
            if shard.delivery.confirmed != "0":
                break
        assert shard.delivery.confirmed == shard.delivery.position
        assert most <= 200_000
        assert shard.numbers()["received"] == shard.numbers()["confirmed"]


class OldKernel(socket.socket):
    """A socket of a kernel before Linux 5.4, which tells nothing of windows."""

    def getsockopt(self, *arguments: Any) -> Any:
        found: Any = super().getsockopt(*arguments)
        is_info = arguments[:2] == (socket.IPPROTO_TCP, socket.TCP_INFO)
        return found[:192] if is_info else found


@pytest.mark.skipif(sys.platform != "linux", reason="it is so everywhere else")
def test_where_nothing_tells_of_windows_nothing_is_held_back_for_ever(
    syslog_receiver: SyslogReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", OldKernel)
    syslog_receiver.answer_half_close = False
    probe_soon(syslog_receiver.settings())
    with shard_to(syslog_receiver, WindowLimits(seconds=0.0)) as shard:
        for _ in range(2):
            with pytest.raises(UnconfirmedError, match="acked"):
                shard.deliver()
            shard.delivery.roll_back()


def test_stretches_without_logs_move_the_checkpoint_only_behind_what_is_confirmed(
    syslog_receiver: SyslogReceiver,
) -> None:
    with shard_to(syslog_receiver) as shard:
        shard.delivery.skip("0+")
        assert shard.delivery.committable == "0+"
        shard.deliver()
        shard.deliver()
        shard.delivery.skip("2+")
        assert shard.delivery.position == "2+"
        assert shard.delivery.committable == "1"
        shard.delivery.flush()
        assert shard.delivery.committable == "2+"


def test_a_datagram_that_cannot_be_made_smaller_is_dropped_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = [b"<14>1 - - - - - - %d" % n for n in range(3)]
    refuse_larger_datagrams(monkeypatch, 100)
    with SyslogReceiver("udp") as receiver, shard_to(receiver) as shard:
        shard.deliver(small[0], b"x" * 300, small[1], b"x" * 400, small[2])
        receiver.wait_for(4)  # what went before the first refusal goes once more
        assert shard.numbers() == {"received": 5, "confirmed": 3, "dropped": 2}
    assert set(receiver.frames) == set(small)
    assert sum("does not fit into a datagram" in line for line in caplog.messages) == 1


def test_a_datagram_is_dropped_only_with_its_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[DroppedLog] = []
    is_full = True

    def keep(copy: DroppedLog) -> None:
        if is_full and len(kept) == 1:
            raise OSError("disk full")
        kept.append(copy)

    refuse_larger_datagrams(monkeypatch, 100)
    small, large = b"<14>1 - - - - - - 0", [b"x" * 300, b"x" * 400]
    with SyslogReceiver("udp") as receiver, shard_to(receiver, dropped=keep) as shard:
        shard.deliver(small)
        with pytest.raises(CopyError, match="disk full"):
            shard.deliver(small, *large)
        assert shard.delivery.roll_back() == "1"
        assert shard.numbers() == {"received": 4, "confirmed": 1, "pending": 3}
        kept.clear()
        is_full = False
        shard.deliver(small, *large)
        shard.delivery.flush()
        assert shard.numbers()["dropped"] == 2
    assert [(copy.number, copy.cause, copy.frame) for copy in kept] == [
        (2, "oversize", large[0]),
        (3, "oversize", large[1]),
    ]
    assert {(copy.shard, copy.cursor, copy.log) for copy in kept} == {("", "1", None)}


def test_a_datagram_that_can_be_made_smaller_is_left_to_sls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse_larger_datagrams(monkeypatch, 9216)
    with SyslogReceiver("udp") as receiver, shard_to(receiver) as shard:
        with pytest.raises(MessageTooLongError) as told:
            shard.deliver(b"<14>1 - - - - - - 0", b"x" * 20_000)
        assert (told.value.size, told.value.limit) == (20_000, 9216)
        assert shard.delivery.roll_back() == shard.delivery.committable
        shard.deliver(b"<14>1 - - - - - - 0", b"<14>1 - - - - - - 1")
        receiver.wait_for(3)
        assert shard.numbers() == {"received": 2, "confirmed": 2, "replayed": 2}
