"""The nearest of some names to a misspelt one, for errors.

This module must not raise or log anything.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["count_edits", "did_you_mean", "find_nearest", "find_typo"]

# Longer words are no typing mistakes of a name of ours, and comparing them takes long.
_LONGEST = 100
# Letters of a name in which two edits make another word.
_SHORT = 5


def did_you_mean(wrong: object, names: Iterable[str]) -> str:
    """Return ``"; did you mean 'tls'?"``, or an empty text if no name is near."""
    nearest = find_nearest(wrong, names)
    return "" if nearest is None else f"; did you mean {nearest!r}?"


def find_nearest(wrong: object, names: Iterable[str]) -> str | None:
    """Return the name that is most like a wrong one; ``None`` if no name is near."""
    import difflib  # only an error needs it, and it takes 2 ms to import

    by_lower = {name.lower(): name for name in names}
    word = str(wrong).strip().lower()[:_LONGEST]
    near = difflib.get_close_matches(word, by_lower, n=1, cutoff=0.5)
    return by_lower[near[0]] if near else None


def find_typo(word: str, names: Iterable[str], *, most: int = 1) -> str | None:
    """Return the name that a word misspells; ``None`` if there is none.

    Args:
        word: The word.
        names: The right names.
        most: The most edits of a typing mistake; it is one in a name of up to five letters.
    """
    near = []
    for name in names:
        limit = most if min(len(word), len(name)) > _SHORT else 1
        if abs(len(word) - len(name)) <= limit and count_edits(word, name) <= limit:
            near.append((count_edits(word, name), name))
    return min(near, default=(0, None))[1]


def count_edits(left: str, right: str) -> int:
    """Count the letters to insert, remove, replace or swap with the next to make one the other."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for at, letter in enumerate(left, 1):
        before, last, row = row, before, [at]
        for column, other in enumerate(right, 1):
            edits = [before[column] + 1, row[-1] + 1, before[column - 1] + (letter != other)]
            is_swap = at > 1 and column > 1 and left[at - 2 : at] == other + right[column - 2]
            row.append(min(edits + ([last[column - 2] + 1] if is_swap else [])))
    return row[-1]
