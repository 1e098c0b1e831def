"""The emulator as the real SDK's LogClient meets it, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

import lz4.block
import pytest
from aliyun.log import LogClient, LogException, LogItem, PutLogsRequest
from aliyun.log.proto import LogGroupList

from sls_syslog.testing.emulator import SlsEmulator
from sls_syslog.testing.loggroup import encode_log_group
from sls_syslog.testing.sls_operations import OPERATIONS
from sls_syslog.testing.sls_shard import SlsError, decode_cursor
from tests.support.peers import reset_on_close
from tests.support.waiting import eventually

# The SDK signs with datetime.utcnow(), which newer Pythons deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

AWKWARD = "a b/c&d=é~中?#%2F"


@pytest.fixture
def emulator() -> Iterator[SlsEmulator]:
    with SlsEmulator(shards=2) as running:
        yield running


def client_of(emulator: SlsEmulator, **changes: Any) -> Any:
    keys = {"accessKeyId": emulator.access_key_id, "accessKey": emulator.access_key_secret}
    return LogClient(emulator.endpoint, **{**keys, **changes})


def put(client: Any, emulator: SlsEmulator, *texts: str, **options: Any) -> None:
    logs = [LogItem(timestamp=7, time_nano_part=8, contents=[("text", text)]) for text in texts]
    request = PutLogsRequest(
        emulator.project, emulator.logstore, "topic", "source", logs, **options
    )
    client.put_logs(request)


def pull(client: Any, emulator: SlsEmulator, shard: int, **options: Any) -> Any:
    where = (emulator.project, emulator.logstore, shard)
    options.setdefault("cursor", emulator.begin_cursors()[shard])
    return client.pull_logs(*where, **options)


def texts_of(response: Any) -> list[str]:
    return [log["text"] for log in response.get_flatten_logs_json()]


def raw_request(
    emulator: SlsEmulator, method: str, path: str, body: str = "", host: str = "127.0.0.1"
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
    try:
        connection.request(method, path, body, {"Host": host})
        response = connection.getresponse()
        content = json.loads(response.read() or b"{}")
    finally:
        connection.close()
    return response.status, content.get("errorCode", "") if isinstance(content, dict) else ""


# Logs in, logs out


@pytest.mark.parametrize("compress", [True, False])
def test_what_the_sdk_puts_it_pulls(emulator: SlsEmulator, compress: bool) -> None:
    client = client_of(emulator)
    put(client, emulator, "ü" * 5000, "two", logtags=[("k", "v")], compress=compress)
    response = pull(client, emulator, 0, compress=compress)
    assert response.get_flatten_logs_json()[0] == {
        "__time__": 7,
        "__time_ns_part__": (8,),
        "__topic__": "topic",
        "__source__": "source",
        "__tag__:k": "v",
        "text": "ü" * 5000,
    }
    assert texts_of(response)[1:] == ["two"]
    assert response.get_header("x-log-end-of-cursor") == "1"
    assert response.get_header("x-log-compresstype") == ("lz4" if compress else "")
    assert response.get_request_id()


def test_pulling_walks_from_cursor_to_cursor(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    for text in "abcde":
        emulator.put_logs([{"text": text}], shard=1)
    first = pull(client, emulator, 1, count=2)
    assert texts_of(first) == ["a", "b"]
    assert first.get_header("x-log-end-of-cursor") == "0"
    cursor = first.get_next_cursor()
    last_read = int(first.get_header("x-log-read-last-cursor"))
    assert decode_cursor(cursor) == last_read + 1
    bounded = pull(client, emulator, 1, cursor=cursor, end_cursor=emulator.end_cursors()[1])
    assert texts_of(bounded) == ["c", "d", "e"]
    at_end = pull(client, emulator, 1, cursor=bounded.get_next_cursor())
    assert at_end.get_next_cursor() == bounded.get_next_cursor() == emulator.end_cursors()[1]
    assert (at_end.get_loggroup_count(), at_end.get_raw_size()) == (0, 0)
    nothing = pull(client, emulator, 1, cursor=cursor, end_cursor=emulator.begin_cursors()[1])
    assert nothing.get_loggroup_count() == 0


def test_a_key_routes_to_its_shard(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    put(client, emulator, "high", hashKey="f" * 32)
    put(client, emulator, "low", hashKey="0" * 32)
    assert texts_of(pull(client, emulator, 0)) == ["low"]
    assert texts_of(pull(client, emulator, 1)) == ["high"]


def test_cursors_are_found_by_the_time_of_receipt() -> None:
    now = [1_700_000_000.0]
    with SlsEmulator(clock=lambda: now[0]) as emulator:
        client = client_of(emulator)
        where = (emulator.project, emulator.logstore, 0)
        begin = decode_cursor(emulator.begin_cursors()[0])
        for _ in range(3):
            emulator.put_logs([{"a": "b"}])
            now[0] += 10
        asked = ("begin", 0, 1_700_000_001, 1_700_000_020, 1_800_000_000, "end")
        answers = [client.get_cursor(*where, start) for start in asked]
        # By the clock of SLS a client sees whether logs before a time can still come.
        dates = {answer.get_header("Date") for answer in answers}
        assert dates == {formatdate(now[0], usegmt=True)}
        cursors = [answer.get_cursor() for answer in answers]
        assert [decode_cursor(cursor) - begin for cursor in cursors] == [0, 0, 1, 2, 3, 3]
        assert client.get_cursor_time(*where, cursors[2]).get_cursor_time() == 1_700_000_010
        assert client.get_previous_cursor_time(*where, cursors[-1]).get_cursor_time() == (
            1_700_000_020
        )


def test_splitting_over_the_api_leaves_two_children(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    where = (emulator.project, emulator.logstore)
    client.split_shard(*where, 0, "3" + "0" * 31)
    shards = client.list_shards(*where).get_shards_info()
    assert [(shard["shardID"], shard["status"]) for shard in shards] == [
        (0, "readonly"),
        (1, "readwrite"),
        (2, "readwrite"),
        (3, "readwrite"),
    ]
    assert shards[3]["inclusiveBeginKey"] == "3" + "0" * 31
    assert emulator.split_shard(1) == (4, 5)


def test_merging_over_the_api_leaves_one_child_of_two_neighbours(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    where = (emulator.project, emulator.logstore)
    before = client.list_shards(*where).get_shards_info()
    shards = client.merge_shard(*where, 0).get_shards_info()
    assert [(shard["shardID"], shard["status"]) for shard in shards] == [
        (2, "readwrite"),
        (0, "readonly"),
        (1, "readonly"),
    ]
    keys = [(shard["inclusiveBeginKey"], shard["exclusiveEndKey"]) for shard in shards]
    assert keys[0] == (before[0]["inclusiveBeginKey"], before[1]["exclusiveEndKey"])
    for alone in (0, 2):  # read-only; without a neighbour
        with pytest.raises(LogException, match="cannot be merged"):
            client.merge_shard(*where, alone)
    left, _ = emulator.split_shard(2)
    assert emulator.merge_shards(left) == 5


def test_an_expired_cursor_gets_invalid_cursor(emulator: SlsEmulator) -> None:
    old = emulator.begin_cursors()[0]
    for text in "ab":
        emulator.put_logs([{"text": text}], shard=0)
    emulator.expire(0, 1)
    client = client_of(emulator)
    with pytest.raises(LogException) as refusal:
        pull(client, emulator, 0, cursor=old)
    assert (refusal.value.get_resp_status(), refusal.value.get_error_code()) == (
        400,
        "InvalidCursor",
    )
    assert texts_of(pull(client, emulator, 0)) == ["b"]


def test_an_spl_query_is_refused_rather_than_ignored(emulator: SlsEmulator) -> None:
    with pytest.raises(LogException, match="SPL"):
        pull(client_of(emulator), emulator, 0, query="* | where a = 'b'")


# Consumer groups


def test_a_consumer_group_lives_as_the_sdk_wants_it(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    where = (emulator.project, emulator.logstore)
    client.create_consumer_group(*where, "cg", 30, in_order=True)
    with pytest.raises(LogException, match="ConsumerGroupAlreadyExist"):
        client.create_consumer_group(*where, "cg", 30)
    client.update_consumer_group(*where, "cg", timeout=50)
    (group,) = client.list_consumer_group(*where).get_consumer_groups()
    assert group.to_string() == ("ConsumerGroup [consumerGroupName=cg, timeout=50, inOrder=True]")
    assert client.heart_beat(*where, "cg", AWKWARD, []).get_shards() == [0, 1]
    client.update_check_point(*where, "cg", 1, emulator.end_cursors()[1], AWKWARD)
    rows = client.get_check_point(*where, "cg").get_consumer_group_check_points()
    assert [(row["shard"], row["checkpoint"], row["consumer"]) for row in rows] == [
        (0, "", ""),
        (1, emulator.end_cursors()[1], AWKWARD),
    ]
    assert rows[1]["updateTime"] / 1e6 == pytest.approx(time.time(), abs=60)
    assert client.get_check_point(*where, "cg", 9).get_consumer_group_check_points() == []
    assert emulator.owners("cg") == {0: AWKWARD, 1: AWKWARD}
    assert emulator.checkpoints("cg") == {1: emulator.end_cursors()[1]}
    client.delete_consumer_group(*where, "cg")
    with pytest.raises(LogException, match="ConsumerGroupNotExist"):
        client.heart_beat(*where, "cg", AWKWARD, [])
    assert emulator.checkpoints("cg") == {}


def test_an_evicted_consumer_is_told(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    where = (emulator.project, emulator.logstore, "cg")
    client.create_consumer_group(*where, 30)
    client.heart_beat(*where, "c", [])
    emulator.evict("cg", "c")
    with pytest.raises(LogException) as refusal:
        client.heart_beat(*where, "c", [0, 1])
    assert refusal.value.get_error_code() == "NotExistConsumerWithBody"


def test_drained_means_that_every_shard_that_held_a_log_is_at_its_end(
    emulator: SlsEmulator,
) -> None:
    client = client_of(emulator)
    where = (emulator.project, emulator.logstore, "cg")
    assert emulator.drained("cg")
    emulator.put_logs([{"a": "b"}], shard=1)
    assert not emulator.drained("cg")
    client.create_consumer_group(*where, 30)
    with pytest.raises(TimeoutError, match=r"shards \[1\]"):
        emulator.wait_until_drained("cg", 0.01)
    saving = threading.Timer(
        0.05, client.update_check_point, (*where, 1, emulator.end_cursors()[1])
    )
    saving.start()
    emulator.wait_until_drained("cg", 10)
    saving.join()
    assert emulator.drained("cg")
    emulator.delete_consumer_group("cg")
    assert not emulator.drained("cg")


# Credentials


@pytest.mark.parametrize("version", ["v1", "v4"])
@pytest.mark.parametrize(
    ("keys", "code"),
    [({"accessKey": "wrong"}, "SignatureNotMatch"), ({"accessKeyId": "x"}, "InvalidAccessKeyId")],
)
def test_a_wrong_key_is_refused(
    emulator: SlsEmulator, version: str, keys: dict[str, str], code: str
) -> None:
    client = client_of(emulator, auth_version=version, region="cn-hangzhou", **keys)
    with pytest.raises(LogException) as refusal:
        client.list_shards(emulator.project, emulator.logstore)
    assert (refusal.value.get_resp_status(), refusal.value.get_error_code()) == (401, code)


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_both_signatures_cover_awkward_names_bodies_and_tokens(
    emulator: SlsEmulator, version: str
) -> None:
    client = client_of(emulator, auth_version=version, region="cn-x", securityToken="token==")
    put(client, emulator, "text")
    where = (emulator.project, emulator.logstore)
    client.create_consumer_group(*where, "my group", 30)
    client.heart_beat(*where, "my group", AWKWARD, [])
    client.update_check_point(*where, "my group", 0, emulator.end_cursors()[0], AWKWARD)
    assert emulator.drained("my group")


def test_without_a_signature_nothing_is_served_unless_asked_for() -> None:
    path = "/logstores/logs/shards"
    with SlsEmulator() as strict, SlsEmulator(check_signatures=False) as lax:
        assert raw_request(strict, "GET", path) == (401, "Unauthorized")
        assert raw_request(lax, "GET", path) == (200, "")


# What other SDKs send


@dataclass
class OtherSdk:
    """How another SDK signs (version 1), pulls and puts, and what it reads of an answer."""

    scheme: str
    end_cursor: str
    put_path: str
    accept_encoding: str

    def send(
        self,
        emulator: SlsEmulator,
        method: str,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send a signed request as it goes over the wire; return status, headers and body."""
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest().upper() if body else ""
        date = formatdate(usegmt=True)
        signed = {
            "x-log-apiversion": "0.6.0",
            "x-log-signaturemethod": "hmac-sha1",
            "x-log-bodyrawsize": "0",
            **headers,
        }
        canonical = [f"{name}:{signed[name]}" for name in sorted(signed) if name.startswith("x-")]
        query = "&".join(f"{name}={params[name]}" for name in sorted(params))
        content_type = signed.get("Content-Type", "")
        resource = f"{path}?{query}" if query else path
        text = "\n".join([method, md5, content_type, date, *canonical, resource])
        digest = hmac.digest(emulator.access_key_secret.encode(), text.encode(), "sha1")
        signature = base64.b64encode(digest).decode()
        authorization = f"{self.scheme} {emulator.access_key_id}:{signature}"
        url = f"{path}?{urlencode(params)}" if params else path
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=30)
        with closing(connection):
            all_headers = {**signed, "Date": date, "Authorization": authorization}
            connection.request(method, url, body, all_headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def pull(
        self, emulator: SlsEmulator, cursor: str, **params: str
    ) -> tuple[str, list[bytes], http.client.HTTPMessage]:
        """Pull from shard 0; return the next cursor, the groups, and the headers."""
        status, headers, body = self.send(
            emulator,
            "GET",
            f"/logstores/{emulator.logstore}/shards/0",
            {"type": "logs", "cursor": cursor, "count": "1000", **params},
            {"Accept": "application/x-protobuf", "Accept-Encoding": self.accept_encoding},
        )
        assert status == 200, body
        size = int(headers["x-log-bodyrawsize"])
        if size:  # the SDK for Go refuses an answer that is not compressed
            assert headers["x-log-compresstype"] == "lz4"
            body = lz4.block.decompress(body, uncompressed_size=size)
        groups: Any = LogGroupList.FromString(body)
        assert len(groups.LogGroups) == int(headers["x-log-count"])
        texts = [log.Contents[0].Value.encode() for group in groups.LogGroups for log in group.Logs]
        return headers["x-log-cursor"], texts, headers


GO = OtherSdk("SLS", "end_cursor", "/logstores/logs", "lz4")
GO_ZSTD = OtherSdk("LOG", "end_cursor", "/logstores/logs", "zstd")
RUST = OtherSdk("LOG", "endCursor", "/logstores/logs/shards/lb", "lz4")
each_sdk = pytest.mark.parametrize("other", [GO, GO_ZSTD, RUST], ids=["go", "go-zstd", "rust"])


@each_sdk
def test_another_sdk_pulls_what_it_has_put(other: OtherSdk) -> None:
    with SlsEmulator() as emulator:
        raw = encode_log_group([{"text": "ü" * 500}], time=7)
        headers = {
            "Content-Type": "application/x-protobuf",
            "x-log-bodyrawsize": str(len(raw)),
            "x-log-compresstype": "lz4",
        }
        packed = lz4.block.compress(raw, store_size=False)
        assert other.send(emulator, "POST", other.put_path, {}, headers, packed)[0] == 200
        begin = emulator.begin_cursors()[0]
        cursor, texts, answered = other.pull(emulator, begin)
        assert texts == ["ü".encode() * 500]
        assert cursor == emulator.end_cursors()[0]
        assert answered["x-log-read-last-cursor"].isdecimal()
        assert other.pull(emulator, cursor)[:2] == (cursor, [])


@each_sdk
def test_another_sdk_pulls_as_far_as_it_wants(other: OtherSdk) -> None:
    with SlsEmulator() as emulator:
        begin = emulator.begin_cursors()[0]
        emulator.put_logs([{"text": "1"}])
        middle = emulator.end_cursors()[0]
        emulator.put_logs([{"text": "2"}])
        _, texts, _ = other.pull(emulator, begin, **{other.end_cursor: middle})
        assert texts == [b"1"]
        emulator.fail("PullLogs", status=403, code="ReadQuotaExceed")
        path = "/logstores/logs/shards/0"
        params = {"type": "logs", "cursor": begin, "count": "1"}
        status, _, body = other.send(emulator, "GET", path, params, {})
        assert (status, json.loads(body)["errorCode"]) == (403, "ReadQuotaExceed")
        assert emulator.calls["PullLogs"] == 2


# Requests that make no sense


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/logstores/none/shards", "", (404, "LogStoreNotExist")),
        ("GET", "/logstores/logs/index", "", (404, "OperationNotSupported")),
        ("PATCH", "/logstores/logs/shards", "", (404, "OperationNotSupported")),
        ("GET", "/logstores/logs/shards/9?type=cursor&from=end", "", (404, "ShardNotExist")),
        ("GET", "/logstores/logs/shards/0?type=cursor", "", (400, "ParameterInvalid")),
        ("GET", "/logstores/logs/shards/0?type=cursor&from=x", "", (400, "ParameterInvalid")),
        ("GET", "/logstores/logs/shards/0?type=log&count=1001", "", (400, "ParameterInvalid")),
        ("GET", "/logstores/logs/shards/0?type=log&count=1&cursor=x", "", (400, "InvalidCursor")),
        ("POST", "/logstores/logs/shards/0?action=split&key=z", "", (400, "ParameterInvalid")),
        ("POST", "/logstores/logs/consumergroups", "{", (400, "JsonInfoInvalid")),
        ("POST", "/logstores/logs/consumergroups", "{}", (400, "JsonInfoInvalid")),
        (
            "POST",
            "/logstores/logs/consumergroups",
            '{"consumerGroup": "", "timeout": 1, "order": false}',
            (400, "JsonInfoInvalid"),
        ),
        ("PUT", "/logstores/logs/consumergroups/none", "{}", (404, "ConsumerGroupNotExist")),
    ],
)
def test_a_wrong_request_gets_the_api_s_error(
    method: str, path: str, body: str, expected: tuple[int, str]
) -> None:
    with SlsEmulator(check_signatures=False) as emulator:
        assert raw_request(emulator, method, path, body) == expected


