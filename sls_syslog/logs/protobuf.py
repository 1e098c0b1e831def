"""The SDK's messages of logs, as far as this library reads them.

The SDK's classes (``aliyun/log/log_logs_pb2.py``) have no types; these Protocols replace them.
This module must not import the SDK or protobuf, and names only what is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

__all__ = ["Content", "Log", "LogGroup", "LogGroupList", "LogTag", "Text"]

Text: TypeAlias = "str | bytes"
"""What protobuf returns for a text: bytes if it is not valid UTF-8, and always bytes from
``LogGroupListRaw``."""


class Content(Protocol):
    """One field of a log."""

    Key: Text
    Value: Text


class Log(Protocol):
    """One log: seconds since 1970, the nanoseconds to add (0 if SLS has none), its own fields."""

    Time: int
    Time_ns: int
    Contents: Sequence[Content]


class LogTag(Protocol):
    """One tag of a group; SLS and its agents write them."""

    Key: Text
    Value: Text


class LogGroup(Protocol):
    """Logs with the same topic, source and tags."""

    Topic: Text
    Source: Text
    LogTags: Sequence[LogTag]
    Logs: Sequence[Log]

    def SerializeToString(self) -> bytes:  # noqa: N802  # protobuf's name
        """Return the message as bytes."""

    def SerializePartialToString(self) -> bytes:  # noqa: N802  # protobuf's name
        """Return the message as bytes, even if required fields are missing."""


class LogGroupList(Protocol):
    """One batch."""

    @property
    def LogGroups(self) -> Sequence[LogGroup]:  # noqa: N802  # protobuf's name
        """The groups, in order."""

    def SerializeToString(self) -> bytes:  # noqa: N802  # protobuf's name
        """Return the message as bytes."""
