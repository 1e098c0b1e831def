"""What the compiled helper renders, and that it gives the result of pure Python or none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aliyun.log.proto import LogGroupList
from hypothesis import example, given
from hypothesis import strategies as st

from sls_syslog import CefPayload, JsonPayload, KeyValuePayload, ShipperSettings
from sls_syslog.encoding import native_path
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.fast_path import LOGS_BEFORE_WRITER, FastPath
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.encoding.native import NANOSECONDS, NO_SOURCE, PURE_PYTHON, SECONDS
from sls_syslog.encoding.native_path import NativePath
from sls_syslog.logs.columns import Columns, Fact, FactKind, Form, Writer
from sls_syslog.logs.groups import describe_group
from sls_syslog.payloads.catalog.functions import extract_file_name
from sls_syslog.payloads.fast_events import _convert
from sls_syslog.payloads.values import CONVERSIONS
from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group
from tests.support.batches import serve
from tests.support.native import PathPair, need_helper, pure_python
from tests.support.processes import program

PLAIN = [("user", "王小明"), ("action", "a · b"), ("tab", "1\t2"), ("quote", '"\\')]
PAYLOADS: list[Any] = [
    "key-value",
    "json",
    KeyValuePayload(quote=True),
    KeyValuePayload(sep="a|a", quote=True),
    KeyValuePayload(time=True),
    JsonPayload(expand=("absent",)),
    JsonPayload(names="flat"),
    JsonPayload(names="nested"),
]
FRAMINGS: list[dict[str, Any]] = [
    {},
    {"framing": "octet-counting"},
    {"protocol": "udp"},
    {"syslog_format": "rfc3164"},
    {"bom": True},
    {"max_message_bytes": 480},
]


def make_encoder(**settings: Any) -> LogEncoder:
    chosen = ShipperSettings.from_mapping({"host": "siem", **settings})
    return LogEncoder(chosen, MessageHooks(chosen), logs_before_writer=0)


class Watched(NativePath):
    """Counts the groups that Python encodes."""

    groups = 0

    def _write_messages(self, *arguments: Any) -> list[bytes]:
        self.groups += 1
        return super()._write_messages(*arguments)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[LogEncoder, Watched]]:
    """Makes an encoder, and its path."""
    need_helper()
    monkeypatch.setattr(native_path, "NativePath", Watched)

    def make(**settings: Any) -> tuple[LogEncoder, Watched]:
        encoder = make_encoder(**settings)
        assert isinstance(encoder._fast_path, Watched)
        return encoder, encoder._fast_path

    return make


def batch_of(raw: bytes) -> Any:
    batch = LogGroupList()
    batch.ParseFromString(b"".join(frame_log_group(raw)))
    return batch


def find_slow_logs(encoder: LogEncoder, batch: Any) -> list[int | None]:
    assert encoder._fast_path is not None
    runs = encoder._fast_path.encode_group(describe_group(batch.LogGroups[0]), None)
    return [number for _, number in runs]


@pytest.mark.parametrize("payload", PAYLOADS, ids=str)
@pytest.mark.parametrize("framing", FRAMINGS, ids=str)
def test_plain_logs_are_rendered_by_the_helper(
    payload: Any, framing: dict[str, Any], watched: Any
) -> None:
    settings = {**framing, "payload": payload}
    encoder, path = watched(**settings)
    entries = [LogEntry(PLAIN, 1_790_000_000 + n // 2, n % 3 and 123_456_789) for n in range(7)]
    batch = batch_of(encode_log_group(entries, topic="t", source="s", tags={"a": 'b"'}))
    got = encoder.encode(batch)
    assert path.groups == 0
    assert find_slow_logs(encoder, batch) == [None]
    with pure_python():
        pure = make_encoder(**settings)
    assert type(pure._fast_path) is FastPath
    expected = pure.encode(batch)
    assert b"".join(got.frames) == b"".join(expected.frames)
    assert got.outcomes == expected.outcomes == []
    if framing.get("framing") or framing.get("protocol"):
        assert len(got.frames) == len(entries)


def test_logs_with_event_ids_are_left_to_python(watched: Any) -> None:
    encoder, path = watched()
    encoder.encode(serve(PLAIN), "event {}/{}".format)
    assert path.groups == 1


@pytest.mark.parametrize("how", ["", "1"], ids=["native", "pure"])
def test_a_kind_of_logs_is_prepared_for_when_it_came_often(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_helper()
    monkeypatch.setenv(PURE_PYTHON, how)
    settings = ShipperSettings(host="siem")
    encoder = LogEncoder(settings, MessageHooks(settings))
    assert find_slow_logs(encoder, serve(*[PLAIN] * 50)) == [*range(LOGS_BEFORE_WRITER), None]


def test_a_long_group_is_several_pieces() -> None:
    need_helper()
    batch = serve(*[[("text", "x" * 1000)]] * 1000)
    frames = make_encoder().encode(batch).frames
    assert max(map(len, frames)) <= 256 * 1024
    assert len(frames) == 5
    with pure_python():
        assert b"".join(frames) == b"".join(make_encoder().encode(batch).frames)


def test_a_value_may_be_larger_than_a_piece() -> None:
    need_helper()
    batch = serve(PLAIN, [("text", '"\t' * 300_000)], PLAIN)
    for payload in PAYLOADS:
        with pure_python():
            expected = make_encoder(payload=payload).encode(batch)
        got = make_encoder(payload=payload).encode(batch)
        assert b"".join(got.frames) == b"".join(expected.frames)


def test_logs_of_many_kinds_are_each_written_by_their_own_layout(watched: Any) -> None:
    encoder, path = watched(payload="json")
    logs = [[(f"key{number % 300}", f"{number}"), ("n", "x")] for number in range(900)]
    batch = serve(*logs)
    encoder.encode(batch)
    lines = b"".join(encoder.encode(batch).frames).splitlines()
    assert path.groups == 0
    assert [line.count(b'"key%d":"%d"' % (n % 300, n)) for n, line in enumerate(lines)] == [1] * 900


class RowsOnly:
    """A payload that writes rows by no layout."""

    def __call__(self, log: Mapping[str, str]) -> str:
        return "text"

    def writer(self, columns: Columns) -> Writer | None:
        return None


@pytest.mark.parametrize(
    ("payload", "how"),
    [
        ("key-value", "by the compiled helper"),
        ("cef", "by the compiled helper"),
        (RowsOnly(), "in pure Python: the compiled helper does not know the payload"),
        ("json", f"in pure Python: {PURE_PYTHON} is set"),
    ],
)
def test_one_line_says_which_path_runs(
    payload: Any, how: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_helper()
    monkeypatch.setattr(native_path, "_reported", set())
    with caplog.at_level(logging.DEBUG, "sls_syslog.encoding"), pure_python(payload == "json"):
        for _ in range(3):
            make_encoder(payload=payload)
    assert caplog.messages == [f"plain logs are encoded {how}"]


# What the helper does with bytes that no SDK would hand out.

SECOND = b"\x08\x80\xf7\xc4\xd5\x06"
A_LOG = b"\x0a\x12" + SECOND + b"\x12\x0a\x0a\x03key\x12\x03val"
LONG = A_LOG[2:] + b"\x25\x01\x00\x00\x00"
FULL = A_LOG + b"\x1a\x01t\x22\x01s\x2a\x01m\x32\x06\x0a\x01k\x12\x01v" + A_LOG


def render(body: bytes, framing: int = 2, limit: int = -1, is_as_sent: bool = False) -> Any:
    """Render logs whose key is ``key``; all others are Python's."""
    helper = need_helper()
    parts = ((b"<", 0, 1), (b"|", SECONDS, 0), (b">", NO_SOURCE, 0))
    known = helper.compile_layout((b"key",), False, parts, b"")
    arguments = ([known], lambda *_: None, lambda second: b"%d " % second, -1, limit, framing)
    return helper.render_group(body, *arguments, is_as_sent)


