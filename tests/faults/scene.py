"""One fault, with one way of shipping: the emulator, the receiver, the shipper, and the counting.

Everything that is started here ends here, and every wait is bounded.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faults.arrivals import Arrivals, until
from faults.model import Case, Result
from faults.network import Cable
from faults.proxy import Proxy
from faults.receivers import HOST, KitReceiver, ServerReceiver
from faults.shippers import Shipper
from sls_syslog.testing import SlsEmulator, TemporaryCA
from sls_syslog.testing.sls_shard import SlsError

GROUP = "siem"
LOGS_PER_GROUP = 10
PADDING = "x" * 400
ARRIVAL_SECONDS = 30.0


class Scene:
    """What a fault has to play with.

    Attributes:
        emulator: The Logstore.
        receiver: A `KitReceiver`, or `ServerReceiver`.
        shipper: The `Shipper`.
        proxy: The `Proxy`, for a fault that has one.
        cable: The `Cable`, for a fault that has one.
        arrivals: What came so far.
        random: The same in every run.
        split: The shards that were split.
    """

    def __init__(
        self,
        case: Case,
        way: str,
        directory: Path,
        emulator: SlsEmulator,
        authority: TemporaryCA,
        cable: Cable | None,
    ) -> None:
        self.case, self.way = case, way
        self.directory = directory
        self.random = random.Random(f"{case.id} 5424")
        self.emulator, self.authority = emulator, authority
        self.cable: Any = cable  # a fault that wants one has it
        self.receiver: Any = self._receiver(case)
        self.proxy = Proxy(self.receiver.port)
        self.address_file = directory / "address"
        self.address_file.write_text(HOST)
        self.arrivals = Arrivals(self.receiver.received)
        self.shipper = self.another_shipper("shipper")
        self._more: list[Shipper] = []
        self.marks: list[float] = []
        self.split: set[int] = set()
        self._broken: list[str] = []

    def _receiver(self, case: Case) -> Any:
        fault, place = case.fault, (self.directory, case.transport, self.authority)
        if case.receiver == "kit":
            where = {"host": self.cable.there, "prefix": self.cable.prefix} if self.cable else {}
            return KitReceiver(*place, {**fault.reading, **where})
        return ServerReceiver(case.receiver, *place, dict(fault.serving))

    def another_shipper(self, name: str) -> Shipper:
        """A shipper of another consumer name, not started; it is stopped with the first."""
        environ = {**self._environ(), "SLS_CONSUMER": name}
        shipper = Shipper(self.way, environ)
        if name != "shipper":
            self._more.append(shipper)
        return shipper

    def _environ(self) -> dict[str, str]:
        fault, transport = self.case.fault, self.case.transport
        tls = transport.startswith("tls")
        settings = {
            "host": self.cable.there if self.cable else HOST,
            "port": str(self.proxy.port if fault.proxied else self.receiver.port),
            "protocol": "tls" if tls else transport,
            **({"cert_path": self.authority.cert_path} if tls else {}),
            **fault.settings,
        }
        return {
            **self.emulator.environ(GROUP),
            **{f"SYSLOG_{key.upper()}": value for key, value in settings.items()},
            "FAULTS_ADDRESS_FILE": str(self.address_file),
        }

    # What faults call

    def pause(self, seconds: float) -> None:
        """Let time pass, while things go on."""
        time.sleep(seconds)

    def wait_for_logs(self, count: int = 1) -> None:
        """Wait for more arrivals, or until it is clear that there will be none."""
        before = self.arrivals.total
        patient = self.way == "ours" or not before
        limit = ARRIVAL_SECONDS if patient else 2.0
        until(lambda: self.arrivals.total >= before + count or self._all_came(), limit)

    def back(self) -> None:
        """What was gone is back: from now on it is counted how long the next log takes."""
        self.marks.append(time.monotonic())

    def claim(self, what: str, holds: bool) -> None:
        """Note what should hold at this moment, and does not."""
        if not holds:
            self._broken.append(what)

    def claim_nothing_is_confirmed(self) -> None:
        """No log counts as delivered yet."""
        begin = self.emulator.begin_cursors()
        stored = self.emulator.checkpoints(GROUP)
        self.claim("no checkpoint had moved", all(begin[n] == at for n, at in stored.items()))

    def evict(self) -> None:
        """Let SLS throw the shipper out of its group, once it is in."""
        if until(lambda: "shipper" in self.emulator.owners(GROUP).values(), ARRIVAL_SECONDS):
            with contextlib.suppress(SlsError):  # it has just been thrown out
                self.emulator.evict(GROUP, "shipper")

    def _all_came(self) -> bool:
        return len(self.arrivals.first) >= self.case.fault.logs

    # The run

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        with self.arrivals, contextlib.ExitStack() as ends:
            ends.callback(self.receiver.stop)
            self.receiver.start()
            if self.case.fault.proxied:
                ends.callback(self.proxy.die)
                self.proxy.start()
            ends.callback(lambda: [shipper.kill() for shipper in (self.shipper, *self._more)])
            yield

    def _feed(self) -> None:
        fault = self.case.fault
        rounds = fault.logs // LOGS_PER_GROUP
        began = time.monotonic()
        for turn in range(rounds):
            first = turn * LOGS_PER_GROUP
            self.emulator.put_logs(
                {"pad": PADDING, "n": f"{n:08d};"} for n in range(first, first + LOGS_PER_GROUP)
            )
            due = began + fault.seconds * turn / rounds
            time.sleep(max(0.0, due - time.monotonic()))

    def run(self) -> Result:
        """Do it all, and count."""
        began = time.monotonic()
        with self._running():
            feeder = threading.Thread(target=self._feed, name="feeder", daemon=True)
            feeder.start()
            if not self.case.fault.seconds:
                feeder.join()
            self.shipper.start()
            self.case.fault.happens(self)
            feeder.join()
            ended = time.monotonic()
            self._settle(ended)
            status = self.shipper.stop()
            for shipper in self._more:
                shipper.stop()
            self._let_the_receiver_finish()
            drained = self.emulator.drained(GROUP)
        (self.directory / "shipper.log").write_text(self.shipper.printed)
        return self._result(ended, began, drained=drained, status=status)

    def _settle(self, ended: float) -> None:
        """Wait until all is there and saved, or nothing comes any more."""
        patience = 45.0 if self.way == "ours" else 8.0

        def settled() -> bool:
            quiet = self.arrivals.quiet_since(ended)
            drained = self.emulator.drained(GROUP)
            if self.way == "ours" and self.case.fault.ends_drained and not drained:
                return quiet > patience
            return self._all_came() or quiet > (3.0 if drained else patience)

        until(settled, 90.0)

    def _let_the_receiver_finish(self) -> None:
        now = time.monotonic()
        until(lambda: self._all_came() or self.arrivals.quiet_since(now) > 1.0, 30.0)

    def _result(self, ended: float, began: float, *, drained: bool, status: int | None) -> Result:
        arrivals, sent = self.arrivals, self.case.fault.logs
        return Result(
            sent=sent,
            lost=sent - len(arrivals.first),
            duplicated=arrivals.total - len(arrivals.first),
            first_log=arrivals.longest_wait(self.marks),
            stall=arrivals.longest_gap(max([ended, *self.marks])),
            drained=drained,
            status=status,
            seconds=time.monotonic() - began,
            broken=tuple(self._broken),
            output=self.shipper.printed[-6000:],
        )


def run_case(case: Case, way: str, scratch: Path) -> Result:
    """One fault with one way of shipping.

    Args:
        case: What to do.
        way: One of `model.WAYS`.
        scratch: Where a directory of its own is made.
    """
    directory = Path(tempfile.mkdtemp(prefix=f"{way}-", dir=scratch))
    with contextlib.ExitStack() as ends:
        emulator = ends.enter_context(SlsEmulator(shards=case.fault.shards))
        authority = ends.enter_context(TemporaryCA())
        cable = ends.enter_context(Cable()) if case.fault.cabled else None
        return Scene(case, way, directory, emulator, authority, cable).run()
