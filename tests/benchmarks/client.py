"""Measure `SyslogClient` beside the handlers of `logging`, one message at a time.

From a clone, with the package and its extra `testing` installed:

    python -m tests.benchmarks.client
    python -m tests.benchmarks.client --messages 20000 --repeat 1

A separate process receives and counts. The clock runs from the creation of the sender to the end of
its `close`; ours also confirms in this time that the receiver has everything. Over UDP only the
speed of the sender counts: no sender waits, so a part of the messages is lost.

`SysLogHandler` sends PRI and no other header. With a header, its formatter writes ours.
`rfc5424-logging-handler` is measured if it is installed.
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
from datetime import datetime
from itertools import islice
from statistics import median

from sls_syslog import SyslogClient, SyslogMessage
from sls_syslog.settings.keywords import ProtocolName

from .helpers import Helper
from .workload import MARKER

__all__ = ["main"]

_KINDS: dict[ProtocolName, socket.SocketKind] = {
    "tcp": socket.SOCK_STREAM,
    "udp": socket.SOCK_DGRAM,
}
_LOT = 500  # messages in one call of send_many
_ARRIVAL_SECONDS = 10.0  # longest wait for the last message over TCP
_SETTLE_SECONDS = 0.3  # wait for the last datagrams over UDP; lost ones never come


@dataclass(frozen=True)
class _Address:
    """The address of the receiver."""

    host: str
    port: int
    protocol: ProtocolName


_BASELINE = "SysLogHandler"
_Send = Callable[[_Address, Iterable[str]], None]


def _send_by_log(address: _Address, texts: Iterable[str]) -> None:
    with SyslogClient(address.host, address.port, protocol=address.protocol) as client:
        for text in texts:
            client.log(text, app_name="bench")


def _send_many(address: _Address, texts: Iterable[str]) -> None:
    messages = (SyslogMessage(message=text, app_name="bench") for text in texts)
    with SyslogClient(address.host, address.port, protocol=address.protocol) as client:
        while lot := list(islice(messages, _LOT)):
            client.send_many(lot)


def _send_by_standard_library(address: _Address, texts: Iterable[str]) -> None:
    _send_by_handler(_make_handler(address), texts)


def _send_with_header(address: _Address, texts: Iterable[str]) -> None:
    handler = _make_handler(address)
    handler.setFormatter(_HeaderFormatter())
    handler.append_nul = False
    _send_by_handler(handler, texts)


class _HeaderFormatter(logging.Formatter):
    """Writes the header of RFC 5424 behind PRI, and the line feed."""

    _hostname = socket.gethostname()

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().isoformat()
        return f"1 {time} {self._hostname} bench - - - {record.getMessage()}\n"


def _make_handler(address: _Address) -> logging.handlers.SysLogHandler:
    return logging.handlers.SysLogHandler(
        (address.host, address.port), socktype=_KINDS[address.protocol]
    )


def _send_by_rfc5424_handler(address: _Address, texts: Iterable[str]) -> None:
    module = importlib.import_module("rfc5424logging")
    handler = module.Rfc5424SysLogHandler(
        (address.host, address.port), socktype=_KINDS[address.protocol], appname="bench"
    )
    _send_by_handler(handler, texts)


def _send_by_handler(handler: logging.Handler, texts: Iterable[str]) -> None:
    logger = logging.Logger("bench", logging.INFO)  # not in the tree, so it has no other handlers
    logger.addHandler(handler)
    with closing(handler):
        for text in texts:
            logger.info(text)


_SENDERS: dict[str, _Send] = {
    "SyslogClient.log": _send_by_log,
    "SyslogClient.send_many": _send_many,
    _BASELINE: _send_by_standard_library,
    "SysLogHandler with a header": _send_with_header,
    "rfc5424-logging-handler": _send_by_rfc5424_handler,
}


@dataclass(frozen=True)
class _Speed:
    """The result of one run.

    Attributes:
        wall: Seconds of time.
        cpu: Seconds of CPU of this process.
        arrived: The number of messages that the receiver counted.
    """

    wall: float
    cpu: float
    arrived: int


def _make_texts(messages: int) -> Iterator[str]:
    marker = MARKER.decode()
    for number in range(messages):
        yield (
            f"{marker}{number:09d} user=alice-{number % 97} action=登录 result=ok"
            f" source_ip=198.51.100.{number % 250} region=cn-hangzhou latency_ms={number % 900}"
            ' user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36"'
            " session=6f1c0d9be27a4b51 request_id=9D8C11F27E6B4A0385E2D7A1C0B9F4E3"
        )


def _measure(send: _Send, address: _Address, sink: Helper, messages: int) -> _Speed:
    texts = list(_make_texts(messages))
    sink.ask(reset=True, logs=0, seconds=0)
    wall, cpu = time.perf_counter(), time.process_time()
    send(address, texts)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    patience = _SETTLE_SECONDS if address.protocol == "udp" else _ARRIVAL_SECONDS
    return _Speed(wall, cpu, sink.ask(logs=messages, seconds=patience)["logs"])


def _format_row(
    name: str, protocol: str, messages: int, speeds: Sequence[_Speed], baseline: Sequence[_Speed]
) -> str:
    wall, cpu = median(one.wall for one in speeds), _take_cpu(speeds)
    arrived = min(one.arrived for one in speeds) / messages
    return (
        f"| {name:<27} | {protocol} | {messages / wall:>10,.0f} | {1e6 * cpu / messages:>14.1f} |"
        f" {cpu / _take_cpu(baseline):>15.2f} | {arrived:>7.1%} |"
    )


def _take_cpu(speeds: Sequence[_Speed]) -> float:
    return median(one.cpu for one in speeds)


def _find_senders() -> dict[str, _Send]:
    senders = dict(_SENDERS)
    try:
        importlib.import_module("rfc5424logging")
    except ImportError:
        del senders["rfc5424-logging-handler"]
        print("rfc5424-logging-handler is not installed: not measured", file=sys.stderr)
    return senders


@contextmanager
def _run_sink() -> Iterator[tuple[Helper, list[_Address]]]:
    with Helper("sink") as sink:
        host, ports = sink.ready["host"], sink.ready["ports"]
        yield sink, [_Address(host, ports[protocol], protocol) for protocol in _KINDS]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all senders and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.client")
    parser.add_argument("--messages", type=int, default=200_000, help="in each run (200000)")
    parser.add_argument("--repeat", type=int, default=3, help="runs; medians are shown (3)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)  # hide the warning that UDP confirms nothing
    senders = _find_senders()
    with _run_sink() as (sink, addresses):
        cases = [(name, address) for address in addresses for name in senders]
        speeds: dict[tuple[str, _Address], list[_Speed]] = {case: [] for case in cases}
        for _turn in range(given.repeat):
            for name, address in cases:
                speed = _measure(senders[name], address, sink, given.messages)
                speeds[name, address].append(speed)
    headings = ("messages/s", "CPU us/message", f"x {_BASELINE}", "arrived")
    print(f"| {'sender':<27} | to  | {' | '.join(headings)} |")
    print(f"| {'-' * 27} | --- | {' | '.join('-' * len(one) for one in headings)} |")
    for (name, address), runs in speeds.items():
        baseline = speeds[_BASELINE, address]
        print(_format_row(name, address.protocol, given.messages, runs, baseline))


if __name__ == "__main__":
    main()
