"""Reads when SLS received a log."""

from __future__ import annotations

from sls_syslog.logs import protobuf

__all__ = ["read_receive_time"]

_RECEIVE_TIME = ("__receive_time__", b"__receive_time__")
# Most digits of a time that is accepted; ten are enough until the year 2286.
_MAX_DIGITS = 12


def read_receive_time(group: protobuf.LogGroup, log: protobuf.Log) -> float:
    """Read when SLS received a log.

    Args:
        group: The group of the log; its tag ``__receive_time__`` is the answer.
        log: The log; its own time is the answer if the tag is missing or wrong.

    Returns:
        Seconds since 1970.
    """
    values = (tag.Value for tag in group.LogTags if tag.Key in _RECEIVE_TIME)
    for value in values:  # any program can write tags, so the value may be no number
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
            return float(text)
    return float(log.Time)
