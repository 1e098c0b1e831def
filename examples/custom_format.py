"""Change the format with a subclass: it chooses body and severity, and drops some logs.

It reads the same variables as ship_to_siem.py. Each hook gets one log, a mapping of str to str, and
may call ``super()`` to get the library's own result.
"""

import json
import logging
import sys
from collections.abc import Mapping

from sls_syslog import (
    Severity,
    ShipperSettings,
    SyslogError,
    SyslogShipperProcessor,
    consumer_config,
    make_worker,
    run_worker,
)

SEVERITIES = {"FATAL": Severity.CRITICAL, "ERROR": Severity.ERROR, "WARN": Severity.WARNING}


class AuditShipper(SyslogShipperProcessor):
    """Ships a log's own fields as JSON. The severity comes from its field ``level``."""

    def format_message(self, log: Mapping[str, str]) -> str | None:
        if log.get("path") == "/healthz":
            return None  # drop it: a SIEM does not need the load balancer's probes
        own = {key: value for key, value in log.items() if not key.startswith("__")}
        return json.dumps(own, ensure_ascii=False)

    def severity(self, log: Mapping[str, str]) -> Severity:
        return SEVERITIES.get(log.get("level", ""), Severity.INFO)

    def app_name(self, log: Mapping[str, str]) -> str:
        return log.get("service") or super().app_name(log)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aliyun").setLevel(logging.WARNING)
    settings = ShipperSettings.from_env()
    run_worker(make_worker(AuditShipper, consumer_config(), args=(settings,)))


if __name__ == "__main__":
    try:
        main()
    except SyslogError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
