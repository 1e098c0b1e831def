"""Finds a payload by the value of the setting ``payload``.

A payload is a callable that takes a log, a mapping of str to str, and returns a text.
CEF, LEEF and OCSF must be loaded only when they are chosen: their tables load slowest of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sls_syslog.payloads.text import JsonPayload, KeyValuePayload

__all__ = ["PAYLOADS", "MakePayload", "Payload", "make_leef_for_sc4s"]

Payload: TypeAlias = Callable[[Mapping[str, str]], str]
"""Makes the MSG part from one log."""

MakePayload: TypeAlias = Callable[[str], Payload]
"""Makes a payload from the setting ``sep``."""


def _make_cef(sep: str) -> Payload:
    from sls_syslog.payloads.cef import CefPayload

    return CefPayload()


def _make_leef(sep: str) -> Payload:
    from sls_syslog.payloads.leef import LeefPayload

    return LeefPayload()


def _make_ocsf(sep: str) -> Payload:
    from sls_syslog.payloads.ocsf import OcsfPayload

    return OcsfPayload()


def make_leef_for_sc4s(sep: str) -> Payload:
    """Make the payload ``leef`` for the receiver ``sc4s``."""
    from sls_syslog.payloads.leef import LeefPayload

    return LeefPayload(dialect="sc4s")


PAYLOADS: dict[str, MakePayload] = {
    "key-value": KeyValuePayload,
    "json": lambda sep: JsonPayload(),
    "cef": _make_cef,
    "leef": _make_leef,
    "ocsf": _make_ocsf,
}
"""The payloads by the value of the setting ``payload``."""
