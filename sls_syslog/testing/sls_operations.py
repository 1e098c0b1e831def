"""The operations of the SLS HTTP API. The table ``ROUTES`` maps requests to operations.

Sans-I/O: ``sls_http`` reads requests and writes answers. An operation runs under the model's lock,
so it must not do slow work; ``Answer.render`` does that later, without the lock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import lz4.block

from sls_syslog.testing.loggroup import frame_log_group
from sls_syslog.testing.sls_model import Logstore
from sls_syslog.testing.sls_shard import SlsError, encode_cursor

__all__ = ["ACTIONS", "OPERATIONS", "ROUTES", "Answer", "Call", "Route", "find_route"]

MAX_PULL_COUNT = 1000  # LogGroups in one PullLogs answer; the PullLogs page says so
# Raw bytes of one request body. `x-log-bodyrawsize` may be wrong: never allocate more than this.
MAX_PUT_BYTES = 30 * 1024 * 1024


@dataclass(frozen=True)
class Call:
    """The arguments of an operation.

    Attributes:
        target: The shard or the consumer group in the path, or "".
        params: The decoded query.
        headers: The headers, with names in lower case.
        body: The decompressed body.
    """

    target: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def get_param(self, name: str) -> str:
        """Return a required parameter of the query.

        Raises:
            SlsError: ParameterInvalid.
        """
        if name not in self.params:
            raise SlsError(400, "ParameterInvalid", f"parameter {name} is missing")
        return self.params[name]

    def get_number(self, name: str, low: int, high: int) -> int:
        """Return a required parameter of the query, a number from ``low`` to ``high``.

        Raises:
            SlsError: ParameterInvalid.
        """
        text = self.get_param(name)
        if not text.isdecimal() or not low <= int(text) <= high:
            raise SlsError(400, "ParameterInvalid", f"{name} must be within [{low}-{high}]")
        return int(text)

    def parse_json(self, kind: type) -> Any:
        """Parse the body, which must be JSON of one type.

        Raises:
            SlsError: JsonInfoInvalid.
        """
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, kind):
            message = f"the body must be JSON of type {kind.__name__}"
            raise SlsError(400, "JsonInfoInvalid", message)
        return value


def _render_nothing() -> bytes:
    return b""


@dataclass(frozen=True)
class Answer:
    """The answer of an operation.

    Attributes:
        headers: The headers of this answer, without those that every answer has.
        render: Makes the body. It is called without the lock.
        status: The HTTP status.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    render: Callable[[], bytes] = _render_nothing
    status: int = 200

    @classmethod
    def make_json(cls, value: Any, status: int = 200) -> Answer:
        """Make an answer with a JSON body."""
        return cls({"Content-Type": "application/json"}, json.dumps(value).encode, status)


Operation = Callable[[Logstore, Call], Answer]


def _list_consumer_group(logstore: Logstore, _call: Call) -> Answer:
    return Answer.make_json(
        [
            {"name": group.name, "timeout": group.timeout, "order": group.in_order}
            for group in logstore.consumer_groups.values()
        ]
    )


def _create_consumer_group(logstore: Logstore, call: Call) -> Answer:
    wanted = call.parse_json(dict)
    name, timeout, order = (wanted.get(key) for key in ("consumerGroup", "timeout", "order"))
    _require_settings(timeout, order)
    if not (isinstance(name, str) and name):
        raise SlsError(400, "JsonInfoInvalid", "consumerGroup must be a name")
    logstore.add_consumer_group(name, timeout=timeout, in_order=order)
    return Answer()


def _update_consumer_group(logstore: Logstore, call: Call) -> Answer:
    group, wanted = logstore.get_consumer_group(call.target), call.parse_json(dict)
    timeout, order = wanted.get("timeout", group.timeout), wanted.get("order", group.in_order)
    _require_settings(timeout, order)
    group.timeout, group.in_order = timeout, order
    return Answer()


def _require_settings(timeout: Any, order: Any) -> None:
    if not (isinstance(timeout, int | float) and timeout > 0 and isinstance(order, bool)):
        raise SlsError(400, "JsonInfoInvalid", "timeout must be seconds, and order a boolean")


