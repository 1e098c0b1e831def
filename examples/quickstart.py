"""See the library work, without an account and without a server. It takes less than a minute.

The SDK's own ConsumerWorker pulls logs from an emulated Logstore over HTTP. The library ships them
over a real TCP connection. A receiver in this process counts them. At the end the program prints a
table: logs in, confirmed, lost, duplicated, and how long each phase took.
"""

import logging
import os
import sys

from sls_syslog import SyslogShipperProcessor, consumer_config, make_worker, run_worker
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from sls_syslog.testing.demonstration import Demonstration, put_audit_logs, tolerate_terminal

SHARDS = 4
GROUPS = 600  # of 100 logs each
CONSUMER_GROUP = "quickstart"
SETTINGS = {"facility": "local0", "tag": "quickstart"}
GROUPS_PER_FETCH = 10  # a hundredth of what SLS allows: many small fetches move the bar

NEXT_STEPS = """
To ship a Logstore of your own, set these and run examples/ship_to_siem.py:

    SLS_ENDPOINT=https://cn-hangzhou.log.aliyuncs.com  SLS_PROJECT=...  SLS_LOGSTORE=...
    SLS_AK_ID=...  SLS_AK_KEY=...              SLS_CG=siem      (the consumer group)
    SYSLOG_HOST=siem.example  SYSLOG_PORT=514  SYSLOG_PROTOCOL=tcp   (or udp, tls)"""


def main() -> int:
    tolerate_terminal()
    logging.basicConfig(level=logging.WARNING)
    with SlsEmulator(shards=SHARDS) as emulator, SyslogReceiver() as receiver:
        print(f"Putting logs into {SHARDS} shards of an emulated Logstore ...")
        logs = put_audit_logs(emulator, GROUPS)

        # Your own program does the same, with other addresses.
        os.environ.update(emulator.environ(CONSUMER_GROUP))
        settings = {**receiver.settings(), **SETTINGS}
        config = consumer_config(
            max_fetch_log_group_size=GROUPS_PER_FETCH, data_fetch_interval=0.02
        )
        worker = make_worker(SyslogShipperProcessor, config, args=(settings,))

        show = Demonstration(worker, emulator, receiver, group=CONSUMER_GROUP, logs=logs)
        show.start()
        run_worker(worker)
        show.join()
        is_complete = show.show_result()
    print(NEXT_STEPS)
    return 0 if is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
