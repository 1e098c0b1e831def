"""Kill consumers of a large group in virtual time, and of a small one in real time as well.

From a clone, with the package and its extra `testing` installed (POSIX only):

    python -m tests.benchmarks.model            # virtual time: minutes of CPU
    python -m tests.benchmarks.model --real     # the small group also with real processes: +15 min

`virtual.py` says what of the model is real: nearly all. The real runs show whether it can be
believed: real processes, the kit's emulator over HTTP, and SIGKILL, with the same scenario as the
columns beside them. Nothing is measured by the clock of the machine but these.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from subprocess import Popen
from typing import Any

from .helpers import Helper, start_shipper
from .variants import BASE_SETTINGS
from .virtual import Found, Scenario, simulate

__all__ = ["main"]

_GROUP = "siem"
_LOOK_SECONDS = 0.2  # between two looks at the real group
_SETTLING_SECONDS = 70.0  # a real group has shared its shards out after that, and has recovered

_LARGE = Scenario("", shards=1000, consumers=100, kill_seconds=10)
_SMALL = Scenario("", shards=8, consumers=6, kill_seconds=75, seconds=3000, is_regular=True)
_LARGE_ONES = (
    replace(_LARGE, name="a kill each 10 s, old names"),
    replace(_LARGE, name="a kill each 10 s, new names", keeps_names=False),
    replace(_LARGE, name="10 at once, for ever", kill_seconds=150, victims=10,
            restart_seconds=None, is_regular=True),
)  # fmt: skip
_SMALL_ONES = (
    replace(_SMALL, name="old names"),
    replace(_SMALL, name="new names", keeps_names=False),
)


@dataclass(eq=False)
class _Kill:
    """A kill, and the checkpoints just after it of the shards that are not taken up again yet."""

    at: float
    shards: dict[str, str]


class _RealGroup:
    """A scenario with real processes."""

    def __init__(self, scenario: Scenario, server: Helper, sink: Helper, directory: str) -> None:
        self._scenario = scenario
        self._server = server
        self._sink = sink
        self._directory = directory
        self._chance = random.Random(1)
        self._processes: dict[str, Popen[bytes]] = {}
        self._starts: list[tuple[float, str]] = []
        self._kills: list[_Kill] = []
        self._found = Found()
        self._puts_at = 0.0
        place = sink.ready
        self._settings = {**BASE_SETTINGS, "host": place["host"], "port": place["ports"]["tcp"]}

    def run(self) -> Found:
        scenario = self._scenario
        try:
            for number in range(scenario.consumers):
                self._start(f"consumer-{number}")
            self._pass(_SETTLING_SECONDS)
            self._found = Found()
            self._sink.ask(reset=True, logs=0, seconds=0)
            before, began = self._look()["calls"], time.monotonic()
            for _ in range(int(scenario.seconds / scenario.kill_seconds)):
                self._pass(scenario.kill_seconds)
                self._kill()
            self._pass(_SETTLING_SECONDS)
            self._found.seconds = time.monotonic() - began
            self._found.requests = Counter(self._look()["calls"]) - Counter(before)
        finally:
            for process in self._processes.values():
                process.kill()
                process.wait()
        seen = self._sink.ask(logs=0, seconds=0)
        self._found.new_connections = int(seen["connections"])
        self._found.copies = max(0, int(seen["logs"]) - self._found.logs)
        return self._found

    def _pass(self, seconds: float) -> None:
        """Let time pass, put a log into each shard each second, and look at the group."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            while self._starts and self._starts[0][0] <= now:
                self._start(self._starts.pop(0)[1])
            if now >= self._puts_at:
                self._puts_at = max(now - 1.0, self._puts_at) + 1.0
                self._look(put=self._scenario.shards)
                self._found.logs += self._scenario.shards
                seen = self._sink.ask(logs=0, seconds=0)
                self._found.opened.append(int(seen["open"]))
            self._note(self._look()["checkpoints"])
            time.sleep(_LOOK_SECONDS)

    def _note(self, checkpoints: Mapping[str, str]) -> None:
        """Note which shards have another checkpoint than just after a kill."""
        for kill in list(self._kills):
            for shard in [one for one, at in kill.shards.items() if checkpoints.get(one) != at]:
                del kill.shards[shard]
                self._found.take_ups.append(time.monotonic() - kill.at)
            if not kill.shards:
                self._found.outages.append(time.monotonic() - kill.at)
                self._kills.remove(kill)

    def _kill(self) -> None:
        scenario = self._scenario
        victims = self._chance.sample(sorted(self._processes), scenario.victims)
        for name in victims:
            self._processes[name].kill()
        at = time.monotonic()
        for number, name in enumerate(victims):
            self._processes.pop(name).wait()
            if scenario.restart_seconds is not None:
                again = name if scenario.keeps_names else f"again-{at:.0f}-{number}"
                self._starts.append((at + scenario.restart_seconds - _START_SECONDS, again))
        seen = self._look()
        owned = [shard for shard, owner in seen["owners"].items() if owner in victims]
        self._found.kills += bool(owned)
        if owned:
            self._kills.append(_Kill(at, {one: seen["checkpoints"].get(one, "") for one in owned}))

    def _start(self, name: str) -> None:
        self._processes[name] = start_shipper(
            self._server, _GROUP, self._settings, self._directory, name
        )

    def _look(self, put: int = 0) -> dict[str, Any]:
        return self._server.ask(group=_GROUP, seconds=0, watch=True, put=put)