def test_the_helper_s_result_is_a_list_of_runs() -> None:
    whole = b"1790000000 <val|1790000000>"
    other = A_LOG.replace(b"key", b"KEY")
    assert render(FULL) == [([whole, whole], None)]
    assert render(A_LOG + other + A_LOG) == [([whole], 1), ([whole], None)]
    assert render(other) == [([], 0), ([], None)]
    assert render(b"") == [([], None)]
    assert render(FULL, 0) == [([whole + b"\n" + whole + b"\n"], None)]
    assert render(FULL, 1) == [([b"27 " + whole] * 2, None)]
    assert render(FULL, 2, 27) == render(FULL)
    assert render(FULL, 2, 26) == [([], 0), ([], 1), ([], None)]


@pytest.mark.parametrize(
    ("log", "why"),
    [
        *[(LONG[:size], f"{size} bytes of a log") for size in range(len(LONG)) if size != 18],
        (b"", "no time"),
        (SECOND[:3], "half a time"),
        (b"\x08\x80\x80\x80\x80\x10", "a time of more than 32 bits"),
        (SECOND + SECOND, "two times"),
        (SECOND + b"\x12\x00", "a field without key and value"),
        (SECOND + b"\x12\x05\x0a\x03key", "a field without value"),
        (SECOND + b"\x12\x05\x12\x03val", "a field without key"),
        (SECOND + b"\x12\x0a\x12\x03val\x0a\x03key", "a value before its key"),
        (SECOND + b"\x12\x0c\x0a\x03key\x12\x03val\x18\x00", "more in a field"),
        (SECOND + b"\x12\x0b\x0a\x03key\x12\x03val", "a field beyond its log"),
        (SECOND + b"\x12\x0a\x0a\x03key\x12\x04val", "a value beyond its field"),
        (SECOND + b"\x12\x0a\x0a\xff\xff\xff\xff\x0f", "a key of 4 GiB"),
        (b"\x12\x0a\x0a\x03key\x12\x03val" + SECOND, "a field before the time"),
        (SECOND + b"\x12\x0a\x0a\x03key\x12\x03val\x25\x00\x00\x00", "half the nanoseconds"),
        (SECOND + b"\x25\x01\x00\x00\x00\x12\x0a\x0a\x03key\x12\x03val", "a field at the end"),
        (SECOND + b"\x12\x0a\x0a\x03key\x12\x03val\x28\x00", "an unknown field"),
        (SECOND + b"\x12\x0a\x0a\x03key\x12\x03\xff\xfe\xfd", "no UTF-8"),
        (SECOND + b"\x12\x0a\x0a\x03key\x12\x03a\nb", "a control character"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_strange_log_is_left_to_python(log: bytes, why: str) -> None:
    body = A_LOG + b"\x0a" + bytes([len(log)]) + log
    (whole,), _ = render(A_LOG)[0]
    assert render(body + A_LOG) == [([whole], 1), ([whole], None)]
    assert render(body) == [([whole], 1), ([], None)]
    is_strange = why not in {"no UTF-8", "a control character", "6 bytes of a log"}
    assert (render(body, is_as_sent=True) is None) == is_strange


@pytest.mark.parametrize(
    "end", [b"\x38\x00", b"\x0d\x00\x00\x00\x00", b"\x0a\x7f", b"\x0a", b"\x0a\xff\xff\xff\xff\xff"]
)
def test_a_strange_group_is_left_to_python(end: bytes) -> None:
    assert render(A_LOG + end) is None


def check(got: Any, body: bytes) -> None:
    """The helper gave a result of the right form, or none."""
    if got is None:
        return
    *slow, (_, last) = got
    assert last is None
    numbers = [number for _, number in slow]
    assert numbers == sorted(set(numbers))
    assert sum(len(frame) for frames, _ in got for frame in frames) <= 40 * (len(body) + 1)


@given(body=st.binary(max_size=80), framing=st.integers(0, 2))
@example(body=FULL, framing=0)
def test_no_bytes_break_the_helper(body: bytes, framing: int) -> None:
    check(render(body, framing), body)


def test_no_truncation_and_no_other_byte_breaks_the_helper() -> None:
    for size in range(len(FULL)):
        check(render(FULL[:size]), FULL)
        for octet in range(256):
            check(render(FULL[:size] + bytes([octet]) + FULL[size + 1 :]), FULL)


@st.composite
def spoilt_groups(draw: st.DrawFn) -> bytes:
    """The bytes of a group, some of them changed, put in or taken out."""
    words = st.text(max_size=6) | st.binary(max_size=6)
    fields = st.lists(st.tuples(st.sampled_from(["a", "b"]), words), max_size=3)
    times = st.integers(0, 2**32 - 1)
    entries = st.builds(LogEntry, fields, times, st.none() | times)
    logs = draw(st.lists(entries, min_size=1, max_size=4))
    tags = {"a": draw(st.sampled_from(["", "b"]))}
    body = bytearray(encode_log_group(logs, topic="t", source="s", tags=tags))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(body)))
        body[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(body)


EVENTS: list[Any] = ["cef", "leef", CefPayload(extension={"src": ("a", "b")})]
OF_THE_KEY = CefPayload(extension={"suser": '"\t\\', "act": extract_file_name('"\t\\')})
PAIRS = [(payload, framing) for payload in [*PAYLOADS, *EVENTS] for framing in FRAMINGS]


@given(body=spoilt_groups(), choice=st.sampled_from(PAIRS))
def test_what_the_helper_renders_is_what_python_renders(
    body: bytes, choice: tuple[Any, dict[str, Any]]
) -> None:
    """Also of bytes that protobuf reads, but would not write."""
    payload, framing = choice
    PathPair(payload=payload, **framing).check(body)


@pytest.mark.gate
@pytest.mark.parametrize("payload", [*PAYLOADS, OF_THE_KEY], ids=lambda payload: str(payload)[:40])
def test_of_a_group_with_another_byte_both_write_the_same(payload: Any) -> None:
    pair = PathPair(payload=payload)
    body = (
        FULL.replace(b"key", b'"\t\\') + A_LOG[:1] + b"\x17" + A_LOG[2:] + b"\x25\x40\xe2\x01\x00"
    )
    readable = 0
    for place in range(len(body)):
        for octet in range(256):
            readable += pair.check(body[:place] + bytes([octet]) + body[place + 1 :])
    assert readable > 20 * 256


# Wrong arguments are errors of Python, and not of memory.


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("key", False, (), b""),
        ((b"key",), False, [], b""),
        (("key",), False, (), b""),
        ((b"key",), False, (b"x",), b""),
        ((b"key",), False, ((b"x",),), b""),
        ((b"key",), False, (("x", 0, 0),), b""),
        ((b"key",), False, ((b"x", 1, 0),), b""),
        ((b"key",), False, ((b"x", -4, 0),), b""),
        ((b"key",), False, ((b"x", 0, 9),), b""),
        ((b"key",), False, ((b"x", 0, -1),), b""),
        ((b"key",), False, ((b"x", 0, 0),), "x"),
    ],
    ids=repr,
)
def test_a_wrong_layout_is_refused(arguments: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        need_helper().compile_layout(*arguments)


def raise_error(*_: Any) -> Any:
    raise LookupError


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({0: "text"}, TypeError),
        ({0: bytearray()}, TypeError),
        ({1: ()}, TypeError),
        ({1: [None]}, ValueError),
        ({2: raise_error}, LookupError),
        ({2: lambda *_: "text"}, ValueError),
        ({2: None}, TypeError),
        ({3: raise_error}, LookupError),
        ({3: lambda _: "text"}, TypeError),
        ({5: 2**80}, OverflowError),
    ],
)
def test_wrong_arguments_and_errors_of_python_are_raised(
    change: dict[int, Any], error: type[Exception]
) -> None:
    helper = need_helper()
    known = helper.compile_layout((b"KEY",), False, ((b"", 0, 0),), b"")
    body = FULL + A_LOG.replace(b"key", b"KEY")
    arguments: list[Any] = [body, [known], lambda *_: None, lambda _: b"start ", 1, -1, 0, False]
    for place, value in change.items():
        arguments[place] = value
    with pytest.raises(error):
        helper.render_group(*arguments)


