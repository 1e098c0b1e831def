"""The documented program with other imports, and the SDK's client's defects that are gone.

R1 to R9 are the defects that were measured in ``aliyun/log/ext/syslogclient.py``. Where that
costs little, a test also shows the SDK's own client failing.
"""

from __future__ import annotations

import inspect
import json
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aliyun.log.ext import syslogclient as sdk_syslogclient

from sls_syslog import (
    ConnectError,
    InvalidMessageError,
    SettingsError,
    TlsError,
    TransportError,
    UnconfirmedError,
    syslogclient,
)
from sls_syslog.syslogclient import SyslogClientBase, SyslogClientRFC3164, SyslogClientRFC5424
from sls_syslog.testing import GrammarError, LogEntry, SlsEmulator, SyslogReceiver, TemporaryCA
from tests.support.local_zone import local_zone
from tests.support.peers import hold_closed_port
from tests.support.processes import program

original: Any = sdk_syslogclient  # it has no type hints

GROUP = "siem"
BOTH = [SyslogClientRFC5424, SyslogClientRFC3164]
both = pytest.mark.parametrize("client_class", BOTH, ids=lambda kind: kind.__name__[-7:])

# Written from the documented steps; MODULE stands in its import lines and nowhere else.
DOCUMENTED_PROGRAM = """
import json
import logging
import os
from datetime import datetime

import MODULE as syslogclient
from MODULE import SyslogClientRFC5424 as SyslogClient
from aliyun.log.consumer import (
    ConsumerProcessorBase, ConsumerWorker, CursorPosition, LogHubConfig
)
from aliyun.log.pulllog_response import PullLogResponse

logging.basicConfig(level=logging.INFO)


class SyncData(ConsumerProcessorBase):
    def __init__(self, target):
        super().__init__()
        self.option = target
        with self.client():
            pass

    def client(self):
        option = self.option
        return SyslogClient(
            option["host"],
            int(option.get("port", 514)),
            proto=option["protocol"],
            timeout=int(option.get("timeout", 120)),
            cert_path=option.get("cert_path"),
        )

    def process(self, log_groups, check_point_tracker):
        logs = PullLogResponse.loggroups_to_flattern_list(
            log_groups, time_as_str=True, decode_bytes=True
        )
        try:
            with self.client() as client:
                for log in logs:
                    timestamp = datetime.fromtimestamp(int(log["__time__"]))
                    del log["__time__"]
                    text = "".join(f"{self.option['sep']}{key}={log[key]}" for key in log)
                    client.log(
                        text,
                        facility=self.option.get("facility"),
                        severity=self.option.get("severity"),
                        timestamp=timestamp,
                        program=self.option.get("tag"),
                        hostname=self.option.get("hostname"),
                    )
        except Exception:
            logging.exception("not sent")
            raise
        self.save_checkpoint(check_point_tracker)


names = ("SLS_ENDPOINT", "SLS_AK_ID", "SLS_AK_KEY", "SLS_PROJECT", "SLS_LOGSTORE", "SLS_CG")
config = LogHubConfig(
    *(os.environ[name] for name in names),
    f"{os.environ['SLS_CG']}-{os.getpid()}",
    cursor_position=CursorPosition.BEGIN_CURSOR,
    heartbeat_interval=1,
    data_fetch_interval=0.1,
)
settings = {
    "sep": "||",
    "cert_path": None,
    "timeout": 30,
    "facility": syslogclient.FAC_LOCAL3,
    "severity": syslogclient.SEV_NOTICE,
    "hostname": None,
    "tag": None,
    **json.loads(os.environ["TARGET"]),
}
ConsumerWorker(SyncData, config, args=(settings,)).start(join=True)
"""

# Summer and winter, and New York's 1:30 that comes twice on one day.
MOMENTS = ["2026-07-01T12:00Z", "2026-11-01T05:30Z", "2026-11-01T06:30Z", "2026-12-31T23:59Z"]


@pytest.fixture
def _in_kolkata() -> Iterator[None]:
    with local_zone("Asia/Kolkata"):
        yield


def seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp())


