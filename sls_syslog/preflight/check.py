"""``check_destination``: before the first log, see what a receiver makes of a message.

It uses the connections that shipping uses, and touches no socket itself. It sends one marked
message, and a second one only where the first was refused. It must never raise for what goes
wrong on the network: to tell that is what it is there for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

from sls_syslog.errors import (
    ConnectError,
    MessageTooLongError,
    SyslogError,
    TlsError,
    TransportError,
)
from sls_syslog.network.connection import TELLS_ACKNOWLEDGED, Connection, TlsAnsweredError
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.dial import look_up, open_stream
from sls_syslog.network.explain import explain
from sls_syslog.network.resumption import Resumption
from sls_syslog.network.udp import UdpTransport
from sls_syslog.preflight.findings import (
    explain_no_connection,
    explain_no_handshake,
    explain_no_listener,
    judge_certificate,
    judge_datagram,
    judge_framing,
    judge_level,
)
from sls_syslog.preflight.probe import describe_symptoms, find_payload_problem, make_probe
from sls_syslog.preflight.report import DestinationReport, Finding, ProbeMessage, ReceiverReport
from sls_syslog.settings.client import ClientSettings, get_machine_name
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.settings.tls import make_unverified_context

__all__ = ["check_destination"]

# How long a refusal is waited for: it takes a round trip, and a look at the message.
_WATCH_SECONDS = 1.0
_LOOK_SECONDS = 0.02
_OTHER_FRAMING = {"newline": "octet-counting", "octet-counting": "newline"}


def check_destination(
    settings: ClientSettings | Mapping[str, Any], timeout: float = 10.0
) -> DestinationReport:
    """Find out whether receivers take messages as the settings say, and if not, why.

    For each receiver of ``hosts``, all at the same time: look it up, connect, verify its
    certificate, send one message with the text ``sls_syslog check <random id>``, watch for a
    refusal, and find the strongest level of ``confirm`` that works. Only where the message is
    refused is a second one sent, in the other framing, to tell whether that is the cause::

        report = check_destination(ShipperSettings.from_env())
        print(report)
        sys.exit(0 if report.ok else 1)

    What a receiver makes of the message cannot be seen from here: look for the id there. The
    report holds the exact bytes, and so whatever ``structured_data`` puts into each message.

    Args:
        settings: ``ShipperSettings``, or a plain dict of them: the message is that of a sample
            log. Or ``ClientSettings``: the message is that of a ``SyslogClient``.
        timeout: Seconds that connecting may take, and then the answer to the message; where
            something else has to be tried, it all takes a few times that. It stands in for the
            setting ``timeout``.

    Returns:
        What was found; trouble on the network is in it, and never raised.

    Raises:
        SettingsError: If a setting is wrong.
    """
    checked = settings if isinstance(settings, ClientSettings) else ShipperSettings.of(settings)
    receivers = checked.receivers
    with ThreadPoolExecutor(max_workers=len(receivers)) as pool:
        reports = pool.map(partial(_report, seconds=timeout), receivers)
        return DestinationReport(receivers=tuple(reports))


def _report(settings: ClientSettings, seconds: float) -> ReceiverReport:
    return _Check(settings, seconds).report()


class _EndOfCheckError(Exception):
    """A step has failed: there is nothing to look at behind it."""


class _Check:
    """The check of one receiver: its steps, and what they have found."""

    def __init__(self, settings: ClientSettings, seconds: float) -> None:
        self._settings = settings
        self._seconds = seconds
        self._findings: list[Finding] = []
        self._messages: list[ProbeMessage] = []
        self._level: str | None = None
        self._looks: tuple[str, ...] = ()

    def report(self) -> ReceiverReport:
        with suppress(_EndOfCheckError):
            self._look_up()
            if self._settings.protocol == "udp":
                self._check_datagram()
            else:
                self._check_stream()
            self._looks = tuple(describe_symptoms(self._settings, self._messages[0]))
        return ReceiverReport(
            destination=self._settings.destination,
            findings=tuple(self._findings),
            messages=tuple(self._messages),
            level=self._level,
            looks=self._looks,
        )

    def _look_up(self) -> None:
        try:
            addresses = look_up(self._settings, Deadline(self._seconds))
        except ConnectError as error:
            self._fail("resolve", _text(error), f"is host {self._settings.host!r} the right name?")
        self._note("resolve", "ok", ", ".join(addresses))

    def _check_datagram(self) -> None:
        message = self._mark(self._settings)
        try:
            with closing(UdpTransport(self._settings, Stop(), self._seconds)) as transport:
                transport.send(message.frames)
                for _ in _watching(self._seconds):
                    transport.confirm()
        except MessageTooLongError as error:
            self._fail("message", str(error), "set a smaller max_message_bytes")
        except TransportError as error:
            self._fail("message", _text(error), explain_no_listener(self._settings))
        self._note("message", "ok", "sent, and no refusal came back")
        self._findings.append(judge_datagram())

    def _check_stream(self) -> None:
        with closing(self._connect()) as connection:
            message = self._mark(self._settings)
            try:
                level = self._talk(connection, message)
            except TlsAnsweredError as error:
                self._fail("message", explain(error, self._settings))
            except OSError as error:
                self._explain(explain(error, self._settings), connection.heard)
            if connection.heard:
                self._explain("the message was not refused", connection.heard)
        self._note("message", "ok", "sent, and no refusal came back")
        self._findings.append(judge_framing(message))
        self._findings.append(judge_level(level, self._settings.confirm))
        self._level = level

    def _connect(self) -> Connection:
        try:
            connection = _opened(self._settings, self._seconds)
        except TlsError as error:
            self._note("connect", "ok", "something takes connections at this port")
            self._fail("TLS", _text(error), explain_no_handshake(self._settings, error.__cause__))
        except ConnectError as error:
            self._fail(
                "connect", _text(error), explain_no_connection(self._settings, error.__cause__)
            )
        self._note("connect", "ok", connection.peer())
        handshake = connection.handshake()
        if handshake is not None:
            self._note("TLS", "ok", f"{handshake.version}, {handshake.cipher}")
            certificate = connection.certificate() or b""
            self._findings.append(
                judge_certificate(certificate, self._settings, handshake.is_verified)
            )
        return connection

    def _talk(self, connection: Connection, message: ProbeMessage) -> str:
        """Send a message; return the strongest level at which it is confirmed.

        Raises:
            OSError: If it is refused.
        """
        deadline = Deadline(self._seconds)
        connection.send(b"".join(message.frames), deadline)
        for _ in _watching(self._seconds):
            connection.drain()
        return _strongest_level(connection, deadline)

    def _explain(self, problem: str, heard: bytes) -> NoReturn:
        """The message was refused: find out why by trying something else."""
        settings = self._settings
        if heard:
            said = f"{problem}, and {heard!r} came back: a syslog receiver says nothing"
            self._fail("message", said, f"is port {settings.port} that of another service?")
        other = _OTHER_FRAMING[settings.framing or "newline"]
        if self._is_taken_in(other):
            advice = f"set framing={other!r}: a second message, framed like that, was taken"
            self._fail("message", problem, advice)
        if settings.protocol == "tcp" and _speaks_tls(settings, self._seconds):
            self._fail("message", problem, "set protocol='tls': the receiver speaks TLS here")
        self._fail(
            "message",
            problem,
            f"framing={other!r} is not taken either: is port {settings.port} that of another"
            f" service, or does the receiver refuse this machine ({get_machine_name()})?",
        )

    def _is_taken_in(self, framing: str) -> bool:
        newlines = "escape" if self._settings.newlines == "keep" else self._settings.newlines
        try:
            settings = replace(self._settings, framing=framing, newlines=newlines)
            with closing(_opened(settings, self._seconds)) as connection:
                self._talk(connection, self._mark(settings))
                return not connection.heard
        except (OSError, SyslogError):
            return False

    def _mark(self, settings: ClientSettings) -> ProbeMessage:
        message, counts = make_probe(settings)
        self._messages.append(message)
        if not message.frames:
            found = "the sample is longer than max_message_bytes, and oversize='drop' drops it"
            self._fail("message", found, "set a larger max_message_bytes")
        problem = find_payload_problem(message, counts)
        if problem and len(self._messages) == 1:
            self._note("payload", "warning", *problem)
        return message

    def _note(self, step: str, result: str, found: str, advice: str = "") -> None:
        self._findings.append(Finding(step=step, result=result, found=found, advice=advice))

    def _fail(self, step: str, found: str, advice: str = "") -> NoReturn:
        self._note(step, "failed", found, advice)
        raise _EndOfCheckError


def _opened(settings: ClientSettings, seconds: float) -> Connection:
    return open_stream(settings, Deadline(seconds), Resumption(), hear_out=True)


def _watching(seconds: float) -> Iterator[None]:
    """Again and again, for as long as a refusal may take."""
    deadline = Deadline(min(_WATCH_SECONDS, seconds / 10))
    while deadline.remaining():
        time.sleep(min(_LOOK_SECONDS, deadline.remaining()))
        yield


def _strongest_level(connection: Connection, deadline: Deadline) -> str:
    level = "written"
    with suppress(TimeoutError):
        connection.await_acknowledgement(deadline)
        level = "acked" if TELLS_ACKNOWLEDGED else level
        connection.finish(deadline)
        level = "consumed"
    return level


def _speaks_tls(settings: ClientSettings, seconds: float) -> bool:
    """Whether a TLS handshake gets an answer; nothing is sent in it, so nothing is verified."""
    try:
        secured = replace(settings, protocol="tls", ssl_context=make_unverified_context())
        open_stream(secured, Deadline(seconds), Resumption(), hear_out=False).close()
    except SyslogError as error:
        # It may want a certificate of ours, or another version: its alert is an answer.
        return "ALERT" in (getattr(error.__cause__, "reason", None) or "")
    return True


def _text(error: TransportError) -> str:
    return str(error).removeprefix(f"{error.destination}: ")
