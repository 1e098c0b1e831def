"""What the end of a connection proves, and what it does not: on real sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.evidence import DoubtError, End, Evidence
from sls_syslog.network.resolver import resolve
from sls_syslog.network.sentinel import Sentinel
from sls_syslog.network.timings import Timings
from tests.support.peers import HOST, Peer, reset_on_close

FRAME = b"<14>1 - - - - - - x\n"


class Actor(Peer):
    """It treats the first connection in one way, and all others, which are silent, in another."""

    def __init__(
        self,
        end: Callable[[Actor, socket.socket], None],
        end_silent: Callable[[Actor, socket.socket], None],
    ) -> None:
        super().__init__()
        self._end, self._end_silent = end, end_silent
        self._count = 0

    def begin(self, connection: socket.socket) -> None:
        self._count += 1
        self.start(self._treat, connection, self._end if self._count == 1 else self._end_silent)

    def _treat(
        self, connection: socket.socket, end: Callable[[Actor, socket.socket], None]
    ) -> None:
        with connection:
            end(self, connection)


def read_all(peer: Peer, connection: socket.socket) -> None:
    connection.settimeout(0.05)
    while not peer.ending.is_set():
        try:
            if not connection.recv(65536):
                return
        except TimeoutError:
            continue
        except OSError:
            return


def answer(actor: Actor, connection: socket.socket) -> None:
    """As a receiver does that has read everything; a silent one stands until we end it."""
    read_all(actor, connection)


def answer_late(actor: Actor, connection: socket.socket) -> None:
    read_all(actor, connection)
    actor.ending.wait(0.5)


def answer_by_reset(actor: Actor, connection: socket.socket) -> None:
    read_all(actor, connection)
    reset_on_close(connection)


def end_soon(actor: Actor, connection: socket.socket) -> None:
    """As a proxy does that has no receiver."""
    connection.recv(1)
    actor.ending.wait(0.05)


def end_silent_soon(actor: Actor, _: socket.socket) -> None:
    actor.ending.wait(0.3)  # after the other one


def reset_soon(actor: Actor, connection: socket.socket) -> None:
    connection.recv(1)
    reset_on_close(connection)
    actor.ending.wait(0.05)


class Scene:
    """Connections to a peer, and what judges how they end. The first one carries a message."""

    def __init__(self, peer: Peer, timings: Timings, stop: Stop) -> None:
        self.destination = Destination("tcp://siem:514", timings)
        self.evidence = Evidence(self.destination, stop)
        [self.address, *_] = resolve(HOST, peer.port, socket.SOCK_STREAM, Deadline(10))
        self.ends = ExitStack()
        self.connection = self.open()

    def open(self) -> Connection:
        connection = Connection(self.address, Deadline(10))
        self.ends.callback(connection.close)
        return connection

    def join(self) -> Sentinel | None:
        return self.destination.sentinels.join(self.address, self.open)

    def judge(self, *, twin: bool = True, alone: bool = False) -> End:
        sentinel = None if alone else self.join()
        if not twin:
            sentinel = self.join()
        return self.judge_beside(sentinel)

    def judge_beside(self, sentinel: Sentinel | None) -> End:
        self.connection.send(FRAME, Deadline(10))
        return self.evidence.await_end(self.connection, sentinel, 30.0)


@contextmanager
def open_scene(peer: Peer, stop: Stop | None = None, **timings: float) -> Iterator[Scene]:
    with peer:
        scene = Scene(peer, Timings(**timings), stop or Stop())
        with scene.ends:
            yield scene


def scene_of(
    end: Callable[[Actor, socket.socket], None],
    end_silent: Callable[[Actor, socket.socket], None] = answer,
    stop: Stop | None = None,
    **timings: float,
) -> AbstractContextManager[Scene]:
    return open_scene(Actor(end, end_silent), stop, sentinel_share=60.0, **timings)


def test_an_end_beside_a_silent_connection_that_stands_is_proof() -> None:
    with scene_of(answer) as scene:
        assert scene.judge() is End.CLEAN


def test_an_end_proves_nothing_if_the_silent_connection_ends_as_well() -> None:
    with scene_of(answer, end_silent_soon) as scene, pytest.raises(DoubtError, match="as well"):
        scene.judge()


def test_a_reset_is_told_from_a_clean_end() -> None:
    with scene_of(answer_by_reset) as scene:
        assert scene.judge() is End.RESET


def test_a_reset_proves_nothing_if_the_silent_connection_ends_as_well() -> None:
    with scene_of(answer_by_reset, end_silent_soon) as scene, pytest.raises(DoubtError):
        scene.judge()


@pytest.mark.parametrize("end", [end_soon, reset_soon])
@pytest.mark.parametrize("alone", [False, True])
def test_an_end_before_our_half_close_is_no_answer(
    end: Callable[[Actor, socket.socket], None], alone: bool
) -> None:
    with scene_of(end) as scene, pytest.raises(ConnectionError):
        scene.judge(alone=alone)
    assert scene.connection.half_closed_at is None


def test_a_late_answer_counts_only_beside_a_silent_connection_of_its_own() -> None:
    with scene_of(answer_late, prompt_answer=0.1) as scene:
        assert scene.judge() is End.CLEAN
    with scene_of(answer_late, prompt_answer=0.1) as scene:
        with pytest.raises(DoubtError, match="too late"):
            scene.judge(twin=False)
        joined = scene.join()
        assert joined is not None
        assert joined.is_twin  # next time it counts


def test_a_receiver_whose_answers_stay_late_is_doubted_once() -> None:
    """Else each slow receiver would get a window twice whenever its slowness is forgotten."""
    with scene_of(answer_late, prompt_answer=0.1) as scene:
        assert scene.judge() is End.CLEAN
        joined = scene.join()
        assert joined is not None
        assert joined.is_twin


def test_a_connection_alone_is_half_closed_when_it_is_old() -> None:
    with scene_of(answer, lone_age=0.6) as scene:
        assert scene.judge(alone=True) is End.CLEAN
        assert scene.connection.half_closed_at is not None
        assert scene.connection.age >= 0.6


def test_a_connection_alone_whose_answer_comes_late_proves_nothing() -> None:
    late = scene_of(answer_late, lone_age=0.1, prompt_answer=0.1)
    with late as scene, pytest.raises(DoubtError, match="too late"):
        scene.judge(alone=True)


def test_a_stop_makes_no_connection_old_enough() -> None:
    stop = Stop(grace=0.0)
    stop.request()
    with scene_of(answer, stop=stop) as scene, pytest.raises(TimeoutError):
        scene.evidence.await_end(scene.connection, None, 30.0)
    assert scene.connection.half_closed_at is None


def test_the_silent_connection_gives_way_if_the_receiver_waits_for_its_end() -> None:
    class OneAtATime(Peer):
        """It serves the first connection, and the next one when that has ended."""

        def treat(self, connection: socket.socket) -> None:
            read_all(self, connection)

    with open_scene(OneAtATime(), give_way=0.3, lone_age=0.5) as scene:
        scene.connection.close()
        sentinel = scene.join()
        time.sleep(0.1)  # until it is served
        scene.connection = scene.open()
        with pytest.raises(DoubtError, match=r"one connection at a time.*No log is lost"):
            scene.judge_beside(sentinel)
        assert scene.join() is None
        scene.connection.close()
        scene.connection = scene.open()
        assert scene.judge(alone=True) is End.CLEAN
