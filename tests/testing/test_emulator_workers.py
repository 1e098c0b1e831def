"""The emulator as the real SDK's ConsumerWorker meets it, over HTTP."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from aliyun.log.consumer import (
    ConsumerProcessorBase,
    ConsumerWorker,
    CursorPosition,
    LogHubConfig,
)

from sls_syslog.testing.emulator import SlsEmulator
from tests.support.waiting import eventually

# The SDK signs with datetime.utcnow(), which newer Pythons deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

GROUP = "cg"


class Sink:
    """Who consumed which log, in the order of consumption."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seen: list[tuple[str, int, str]] = []

    def texts(self) -> list[str]:
        with self.lock:
            return [text for _, _, text in self.seen]


class Recorder(ConsumerProcessorBase):
    """Notes each log and saves the checkpoint at once."""

    def __init__(self, sink: Sink, consumer: str) -> None:
        super().__init__()
        self.sink = sink
        self.consumer = consumer

    def process(self, log_groups: Any, check_point_tracker: Any) -> None:
        with self.sink.lock:
            self.sink.seen += [
                (self.consumer, self.shard_id, log.Contents[0].Value)
                for group in log_groups.LogGroups
                for log in group.Logs
            ]
        check_point_tracker.save_check_point(True)


@contextmanager
def consuming(
    emulator: SlsEmulator, sink: Sink, consumer: str, *, timeout: int = 30, **options: Any
) -> Iterator[ConsumerWorker]:
    options = {"heartbeat_interval": 1, "data_fetch_interval": 0.1, **options}
    config = LogHubConfig(
        emulator.endpoint,
        emulator.access_key_id,
        emulator.access_key_secret,
        emulator.project,
        emulator.logstore,
        GROUP,
        consumer,
        cursor_position=CursorPosition.BEGIN_CURSOR,
        **options,
    )
    # The SDK derives it from the interval; too short for a machine that is busy with other tests.
    config.consumer_group_time_out = timeout
    worker = ConsumerWorker(Recorder, config, args=(sink, consumer))
    worker.start()
    try:
        yield worker
    finally:
        worker.shutdown()
        worker.join(30)
        worker.heart_beat.join(30)
        assert not worker.is_alive()


def put_numbered(emulator: SlsEmulator, begin: int, end: int) -> list[str]:
    texts = [str(number) for number in range(begin, end)]
    for text in texts:
        emulator.put_logs([{"text": text}])
    return texts


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_one_worker_drains_all_shards_in_order(version: str) -> None:
    sink = Sink()
    with SlsEmulator(shards=2) as emulator:
        texts = put_numbered(emulator, 0, 300)
        with consuming(emulator, sink, "a", auth_version=version, region="cn-x"):
            emulator.wait_until_drained(GROUP)
        assert emulator.checkpoints(GROUP) == emulator.end_cursors()
    assert sorted(sink.texts(), key=int) == texts
    for shard in range(2):
        numbers = [int(text) for _, where, text in sink.seen if where == shard]
        assert numbers == sorted(numbers)


def test_two_workers_share_the_shards_and_consume_each_log_once() -> None:
    sink = Sink()
    with SlsEmulator(shards=4) as emulator, ExitStack() as workers:
        put_numbered(emulator, 0, 40)
        first = workers.enter_context(consuming(emulator, sink, "a"))
        emulator.wait_until_drained(GROUP)
        workers.enter_context(consuming(emulator, sink, "b"))
        eventually(lambda: Counter(emulator.owners(GROUP).values()) == Counter({"a": 2, "b": 2}))
        owners = emulator.owners(GROUP)
        put_numbered(emulator, 40, 80)
        emulator.wait_until_drained(GROUP)
        assert Counter(sink.texts()) == Counter(str(number) for number in range(80))
        later = {(shard, who) for who, shard, text in sink.seen if int(text) >= 40}
        assert later == set(owners.items())
        first.shutdown()  # now, so that both end at the same time


@pytest.mark.gate
def test_the_shards_of_a_worker_that_went_silent_go_to_the_other() -> None:
    sink = Sink()
    with SlsEmulator(shards=2) as emulator:
        with consuming(emulator, sink, "a", timeout=2):
            eventually(lambda: set(emulator.owners(GROUP).values()) == {"a"})
        with consuming(emulator, sink, "b", timeout=2):
            texts = put_numbered(emulator, 0, 10)
            emulator.wait_until_drained(GROUP)
            eventually(lambda: set(emulator.owners(GROUP).values()) == {"b"})
    assert sorted(sink.texts(), key=int) == texts


def test_in_order_the_children_of_a_split_come_after_their_parent() -> None:
    sink = Sink()
    with SlsEmulator() as emulator:
        before = put_numbered(emulator, 0, 20)
        emulator.split_shard(0)
        after = put_numbered(emulator, 20, 40)
        with consuming(emulator, sink, "a", in_order=True):
            emulator.wait_until_drained(GROUP)
            eventually(lambda: emulator.owners(GROUP) == {0: None, 1: "a", 2: "a"})
    assert sink.texts()[:20] == before
    assert sorted(sink.texts()[20:], key=int) == after


@pytest.mark.gate
def test_an_outage_in_the_middle_delays_the_logs_only() -> None:
    sink = Sink()
    with SlsEmulator(shards=2) as emulator, consuming(emulator, sink, "a"):
        put_numbered(emulator, 0, 10)
        emulator.wait_until_drained(GROUP)
        emulator.fail("PullLogs", drop=True, times=3)
        put_numbered(emulator, 10, 20)
        emulator.wait_until_drained(GROUP)
        assert emulator.calls["PullLogs"] > 3
    assert Counter(sink.texts()) == Counter(str(number) for number in range(20))