# Events: what the helper asks, and what it does with the answers.

HEAD = ((), {b"": (-1, (b"<", b">"))})


def render_event(
    values: list[bytes],
    *parts: Any,
    head: Any = HEAD,
    special: bytes = b"",
    replacements: tuple[bytes, ...] = (),
    is_found: bool = True,
) -> bytes | None:
    """Render one log with these values as an event; ``None`` if that is left to Python."""
    helper = need_helper()
    keys = tuple(b"key%d" % number for number in range(len(values)))
    sources = (*range(len(values)), SECONDS, NANOSECONDS)
    event = (sources, (), head, parts, special, replacements, is_found)
    known = helper.compile_event_layout(keys, True, event)
    fields = list(zip([key.decode() for key in keys], values, strict=True))
    body = encode_log_group(
        [LogEntry(fields, 1_790_000_000, 123_456_789)], topic="", source="", tags={}
    )
    ran = helper.render_group(body, [known], lambda *_: None, lambda _: b"", -1, -1, 2, False)
    (frames, left), *_ = ran or []
    return frames[0] if left is None else None


def ask(answers: Any, *facts: tuple[int, int, int]) -> Any:
    return (facts or (Fact(FactKind.VALUE, 0),)), answers


def copied(form: int = Form.TEXT, room: int = -1, exact: Any = None, is_found: bool = True) -> Any:
    return (b"k=", (0, form), b";", room), exact, is_found


