"""Severity from a field: the conditions, their order, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sls_syslog import SettingsError, Severity, SeverityRule, ShipperSettings
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.logs.severity_rules import make_severity_function

ERROR, INFO = Severity.ERROR, Severity.INFO


@pytest.mark.parametrize(
    ("condition", "meets", "fails"),
    [
        ({"equals": "ERROR"}, ["ERROR"], ["error", "ERROR ", "", "xERROR"]),
        ({"equals": ""}, [""], ["x"]),
        ({"contains": "fail"}, ["fail", "it failed"], ["FAIL", ""]),
        ({"matches": "^5\\d\\d$"}, ["500", "599"], ["1500", "50", ""]),
        ({"matches": "(?i)error"}, ["Error!"], ["err"]),
        (
            {"at_least": 500},
            ["500", "500.0", "1e3", " 501 "],
            ["499", "499.99", "", "many", "nan", "5_0_0"],
        ),
        ({"at_least": -1.5}, ["-1.5", "0"], ["-2"]),
    ],
    ids=str,
)
def test_a_condition(condition: dict[str, Any], meets: list[str], fails: list[str]) -> None:
    severity = make_severity_function([SeverityRule("f", severity=ERROR, **condition)], INFO)
    assert [severity({"f": value}) for value in meets] == [ERROR] * len(meets)
    assert [severity({"f": value}) for value in fails] == [INFO] * len(fails)
    assert severity({"another": "field"}) is INFO


def test_the_first_match_wins() -> None:
    rules = [
        SeverityRule("status", at_least=500, severity="critical"),
        SeverityRule("status", at_least=400, severity="warning"),
    ]
    severity = make_severity_function(rules, INFO)
    assert [severity({"status": status}) for status in ("503", "404", "200")] == [
        Severity.CRITICAL,
        Severity.WARNING,
        INFO,
    ]


@pytest.mark.parametrize(
    "given",
    [
        [SeverityRule("level", equals="E", severity=3)],
        [{"field": "level", "equals": "E", "severity": "err"}],
        '[{"field": "level", "equals": "E", "severity": 3}]',
    ],
    ids=["rules", "mappings", "json"],
)
def test_rules_come_from_settings(given: Any) -> None:
    settings = ShipperSettings(host="siem", severity_rules=given, severity="notice")
    hooks = MessageHooks(settings)
    assert hooks.severity({"level": "E"}) is ERROR
    assert hooks.severity({"level": "F"}) is Severity.NOTICE


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "expected a name"),
        ({"field": ""}, "expected a name"),
        ({"field": "f", "severity": 3}, "exactly one of equals, contains, matches, at_least"),
        ({"field": "f", "equals": "x", "contains": "y", "severity": 3}, "exactly one of"),
        ({"field": "f", "equals": "x"}, "expected a number from 0 to 7"),
        ({"field": "f", "equals": "x", "severity": 8}, "expected a number from 0 to 7"),
        ({"field": "f", "matches": "(", "severity": 3}, "unterminated"),
        ({"field": "f", "at_least": "many", "severity": 3}, "could not convert"),
        ({"field": "f", "matches": b"x", "severity": 3}, "bytes"),
        ({"field": "f", "at_least": 10**400, "severity": 3}, "too large"),
        ({"field": "f", "at_least": float("nan"), "severity": 3}, "expected a number"),
        ({"field": "f", "at_least": True, "severity": 3}, "expected a number"),
        ({"field": "f", "equals": ["a", "b"], "severity": 3}, "expected a text or a number"),
        ({"field": "f", "equals": True, "severity": 3}, "expected a text or a number"),
        ({"field": "f", "equal": "x", "severity": 3}, "no key 'equal'; did you mean 'equals'?"),
        ({"field": "f", "zzz": "x", "severity": 3}, "no key 'zzz'; the keys are field, equals"),
        ({"field": "f", 5: "x", "severity": 3}, "no key 5; the keys are field, equals"),
        ({"field": "f", "equals": "x", "severity": "eror"}, "did you mean 'error'?"),
        ({"field": "f", "equals": "x"}, "severity: expected a number from 0 to 7 or one of"),
        ("level", "mapping of field"),
    ],
    ids=str,
)
def test_a_wrong_rule_is_refused(rule: Any, words: str) -> None:
    with pytest.raises(SettingsError, match="severity_rules") as refused:
        ShipperSettings(host="siem", severity_rules=[rule])
    assert words in str(refused.value)
