"""Ship one Logstore to a SIEM, and serve to Prometheus what became of the logs.

It takes one package more than the library itself: pip install sls-syslog prometheus-client

The variables are those of ship_to_siem.py. Prometheus finds the figures at
http://127.0.0.1:9464/metrics; METRICS_ADDRESS and METRICS_PORT are another place (0.0.0.0 in a
container).
"""

import logging
import os
from collections.abc import Iterator

from aliyun.log.consumer import ConsumerWorker
from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sls_syslog import (
    ShipperSettings,
    ShipperStats,
    SyslogShipperProcessor,
    consumer_config,
    run_worker,
)

SHARD = ("project", "logstore", "consumer_group", "shard")
FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
LABELS = {"dropped": "cause", "repaired": "kind"}  # what these are counted by


class LedgerCollector(Collector):
    """The numbers of each shard at the moment they are asked for; sum() gives the total."""

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
    worker = ConsumerWorker(SyslogShipperProcessor, consumer_config(), args=(settings, stats))
    REGISTRY.register(LedgerCollector(stats))
    server, _ = start_http_server(int(os.environ.get("METRICS_PORT", "9464")), address)
    logging.info("figures at http://%s:%d/metrics", address, server.server_port)
    run_worker(worker)


if __name__ == "__main__":
    main()
