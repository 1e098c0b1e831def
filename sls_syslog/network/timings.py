"""``Timings``: how long the network waits where no setting says so.

Only values that are a policy are here. Limits of the system stay in the modules that need them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timings"]


@dataclass(frozen=True)
class Timings:
    """Waits in seconds. A ``Destination`` hands them to all that sends to its receiver.

    Attributes:
        half_close_patience: How long to wait for the first answer to a half-close before probing
            the receiver; the setting ``timeout`` if that is less.
        half_close_probe: How long to wait for a receiver with nothing to read to answer a
            half-close.
        half_close_probe_interval: Time between two probes of a receiver that did not answer: it
            may have hung for a while only.
        resumption: How long to resume TLS sessions after a full handshake. Servers renew the
            session with each resumption, and a resumed handshake verifies no certificate: without
            a limit, none would be verified again (RFC 8446 section 4.6.1 asks for one).
        prompt_answer: How soon a receiver answers a half-close if it has nothing left to read; a
            later answer is believed only beside a silent connection that was opened with it.
        sentinel_share: Longest age at which other connections still share a silent connection.
            Short, because a proxy may have lost its receiver since it was opened.
        sentinel_connect: Longest time for opening a silent connection: logs wait for it.
        without_sentinel: How long to do without silent connections if a receiver takes none, or to
            open one for each connection if it answers late.
        give_way: How long a receiver may be silent before the silent connection gives way.
        lone_age: Age of a connection without a silent one at which its end counts. HAProxy, for
            example, ends a connection after 3 s if its receiver refuses it.
        acked_trail: How long the checkpoint trails where only the kernel's acknowledgement counts,
            by default: a proxy acknowledges everything, and ends the connection if its receiver is
            away.
        connect_stagger: How long one address may take to answer before the next one is tried as
            well (RFC 8305 section 5); longer for a receiver that is far away.
        avoid_address: How long an address that did not answer is tried last. Its first trial after
            that costs ``connect_stagger``.
        resolve_again: How long UDP uses an address before it looks the name up again: no end of a
            connection shows that the name leads elsewhere now.
        resolve_wait: Longest time for that, since the datagrams wait for it.
        fail_back: How long to use a later receiver before trying the first again.
        longest_fail_back: Longest such time. The time doubles if the first receiver accepts
            connections and then fails again.
        fail_back_trial: Longest time for one trial of the first receiver. Short, because the logs
            wait for it although the later receiver works.
    """

    half_close_patience: float = 10.0
    half_close_probe: float = 5.0
    half_close_probe_interval: float = 60.0
    resumption: float = 600.0
    prompt_answer: float = 1.0
    sentinel_share: float = 2.0
    sentinel_connect: float = 3.0
    without_sentinel: float = 600.0
    give_way: float = 3.0
    lone_age: float = 5.0
    acked_trail: float = 5.0
    connect_stagger: float = 0.25
    avoid_address: float = 600.0
    resolve_again: float = 5.0
    resolve_wait: float = 1.0
    fail_back: float = 60.0
    longest_fail_back: float = 3600.0
    fail_back_trial: float = 3.0
