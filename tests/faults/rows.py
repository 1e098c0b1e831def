"""The table of faults."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from faults import happenings
from faults.model import Case, Fault
from faults.names import NAME
from faults.network import why_no_cable
from faults.storm import storm
from sls_syslog import ShipperSettings

SLOW = 150_000  # bytes per second and connection: not all that is sent is read at once
SERVERS = ("kit", "rsyslog", "syslog-ng")
STREAMS = ("tcp", "tls1.2", "tls1.3")


def replay_is_missing() -> str:
    known = {spec.name for spec in fields(ShipperSettings)}
    return "" if "replay_seconds" in known else "there is no setting replay_seconds"


IN_FLIGHT = {"bytes_per_second": SLOW}
QUICK = {"bytes_per_second": SLOW * 4}
UDP: dict[str, Any] = {"transports": ("udp",), "short": ("udp",), "loses_nothing": False}
CABLE: dict[str, Any] = {"cabled": True, "needs": why_no_cable, "reading": QUICK}
CERTIFICATES: dict[str, Any] = {
    "transports": STREAMS[1:],
    "short": ("tls1.3",),
    "logs": 1000,
    "seconds": 5,
}
SLS: dict[str, Any] = {"transports": ("tcp",), "reading": QUICK}
QUEUE: dict[str, Any] = {
    "receivers": ("rsyslog",),
    "serving": {"main_queue": "LinkedList"},
    "logs": 20_000,
    "transports": ("tcp", "tls1.3"),
}

FAULTS = (
    Fault(
        name="none, the receiver reads slowly",
        happens=happenings.nothing,
        logs=4000,
        seconds=0,
        short=("tcp", "tls1.3"),
        receivers=SERVERS,
        documented_in_short=True,
        reading={"bytes_per_second": 500_000, "receive_buffer_bytes": 16_384},
    ),
    Fault(
        name="receiver killed 10 times",
        happens=happenings.receiver_killed,
        short=("tcp", "tls1.3"),
        documented_in_short=True,
        reading=IN_FLIGHT,
    ),
    Fault(
        name="receiver killed 10 times in a backlog",
        happens=happenings.receiver_killed,
        logs=8000,
        seconds=0,
        short=("tls1.3",),
        reading={"bytes_per_second": SLOW * 5},
    ),
    Fault(
        name="receiver restarted 3 times",
        happens=happenings.receiver_restarted,
        logs=20_000,
        receivers=("syslog-ng", "rsyslog"),
    ),
    Fault(
        name="receiver away for 3 s",
        happens=happenings.receiver_away,
        documented_in_short=True,
        reading=QUICK,
    ),
    Fault(name="connections reset 15 times", happens=happenings.connections_reset, reading=QUICK),
    Fault(
        name="a relay before it resets them 10 times",
        happens=happenings.relay_resets,
        short=("tls1.3",),
        receivers=("rsyslog", "syslog-ng", "kit"),
        proxied=True,
    ),
    Fault(
        name="a relay before it closes them 10 times",
        happens=happenings.relay_closes,
        receivers=SERVERS,
        proxied=True,
        reading=QUICK,
    ),
    Fault(
        name="connections closed at once, for 3 s",
        happens=happenings.closed_at_once,
        short=("tls1.3",),
        proxied=True,
        reading=QUICK,
    ),
    Fault(name="receiver hangs for 3 s, is killed", happens=happenings.hangs, reading=IN_FLIGHT),
    Fault(
        name="receiver never answers the close",
        happens=happenings.never_answers_the_close,
        short=("tcp", "tls1.3"),
        settings={"timeout": "3"},
        reading={"answer_half_close": False},
    ),
    Fault(
        name="black hole for 3 s, goes on",
        happens=happenings.black_hole_that_ends,
        receivers=SERVERS,
        proxied=True,
        reading=IN_FLIGHT,
    ),
    Fault(
        name="black hole for 3 s, dies",
        happens=happenings.black_hole_that_dies,
        short=("tls1.3",),
        receivers=SERVERS,
        proxied=True,
        reading=IN_FLIGHT,
    ),
    Fault(name="packets vanish for 4 s", happens=happenings.packets_vanish, **CABLE),
    Fault(
        name="packets vanish for 4 s, and the receiver is another one then",
        happens=happenings.replaced_unseen,
        **CABLE | {"reading": IN_FLIGHT},
    ),
    Fault(
        name="name moves to another address", happens=happenings.name_moves, settings={"host": NAME}
    ),
    *(
        Fault(
            name=f"certificate {kind} for 3 s",
            happens=happenings.refused_at_first(certificate="good"),
            reading={"certificate": kind},
            **CERTIFICATES,
        )
        for kind in ("expired", "wrong name", "untrusted")
    ),
    Fault(
        name="client certificate demanded for 3 s",
        happens=happenings.refused_at_first(client_certificate=False),
        reading={"client_certificate": True},
        **CERTIFICATES | {"short": STREAMS[1:]},
    ),
    Fault(
        name="shipper killed 10 times",
        happens=happenings.shipper_killed,
        short=("tls1.3",),
        receivers=SERVERS,
        seconds=8,
        reading=QUICK,
    ),
    Fault(
        name="shipper terminated 10 times",
        happens=happenings.shipper_terminated,
        receivers=SERVERS,
        seconds=8,
        reading=QUICK,
    ),
    Fault(
        name="shipper terminated while the receiver hangs",
        happens=happenings.shipper_terminated_while_receiver_hangs,
        reading=IN_FLIGHT,
    ),
    Fault(name="shipper frozen while another takes over", happens=happenings.shipper_frozen, **SLS),
    Fault(
        name="handed over to another shipper in an outage",
        happens=happenings.handed_over_in_an_outage,
        **SLS,
    ),
    Fault(
        name="SLS answers 403, quota exceeded",
        happens=happenings.answers("PullLogs", status=403, code="ReadQuotaExceed", times=1),
        **SLS,
    ),
    Fault(name="SLS answers 500", happens=happenings.answers("PullLogs", status=500), **SLS),
    Fault(name="SLS drops connections", happens=happenings.answers("PullLogs", drop=True), **SLS),
    Fault(
        name="SLS no longer knows the cursor",
        happens=happenings.answers("PullLogs", status=400, code="InvalidCursor", times=1),
        **SLS,
    ),
    Fault(
        name="SLS refuses checkpoints",
        happens=happenings.answers("ConsumerGroupUpdateCheckPoint", status=403, code="Denied"),
        **SLS,
    ),
    Fault(
        name="SLS stores checkpoints late",
        happens=happenings.answers("ConsumerGroupUpdateCheckPoint", status=None, delay=1.5),
        **SLS,
    ),
    Fault(name="SLS away for 3 s", happens=happenings.service_away, **SLS),
    Fault(name="consumer evicted 3 times", happens=happenings.evicted, **SLS),
    Fault(name="shards split", happens=happenings.split, **SLS),
    Fault(
        name="storm of all of these",
        happens=storm,
        short=("tls1.3",),
        logs=6000,
        seconds=12,
        proxied=True,
        reading=QUICK,
    ),
    Fault(name="UDP, receiver away for 3 s", happens=happenings.receiver_away, **UDP),
    Fault(
        name="UDP, receiver hangs for 3 s, is killed",
        happens=happenings.hangs,
        reading={"receive_buffer_bytes": 16_384},
        **UDP,
    ),
    Fault(
        name="rsyslog restarted 3 times, its queue in memory",
        happens=happenings.receiver_restarted,
        **QUEUE,
    ),
    Fault(
        name="rsyslog killed 10 times, its queue in memory",
        happens=happenings.receiver_killed,
        loses_nothing=False,
        **QUEUE,
    ),
    Fault(
        name="rsyslog killed 10 times, its queue in memory, replay_seconds 30",
        happens=happenings.receiver_killed,
        settings={"replay_seconds": "30"},
        ends_drained=False,
        needs=replay_is_missing,
        **QUEUE,
    ),
)


def cases(*, long: bool) -> list[Case]:
    """What one form of the suite runs."""
    return [
        Case(fault=_lengthened(fault) if long else fault, transport=transport, receiver=receiver)
        for fault in FAULTS
        for receiver in (fault.receivers if long else fault.receivers[:1])
        for transport in (fault.transports if long else fault.short)
        # For the servers TLS is what their own library makes of it.
        if receiver == "kit" or transport != "tls1.2"
    ]


def _lengthened(fault: Fault) -> Fault:
    """The storm lasts for minutes in the long form."""
    return replace(fault, logs=50_000, seconds=120) if fault.happens is storm else fault
