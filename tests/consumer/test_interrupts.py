"""An exception at any line of ``consumer``, ``delivery`` and ``network`` loses nothing.

One shard ships batches over a real socket to a receiver that resets connections and goes away.
The SDK's part is its own tracker, and a loop that fetches, processes and goes back as it does. A
run counts the lines; then each run raises at one of them. `--interrupt-stride` says at how many.
"""

from __future__ import annotations

import ast
import functools
import gc
import signal
import socket
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
import requests
from aliyun.log import LogException
from aliyun.log.consumer.checkpoint_tracker import ConsumerCheckpointTracker
from aliyun.log.proto import LogGroupList

import sls_syslog
from sls_syslog import ShipperStats, SyslogShipperProcessor
from sls_syslog.consumer.patches import listen
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Stop
from sls_syslog.network.timings import Timings
from sls_syslog.testing import SyslogReceiver, encode_log_group
from tests.support.relp import RelpServer
from tests.support.timings import hand_in

ROOMS = tuple(
    str(Path(sls_syslog.__file__).parent / room) for room in ("consumer", "delivery", "network")
)
BATCHES = 6
MOST_FETCHES = 300
"""Of one consumer; a shard that needs more does not get on."""
PLAIN_STRIDE, GATE_STRIDE = 1000, 60
"""Lines from one exception to the next; in a plain run, with ``--gate``."""
PARTS = 4
"""Tests that run side by side."""
HANG_SECONDS = 20.0
"""After which a run counts as one that hangs."""


class InjectedError(BaseException):
    """As an interrupt: not even ``except Exception`` sees it."""


KINDS: tuple[type[BaseException], ...] = (InjectedError, ValueError, MemoryError, OSError)


@functools.cache
def find_with_lines(name: str) -> frozenset[int]:
    """The lines of the ``with`` statements of a file."""
    tree = ast.parse(Path(name).read_text(encoding="utf-8"))
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.With))
    return frozenset(
        line
        for node in statements
        for line in range(node.lineno, (node.items[-1].context_expr.end_lineno or 0) + 1)
    )


@functools.cache
def find_try_lines(name: str) -> frozenset[int]:
    """The lines of a file that only say ``try:``."""
    tree = ast.parse(Path(name).read_text(encoding="utf-8"))
    return frozenset(node.lineno for node in ast.walk(tree) if isinstance(node, ast.Try))


@functools.cache
def find_first_instructions(code: CodeType) -> dict[int, int]:
    """Where the instructions of each line begin, by the number of the line."""
    begins: dict[int, int] = {}
    for begin, _, line in code.co_lines():
        if line is not None:
            begins.setdefault(line, begin)
    return begins


class Injector:
    """Counts the lines that run, and raises at one of them.

    Two kinds of lines are left out: the end of a ``with`` block, and ``try:``. The interpreter
    looks for signals elsewhere, so nothing is raised there but by this test. And Python does not
    protect them: what is raised there inside of ``with lock`` leaves the lock locked.

    Args:
        at: The number of the line, from 0; ``None`` for none.
        kind: What to raise.
    """

    def __init__(self, at: int | None, kind: type[BaseException] = InjectedError) -> None:
        self.lines = 0
        self.where = ""
        self._at, self._kind = at, kind

    def __enter__(self) -> Injector:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._trace_line if frame.f_code.co_filename.startswith(ROOMS) else None

    def _trace_line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event != "line" or self._is_left_out(frame):
            return self._trace_line
        self.lines += 1
        if self.lines - 1 == self._at:
            self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            raise self._kind(self.where)
        return self._trace_line

    @staticmethod
    def _is_left_out(frame: FrameType) -> bool:
        code, line = frame.f_code, frame.f_lineno
        if line in find_try_lines(code.co_filename):
            return True
        is_with = line in find_with_lines(code.co_filename)
        return is_with and frame.f_lasti > find_first_instructions(code)[line]


class Answer:
    """What SLS answers to a fetch."""

    def __init__(self, logs: list[int], end: int, *, is_last: bool) -> None:
        self._batch = LogGroupList()
        if logs:
            group = encode_log_group([{"n": str(n)} for n in logs], time=1_795_403_700)
            self._batch.LogGroups.add().ParseFromString(group)
        self._end, self._is_last = str(end), is_last

    def get_loggroup_list(self) -> Any:
        return self._batch

    def get_loggroup_count(self) -> int:
        return len(self._batch.LogGroups)

    def get_next_cursor(self) -> str:
        return self._end

    def get_header(self, _: str) -> str:
        return "1" if self._is_last else "0"


