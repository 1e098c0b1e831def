"""Both framings, taken apart again by the deframers of the testing kit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.syslog.framing import FRAMINGS
from sls_syslog.testing.deframer import Deframer, NewlineDeframer, OctetCountingDeframer


@pytest.mark.parametrize(
    ("framing", "message", "frame"),
    [
        ("newline", b"<14>1 x", b"<14>1 x\n"),
        ("octet-counting", b"<14>1 x", b"7 <14>1 x"),
        ("octet-counting", "<14>1 ä日".encode(), b"11 <14>1 \xc3\xa4\xe6\x97\xa5"),
        ("octet-counting", b"a\nb%d\n", b"6 a\nb%d\n"),
        (None, b"<14>1 x", b"<14>1 x"),
    ],
)
def test_a_message_is_framed(framing: str | None, message: bytes, frame: bytes) -> None:
    assert FRAMINGS[framing](message) == frame


def taken_apart(deframer: Deframer, stream: bytes) -> list[bytes]:
    frames = deframer.feed(stream)
    deframer.finish()
    return frames


@given(st.lists(st.binary(min_size=1, max_size=200)))
def test_octet_counting_keeps_any_bytes_apart(messages: list[bytes]) -> None:
    stream = b"".join(map(FRAMINGS["octet-counting"], messages))
    assert taken_apart(OctetCountingDeframer(), stream) == messages


@given(st.lists(st.binary(max_size=200).map(lambda text: text.replace(b"\n", b""))))
def test_a_line_feed_keeps_lines_apart(messages: list[bytes]) -> None:
    stream = b"".join(map(FRAMINGS["newline"], messages))
    assert taken_apart(NewlineDeframer(), stream) == messages


@pytest.mark.parametrize("size", [1, 9, 10, 99, 100, 9_999, 10_000, 1_000_000])
def test_a_count_is_right_where_it_grows_a_digit(size: int) -> None:
    frame = FRAMINGS["octet-counting"](b"x" * size)
    count, _, message = frame.partition(b" ")
    assert (int(count), len(message)) == (size, size)