def _delete_consumer_group(logstore: Logstore, call: Call) -> Answer:
    del logstore.consumer_groups[logstore.get_consumer_group(call.target).name]
    return Answer()


def _accept_heartbeat(logstore: Logstore, call: Call) -> Answer:
    group = logstore.get_consumer_group(call.target)
    held = call.parse_json(list)
    return Answer.make_json(group.accept_heartbeat(call.get_param("consumer"), held))


def _get_checkpoint(logstore: Logstore, call: Call) -> Answer:
    """Answer with one shard's checkpoint, or with all. For an unknown shard the list is empty."""
    stored = logstore.get_consumer_group(call.target).checkpoints
    wanted = call.params.get("shard")
    rows = []
    for shard in logstore.shards:
        if wanted in {None, str(shard)}:
            at = stored.get(shard)
            rows.append(
                {
                    "shard": shard,
                    "checkpoint": at.cursor if at else "",
                    "updateTime": int(at.updated * 1_000_000) if at else 0,
                    "consumer": at.consumer if at else "",
                }
            )
    return Answer.make_json(rows)


def _update_checkpoint(logstore: Logstore, call: Call) -> Answer:
    wanted = call.parse_json(dict)
    logstore.get_consumer_group(call.target).save_checkpoint(
        wanted.get("shard", -1),
        str(wanted.get("checkpoint")),
        consumer=call.params.get("consumer", ""),
        force=call.params.get("forceSuccess", "").lower() == "true",
    )
    return Answer()


def _list_shards(logstore: Logstore, _call: Call) -> Answer:
    return Answer.make_json([shard.describe() for shard in logstore.shards.values()])


def _split_shard(logstore: Logstore, call: Call) -> Answer:
    shards = logstore.split(int(call.target), _parse_hash_key(call))
    return Answer.make_json([shard.describe() for shard in shards])


def _merge_shards(logstore: Logstore, call: Call) -> Answer:
    return Answer.make_json([shard.describe() for shard in logstore.merge(int(call.target))])


def _get_cursor(logstore: Logstore, call: Call) -> Answer:
    shard, start = logstore.get_shard(int(call.target)), call.get_param("from")
    named = {"begin": shard.begin, "end": shard.end}
    if start in named:
        position = named[start]
    else:
        position = shard.find_position(call.get_number("from", 0, 2**63))
    return Answer.make_json({"cursor": encode_cursor(position)})


def _get_cursor_time(logstore: Logstore, call: Call) -> Answer:
    shard = logstore.get_shard(int(call.target))
    time = shard.find_receive_time(logstore.find_position(shard, call.get_param("cursor")))
    return Answer.make_json({"cursor_time": int(logstore.clock() if time is None else time)})


def _pull_logs(logstore: Logstore, call: Call) -> Answer:
    number, count = int(call.target), call.get_number("count", 0, MAX_PULL_COUNT)
    for name in ("query", "processor"):
        if name in call.params:
            raise SlsError(400, "ParameterInvalid", f"{name} (SPL) is not emulated")
    end_cursor = call.params.get("end_cursor", call.params.get("endCursor"))  # Rust's SDK
    start, groups = logstore.pull(number, call.get_param("cursor"), count, end_cursor)
    shard, end = logstore.get_shard(number), start + len(groups)
    pieces = [piece for group in groups for piece in frame_log_group(group)]
    # A client that asks for zstd reads lz4 as well: a header of the answer names what it is.
    accepted = call.headers.get("accept-encoding", "")
    compress = bool(groups) and any(name in accepted for name in ("lz4", "zstd"))
    last = shard.find_receive_time(end - 1)
    headers = {
        "Content-Type": "application/x-protobuf",
        "x-log-bodyrawsize": str(sum(map(len, pieces))),
        "x-log-count": str(len(groups)),
        "x-log-cursor": encode_cursor(end),
        "x-log-cursor-time": str(int(logstore.clock() if last is None else last)),
        "x-log-end-of-cursor": str(int(end == shard.end)),
        "x-log-read-last-cursor": str(end - 1 if groups else end),
    }
    if compress:
        headers["x-log-compresstype"] = "lz4"
    return Answer(headers, partial(_render_groups, pieces, compress))


