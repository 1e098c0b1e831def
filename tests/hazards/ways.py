"""Support for the tests of hazards: the same scenario run the naive way and ours."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aliyun.log.consumer import ConsumerWorker
from processes import ROOT, Program, program
from shipping import GROUP, eventually, numbers

from hazards.naive import Documented
from sls_syslog import SyslogShipperProcessor, consumer_config, run_worker
from sls_syslog.testing import SlsEmulator, SyslogReceiver

__all__ = [
    "NAIVE",
    "OURS",
    "PLAIN",
    "Signer",
    "Way",
    "hazard",
    "make",
    "missing",
    "outage",
    "put",
    "quick",
    "service",
    "until_the_first_batch_has_failed",
    "within",
]

NAME = "shipper"


def make(
    emulator: SlsEmulator,
    settings: Mapping[str, Any],
    processor: Any,
    *,
    timeout: int | None = 30,
    **options: Any,
) -> ConsumerWorker:
    """The worker of a user's program; the environment, which all scenarios share, is not read.

    Args:
        emulator: Where from.
        settings: Where to.
        processor: What ships.
        timeout: Seconds of silence after which SLS gives its shards away. None for the SDK's, two
            heartbeats, which is too short for a busy machine where heartbeats are fast.
        **options: Of ``LogHubConfig``.
    """
    options = {
        "endpoint": emulator.endpoint,
        "access_key_id": emulator.access_key_id,
        "access_key": emulator.access_key_secret,
        "project": emulator.project,
        "logstore": emulator.logstore,
        "consumer_group_name": GROUP,
        "heartbeat_interval": 1,
        **options,
    }
    config = consumer_config(**options)
    config.consumer_group_time_out = timeout or config.consumer_group_time_out
    return ConsumerWorker(processor, config, args=(settings,))


@dataclass(frozen=True)
class Way:
    """One way to ship.

    Attributes:
        name: What the test's name says.
        safe: Whether the hazard must leave it unharmed.
        guarded: Whether ``run_worker`` runs it, or the SDK's own ``start()``.
    """

    name: str
    safe: bool
    guarded: bool

    @contextmanager
    def run(
        self,
        emulator: SlsEmulator,
        settings: Mapping[str, Any],
        naive: Any = Documented,
        ours: Any = SyslogShipperProcessor,
        *,
        consumer: str | None = NAME,
        **options: Any,
    ) -> Iterator[ConsumerWorker]:
        """A worker that ships this way while the block lasts.

        Args:
            emulator: Where from.
            settings: Where to.
            naive: The processor of the naive way.
            ours: That of the others.
            consumer: Its name; the same again after a restart, or SLS would hand the shards on
                only after a while. None takes the one that ``consumer_config`` makes up.
            **options: As ``make`` has them.
        """
        if consumer is not None:
            options["consumer_name"] = consumer
        worker = make(emulator, settings, ours if self.safe else naive, **options)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_worker if self.guarded else _run_bare, worker)
            eventually(lambda: worker.ident is not None)
            try:
                yield worker
            finally:
                worker.shutdown()
                run.result(60)

    def program(
        self, emulator: SlsEmulator, receiver: SyslogReceiver, **variables: str
    ) -> AbstractContextManager[Program]:
        """A process of its own that ships this way; see ``tests/hazards/program.py``."""
        environ = {
            **emulator.environ(GROUP),
            **receiver.environ(),
            "SLS_CONSUMER": NAME,
            **variables,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
        }
        script = str(Path(__file__).with_name("program.py"))
        return program(script, self.name, environ=environ)


def _run_bare(worker: ConsumerWorker) -> None:
    worker.start()
    worker.join()
    worker.heart_beat.join()


NAIVE = Way("naive", safe=False, guarded=False)
PLAIN = Way("plain", safe=True, guarded=False)  # our processor under worker.start()
OURS = Way("ours", safe=True, guarded=True)


def hazard(
    *ways: Any,
) -> Callable[[Callable[[Way], None]], Callable[[Way, dict[str, Future[None]], Any], None]]:
    """Makes a test for each way of a scenario, all of which run side by side.

    Args:
        *ways: Ways, or ``pytest.param``s of them.
    """

    def decorate(
        scenario: Callable[[Way], None],
    ) -> Callable[[Way, dict[str, Future[None]], Any], None]:
        @pytest.mark.parametrize("way", ways, ids=lambda way: way.name)
        def test(
            way: Way, scenarios: dict[str, Future[None]], request: pytest.FixtureRequest
        ) -> None:
            scenarios[request.node.nodeid].result(120)

        functools.update_wrapper(test, scenario)
        del test.__wrapped__  # type: ignore[attr-defined]  # pytest would look at its arguments
        test.scenario = scenario  # type: ignore[attr-defined]
        return test

    return decorate


@contextmanager
def service(shards: int = 1) -> Iterator[tuple[SlsEmulator, SyslogReceiver]]:
    """SLS and a receiver of a scenario's own."""
    with SlsEmulator(shards=shards) as emulator, SyslogReceiver("tcp") as receiver:
        yield emulator, receiver


@contextmanager
def outage(receiver: SyslogReceiver) -> Iterator[None]:
    """The receiver refuses connections."""
    receiver.stop_listening()
    try:
        yield
    finally:
        receiver.listen_again()


def quick(receiver: SyslogReceiver) -> dict[str, Any]:
    """Settings under which failures are over soon."""
    return {**receiver.settings(), "timeout": 5, "retry_seconds": 0.5}


def put(emulator: SlsEmulator, first: int, last: int, shard: int = 0) -> None:
    """The logs ``first`` to ``last - 1``, a group each."""
    for n in range(first, last):
        emulator.put_logs([{"n": str(n)}], shard=shard)


def missing(receiver: SyslogReceiver, logs: int) -> list[int]:
    """Which of the logs 0 to ``logs - 1`` have not arrived."""
    arrived = set(numbers(receiver))
    return [n for n in range(logs) if n not in arrived]


def until_the_first_batch_has_failed(emulator: SlsEmulator, pulls: int = 0) -> None:
    """Wait until a batch was processed and not delivered.

    The SDK then has fetched four times, three of them with process() at work; but nothing is
    fetched by ours for a receiver that is down.
    """
    within(2.5, lambda: emulator.calls["PullLogs"] >= pulls + 4)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true in time."""
    try:
        eventually(condition, seconds)
    except AssertionError:
        return False
    return True


class Signer:
    """Signs requests, but while it is broken none of one kind: the credentials provider fails.

    Args:
        client: The SDK's client, whose requests it signs from now on.
        kind: The ``type`` of the requests that it cannot sign.
    """

    def __init__(self, client: Any, kind: str) -> None:
        self.broken = True
        self.refusals = 0
        self._kind = kind
        self._signer, client._auth = client._auth, self

    def sign_request(
        self, method: str, resource: str, params: dict[str, Any], *args: Any, **options: Any
    ) -> Any:
        """Sign one request."""
        if self.broken and params.get("type") == self._kind:
            self.refusals += 1
            raise RuntimeError("no credentials today")
        return self._signer.sign_request(method, resource, params, *args, **options)
