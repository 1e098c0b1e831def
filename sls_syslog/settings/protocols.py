"""What each value of the setting ``protocol`` means: one row per protocol.

A row must not say how something is sent: ``network`` does.
"""

from __future__ import annotations

from dataclasses import dataclass

from sls_syslog.syslog.framing import LARGEST_DATAGRAM

__all__ = ["LARGEST_RELP_MESSAGE", "PROTOCOLS", "Protocol"]

LARGEST_RELP_MESSAGE = 999_999_999
"""Bytes of the largest message that a RELP frame can hold: its length has at most 9 digits."""

# RELP has no port of its own; rsyslog's documentation uses 2514 in every example of imrelp.
_RELP_PORT = 2514
# The largest message of version 1 of RELP, and librelp's own default. librelp ends the session
# when a message is larger than the receiver allows.
_RELP_MESSAGE = 128 * 1024


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What follows from one protocol.

    Attributes:
        port: The default port.
        is_tls: Whether the connection is TLS.
        is_relp: Whether the receiver acknowledges each message.
        has_connection: Whether there is a connection.
        framing: The default framing; ``None`` if the protocol itself keeps messages apart.
        max_message_bytes: The default limit in bytes; ``None`` for none.
        largest: Bytes of the largest message that it can carry; ``None`` for no limit.
        confirm: The default level of confirmation.
        levels: The levels of confirmation that it can have.
    """

    port: int
    is_tls: bool = False
    is_relp: bool = False
    has_connection: bool = True
    framing: str | None = None
    max_message_bytes: int | None = None
    largest: int | None = None
    confirm: str = "auto"
    levels: tuple[str, ...] = ("auto", "consumed", "acked", "written")


def _describe_relp(*, is_tls: bool) -> Protocol:
    return Protocol(
        port=_RELP_PORT,
        is_tls=is_tls,
        is_relp=True,
        max_message_bytes=_RELP_MESSAGE,
        largest=LARGEST_RELP_MESSAGE,
        confirm="consumed",
        levels=("auto", "consumed"),
    )


PROTOCOLS: dict[str, Protocol] = {
    "tcp": Protocol(port=514, framing="newline"),
    "udp": Protocol(
        port=514,
        has_connection=False,
        max_message_bytes=LARGEST_DATAGRAM,
        largest=LARGEST_DATAGRAM,
        confirm="written",
        levels=("auto", "written"),
    ),
    "tls": Protocol(port=6514, is_tls=True, framing="newline"),  # RFC 5425 section 4.1
    "relp": _describe_relp(is_tls=False),
    # Not "relp" with a key such as cert_path: a key that is missing would then mean plain text.
    "relp+tls": _describe_relp(is_tls=True),
}
"""The protocols by the value of the setting ``protocol``."""
