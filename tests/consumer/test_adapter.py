"""The connections to SLS: each request has an end, and no redirect is followed."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests

from sls_syslog.consumer.adapter import SlsAdapter
from sls_syslog.testing import TemporaryCA
from tests.support.peers import HOST, hold_closed_port, serve

SECRET = "the-token"
HEADERS = {"Authorization": "LOG id:signature", "x-acs-security-token": SECRET}
PAUSE_SECONDS = 0.02  # between two bytes of an answer that trickles
# An answer whose headers, and one whose body, would take minutes.
SLOW_HEADERS = b"HTTP/1.1 200 OK\r\nx-slow: " + 10_000 * b"x"
SLOW_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
SLOW_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def read_request(connection: socket.socket) -> bytes:
    request = b""
    while not request.endswith(b"\r\n\r\n") and (data := connection.recv(65536)):
        request += data
    return request


def trickle(connection: socket.socket, head: bytes) -> None:
    """Send a head at once if it is complete, then single bytes until the client has gone."""
    ended = threading.Event()
    connection.sendall(head if head.endswith(b"\r\n\r\n") else head[:20])
    while not ended.wait(PAUSE_SECONDS):
        connection.sendall(b"1")


@contextmanager
def watched(adapter: SlsAdapter) -> Iterator[requests.Session]:
    """A session with the adapter, whose late requests are cut as ``run_worker`` does it."""
    ending = threading.Event()

    def watch() -> None:
        while not ending.wait(PAUSE_SECONDS):
            adapter.cut_late_requests()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with requests.Session() as session:
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        try:
            yield session
        finally:
            ending.set()
            watcher.join()


@pytest.mark.parametrize("head", [SLOW_HEADERS, SLOW_BODY], ids=["headers", "body"])
def test_an_answer_that_trickles_has_an_end(head: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        read_request(connection)
        trickle(connection, head)

    with (
        serve(answer) as port,
        watched(SlsAdapter(1, request_seconds=0.2)) as session,
        pytest.raises(requests.Timeout, match="not complete in time"),
    ):
        session.get(f"http://{HOST}:{port}/", timeout=30)


def test_an_answer_that_trickles_over_tls_has_an_end(authority: TemporaryCA) -> None:
    context = authority.server_context()

    def answer(connection: socket.socket) -> None:
        with suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as tls:
            read_request(tls)
            trickle(tls, SLOW_BODY)

    with (
        serve(answer) as port,
        watched(SlsAdapter(1, request_seconds=2)) as session,
        pytest.raises(requests.Timeout, match="not complete in time"),
    ):
        session.get(f"https://{HOST}:{port}/", timeout=30, verify=str(authority.cert_path))


def test_a_handshake_that_never_ends_has_an_end() -> None:
    """It cannot be cut; its own timeout is a deadline, and does not exceed the request's."""
    with (
        serve(read_until_end) as port,
        watched(SlsAdapter(1, request_seconds=0.2)) as session,
        pytest.raises(requests.Timeout, match="not complete in time"),
    ):
        session.get(f"https://{HOST}:{port}/", timeout=30)


SLOW_NAME = "sls.example"


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The look-ups of ``SLOW_NAME`` that have ended: the system's resolver needs a minute."""
    ending = threading.Event()
    ended: list[str] = []
    look_up = socket.getaddrinfo

    def hang(host: Any, *args: Any, **options: Any) -> Any:
        if host == SLOW_NAME:
            ending.wait(60)
            ended.append(host)
            raise socket.gaierror("no answer")
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield ended
    ending.set()


def test_a_look_up_that_hangs_has_an_end(looked_up: list[str]) -> None:
    with (
        watched(SlsAdapter(1, request_seconds=0.2)) as session,
        pytest.raises(requests.RequestException),
    ):
        session.get(f"http://{SLOW_NAME}/", timeout=30)
    assert looked_up == []


def test_a_stop_ends_a_look_up_that_hangs_and_later_ones(looked_up: list[str]) -> None:
    adapter = SlsAdapter(1, stop_seconds=0.2)
    stopping = threading.Timer(0.2, adapter.hurry)
    stopping.start()
    with watched(adapter) as session:
        for _ in range(2):
            with pytest.raises(requests.RequestException):
                session.get(f"http://{SLOW_NAME}/", timeout=60)
    stopping.join()
    assert looked_up == []


