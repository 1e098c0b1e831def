"""The tutorial does what it says, step by step, as a reader would do it.

What a reader types is taken from the page and run in this order; what the page says that is
printed has to be printed, but for times. The port of the page becomes a free one.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.pages import blocks, files_named_in
from tests.support.processes import ROOT, program
from tests.support.waiting import eventually

PAGE = ROOT / "docs" / "tutorial" / "first-log.md"
START_PAGE = ROOT / "docs" / "how-to" / "start-and-range.md"
PORT = "5514"
OTHER_EACH_START = re.compile(
    r"^…|^[-\d]+ [\d:,]+|\S+://\S+|0\.0\.1:\d+|\b[\w-]+/[\w-]+(?:/siem-\S+)?|\d+\.\d s|MT\S+=="
)
TIMES = re.compile(r'\d{4}-\d\d-\d\dT[\d:.+Z-]+|"__time__":"\d+"')


@pytest.fixture
def typed(tmp_path: Path) -> Path:
    """A folder with the files that the page has a reader type."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    for name, text in files_named_in(PAGE).items():
        (tmp_path / name).write_text(text.replace(PORT, port))
    return tmp_path


def printed() -> list[str]:
    """What the page shows as output, in order."""
    return [TIMES.sub("TIME", block.text).strip() for block in blocks(PAGE, ["text"])]


def template_of(log: str) -> list[str]:
    """The lines of a log, without what is different at each start: times, places and numbers."""
    return [OTHER_EACH_START.sub("…", line) for line in log.splitlines()]


def run(script: Path) -> str:
    with program(str(script)) as running:
        assert running.wait() == 0, running.output()
        return TIMES.sub("TIME", running.output()).strip()


def test_the_first_logs_arrive_and_then_as_json(typed: Path) -> None:
    script = typed / "first_log.py"
    assert run(script) == printed()[0]
    (change,) = (block.text for block in blocks(PAGE, ["python"]) if block.text[0] == " ")
    pasted, count = re.subn(r"(?ms)^    settings = .*?^    \)\n", change, script.read_text())
    assert count == 1
    script.write_text(pasted)
    assert run(script) == printed()[1]
    script.write_text(script.read_text().replace('"payload"', '"paylod"'))
    with program(str(script)) as mistaken:
        assert mistaken.wait() == 1
        assert mistaken.output().endswith("did you mean 'payload'?\n")


def test_a_message_reaches_another_terminal_and_a_dead_one_is_an_error(typed: Path) -> None:
    (port,) = re.findall(r'"127\.0\.0\.1", (\d+)', (typed / "send.py").read_text())
    with program(str(typed / "listen.py")) as listener:
        wait_for_listener(port)
        assert run(typed / "send.py") == "the receiver has it"
        listener.process.terminate()
        listener.wait()
        assert TIMES.sub("TIME", listener.output()).strip() == printed()[2]
    with program(str(typed / "send.py")) as sender:
        assert sender.wait() == 1
        (line,) = sender.output().splitlines()
    start, reason = printed()[3].split("…")[:2]
    assert line.replace(port, PORT).startswith(start)
    assert reason in line


def test_the_listener_serves_connections_in_parallel(typed: Path) -> None:
    """The shipper opens a second connection beside the one with logs."""
    (port,) = re.findall(r'"127\.0\.0\.1", (\d+)', (typed / "listen.py").read_text())
    address = "127.0.0.1", int(port)
    with program(str(typed / "listen.py")) as listener:
        wait_for_listener(port)
        with socket.create_connection(address), socket.create_connection(address) as second:
            second.sendall(b"log\n")
            eventually(lambda: listener.output() == "log\n")


def wait_for_listener(port: str) -> None:
    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", int(port))):
            return True
        return False

    eventually(listens)


def test_the_program_for_operation_ships(
    typed: Path, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs([{"n": "1"}])
    environ = {**sls_emulator.environ("siem"), **syslog_receiver.environ()}
    (last,) = [block.text for block in blocks(PAGE, ["sh"]) if "ship.py" in block.text]
    told = set(re.findall(r"\b((?:SLS|SYSLOG)_\w+)=", last))
    assert told == {name for name in environ if name.startswith(("SLS_", "SYSLOG_"))}
    with program(str(typed / "ship.py"), environ=environ) as shipper:
        eventually(lambda: "first log confirmed" in shipper.output(), timeout=60)
        shipper.process.terminate()
        assert shipper.wait() == 0, shipper.output()
        output = shipper.output()
    logged = template_of(output)
    for page in (PAGE, ROOT / "docs" / "how-to" / "watch-it.md"):
        (shown,) = [b.text for b in blocks(page, ["text"]) if "first log confirmed" in b.text]
        lines = template_of(shown)
        assert [line for line in logged if line in lines] == lines, page.name
    shown, *_ = [b.text for b in blocks(START_PAGE, ["text"])]
    (line,) = template_of(shown)
    with program(str(typed / "ship.py"), environ={**environ, "SLS_START": "end"}) as shipper:
        eventually(lambda: line in template_of(shipper.output()), timeout=60)
