"""Receivers that a silent connection beside those with logs might trouble; each is confirmed.

They limit connections, end silent ones, or answer late. None of them is in an outage, so each log
arrives, each checkpoint comes to its end, and few logs are sent twice. The worker is that of the
SDK, in default settings.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.gate import keep_first
from tests.support.peers import HOST, Peer
from tests.support.readers import NUMBER, AllowsOne, Reader
from tests.support.servers import Rsyslog
from tests.support.shipping import GROUP, shipping

LOGS = 60
ROUNDS = 3  # each waits for the checkpoint of the one before, so each has its confirmation
LIMIT = 150.0  # seconds, for all logs to be confirmed; a busy machine is slow


class ServesOne(Reader):
    """It accepts the next connection when the last one has ended; the kernel holds the others."""

    def begin(self, connection: socket.socket) -> None:
        Peer.begin(self, connection)


class ClosesSilent(Reader):
    """It closes connections over which nothing came for a while."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def treat(self, connection: socket.socket) -> None:
        self.read(connection, self._seconds)


class AnswersLate(Reader):
    """It ends each stream 2 to 4 seconds after the client has, as one that reads slowly."""

    def treat(self, connection: socket.socket) -> None:
        self.read(connection)
        self.ending.wait(2 + self.connections % 3)


def ship(reader: Reader, shards: int = 1) -> list[int]:
    """Ship `LOGS` logs in rounds, each to its checkpoint. Return the numbers that arrived."""
    settings = {"host": HOST, "port": reader.port, "protocol": "tcp"}
    with SlsEmulator(shards=shards) as emulator, shipping(emulator, settings):
        for turn in range(ROUNDS):
            emulator.put_logs([{"n": str(n)} for n in range(turn, LOGS, ROUNDS)])
            emulator.wait_until_drained(GROUP, LIMIT)
    return reader.numbers()


@pytest.mark.parametrize(
    "reader",
    keep_first(
        [
            pytest.param(ServesOne(), id="serves-one-at-a-time"),
            pytest.param(AllowsOne(), id="allows-one-for-each-client"),
            pytest.param(ClosesSilent(1.0), id="closes-silent-ones-after-1-s"),
            pytest.param(ClosesSilent(3.0), id="closes-silent-ones-after-3-s"),
            pytest.param(AnswersLate(), id="answers-after-2-to-4-s"),
        ]
    ),
)
def test_a_receiver_that_limits_connections_is_confirmed(reader: Reader) -> None:
    with reader:
        arrived = ship(reader)
    assert sorted(set(arrived)) == list(range(LOGS))
    assert len(arrived) < 2 * LOGS  # fewer copies than logs


@pytest.mark.parametrize("seconds", [1.0, 3.0])
@pytest.mark.gate
def test_a_receiver_that_closes_silent_connections_is_confirmed_while_logs_trickle(
    seconds: float,
) -> None:
    """The silent connection ends again and again while the others are in use."""
    with ClosesSilent(seconds) as reader, SlsEmulator() as emulator:
        settings = {"host": HOST, "port": reader.port, "protocol": "tcp"}
        with shipping(emulator, settings):
            for number in range(LOGS):
                emulator.put_logs([{"n": str(number)}])
                time.sleep(0.15)
            emulator.wait_until_drained(GROUP, LIMIT)
        arrived = reader.numbers()
    assert sorted(set(arrived)) == list(range(LOGS))
    assert len(arrived) < 2 * LOGS


@pytest.mark.parametrize("shards", keep_first([1, 2]))
def test_rsyslog_with_few_sessions_is_confirmed(shards: int, tmp_path: Path) -> None:
    """With one session more than shards there is room for one silent connection, and no more."""

    class Small(Rsyslog):
        def _module(self) -> str:
            return f'module(load="imtcp" maxSessions="{shards + 1}")'

    with Small(tmp_path) as server, SlsEmulator(shards=shards) as emulator:
        with shipping(emulator, server.settings()):
            for turn in range(ROUNDS):
                emulator.put_logs([{"n": str(n)} for n in range(turn, LOGS, ROUNDS)])
                emulator.wait_until_drained(GROUP, LIMIT)
        arrived = [int(record.msg.rpartition("=")[2]) for record in server.wait_for(LOGS)]
    assert sorted(set(arrived)) == list(range(LOGS))
    assert len(arrived) < 2 * LOGS


@pytest.mark.gate
def test_forty_shards_at_once_are_confirmed_over_few_more_connections() -> None:
    """All shards of a process share the silent connections."""
    shards, logs = 40, 600
    with SyslogReceiver() as receiver, SlsEmulator(shards=shards) as emulator:
        most = 0
        with shipping(emulator, receiver.settings()):
            for turn in range(ROUNDS):
                for shard in range(shards):
                    some = range(turn * logs // ROUNDS + shard, (turn + 1) * logs // ROUNDS, shards)
                    emulator.put_logs([{"n": str(n)} for n in some], shard=shard)
                emulator.wait_until_drained(GROUP, LIMIT)
                most = max(most, receiver.open_connections)
        arrived = [int(NUMBER.findall(frame)[0]) for frame in receiver.frames]
    assert sorted(set(arrived)) == list(range(logs))
    assert len(arrived) < 2 * logs
    assert most <= 2 * shards
