"""Run one fault with one shipper: emulator, receiver, shipper, and the counting.

Everything that it starts must end here, and every wait must have a limit.
"""

from __future__ import annotations

import contextlib
import functools
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sls_syslog.testing import SlsEmulator, TemporaryCA
from sls_syslog.testing.sls_shard import SlsError
from tests.faults.arrivals import Arrivals
from tests.faults.model import Case, Result
from tests.faults.names import name_protocol
from tests.faults.network import Cable
from tests.faults.proxy import Proxy
from tests.faults.receivers import HOST, KitReceiver, ServerReceiver
from tests.faults.shippers import Shipper
from tests.support.proxies import HaProxy, Nginx
from tests.support.servers import ChildServer, ServerTls, find_free_port
from tests.support.waiting import holds_within

GROUP = "siem"
LOGS_PER_GROUP = 10
PADDING = "x" * 400
ARRIVAL_SECONDS = 30.0  # longest wait for logs that must come
POISON_BYTES = 20_000  # length of a log that a receiver may refuse
REAL_PROXIES: dict[str, Callable[..., ChildServer]] = {
    "haproxy": HaProxy,
    "haproxy check": functools.partial(HaProxy, check_interval=0.5),
    "haproxy nolinger": functools.partial(HaProxy, options=["nolinger"]),
    "haproxy ends tls": HaProxy,
    "nginx": functools.partial(Nginx, half_close=True),
    "nginx default": Nginx,
    "nginx ends tls": functools.partial(Nginx, half_close=True),
}
TERMINATORS = ("haproxy ends tls", "nginx ends tls")
SETTLING_SECONDS = 180.0  # longest wait for the last log and checkpoint; a busy machine is slow


