"""New credentials, when those that the client has are refused: one thread gets them for all."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from aliyun.log import LogClient
from aliyun.log.logexception import LogException

from sls_syslog.consumer.refresh import SharedRefresh
from tests.support.waiting import eventually


class Client:
    """The SDK's client with a refresher, which counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 5.0  # a machine that has just started
        self.is_stopping = False
        self.error: Exception | None = None
        self.hangs: threading.Event | None = None
        make_client: Any = LogClient
        self._sdk: Any = make_client("sls.example", "old", "key", source="here")
        self._sdk.set_credentials_auto_refresher(self._make_credentials)
        self.refresh = SharedRefresh(self._sdk, lambda: self.is_stopping, lambda: self.now)

    def _make_credentials(self) -> tuple[str, ...]:
        self.asked += 1
        if self.hangs:
            self.hangs.wait()
        if self.error:
            raise self.error
        return f"id{self.asked}", "key", "token"

    @property
    def access_key_id(self) -> str:
        credentials = self._sdk._auth.credentials_provider.get_credentials()
        return str(credentials.get_access_key_id())


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize("seconds", [-3600, 3600], ids=["back", "forward"])
def test_a_clock_that_is_set_holds_up_no_new_token(
    client: Client, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.refresh()
    machine = time.time
    monkeypatch.setattr(time, "time", lambda: machine() + seconds)
    for asked in (2, 3):
        client.now += 1000
        client.refresh()
        assert client.asked == asked
        assert client.access_key_id == f"id{asked}"


def test_a_thread_that_met_the_old_token_takes_the_new_one(client: Client) -> None:
    client.refresh()
    client.refresh()
    assert client.asked == 1


def test_a_refresher_that_fails_is_an_error_at_once_and_asked_again_later(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.error = RuntimeError("no role")
    for _ in range(10):  # of many threads
        with pytest.raises(LogException, match=r"RuntimeError: no role"):
            client.refresh()
    assert client.asked == 1
    assert len(caplog.messages) == 1
    client.error = None
    client.now += 5
    client.refresh()
    assert client.access_key_id == "id2"


def test_a_stop_waits_for_no_refresh(client: Client) -> None:
    client.refresh()
    client.is_stopping = True
    with pytest.raises(LogException, match="about to stop"):
        client.refresh()  # the new token was refused as well


def test_a_stop_does_not_wait_for_a_refresher_that_hangs(client: Client) -> None:
    client.hangs = threading.Event()
    thread = threading.Thread(target=client.refresh)
    thread.start()
    eventually(lambda: client.asked == 1)
    client.refresh()  # returns after a second, so that the SDK asks once more
    client.is_stopping = True
    with pytest.raises(LogException, match="about to stop"):
        client.refresh()
    client.hangs.set()
    thread.join()
