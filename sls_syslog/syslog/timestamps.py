"""Times as the two RFCs write them, right in every zone and quick for many logs.

Pure: the clock is not read here.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo

__all__ = ["LogClock", "format_rfc3164_time", "format_rfc5424_time"]

# RFC 3164 section 4.1.2: English, whatever the locale is; hence no strftime("%b").
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE = timedelta(minutes=1)
_NANOSECONDS = 1_000_000_000


def format_rfc5424_time(moment: datetime) -> str:
    """``moment`` as TIMESTAMP, such as ``2026-11-23T03:15:00.123456+08:00`` (RFC 5424 6.2.3).

    The fraction has six digits or is left out when it is zero.

    Args:
        moment: A time with a zone. An offset that is not of whole minutes (they end
            in the 1970s) cannot be written in RFC 3339; such a time is written in UTC.
    """
    offset = moment.utcoffset()
    if offset is None or offset % _MINUTE:
        moment = moment.astimezone(timezone.utc)
    # Not the method of a subclass: some write nine digits.
    return datetime.isoformat(moment)


def format_rfc3164_time(moment: datetime) -> str:
    """``moment`` as TIMESTAMP, such as ``Nov  3 03:15:00`` (RFC 3164 section 4.1.2)."""
    month = _MONTHS[moment.month - 1]
    return f"{month} {moment.day:2d} {moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}"


class LogClock:
    """Turns the time of an SLS log into a ``datetime`` or into a header's text.

    Logs come in runs of the same second, so the last second's text is kept: the
    calendar and the zone's rules are asked once a second of logs, not once a log.

    Args:
        zone: The zone to write times in; ``None`` for this machine's local zone, with
            the offset that was in force at each log's time.
    """

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone
        self._second: int | None = None
        self._stamp = ("", "")
        self._stamp_3164 = ""

    def datetime(self, seconds: int, nanoseconds: int = 0) -> datetime:
        """The moment, with microseconds (SLS keeps nanoseconds, RFC 5424 six digits)."""
        # For the local zone: astimezone() without an argument looks up this moment's offset.
        moment = datetime.fromtimestamp(seconds, timezone.utc).astimezone(self._zone)
        return moment.replace(microsecond=_microseconds(nanoseconds))

    def rfc5424(self, seconds: int, nanoseconds: int = 0) -> str:
        """The header's text; no fraction where the log has none."""
        if seconds != self._second:
            self._remember(seconds)
        before, offset = self._stamp
        microseconds = _microseconds(nanoseconds) if nanoseconds else 0
        return f"{before}.{microseconds:06d}{offset}" if microseconds else before + offset

    def rfc3164(self, seconds: int, nanoseconds: int = 0) -> str:
        """The header's text; RFC 3164 has whole seconds only."""
        if seconds != self._second:
            self._remember(seconds)
        return self._stamp_3164

    def _remember(self, seconds: int) -> None:
        moment = self.datetime(seconds)
        text = format_rfc5424_time(moment)
        self._stamp = (text[:19], text[19:])
        self._stamp_3164 = format_rfc3164_time(moment)
        self._second = seconds


def _microseconds(nanoseconds: int) -> int:
    # The field is 32 bits wide: what is no part of a second must not become one.
    return nanoseconds // 1000 if 0 <= nanoseconds < _NANOSECONDS else 0
