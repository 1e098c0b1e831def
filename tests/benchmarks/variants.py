"""The variants that the benchmark measures, one row each.

A new format or setting must need one more row here, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sls_syslog.encoding.native import PURE_PYTHON

__all__ = ["BASE_SETTINGS", "SLOPES", "VARIANTS", "Slope", "Source", "Target", "Variant"]

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
class Source:
    """What is shipped.

    Attributes:
        kind: The kind of logs, a key of `workload.KINDS`.
        shards: Shards of the Logstore. None means as many as the command says.
        scale: Multiple of the size that the command says. 0 means a single log.
    """

    kind: str = "audit"
    shards: int | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    Attributes:
        name: Its name in the table.
        settings: Settings in addition to `BASE_SETTINGS`. All programs obey `protocol`, only ours
            obeys the others.
        processor: The name of the class in `ship_ours.py`.
        program: The module of the shipping program.
        client: The module that the documented program imports its syslog client from.
        targets: The costs that the project promises.
        environ: Environment variables of its process.
        consumer: Options of the SDK's configuration in addition to its program's own.
        source: What it ships.
        processes: Processes that share the shards.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    processor: str = "SyslogShipperProcessor"
    program: str = "ship_ours"
    client: str = "aliyun.log.ext.syslogclient"
    targets: tuple[Target, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    consumer: Mapping[str, Any] = field(default_factory=dict)
    source: Source = Source()
    processes: int = 1

    @property
    def saves_at_once(self) -> bool:
        """Whether it saves each checkpoint at once, not only every few seconds and at its end."""
        return self.program == "ship_ours"

    @property
    def is_floor(self) -> bool:
        """Whether it is the lower limit for what it ships: the SDK alone."""
        return self.program == "ship_sdk_only" and not self.consumer


@dataclass(frozen=True)
class Slope:
    """A row that no run gives: what each further MB costs, without what does not grow.

    Attributes:
        name: Its name in the table.
        large: The name of the variant with more logs.
        small: The name of the same one with fewer.
        targets: As for a variant; the other one is a slope too.
    """

    name: str
    large: str
    small: str
    targets: tuple[Target, ...] = ()


_FLOOR = "ship_sdk_only"
_LIKE_FLOOR = Target(1.6, "sdk-only", goal=1.35)
_LIKE_DEFAULT = Target(1.5, "default")
_QUICK = {"data_fetch_interval": 0.01, "worker_pool_size": 128}
_PURE = {PURE_PYTHON: "1"}
# As examples/deploy sets them.
_MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
}
_TWICE, _ONE_LOG, _WIDE = Source(scale=2.0), Source(scale=0.0), Source(shards=64)
_WAF, _ACTIONTRAIL, _KUBERNETES = map(Source, ("waf", "actiontrail", "kubernetes"))
_CEF, _LEEF, _OCSF, _JSON = ({"payload": name} for name in ("cef", "leef", "ocsf", "json"))

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("documented", program="ship_documented"),
        Variant(
            "documented-client",
            program="ship_documented",
            client="sls_syslog.syslogclient",
            targets=(Target(0.85, "documented"),),
        ),
        Variant("sdk-only", program=_FLOOR),
        # Its programs' interval of 1 s limits the wall time of the row above.
        Variant("sdk-only-quick", program=_FLOOR, consumer=_QUICK),
        Variant("default", targets=(_LIKE_FLOOR, Target(0.27, "documented", goal=0.2))),
        Variant("default-pure", environ=_PURE),
        Variant("default-malloc", environ=_MALLOC),
        Variant("default-2-processes", processes=2),
        Variant("default-64-shards", source=_WIDE),
        Variant("octet-counting", {"framing": "octet-counting"}, targets=(_LIKE_DEFAULT,)),
        Variant("rfc3164", {"syslog_format": "rfc3164"}),
        Variant("json", _JSON, targets=(_LIKE_FLOOR, _LIKE_DEFAULT)),
        Variant("json-pure", _JSON, environ=_PURE),
        Variant("cef", _CEF, targets=(_LIKE_DEFAULT,)),
        Variant("leef", _LEEF, targets=(_LIKE_DEFAULT,)),
        Variant("dict-hook", processor="DictHook", targets=(Target(0.5, "documented"),)),
        Variant("severity-hook", processor="SeverityHook"),
        Variant("tls", {"protocol": "tls"}, targets=(Target(1.35, "default"),)),
        Variant("relp", {"protocol": "relp"}),
        Variant("acked", {"confirm": "acked"}),
        Variant("consumed", {"confirm": "consumed"}, targets=(_LIKE_DEFAULT,)),
        Variant("waf-sdk-only", program=_FLOOR, source=_WAF),
        Variant("waf-default", source=_WAF),
        Variant("waf-cef", _CEF, source=_WAF, targets=(Target(2.0, "waf-default"),)),
        Variant("waf-cef-pure", _CEF, source=_WAF, environ=_PURE),
        Variant("waf-ocsf", _OCSF, source=_WAF),
        Variant("actiontrail-sdk-only", program=_FLOOR, source=_ACTIONTRAIL),
        Variant("actiontrail-default", source=_ACTIONTRAIL),
        Variant(
            "actiontrail-leef",
            _LEEF,
            source=_ACTIONTRAIL,
            targets=(Target(3.0, "actiontrail-default"),),
        ),
        Variant("actiontrail-leef-pure", _LEEF, source=_ACTIONTRAIL, environ=_PURE),
        Variant("actiontrail-ocsf", _OCSF, source=_ACTIONTRAIL),
        Variant("kubernetes-sdk-only", program=_FLOOR, source=_KUBERNETES),
        Variant("kubernetes-default", source=_KUBERNETES),
        Variant(
            "kubernetes-cef",
            _CEF,
            source=_KUBERNETES,
            targets=(Target(3.0, "kubernetes-default"),),
        ),
        Variant("sdk-only-start", program=_FLOOR, source=_ONE_LOG),
        Variant("default-start", source=_ONE_LOG),
        Variant("sdk-only-twice", program=_FLOOR, source=_TWICE),
        Variant("default-twice", source=_TWICE),
    )
}

SLOPES = {
    slope.name: slope
    for slope in (
        Slope("sdk-only-slope", "sdk-only-twice", "sdk-only"),
        Slope("default-slope", "default-twice", "default", (Target(1.3, "sdk-only-slope"),)),
    )
}
