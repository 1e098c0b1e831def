"""What a shard's processor is told of the SDK's fetching; the rest is tested with real workers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sls_syslog.guards import guard, unguard


class Response:
    def __init__(self, next_cursor: str, groups: int) -> None:
        self._next, self._groups = next_cursor, groups

    def get_next_cursor(self) -> str:
        return self._next

    def get_loggroup_count(self) -> int:
        return self._groups


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

    def __init__(self, instead: dict[str, str]) -> None:
        self.instead = instead
        self.told: list[tuple[str, str]] = []

    def before_fetch(self, cursor: str) -> str:
        return self.instead.get(cursor, cursor)

    def nothing_fetched(self, start: str, end: str) -> None:
        self.told.append((start, end))

    def logs_expired(self) -> None:
        """Never, here."""


def guarded(served: dict[str, Response], instead: dict[str, str]) -> tuple[Client, Listener]:
    client, listener = Client(served), Listener(instead)
    guard(Tracker(client), listener)
    return client, listener


def test_a_processor_decides_where_the_sdk_goes_on() -> None:
    rest = Response("9", 3)
    client, listener = guarded({"1": rest}, instead={"5": "1"})
    assert client.pull_logs(0, "5", count=10) is rest
    assert listener.told == []


def test_it_is_told_of_stretches_without_logs_for_it() -> None:
    """With an SPL query in the consumer, ``process()`` is not called for them."""
    client, listener = guarded({"1": Response("4", 0), "4": Response("", 0)}, instead={})
    client.pull_logs(0, "1")
    client.pull_logs(0, "4")
    assert listener.told == [("1", "4")]


def test_other_shards_and_a_shard_that_was_given_up_are_left_alone() -> None:
    client, listener = guarded({"1": Response("4", 0)}, instead={"1": "nowhere"})
    client.pull_logs(7, "1")
    unguard(Tracker(client))
    client.pull_logs(0, "1")
    assert listener.told == []
