"""A program as Alibaba Cloud documents it, with the syslog client of the SDK.

For each batch it connects, sends every log, closes, and saves the checkpoint. An error leaves
`process()`. The SDK's own `shutdown` ends each shard. It must not be cleverer than that.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import time
from typing import Any

from aliyun.log import PullLogResponse
from aliyun.log.consumer import (
    ConsumerProcessorBase,
    ConsumerWorker,
    CursorPosition,
    LogHubConfig,
)
from aliyun.log.ext import syslogclient

from tests.faults.names import use_address_file

SEPARATOR = "||"


class SyslogProcessor(ConsumerProcessorBase):
    """Sends each batch over a new connection."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> None:
        logs = PullLogResponse.loggroups_to_flattern_list(
            log_groups, time_as_str=True, decode_bytes=True
        )
        with syslogclient.SyslogClientRFC5424(  # type: ignore[no-untyped-call]
            os.environ["SYSLOG_HOST"],
            int(os.environ["SYSLOG_PORT"]),
            proto=os.environ["SYSLOG_PROTOCOL"],
            timeout=int(os.environ.get("SYSLOG_TIMEOUT", "120")),
            cert_path=os.environ.get("SYSLOG_CERT_PATH"),
        ) as client:
            for log in logs:
                text = "".join(f"{SEPARATOR}{key}={value}" for key, value in log.items())
                client.log(text, program="documented")
        self.save_checkpoint(check_point_tracker)


def wrap_socket(plain: socket.socket, *, cert_reqs: Any, ssl_version: Any, ca_certs: str) -> Any:
    """Replace `ssl.wrap_socket`: the SDK's client calls it, but Python 3.12 removed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca_certs)
    return context.wrap_socket(plain)


def main() -> None:
    use_address_file()
    if not hasattr(ssl, "wrap_socket"):
        setattr(ssl, "wrap_socket", wrap_socket)  # noqa: B010  # the type stubs lack it too
    config = LogHubConfig(
        os.environ["SLS_ENDPOINT"],
        os.environ["SLS_AK_ID"],
        os.environ["SLS_AK_KEY"],
        os.environ["SLS_PROJECT"],
        os.environ["SLS_LOGSTORE"],
        os.environ["SLS_CG"],
        os.environ["SLS_CONSUMER"],
        cursor_position=CursorPosition.BEGIN_CURSOR,
        heartbeat_interval=1,
        data_fetch_interval=0.2,  # type: ignore[arg-type]
    )
    worker = ConsumerWorker(SyslogProcessor, consumer_option=config)
    worker.start(join=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.captureWarnings(True)
    began = time.monotonic()
    main()
    logging.info("ended after %.1f s", time.monotonic() - began)
