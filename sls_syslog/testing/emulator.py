"""``SlsEmulator``: a Simple Log Service project on loopback, for tests and demonstrations.

Programs reach it over HTTP with the unmodified SDK, consumer groups included. It keeps all state
in memory and promises nothing about durability.
"""

from __future__ import annotations

import secrets
import time as _time
from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType

from sls_syslog.testing.loggroup import Fields, LogEntry, Text, encode_log_group
from sls_syslog.testing.sls_consumer_group import ServerRules
from sls_syslog.testing.sls_faults import Fault
from sls_syslog.testing.sls_http import SlsApi, SlsHttpServer
from sls_syslog.testing.sls_model import Logstore, SlsModel
from sls_syslog.testing.sls_operations import OPERATIONS
from sls_syslog.testing.sls_shard import encode_cursor

__all__ = ["SlsEmulator"]

# The SDK joins project and endpoint to a host name (aliyun/log/logclient.py, _send); these two
# join to an address, so that no name has to be resolved and no proxy to be set.
_LOOPBACK_PROJECT, _LOOPBACK_ENDPOINT = "127", "0.0.1"


class SlsEmulator:
    """An SLS project in this process: a context manager, or ``start`` and ``stop``.

    What is put before the start is served after it, and a stop keeps everything, so that
    ``stop()`` and ``start()`` are an outage of the service.

    Args:
        shards: How many shards the first Logstore has.
        logstore: The first Logstore's name.
        project: The project's name. "127" is reached directly; any other name only through
            the ``http_proxy`` that ``environ`` sets.
        access_key_id: The AccessKey ID that requests have to be signed with.
        access_key_secret: Its secret. None makes one up.
        port: The port on 127.0.0.1. 0 lets the kernel choose, once: later starts take it again.
        clock: Returns seconds since the epoch; decides receive times and evictions.
        check_signatures: False takes any signature, and none.
        honour_force_success: False refuses checkpoints of who does not own the shard, also when
            sent with forceSuccess, as the SDK always does.
        refuse_expired_cursor: False serves a cursor older than the oldest log from that log on,
            instead of refusing it with InvalidCursor.
        over_at_heartbeat: False looks only when a checkpoint is stored, not with each heartbeat,
            whether a split shard is consumed.
        reads_per_second: PullLogs a shard answers in a second before ShardReadQuotaExceed.
            None means no limit.

    Raises:
        ValueError: If ``shards`` is less than one.
    """

    def __init__(
        self,
        *,
        shards: int = 1,
        logstore: str = "logs",
        project: str = _LOOPBACK_PROJECT,
        access_key_id: str = "emulator",
        access_key_secret: str | None = None,
        port: int = 0,
        clock: Callable[[], float] = _time.time,
        check_signatures: bool = True,
        honour_force_success: bool = True,
        refuse_expired_cursor: bool = True,
        over_at_heartbeat: bool = True,
        reads_per_second: int | None = None,
    ) -> None:
        self.project = project
        self.logstore = logstore
        self.access_key_id = access_key_id
        self.access_key_secret = access_key_secret or secrets.token_hex(16)
        rules = ServerRules(
            honour_force_success=honour_force_success,
            refuse_expired_cursor=refuse_expired_cursor,
            over_at_heartbeat=over_at_heartbeat,
            reads_per_second=reads_per_second,
        )
        keys = {access_key_id: self.access_key_secret} if check_signatures else None
        self._model = SlsModel(clock, rules)
        self._api = SlsApi(project, self._model, keys)
        self._clock = clock
        self._port = port
        self._server: SlsHttpServer | None = None
        self.create_logstore(logstore, shards)

    def __enter__(self) -> SlsEmulator:
        self.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen on 127.0.0.1; does nothing when it already does.

        Raises:
            OSError: If the port is taken.
        """
        if self._server is None:
            self._api.closing.clear()
            self._server = SlsHttpServer(self._port, self._api)
            self._port = self._server.server_port
            self._server.start()

    def stop(self) -> None:
        """Cut all connections and listen no more; does nothing when it does not listen."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def port(self) -> int:
        """The port on 127.0.0.1; 0 until the kernel has chosen one."""
        return self._port

    @property
    def endpoint(self) -> str:
        """What the SDK wants as its endpoint."""
        if self.project == _LOOPBACK_PROJECT:
            return f"{_LOOPBACK_ENDPOINT}:{self._port}"
        return "localhost"

    @property
    def calls(self) -> Counter[str]:
        """How many requests came so far, by operation; a copy."""
        with self._model.changed:
            return Counter(self._api.calls)

    def environ(
        self, consumer_group: str = "sls-syslog", *, logstore: str | None = None
    ) -> dict[str, str]:
        """Return the environment variables with which an unmodified program gets here.

        Args:
            consumer_group: The consumer group's name, created by the program.
            logstore: The Logstore. None means the first.

        Returns:
            Alibaba's documented variables, and what keeps (or makes) the machine's proxy settings
            from leading elsewhere.
        """
        direct = self.project == _LOOPBACK_PROJECT
        proxy = {} if direct else {"http_proxy": f"http://127.0.0.1:{self._port}"}
        exempt = "127.0.0.1" if direct else ""
        return {
            "SLS_ENDPOINT": self.endpoint,
            "SLS_AK_ID": self.access_key_id,
            "SLS_AK_KEY": self.access_key_secret,
            "SLS_PROJECT": self.project,
            "SLS_LOGSTORE": logstore or self.logstore,
            "SLS_CG": consumer_group,
            "NO_PROXY": exempt,
            "no_proxy": exempt,
        } | proxy

    def create_logstore(self, name: str, shards: int = 1) -> None:
        """Create another Logstore.

        Raises:
            SlsError: If there is one of that name.
            ValueError: If ``shards`` is less than one.
        """
        with self._model.changed:
            self._model.create_logstore(name, shards)

    def put_logs(
        self,
        logs: Iterable[Fields | LogEntry],
        *,
        shard: int | None = None,
        topic: Text = "",
        source: Text = "127.0.0.1",
        tags: Fields | None = None,
        time: int | None = None,
        time_ns: int | None = None,
        logstore: str | None = None,
    ) -> int:
        """Store logs as one LogGroup.

        Args:
            logs: Mappings, sequences of (key, value) pairs, or ``LogEntry`` tuples; str or bytes.
            shard: Where to. None takes the writable shards in turn.
            topic: The group's topic.
            source: The group's source.
            tags: The group's tags, without the ``__tag__:`` prefix.
            time: Seconds since the epoch. None means now.
            time_ns: Nanoseconds within the second. None writes none.
            logstore: The Logstore. None means the first.

        Returns:
            The number of the shard that has it.

        Raises:
            SlsError: If the shard does not exist or is read-only.
        """
        raw = encode_log_group(
            logs,
            topic=topic,
            source=source,
            tags=tags,
            time=int(self._clock()) if time is None else time,
            time_ns=time_ns,
        )
        return self.put_group(raw, shard=shard, logstore=logstore)

    def put_group(
        self, raw: bytes, *, shard: int | None = None, logstore: str | None = None
    ) -> int:
        """Store an encoded LogGroup as it is, be it valid or not.

        Args:
            raw: The bytes, such as ``encode_log_group`` returns.
            shard: Where to. None takes the writable shards in turn.
            logstore: The Logstore. None means the first.

        Returns:
            The number of the shard that has it.

        Raises:
            SlsError: If the shard does not exist or is read-only.
        """
        with self._model.changed:
            return self._logstore(logstore).put(raw, shard)

    def checkpoints(self, consumer_group: str, *, logstore: str | None = None) -> dict[int, str]:
        """Return the stored checkpoints by shard; shards without one are left out."""
        with self._model.changed:
            group = self._logstore(logstore).consumer_groups.get(consumer_group)
            return {n: at.cursor for n, at in group.checkpoints.items()} if group else {}

    def begin_cursors(self, *, logstore: str | None = None) -> dict[int, str]:
        """Return the cursor of each shard's oldest log."""
        with self._model.changed:
            shards = self._logstore(logstore).shards
            return {number: encode_cursor(shard.begin) for number, shard in shards.items()}

    def end_cursors(self, *, logstore: str | None = None) -> dict[int, str]:
        """Return the cursor of each shard's next log."""
        with self._model.changed:
            shards = self._logstore(logstore).shards
            return {number: encode_cursor(shard.end) for number, shard in shards.items()}

    def drained(self, consumer_group: str, *, logstore: str | None = None) -> bool:
        """Whether every shard that ever held a log has its end as its checkpoint."""
        with self._model.changed:
            return not self._unfinished(consumer_group, logstore)

    def wait_until_drained(
        self, consumer_group: str, timeout: float = 30, *, logstore: str | None = None
    ) -> None:
        """Wait until ``drained``.

        Args:
            consumer_group: The consumer group's name.
            timeout: Seconds to wait at most.
            logstore: The Logstore. None means the first.

        Raises:
            TimeoutError: If it takes longer; names the shards that are behind.
        """
        with self._model.changed:
            if not self._model.changed.wait_for(
                lambda: not self._unfinished(consumer_group, logstore), timeout
            ):
                behind = self._unfinished(consumer_group, logstore)
                raise TimeoutError(f"not drained in {timeout} s: shards {behind}")

    def owners(self, consumer_group: str, *, logstore: str | None = None) -> dict[int, str | None]:
        """Return which consumer holds each shard; None where nobody does.

        Raises:
            SlsError: If the group does not exist.
        """
        with self._model.changed:
            return self._logstore(logstore).consumer_group(consumer_group).owners()

    def split_shard(self, shard: int, *, logstore: str | None = None) -> tuple[int, ...]:
        """Split a shard in the middle; it becomes read-only.

        Returns:
            The numbers of its two children.

        Raises:
            SlsError: If the shard does not exist or is read-only.
        """
        with self._model.changed:
            _parent, *children = self._logstore(logstore).split(shard)
            return tuple(child.id for child in children)

    def expire(self, shard: int, groups: int | None = None, *, logstore: str | None = None) -> None:
        """Forget a shard's oldest LogGroups, as the Logstore's TTL does.

        Args:
            shard: The shard.
            groups: How many. None means all that are there.
            logstore: The Logstore. None means the first.

        Raises:
            SlsError: If the shard does not exist.
        """
        with self._model.changed:
            self._logstore(logstore).shard(shard).expire(groups)

    def delete_consumer_group(self, name: str, *, logstore: str | None = None) -> None:
        """Delete a consumer group with its checkpoints.

        Raises:
            SlsError: If it does not exist.
        """
        with self._model.changed:
            store = self._logstore(logstore)
            del store.consumer_groups[store.consumer_group(name).name]

    def evict(self, consumer_group: str, consumer: str, *, logstore: str | None = None) -> None:
        """Remove a consumer from its group, as if it had been silent for too long.

        Raises:
            SlsError: If the group or the consumer does not exist.
        """
        with self._model.changed:
            self._logstore(logstore).consumer_group(consumer_group).evict(consumer)

    def fail(
        self,
        operation: str,
        *,
        status: int | None = 500,
        code: str = "InternalServerError",
        message: str = "a fault that was asked for",
        times: int | None = 1,
        delay: float = 0.0,
        drop: bool = False,
        after: int = 0,
    ) -> None:
        """Make requests fail; several faults of one operation follow one another.

        Args:
            operation: The operation's name in the API reference, such as "PullLogs".
            status: The answer's HTTP status. None: served as usual, ``delay`` late.
            code: The answer's errorCode.
            message: The answer's errorMessage.
            times: How many requests are hit. None: all, until ``clear_faults``.
            delay: Seconds before the answer.
            drop: Close the connection without an answer.
            after: How many requests pass first.

        Raises:
            ValueError: If there is no such operation.
        """
        if operation not in OPERATIONS:
            raise ValueError(f"unknown operation {operation!r}; there are {', '.join(OPERATIONS)}")
        fault = Fault(
            status=status,
            code=code,
            message=message,
            times=times,
            delay=delay,
            drop=drop,
            after=after,
        )
        self._api.faults.add(operation, fault)

    def clear_faults(self) -> None:
        """Forget all planned faults."""
        self._api.faults.clear()

    def _logstore(self, name: str | None) -> Logstore:
        return self._model.logstore(name or self.logstore)

    def _unfinished(self, consumer_group: str, logstore: str | None) -> list[int]:
        store = self._logstore(logstore)
        group = store.consumer_groups.get(consumer_group)
        return [
            shard.id
            for shard in store.shards.values()
            if shard.ever_written and not (group and group.is_consumed(shard))
        ]
