"""What a fault is, as data; which of them is run; and what is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faults.scene import Scene

WAYS = ("ours", "documented")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row of the table: what goes wrong, as data.

    Args:
        name: What happens, for a reader.
        happens: Does it while logs flow; ends when it is over.
        logs: How many logs are put.
        seconds: Over how long; 0 puts them all before the shipper starts.
        transports: Over which it makes sense.
        short: Over which of them the short form runs it.
        receivers: `kit`, `rsyslog`, `syslog-ng`; the short form takes the first.
        documented_in_short: Whether the short form runs the documented program too.
        settings: Settings of the shipper, apart from where to.
        reading: Options of the kit's receiver at its first start.
        serving: Arguments of rsyslog or syslog-ng.
        shards: How many the Logstore has.
        proxied: Whether a `Proxy` stands between the two.
        cabled: Whether the kit's receiver is at the other end of a `Cable`.
        loses_nothing: Whether ours promises that.
        ends_drained: Whether the checkpoints are at the end, when all has arrived.
        needs: Says why it cannot run here; empty if it can.
    """

    name: str
    happens: Callable[[Scene], None]
    logs: int = 3500
    seconds: float = 7.0
    transports: tuple[str, ...] = ("tcp", "tls1.2", "tls1.3")
    short: tuple[str, ...] = ("tcp",)
    receivers: tuple[str, ...] = ("kit",)
    documented_in_short: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    serving: Mapping[str, Any] = field(default_factory=dict)
    shards: int = 2
    proxied: bool = False
    cabled: bool = False
    loses_nothing: bool = True
    ends_drained: bool = True
    needs: Callable[[], str] = str


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault over one transport, to one receiver."""

    fault: Fault
    transport: str
    receiver: str = "kit"

    @property
    def id(self) -> str:
        words = self.fault.name.replace(" ", "_").replace(",", "")
        return f"{words}-{self.transport}-{self.receiver}"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was counted.

    Attributes:
        lost: Ids that never came.
        duplicated: Arrivals beyond each id's first.
        first_log: Seconds from the receiver's (or shipper's, or service's) return to the next
            arrival, the longest if there were several returns.
        stall: The longest time without a new id once the fault had ended, until all had come.
        drained: Whether every checkpoint was at the end of its shard.
        status: The shipper's exit status after SIGTERM; None if it had to be killed.
        seconds: How long all of it took.
        broken: Claims of the fault that did not hold.
        output: What the shipper printed, its last lines.
    """

    sent: int
    lost: int
    duplicated: int
    first_log: float
    stall: float
    drained: bool
    status: int | None
    seconds: float
    broken: tuple[str, ...]
    output: str
