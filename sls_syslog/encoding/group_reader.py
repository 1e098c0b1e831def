"""``GroupReader``: finds the groups of a batch, and reads their logs as rows.

The compiled helper reads the bytes that SLS sent. All else is read from the SDK's objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby

from sls_syslog.encoding.native import load_helper
from sls_syslog.logs import protobuf
from sls_syslog.logs.columns import Row
from sls_syslog.logs.groups import Group, SentBatch, describe_group
from sls_syslog.logs.rows import SHAPES, read_rows

__all__ = ["GroupReader"]

# After this many strange batches and groups, all batches are read through the SDK: the producers of
# a Logstore seldom change.
_MOST_STRANGE = 10


class GroupReader:
    """Reads batches without the SDK's objects where it can."""

    def __init__(self) -> None:
        self._helper, _ = load_helper()
        self._strange = 0

    @property
    def reads_bytes(self) -> bool:
        """Whether it is quicker with a ``SentBatch``."""
        return self._helper is not None

    def note_strange(self) -> None:
        """Note that a group could not be read from the bytes that SLS sent."""
        self._strange += 1

    def find_groups(self, batch: protobuf.LogGroupList) -> list[Group]:
        """Find the groups of a batch, without parsing it if that is possible.

        Args:
            batch: The SDK's ``LogGroupList``, or a ``SentBatch``.

        Returns:
            The groups, in order.
        """
        if self._helper and isinstance(batch, SentBatch) and self._strange < _MOST_STRANGE:
            found = self._helper.find_groups(batch.body)
            if found is not None:
                parse, body = batch.read_group, batch.body
                return [
                    Group(number, *head, partial(parse, number), body, *place)
                    for number, (head, place) in enumerate(found)
                ]
            self.note_strange()
        return [describe_group(group, number) for number, group in enumerate(batch.LogGroups)]

    def read_rows(self, group: Group) -> Sequence[Row]:
        """Read the row of each log of a group, in order."""
        if self._helper and group.body is not None:
            found = self._helper.read_rows(group.body, group.begin, group.end)
            if found is not None:
                return [
                    (shape, seconds, nanoseconds, values)
                    for keys, logs in groupby(found, lambda log: log[0])
                    for shape in (SHAPES[keys],)
                    for _, seconds, nanoseconds, values in logs
                ]
            self.note_strange()
        return list(read_rows(group.read()))
