"""What is learnt of a receiver that leaves half-closes unanswered."""

from __future__ import annotations

import logging

import pytest

from sls_syslog.network.half_close import Answer, HalfCloseAnswer

SIEM = "tcp://siem:514"


def never() -> Answer:
    raise AssertionError("nobody should have asked")


def test_who_has_answered_once_is_never_probed_again() -> None:
    answer_of = HalfCloseAnswer(SIEM)
    answer_of.mark_answered()
    answer_of.probe_if_unknown(never)
    assert answer_of.known is Answer.GIVEN


def test_an_answer_to_another_shard_outweighs_a_silence() -> None:
    answer_of = HalfCloseAnswer(SIEM)

    def answered_meanwhile() -> Answer:
        answer_of.mark_answered()
        return Answer.NONE

    answer_of.probe_if_unknown(answered_meanwhile)
    assert answer_of.known is Answer.GIVEN


def test_who_is_silent_twice_in_a_row_is_asked_anew() -> None:
    answer_of = HalfCloseAnswer(SIEM)
    answer_of.mark_answered()
    answer_of.mark_silent()
    answer_of.mark_answered()
    answer_of.mark_silent()
    answer_of.probe_if_unknown(never)
    answer_of.mark_silent()
    answer_of.probe_if_unknown(lambda: Answer.NONE)
    assert answer_of.known is Answer.NONE


@pytest.mark.parametrize("known", [Answer.GIVEN, Answer.DOUBTED, Answer.NONE, Answer.UNKNOWN])
def test_a_reset_is_believed_when_a_silent_connection_was_reset_too(known: Answer) -> None:
    answer_of = HalfCloseAnswer(SIEM)
    answer_of.probe_if_unknown(lambda: known)
    for answer in (Answer.UNKNOWN, Answer.DOUBTED):
        answer_of.probe_reset(lambda answer=answer: answer)  # type: ignore[misc]
        assert answer_of.known is known
    answer_of.probe_reset(lambda: Answer.RESET)
    assert answer_of.known is Answer.RESET


@pytest.mark.parametrize(
    ("before", "answer", "after"),
    [
        (Answer.NONE, Answer.DOUBTED, Answer.NONE),  # silence is no news
        (Answer.RESET, Answer.DOUBTED, Answer.DOUBTED),
        (Answer.RESET, Answer.NONE, Answer.NONE),
        (Answer.RESET, Answer.UNKNOWN, Answer.RESET),
        (Answer.NONE, Answer.RESET, Answer.RESET),
        (Answer.RESET, Answer.GIVEN, Answer.GIVEN),
    ],
)
def test_a_habit_that_has_changed_is_found_out(
    before: Answer, answer: Answer, after: Answer
) -> None:
    now = [0.0]
    answer_of = HalfCloseAnswer(SIEM, clock=lambda: now[0])
    answer_of.probe_if_unknown(lambda: before)
    now[0] = 60.0
    answer_of.probe_again(lambda: answer)
    assert answer_of.known is after


@pytest.mark.parametrize("answer", list(Answer))
def test_the_first_silence_is_looked_into(answer: Answer) -> None:
    answer_of = HalfCloseAnswer(SIEM)
    answer_of.probe_if_unknown(lambda: answer)
    assert answer_of.known is answer


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
    answer_of = HalfCloseAnswer(SIEM)
    answer_of.probe_if_unknown(lambda: Answer.DOUBTED)
    answer_of.judge_reading(lambda: probed)
    assert answer_of.known is learnt


def test_after_a_minute_one_shard_asks_again_for_all() -> None:
    now = [0.0]
    answer_of = HalfCloseAnswer(SIEM, clock=lambda: now[0])
    answer_of.probe_if_unknown(lambda: Answer.NONE)
    answer_of.probe_again(never)
    now[0] = 60.0
    answer_of.probe_again(lambda: Answer.NONE)
    answer_of.probe_again(never)
    now[0] = 120.0
    answer_of.probe_again(lambda: Answer.GIVEN)
    assert answer_of.known is Answer.GIVEN
    now[0] = 180.0
    answer_of.probe_again(never)


def test_one_warning_names_the_receiver(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer_of = HalfCloseAnswer(SIEM)
    answer_of.probe_if_unknown(lambda: Answer.DOUBTED)
    answer_of.probe_if_unknown(never)
    answer_of.judge_reading(lambda: Answer.NONE)
    answer_of = HalfCloseAnswer(SIEM)
    answer_of.probe_if_unknown(lambda: Answer.NONE)
    levels = [record.levelno for record in caplog.records]
    # A doubt is an error to whoever waits, and told with the outage that it is.
    assert levels == [logging.INFO, logging.WARNING]
    assert all(message.startswith(SIEM) for message in caplog.messages)
