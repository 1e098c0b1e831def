"""Rules that choose logs: which ones a filter lets through."""

from __future__ import annotations

import pytest

from sls_syslog import LogRule, SettingsError
from sls_syslog.logs.rules import make_filter

PROBE, ERROR = LogRule("path", equals="/healthz"), LogRule("status", at_least=500)
LOGS = [{}, {"path": "/healthz"}, {"status": "500"}, {"path": "/healthz", "status": "503"}]


@pytest.mark.parametrize(
    ("skip", "only", "sent"),
    [
        ([PROBE], [], [0, 2]),
        ([], [PROBE], [1, 3]),
        ([PROBE, ERROR], [], [0]),
        ([], [PROBE, ERROR], [1, 2, 3]),
        ([PROBE], [ERROR], [2]),
    ],
)
def test_a_filter(skip: list[LogRule], only: list[LogRule], sent: list[int]) -> None:
    is_sent = make_filter(skip, only)
    assert is_sent is not None
    assert [number for number, log in enumerate(LOGS) if is_sent(log)] == sent


def test_without_rules_there_is_no_filter() -> None:
    assert make_filter([], []) is None


def test_a_wrong_rule_is_refused_when_it_is_made() -> None:
    with pytest.raises(SettingsError, match=r"^rule: expected exactly one of equals"):
        LogRule("path")
