"""Reads when SLS received a log."""

from __future__ import annotations

from collections.abc import Iterable

from sls_syslog.logs import protobuf

__all__ = ["read_receive_time"]

_RECEIVE_TIME = ("__receive_time__", b"__receive_time__")
# Most digits of a time that is accepted; ten are enough until the year 2286.
_MAX_DIGITS = 12


def read_receive_time(tags: Iterable[tuple[protobuf.Text, protobuf.Text]], log_time: int) -> float:
    """Read when SLS received a log.

    Args:
        tags: The tags of its group; ``__receive_time__`` is the answer.
        log_time: The log's own time; it is the answer if that tag is missing or wrong.

    Returns:
        Seconds since 1970.
    """
    for value in (value for name, value in tags if name in _RECEIVE_TIME):
        # Any program can write tags, so the value may be no number.
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
            return float(text)
    return float(log_time)
