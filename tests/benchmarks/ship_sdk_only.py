"""The lower limit of the cost: the SDK fetches and parses, one `sendall` sends the raw batch."""

from __future__ import annotations

import socket
from typing import Any

from aliyun.log.consumer import ConsumerProcessorBase

from .shipping import OPTIONS, run_sdk_worker, ship

__all__ = ["RawProcessor"]


def _parse(response: Any) -> tuple[bytes, Any]:
    body = response._raw_uncompressed_body  # parsing drops it
    return body, response.get_loggroup_list()


class RawProcessor(ConsumerProcessorBase):
    """Sends each batch as the protobuf message that it was, without reading it."""

    def __init__(self) -> None:
        super().__init__()
        self._preprocessor = _parse

    def process(self, log_groups: Any, check_point_tracker: Any) -> None:
        body, _parsed = log_groups
        address = OPTIONS["settings"]["host"], OPTIONS["settings"]["port"]
        with socket.create_connection(address) as connection:
            connection.sendall(body)
        self.save_checkpoint(check_point_tracker)


if __name__ == "__main__":
    ship(lambda options: run_sdk_worker(RawProcessor, options))
