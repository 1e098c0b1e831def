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

# liblognorm 2.0.6 (Debian 12) skips one character behind the last pipe, which it takes for a space;
# mended after 2.0.6 (rsyslog/liblognorm issue 363). A space there would make Vector refuse the
# event. The probe is a line, what it should be, and what it is; all else must be as it should.
_PROBE = "CEF:0|V|P|1|i|n|3|ab=1 cd=2"
_RIGHT = {"ab": "1", "cd": "2"}
_WRONG = {"b": "1", "cd": "2"}
_HEADER = re.compile(r"(?:(?:[^|\\]|\\.)*\|){7}")


def read_cef_with_lognorm(lines: Iterable[str], directory: Path) -> list[dict[str, Any]]:
    """What it read in each line; a line that it does not accept has `unparsed-data`.

    A liblognorm that skips the first character behind the header gets a space there.
    Skips the running test, or fails it, where it is not installed; see `require_server`.
    """
    rules = directory / "cef.rulebase"
    rules.write_text("version=2\nrule=:%f:cef%\n", "ascii")
    (probed,) = _normalize([_PROBE], rules)
    assert probed["Extensions"] in (_RIGHT, _WRONG)
    if probed["Extensions"] == _WRONG:
        lines = [_HEADER.sub(_with_a_space, line, count=1) for line in lines]
    return _normalize(list(lines), rules)


def _normalize(lines: list[str], rules: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [require_server("lognormalizer").path, "-r", rules, "-e", "json"],
        input="".join(f"{line}\n" for line in lines).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(events) == len(lines), done.stderr
    return [event.get("f", event) for event in events]


def _with_a_space(header: re.Match[str]) -> str:
    return f"{header[0]} "
