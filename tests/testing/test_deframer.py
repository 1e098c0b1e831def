"""However a stream is cut on its way, the same frames come out of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.testing.deframer import AutoDeframer, Deframer, FramingError, make_deframer

FRAMES = [b"<14>1 - - - - - - one", b"<14>", "<14>日本".encode(), b"<1>12 34 <5>6"]


def newline(frames: list[bytes]) -> bytes:
    return b"".join(frame + b"\n" for frame in frames)


def frame_by_octet_count(frames: list[bytes]) -> bytes:
    return b"".join(b"%d %s" % (len(frame), frame) for frame in frames)


WRITERS = {"newline": newline, "octet-counting": frame_by_octet_count}


def fed(deframer: Deframer, chunks: list[bytes]) -> tuple[list[bytes], str, bytes]:
    """The frames, and how it ended: the error and the bytes that belong to no frame."""
    frames: list[bytes] = []
    try:
        for chunk in chunks:
            frames += deframer.feed(chunk)
        deframer.finish()
    except FramingError as error:
        return frames + error.frames, str(error).partition(":")[0], error.partial
    return frames, "", b""


@pytest.mark.parametrize("framing", WRITERS)
@pytest.mark.parametrize("auto", [False, True])
def test_a_stream_cut_anywhere_gives_the_same_frames(framing: str, auto: bool) -> None:
    stream = WRITERS[framing](FRAMES)
    for at in range(len(stream) + 1):
        deframer = make_deframer(None if auto else framing)
        assert fed(deframer, [stream[:at], stream[at:]]) == (FRAMES, "", b"")
    byte_by_byte = [stream[at : at + 1] for at in range(len(stream))]
    assert fed(make_deframer(framing), byte_by_byte) == (FRAMES, "", b"")


@given(
    framing=st.sampled_from(list(WRITERS)),
    bodies=st.lists(st.binary(min_size=0, max_size=300)),
    data=st.data(),
)
def test_random_frames_in_random_chunks_come_out_whole(
    framing: str, bodies: list[bytes], data: st.DataObject
) -> None:
    unbreakable = {"newline": b"", "octet-counting": b"\n"}[framing]
    frames = [b"<" + body.replace(b"\n", unbreakable) for body in bodies]
    stream = WRITERS[framing](frames)
    sizes = data.draw(st.lists(st.integers(min_value=0, max_value=200)))
    chunks = []
    for size in sizes:
        chunks.append(stream[:size])
        stream = stream[size:]
    assert fed(make_deframer(None), [*chunks, stream]) == (frames, "", b"")


@given(stream=st.binary(max_size=60), cut=st.integers(min_value=0, max_value=60))
@pytest.mark.parametrize("framing", [None, *WRITERS])
def test_any_stream_gives_the_same_frames_and_error_however_it_is_cut(
    framing: str | None, stream: bytes, cut: int
) -> None:
    whole = fed(make_deframer(framing), [stream])
    frames, reason, _ = fed(make_deframer(framing), [stream[:cut], stream[cut:]])
    assert (frames, reason) == whole[:2]


@given(digits=st.text(alphabet="0123456789 <", max_size=14).map(str.encode))
def test_octet_counted_streams_of_digits_and_spaces_do_not_depend_on_the_cut(
    digits: bytes,
) -> None:
    whole = fed(make_deframer("octet-counting"), [digits])
    bytewise = fed(make_deframer("octet-counting"), [digits[i : i + 1] for i in range(len(digits))])
    assert whole[:2] == bytewise[:2]


@pytest.mark.parametrize(
    ("stream", "frames", "partial"),
    [
        (b"0 ", [], b"0 "),
        (b"01 x", [], b"01 x"),
        (b"3 abc\n3 def", [b"abc"], b"\n3 def"),
        (b"3 abc<14>x", [b"abc"], b"<14>x"),
        (b"3abc", [], b"3abc"),
        (b"-3 abc", [], b"-3 abc"),
        (b" 3 abc", [], b" 3 abc"),
        (b"1234567890 ", [], b"1234567890 "),
        ("３ abc".encode(), [], "３ abc".encode()),
    ],
)
def test_a_broken_msg_len_is_refused_with_the_frames_before_it(
    stream: bytes, frames: list[bytes], partial: bytes
) -> None:
    deframer = make_deframer("octet-counting")
    with pytest.raises(FramingError, match="expected MSG-LEN") as caught:
        deframer.feed(stream)
    assert caught.value.frames == frames
    assert caught.value.partial == partial


def test_nothing_is_read_after_a_framing_error() -> None:
    deframer = AutoDeframer()
    with pytest.raises(FramingError):
        deframer.feed(b"hello")
    with pytest.raises(FramingError):
        deframer.feed(b"3 abc")
    with pytest.raises(FramingError):
        deframer.finish()


@pytest.mark.parametrize(
    ("framing", "stream", "frames", "partial"),
    [
        ("newline", b"<1>a\n<1>b", [b"<1>a"], b"<1>b"),
        ("octet-counting", b"3 abc4 abc", [b"abc"], b"4 abc"),
        ("octet-counting", b"3 abc12", [b"abc"], b"12"),
        ("octet-counting", b"3 ", [], b"3 "),
        (None, b"<", [], b"<"),
    ],
)
def test_a_stream_that_ends_inside_a_frame_is_reported(
    framing: str | None, stream: bytes, frames: list[bytes], partial: bytes
) -> None:
    deframer = make_deframer(framing)
    assert deframer.feed(stream) == frames
    with pytest.raises(FramingError, match="the stream ended") as caught:
        deframer.finish()
    assert caught.value.partial == partial


@pytest.mark.parametrize("framing", [None, *WRITERS])
def test_an_empty_stream_is_no_error(framing: str | None) -> None:
    assert fed(make_deframer(framing), [b"", b""]) == ([], "", b"")


def test_stray_newlines_and_carriage_returns_are_shown_and_not_repaired() -> None:
    assert make_deframer("newline").feed(b"<1>a\r\n\n<1>b\n") == [b"<1>a\r", b"", b"<1>b"]


def test_a_large_frame_in_small_pieces_is_joined_once() -> None:
    # 64 MB in 1 kB pieces: if each piece copied the frame so far this would move 2 TB.
    body = b"x" * 1024
    for framing, head, tail in (("newline", b"<", b"\n"), ("octet-counting", b"67108864 ", b"")):
        deframer = make_deframer(framing)
        frames = deframer.feed(head)
        for _ in range(65536):
            frames += deframer.feed(body)
        frames += deframer.feed(tail) if tail else []
        deframer.finish()
        assert [len(frame) for frame in frames] == [67108864 + (framing == "newline")]


def test_an_unknown_framing_is_refused() -> None:
    with pytest.raises(ValueError, match="octet-counting"):
        make_deframer("nul")
