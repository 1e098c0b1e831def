"""A receiver that talks, as much and as fast as it likes: everything ends in time, and at a stop.

A syslog receiver sends nothing. What another service says must not hold up a shard, nor a stop.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import pytest

from sls_syslog import ConnectError, SendError, SyslogError, TransportError, UnconfirmedError
from sls_syslog.network.deadline import Stop
from sls_syslog.network.destination import Destinations
from sls_syslog.network.failover import open_transport
from sls_syslog.network.timings import Timings
from sls_syslog.network.transport import Transport
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import TemporaryCA
from tests.support.gate import keep_first
from tests.support.peers import HOST, serve
from tests.support.talkers import (
    HELLO_REQUEST,
    KeyUpdater,
    Renegotiator,
    SilenceBreaker,
    Talker,
    renegotiating,
)
from tests.support.waiting import eventually

_Outcome = TypeVar("_Outcome")

TIMEOUT = 2.0
LONG = 600.0  # a timeout that never passes within a test
LIMIT = 20.0  # seconds: what ends within `TIMEOUT` or at a stop ends in this time on any machine
GRACE = 0.5
FRAME = b"<14>1 - - - - - - hello\n"
MANY = b"<14>1 - - - - - - " + b"x" * 1000 + b"\n"
MUCH = 64 * 1024  # frames of `MANY`: more than any kernel's buffers
PROTOCOLS = ["tcp", "tls"]
SIZES = [1, 100, 16384]
PAUSES = [0.0, 0.05, 0.9 * TIMEOUT]


def make_settings(
    port: int, authority: TemporaryCA, protocol: str, **others: Any
) -> ClientSettings:
    trust = {"cert_path": authority.cert_path} if protocol.endswith("tls") else {}
    values = {"protocol": protocol, "timeout": TIMEOUT, **trust, **others}
    return ClientSettings(host=HOST, port=port, **values)


def make_context(authority: TemporaryCA, protocol: str) -> ssl.SSLContext | None:
    return authority.server_context() if protocol.endswith("tls") else None


def open_hasty(settings: ClientSettings, stop: Stop | None = None) -> Transport:
    """A transport that probes a receiver soon."""
    destinations = Destinations()
    destinations.find(settings.destination, Timings(half_close_patience=0.5, half_close_probe=0.5))
    return open_transport(settings, stop, destinations=destinations)


def end_within_limit(operation: Callable[[], Any]) -> Any:
    """Run an operation in a thread; fail if it does not end. Returns its value or its error."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(operation())
        except SyslogError as error:
            outcome.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(LIMIT)
    assert outcome, "it did not end"
    return outcome[0]


def is_spelled_out(outcome: Any) -> bool:
    return "sends without end" in str(outcome)


def try_until_spelled_out(
    attempt: Callable[[], _Outcome], is_named: Callable[[_Outcome], bool] = is_spelled_out
) -> _Outcome:
    """Repeat what a talker makes fail until the error names the talk, five times at most.

    On a busy machine a talker may say nothing for most of a deadline.
    """
    for _ in range(5):
        outcome = attempt()
        if is_named(outcome):
            return outcome
    raise AssertionError(f"this error does not name the talk: {outcome}")


def operate(transport: Transport) -> dict[str, Any]:
    """Do everything that a shard does with a receiver; return what came of each step."""
    steps: dict[str, Callable[[], Any]] = {
        "connect": transport.connect,
        "watch": transport.watch,
        "send": lambda: transport.send([FRAME]),
        "confirm": transport.confirm,
        "retire": transport.retire,
        "send again": lambda: transport.send([FRAME]),
        "send much": lambda: transport.send(itertools.repeat(MANY, MUCH)),
        "confirm again": transport.confirm,
        "close": transport.close,
    }
    return {name: end_within_limit(step) for name, step in steps.items()}


def mark_gate(*values: Any, plain: bool) -> Any:
    return pytest.param(*values, marks=[] if plain else pytest.mark.gate)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("reads", [True, False], ids=["reads", "deaf"])
