"""Support for tests: the documentation as pages, and the code that stands in them."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from tests.support.processes import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    """What stands between two fences."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """Where it is, for the names of tests."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, languages: Collection[str] = ()) -> list[Block]:
    """The blocks of a page in order; of all languages, if none is given."""
    text = page.read_text()
    found = [
        Block(page, text.count("\n", 0, match.start()) + 1, match[1].strip(), match[2])
        for match in _FENCE.finditer(text)
    ]
    return [block for block in found if not languages or block.language in languages]


def tables(page: Path) -> list[list[list[str]]]:
    """The cells of each row of each table of a page; its second line has as many as its head."""
    prose = re.sub(_FENCE, "", page.read_text())
    found = re.findall(r"(?:^\|.*\|\n)+", prose, re.M)
    return [[_split(line) for line in table.splitlines()] for table in found]


def rows(page: Path) -> list[list[str]]:
    """The cells of all table rows of a page, but for the lines under the headings."""
    return [row for table in tables(page) for row in table if set("".join(row)) - set("-")]


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def files_named_in(page: Path) -> dict[str, str]:
    """The programs that a reader types: blocks that begin with ``# name.py``."""
    named = [
        (re.match(r"# (\w+\.py)\n", block.text), block.text) for block in blocks(page, ["python"])
    ]
    return {match[1]: text for match, text in named if match}
