"""A RELP receiver that talks: everything ends in time, and at a stop, with a clear error.

Unlike a syslog receiver, one of RELP has something to say. But only answers to messages count.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from sls_syslog import ConnectError, SendError, TransportError, UnconfirmedError
from sls_syslog.network.deadline import Stop
from sls_syslog.network.failover import open_transport
from sls_syslog.testing import TemporaryCA
from tests.network.test_talkers import (
    GRACE,
    LONG,
    end_within_limit,
    is_spelled_out,
    make_context,
    make_settings,
    running,
    try_until_spelled_out,
)
from tests.support.gate import keep_first
from tests.support.talkers import RelpTalker, Session, Talker
from tests.support.waiting import eventually

MESSAGE = b"<14>1 - - - - - - hello"
MANY = b"<14>1 - - - - - - " + b"x" * 1000
PROTOCOLS = ["relp", "relp+tls"]
HINT = b"0 hint 4 talk\n"
LONG_HINT = b"0 hint 16000 " + b"x" * 16000 + b"\n"
BREACHES = [
    pytest.param(b"x", "is not RELP", id="garbage"),
    pytest.param(b"\0" * 16384, "is not RELP", id="much garbage"),
    pytest.param(b"99 rsp 6 200 OK\n", "answered 99, which is not in flight", id="other answers"),
    pytest.param(b"0 rsp 6 200 OK\n", "answered 0, which is not in flight", id="answers to hints"),
    pytest.param(b"7 syslog 0\n", "sent the command 'syslog'", id="commands"),
    pytest.param(b"2 rsp 99999 200", "99999 bytes; a response is short", id="a long answer"),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("words", "error"), BREACHES)
def test_what_breaks_the_rules_ends_the_session(
    authority: TemporaryCA, protocol: str, words: bytes, error: str
) -> None:
    with RelpTalker(make_context(authority, protocol), words) as talker:
        settings = make_settings(talker.port, authority, protocol, timeout=LONG)
        with closing(open_transport(settings)) as transport:

            def send_and_confirm() -> None:
                transport.send([MESSAGE])
                transport.confirm()

            outcome = end_within_limit(send_and_confirm)
            assert isinstance(outcome, TransportError)
            assert error in str(outcome)
            end_within_limit(transport.close)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("reads", [True, False], ids=["reads", "deaf"])
@pytest.mark.parametrize(
    ("words", "pause"),
    [
        (HINT, 0.0),
        pytest.param(HINT, 0.05, marks=pytest.mark.gate),
        pytest.param(LONG_HINT, 0.0, marks=pytest.mark.gate),
    ],
)
def test_hints_without_end_are_no_answers(
    authority: TemporaryCA, protocol: str, reads: bool, words: bytes, pause: float
) -> None:
    def are_named(outcomes: tuple[Any, Any]) -> bool:  # slower talk may come too late
        return bool(pause) or all(map(is_spelled_out, outcomes))

    with RelpTalker(make_context(authority, protocol), words, pause, reads=reads) as talker:
        settings = make_settings(talker.port, authority, protocol, timeout=1.0)

        def attempt() -> tuple[Any, Any]:
            with closing(open_transport(settings)) as transport:
                assert end_within_limit(lambda: transport.send([MESSAGE])) is None
                confirmed = end_within_limit(transport.confirm)
                sent = end_within_limit(lambda: transport.send(itertools.repeat(MANY)))
                end_within_limit(transport.close)
            return confirmed, sent

        confirmed, sent = try_until_spelled_out(attempt, are_named)
    assert isinstance(confirmed, UnconfirmedError)
    assert pause or "does not answer" in str(confirmed)
    assert isinstance(sent, SendError)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("accepts", [True, False], ids=["message", "session"])
def test_an_answer_that_trickles_does_not_delay_the_end(
    authority: TemporaryCA, protocol: str, accepts: bool
) -> None:
    rests: dict[Session, Iterator[int]] = {}

    class Trickler(RelpTalker):
        """It gives one long answer, a byte at a time."""

        def make_words(self, session: Session) -> bytes:
            if session not in rests:
                start = b"%d rsp 16000 200 " % (1 + accepts)
                rests[session] = itertools.chain(start, itertools.repeat(ord("x")))
            return session.wrap(bytes([next(rests[session])]))

    with Trickler(make_context(authority, protocol), b"x", 0.05, accepts=accepts) as talker:
        settings = make_settings(talker.port, authority, protocol)

        def attempt() -> Any:
            with closing(open_transport(settings)) as transport:
                if accepts:
                    transport.send([MESSAGE])
                return end_within_limit(transport.confirm if accepts else transport.connect)

        outcome = try_until_spelled_out(attempt)
    assert isinstance(outcome, UnconfirmedError if accepts else ConnectError)
    lacking = "answer our messages" if accepts else "accept the RELP session"
    assert f"sends without end, and does not {lacking}" in str(outcome)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("pause", [0.0, 0.05])
@pytest.mark.parametrize("work", keep_first(["confirm", "send", "connect"]))
def test_everything_ends_with_a_stop(
    authority: TemporaryCA, protocol: str, pause: float, work: str
) -> None:
    stop = Stop(GRACE)
    context = make_context(authority, protocol)
    with RelpTalker(context, HINT, pause, accepts=work != "connect") as talker:
        settings = make_settings(talker.port, authority, protocol, timeout=LONG)
        with closing(open_transport(settings, stop)) as transport:
            if work == "confirm":
                transport.send([MESSAGE])
            operations: dict[str, Callable[[], Any]] = {
                "connect": transport.connect,
                "send": lambda: transport.send(itertools.repeat(MANY)),
                "confirm": transport.confirm,
            }
            with running(operations[work]):
                before = talker.said
                eventually(lambda: talker.said > before)
                stop.request()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_closing_does_not_wait_for_the_end_of_talk(
    authority: TemporaryCA, protocol: str, pause: float
) -> None:
    with RelpTalker(make_context(authority, protocol), HINT, pause) as talker:
        settings = make_settings(talker.port, authority, protocol, timeout=LONG)
        transport = open_transport(settings)
        transport.connect()
        assert end_within_limit(transport.close) is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_service_that_talks_is_no_relp(authority: TemporaryCA, protocol: str) -> None:
    with Talker(make_context(authority, protocol)) as talker:
        settings = make_settings(talker.port, authority, protocol, timeout=LONG)
        with closing(open_transport(settings)) as transport:
            outcome = end_within_limit(transport.connect)
    assert isinstance(outcome, ConnectError)
    assert "is not RELP" in str(outcome)
