"""Time stamps against zoneinfo and against stamps worked out by hand, in five zones."""

from __future__ import annotations

import datetime as dt
import locale
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.syslog.timestamps import LogClock, format_rfc3164_time, format_rfc5424_time
from sls_syslog.testing.grammar import parse_rfc3164, parse_rfc5424
from tests.support.local_zone import local_zone

UINT32 = 2**32 - 1
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ZONES = ["UTC", "Asia/Shanghai", "Asia/Kolkata", "America/New_York", "America/St_Johns"]
# Worked out by hand from the zones' rules. Clocks in North America went forward on 2026-03-08
# and back on 2026-11-01, at 2 o'clock local time.
BY_HAND = [
    ("UTC", 0, "1970-01-01T00:00:00+00:00", "Jan  1 00:00:00"),
    ("UTC", 951_782_400, "2000-02-29T00:00:00+00:00", "Feb 29 00:00:00"),
    ("UTC", UINT32, "2106-02-07T06:28:15+00:00", "Feb  7 06:28:15"),
    ("Asia/Shanghai", 1_795_403_700, "2026-11-23T11:15:00+08:00", "Nov 23 11:15:00"),
    ("Asia/Kolkata", 1_795_403_700, "2026-11-23T08:45:00+05:30", "Nov 23 08:45:00"),
    ("America/New_York", 1_772_953_199, "2026-03-08T01:59:59-05:00", "Mar  8 01:59:59"),
    ("America/New_York", 1_772_953_200, "2026-03-08T03:00:00-04:00", "Mar  8 03:00:00"),
    ("America/New_York", 1_793_509_200, "2026-11-01T01:00:00-04:00", "Nov  1 01:00:00"),
    ("America/New_York", 1_793_512_799, "2026-11-01T01:59:59-04:00", "Nov  1 01:59:59"),
    ("America/New_York", 1_793_512_800, "2026-11-01T01:00:00-05:00", "Nov  1 01:00:00"),
    ("America/St_Johns", 1_772_947_799, "2026-03-08T01:59:59-03:30", "Mar  8 01:59:59"),
    ("America/St_Johns", 1_772_947_800, "2026-03-08T03:00:00-02:30", "Mar  8 03:00:00"),
    ("America/St_Johns", 1_793_507_399, "2026-11-01T01:59:59-02:30", "Nov  1 01:59:59"),
    ("America/St_Johns", 1_793_507_400, "2026-11-01T01:00:00-03:30", "Nov  1 01:00:00"),
]


@pytest.mark.parametrize(("zone", "seconds", "rfc5424", "rfc3164"), BY_HAND)
@pytest.mark.parametrize("local", [False, True], ids=["named", "local"])
def test_a_log_has_the_stamp_of_its_zone(
    zone: str, seconds: int, rfc5424: str, rfc3164: str, local: bool
) -> None:
    with local_zone(zone if local else "Pacific/Chatham"):
        clock = LogClock(None if local else ZoneInfo(zone))
        assert clock.format_rfc5424(seconds) == rfc5424
        assert clock.format_rfc3164(seconds) == rfc3164
        assert format_rfc5424_time(clock.make_datetime(seconds)) == rfc5424
        assert format_rfc3164_time(clock.make_datetime(seconds)) == rfc3164


@pytest.mark.parametrize("zone", ZONES)
def test_every_quarter_of_an_hour_of_a_year_is_right(zone: str) -> None:
    year = range(1_767_225_600, 1_798_761_600, 900)
    # Asked in another way than by astimezone().
    expected = [dt.datetime.fromtimestamp(seconds, ZoneInfo(zone)).isoformat() for seconds in year]
    for named, local in ((ZoneInfo(zone), "UTC"), (None, zone)):
        with local_zone(local):
            clock = LogClock(named)
            stamps = [clock.format_rfc5424(seconds) for seconds in year]
        assert stamps == expected, f"named {named}, local {local}"


class Odd(dt.tzinfo):
    """A zone whose clocks go forward in the middle of a minute."""

    def utcoffset(self, moment: dt.datetime | None) -> dt.timedelta:
        assert moment is not None
        return dt.timedelta(
            hours=moment.replace(tzinfo=None) >= dt.datetime(2026, 11, 23, 3, 15, 30)
        )

    def dst(self, moment: dt.datetime | None) -> None:
        return None

    def tzname(self, moment: dt.datetime | None) -> str:
        return "Odd"

    def __str__(self) -> str:
        return "Odd"

    def fromutc(self, moment: dt.datetime) -> dt.datetime:
        return moment + self.utcoffset(moment)


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        *((ZoneInfo(zone), 1_772_953_140) for zone in ZONES),
        *((ZoneInfo(zone), 1_793_512_740) for zone in ZONES),
        # Liberia's offset was -00:44:30 until 1972-01-07.
        (ZoneInfo("Africa/Monrovia"), 63_593_000),
        (Odd(), 1_795_403_640),
    ],
    ids=str,
)
def test_every_second_of_some_minutes_is_right(zone: dt.tzinfo, begin: int) -> None:
    clock = LogClock(zone)
    for seconds in range(begin, begin + 181):
        moment = dt.datetime.fromtimestamp(seconds, zone)
        assert clock.format_rfc5424(seconds) == format_rfc5424_time(moment)
        assert clock.format_rfc3164(seconds) == format_rfc3164_time(moment)


