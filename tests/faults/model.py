"""The data of the suite: a fault, a case (a fault to run), and a result (what was counted)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.scene import Scene

VARIANTS = ("ours", "documented")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row of the table.

    Attributes:
        name: The name of the row in the documentation.
        inject: Injects the fault while logs flow, and returns when the fault is over.
        logs: The number of logs to put.
        seconds: The time over which the logs are put. 0 puts all before the shipper starts.
        transports: The transports for which the fault makes sense.
        short: The transports of the short form.
        receivers: `kit`, `rsyslog`, `syslog-ng`. The short form takes the first.
        stands_for: The kind of fault for which it stands in a plain run, over its first transport.
            Empty: only the gate runs it.
        documented_loses: The transports over which the documented program always loses logs. The
            short form runs it over these.
        loses_soon: Whether a plain run has the documented program in it, over the first of these.
        settings: Settings of the shipper, without the receiver's address.
        reading: Options of the kit's receiver at its first start.
        serving: Arguments of rsyslog or syslog-ng.
        shards: The number of shards of the Logstore.
        proxied: Whether a `Proxy` stands between shipper and receiver.
        behind: The real proxy before the receiver, one of `scene.REAL_PROXIES`. It relays TLS as
            it is, unless it is one of `scene.TERMINATORS`. Empty: there is none.
        cabled: Whether the kit's receiver is at the other end of a `Cable`.
        loses_nothing: Whether ours must lose nothing.
        ends_drained: Whether all checkpoints must be at the end after all logs have arrived.
        poison: The number of a log that is much longer than the others. None: there is none.
        patience: Seconds without an arrival after which ours is given up.
        needs: Returns why the fault cannot run here. An empty text means that it can.
    """

    name: str
    inject: Callable[[Scene], None]
    logs: int = 3500
    seconds: float = 7.0
    transports: tuple[str, ...] = ("tcp", "tls1.2", "tls1.3")
    short: tuple[str, ...] = ("tcp",)
    receivers: tuple[str, ...] = ("kit",)
    stands_for: str = ""
    documented_loses: tuple[str, ...] = ()
    loses_soon: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    serving: Mapping[str, Any] = field(default_factory=dict)
    shards: int = 2
    proxied: bool = False
    behind: str = ""
    cabled: bool = False
    loses_nothing: bool = True
    ends_drained: bool = True
    poison: int | None = None
    patience: float = 45.0
    needs: Callable[[], str] = str


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault over one transport, to one receiver."""

    fault: Fault
    transport: str
    receiver: str = "kit"

    @property
    def id(self) -> str:
        words = re.sub("[,:]", "", self.fault.name).replace(" ", "_")
        return f"{words}-{self.transport}-{self.receiver}"

    def is_plain(self, variant: str) -> bool:
        """Return whether a plain run has this case with a shipper, one of `VARIANTS`."""
        fault = self.fault
        if variant == "documented":
            return fault.loses_soon and self.transport == fault.documented_loses[0]
        return bool(fault.stands_for) and self.transport == fault.short[0]

    @property
    def variants(self) -> tuple[str, ...]:
        """The shippers that can run it: the documented program has no RELP."""
        return VARIANTS[:1] if self.transport.startswith("relp") else VARIANTS

    @property
    def shows_loss(self) -> bool:
        """Whether the documented program always loses logs in it."""
        first = self.receiver == self.fault.receivers[0]
        return first and self.transport in self.fault.documented_loses


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run counted.

    Attributes:
        sent: The number of logs put.
        lost: The number of ids that never came.
        duplicated: The number of arrivals beyond the first of each id.
        first_log: Seconds from the return of the receiver (shipper, service) to the next arrival.
            The longest, if there were several returns.
        stall: The longest time between two new ids after the end of the fault, in seconds.
        drained: Whether every checkpoint was at the end of its shard.
        status: The shipper's exit status after SIGTERM. None if it had to be killed.
        seconds: The duration of the run.
        broken: The claims of the fault that did not hold.
        output: The last lines that the shipper printed.
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
