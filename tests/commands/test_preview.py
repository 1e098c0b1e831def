"""`python -m sls_syslog preview` writes what would be sent, and sends nothing."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import pytest

from sls_syslog import preview
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.commands import command, started
from tests.support.groups import encode_log
from tests.support.pages import blocks
from tests.support.processes import ROOT
from tests.support.samples import SAMPLES
from tests.support.shipping import GROUP, shipping

LOG = {"__time__": "1793678405", "__topic__": "app", "level": "ERROR", "text": "失败"}
SETTINGS = {"host": "siem.example", "hostname": "shipper", "timezone": "UTC"}
ENVIRON = {f"SYSLOG_{key.upper()}": value for key, value in SETTINGS.items()}
OPERATIONS = {"ListShards", "GetCursor", "PullLogs"}
PROCESSOR = """
from sls_syslog import SyslogShipperProcessor

class Short(SyslogShipperProcessor):
    def format_message(self, log):
        return log["level"]

class Unfinished(SyslogShipperProcessor):
    def __init__(self, settings):
        raise RuntimeError("no time")
"""


def lines(*logs: Mapping[str, str]) -> bytes:
    return b"".join(json.dumps(log).encode() + b"\n" for log in logs)


# Logs of SLS


@pytest.mark.parametrize(
    "settings",
    [
        {"payload": "json", "event_id": "yes", "framing": "newline"},
        {"receiver": "arcsight", "framing": "octet-counting"},
    ],
)
def test_it_writes_what_a_receiver_gets(settings: dict[str, str]) -> None:
    framing = settings["framing"]
    with SlsEmulator() as emulator, SyslogReceiver(framing=framing) as receiver:
        for sample in SAMPLES:
            emulator.put_group(encode_log(sample.log))
        emulator.put_logs([{"n": str(number)} for number in range(30)], tags={"t": b"\xff"})
        given = {**receiver.settings(), **settings}
        environ = {f"SYSLOG_{key.upper()}": str(value) for key, value in given.items()}
        environ |= emulator.environ(GROUP)
        shown = [
            command("preview", "-n", "100", *where, environ=environ)
            for where in ((), ("--from", "begin"))
        ]
        assert receiver.connections == 0
        assert set(emulator.calls) == OPERATIONS
        with shipping(emulator, given):
            emulator.wait_until_drained(GROUP)
        frames = receiver.frames
    for ran in shown:
        assert ran.returncode == 0, ran.stderr
        if framing == "newline":
            assert ran.stdout == b"".join(frame + b"\n" for frame in frames)
        else:
            assert ran.stdout == b"".join(b"%d %b" % (len(frame), frame) for frame in frames)
        notes = ran.stderr.decode().splitlines()
        assert len(notes) == len(SAMPLES) + 30 + 1
        assert notes[-1].endswith(f" messages, {len(ran.stdout)} bytes; nothing was sent")
        if "receiver" in settings:
            assert "; profile arcsight; CefPayload, mapping actiontrail; unchanged" in notes[0]
        assert notes[-2].startswith(f"log {len(notes) - 1}, shard 0, topic '', ")
        assert notes[-2].endswith("; repaired_utf8")


def test_it_shows_ten_of_the_newest_logs_or_those_since_a_time(sls_emulator: SlsEmulator) -> None:
    # The time of the logs is not that of their arrival.
    logs = [{"n": str(number)} for number in range(30)]
    sls_emulator.put_logs(logs, shard=0, time=1793678405)
    environ = {**ENVIRON, **sls_emulator.environ()}
    del environ["SLS_CG"]  # no group is needed
    newest = command("preview", environ=environ)
    assert [line.partition(b"||n=")[2] for line in newest.stdout.splitlines()] == [
        str(number).encode() for number in range(20, 30)
    ]
    hour_ago, in_an_hour = (
        datetime.fromtimestamp(time.time() + seconds, timezone.utc).isoformat()
        for seconds in (-3600, 3600)
    )
    some = command("preview", "-n", "2", "--from", hour_ago, environ=environ)
    assert some.stdout.count(b"\n") == 2
    assert b"||n=0\n" in some.stdout
    none = command("preview", "--from", in_an_hour, environ=environ)
    assert (none.returncode, none.stdout) == (0, b"")
    assert none.stderr == b"no logs, no messages, 0 bytes; nothing was sent\n"


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"SLS_AK_KEY": "wrong"}, 1, "SLS refuses to serve .*SignatureNotMatch.*SLS_AK_KEY"),
        ({"SLS_LOGSTORE": "wrong"}, 1, "SLS refuses to serve .*LogStoreNotExist.*SLS_LOGSTORE"),
        ({"SLS_ENDPOINT": "0.0.1:1"}, 1, "SLS cannot be reached, .*refused; check SLS_ENDPOINT"),
        ({"SLS_ENDPOINT": ":::"}, 2, "SLS_ENDPOINT: expected a host name"),
        ({"SLS_PROJECT": ""}, 2, "SLS_PROJECT: environment variable not set"),
        ({"SYSLOG_HOST": ""}, 2, "host: required: .*SYSLOG_HOST"),
        ({"SYSLOG_PROTOCOL": "tpc"}, 2, "protocol: expected .*SYSLOG_PROTOCOL"),
    ],
)
def test_what_is_wrong_is_one_line(
    wrong: dict[str, str], status: int, said: str, sls_emulator: SlsEmulator
) -> None:
    ran = command("preview", environ={**ENVIRON, **sls_emulator.environ(), **wrong})
    assert ran.returncode == status
    assert ran.stdout == b""
    (line,) = ran.stderr.decode().splitlines()
    assert re.match(f"sls_syslog preview: {said}", line), line


def test_the_page_shows_what_it_prints(sls_emulator: SlsEmulator) -> None:
    page = ROOT / "docs" / "how-to" / "see-what-is-sent.md"
    (shown,) = (block.text for block in blocks(page, ["text"]))
    for own in ({"real_client_ip": "203.0.113.77"}, {"level": "ERROR"}):
        topic = "waf_access_log" if "real_client_ip" in own else "shop"
        sls_emulator.put_logs([own], topic=topic, source="192.0.2.7", time=1793678405, shard=0)
    environ = {**ENVIRON, **sls_emulator.environ(), "SYSLOG_RECEIVER": "arcsight"}
    ran = command("preview", "-n", "2", environ=environ, pipe="2>&1")
    assert ran.stdout.decode() == shown


# Logs of a file


def test_a_file_of_logs_needs_no_sls(tmp_path: Path) -> None:
    (tmp_path / "logs.json").write_bytes(lines(LOG) + b"\n" + lines({**LOG, "text": "a\nb"}))
    ran = command("preview", "logs.json", environ=ENVIRON, cwd=tmp_path)
    expected = [log.frames[0] for log in preview(SETTINGS, [LOG, {**LOG, "text": "a\nb"}])]
    assert ran.stdout == b"".join(expected)
    first, second, total = ran.stderr.decode().splitlines()
    size = len(expected[0])
    where = "log 1, line 1, topic 'app', 2026-11-03T04:00:05Z"
    assert first == f"{where}: 1 message, {size} bytes; KeyValuePayload; unchanged"
    assert second.startswith("log 2, line 3, ")
    assert second.endswith("; repaired_control_characters")
    assert total == f"2 logs, 2 messages, {len(ran.stdout)} bytes; nothing was sent"


def test_standard_input_is_read_so_far_as_is_asked(tmp_path: Path) -> None:
    stdin = lines(LOG, LOG) + b"no log"
    ran = command("preview", "-n", "2", "-", environ=ENVIRON, stdin=stdin)
    assert ran.stdout.count(b"\n") == 2
    assert ran.returncode == 0


def test_datagrams_stand_on_lines_of_their_own() -> None:
    environ = {**ENVIRON, "SYSLOG_PROTOCOL": "udp"}
    ran = command("preview", "-", environ=environ, stdin=lines(LOG, LOG))
    (log,) = preview({**SETTINGS, "protocol": "udp"}, [LOG])
    (datagram,) = log.frames
    assert not datagram.endswith(b"\n")
    assert ran.stdout == (datagram + b"\n") * 2
    total = f"2 logs, 2 messages, {2 * len(datagram)} bytes; nothing was sent"
    assert ran.stderr.decode().splitlines()[-1].startswith(total + "; the line feed after each")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[1]", "expected a JSON object, got [1]"),
        (b'{"a": 1', "expected a JSON object: "),
        (b"\xff", "expected a JSON object: "),
        (b"[" * 100_000, "expected a JSON object: "),
        (b'{"__time__": "now"}', "__time__: expected a whole number up to "),
    ],
)
def test_a_line_that_is_no_log_is_named(line: bytes, said: str) -> None:
    ran = command("preview", "-", environ=ENVIRON, stdin=lines(LOG) + line)
    assert ran.returncode == 2
    assert ran.stdout.count(b"\n") == 1
    assert ran.stderr.decode().splitlines()[-1].startswith(f"sls_syslog preview: -, line 2: {said}")
    assert b"Traceback" not in ran.stderr


# Arguments


def test_a_processor_of_ones_own_is_used(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(PROCESSOR)
    arguments = ("preview", "-", "--processor", "ours:Short")
    log = {**LOG, "level": "WARN"}
    ran = command(*arguments, environ=ENVIRON, cwd=tmp_path, stdin=lines(log))
    assert ran.stdout == b"<14>1 2026-11-03T04:00:05+00:00 shipper - - - - WARN\n"
    assert b"; Short.format_message; unchanged\n" in ran.stderr
    del log["level"]
    ran = command(*arguments, environ=ENVIRON, cwd=tmp_path, stdin=lines(log))
    assert ran.returncode == 0
    assert b"; hook_failed; format_message: KeyError('level')\n" in ran.stderr
    assert b'ours.py", line 6' in ran.stderr  # where, for its author


@pytest.mark.parametrize(
    ("processor", "said"),
    [
        ("ours", "expected module:Class, got 'ours'"),
        ("nothing:Here", "cannot import 'nothing:Here': ModuleNotFoundError: "),
        ("ours:Nobody", "cannot import 'ours:Nobody': AttributeError: "),
        ("broken:Class", "cannot import 'broken:Class': ZeroDivisionError: "),
        ("json:JSONDecoder", "expected a subclass of SyslogShipperProcessor, got <class 'json."),
        ("ours:Unfinished", "cannot make ours:Unfinished(settings): RuntimeError: no time"),
    ],
)
def test_a_wrong_processor_is_one_line(processor: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(PROCESSOR)
    (tmp_path / "broken.py").write_text("1 / 0")
    ran = command("preview", "-", "--processor", processor, environ=ENVIRON, cwd=tmp_path)
    assert ran.returncode == 2
    (line,) = ran.stderr.decode().splitlines()
    assert line.startswith(f"sls_syslog preview: --processor: {said}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["preview", "-n", "0"],
        ["preview", "-n", "ten"],
        ["preview", "--from", "yesterday"],
        ["preview", "--from", "0001-01-01"],
        ["preview", "--from", "begin", "logs.json"],
        ["preview", "nowhere.json"],
        ["ship"],
        [],
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], tmp_path: Path) -> None:
    ran = command(*arguments, environ=ENVIRON, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"Traceback" not in ran.stderr
    assert "sls_syslog" in ran.stderr.decode().splitlines()[-1]


# Its output


@pytest.mark.parametrize("pipe", ["| head -1", "| true", "|& head -1"])
def test_a_reader_that_has_had_enough_is_no_error(pipe: str) -> None:
    stdin = lines(LOG) * 20_000
    ran = command("preview", "-n", "20000", "-", environ=ENVIRON, stdin=stdin, pipe=pipe)
    assert ran.returncode == 0
    assert b"Traceback" not in ran.stderr
    assert b"BrokenPipe" not in ran.stderr
    assert ran.stderr.count(b"\n") < 20_000


def test_each_log_is_shown_when_it_comes_until_an_interrupt() -> None:
    with started("preview", "-", environ=ENVIRON) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdin.write(lines(LOG))
        running.stdin.flush()
        assert running.stdout.readline().endswith("||text=失败\n".encode())
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
        assert b"Traceback" not in running.stderr.read()


def test_a_locale_of_ascii_alone_changes_no_byte() -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    log = {**LOG, "__topic__": "审计"}
    usual, bare = (
        command("preview", "-", environ={**ENVIRON, **more}, stdin=lines(log))
        for more in ({}, ascii_only)
    )
    assert "失败".encode() in usual.stdout
    assert bare.stdout == usual.stdout
    assert bare.returncode == 0
    assert b"topic '\\u5ba1\\u8ba1', " in bare.stderr
