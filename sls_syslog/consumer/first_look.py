"""``FirstLook``: where a group was when this worker came, and so where "the end" is for it.

The SDK asks for the end of a shard when it takes the shard up. A shard that was split off meanwhile
may hold logs by then, which would be skipped.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from sls_syslog.consumer.sdk import Answer, ConsumerClient

__all__ = ["FirstLook", "Found", "read_sls_time"]


class Found(NamedTuple):
    """What the first look has found.

    Attributes:
        time: When, in seconds since 1970, by the clock of SLS.
        shards: For how many shards the group has a checkpoint.
    """

    time: int
    shards: int


class FirstLook:
    """``get_end_cursor`` for which "the end" is the same moment in all shards of a worker.

    That moment is the first look. If the group had checkpoints then, a shard without one is new
    since the group has begun, and begins with its oldest log.

    Args:
        client: The SDK's client.
    """

    def __init__(self, client: ConsumerClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._found: Found | None = None

    def __call__(self, shard_id: int) -> str:
        """Return the cursor of that moment in a shard.

        Raises:
            LogException: If SLS does not answer.
        """
        found = self.look()
        if found.shards:
            return self._client.get_begin_cursor(shard_id)
        return self._client.get_cursor(shard_id, found.time)

    def look(self) -> Found:
        """Ask SLS for the group's checkpoints; only the first call that works asks.

        Raises:
            LogException: If SLS does not answer.
        """
        with self._lock:
            if self._found is None:
                client = self._client
                place = client.mproject, client.mlogstore, client.mconsumer_group
                answer = client.mclient.get_check_point(*place)
                rows = answer.get_consumer_group_check_points()
                shards = sum(bool(row["checkpoint"]) for row in rows)
                self._found = Found(int(read_sls_time(answer)), shards)
            return self._found


def read_sls_time(answer: Answer) -> float:
    """Return when SLS gave an answer, by its clock; if it did not say, by that of this machine."""
    with suppress(TypeError, ValueError):
        return parsedate_to_datetime(answer.get_header("Date")).timestamp()
    return time.time()
