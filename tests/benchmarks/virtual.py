"""A consumer group of any size in virtual time, with consumers that are killed.

Neither side is rewritten: SLS is the kit's `SlsModel`, a consumer is the SDK's `ConsumerWorker`
with its heartbeat, its shards and its checkpoint tracker, and a shard ships through our `Delivery`
with its windows and turns. Only the edges are replaced: the clock, the thread pool, the requests
and the connections. So there are no sockets, no threads and no waits, and the same seed gives the
same run.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import count
from statistics import mean, median
from typing import Any
from unittest.mock import patch

from aliyun.log.consumer import ConsumerProcessorBase, ConsumerWorker

from sls_syslog import ShipperSettings, ShipperStats, consumer_config
from sls_syslog.delivery.batches import Batch
from sls_syslog.delivery.ledger import Tally, open_ledger
from sls_syslog.delivery.window import Delivery
from sls_syslog.network.confirmation import State
from sls_syslog.network.deadline import Stop
from sls_syslog.network.destination import Destination
from sls_syslog.network.sentinel import Sentinel, Sentinels
from sls_syslog.testing.sls_consumer_group import ServerRules
from sls_syslog.testing.sls_model import SlsModel
from sls_syslog.testing.sls_shard import SlsError, encode_cursor

__all__ = ["Found", "Scenario", "simulate"]

_BEGAN = 1_790_000_000.0  # seconds since the epoch
_STORE, _GROUP = "logs", "siem"
# The parts of the SDK that read the clock.
_TIMED = ("worker", "heart_beat", "shard_worker", "checkpoint_tracker")
# Seconds of one task of the SDK: a request to SLS, and the receiver's answer. A few ms more or less
# change nothing: the SDK looks for the end of a task each 100 ms.
_TASK_SECONDS = 0.02
# Seconds of work between two pauses of the SDK's loop.
_LOOP_SECONDS = 0.001
_START_SPREAD = 5.0  # seconds in which the consumers of a new group start
_LOG_SECONDS = 1.0  # each shard gets a log each second


@dataclass(frozen=True)
class Scenario:
    """What happens to a consumer group.

    Attributes:
        name: Its name in the table.
        shards: Shards of the Logstore.
        consumers: Consumers of the group.
        kill_seconds: Mean seconds between two kills.
        victims: Consumers that each kill hits.
        restart_seconds: Seconds from a kill until the consumer runs again. None means never.
        keeps_names: Whether it then has its old name.
        seconds: Seconds with kills. Before them the group settles; after them it recovers.
        is_regular: Whether all times between two kills are equal.
    """

    name: str
    shards: int
    consumers: int
    kill_seconds: float
    victims: int = 1
    restart_seconds: float | None = 6.0
    keeps_names: bool = True
    seconds: float = 200.0
    is_regular: bool = False


@dataclass
class Found:
    """What was seen of a group.

    Attributes:
        kills: Kills that hit a consumer with shards.
        take_ups: For each shard of a killed consumer, the seconds until its next checkpoint.
        outages: For each kill, the seconds until the last of its shards has one.
        pause: The longest time between two fetches of any shard. NaN means unknown.
        seconds: Seconds in which the figures below were counted.
        requests: Requests to SLS by operation.
        opened: Connections that were open, each second.
        silent: Those of them over which nothing was sent. Empty means unknown.
        new_connections: Connections with logs that were opened.
        logs: Logs that were sent.
        copies: Of these, logs that had been sent before.
    """

    kills: int = 0
    take_ups: list[float] = field(default_factory=list)
    outages: list[float] = field(default_factory=list)
    pause: float = math.nan
    seconds: float = 0.0
    requests: Counter[str] = field(default_factory=Counter)
    opened: list[int] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)
    new_connections: int = 0
    logs: int = 0
    copies: int = 0

    def rate(self, *operations: str) -> float:
        """Return requests a second, of some operations or of all."""
        counted = operations or tuple(self.requests)
        return sum(self.requests[operation] for operation in counted) / self.seconds

    def describe(self) -> dict[str, str]:
        """Return the figures as cells of a table, by what they are."""
        return {
            "kills": f"{self.kills}",
            "s until a shard is taken up again: median": _format(self.take_ups, median),
            "worst": _format(self.take_ups, max),
            "s until all shards of a kill are: median": _format(self.outages, median),
            "longest pause of any shard, s": "" if math.isnan(self.pause) else f"{self.pause:.0f}",
            "requests/s": f"{self.rate():,.1f}",
            "of them fetches": f"{self.rate('PullLogs'):,.1f}",
            "checkpoints": f"{self.rate('ConsumerGroupUpdateCheckPoint'):,.2f}",
            "heartbeats": f"{self.rate('ConsumerGroupHeartBeat'):.2f}",
            "connections to the receiver: mean": _format(self.opened, mean),
            "most": _format(self.opened, max),
            "of them silent: mean": _format(self.silent, mean),
            "new ones with logs/s": f"{self.new_connections / self.seconds:,.1f}",
            "logs sent again": f"{self.copies / max(1, self.logs):.1%}",
        }


def _format(values: Sequence[float], choose: Callable[[Sequence[float]], float]) -> str:
    return f"{choose(values):,.0f}" if values else ""


class _Pause(BaseException):  # no error: the SDK catches Exception
    """Raised where the SDK would sleep: it has done all that it does before that."""


class _Clock:
    """Virtual time, and what will happen in it. It stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = _BEGAN
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def time(self) -> float:
        return self.now

    def sleep(self, _seconds: float) -> None:
        raise _Pause

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), call))

    def repeat(self, seconds: float, call: Callable[[], None]) -> None:
        """Call something from now on, again and again."""
        call()
        self.call_later(seconds, partial(self.repeat, seconds, call))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, call = heapq.heappop(self._events)
            call()
        self.now = until


