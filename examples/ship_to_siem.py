"""Ship one Logstore to a SIEM: the whole program, configured by environment variables.

Where from: SLS_ENDPOINT, SLS_AK_ID, SLS_AK_KEY, SLS_PROJECT, SLS_LOGSTORE, and SLS_CG, the
consumer group. Where to: SYSLOG_HOST, SYSLOG_PORT, SYSLOG_PROTOCOL (tcp, udp or tls),
SYSLOG_CERT_PATH ... Start it as often as you like: the consumer group shares the shards out.
SIGTERM or Ctrl-C ends it within seconds, with its checkpoints saved.
"""

import logging

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import ShipperSettings, SyslogShipperProcessor, consumer_config, run_worker


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aliyun").setLevel(logging.WARNING)
    settings = ShipperSettings.from_env()
    run_worker(ConsumerWorker(SyslogShipperProcessor, consumer_config(), args=(settings,)))


if __name__ == "__main__":
    main()
