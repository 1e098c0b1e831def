"""`python -m sls_syslog check` prints what `check_source` and `check_destination` find."""

from __future__ import annotations

import pytest

from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.commands import command
from tests.support.peers import hold_closed_port


@pytest.fixture
def source(sls_emulator: SlsEmulator) -> dict[str, str]:
    """The variables that lead to the emulator."""
    return sls_emulator.environ("siem")


def test_ends_that_are_well_are_0(
    source: dict[str, str], sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    ran = command("check", environ={**source, **syslog_receiver.environ()})
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == b""
    text = ran.stdout.decode()
    first, second = text.split(f"\n\ntcp://127.0.0.1:{syslog_receiver.port}\n")
    assert first.startswith(f"127/logs at {sls_emulator.endpoint}\n")
    assert first.splitlines()[-1].startswith(f"127/logs at {sls_emulator.endpoint} can be read")
    verdict = second.splitlines()[-1]
    destination = f"tcp://127.0.0.1:{syslog_receiver.port}"
    assert verdict.startswith(f"{destination} takes messages and confirms at 'consumed'")
    (frame,) = syslog_receiver.frames
    assert f"sent                 {frame + bytes([10])!r}" in second
    assert set(sls_emulator.calls) <= {
        *("ListConsumerGroup", "ListShards", "GetCheckPoint", "GetCursor"),
    }


def test_a_receiver_that_is_not_there_is_1(source: dict[str, str]) -> None:
    with hold_closed_port() as port:
        environ = {**source, "SYSLOG_HOST": "127.0.0.1", "SYSLOG_PORT": str(port)}
        ran = command("check", environ=environ)
    assert ran.returncode == 1
    assert ran.stderr == b""
    assert b" can be read: " in ran.stdout
    assert b"connect      failed" in ran.stdout
    last = ran.stdout.decode().splitlines()[-1]
    assert last.startswith(f"receiver failed: tcp://127.0.0.1:{port}: connect: ")
    assert "check that the receiver runs" in last


def test_an_sls_that_refuses_is_1_and_the_receiver_is_checked(
    source: dict[str, str], syslog_receiver: SyslogReceiver
) -> None:
    environ = {**source, **syslog_receiver.environ(), "SLS_AK_KEY": "wrong"}
    ran = command("check", environ=environ)
    assert ran.returncode == 1
    assert ran.stderr == b""
    assert b"signature    failed" in ran.stdout
    *_, receiver, gap, last = ran.stdout.decode().splitlines()
    assert " takes messages and confirms at 'consumed'" in receiver
    assert gap == ""
    assert last.startswith("SLS failed: 127/logs at ")
    assert "signature: " in last
    assert "SLS_AK_KEY" in last


def test_the_receiver_that_fails_is_named_last(
    source: dict[str, str], syslog_receiver: SyslogReceiver
) -> None:
    with hold_closed_port() as port:
        hosts = f"127.0.0.1:{port},127.0.0.1:{syslog_receiver.port}"
        ran = command("check", environ={**source, "SYSLOG_HOSTS": hosts})
    assert ran.returncode == 1
    *_, first, second, gap, last = ran.stdout.decode().splitlines()
    assert first == last.removeprefix("receiver failed: ")
    assert " takes messages and confirms " in second
    assert gap == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SYSLOG_HOST": ""}, "host: required: "),
        ({"SYSLOG_PORT": "ninety"}, "port: expected "),
        ({"SLS_CG": ""}, "SLS_CG: environment variable not set"),
        ({"SLS_ENDPOINT": "htps://log.example"}, "SLS_ENDPOINT: expected http:// or https://"),
    ],
)
def test_a_wrong_setting_of_one_end_is_2_and_hides_nothing_of_the_other(
    changed: dict[str, str],
    said: str,
    source: dict[str, str],
    syslog_receiver: SyslogReceiver,
) -> None:
    ran = command("check", environ={**source, **syslog_receiver.environ(), **changed})
    assert ran.returncode == 2
    (line,) = ran.stderr.decode().splitlines()
    assert line.startswith(f"sls_syslog check: {said}")
    other = b" takes messages and " if next(iter(changed)).startswith("SLS_") else b" can be read: "
    assert other in ran.stdout
    assert ran.stdout.endswith(b"\n\n")  # so that the error stands apart, below what was found


@pytest.mark.parametrize("is_there", [True, False])
def test_a_reader_that_has_had_enough_does_not_change_the_status(
    is_there: bool, source: dict[str, str], syslog_receiver: SyslogReceiver
) -> None:
    environ = {**source, **syslog_receiver.environ()}
    if not is_there:
        syslog_receiver.stop_listening()
    ran = command("check", environ=environ, pipe="| true")
    assert ran.returncode == (0 if is_there else 1)
    assert ran.stderr == b""


def test_an_output_of_ascii_alone_is_no_error(source: dict[str, str]) -> None:
    environ = {
        **source,
        **{"SYSLOG_HOST": "bücher.invalid", "PYTHONUTF8": "1", "PYTHONIOENCODING": "ascii"},
    }
    ran = command("check", environ=environ)
    assert ran.returncode == 1
    assert ran.stderr == b""
    assert b"\ntcp://b\\xfccher.invalid:514\n" in ran.stdout
