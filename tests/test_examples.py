"""Every file in examples/ does what it says, as a program of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from processes import ROOT, program

from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA

EXAMPLES = ROOT / "examples"
GROUP = "siem"


def example(name: str) -> str:
    return str(EXAMPLES / name)


def test_no_example_is_without_a_test() -> None:
    text = Path(__file__).read_text() + (ROOT / "tests" / "test_processes.py").read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f'"{path.name}"' in text


def test_quickstart_ends_with_nothing_lost() -> None:
    with program(example("quickstart.py")) as quickstart:
        assert quickstart.wait(60) == 0, quickstart.output()
        output = quickstart.output()
    table = dict(
        re.findall(r"^ +(logs in|confirmed|lost|duplicated|MB/s) +([\d.,]+)$", output, re.M)
    )
    assert int(table["logs in"].replace(",", "")) >= 50_000
    assert table["confirmed"] == table["logs in"]
    assert (table["lost"], table["duplicated"]) == ("0", "0")
    assert float(table["MB/s"]) > 0
    assert "<134>1 " in output
    assert "SLS_ENDPOINT" in output


def test_custom_format_sends_json_with_severity_and_leaves_logs_out(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs(
        [
            {"level": "ERROR", "service": "pay", "text": "失败"},
            {"path": "/healthz", "level": "INFO"},
            {"level": "INFO", "text": "fine"},
        ],
        topic="app",
    )
    environ = {**sls_emulator.environ(GROUP), **syslog_receiver.environ(), "SYSLOG_TAG": "app"}
    with program(example("custom_format.py"), environ=environ) as shipper:
        syslog_receiver.wait_for(2, timeout=30)
        sls_emulator.wait_until_drained(GROUP)
        shipper.process.terminate()
        assert shipper.wait() == 0, shipper.output()
    failed, fine = syslog_receiver.messages
    assert json.loads(failed.msg) == {"level": "ERROR", "service": "pay", "text": "失败"}
    assert (failed.severity, failed.app_name) == (3, "pay")
    assert json.loads(fine.msg) == {"level": "INFO", "text": "fine"}
    assert (fine.severity, fine.app_name) == (6, "app")


def test_ship_many_logstores_ships_them_all(syslog_receiver: SyslogReceiver) -> None:
    with SlsEmulator(logstore="audit") as emulator:
        emulator.create_logstore("waf", shards=2)
        for logstore in ("audit", "waf"):
            emulator.put_logs([{"from": logstore}] * 10, logstore=logstore)
        environ = {
            **emulator.environ(GROUP),
            **syslog_receiver.environ(),
            "SLS_LOGSTORES": "audit, waf",
        }
        with program(example("ship_many_logstores.py"), environ=environ) as shipper:
            for logstore in ("audit", "waf"):
                syslog_receiver.wait_for(20, timeout=30)
                emulator.wait_until_drained(GROUP, logstore=logstore)
            shipper.process.terminate()
            assert shipper.wait() == 0, shipper.output()
    bodies = [message.msg.rpartition("||")[2] for message in syslog_receiver.messages]
    assert sorted(bodies) == ["from=audit"] * 10 + ["from=waf"] * 10


@pytest.mark.parametrize("protocol", ["tcp", "udp", "tls"])
def test_send_one_message_sends_it(protocol: str, temporary_ca: TemporaryCA) -> None:
    context = temporary_ca.server_context() if protocol == "tls" else None
    environ = {"SYSLOG_CERT_PATH": str(temporary_ca.cert_path)} if protocol == "tls" else {}
    with SyslogReceiver(protocol, ssl_context=context) as receiver:
        arguments = ("127.0.0.1", str(receiver.port), protocol, "你好")
        with program(example("send_one_message.py"), *arguments, environ=environ) as sender:
            assert sender.wait() == 0, sender.output()
        receiver.wait_for(1)
        (message,) = receiver.messages
    assert (message.facility, message.severity) == (16, 5)
    assert message.app_name == "send_one_message"
    assert message.msg == "你好"
