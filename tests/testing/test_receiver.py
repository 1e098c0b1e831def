"""The receiver over real sockets, with peers written by hand."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from sls_syslog.testing.certificates import TemporaryCA
from sls_syslog.testing.deframer import FramingError
from sls_syslog.testing.grammar import GrammarError
from sls_syslog.testing.receiver import SyslogReceiver
from tests.support.peers import reset_on_close
from tests.support.waiting import eventually

LINE = b"<14>1 2026-11-23T03:15:00Z host app - - - message"
TIMEOUT = 10.0


@pytest.fixture
def open_receiver(authority: TemporaryCA) -> Iterator[Callable[..., SyslogReceiver]]:
    with ExitStack() as stack:

        def start(protocol: str = "tcp", **options: object) -> SyslogReceiver:
            if protocol == "tls":
                options.setdefault("ssl_context", authority.server_context())
            return stack.enter_context(SyslogReceiver(protocol, **options))  # type: ignore[arg-type]

        yield start
    left = [thread.name for thread in threading.enumerate() if "syslog-receiver" in thread.name]
    assert left == []


OpenReceiver = Callable[..., SyslogReceiver]


def connected(receiver: SyslogReceiver) -> socket.socket:
    return socket.create_connection((receiver.host, receiver.port), timeout=TIMEOUT)


def connected_with_tls(receiver: SyslogReceiver, authority: TemporaryCA) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=authority.cert_path)
    return context.wrap_socket(
        connected(receiver), server_hostname=receiver.host, suppress_ragged_eofs=False
    )


def connected_over(
    protocol: str, receiver: SyslogReceiver, authority: TemporaryCA
) -> socket.socket:
    return connected_with_tls(receiver, authority) if protocol == "tls" else connected(receiver)


def half_close_and_wait(peer: socket.socket) -> bytes:
    """What comes after our end-of-stream; nothing is the answer of a clean close."""
    peer.shutdown(socket.SHUT_WR)
    return peer.recv(100)


def reset(peer: socket.socket) -> None:
    reset_on_close(peer)
    peer.close()


def drain(peer: socket.socket) -> None:
    """Read to the end below TLS, whose own read calls a reset SSLEOFError before Python 3.13."""
    while socket.socket.recv(peer, 10_000):
        pass


def all_closed(receiver: SyslogReceiver) -> Callable[[], bool]:
    return lambda: receiver.connections > 0 and receiver.open_connections == 0


def test_frames_come_in_order_and_a_half_close_is_answered(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver()
    sent = [LINE + b" %d" % i for i in range(10_000)]
    with connected(receiver) as peer:
        peer.sendall(b"".join(line + b"\n" for line in sent))
        assert half_close_and_wait(peer) == b""
        # The answer is the receipt: everything has been read when it comes.
        assert receiver.frames == sent
    receiver.wait_until(all_closed(receiver))
    assert receiver.errors == []
    assert receiver.connections == 1
    assert receiver.messages[-1].msg == "message 9999"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_answers_close_notify_when_everything_was_read(
    open_receiver: OpenReceiver, authority: TemporaryCA, version: ssl.TLSVersion
) -> None:
    context = authority.server_context(minimum_version=version, maximum_version=version)
    receiver = open_receiver("tls", ssl_context=context)
    sent = [LINE + b" %d" % i for i in range(10_000)]
    with connected_with_tls(receiver, authority) as peer:
        peer.sendall(b"".join(b"%d %s" % (len(line), line) for line in sent))
        with peer.unwrap() as plain:  # returns when the peer's close_notify has come
            assert receiver.frames == sent
            assert plain.recv(1) == b""
    receiver.wait_until(all_closed(receiver))
    assert receiver.errors == []


def test_each_datagram_is_a_frame(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver("udp")
    sent = [b"", LINE + b"\n", b"<14>" + b"x" * 60_000, LINE]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for datagram in sent:
            peer.sendto(datagram, (receiver.host, receiver.port))
    assert receiver.wait_for(len(sent)) == sent
    assert receiver.connections == 0


def test_auto_framing_is_decided_for_each_connection(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver()
    for stream in (LINE + b"\n", b"%d %s" % (len(LINE), LINE)):
        with connected(receiver) as peer:
            peer.sendall(stream)
            assert half_close_and_wait(peer) == b""
    assert receiver.frames == [LINE, LINE]
    assert receiver.connections == 2


def test_an_explicit_framing_holds_a_sender_to_it(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver(framing="octet-counting")
    with connected(receiver) as peer:
        peer.sendall(b"4 <14>" + LINE + b"\n")
        receiver.wait_until(all_closed(receiver))
    assert receiver.frames == [b"<14>"]
    (error,) = receiver.errors
    assert isinstance(error, FramingError)
    assert error.partial == LINE + b"\n"


def test_a_frame_cut_off_by_the_end_is_an_error_known_before_the_answer(
    open_receiver: OpenReceiver,
) -> None:
    receiver = open_receiver()
    with connected(receiver) as peer:
        peer.sendall(LINE + b"\n" + LINE[:20])
        assert half_close_and_wait(peer) == b""
        (error,) = receiver.errors
    assert isinstance(error, FramingError)
    assert error.partial == LINE[:20]
    assert receiver.frames == [LINE]
    receiver.clear()
    assert (receiver.frames, receiver.errors) == ([], [])


def test_a_malformed_frame_is_kept_and_refused_when_read(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver()
    with connected(receiver) as peer:
        peer.sendall(LINE + b"\n<14>1 oops\n")
        assert len(receiver.wait_for(2)) == 2
    with pytest.raises(GrammarError, match="TIMESTAMP"):
        _ = receiver.messages


def test_a_wait_for_too_many_says_how_many_came(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver()
    with connected(receiver) as peer:
        peer.sendall(b"<14>first\n<14>last\n")
        receiver.wait_for(2)
        with pytest.raises(TimeoutError, match=r"2 of 3 frames .* the last is b'<14>last'"):
            receiver.wait_for(3, timeout=0.01)
        with pytest.raises(TimeoutError, match="1 of 1 connections open, 2 frames"):
            receiver.wait_until(lambda: False, timeout=0.01)


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_a_reset_by_the_peer_is_counted(
    open_receiver: OpenReceiver, authority: TemporaryCA, protocol: str
) -> None:
    receiver = open_receiver(protocol)
    peer = connected_over(protocol, receiver, authority)
    peer.sendall(LINE + b"\n")
    receiver.wait_for(1)
    reset(peer)
    receiver.wait_until(all_closed(receiver))
    assert receiver.resets == 1
    assert [type(error) for error in receiver.errors] == [ConnectionResetError]


def test_tls_that_ends_without_close_notify_is_an_error(
    open_receiver: OpenReceiver, authority: TemporaryCA
) -> None:
    receiver = open_receiver("tls")
    with connected_with_tls(receiver, authority) as peer:
        peer.sendall(LINE + b"\n")
        receiver.wait_for(1)
        peer.shutdown(socket.SHUT_WR)  # of the TCP connection under the TLS
        receiver.wait_until(all_closed(receiver))
    eventually(lambda: bool(receiver.errors))  # noted after the end
    assert [type(error) for error in receiver.errors] == [ssl.SSLEOFError]


def test_a_failed_handshake_is_an_error(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver("tls")
    with connected(receiver) as peer:
        peer.sendall(LINE + b"\n")
        receiver.wait_until(all_closed(receiver))
    eventually(lambda: bool(receiver.errors))  # noted after the end
    assert [type(error) for error in receiver.errors] == [ssl.SSLError]
    assert receiver.frames == []


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_a_paused_receiver_reads_nothing_until_it_resumes(
    open_receiver: OpenReceiver, authority: TemporaryCA, protocol: str
) -> None:
    receiver = open_receiver(protocol)
    with connected_over(protocol, receiver, authority) as peer:
        peer.sendall(LINE + b"\n")
        receiver.wait_for(1)
        receiver.pause()
        peer.sendall((LINE + b"\n") * 999)
        with pytest.raises(TimeoutError):
            receiver.wait_for(2, timeout=0.05)
        receiver.resume()
        assert receiver.wait_for(1000) == [LINE] * 1000


def test_a_pause_reaches_the_sender_through_small_buffers(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver(receive_buffer_bytes=4096)
    receiver.pause()
    with connected(receiver) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        peer.settimeout(0.1)
        with pytest.raises(TimeoutError):
            peer.sendall(b"x" * 1_000_000)


def test_a_paused_tls_receiver_accepts_but_does_not_shake_hands(
    open_receiver: OpenReceiver, authority: TemporaryCA
) -> None:
    receiver = open_receiver("tls")
    receiver.pause()
    context = ssl.create_default_context(cafile=authority.cert_path)
    with connected(receiver) as peer:
        peer.settimeout(0.1)
        with pytest.raises(TimeoutError):
            context.wrap_socket(peer, server_hostname=receiver.host)
    receiver.resume()


def test_a_paused_udp_receiver_reads_nothing_until_it_resumes(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver("udp")
    receiver.pause()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(LINE, (receiver.host, receiver.port))
    with pytest.raises(TimeoutError, match="0 of 1"):
        receiver.wait_for(1, timeout=0.05)
    receiver.resume()
    assert receiver.wait_for(1) == [LINE]


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_connections_are_reset_on_demand_with_what_was_not_read_lost(
    open_receiver: OpenReceiver, authority: TemporaryCA, protocol: str
) -> None:
    receiver = open_receiver(protocol)
    with connected_over(protocol, receiver, authority) as peer:
        peer.sendall(LINE + b"\n")
        receiver.wait_for(1)
        receiver.pause()
        peer.sendall(LINE + b"\n")
        receiver.reset_connections()
        with pytest.raises(ConnectionResetError):
            drain(peer)
    receiver.resume()
    assert receiver.open_connections == 0
    assert receiver.frames == [LINE]
    assert receiver.errors == []


def test_a_connection_without_unread_bytes_is_reset_as_well(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver()
    with connected(receiver) as peer:
        peer.sendall(LINE + b"\n")
        receiver.wait_for(1)
        receiver.reset_connections()
        with pytest.raises(ConnectionResetError):
            drain(peer)


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_a_half_close_is_left_unanswered_on_demand(
    open_receiver: OpenReceiver, authority: TemporaryCA, protocol: str
) -> None:
    receiver = open_receiver(protocol, answer_half_close=False)
    with connected_over(protocol, receiver, authority) as peer:
        peer.sendall(LINE + b"\n")
        peer.settimeout(0.1)
        with pytest.raises(TimeoutError):
            _ = peer.unwrap() if isinstance(peer, ssl.SSLSocket) else half_close_and_wait(peer)
        assert receiver.frames == [LINE]
        assert receiver.open_connections == 1
        receiver.reset_connections()
        assert receiver.open_connections == 0
    assert receiver.errors == []


def test_a_stopped_listener_refuses_and_listens_again_on_its_port(
    open_receiver: OpenReceiver,
) -> None:
    receiver = open_receiver()
    port = receiver.port
    with connected(receiver) as old:
        old.sendall(LINE + b"\n")
        receiver.wait_for(1)
        receiver.stop_listening()
        with pytest.raises(ConnectionRefusedError):
            connected(receiver)
        old.sendall(LINE + b"\n")
        receiver.wait_for(2)
        receiver.listen_again()
        assert receiver.port == port
        with connected(receiver) as new:
            new.sendall(LINE + b"\n")
            receiver.wait_for(3)


def test_a_udp_receiver_listens_again_on_its_port(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver("udp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(TIMEOUT)
        peer.connect((receiver.host, receiver.port))
        receiver.pause()
        receiver.stop_listening()
        receiver.resume()
        peer.send(LINE)
        with pytest.raises(ConnectionRefusedError):
            peer.recv(1)
        receiver.listen_again()
        peer.send(LINE)
        assert receiver.wait_for(1) == [LINE]


def test_a_slow_receiver_reads_in_small_steps(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver(bytes_per_second=1000)
    with connected(receiver) as peer:
        peer.sendall((LINE + b"\n") * 2000)
        frames = receiver.wait_for(2)
        assert len(frames) < 100
        receiver.bytes_per_second = None
        receiver.wait_for(2000)


def test_many_connections_at_once_lose_nothing(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver()

    def lines(number: int) -> list[bytes]:
        return [b"<14>%d %d %s" % (number, i, b"x" * 100) for i in range(500)]

    def send(number: int) -> None:
        with connected(receiver) as peer:
            peer.sendall(b"".join(line + b"\n" for line in lines(number)))
            half_close_and_wait(peer)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    frames = receiver.wait_for(20_000)
    for number in range(40):
        own = [frame for frame in frames if frame.startswith(b"<14>%d " % number)]
        assert own == lines(number)
    assert receiver.connections == 40
    receiver.wait_until(all_closed(receiver))
    assert receiver.errors == []


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_a_receiver_stops_with_connections_in_every_state(
    authority: TemporaryCA, protocol: str
) -> None:
    context = authority.server_context() if protocol == "tls" else None
    receiver = SyslogReceiver(protocol, ssl_context=context, answer_half_close=False).start()
    with ExitStack() as stack:
        idle = stack.enter_context(connected(receiver))  # under TLS: before the handshake
        silent = stack.enter_context(connected(receiver))
        silent.shutdown(socket.SHUT_WR)
        receiver.wait_until(lambda: receiver.connections == 2)
        receiver.pause()
        paused = stack.enter_context(connected(receiver))
        paused.sendall(LINE + b"\n")
        receiver.wait_until(lambda: receiver.connections == 3)
        receiver.stop()
        assert receiver.open_connections == 0
        drain(idle)  # under TLS the alert with which the handshake is given up
        receiver.stop()


def test_a_stopped_receiver_can_be_started_again() -> None:
    receiver = SyslogReceiver()
    for count in (1, 2):
        with receiver, connected(receiver) as peer:
            peer.sendall(LINE + b"\n")
            receiver.wait_for(count)


def test_a_port_that_is_taken_is_an_error(open_receiver: OpenReceiver) -> None:
    taken = open_receiver().port
    with pytest.raises(OSError, match="in use"):
        SyslogReceiver(port=taken).start()


def test_settings_and_environment_name_the_receiver(open_receiver: OpenReceiver) -> None:
    receiver = open_receiver()
    assert receiver.settings() == {"host": "127.0.0.1", "port": receiver.port, "protocol": "tcp"}
    counting = open_receiver(framing="octet-counting")
    assert counting.settings()["framing"] == "octet-counting"
    assert counting.environ() == {
        "SYSLOG_HOST": "127.0.0.1",
        "SYSLOG_PORT": str(counting.port),
        "SYSLOG_PROTOCOL": "tcp",
        "SYSLOG_FRAMING": "octet-counting",
    }


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"protocol": "tlss"}, "protocol"),
        ({"protocol": "tls"}, "ssl_context"),
        ({"ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}, "ssl_context"),
        ({"protocol": "udp", "framing": "newline"}, "framing"),
        ({"framing": "nul"}, "framing"),
    ],
)
def test_contradictory_arguments_are_refused(options: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        SyslogReceiver(**options)  # type: ignore[arg-type]
