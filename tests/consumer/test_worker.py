"""``run_worker``: a guard around the SDK's threads."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

import pytest
from aliyun.log.consumer import ConsumerProcessorBase

from sls_syslog import (
    SettingsError,
    ShipperStats,
    SyslogShipperProcessor,
    WorkerError,
    run_worker,
)
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.peers import Relay
from tests.support.processors import Fatal
from tests.support.shipping import GROUP, make_worker, shipping
from tests.support.waiting import eventually


def test_a_setting_that_is_wrong_is_raised_and_not_only_logged(sls_emulator: SlsEmulator) -> None:
    worker = make_worker(sls_emulator, {"host": "siem", "port": "x"})
    with pytest.raises(SettingsError, match="port"):
        run_worker(worker)
    assert not worker.is_alive()


def test_a_worker_that_dies_is_an_error(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    worker = make_worker(sls_emulator, syslog_receiver.settings(), Fatal)
    with _quiet_threads(), pytest.raises(WorkerError, match=r"ConsumerWorker of .* has died"):
        run_worker(worker)


def test_a_processor_that_cannot_be_made_later_is_an_error(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[Any] = []

    def make(settings: Any) -> SyslogShipperProcessor:
        if made:
            raise RuntimeError("the certificate is gone")
        made.append(settings)
        return SyslogShipperProcessor(settings)

    settings = {**syslog_receiver.settings(), "tag": "hunter2"}
    worker = make_worker(sls_emulator, settings, make)
    with pytest.raises(WorkerError, match="the certificate is gone"):
        run_worker(worker)
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("is_keyword", [False, True], ids=["args", "kwargs"])
def test_without_run_worker_no_secret_is_logged_either(
    is_keyword: bool,
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = {**syslog_receiver.settings(), "client_key_password": "hunter2"}
    worker: Any = make_worker(sls_emulator, settings)
    if is_keyword:
        worker.process_args, worker.process_kwargs = (), {"settings": settings}
    worker.start()
    worker.join(30)
    worker.heart_beat.join(30)
    assert "fail to init processor" in caplog.text
    assert "client_key_password: needs client_cert" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_worker_that_cannot_be_started_leaves_no_other_running(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    worker = make_worker(sls_emulator, syslog_receiver.settings())
    with pytest.raises(RuntimeError):
        run_worker(worker, worker)
    assert not worker.is_alive()


def test_a_heartbeat_that_raises_is_not_tried_without_end(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    # An empty answer with status 200 makes the SDK's heartbeat raise TypeError (hazard S11).
    sls_emulator.put_logs([{"n": "1"}])
    with shipping(sls_emulator, syslog_receiver.settings()) as worker:
        syslog_receiver.wait_for(1)
        before = sls_emulator.calls["ConsumerGroupHeartBeat"]
        tries: list[None] = []
        worker.consumer_client.mclient.heart_beat = lambda *_: tries.append(None)
        eventually(lambda: len(tries) >= 2)
        del worker.consumer_client.mclient.heart_beat
        eventually(lambda: sls_emulator.calls["ConsumerGroupHeartBeat"] > before)
        assert worker.is_alive()


def test_the_sdk_s_shutdown_does_not_wait_for_retries(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs([{"n": "1"}])
    syslog_receiver.pause()
    worker = make_worker(sls_emulator, {**syslog_receiver.settings(), "timeout": 60})
    run = _in_thread(run_worker, worker)
    eventually(lambda: syslog_receiver.connections > 0)
    worker.shutdown()
    run.join(20)
    assert not run.is_alive()
    assert sls_emulator.checkpoints(GROUP) == sls_emulator.begin_cursors()


@pytest.mark.parametrize(
    ("logs", "last"),
    [
        (0, "stopped; all logs that were sent are confirmed"),
        (1, "stopped; 1 log is not confirmed, SLS will deliver it again"),
        (2, "stopped; 2 logs are not confirmed, SLS will deliver them again"),
    ],
)
def test_the_last_line_says_how_many_logs_are_not_confirmed(
    logs: int,
    last: str,
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "sls_syslog.consumer")
    stats = ShipperStats()
    sls_emulator.put_logs([{"n": "first"}])
    with shipping(sls_emulator, syslog_receiver.settings(), stats=stats):
        eventually(lambda: stats.snapshot()["confirmed"] == 1)
        if logs:
            syslog_receiver.pause()
            sls_emulator.put_logs([{"n": str(number)} for number in range(logs)])
            eventually(lambda: stats.snapshot()["pending"] == logs)
    assert caplog.messages[-1] == last


class CountsNothing(ConsumerProcessorBase):
    """A processor of a user's own, without a ledger."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> None:
        """Do nothing: there are no logs."""


