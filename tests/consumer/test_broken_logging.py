"""A logging handler that raises at each line costs no log under the real ``ConsumerWorker``."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.broken_logging import InterruptError, RaisingHandler, handling
from tests.support.shipping import GROUP, numbers, shipping
from tests.support.waiting import eventually


class Saves:
    """Looks at each checkpoint that a worker saves: has all before it arrived?

    Args:
        worker: The worker.
        ends: The cursors behind the logs 0, 1, 2 ... of its shard.
        receiver: Where they arrive.
    """

    def __init__(self, worker: Any, ends: list[str], receiver: SyslogReceiver) -> None:
        self.too_far: list[str] = []
        self._ends, self._receiver = ends, receiver
        self._client = worker.consumer_client
        self._save = self._client.update_check_point
        self._client.update_check_point = self

    def __call__(self, shard: int, consumer: str, cursor: str) -> None:
        if cursor in self._ends:
            before = set(range(self._ends.index(cursor) + 1))
            missing = before - set(numbers(self._receiver))
            if missing:
                self.too_far.append(f"{cursor}: {sorted(missing)}")
        self._save(shard, consumer, cursor)


@pytest.mark.gate
@pytest.mark.parametrize("name", ["sls_syslog", ""], ids=["ours", "root"])
@pytest.mark.parametrize("kind", [RuntimeError, InterruptError])
def test_a_handler_that_raises_during_outages_loses_nothing(
    kind: type[BaseException], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="sls_syslog")
    handler = RaisingHandler(kind)
    ends: list[str] = []
    with SlsEmulator() as emulator, SyslogReceiver() as receiver:

        def put(logs: int) -> None:
            for _ in range(logs):
                emulator.put_logs([{"n": str(len(ends))}])
                ends.append(emulator.end_cursors()[0])

        settings = {**receiver.settings(), "timeout": 5, "retry_seconds": 0}
        with shipping(emulator, settings, max_fetch_log_group_size=1) as worker:
            saves = Saves(worker, ends, receiver)
            put(1)
            emulator.wait_until_drained(GROUP)
            with handling(handler, name):
                receiver.pause()
                put(5)
                processor = worker.shard_consumers[0].processor
                eventually(lambda: processor.stats.snapshot()["pending"] > 2)  # sent, not read
                receiver.reset_connections()
                receiver.resume()  # it is back at once
                put(5)
                emulator.wait_until_drained(GROUP, timeout=60)
                lines = handler.lines
                assert lines
                receiver.stop_listening()
                receiver.reset_connections()
                put(5)
                eventually(lambda: handler.lines >= lines + 3)
                receiver.listen_again()
                emulator.wait_until_drained(GROUP, timeout=60)
        assert numbers(receiver) == list(range(len(ends)))
        assert emulator.checkpoints(GROUP) == emulator.end_cursors()
        assert saves.too_far == []
