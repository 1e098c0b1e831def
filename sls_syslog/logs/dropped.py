"""``DroppedLog``: what the setting ``dropped`` gets of a log that is not sent.

Sans-I/O.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DroppedLog"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedLog:
    """A log that is dropped.

    Attributes:
        shard: The shard, as ``project/logstore/shard``.
        cursor: The cursor at which its batch begins.
        number: Its number in the batch, from 1; with ``frame``, that of the message.
        cause: ``hook_failed``, ``oversize`` or ``refused``, as the ledger counts it.
        log: The log as hooks get it, with its masks; ``None`` if only the message is known.
        frame: The message with its framing; ``None`` if there is none.
    """

    shard: str
    cursor: str
    number: int
    cause: str
    log: Mapping[str, str] | None = None
    frame: bytes | None = None

    def to_json(self) -> str:
        """Write it as one line of JSON, in ASCII, without a line feed; ``frame`` as a text."""
        frame = None if self.frame is None else self.frame.decode("utf-8", "replace")
        parts = {"shard": self.shard, "cursor": self.cursor, "number": self.number}
        return json.dumps(parts | {"cause": self.cause, "log": self.log, "frame": frame})