def ship_as_documented(
    directory: Path, module: str, receiver: SyslogReceiver, zone: str, target: dict[str, Any]
) -> None:
    """Runs the documented program until it has sent, and saved, one batch of four logs."""
    script = directory / "sync_data.py"
    script.write_text(DOCUMENTED_PROGRAM.replace("MODULE", module))
    logs = [
        LogEntry({"n": str(n), "user": "张三", "text": "a=b\nc", "empty": ""}, time=seconds(moment))
        for n, moment in enumerate(MOMENTS)
    ]
    with SlsEmulator() as emulator:
        emulator.put_logs(logs, topic="audit", source="192.0.2.7", tags={"zone": "b"})
        environ = {
            **emulator.environ(GROUP),
            "TZ": zone,
            "TARGET": json.dumps({**receiver.settings(), **target}),
        }
        with program(str(script), environ=environ) as shipper:
            try:
                emulator.wait_until_drained(GROUP)
                receiver.wait_for(len(logs))
            except TimeoutError as error:
                raise AssertionError(shipper.output()) from error


@pytest.mark.parametrize(
    "zone",
    [
        "America/New_York",
        *(pytest.param(zone, marks=pytest.mark.gate) for zone in ("UTC", "Asia/Kolkata")),
    ],
)
def test_the_documented_program_delivers_every_log_with_its_time(
    zone: str, receiver: SyslogReceiver, temporary_ca: TemporaryCA, tmp_path: Path
) -> None:
    target = {"cert_path": temporary_ca.cert_path, "hostname": "web-1", "tag": "my app"}
    ship_as_documented(tmp_path, "sls_syslog.syslogclient", receiver, zone, target)
    messages = receiver.messages
    assert [message.msg for message in messages] == [
        "||__topic__=audit||__source__=192.0.2.7||__tag__:zone=b"
        f"||n={n}||user=张三||text=a=b\\nc||empty="
        for n in range(len(MOMENTS))
    ]
    assert [message.timestamp for message in messages] == [
        datetime.fromtimestamp(seconds(moment), ZoneInfo(zone)).isoformat() for moment in MOMENTS
    ]
    assert {(message.facility, message.severity) for message in messages} == {(19, 5)}
    assert {(message.hostname, message.app_name) for message in messages} == {("web-1", "my_app")}
    assert receiver.errors == []


def test_the_documented_program_with_the_sdk_s_imports_is_refused_by_a_strict_receiver(
    syslog_receiver: SyslogReceiver, tmp_path: Path
) -> None:
    module = "aliyun.log.ext.syslogclient"
    ship_as_documented(tmp_path, module, syslog_receiver, "Asia/Kolkata", {})
    with pytest.raises(GrammarError, match="TIMESTAMP"):
        print(syslog_receiver.messages)


def test_a_trial_connection_says_nothing(receiver: SyslogReceiver, temporary_ca: Any) -> None:
    with client_of(receiver, cert_path=temporary_ca.cert_path):
        pass
    is_stream = receiver.protocol != "udp"
    receiver.wait_until(lambda: (receiver.connections > 0) is is_stream)
    receiver.wait_until(lambda: receiver.open_connections == 0)
    assert receiver.frames == []
    assert receiver.errors == []


# Names, order, numbers.


def numbers(module: Any) -> dict[str, int]:
    return {
        name: value for name, value in vars(module).items() if name.startswith(("FAC_", "SEV_"))
    }


def test_the_constants_are_the_sdk_s() -> None:
    assert numbers(syslogclient) == numbers(original)
    assert len(numbers(original)) == 24 + 8
    assert set(numbers(syslogclient)) < set(syslogclient.__all__)


@both
@pytest.mark.parametrize("method", ["__init__", "log"])
def test_arguments_have_the_sdk_s_order_and_defaults(
    client_class: type[SyslogClientBase], method: str
) -> None:
    ours = inspect.signature(getattr(client_class, method)).parameters
    theirs = inspect.signature(getattr(getattr(original, client_class.__name__), method)).parameters
    shared = [(name, parameter.default) for name, parameter in ours.items() if name != "settings"]
    assert shared == [(name, parameter.default) for name, parameter in theirs.items()]
    assert issubclass(client_class, SyslogClientBase)


def client_of(receiver: SyslogReceiver, kind: Any = SyslogClientRFC5424, **options: Any) -> Any:
    """A client for ``receiver``, ours or the SDK's; that one would ask the DNS for its name."""
    settings = {"timeout": 10, "clientname": "h", **options}
    return kind(receiver.host, receiver.port, receiver.protocol, **settings)


WHEN = datetime(2026, 11, 3, 9, 5, 7, 120000, timezone.utc)


