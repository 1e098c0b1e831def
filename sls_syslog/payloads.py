"""How a log becomes the MSG part of a message.

Pure. A payload is anything that can be called with a log, a mapping of str to str,
and returns a text; a function of your own is one too. One that has a method ``writer`` besides
can write many logs with the same fields quicker; both must write the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["PAYLOADS", "Fields", "JsonPayload", "KeyValuePayload", "Payload", "Writer"]

Payload: TypeAlias = Callable[[Mapping[str, str]], str]

Fields: TypeAlias = Sequence[tuple[str, str | None]]
"""The fields of logs that have the same ones: name and text; ``None`` where each has its own."""

Writer: TypeAlias = Callable[[tuple[bytes, ...]], bytes]
"""Writes the MSG part of a log from the values, in UTF-8, of those fields that have no text.
No value holds the byte 0x12."""

_BETWEEN = b"\x12"


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
        # A list: join() would make one of a generator, which is slower.
        return "".join([f"{sep}{key}={value}" for key, value in log.items() if key != "__time__"])

    def writer(self, fields: Fields) -> Writer:
        """Writes logs that have these fields."""
        return _template(
            "%.0b" if name == "__time__" else f"{_literal(f'{self.sep}{name}=')}{_place(text)}"
            for name, text in fields
        )


# Made once: json.dumps() would make one for each log.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# What JSON escapes of what a line may hold; anything else does not go by a writer.
_JSON_ESCAPES = ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\t", b"\\t"))


@dataclass(frozen=True, slots=True)
class JsonPayload:
    """One JSON object per log, compact, in UTF-8 (RFC 8259), fields in the order of the log.

    ``__time__``, in seconds since 1970, is one of them.
    """

    def __call__(self, log: Mapping[str, str]) -> str:
        """The MSG part of one log."""
        return _json(dict(log))

    def writer(self, fields: Fields) -> Writer:
        """Writes logs that have these fields."""
        pairs = (
            f"{_literal(_json(name))}:" + ('"%b"' if text is None else _literal(_json(text)))
            for name, text in fields
        )
        write = _template(["{", ",".join(pairs), "}"])

        def write_json(values: tuple[bytes, ...]) -> bytes:
            together = _BETWEEN.join(values)
            if b'"' in together or b"\\" in together or b"\t" in together:
                for special, escaped in _JSON_ESCAPES:
                    together = together.replace(special, escaped)
                values = tuple(together.split(_BETWEEN))
            return write(values)

        return write_json


def _template(parts: Iterable[str]) -> Writer:
    return "".join(parts).encode().__mod__


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _place(text: str | None) -> str:
    return "%b" if text is None else _literal(text)


PAYLOADS: dict[str, Callable[[str], Payload]] = {
    "key-value": KeyValuePayload,
    "json": lambda sep: JsonPayload(),
}
"""The payloads by their setting's value; each is made from the setting ``sep``."""
