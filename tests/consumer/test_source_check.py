"""`check_source`: what it finds, what it names as to be changed, and that it changes nothing."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sls_syslog import (
    SettingsError,
    SourceReport,
    SyslogShipperProcessor,
    check_source,
    make_worker,
)
from sls_syslog.preflight.report import Finding
from sls_syslog.testing import SlsEmulator, SyslogReceiver, TemporaryCA
from tests.support.peers import Relay, hold_closed_port, serve
from tests.support.shipping import shipping
from tests.support.sources import GROUP, answer_with, configure

STEPS = [
    *("resolve", "connect", "TLS", "clock", "signature", "project", "Logstore", "shards", "group"),
    *("checkpoints", "RAM"),
]


@pytest.fixture
def emulator() -> Iterator[SlsEmulator]:
    with SlsEmulator(shards=2) as running:
        yield running


def check(emulator: SlsEmulator, **options: Any) -> SourceReport:
    return check_source(configure(emulator, **options))


def get_rows(report: SourceReport, step: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.step == step]


def get_row(report: SourceReport, step: str) -> Finding:
    (row,) = get_rows(report, step)
    return row


def get_failure(report: SourceReport) -> Finding:
    (failed,) = [finding for finding in report.findings if finding.result == "failed"]
    assert not report.ok
    return failed


def start_group(emulator: SlsEmulator) -> None:
    make_worker(SyslogShipperProcessor, configure(emulator), args=({"host": "siem"},))


# All is well


def test_a_group_that_ships_has_all_steps(
    emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    emulator.put_logs([{"n": "1"}], shard=0)
    with shipping(emulator, syslog_receiver.settings(), consumer_name="shipper-1"):
        emulator.wait_until_drained(GROUP)
    report = check(emulator)
    assert report.ok
    assert [finding.step for finding in report.findings] == STEPS
    assert get_row(report, "group").found == "siem exists"
    checkpoints = get_row(report, "checkpoints").found
    assert re.fullmatch(r"shard 0: saved \d+ (s|min) ago by shipper-1; shard 1: .*", checkpoints)


def test_it_prints_as_a_table_with_a_verdict(emulator: SlsEmulator) -> None:
    start_group(emulator)
    report = check(emulator)
    first, *lines = str(report).splitlines()
    assert first == report.source == f"127/logs at {emulator.endpoint}"
    assert all(re.match(r"  (\w+ +(ok|warning) | {21})", line) for line in lines[:-2])
    assert lines[-2:] == ["", f"{report.source} can be read: see TLS"]
    assert max(map(len, lines)) <= 100


def test_nothing_in_sls_is_changed(emulator: SlsEmulator) -> None:
    check(emulator)
    assert set(emulator.calls) == {
        *("ListConsumerGroup", "ListShards", "GetCheckPoint", "GetCursor"),
    }
    start_group(emulator)
    check(emulator)
    assert emulator.checkpoints(GROUP) == {}
    assert set(emulator.owners(GROUP).values()) == {None}


def test_a_group_that_is_new_is_said_to_be_made_at_the_first_start(emulator: SlsEmulator) -> None:
    report = check(emulator)
    assert report.ok
    found = get_row(report, "group").found
    assert found.startswith("siem does not exist yet: the first start creates it, and begins with ")
    assert found.endswith("the oldest log that SLS has")
    assert get_rows(report, "checkpoints") == []
    untried = get_row(report, "RAM").found.partition("not tried, ")[2]
    assert "log:CreateConsumerGroup" in untried


def test_a_group_without_checkpoints_has_none(emulator: SlsEmulator) -> None:
    start_group(emulator)
    report = check(emulator)
    assert get_row(report, "checkpoints").found == "shard 0: none; shard 1: none"
    allowed, _, untried = get_row(report, "RAM").found.partition("; not tried, ")
    assert "log:GetCursorOrData" in allowed
    for action in ("UpdateConsumerGroup", "ConsumerGroupHeartBeat"):
        assert f"log:{action}" in untried
    assert "log:CreateConsumerGroup" not in untried


def test_shards_have_their_kind_and_age() -> None:
    now = time.time()
    with SlsEmulator(clock=lambda: now - 3 * 86400) as emulator:
        emulator.split_shard(0)
        shards = get_row(check(emulator), "shards").found
    assert shards == "1 read-only: 0 (3 days old); 2 read/write: 1 (3 days old), 2 (3 days old)"


@pytest.mark.parametrize(("off", "said"), [(300, "300 s behind"), (-300, "300 s ahead of")])
def test_a_clock_that_differs_is_a_warning(off: int, said: str) -> None:
    with SlsEmulator(clock=lambda: time.time() + off) as emulator:
        report = check(emulator)
    clock = get_row(report, "clock")
    assert clock.result == "warning"
    found = re.search(r"(\d+) (s (?:ahead of|behind)) that of SLS", clock.found)
    assert found
    assert said.endswith(found[2])
    assert abs(int(found[1]) - 300) < 60
    assert report.ok


class TlsRelay(Relay):
    """Speaks TLS before an emulator."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(port)
        self._context = context

    def treat(self, connection: Any) -> None:
        with self._context.wrap_socket(connection, server_side=True) as here:
            super().treat(here)

    def pass_on(self, here: Any, there: Any) -> None:
        while request := here.recv(65536):
            there.sendall(request)
            answer = b""
            while not (head := re.match(rb"(?is)(.*content-length: (\d+).*?\r\n\r\n)", answer)) or (
                len(answer) < len(head[1]) + int(head[2])
            ):
                answer += there.recv(65536)
            here.sendall(answer)