class _Future:
    """The result of a task that is done a moment later."""

    def __init__(self, clock: _Clock, result: Any) -> None:
        self._clock = clock
        self._result = result
        self._done_at = clock.now + _TASK_SECONDS

    def done(self) -> bool:
        return self._clock.now >= self._done_at

    def result(self) -> Any:
        return self._result

    def cancel(self) -> None:
        """Nothing to do: the task has run."""


class _Executor:
    """Runs each task at once, and says later that it is done."""

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock

    def submit(self, task: Callable[..., Any], *args: Any, **options: Any) -> _Future:
        return _Future(self._clock, task(*args, **options))


class _Connection:
    """A connection to the receiver, as `Sentinels` use one."""

    address = "siem"

    def __init__(self, world: _World, opened: set[_Connection]) -> None:
        self._clock = world.clock
        self._opened = opened
        self._made_at = world.clock.now
        opened.add(self)

    @property
    def age(self) -> float:
        return self._clock.now - self._made_at

    def drain(self) -> None:
        """Nothing comes: the receiver stands."""

    def close(self) -> None:
        self._opened.discard(self)


class _Transport:
    """A transport to a receiver that always confirms: `StreamTransport` at `consumed`."""

    state = State.IDLE
    level = "consumed"
    acknowledged = 0
    trail = 0.0

    def __init__(self, world: _World, process: _Process) -> None:
        self.destination = process.destination
        self._world = world
        self._process = process
        self._connection: Any = None
        self._sentinel: Sentinel | None = None
        self._rests_since = -math.inf

    def connect(self) -> None:
        if self._connection is None:
            self._connection = self._take_over() or self._open()
            self._process.in_use += 1
            self._world.found.new_connections += 1
            sentinels: Any = self.destination.sentinels
            self._sentinel = sentinels.join(_Connection.address, self._open)

    def send(self, frames: Iterable[bytes]) -> None:
        self.connect()

    def confirm(self, *, watched: bool = False) -> bool:
        self._end()
        self._rests_since = self._world.clock.now
        return True

    def watch(self) -> None:
        self.connect()

    def retire(self) -> None:
        share = self.destination.timings.sentinel_share
        if self._connection is None and self._world.clock.now - self._rests_since > share:
            self._leave()

    def close(self) -> None:
        self._end()
        self._leave()

    def _open(self) -> _Connection:
        return _Connection(self._world, self._process.connections)

    def _take_over(self) -> Any:
        sentinel, self._sentinel = self._sentinel, None
        return sentinel and sentinel.take_over(self._world.settings.idle_seconds)

    def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._process.in_use -= 1
            connection.close()

    def _leave(self) -> None:
        sentinel, self._sentinel = self._sentinel, None
        if sentinel is not None:
            sentinel.leave()


