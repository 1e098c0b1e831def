"""Processors as users write them, with the mistakes that users make."""

from __future__ import annotations

from typing import Any

from sls_syslog import SyslogShipperProcessor

__all__ = ["Forgetful"]


class Forgetful(SyslogShipperProcessor):
    """Does not call ``super().__init__()``: its author forgot it. That ends the SDK's thread."""

    def __init__(self, settings: Any) -> None:
        pass