_START_SECONDS = 1.0  # from the start of a process to its first heartbeat


def _run_real(scenario: Scenario) -> Found:
    options = {"megabytes": 0, "shards": scenario.shards}
    with (
        Helper("server", options) as server,
        Helper("sink") as sink,
        tempfile.TemporaryDirectory(prefix="sls-syslog-bench-") as directory,
    ):
        return _RealGroup(scenario, server, sink, directory).run()


def _format_table(columns: Mapping[str, Found]) -> str:
    """Format a table with one column for each scenario."""
    described = {name: found.describe() for name, found in columns.items()}
    lines = ["| | " + " | ".join(described) + " |", "| --- |" + " --- |" * len(described)]
    for name in Found(seconds=1.0).describe():
        cells = " | ".join(cells[name] for cells in described.values())
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the scenarios, and print a table for each size of group."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.model", description=(__doc__ or "").partition("\n")[0]
    )
    add = parser.add_argument
    add("--shards", type=int, default=_LARGE.shards, help="of the large group (1000)")
    add("--consumers", type=int, default=_LARGE.consumers, help="of the large group (100)")
    add("--seconds", type=float, default=_LARGE.seconds, help="virtual, with kills (200)")
    add("--seed", type=int, default=1, help="of all that is random in the model (1)")
    add("--real", action="store_true", help="run the small group with real processes as well")
    add("--real-kills", type=int, default=4, help="kills in each real run, 75 s apart (4)")
    given = parser.parse_args(arguments)
    columns: dict[str, Found] = {}
    for scenario in _LARGE_ONES:
        print(f"{scenario.name} ...", file=sys.stderr)
        sized = replace(
            scenario, shards=given.shards, consumers=given.consumers, seconds=given.seconds
        )
        columns[scenario.name] = simulate(sized, given.seed)
    print(f"{given.shards} shards, {given.consumers} consumers, in virtual time\n")
    print(_format_table(columns), flush=True)
    columns = {}
    for scenario in _SMALL_ONES:
        columns[f"{scenario.name}: model"] = simulate(scenario, given.seed)
        if given.real:
            print(f"{scenario.name}, real ...", file=sys.stderr)
            kills = given.real_kills * scenario.kill_seconds
            real = _run_real(replace(scenario, seconds=kills))
            columns[f"{scenario.name}: real"] = real
    print(f"\n{_SMALL.shards} shards, {_SMALL.consumers} consumers\n")
    print(_format_table(columns), flush=True)


if __name__ == "__main__":
    main()