def read_until_end(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_large_body_may_take_longer_than_its_headers() -> None:
    """A slow line must not make a batch impossible to fetch."""
    body = 100_000 * b"x"

    def answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        may_end.wait(30)
        connection.sendall(body)

    may_end = threading.Event()
    adapter = SlsAdapter(1, request_seconds=30)
    with serve(answer) as port, watched(adapter) as session:
        timer = threading.Timer(0.2, may_end.set)
        timer.start()
        assert session.get(f"http://{HOST}:{port}/", timeout=30).content == body


@pytest.mark.parametrize("head", [SLOW_BODY, SLOW_CHUNKS], ids=["length", "chunks"])
def test_a_stop_ends_the_requests_on_their_way_and_later_ones(head: bytes) -> None:
    is_asked = threading.Event()

    def answer(connection: socket.socket) -> None:
        read_request(connection)
        is_asked.set()
        trickle(connection, head)

    adapter = SlsAdapter(1, stop_seconds=0.2)
    with serve(answer) as port, watched(adapter) as session:

        def stop() -> None:
            is_asked.wait(30)
            adapter.hurry()

        stopping = threading.Thread(target=stop)
        stopping.start()
        for _ in range(2):
            with pytest.raises(requests.Timeout):
                session.get(f"http://{HOST}:{port}/", timeout=60)
        stopping.join()


def test_a_connection_that_is_used_again_has_the_deadline_of_its_new_request() -> None:
    def answer(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(WHOLE)

    adapter = SlsAdapter(1, request_seconds=30)
    with serve(answer) as port, watched(adapter) as session:
        for _ in range(3):
            assert session.get(f"http://{HOST}:{port}/", timeout=30).text == "ok"


def test_what_was_cut_is_not_used_again() -> None:
    answers: Iterator[Callable[[socket.socket], object]] = iter(
        [lambda one: trickle(one, SLOW_BODY), lambda one: one.sendall(WHOLE)]
    )

    def answer(connection: socket.socket) -> None:
        read_request(connection)
        next(answers)(connection)

    with (
        serve(answer) as port,
        watched(SlsAdapter(1, request_seconds=1)) as session,
        pytest.raises(requests.Timeout),
    ):
        session.get(f"http://{HOST}:{port}/", timeout=30)
        assert session.get(f"http://{HOST}:{port}/", timeout=30).text == "ok"


def redirect(connection: socket.socket, location: str) -> None:
    read_request(connection)
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    connection.sendall(head.encode())


def test_a_redirect_to_another_host_gets_no_credentials(caplog: pytest.LogCaptureFixture) -> None:
    received: list[bytes] = []

    def note(connection: socket.socket) -> None:
        received.append(read_request(connection))
        connection.sendall(WHOLE)

    with serve(note) as other:
        target = f"http://localhost:{other}/steal?x={SECRET}"
        with (
            serve(lambda one: redirect(one, target)) as port,
            watched(SlsAdapter(1)) as session,
            pytest.raises(requests.RequestException, match="redirect") as raised,
        ):
            session.get(f"http://{HOST}:{port}/", headers=HEADERS, timeout=30)
    assert received == []
    assert f"localhost:{other}" in str(raised.value)
    assert SECRET not in caplog.text
    errors = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert errors == [str(raised.value)]


@pytest.mark.parametrize("location", ["/elsewhere", "//evil.example/x", "http://[", ""])
def test_any_redirect_is_refused(location: str) -> None:
    with (
        serve(lambda one: redirect(one, location)) as port,
        watched(SlsAdapter(1)) as session,
        pytest.raises(requests.RequestException),
    ):
        session.get(f"http://{HOST}:{port}/", headers=HEADERS, timeout=30)


def test_a_connection_that_fails_is_the_usual_error() -> None:
    with (
        hold_closed_port() as port,
        watched(SlsAdapter(1)) as session,
        pytest.raises(requests.ConnectionError, match="HTTPConnectionPool"),
    ):
        session.get(f"http://{HOST}:{port}/", timeout=30)


def test_a_proxy_s_connections_can_be_cut_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(connection: socket.socket) -> None:
        read_request(connection)
        trickle(connection, SLOW_BODY)

    with serve(answer) as port, watched(SlsAdapter(1, request_seconds=0.2)) as session:
        proxies: dict[str, Any] = {"http": f"http://{HOST}:{port}"}
        with pytest.raises(requests.Timeout):
            session.get("http://sls.example/", proxies=proxies, timeout=30)
