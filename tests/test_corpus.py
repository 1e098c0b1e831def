"""The corpus of hostile logs, all the way: emulator, the SDK's worker, processor, receiver.

Each receiver's reading is compared, field by field, with what `corpus.py` says was meant: by the
kit's strict parser, by the real rsyslog and syslog-ng, and by a parser from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import pytest

from sls_syslog.testing import (
    ParsedMessage,
    SlsEmulator,
    SyslogReceiver,
    parse_rfc3164,
    parse_rfc5424,
)
from tests.support.corpus import (
    CORPUS,
    SETTINGS,
    ZONES,
    Case,
    Meant,
    meant,
    meant_rfc3164,
    time_rfc3164,
)
from tests.support.gate import keep_first
from tests.support.processes import ROOT, Program, program
from tests.support.servers import ParsedByServer, Rsyslog, SyslogNg, SyslogServer
from tests.support.shipping import GROUP, shipping

SHIP_TO_SIEM = str(ROOT / "examples" / "ship_to_siem.py")
UTC = ZoneInfo("UTC")
RFC5424_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?(Z|[+-]\d\d:\d\d)")
FRAMINGS = ["newline", "octet-counting"]

Reader: TypeAlias = Callable[[bytes], Meant]


def read_rfc5424(frame: bytes) -> Meant:
    """What the strict parser reads; what no log has must not be there either."""
    message = parse_rfc5424(frame)
    assert RFC5424_TIME.fullmatch(message.timestamp or "")
    assert message.datetime is not None
    assert (message.procid, message.msgid, message.structured_data) == (None, None, None)
    assert not message.bom
    return as_meant(message, message.datetime.isoformat())


def read_rfc3164(frame: bytes) -> Meant:
    message = parse_rfc3164(frame)
    assert message.procid is None
    return as_meant(message, message.timestamp or "")


def as_meant(message: ParsedMessage, timestamp: str) -> Meant:
    return Meant(
        facility=message.facility,
        severity=message.severity,
        timestamp=timestamp,
        hostname=message.hostname,
        app_name=message.app_name,
        msg=message.msg,
    )


FORMATS: dict[str, tuple[Reader, Callable[[Case, ZoneInfo], Meant]]] = {
    "rfc5424": (read_rfc5424, meant),
    "rfc3164": (read_rfc3164, meant_rfc3164),
}


def assert_as_meant(got: Sequence[Meant | None], wanted: Sequence[Meant | None]) -> None:
    """One message for each log, in order, each read as it was meant."""
    compared = zip(CORPUS, got, wanted, strict=False)
    wrong = [(case.id, read, right) for case, read, right in compared if read != right]
    assert not wrong, f"{[name for name, *_ in wrong]} read otherwise; first {wrong[0]}"
    assert len(got) == len(CORPUS)


@pytest.fixture(scope="module")
def emulator() -> Iterator[SlsEmulator]:
    with SlsEmulator() as running:
        yield running


def stored(emulator: SlsEmulator, logstore: str) -> str:
    """The corpus in a new Logstore, in one shard, so that it comes out in its order."""
    emulator.create_logstore(logstore)
    for case in CORPUS:
        emulator.put_group(case.group(), logstore=logstore)
    return logstore


def ship(emulator: SlsEmulator, settings: Mapping[str, Any], logstore: str) -> None:
    """Ship the corpus to its last log, in this process."""
    stored(emulator, logstore)
    with shipping(emulator, {**SETTINGS, "timezone": "UTC", **settings}, logstore=logstore):
        emulator.wait_until_drained(GROUP, logstore=logstore)


def test_the_corpus_is_large_and_each_case_has_an_id_of_its_own() -> None:
    assert len(CORPUS) >= 200
    assert len({case.id for case in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("syslog_format", FORMATS)
def test_every_log_is_one_message_that_says_what_was_meant(
    syslog_format: str, framing: str, emulator: SlsEmulator
) -> None:
    read, wanted = FORMATS[syslog_format]
    with SyslogReceiver(framing=framing) as receiver:
        settings = {**receiver.settings(), "syslog_format": syslog_format}
        ship(emulator, settings, f"{syslog_format}-{framing}")
        assert receiver.errors == []
        frames = receiver.frames
    assert_as_meant([read(frame) for frame in frames], [wanted(case, UTC) for case in CORPUS])


def read_elsewhere(frame: bytes) -> Meant:
    """What syslog-rfc5424-parser reads; it takes bytes only as text, and NILVALUE as it is."""
    reader = pytest.importorskip("syslog_rfc5424_parser")
    message = reader.SyslogMessage.parse(frame.decode())
    assert (message.version, message.procid, message.msgid, message.sd) == (1, None, None, {})
    return Meant(
        facility=int(message.facility),
        severity=int(message.severity),
        timestamp=datetime.fromisoformat(message.timestamp).isoformat(),
        hostname=None if message.hostname == "-" else message.hostname,
        app_name=None if message.appname == "-" else message.appname,
        msg=message.msg,
    )


# The local zone is one of a process


class Run(NamedTuple):
    """A program that ships the corpus in the local time of its process."""

    shipper: Program
    logstore: str

    def finish(self, emulator: SlsEmulator) -> None:
        """To the last log, and a clean end."""
        emulator.wait_until_drained(GROUP, logstore=self.logstore)
        self.shipper.process.terminate()
        assert self.shipper.wait() == 0, self.shipper.output()


@contextmanager
def run(emulator: SlsEmulator, zone: str, name: str, settings: Mapping[str, Any]) -> Iterator[Run]:
    logstore = stored(emulator, f"{zone}-{name}".replace("/", "-").lower())
    environ = {
        **emulator.environ(GROUP, logstore=logstore),
        **{f"SYSLOG_{key.upper()}": str(value) for key, value in {**SETTINGS, **settings}.items()},
        "TZ": zone,
    }
    with program(SHIP_TO_SIEM, environ=environ) as shipper:
        yield Run(shipper, logstore)


@pytest.mark.parametrize("zone", keep_first(ZONES, 2))
def test_times_are_right_in_the_local_zone_of_the_process(zone: str, emulator: SlsEmulator) -> None:
    """For the strict reader, and of RFC 5424 for a parser from elsewhere."""
    with ExitStack() as stack:
        runs = []
        for syslog_format, framing in zip(FORMATS, FRAMINGS, strict=True):
            receiver = stack.enter_context(SyslogReceiver(framing=framing))
            settings = {**receiver.settings(), "syslog_format": syslog_format}
            running = stack.enter_context(run(emulator, zone, syslog_format, settings))
            runs.append((syslog_format, receiver, running))
        for syslog_format, receiver, running in runs:
            running.finish(emulator)
            assert receiver.errors == []
            read, wanted = FORMATS[syslog_format]
            got = [read(frame) for frame in receiver.frames]
            assert_as_meant(got, [wanted(case, ZoneInfo(zone)) for case in CORPUS])
    _, receiver, _ = runs[0]
    got = [read_elsewhere(frame) for frame in receiver.frames]
    assert_as_meant(got, [meant(case, ZoneInfo(zone)) for case in CORPUS])


# Real servers


def at_rsyslog(meaning: Meant) -> Meant | None:
    """rsyslog shows a TAB as `#011`, and cannot read a header of the year 2100 or later."""
    if int(meaning.timestamp[:4]) >= 2100:
        return None
    return replace(meaning, msg=meaning.msg.replace("\t", "#011"))


def at_syslog_ng(meaning: Meant) -> Meant | None:
    """syslog-ng puts the sender's address where there is no HOSTNAME."""
    return replace(meaning, hostname=meaning.hostname or "127.0.0.1")


