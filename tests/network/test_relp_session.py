"""RELP without a network: frames as a strict reader of our own reads them, and hostile answers."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.network.relp_codec import FrameReader, RelpError, RelpFrame, RelpResponse
from sls_syslog.network.relp_session import RelpSession
from tests.support.relp import ACCEPTED, BreachError, Command, read_commands

LAST = 999_999_999
numbers = st.integers(0, LAST)
commands = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=32)
frames = st.builds(RelpFrame, numbers, commands.map(str.encode), st.binary(max_size=50))


def encode(frame: RelpFrame) -> bytes:
    """As the grammar says, in another way than the library's."""
    space = b" " if frame.data else b""
    head = b"%d %b %d" % (frame.txnr, frame.command, len(frame.data))
    return b"".join([head, space, frame.data, b"\n"])


def read_strictly(stream: bytes) -> list[Command]:
    file = io.BytesIO(stream)
    return list(read_commands(lambda: file.read(1)))


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(edges)]


@given(st.lists(st.binary(max_size=100), max_size=20), st.sampled_from([1, 99, LAST - 3]))
def test_a_strict_reader_finds_the_messages_in_order(messages: list[bytes], first: int) -> None:
    session = RelpSession(first)
    sent = [session.open(), *session.wrap(messages), session.close()]
    found = read_strictly(b"".join(sent))
    assert [command.data for command in found[1:-1]] == messages
    assert [command.name for command in found] == [b"open", *[b"syslog"] * len(messages), b"close"]
    steps = [after - before for before, after in pairwise(command.txnr for command in found)]
    assert set(steps) <= {1, 1 - LAST}  # after the largest number comes 1: 0 is for hints
    assert all(1 <= command.txnr <= LAST for command in found)


@given(st.lists(frames, max_size=10), st.lists(st.integers(0), max_size=10))
def test_frames_are_found_however_they_are_cut(sent: list[RelpFrame], places: list[int]) -> None:
    reader = FrameReader()
    pieces = cut(b"".join(map(encode, sent)), places)
    assert [frame for piece in pieces for frame in reader.feed(piece)] == sent


@given(
    st.lists(st.binary(max_size=20) | st.sampled_from([b"1 ", b"rsp ", b"3", b" 200", b"\n", b"0"]))
)
def test_what_is_not_relp_is_refused_as_the_strict_reader_does(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)
    reader = FrameReader()
    try:
        found = [frame for piece in pieces for frame in reader.feed(piece)]
    except RelpError:
        with pytest.raises(BreachError):
            read_strictly(stream)
    else:
        whole = b"".join(map(encode, found))
        # Numbers may have zeros before them, so only the frames are compared.
        complete = [Command(one.txnr, one.command, one.data) for one in found]
        assert read_strictly(whole) == complete


@pytest.mark.parametrize(
    "answer",
    [
        b"1 rsp 999999999 x",
        b"1 rsp 16385 ",
        b"1234567890 rsp 0\n",
        b"1 r\xe4p 0\n",
        b"1 " + b"a" * 33 + b" 0\n",
        b"HTTP/1.1 400 Bad Request",
        b"\n",
        b"1 rsp 3 200\r\n",
        b"1 rsp 3\n",
        b"1 rsp 0 \n",
    ],
)
def test_an_answer_that_breaks_the_grammar_or_is_too_long_is_an_error(answer: bytes) -> None:
    with pytest.raises(RelpError):
        FrameReader().feed(answer)


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [(b"200 OK", 200, "OK"), (b"500", 500, ""), (b"500 no\nmore", 500, "no"), (b"200 ", 200, "")],
)
def test_a_response_has_a_code_and_a_text(data: bytes, code: int, text: str) -> None:
    response = RelpResponse.parse(data)
    assert (response.code, response.text) == (code, text)


@pytest.mark.parametrize("data", [b"", b"OK", b"2000 OK", b"20", b"+200 OK", b"200OK"])
def test_a_response_without_a_code_is_no_response(data: bytes) -> None:
    with pytest.raises(RelpError, match="no code"):
        RelpResponse.parse(data)


def respond(txnr: int, data: bytes = b"200 OK") -> bytes:
    return b"%d rsp %d %b\n" % (txnr, len(data), data)


def open_session() -> RelpSession:
    session = RelpSession()
    session.open()
    session.receive(respond(1, ACCEPTED))
    assert session.is_open
    return session


