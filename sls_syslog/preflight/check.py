"""``check_destination``: tests a receiver with a probe message before the first log is shipped.

It uses the same connections as shipping, and must not touch a socket. It sends a second probe
message only if the first is refused. A failure of the network goes into the report and must never
be raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn, TypeVar

from sls_syslog.errors import (
    ConnectError,
    MessageTooLongError,
    SyslogError,
    TlsError,
    TransportError,
)
from sls_syslog.network.connection import Connection, TlsAnsweredError
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.destination import Destination
from sls_syslog.network.dial import look_up, open_stream
from sls_syslog.network.explain import explain
from sls_syslog.network.failover import open_transport
from sls_syslog.network.relp_connection import RelpConnection, open_relp
from sls_syslog.network.tcp import TELLS_ACKNOWLEDGED
from sls_syslog.preflight.findings import (
    LOOK_AT_RELP,
    explain_absence,
    explain_no_connection,
    explain_no_handshake,
    explain_no_listener,
    judge_acknowledgement,
    judge_certificate,
    judge_datagram,
    judge_framing,
    judge_level,
    judge_reset,
    judge_way,
)
from sls_syslog.preflight.probe import (
    describe_path,
    describe_symptoms,
    find_payload_problem,
    make_probe,
)
from sls_syslog.preflight.report import DestinationReport, Finding, ProbeMessage, ReceiverReport
from sls_syslog.preflight.way import Silence
from sls_syslog.settings.client import ClientSettings, get_machine_name
from sls_syslog.settings.keywords import Framing
from sls_syslog.settings.profiles import PROFILES, Profile
from sls_syslog.settings.protocols import PROTOCOLS
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.settings.tls import make_unverified_context

__all__ = ["check_destination"]

_Connection = TypeVar("_Connection", bound=Connection)

# Seconds to wait for a refusal: one round trip, and the time to read the message.
_WATCH_SECONDS = 1.0
# Seconds between two checks for a refusal.
_LOOK_SECONDS = 0.02
_NOT_REFUSED = "sent; the receiver did not refuse it"
_OTHER_FRAMING: dict[Framing, Framing] = {"newline": "octet-counting", "octet-counting": "newline"}


def check_destination(
    settings: ClientSettings | Mapping[str, Any], timeout: float = 10.0
) -> DestinationReport:
    """Find out whether receivers take messages with these settings, and if not, why.

    Check all receivers of ``hosts`` at the same time. For each one: look up the name, connect,
    verify the certificate, send a probe message with the text ``sls_syslog check <random id>``,
    watch for a refusal, and find the strongest level of ``confirm`` that works. A second
    connection, over which nothing is sent, shows what stands before the receiver, as far as that
    can be seen. If the message is refused, send a second one in the other framing, to see whether
    framing is the cause. Over RELP, use one connection, and wait for the receiver's
    acknowledgement of the message instead::

        report = check_destination(ShipperSettings.from_env())
        print(report)
        sys.exit(0 if report.ok else 1)

    This cannot show how the receiver reads the message: look for the id there. The report holds
    the exact bytes of each message, so it also shows the values of ``structured_data``.

    Args:
        settings: ``ShipperSettings``, or a plain dict of them, to send a sample log.
            ``ClientSettings`` to send what a ``SyslogClient`` would send.
        timeout: Seconds for connecting, and again for the answer to the message. If a second
            message is needed, the check takes a few times as long. The setting ``timeout`` is
            not used.

    Returns:
        What was found, failures of the network included.

    Raises:
        SettingsError: If a setting is wrong.
    """
    checked = settings if isinstance(settings, ClientSettings) else ShipperSettings.of(settings)
    receivers = checked.receivers
    with ThreadPoolExecutor(max_workers=len(receivers)) as pool:
        reports = pool.map(partial(_check_receiver, seconds=timeout), receivers)
        return DestinationReport(receivers=tuple(reports))


def _check_receiver(settings: ClientSettings, seconds: float) -> ReceiverReport:
    return _Check(settings, seconds).run()


class _StepFailedError(Exception):
    """Raised when a step has failed, to skip all later steps."""


class _Check:
    """Checks one receiver, step by step, and collects the findings."""

    def __init__(self, settings: ClientSettings, seconds: float) -> None:
        self._settings = settings
        self._seconds = seconds
        self._findings: list[Finding] = []
        self._messages: list[ProbeMessage] = []
        self._level: str | None = None
        self._looks: tuple[str, ...] = ()

    def run(self) -> ReceiverReport:
        with suppress(_StepFailedError):
            if isinstance(self._settings, ShipperSettings):
                self._note("encoding", "ok", describe_path(self._settings))
            self._look_up()
            if self._settings.protocol == "udp":
                self._check_datagram()
            elif PROTOCOLS[self._settings.protocol].is_relp:
                self._check_relp()
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
            advice = f"check that host {self._settings.host!r} is the right name"
            self._fail("resolve", _describe(error), advice)
        self._note("resolve", "ok", ", ".join(addresses))

    def _check_datagram(self) -> None:
        message = self._make_probe(self._settings)
        try:
            with closing(
                open_transport(self._settings, connect_seconds=self._seconds)
            ) as transport:
                transport.send(message.frames)
                for _ in _watch(self._seconds):
                    transport.confirm()
        except MessageTooLongError as error:
            self._fail("message", str(error), "set a smaller max_message_bytes")
        except TransportError as error:
            self._fail("message", _describe(error), explain_no_listener(self._settings))
        self._note("message", "ok", _NOT_REFUSED)
        self._findings.append(judge_datagram())

    def _check_stream(self) -> None:
        with (
            closing(self._connect(_open)) as connection,
            closing(Silence(partial(_open_silent, self._settings), self._seconds)) as silence,
        ):
            silence.open()
            message = self._make_probe(self._settings)
            self._try_message(connection, silence, message)

    def _try_message(self, connection: Connection, silence: Silence, message: ProbeMessage) -> None:
        """Send the probe message, and judge what comes back and how the connections end."""
        always_resets = False
        try:
            level = self._send_probe(connection, message)
        except TlsAnsweredError as error:
            self._fail("message", explain(error, self._settings))
        except OSError as error:
            problem = explain(error, self._settings)
            self._explain_if_away(problem, silence)
            always_resets = isinstance(error, ConnectionResetError) and silence.is_reset()
            if not always_resets:
                self._explain_refusal(problem, connection.heard)
            level = "acked" if TELLS_ACKNOWLEDGED else "written"
        if connection.heard:
            self._explain_refusal("the message was not refused", connection.heard)
        if level == "consumed":
            self._explain_if_away("the connection ended as if the message had been read", silence)
        self._note("message", "ok", _NOT_REFUSED)
        self._findings.append(judge_framing(message, _find_profile(self._settings)))
        judge = judge_reset if always_resets else judge_level
        self._findings.append(judge(level, self._settings.confirm))
        if level == "consumed":
            self._findings.append(judge_way(connection.has_bare_end))
        self._level = level

    def _explain_if_away(self, problem: str, silence: Silence) -> None:
        """Fail if connections end unasked: then the receiver behind this port cannot be reached."""
        if not silence.has_ended():
            return
        seconds = silence.measure_life()
        if seconds is not None:
            self._fail("message", problem, explain_absence(self._settings, seconds))

    def _check_relp(self) -> None:
        with closing(self._connect(_open_relp)) as connection:
            message = self._make_probe(self._settings)
            deadline = Deadline(self._seconds)
            try:
                connection.send_messages(message.frames, deadline)
                connection.await_answers(deadline)
            except OSError as error:
                self._fail("message", explain(error, self._settings), LOOK_AT_RELP)
            if connection.session.refusal:
                found = f"the receiver refuses it: it answered {connection.session.refusal}"
                self._fail("message", found, LOOK_AT_RELP)
            with suppress(OSError):  # the message is acknowledged
                connection.end_session(deadline)
        self._note("message", "ok", "sent; the receiver has acknowledged it")
        self._findings.append(judge_acknowledgement())
        self._level = "consumed"

    def _connect(self, open_one: Callable[[ClientSettings, float], _Connection]) -> _Connection:
        try:
            connection = open_one(self._settings, self._seconds)
        except TlsError as error:
            self._note("connect", "ok", "the port accepts connections")
            advice = explain_no_handshake(self._settings, error.__cause__)
            self._fail("TLS", _describe(error), advice)
        except ConnectError as error:
            advice = explain_no_connection(self._settings, error.__cause__)
            self._fail("connect", _describe(error), advice)
        self._note("connect", "ok", connection.receiver_address)
        handshake = connection.handshake
        if handshake is not None:
            self._note("TLS", "ok", f"{handshake.version}, {handshake.cipher}")
            certificate = connection.certificate or b""
            self._findings.append(
                judge_certificate(certificate, self._settings, handshake.is_verified)
            )
        return connection

    def _send_probe(self, connection: Connection, message: ProbeMessage) -> str:
        """Send a probe message, and return the strongest level that confirms it.

        Raises:
            OSError: If the message is refused.
        """
        deadline = Deadline(self._seconds)
        connection.send(b"".join(message.frames), deadline)
        for _ in _watch(self._seconds):
            connection.drain()
        return _find_level(connection, deadline)

    def _explain_refusal(self, problem: str, heard: bytes) -> NoReturn:
        """Find out why the message was refused: try the other framing, then TLS."""
        settings = self._settings
        if heard:
            found = f"{problem}, and {heard!r} came back: a syslog receiver sends nothing"
            advice = f"check port {settings.port}: another service answers there"
            self._fail("message", found, advice)
        other = _OTHER_FRAMING[settings.framing or "newline"]
        if self._takes_framing(other):
            advice = f"set framing={other!r}: the receiver took a second message in this framing"
            self._fail("message", problem, advice)
        if settings.protocol == "tcp" and _speaks_tls(settings, self._seconds):
            self._fail("message", problem, "set protocol='tls': this port speaks TLS")
        self._fail(
            "message",
            problem,
            f"framing={other!r} is refused too: check whether port {settings.port} belongs to"
            f" another service, or the receiver refuses this machine ({get_machine_name()})",
        )

    def _takes_framing(self, framing: Framing) -> bool:
        newlines = "escape" if self._settings.newlines == "keep" else self._settings.newlines
        try:
            settings = replace(self._settings, framing=framing, newlines=newlines)
            with closing(_open(settings, self._seconds)) as connection:
                self._send_probe(connection, self._make_probe(settings))
                return not connection.heard
        except (OSError, SyslogError):
            return False

    def _make_probe(self, settings: ClientSettings) -> ProbeMessage:
        message, counts = make_probe(settings)
        self._messages.append(message)
        if not message.frames:
            found = "the sample log is longer than max_message_bytes; oversize='drop' drops it"
            self._fail("message", found, "set a larger max_message_bytes")
        problem = find_payload_problem(message, counts)
        if problem and len(self._messages) == 1:
            self._note("payload", "warning", *problem)
        return message

    def _note(self, step: str, result: str, found: str, advice: str = "") -> None:
        self._findings.append(Finding(step=step, result=result, found=found, advice=advice))

    def _fail(self, step: str, found: str, advice: str = "") -> NoReturn:
        self._note(step, "failed", found, advice)
        raise _StepFailedError


def _find_profile(settings: ClientSettings) -> Profile | None:
    return PROFILES.get(getattr(settings, "receiver", None) or "")


def _open(settings: ClientSettings, seconds: float) -> Connection:
    return _dial(settings, seconds, await_refusal=True)


def _open_silent(settings: ClientSettings, seconds: float) -> Connection:
    return _dial(settings, seconds, await_refusal=False)


def _dial(settings: ClientSettings, seconds: float, *, await_refusal: bool) -> Connection:
    """Connect without what this process knows about the receiver: this is a check."""
    unknown = Destination(settings.destination)
    return open_stream(settings, Deadline(seconds), unknown, await_refusal=await_refusal)


def _open_relp(settings: ClientSettings, seconds: float) -> RelpConnection:
    return open_relp(settings, Deadline(seconds), Destination(settings.destination))


def _watch(seconds: float) -> Iterator[None]:
    """Yield repeatedly, for as long as a refusal may take."""
    deadline = Deadline(min(_WATCH_SECONDS, seconds / 10))
    while deadline.remaining:
        time.sleep(min(_LOOK_SECONDS, deadline.remaining))
        yield


def _find_level(connection: Connection, deadline: Deadline) -> str:
    level = "written"
    with suppress(TimeoutError):
        connection.await_acknowledgement(deadline)
        level = "acked" if TELLS_ACKNOWLEDGED else level
        connection.finish(deadline)
        level = "consumed"
    return level


def _speaks_tls(settings: ClientSettings, seconds: float) -> bool:
    """Whether the port answers a TLS handshake. No log is sent, so nothing is verified."""
    try:
        secured = replace(settings, protocol="tls", ssl_context=make_unverified_context())
        _open_silent(secured, seconds).close()
    except SyslogError as error:
        # An alert is an answer too: it may ask for our certificate, or for another version.
        return "ALERT" in (getattr(error.__cause__, "reason", None) or "")
    return True


def _describe(error: TransportError) -> str:
    return str(error).removeprefix(f"{error.destination}: ")
