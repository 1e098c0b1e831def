"""``EventText``: tells the encoder what an event lacks. Sans-I/O.

It must import no payload: those of events load slowly.
"""

from __future__ import annotations

from typing import Any

__all__ = ["EventText"]


class EventText(str):
    """The text of an event that lacks values of its log.

    Attributes:
        omitted: How many values were left out because they are not of their key's type.
    """

    omitted: int

    def __new__(cls, text: str, omitted: int) -> EventText:
        """Make the text."""
        made = super().__new__(cls, text)
        made.omitted = omitted
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return EventText, (str(self), self.omitted)
