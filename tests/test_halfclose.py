"""What is learnt of a receiver that leaves half-closes unanswered."""

from __future__ import annotations

import logging

import pytest

from sls_syslog.network.half_close import Answer, HalfCloses

SIEM = "tcp://siem:514"


def never() -> Answer:
    raise AssertionError("nobody should have asked")


def test_who_has_answered_once_is_never_probed_again() -> None:
    known = HalfCloses()
    known.answered(SIEM)
    known.find_out(SIEM, never)
    assert known.known(SIEM) is Answer.GIVEN


def test_an_answer_to_another_shard_outweighs_a_silence() -> None:
    known = HalfCloses()

    def answered_meanwhile() -> Answer:
        known.answered(SIEM)
        return Answer.NONE

    known.find_out(SIEM, answered_meanwhile)
    assert known.known(SIEM) is Answer.GIVEN


@pytest.mark.parametrize("answer", list(Answer))
def test_the_first_silence_is_looked_into(answer: Answer) -> None:
    known = HalfCloses()
    known.find_out(SIEM, lambda: answer)
    assert known.known(SIEM) is answer


@pytest.mark.parametrize(
    ("probed", "learnt"),
    [
        (Answer.GIVEN, Answer.GIVEN),
        (Answer.DOUBTED, Answer.NONE),
        (Answer.NONE, Answer.NONE),
        (Answer.UNKNOWN, Answer.DOUBTED),
    ],
)
def test_one_that_reads_is_asked_once_more_before_it_is_judged(
    probed: Answer, learnt: Answer
) -> None:
    known = HalfCloses()
    known.find_out(SIEM, lambda: Answer.DOUBTED)
    known.found_alive(SIEM, lambda: probed)
    assert known.known(SIEM) is learnt


def test_after_a_minute_one_shard_asks_again_for_all() -> None:
    now = [0.0]
    known = HalfCloses(clock=lambda: now[0])
    known.find_out(SIEM, lambda: Answer.NONE)
    known.try_again(SIEM, never)
    now[0] = 60.0
    known.try_again(SIEM, lambda: Answer.NONE)
    known.try_again(SIEM, never)
    now[0] = 120.0
    known.try_again(SIEM, lambda: Answer.GIVEN)
    assert known.known(SIEM) is Answer.GIVEN
    now[0] = 180.0
    known.try_again(SIEM, never)


def test_one_warning_names_the_receiver(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    known = HalfCloses()
    known.find_out(SIEM, lambda: Answer.DOUBTED)
    known.find_out(SIEM, never)
    known.found_alive(SIEM, lambda: Answer.NONE)
    known = HalfCloses()
    known.find_out(SIEM, lambda: Answer.NONE)
    levels = [record.levelno for record in caplog.records]
    # A doubt is an error to whoever waits, and told with the outage that it is.
    assert levels == [logging.INFO, logging.WARNING]
    assert all(message.startswith(SIEM) for message in caplog.messages)
