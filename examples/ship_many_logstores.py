"""Ship several Logstores of one project from one process, with one pool of threads.

It reads the same variables as ship_to_siem.py, but SLS_LOGSTORES is a list: audit,waf,oss.
"""

import logging
import os
from concurrent.futures import ThreadPoolExecutor

from aliyun.log.consumer import ConsumerWorker

from sls_syslog import ShipperSettings, SyslogShipperProcessor, consumer_config, run_worker


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aliyun").setLevel(logging.WARNING)
    settings = ShipperSettings.from_env()
    logstores = [name.strip() for name in os.environ["SLS_LOGSTORES"].split(",")]
    # A high limit costs little: threads mostly wait for the network, and start only on demand.
    with ThreadPoolExecutor(max_workers=128) as pool:
        run_worker(
            *(
                ConsumerWorker(
                    SyslogShipperProcessor,
                    consumer_config(logstore=logstore, shared_executor=pool),
                    args=(settings,),
                )
                for logstore in logstores
            )
        )


if __name__ == "__main__":
    main()
