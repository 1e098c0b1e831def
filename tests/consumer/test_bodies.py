"""The bytes that SLS sent reach the compiled helper, unless somebody may have changed the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sls_syslog import ShipperSettings, SyslogShipperProcessor
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.logs.groups import SentBatch
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.native import need_helper, pure_python
from tests.support.shipping import numbers, shipping


class FirstOnly(SyslogShipperProcessor):
    """Leaves all but the first log of each group out, by an override of ``process``."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> str | None:
        for group in log_groups.LogGroups:
            del group.Logs[1:]
        return super().process(log_groups, check_point_tracker)


@pytest.fixture
def ship(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[list[int], list[bool]]]:
    """Ships ten logs; returns their numbers, and for each batch whether it came with its bytes."""
    had_body: list[bool] = []

    class Watched(LogEncoder):
        def find_groups(self, batch: Any) -> Any:
            had_body.append(isinstance(batch, SentBatch))
            return super().find_groups(batch)

    monkeypatch.setattr("sls_syslog.consumer.processor.LogEncoder", Watched)

    def run(processor: Any, arrived: int) -> tuple[list[int], list[bool]]:
        sls_emulator.put_logs([{"n": str(number)} for number in range(10)])
        settings = ShipperSettings.from_mapping(
            {"host": syslog_receiver.host, "port": syslog_receiver.port}
        )
        with shipping(sls_emulator, settings, processor):
            syslog_receiver.wait_for(arrived, timeout=60)
        return numbers(syslog_receiver), had_body

    return run


def test_the_helper_gets_the_bytes_that_sls_sent(ship: Any) -> None:
    need_helper()
    assert ship(SyslogShipperProcessor, 10) == ([*range(10)], [True])


def test_a_batch_that_an_override_of_process_changed_is_shipped_as_changed(ship: Any) -> None:
    assert ship(FirstOnly, 1) == ([0], [False])


def test_without_the_helper_no_bytes_are_kept(ship: Any) -> None:
    with pure_python():
        assert ship(SyslogShipperProcessor, 10) == ([*range(10)], [False])


class Wrapped(SyslogShipperProcessor):
    """Leaves all but the first log of each group out, by a method of the object."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        ship = self.process

        def process(log_groups: Any, tracker: Any) -> str | None:
            for group in log_groups.LogGroups:
                del group.Logs[1:]
            return ship(log_groups, tracker)

        self.process = process  # type: ignore[assignment,method-assign]


class Preprocessed(SyslogShipperProcessor):
    """Leaves all but the first log of each group out, in the preprocessor of the SDK."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._preprocessor = keep_first_logs


def keep_first_logs(response: Any) -> Any:
    batch = response.get_loggroup_list()
    for group in batch.LogGroups:
        del group.Logs[1:]
    return batch


@pytest.mark.parametrize("processor", [Wrapped, Preprocessed])
def test_a_batch_that_anybody_changed_is_shipped_as_changed(ship: Any, processor: Any) -> None:
    assert ship(processor, 1) == ([0], [False])


def test_a_batch_is_parsed_for_a_class_that_is_patched(
    ship: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As libraries do that trace calls."""
    usual = SyslogShipperProcessor.process

    def trace(self: Any, log_groups: Any, tracker: Any) -> str | None:
        return usual(self, log_groups, tracker)

    monkeypatch.setattr(SyslogShipperProcessor, "process", trace)
    assert ship(SyslogShipperProcessor, 10) == ([*range(10)], [False])
