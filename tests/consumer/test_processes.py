"""Shippers as processes of their own: stopped, killed, sharing shards."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA
from tests.network.test_talkers import make_context
from tests.support.peers import HOST
from tests.support.processes import ROOT, program
from tests.support.shipping import GROUP, numbers
from tests.support.talkers import Talker
from tests.support.waiting import eventually

STOP_SECONDS = 30.0  # a stop leaves seconds; this is enough on any machine
SHIP_TO_SIEM = str(ROOT / "examples" / "ship_to_siem.py")

# ship_to_siem.py, but with heartbeats so fast that a takeover is a matter of seconds.
FAST_SHIPPER = """
import logging
from aliyun.log.consumer import ConsumerWorker
from sls_syslog import ShipperSettings, SyslogShipperProcessor, consumer_config, run_worker

logging.basicConfig(level=logging.INFO)
config = consumer_config(heartbeat_interval=1, max_fetch_log_group_size=2)
run_worker(ConsumerWorker(SyslogShipperProcessor, config, args=(ShipperSettings.from_env(),)))
"""


def put(emulator: SlsEmulator, first: int, last: int) -> None:
    for start in range(first, last, 10):
        emulator.put_logs([{"n": str(n)} for n in range(start, start + 10)])


def talk(authority: TemporaryCA, protocol: str, size: int = 1, reads: bool = True) -> Talker:
    """A receiver that talks without end."""
    return Talker(make_context(authority, protocol), size, reads=reads)


def lead_to(talker: Talker, authority: TemporaryCA, protocol: str) -> dict[str, str]:
    """The environment of a program that ships to a talker."""
    trust = {"SYSLOG_CERT_PATH": authority.cert_path} if protocol == "tls" else {}
    there = {"SYSLOG_HOST": HOST, "SYSLOG_PORT": str(talker.port), "SYSLOG_PROTOCOL": protocol}
    return there | trust


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_ends_the_shipper_with_everything_delivered_and_saved(
    number: signal.Signals, syslog_receiver: SyslogReceiver
) -> None:
    with SlsEmulator(shards=4) as emulator:
        put(emulator, 0, 1000)
        environ = {**emulator.environ(GROUP), **syslog_receiver.environ()}
        with program(SHIP_TO_SIEM, environ=environ) as shipper:
            syslog_receiver.wait_for(1000, timeout=30)
            shipper.process.send_signal(number)
            assert shipper.wait() == 0, shipper.output()
        assert emulator.checkpoints(GROUP) == emulator.end_cursors()
    assert numbers(syslog_receiver) == list(range(1000))


def test_the_shipper_stops_while_the_receiver_is_down(syslog_receiver: SyslogReceiver) -> None:
    syslog_receiver.stop_listening()
    with SlsEmulator(shards=4) as emulator:
        put(emulator, 0, 100)
        environ = {**emulator.environ(GROUP), **syslog_receiver.environ()}
        with program(SHIP_TO_SIEM, environ=environ) as shipper:
            eventually(lambda: "delivery fails" in shipper.output())
            shipper.process.terminate()
            assert shipper.wait() == 0, shipper.output()
            assert shipper.output().count("delivery fails") == 1
        assert emulator.checkpoints(GROUP) == emulator.begin_cursors()


@pytest.mark.parametrize(
    ("protocol", "size", "reads"),
    [
        pytest.param(
            protocol,
            size,
            reads,
            marks=[] if (protocol, size, reads) == ("tcp", 1, True) else pytest.mark.gate,
        )
        for protocol in ("tcp", "tls")
        for size in (1, 16384)
        for reads in (True, False)
    ],
)
def test_the_shipper_stops_before_a_receiver_that_talks_without_end(
    authority: TemporaryCA,
    syslog_receiver: SyslogReceiver,
    protocol: str,
    size: int,
    reads: bool,
) -> None:
    with SlsEmulator(shards=2) as emulator, talk(authority, protocol, size, reads) as talker:
        put(emulator, 0, 200)
        # With the same name, the next start gets the shards back at once.
        source = {**emulator.environ(GROUP), "SLS_CONSUMER": "shipper"}
        there = {**lead_to(talker, authority, protocol), "SYSLOG_CONFIRM": "consumed"}
        with program(SHIP_TO_SIEM, environ={**source, **there}) as shipper:
            eventually(lambda: talker.heard > 0 if reads else talker.said > 1)
            shipper.process.terminate()
            assert shipper.wait(STOP_SECONDS) == 0, shipper.output()
        assert emulator.checkpoints(GROUP) == emulator.begin_cursors()
        with program(SHIP_TO_SIEM, environ={**source, **syslog_receiver.environ()}) as shipper:
            emulator.wait_until_drained(GROUP, timeout=60)
            shipper.process.terminate()
            assert shipper.wait() == 0, shipper.output()
    assert numbers(syslog_receiver) == list(range(200))


@pytest.mark.gate
def test_the_shipper_stops_before_a_talker_whose_acknowledgement_counts(
    authority: TemporaryCA,
) -> None:
    """By default, over TLS, a receiver that never ends a connection counts as one that reads."""
    with SlsEmulator(shards=2) as emulator, talk(authority, "tls") as talker:
        put(emulator, 0, 200)
        environ = {**emulator.environ(GROUP), **lead_to(talker, authority, "tls")}
        with program(SHIP_TO_SIEM, environ=environ) as shipper:
            eventually(lambda: "never answers a half-close" in shipper.output(), timeout=60)
            shipper.process.terminate()
            assert shipper.wait(STOP_SECONDS) == 0, shipper.output()


def test_a_killed_shipper_s_shards_are_taken_over_and_nothing_is_missing(
    syslog_receiver: SyslogReceiver, tmp_path: Path
) -> None:
    script = tmp_path / "shipper.py"
    script.write_text(FAST_SHIPPER)
    with SlsEmulator(shards=10) as emulator:
        environ = {**emulator.environ(GROUP), **syslog_receiver.environ()}
        with (
            program(str(script), environ=environ) as first,
            program(str(script), environ=environ) as second,
        ):
            eventually(lambda: _shares(emulator) == [5, 5])
            put(emulator, 0, 2500)
            syslog_receiver.wait_for(100, timeout=30)
            first.process.send_signal(signal.SIGKILL)
            put(emulator, 2500, 3000)
            eventually(lambda: _shares(emulator) == [10])
            emulator.wait_until_drained(GROUP, timeout=60)
            second.process.terminate()
            assert second.wait() == 0, second.output()
    assert numbers(syslog_receiver) == list(range(3000))


def test_a_killed_shipper_goes_on_where_it_was(
    syslog_receiver: SyslogReceiver, tmp_path: Path
) -> None:
    script = tmp_path / "shipper.py"
    script.write_text(FAST_SHIPPER)
    with SlsEmulator(shards=2) as emulator:
        # With the same name, the next start gets the shards back at once, without a takeover.
        environ = {
            **emulator.environ(GROUP),
            **syslog_receiver.environ(),
            "SLS_CONSUMER": "shipper",
        }
        for first in (0, 400, 800):
            put(emulator, first, first + 400)
            with program(str(script), environ=environ) as shipper:
                arrived = len(syslog_receiver.frames)
                syslog_receiver.wait_for(arrived + 100, timeout=30)
                shipper.process.send_signal(signal.SIGKILL)
                shipper.wait()
        with program(str(script), environ=environ) as shipper:
            emulator.wait_until_drained(GROUP, timeout=60)
            shipper.process.terminate()
            assert shipper.wait() == 0, shipper.output()
    assert numbers(syslog_receiver) == list(range(1200))
    # What was not confirmed at a kill comes again, and that is one batch of each shard.
    assert len(syslog_receiver.frames) < 2 * 1200


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ({"SYSLOG_PROTOCOL": "tlss"}, ["protocol", "'tls'", "SYSLOG_PROTOCOL"]),
        ({"SYSLOG_PORT": "x"}, ["port", "65535", "SYSLOG_PORT"]),
        ({"SYSLOG_HSOT": "siem"}, ["hsot", "'host'", "SYSLOG_HSOT"]),
        ({"SYSLOG_HOST": ""}, ["host", "required", "SYSLOG_HOST"]),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_variable_ends_the_program_before_anything_is_connected(
    variable: dict[str, str],
    words: list[str],
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
) -> None:
    environ = {**sls_emulator.environ(GROUP), **syslog_receiver.environ(), **variable}
    with program(SHIP_TO_SIEM, environ=environ) as shipper:
        assert shipper.wait() == 1
        last_line = shipper.output().strip().splitlines()[-1]
    for word in words:
        assert word in last_line
    assert not sls_emulator.calls
    assert syslog_receiver.connections == 0


def _shares(emulator: SlsEmulator) -> list[int]:
    """How many shards each consumer owns; none before the first has made the group."""
    if not emulator.calls["ConsumerGroupHeartBeat"]:
        return []
    owners = list(emulator.owners(GROUP).values())
    return sorted(owners.count(owner) for owner in {owner for owner in owners if owner})