@dataclass(frozen=True)
class _Answer:
    """The answer to a fetch, as the SDK's tasks read it."""

    begin: int
    end: int
    size: int

    def get_next_cursor(self) -> str:
        return encode_cursor(self.end)

    def get_loggroup_count(self) -> int:
        return self.end - self.begin

    def get_raw_size(self) -> int:
        return self.size

    def get_loggroup_list(self) -> _Answer:
        return self


class _Processor(ConsumerProcessorBase):
    """Does what `Shard` does around a `Delivery`: deliver, poll before a fetch, save."""

    def __init__(self, world: _World, process: _Process) -> None:
        super().__init__()
        self._world = world
        self._process = process
        self._delivery: Delivery | None = None
        self._tracker: Any = None
        self._busy_until = -math.inf

    def initialize(self, shard: int) -> None:
        super().initialize(shard)
        self._process.processors[shard] = self

    def process(self, log_groups: Any, check_point_tracker: Any) -> None:
        self._busy_until = self._world.clock.now + _TASK_SECONDS
        delivery = self._delivery or self._begin(check_point_tracker)
        logs = log_groups.get_loggroup_count()
        self._world.note_sent(self.shard_id, log_groups)
        tally = Tally(logs=logs, size=log_groups.get_raw_size())
        delivery.deliver(Batch([b"<14>1"] * logs, encode_cursor(log_groups.end), tally))
        self._save(delivery)

    def poll(self) -> None:
        """Confirm what is due, unless `process` is at work."""
        if self._delivery is not None and self._world.clock.now >= self._busy_until:
            self._delivery.poll()
            self._save(self._delivery)

    def shutdown(self, check_point_tracker: Any) -> None:
        delivery = self._delivery or self._begin(check_point_tracker)
        delivery.flush()
        self._save(delivery)
        delivery.close()
        self._process.processors.pop(self.shard_id, None)

    def _begin(self, tracker: Any) -> Delivery:
        self._tracker = tracker
        start = tracker.get_check_point()
        self._delivery = Delivery(
            self._world.settings,
            _Transport(self._world, self._process),
            Stop(),
            open_ledger(self._process.stats, f"{_STORE}/{self.shard_id}"),
            start,
            clock=self._world.clock.time,
        )
        self._save(self._delivery)
        return self._delivery

    def _save(self, delivery: Delivery) -> None:
        if delivery.committable:
            self._tracker.save_check_point(True, delivery.committable)


