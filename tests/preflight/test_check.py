"""What `check_destination` says of receivers that are wrong, and of those that are right."""

from __future__ import annotations

import ast
import contextlib
import datetime as dt
import functools
import re
import socket
import ssl
import time
from typing import Any

import pytest
import trustme

from sls_syslog import SettingsError, ShipperSettings, check_destination
from sls_syslog.encoding.native import PURE_PYTHON
from sls_syslog.network.certificate import Certificate
from sls_syslog.preflight.findings import judge_certificate
from sls_syslog.settings.client import ClientSettings
from sls_syslog.testing import SyslogReceiver, TemporaryCA
from sls_syslog.testing.grammar import parse
from tests.support.native import need_helper, pure_python
from tests.support.peers import hold_closed_port, serve
from tests.support.processes import ROOT
from tests.support.reports import failure, ids, results

SECONDS = 2.0  # a fifth of the default, so that the tests are quick
check = functools.partial(check_destination, timeout=SECONDS)


# The page in docs/how-to

# What differs from one check to the next, and so between the page and a test.
VARIABLE = (
    (r"\d{4}-\d\d-\d\dT[\d:]+\+[\d:]+", "TIME"),
    (r"\d{4}-\d\d-\d\d, in \d+ days", "DATE"),
    (r"check [0-9a-f]{12}", "check ID"),
    (r"b'\d+ <", "b'COUNT <"),
    (r"ok [^;]+; names [^;]+; issued by [^;]+;", "ok CERTIFICATE;"),
    (r"__source__=[^|]+", "__source__=SOURCE"),
    (r"(?<=encoded ).*?(?= resolve )", "SOMEHOW"),
    (r"192\.0\.2\.10|siem\.example|127\.0\.0\.1", "SIEM"),
    (r"SIEM:\d+", "SIEM:PORT"),
)


def in_form(text: str) -> str:
    """A report without what is different in each, and without its line ends."""
    text = " ".join(text.split())
    for pattern, name in VARIABLE:
        text = re.sub(pattern, name, text)
    return text


@pytest.mark.parametrize(("sample", "framing"), [(0, "newline"), (1, "octet-counting")])
def test_the_page_shows_what_a_check_prints(
    sample: int, framing: str, temporary_ca: TemporaryCA
) -> None:
    page = (ROOT / "docs" / "how-to" / "check-a-receiver.md").read_text()
    shown = re.findall(r"^```text\n(.*?)^```", page, re.M | re.S)[sample]
    context = temporary_ca.server_context()
    with SyslogReceiver("tls", ssl_context=context, framing=framing) as receiver:
        settings = {
            **receiver.settings(),
            "framing": "newline",
            "cert_path": temporary_ca.cert_path,
            "hostname": "shipper-1",
            "tag": "audit",
            "timezone": "UTC",
        }
        assert in_form(str(check(settings))) == in_form(shown)
    assert max(map(len, re.sub(r"^(  sent|tls:).*$", "", shown, flags=re.M).splitlines())) <= 100


# Right configurations


@pytest.mark.parametrize("framing", ["newline", "octet-counting"])
@pytest.mark.parametrize("syslog_format", ["rfc5424", "rfc3164"])
def test_a_message_is_sent_as_the_settings_say(framing: str, syslog_format: str) -> None:
    with SyslogReceiver(framing=framing) as receiver:
        settings = {
            **receiver.settings(),
            "framing": framing,
            "syslog_format": syslog_format,
            "facility": "local3",
            "severity": "notice",
            "tag": "audit",
            "hostname": "shipper",
        }
        report = check(settings)
        (frame,) = receiver.wait_for(1)
    assert report.ok
    assert report.receivers[0].level == "consumed"
    (mark,) = ids(report)
    assert frame.endswith(f"||message={mark}".encode())
    assert frame.startswith(b"<157>")
    assert receiver.connections == 2  # nothing is sent over the second one
    assert not receiver.errors
    if syslog_format == "rfc5424":
        message = parse(frame)
        assert (message.hostname, message.app_name) == ("shipper", "audit")


