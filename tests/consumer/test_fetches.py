"""Where batches begin, and where nothing lies."""

from __future__ import annotations

from sls_syslog.consumer.fetches import Fetches


def test_a_batch_begins_where_it_was_fetched_from_and_is_asked_for_once() -> None:
    fetches, batch, other = Fetches(), object(), object()
    fetches.add_batch(batch, "3")
    assert fetches.pop_start(other) is None
    assert fetches.pop_start(batch) == "3"
    assert fetches.pop_start(batch) is None


def test_gaps_are_crossed_one_after_another_whenever_they_became_known() -> None:
    fetches = Fetches()
    fetches.add_gap("5", "7")
    fetches.add_gap("3", "5")
    fetches.add_gap("9", "9")
    assert fetches.skip_gaps("2") == "2"
    assert fetches.skip_gaps("3") == "7"
    assert fetches.skip_gaps("9") == "9"


def test_what_the_sdk_drops_is_forgotten_in_time() -> None:
    fetches = Fetches()
    batches = [object() for _ in range(100)]
    for number, batch in enumerate(batches):
        fetches.add_batch(batch, str(number))
        fetches.add_gap(str(number), str(number + 1))
    assert [fetches.pop_start(batch) is None for batch in batches].count(True) == 84
    assert fetches.skip_gaps("0") == "0"
    assert fetches.skip_gaps("84") == "100"
