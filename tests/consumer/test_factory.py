"""`make_worker`: what is wrong with SLS is one sentence, and an SLS that is away is waited for."""

from __future__ import annotations

import logging
import re
import signal
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from aliyun.log.consumer import ConsumerWorker

from sls_syslog import (
    SettingsError,
    SourceError,
    SyslogShipperProcessor,
    consumer_config,
    make_worker,
    run_worker,
)
from sls_syslog.consumer import factory
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.peers import hold_closed_port
from tests.support.processes import program
from tests.support.processors import Forgetful
from tests.support.sources import GROUP, configure
from tests.support.waiting import eventually

SETTINGS = {"host": "siem", "tag": "hunter2"}
PLACE = re.escape("127/logs (consumer group siem) at 0.0.1:")


@pytest.fixture
def emulator() -> Iterator[SlsEmulator]:
    with SlsEmulator() as running:
        yield running


@pytest.fixture(autouse=True)
def _all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def make(emulator: SlsEmulator, seconds: float | None = 0.0, **options: Any) -> ConsumerWorker:
    config = configure(emulator, **options)
    return make_worker(SyslogShipperProcessor, config, args=(SETTINGS,), start_seconds=seconds)


def fail(emulator: SlsEmulator, seconds: float | None = 0.0, **options: Any) -> SourceError:
    """The error of a start; its text is one line."""
    with pytest.raises(SourceError) as failed:
        make(emulator, seconds, **options)
    assert len(str(failed.value).splitlines()) == 1
    return failed.value


def list_warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    ours = [record for record in caplog.records if record.name == "sls_syslog.consumer"]
    return [record.getMessage() for record in ours if record.levelno >= logging.WARNING]


# What it makes


