"""What liblognorm, rsyslog's normaliser, reads in CEF: `lognormalizer` of liblognorm-utils."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.servers import require_server

__all__ = ["read_cef_with_lognorm"]

# liblognorm 2.0.6 skips the first character behind the header, which it takes for a space.
_HEADER = re.compile(r"(?:(?:[^|\\]|\\.)*\|){7}")


def read_cef_with_lognorm(lines: Iterable[str], directory: Path) -> list[dict[str, Any]]:
    """What it read in each line; a line that it does not accept has `unparsed-data`.

    Skips the running test, or fails it, where it is not installed; see `require_server`.
    """
    rules = directory / "cef.rulebase"
    rules.write_text("version=2\nrule=:%f:cef%\n", "ascii")
    text = "".join(f"{_HEADER.sub(_with_a_space, line, count=1)}\n" for line in lines).encode()
    done = subprocess.run(
        [require_server("lognormalizer").path, "-r", rules, "-e", "json"],
        input=text,
        capture_output=True,
        check=True,
        timeout=60,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(events) == text.count(b"\n"), done.stderr
    return [event.get("f", event) for event in events]


def _with_a_space(header: re.Match[str]) -> str:
    return f"{header[0]} "