@pytest.mark.parametrize(
    ("level", "size", "pause"),
    [
        *(
            mark_gate("auto", size, pause, plain=(size, pause) == (1, 0.0))
            for size in SIZES
            for pause in PAUSES
        ),
        *(
            mark_gate(level, size, pause, plain=False)
            for level in ["written", "acked", "consumed"]
            for size, pause in [(1, 0.0), (16384, PAUSES[-1])]
        ),
    ],
)
def test_everything_ends_with_its_deadline(
    authority: TemporaryCA, protocol: str, reads: bool, size: int, pause: float, level: str
) -> None:
    failures: dict[str, type[TransportError]] = {}
    if level == "consumed" or (level, protocol) == ("auto", "tcp"):
        failures["confirm"] = UnconfirmedError
    if not reads:
        failures["send much"] = SendError

    def attempt() -> dict[str, Any]:
        with closing(open_hasty(settings)) as transport:
            return operate(transport)

    def are_named(outcomes: dict[str, Any]) -> bool:  # slower talk may come too late
        return bool(pause) or all(is_spelled_out(outcomes[step]) for step in failures)

    with Talker(make_context(authority, protocol), size, pause, reads=reads) as talker:
        settings = make_settings(talker.port, authority, protocol, confirm=level)
        outcomes = try_until_spelled_out(attempt, are_named)
    assert outcomes["connect"] is outcomes["send"] is outcomes["close"] is None
    if level in {"written", "acked"}:
        assert outcomes["confirm"] is True
    if reads:
        assert outcomes["send much"] is None
    for step, error in failures.items():
        assert isinstance(outcomes[step], error)


@contextmanager
def running(operation: Callable[[], Any]) -> Iterator[Thread]:
    def run() -> None:
        with pytest.raises(SyslogError):
            while True:
                operation()

    thread = Thread(target=run, daemon=True)
    thread.start()
    yield thread
    thread.join(LIMIT)
    assert not thread.is_alive(), "it did not end"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("size", "pause"),
    [mark_gate(size, pause, plain=(size, pause) == (1, 0.0)) for size in SIZES for pause in PAUSES],
)
@pytest.mark.parametrize("work", ["confirm", "send to the deaf", "send", "acknowledge"])
def test_everything_ends_with_a_stop(
    authority: TemporaryCA, protocol: str, size: int, pause: float, work: str
) -> None:
    reads = work in {"confirm", "send"}
    stop = Stop(GRACE)
    with Talker(make_context(authority, protocol), size, pause, reads=reads) as talker:
        level = "acked" if work == "acknowledge" else "consumed"
        settings = make_settings(talker.port, authority, protocol, confirm=level, timeout=LONG)
        with closing(open_transport(settings, stop)) as transport:
            transport.send([FRAME])

            def send_and_confirm() -> None:
                transport.send([MANY] * 2000)
                transport.confirm()

            operations: dict[str, Callable[[], object]] = {
                "confirm": transport.confirm,
                "send": lambda: transport.send(itertools.repeat(MANY)),
                "send to the deaf": lambda: transport.send(itertools.repeat(MANY)),
                "acknowledge": send_and_confirm,
            }
            with running(operations[work]):
                before = talker.said
                eventually(lambda: talker.said > before)
                stop.request()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("work", keep_first(["confirm", "send to the deaf", "acknowledge"]))
def test_a_talker_does_not_keep_a_processor_busy(
    authority: TemporaryCA, protocol: str, work: str
) -> None:
    """A machine that is busy gives the thread less of a processor, never more."""
    with Talker(make_context(authority, protocol), reads=work == "confirm") as talker:
        level = "acked" if work == "acknowledge" else "consumed"
        settings = make_settings(talker.port, authority, protocol, confirm=level, timeout=3.0)
        with closing(open_transport(settings)) as transport:
            transport.send([FRAME] if work == "confirm" else [MANY] * 200)
            begun, spent = time.monotonic(), time.thread_time()
            with pytest.raises((SendError, UnconfirmedError)):
                if work == "send to the deaf":
                    transport.send([MANY] * MUCH)
                else:
                    transport.send([MANY] * 2000)
                    transport.confirm()
            spent, took = time.thread_time() - spent, time.monotonic() - begun
    assert spent / took < 0.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", SIZES)
