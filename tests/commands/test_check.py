"""`python -m sls_syslog check` prints what `check_destination` finds."""

from __future__ import annotations

import pytest

from sls_syslog.testing import SyslogReceiver
from tests.support.commands import command
from tests.support.peers import hold_closed_port


def test_a_receiver_that_takes_messages_is_0(syslog_receiver: SyslogReceiver) -> None:
    ran = command("check", environ=syslog_receiver.environ())
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == b""
    *table, verdict = ran.stdout.decode().splitlines()
    assert table[0] == f"tcp://127.0.0.1:{syslog_receiver.port}"
    assert verdict.startswith(f"{table[0]} takes messages and confirms at 'consumed'")
    (frame,) = syslog_receiver.frames
    assert f"sent                 {frame + bytes([10])!r}" in ran.stdout.decode()


def test_a_receiver_that_is_not_there_is_1() -> None:
    with hold_closed_port() as port:
        environ = {"SYSLOG_HOST": "127.0.0.1", "SYSLOG_PORT": str(port)}
        ran = command("check", environ=environ)
    assert ran.returncode == 1
    assert ran.stderr == b""
    assert b"connect      failed" in ran.stdout


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "host: required: "),
        ({"SYSLOG_HOST": "siem.example", "SYSLOG_PORT": "ninety"}, "port: expected "),
    ],
)
def test_a_wrong_setting_is_one_line(environ: dict[str, str], said: str) -> None:
    ran = command("check", environ=environ)
    assert (ran.returncode, ran.stdout) == (2, b"")
    (line,) = ran.stderr.decode().splitlines()
    assert line.startswith(f"sls_syslog check: {said}")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_reader_that_has_had_enough_does_not_change_the_status(
    is_there: bool, syslog_receiver: SyslogReceiver
) -> None:
    environ = syslog_receiver.environ()
    if not is_there:
        syslog_receiver.stop_listening()
    ran = command("check", environ=environ, pipe="| true")
    assert ran.returncode == (0 if is_there else 1)
    assert ran.stderr == b""


def test_an_output_of_ascii_alone_is_no_error() -> None:
    environ = {"SYSLOG_HOST": "bücher.invalid", "PYTHONUTF8": "1", "PYTHONIOENCODING": "ascii"}
    ran = command("check", environ=environ)
    assert ran.returncode == 1
    assert ran.stderr == b""
    assert ran.stdout.startswith(b"tcp://b\\xfccher.invalid:514\n")


def test_it_imports_nothing_of_the_sdk(syslog_receiver: SyslogReceiver) -> None:
    environ = {**syslog_receiver.environ(), "PYTHONPROFILEIMPORTTIME": "1"}
    ran = command("check", environ=environ)
    assert b"sls_syslog.preflight.check\n" in ran.stderr
    assert b"aliyun" not in ran.stderr
