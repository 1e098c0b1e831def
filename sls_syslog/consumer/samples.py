"""Reads some logs of a Logstore without a consumer group, for a preview.

It must change nothing in SLS: it lists shards, asks for cursors, and pulls logs.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from heapq import merge
from itertools import islice
from typing import NamedTuple, TypeVar

from aliyun.log.consumer import LogHubConfig
from aliyun.log.proto import LogGroupListRaw

from sls_syslog.consumer import sdk
from sls_syslog.consumer.adapter import REQUEST_SECONDS
from sls_syslog.consumer.once import OnceAdapter, finish, make_client, send
from sls_syslog.consumer.source import TroubleError, format_place
from sls_syslog.errors import SyslogError
from sls_syslog.logs.event_ids import join_shard_name, make_event_ids, read_cursor
from sls_syslog.logs.groups import Group, describe_group
from sls_syslog.logs.receive_time import read_receive_time

__all__ = ["SampledLog", "fetch_from", "fetch_newest"]

# Most groups that SLS returns for one request.
_MOST_GROUPS = 1000
# Shards that are read at the same time; each needs some requests.
_THREADS = 8
_OPERATIONS = ("ListShards", "GetCursor")  # and PullLogs, which needs the action of GetCursor

_Result = TypeVar("_Result")


class SampledLog(NamedTuple):
    """One log, as SLS stores it.

    Attributes:
        shard: The number of its shard.
        received: When SLS received it, in seconds since 1970; without the tag
            ``__receive_time__`` the time of the log itself.
        group: Its group.
        number: The number of the log in the group, from 0.
        event_id: Makes the event id of a log from its number in the group.
    """

    shard: int
    received: float
    group: Group
    number: int
    event_id: Callable[[int], str]


def fetch_newest(
    config: LogHubConfig, most: int, seconds: float = REQUEST_SECONDS
) -> list[SampledLog]:
    """Fetch the newest logs of all shards.

    Args:
        config: Says where the Logstore is, and how to sign requests.
        most: How many logs to fetch.
        seconds: Longest time for the headers of an answer; no request is tried again.

    Returns:
        At most this many logs; the newest one is the last.

    Raises:
        SettingsError: If the endpoint is none.
        SourceError: If SLS cannot be reached or refuses a request.
    """
    shards = _read_shards(config, seconds, lambda shard: shard.read_newest(most))
    return list(_merge(shards))[-most:]


def fetch_from(
    config: LogHubConfig, start: int | str, most: int, seconds: float = REQUEST_SECONDS
) -> list[SampledLog]:
    """Fetch the first logs since a time of all shards.

    Args:
        config: Says where the Logstore is, and how to sign requests.
        start: When SLS received the first log, in seconds since 1970, or ``begin``.
        most: How many logs to fetch.
        seconds: Longest time for the headers of an answer; no request is tried again.

    Returns:
        At most this many logs; the oldest one is the first.

    Raises:
        SettingsError: If the endpoint is none.
        SourceError: If SLS cannot be reached or refuses a request.
    """
    shards = _read_shards(config, seconds, lambda shard: shard.read_from(start, most))
    return list(islice(_merge(shards), most))


def _merge(shards: list[list[SampledLog]]) -> Iterator[SampledLog]:
    """Merge the logs of shards by the time of their arrival; each shard stays in its order."""
    return merge(*shards, key=lambda log: log.received)


def _read_shards(
    config: LogHubConfig, seconds: float, read: Callable[[_Shard], list[SampledLog]]
) -> list[list[SampledLog]]:
    """Read the logs of each shard.

    Raises:
        SettingsError: If the endpoint is none.
        SourceError: If SLS cannot be reached or refuses a request.
    """
    adapter = OnceAdapter(_THREADS, seconds)
    try:
        client = make_client(config, adapter)
        with ThreadPoolExecutor(_THREADS) as pool:

            def run(*tasks: Callable[[], _Result]) -> list[_Result]:
                running = [pool.submit(send, config, _OPERATIONS, task) for task in tasks]
                finish(adapter, *running)
                return [one.result() for one in running]

            (answer,) = run(partial(client.list_shards, config.project, config.logstore))
            shards = [_Shard(client, config, info["shardID"]) for info in answer.get_shards_info()]
            return run(*[partial(read, shard) for shard in shards])
    except TroubleError as error:
        raise error.trouble.make_error(format_place(config)) from None
    finally:
        adapter.close()


class _Shard:
    """Reads one shard."""

    def __init__(self, client: sdk.LogClient, config: LogHubConfig, number: int) -> None:
        place = (config.project, config.logstore, number)
        self._number = number
        self._name = join_shard_name(*place)
        self._get_cursor = partial(client.get_cursor, *place)
        self._pull = partial(client.pull_logs, *place)

    def read_newest(self, most: int) -> list[SampledLog]:
        """Read the newest logs: some groups, and again as many before them, until it is enough.

        Raises:
            SyslogError: If the cursors of SLS are no numbers.
        """
        begin, stop = (self._find_number(where) for where in ("begin", "end"))
        pieces: list[list[SampledLog]] = []
        size = 1  # a group may have thousands of logs
        while begin < stop and sum(map(len, pieces)) < most:
            start = max(begin, stop - size)
            pieces.append(list(self._read(_make_cursor(start), _make_cursor(stop))))
            stop, size = start, size * 2
        return [log for piece in reversed(pieces) for log in piece][-most:]

    def read_from(self, start: int | str, most: int) -> list[SampledLog]:
        """Read the first logs since a time."""
        cursor, end = (self._get_cursor(where).get_cursor() for where in (start, "end"))
        return list(islice(self._read(cursor, end, min(most, _MOST_GROUPS)), most))

    def _find_number(self, where: str) -> int:
        cursor = self._get_cursor(where).get_cursor()
        number = read_cursor(cursor)
        if number is None:
            problem = f"its cursor {cursor!r} is no number, so only --from can be used"
            raise SyslogError(f"SLS, shard {self._name}: {problem}")
        return number

    def _read(self, cursor: str, end: str, groups: int = _MOST_GROUPS) -> Iterator[SampledLog]:
        """Read the logs between two cursors, a limited number of groups at a time."""
        while cursor != end:
            response = self._pull(cursor, count=groups, end_cursor=end)
            # Texts as bytes: protobuf before 4.21 raises for those that are not UTF-8.
            batch = LogGroupListRaw.FromString(response.get_loggroup_list().SerializeToString())
            following = response.get_next_cursor()
            found = [describe_group(group, place) for place, group in enumerate(batch.LogGroups)]
            ids = make_event_ids(self._name, following, found)
            for group in found:
                for number, log in enumerate(group.read().Logs):
                    received = read_receive_time(group.tags, log.Time)
                    event_id = partial(ids, group.number)
                    yield SampledLog(self._number, received, group, number, event_id)
            if following == cursor:
                return
            cursor = following


def _make_cursor(number: int) -> str:
    return base64.b64encode(str(number).encode()).decode()
