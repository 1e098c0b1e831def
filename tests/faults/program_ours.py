"""A user's program over this library. Fast heartbeats make a takeover take only seconds."""

from __future__ import annotations

import logging

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import ShipperSettings, SyslogShipperProcessor, consumer_config, run_worker
from tests.faults.names import use_address_file

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    use_address_file()
    config = consumer_config(heartbeat_interval=1)
    run_worker(ConsumerWorker(SyslogShipperProcessor, config, args=(ShipperSettings.from_env(),)))
