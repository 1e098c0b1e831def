"""Look-ups: a resolver that hangs or fails costs one thread for each name."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sls_syslog.network.deadline import Deadline
from sls_syslog.network.resolver import resolve
from tests.support.waiting import eventually

LIMIT = 30.0


class Resolver:
    """The system's resolver, which hangs until it is told to answer."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.queries: list[str] = []
        self.error: Exception | None = None

    def look_up(self, host: str, port: int, **_: Any) -> list[Any]:
        self.queries.append(host)
        assert self.answers.wait(LIMIT)
        if self.error is not None:
            raise self.error
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.7", port))]

    @property
    def threads(self) -> list[str]:
        return [thread.name for thread in threading.enumerate() if "resolve-" in thread.name]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver.look_up)
    yield resolver
    resolver.answers.set()
    eventually(lambda: not resolver.threads)


def ask(host: str = "siem.example", seconds: float = LIMIT) -> list[Any]:
    return resolve(host, 514, socket.SOCK_STREAM, Deadline(seconds))


def test_a_resolver_that_hangs_gets_one_thread_a_name(resolver: Resolver) -> None:
    for _ in range(20):
        for host in ("siem.example", "other.example"):
            with pytest.raises(TimeoutError):
                ask(host, 0.01)
    assert sorted(resolver.threads) == ["resolve-other.example", "resolve-siem.example"]


def test_all_that_ask_share_one_answer(resolver: Resolver) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask) for _ in range(8)]
        eventually(lambda: bool(resolver.queries))
        resolver.answers.set()
        assert {str(one.result()) for one in asked} == {str(ask())}


def test_the_next_question_is_looked_up_anew(resolver: Resolver) -> None:
    resolver.answers.set()
    for _ in range(3):
        ask()
    assert len(resolver.queries) == 3


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")]
)
def test_each_that_asks_gets_the_error(resolver: Resolver, error: Exception) -> None:
    resolver.error = error
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask) for _ in range(8)]
        resolver.answers.set()
        errors = [one.exception() for one in asked]
    assert all(isinstance(one, OSError) and str(error) in str(one) for one in errors)
