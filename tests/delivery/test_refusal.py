"""One log that the receiver refuses: found, named, held or dropped; and never one that is fine."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sls_syslog import (
    DroppedLog,
    SettingsError,
    ShipperSettings,
    ShipperStats,
    TransportError,
    UnconfirmedError,
)
from sls_syslog.delivery.batches import Batch
from sls_syslog.delivery.ledger import Tally, open_ledger
from sls_syslog.delivery.refusal import Trial
from sls_syslog.delivery.window import Delivery
from sls_syslog.network.confirmation import State
from sls_syslog.network.deadline import Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.evidence import DoubtError
from sls_syslog.network.failover import open_transport
from sls_syslog.network.transport import Transport
from tests.support.gate import keep_first
from tests.support.peers import HOST, Peer, reset_on_close
from tests.support.waiting import eventually

NAME = "tcp://siem:514"
TRIES = 3
MOST_CONNECTIONS = 10_000
"""Of one test over a script."""
LOGS = 40
REFUSED = 5
"""The number of the log that is refused, from 0."""


def make_line(number: int, size: int = 10) -> bytes:
    return b"<14>1 - - - - - - n%d %s\n" % (number, b"x" * size)


LINES = [make_line(number, 20_000 if number == REFUSED else 10) for number in range(LOGS)]


class Shard:
    """A delivery, and one batch after another for it."""

    def __init__(self, transport: Transport, settings: ShipperSettings, stop: Stop) -> None:
        self.ahead = 0.0  # seconds by which the ledger's timer is set forward
        self.stats = ShipperStats(timer=lambda: time.monotonic() + self.ahead)
        self.stop = stop
        self.ledger = open_ledger(self.stats, "p/l/g/0")
        self.delivery = Delivery(settings, transport, stop, self.ledger, "0", name="p/l shard 0")

    def deliver(self, lines: list[bytes], end: str) -> None:
        again = self.ledger.receive(len(lines))
        tally = Tally(logs=len(lines) - again, again=again, size=sum(map(len, lines)))
        self.delivery.deliver(Batch([b"".join(lines)], end, tally))

    def numbers(self) -> tuple[int, int]:
        """The numbers of logs that are confirmed, and dropped because they were refused."""
        snapshot = self.stats.snapshot()
        return snapshot["confirmed"], snapshot["dropped"]["refused"]


class Picky(Peer):
    """A receiver that ends the connection when a line is longer than `limit`.

    Args:
        by_reset: Whether it resets it.
    """

    def __init__(self, *, by_reset: bool = True) -> None:
        super().__init__()
        self.limit = 2048
        self.lines: list[bytes] = []
        self._by_reset = by_reset
        self._lock = threading.Lock()

    def begin(self, connection: socket.socket) -> None:
        self.start(super().begin, connection)

    def treat(self, connection: socket.socket) -> None:
        data = b""
        while chunk := connection.recv(4096):
            *whole, data = (data + chunk).split(b"\n")
            if max(map(len, [*whole, data])) > self.limit:
                if self._by_reset:
                    reset_on_close(connection)
                return
            with self._lock:
                self.lines += [line + b"\n" for line in whole]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between attempts."""
    monkeypatch.setattr(Stop, "wait", lambda stop, _: stop.requested)


def open_shard(receiver: Picky, **options: Any) -> Shard:
    settings = ShipperSettings.from_mapping(
        {
            "host": HOST,
            "port": receiver.port,
            "timeout": 10,
            "retry_seconds": 3600,
            "refused_tries": TRIES,
            **options,
        }
    )
    stop = Stop()
    return Shard(open_transport(settings, stop), settings, stop)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("confirm", keep_first(["auto", "consumed"]))
