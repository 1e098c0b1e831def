"""The ways that are measured, as data: one row each.

A further format or setting of ours is one more row; it must not need anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["BASE_SETTINGS", "WAYS", "Target", "Way"]

BASE_SETTINGS = {"facility": "local0", "severity": "info", "hostname": "shipper-1", "tag": "audit"}
"""What all ways send with; `host`, `port` and `protocol` are added where they are known."""


@dataclass(frozen=True)
class Target:
    """The most that a way may cost.

    Attributes:
        most: In times of the other way.
        of: The other way.
        goal: What it should cost, where that is less. None means the same.
    """

    most: float
    of: str
    goal: float | None = None

    def __str__(self) -> str:
        goal = f" (goal {self.goal:g})" if self.goal is not None else ""
        return f"{self.most:g} x {self.of}{goal}"


@dataclass(frozen=True)
class Way:
    """One way to ship.

    Attributes:
        name: What the table calls it.
        settings: Settings of ours on top of the base; `protocol` counts for all programs.
        processor: The class in `ship_ours.py`, by its name.
        program: The module that ships.
        target: What the project promises.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    processor: str = "SyslogShipperProcessor"
    program: str = "ship_ours"
    target: Target | None = None

    @property
    def saves_at_once(self) -> bool:
        """Whether it saves checkpoints while it runs, not only every few seconds and at its end."""
        return self.program == "ship_ours"


_LIKE_DEFAULT = Target(1.5, "default")

WAYS = {
    way.name: way
    for way in (
        Way("documented", program="ship_documented"),
        Way("sdk-only", program="ship_sdk_only"),
        Way("default", target=Target(0.27, "documented", goal=0.2)),
        Way("octet-counting", {"framing": "octet-counting"}, target=_LIKE_DEFAULT),
        Way("rfc3164", {"syslog_format": "rfc3164"}),
        Way("json", {"payload": "json"}, target=_LIKE_DEFAULT),
        Way("cef", {"payload": "cef"}, target=_LIKE_DEFAULT),
        Way("leef", {"payload": "leef"}, target=_LIKE_DEFAULT),
        Way("dict-hook", processor="DictHook", target=Target(0.5, "documented")),
        Way("tls", {"protocol": "tls"}, target=Target(1.15, "default")),
        Way("acked", {"confirm": "acked"}),
        Way("consumed", {"confirm": "consumed"}, target=_LIKE_DEFAULT),
    )
}