SLOW = "on the slow path, because of"
RULES = [{"field": "level", "equals": "ERROR", "severity": "error"}]


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        ({}, "by the compiled helper"),
        ({"payload": lambda log: log["message"]}, f"{SLOW} payload"),
        ({"payload": "ocsf"}, f"{SLOW} payload"),
        ({"mask": [{"field_matches": "."}]}, f"{SLOW} mask"),
        ({"skip": [{"field": "a", "equals": "b"}]}, f"{SLOW} skip"),
        ({"only": [{"field": "a", "equals": "b"}]}, f"{SLOW} only"),
        ({"tag": "{app}", "hostname": "{__source__}"}, f"{SLOW} hostname, tag"),
        ({"severity_rules": RULES}, f"{SLOW} severity_rules"),
        ({"severity_rules": RULES, "payload": "cef"}, f"{SLOW} severity_rules"),
        ({"severity_rules": RULES, "payload": "ocsf"}, f"{SLOW} severity_rules, payload"),
        ({"structured_data": {"origin": {"ip": "{a}"}}}, f"{SLOW} structured_data"),
        ({"enterprise_id": 32473}, f"{SLOW} enterprise_id"),
        ({"event_id": True}, "in pure Python: the compiled helper does not know event_id"),
    ],
)
def test_the_report_says_how_logs_are_encoded(settings: dict[str, Any], how: str) -> None:
    need_helper()
    with hold_closed_port() as port:
        place = {"host": "127.0.0.1", "port": port}
        (receiver,) = check({**place, **settings}).receivers
        with pure_python():
            (pure,) = check(place).receivers
    first, *_ = receiver.findings
    assert (first.step, first.result) == ("encoding", "ok")
    assert first.found == f"plain logs are encoded {how}"
    assert pure.findings[0].found == f"plain logs are encoded in pure Python: {PURE_PYTHON} is set"


def test_of_a_client_which_encodes_no_logs_the_report_does_not_say_how() -> None:
    with hold_closed_port() as port:
        assert "encoding" not in results(check(ClientSettings(host="127.0.0.1", port=port)))


def test_of_newline_framing_that_works_there_is_nothing_to_change() -> None:
    with SyslogReceiver(framing="newline") as receiver:
        report = check(receiver.settings())
        destination = f"tcp://127.0.0.1:{receiver.port}"
    assert report.verdict == (
        f"{destination} takes messages and confirms at 'consumed': nothing to change"
    )
    assert set(results(report).values()) == {"ok"}


def test_of_octet_counting_the_report_says_that_it_cannot_be_seen() -> None:
    with SyslogReceiver(framing="octet-counting") as receiver:
        report = check(receiver.settings())
    assert report.ok
    assert results(report)["framing"] == "warning"
    assert report.verdict.endswith("see framing")
    (mark,) = ids(report)
    text = " ".join(str(report).split())
    assert "an input that reads lines accepts it too" in text
    assert f"look for '{mark}'" in text
    (frame,) = report.receivers[0].messages[0].frames
    count = frame.split(b" ")[0].decode()
    assert f"if '{count}' is its program" in text
    assert "set framing='newline'" in text


def test_of_a_receiver_that_reads_both_framings_there_is_nothing_to_change() -> None:
    with SyslogReceiver(framing="octet-counting") as receiver:
        report = check({**receiver.settings(), "receiver": "rsyslog"})
    assert results(report)["framing"] == "ok"
    assert "octet-counting: not refused; rsyslog reads both framings" in str(report)
    assert report.verdict.endswith("nothing to change")


def test_over_tls_the_certificate_is_shown(temporary_ca: TemporaryCA) -> None:
    context = temporary_ca.server_context("127.0.0.1", "siem.example")
    with SyslogReceiver("tls", ssl_context=context, framing="newline") as receiver:
        report = check({**receiver.settings(), "cert_path": temporary_ca.cert_path})
    assert report.ok
    assert report.receivers[0].level == "consumed"
    found = {finding.step: finding.found for finding in report.receivers[0].findings}
    assert found["resolve"] == found["connect"] == "127.0.0.1"
    assert re.fullmatch(r"TLSv1\.3, TLS_\w+", found["TLS"])
    assert "IP:127.0.0.1, DNS:siem.example; issued by" in found["certificate"].replace(
        "DNS:siem.example, IP:127.0.0.1", "IP:127.0.0.1, DNS:siem.example"
    )
    assert re.search(r"expires \d{4}-\d\d-\d\d, in \d+ days", found["certificate"])


