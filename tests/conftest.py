"""Fixtures and options for all tests; the fixtures of the testing kit come from its plugin.

A plain run takes what gives an answer within three minutes. ``--gate`` adds the tests marked
``gate``, and 1,000 examples of each property in place of 100; the gate runs with it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from sls_syslog.network.destination import known_destinations
from sls_syslog.testing import SyslogReceiver, TemporaryCA
from sls_syslog.throttle import throttle

# A clone is collected by eight workers and imported by hundreds of processes: compile it once, even
# where the environment says otherwise.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest.register_assert_rewrite("tests.support")

_EXAMPLES = {"plain": 100, "gate": 1000}
# A test must not fail because the machine is busy: no deadlines.
for _profile, _number in _EXAMPLES.items():
    settings.register_profile(
        _profile,
        max_examples=_number,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("plain")

_LEFT = "left for the gate"


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much runs, and what the fault suite is told."""
    parser.addoption("--gate", action="store_true", help="run all that the gate runs")
    parser.addoption(
        "--faults",
        choices=["short", "long"],
        default="short",
        help="how many transports and receivers the fault suite tries: few for a row, or all",
    )
    parser.addoption(
        "--faults-table",
        action="store_true",
        help="write what --faults=long counts into docs/explanation/delivery.md",
    )
    parser.addoption(
        "--interrupt-stride",
        type=int,
        default=0,
        help="lines from one exception to the next in test_interrupts.py, such as 1 for all",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples of a property are tried, unless the command line does."""
    # A shell lets its background jobs ignore Ctrl-C, and programs that a test starts inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--gate") and not config.getoption("--hypothesis-profile"):
        settings.load_profile("gate")
    # Not in a worker of xdist: only the process that started the workers sees all reports.
    if config.getoption("--faults-table") and not hasattr(config, "workerinput"):
        from tests.faults.table import TableWriter  # takes long

        if config.getoption("--faults") != "long":
            raise pytest.UsageError("--faults-table needs --faults=long: the table has all cases")
        config.pluginmanager.register(TableWriter())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Start more workers than there are cores, since most tests wait; none for a single test.

    Each worker collects all tests; more than twelve would cost more than they bring.
    """
    if all("::" in name for name in config.args):
        return 0
    return min(4 * (os.cpu_count() or 1), 12)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is left for the gate."""
    if config.getoption("--gate"):
        return
    for item in items:
        if item.get_closest_marker("gate"):
            item.add_marker(pytest.mark.skip(reason=_LEFT))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left for the gate."""
    skipped = terminalreporter.stats.get("skipped", [])
    left = sum(_LEFT in str(report.longrepr) for report in skipped)
    if left:
        terminalreporter.write_line(
            f"Left for the gate (bash .ci/run, or pytest --gate): {left} of the tests, and"
            f" {_EXAMPLES['gate'] - _EXAMPLES['plain']} of {_EXAMPLES['gate']} examples of each"
            " property. CONTRIBUTING.md lists them."
        )


@pytest.fixture(scope="session", autouse=True)
def _temporary_files_that_pytest_cleans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a killed test leaves lies in pytest's own directory, and not in the machine's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.getbasetemp()))
        yield


@pytest.fixture(autouse=True)
def _only_the_settings_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine's own environment sets must not steer a test, nor a proxy take loopback."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)  # for this run, not for one in a test
    for name in list(os.environ):
        if name.startswith(("SYSLOG_", "SLS_")) and not name.startswith("SLS_SYSLOG_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(autouse=True)
def _nothing_learnt() -> None:
    """What a process has learnt of a receiver is not the next test's, which may get its port."""
    known_destinations.forget()
    throttle.forget()


@pytest.fixture(scope="session")
def authority() -> Iterator[TemporaryCA]:
    """One CA for all tests to which it does not matter what else was issued by theirs."""
    with TemporaryCA() as ca:
        yield ca


@pytest.fixture(params=["tcp", "udp", "tls"])
def receiver(request: pytest.FixtureRequest, temporary_ca: TemporaryCA) -> Iterator[SyslogReceiver]:
    """A receiver over each protocol; that of TLS shows a certificate of ``temporary_ca``."""
    context = temporary_ca.server_context() if request.param == "tls" else None
    with SyslogReceiver(request.param, ssl_context=context) as running:
        yield running