def test_a_wrong_project_is_refused() -> None:
    with SlsEmulator(check_signatures=False) as emulator:
        answer = raw_request(emulator, "GET", "/logstores/logs/shards", host="other.localhost")
        assert answer == (404, "ProjectNotExist")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-log-compresstype": "zstd", "x-log-bodyrawsize": "9"}, "ParameterInvalid"),
        ({"x-log-compresstype": "lz4"}, "ParameterInvalid"),
        ({"x-log-compresstype": "lz4", "x-log-bodyrawsize": "9"}, "PostBodyInvalid"),
        ({"x-log-compresstype": "lz4", "x-log-bodyrawsize": "99999999"}, "PostBodyTooLarge"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(headers: dict[str, str], code: str) -> None:
    with SlsEmulator(check_signatures=False) as emulator:
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
        connection.request("POST", "/logstores/logs/shards/lb", b"\xf0garbage", headers)
        assert json.loads(connection.getresponse().read())["errorCode"] == code
        connection.close()


def test_the_same_logstore_is_not_created_twice(emulator: SlsEmulator) -> None:
    emulator.create_logstore("other", 3)
    assert set(emulator.end_cursors(logstore="other")) == {0, 1, 2}
    with pytest.raises(SlsError, match="LogStoreAlreadyExist"):
        emulator.create_logstore("other")


# Faults


def test_a_fault_hits_the_requests_it_is_meant_for(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    emulator.fail("PullLogs", status=403, code="ReadQuotaExceed", times=2, after=1)
    outcomes = []
    for _ in range(4):
        try:
            pull(client, emulator, 0)
        except LogException as error:
            outcomes.append((error.get_resp_status(), error.get_error_code()))
        else:
            outcomes.append((200, ""))
    refused = (403, "ReadQuotaExceed")
    assert outcomes == [(200, ""), refused, refused, (200, "")]
    assert emulator.calls["PullLogs"] == 4
    client.list_shards(emulator.project, emulator.logstore)


def test_a_lasting_fault_ends_when_it_is_cleared(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    emulator.fail("ListShards", status=400, code="Odd", message="as asked for", times=None)
    for _ in range(3):
        with pytest.raises(LogException, match="as asked for"):
            client.list_shards(emulator.project, emulator.logstore)
    emulator.clear_faults()
    assert client.list_shards(emulator.project, emulator.logstore).count == 2


def test_a_dropped_connection_is_an_error_without_an_answer(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    emulator.fail("ListShards", drop=True)
    with pytest.raises(LogException) as refusal:
        client.list_shards(emulator.project, emulator.logstore)
    assert refusal.value.get_error_code() == "LogRequestError"
    assert client.list_shards(emulator.project, emulator.logstore).count == 2


def test_a_delayed_request_is_served_late(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    emulator.fail("ListShards", status=None, delay=0.2)
    begin = time.monotonic()
    assert client.list_shards(emulator.project, emulator.logstore).count == 2
    assert time.monotonic() - begin >= 0.2


def test_an_unknown_operation_is_named_with_those_there_are(emulator: SlsEmulator) -> None:
    with pytest.raises(ValueError, match="ListShards") as refusal:
        emulator.fail("PullLog")
    assert all(operation in str(refusal.value) for operation in OPERATIONS)


def test_the_read_quota_is_answered_with_403() -> None:
    with SlsEmulator(reads_per_second=1, clock=lambda: 1e9) as emulator:
        client = client_of(emulator)
        pull(client, emulator, 0)
        with pytest.raises(LogException) as refusal:
            pull(client, emulator, 0)
        assert refusal.value.get_error_code() == "ShardReadQuotaExceed"


# Life and death


def test_stopping_leaves_no_thread_behind_though_clients_stay_connected() -> None:
    before = set(threading.enumerate())
    emulator = SlsEmulator()
    emulator.start()
    client = client_of(emulator)
    client.list_shards(emulator.project, emulator.logstore)
    assert set(threading.enumerate()) - before
    emulator.stop()
    assert set(threading.enumerate()) == before
    emulator.stop()


def test_clients_that_vanish_or_talk_nonsense_disturb_nobody(
    emulator: SlsEmulator, capfd: pytest.CaptureFixture[str]
) -> None:
    for sent in (b"GET /logstores", b"nonsense\r\n\r\n"):
        vanishing = socket.create_connection(("127.0.0.1", emulator.port))
        vanishing.sendall(sent)
        reset_on_close(vanishing)
        vanishing.close()
    client = client_of(emulator)
    assert client.list_shards(emulator.project, emulator.logstore).count == 2
    emulator.stop()
    assert "Traceback" not in capfd.readouterr().err


def test_stopping_ends_the_delay_of_a_fault(emulator: SlsEmulator) -> None:
    emulator.fail("ListShards", status=None, delay=600)
    errors: list[Exception] = []

    def ask() -> None:
        try:
            raw_request(emulator, "GET", "/logstores/logs/shards")
        except (OSError, http.client.HTTPException) as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    eventually(lambda: emulator.calls["ListShards"] > 0)
    emulator.stop()
    asking.join(10)
    assert not asking.is_alive()


def test_an_outage_keeps_the_port_and_the_logs(emulator: SlsEmulator) -> None:
    client, port = client_of(emulator), emulator.port
    emulator.put_logs([{"text": "kept"}], shard=0)
    emulator.stop()
    emulator.start()
    emulator.start()
    assert emulator.port == port
    assert texts_of(pull(client, emulator, 0)) == ["kept"]


def test_a_separate_program_needs_only_the_environment(emulator: SlsEmulator) -> None:
    program = """
import os
from aliyun.log import LogClient
e = os.environ
client = LogClient(e["SLS_ENDPOINT"], e["SLS_AK_ID"], e["SLS_AK_KEY"])
print(client.list_shards(e["SLS_PROJECT"], e["SLS_LOGSTORE"]).count, e["SLS_CG"])
"""
    elsewhere = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **elsewhere, **emulator.environ("my-group")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "2 my-group\n", done.stderr


def test_a_project_of_another_name_is_reached_as_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with SlsEmulator(project="my-project") as emulator:
        for name, value in emulator.environ().items():
            monkeypatch.setenv(name, value)
        client = client_of(emulator)
        put(client, emulator, "through the proxy")
        assert texts_of(pull(client, emulator, 0)) == ["through the proxy"]


# What a policy, a clock and a quota refuse


def test_an_action_that_is_denied_refuses_its_operations(emulator: SlsEmulator) -> None:
    client = client_of(emulator)
    emulator.deny("log:GetCursorOrData")
    for request in (client.get_begin_cursor, client.get_end_cursor):
        with pytest.raises(LogException) as denied:
            request(emulator.project, emulator.logstore, 0)
        assert denied.value.get_error_code() == "Unauthorized"
        assert "action: log:GetCursorOrData, resource: acs:log:" in denied.value.get_error_message()
    client.list_shards(emulator.project, emulator.logstore)
    emulator.deny()
    client.get_begin_cursor(emulator.project, emulator.logstore, 0)
    with pytest.raises(ValueError, match=r"^actions: expected some of .*, got 'log:Get'"):
        emulator.deny("log:Get")


@pytest.mark.parametrize("version", [{}, {"auth_version": "v4", "region": "cn-hangzhou"}])
@pytest.mark.parametrize(("off", "is_refused"), [(800, False), (-800, False), (1000, True)])
def test_a_date_that_is_too_old_is_refused(
    version: dict[str, str], off: int, is_refused: bool
) -> None:
    with SlsEmulator(clock=lambda: time.time() + off, longest_skew=900) as emulator:
        client = client_of(emulator, **version)
        if not is_refused:
            client.list_shards(emulator.project, emulator.logstore)
            return
        with pytest.raises(LogException) as refused:
            client.list_shards(emulator.project, emulator.logstore)
    assert refused.value.get_error_code() == "RequestTimeExpired"


def test_a_date_that_is_none_is_refused() -> None:
    with SlsEmulator(longest_skew=900) as emulator:
        answer = raw_request(emulator, "GET", "/logstores/logs/shards")
    assert answer == (400, "InvalidRequestTime")


def test_answers_have_the_date_of_the_service() -> None:
    with SlsEmulator(clock=lambda: 1e9) as emulator:
        answer = client_of(emulator).list_shards(emulator.project, emulator.logstore)
    assert answer.get_header("Date") == formatdate(1e9, usegmt=True)


def test_more_groups_than_a_logstore_may_have_are_refused() -> None:
    with SlsEmulator(most_consumer_groups=1) as emulator:
        client = client_of(emulator)
        client.create_consumer_group(emulator.project, emulator.logstore, "one", 40)
        with pytest.raises(LogException) as refused:
            client.create_consumer_group(emulator.project, emulator.logstore, "two", 40)
    assert refused.value.get_error_code() == "ConsumerGroupQuotaExceed"
