"""Send messages one by one: `SyslogClient` beside the handlers of `logging`.

From a clone, with the package and its extra `testing` installed:

    python -m tests.benchmarks.client
    python -m tests.benchmarks.client --messages 20000 --repeat 1

The receiver is a process of its own that counts. The clock runs from making the sender to having
closed it, for ours with the confirmation that the receiver has everything. Over UDP the sender's
speed is all that is compared: nothing holds it back, so part of what it sends is lost.
`rfc5424-logging-handler` is compared where it is installed.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import logging.handlers
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from statistics import median

from sls_syslog import SyslogClient, SyslogMessage
from sls_syslog.settings.options import ProtocolName

from .helpers import Helper
from .workload import MARKER

__all__ = ["main"]

_KINDS: dict[ProtocolName, socket.SocketKind] = {
    "tcp": socket.SOCK_STREAM,
    "udp": socket.SOCK_DGRAM,
}
_LOT = 500  # messages in one call of send_many
_ARRIVAL_SECONDS = 10.0
_SETTLE_SECONDS = 0.3  # in which what UDP still carries arrives


@dataclass(frozen=True)
class _Place:
    """Where the receiver is."""

    host: str
    port: int
    protocol: ProtocolName


_Send = Callable[[_Place, Iterable[str]], None]


def _log(place: _Place, texts: Iterable[str]) -> None:
    with SyslogClient(place.host, place.port, protocol=place.protocol) as client:
        for text in texts:
            client.log(text, app_name="bench")


def _send_many(place: _Place, texts: Iterable[str]) -> None:
    messages = (SyslogMessage(message=text, app_name="bench") for text in texts)
    with SyslogClient(place.host, place.port, protocol=place.protocol) as client:
        while lot := list(islice(messages, _LOT)):
            client.send_many(lot)


def _standard_library(place: _Place, texts: Iterable[str]) -> None:
    address = place.host, place.port
    handler = logging.handlers.SysLogHandler(address, socktype=_KINDS[place.protocol])
    _through_logging(handler, texts)


def _rfc5424_handler(place: _Place, texts: Iterable[str]) -> None:
    module = importlib.import_module("rfc5424logging")
    handler = module.Rfc5424SysLogHandler(
        (place.host, place.port), socktype=_KINDS[place.protocol], appname="bench"
    )
    _through_logging(handler, texts)


def _through_logging(handler: logging.Handler, texts: Iterable[str]) -> None:
    logger = logging.Logger("bench", logging.INFO)  # not in the tree: no other handlers
    logger.addHandler(handler)
    with closing(handler):
        for text in texts:
            logger.info(text)


_SENDERS: dict[str, _Send] = {
    "SyslogClient.log": _log,
    "SyslogClient.send_many": _send_many,
    "logging.handlers.SysLogHandler": _standard_library,
    "rfc5424-logging-handler": _rfc5424_handler,
}


@dataclass(frozen=True)
class _Speed:
    """One run.

    Attributes:
        wall: Seconds.
        cpu: Seconds of CPU of this process.
        arrived: Messages that the receiver counted.
    """

    wall: float
    cpu: float
    arrived: int


def _texts(messages: int) -> Iterator[str]:
    marker = MARKER.decode()
    for number in range(messages):
        yield (
            f"{marker}{number:09d} user=alice-{number % 97} action=登录 result=ok"
            f" source_ip=198.51.100.{number % 250} region=cn-hangzhou latency_ms={number % 900}"
            ' user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36"'
            " session=6f1c0d9be27a4b51 request_id=9D8C11F27E6B4A0385E2D7A1C0B9F4E3"
        )


def _measured(send: _Send, place: _Place, sink: Helper, messages: int) -> _Speed:
    texts = list(_texts(messages))
    sink.ask(reset=True, logs=0, seconds=0)
    wall, cpu = time.perf_counter(), time.process_time()
    send(place, texts)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    patience = _SETTLE_SECONDS if place.protocol == "udp" else _ARRIVAL_SECONDS
    return _Speed(wall, cpu, sink.ask(logs=messages, seconds=patience)["logs"])


def _row(name: str, protocol: str, messages: int, speeds: Sequence[_Speed]) -> str:
    wall, cpu = median(one.wall for one in speeds), median(one.cpu for one in speeds)
    arrived = min(one.arrived for one in speeds) / messages
    return (
        f"| {name:<30} | {protocol} | {messages / wall:>10,.0f} | {1e6 * cpu / messages:>14.1f} |"
        f" {arrived:>7.1%} |"
    )


def _available() -> dict[str, _Send]:
    senders = dict(_SENDERS)
    try:
        importlib.import_module("rfc5424logging")
    except ImportError:
        del senders["rfc5424-logging-handler"]
        print("rfc5424-logging-handler is not installed and left out", file=sys.stderr)
    return senders


@contextmanager
def _places() -> Iterator[tuple[Helper, list[_Place]]]:
    with Helper("sink") as sink:
        host, ports = sink.ready["host"], sink.ready["ports"]
        yield sink, [_Place(host, ports[protocol], protocol) for protocol in _KINDS]


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.client")
    parser.add_argument("--messages", type=int, default=200_000, help="in each run (200000)")
    parser.add_argument("--repeat", type=int, default=3, help="runs; medians are shown (3)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)  # that UDP confirms nothing is known here
    senders = _available()
    with _places() as (sink, places):
        cases = [(name, place) for place in places for name in senders]
        speeds: dict[tuple[str, _Place], list[_Speed]] = {case: [] for case in cases}
        for _turn in range(given.repeat):
            for name, place in cases:
                speed = _measured(senders[name], place, sink, given.messages)
                speeds[name, place].append(speed)
    print("| sender                         | to  | messages/s | CPU us/message | arrived |")
    print("| ------------------------------ | --- | ---------- | -------------- | ------- |")
    for (name, place), runs in speeds.items():
        print(_row(name, place.protocol, given.messages, runs))


if __name__ == "__main__":
    main()