HABITS: dict[type[SyslogServer], Callable[[Meant], Meant | None]] = {
    Rsyslog: at_rsyslog,
    SyslogNg: at_syslog_ng,
}
"""All that may lie between what was meant and what a server reports; None where it cannot read."""


def read_by(server: SyslogServer, record: ParsedByServer) -> Meant | None:
    """A server's record; what no log has must not be there either."""
    if is_unread(record):
        return None
    assert record.procid == record.msgid == record.structured_data == server.nil
    return Meant(
        facility=record.facility,
        severity=record.severity,
        # Whatever the number of digits: syslog-ng writes six even where all are 0.
        timestamp=datetime.fromisoformat(record.timestamp).isoformat(),
        hostname=None if record.hostname == server.nil else record.hostname,
        app_name=None if record.app_name == server.nil else record.app_name,
        msg=record.msg,
    )


def is_unread(record: ParsedByServer) -> bool:
    """Whether the server says that it could not read the header: syslog-ng aloud, rsyslog not."""
    return (
        record.msg.startswith("Error processing log message: <")
        or re.match(r"\d{4}-\d\d-\d\dT[^|]* - - - \|\|__topic__=", record.msg) is not None
    )


def at_rsyslog_rfc3164(meaning: Meant) -> Meant | None:
    """Of the TAG, rsyslog reports what is before a slash; it keeps the space behind the colon."""
    app_name = (meaning.app_name or "").partition("/")[0] or None
    return replace(meaning, app_name=app_name, msg=" " + meaning.msg.replace("\t", "#011"))


