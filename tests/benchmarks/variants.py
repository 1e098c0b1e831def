"""The variants that the benchmark measures, one row each.

A new format or setting must need one more row here, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sls_syslog.encoding.native import PURE_PYTHON

__all__ = ["BASE_SETTINGS", "VARIANTS", "Target", "Variant"]

BASE_SETTINGS = {"facility": "local0", "severity": "info", "hostname": "shipper-1", "tag": "audit"}
"""Settings of all variants. `measure.py` adds `host`, `port` and `protocol`."""


@dataclass(frozen=True)
class Target:
    """The largest cost of a variant, as a multiple of another variant's cost.

    Attributes:
        most: The multiple that the variant may cost.
        of: The name of the other variant.
        goal: The multiple that the variant should cost. None means `most`.
    """

    most: float
    of: str
    goal: float | None = None

    def __str__(self) -> str:
        goal = f" (goal {self.goal:g})" if self.goal is not None else ""
        return f"{self.most:g} x {self.of}{goal}"


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    Attributes:
        name: Its name in the table.
        settings: Settings in addition to `BASE_SETTINGS`. All programs obey `protocol`, only ours
            obeys the others.
        processor: The name of the class in `ship_ours.py`.
        program: The module of the shipping program.
        target: The cost that the project promises. None means no promise.
        environ: Environment variables of its process.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    processor: str = "SyslogShipperProcessor"
    program: str = "ship_ours"
    target: Target | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def saves_at_once(self) -> bool:
        """Whether it saves each checkpoint at once, not only every few seconds and at its end."""
        return self.program == "ship_ours"


_LIKE_DEFAULT = Target(1.5, "default")
_PURE = {PURE_PYTHON: "1"}
# As examples/deploy sets them.
_MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
}

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("documented", program="ship_documented"),
        Variant("sdk-only", program="ship_sdk_only"),
        Variant("default", target=Target(0.27, "documented", goal=0.2)),
        Variant("default-pure", environ=_PURE),
        Variant("default-malloc", environ=_MALLOC),
        Variant("octet-counting", {"framing": "octet-counting"}, target=_LIKE_DEFAULT),
        Variant("rfc3164", {"syslog_format": "rfc3164"}),
        Variant("json", {"payload": "json"}, target=_LIKE_DEFAULT),
        Variant("json-pure", {"payload": "json"}, environ=_PURE),
        Variant("cef", {"payload": "cef"}, target=_LIKE_DEFAULT),
        Variant("leef", {"payload": "leef"}, target=_LIKE_DEFAULT),
        Variant("dict-hook", processor="DictHook", target=Target(0.5, "documented")),
        Variant("tls", {"protocol": "tls"}, target=Target(1.15, "default")),
        Variant("relp", {"protocol": "relp"}),
        Variant("acked", {"confirm": "acked"}),
        Variant("consumed", {"confirm": "consumed"}, target=_LIKE_DEFAULT),
    )
}