@pytest.mark.parametrize("by_reset", [True, False])
def test_a_refused_log_is_dropped_and_named_and_the_shard_goes_on(
    confirm: str, by_reset: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with Picky(by_reset=by_reset) as receiver:
        shard = open_shard(receiver, on_refused="drop", confirm=confirm)
        shard.deliver([make_line(-1)], "1")
        shard.deliver(LINES, "2")
        shard.delivery.flush()
        assert shard.delivery.committable == "2"
        shard.deliver([make_line(99)], "3")
        shard.delivery.flush()
        assert shard.numbers() == (LOGS + 1, 1)
        shard.delivery.close()
    fine = [line for line in LINES if len(line) < 2048]
    assert set(receiver.lines) == {make_line(-1), *fine, make_line(99)}
    (error,) = [line for line in caplog.messages if "refuses" in line]
    assert "p/l shard 0, batch at cursor 1:" in error
    assert f"message {REFUSED + 1} of the batch ({len(LINES[REFUSED])} bytes)" in error
    assert repr(LINES[REFUSED][:200]) in error
    assert repr(LINES[REFUSED][:201])[:-1] not in error


@pytest.mark.usefixtures("quick")
@pytest.mark.gate
def test_a_refused_log_is_dropped_only_with_its_copy(caplog: pytest.LogCaptureFixture) -> None:
    kept: list[DroppedLog] = []
    tries = 0

    def keep(copy: DroppedLog) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise OSError("disk full")
        kept.append(copy)

    with Picky() as receiver:
        shard = open_shard(receiver, on_refused="drop", dropped=keep)
        shard.deliver([make_line(-1)], "1")
        shard.deliver(LINES, "2")
        shard.delivery.flush()
        assert shard.numbers() == (LOGS, 1)
        shard.delivery.close()
    (copy,) = kept
    assert copy == DroppedLog(
        shard="p/l shard 0", cursor="1", number=REFUSED + 1, cause="refused", frame=LINES[REFUSED]
    )
    held, dropped = [line for line in caplog.messages if "refuses" in line]
    assert "the shard waits, because no copy of a log to drop can be kept" in held
    assert "disk full" in held
    assert "it is dropped (on_refused)" in dropped


@pytest.mark.usefixtures("quick")
def test_a_refused_log_holds_the_shard_by_default_until_the_receiver_takes_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Picky() as receiver:
        shard = open_shard(receiver)
        thread = threading.Thread(target=shard.deliver, args=(LINES, "1"))
        thread.start()
        eventually(lambda: any("refuses" in line for line in caplog.messages))
        assert shard.delivery.committable == "0"
        copies = receiver.lines.count(LINES[0])
        retries = shard.stats.snapshot()["retries"]
        eventually(lambda: shard.stats.snapshot()["retries"] > retries + 10)
        assert receiver.lines.count(LINES[0]) == copies  # it is only asked for the one
        shard.ahead = 60.0
        what = f"message {REFUSED + 1} of the batch at cursor 0 ({len(LINES[REFUSED])} bytes; "
        assert get_reason(shard).startswith(
            f"the receiver refuses {what}on_refused='hold'): tcp://"
        )
        receiver.limit = 10**6
        thread.join()
        assert shard.delivery.committable == "1"
        assert shard.numbers() == (LOGS, 0)
        assert shard.ledger.find_stall() is None
        shard.delivery.close()
    assert set(receiver.lines) == set(LINES)
    (error,) = [line for line in caplog.messages if "refuses" in line]  # once a minute
    assert f"cursor 0: the receiver refuses message {REFUSED + 1} of the batch" in error
    assert "on_refused" in error


class Silent(Picky):
    """The same, but it never ends a connection after us, so nobody can judge a message."""

    def treat(self, connection: socket.socket) -> None:
        super().treat(connection)
        if not self.has_reset(connection):
            self.ending.wait()

    @staticmethod
    def has_reset(connection: socket.socket) -> bool:
        lingers = connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        return lingers != bytes(8)


@pytest.mark.usefixtures("quick")
def test_a_log_that_holds_up_a_shard_is_told_of_although_the_receiver_is_silent() -> None:
    """There is no proof of a refusal, so no error names the log: the status line does."""
    with Silent() as receiver:
        shard = open_shard(receiver, timeout=2)
        thread = threading.Thread(target=deliver_or_roll_back, args=(shard, [LINES[REFUSED]]))
        thread.start()
        shard.ahead = 60.0
        told = f"a message of {len(LINES[REFUSED])} bytes fails although it is sent alone: tcp://"

        eventually(lambda: get_reason(shard).startswith(told))
    eventually(lambda: "Connection refused" in get_reason(shard))
    assert "alone" not in get_reason(shard)  # now the receiver is away, for every message
    shard.stop.request()
    thread.join()
    shard.delivery.close()


@pytest.mark.usefixtures("quick")
@pytest.mark.gate
def test_a_held_log_is_asked_for_first_after_a_roll_back() -> None:
    with Picky() as receiver:
        shard = open_shard(receiver)
        thread = threading.Thread(target=deliver_or_roll_back, args=(shard,))
        thread.start()
        eventually(lambda: shard.stats.snapshot()["retries"] > 20)
        shard.stop.request()
        thread.join()
        copies = receiver.lines.count(LINES[0])
        assert shard.delivery.position == "0"
        with pytest.raises(TransportError):
            shard.deliver(LINES, "1")
        assert receiver.lines.count(LINES[0]) == copies
        shard.delivery.close()


def get_reason(shard: Shard) -> str:
    """Why it makes no progress; empty if it makes some."""
    stall = shard.ledger.find_stall()
    return stall.reason if stall else ""


def deliver_or_roll_back(shard: Shard, lines: list[bytes] = LINES) -> None:
    try:
        shard.deliver(lines, "1")
    except TransportError:
        shard.delivery.roll_back()


class Script:
    """A transport whose every connection has a fate.

    Args:
        judge: Returns the error of a connection over which these messages are sent, or ``None``.
    """

    acknowledged = 0
    trail = 0.0
    state = State.IDLE

    def __init__(self, judge: Callable[[list[bytes]], TransportError | None]) -> None:
        self.destination = Destination(NAME)
        self.level = "consumed"
        self.judge = judge
        self.has: set[bytes] = set()
        self.connections = 0
        self._on_its_way: list[bytes] = []

    def send(self, frames: Iterable[bytes]) -> None:
        self._on_its_way += b"".join(frames).splitlines(keepends=True)

    def confirm(self, *, watched: bool = False) -> bool:
        self.connections += 1
        assert self.connections < MOST_CONNECTIONS, "it does not get on"
        sent, self._on_its_way = self._on_its_way, []
        error = self.judge(sent)
        if error:
            raise error
        self.has.update(sent)
        return True

    def close(self) -> None:
        self._on_its_way.clear()

    def connect(self) -> None:
        """Always."""

    watch = retire = connect


def make_error(cause: BaseException | None) -> TransportError:
    error = UnconfirmedError(NAME, "consumed", "reset")
    error.__cause__ = cause
    return error


def reset() -> TransportError:
    return make_error(ConnectionResetError())


def open_script(judge: Callable[[list[bytes]], TransportError | None], **options: Any) -> Any:
    transport = Script(judge)
    settings = ShipperSettings(
        host="siem", retry_seconds=3600, on_refused="drop", **{"refused_tries": TRIES, **options}
    )
    stop = Stop()
    stop.wait = lambda seconds: False  # type: ignore[method-assign]
    return transport, Shard(transport, settings, stop)


FLAPS = [
    *(
        pytest.param(share, seed, id=f"{share}-{seed}")
        for share in (30, 60, 90)
        for seed in range(7)
    ),
]


def assert_none_is_lost(judge: Callable[[list[bytes]], TransportError | None]) -> None:
    """Deliver 2000 logs in 20 batches, over connections that a function judges."""
    transport, shard = open_script(judge, refused_tries=5)
    for number in range(20):
        shard.deliver([make_line(1000 * number + n) for n in range(100)], str(number))
    shard.delivery.flush()
    assert shard.numbers() == (2000, 0)
    assert len(transport.has) == 2000


@pytest.mark.parametrize(("share", "seed"), FLAPS)
def test_a_receiver_that_flaps_loses_no_log(share: int, seed: int) -> None:
    """Each connection fails at random, and whole stretches of connections do."""
    draw = random.Random(seed)
    connections = 0
    is_out = False

    def judge(_: list[bytes]) -> TransportError | None:
        nonlocal connections, is_out
        connections += 1
        if connections > 3000:
            return None
        if not draw.randrange(20):
            is_out = not is_out
        return reset() if is_out or draw.randrange(100) < share else None

    assert_none_is_lost(judge)


@pytest.mark.parametrize("period", range(2, 8))
@pytest.mark.parametrize("bad", range(1, 4))
def test_some_bad_receivers_in_a_round_robin_lose_no_log(period: int, bad: int) -> None:
    connections = 0

    def judge(_: list[bytes]) -> TransportError | None:
        nonlocal connections
        connections += 1
        is_bad = connections < 40 or connections % period < min(bad, period - 1)
        return reset() if is_bad else None

    assert_none_is_lost(judge)


def refuse_in_one_way(error: Callable[[], TransportError]) -> Any:
    """A receiver that refuses one message in that way; after 300 connections it takes it."""
    connections = 0

    def judge(sent: list[bytes]) -> TransportError | None:
        nonlocal connections
        connections += 1
        return error() if LINES[REFUSED] in sent and connections < 300 else None

    return judge


@pytest.mark.parametrize(
    ("cause", "dropped"),
    [
        (ConnectionResetError(), 1),
        (ConnectionAbortedError(), 1),
        (BrokenPipeError(), 1),
        (DoubtError(), 0),  # it says nothing of the receiver
        (TimeoutError(), 0),
        (None, 0),  # RELP names no cause when the receiver refuses a message
    ],
)
def test_only_a_reset_or_an_end_is_a_refusal(cause: OSError | None, dropped: int) -> None:
    transport, shard = open_script(refuse_in_one_way(lambda: make_error(cause)))
    shard.deliver(LINES, "1")
    assert shard.numbers() == (LOGS - dropped, dropped)
    assert (LINES[REFUSED] in transport.has) == (not dropped)


@pytest.mark.parametrize("level", ["acked", "written", "held", "acknowledged"])
def test_nothing_is_a_refusal_below_consumed(level: str) -> None:
    transport, shard = open_script(refuse_in_one_way(reset))
    transport.level = level
    shard.deliver(LINES, "1")
    assert shard.numbers() == (LOGS, 0)


def test_a_receiver_that_goes_away_at_the_suspect_begins_the_count_again() -> None:
    """It is away for a while whenever the suspect comes: the good one after it fails."""
    away = 0
    suspects = 0

    def judge(sent: list[bytes]) -> TransportError | None:
        nonlocal away, suspects
        if away:
            away -= 1
            return reset()
        if LINES[REFUSED] in sent and suspects < 50:
            away, suspects = 2, suspects + 1
            return reset()
        return None

    _, shard = open_script(judge)
    shard.deliver(LINES, "1")
    assert shard.numbers() == (LOGS, 0)
    assert suspects == 50


def test_a_trial_needs_its_number_of_tries() -> None:
    transport = Script(lambda sent: reset() if b"bad\n" in sent else None)
    trial = Trial(b"bad\n", 4)
    tries = 0
    while not trial.is_refused:
        tries += 1
        with pytest.raises(UnconfirmedError):
            trial.hold(transport, b"good\n")
    assert tries >= 4
    assert transport.has == {b"good\n"}


def test_the_only_log_that_ever_came_cannot_be_judged() -> None:
    _, shard = open_script(refuse_in_one_way(reset))
    shard.deliver([LINES[REFUSED]], "1")
    assert shard.numbers() == (1, 0)


def test_two_refused_logs_side_by_side_are_both_dropped() -> None:
    bad = {LINES[REFUSED], LINES[REFUSED + 1]}
    transport, shard = open_script(lambda sent: reset() if bad.intersection(sent) else None)
    shard.deliver(LINES, "1")
    assert shard.numbers() == (LOGS - 2, 2)
    assert transport.has == set(LINES) - bad


@pytest.mark.parametrize(
    "options",
    [
        {"protocol": "udp"},
        {"protocol": "relp"},
        {"confirm": "acked"},
        {"confirm": "written"},
    ],
)
def test_to_drop_needs_a_receiver_that_shows_refusals(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=re.escape("on_refused: 'drop' needs protocol")):
        ShipperSettings(host="siem", on_refused="drop", **options)
    ShipperSettings(host="siem", on_refused="hold", **options)
