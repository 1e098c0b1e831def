"""What a shard's processor is told of the SDK's fetching; the rest is tested with real workers."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from sls_syslog.consumer.patches import guard, unguard


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
        self.mclient = SimpleNamespace(heart_beat=None, _replace_credentials=None)

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

    def __init__(self, answers: Mapping[str, tuple[str, bool]]) -> None:
        self.answers = answers
        self.told: list[tuple[str, str, str, Any]] = []
        self.ends: list[str] = []

    def before_fetch(self, cursor: str) -> tuple[str, bool]:
        return self.answers.get(cursor, (cursor, True))

    def fetched(self, cursor: str, start: str, end: str, batch: Any, at_end: bool) -> None:
        self.told.append((cursor, start, end, batch))
        self.ends += [end] * at_end

    def logs_expired(self) -> None:
        """Never, here."""


def guarded(
    served: dict[str, Response], answers: Mapping[str, tuple[str, bool]]
) -> tuple[Client, Listener]:
    client, listener = Client(served), Listener(answers)
    guard(Tracker(client), listener)
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
    unguard(Tracker(client))
    client.pull_logs(0, "1")
    assert listener.told == []