@pytest.mark.parametrize(("days", "result"), [(29.5, "warning"), (30.5, "ok")])
def test_a_certificate_that_ends_within_30_days_is_a_warning(days: float, result: str) -> None:
    pem = certificate_for(days)
    settings = ClientSettings(host="siem.example", protocol="tls")
    finding = judge_certificate(pem, settings, is_verified=True)
    assert finding.result == result
    assert ("renew it" in finding.advice) == (result == "warning")
    assert Certificate.of(pem).names == ("DNS:siem.example",)


def certificate_for(days: float, common_name: str = "siem.example") -> bytes:
    end = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=days)
    made = trustme.CA().issue_cert("siem.example", common_name=common_name, not_after=end)
    return ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())


def test_what_an_unknown_certificate_says_cannot_steer_a_terminal() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings = ClientSettings(host="siem.example", protocol="tls", ssl_context=context)
    der = certificate_for(100, "red\x1b[31m\nsiem.example ok")
    finding = judge_certificate(der, settings, is_verified=False)
    assert "red?[31m?siem.example ok" in finding.found
    assert "ssl_context verifies nothing" in finding.advice


def test_a_check_that_is_switched_off_is_a_warning(temporary_ca: TemporaryCA) -> None:
    context = temporary_ca.server_context("another.example")
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        trust = {"cert_path": temporary_ca.cert_path, "verify_hostname": False}
        report = check({**receiver.settings(), **trust})
    assert report.ok
    assert results(report)["certificate"] == "warning"
    assert "verify_hostname is off" in str(report)


def test_over_udp_it_says_that_nobody_can_know() -> None:
    with SyslogReceiver("udp") as receiver:
        report = check(receiver.settings())
        (frame,) = receiver.wait_for(1)
    assert report.ok
    assert report.receivers[0].messages[0].frames == (frame,)
    assert "UDP does not show" in str(report)
    assert report.verdict == (
        f"udp://127.0.0.1:{receiver.port} has not refused a message; UDP shows no more"
    )


def test_the_message_of_a_client_is_the_text_alone() -> None:
    with SyslogReceiver() as receiver:
        settings = ClientSettings.of({**receiver.settings(), "tag": "portal"})
        report = check(settings)
        (message,) = receiver.messages
    assert [message.msg] == ids(report)
    assert message.app_name == "portal"


def test_several_receivers_are_checked_each_on_its_own() -> None:
    with SyslogReceiver() as first, hold_closed_port() as second:
        hosts = [f"127.0.0.1:{first.port}", f"127.0.0.1:{second}"]
        report = check({"hosts": hosts, "protocol": "tcp"})
    assert [receiver.ok for receiver in report.receivers] == [True, False]
    assert not report.ok
    assert len(report.verdict.splitlines()) == 2


def test_the_exact_bytes_stand_in_the_table() -> None:
    with SyslogReceiver(framing="octet-counting") as receiver:
        report = check({**receiver.settings(), "payload": lambda log: f"张三 {log['message']}"})
        (frame,) = receiver.wait_for(1)
    (literal,) = re.findall(r"^  sent +(b['\"].*)$", str(report), re.M)
    assert ast.literal_eval(literal) == b"%d %b" % (len(frame), frame)


# Confirmation


@pytest.mark.parametrize(
    ("confirm", "result"),
    [("auto", "warning"), ("consumed", "failed"), ("acked", "ok"), ("written", "ok")],
)
def test_a_receiver_that_never_ends_a_connection_is_told_of(confirm: str, result: str) -> None:
    with SyslogReceiver() as receiver:
        receiver.answer_half_close = False
        report = check({**receiver.settings(), "confirm": confirm}, timeout=1)
    assert results(report)["confirm"] == result
    assert report.receivers[0].level == "acked"
    if result != "ok":
        assert "set confirm='acked'" in " ".join(str(report).split())


def test_a_weaker_level_than_could_be_had_is_pointed_out() -> None:
    with SyslogReceiver() as receiver:
        report = check({**receiver.settings(), "confirm": "written"})
    assert report.ok
    assert "confirm='written' asks for less" in str(report)


# The payload


def fails(log: Any) -> str:
    raise KeyError("eventName")