class Asked(dict[bytes, Any]):
    """Answers with the question."""

    def __missing__(self, key: bytes) -> Any:
        return -1, (b"[", key, b"]")


def test_an_event_is_its_head_and_the_answers_to_its_questions() -> None:
    assert render_event([]) == b"<>"
    assert render_event(
        [b"v"], b"a", (ask({b"v": (-1, (b"b", (0, Form.TEXT)))}), None, True), b"c"
    ) == (b"<abvc>")
    assert render_event([b"v"], copied(), b"z") == b"<k=v;z>"
    assert render_event([b"x"], head=ask({b"x": (-1, (b"1", b"2"))})) == b"12"


@pytest.mark.parametrize(
    ("facts", "asked"),
    [
        ([Fact(FactKind.VALUE, 0)], b"same"),
        ([(FactKind.VALUE, 2, 0)], b""),
        ([(FactKind.VALUE, 3, 0), Fact(FactKind.VALUE, 0)], b"\x12same"),
        (
            [(FactKind.PRESENT, 0, 0), (FactKind.PRESENT, 2, 0), (FactKind.PRESENT, 3, 0)],
            b"1\x12\x12",
        ),
        ([(FactKind.WORD, 0, 0), (FactKind.WORD, 2, 0), (FactKind.WORD, 3, 0)], b"same\x12\x12"),
        ([(FactKind.WORD, 4, 0), (FactKind.WORD, 5, 0)], b"aZ\x12[a"),
        ([(FactKind.SAME, 0, 1), (FactKind.SAME, 0, 2), (FactKind.SAME, 2, 3)], b"1\x12\x121"),
        ([(FactKind.VALUE, 6, 0), (FactKind.VALUE, 7, 0)], b"1790000000\x12123456789"),
    ],
)
def test_a_question_has_the_facts_of_the_log(facts: Any, asked: bytes) -> None:
    got = render_event(
        [b"same", b"same", b"", b"-", b"aZ[b", b"[a"], (ask(Asked(), *facts), None, True)
    )
    assert got == b"<[" + asked + b"]>"


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        (Form.TEXT, ["x", "日本", "a-", "0" * 99], []),
        (
            Form.ADDRESS,
            ["0.0.0.0", "255.255.255.255", "10.20.3.4"],
            ["1.2.3", "1.2.3.4.", "1.2.3.256"],
        ),
        (Form.ADDRESS, [], ["01.2.3.4", "1..3.4", ".1.2.3", "1.2.3.4.5", "::1", "1.2.3.-4"]),
        (Form.PORT, ["0", "80", "65535"], ["65536", "080", "-1", "99999", "8a"]),
        (Form.NUMBER, ["0", "999999999"], ["1000000000", "00", "+1", "1.0"]),
        (Form.LONG, ["0", "9" * 18], ["9" * 19, "0x1", "1 2"]),
        (
            Form.DECIMAL,
            ["0", "007", "1.50", "12345678901234567890.1"],
            ["1.", ".5", "1.5.5", "1e5", "-1"],
        ),
        (Form.TIME, ["1790000000123"], ["1790000000", "0790000000123", "17900000001234"]),
        (Form.HOST, ["a", "日.cn", "10.0.0.1"], ["a:80", "::1", ":", "0", "日本"]),
        (Form.PATH, ["/", "//a", "/日?a"], ["a/", ".", "@a/"]),
        (Form.SECONDS, ["1790000000"], ["179000000", "0790000000", "17900000000"]),
    ],
)
def test_a_value_is_copied_in_its_form_only(form: int, right: list[str], wrong: list[str]) -> None:
    exact = ask(Asked())
    for value in right:
        assert render_event([value.encode()], copied(form)) == f"<k={value};>".encode()
    for value in wrong:
        assert render_event([value.encode()], copied(form)) is None
        assert render_event([value.encode()], copied(form, exact=exact)) == (
            f"<[{value}]>".encode()
        )