def test_only_the_first_answers_without_a_gap_count_as_acknowledged() -> None:
    session = open_session()
    session.wrap([b"a", b"b", b"c", b"d"])
    assert (session.acknowledged, session.in_flight) == (0, 4)
    session.receive(respond(3) + respond(4))  # the specification allows any order
    assert (session.acknowledged, session.in_flight) == (0, 2)
    session.receive(respond(2))
    assert (session.acknowledged, session.in_flight) == (3, 1)
    session.receive(respond(5))
    assert (session.acknowledged, session.in_flight) == (4, 0)
    session.start_count()
    assert session.acknowledged == 0


def test_a_refused_message_is_not_acknowledged_nor_is_what_follows() -> None:
    session = open_session()
    session.wrap([b"a", b"b", b"c"])
    session.receive(respond(2) + respond(3, b"500 no room") + respond(4))
    assert (session.acknowledged, session.in_flight) == (1, 0)
    assert session.refusal == "'500 no room' to the one of 1 bytes that begins b'b'"


@pytest.mark.parametrize("txnr", [0, 1, 3, 999])
def test_an_answer_to_nothing_is_an_error(txnr: int) -> None:
    session = open_session()
    session.wrap([b"a"])
    with pytest.raises(RelpError, match="not in flight"):
        session.receive(respond(txnr))
    assert session.acknowledged == 0


def test_an_answer_that_comes_twice_is_an_error() -> None:
    session = open_session()
    session.wrap([b"a"])
    with pytest.raises(RelpError):
        session.receive(respond(2) * 2)


def test_a_command_of_the_receiver_is_an_error_and_its_hints_are_not() -> None:
    session = open_session()
    session.receive(b"0 somehint 3 abc\n")
    assert not session.has_ended
    session.receive(b"0 serverclose 0\n")
    assert session.has_ended
    with pytest.raises(RelpError, match="command 'syslog'"):
        session.receive(b"7 syslog 1 x\n")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"500 not you", "refuses the session: '500 not you'"),
        (b"200 OK", "no version"),
        (b"200 OK\nrelp_version=2\ncommands=syslog", "no version"),
        (b"200 OK\nrelp_version=1", "does not take syslog"),
        (b"200 OK\nrelp_version=1\ncommands=eventlog", "does not take syslog"),
    ],
)
def test_a_session_that_cannot_carry_syslog_is_not_opened(data: bytes, problem: str) -> None:
    session = RelpSession()
    session.open()
    with pytest.raises(RelpError, match=problem):
        session.receive(respond(1, data))
    assert not session.is_open


@pytest.mark.parametrize("version", [b"0", b"1", b"1,2"])
def test_both_versions_are_accepted(version: bytes) -> None:
    session = RelpSession()
    session.open()
    session.receive(respond(1, b"200 OK\ncommands=eventlog,syslog\nrelp_version=" + version))
    assert session.is_open


def test_the_window_is_bounded_by_number_and_by_bytes() -> None:
    session = open_session()
    assert len(session.wrap([b"a"] * 3000)) == 2048
    session = open_session()
    assert session.has_much_room(2**30)  # alone, any message has room
    assert len(session.wrap([b"a" * 100_000] * 20)) == 10
    assert session.wrap([b"a" * 100_000]) == []
    session = RelpSession(most_messages=3, most_bytes=10)
    assert len(session.wrap([b"", b"", b"", b""])) == 3
    session = RelpSession(most_messages=3, most_bytes=10)
    assert len(session.wrap([b"a" * 50, b""])) == 1


def test_half_of_the_window_is_free_before_more_is_sent() -> None:
    session = open_session()
    session.wrap([b"a"] * 2048)
    for txnr in range(2, 2048 // 2 + 2):
        assert not session.has_much_room(1)
        session.receive(respond(txnr))
    assert session.has_much_room(1)
    assert not session.has_much_room(2**20)


@given(st.integers(1, 30), st.integers(0, 30))
def test_numbers_begin_again_at_one(before_the_end: int, answered: int) -> None:
    session = RelpSession(LAST - before_the_end)
    session.open()
    session.receive(respond(LAST - before_the_end, ACCEPTED))
    session.wrap([b"%d" % number for number in range(30)])
    numbers = [(LAST - before_the_end + place) % LAST + 1 for place in range(30)]
    session.receive(b"".join(respond(number) for number in numbers[:answered]))
    assert (session.acknowledged, session.in_flight) == (answered, 30 - answered)
