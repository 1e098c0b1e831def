"""The payloads by the value of the setting ``payload``.

A payload is anything that can be called with a log, a mapping of str to str, and returns a text.
CEF and LEEF are loaded when they are chosen: their tables take longer to load than all else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sls_syslog.payloads.text import JsonPayload, KeyValuePayload

__all__ = ["PAYLOADS", "Payload"]

Payload: TypeAlias = Callable[[Mapping[str, str]], str]
"""Makes the MSG part of one log."""


def _make_cef(sep: str) -> Payload:
    from sls_syslog.payloads.cef import CefPayload

    return CefPayload()


def _make_leef(sep: str) -> Payload:
    from sls_syslog.payloads.leef import LeefPayload

    return LeefPayload()


PAYLOADS: dict[str, Callable[[str], Payload]] = {
    "key-value": KeyValuePayload,
    "json": lambda sep: JsonPayload(),
    "cef": _make_cef,
    "leef": _make_leef,
}
"""The payloads by their setting's value; each is made from the setting ``sep``."""
