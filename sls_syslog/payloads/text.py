"""How a log becomes the MSG part of a message.

Pure. A payload is anything that can be called with a log, a mapping of str to str,
and returns a text; a function of your own is one too. One that has a method ``writer`` besides
can write many logs with the same fields quicker; both must write the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.logs.columns import BETWEEN, Columns, Writer

__all__ = ["JsonPayload", "KeyValuePayload"]


@dataclass(frozen=True, slots=True)
class KeyValuePayload:
    r"""The documented form: ``||__topic__=...||__source__=...||__tag__:k=v||key=value``.

    Fields come in the order of the log. Its time is left out, as the header has it.
    By default nothing is quoted: a value that holds the separator looks like two fields to a
    receiver that splits there.

    Attributes:
        sep: What stands before each field.
        quote: Whether a value stands in double quotes, with ``\"`` and ``\\`` inside, where it
            is empty or has a double quote or a line break, or where a receiver would find the
            separator in it. Names of fields are never quoted.
    """

    sep: str = "||"
    quote: bool = False

    def __call__(self, log: Mapping[str, str]) -> str:
        """The MSG part of one log."""
        sep = self.sep
        if self.quote:
            log = {key: _quoted(value, sep) for key, value in log.items()}
        # A list: join() would make one of a generator, which is slower.
        return "".join([f"{sep}{key}={value}" for key, value in log.items() if key != "__time__"])

    def writer(self, columns: Columns) -> Writer | None:
        """Writes logs that have these fields."""
        if self.quote:
            return None
        return _template(
            "%.0b" if name == "__time__" else f"{_literal(f'{self.sep}{name}=')}{_place(text)}"
            for name, text in columns
        )


_QUOTED = set('"\r\n')


def _quoted(value: str, sep: str) -> str:
    # Its end and the separator behind it may hold one as well: "a|" before "||".
    plain = value and (value + sep).find(sep) == len(value) and not _QUOTED & set(value)
    if plain:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Made once: json.dumps() would make one for each log.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# What JSON escapes of what a line may hold; anything else does not go by a writer.
_JSON_ESCAPES = ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\t", b"\\t"))


@dataclass(frozen=True, slots=True)
class JsonPayload:
    """One JSON object per log, compact, in UTF-8 (RFC 8259), fields in the order of the log.

    ``__time__``, in seconds since 1970, is one of them.

    Attributes:
        expand: The fields whose text is JSON itself, an object or a list, and is put in as such
            (``{"event":{"eventName":...}}``); where it is none, the text stays a text.

    Raises:
        SettingsError: If ``expand`` is a text itself.
    """

    expand: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.expand, str):
            raise SettingsError("expand", f"expected several names, got {short_repr(self.expand)}")

    def __call__(self, log: Mapping[str, str]) -> str:
        """The MSG part of one log."""
        values: dict[str, Any] = dict(log)
        for name in self.expand:
            if name in values:
                values[name] = _expanded(values[name])
        return _json(values)

    def writer(self, columns: Columns) -> Writer | None:
        """Writes logs that have these fields."""
        if not set(self.expand).isdisjoint(name for name, _ in columns):
            return None
        pairs = (
            f"{_literal(_json(name))}:" + ('"%b"' if text is None else _literal(_json(text)))
            for name, text in columns
        )
        write = _template(["{", ",".join(pairs), "}"])

        def write_json(values: tuple[bytes, ...]) -> bytes | None:
            together = BETWEEN.join(values)
            if b'"' in together or b"\\" in together or b"\t" in together:
                for special, escaped in _JSON_ESCAPES:
                    together = together.replace(special, escaped)
                texts = tuple(together.split(BETWEEN))
                return write(texts) if len(texts) == len(values) else None
            return write(values)

        return write_json


def _expanded(text: str) -> Any:
    """What a text in JSON means, if that can be written again; the text itself if not."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        value = json.loads(text)
        # Not every float that Python reads is one, and not every text can be sent.
        _strict(value).encode()
    except (ValueError, RecursionError):
        return text
    return value


_strict = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _template(parts: Iterable[str]) -> Callable[[tuple[bytes, ...]], bytes]:
    return "".join(parts).encode().__mod__


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _place(text: str | None) -> str:
    return "%b" if text is None else _literal(text)