def test_a_receiver_that_talks_a_little_is_used(
    authority: TemporaryCA, protocol: str, size: int
) -> None:
    """A banner, and some words later."""
    with Talker(make_context(authority, protocol), size, 0.01, limit=20) as talker:
        settings = make_settings(
            talker.port, authority, protocol, confirm="consumed", timeout=LIMIT
        )
        with closing(open_transport(settings)) as transport:
            for _ in range(3):
                transport.send([FRAME] * 100)
                assert transport.confirm() is True


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [1, 16384])
@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_talk_on_the_silent_connection_alone_changes_nothing(
    authority: TemporaryCA, protocol: str, size: int, pause: float
) -> None:
    with SilenceBreaker(make_context(authority, protocol), size, pause) as talker:
        settings = make_settings(
            talker.port, authority, protocol, confirm="consumed", timeout=LIMIT
        )
        with closing(open_transport(settings)) as transport:
            for _ in range(2):  # the second time over what was the silent connection
                transport.send([FRAME] * 10)
                eventually(lambda: talker.said > 0)
                assert end_within_limit(transport.confirm) is True


@pytest.mark.parametrize("ended_by", ["deadline", "stop"])
@pytest.mark.parametrize(
    ("words", "pause"),
    [
        pytest.param(HELLO_REQUEST * 5000, 0.0, id="asks for a handshake without end"),
        pytest.param(None, 0.05, id="trickles records"),
    ],
)
def test_a_handshake_without_end_ends(
    authority: TemporaryCA, words: bytes | None, pause: float, ended_by: str
) -> None:
    stop = Stop(GRACE)

    def talk(connection: socket.socket) -> None:
        whole = itertools.cycle(HELLO_REQUEST)
        connection.recv(65536)
        if ended_by == "stop":
            stop.request()
        while True:
            connection.sendall(words or bytes([next(whole)]))
            time.sleep(pause)

    def attempt() -> Any:
        with closing(open_transport(settings, stop)) as transport:
            return end_within_limit(transport.connect)

    with serve(talk) as port:
        timeout = TIMEOUT if ended_by == "deadline" else LONG
        settings = make_settings(port, authority, "tls", timeout=timeout)
        outcome = attempt() if ended_by == "stop" else try_until_spelled_out(attempt)
    assert isinstance(outcome, ConnectError)
    assert ended_by == "deadline" or "stopped" in str(outcome)


@pytest.mark.parametrize("asks_back", [True, False], ids=["asks back", "only tells"])
def test_new_keys_without_end_end(authority: TemporaryCA, tmp_path: Path, asks_back: bool) -> None:
    words = "asks for answers" if asks_back else "sends without end"

    def attempt() -> TransportError:
        said = talker.said
        with closing(open_transport(settings)) as transport:
            begun, spent = time.monotonic(), time.thread_time()
            with pytest.raises(TransportError) as failure:
                transport.send([FRAME])
                eventually(lambda: talker.said > said + 3)
                transport.confirm()
            spent, took = time.thread_time() - spent, time.monotonic() - begun
        assert spent < 0.5 * max(took, TIMEOUT)
        return failure.value

    with KeyUpdater(authority.server_context, tmp_path, asks_back=asks_back) as talker:
        settings = make_settings(talker.port, authority, "tls", confirm="consumed")
        try_until_spelled_out(attempt, lambda outcome: words in str(outcome))