def test_the_worker_ships_as_one_made_by_hand(
    emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    emulator.put_logs([{"n": "1"}])
    config = configure(emulator, heartbeat_interval=1)
    settings = syslog_receiver.settings()
    worker = make_worker(SyslogShipperProcessor, config, kwargs={"settings": settings})
    assert isinstance(worker, ConsumerWorker)
    assert not worker.daemon

    def end() -> None:
        emulator.wait_until_drained(GROUP)
        worker.shutdown()

    ending = threading.Thread(target=end)
    ending.start()
    run_worker(worker)
    ending.join()
    assert len(syslog_receiver.frames) == 1


def test_without_run_worker_nothing_differs_either(
    emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    emulator.put_logs([{"n": "1"}])
    config = configure(emulator, heartbeat_interval=1)
    worker = make_worker(SyslogShipperProcessor, config, (syslog_receiver.settings(),))
    worker.start()
    emulator.wait_until_drained(GROUP)
    worker.shutdown()
    worker.join()
    worker.heart_beat.shutdown()
    assert len(syslog_receiver.frames) == 1


def test_it_sends_the_requests_of_the_sdk_s_constructor(emulator: SlsEmulator) -> None:
    for config in (configure(emulator), configure(emulator)):
        ConsumerWorker(SyslogShipperProcessor, config, (SETTINGS,))
    with SlsEmulator() as other:
        make(other)
        make(other)
        assert other.calls == emulator.calls
        assert other.checkpoints(GROUP) == {}
        assert not any(other.owners(GROUP).values())


def test_a_policy_that_does_not_list_groups_is_enough(emulator: SlsEmulator) -> None:
    emulator.deny("log:ListConsumerGroup")
    make(emulator)
    make(emulator)
    assert emulator.calls["CreateConsumerGroup"] == 2
    assert emulator.calls["UpdateConsumerGroup"] == 1


def test_a_group_that_another_consumer_makes_meanwhile_is_taken(emulator: SlsEmulator) -> None:
    emulator.fail(
        "CreateConsumerGroup", status=400, code="ConsumerGroupAlreadyExist", message="exists"
    )
    with pytest.raises(SourceError) as failed:  # the fault has not created it
        make(emulator)
    assert failed.value.code == "ConsumerGroupNotExist"


def test_the_first_line_says_what_is_connected(
    emulator: SlsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    make(emulator)
    assert re.fullmatch(rf"connecting to SLS: {PLACE}\d+", caplog.messages[0])
    assert list_warnings(caplog) == []


def test_credentials_come_from_the_refresher(emulator: SlsEmulator) -> None:
    right = emulator.access_key_id, emulator.access_key_secret, ""
    make(emulator, access_key_id="", access_key="", credentials_refresher=lambda: right)


# Mistakes are found before a request


@pytest.mark.parametrize(
    ("processor", "args", "problem"),
    [
        (SyslogShipperProcessor, None, "args: SyslogShipperProcessor cannot be made, missing"),
        (SyslogShipperProcessor, (SETTINGS), "args: expected a tuple, got dict"),
        (SyslogShipperProcessor, ({"hosst": "siem"},), "hosst: unknown setting"),
        (Forgetful, (SETTINGS,), r"Forgetful.__init__: must begin with super\(\)"),
    ],
)
def test_a_processor_that_cannot_be_made_is_said_before_sls_is_asked(
    processor: Any, args: Any, problem: str, emulator: SlsEmulator
) -> None:
    with pytest.raises(SettingsError, match=f"^{problem}"):
        make_worker(processor, configure(emulator), args=args)
    assert emulator.calls == {}


def test_a_configuration_that_is_none_is_refused() -> None:
    config: Any = consumer_config
    with pytest.raises(SettingsError, match=r": write consumer_config\(\), with the brackets"):
        make_worker(SyslogShipperProcessor, config, args=(SETTINGS,))


@pytest.mark.parametrize("seconds", [-1, "soon", True])
def test_a_patience_that_is_none_is_refused(seconds: Any, emulator: SlsEmulator) -> None:
    with pytest.raises(SettingsError, match=r"^start_seconds: expected .* or None"):
        make(emulator, seconds)
    assert emulator.calls == {}


# What no retry mends


def test_a_refusal_is_an_error_at_once(
    emulator: SlsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    error = fail(emulator, seconds=None, logstore="other")
    assert (error.code, error.request_id) == ("LogStoreNotExist", "000000000000000000000001")
    assert list_warnings(caplog) == []
    assert emulator.calls == {"ListConsumerGroup": 1}


def test_the_error_brings_no_frames_of_the_sdk(emulator: SlsEmulator) -> None:
    error = fail(emulator, logstore="other")
    assert "aliyun" not in "".join(traceback.format_exception(error))
    assert error.__cause__ is None


def test_too_many_groups_are_named() -> None:
    with SlsEmulator(most_consumer_groups=2) as full:
        for name in ("billing", "audit"):
            make(full, consumer_group_name=name)
        error = fail(full, seconds=None)
    assert error.code == "ConsumerGroupQuotaExceed"
    assert str(error).endswith("one of them, or delete one that nobody uses: audit, billing")


# What may mend itself


def test_an_sls_that_is_away_is_one_warning_until_it_is_back(
    emulator: SlsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.fail("ListConsumerGroup", status=503, code="ServerBusy", times=2)
    make(emulator, seconds=None)
    (warning,) = list_warnings(caplog)
    assert re.match(rf"SLS cannot serve {PLACE}\d+: ServerBusy: .*as long as it takes$", warning)
    assert re.match(rf"SLS is reached after \d+ s: {PLACE}", caplog.messages[-1])
    assert emulator.calls["ListConsumerGroup"] == 3  # each try sends it once


def test_a_port_at_which_nobody_listens_is_an_error_in_the_end(
    emulator: SlsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    with hold_closed_port() as port:
        error = fail(emulator, seconds=0.3, endpoint=f"0.0.1:{port}")
    assert re.match(rf"SLS cannot be reached, {PLACE}{port}: Connection refused;", str(error))
    assert "SLS_ENDPOINT" in str(error)
    assert (error.code, error.request_id) == (None, None)
    (warning,) = list_warnings(caplog)
    assert warning == f"{error}. Trying again for 0 s"


def test_a_name_that_does_not_exist_is_an_error_soon(
    emulator: SlsEmulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factory, "_NAME_SECONDS", 0.3)
    # The exclamation mark makes the system's resolver answer without DNS.
    error = fail(emulator, seconds=3600, endpoint="cn-hang!zou.invalid")
    assert "127.cn-hang!zou.invalid: " in str(error)
    assert "SLS_ENDPOINT" in str(error)
    (warning,) = list_warnings(caplog)
    assert "SLS_ENDPOINT" in warning


def test_an_answer_that_does_not_come_ends_a_try(
    emulator: SlsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factory, "REQUEST_SECONDS", 0.3)
    emulator.fail("ListConsumerGroup", status=None, delay=60)
    assert "no answer in time" in str(fail(emulator))


def test_a_refresher_that_fails_is_asked_again(
    emulator: SlsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    right = emulator.access_key_id, emulator.access_key_secret, ""
    answers: list[Any] = [OSError("no metadata service"), right, right]

    def refresh() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    make(emulator, seconds=None, access_key_id="", access_key="", credentials_refresher=refresh)
    (warning,) = list_warnings(caplog)
    assert "credentials_refresher failed: OSError: no metadata service" in warning


PROGRAM = """
import os
from sls_syslog import SyslogShipperProcessor, consumer_config, make_worker
settings = {"host": "siem"}
make_worker(SyslogShipperProcessor, consumer_config(), args=(settings,))
"""


def test_process_1_of_a_container_ends_at_sigterm_while_it_waits(emulator: SlsEmulator) -> None:
    emulator.fail("ListConsumerGroup", status=None, delay=60, times=None)
    lines = "import os; os.getpid = lambda: 1"
    with program("-c", f"{lines}\n{PROGRAM}", environ=emulator.environ(GROUP)) as starting:
        eventually(lambda: emulator.calls["ListConsumerGroup"] > 0)
        starting.process.send_signal(signal.SIGTERM)
        assert starting.wait() == 128 + signal.SIGTERM
        assert starting.output() == ""


def test_ctrl_c_while_it_waits_for_an_answer_is_no_long_traceback(emulator: SlsEmulator) -> None:
    emulator.fail("ListConsumerGroup", status=None, delay=60, times=None)
    with program("-c", PROGRAM, environ=emulator.environ(GROUP)) as starting:
        eventually(lambda: emulator.calls["ListConsumerGroup"] > 0)
        starting.process.send_signal(signal.SIGINT)
        assert starting.wait() != 0
        lines = starting.output().splitlines()
    assert lines[-1] == "KeyboardInterrupt"
    assert len(lines) < 10
    assert "aliyun" not in "".join(lines)
