"""Ship several Logstores of one project from one process, with one pool of threads.

It reads the same variables as ship_to_siem.py, but SLS_LOGSTORES is a list: audit,waf,oss.
"""

import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from sls_syslog import (
    ShipperSettings,
    SyslogError,
    SyslogShipperProcessor,
    consumer_config,
    make_worker,
    run_worker,
)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("aliyun").setLevel(logging.WARNING)
    settings = ShipperSettings.from_env()
    logstores = [name.strip() for name in os.environ.get("SLS_LOGSTORES", "").split(",")]
    if not all(logstores):
        sys.exit("SLS_LOGSTORES: expected a list of Logstores, such as audit,waf")
    # A high limit costs little: threads mostly wait for the network, and start only on demand.
    with ThreadPoolExecutor(max_workers=128) as pool:
        run_worker(
            *(
                make_worker(
                    SyslogShipperProcessor,
                    consumer_config(logstore=logstore, shared_executor=pool),
                    args=(settings,),
                )
                for logstore in logstores
            )
        )


if __name__ == "__main__":
    try:
        main()
    except SyslogError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