class RelpReceiver(RelpServer):
    """A receiver over RELP that fails as `SyslogReceiver` does; away, it ends each connection."""

    _is_away = False

    def settings(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "protocol": "relp"}

    @property
    def frames(self) -> list[bytes]:
        return self.messages

    def treat(self, connection: socket.socket) -> None:
        if not self._is_away:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # answer at once
            super().treat(connection)

    def reset_connections(self) -> None:
        self.hang_up()

    def stop_listening(self) -> None:
        self._is_away = True

    def listen_again(self) -> None:
        self._is_away = False


Receiver = SyslogReceiver | RelpReceiver


class Source:
    """One shard of SLS: batch n lies between the cursors n and n + 1; also the SDK's client."""

    mclient: Any
    mproject, mlogstore, mconsumer_group = "project", "logstore", "group"

    def __init__(self, first: int) -> None:
        self.first = first  # the number of the first log; each run has logs of its own
        self.saved = "0"
        self.mclient = self
        self._session = requests.Session()
        self._arrived: set[bytes] = set()
        self._frames_read = 0

    def pull_logs(self, _: int, cursor: str, *args: Any, **options: Any) -> Answer:
        begin = int(cursor)
        if begin >= BATCHES:
            return Answer([], begin, is_last=True)
        logs = [self.first + 2 * begin, self.first + 2 * begin + 1]
        return Answer(logs, begin + 1, is_last=False)

    def update_check_point(self, shard: int, consumer: str, cursor: str) -> None:
        self.saved = cursor

    def heartbeat(self, *_: Any) -> bool:
        raise LogException("unused", "")

    _send = _replace_credentials = heartbeat

    def list_arrived(self, receiver: Receiver) -> set[int]:
        """The numbers of the batches whose logs have all arrived."""
        frames = receiver.frames[self._frames_read :]  # it has those of all runs
        self._frames_read += len(frames)
        self._arrived.update(frame.rpartition(b"n=")[2] for frame in frames)
        return {
            batch
            for batch in range(BATCHES)
            if {b"%d" % (self.first + 2 * batch), b"%d" % (self.first + 2 * batch + 1)}
            <= self._arrived
        }


class Holding(SyslogShipperProcessor):
    """Its hook fails twice for the second log of each batch, which holds the shard."""

    def __init__(self, settings: dict[str, Any], stats: ShipperStats) -> None:
        super().__init__({**settings, "on_hook_error": "hold"}, stats)
        self._failures: Counter[str] = Counter()

    def format_message(self, log: Mapping[str, str]) -> str | None:
        number = log["n"]
        if int(number) % 2 and self._failures[number] < 2:
            self._failures[number] += 1
            raise LookupError(number)
        return super().format_message(log)


Processor = type[SyslogShipperProcessor]


def consume(
    source: Source,
    receiver: Receiver,
    make_processor: Processor = SyslogShipperProcessor,
    injector: Injector | None = None,
) -> None:
    """Consume a shard from its checkpoint to its end, as the SDK does; then shut down.

    With an injector, the receiver fails as well.
    """
    settings = {**receiver.settings(), "timeout": 5, "retry_seconds": 0}
    stats = ShipperStats()
    processor = make_processor(settings, stats)
    tracker: Any = ConsumerCheckpointTracker(source, "consumer", 0)  # type: ignore[no-untyped-call]
    tracker.set_memory_check_point(source.saved)
    tracker.set_persistent_check_point(source.saved)
    processor.initialize(0)
    listen(client=source, shard=0, listener=processor._shard)  # type: ignore[arg-type]  # as under a worker
    with injector or nullcontext():
        fetch_to_the_end(source, receiver, processor, tracker, fail=injector is not None)
        receiver.listen_again()
        for _ in range(2):  # the SDK shuts down until that has worked
            try:
                processor.shutdown(tracker)
            except BaseException:
                continue
            break
    must_balance(stats)


def must_balance(stats: ShipperStats) -> None:
    counts = stats.snapshot()
    outcomes = counts["confirmed"] + counts["filtered"] + counts["pending"]
    assert counts["received"] == outcomes + sum(counts["dropped"].values()), counts