def test_every_argument_of_rfc_5424_arrives_by_position(syslog_receiver: SyslogReceiver) -> None:
    with client_of(syslog_receiver) as client:
        client.log("text", 20, 3, WHEN, "web-1", 1, "portal", 4711, "LOGIN")
    (frame,) = syslog_receiver.frames
    assert frame == b"<163>1 2026-11-03T09:05:07.120000+00:00 web-1 portal 4711 LOGIN - text"


@pytest.mark.usefixtures("_in_kolkata")
def test_every_argument_of_rfc_3164_arrives_by_position(
    syslog_receiver: SyslogReceiver,
) -> None:
    with client_of(syslog_receiver, SyslogClientRFC3164) as client:
        client.log("text", 20, 3, WHEN, "web-1", "portal", 4711)
        client.log("text", timestamp=datetime(2026, 11, 3, 9, 5, 7), program=None)
    assert syslog_receiver.frames == [
        b"<163>Nov  3 14:35:07 web-1 portal[4711]: text",
        b"<14>Nov  3 09:05:07 h SyslogClient: text",
    ]


def test_what_is_not_given_has_the_documented_default(syslog_receiver: SyslogReceiver) -> None:
    before = datetime.now(timezone.utc)
    with client_of(syslog_receiver, clientname=None) as client:
        client.log("text")
    (message,) = syslog_receiver.messages
    assert (message.facility, message.severity) == (original.FAC_USER, original.SEV_INFO)
    assert message.hostname == client.clientname
    assert (message.app_name, message.procid, message.msgid) == (None, None, None)
    assert message.timestamp
    assert before <= datetime.fromisoformat(message.timestamp) <= datetime.now(timezone.utc)


def test_another_version_is_refused(syslog_receiver: SyslogReceiver) -> None:
    with client_of(syslog_receiver) as client:
        client.log("text", version=1)
        with pytest.raises(InvalidMessageError, match=r"version: expected 1, got 2 .*6\.2\.2"):
            client.log("text", version=2)
    assert len(syslog_receiver.frames) == 1


@both
def test_udp_is_what_none_means_and_case_does_not_matter(client_class: Any) -> None:
    with SyslogReceiver("udp") as receiver:
        for proto in (None, "udp", "UDP", "Udp"):
            with client_class(receiver.host, receiver.port, proto) as client:
                client.log(f"over {proto}")
        assert len(receiver.wait_for(4)) == 4


def test_a_ca_that_is_not_needed_is_ignored(syslog_receiver: SyslogReceiver) -> None:
    with client_of(syslog_receiver, cert_path="/no/such/file") as client:
        client.log("text")
    with pytest.raises(SettingsError, match="cert_path"):
        SyslogClientRFC5424(syslog_receiver.host, 1, "TLS", cert_path="/no/such/file")


def test_further_settings_are_the_client_s_own() -> None:
    with SyslogReceiver(framing="octet-counting") as receiver:
        with client_of(receiver, framing="octet-counting", newlines="keep") as client:
            client.log("one\nmessage")
        assert receiver.messages[0].msg == "one\nmessage"
    with pytest.raises(SettingsError, match=r"framin.*'framing'"):
        SyslogClientRFC5424("127.0.0.1", 1, framin="newline")


# The with block.


@both
def test_leaving_the_block_means_that_the_receiver_has_everything(
    client_class: Any, syslog_receiver: SyslogReceiver
) -> None:
    with client_of(syslog_receiver, client_class) as client:
        assert isinstance(client, client_class)
        for n in range(1000):
            client.log(f"number {n}")
    assert [message.msg for message in syslog_receiver.messages] == [
        f"number {n}" for n in range(1000)
    ]


def test_leaving_the_block_raises_where_the_receiver_is_not_known_to_have_it(
    syslog_receiver: SyslogReceiver,
) -> None:
    syslog_receiver.answer_half_close = False
    with pytest.raises(UnconfirmedError), client_of(syslog_receiver, timeout=0.3) as client:
        client.log("text")
    with client_of(syslog_receiver, confirm="acked") as client:
        client.log("text")


def test_an_error_inside_the_block_is_the_one_that_comes_out(
    syslog_receiver: SyslogReceiver,
) -> None:
    with pytest.raises(RuntimeError, match="mine"), client_of(syslog_receiver) as client:
        client.log("text")
        syslog_receiver.wait_for(1)
        syslog_receiver.reset_connections()
        raise RuntimeError("mine")


