"""The table of faults."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from sls_syslog import ShipperSettings
from tests.faults import actions
from tests.faults.model import Case, Fault
from tests.faults.names import NAME
from tests.faults.network import explain_missing_cable
from tests.faults.storm import rage

SLOW = 150_000  # bytes per second and connection: slow enough to leave sent bytes unread
SERVERS = ("kit", "rsyslog", "syslog-ng")
STREAMS = ("tcp", "tls1.2", "tls1.3")


def explain_missing_replay() -> str:
    known = {spec.name for spec in fields(ShipperSettings)}
    return "" if "replay_seconds" in known else "there is no setting replay_seconds"


IN_FLIGHT = {"bytes_per_second": SLOW}
QUICK = {"bytes_per_second": SLOW * 4}
UNFORWARDED: dict[str, Any] = {"receivers": SERVERS, "proxied": True, "reading": IN_FLIGHT}
UDP: dict[str, Any] = {"transports": ("udp",), "short": ("udp",), "loses_nothing": False}
CABLE: dict[str, Any] = {"cabled": True, "needs": explain_missing_cable, "reading": QUICK}
CERTIFICATES: dict[str, Any] = {
    "transports": STREAMS[1:],
    "short": ("tls1.3",),
    "logs": 1000,
    "seconds": 5,
}
CERTIFICATE_KINDS = {  # the option of the receiver, and how the row says it
    "expired": "expired",
    "wrong name": "with a wrong name",
    "untrusted": "untrusted",
}
SLS: dict[str, Any] = {"transports": ("tcp",), "reading": QUICK}
QUEUE: dict[str, Any] = {
    "receivers": ("rsyslog",),
    "serving": {"main_queue": "LinkedList"},
    "logs": 20_000,
    "transports": ("tcp", "tls1.3"),
}

PATIENT: dict[str, Any] = {"logs": 500, "patience": 150.0}


@dataclass(frozen=True)
class Way:
    """A real proxy before the receiver.

    Attributes:
        name: How the name of a row begins.
        behind: One of `scene.REAL_PROXIES`.
        options: Arguments of the `Fault`.
    """

    name: str
    behind: str
    options: dict[str, Any]


def make_way(name: str, behind: str, short: str = "tcp", **options: Any) -> Way:
    """Make a way, over which the short form goes with one transport."""
    servers = {"receivers": ("kit", "rsyslog"), "short": (short,)}
    return Way(name, behind, {"behind": behind, **servers, **options})


WAYS = (
    make_way("through HAProxy", "haproxy"),
    make_way("through HAProxy with checks", "haproxy check"),
    make_way("through HAProxy with nolinger", "haproxy nolinger", patience=150.0),
    make_way(
        "through HAProxy, which ends TLS", "haproxy ends tls", "tls1.3", transports=("tls1.3",)
    ),
    make_way("through nginx with half-close", "nginx", "tls1.3"),
    make_way("through nginx", "nginx default"),
)
RELP: dict[str, Any] = {  # the kit's receiver has no RELP; `Direct`: what is acknowledged is stored
    "receivers": ("rsyslog",),
    "transports": ("relp", "relp+tls"),
    "short": ("relp",),
}

FAULTS = (
    Fault(
        name="no fault, receiver reads slowly",
        inject=actions.do_nothing,
        logs=4000,
        seconds=0,
        short=("tcp", "tls1.3"),
        receivers=SERVERS,
        documented_loses=("tls1.3",),
        loses_soon=True,
        reading={"bytes_per_second": 500_000, "receive_buffer_bytes": 16_384},
    ),
    Fault(
        name="receiver killed 10 times",
        inject=actions.kill_receiver,
        short=("tcp", "tls1.3"),
        documented_loses=("tcp", "tls1.3"),
        reading=IN_FLIGHT,
    ),
    Fault(
        name="receiver killed 10 times in a backlog",
        inject=actions.kill_receiver,
        logs=8000,
        seconds=0,
        short=("tls1.3",),
        reading={"bytes_per_second": SLOW * 5},
    ),
    Fault(
        name="receiver restarted 3 times",
        inject=actions.restart_receiver,
        logs=20_000,
        receivers=("syslog-ng", "rsyslog"),
    ),
    Fault(
        name="receiver cannot be reached for 3 s",
        stands_for="receiver dies",
        inject=actions.take_receiver_away,
        documented_loses=("tcp",),
        reading=QUICK,
    ),
    Fault(
        name="connections reset 15 times",
        stands_for="link breaks",
        inject=actions.cut_often(actions.reset_connections, times=15),
        reading=QUICK,
    ),
    Fault(
        name="a relay resets connections 10 times",
        inject=actions.cut_often(actions.reset_relay),
        short=("tls1.3",),
        receivers=("rsyslog", "syslog-ng", "kit"),
        proxied=True,
    ),
    Fault(
        name="a relay closes connections 10 times",
        inject=actions.cut_often(actions.close_relay_connections),
        receivers=SERVERS,
        proxied=True,
        reading=QUICK,
    ),
    Fault(
        name="a relay closes new connections at once for 3 s",
        inject=actions.close_at_once,
        short=("tls1.3",),
        proxied=True,
        reading=QUICK,
    ),
    Fault(
        name="through HAProxy: receiver reads slowly",
        inject=actions.do_nothing,
        receivers=SERVERS,
        behind="haproxy",
        reading=QUICK,
    ),
    Fault(
        name="through nginx with half-close: receiver reads slowly",
        inject=actions.do_nothing,
        short=("tls1.3",),
        receivers=SERVERS,
        behind="nginx",
        reading=QUICK,
    ),
    *(
        Fault(
            name=f"{way.name}: receiver cannot be reached for 12 s",
            stands_for="receiver away behind a proxy" if way.behind == "haproxy" else "",
            inject=actions.take_receiver_away_longer,
            logs=1000,
            seconds=15,
            **way.options,
        )
        for way in WAYS
    ),
    *(
        Fault(
            name=f"{way.name}: receiver killed again and again",
            inject=actions.flap_receiver,
            logs=1000,
            seconds=8,
            **way.options,
        )
        for way in WAYS
    ),
    *(
        Fault(
            name=f"{way.name}: receiver reads slowly, is killed",
            inject=actions.take_receiver_away,
            reading=IN_FLIGHT,
            loses_nothing=way.behind != "nginx default",
            **way.options,
        )
        for way in WAYS
    ),
    Fault(
        name="receiver always ends with a reset",
        stands_for="receiver resets",
        inject=actions.take_receiver_away,
        reading={"resets": True},
        **PATIENT,
    ),
    Fault(
        name="receiver replaced by one that never answers the close",
        inject=actions.replace_receiver_by_silent_one,
        # Over plain TCP only a MB that was taken proves that a silent receiver reads.
        transports=("tls1.2", "tls1.3"),
        short=("tls1.3",),
        settings={"timeout": "5"},
        **PATIENT,
    ),
    Fault(
        name="receiver sends without end, is killed",
        inject=actions.take_receiver_away,
        transports=("tcp",),
        settings={"timeout": "5"},
        reading={"says": "hello\n"},
        **PATIENT,
    ),
    Fault(
        name="receiver refuses one log for 8 s",
        inject=actions.raise_limit,
        poison=100,
        reading={"longest_frame": 2048},
        **PATIENT,
    ),
    Fault(
        name="receiver hangs for 3 s, is killed",
        stands_for="receiver hangs",
        inject=actions.hang_receiver,
        reading=IN_FLIGHT,
    ),
    Fault(
        name="receiver never answers the close",
        inject=actions.leave_closes_unanswered,
        short=("tcp", "tls1.3"),
        settings={"timeout": "3"},
        reading={"answer_half_close": False},
    ),
    Fault(
        name="a relay forwards nothing for 3 s, then continues",
        inject=actions.hold_relay,
        **UNFORWARDED,
    ),
    Fault(
        name="a relay forwards nothing for 3 s, then resets connections",
        inject=actions.hold_and_reset_relay,
        short=("tls1.3",),
        **UNFORWARDED,
    ),
    Fault(
        name="packets vanish for 4 s",
        inject=actions.drop_packets,
        **CABLE,
    ),
    Fault(
        name="packets vanish for 4 s while the receiver restarts",
        inject=actions.replace_receiver_unseen,
        **CABLE | {"reading": IN_FLIGHT},
    ),
    Fault(name="name moves to another address", inject=actions.move_name, settings={"host": NAME}),
    *(
        Fault(
            name=f"certificate {said} for 3 s",
            inject=actions.refuse_at_first(certificate="good"),
            reading={"certificate": kind},
            **CERTIFICATES,
        )
        for kind, said in CERTIFICATE_KINDS.items()
    ),
    Fault(
        name="client certificate demanded for 3 s",
        inject=actions.refuse_at_first(client_certificate=False),
        reading={"client_certificate": True},
        **CERTIFICATES | {"short": STREAMS[1:]},
    ),
    Fault(
        name="shipper killed 10 times",
        stands_for="shipper dies",
        inject=actions.kill_shipper,
        short=("tls1.3",),
        receivers=SERVERS,
        seconds=8,
        reading=QUICK,
    ),
    Fault(
        name="shipper terminated 10 times",
        inject=actions.terminate_shipper,
        receivers=SERVERS,
        seconds=8,
        reading=QUICK,
    ),
    Fault(
        name="shipper terminated while the receiver hangs",
        inject=actions.terminate_shipper_while_receiver_hangs,
        reading=IN_FLIGHT,
    ),
    Fault(name="shipper frozen while another takes over", inject=actions.freeze_shipper, **SLS),
    Fault(
        name="handed over to another shipper in an outage",
        inject=actions.hand_over_in_outage,
        **SLS,
    ),
    Fault(
        name="SLS answers 403, quota exceeded",
        inject=actions.fail_requests("PullLogs", status=403, code="ReadQuotaExceed", times=1),
        **SLS,
    ),
    Fault(name="SLS answers 500", inject=actions.fail_requests("PullLogs", status=500), **SLS),
    Fault(name="SLS drops connections", inject=actions.fail_requests("PullLogs", drop=True), **SLS),
    Fault(
        name="SLS no longer knows the cursor",
        inject=actions.fail_requests("PullLogs", status=400, code="InvalidCursor", times=1),
        **SLS,
    ),
    Fault(
        name="SLS refuses checkpoints",
        inject=actions.fail_requests("ConsumerGroupUpdateCheckPoint", status=403, code="Denied"),
        **SLS,
    ),
    Fault(
        name="SLS stores checkpoints late",
        inject=actions.fail_requests("ConsumerGroupUpdateCheckPoint", status=None, delay=1.5),
        **SLS,
    ),
    Fault(name="SLS cannot be reached for 3 s", inject=actions.take_service_away, **SLS),
    Fault(
        name="consumer evicted 3 times",
        stands_for="group changes",
        inject=actions.evict_consumer,
        **SLS,
    ),
    Fault(name="shards split", inject=actions.split_shards, **SLS),
    Fault(
        name="many faults in random order",
        inject=rage,
        short=("tls1.3",),
        logs=6000,
        seconds=12,
        proxied=True,
        reading=QUICK,
    ),
    Fault(
        name="UDP, receiver cannot be reached for 3 s",
        inject=actions.take_receiver_away,
        **UDP,
    ),
    Fault(
        name="UDP, receiver hangs for 3 s, is killed",
        inject=actions.hang_receiver,
        reading={"receive_buffer_bytes": 16_384},
        **UDP,
    ),
    Fault(
        name="rsyslog restarted 3 times, its queue in memory",
        inject=actions.restart_receiver,
        **QUEUE,
    ),
    Fault(
        name="rsyslog killed 10 times, its queue in memory",
        inject=actions.kill_receiver,
        loses_nothing=False,
        **QUEUE,
    ),
    Fault(
        name="rsyslog killed 10 times, its queue in memory, replay_seconds 30",
        inject=actions.kill_receiver,
        settings={"replay_seconds": "30"},
        ends_drained=False,
        needs=explain_missing_replay,
        **QUEUE,
    ),
    Fault(
        name="RELP, receiver killed 10 times",
        stands_for="RELP",
        inject=actions.kill_receiver,
        **RELP | {"short": ("relp", "relp+tls")},
    ),
    Fault(name="RELP, receiver restarted 3 times", inject=actions.restart_receiver, **RELP),
    Fault(
        name="RELP, a relay resets connections 10 times",
        inject=actions.cut_often(actions.reset_relay),
        proxied=True,
        **RELP | {"short": ("relp+tls",)},
    ),
    Fault(
        name="RELP, a relay forwards nothing for 3 s, then resets connections",
        inject=actions.hold_and_reset_relay,
        proxied=True,
        **RELP,
    ),
    Fault(
        name="RELP, through HAProxy: receiver cannot be reached for 3 s",
        inject=actions.take_receiver_away,
        behind="haproxy",
        **RELP,
    ),
    Fault(
        name="RELP, shipper killed 10 times",
        inject=actions.kill_shipper,
        seconds=8,
        **RELP | {"short": ("relp+tls",)},
    ),
    Fault(name="RELP, shipper terminated 10 times", inject=actions.terminate_shipper, **RELP),
    Fault(
        name="RELP, many faults in random order",
        inject=rage,
        logs=6000,
        seconds=12,
        proxied=True,
        **RELP | {"short": ("relp", "relp+tls")},
    ),
)


def list_cases(variant: str, *, long: bool) -> list[Case]:
    """Return the cases of the short or the long form in which a shipper runs.

    Args:
        variant: The shipper, one of `model.VARIANTS`. The short form has the documented program
            only where it always loses logs.
        long: Whether to return the long form.
    """
    cases = [
        Case(fault=_lengthen(fault) if long else fault, transport=transport, receiver=receiver)
        for fault in FAULTS
        for receiver in (fault.receivers if long else fault.receivers[:1])
        for transport in (fault.transports if long else fault.short)
        # rsyslog and syslog-ng choose the version of TLS themselves: one run is enough.
        if receiver == "kit" or transport != "tls1.2"
    ]
    cases = [case for case in cases if variant in case.variants]
    return [case for case in cases if long or variant == "ours" or case.shows_loss]


def _lengthen(fault: Fault) -> Fault:
    """Make the storm last for minutes, and what comes and goes do so for half a minute."""
    if fault.inject is actions.flap_receiver:
        return replace(fault, logs=4000, seconds=30)
    return replace(fault, logs=50_000, seconds=120) if fault.inject is rage else fault