def at_syslog_ng_rfc3164(meaning: Meant) -> Meant:
    """syslog-ng reads all of it, but 29 February as 1 March when this is no leap year."""
    return replace(meaning, timestamp=without_leap_day(meaning.timestamp))


def without_leap_day(timestamp: str) -> str:
    return timestamp.replace("Feb 29", "Mar  1")


HABITS_RFC3164: dict[type[SyslogServer], Callable[[Meant], Meant | None]] = {
    Rsyslog: at_rsyslog_rfc3164,
    SyslogNg: at_syslog_ng_rfc3164,
}


def read_rfc3164_by(server: SyslogServer, record: ParsedByServer) -> Meant | None:
    """A server's record, without the year that it has put in itself."""
    if ": ||__topic__=" in record.msg.partition("=")[0] + "=":  # the TAG is still there
        return None
    assert record.procid == record.msgid == record.structured_data == server.nil
    leap_year = datetime.fromisoformat("2028" + record.timestamp[4:])
    timestamp = time_rfc3164(leap_year)
    return Meant(
        facility=record.facility,
        severity=record.severity,
        timestamp=without_leap_day(timestamp) if server.name == "syslog-ng" else timestamp,
        hostname=record.hostname,
        app_name=None if record.app_name == server.nil else record.app_name,
        msg=record.msg,
    )


@pytest.mark.parametrize("make", HABITS_RFC3164, ids=lambda make: make.name)
def test_a_real_server_reads_every_log_in_rfc3164(
    make: type[SyslogServer], emulator: SlsEmulator, tmp_path: Path
) -> None:
    with make(tmp_path, syslog_format="rfc3164", max_message_bytes=150_000) as server:
        ship(emulator, server.settings(), f"{make.name}-rfc3164")
        records = server.wait_for(len(CORPUS))
    habit = HABITS_RFC3164[make]
    got = [read_rfc3164_by(server, record) for record in records]
    assert_as_meant(got, [habit(meant_rfc3164(case, UTC)) for case in CORPUS])


@pytest.mark.parametrize("zone", keep_first(ZONES, 2))
def test_real_servers_read_every_log_as_it_was_meant(
    zone: str, emulator: SlsEmulator, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        runs = []
        for make, framing in product(HABITS, FRAMINGS):
            server = make(tmp_path, framing=framing, max_message_bytes=150_000)
            stack.enter_context(server)
            name = f"{make.name}-{framing}"
            running = stack.enter_context(run(emulator, zone, name, server.settings()))
            runs.append((HABITS[make], server, running))
        for habit, server, running in runs:
            records = server.wait_for(len(CORPUS))
            running.finish(emulator)
            got = [read_by(server, record) for record in records]
            assert_as_meant(got, [habit(meant(case, ZoneInfo(zone))) for case in CORPUS])
