"""Protocols of everything of the SDK that this package relies on, private attributes included.

``tests/consumer/test_sdk.py`` looks for each member in the installed SDK (``aliyun/log``). This
module must hold no behaviour: only ``patches.py`` changes the SDK's objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Protocol

import requests
from aliyun.log.consumer import CursorPosition

from sls_syslog.logs.protobuf import LogGroupList

__all__ = [
    "Answer",
    "CheckpointTracker",
    "CheckpointsResponse",
    "ConsumerClient",
    "ConsumerGroup",
    "CursorResponse",
    "GroupsResponse",
    "HeartBeat",
    "LogClient",
    "Options",
    "Processor",
    "PullResponse",
    "ShardConsumer",
    "ShardsResponse",
    "Worker",
    "WorkerLoop",
]


class Answer(Protocol):
    """``LogResponse``: an answer of SLS (``logresponse.py``)."""

    def get_header(self, key: str) -> str:
        """Return a header; empty if the answer has none of that name."""
        ...

    def get_all_headers(self) -> dict[str, str]:
        """Return all headers."""
        ...


class PullResponse(Answer, Protocol):
    """``PullLogResponse``: the answer to one fetch (``pulllog_response.py``)."""

    def get_next_cursor(self) -> str:
        """Return the cursor after the batch; empty if SLS gave none."""
        ...

    def get_loggroup_count(self) -> int:
        """Return the number of groups, as SLS's header gives it."""
        ...

    def get_loggroup_list(self) -> LogGroupList:
        """Parse the batch at the first call; return the same object at each call."""
        ...


class ShardsResponse(Answer, Protocol):
    """``ListShardResponse`` (``shard_response.py``)."""

    def get_shards_info(self) -> list[dict[str, Any]]:
        """Return the shards; the number of each is its ``shardID``."""
        ...


class CheckpointsResponse(Answer, Protocol):
    """``ConsumerGroupCheckPointResponse`` (``consumer_group_response.py``)."""

    def get_consumer_group_check_points(self) -> list[dict[str, Any]]:
        """Return for each shard its number, checkpoint, time in microseconds, and consumer."""
        ...


class CursorResponse(Answer, Protocol):
    """``GetCursorResponse`` (``cursor_response.py``)."""

    def get_cursor(self) -> str:
        """Return the cursor."""
        ...


class ConsumerGroup(Protocol):
    """``ConsumerGroupEntity`` (``consumer_group_response.py``)."""

    def get_consumer_group_name(self) -> str:
        """Return the name."""
        ...


class GroupsResponse(Protocol):
    """``ListConsumerGroupResponse`` (``consumer_group_response.py``)."""

    def get_consumer_groups(self) -> Sequence[ConsumerGroup]:
        """Return the consumer groups of a Logstore."""
        ...


class LogClient(Protocol):
    """Requests to SLS: their signatures, retries and connections (``logclient.py``)."""

    timeout: float
    _session: requests.Session
    _auth: object
    _auth_version: str
    _region: str
    _credentials_auto_refresher: Callable[[], Sequence[str | None]]

    def _replace_credentials(self) -> None:
        """Ask the user's ``credentials_refresher`` for new credentials."""
        ...

    def _send(
        self,
        method: str,
        project: str,
        body: Any,
        resource: str,
        params: dict[str, Any],
        headers: dict[str, str],
    ) -> Any:
        """Send a request, again and again where this may help; return body and headers."""
        ...

    def list_consumer_group(self, project: str, logstore: str) -> GroupsResponse:
        """List the consumer groups of a Logstore."""
        ...

    def create_consumer_group(
        self, project: str, logstore: str, consumer_group: str, timeout: int, in_order: bool
    ) -> object:
        """Create a consumer group."""
        ...

    def update_consumer_group(
        self, project: str, logstore: str, consumer_group: str, timeout: int, in_order: bool
    ) -> object:
        """Set the timeout and the order of a consumer group."""
        ...

    def list_shards(self, project_name: str, logstore_name: str) -> ShardsResponse:
        """List the shards of a Logstore."""
        ...

    def get_cursor(
        self, project_name: str, logstore_name: str, shard_id: int, start_time: int | str
    ) -> CursorResponse:
        """Return the cursor of a time, of ``begin`` or of ``end``."""
        ...

    def get_check_point(
        self, project: str, logstore: str, consumer_group: str, shard: int = -1
    ) -> CheckpointsResponse:
        """Return the checkpoints of a group, of all shards by default."""
        ...

    def pull_logs(
        self,
        project_name: str,
        logstore_name: str,
        shard_id: int,
        cursor: str,
        count: int | None = None,
        end_cursor: str | None = None,
    ) -> PullResponse:
        """Fetch one batch."""
        ...