def test_of_a_processor_that_counts_nothing_the_last_line_has_no_number(
    sls_emulator: SlsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sls_syslog.consumer")
    with shipping(sls_emulator, {}, lambda _: CountsNothing()):
        pass
    assert caplog.messages[-1] == "stopped; SLS will deliver unconfirmed logs again"


def test_a_stop_does_not_wait_for_an_sls_that_is_gone(syslog_receiver: SyslogReceiver) -> None:
    emulator = SlsEmulator()
    emulator.start()
    emulator.put_logs([{"n": "1"}])
    worker = make_worker(emulator, syslog_receiver.settings())
    run = _in_thread(run_worker, worker)
    syslog_receiver.wait_for(1)
    emulator.stop()
    time.sleep(1)
    worker.shutdown()
    run.join(9)  # the SDK alone tries ten times, a second each
    assert not run.is_alive()
    assert run.error is None


ALL = (
    "PullLogs",
    "GetCursor",
    "GetCheckPoint",
    "ConsumerGroupHeartBeat",
    "ConsumerGroupUpdateCheckPoint",
)


@pytest.mark.parametrize(
    ("operations", "status", "code"),
    [
        (ALL, 404, "LogStoreNotExist"),
        (ALL, 404, "ProjectNotExist"),
        (ALL, 401, "InvalidAccessKeyId"),
        (["PullLogs"], 401, "Unauthorized"),
        (["ConsumerGroupHeartBeat"], 401, "Unauthorized"),
        (["ConsumerGroupUpdateCheckPoint"], 403, "ProjectForbidden"),
    ],
    ids=["Logstore", "project", "key", "pull", "heartbeat", "checkpoint"],
)
def test_what_sls_refuses_for_good_is_an_error(
    operations: Sequence[str],
    status: int,
    code: str,
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sls_emulator.put_logs([{"n": "1"}])
    worker = make_worker(sls_emulator, syslog_receiver.settings())
    run = _in_thread(run_worker, worker, refusal_seconds=0.5)
    sls_emulator.wait_until_drained(GROUP)
    for operation in operations:
        sls_emulator.fail(operation, status=status, code=code, times=None)
    sls_emulator.put_logs([{"n": "2"}])
    run.join(60)
    assert isinstance(run.error, WorkerError)
    assert code in str(run.error)
    assert any(operation in str(run.error) for operation in operations)
    errors = {each.getMessage() for each in caplog.records if each.levelname == "ERROR"}
    assert any(f"SLS refuses {operation}" in line for operation in operations for line in errors)
    assert any(code in line for line in errors)
    assert not worker.is_alive()


def test_a_worker_can_wait_for_what_sls_refuses(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    worker = make_worker(sls_emulator, syslog_receiver.settings())
    run = _in_thread(run_worker, worker, refusal_seconds=None)
    eventually(lambda: sls_emulator.calls["PullLogs"] > 0)
    sls_emulator.fail("PullLogs", status=401, code="Unauthorized", times=None)
    pulls = sls_emulator.calls["PullLogs"]
    eventually(lambda: sls_emulator.calls["PullLogs"] > pulls + 4)
    sls_emulator.clear_faults()
    sls_emulator.put_logs([{"n": "1"}])
    syslog_receiver.wait_for(1, timeout=30)
    assert sum("SLS refuses PullLogs" in each for each in caplog.messages) == 1
    worker.shutdown()
    run.join(30)
    assert run.error is None


@pytest.mark.parametrize("seconds", ["x", -1, float("nan"), True])
def test_a_time_that_is_none_is_refused_by_name(
    seconds: Any, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    worker = make_worker(sls_emulator, syslog_receiver.settings())
    with pytest.raises(SettingsError, match=r"refusal_seconds: expected a number of seconds"):
        run_worker(worker, refusal_seconds=seconds)


@pytest.mark.parametrize("seconds", [-3600, 3600], ids=["back", "forward"])
def test_a_clock_that_is_set_stops_neither_fetches_nor_heartbeats(
    seconds: float,
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sls_emulator.put_logs([{"n": "1"}])
    with shipping(sls_emulator, syslog_receiver.settings()):
        syslog_receiver.wait_for(1)
        machine = time.time
        monkeypatch.setattr(time, "time", lambda: machine() + seconds)
        sls_emulator.put_logs([{"n": "2"}])
        syslog_receiver.wait_for(2, timeout=30)
        heartbeats = sls_emulator.calls["ConsumerGroupHeartBeat"]
        eventually(lambda: sls_emulator.calls["ConsumerGroupHeartBeat"] >= heartbeats + 3)
        sls_emulator.wait_until_drained(GROUP)


class Trickling(Relay):
    """A way to SLS; once it is slow, answers come byte by byte."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.is_slow = threading.Event()

    def pass_on(self, here: socket.socket, there: socket.socket) -> None:
        self.start(self._answer, here, there)
        try:
            while data := here.recv(65536):
                there.sendall(data)
        finally:
            there.shutdown(socket.SHUT_RDWR)  # wakes the other thread

    def _answer(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := there.recv(65536):
                size = 1 if self.is_slow.is_set() else len(data)
                for start in range(0, len(data), size):
                    here.sendall(data[start : start + size])
                    if self.is_slow.is_set() and self.ending.wait(0.5):
                        return


@pytest.mark.gate
def test_a_stop_does_not_wait_for_an_answer_that_trickles(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs([{"n": "1"}])
    with Trickling(sls_emulator.port) as way:
        worker = make_worker(sls_emulator, syslog_receiver.settings(), endpoint=f"0.0.1:{way.port}")
        run = _in_thread(run_worker, worker)
        syslog_receiver.wait_for(1)
        pulls = sls_emulator.calls["PullLogs"]
        way.is_slow.set()
        eventually(lambda: sls_emulator.calls["PullLogs"] > pulls)
        worker.shutdown()
        run.join(20)  # the headers alone take two minutes
        assert not run.is_alive()
        assert run.error is None


def test_a_heartbeat_that_dies_is_an_error(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    worker = make_worker(sls_emulator, syslog_receiver.settings())
    run = _in_thread(run_worker, worker)
    eventually(lambda: worker.heart_beat.is_alive())
    worker.heart_beat.shutdown()
    run.join(20)
    assert isinstance(run.error, WorkerError)
    assert "ConsumerHeatBeat" in str(run.error)
    assert not worker.is_alive()


def test_an_expired_checkpoint_goes_on_at_the_oldest_log_and_is_reported(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(4):
        sls_emulator.put_logs([{"n": str(n)}], shard=0)
    with shipping(sls_emulator, syslog_receiver.settings()):
        sls_emulator.wait_until_drained(GROUP)
    for n in range(4, 10):
        sls_emulator.put_logs([{"n": str(n)}], shard=0)
    sls_emulator.expire(0, 6)  # 4 and 5 are gone for good
    syslog_receiver.clear()
    with shipping(sls_emulator, syslog_receiver.settings()):
        syslog_receiver.wait_for(4)
        sls_emulator.wait_until_drained(GROUP)
    assert [message.msg[-3:] for message in syslog_receiver.messages] == [
        f"n={n}" for n in range(6, 10)
    ]
    critical = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert critical
    assert "shard 0" in critical[0].getMessage()


class Gathering(SyslogShipperProcessor):
    """Stops when others do; the SDK alone stops one shard after another."""

    barrier: ClassVar[threading.Barrier]
    gathered: ClassVar[list[int]]

    def shutdown(self, check_point_tracker: Any) -> None:
        with suppress(threading.BrokenBarrierError):
            self.barrier.wait()
            self.gathered.append(self.shard_id)
        super().shutdown(check_point_tracker)


def test_many_shards_stop_side_by_side(syslog_receiver: SyslogReceiver) -> None:
    Gathering.barrier = threading.Barrier(8, timeout=30)
    Gathering.gathered = []
    with SlsEmulator(shards=32) as emulator:
        for shard in range(32):
            emulator.put_logs([{"n": str(shard)}], shard=shard)
        with shipping(emulator, syslog_receiver.settings(), Gathering):
            emulator.wait_until_drained(GROUP)
        assert sorted(Gathering.gathered) == list(range(32))
        assert emulator.checkpoints(GROUP) == emulator.end_cursors()


def test_several_logstores_run_side_by_side(syslog_receiver: SyslogReceiver) -> None:
    with SlsEmulator(logstore="audit") as emulator:
        emulator.create_logstore("waf", shards=2)
        emulator.put_logs([{"n": "1"}], logstore="audit")
        emulator.put_logs([{"n": "2"}], logstore="waf")
        workers = [
            make_worker(emulator, syslog_receiver.settings(), logstore=name)
            for name in ("audit", "waf")
        ]
        run = _in_thread(run_worker, *workers)
        for name in ("audit", "waf"):
            emulator.wait_until_drained(GROUP, logstore=name)
        for worker in workers:
            worker.shutdown()
        run.join(20)
        assert run.error is None
    assert len(syslog_receiver.frames) == 2


class _in_thread(threading.Thread):  # noqa: N801  # reads as a call
    """Runs a function, and keeps the error that it raises."""

    def __init__(self, function: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(daemon=True)
        self._call = partial(function, *arguments, **options)
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._call()
        except BaseException as error:
            self.error = error


class _quiet_threads:  # noqa: N801
    """A thread that is meant to die need not say so."""

    def __enter__(self) -> None:
        self._before = threading.excepthook
        threading.excepthook = lambda arguments: None

    def __exit__(self, *_: object) -> None:
        threading.excepthook = self._before
