"""Processors that people write after the documented program, each with one mistake.

They run under the real ``ConsumerWorker``. They prove that a hazard is real, and that its test can
fail. Do not add a mistake that nobody would make.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

from aliyun.log.consumer import ConsumerProcessorBase
from aliyun.log.ext.syslogclient import SyslogClientRFC5424
from aliyun.log.pulllog_response import PullLogResponse

__all__ = [
    "ConnectsAtOnce",
    "ConnectsInInitialize",
    "Documented",
    "Exits",
    "FlushesOften",
    "Forgetful",
    "Insists",
    "NoLastSave",
    "ReturnsTrue",
    "RollsBack",
    "SavesFirst",
    "WithTheSdksClient",
]


class Documented(ConsumerProcessorBase):
    """Connects, sends, saves. Raises if one of these fails. Does not override ``shutdown()``."""

    def __init__(self, option: Mapping[str, Any]) -> None:
        super().__init__()
        self.option = option

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        self.deliver(log_groups)
        self.save_checkpoint(check_point_tracker)

    def deliver(self, log_groups: Any) -> None:
        """Send each log as a message. Use one connection for the batch."""
        with self.connect() as receiver:
            for message in self.format_messages(log_groups):
                receiver.sendall(b"<14>1 - - - - - - " + message.encode() + b"\n")

    def connect(self) -> socket.socket:
        """Connect, with the timeout of the documented program."""
        return socket.create_connection((self.option["host"], self.option["port"]), timeout=120)

    @staticmethod
    def format_messages(log_groups: Any) -> list[str]:
        """Format each log as the documented program does."""
        logs = PullLogResponse.loggroups_to_flattern_list(
            log_groups, time_as_str=True, decode_bytes=True
        )
        return ["".join(f"||{key}={value}" for key, value in log.items()) for log in logs]


class RollsBack(Documented):
    """Returns the cursor of the batch's start after a failure. The SDK then fetches again."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        try:
            super().process(log_groups, check_point_tracker)
        except OSError:
            return check_point_tracker.get_check_point()


class FlushesOften(RollsBack):
    """Like ``RollsBack``, but the SDK flushes at each chance, not only once a minute."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        check_point_tracker.default_flush_check_point_interval = -1
        return super().process(log_groups, check_point_tracker)


class ReturnsTrue(Documented):
    """Returns ``True`` for success."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        super().process(log_groups, check_point_tracker)
        return True


class SavesFirst(Documented):
    """Saves before it delivers, and rolls back after a failure."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        check_point_tracker.save_check_point(True)
        try:
            self.deliver(log_groups)
        except OSError:
            return check_point_tracker.get_check_point()


class Insists(Documented):
    """Tries again inside ``process()`` until it succeeds."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        while True:
            try:
                return super().process(log_groups, check_point_tracker)
            except OSError:
                time.sleep(0.1)


class Exits(Documented):
    """Calls ``sys.exit()`` in ``process()`` to end the program."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        sys.exit("from process()")


class Forgetful(Documented):
    """Does not call ``super().__init__()``: its author forgot it."""

    def __init__(self, option: Mapping[str, Any]) -> None:
        self.option = option


class ConnectsAtOnce(Documented):
    """Connects in its constructor, as the documented program does."""

    def __init__(self, option: Mapping[str, Any]) -> None:
        super().__init__(option)
        self.connect().close()


class ConnectsInInitialize(Documented):
    """Connects in ``initialize()``. Its author believes that the SDK calls it only once."""

    def initialize(self, shard: int) -> None:
        super().initialize(shard)
        self.connect().close()


class NoLastSave(Documented):
    """Overrides ``shutdown()`` without saving the checkpoint."""

    def shutdown(self, check_point_tracker: Any) -> None:
        pass


class WithTheSdksClient(Documented):
    """Sends with the SDK's own syslog client."""

    def deliver(self, log_groups: Any) -> None:
        host, port = self.option["host"], self.option["port"]
        make: Any = SyslogClientRFC5424  # it has no types
        with make(host, port, proto="TCP", clientname="h") as client:
            for message in self.format_messages(log_groups):
                self.option["before_each"]()
                client.log(message)