class _Client:
    """The SDK's `ConsumerClient`, whose requests are calls of the model."""

    mproject = mlogstore = mconsumer_group = ""

    def __init__(self, world: _World, process: _Process) -> None:
        self.mconsumer = process.name
        self._world = world
        self._process = process

    def ensure_consumer_group_created(self, timeout: int, in_order: bool) -> None:
        self._world.count("ListConsumerGroup")
        if _GROUP in self._world.store.consumer_groups:
            self._world.count("UpdateConsumerGroup")
            return
        self._world.count("CreateConsumerGroup")
        self._world.store.add_consumer_group(_GROUP, timeout=timeout, in_order=in_order)

    def heartbeat(self, shards: list[int], responce: list[int]) -> bool:
        self._world.count("ConsumerGroupHeartBeat")
        try:
            responce.extend(self._world.group.accept_heartbeat(self.mconsumer, shards))
        except SlsError:
            return False
        return True

    def get_check_point(self, shard: int) -> dict[str, str]:
        self._world.count("GetCheckPoint")
        stored = self._world.group.checkpoints.get(shard)
        return {"checkpoint": stored.cursor if stored else ""}

    def update_check_point(self, shard: int, consumer: str, cursor: str) -> None:
        self._world.count("ConsumerGroupUpdateCheckPoint")
        self._world.group.save_checkpoint(shard, cursor, consumer=consumer, force=True)
        self._world.note_checkpoint(shard)

    def get_cursor(self, shard: int, _time: str = "") -> str:
        self._world.count("GetCursor")
        return encode_cursor(self._world.store.get_shard(shard).begin)

    get_begin_cursor = get_end_cursor = get_cursor

    def pull_logs(self, shard: int, cursor: str, count: int = 1000, **_: Any) -> _Answer:
        processor = self._process.processors.get(shard)
        if processor is not None:
            processor.poll()
        self._world.count("PullLogs")
        self._world.note_fetch(shard)
        begin, groups = self._world.store.pull(shard, cursor, count)
        return _Answer(begin, begin + len(groups), sum(map(len, groups)))


