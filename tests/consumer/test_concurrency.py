"""Many consumers on several hosts, killed at random under load: in the end nothing is missing."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.processes import ROOT, Program, program
from tests.support.shipping import GROUP, numbers
from tests.support.waiting import eventually

SHIP_WITH_PROCESSES = str(ROOT / "examples" / "ship_with_processes.py")
SHARDS = 8
LOGS_PER_GROUP = 20
RECOVERY_SECONDS = 120.0  # longest wait for restarts: a supervisor doubles its delay each time


@dataclass(frozen=True, kw_only=True)
class Load:
    """What flows while consumers are killed.

    Attributes:
        hosts: The number of hosts. One of them dies.
        kills: The number of consumers killed.
        groups: The number of log groups.
        seconds: The time over which the groups are put.
    """

    hosts: int
    kills: int
    groups: int
    seconds: float


LIGHT = Load(hosts=2, kills=2, groups=100, seconds=2.0)
FULL = Load(hosts=3, kills=12, groups=500, seconds=12.0)

# ship_to_siem.py, but what a dead host owned is handed over after five seconds instead of forty;
# less would evict consumers that live, on a busy machine.
FAST_SHIPPER = """
import logging
from aliyun.log.consumer import ConsumerWorker
from sls_syslog import ShipperSettings, SyslogShipperProcessor, consumer_config, run_worker

