"""``Refusals``: notes what SLS refuses although no retry can mend it, and since when.

A deleted Logstore, a disabled AccessKey and a withdrawn permission look like this. It must not end
anything: ``worker.py`` decides.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aliyun.log.logexception import LogException

from sls_syslog.consumer.sdk import ConsumerClient
from sls_syslog.consumer.source import describe_refusal, is_refused_for_good
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.throttle import throttle

__all__ = ["REFUSAL_SECONDS", "Refusals"]

logger = SafeLogger("sls_syslog.consumer")

REFUSAL_SECONDS = 45.0
"""Seconds after which a refusal counts as lasting: more than two heartbeats, which come every 20 s.
A change that somebody is about to make, such as a new permission, arrives meanwhile."""

# Fewest refusals of one operation in a row that count as lasting.
_FEWEST = 3
# The names in the API reference, by the method of a request and its parameter `type`.
_OPERATIONS = {
    ("GET", "log"): "PullLogs",
    ("GET", "cursor"): "GetCursor",
    ("GET", None): "GetCheckPoint",
    ("GET", "shards"): "ListShards",
    ("POST", "heartbeat"): "ConsumerGroupHeartBeat",
    ("POST", "checkpoint"): "ConsumerGroupUpdateCheckPoint",
}


@dataclass
class _Streak:
    """The refusals of one operation since it worked last.

    Attributes:
        since: When the first one came, on the monotonic clock.
        last: When the last one came.
        count: How many came.
        problem: What SLS answered to the last one, and what to do.
    """

    since: float
    last: float
    count: int
    problem: str


class Refusals:
    """``_send`` that watches the answers of SLS. Each operation has a streak of its own.

    Args:
        client: The SDK's client.
        clock: Returns seconds that nobody sets; ``time.monotonic`` by default.

    Attributes:
        is_group_deleted: Whether SLS has answered that the consumer group does not exist. The SDK
            creates the group only when it makes a worker; later it only logs warnings.
    """

    def __init__(self, client: ConsumerClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._send = client.mclient._send
        self._source = f"{client.mproject}/{client.mlogstore}"
        self._clock = clock
        self._streaks: dict[str, _Streak] = {}
        self.is_group_deleted = False

    def __call__(
        self,
        method: str,
        project: str,
        body: Any,
        resource: str,
        params: dict[str, Any],
        *args: Any,
        **options: Any,
    ) -> Any:
        """Send one request, as the SDK's own method does.

        Raises:
            LogException: If it fails; the SDK has tried again where it thinks that this helps.
        """
        # ListShards has no type either; its path is that of all shards.
        kind = "shards" if resource.endswith("/shards") else params.get("type")
        name = _OPERATIONS.get((method, kind), f"{method} {resource}")
        try:
            answer = self._send(method, project, body, resource, params, *args, **options)
        except LogException as error:
            if is_refused_for_good(error):
                self._note(name, error)
            raise
        self._streaks.pop(name, None)
        return answer

    def describe_lasting(self, seconds: float) -> str | None:
        """Describe an operation that SLS refuses for this long; ``None`` if there is none.

        Args:
            seconds: The time from the first refusal to the last one, without a success between.
        """
        for name, streak in list(self._streaks.items()):
            lasted = streak.last - streak.since
            if streak.count >= _FEWEST and lasted >= seconds:
                return f"SLS has refused {name} for {lasted:.0f} s: {streak.problem}"
        return None

    def _note(self, name: str, error: LogException) -> None:
        now, problem = self._clock(), describe_refusal(error, name)
        self.is_group_deleted |= error.get_error_code() == "ConsumerGroupNotExist"
        before = self._streaks.get(name)
        since, count = (before.since, before.count) if before else (now, 0)
        self._streaks[name] = _Streak(since, now, count + 1, problem)
        is_lasting = now - since >= REFUSAL_SECONDS
        if throttle.is_due("refused", id(self), name, is_lasting):
            level = logging.CRITICAL if is_lasting else logging.ERROR
            logger.log(
                level, "%s: SLS refuses %s, and no retry mends it: %s", self._source, name, problem
            )
