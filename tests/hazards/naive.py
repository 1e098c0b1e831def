"""Processors as people write them after the documented program, each with its mistake.

They run under the real ``ConsumerWorker`` like ours, to show that a hazard is real and that
the test which ours passes can fail. Nothing here may be a mistake that nobody would make.
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
    """Connect, send, save; raise when that fails; leave the shutdown to the SDK."""

    def __init__(self, option: Mapping[str, Any]) -> None:
        super().__init__()
        self.option = option

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        self.deliver(log_groups)
        self.save_checkpoint(check_point_tracker)

    def deliver(self, log_groups: Any) -> None:
        """Send each log as a message, over a connection for this batch."""
        with self.connect() as receiver:
            for message in self.messages(log_groups):
                receiver.sendall(b"<14>1 - - - - - - " + message.encode() + b"\n")

    def connect(self) -> socket.socket:
        """A connection, with the documented deadline."""
        return socket.create_connection((self.option["host"], self.option["port"]), timeout=120)

    @staticmethod
    def messages(log_groups: Any) -> list[str]:
        """Each log as the documented text."""
        logs = PullLogResponse.loggroups_to_flattern_list(
            log_groups, time_as_str=True, decode_bytes=True
        )
        return ["".join(f"||{key}={value}" for key, value in log.items()) for log in logs]


class RollsBack(Documented):
    """Returns the cursor of the batch's start, which is right while all is well."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        try:
            super().process(log_groups, check_point_tracker)
        except OSError:
            return check_point_tracker.get_check_point()


class FlushesOften(RollsBack):
    """The same, where the SDK's minute between its own flushes is always over."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        check_point_tracker.default_flush_check_point_interval = -1
        return super().process(log_groups, check_point_tracker)


class ReturnsTrue(Documented):
    """Returns ``True`` for success."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        super().process(log_groups, check_point_tracker)
        return True


class SavesFirst(Documented):
    """Saves before it delivers, and rolls back."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        check_point_tracker.save_check_point(True)
        try:
            self.deliver(log_groups)
        except OSError:
            return check_point_tracker.get_check_point()


class Insists(Documented):
    """Tries again inside ``process()`` for as long as it takes."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        while True:
            try:
                return super().process(log_groups, check_point_tracker)
            except OSError:
                time.sleep(0.1)


class Exits(Documented):
    """Ends the program when it does not know what to do, or means to."""

    def process(self, log_groups: Any, check_point_tracker: Any) -> Any:
        sys.exit("from process()")


class Forgetful(Documented):
    """Its author forgot ``super().__init__()``."""

    def __init__(self, option: Mapping[str, Any]) -> None:
        self.option = option


class ConnectsAtOnce(Documented):
    """Connects when it is made, as the documented program does."""

    def __init__(self, option: Mapping[str, Any]) -> None:
        super().__init__(option)
        self.connect().close()


class ConnectsInInitialize(Documented):
    """Connects in ``initialize()``, which it takes to be called once."""

    def initialize(self, shard: int) -> None:
        super().initialize(shard)
        self.connect().close()


class NoLastSave(Documented):
    """A ``shutdown()`` of its own that only tidies up."""

    def shutdown(self, check_point_tracker: Any) -> None:
        pass


class WithTheSdksClient(Documented):
    """Sends with the client that comes with the SDK."""

    def deliver(self, log_groups: Any) -> None:
        host, port = self.option["host"], self.option["port"]
        make: Any = SyslogClientRFC5424  # which has no types
        with make(host, port, proto="TCP", clientname="h") as client:
            for message in self.messages(log_groups):
                self.option["before_each"]()
                client.log(message)
