"""What is replaced of the SDK's, and what a shard is told of its fetching."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from aliyun.log.consumer.checkpoint_tracker import ConsumerCheckpointTracker
from aliyun.log.logexception import LogException

from sls_syslog.consumer import patches, sdk
from sls_syslog.consumer.patches import (
    PATCHES,
    HardenedWorker,
    patch_client,
    patch_tracker,
    stop_listening,
)
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.peers import serve
from tests.support.processes import ROOT
from tests.support.shipping import make_worker


class Response:
    def __init__(self, next_cursor: str, groups: int, **headers: str) -> None:
        self._next, self._groups = next_cursor, groups
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def get_next_cursor(self) -> str:
        return self._next

    def get_loggroup_count(self) -> int:
        return self._groups

    def get_loggroup_list(self) -> Response:
        return self

    def get_header(self, key: str) -> str:
        return self._headers.get(key, "")


class Client:
    """Serves what lies at a cursor."""

    def __init__(self, served: dict[str, Response]) -> None:
        self.served = served
        self.mclient = SimpleNamespace(
            _send=None, _replace_credentials=None, _session=requests.Session()
        )
        self.mproject, self.mlogstore = "project", "logstore"

    def pull_logs(self, shard_id: int, cursor: str, **options: Any) -> Response:
        return self.served[cursor]

    def heartbeat(self, shards: list[int], responce: list[int] | None = None) -> bool:
        return True


class Tracker:
    shard_id = 0

    def __init__(self, client: Client) -> None:
        self.consumer_group_client = client

    def flush_check_point(self) -> None:
        """Nothing to save."""


class Listener:
    """Remembers what it is told, and answers from a table."""

    beginning = None
    is_behind = False
    takes_bytes = False

    def __init__(self, answers: Mapping[str, tuple[str, bool]]) -> None:
        self.answers = answers
        self.told: list[tuple[str, str, str, Any]] = []
        self.ends: list[str] = []
        self.failures: list[str] = []

    def choose_start(self, cursor: str) -> tuple[str, bool]:
        return self.answers.get(cursor, (cursor, True))

    def note_fetch(self, cursor: str, start: str, end: str, batch: Any, is_at_end: bool) -> None:
        self.told.append((cursor, start, end, batch))
        self.ends += [end] * is_at_end

    def note_fetch_failure(self, problem: str) -> None:
        self.failures.append(problem)

    def note_shard_end(self, cursor: str) -> None:
        """Never, here."""

    def note_expiry(self) -> None:
        """Never, here."""


def guarded(
    served: dict[str, Response], answers: Mapping[str, tuple[str, bool]]
) -> tuple[Client, Listener]:
    client, listener = Client(served), Listener(answers)
    tracker: Any = Tracker(client)
    patch_tracker(tracker, listener)
    return client, listener


def test_a_processor_decides_where_the_sdk_goes_on() -> None:
    rest = Response("9", 3)
    client, listener = guarded({"1": rest}, answers={"5": ("1", True)})
    assert client.pull_logs(0, "5", count=10) is rest
    assert listener.told == [("5", "1", "9", rest)]


def test_nothing_is_fetched_when_it_says_so() -> None:
    client, listener = guarded({}, answers={"5": ("1", False)})
    response = client.pull_logs(0, "5")
    assert response.get_next_cursor() == "5"
    assert response.get_loggroup_count() == 0
    assert list(response.get_loggroup_list().LogGroups) == []  # type: ignore[attr-defined]
    assert listener.told == []


def test_an_end_cursor_is_not_reached_by_fetching_nothing() -> None:
    """The SDK takes an empty answer for the end, and stops (``worker.py``)."""
    rest = Response("9", 3)
    client, _ = guarded({"1": rest}, answers={"5": ("1", False)})
    assert client.pull_logs(0, "5", end_cursor="9") is rest


def test_it_is_told_of_stretches_without_logs_for_it() -> None:
    """With an SPL query in the consumer, ``process()`` is not called for them."""
    client, listener = guarded({"1": Response("4", 0), "4": Response("", 0)}, answers={})
    client.pull_logs(0, "1")
    client.pull_logs(0, "4")
    assert listener.told == [("1", "1", "4", None), ("4", "4", "4", None)]


def test_it_is_told_where_the_shard_ends() -> None:
    served = {
        "1": Response("4", 3, x_log_end_of_cursor="0"),
        "4": Response("6", 0, x_log_end_of_cursor="0"),  # all of it was filtered by SPL
        "6": Response("9", 3, x_log_end_of_cursor="1"),
    }
    client, listener = guarded(served, answers={})
    for cursor in served:
        client.pull_logs(0, cursor)
    assert listener.ends == ["9"]


def test_where_a_server_does_not_say_so_an_empty_answer_is_the_end() -> None:
    client, listener = guarded({"1": Response("4", 0), "4": Response("4", 0)}, answers={})
    client.pull_logs(0, "1")
    assert listener.ends == []
    client.pull_logs(0, "4")
    assert listener.ends == ["4"]


def test_other_shards_and_a_shard_that_was_given_up_are_left_alone() -> None:
    client, listener = guarded({"1": Response("4", 0)}, answers={"1": ("nowhere", True)})
    client.pull_logs(7, "1")
    tracker: Any = Tracker(client)
    stop_listening(tracker)
    client.pull_logs(0, "1")
    assert listener.told == []


# Where the SDK, or Python, keeps the value of a property; the session's own attribute is changed.
IS_PART_OF: dict[type, type] = {sdk.WorkerLoop: sdk.Worker}
KEPT_IN = {"_timeout": "timeout", "_daemonic": "daemon", "adapters": "_session"}


def attributes(owner: Any) -> dict[str, Any]:
    session = vars(owner).get("_session")
    return {**vars(owner), **({"adapters": dict(session.adapters)} if session else {})}


def test_the_table_of_patches_has_all_that_is_replaced_and_nothing_else(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    worker: Any = make_worker(sls_emulator, syslog_receiver.settings())
    client = worker.consumer_client
    make_tracker: Any = ConsumerCheckpointTracker
    owners: dict[type, Any] = {
        sdk.CheckpointTracker: make_tracker(client, "shipper", 0),
        sdk.ConsumerClient: client,
        sdk.HeartBeat: worker.heart_beat,
        sdk.LogClient: client.mclient,
        sdk.ShardConsumer: type(worker)._get_shard_consumer(worker, 0),
        sdk.Worker: worker,
    }
    before = {kind: attributes(owner) for kind, owner in owners.items()}
    HardenedWorker(worker)
    patch_tracker(owners[sdk.CheckpointTracker], Listener({}))
    assert worker._get_shard_consumer(0) is owners[sdk.ShardConsumer]
    replaced = {
        (kind, KEPT_IN.get(name, name))
        for kind, owner in owners.items()
        for name, value in attributes(owner).items()
        if before[kind].get(name) != value
    }
    listed = {(IS_PART_OF.get(patch.owner, patch.owner), patch.attribute) for patch in PATCHES}
    assert replaced == listed - {
        (sdk.Worker, "process_kwargs"),  # empty before, too
        (sdk.ConsumerClient, "ensure_consumer_group_created"),  # by make_worker() only
    }


def test_each_patch_names_its_replacement_and_hazards_of_the_page() -> None:
    page = (ROOT / "docs" / "explanation" / "hazards.md").read_text()
    hazards = set(re.findall(r"^\| ([LS]\d+) \|", page, re.M))
    for patch in PATCHES:
        assert set(patch.hazards.split()) <= hazards, patch
        assert patch.hazards, patch
        replacement = patch.replacement.partition(".")[0]
        assert not replacement.startswith("_") or hasattr(patches, replacement), patch


@pytest.mark.parametrize("is_guarded", [True, False], ids=["run_worker", "plain"])
def test_a_redirect_of_sls_is_refused_with_and_without_run_worker(
    is_guarded: bool, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    worker: Any = make_worker(sls_emulator, syslog_receiver.settings())
    client = worker.consumer_client
    if is_guarded:
        HardenedWorker(worker)
    else:
        patch_client(client)
    asked: list[bytes] = []

    def redirect(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        location = f"http://{sls_emulator.endpoint}/"
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode())

    with serve(redirect) as port:
        client.mclient._setendpoint(f"0.0.1:{port}")
        before = sls_emulator.calls.total()
        with pytest.raises(LogException, match="redirect to"):
            client.get_begin_cursor(0)
    assert len(asked) == 1
    assert sls_emulator.calls.total() == before
