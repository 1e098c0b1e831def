"""The message that a check sends: made as shipping makes one, with an id to look for.

Pure, but for the clock and the random id.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import fields

from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.preflight.report import ProbeMessage
from sls_syslog.settings.client import ClientSettings, get_machine_name
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["describe_symptoms", "find_payload_problem", "make_probe"]

_TOPIC = "sls_syslog_check"
_TEXT = "message"  # the field that holds the text


def make_probe(settings: ClientSettings) -> tuple[ProbeMessage, Mapping[str, int]]:
    """A message with an id of its own, and what had to be done to make it.

    Args:
        settings: ``ShipperSettings`` for the message of a log; ``ClientSettings`` for that of a
            ``SyslogClient``, which is the text alone.
    """
    shipper = settings if isinstance(settings, ShipperSettings) else _for_text_alone(settings)
    mark = f"sls_syslog check {secrets.token_hex(6)}"
    log = {
        "__time__": str(int(time.time())),
        "__topic__": _TOPIC,
        "__source__": get_machine_name(),
        **({"__event_id__": mark.split()[-1]} if shipper.event_id else {}),
        _TEXT: mark,
    }
    encoder = LogEncoder(shipper, MessageHooks(shipper))
    encoder.where = mark
    frames = tuple(encoder.frames(log))
    return ProbeMessage(id=mark, framing=settings.framing, frames=frames), encoder.counts


def find_payload_problem(
    message: ProbeMessage, counts: Mapping[str, int]
) -> tuple[str, str] | None:
    """What is found of the setting ``payload``, and what to do; ``None`` if nothing is wrong."""
    if counts.get("hook_failed"):
        found = "it raised for the sample log (see this program's log): the default was sent"
        return found, "mend what payload is set to, for logs that lack a field as well"
    if message.id.encode() not in b"".join(message.frames):
        found = f"it leaves out the field {_TEXT!r}, which holds the id"
        return found, "look for the message by its time"
    return None


def describe_symptoms(settings: ClientSettings, message: ProbeMessage) -> Iterator[str]:
    """What the message would look like in the receiver if a setting were wrong."""
    if message.framing == "octet-counting":
        count = message.frames[0].partition(b" ")[0].decode()
        yield (
            f"if {count!r} is its program, or its text begins with '{count} <', the input reads"
            " lines: set framing='newline'"
        )
    if message.framing == "newline":
        yield "if it is not there at all, try framing='octet-counting'"
    if settings.syslog_format == "rfc5424":
        yield (
            "if '1' is its program, or its text begins with the time, the input reads the older"
            " format only: set syslog_format='rfc3164', or have it read RFC 5424"
        )


def _for_text_alone(settings: ClientSettings) -> ShipperSettings:
    values = {spec.name: getattr(settings, spec.name) for spec in fields(settings)}
    return ShipperSettings(**values, payload=lambda log: log[_TEXT])