@pytest.mark.parametrize("ended_by", ["deadline", "stop"])
def test_new_handshakes_without_end_end(
    authority: TemporaryCA, tmp_path: Path, ended_by: str
) -> None:
    """Under TLS 1.2 a receiver may ask for a new handshake; nothing can be sent until it ends."""
    stop = Stop(GRACE)

    def attempt() -> Any:
        with closing(open_transport(settings, stop)) as transport:
            assert end_within_limit(transport.connect) is None

            def send_and_confirm() -> None:
                transport.send([FRAME])
                transport.confirm()

            if ended_by == "deadline":
                return end_within_limit(send_and_confirm)
            with running(send_and_confirm):
                eventually(lambda: talker.said > 0)
                stop.request()
            return end_within_limit(transport.close)

    with Renegotiator(authority.server_context, tmp_path) as talker:
        timeout = TIMEOUT if ended_by == "deadline" else LONG
        settings = make_settings(talker.port, authority, "tls", confirm="consumed", timeout=timeout)
        if ended_by == "deadline":
            assert isinstance(try_until_spelled_out(attempt), TransportError)
        else:
            assert attempt() is None


def test_new_handshakes_that_complete_do_not_hold_up_logs(authority: TemporaryCA) -> None:
    with renegotiating(authority) as server:

        def await_more() -> None:
            before = server.asked
            eventually(lambda: server.asked > before + 1)

        settings = make_settings(server.port, authority, "tls", confirm="acked", timeout=LIMIT)
        with closing(open_transport(settings)) as transport:
            for _ in range(3):
                transport.send([MANY] * 2000)
                assert end_within_limit(transport.confirm) is True
                await_more()
                assert end_within_limit(transport.watch) is None


def test_a_record_that_trickles_does_not_delay_the_end(authority: TemporaryCA) -> None:
    rests: dict[Any, Iterator[int]] = {}  # of each connection

    class Trickler(Talker):
        """It says one record, a byte at a time, without its end."""

        def make_words(self, session: Any) -> bytes:
            if session not in rests:
                rests[session] = iter(session.wrap(b"x" * 16384))
            return bytes([next(rests[session])])

    with Trickler(authority.server_context(), pause=0.05) as talker:
        settings = make_settings(talker.port, authority, "tls", confirm="consumed")
        with closing(open_transport(settings)) as transport:

            def send_and_confirm() -> Any:
                transport.send([FRAME])
                return end_within_limit(transport.confirm)

            outcome = try_until_spelled_out(send_and_confirm)
    assert isinstance(outcome, UnconfirmedError)


def test_answers_without_end_are_not_kept(authority: TemporaryCA, tmp_path: Path) -> None:
    """Between two sends nothing takes the answers of TLS to requests for new keys."""
    with KeyUpdater(authority.server_context, tmp_path, asks_back=True) as talker:
        settings = make_settings(talker.port, authority, "tls", confirm="written")
        with closing(open_transport(settings)) as transport:

            def is_refused() -> bool:
                try:
                    transport.watch()  # connects at first
                except TransportError as error:
                    return "asks for answers without end" in str(error)
                return False

            eventually(is_refused)


def test_an_alert_that_trickles_is_understood(authority: TemporaryCA) -> None:
    """A receiver that expects TLS answers plain text with an alert; here in two packets."""

    def refuse(connection: socket.socket) -> None:
        connection.recv(65536)
        for word in (b"\x15", b"\x03\x03\x00\x02\x02\x0a"):
            connection.sendall(word)
            time.sleep(0.1)
        connection.recv(65536)

    with serve(refuse) as port:
        settings = make_settings(port, authority, "tcp", confirm="acked", timeout=LIMIT)
        with closing(open_transport(settings)) as transport:
            transport.send([FRAME])

            def is_refused() -> bool:
                try:
                    transport.watch()
                except SendError as error:
                    return "answers in TLS" in str(error)
                return False

            eventually(is_refused)


@pytest.mark.gate
@pytest.mark.parametrize("level", ["acked", "consumed"])
def test_a_slow_receiver_that_talks_has_its_time(authority: TemporaryCA, level: str) -> None:
    """What it reads renews the deadline, also if it sends something more often than we look."""

    def read_slowly(connection: socket.socket) -> None:
        while connection.recv(6 * 1024):
            connection.sendall(b".")
            time.sleep(0.05)

    with serve(read_slowly) as port:
        settings = make_settings(port, authority, "tcp", confirm=level, timeout=4.0)
        with closing(open_transport(settings)) as transport:
            transport.send([MANY] * 1000)  # takes longer than the timeout
            assert transport.confirm() is True
