"""A program with the kit's emulator. It fills the emulator before the measurement begins.

It prints one line of JSON when it is ready. Then it answers each line of its input with a line.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from sls_syslog.testing import SlsEmulator
from sls_syslog.testing.sls_shard import SlsError

from .workload import MARKER, Workload, make_groups

__all__: list[str] = []


def _fill(emulator: SlsEmulator, megabytes: float, kind: str) -> Workload:
    logs = raw_bytes = 0
    if megabytes <= 0:
        return Workload(0, 0)
    for raw, group in make_groups(megabytes, kind):
        emulator.put_group(raw)
        logs, raw_bytes = logs + group.logs, raw_bytes + group.raw_bytes
    return Workload(logs, raw_bytes)


def _put(emulator: SlsEmulator, groups: int) -> None:
    """Put groups of one log each, into the shards in turn."""
    for _ in range(groups):
        emulator.put_logs([{"id": MARKER.decode()}])


def _is_drained(emulator: SlsEmulator, group: str, seconds: float) -> bool:
    try:
        emulator.wait_until_drained(group, seconds)
    except TimeoutError:
        return False
    return True


def _look(emulator: SlsEmulator, group: str) -> dict[str, Any]:
    """Look at the owner and the checkpoint of each shard."""
    try:
        return {"owners": emulator.owners(group), "checkpoints": emulator.checkpoints(group)}
    except SlsError:  # no consumer has created the group yet
        return {"owners": {}, "checkpoints": {}}


def main() -> None:
    options = json.loads(sys.argv[1])
    # Each run has a consumer group of its own.
    with SlsEmulator(shards=options["shards"], most_consumer_groups=10_000) as emulator:
        workload = _fill(emulator, options["megabytes"], options.get("kind", "audit"))
        print(json.dumps({**asdict(workload), "environ": emulator.environ("")}), flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            _put(emulator, asked.get("put", 0))
            drained = _is_drained(emulator, asked["group"], asked["seconds"])
            answer = {"drained": drained, "calls": emulator.calls}
            if asked.get("watch"):
                answer |= _look(emulator, asked["group"])
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