def test_a_client_works_without_a_block_too(syslog_receiver: SyslogReceiver) -> None:
    client = client_of(syslog_receiver)
    assert client.connect()
    assert client.connect()
    assert syslog_receiver.connections <= 2  # one is silent
    client.log("one")
    client.confirm()
    client.log("two")  # connects anew
    client.confirm()
    client.close()
    client.close()
    assert [message.msg for message in syslog_receiver.messages] == ["one", "two"]


# The SDK's defects.


@pytest.mark.usefixtures("_in_kolkata")
def test_r1_the_offset_is_right_and_has_a_colon(
    syslog_receiver: SyslogReceiver,
) -> None:
    naive = datetime(2026, 11, 3, 9, 5, 7)
    with client_of(syslog_receiver) as client:
        client.log("text", timestamp=naive)
    assert syslog_receiver.messages[0].timestamp == "2026-11-03T09:05:07+05:30"

    assert original.datetime2rfc3339(naive)[-5:] in {"+0500", "+0600"}


def test_r2_structured_data_is_there(syslog_receiver: SyslogReceiver) -> None:
    with client_of(syslog_receiver) as client:
        client.log("||a=1||b=2")
    (message,) = syslog_receiver.messages
    assert (message.structured_data, message.msg) == (None, "||a=1||b=2")

    syslog_receiver.clear()
    with client_of(syslog_receiver, original.SyslogClientRFC5424) as client:
        client.log("||a=1||b=2")
    syslog_receiver.wait_for(1)
    with pytest.raises(GrammarError, match="STRUCTURED-DATA"):
        print(syslog_receiver.messages)


def test_r3_closing_a_tls_connection_loses_nothing(temporary_ca: TemporaryCA) -> None:
    with SyslogReceiver("tls", ssl_context=temporary_ca.server_context()) as receiver:
        with client_of(receiver, cert_path=temporary_ca.cert_path) as client:
            client.log("number 0")
            receiver.wait_for(1)
            receiver.pause()
            late = threading.Timer(0.5, receiver.resume)
            late.start()
            for n in range(1, 3_000):
                client.log(f"number {n} {'x' * 500}")
        late.join()
        assert len(receiver.frames) == 3_000
        assert receiver.errors == []


@both
def test_r4_a_closed_port_is_an_error(client_class: type[SyslogClientBase]) -> None:
    with hold_closed_port() as port:
        with pytest.raises(ConnectError, match=f"tcp://127.0.0.1:{port}: .*refused"):
            client_class("127.0.0.1", port, "tcp").connect()
        with pytest.raises(ConnectError), client_class("127.0.0.1", port, "tcp"):
            pytest.fail("the block was entered")

        theirs = original.SyslogClientRFC5424("127.0.0.1", port, "tcp", clientname="h")
        assert theirs.log("swallowed") is None


def test_r4_a_closed_port_of_udp_is_an_error_where_its_host_says_so() -> None:
    with (
        hold_closed_port() as port,
        pytest.raises(TransportError, match="refused"),
        SyslogClientRFC5424("127.0.0.1", port) as client,
    ):
        client.log("one")


def test_r4_a_connection_that_breaks_is_an_error(syslog_receiver: SyslogReceiver) -> None:
    with pytest.raises(TransportError), client_of(syslog_receiver) as client:
        for n in range(3000):
            client.log(f"number {n}")
            if n == 1000:
                syslog_receiver.wait_for(1001)
                syslog_receiver.reset_connections()


def test_r5_a_certificate_of_another_host_is_refused(temporary_ca: TemporaryCA) -> None:
    context = temporary_ca.server_context("evil.example")
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        client = client_of(receiver, cert_path=temporary_ca.cert_path)
        with pytest.raises(TlsError, match=r"127\.0\.0\.1"):
            client.connect()


def test_r5_a_client_certificate_can_be_shown(temporary_ca: TemporaryCA) -> None:
    context = temporary_ca.server_context(require_client_cert=True)
    ours = temporary_ca.issue("client")
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        trust = {"cert_path": temporary_ca.cert_path}
        with client_of(
            receiver, **trust, client_cert=ours.cert_path, client_key=ours.key_path
        ) as client:
            client.log("text")
        assert len(receiver.messages) == 1


