"""Every file in examples/ does what it says, as a program of its own."""

from __future__ import annotations

import ast
import json
import re
import signal
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sls_syslog import ShipperStats
from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA
from tests.support.processes import ROOT, program
from tests.support.waiting import eventually

EXAMPLES = ROOT / "examples"
GROUP = "siem"
COUNTS = ["logs in", "confirmed", "lost", "duplicated"]
PHASES = ["start-up", "shipping", "confirming"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0"}
"""The environment of a terminal that can print ASCII only."""


def example(name: str) -> str:
    return str(EXAMPLES / name)


def test_no_example_is_without_a_test() -> None:
    text = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for path in EXAMPLES.glob("*.py"):
        assert f'"{path.name}"' in text


def test_the_examples_are_a_ladder_of_short_programs() -> None:
    """Each is less than 60 lines, without blank ones and what it says of itself at the start."""
    listed = re.findall(
        r"^\| \d+ \| \[(\w+\.py)\]\(\1\) \|", (EXAMPLES / "README.md").read_text(), re.M
    )
    assert sorted(listed) == sorted(path.name for path in EXAMPLES.glob("*.py"))
    page = (ROOT / "docs" / "examples.md").read_text()
    assert re.findall(r"literalinclude\} \.\./examples/(\S+)", page) == listed
    for name in listed:
        text = (EXAMPLES / name).read_text()
        says = ast.parse(text).body[0]
        assert ast.get_docstring(ast.parse(text)), name
        lines = [
            line
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip() and number > (says.end_lineno or 0)
        ]
        assert len(lines) < 60, name


def test_preview_formats_shows_a_log_for_each_receiver() -> None:
    with program(example("preview_formats.py"), environ=ASCII) as shown:
        assert shown.wait() == 0, shown.output()
        output = shown.output()
    for expected in ("qradar: 1 message", "LEEF:2.0|Alibaba Cloud|WAF", "CEF:0|Alibaba Cloud|WAF"):
        assert expected in output
    assert "generic" not in output


def test_quickstart_ends_with_nothing_lost_in_any_locale() -> None:
    with program(example("quickstart.py"), environ=ASCII) as quickstart:
        assert quickstart.wait(60) == 0, quickstart.output()
        output = quickstart.output()
    table = dict(re.findall(r"^ {4}(\w[\w/ -]+\w) +([\d.,]+)(?: s)?$", output, re.M))
    assert list(table) == [*COUNTS, *PHASES, "MB/s"]
    assert int(table["logs in"].replace(",", "")) >= 50_000
    assert table["confirmed"] == table["logs in"]
    assert (table["lost"], table["duplicated"]) == ("0", "0")
    assert float(table["MB/s"]) > 0
    # The bar moves while logs come, and its last state is shown once.
    progress = re.findall(r"^ *([\d,]+) of [\d,]+ logs +\d+%  (\S+) +[\d.]+ s$", output, re.M)
    assert list(dict.fromkeys(phase for _, phase in progress)) == PHASES
    assert [received for received, _ in progress].count(table["logs in"]) == 1
    assert len(set(progress)) == len(progress)
    assert "<134>1 " in output
    assert re.search(r"result=(成功|\\u6210\\u529f|\\u5bc6\\u7801\\u9519\\u8bef)", output)
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


def test_check_siem_says_whether_a_receiver_takes_messages(
    syslog_receiver: SyslogReceiver,
) -> None:
    environ = {**syslog_receiver.environ(), "SYSLOG_TAG": "audit"}
    with program(example("check_siem.py"), environ=environ) as checker:
        assert checker.wait() == 0, checker.output()
        output = checker.output()
    (message,) = syslog_receiver.messages
    assert output.endswith("takes messages and confirms at 'consumed': nothing to change\n")
    assert message.app_name == "audit"
    assert f"look for             {message.msg.rpartition('=')[2]}\n" in output


def test_check_siem_ends_with_1_for_a_receiver_that_is_not_there(
    syslog_receiver: SyslogReceiver,
) -> None:
    syslog_receiver.stop_listening()
    with program(example("check_siem.py"), environ=syslog_receiver.environ()) as checker:
        assert checker.wait() == 1
        assert "check that the receiver runs, and that port and protocol" in checker.output()


def test_check_siem_ends_with_1_for_a_setting_that_is_wrong() -> None:
    with program(example("check_siem.py"), environ={"SYSLOG_PROTOCOL": "tls"}) as checker:
        assert checker.wait() == 1
        assert checker.output().startswith("host: required")


def test_emulate_sls_stays_up_for_the_commands_and_for_what_ships(
    syslog_receiver: SyslogReceiver, tmp_path: Path
) -> None:
    file = tmp_path / "logs.jsonl"
    logs = [{"__topic__": "shop", "text": "失败", "n": 1}, {"text": "second"}]
    file.write_text("\n\n".join(map(json.dumps, logs)))
    with program(example("emulate_sls.py"), "--every", "0.5", str(file), environ=ASCII) as sls:
        eventually(lambda: "2 logs are in SLS" in sls.output())
        environ = {
            **dict(re.findall(r"^export (\w+)=(.*)$", sls.output(), re.M)),
            **syslog_receiver.environ(),
        }
        with program("-m", "sls_syslog", "check", environ=environ) as check:
            assert check.wait() == 0, check.output()
        with program("-m", "sls_syslog", "preview", "--from", "begin", environ=environ) as preview:
            assert preview.wait() == 0, preview.output()
            assert "topic 'shop'" in preview.output()
        syslog_receiver.clear()
        with program(example("ship_to_siem.py"), environ=environ) as shipper:
            syslog_receiver.wait_for(6, timeout=30)  # two logs, and then two more at a time
            eventually(lambda: read_texts(syslog_receiver) == {"失败||n=1", "second"})
            shipper.process.terminate()
            assert shipper.wait() == 0, shipper.output()
        sls.process.send_signal(signal.SIGINT)
        assert sls.wait() == 130, sls.output()


def read_texts(receiver: SyslogReceiver) -> set[str]:
    return {message.msg.partition("||text=")[2] for message in receiver.messages}


@pytest.mark.parametrize("text", ["[1]", "no JSON"])
def test_emulate_sls_refuses_what_is_no_log(text: str, tmp_path: Path) -> None:
    file = tmp_path / "logs.jsonl"
    file.write_text(text)
    with program(example("emulate_sls.py"), str(file)) as sls:
        assert sls.wait() == 1
        assert len(sls.output().splitlines()) == 1


def test_send_one_message_sends_it(receiver: SyslogReceiver, temporary_ca: TemporaryCA) -> None:
    is_tls = receiver.protocol == "tls"
    environ = {**ASCII, **({"SYSLOG_CERT_PATH": temporary_ca.cert_path} if is_tls else {})}
    arguments = ("127.0.0.1", str(receiver.port), receiver.protocol, "你好")
    with program(example("send_one_message.py"), *arguments, environ=environ) as sender:
        assert sender.wait() == 0, sender.output()
    receiver.wait_for(1)
    (message,) = receiver.messages
    assert (message.facility, message.severity) == (16, 5)
    assert message.app_name == "send_one_message"
    assert message.msg == "你好"


def scraped(url: str) -> dict[tuple[str, str, str], float]:
    """Each sample's value by its name, shard, and cause or kind."""
    with urlopen(url, timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    ours = [family for family in families if family.name.startswith("sls_syslog_")]
    assert all(family.documentation for family in ours)
    samples = [sample for family in ours for sample in family.samples]
    assert {sample.labels["consumer_group"] for sample in samples} == {GROUP}
    return {
        (
            sample.name.removeprefix("sls_syslog_"),
            sample.labels["shard"],
            sample.labels.get("cause") or sample.labels.get("kind") or "",
        ): sample.value
        for sample in samples
    }


def test_prometheus_metrics_serves_what_was_shipped(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs([{"n": str(n)} for n in range(7)] + [{"bytes": b"\xff"}], shard=0)
    sls_emulator.put_logs([{"n": "7"}, {"long": "x" * 1000}], shard=1)
    environ = {
        **sls_emulator.environ(GROUP),
        **syslog_receiver.environ(),
        **{"SYSLOG_MAX_MESSAGE_BYTES": "480", "SYSLOG_OVERSIZE": "drop", "METRICS_PORT": "0"},
    }
    with program(example("prometheus_metrics.py"), environ=environ) as shipper:
        syslog_receiver.wait_for(9, timeout=30)
        sls_emulator.wait_until_drained(GROUP)
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+/metrics", shipper.output())
        eventually(lambda: scraped(url)["lag_seconds", "0", ""] == 0.0)
        found = scraped(url)
        shipper.process.terminate()
        assert shipper.wait() == 0, shipper.output()
    assert {name for name, *_ in found if name.endswith("_total")} == {
        *("confirmed_total", "filtered_total", "dropped_total", "replayed_total", "bytes_total"),
        *("retries_total", "reconnects_total", "truncated_total", "split_total", "repaired_total"),
        "masked_total",
    }
    assert [found["received", shard, ""] for shard in "01"] == [8, 2]
    assert [found["confirmed_total", shard, ""] for shard in "01"] == [8, 1]
    assert [found["pending", shard, ""] for shard in "01"] == [0, 0]
    assert [found["dropped_total", shard, "oversize"] for shard in "01"] == [0, 1]
    assert found["dropped_total", "1", "expired"] == 0
    assert found["repaired_total", "0", "utf8"] == 1
    sent = sum(len(frame) + 1 for frame in syslog_receiver.frames)  # and a line feed each
    assert sum(found["bytes_total", shard, ""] for shard in "01") == sent


def test_otel_metrics_exports_what_was_shipped(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs([{"n": str(n)} for n in range(7)], shard=0)
    sls_emulator.put_logs([{"n": "7"}, {"long": "x" * 1000}], shard=1)
    environ = {
        **sls_emulator.environ(GROUP),
        **syslog_receiver.environ(),
        **{"SYSLOG_MAX_MESSAGE_BYTES": "480", "SYSLOG_OVERSIZE": "drop"},
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
    }
    with program(example("otel_metrics.py"), environ=environ) as shipper:
        syslog_receiver.wait_for(8, timeout=30)
        sls_emulator.wait_until_drained(GROUP)
        shipper.process.terminate()
        assert shipper.wait() == 0, shipper.output()
        output = shipper.output()
    # The last of the exports; each is one JSON object that begins a line.
    last = output[output.rindex('\n{\n    "resource_metrics"') :]
    found = json.JSONDecoder().raw_decode(last.lstrip())[0]
    (metrics,) = found["resource_metrics"][0]["scope_metrics"]
    kinds = {"counter": True, "gauge": None}
    assert {
        (metric["name"], metric["description"], metric["data"].get("is_monotonic"))
        for metric in metrics["metrics"]
    } == {
        (f"sls_syslog.{name}", meaning, kinds[kind])
        for name, kind, meaning in ShipperStats.describe()
    }
    points = {
        (metric["name"], point["attributes"]["shard"], point["attributes"].get("cause")): point
        for metric in metrics["metrics"]
        for point in metric["data"]["data_points"]
    }
    assert points["sls_syslog.confirmed", "0", None]["value"] == 7
    assert points["sls_syslog.dropped", "1", "oversize"]["value"] == 1
    assert points["sls_syslog.received", "1", None]["attributes"]["consumer_group"] == GROUP
