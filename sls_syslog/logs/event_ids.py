"""Event ids: the same for the same log, however often and in whatever batch SLS serves it.

Pure; it knows the shape of the SDK's objects, not the SDK.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

__all__ = ["format_ledger_name", "format_shard_name", "make_event_ids"]


def format_shard_name(tracker: Any) -> str:
    """The shard that a checkpoint tracker is for, as ``project/logstore/shard``."""
    client = tracker.consumer_group_client
    return f"{client.mproject}/{client.mlogstore}/{tracker.shard_id}"


def format_ledger_name(tracker: Any) -> str:
    """What the ledger of that shard is called: a program may ship it for several groups."""
    client = tracker.consumer_group_client
    return f"{client.mproject}/{client.mlogstore}/{client.mconsumer_group}/{tracker.shard_id}"


def make_event_ids(place: str, end: str, log_groups: Any) -> Callable[[int, int], str]:
    """A function from the numbers of a group and of a log in it to the log's id.

    SLS serves whole groups, and its cursors number them (base64 of a decimal, one more for
    each group): the cursor of a log's group and the log's number in it are its own for ever,
    while the borders of batches are not. They are counted from the cursor behind the batch: the
    one before it may be of groups that have expired. Where a cursor is no such number, a digest
    of the group stands for it.

    Args:
        place: What makes ids of different shards differ; see ``format_shard_name``.
        end: The cursor behind the batch.
        log_groups: The SDK's ``LogGroupList``.
    """
    groups = log_groups.LogGroups
    behind = _number(end)
    if behind is not None:
        names = [str(number) for number in range(behind - len(groups), behind)]
    else:
        digests = [blake2b(group.SerializeToString(), digest_size=12) for group in groups]
        names = [digest.hexdigest() for digest in digests]
    return lambda group, log: f"{place}/{names[group]}/{log}"


def _number(cursor: str) -> int | None:
    try:
        return int(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError):
        return None
