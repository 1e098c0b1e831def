"""What `check_destination` says of a receiver that talks: it ends in time, and names the talk."""

from __future__ import annotations

import pytest

from sls_syslog import check_destination
from sls_syslog.preflight.report import DestinationReport
from sls_syslog.testing import TemporaryCA
from tests.network.test_talkers import (
    PROTOCOLS,
    end_within_limit,
    make_context,
    make_settings,
    mark_gate,
    try_until_spelled_out,
)
from tests.support.reports import failure
from tests.support.talkers import RelpTalker, SilenceBreaker, Talker

SECONDS = 2.0


def check(talker: Talker, authority: TemporaryCA, protocol: str) -> DestinationReport:
    settings = make_settings(talker.port, authority, protocol)
    report = end_within_limit(lambda: check_destination(settings, timeout=SECONDS))
    assert isinstance(report, DestinationReport)
    return report


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("reads", "size", "pause"),
    [
        mark_gate(reads, size, pause, plain=(size, pause) == (1, 0.0) and reads)
        for reads in (True, False)
        for size in (1, 16384)
        for pause in (0.0, 0.05, 0.75 * SECONDS)
    ],
)
def test_a_talker_is_another_service(
    authority: TemporaryCA, protocol: str, reads: bool, size: int, pause: float
) -> None:
    with Talker(make_context(authority, protocol), size, pause, reads=reads) as talker:
        step, said = failure(check(talker, authority, protocol))
    assert step == "message"
    assert "b'x" in said
    assert "came back: a syslog receiver sends nothing" in said


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [1, 16384])
def test_talk_on_the_silent_connection_alone_changes_nothing(
    authority: TemporaryCA, protocol: str, size: int
) -> None:
    with SilenceBreaker(make_context(authority, protocol), size) as talker:
        report = check(talker, authority, protocol)
    assert report.ok, str(report)
    assert [receiver.level for receiver in report.receivers] == ["consumed"]


@pytest.mark.parametrize("protocol", ["relp", "relp+tls"])
@pytest.mark.parametrize("accepts", [True, False], ids=["accepts", "refuses"])
@pytest.mark.parametrize(
    ("words", "pause", "expected"),
    [
        (b"x", 0.0, "is not RELP"),
        (b"9 rsp 6 200 OK\n", 0.0, "has answered 9, which is not in flight"),
        (b"0 hint 4 talk\n", 0.0, "sends without end, and does not"),
        pytest.param(b"0 hint 4 talk\n", 0.05, "sends without end", marks=pytest.mark.gate),
    ],
)
def test_talk_is_no_answer_over_relp(
    authority: TemporaryCA, protocol: str, accepts: bool, words: bytes, pause: float, expected: str
) -> None:
    context = make_context(authority, protocol)
    with RelpTalker(context, words, pause, accepts=accepts) as talker:
        step, _ = try_until_spelled_out(
            lambda: failure(check(talker, authority, protocol)),
            lambda outcome: expected in outcome[1],
        )
    assert step in {"connect", "message"}
