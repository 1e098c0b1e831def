"""``Template``: makes a text from a log's fields, for ``{__source__}`` or ``{__tag__:__path__}``.

It does not use ``str.format``: keys of SLS hold colons, and a template must not reach attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["Template"]

_FIELD = re.compile(r"\{([^{}]+)\}")


class Template:
    """A text whose ``{field}`` parts are filled in from one log.

    Args:
        text: The template; a text without ``{field}`` is rendered as it is.
        fallback: What to render if a named field is missing from the log, or empty.

    Raises:
        ValueError: If a brace is not closed, or ``{}`` names no field.
    """

    def __init__(self, text: str, fallback: str) -> None:
        if set(_FIELD.sub("", text)) & {"{", "}"}:
            raise ValueError("expected each { to be closed by a } with a field's name between")
        self.text = text
        self.fallback = fallback
        self.fields = tuple(_FIELD.findall(text))

    def render(self, log: Mapping[str, str]) -> str:
        """Fill in the fields of one log.

        Returns:
            The text, or the fallback.
        """
        if not self.fields:
            return self.text
        if not all(log.get(field) for field in self.fields):
            return self.fallback
        return _FIELD.sub(lambda match: log[match[1]], self.text)
