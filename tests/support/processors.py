"""Processors as users write them, with the mistakes that users make."""

from __future__ import annotations

from typing import Any

from sls_syslog import SyslogShipperProcessor

__all__ = ["Fatal", "Forgetful"]


class Forgetful(SyslogShipperProcessor):
    """Does not call ``super().__init__()``: its author forgot it."""

    def __init__(self, settings: Any) -> None:
        pass


class Fatal(SyslogShipperProcessor):
    """Ends the SDK's thread, which reads what this has lost."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        del vars(self)["_preprocessor"]