def fetch_to_the_end(
    source: Source,
    receiver: Receiver,
    processor: SyslogShipperProcessor,
    tracker: Any,
    *,
    fail: bool,
) -> None:
    client: Any = source
    cursor, at_end, fetches = source.saved, 0, 0
    while at_end < 3:
        fetches += 1
        assert fetches < MOST_FETCHES, f"it does not get on from {cursor}"
        if fail and fetches in {3, 5, 7}:
            receiver.reset_connections()
        if fail and fetches in {5, 7}:
            (receiver.stop_listening if fetches == 5 else receiver.listen_again)()
        try:
            answer = client.pull_logs(0, cursor)
        except BaseException:  # the SDK fetches again
            continue
        end = answer.get_next_cursor()
        if answer.get_loggroup_count():
            at_end = 0
            tracker.set_cursor(end)
            with suppress(BaseException):  # the SDK drops the batch
                end = processor.process(answer.get_loggroup_list(), tracker) or end
        else:
            at_end += int(end) >= BATCHES
        cursor = end
        must_have_arrived(source, receiver)


def must_have_arrived(source: Source, receiver: Receiver) -> None:
    assert set(range(int(source.saved))) <= source.list_arrived(receiver), "checkpoint too far"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardly any pauses: the line counts, and not the moment."""

    def wait(stop: Stop, _: float) -> bool:
        time.sleep(0.002)  # else the receiver's threads have no time
        return stop.requested

    monkeypatch.setattr(Stop, "wait", wait)
    monkeypatch.setattr(Connection, "patience", 0.0)


@pytest.fixture(params=[SyslogReceiver, RelpReceiver], ids=["tcp", "relp"])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    with request.param() as running:
        hand_in(running.settings(), Timings(lone_age=0.0, without_sentinel=0.0))
        yield running


@pytest.fixture
def watchdog() -> Iterator[Callable[[], None]]:
    """Turns a hang into an error: call it before each run."""

    def bark(_: int, frame: FrameType | None) -> None:
        hangs.append("".join(traceback.format_stack(frame)))
        raise InjectedError("this run hangs")

    hangs: list[str] = []

    def wake() -> None:
        assert not hangs, f"the run before this one has hung:\n{hangs[0]}"
        signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS, HANG_SECONDS)

    before = signal.signal(signal.SIGALRM, bark)
    yield wake
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    gc.collect()  # the sockets that an exception has left, so that no other test is blamed


def run(
    receiver: Receiver, number: int, make_processor: Processor, injector: Injector, *, restart: bool
) -> None:
    source = Source(first=1_000_000 + 100 * number)
    consume(source, receiver, make_processor, injector)
    must_have_arrived(source, receiver)
    for _ in range(2):
        if source.saved != str(BATCHES) or restart:
            source.pull_logs = Source.pull_logs.__get__(source)  # type: ignore[method-assign]
            consume(source, receiver, make_processor)
    assert source.saved == str(BATCHES), "it is stuck"
    must_have_arrived(source, receiver)


@pytest.mark.usefixtures("quick")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the collector closes what is left
@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="the watchdog is a signal of Unix")
@pytest.mark.parametrize("make_processor", [SyslogShipperProcessor, Holding])
@pytest.mark.parametrize("part", range(PARTS))
def test_an_exception_at_any_line_loses_nothing(
    receiver: Receiver,
    part: int,
    make_processor: Processor,
    watchdog: Callable[[], None],
    request: pytest.FixtureRequest,
) -> None:
    config = request.config
    by_default = GATE_STRIDE if config.getoption("--gate") else PLAIN_STRIDE
    stride = config.getoption("--interrupt-stride") or by_default
    counter = Injector(None)
    watchdog()
    run(receiver, 0, make_processor, counter, restart=False)
    assert counter.lines > 500
    for number, at in enumerate(range(part * stride // PARTS, counter.lines, stride), 1):
        injector = Injector(at, KINDS[(number + part) % len(KINDS)])
        watchdog()
        try:
            run(receiver, number, make_processor, injector, restart=bool(number % 2))
        except BaseException as error:
            where = f"{injector.where}, line {at} of {counter.lines}"
            raise AssertionError(
                f"after {KINDS[(number + part) % len(KINDS)]} at {where}"
            ) from error
        assert injector.lines
    watchdog()
