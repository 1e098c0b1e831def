"""Facility and severity against the standard library's own tables."""

from __future__ import annotations

import itertools
from logging.handlers import SysLogHandler
from typing import Any

import pytest

from sls_syslog.syslog.codes import Facility, Severity, compute_prival
from sls_syslog.testing.grammar import parse_rfc5424

# The names that this library reads otherwise than the standard library, or not at all:
# syslog.h has "security" for auth; the others are FreeBSD's and Solaris's names for 14 and 15.
OTHERS = {"security", "console", "solaris-cron"}


def test_every_facility_of_the_standard_library_is_known() -> None:
    known = {name: row for name, row in SysLogHandler.facility_names.items() if name not in OTHERS}
    assert {name: Facility.of(name) for name in known} == known


def test_every_severity_of_the_standard_library_is_known() -> None:
    known = SysLogHandler.priority_names
    assert {name: Severity.of(name) for name in known} == known


@pytest.mark.parametrize(("kind", "count"), [(Facility, 24), (Severity, 8)])
def test_the_numbers_have_no_gap(kind: type[Facility] | type[Severity], count: int) -> None:
    assert [int(member) for member in kind] == list(range(count))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Severity.ERROR, Severity.ERROR),
        (3, Severity.ERROR),
        ("3", Severity.ERROR),
        ("error", Severity.ERROR),
        (" Err\n", Severity.ERROR),
        ("EMERG", Severity.EMERGENCY),
        ("fatal", Severity.CRITICAL),
        ("informational", Severity.INFO),
        ("trace", Severity.DEBUG),
        (0, Severity.EMERGENCY),
        (7, Severity.DEBUG),
    ],
    ids=repr,
)
def test_a_severity_can_be_a_member_a_number_or_a_name(given: Any, expected: Severity) -> None:
    found = Severity.of(given)
    assert found is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Facility.LOCAL7, Facility.LOCAL7),
        (0, Facility.KERN),
        (23, Facility.LOCAL7),
        ("kernel", Facility.KERN),
        ("security", Facility.AUTH),
        ("Local0", Facility.LOCAL0),
        ("logaudit", Facility.AUDIT),
    ],
    ids=repr,
)
def test_a_facility_can_be_a_member_a_number_or_a_name(given: Any, expected: Facility) -> None:
    assert Facility.of(given) is expected


WRONG: list[Any] = [
    *(-1, 24, 10**30, True, False, 3.0, None, [], b"user"),
    *("", " ", "-1", "+1", "24", "1.0", "²", "٣", "local8", "of", "name", "9" * 5000),
]


@pytest.mark.parametrize("given", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("kind", [Facility, Severity])
def test_what_is_no_member_is_refused_with_all_that_would_do(
    kind: type[Facility] | type[Severity], given: Any
) -> None:
    most = len(kind) - 1
    with pytest.raises(ValueError, match=rf"^expected a number from 0 to {most} or one of ") as got:
        kind.of(given)
    assert all(member.name.lower() in str(got.value) for member in kind)


def test_eight_is_a_facility_but_no_severity() -> None:
    assert Facility.of(8) is Facility.UUCP
    with pytest.raises(ValueError, match="from 0 to 7"):
        Severity.of(8)


def test_a_strict_reader_finds_both_codes_in_every_pri() -> None:
    for facility, severity in itertools.product(Facility, Severity):
        read = parse_rfc5424(b"<%d>1 - - - - - -" % compute_prival(facility, severity))
        assert (read.facility, read.severity) == (facility, severity)
