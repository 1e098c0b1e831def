"""Where batches begin, and where nothing lies."""

from __future__ import annotations

from sls_syslog.consumer.fetches import Fetches


def test_a_batch_begins_where_it_was_fetched_from_and_is_asked_for_once() -> None:
    course, batch, other = Fetches(), object(), object()
    course.add_batch(batch, "3")
    assert course.begin_of(other) is None
    assert course.begin_of(batch) == "3"
    assert course.begin_of(batch) is None


def test_gaps_are_crossed_one_after_another_whenever_they_became_known() -> None:
    course = Fetches()
    course.add_gap("5", "7")
    course.add_gap("3", "5")
    course.add_gap("9", "9")
    assert course.across_gaps("2") == "2"
    assert course.across_gaps("3") == "7"
    assert course.across_gaps("9") == "9"


def test_what_the_sdk_drops_is_forgotten_in_time() -> None:
    course = Fetches()
    batches = [object() for _ in range(100)]
    for number, batch in enumerate(batches):
        course.add_batch(batch, str(number))
        course.add_gap(str(number), str(number + 1))
    assert [course.begin_of(batch) is None for batch in batches].count(True) == 84
    assert course.across_gaps("0") == "0"
    assert course.across_gaps("84") == "100"
