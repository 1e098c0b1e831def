"""Metrics by OpenTelemetry: ship one Logstore, and export the numbers of the ledger.

    pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http

It reads the variables of ship_to_siem.py. OTEL_EXPORTER_OTLP_ENDPOINT names the collector; without
it the numbers are printed. OTEL_METRIC_EXPORT_INTERVAL is in milliseconds (60000).
"""

import logging
import os
import sys
from collections.abc import Iterator

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

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
LABELS = {"dropped": "cause", "repaired": "kind"}  # these two have one counter for each cause, kind


def observe(stats: ShipperStats, name: str) -> Iterator[Observation]:
    """Read one number of the ledger, for each shard."""
    for place, numbers in stats.snapshot()["shards"].items():
        shard = dict(zip(SHARD, place.split("/"), strict=True))
        by = numbers[name] if name in LABELS else {"": numbers[name]}
        for label, number in by.items():
            yield Observation(number, {**shard, **({LABELS[name]: label} if label else {})})


def make_provider(stats: ShipperStats) -> MeterProvider:
    exporter = ConsoleMetricExporter()
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        exporter = OTLPMetricExporter()
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)])
    meter = provider.get_meter("sls_syslog")
    create = {"counter": meter.create_observable_counter, "gauge": meter.create_observable_gauge}
    for name, kind, meaning in ShipperStats.describe():

        def read(_: CallbackOptions, name: str = name) -> Iterator[Observation]:
            return observe(stats, name)

        create[kind](f"sls_syslog.{name}", [read], description=meaning)
    return provider


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aliyun").setLevel(logging.WARNING)
    try:
        stats = ShipperStats()
        args = (ShipperSettings.from_env(), stats)
        worker = make_worker(SyslogShipperProcessor, consumer_config(), args=args)
        provider = make_provider(stats)
        run_worker(worker)
        provider.shutdown()  # exports the last numbers
    except SyslogError as error:
        sys.exit(str(error))