@pytest.mark.parametrize(
    ("payload", "says"), [(fails, "it raised"), (lambda log: "nothing", "leaves out")]
)
def test_a_payload_that_is_of_no_use_is_a_warning(
    payload: Any, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    with SyslogReceiver() as receiver:
        report = check({**receiver.settings(), "payload": payload})
    assert report.ok
    assert results(report)["payload"] == "warning"
    assert says in str(report)


def test_a_sample_that_would_be_dropped_is_not_sent() -> None:
    with SyslogReceiver() as receiver:
        long = {"payload": lambda log: "x" * 500, "max_message_bytes": 480, "oversize": "drop"}
        step, said = failure(check({**receiver.settings(), **long}))
    assert step == "message"
    assert "max_message_bytes" in said
    assert not receiver.frames


@pytest.mark.parametrize(
    "settings",
    [
        {"only": [{"field": "level", "equals": "ERROR"}]},
        {"skip": [{"field": "message", "contains": ""}]},
        {"mask": [{"field_matches": "."}, {"value_matches": "."}]},
        {"mask": [{"field": "message", "hashed": True}], "mask_key": "k" * 16},
        {"payload": lambda log: log["level"], "on_hook_error": "drop", "dropped": pytest.fail},
        {"payload": lambda log: log["level"], "on_hook_error": "hold"},
    ],
    ids=["only", "skip", "mask", "hashed", "drop", "hold"],
)
def test_what_keeps_logs_back_keeps_no_sample_back(settings: dict[str, Any]) -> None:
    with SyslogReceiver() as receiver:
        report = check({**receiver.settings(), **settings})
        (frame,) = receiver.wait_for(1)
    assert report.ok
    assert b"sls_syslog check" in frame


# Wrong configurations


def test_a_name_that_nobody_knows() -> None:
    step, said = failure(check({"host": "siem.invalid", "protocol": "tcp"}))
    assert step == "resolve"
    assert "check that host 'siem.invalid' is the right name" in said


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_at_which_nobody_listens(protocol: str) -> None:
    with hold_closed_port() as port:
        step, said = failure(check({"host": "127.0.0.1", "port": port, "protocol": protocol}))
    assert step == ("connect" if protocol == "tcp" else "message")
    assert "refused" in said
    assert f"no program listens for {protocol} at port {port}" in said
    assert "protocol" in said


def test_an_address_that_swallows_everything() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listener.getsockname()
        for _ in range(3):  # fill the queue: from then on the kernel drops who knocks
            knock = stack.enter_context(socket.socket())
            knock.setblocking(False)
            knock.connect_ex(address)
        begun = time.monotonic()
        report = check({"host": "127.0.0.1", "port": address[1], "protocol": "tcp"}, timeout=0.5)
        took = time.monotonic() - begun
    step, said = failure(report)
    assert step == "connect"
    assert "check host and port" in said
    assert "firewall" in said
    assert took < 5


def test_another_service_that_speaks_first() -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
        connection.recv(4096)
        time.sleep(SECONDS / 4)

    with serve(greet) as port:
        step, said = failure(check({"host": "127.0.0.1", "port": port, "protocol": "tcp"}))
    assert step == "message"
    assert "SSH-2.0" in said
    assert f"check port {port}: another service answers there" in said


def test_another_service_that_answers() -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serve(answer) as port:
        report = check({"host": "127.0.0.1", "port": port, "protocol": "tcp"})
    step, said = failure(report)
    assert step == "message"
    assert "HTTP/1.1 400" in said
    assert f"check port {port}: another service answers there" in said
    assert len(ids(report)) == 1


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_newline_framing_where_octet_counting_is_required(
    protocol: str, temporary_ca: TemporaryCA
) -> None:
    context = temporary_ca.server_context() if protocol == "tls" else None
    trust = {"cert_path": temporary_ca.cert_path} if protocol == "tls" else {}
    with SyslogReceiver(protocol, framing="octet-counting", ssl_context=context) as receiver:
        report = check({**receiver.settings(), "framing": "newline", **trust})
        taken = [frame.decode().rpartition("=")[2] for frame in receiver.frames]
    step, said = failure(report)
    assert step == "message"
    assert "set framing='octet-counting'" in said
    _, second = ids(report)
    assert taken == [second]


def test_octet_counting_that_a_strict_reader_of_lines_refuses() -> None:
    def read_lines(connection: socket.socket) -> None:
        while data := connection.recv(4096):
            if not data.startswith(b"<"):
                return

    with serve(read_lines) as port:
        settings = {"host": "127.0.0.1", "port": port, "protocol": "tcp"}
        step, said = failure(check({**settings, "framing": "octet-counting", "newlines": "keep"}))
    assert step == "message"
    assert "set framing='newline'" in said


def test_a_receiver_that_ends_every_connection() -> None:
    with serve(lambda connection: None) as port:
        step, said = failure(check({"host": "127.0.0.1", "port": port, "protocol": "tcp"}))
    assert step == "message"
    assert f"whether port {port} belongs to another service" in said
    assert "refuses this machine" in said


def test_plain_text_to_a_port_that_speaks_tls(temporary_ca: TemporaryCA) -> None:
    context = temporary_ca.server_context(require_client_cert=True)
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        settings = {**receiver.settings(), "protocol": "tcp"}
        step, said = failure(check(settings))
    assert step == "message"
    assert "protocol='tls'" in said


def test_plain_text_to_a_port_that_answers_with_an_alert() -> None:
    def alert(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(bytes.fromhex("1503010002022f"))  # illegal_parameter, RFC 8446 section 6

    with serve(alert) as port:
        report = check({"host": "127.0.0.1", "port": port, "protocol": "tcp"})
    step, said = failure(report)
    assert step == "message"
    assert "protocol=tls" in said
    assert len(ids(report)) == 1  # there was nothing else to find out


def test_tls_to_a_port_that_speaks_plain_text(temporary_ca: TemporaryCA) -> None:
    with SyslogReceiver(framing="newline") as receiver:
        settings = {
            **receiver.settings(),
            "protocol": "tls",
            "cert_path": temporary_ca.cert_path,
        }
        step, said = failure(check(settings, timeout=1))
    assert step == "TLS"
    assert "does the receiver speak TLS on this port" in said
    assert "set protocol='tcp'" in said


def test_tls_to_another_serve() -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serve(answer) as port:
        step, said = failure(check({"host": "127.0.0.1", "port": port, "protocol": "tls"}))
    assert step == "TLS"
    assert f"if port {port} is for plain text" in said


@pytest.mark.parametrize(
    ("server", "client", "names"),
    [
        ({}, {"cert_path": "another"}, "cert_path"),
        ({"names": ["another.example"]}, {}, "server_hostname"),
        ({"expired": True}, {}, "expired"),
        ({"require_client_cert": True}, {}, "client_cert"),
        ({"require_client_cert": True}, {"client_cert": "another"}, "client_cert"),
    ],
    ids=["wrong CA", "wrong name", "expired", "no client certificate", "wrong client CA"],
)
def test_trust_that_is_missing(
    server: dict[str, Any], client: dict[str, str], names: str, temporary_ca: TemporaryCA
) -> None:
    context = temporary_ca.server_context(*server.pop("names", ()), **server)
    with (
        TemporaryCA() as another,
        SyslogReceiver("tls", ssl_context=context, framing="newline") as receiver,
    ):
        theirs = another.issue("shipper.example")
        trust = {"cert_path": temporary_ca.cert_path}
        if "cert_path" in client:
            trust["cert_path"] = another.cert_path
        if "client_cert" in client:
            trust.update(client_cert=theirs.cert_path, client_key=theirs.key_path)
        step, said = failure(check({**receiver.settings(), **trust}))
        assert not receiver.frames
    assert step == "TLS"
    assert names in said


def test_a_wrong_setting_is_raised_and_not_reported() -> None:
    with pytest.raises(SettingsError, match="did you mean 'framing'"):
        check({"host": "siem.example", "framin": "newline"})


def test_no_secret_is_in_a_report(temporary_ca: TemporaryCA) -> None:
    mine = temporary_ca.issue("shipper.example", password="open sesame")
    context = temporary_ca.server_context(require_client_cert=True)
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        trust = {
            "cert_path": temporary_ca.cert_path,
            "client_cert": mine.cert_path,
            "client_key": mine.key_path,
            "client_key_password": mine.password,
        }
        report = check(ShipperSettings.of({**receiver.settings(), **trust}))
    assert report.ok
    for text in (str(report), repr(report)):
        assert "open sesame" not in text
        assert "PRIVATE KEY" not in text
