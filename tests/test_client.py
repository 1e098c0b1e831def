"""``SyslogClient`` over real sockets, read by the kit's strict parser."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from sls_syslog import (
    ConnectError,
    Facility,
    InvalidMessageError,
    SendError,
    SettingsError,
    Severity,
    ShipperSettings,
    SyslogClient,
    SyslogMessage,
    UnconfirmedError,
)
from sls_syslog.network.destination import known_destinations
from sls_syslog.testing import SyslogReceiver, TemporaryCA
from tests.support.peers import hold_closed_port
from tests.support.processes import program

WHEN = datetime(2026, 11, 3, 9, 5, 7, 120000, timezone(timedelta(hours=5, minutes=30)))


@pytest.fixture
def trust(receiver: SyslogReceiver, temporary_ca: TemporaryCA) -> dict[str, Any]:
    return {"cert_path": temporary_ca.cert_path} if receiver.protocol == "tls" else {}


def client_for(receiver: SyslogReceiver, **settings: Any) -> SyslogClient:
    settings.setdefault("timeout", 10)
    return SyslogClient.from_settings({**receiver.settings(), **settings})


def test_all_parts_of_a_message_arrive(receiver: SyslogReceiver, trust: dict[str, Any]) -> None:
    with client_for(receiver, **trust) as client:
        client.log(
            "用户登录 ok",
            facility=Facility.LOCAL4,
            severity="err",
            timestamp=WHEN,
            hostname="web-1",
            app_name="portal",
            procid=4711,
            msgid="LOGIN",
            structured_data={"user@32473": {"name": '张三 "x"]\\'}},
        )
    receiver.wait_for(1)
    (message,) = receiver.messages
    assert (message.facility, message.severity) == (20, 3)
    assert message.timestamp == "2026-11-03T09:05:07.120000+05:30"
    assert (message.hostname, message.app_name) == ("web-1", "portal")
    assert (message.procid, message.msgid) == ("4711", "LOGIN")
    assert message.structured_data == {"user@32473": [("name", '张三 "x"]\\')]}
    assert message.msg == "用户登录 ok"


def test_rfc3164_carries_what_it_has_room_for(receiver: SyslogReceiver, trust: Any) -> None:
    settings = {"syslog_format": "rfc3164", "timezone": "+05:30"}
    with client_for(receiver, **settings, **trust) as client:
        client.log("用户登录", timestamp=WHEN, hostname="web-1", app_name="portal", procid="9")
    (frame,) = receiver.wait_for(1)
    assert frame.decode() == "<14>Nov  3 09:05:07 web-1 portal[9]: 用户登录"


def test_what_is_not_given_comes_from_the_settings(
    receiver: SyslogReceiver, trust: dict[str, Any]
) -> None:
    defaults = {"facility": "cron", "severity": 2, "hostname": "h", "tag": "t"}
    with client_for(receiver, **defaults, **trust) as client:
        client.log("x", timestamp=WHEN)
    receiver.wait_for(1)
    (message,) = receiver.messages
    assert (message.facility, message.severity) == (9, 2)
    assert (message.hostname, message.app_name) == ("h", "t")


def test_a_thousand_messages_are_sent_at_once_and_in_order(
    receiver: SyslogReceiver, trust: dict[str, Any]
) -> None:
    with client_for(receiver, **trust) as client:
        client.send_many(SyslogMessage(message=f"number {n}") for n in range(1000))
    receiver.wait_for(1000)
    assert [message.msg for message in receiver.messages] == [f"number {n}" for n in range(1000)]


@pytest.mark.parametrize("framing", ["newline", "octet-counting"])
def test_no_message_becomes_two(framing: str) -> None:
    with SyslogReceiver(framing=framing) as receiver:
        with client_for(receiver, framing=framing) as client:
            client.log("one\nline\r\n\x00end\u2028", severity=Severity.INFO)
            client.log("two")
        receiver.wait_for(2)
        assert [message.msg for message in receiver.messages] == [
            r"one\nline\r\n\u0000end\u2028",
            "two",
        ]


def test_octet_counting_can_keep_line_feeds() -> None:
    with SyslogReceiver(framing="octet-counting") as receiver:
        with client_for(receiver, framing="octet-counting", newlines="keep") as client:
            client.log("one\nmessage 中文")
            client.log("two")
        receiver.wait_for(2)
        assert [message.msg for message in receiver.messages] == ["one\nmessage 中文", "two"]


def test_a_naive_time_is_local(syslog_receiver: SyslogReceiver) -> None:
    naive = datetime(2026, 7, 1, 12, 0)
    with client_for(syslog_receiver, timezone="UTC") as client:
        client.log("x", timestamp=naive)
    syslog_receiver.wait_for(1)
    assert syslog_receiver.messages[0].datetime == naive.astimezone()


def test_an_illegal_part_is_refused_and_nothing_is_sent(syslog_receiver: SyslogReceiver) -> None:
    with client_for(syslog_receiver) as client:
        with pytest.raises(InvalidMessageError, match=r"app_name.*48.*my app.*RFC 5424"):
            client.log("x", app_name="my app")
        with pytest.raises(InvalidMessageError, match="timestamp"):
            client.log("x", timestamp="2026-11-23")  # type: ignore[arg-type]
        client.log("fine")
    syslog_receiver.wait_for(1)
    assert [message.msg for message in syslog_receiver.messages] == ["fine"]


def test_a_closed_port_is_an_error_that_names_the_receiver() -> None:
    with (
        hold_closed_port() as port,
        pytest.raises(ConnectError, match=rf"tcp://127.0.0.1:{port}: .*refused"),
    ):
        SyslogClient("127.0.0.1", port, timeout=5).log("x")


def test_a_name_without_an_address_is_an_error() -> None:
    with pytest.raises(ConnectError, match=r"tcp://no.such.name.invalid:514"):
        SyslogClient("no.such.name.invalid", timeout=5).log("x")


def test_a_receiver_that_closes_is_noticed_before_the_next_message_is_lost(
    syslog_receiver: SyslogReceiver,
) -> None:
    client = client_for(syslog_receiver)
    client.log("first")
    syslog_receiver.wait_for(1)
    syslog_receiver.reset_connections()
    with pytest.raises(SendError):
        client.log("second")
    with pytest.raises(UnconfirmedError):
        client.confirm()
    client.close()


def test_what_is_in_doubt_stays_in_doubt_until_it_is_given_up(
    syslog_receiver: SyslogReceiver,
) -> None:
    client = client_for(syslog_receiver)
    client.log("first")
    syslog_receiver.wait_for(1)
    syslog_receiver.reset_connections()
    for _ in range(2):  # a new connection now would hide that "first" may be lost
        with pytest.raises(SendError):
            client.log("second")
    client.close()
    client.log("second again")
    client.confirm()
    client.close()
    assert syslog_receiver.messages[-1].msg == "second again"


def test_after_a_confirmation_a_new_connection_is_made_without_a_word(
    syslog_receiver: SyslogReceiver,
) -> None:
    with client_for(syslog_receiver) as client:
        client.log("one")
        client.confirm()
        assert [message.msg for message in syslog_receiver.messages] == ["one"]
        client.log("two")
    assert [message.msg for message in syslog_receiver.messages] == ["one", "two"]
    assert syslog_receiver.used_connections == 2


def test_leaving_the_block_raises_when_the_receiver_does_not_have_the_message(
    syslog_receiver: SyslogReceiver,
) -> None:
    syslog_receiver.answer_half_close = False
    with (
        pytest.raises(UnconfirmedError, match=r"consumed.*nothing for 0.3 s"),
        client_for(syslog_receiver, confirm="consumed", timeout=0.3) as client,
    ):
        client.log("x")


def test_a_with_block_that_fails_is_not_confirmed(syslog_receiver: SyslogReceiver) -> None:
    with pytest.raises(RuntimeError, match="mine"), client_for(syslog_receiver) as client:
        client.log("sent all the same")
        syslog_receiver.wait_for(1)
        syslog_receiver.reset_connections()
        raise RuntimeError("mine")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"protocol": "tlss"}, ["protocol", "tlss", "'tls'"]),
        ({"port": "x"}, ["port", "65535", "'x'"]),
        ({"payload": "json"}, ["payload", "unknown"]),
        ({"hsot": "siem"}, ["hsot", "'host'"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_refused_before_anything_is_connected(
    syslog_receiver: SyslogReceiver, wrong: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        SyslogClient.from_settings({**syslog_receiver.settings(), **wrong})
    for word in words:
        assert word in str(caught.value)
    assert syslog_receiver.connections == 0


def test_a_shipper_s_settings_will_do_for_a_client(syslog_receiver: SyslogReceiver) -> None:
    settings = ShipperSettings.from_mapping({**syslog_receiver.settings(), "payload": "json"})
    with SyslogClient.from_settings(settings) as client:
        client.log("x")
    assert len(syslog_receiver.frames) == 1


@pytest.mark.parametrize("message", ["text", b"bytes", None, {"message": "text"}])
def test_what_is_no_message_is_refused_before_anything_is_sent(
    message: Any, syslog_receiver: SyslogReceiver
) -> None:
    client = SyslogClient(**syslog_receiver.settings())
    with client, pytest.raises(InvalidMessageError, match="expected a SyslogMessage"):
        client.send_many([SyslogMessage(message="first"), message])
    assert syslog_receiver.connections == 0


def test_a_client_of_several_receivers_needs_no_host(syslog_receiver: SyslogReceiver) -> None:
    hosts = f"127.0.0.1:{syslog_receiver.port},127.0.0.1:1"
    with SyslogClient(hosts=hosts, protocol="tcp") as client:
        client.log("hello", severity="notice")
    assert len(syslog_receiver.wait_for(1)) == 1


# --- a client in a process that was forked ------------------------------------------

FORK = """
import json, os, sys
from sls_syslog import SyslogClient, SyslogError