TIMES = st.from_regex(
    r"(0000|19(69|70|71)|20(00|26|28)|22(85|86)|9999)-(0[0-9]|1[0-3])-([0-2][0-9]|3[0-2])"
    r"[T t](0[0-9]|2[0-5]):[05][09]:(5[09]|60)([.,][0-9]{0,10})?"
    r"(Z|z||[+-]([01][0-9]|2[34]):?[0-69][09])",
    fullmatch=True,
    alphabet=st.characters(codec="ascii"),
)


@given(value=TIMES)
@example("2026-11-03T12:00:05.123456789+08:00")
@example("1971-01-01T00:00:00Z")
@example("2285-12-31T23:59:59.9-14:00")
@example("2000-02-29T00:00:00Z")
@example("2100-02-29T00:00:00Z")
def test_a_time_is_converted_as_the_mapping_does_it(value: str) -> None:
    """By the helper and by pure Python, or by none of the two."""
    expected = CONVERSIONS["time"](value)
    got = [render_event([value.encode()], copied(Form.TIME)), _convert(value.encode(), Form.TIME)]
    assert got[0] in {None, f"<k={expected};>".encode()}
    assert got[1] in {b"", str(expected).encode()}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("2026-11-03T12:00:05+08:00", "1793678405000"),
        ("2026-11-03T04:00:05.123456Z", "1793678405123"),
        ("2026-11-02T23:30:05.1-04:30", "1793678405100"),
    ],
)
def test_a_time_is_converted_without_a_question(value: str, written: str) -> None:
    assert render_event([value.encode()], copied(Form.TIME)) == f"<k={written};>".encode()
    assert _convert(value.encode(), Form.TIME) == written.encode()
    # A limit is one of the value in the log.
    exact = ask(Asked())
    for room, is_exact in ((len(value), False), (len(value) - 1, True)):
        text = f"[{value}]" if is_exact else f"k={written};"
        assert render_event([value.encode()], copied(Form.TIME, room=room, exact=exact)) == (
            f"<{text}>".encode()
        )