class ConsumerClient(Protocol):
    """The requests to SLS of all shards of one worker (``consumer/consumer_client.py``)."""

    mclient: LogClient
    mproject: str
    mlogstore: str
    mconsumer_group: str

    def heartbeat(self, shards: list[int], responce: list[int] | None = None) -> bool:
        """Send one heartbeat; add the shards that SLS assigns to ``responce``."""
        ...

    def pull_logs(
        self, shard_id: int, cursor: str, end_cursor: str | None = None, **options: Any
    ) -> PullResponse:
        """Fetch one batch."""
        ...

    def ensure_consumer_group_created(self, timeout: int, in_order: bool) -> None:
        """Create the consumer group or update it; the worker's constructor calls it."""
        ...

    def get_begin_cursor(self, shard_id: int) -> str:
        """Return the cursor of the oldest log."""
        ...

    def get_end_cursor(self, shard_id: int) -> str:
        """Return the cursor after the newest log."""
        ...

    def get_cursor(self, shard_id: int, start_time: int | str) -> str:
        """Return the cursor of a time, of ``begin`` or of ``end``."""
        ...


class CheckpointTracker(Protocol):
    """``ConsumerCheckpointTracker``: the checkpoint of one shard."""

    consumer_group_client: ConsumerClient
    shard_id: int
    last_persistent_checkpoint: str

    def get_cursor(self) -> str:
        """Return the cursor after the batch that is processed now."""
        ...

    def set_cursor(self, cursor: str) -> None:
        """Set the cursor that ``save_check_point`` saves by default."""
        ...

    def get_check_point(self) -> str:
        """Return the cursor that was saved last, in memory or in SLS."""
        ...

    def save_check_point(self, persistent: bool, cursor: str | None = None) -> None:
        """Save a cursor in memory, and in SLS if ``persistent``."""
        ...

    def flush_check_point(self) -> None:
        """Save in SLS what is saved in memory only."""
        ...


class Processor(Protocol):
    """The part of ``ConsumerProcessorBase`` that a worker reads from a processor."""

    shard_id: int
    _preprocessor: Callable[..., LogGroupList]


class ShardConsumer(Protocol):
    """``ShardConsumerWorker``: the tasks of one shard (``consumer/shard_worker.py``)."""

    processor: Processor
    checkpoint_tracker: CheckpointTracker
    executor: Executor
    last_fetch_log_group: object | None
    fetch_end_cursor: str | None
    shutdown: bool

    def shut_down(self) -> None:
        """Take one step towards the end of this shard; return at once."""
        ...

    def is_shutdown(self) -> bool:
        """Return whether the shard has ended."""
        ...

    def fetch_data(self) -> None:
        """Start the next fetch if it is time for it."""
        ...

    def _sample_log_error(self, result: object) -> None:
        """Log the error of a task, once in five seconds."""
        ...


class HeartBeat(Protocol):
    """``ConsumerHeatBeat``: the thread that keeps the shards of a worker."""

    daemon: bool

    def run(self) -> None:
        """Send heartbeats until the worker ends; the thread runs this."""
        ...

    @property
    def ident(self) -> int | None:
        """``None`` before the thread starts."""
        ...

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        ...


class Options(Protocol):
    """``LogHubConfig``: the options of a worker that this package reads."""

    @property
    def project(self) -> str:
        """The project."""
        ...

    @property
    def logstore(self) -> str:
        """The Logstore."""
        ...

    @property
    def consumer_name(self) -> str:
        """The name of this consumer, unique in its group."""
        ...

    @property
    def consumer_group_name(self) -> str:
        """The consumer group."""
        ...

    @property
    def cursor_position(self) -> CursorPosition:
        """Where a shard without a checkpoint begins."""
        ...

    @property
    def cursor_start_time(self) -> int | str:
        """When SLS received the first log, if the position is a time."""
        ...

    @property
    def cursor_end_time(self) -> int | str | None:
        """When a range ends; ``None`` for no end."""
        ...

    @property
    def data_fetch_interval(self) -> float:
        """Seconds between two rounds of the worker's loop."""
        ...

    @property
    def consumer_group_time_out(self) -> int:
        """Seconds of silence after which SLS gives the shards to other consumers."""
        ...


class Worker(Protocol):
    """``ConsumerWorker``: the thread that fetches, and hands batches to processors."""

    make_processor: Callable[..., Processor]
    process_args: Sequence[Any]
    process_kwargs: dict[str, Any]
    consumer_client: ConsumerClient
    heart_beat: HeartBeat
    shard_consumers: dict[int, ShardConsumer]
    shut_down_flag: bool

    @property
    def option(self) -> Options:
        """The configuration."""
        ...

    @property
    def executor(self) -> Executor:
        """The threads that fetch and process."""
        ...

    @property
    def ident(self) -> int | None:
        """``None`` before the thread starts."""
        ...

    def start(self, join: bool = False) -> None:
        """Start the thread."""
        ...

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        ...

    def shutdown(self) -> None:
        """Ask the worker to end; return at once."""
        ...

    def shutdown_and_wait(self) -> None:
        """End all shards; the worker's thread calls it last."""
        ...


class WorkerLoop(Protocol):
    """The parts of ``ConsumerWorker`` that its type hints leave out."""

    def run(self) -> None:
        """Fetch and process until a shutdown; the thread runs this."""
        ...

    def _need_stop(self) -> bool:
        """Return whether a range of logs is consumed, so that the worker ends."""
        ...

    def _get_shard_consumer(self, shard_id: int) -> ShardConsumer | None:
        """Return the consumer of a shard, made if it is new; ``None`` if that fails."""
        ...
