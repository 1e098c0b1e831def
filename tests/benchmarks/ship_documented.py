"""The program that Alibaba Cloud documents, step by step.

Its import lines have the syslog client of the SDK, or ours in its place.
"""

from __future__ import annotations

import importlib
from datetime import datetime
from typing import Any

from aliyun.log import PullLogResponse
from aliyun.log.consumer import ConsumerProcessorBase

from .shipping import OPTIONS, run_sdk_worker, ship

__all__ = ["DocumentedProcessor"]

syslogclient = importlib.import_module(OPTIONS["client"])

_SETTINGS = OPTIONS["settings"]
_FACILITY = getattr(syslogclient, f"FAC_{_SETTINGS['facility'].upper()}")
_SEVERITY = getattr(syslogclient, f"SEV_{_SETTINGS['severity'].upper()}")


class DocumentedProcessor(ConsumerProcessorBase):
    """For each batch, connects, sends every log, closes, and saves the checkpoint."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> None:
        logs = PullLogResponse.loggroups_to_flattern_list(
            log_groups, time_as_str=True, decode_bytes=True
        )
        with syslogclient.SyslogClientRFC5424(
            _SETTINGS["host"], _SETTINGS["port"], proto=_SETTINGS["protocol"], timeout=120
        ) as client:
            for log in logs:
                timestamp = datetime.fromtimestamp(int(log.pop("__time__")))
                client.log(
                    "".join(f"||{key}={value}" for key, value in log.items()),
                    facility=_FACILITY,
                    severity=_SEVERITY,
                    timestamp=timestamp,
                    hostname=_SETTINGS["hostname"],
                    program=_SETTINGS["tag"],
                )
        self.save_checkpoint(check_point_tracker)


if __name__ == "__main__":
    ship(lambda options: run_sdk_worker(DocumentedProcessor, options))
