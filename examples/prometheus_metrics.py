"""Ship one Logstore to a SIEM, and serve the counters of the ledger to Prometheus.

    pip install . prometheus-client

It reads the same variables as ship_to_siem.py. Prometheus reads http://127.0.0.1:9464/metrics;
METRICS_ADDRESS and METRICS_PORT change this address (0.0.0.0 in a container).
"""

import logging
import os
import sys
from collections.abc import Iterator

from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sls_syslog import (
    ShipperSettings,
    ShipperStats,
    SyslogError,
    SyslogShipperProcessor,
    consumer_config,
    make_worker,
    run_worker,
)

SHARD = ("project", "logstore", "consumer_group", "shard")
FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
LABELS = {"dropped": "cause", "repaired": "kind"}  # these two have one counter for each cause, kind


class LedgerCollector(Collector):
    """Reads the counters of each shard at each request. Use sum() for the total of all shards."""

    def __init__(self, stats: ShipperStats) -> None:
        self.stats = stats

    def collect(self) -> Iterator[Metric]:
        shards = self.stats.snapshot()["shards"]
        for name, kind, meaning in ShipperStats.describe():
            by = (LABELS[name],) if name in LABELS else ()
            family = FAMILIES[kind](f"sls_syslog_{name}", meaning, labels=(*SHARD, *by))
            for place, numbers in shards.items():
                if by:
                    for cause, number in numbers[name].items():
                        family.add_metric((*place.split("/"), cause), number)
                else:
                    family.add_metric(place.split("/"), numbers[name])
            yield family


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aliyun").setLevel(logging.WARNING)
    address = os.environ.get("METRICS_ADDRESS", "127.0.0.1")
    settings, stats = ShipperSettings.from_env(), ShipperStats()
    worker = make_worker(SyslogShipperProcessor, consumer_config(), args=(settings, stats))
    REGISTRY.register(LedgerCollector(stats))
    server, _ = start_http_server(int(os.environ.get("METRICS_PORT", "9464")), address)
    logging.info("metrics at http://%s:%d/metrics", address, server.server_port)
    run_worker(worker)


if __name__ == "__main__":
    try:
        main()
    except SyslogError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
