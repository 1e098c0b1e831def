"""Makes a trie of paths into the JSON of a field, which the compiled helper can follow.

Sans-I/O. ``payloads.fields.Fields`` says where a path leads; the trie must lead to the same values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Node", "make_trie"]

Node: TypeAlias = "tuple[bytes, int, int, int, int, int]"
"""A key that leads on; its number as that of an item, or -1; the place of the value at its end, or
-1; how many keys come before it on the way to that value; the first of its children, and how many
these are."""

_NONE = -1


@dataclass
class _Branch:
    place: int = _NONE
    depth: int = 0
    children: dict[str, _Branch] = field(default_factory=dict)


def make_trie(paths: Mapping[str, int]) -> tuple[Node, ...]:
    """Make the nodes of a trie; the first one is the whole JSON.

    The last key of a path may contain dots, so a path ends at several nodes. Of the values there,
    the one after the fewest keys counts.

    Args:
        paths: The places of the values, by path.
    """
    root = _Branch()
    for path, place in paths.items():
        steps = path.split(".")
        above = root
        for depth, step in enumerate(steps):
            end = above.children.setdefault(".".join(steps[depth:]), _Branch())
            end.place, end.depth = place, depth
            above = above.children.setdefault(step, _Branch())
    nodes: list[Node] = []
    waiting = [("", root)]
    for key, branch in waiting:
        number = int(key) if key.isdecimal() else _NONE
        first, count = len(waiting), len(branch.children)
        nodes.append((key.encode(), number, branch.place, branch.depth, first, count))
        waiting += branch.children.items()
    return tuple(nodes)
