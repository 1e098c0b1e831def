"""Silent connections: who shares one, who may send over it, and when there is none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from sls_syslog import ConnectError
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.resolver import Address, resolve
from sls_syslog.network.sentinel import Sentinel, Sentinels
from sls_syslog.network.timings import Timings
from sls_syslog.testing import SyslogReceiver
from tests.support.waiting import eventually

MINUTES = 600.0  # for which a receiver that takes no silent connection is asked for none


class Port:
    """What a transport has of its receiver: an address, and silent connections to it."""

    def __init__(self, receiver: SyslogReceiver, timings: Timings = Timings()) -> None:
        self.now = 0.0
        self.sentinels = Sentinels(timings, lambda: self.now)
        [self.address, *_] = resolve(receiver.host, receiver.port, 1, Deadline(10))
        self.opened: list[Connection] = []
        self.is_refused = False
        self._ends = ExitStack()

    def open(self) -> Connection:
        if self.is_refused:
            raise ConnectError("tcp://siem:514", "refused")
        connection = Connection(self.address, Deadline(10))
        self._ends.callback(connection.close)
        self.opened.append(connection)
        return connection

    def join(self, address: Address | None = None) -> Sentinel | None:
        return self.sentinels.join(address or self.address, self.open)

    def get(self) -> Sentinel:
        sentinel = self.join()
        assert sentinel is not None
        return sentinel

    def close(self) -> None:
        self._ends.close()


@pytest.fixture
def receiver() -> Iterator[SyslogReceiver]:
    with SyslogReceiver() as receiver:
        yield receiver


@pytest.fixture
def port(receiver: SyslogReceiver) -> Iterator[Port]:
    port = Port(receiver, Timings(sentinel_share=60.0))
    yield port
    port.close()


def wait_until_ended(sentinel: Sentinel) -> None:
    eventually(lambda: not sentinel.stands())


def test_one_is_shared_and_the_last_to_leave_closes_it(
    receiver: SyslogReceiver, port: Port
) -> None:
    first, second = port.get(), port.get()
    assert len(port.opened) == 1
    assert (first.is_twin, second.is_twin) == (True, False)
    first.leave()
    first.leave()
    assert second.stands()
    second.leave()
    receiver.wait_until(lambda: receiver.connections == 1 and not receiver.open_connections)


def test_one_that_was_left_by_all_is_shared_with_nobody(port: Port) -> None:
    port.get().leave()
    assert port.get().is_twin
    assert len(port.opened) == 2


def test_an_old_one_is_shared_with_nobody_else(receiver: SyslogReceiver) -> None:
    port = Port(receiver, Timings(sentinel_share=0.0))
    assert port.get().is_twin
    assert port.get().is_twin
    port.close()


def test_one_to_another_address_is_not_shared(port: Port) -> None:
    port.get()
    with SyslogReceiver() as other:
        [address, *_] = resolve(other.host, other.port, 1, Deadline(10))
        port.address = address
        assert port.get().is_twin


def test_one_that_has_ended_is_not_shared(receiver: SyslogReceiver, port: Port) -> None:
    ended = port.get()
    receiver.wait_until(lambda: receiver.open_connections == 1)
    receiver.reset_connections()
    wait_until_ended(ended)
    assert port.get().is_twin


def test_after_a_failure_none_is_shared(port: Port) -> None:
    before = port.get()
    port.sentinels.renew()
    assert port.get().is_twin
    assert before.stands()


def test_while_answers_come_late_each_has_its_own(port: Port) -> None:
    port.get()
    port.sentinels.share_none()
    assert port.get().is_twin
    assert port.get().is_twin
    port.now = MINUTES
    assert not port.get().is_twin


def test_while_each_has_its_own_none_waits_for_another(port: Port) -> None:
    """Opening one may take seconds, and a process may have hundreds of shards."""
    others_done = threading.Event()

    def open_slowly() -> Connection:
        assert others_done.wait(20.0), "the others waited"
        return port.open()

    port.sentinels.share_none()
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(port.sentinels.join, port.address, open_slowly)
        threads.submit(port.get).result(20.0)
        others_done.set()
        assert slow.result(20.0)


def test_who_is_alone_with_one_may_send_over_it(receiver: SyslogReceiver, port: Port) -> None:
    shared, other = port.get(), port.get()
    assert shared.take_over(30.0) is None
    connection = other.take_over(30.0)
    assert connection is port.opened[0]
    connection.send(b"<14>1 - - - - - - x\n", Deadline(10))
    receiver.wait_for(1)
    assert not other.stands()
    assert port.get().is_twin  # what carries logs is silent for nobody


@pytest.mark.parametrize("reason", ["idle", "ended"])
def test_nobody_sends_over_one_that_is_idle_for_too_long_or_has_ended(
    receiver: SyslogReceiver, port: Port, reason: str
) -> None:
    sentinel = port.get()
    receiver.wait_until(lambda: receiver.open_connections == 1)
    if reason == "ended":
        receiver.reset_connections()
        wait_until_ended(sentinel)
    assert sentinel.take_over(30.0 if reason == "ended" else 1e-9) is None
    receiver.wait_until(lambda: receiver.open_connections == 0)


def test_a_receiver_that_takes_none_is_asked_for_none_for_a_while(port: Port) -> None:
    port.is_refused = True
    assert [port.join() for _ in range(3)] == [None] * 3
    port.is_refused = False
    assert port.join() is None
    port.now = MINUTES
    assert port.get().is_twin


def test_a_refusal_between_two_that_were_taken_is_no_habit(port: Port) -> None:
    for _ in range(5):
        port.is_refused = True
        assert port.join() is None
        port.is_refused = False
        assert port.get().stands()
        port.sentinels.renew()


def test_one_gives_way_for_all_and_no_other_is_opened_for_a_while(port: Port) -> None:
    first, second = port.get(), port.get()
    assert first.give_way()
    assert not second.stands()
    assert port.join() is None
    port.now = MINUTES
    assert port.get().is_twin


def test_one_stays_if_giving_way_did_not_help(port: Port) -> None:
    assert port.get().give_way()
    port.sentinels.stop_giving_way()
    sentinel = port.get()
    assert not sentinel.give_way()
    assert sentinel.stands()


@pytest.mark.parametrize(
    ("ages", "limit"),
    [
        ([5.0], None),
        ([5.0, 5.3], 2.5),
        ([5.0, 9.0], None),
        ([0.3, 0.3], None),  # too soon to be idle
        ([5.0, 5.0, -6.1], None),  # one stood longer
        ([5.0, 5.0, -5.5], 2.5),
    ],
)
def test_the_age_at_which_idle_ones_end_is_learnt_from_two(
    port: Port, ages: list[float], limit: float | None
) -> None:
    idle = port.sentinels.idle
    for age in ages:
        (idle.note_end if age > 0 else idle.note_standing)(abs(age))
    assert idle.limit == (limit or float("inf"))
