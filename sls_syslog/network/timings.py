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
        plain_text_proof: How long one confirmed delivery proves that the receiver reads plain
            text: an administrator may configure it for TLS at any time.
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
    plain_text_proof: float = 10.0
    fail_back: float = 60.0
    longest_fail_back: float = 3600.0
    fail_back_trial: float = 3.0
