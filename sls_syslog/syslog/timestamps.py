"""Writes times as the two RFCs define them: right in every zone, quick for many logs.

Sans-I/O: it must not read the clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo

__all__ = ["LogClock", "format_rfc3164_time", "format_rfc5424_time"]

# RFC 3164 section 4.1.2: English in every locale, so strftime("%b") is no use.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE = timedelta(minutes=1)
_NANOSECONDS = 1_000_000_000


def format_rfc5424_time(moment: datetime) -> str:
    """Write a TIMESTAMP such as ``2026-11-23T03:15:00.123456+08:00`` (RFC 5424 6.2.3).

    The fraction has six digits; it is left out if it is zero.

    Args:
        moment: A time with a zone. RFC 3339 can only write offsets of whole minutes; a
            time with another one (they end in the 1970s) is written in UTC.
    """
    offset = moment.utcoffset()
    if offset is None or offset % _MINUTE:
        moment = moment.astimezone(timezone.utc)
    # Do not call a subclass's method: some write nine digits.
    return datetime.isoformat(moment)


def format_rfc3164_time(moment: datetime) -> str:
    """Write a TIMESTAMP such as ``Nov  3 03:15:00`` (RFC 3164 section 4.1.2)."""
    month = _MONTHS[moment.month - 1]
    return f"{month} {moment.day:2d} {moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}"


class LogClock:
    """Turns the time of an SLS log into a ``datetime`` or into a header's text.

    Many logs in a row have the same second, or minute. The texts of the last ones are kept.
    So the calendar and the rules of the zone are read once per minute, not once per log.

    Args:
        zone: The zone to write times in. ``None`` for this machine's local zone, with
            the offset that was valid at the time of each log.
    """

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone
        self._minute: int | None = None
        self._around: tuple[str, str, str] | None = None  # the text before and after the second
        self._second: int | None = None
        self._stamp = ("", "")
        self._stamp_3164 = ""

    def make_datetime(self, seconds: int, nanoseconds: int = 0) -> datetime:
        """Make a ``datetime`` with microseconds (SLS keeps nanoseconds, RFC 5424 six digits)."""
        # For None, astimezone() uses the local zone with the offset of this moment.
        moment = datetime.fromtimestamp(seconds, timezone.utc).astimezone(self._zone)
        return moment.replace(microsecond=_convert_to_microseconds(nanoseconds))

    def format_rfc5424(self, seconds: int, nanoseconds: int = 0) -> str:
        """Write the header's text; without a fraction if the log has none."""
        if seconds != self._second:
            self._remember(seconds)
        before, offset = self._stamp
        microseconds = _convert_to_microseconds(nanoseconds) if nanoseconds else 0
        return f"{before}.{microseconds:06d}{offset}" if microseconds else before + offset

    def format_rfc3164(self, seconds: int, nanoseconds: int = 0) -> str:
        """Write the header's text; RFC 3164 has whole seconds only."""
        if seconds != self._second:
            self._remember(seconds)
        return self._stamp_3164

    def _remember(self, seconds: int) -> None:
        minute, second = divmod(seconds, 60)
        if minute != self._minute:
            self._around = self._write_minute(minute)
            self._minute = minute
        if self._around is None:
            moment = self.make_datetime(seconds)
            text = format_rfc5424_time(moment)
            self._stamp = (text[:19], text[19:])
            self._stamp_3164 = format_rfc3164_time(moment)
        else:
            before, offset, before_3164 = self._around
            self._stamp = (f"{before}{second:02d}", offset)
            self._stamp_3164 = f"{before_3164}{second:02d}"
        self._second = seconds

    def _write_minute(self, minute: int) -> tuple[str, str, str] | None:
        """Write the text around the seconds; ``None`` if the zone does not keep the minute."""
        moment, last = self.make_datetime(60 * minute), self.make_datetime(60 * minute + 59)
        offset = moment.utcoffset()
        if offset is None or offset % _MINUTE or offset != last.utcoffset():
            return None
        text = format_rfc5424_time(moment)
        return text[:17], text[19:], format_rfc3164_time(moment)[:-2]


def _convert_to_microseconds(nanoseconds: int) -> int:
    # The field is 32 bits wide: ignore values that are not part of one second.
    return nanoseconds // 1000 if 0 <= nanoseconds < _NANOSECONDS else 0
