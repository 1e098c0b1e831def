"""Misspelt names: what is suggested, and what counts as a typing mistake."""

from __future__ import annotations

import pytest

from sls_syslog.spelling import count_edits, did_you_mean, find_typo

NAMES = ["host", "hosts", "port", "protocol", "format_message"]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("hots", "; did you mean 'host'?"),
        ("HOST", "; did you mean 'host'?"),
        ("ports", "; did you mean 'port'?"),
        ("zzz", ""),
        (1, ""),
        ("h" * 1_000_000, ""),
    ],
    ids=["swapped", "capitals", "longer", "far", "number", "long"],
)
def test_the_nearest_name_is_suggested(wrong: object, hint: str) -> None:
    assert did_you_mean(wrong, ["host", "port"]) == hint


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "abc", 0),
        ("abc", "ab", 1),
        ("abc", "abxc", 1),
        ("abc", "axc", 1),
        ("abc", "acb", 1),
        ("abcd", "badc", 2),
        ("kitten", "sitting", 3),
        ("server_name", "server_hostname", 4),
    ],
)
def test_edits_are_counted_in_both_directions(left: str, right: str, edits: int) -> None:
    assert count_edits(left, right) == count_edits(right, left) == edits


@pytest.mark.parametrize(
    ("word", "most", "name"),
    [
        ("hsot", 1, "host"),
        ("prot", 2, "port"),
        ("post", 2, "host"),
        ("format_mesage", 1, "format_message"),
        ("format_mesag", 1, None),
        ("format_mesag", 2, "format_message"),
        ("most_", 2, None),  # two edits make another word of a short name
        ("", 2, None),
        ("x" * 1_000_000, 2, None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_typing_mistake_is_found(word: str, most: int, name: str | None) -> None:
    assert find_typo(word, NAMES, most=most) == name