@pytest.mark.parametrize(
    ("form", "value", "written"),
    [
        (Form.DECODED, "a%20b%2fc%2F%E6%97%A5", "a b/c/日"),
        (Form.DECODED, "100%", "100%"),
        (Form.DECODED, "%41" * 1000, "A" * 1000),
        (Form.DECODED, "%4", "%4"),
        (Form.DECODED, "%%41%zz%4g", "%A%zz%4g"),
        (Form.DECODED, "日%41", "日A"),
        (Form.DECODED, "%20a", None),
        (Form.DECODED, "a%00b", None),
        (Form.DECODED, "a%0a", None),
        (Form.DECODED, "%2d", None),
        (Form.DECODED, "%ff", None),
        (Form.DECODED, "%c2%85", None),
        (Form.DECODED, "%E3%80%80a", None),
        (Form.NAME, "/a/b.txt", "b.txt"),
        (Form.NAME, "b%2Ftxt", "b%2Ftxt"),
        (Form.NAME, "a/ b", None),
        (Form.NAME, "a/", None),
        (Form.NAME, "a/-", None),
        (Form.DECODED_NAME, "a%2Fb%20c", "b c"),
        (Form.DECODED_NAME, "a%2F", None),
        (Form.NAME_OF_ANY, "C:\\x\\y.exe", "y.exe"),
        (Form.NAME_OF_ANY, "C:\\x/y", "y"),
    ],
)
def test_a_value_may_be_changed_by_its_form(form: Form, value: str, written: str | None) -> None:
    expected = None if written is None else f"<k={written};>".encode()
    assert render_event([value.encode()], copied(form)) == expected


def test_room_counts_what_is_written() -> None:
    assert render_event([b"%41%42"], copied(Form.DECODED, room=2)) == b"<k=AB;>"
    assert render_event([b"%41%42%43"], copied(Form.DECODED, room=2)) is None


def test_milliseconds_have_three_digits() -> None:
    assert (
        render_event([], (((), {b"": (-1, (b".", (1, Form.MILLISECONDS)))}), None, True))
        == b"<.123>"
    )


