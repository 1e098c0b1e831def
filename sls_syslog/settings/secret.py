"""``Secret``: a text that a ``repr`` does not show, alone or inside a dict, a tuple or an error.

``str()`` and ``format()`` still give the text: code that needs the password uses it like any text.
"""

from __future__ import annotations

__all__ = ["Secret"]


class Secret(str):
    """A password, an AccessKey secret or a token."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<secret>"