def test_tls_has_its_certificate(
    emulator: SlsEmulator, authority: TemporaryCA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.cert_path)
    with TlsRelay(emulator.port, authority.server_context()) as relay:
        report = check(emulator, endpoint=f"https://0.0.1:{relay.port}")
    assert report.ok, report
    assert get_row(report, "TLS").found.startswith("TLSv1.")
    assert re.search(
        r"; expires \d{4}-\d\d-\d\d, in \d+ days", get_row(report, "certificate").found
    )
    assert report.verdict.endswith(": nothing to change")


def test_a_proxy_is_named_without_its_password(
    emulator: SlsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SlsEmulator(project="siem-logs") as proxied:
        for name, value in proxied.environ(GROUP).items():
            monkeypatch.setenv(name, value)
        proxy = f"http://user:hunter2@127.0.0.1:{proxied.port}"
        monkeypatch.setenv("http_proxy", proxy)
        report = check(proxied)
    assert report.ok
    assert get_row(report, "proxy").found == f"http://127.0.0.1:{proxied.port} is used"
    assert get_rows(report, "resolve") == []
    assert "hunter2" not in f"{report}{report!r}"


# What is wrong


@pytest.mark.parametrize(
    ("wrong", "step", "code", "named", "passed"),
    [
        ({"access_key_id": "nobody"}, "signature", "InvalidAccessKeyId", "SLS_AK_ID", "clock"),
        ({"access_key": "wrong"}, "signature", "SignatureNotMatch", "SLS_AK_KEY", "clock"),
        ({"logstore": "other"}, "Logstore", "LogStoreNotExist", "SLS_LOGSTORE", "project"),
    ],
)
def test_what_sls_refuses_is_a_failed_step(
    wrong: Mapping[str, Any], step: str, code: str, named: str, passed: str, emulator: SlsEmulator
) -> None:
    report = check(emulator, **wrong)
    failed = get_failure(report)
    assert failed.step == step
    assert failed.found.startswith(f"{code}: ")
    assert named in failed.advice
    assert [finding.step for finding in report.findings[-2:]] == [passed, step]
    assert report.verdict.startswith(f"{report.source}: {step}: {code}: ")


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("ProjectNotExist", "project"),
        ("RequestTimeTooSkewed", "clock"),
        ("SecurityTokenExpired", "signature"),
    ],
)
def test_a_code_belongs_to_its_step(code: str, step: str, emulator: SlsEmulator) -> None:
    emulator.fail("ListConsumerGroup", status=401, code=code)
    report = check(emulator)
    assert report.findings[-1] == get_failure(report)
    assert report.findings[-1].step == step