@both
def test_r6_a_line_feed_makes_no_second_message(
    client_class: type[SyslogClientBase], receiver: SyslogReceiver, temporary_ca: TemporaryCA
) -> None:
    with client_of(receiver, client_class, cert_path=temporary_ca.cert_path) as client:
        client.log("one\n<0>1 - forged - - - -\r\n")
    receiver.wait_for(1)
    (message,) = receiver.messages
    assert message.msg == r"one\n<0>1 - forged - - - -\r\n"


def test_r6_a_line_feed_makes_two_messages_of_the_sdk_s(syslog_receiver: SyslogReceiver) -> None:
    with client_of(syslog_receiver, original.SyslogClientRFC5424) as client:
        client.log("one\n<0>1 - forged - - - -")
    assert syslog_receiver.wait_for(2)[1] == b"<0>1 - forged - - - -"


@both
@pytest.mark.parametrize("proto", ["tlss", "", "tcp4", 6])
def test_r7_an_unknown_protocol_is_not_udp(client_class: Any, proto: Any) -> None:
    with pytest.raises(SettingsError, match="protocol: expected one of tcp, udp, tls"):
        client_class("127.0.0.1", 514, proto)

    theirs = original.SyslogClientRFC5424("127.0.0.1", 514, "tlss", clientname="h")
    assert theirs.proto == socket.SOCK_DGRAM


def test_r8_rfc_3164_keeps_utf_8_and_long_texts_and_pads_the_day(
    syslog_receiver: SyslogReceiver,
) -> None:
    text = "日本 error " + "x" * 5000
    naive = datetime(2026, 1, 5, 1, 2, 3)
    with client_of(syslog_receiver, SyslogClientRFC3164) as client:
        client.log(text, timestamp=naive)
        client.log("next", timestamp=naive)
    head = "<14>Jan  5 01:02:03 h SyslogClient: "
    frames = [frame.decode() for frame in syslog_receiver.frames]
    assert frames == [head + text, f"{head}next"]

    syslog_receiver.clear()
    with client_of(syslog_receiver, original.SyslogClientRFC3164) as client:
        client.log(text, timestamp=naive)
        client.log("next", timestamp=naive)
    (frame,) = syslog_receiver.wait_for(1)
    assert frame.startswith(b"<14>Jan 05 01:02:03 h SyslogClient:  error xxx")
    assert frame.endswith(b"x<14>Jan 05 01:02:03 h SyslogClient: next")


def test_r9_header_values_are_made_legal(syslog_receiver: SyslogReceiver) -> None:
    with client_of(syslog_receiver, clientname="my host") as client:
        client.log("1", program="my app", pid="a b", msgid="é")
        client.log("2", hostname="网" * 300, program="p" * 99, pid="1" * 999, msgid="m" * 99)
        client.log("3", hostname="", program="", pid="", msgid="")
        client.log("half a pair \ud83d")
    headers = [
        (message.hostname, message.app_name, message.procid, message.msgid)
        for message in syslog_receiver.messages
    ]
    assert headers == [
        ("my_host", "my_app", "a_b", "_"),
        ("_" * 255, "p" * 48, "1" * 128, "m" * 32),
        ("my_host", None, None, None),
        ("my_host", None, None, None),
    ]
    assert syslog_receiver.messages[-1].msg == "half a pair ?"


def test_r9_header_values_of_rfc_3164_are_made_legal(syslog_receiver: SyslogReceiver) -> None:
    naive = datetime(2026, 1, 5, 1, 2, 3)
    with client_of(syslog_receiver, SyslogClientRFC3164) as client:
        client.log("text", timestamp=naive, hostname="my host", program="my app", pid="a b")
    assert syslog_receiver.frames == [b"<14>Jan  5 01:02:03 my_host my_app[a_b]: text"]


def test_r9_severity_differs_from_message_to_message_and_time_has_microseconds(
    syslog_receiver: SyslogReceiver,
) -> None:
    with client_of(syslog_receiver) as client:
        for severity in (syslogclient.SEV_EMERGENCY, "warning", syslogclient.SEV_DEBUG):
            client.log("text", "local7", severity, WHEN)
        with pytest.raises(InvalidMessageError, match="severity"):
            client.log("text", severity=8)
    messages = syslog_receiver.messages
    assert [message.severity for message in messages] == [0, 4, 7]
    assert {message.facility for message in messages} == {syslogclient.FAC_LOCAL7}
    assert messages[0].timestamp == "2026-11-03T09:05:07.120000+00:00"