@pytest.mark.parametrize(
    "value",
    [
        "a\t",
        "\na",
        "a\r",
        "a\x0bb",
        " a",
        "a ",
        "a\x00",
        "\u3000a",
        "a\u3000",
        "a\xa0",
        "\u1680a",
        "a\u2003",
        "a\x12b",
        "\u2028",
        "\x85",
        "a\x7f",
    ],
)
def test_untidy_values_are_left_to_python(value: str) -> None:
    for part in (copied(), b"same", (ask(Asked()), None, True)):
        assert render_event([value.encode()], part) is None
    assert render_event([b"\xff"], copied()) is None


def test_special_bytes_are_replaced() -> None:
    cef: Any = {"special": b"\\=\n", "replacements": (rb"\\", rb"\=", rb"\n")}
    assert render_event([b"=a\\==\nb\tc="], copied(), **cef) == (
        rb"<k=\=a\\\=\=\nb" + b"\t" + rb"c\=;>"
    )
    leef: Any = {"special": b"^|\n", "replacements": (b" ", b"/", b" ")}
    assert render_event([b"|a^b\nc|"], copied(), **leef) == b"<k=/a b c/;>"
    assert render_event([b"^a|"], copied(), **leef) is None
    assert render_event([b"a^"], copied(exact=ask(Asked())), **leef) == b"<[a^]>"
    assert render_event([b"a^"], (ask({b"a^": (-1, (b"^",))}), None, True), **leef) == b"<^>"


def test_copied_values_have_room() -> None:
    two = (
        ask({b"1": (5, ((0, Form.TEXT), b"-" * 9, (0, Form.TEXT)))}, (FactKind.PRESENT, 0, 0)),
        None,
        True,
    )
    assert render_event([b"ab"], two) == b"<ab---------ab>"
    assert render_event([b"abc"], two) is None
    assert render_event([b"abc"], copied(room=3)) == b"<k=abc;>"
    assert render_event([b"abcd"], copied(room=3)) is None
    assert render_event([b"abcd"], copied(room=3, exact=ask(Asked()))) == b"<[abcd]>"


def test_an_event_needs_something_that_shows_that_its_mapping_fits() -> None:
    assert render_event([b"a"], copied(is_found=False), b"same", is_found=False) is None
    assert render_event([b""], copied(), is_found=False) is None
    assert render_event([b"-"], copied(), is_found=False) is None
    assert render_event([b"a"], (ask({b"a": (-1, ())}), None, True), is_found=False) is None
    assert render_event([b"a"], copied(), is_found=False) == b"<k=a;>"


def test_a_part_without_an_answer_is_left_to_python() -> None:
    assert render_event([b"a"], (ask({b"a": None}), None, True)) is None
    assert render_event([b"a"], (ask({b"a": None}), ask({b"a": None}), True)) is None
    assert render_event([b"a"], (ask({b"a": None}), ask(Asked()), True)) == b"<[a]>"
    assert render_event([b"a"], head=ask({b"a": None})) is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (raise_error, LookupError),
        (1, TypeError),
        ((1,), TypeError),
        ((-1, [b"a"]), TypeError),
        (("x", (b"a",)), TypeError),
        ((2**80, (b"a",)), OverflowError),
        ((-1, ("text",)), ValueError),
        ((-1, ((0,),)), ValueError),
        ((-1, ((0, 15),)), ValueError),
        ((-1, ((0, -1),)), ValueError),
        ((-1, ((0, 2**40),)), ValueError),
        ((-1, ((3, Form.TEXT),)), ValueError),
        ((-1, ((-1, Form.TEXT),)), (ValueError, OverflowError)),
        ((-1, (("x", Form.TEXT),)), (ValueError, TypeError)),
    ],
)
def test_a_wrong_answer_is_an_error(answer: Any, error: Any) -> None:
    class Wrong(dict[bytes, Any]):
        def __missing__(self, key: bytes) -> Any:
            return answer() if callable(answer) else answer

    with pytest.raises(error):
        render_event([b"a"], (ask(Wrong()), None, True))
    with pytest.raises(error):
        render_event([b"a"], (ask({b"a": None}), ask(Wrong()), True))


