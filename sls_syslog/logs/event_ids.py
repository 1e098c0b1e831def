"""Makes event ids: a log has the same id in each batch in which SLS delivers it.

It reads the SDK's objects through Protocols, and must not import the SDK.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Protocol

from sls_syslog.logs.groups import Group

__all__ = [
    "format_ledger_name",
    "format_shard_name",
    "join_shard_name",
    "make_event_ids",
    "read_cursor",
]


class _GroupClient(Protocol):
    """The SDK's ``ConsumerClient``, as far as it is read here."""

    @property
    def mproject(self) -> str: ...

    @property
    def mlogstore(self) -> str: ...

    @property
    def mconsumer_group(self) -> str: ...


class _Tracker(Protocol):
    """The SDK's ``ConsumerCheckpointTracker``, as far as it is read here."""

    @property
    def consumer_group_client(self) -> _GroupClient: ...

    @property
    def shard_id(self) -> int: ...


def format_shard_name(tracker: _Tracker) -> str:
    """Format the name of a shard.

    Args:
        tracker: The SDK's checkpoint tracker of the shard.

    Returns:
        ``project/logstore/shard``.
    """
    client = tracker.consumer_group_client
    return join_shard_name(client.mproject, client.mlogstore, tracker.shard_id)


def join_shard_name(project: str, logstore: str, shard: int) -> str:
    """Return the name of a shard, ``project/logstore/shard``."""
    return f"{project}/{logstore}/{shard}"


def format_ledger_name(tracker: _Tracker) -> str:
    """Format the name of a shard's ledger: one program may ship a shard for several groups.

    Args:
        tracker: The SDK's checkpoint tracker of the shard.

    Returns:
        ``project/logstore/group/shard``.
    """
    client = tracker.consumer_group_client
    return f"{client.mproject}/{client.mlogstore}/{client.mconsumer_group}/{tracker.shard_id}"


def make_event_ids(shard: str, end: str, groups: Sequence[Group]) -> Callable[[int, int], str]:
    """Make the function that makes the ids of a batch.

    SLS delivers whole groups, and its cursors number them (base64 of a decimal, one more for each
    group). The cursor of a log's group and the log's number in the group never change, but the
    borders of batches do. Groups are numbered backwards from the cursor after the batch, because
    the cursor before it may point to groups that have expired. If a cursor is not such a number, a
    digest of each group is used instead.

    Args:
        shard: Makes ids of different shards differ; see ``format_shard_name``.
        end: The cursor after the batch.
        groups: The groups of the batch.

    Returns:
        A function from the number of a group in the batch and of a log in the group, both from 0,
        to the id of the log.
    """
    after = read_cursor(end)
    if after is not None:
        names = [str(number) for number in range(after - len(groups), after)]
    else:
        digests = [blake2b(group.read().SerializeToString(), digest_size=12) for group in groups]
        names = [digest.hexdigest() for digest in digests]
    return lambda group, log: f"{shard}/{names[group]}/{log}"


def read_cursor(cursor: str) -> int | None:
    """Return the number that a cursor stands for; ``None`` if it is not such a cursor."""
    try:
        return int(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError):
        return None