def test_a_way_that_leads_nowhere_is_a_failed_step(emulator: SlsEmulator) -> None:
    with hold_closed_port() as port:
        refused = get_failure(check(emulator, endpoint=f"0.0.1:{port}"))
    assert (refused.step, refused.found) == ("connect", "Connection refused")
    unknown = get_failure(check(emulator, endpoint="cn-hang!zou.invalid"))
    assert unknown.step == "resolve"
    plain = get_failure(check(emulator, endpoint=f"https://{emulator.endpoint}"))
    assert plain.step == "TLS"
    with serve(lambda one: answer_with(one, "404 Not Found", "<html>")) as port:
        stranger = get_failure(check(emulator, endpoint=f"0.0.1:{port}"))
    assert stranger.step == "connect"
    for row in (refused, unknown, plain, stranger):
        assert "SLS_ENDPOINT" in row.advice


def test_an_answer_that_does_not_come_is_waited_for_as_long_as_asked(
    emulator: SlsEmulator,
) -> None:
    emulator.fail("ListConsumerGroup", status=None, delay=600)
    report = check_source(configure(emulator), timeout=0.3)
    assert get_failure(report).found == "no answer in time"


def test_a_refresher_that_fails_is_a_failed_step(emulator: SlsEmulator) -> None:
    def refresh() -> Any:
        raise OSError("no metadata service")

    failed = get_failure(check(emulator, credentials_refresher=refresh))
    assert failed.found == "credentials_refresher failed: OSError: no metadata service"


@pytest.mark.parametrize("action", ["log:GetCursorOrData", "log:GetConsumerGroupCheckPoint"])
def test_a_missing_action_that_shipping_needs_fails(action: str, emulator: SlsEmulator) -> None:
    start_group(emulator)
    emulator.deny(action)
    report = check(emulator)
    failed = get_failure(report)
    assert failed.step == "RAM"
    assert failed.found.startswith(f"{action} is missing: ")
    assert failed.advice == f"the policy of the RAM user must allow {action}"


def test_all_missing_actions_are_named_at_once(emulator: SlsEmulator) -> None:
    emulator.deny("log:GetCursorOrData", "log:GetConsumerGroupCheckPoint", "log:ListConsumerGroup")
    report = check(emulator)
    rows = get_rows(report, "RAM")
    assert [row.result for row in rows] == ["warning", "failed", "failed", "ok"]
    assert "log:ListShards" in rows[-1].found


def test_nothing_is_said_of_what_no_answer_shows(emulator: SlsEmulator) -> None:
    emulator.deny(
        *("log:GetCursorOrData", "log:GetConsumerGroupCheckPoint", "log:ListConsumerGroup"),
        "log:ListShards",
    )
    report = check(emulator)
    assert get_rows(report, "project") == get_rows(report, "Logstore") == []
    assert get_row(report, "group").found == "siem; whether it exists is not known"
    assert get_rows(report, "RAM")[-1].found.startswith("allowed: none; ")


def test_an_action_that_shipping_does_not_need_is_no_fault(emulator: SlsEmulator) -> None:
    emulator.deny("log:ListShards")
    report = check(emulator)
    assert report.ok
    assert "log:ListShards is not allowed, which shipping does not need" in str(report)


def test_a_range_needs_to_know_all_shards(emulator: SlsEmulator) -> None:
    emulator.deny("log:ListShards")
    report = check(emulator, start="2023-11-14T00:00:00Z", end="2023-11-15")
    assert get_failure(report).found.startswith("log:ListShards is missing: ")
    assert "does not need" not in str(report)
    assert "the first log that SLS received at 2023-11-14T" in get_row(report, "group").found


def test_a_group_that_is_deleted_meanwhile_is_no_fault(emulator: SlsEmulator) -> None:
    start_group(emulator)
    emulator.fail("GetCheckPoint", status=404, code="ConsumerGroupNotExist")
    assert check(emulator).ok


def test_a_configuration_that_is_none_is_refused(emulator: SlsEmulator) -> None:
    config: Any = configure
    with pytest.raises(SettingsError, match="expected a LogHubConfig"):
        check_source(config)
    made = configure(emulator)
    made.endpoint = "htps://log.example"
    with pytest.raises(SettingsError, match=r"^SLS_ENDPOINT: "):
        check_source(made)
