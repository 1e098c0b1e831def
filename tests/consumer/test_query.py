"""With an SPL query, what SLS filters never arrives, and the checkpoint passes it all the same."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import pytest

from sls_syslog import ShipperStats, run_worker
from sls_syslog.consumer.start import format_time
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.receipts import Store
from tests.support.shipping import GROUP, make_worker, numbers, shipping
from tests.support.spl import filtering
from tests.support.waiting import eventually

QUERY = "* | where n >= '500'"
GROUPS = 10
"""Groups of one log in each stretch."""
FETCHES: dict[str, Any] = {"query": QUERY, "max_fetch_log_group_size": 5}


def keeps(log: Mapping[str, str]) -> bool:
    return log["n"] >= "500"


def put_stretches(emulator: SlsEmulator) -> list[int]:
    """Put what is filtered, what is kept, and what is filtered; return the kept numbers."""
    for number in [*range(100, 100 + GROUPS), *range(500, 510), *range(200, 200 + GROUPS)]:
        emulator.put_logs([{"n": str(number)}])
    return list(range(500, 510))


@pytest.mark.gate
def test_what_a_query_filters_is_passed_and_counts_as_nothing(
    syslog_receiver: SyslogReceiver,
) -> None:
    stats = ShipperStats()
    with SlsEmulator(check_signatures=False) as emulator:
        expected = put_stretches(emulator)
        with filtering(emulator, QUERY, keeps) as endpoint:
            options: dict[str, Any] = {"endpoint": endpoint, **FETCHES}
            with shipping(emulator, syslog_receiver.settings(), stats=stats, **options):
                syslog_receiver.wait_for(len(expected))
                emulator.wait_until_drained(GROUP, 60)  # the stretch behind the last log as well
                eventually(lambda: stats.snapshot()["lag_seconds"] == 0.0)
    assert numbers(syslog_receiver) == expected
    counts = stats.snapshot()
    assert (counts["received"], counts["confirmed"], counts["filtered"]) == (10, 10, 0)


@pytest.mark.gate
def test_the_checkpoint_passes_a_logstore_of_which_nothing_is_kept(
    syslog_receiver: SyslogReceiver,
) -> None:
    """So a restart does not scan it again."""
    with SlsEmulator(check_signatures=False) as emulator:
        for number in range(100, 100 + GROUPS):
            emulator.put_logs([{"n": str(number)}])
        with filtering(emulator, QUERY, keeps) as endpoint:
            options: dict[str, Any] = {"endpoint": endpoint, **FETCHES}
            with shipping(emulator, syslog_receiver.settings(), **options):
                emulator.wait_until_drained(GROUP, 60)
    assert syslog_receiver.frames == []


def test_a_range_ends_although_its_end_is_filtered(syslog_receiver: SyslogReceiver) -> None:
    start = 1_700_000_000
    with Store(check_signatures=False) as emulator:
        for second in range(GROUPS):
            emulator.put(100 + second, start + second)
        emulator.put(500, start + GROUPS)
        for second in range(GROUPS):
            emulator.put(200 + second, start + GROUPS + 1 + second)
        emulator.put(501, start + 1000)  # after the range
        with filtering(emulator, QUERY, keeps) as endpoint:
            worker = make_worker(
                emulator,
                syslog_receiver.settings(),
                endpoint=endpoint,
                **FETCHES,
                start=format_time(start),
                end=format_time(start + 500),
            )
            run_worker(worker)
    assert numbers(syslog_receiver) == [500]


def test_a_query_that_sls_refuses_ships_nothing_and_loses_nothing(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The emulator refuses each query, as SLS does one that is wrong."""
    caplog.set_level(logging.INFO)
    sls_emulator.put_logs([{"n": "1"}])
    with shipping(sls_emulator, syslog_receiver.settings(), query="* | wehre n = '1'"):
        eventually(lambda: re.search(r"ParameterInvalid.*SPL", caplog.text) is not None)
    assert syslog_receiver.frames == []
    with shipping(sls_emulator, syslog_receiver.settings()):
        syslog_receiver.wait_for(1)
    assert numbers(syslog_receiver) == [1]
