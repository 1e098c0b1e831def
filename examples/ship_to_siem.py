"""Ship one Logstore to a SIEM. This is a whole program, configured by environment variables.

Source: SLS_ENDPOINT, SLS_AK_ID, SLS_AK_KEY, SLS_PROJECT, SLS_LOGSTORE, SLS_CG (consumer group).
Optional: SLS_START (begin, end or a time), SLS_END (a time: ship what is before it, and end).
Receiver: SYSLOG_HOST, SYSLOG_PORT, SYSLOG_PROTOCOL (tcp, udp or tls), SYSLOG_CERT_PATH ...
Start several of these programs to share the shards of the Logstore. SIGTERM or Ctrl-C saves the
checkpoints and ends the program within seconds. What is wrong with a setting, or what SLS refuses,
is one line on standard error, and the exit status is 1.
"""

import logging
import sys

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
    run_worker(make_worker(SyslogShipperProcessor, consumer_config(), args=(settings,)))


if __name__ == "__main__":
    try:
        main()
    except SyslogError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
