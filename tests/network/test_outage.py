"""One line for the begin and one for the end of an outage."""

from __future__ import annotations

import logging
from threading import Barrier, Thread

import pytest

from sls_syslog.network.destination import Destinations
from sls_syslog.network.failover import open_transport
from sls_syslog.network.outage import Outage
from sls_syslog.settings.client import ClientSettings

SIEM = "tcp://siem:514"
OTHER = "tcp://other:514"


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in caplog.records]


@pytest.fixture(autouse=True)
def every_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="sls_syslog.network")


def test_an_outage_is_one_warning_and_its_end_one_info(caplog: pytest.LogCaptureFixture) -> None:
    log = Outage(SIEM)
    for _ in range(3):
        log.begin(OSError(f"{SIEM}: refused"))
    for _ in range(3):
        log.end()
    (began, ended) = lines(caplog)
    assert began == (
        logging.WARNING,
        f"delivery fails, will retry until it works: {SIEM}: refused",
    )
    assert ended[0] == logging.INFO
    assert ended[1].startswith(f"{SIEM} takes logs again after 0.")


def test_a_delivery_that_works_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    Outage(SIEM).end()
    assert lines(caplog) == []


def test_the_next_outage_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    log = Outage(SIEM, clock=lambda: now[0])
    for minute in range(2):
        now[0] = 60.0 * minute
        log.begin(OSError("refused"))
        log.end()
    assert [level for level, _ in lines(caplog)] == [logging.WARNING, logging.INFO] * 2


def test_a_receiver_that_comes_and_goes_is_told_of_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    log = Outage(SIEM, clock=lambda: now[0])
    for second in range(120):
        now[0] = float(second)
        log.begin(OSError("refused"))
        log.end()
    assert [level for level, _ in lines(caplog)] == [logging.WARNING, logging.INFO] * 2


def test_an_outage_that_goes_on_is_told_of_even_when_another_has_just_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    log = Outage(SIEM, clock=lambda: now[0])
    log.begin(OSError("refused"))
    log.end()
    for second in range(1, 90):
        now[0] = float(second)
        log.begin(OSError("refused"))
    log.end()
    *_, told, ended = lines(caplog)
    assert told[0] == logging.WARNING
    assert ended == (logging.INFO, f"{SIEM} takes logs again after 88.0 s")


def test_each_receiver_has_its_own_outage(caplog: pytest.LogCaptureFixture) -> None:
    known = Destinations()
    known.find(SIEM).outage.begin(OSError("refused"))
    known.find(OTHER).outage.begin(OSError("reset"))
    known.find(OTHER).outage.end()
    texts = [text for _, text in lines(caplog)]
    assert len(texts) == 3
    assert texts[-1].startswith(OTHER)


def test_many_shards_tell_of_one_outage_once(caplog: pytest.LogCaptureFixture) -> None:
    log = Outage(SIEM)
    together = Barrier(8)

    def shard() -> None:
        together.wait(10)
        log.begin(OSError("refused"))
        together.wait(10)
        log.end()

    threads = [Thread(target=shard) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [level for level, _ in lines(caplog)] == [logging.WARNING, logging.INFO]


def test_all_that_ships_to_one_receiver_shares_one_outage() -> None:
    settings = ClientSettings(host="siem")
    one, other = open_transport(settings), open_transport(settings)
    assert one.destination.outage is other.destination.outage
