"""``SlsEmulator``: a project of Simple Log Service on loopback, for tests and demonstrations.

Programs use it with the unmodified SDK over HTTP, consumer groups included. It keeps all state in
memory: do not store anything of value in it.
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
from sls_syslog.testing.sls_operations import ACTIONS, OPERATIONS
from sls_syslog.testing.sls_shard import encode_cursor

__all__ = ["SlsEmulator"]

# The SDK connects to "{project}.{endpoint}" (aliyun/log/logclient.py, _send). These two make
# 127.0.0.1, so that no name must be resolved and no proxy is needed.
_LOOPBACK_PROJECT, _LOOPBACK_ENDPOINT = "127", "0.0.1"


class SlsEmulator:
    """An SLS project in this process. Use it as a context manager, or call ``start`` and ``stop``.

    ``stop`` keeps all logs and checkpoints: ``stop()``, then ``start()`` simulates an outage.
    Logs may be put before ``start``.

    Args:
        shards: The number of shards of the first Logstore.
        logstore: The name of the first Logstore.
        project: The name of the project. The SDK reaches "127" directly. Any other name needs the
            ``http_proxy`` that ``environ`` sets.
        access_key_id: The AccessKey ID that signs requests.
        access_key_secret: The secret of this AccessKey. None makes a random one.
        port: The port on 127.0.0.1. 0 takes a free port; later starts use the same one.
        clock: Returns seconds since the epoch. Receive times and evictions follow it.
        check_signatures: False accepts wrong and missing signatures.
        honour_force_success: True stores a checkpoint with forceSuccess from any consumer. (The SDK
            always sends forceSuccess.) False stores it only from the shard's owner.
        refuse_expired_cursor: True answers a cursor before the oldest log with InvalidCursor. False
            serves the oldest log instead.
        over_at_heartbeat: True checks at each heartbeat whether a split shard is consumed. False
            checks it only when a checkpoint is stored.
        reads_per_second: Limit of PullLogs per shard and second. Above it the answer is
            ShardReadQuotaExceed. None means no limit.
        longest_skew: Seconds by which the date of a request may differ from ``clock``; the service
            has 900. Above it the answer is RequestTimeExpired. None accepts any date.
        most_consumer_groups: Limit of consumer groups of a Logstore. Above it the answer is
            ConsumerGroupQuotaExceed.

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
        longest_skew: float | None = None,
        most_consumer_groups: int = 30,
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
            most_consumer_groups=most_consumer_groups,
        )
        keys = {access_key_id: self.access_key_secret} if check_signatures else None
        self._model = SlsModel(clock, rules)
        self._api = SlsApi(project, self._model, keys, longest_skew)
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
        """Listen on 127.0.0.1. Do nothing if already started.

        Raises:
            OSError: If another program has the port.
        """
        if self._server is None:
            self._api.closing.clear()
            self._server = SlsHttpServer(self._port, self._api)
            self._port = self._server.server_port
            self._server.start()

    def stop(self) -> None:
        """Close the listening socket and cut all connections. Do nothing if already stopped."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def port(self) -> int:
        """The port on 127.0.0.1. 0 means that ``start`` has not chosen one yet."""
        return self._port

    @property
    def endpoint(self) -> str:
        """The endpoint to give to the SDK."""
        if self.project == _LOOPBACK_PROJECT:
            return f"{_LOOPBACK_ENDPOINT}:{self._port}"
        return "localhost"

    @property
    def calls(self) -> Counter[str]:
        """A copy of the number of requests so far, by operation."""
        with self._model.changed:
            return Counter(self._api.calls)

    def environ(
        self, consumer_group: str = "sls-syslog", *, logstore: str | None = None
    ) -> dict[str, str]:
        """Return the environment variables that lead an unmodified program to this emulator.

        Args:
            consumer_group: The name of the consumer group. The program creates the group.
            logstore: The Logstore. None means the first.

        Returns:
            The variables of Alibaba Cloud's documented program, and proxy variables: they override
            the proxy settings of this machine.
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
            SlsError: If a Logstore of this name exists.
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
        """Store logs as one LogGroup. SLS receives it now, by ``clock``, also if ``time`` is old.

        A range by time (``SLS_START``, ``SLS_END``) goes by this receive time.

        Args:
            logs: Mappings, sequences of (key, value) pairs, or ``LogEntry`` tuples. Keys and values
                are str or bytes.
            shard: The number of the shard. None takes the writable shards in turn.
            topic: The topic of the group.
            source: The source of the group.
            tags: The tags of the group, without the prefix ``__tag__:``. None means no tags.
            time: The logs' own time, in seconds since the epoch. None means now.
            time_ns: Nanoseconds within the second. None omits the field.
            logstore: The Logstore. None means the first.

        Returns:
            The number of the shard that stores the group.

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
        """Store an encoded LogGroup unchanged, even an invalid one.

        Args:
            raw: The encoded group, for example from ``encode_log_group``.
            shard: The number of the shard. None takes the writable shards in turn.
            logstore: The Logstore. None means the first.

        Returns:
            The number of the shard that stores the group.

        Raises:
            SlsError: If the shard does not exist or is read-only.
        """
        with self._model.changed:
            return self._get_logstore(logstore).put(raw, shard)

    def checkpoints(self, consumer_group: str, *, logstore: str | None = None) -> dict[int, str]:
        """Return the stored checkpoint of each shard. Leave out shards without a checkpoint."""
        with self._model.changed:
            group = self._get_logstore(logstore).consumer_groups.get(consumer_group)
            return {n: at.cursor for n, at in group.checkpoints.items()} if group else {}

    def begin_cursors(self, *, logstore: str | None = None) -> dict[int, str]:
        """Return for each shard the cursor of its oldest log."""
        with self._model.changed:
            shards = self._get_logstore(logstore).shards
            return {number: encode_cursor(shard.begin) for number, shard in shards.items()}

    def end_cursors(self, *, logstore: str | None = None) -> dict[int, str]:
        """Return for each shard the cursor that its next log will get."""
        with self._model.changed:
            shards = self._get_logstore(logstore).shards
            return {number: encode_cursor(shard.end) for number, shard in shards.items()}

    def drained(self, consumer_group: str, *, logstore: str | None = None) -> bool:
        """Return whether the group has consumed every log.

        This is so if the checkpoint of every shard that ever held a log is the shard's end.
        """
        with self._model.changed:
            return not self._find_unfinished(consumer_group, logstore)

    def wait_until_drained(
        self, consumer_group: str, timeout: float = 30, *, logstore: str | None = None
    ) -> None:
        """Wait until ``drained``.

        Args:
            consumer_group: The name of the consumer group.
            timeout: Longest wait in seconds.
            logstore: The Logstore. None means the first.

        Raises:
            TimeoutError: If it takes longer. The text names the shards that are behind.
        """
        with self._model.changed:
            if not self._model.changed.wait_for(
                lambda: not self._find_unfinished(consumer_group, logstore), timeout
            ):
                behind = self._find_unfinished(consumer_group, logstore)
                raise TimeoutError(f"not drained in {timeout} s: shards {behind}")

    def owners(self, consumer_group: str, *, logstore: str | None = None) -> dict[int, str | None]:
        """Return the consumer that holds each shard. None means that no consumer holds it.

        Raises:
            SlsError: If the group does not exist.
        """
        with self._model.changed:
            return self._get_logstore(logstore).get_consumer_group(consumer_group).list_owners()

    def split_shard(self, shard: int, *, logstore: str | None = None) -> tuple[int, ...]:
        """Split a shard in the middle. The shard becomes read-only.

        Returns:
            The numbers of the two new shards.

        Raises:
            SlsError: If the shard does not exist or is read-only.
        """
        with self._model.changed:
            _parent, *children = self._get_logstore(logstore).split(shard)
            return tuple(child.id for child in children)

    def merge_shards(self, shard: int, *, logstore: str | None = None) -> int:
        """Merge a shard with the one to the right of it. Both become read-only.

        Returns:
            The number of the new shard.

        Raises:
            SlsError: If the shard does not exist or is read-only, or none is to the right of it.
        """
        with self._model.changed:
            return self._get_logstore(logstore).merge(shard)[0].id

    def expire(self, shard: int, groups: int | None = None, *, logstore: str | None = None) -> None:
        """Delete the oldest LogGroups of a shard, as the retention time of a Logstore does.

        Args:
            shard: The number of the shard.
            groups: The number of groups. None deletes all of them.
            logstore: The Logstore. None means the first.

        Raises:
            SlsError: If the shard does not exist.
        """
        with self._model.changed:
            self._get_logstore(logstore).get_shard(shard).expire(groups)

    def delete_consumer_group(self, name: str, *, logstore: str | None = None) -> None:
        """Delete a consumer group and its checkpoints.

        Raises:
            SlsError: If the group does not exist.
        """
        with self._model.changed:
            store = self._get_logstore(logstore)
            del store.consumer_groups[store.get_consumer_group(name).name]

    def evict(self, consumer_group: str, consumer: str, *, logstore: str | None = None) -> None:
        """Remove a consumer from its group, as SLS does when the consumer's heartbeats end.

        Raises:
            SlsError: If the group or the consumer does not exist.
        """
        with self._model.changed:
            self._get_logstore(logstore).get_consumer_group(consumer_group).evict(consumer)

    def fail(
        self,
        operation: str,
        *,
        status: int | None = 500,
        code: str = "InternalServerError",
        message: str = "a fault that the test asked for",
        times: int | None = 1,
        delay: float = 0.0,
        drop: bool = False,
        after: int = 0,
    ) -> None:
        """Make the next requests of one operation fail.

        Several faults of one operation take effect one after another, in the order of the calls.

        Args:
            operation: The name of the operation in the API reference, for example "PullLogs".
            status: The HTTP status of the answer. None answers correctly, after ``delay``.
            code: The errorCode of the answer.
            message: The errorMessage of the answer.
            times: The number of requests that fail. None means all, until ``clear_faults``.
            delay: Seconds before the answer.
            drop: Close the connection without an answer.
            after: The number of requests to serve correctly before the first failure.

        Raises:
            ValueError: If the operation is unknown.
        """
        if operation not in OPERATIONS:
            raise ValueError(
                f"operation: expected one of {', '.join(OPERATIONS)}, got {operation!r}"
            )
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

    def deny(self, *actions: str) -> None:
        """Deny RAM actions, as a policy does that does not allow them.

        Args:
            *actions: All actions that are denied from now on, for example "log:ListShards". None
                allows everything again.

        Raises:
            ValueError: If no operation has such an action.
        """
        known = sorted(set(ACTIONS.values()))
        for action in actions:
            if action not in known:
                raise ValueError(f"actions: expected some of {', '.join(known)}, got {action!r}")
        self._api.denied = frozenset(actions)

    def clear_faults(self) -> None:
        """Remove all planned faults."""
        self._api.faults.clear()

    def _get_logstore(self, name: str | None) -> Logstore:
        return self._model.get_logstore(name or self.logstore)

    def _find_unfinished(self, consumer_group: str, logstore: str | None) -> list[int]:
        store = self._get_logstore(logstore)
        group = store.consumer_groups.get(consumer_group)
        return [
            shard.id
            for shard in store.shards.values()
            if shard.ever_written and not (group and group.is_consumed(shard))
        ]