def _render_groups(pieces: list[bytes], compress: bool) -> bytes:
    body = b"".join(pieces)
    return lz4.block.compress(body, store_size=False) if compress else body


def _put_logs(logstore: Logstore, call: Call) -> Answer:
    key = _parse_hash_key(call) if call.target == "route" else None
    logstore.put(call.body, None if key is None else logstore.find_shard_by_key(key).id)
    return Answer()


def _parse_hash_key(call: Call) -> int | None:
    text = call.params.get("key")
    try:
        return None if text is None else int(text, 16)
    except ValueError:
        raise SlsError(400, "ParameterInvalid", f"key {text!r} is not hexadecimal") from None


@dataclass(frozen=True)
class Route:
    """The requests that belong to an operation.

    Attributes:
        operation: The name of the operation in the API reference.
        method: The HTTP method.
        path: The pattern of the whole path. Its groups are the Logstore and the target.
        kind: ``type`` or ``action`` of the query. None if the query has neither.
        run: Runs the operation.
    """

    operation: str
    method: str
    path: re.Pattern[str]
    kind: str | None
    run: Operation


_GROUPS = re.compile(r"/logstores/([^/]+)/consumergroups()")
_GROUP = re.compile(r"/logstores/([^/]+)/consumergroups/([^/]+)")
_SHARDS = re.compile(r"/logstores/([^/]+)/shards()")
_SHARD = re.compile(r"/logstores/([^/]+)/shards/(\d+)")
_PUT = re.compile(r"/logstores/([^/]+)(?:/shards/(lb|route))?")  # Go's SDK leaves the end out

# Other names of a kind: what the SDKs for Go and Rust pull with.
_ALIASES = {"logs": "log"}

ROUTES = (
    Route("ListConsumerGroup", "GET", _GROUPS, None, _list_consumer_group),
    Route("CreateConsumerGroup", "POST", _GROUPS, None, _create_consumer_group),
    Route("UpdateConsumerGroup", "PUT", _GROUP, None, _update_consumer_group),
    Route("DeleteConsumerGroup", "DELETE", _GROUP, None, _delete_consumer_group),
    Route("ConsumerGroupHeartBeat", "POST", _GROUP, "heartbeat", _accept_heartbeat),
    Route("GetCheckPoint", "GET", _GROUP, None, _get_checkpoint),
    Route("ConsumerGroupUpdateCheckPoint", "POST", _GROUP, "checkpoint", _update_checkpoint),
    Route("GetCursor", "GET", _SHARD, "cursor", _get_cursor),
    Route("GetCursorTime", "GET", _SHARD, "cursor_time", _get_cursor_time),
    Route("PullLogs", "GET", _SHARD, "log", _pull_logs),
    Route("PutLogs", "POST", _PUT, None, _put_logs),
    Route("ListShards", "GET", _SHARDS, None, _list_shards),
    Route("SplitShard", "POST", _SHARD, "split", _split_shard),
    Route("MergeShards", "POST", _SHARD, "merge", _merge_shards),
)
OPERATIONS = tuple(route.operation for route in ROUTES)
# The RAM action of an operation, where its name is another one.
_OTHER_ACTIONS = {
    "GetCheckPoint": "log:GetConsumerGroupCheckPoint",
    "GetCursor": "log:GetCursorOrData",
    "GetCursorTime": "log:GetCursorOrData",
    "PullLogs": "log:GetCursorOrData",
    "PutLogs": "log:PostLogStoreLogs",
}
ACTIONS = {name: _OTHER_ACTIONS.get(name, f"log:{name}") for name in OPERATIONS}


def find_route(method: str, path: str, params: Mapping[str, str]) -> tuple[Route, str, str]:
    """Return the route of a request, the name of its Logstore and its target.

    Raises:
        SlsError: If the emulator does not have the operation.
    """
    kind = params.get("type") or params.get("action")
    kind = _ALIASES.get(kind or "", kind)
    for route in ROUTES:
        if route.method == method and route.kind == kind:
            match = route.path.fullmatch(path)
            if match:
                return route, match[1], match[2] or ""
    raise SlsError(404, "OperationNotSupported", f"not emulated: {method} {path} {kind or ''}")
