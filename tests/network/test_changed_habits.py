"""Receivers that always reset, or that change their habit, are confirmed all the same."""

from __future__ import annotations

import socket

import pytest

from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA
from tests.support.peers import HOST, reset_on_close
from tests.support.readers import Reader
from tests.support.shipping import GROUP, numbers, shipping

LOGS = 10
LIMIT = 150.0  # seconds, for all logs to be confirmed; a busy machine is slow


class Resetter(Reader):
    """It reads everything, and ends with a reset, as Fluentd's `in_syslog` does by default."""

    def treat(self, connection: socket.socket) -> None:
        reset_on_close(connection)
        self.read(connection)


@pytest.mark.gate
def test_a_receiver_that_always_ends_with_a_reset_is_confirmed() -> None:
    with Resetter() as receiver, SlsEmulator() as emulator:
        settings = {"host": HOST, "port": receiver.port, "protocol": "tcp"}
        emulator.put_logs([{"n": str(number)} for number in range(LOGS)])
        with shipping(emulator, settings):
            emulator.wait_until_drained(GROUP, LIMIT)
            emulator.put_logs([{"n": str(number)} for number in range(LOGS, 2 * LOGS)])
            emulator.wait_until_drained(GROUP, LIMIT)
        arrived = receiver.numbers()
    assert set(arrived) == set(range(2 * LOGS))
    assert max(map(arrived.count, arrived)) < 3


@pytest.mark.gate
def test_a_receiver_replaced_by_one_that_never_answers_is_confirmed(
    authority: TemporaryCA,
) -> None:
    context = authority.server_context()
    with SyslogReceiver("tls", ssl_context=context) as receiver, SlsEmulator() as emulator:
        settings = {**receiver.settings(), "cert_path": authority.cert_path, "timeout": 5}
        with shipping(emulator, settings):
            emulator.put_logs([{"n": "0"}])
            emulator.wait_until_drained(GROUP, LIMIT)
            receiver.answer_half_close = False
            for number in range(1, LOGS):
                emulator.put_logs([{"n": str(number)}])
            emulator.wait_until_drained(GROUP, LIMIT)
            receiver.answer_half_close = True
            emulator.put_logs([{"n": str(LOGS)}])
            emulator.wait_until_drained(GROUP, LIMIT)
        assert numbers(receiver) == list(range(LOGS + 1))
        assert len(receiver.frames) <= 6 * LOGS
