"""Reads some logs of a Logstore without a consumer group, for a preview.

It must change nothing in SLS: it lists shards, asks for cursors, and pulls logs.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from aliyun.log import LogClient, LogException
from aliyun.log.consumer import LogHubConfig
from aliyun.log.proto import LogGroupListRaw
from requests import PreparedRequest, RequestException, Response

from sls_syslog.consumer import sdk
from sls_syslog.consumer.adapter import REQUEST_SECONDS, SlsAdapter
from sls_syslog.errors import SettingsError, SyslogError
from sls_syslog.logs.event_ids import join_shard_name, make_event_ids, read_cursor
from sls_syslog.logs.protobuf import LogGroup
from sls_syslog.logs.receive_time import read_receive_time

__all__ = ["SampledLog", "fetch_from", "fetch_newest"]

# Most groups that SLS returns for one request.
_MOST_GROUPS = 1000
# Shards that are read at the same time; each needs some requests.
_THREADS = 8
# Seconds between two looks for requests that are late.
_LOOK_SECONDS = 0.1
# What urllib3 puts before the cause of a failure.
_POOL = re.compile(r"HTTPS?Connection(Pool)?\([^)]*\): ", re.IGNORECASE)

_Result = TypeVar("_Result")


class SampledLog(NamedTuple):
    """One log, as SLS stores it.

    Attributes:
        shard: The number of its shard.
        received: When SLS received it, in seconds since 1970; without the tag
            ``__receive_time__`` the time of the log itself.
        group: Its group, an object of the SDK.
        number: The number of the log in the group, from 0.
        event_id: Makes the event id of a log from its number in the group.
    """

    shard: int
    received: float
    group: LogGroup
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
        SyslogError: If SLS cannot be reached or refuses a request.
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
        SyslogError: If SLS cannot be reached or refuses a request.
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
        SyslogError: If SLS cannot be reached or refuses a request.
    """
    adapter = _OneTry(_THREADS, seconds)
    client = _make_client(config, adapter)
    with ThreadPoolExecutor(_THREADS) as pool:

        def finish(*running: Future[_Result]) -> list[_Result]:
            while wait(running, _LOOK_SECONDS).not_done:
                adapter.cut_late_requests()
            return [one.result() for one in running]

        try:
            (answer,) = finish(pool.submit(client.list_shards, config.project, config.logstore))
            shards = [_Shard(client, config, info["shardID"]) for info in answer.get_shards_info()]
            return finish(*[pool.submit(read, shard) for shard in shards])
        except LogException as error:
            raise SyslogError(_explain(error, config)) from error


def _make_client(config: LogHubConfig, adapter: SlsAdapter) -> sdk.LogClient:
    """Make the SDK's client.

    Raises:
        SettingsError: If the endpoint is none.
    """
    try:
        client: Any = LogClient(
            config.endpoint,
            config.accessKeyId,
            config.accessKey,
            config.securityToken,
            source="sls_syslog",  # else the SDK finds out this machine's address
            auth_version=config.auth_version,
            region=config.region,
        )
    except ValueError:
        expected = "expected a host name, or its URL, such as cn-hangzhou.log.aliyuncs.com"
        raise SettingsError("SLS_ENDPOINT", f"{expected}, got {config.endpoint!r}") from None
    client._session.adapters = {"https://": adapter, "http://": adapter}
    return client  # type: ignore[no-any-return]  # the SDK has no types


def _explain(error: LogException, config: LogHubConfig) -> str:
    place = f"{config.project}/{config.logstore} at {config.endpoint}"
    message = error.get_error_message()
    if not error.get_request_id():  # no answer, or not one of SLS
        return f"SLS cannot be reached, {place}: {message}; check SLS_ENDPOINT and SLS_PROJECT"
    code = error.get_error_code()
    advice = (
        "the policy of the RAM user must allow log:ListShards and log:GetCursorOrData"
        if code == "Unauthorized"
        else "check SLS_PROJECT, SLS_LOGSTORE, SLS_AK_ID and SLS_AK_KEY"
    )
    request = error.get_request_id()
    return f"SLS refuses to serve {place}: {code}: {message} (request id {request}); {advice}"


class _OneTry(SlsAdapter):
    """Connections to SLS that fail at once.

    The SDK tries ten times, a second apart, if the text of an error names the connection pool
    (``logclient.py``).
    """

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send one request.

        Raises:
            RequestException: If SLS cannot be reached; its text is the cause alone.
        """
        try:
            return super().send(request, *args, **options)
        except RequestException as error:
            cause = next(iter(error.args), error)
            text = _POOL.sub("", str(getattr(cause, "reason", cause)))
            raise RequestException(text) from error


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
            ids = make_event_ids(self._name, following, batch)
            for place, group in enumerate(batch.LogGroups):
                for number, log in enumerate(group.Logs):
                    received = read_receive_time(group, log)
                    yield SampledLog(self._number, received, group, number, partial(ids, place))
            if following == cursor:
                return
            cursor = following


def _make_cursor(number: int) -> str:
    return base64.b64encode(str(number).encode()).decode()