zones = st.sampled_from([ZoneInfo(zone) for zone in ZONES])


@given(zones, st.lists(st.tuples(st.integers(0, UINT32), st.integers(0, UINT32)), max_size=5))
def test_one_clock_writes_what_a_new_one_would(
    zone: ZoneInfo, moments: list[tuple[int, int]]
) -> None:
    clock = LogClock(zone)
    for moment in [*moments, *moments[::-1]]:
        assert clock.format_rfc5424(*moment) == LogClock(zone).format_rfc5424(*moment)
        assert clock.format_rfc3164(*moment) == LogClock(zone).format_rfc3164(*moment)


@given(zones, st.integers(0, UINT32), st.integers(0, 999_999_999))
def test_a_strict_reader_finds_the_moment_to_the_microsecond(
    zone: ZoneInfo, seconds: int, nanoseconds: int
) -> None:
    stamp = LogClock(zone).format_rfc5424(seconds, nanoseconds)
    read = parse_rfc5424(f"<14>1 {stamp} - - - - -".encode()).datetime
    expected = dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
    assert read == expected + dt.timedelta(microseconds=nanoseconds // 1000)


@given(st.datetimes(timezones=zones))
def test_a_strict_reader_takes_every_stamp_of_either_format(moment: dt.datetime) -> None:
    read = parse_rfc5424(f"<14>1 {format_rfc5424_time(moment)} - - - - -".encode())
    assert read.datetime is not None
    assert read.datetime - moment == dt.timedelta(0)
    stamp = parse_rfc3164(f"<14>{format_rfc3164_time(moment)} host tag: ".encode()).timestamp
    assert stamp is not None
    # The standard library reads the English names back (in the C locale, which tests run in).
    back = dt.datetime.strptime(f"{moment.year:04d} {stamp}", "%Y %b %d %H:%M:%S")
    assert back == moment.replace(tzinfo=None, microsecond=0)


@pytest.mark.parametrize(
    ("nanoseconds", "fraction"),
    [
        (0, ""),
        (1, ""),
        (999, ""),
        (1_000, ".000001"),
        (123_456_789, ".123456"),
        (999_999_999, ".999999"),
        (1_000_000_000, ""),
        (UINT32, ""),
        (-1, ""),
    ],
)
def test_a_fraction_has_six_digits_and_is_cut_not_rounded(nanoseconds: int, fraction: str) -> None:
    clock = LogClock(dt.timezone.utc)
    assert clock.format_rfc5424(59, nanoseconds) == f"1970-01-01T00:00:59{fraction}+00:00"
    assert clock.format_rfc5424(59, nanoseconds) == format_rfc5424_time(
        clock.make_datetime(59, nanoseconds)
    )
    assert clock.format_rfc3164(59, nanoseconds) == "Jan  1 00:00:59"
    assert clock.make_datetime(59, nanoseconds).second == 59


def test_the_second_before_1970_is_no_special_one() -> None:
    clock = LogClock(dt.timezone.utc)
    assert clock.format_rfc5424(-1) == "1969-12-31T23:59:59+00:00"
    assert LogClock(dt.timezone.utc).format_rfc3164(-1) == "Dec 31 23:59:59"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (
            dt.datetime(1900, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),  # +08:05:43
            "1899-12-31T15:54:17+00:00",
        ),
        (
            dt.datetime(2026, 1, 1, tzinfo=dt.timezone(-dt.timedelta(hours=23, minutes=59))),
            "2026-01-01T00:00:00-23:59",
        ),
        (
            dt.datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=dt.timezone.utc),
            "0001-01-01T00:00:00.000001+00:00",
        ),
        (
            dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(microseconds=1))),
            "2025-12-31T23:59:59.999999+00:00",
        ),
    ],
    ids=["seconds-in-offset", "widest-offset", "first-year", "microsecond-in-offset"],
)
def test_an_unusual_time_is_still_rfc_3339(moment: dt.datetime, expected: str) -> None:
    assert format_rfc5424_time(moment) == expected


class Nanoseconds(dt.datetime):
    """Some libraries' times are a datetime that writes itself with nine digits."""

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        return "2026-11-23T03:15:00.123456789+00:00"


def test_a_kind_of_datetime_cannot_bring_its_own_text_into_the_header() -> None:
    moment = Nanoseconds(2026, 11, 23, 3, 15, 0, 123_456, tzinfo=dt.timezone.utc)
    assert format_rfc5424_time(moment) == "2026-11-23T03:15:00.123456+00:00"


def test_months_are_english_in_every_locale() -> None:
    before = locale.setlocale(locale.LC_TIME)
    for name in ("de_DE.UTF-8", "zh_CN.UTF-8", "C.UTF-8", "C"):
        try:
            locale.setlocale(locale.LC_TIME, name)
        except locale.Error:  # this machine does not have it
            continue
        try:
            moments = [
                dt.datetime(2026, month, 9, tzinfo=dt.timezone.utc) for month in range(1, 13)
            ]
            stamps = [format_rfc3164_time(moment)[:6] for moment in moments]
        finally:
            locale.setlocale(locale.LC_TIME, before)
        assert stamps == [f"{month}  9" for month in MONTHS]