class Scene:
    """Everything that a fault can use.

    Attributes:
        emulator: The emulated SLS.
        receiver: A `KitReceiver` or a `ServerReceiver`.
        shipper: The `Shipper`.
        proxy: The `Proxy`, if the fault has one.
        real_proxy: The HAProxy or nginx before the receiver, if the fault has one.
        cable: The `Cable`, if the fault has one.
        arrivals: The ids that came so far.
        random: A random generator with the same seed in every run.
        split: The shards that were split.
    """

    def __init__(
        self,
        case: Case,
        variant: str,
        directory: Path,
        emulator: SlsEmulator,
        authority: TemporaryCA,
        cable: Cable | None,
    ) -> None:
        self.case, self.variant = case, variant
        self.directory = directory
        self.random = random.Random(f"{case.id} 5424")
        self.emulator, self.authority = emulator, authority
        self.cable: Any = cable  # `Any`: a fault that uses the cable has one
        self.receiver: Any = self._make_receiver(case)
        self.proxy = Proxy(self.receiver.port)
        self.real_proxy = self._make_real_proxy(case.fault.behind)
        self.address_file = directory / "address"
        self.address_file.write_text(HOST)
        self.arrivals = Arrivals(self.receiver.received)
        self.shipper = self.make_shipper("shipper")
        self._more: list[Shipper] = []
        self.marks: list[float] = []
        self.split: set[int] = set()
        self._broken: list[str] = []

    def _make_receiver(self, case: Case) -> Any:
        fault = case.fault
        transport = "tcp" if fault.behind in TERMINATORS else case.transport
        place = (self.directory, transport, self.authority)
        if case.receiver == "kit":
            where = {"host": self.cable.there, "prefix": self.cable.prefix} if self.cable else {}
            return KitReceiver(*place, {**fault.reading, **where})
        return ServerReceiver(case.receiver, *place, dict(fault.serving))

    def _make_real_proxy(self, kind: str) -> ChildServer | None:
        make = REAL_PROXIES.get(kind)
        if make is None:
            return None
        tls = ServerTls.of(self.authority) if kind in TERMINATORS else None
        ports = {"backends": [self.receiver.port], "port": find_free_port()}
        return make(self.directory, tls=tls, **ports)

    def make_shipper(self, name: str) -> Shipper:
        """Make a shipper with this consumer name. The caller starts it, the scene stops it."""
        environ = {**self._make_environ(), "SLS_CONSUMER": name}
        shipper = Shipper(self.variant, environ)
        if name != "shipper":
            self._more.append(shipper)
        return shipper

    def _make_environ(self) -> dict[str, str]:
        fault, transport = self.case.fault, self.case.transport
        protocol = name_protocol(transport)
        settings = {
            "host": self.cable.there if self.cable else HOST,
            "port": str(self._find_port()),
            "protocol": protocol,
            **({"cert_path": self.authority.cert_path} if "tls" in protocol else {}),
            **fault.settings,
        }
        return {
            **self.emulator.environ(GROUP),
            **{f"SYSLOG_{key.upper()}": value for key, value in settings.items()},
            "FAULTS_ADDRESS_FILE": str(self.address_file),
        }

    def _find_port(self) -> int:
        if self.real_proxy is not None:
            return self.real_proxy.port or 0
        port: int = self.proxy.port if self.case.fault.proxied else self.receiver.port
        return port

    # For faults

    def pause(self, seconds: float) -> None:
        """Wait while logs flow."""
        time.sleep(seconds)

    def wait_for_logs(self, count: int = 1) -> None:
        """Wait until `count` more ids arrive. Give up if no more can be expected."""
        before = self.arrivals.total
        patient = self.variant == "ours" or not before
        limit = ARRIVAL_SECONDS if patient else 2.0
        holds_within(limit, lambda: self.arrivals.total >= before + count or self._has_all())

    def mark_return(self) -> None:
        """Note that the fault is over: measure the time from now to the next arrival."""
        self.marks.append(time.monotonic())

    def claim(self, what: str, holds: bool) -> None:
        """Note a claim that does not hold. The test fails with its text."""
        if not holds:
            self._broken.append(what)

    def claim_nothing_is_confirmed(self) -> None:
        """Claim that no log counts as delivered yet."""
        begin = self.emulator.begin_cursors()
        stored = self.emulator.checkpoints(GROUP)
        self.claim("no checkpoint had moved", all(begin[n] == at for n, at in stored.items()))

    def wait_until_owned(self, *names: str) -> None:
        """Wait until these consumers own all shards, and each of them at least one."""
        holds_within(
            ARRIVAL_SECONDS, lambda: set(self.emulator.owners(GROUP).values()) == set(names)
        )

    def evict(self) -> None:
        """Wait until the shipper owns a shard, then evict it from its group."""
        if holds_within(ARRIVAL_SECONDS, lambda: "shipper" in self.emulator.owners(GROUP).values()):
            with contextlib.suppress(SlsError):  # evicted in between
                self.emulator.evict(GROUP, "shipper")

    def _has_all(self) -> bool:
        return len(self.arrivals.first) >= self.case.fault.logs

    # The run

    @contextlib.contextmanager
    def _run_all(self) -> Iterator[None]:
        with self.arrivals, contextlib.ExitStack() as ends:
            ends.callback(self.receiver.stop)
            self.receiver.start()
            if self.case.fault.proxied:
                ends.callback(self.proxy.die)
                self.proxy.start()
            if self.real_proxy is not None:
                ends.enter_context(self.real_proxy)
            ends.callback(lambda: [shipper.kill() for shipper in (self.shipper, *self._more)])
            yield

    def _feed(self) -> None:
        fault = self.case.fault
        rounds = fault.logs // LOGS_PER_GROUP
        began = time.monotonic()
        for turn in range(rounds):
            first = turn * LOGS_PER_GROUP
            self.emulator.put_logs(
                {"pad": self._pad(n), "n": f"{n:08d};"}
                for n in range(first, first + LOGS_PER_GROUP)
            )
            due = began + fault.seconds * turn / rounds
            time.sleep(max(0.0, due - time.monotonic()))

    def _pad(self, number: int) -> str:
        return "x" * POISON_BYTES if number == self.case.fault.poison else PADDING

    def run(self) -> Result:
        """Run the fault, and count."""
        began = time.monotonic()
        with self._run_all():
            feeder = threading.Thread(target=self._feed, name="feeder", daemon=True)
            feeder.start()
            if not self.case.fault.seconds:
                feeder.join()
            self.shipper.start()
            self.case.fault.inject(self)
            feeder.join()
            ended = time.monotonic()
            self._wait_for_delivery(ended)
            status = self.shipper.stop()
            for shipper in self._more:
                shipper.stop()
            self._wait_for_receiver()
            drained = self.emulator.drained(GROUP)
        (self.directory / "shipper.log").write_text(self.shipper.printed)
        return self._make_result(ended, began, drained=drained, status=status)

    def _wait_for_delivery(self, ended: float) -> None:
        """Wait until all logs have arrived and are saved, or until no more come."""
        patience = self.case.fault.patience if self.variant == "ours" else 8.0

        def is_settled() -> bool:
            quiet = self.arrivals.measure_silence(ended)
            drained = self.emulator.drained(GROUP)
            if self.variant == "ours" and self.case.fault.ends_drained and not drained:
                return quiet > patience
            return self._has_all() or quiet > (3.0 if drained else patience)

        holds_within(SETTLING_SECONDS, is_settled)

    def _wait_for_receiver(self) -> None:
        now = time.monotonic()
        holds_within(30.0, lambda: self._has_all() or self.arrivals.measure_silence(now) > 1.0)

    def _make_result(
        self, ended: float, began: float, *, drained: bool, status: int | None
    ) -> Result:
        arrivals, sent = self.arrivals, self.case.fault.logs
        return Result(
            sent=sent,
            lost=sent - len(arrivals.first),
            duplicated=arrivals.total - len(arrivals.first),
            first_log=arrivals.find_longest_wait(self.marks),
            stall=arrivals.find_longest_gap(max([ended, *self.marks])),
            drained=drained,
            status=status,
            seconds=time.monotonic() - began,
            broken=tuple(self._broken),
            output=self.shipper.printed[-6000:] + self._print_proxy()[-3000:],
        )

    def _print_proxy(self) -> str:
        return self.real_proxy.printed() if self.real_proxy is not None else ""


def run_case(case: Case, variant: str, directory: Path) -> Result:
    """Run one fault with one shipper.

    Args:
        case: The fault, the transport and the receiver.
        variant: The shipper, one of `model.VARIANTS`.
        directory: The directory for the files of the run, an empty one.
    """
    with contextlib.ExitStack() as ends:
        emulator = ends.enter_context(SlsEmulator(shards=case.fault.shards))
        authority = ends.enter_context(TemporaryCA())
        cable = ends.enter_context(Cable()) if case.fault.cabled else None
        return Scene(case, variant, directory, emulator, authority, cable).run()
