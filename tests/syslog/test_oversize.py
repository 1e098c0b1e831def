"""Messages that are too long: cut, split or dropped, and never illegal."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sls_syslog.errors import MessageTooLongError
from sls_syslog.syslog.oversize import OVERSIZE
from tests.support.strategies import CHARACTERS

HEAD = b"<14>1 - - - - - - "
truncate, split, drop = (OVERSIZE[name][0] for name in ("truncate", "split", "drop"))
PART = re.compile(rb"__part__=(\d+)/(\d+) __part_id__=([0-9a-f]{12}) (.*)", re.S)


def parts(messages: list[bytes]) -> list[tuple[int, int, bytes, bytes]]:
    """Number, count, id and text of each part."""
    found = []
    for message in messages:
        match = PART.fullmatch(message.removeprefix(HEAD))
        assert match, message
        found.append((int(match[1]), int(match[2]), match[3], match[4]))
    return found


@pytest.mark.parametrize(
    ("text", "room", "kept"),
    [
        ("x" * 101, 100, "x" * 100),
        ("ä" * 51, 101, "ä" * 50),
        ("日" * 40, 101, "日" * 33),
        ("日" * 40, 100, "日" * 33),
        ("\U0001f600" * 30, 103, "\U0001f600" * 25),
        ("x" * 99 + "\\n and more", 100, "x" * 99),
        ("x" * 96 + "\\u0085 and more", 100, "x" * 96),
        ("x" * 98 + "\\u0085 and more", 100, "x" * 98),
        ("x" * 94 + "\\u0085 and more", 100, "x" * 94 + "\\u0085"),
        ("x" * 98 + "\\\\ and more", 100, "x" * 98 + "\\\\"),
        ("x" * 97 + "\\\\\\= and more", 100, "x" * 97 + "\\\\"),
    ],
)
def test_a_cut_is_between_characters_and_never_in_an_escape(
    text: str, room: int, kept: str
) -> None:
    assert truncate(HEAD, text.encode(), len(HEAD) + room) == [HEAD + kept.encode()]


@given(st.text(CHARACTERS, min_size=1, max_size=40), st.integers(200, 1000), st.integers(200, 400))
def test_parts_make_the_whole(text: str, length: int, limit: int) -> None:
    msg = (text * length)[:length].encode()
    messages = split(HEAD, msg, limit)
    found = parts(messages)
    assert all(len(message) <= limit for message in messages)
    assert [number for number, *_ in found] == list(range(1, len(found) + 1))
    assert {count for _, count, *_ in found} == {len(found)}
    assert len({identity for _, _, identity, _ in found}) == 1
    assert b"".join(text for *_, text in found) == msg
    for *_, text_of_part in found:
        text_of_part.decode()


@given(st.integers(0, 3000), st.integers(480, 4096), st.integers(1, 20_000))
@example(head=4000, limit=4096, length=3_000_000)
@example(head=512, limit=4096, length=3_000_000)
@example(head=354, limit=480, length=3_000_000)
def test_parts_are_not_much_longer_than_the_whole(head: int, limit: int, length: int) -> None:
    whole = head + length
    assume(whole > limit)
    try:
        messages = split(b"h" * head, b"x" * length, limit)
    except MessageTooLongError:
        assert limit < head + (head if head > 512 else 64) + 60
        return
    assert sum(map(len, messages)) <= (2.1 if head > 512 else 10) * whole + limit


def test_the_id_of_parts_is_the_same_again_and_another_for_another_message() -> None:
    first, again, other = (
        parts(split(HEAD, text, 200))[0][2] for text in (b"x" * 500, b"x" * 500, b"y" * 500)
    )
    assert first == again != other


@pytest.mark.parametrize("count", [9, 10, 99, 100, 101])
def test_the_number_of_parts_may_have_any_length(count: int) -> None:
    room = 200 - len(HEAD) - len(b"__part__=100/100 __part_id__=0123456789ab ")
    assert len(parts(split(HEAD, b"x" * (room * count), 200))) in {count - 1, count}


def test_nothing_is_left_of_what_is_dropped() -> None:
    assert drop(HEAD, b"x" * 500, 200) == []


@pytest.mark.parametrize("policy", [truncate, split])
def test_a_header_that_leaves_no_room_is_refused(policy: object) -> None:
    with pytest.raises(MessageTooLongError, match="at most 480 bytes"):
        policy(b"h" * 450, b"x" * 100, 480)  # type: ignore[operator]
