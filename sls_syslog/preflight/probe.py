"""Makes the probe message of a check, in the same way as shipping, with an id to look for.

It reads the clock and makes a random id, and must do no other I/O.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.preflight.report import ProbeMessage
from sls_syslog.settings.client import ClientSettings, get_machine_name
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["describe_path", "describe_symptoms", "find_payload_problem", "make_probe"]

_TOPIC = "sls_syslog_check"
_TEXT = "message"  # the field that holds the text


def make_probe(settings: ClientSettings) -> tuple[ProbeMessage, Mapping[str, int]]:
    """Make a probe message with an id of its own.

    Args:
        settings: ``ShipperSettings`` for the message of a log; ``ClientSettings`` for the message
            of a ``SyslogClient``, which is the text alone.

    Returns:
        The message, and the encoder's counts of what it had to repair.
    """
    shipper = settings if isinstance(settings, ShipperSettings) else _add_text_payload(settings)
    probe_id = f"sls_syslog check {secrets.token_hex(6)}"
    log = {
        "__time__": str(int(time.time())),
        "__topic__": _TOPIC,
        "__source__": get_machine_name(),
        **({"__event_id__": probe_id.split()[-1]} if shipper.event_id else {}),
        _TEXT: probe_id,
    }
    # What keeps logs back must not keep back the probe, which holds nothing of a log.
    shipper = replace(
        shipper, skip=(), only=(), mask=(), mask_key=None, on_hook_error="default", dropped=None
    )
    encoder = LogEncoder(shipper, MessageHooks(shipper))
    encoder.where = probe_id
    encoded = encoder.encode_log(log)
    message = ProbeMessage(id=probe_id, framing=settings.framing, frames=tuple(encoded.frames))
    return message, Counter(kind for _, kind in encoded.outcomes)


def describe_path(settings: ShipperSettings) -> str:
    """Describe how plain logs are encoded, if no hook is overridden."""
    return f"plain logs are encoded {LogEncoder(settings, MessageHooks(settings)).path}"


def find_payload_problem(
    message: ProbeMessage, counts: Mapping[str, int]
) -> tuple[str, str] | None:
    """Find what is wrong with the setting ``payload``.

    Returns:
        What was found, and what to do; ``None`` if nothing is wrong.
    """
    if counts.get("hook_failed"):
        found = "it raised for the sample log (see this program's log), so the default was sent"
        return found, "correct the payload, also for logs that lack a field"
    if message.id.encode() not in b"".join(message.frames):
        found = f"it leaves out the field {_TEXT!r}, which holds the id"
        return found, "look for the message by its time"
    return None


def describe_symptoms(settings: ClientSettings, message: ProbeMessage) -> Iterator[str]:
    """Describe how the message looks in the receiver if a setting is wrong."""
    if message.framing == "octet-counting":
        count = message.frames[0].partition(b" ")[0].decode()
        yield (
            f"if {count!r} is its program, or its text begins with '{count} <', the input reads"
            " lines: set framing='newline'"
        )
    if message.framing == "newline":
        yield "if the message is missing, try framing='octet-counting'"
    if settings.syslog_format == "rfc5424":
        yield (
            "if '1' is its program, or its text begins with the time, the input reads RFC 3164"
            " only: set syslog_format='rfc3164', or make the input read RFC 5424"
        )


def _add_text_payload(settings: ClientSettings) -> ShipperSettings:
    values = {spec.name: getattr(settings, spec.name) for spec in fields(settings)}
    return ShipperSettings(**values, payload=lambda log: log[_TEXT])