@pytest.mark.parametrize(
    "head", [1, (1,), (-1, 1), (-1, (b"a",)), (-1, ("a", b"b")), (-1, (b"a", 1))]
)
def test_a_wrong_head_is_an_error(head: Any) -> None:
    with pytest.raises(TypeError):
        render_event([b"a"], head=ask({b"a": head}))


PART = copied()
JSONS = ((0, ((b"", -1, -1, 0, 1, 1), (b"a", -1, 1, 0, 2, 0))),)
EVENT: list[Any] = [(0, -1), JSONS, HEAD, (b"a", PART, (ask({}), ask({}), False)), b"", (), True]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, [0]),
        (0, ("x",)),
        (0, (1, -1)),
        (0, (-4,)),
        (0, ()),
        (1, []),
        (1, ("x",)),
        (1, ((0,),)),
        (1, ((0, []),)),
        (1, ((1, JSONS[0][1]),)),
        (1, ((-1, JSONS[0][1]),)),
        (1, ((0, ()),)),
        (1, ((0, (b"a",)),)),
        (1, ((0, (("a", -1, 0, 0, 1, 0),)),)),
        (1, ((0, ((b"a", -1, 1, 0, 1),)),)),
        (1, ((0, ((b"a", -1, 0, 0, 1, 0),)),)),
        (1, ((0, ((b"a", -1, 2, 0, 1, 0),)),)),
        (1, ((0, ((b"a", -1, 1, -1, 1, 0),)),)),
        (1, ((0, ((b"a", -1, 1, 0, 0, 1),)),)),
        (1, ((0, ((b"a", -1, 1, 0, 1, 1),)),)),
        (1, ((0, ((b"a", -1, 1, 0, 2, 0),)),)),
        (1, ((0, ((b"a", -1, 1, 0, -1, 1),)),)),
        (1, ((0, ((b"a", -1, 1, 0, 1, -1),)),)),
        (2, ()),
        (2, None),
        (2, ([], {})),
        (2, (("x",), {})),
        (2, (((0, 0),), {})),
        (2, (((-1, 0, 0),), {})),
        (2, (((0, 2, 0),), {})),
        (2, (((0, 0, 2),), {})),
        (2, (((0, -1, 0),), {})),
        (3, ["x"]),
        (3, (1,)),
        (3, ((),)),
        (3, ((b"a", None, True),)),
        (3, ((PART[0], 1, True),)),
        (3, ((("a", (0, 0), b"", 1), None, True),)),
        (3, (((b"a", 1, b"", 1), None, True),)),
        (3, (((b"a", (2, 0), b"", 1), None, True),)),
        (3, (((b"a", (0, 15), b"", 1), None, True),)),
        (3, (((b"a", (0, "x"), b"", 1), None, True),)),
        (2, (((4, 0, 0),), {})),
        (4, "x"),
        (4, b"x"),
        (5, (b"a",)),
        (5, ["x"]),
    ],
    ids=repr,
)
def test_a_wrong_layout_of_an_event_is_refused(place: int, wrong: Any) -> None:
    compile_layout = need_helper().compile_event_layout
    assert compile_layout((b"key",), False, tuple(EVENT))
    event = [*EVENT[:place], wrong, *EVENT[place + 1 :]]
    with pytest.raises((TypeError, ValueError)):
        compile_layout((b"key",), False, tuple(event))
    wrong_arguments: list[Any] = [(), ((b"key",), False), ([b"key"], 0, tuple(EVENT))]
    for arguments in [*wrong_arguments, (("key",), 0, tuple(EVENT))]:
        with pytest.raises(TypeError):
            compile_layout(*arguments)


def test_a_layout_that_does_not_fit_is_not_used() -> None:
    helper = need_helper()
    wrong = helper.compile_layout((b"KEY",), False, ((b"", 0, 0),), b"")
    got = helper.render_group(A_LOG, [], lambda *_: wrong, lambda _: b"", -1, -1, 0, False)
    assert got == [([], 0), ([], None)]


def test_the_helper_is_not_there_in_a_program_that_does_not_want_it() -> None:
    script = "from sls_syslog.encoding.native import load_helper; print(load_helper())"
    with program("-c", script, environ={PURE_PYTHON: "1"}) as ran:
        assert ran.wait() == 0
        assert ran.output() == f"(None, '{PURE_PYTHON} is set')\n"