class _Process:
    """One consumer process: the SDK's worker and heartbeat, and what they share."""

    def __init__(self, world: _World, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.processors: dict[int, _Processor] = {}
        self.connections: set[_Connection] = set()
        self.in_use = 0  # of the connections; the others are silent
        self.stats = ShipperStats()
        self.destination = Destination("siem")
        self.destination.sentinels = Sentinels(clock=world.clock.time)
        self._clock = world.clock
        client = _Client(world, self)
        executor: Any = _Executor(world.clock)
        config = _make_config(consumer_name=name, shared_executor=executor)
        with patch("aliyun.log.consumer.worker.ConsumerClient", lambda *_, **__: client):
            self._worker: Any = ConsumerWorker(_Processor, config, args=(world, self))
        world.count("GetCheckPoint")  # what run_worker says of the group in its first line
        beat = self._worker.heart_beat
        beat.start = lambda: None  # no thread: `_go_on` calls it
        self._go_on(beat.run, config.heartbeat_interval)
        self._go_on(self._worker.run, config.data_fetch_interval + _LOOP_SECONDS)

    def kill(self) -> None:
        """Let the process end at once, as SIGKILL does: the kernel closes its connections."""
        self.is_dead = True
        self.connections.clear()
        self.in_use = 0

    def _go_on(self, run: Callable[[], None], seconds: float) -> None:
        """Let a loop of the SDK run until its next pause, again and again."""
        if self.is_dead:
            return
        try:
            run()
        except _Pause:
            self._clock.call_later(seconds, partial(self._go_on, run, seconds))


class _World:
    """SLS, the receiver, the consumers, and what is seen of them."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.clock = _Clock()
        self.found = Found()
        self.settings = ShipperSettings(host="siem")
        self._scenario = scenario
        self._chance = random.Random(seed)
        self._model = SlsModel(self.clock.time, ServerRules())
        self._model.create_logstore(_STORE, scenario.shards)
        self.store = self._model.get_logstore(_STORE)
        self._alive: list[_Process] = []
        self._names = count(1)
        self._awaited: dict[int, list[_Kill]] = {}
        self._fetched_at: dict[int, float] = {}
        self._sent_to: dict[int, int] = {}

    @property
    def group(self) -> Any:
        return self.store.get_consumer_group(_GROUP)

    def count(self, operation: str) -> None:
        self.found.requests[operation] += 1

    def note_checkpoint(self, shard: int) -> None:
        now = self.clock.now
        for kill in self._awaited.pop(shard, ()):
            self.found.take_ups.append(now - kill.at)
            kill.shards.discard(shard)
            if not kill.shards:
                self.found.outages.append(now - kill.at)

    def note_fetch(self, shard: int) -> None:
        before = self._fetched_at.get(shard, self.clock.now)
        self.found.pause = max(self.found.pause, self.clock.now - before)
        self._fetched_at[shard] = self.clock.now

    def note_sent(self, shard: int, answer: _Answer) -> None:
        sent_to = self._sent_to.get(shard, 0)
        self.found.logs += answer.end - answer.begin
        self.found.copies += max(0, min(answer.end, sent_to) - answer.begin)
        self._sent_to[shard] = max(answer.end, sent_to)

    def run(self) -> Found:
        """Start the group, let it settle, kill, and let it recover."""
        scenario, clock = self._scenario, self.clock
        clock.repeat(_LOG_SECONDS, self._put)
        for _ in range(scenario.consumers):
            clock.call_later(self._chance.uniform(0, _START_SPREAD), self._start)
        clock.run(clock.now + _START_SPREAD + _settling())
        self.found = Found(pause=0.0)
        self._fetched_at.clear()
        counted_from = clock.now
        clock.repeat(1.0, self._sample)
        self._plan_kills(scenario.seconds)
        clock.run(clock.now + scenario.seconds + _settling())
        self.found.seconds = clock.now - counted_from
        return self.found

    def _put(self) -> None:
        for shard in self.store.shards:
            self.store.put(b"log", shard)

    def _sample(self) -> None:
        used = sum(process.in_use for process in self._alive)
        opened = sum(len(process.connections) for process in self._alive)
        self.found.opened.append(opened)
        self.found.silent.append(opened - used)

    def _start(self, name: str | None = None) -> None:
        self._alive.append(_Process(self, name or f"consumer-{next(self._names)}"))

    def _plan_kills(self, seconds: float) -> None:
        wait = self._draw_wait()
        while wait <= seconds:
            self.clock.call_later(wait, self._kill)
            wait += self._draw_wait()

    def _draw_wait(self) -> float:
        mean_seconds = self._scenario.kill_seconds
        if self._scenario.is_regular:
            return mean_seconds
        return self._chance.expovariate(1 / mean_seconds)

    def _kill(self) -> None:
        scenario = self._scenario
        victims = self._chance.sample(self._alive, min(scenario.victims, len(self._alive)))
        names = {victim.name for victim in victims}
        owners = self.group.list_owners()
        kill = _Kill(self.clock.now, {shard for shard, owner in owners.items() if owner in names})
        for shard in kill.shards:
            self._awaited.setdefault(shard, []).append(kill)
        self.found.kills += bool(kill.shards)
        for victim in victims:
            victim.kill()
            self._alive.remove(victim)
            if scenario.restart_seconds is not None:
                name = victim.name if scenario.keeps_names else None
                self.clock.call_later(scenario.restart_seconds, partial(self._start, name))


@dataclass(eq=False)
class _Kill:
    """A kill, and the shards that are not taken up again yet."""

    at: float
    shards: set[int]


def _settling() -> float:
    """Return the seconds in which a group settles: the timeout, and some heartbeats."""
    return 5.0 * float(_make_config().heartbeat_interval)


def _make_config(**options: Any) -> Any:
    """Make a configuration with our defaults, of an SLS that does not exist."""
    words: Any = dict.fromkeys(("endpoint", "access_key_id", "access_key", "project"), "x.invalid")
    return consumer_config(**words, logstore=_STORE, consumer_group_name=_GROUP, **options)


@contextmanager
def _virtual_time(clock: _Clock) -> Iterator[None]:
    """Let the SDK read a virtual clock in a block."""
    with ExitStack() as stack:
        for name in _TIMED:
            module = import_module(f"aliyun.log.consumer.{name}")
            stack.enter_context(patch.object(module, "time", clock))
        yield


def simulate(scenario: Scenario, seed: int = 1) -> Found:
    """Let a scenario happen in virtual time.

    Args:
        scenario: What happens.
        seed: Of all that is random.
    """
    world = _World(scenario, seed)
    with _virtual_time(world.clock):
        return world.run()
