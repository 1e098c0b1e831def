"""A log call of ours never raises into a delivery, whatever handlers and filters do."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import sls_syslog
from sls_syslog import ShipperSettings, ShipperStats, TransportError
from sls_syslog.delivery.batches import Batch
from sls_syslog.delivery.ledger import Tally, open_ledger
from sls_syslog.delivery.window import Delivery
from sls_syslog.network.deadline import Stop
from sls_syslog.network.failover import open_transport
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.testing import SyslogReceiver
from tests.support.broken_logging import InterruptError, RaisingHandler, handling

PACKAGE = Path(sls_syslog.__file__).parent
NAMES = [f"sls_syslog.{room}" for room in ("consumer", "encoding", "delivery", "network")]


class RaisingFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise ValueError("the filter is broken")


@pytest.fixture(params=[RaisingHandler, RaisingFilter])
def broken_logging(request: pytest.FixtureRequest) -> Iterator[None]:
    """A handler, or a filter, of the user's that raises at each line of ours."""
    broken = request.param()
    loggers = [logging.getLogger(name) for name in NAMES]
    is_handler = isinstance(broken, logging.Handler)
    for logger in loggers:
        (logger.addHandler if is_handler else logger.addFilter)(broken)
    yield
    for logger in loggers:
        (logger.removeHandler if is_handler else logger.removeFilter)(broken)


@pytest.mark.usefixtures("broken_logging")
@pytest.mark.parametrize("name", NAMES)
def test_a_broken_handler_or_filter_costs_only_the_line(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = SafeLogger(name)
    for log in (logger.warning, logger.error, logger.critical):
        log("%s", "text")
    assert capsys.readouterr().err.count("ValueError: the") == 3
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger.error("%s", "text")
    assert not capsys.readouterr().err


def test_an_interrupt_passes_except_where_it_would_end_a_thread_of_the_sdk(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "sls_syslog.consumer"
    with handling(RaisingHandler(InterruptError), name):
        with pytest.raises(InterruptError):
            SafeLogger(name).error("text")
        assert not capsys.readouterr().err
        SafeLogger(name, caught=BaseException).error("text")
    assert "InterruptError: the handler is broken" in capsys.readouterr().err


def test_a_line_names_its_caller_and_has_the_right_level(caplog: pytest.LogCaptureFixture) -> None:
    logger = SafeLogger("sls_syslog.network")
    with caplog.at_level(logging.DEBUG, logger="sls_syslog.network"):
        for log in (logger.debug, logger.info, logger.warning, logger.error, logger.critical):
            log("%d logs", 3)
        logger.log(logging.INFO, "%d logs", 3)
    assert [record.levelname for record in caplog.records] == [
        *("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "INFO",
    ]
    assert {(record.filename, record.getMessage()) for record in caplog.records} == {
        (Path(__file__).name, "3 logs")
    }


@pytest.mark.usefixtures("broken_logging")
def test_an_outage_loses_nothing_although_nothing_can_be_logged(
    syslog_receiver: SyslogReceiver,
) -> None:
    settings = ShipperSettings.from_mapping(
        {**syslog_receiver.settings(), "timeout": 5, "retry_seconds": 0}
    )
    stop = Stop()
    ledger = open_ledger(ShipperStats(), "shard")
    delivery = Delivery(settings, open_transport(settings, stop), stop, ledger, "0")
    failures = 0
    for number in range(1, 5):
        frame = b"<14>1 - - - - - - %d\n" % number
        if number == 3:
            syslog_receiver.wait_for(2)
            syslog_receiver.reset_connections()
            syslog_receiver.stop_listening()
        batch = Batch([frame], str(number), Tally(logs=1, size=len(frame)))
        try:
            delivery.deliver(batch)
        except TransportError:  # and nothing else
            failures += 1
            syslog_receiver.listen_again()
    delivery.flush()
    delivery.close()
    assert failures
    assert delivery.committable == "4"
    assert {message.msg for message in syslog_receiver.messages} == {"1", "2", "3", "4"}


def test_every_logger_of_ours_is_a_safe_one() -> None:
    unsafe = []
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        # The command is a program of its own, and no delivery runs in it.
        if name in {"safe_logger.py", "__main__.py"} or name.startswith("testing/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "logging"
            )
            if is_call:
                unsafe.append(f"{name}:{ast.unparse(node)}")
    assert unsafe == []
