"""All logs of a batch as mappings, each with what had to be done to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sls_syslog.logs.decode import Log, LogDecoder
from sls_syslog.logs.groups import describe_group

__all__ = ["flatten", "read_logs"]


def read_logs(
    log_groups: Any, event_id: Callable[[int, int], str] | None = None
) -> Iterator[tuple[Log, list[str]]]:
    """Each log of a batch, and its outcomes."""
    for number, message in enumerate(log_groups.LogGroups):
        group = describe_group(message, number)
        decoder = LogDecoder(group, partial(event_id, number) if event_id else None)
        for place in range(group.logs):
            outcomes: list[str] = []
            yield decoder.decode(place, outcomes), outcomes


def flatten(log_groups: Any) -> Iterator[Log]:
    """Each log of a batch."""
    return (log for log, _ in read_logs(log_groups))
