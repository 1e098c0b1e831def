"""How a log becomes the MSG part of a message.

Pure. A payload is anything that can be called with a log, a mapping of str to str,
and returns a text; a function of your own is one too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["PAYLOADS", "JsonPayload", "KeyValuePayload", "Payload"]

Payload: TypeAlias = Callable[[Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class KeyValuePayload:
    """The documented form: ``||__topic__=...||__source__=...||__tag__:k=v||key=value``.

    Fields come in the order of the log. Its time is left out, as the header has it.
    Nothing is quoted: a value that holds the separator looks like two fields to a
    receiver that splits there (choose another ``sep``, or JSON).

    Attributes:
        sep: What stands before each field.
    """

    sep: str = "||"

    def __call__(self, log: Mapping[str, str]) -> str:
        """The MSG part of one log."""
        sep = self.sep
        return "".join(f"{sep}{key}={value}" for key, value in log.items() if key != "__time__")


# Made once: json.dumps() would make one for each log.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class JsonPayload:
    """One JSON object per log, compact, in UTF-8 (RFC 8259), fields in the order of the log.

    ``__time__``, in seconds since 1970, is one of them.
    """

    def __call__(self, log: Mapping[str, str]) -> str:
        """The MSG part of one log."""
        return _json(dict(log))


PAYLOADS: dict[str, Callable[[str], Payload]] = {
    "key-value": KeyValuePayload,
    "json": lambda sep: JsonPayload(),
}
"""The payloads by their setting's value; each is made from the setting ``sep``."""
