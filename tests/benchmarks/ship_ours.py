"""A user's program over `sls_syslog`. It must use only public names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import ShipperSettings, SyslogShipperProcessor, consumer_config, run_worker

from .shipping import OPTIONS, ship

__all__ = ["DictHook", "SeverityHook"]


class DictHook(SyslogShipperProcessor):
    """Has a typical hook: it makes the text from the whole mapping."""

    def format_message(self, log: Mapping[str, str]) -> str | None:
        return "".join(f"||{key}={value}" for key, value in log.items() if key != "__time__")


class SeverityHook(SyslogShipperProcessor):
    """Has a hook of the header: a log's own fields choose the severity."""

    def severity(self, log: Mapping[str, str]) -> str:
        return "warning" if log.get("status") == "503" else "info"


_PROCESSORS = {kind.__name__: kind for kind in (SyslogShipperProcessor, DictHook, SeverityHook)}


def _run(options: dict[str, Any]) -> None:
    settings = ShipperSettings.from_mapping(OPTIONS["settings"])
    processor = _PROCESSORS[OPTIONS["processor"]]
    run_worker(ConsumerWorker(processor, consumer_config(**options), args=(settings,)))


if __name__ == "__main__":
    ship(_run)
