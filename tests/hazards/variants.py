"""Support for the tests of hazards: run the same scenario with a naive processor and with ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aliyun.log.consumer import ConsumerWorker

from sls_syslog import SyslogShipperProcessor, consumer_config, run_worker
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.hazards.naive import Documented
from tests.hazards.program import HEARTBEAT_SECONDS
from tests.support.processes import Program, program
from tests.support.shipping import GROUP, numbers
from tests.support.waiting import eventually

__all__ = [
    "NAIVE",
    "OURS",
    "PLAIN",
    "Signer",
    "Variant",
    "Watched",
    "hazard",
    "list_missing",
    "make_settings",
    "make_worker",
    "put",
    "refuse_connections",
    "run_service",
    "wait_for_first_failure",
]

NAME = "shipper"


def make_worker(
    emulator: SlsEmulator,
    settings: Mapping[str, Any],
    processor: Any,
    *,
    timeout: int | None = 30,
    **options: Any,
) -> ConsumerWorker:
    """Make the worker of a user's program.

    Args:
        emulator: The source.
        settings: The settings of the processor.
        processor: The processor.
        timeout: Seconds without a heartbeat after which SLS evicts the consumer. None keeps the
            SDK's, two heartbeats: on a busy machine that is too short for fast heartbeats.
        **options: Options of ``LogHubConfig``.
    """
    options = {
        "endpoint": emulator.endpoint,
        "access_key_id": emulator.access_key_id,
        "access_key": emulator.access_key_secret,
        "project": emulator.project,
        "logstore": emulator.logstore,
        "consumer_group_name": GROUP,
        "heartbeat_interval": HEARTBEAT_SECONDS,
        **options,
    }
    config = consumer_config(**options)
    config.consumer_group_time_out = timeout or config.consumer_group_time_out
    return ConsumerWorker(processor, config, args=(settings,))


class Watched(SyslogShipperProcessor):
    """Our processor. It shows whether a batch has failed.

    Attributes:
        has_rolled_back: Whether ``process()`` has returned a cursor.
    """

    has_rolled_back = False

    def process(self, log_groups: Any, check_point_tracker: Any) -> str | None:
        cursor = super().process(log_groups, check_point_tracker)
        self.has_rolled_back = self.has_rolled_back or cursor is not None
        return cursor


@dataclass(frozen=True)
class Variant:
    """One kind of shipper.

    Attributes:
        name: Its name in the test's id.
        is_safe: Whether the hazard must not harm it.
        is_guarded: True runs it with ``run_worker``, False with the SDK's own ``start()``.
    """

    name: str
    is_safe: bool
    is_guarded: bool

    @contextmanager
    def run(
        self,
        emulator: SlsEmulator,
        settings: Mapping[str, Any],
        naive: Any = Documented,
        ours: Any = Watched,
        *,
        consumer: str | None = NAME,
        **options: Any,
    ) -> Iterator[ConsumerWorker]:
        """Run a worker while the block runs.

        Args:
            emulator: The source.
            settings: The settings of the processor.
            naive: The processor of the naive variant.
            ours: The processor of the other variants.
            consumer: The consumer name. With the same name after a restart, the worker gets its
                shards back at once. None takes the name that ``consumer_config`` makes.
            **options: Options of ``make_worker``.
        """
        if consumer is not None:
            options["consumer_name"] = consumer
        worker = make_worker(emulator, settings, ours if self.is_safe else naive, **options)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_worker if self.is_guarded else _run_bare, worker)
            eventually(lambda: worker.ident is not None)
            try:
                yield worker
            finally:
                worker.shutdown()
                run.result(60)

    def run_program(
        self, emulator: SlsEmulator, receiver: SyslogReceiver, **variables: str
    ) -> AbstractContextManager[Program]:
        """Run ``tests/hazards/program.py`` as a separate process while the block runs."""
        environ = {
            **emulator.environ(GROUP),
            **receiver.environ(),
            "SLS_CONSUMER": NAME,
            **variables,
        }
        script = str(Path(__file__).with_name("program.py"))
        return program(script, self.name, environ=environ)


def _run_bare(worker: ConsumerWorker) -> None:
    worker.start()
    worker.join()
    worker.heart_beat.join()


NAIVE = Variant("naive", is_safe=False, is_guarded=False)
PLAIN = Variant("plain", is_safe=True, is_guarded=False)  # our processor under worker.start()
OURS = Variant("ours", is_safe=True, is_guarded=True)


def hazard(*variants: Variant, gate: Sequence[Variant] = ()) -> pytest.MarkDecorator:
    """Run a test with each variant.

    Args:
        *variants: The variants that run always.
        gate: The variants that only the gate runs, because their waits are long.
    """
    late = [pytest.param(variant, marks=pytest.mark.gate) for variant in gate]
    return pytest.mark.parametrize("variant", [*variants, *late], ids=lambda variant: variant.name)


@contextmanager
def run_service(shards: int = 1) -> Iterator[tuple[SlsEmulator, SyslogReceiver]]:
    """Run an emulator and a receiver for one scenario."""
    with SlsEmulator(shards=shards) as emulator, SyslogReceiver("tcp") as receiver:
        yield emulator, receiver


@contextmanager
def refuse_connections(receiver: SyslogReceiver) -> Iterator[None]:
    """Make the receiver refuse connections while the block runs."""
    receiver.stop_listening()
    try:
        yield
    finally:
        receiver.listen_again()


def make_settings(receiver: SyslogReceiver) -> dict[str, Any]:
    """Make settings with which a failed delivery ends soon."""
    return {**receiver.settings(), "timeout": 5, "retry_seconds": 0.5}


def put(emulator: SlsEmulator, first: int, last: int, shard: int = 0) -> None:
    """Put the logs ``first`` to ``last - 1``, each as one group."""
    for n in range(first, last):
        emulator.put_logs([{"n": str(n)}], shard=shard)


def list_missing(receiver: SyslogReceiver, logs: int) -> list[int]:
    """Return which of the logs 0 to ``logs - 1`` have not arrived."""
    arrived = set(numbers(receiver))
    return [n for n in range(logs) if n not in arrived]


def wait_for_first_failure(emulator: SlsEmulator, worker: ConsumerWorker, pulls: int = 0) -> None:
    """Wait until ``process()`` has failed to deliver a batch of shard 0.

    For the naive variant this takes four fetches, three of them during ``process()``.
    """

    def has_failed() -> bool:
        rolled_back = getattr(worker.shard_consumers[0].processor, "has_rolled_back", False)
        return rolled_back or emulator.calls["PullLogs"] >= pulls + 4

    eventually(lambda: 0 in worker.shard_consumers and has_failed())


class Signer:
    """Signs the requests of a client. While broken, it fails for requests of one kind.

    It simulates a failing credentials provider.

    Args:
        client: The SDK's client. The signer replaces the client's own.
        kind: The ``type`` of the requests that fail.
    """

    def __init__(self, client: Any, kind: str) -> None:
        self.is_broken = True
        self.refusals = 0
        self._kind = kind
        self._signer, client._auth = client._auth, self

    def sign_request(
        self, method: str, resource: str, params: dict[str, Any], *args: Any, **options: Any
    ) -> Any:
        """Sign one request."""
        if self.is_broken and params.get("type") == self._kind:
            self.refusals += 1
            raise RuntimeError("no credentials today")
        return self._signer.sign_request(method, resource, params, *args, **options)