logging.basicConfig(level=logging.INFO)
config = consumer_config(heartbeat_interval=1, max_fetch_log_group_size=5)
config.consumer_group_time_out = 5
run_worker(ConsumerWorker(SyslogShipperProcessor, config, args=(ShipperSettings.from_env(),)))
"""


@pytest.fixture
def fast_shipper(tmp_path: Path) -> str:
    script = tmp_path / "fast_shipper.py"
    script.write_text(FAST_SHIPPER)
    return str(script)


class Host:
    """A machine: a supervisor and its consumers."""

    def __init__(self, supervisor: Program) -> None:
        self.supervisor = supervisor
        self._killed: set[int] = set()

    def started(self) -> list[tuple[str, int]]:
        """Names and process ids of all consumers so far, the last start of each name last."""
        found = re.findall(r"(\S+): started, process (\d+)", self.supervisor.output())
        return [(name, int(number)) for name, number in found]

    def consumers(self) -> dict[str, int]:
        """The processes that run, or have just died."""
        return dict(self.started())

    def kill_one(self, chance: random.Random) -> None:
        number = chance.choice(list(self.consumers().values()))
        self._killed.add(number)
        kill(number)

    def has_recovered(self) -> bool:
        """Whether somebody has taken the place of each that was killed."""
        return self._killed.isdisjoint(self.consumers().values())

    def die(self) -> None:
        """Everything on it, at once."""
        self.supervisor.process.kill()
        self.supervisor.wait()
        for number in self.consumers().values():
            kill(number)


def kill(number: int) -> None:
    """SIGKILL to a consumer; its supervisor may be faster and have buried it."""
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def host(script: str, consumers: int, environ: dict[str, str]) -> Iterator[Host]:
    """A host whose consumers do not outlive the block, even where the supervisor was killed."""
    with program(SHIP_WITH_PROCESSES, str(consumers), script, environ=environ) as supervisor:
        it = Host(supervisor)
        try:
            yield it
        finally:
            it.die()


def put(emulator: SlsEmulator, groups: range) -> None:
    for group in groups:
        first = group * LOGS_PER_GROUP
        emulator.put_logs({"n": str(n)} for n in range(first, first + LOGS_PER_GROUP))


def put_evenly(emulator: SlsEmulator, load: Load) -> None:
    began = time.monotonic()
    for group in range(load.groups):
        put(emulator, range(group, group + 1))
        due = began + load.seconds * group / load.groups
        time.sleep(max(0.0, due - time.monotonic()))


@pytest.mark.parametrize(
    ("load", "seed"),
    [
        pytest.param(LIGHT, 5424, id="light-5424"),
        pytest.param(FULL, 5424, id="full-5424", marks=pytest.mark.gate),
    ],
)
def test_consumers_and_a_host_that_are_killed_under_load_lose_nothing(
    load: Load, seed: int, fast_shipper: str, syslog_receiver: SyslogReceiver
) -> None:
    chance = random.Random(seed)
    with SlsEmulator(shards=SHARDS) as emulator, ExitStack() as ends:
        environ = {**emulator.environ(GROUP), **syslog_receiver.environ()}
        hosts = [ends.enter_context(host(fast_shipper, 2, environ)) for _ in range(load.hosts)]
        feeder = threading.Thread(target=put_evenly, args=(emulator, load))
        feeder.start()
        ends.callback(feeder.join)
        syslog_receiver.wait_for(1, timeout=30)

        for kills in range(load.kills):
            time.sleep(chance.uniform(0, 2 * load.seconds / load.kills))
            if kills == load.kills // 2:
                hosts.pop().die()
            chance.choice(hosts).kill_one(chance)

        feeder.join()
        eventually(lambda: all(survivor.has_recovered() for survivor in hosts), RECOVERY_SECONDS)
        emulator.wait_until_drained(GROUP, timeout=60)
        assert emulator.checkpoints(GROUP) == emulator.end_cursors()
        for survivor in hosts:
            survivor.supervisor.process.terminate()
        for survivor in hosts:
            assert survivor.supervisor.wait() == 0, survivor.supervisor.output()
        restarted = sum(len(survivor.started()) - 2 for survivor in hosts)
    assert restarted > 0
    assert numbers(syslog_receiver) == list(range(load.groups * LOGS_PER_GROUP))


@pytest.mark.gate
def test_a_consumer_that_dies_is_started_anew_under_its_name(
    fast_shipper: str, syslog_receiver: SyslogReceiver
) -> None:
    with SlsEmulator(shards=4) as emulator:
        environ = {**emulator.environ(GROUP), **syslog_receiver.environ()}
        with host(fast_shipper, 2, environ) as only:
            eventually(lambda: emulator.calls["ConsumerGroupHeartBeat"] > 0)
            eventually(lambda: set(emulator.owners(GROUP).values()) == set(only.consumers()))
            (name, number), *_ = only.started()
            kill(number)
            eventually(lambda: only.consumers()[name] != number)
            assert f"{name}: ended with status -9, restart in 1 s" in only.supervisor.output()
            put(emulator, range(10))
            emulator.wait_until_drained(GROUP, timeout=60)
            only.supervisor.process.terminate()
            assert only.supervisor.wait() == 0, only.supervisor.output()
            assert only.supervisor.output().count("ended with status 0") == 2
    assert numbers(syslog_receiver) == list(range(10 * LOGS_PER_GROUP))


def test_ctrl_c_ends_all_consumers_cleanly(
    fast_shipper: str, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    environ = {**sls_emulator.environ(GROUP), **syslog_receiver.environ()}
    with host(fast_shipper, 2, environ) as only:
        put(sls_emulator, range(1))
        syslog_receiver.wait_for(LOGS_PER_GROUP, timeout=30)
        only.supervisor.process.send_signal(signal.SIGINT)
        assert only.supervisor.wait() == 0, only.supervisor.output()
        assert not any(runs(number) for number in only.consumers().values())
    assert sls_emulator.checkpoints(GROUP) == sls_emulator.end_cursors()


def test_a_consumer_that_does_not_end_cleanly_is_told_of_by_the_exit_status(
    tmp_path: Path, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    script = tmp_path / "unclean.py"
    script.write_text(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    environ = {**sls_emulator.environ(GROUP), **syslog_receiver.environ()}
    with host(str(script), 1, environ) as only:
        eventually(lambda: "ready" in only.supervisor.output())
        only.supervisor.process.terminate()
        assert only.supervisor.wait() == 1
        assert "ended with status 3" in only.supervisor.output()


def test_a_wrong_setting_ends_the_supervisor_before_anything_is_started(
    sls_emulator: SlsEmulator,
) -> None:
    with host("no_such_program.py", 2, sls_emulator.environ(GROUP)) as only:
        assert only.supervisor.wait() == 1
        assert "SYSLOG_HOST" in only.supervisor.output()
        assert not only.started()


def test_supervisors_that_share_host_name_and_variables_have_consumers_of_different_names(
    fast_shipper: str, syslog_receiver: SyslogReceiver
) -> None:
    with SlsEmulator(shards=8) as emulator, ExitStack() as ends:
        environ = {
            **emulator.environ(GROUP),
            **syslog_receiver.environ(),
            "SLS_CONSUMER": "the-same-everywhere",
        }
        hosts = [ends.enter_context(host(fast_shipper, 2, environ)) for _ in range(2)]
        eventually(lambda: all(len(each.started()) == 2 for each in hosts))
        names = [name for each in hosts for name in each.consumers()]
        assert len(set(names)) == 4
        eventually(lambda: emulator.calls["ConsumerGroupHeartBeat"] > 0)
        eventually(lambda: set(emulator.owners(GROUP).values()) == set(names))


def runs(number: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True
