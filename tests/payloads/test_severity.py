"""The severity of events that have none of their own is that of their message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sls_syslog import CefPayload, LeefPayload, Severity
from sls_syslog.payloads.severity import EVENT_SEVERITIES
from tests.support.pages import rows
from tests.support.processes import ROOT
from tests.support.read_cef import read_cef
from tests.support.read_leef import read_leef

# "Common Event Format, Implementation Standard", header field Severity.
BANDS = {"low": range(4), "medium": range(4, 7), "high": range(7, 9), "very-high": range(9, 11)}
APPLICATION = {"__topic__": "shop", "level": "ERROR"}


def test_each_of_cefs_bands_holds_two_severities_in_order() -> None:
    numbers = [int(EVENT_SEVERITIES[severity]) for severity in sorted(Severity)]
    assert numbers == sorted(set(numbers), reverse=True)
    for band in BANDS.values():
        assert sum(number in band for number in numbers) == 2
    assert min(numbers) >= 1  # LEEF has no 0


def test_the_page_has_the_table() -> None:
    found = {row[0]: row[1] for row in rows(ROOT / "docs" / "reference" / "wire.md")}
    for severity, number in EVENT_SEVERITIES.items():
        assert found[f"`{severity.name.lower()}` ({severity})"] == number


@pytest.mark.parametrize("severity", Severity)
def test_an_event_without_a_severity_has_that_of_its_message(severity: Severity) -> None:
    expected = EVENT_SEVERITIES[severity]
    cef = CefPayload().for_severity(severity)(APPLICATION)
    leef = LeefPayload().for_severity(severity.name)(APPLICATION)
    assert read_cef(cef).severity == expected
    assert read_leef(leef).attributes["sev"] == expected


@pytest.mark.parametrize(
    ("parts", "log"),
    [
        ({}, {"__topic__": "waf_access_log", "host": "a.example", "status": "twenty"}),
        ({"severity": "level"}, APPLICATION),
        ({"severity": "missing"}, APPLICATION),
        ({"severity": ("missing", "level")}, APPLICATION),
        ({"event_class_id": "level"}, APPLICATION),
        ({"mapping": "generic"}, APPLICATION),
    ],
)
def test_what_gives_no_severity_leaves_it_to_the_message(
    parts: dict[str, Any], log: Mapping[str, str]
) -> None:
    payload = CefPayload(**parts)
    assert read_cef(payload(log)).severity == "3"
    assert read_cef(payload.for_severity("critical")(log)).severity == "8"


@pytest.mark.parametrize(
    ("parts", "log", "expected"),
    [
        ({}, {"__topic__": "waf_access_log", "status": "200"}, "2"),
        ({"severity": "level"}, {"level": "0"}, "0"),
        ({"severity": "level"}, {"level": "low"}, "Low"),
        ({"severity": 3}, APPLICATION, "3"),
    ],
)
def test_a_severity_of_the_events_own_stays(
    parts: dict[str, Any], log: Mapping[str, str], expected: str
) -> None:
    assert read_cef(CefPayload(**parts).for_severity("alert")(log)).severity == expected


def test_the_payload_itself_does_not_change() -> None:
    payload = CefPayload()
    graded = payload.for_severity("alert")
    assert read_cef(payload(APPLICATION)).severity == "3"
    assert graded != payload
    assert graded.for_severity(Severity.INFO) == payload


def test_a_severity_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a number from 0 to 7 or one of emergency"):
        LeefPayload().for_severity("loud")