settings, is_confirmed = json.loads(sys.argv[1]), sys.argv[2] == "confirmed"
with SyslogClient.from_settings(settings) as client:
    client.log("parent 1")
    if is_confirmed:
        client.confirm()
    child = os.fork()
    if not child:
        try:
            client.log("child 1")
        except SyslogError as error:
            print(error, flush=True)
        client.close()
        client.log("child 2")
        client.confirm()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    client.log("parent 2")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_client_that_was_forked_leaves_the_connection_to_its_parent(
    receiver: SyslogReceiver, trust: dict[str, Any], is_confirmed: bool
) -> None:
    settings = json.dumps({**receiver.settings(), **trust, "timeout": 10})
    with program("-c", FORK, settings, "confirmed" if is_confirmed else "sent") as run:
        assert run.wait() == 0, run.output()
        output = run.output()
    is_told = not is_confirmed and receiver.protocol != "udp"
    assert ("before os.fork()" in output) == is_told
    expected = ["child 2", "parent 1", "parent 2"] + ["child 1"] * (not is_told)
    receiver.wait_for(len(expected))
    assert sorted(message.msg for message in receiver.messages) == sorted(expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_takes_no_knowledge_of_receivers_along() -> None:
    """Not even a lock that another thread held."""
    known_destinations.find("tcp://siem.example:514")
    known_destinations._lock.acquire()
    before = known_destinations._lock
    try:
        known_destinations.leave_to_parent()  # as the hook of os.fork() does
        assert known_destinations.find("tcp://siem.example:514").name
    finally:
        before.release()
