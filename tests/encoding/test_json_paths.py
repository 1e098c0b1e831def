"""Values inside the JSON of a field: all paths find the same, the helper the usual ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sls_syslog import CefPayload, EventMapping
from sls_syslog.encoding.json_trie import make_trie
from sls_syslog.encoding.native import NO_SOURCE
from sls_syslog.logs.columns import Fact, FactKind
from sls_syslog.payloads.catalog import functions as vocabulary
from sls_syslog.payloads.fields import Fields
from sls_syslog.testing import LogEntry, encode_log_group
from tests.support.event_paths import PATH_IDS, PATHS, Paths, encode_logs, split_sample
from tests.support.native import need_helper
from tests.support.samples import SAMPLES

INSIDE = ["a", "b", "a.b", "a.c", "b.c.d", "0", "a.0", "b.1.c", "a.b.c", "c.d.e", "c"]
MAPPING = EventMapping(
    event_class_id=("j.a", "j.b.c.d"),
    severity=vocabulary.translate("j.b.1.c", {"x": "7"}),
    extension={f"k{n}": f"j.{path}" for n, path in enumerate(INSIDE)}
    | {
        "rt": "j.c.d.e",
        "src": ("j.a.b", "f"),
        "act": vocabulary.extract_sql_command("j.a"),
        "outcome": vocabulary.give_if_equal("j.a", "j.b", "j.c"),
        "request": vocabulary.build_url("f", "j.a", "j.b"),
        "spt": "j.a.0",
    },
)
OWN = Paths(CefPayload(mapping=MAPPING))


class Told(dict[bytes, Any]):
    """Answers with the question."""

    def __missing__(self, key: bytes) -> Any:
        return -1, (b"[", key, b"]")


def find_with_helper(whole: bytes, *paths: str) -> list[str] | None:
    """Find the values at paths; ``None`` if the helper leaves the log to Python."""
    helper = need_helper()
    trie = make_trie({path: place for place, path in enumerate(paths)})
    facts = tuple([Fact(FactKind.VALUE, place) for place in range(len(paths))])
    part: Any = (facts, Told()), None, True
    head: Any = (), {b"": (-1, (b"", b""))}
    event = (NO_SOURCE,) * len(paths), ((0, trie),), head, (part,), b"", (), True
    known = helper.compile_event_layout((b"j",), False, event)
    body = encode_log_group([LogEntry([("j", whole)], 1)], topic="", source="", tags={})
    ran = helper.render_group(body, [known], lambda *_: None, lambda _: b"", -1, -1, 2, False)
    assert ran is not None
    (frames, left), *_ = ran
    return None if left is not None else frames[0][1:-1].decode().split("\x12")


def find_with_python(whole: str, *paths: str) -> list[str]:
    fields = Fields({"j": whole})
    return [fields.text(f"j.{path}") for path in paths]


@pytest.mark.parametrize(
    ("whole", "found"),
    [
        ('{"a":"x"}', "x"),
        ('{"b":{"a":"no"},"a":"x","c":["no",{"a":"no"}]}', "x"),
        ('{ "a" :\t"x" ,\r\n "b" : [ 1 , 2 ] }', "x"),
        ("{}", ""),
        ("[]", ""),
        ('{"a":""}', ""),
        ('{"a":"-"}', ""),
        ('{"a":null}', ""),
        ("no JSON", ""),
        ("", ""),
        ("-", ""),
        ('"a"', ""),
        ('{"a":true,"b":false}', "true"),
        ('{"a":403}', "403"),
        ('{"a":-0}', "-0"),
        ('{"a":1.10}', "1.10"),
        ('{"a":-12.5E+07}', "-12.5E+07"),
        ('{"a":1e999}', "1e999"),
        ('{"a":%s}' % ("9" * 5000), "9" * 5000),
        (r'{"a":"\"\\\/\b"}', None),
        (r'{"a":"\"\\\/\n\r\tx"}', '"\\/\n\r\tx'),
        (r'{"a":"\u0041\u00e9\u65E5\u0026"}', "Aé日&"),
        ('{"a":"王小明 \U0001f600"}', "王小明 \U0001f600"),
        ('{"a":{"b":[1.0,"x\\n",null,true,{}]}}', '{"b":[1.0,"x\\n",null,true,{}]}'),
        ('{"a": {"b": [1.0, "x y", null]}}', '{"b":[1.0,"x y",null]}'),
        (r'{"a":["\u0041\/\u001F\u0022\u00e9 \\u"]}', r'["A/\u001f\"é \\u"]'),
        ('{"a":{"b":{"c":1},"c":{"c":1}}}', '{"b":{"c":1},"c":{"c":1}}'),
        ('{"x":1,"x":2,"a":"x"}', "x"),
        ('{"x":"\\ud800","a":"x"}', "x"),
        ('{"x":%s,"a":"x"}' % ("[" * 60 + "]" * 60), "x"),
        # What Python reads otherwise than it stands there, or not at all, is left to it.
        (r'{"a":"\ud83d\ude00"}', None),
        (r'{"a":"\ud800"}', None),
        (r'{"a":"\u0000"}', None),
        (r'{"a":["\u007f"]}', None),
        ('{"a":" x"}', None),
        (r'{"a":"x\u3000"}', None),
        ('{"a":1,"a":2}', None),
        ('{"a":{"b":1,"b":2}}', None),
        ('{"a":[{"b":1,"b":2}]}', None),
        (r'{"\u0061":1}', None),
        ('{"a":"x"} ', None),
        (' {"a":"x"}', None),
        ('{"a":"x"}}', None),
        ('{"a":"x"', None),
        ('{"a":"x",}', None),
        ('{"a":"x" "b":1}', None),
        ('{"a":"x",1:2}', None),
        ('{a:"x"}', None),
        ("{'a':'x'}", None),
        ('{"a":"x\ty"}', None),
        ('{"a":"x\ny"}', None),
        ('{"a":"x\x7fy"}', None),
        ('{"a":"x\x85y"}', None),
        ('{"a":"x\u2028y"}', None),
        (r'{"a":"\x"}', None),
        (r'{"a":"\u12g4"}', None),
        (r'{"a":"\u', None),
        ('{"a":"\\', None),
        ('{"a":01}', None),
        ('{"a":1.}', None),
        ('{"a":.5}', None),
        ('{"a":+1}', None),
        ('{"a":1e}', None),
        ('{"a":-}', None),
        ('{"a":NaN}', None),
        ('{"a":-Infinity}', None),
        ('{"a":nul}', None),
        ('{"a":truex}', None),
        ('{"a":"x","b":[1,]}', None),
        ('{"a":"x","b":[,1]}', None),
        ('{"a":"x","b":[1 2]}', None),
        ('{"x":%s,"a":"x"}' % ("[" * 80 + "]" * 80), None),
        ('{"a":' + json.dumps(dict.fromkeys(map(str, range(100)))).replace(" ", "") + "}", None),
    ],
)
def test_the_helper_finds_a_value_or_leaves_the_log_to_python(
    whole: str, found: str | None
) -> None:
    assert find_with_helper(whole.encode(), "a") == (None if found is None else [found])
    if found is not None:
        assert find_with_python(whole, "a") == [found]


@pytest.mark.parametrize(
    ("whole", "paths", "found"),
    [
        ('{"a":{"b":"x"},"b":"y"}', "a.b b a.c", ["x", "y", ""]),
        ('{"b":"y","a":{"b":"x"}}', "a a.b b", ['{"b":"x"}', "x", "y"]),
        ('["x",["y","z"],{"1":"u"}]', "0 1 1.1 2.1 3 0.0", ["x", '["y","z"]', "z", "u", "", ""]),
        ('{"0":"x","a":{"0":"y"}}', "0 a.0", ["x", "y"]),
        ('{"a.b":"x","a":{"b":"y"}}', "a.b", ["x"]),
        ('{"a":{"b":"y"},"a.b":"x"}', "a.b", ["x"]),
        ('{"a":{"b":"y"},"a.b":null}', "a.b", ["y"]),
        ('{"a":{"b":"y"},"a.b":""}', "a.b", [""]),
        ('{"a":{"b.c":"x"}}', "a.b.c a.b", ["x", ""]),
        ('{"a":{"b":{"c":"z"},"b.c":"y"},"a.b.c":"x"}', "a.b.c", ["x"]),
        ('{"a":"x"}', "a.b a", ["", "x"]),
        ('{"a":[{"b":"x"}]}', "a.b a.0.b", ["", "x"]),
        ('{"a":{ "b": "\\u0041" }}', "a a.b", ['{"b":"A"}', "A"]),
        ('{"a":"\\u0041","b":"%s"}' % (r"\u0042" * 9999), "a b", ["A", "B" * 9999]),
        ('{"a":{"a":1},"b":{"a":1}}', "a.a b.a", ["1", "1"]),
        ('{"a":{"b":1},"a":{"b":2}}', "a.b", None),
        ('{"a":{"b":1,"b":null}}', "a.b", None),
    ],
)
def test_paths_lead_to_values_as_in_python(whole: str, paths: str, found: list[str] | None) -> None:
    assert find_with_helper(whole.encode(), *paths.split()) == found
    if found is not None:
        assert find_with_python(whole, *paths.split()) == found


# Any JSON, and what is nearly JSON.

KEYS = st.sampled_from(['"a"', '"b"', '"c"', '"d"', '"e"', '"0"', '"a.b"', '"b.c"', '"b.c.d"'])
ODD_KEYS = st.sampled_from([r'"\u0061"', '"é"', '""', '"a\t"', "a", '"\ud800"', r'"b\/"'])
WORDS = r"""
    "x" "" "-" "1" "10.0.0.1" "/p" "2026-11-03T04:00:05Z" "select" null true false 0 7 -0 443
    1793678405123 1.0 1.10 1e5 -1E-7 9e999 99999999999999999999 "\n" "\\" "\"" "\/" "\u0041"
    "\u00e9" "\ud83d\ude00" "\ud800" "\u0000" "\u0012" "\u001F" "\u007f" "\u2028x" "\u0020x"
    "日本" "é" "x\u0085" {} [] [[]] NaN Infinity 01 1. .5 +1 nul tru "\x" "\u12" 'x' undefined
"""
UNTIDY = ('" x"', '"x "', '"x\ty"', '"x\u2028y"', '"\u3000"', '"a b"', '"x\x7f"')
ATOMS = st.sampled_from(WORDS.split()) | st.sampled_from(UNTIDY)
SPACES = st.sampled_from(["", "", "", "", " ", "\n", "\t ", "\u00a0"])


def nest(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(KEYS | KEYS | KEYS | ODD_KEYS, SPACES, SPACES, inner).map(
        lambda parts: parts[0] + parts[1] + ":" + parts[2] + parts[3]
    )
    return st.one_of(
        st.tuples(SPACES, st.lists(pairs, max_size=4), SPACES).map(
            lambda parts: "{" + parts[0] + ",".join(parts[1]) + parts[2] + "}"
        ),
        st.tuples(SPACES, st.lists(inner, max_size=3), SPACES).map(
            lambda parts: "[" + parts[0] + ("," + parts[0]).join(parts[1]) + parts[2] + "]"
        ),
    )


JSON = nest(st.recursive(ATOMS, nest, max_leaves=12))


@st.composite
def spoilt_json(draw: st.DrawFn, texts: st.SearchStrategy[str] = JSON) -> bytes:
    """JSON, perhaps cut, or with some bytes replaced."""
    whole = bytearray(draw(texts).encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        place = draw(st.integers(0, len(whole)))
        new = draw(st.sampled_from([b"", b"x", b'"', b"\\", b"{", b"]", b",", b"\xff", b"\x00"]))
        whole[place : place + draw(st.sampled_from([0, 1, 1, 1000]))] = new
    return bytes(whole)


@given(logs=st.lists(st.tuples(spoilt_json(), st.sampled_from(["x", "-", "x "])), max_size=3))
@example(logs=[(b'{"a":"1","b":"1","c":"2"}', "https"), (b'{"a":"1","b":"2","c":"2"}', "x")])
def test_values_inside_any_json_are_the_same_on_all_paths(logs: list[tuple[bytes, str]]) -> None:
    OWN.check(encode_logs([{"j": whole, "f": flat} for whole, flat in logs], {}))


@given(whole=spoilt_json(), paths=st.lists(st.sampled_from(INSIDE), min_size=1, unique=True))
def test_what_the_helper_finds_is_what_python_finds(whole: bytes, paths: list[str]) -> None:
    found = find_with_helper(whole, *paths)
    if found is not None:
        assert found == find_with_python(whole.decode(), *paths)


def list_holders(log: dict[str, str]) -> list[str]:
    return [name for name, value in log.items() if value.startswith(('{"', '["'))]


WITH_JSON = [sample for sample in SAMPLES if list_holders(split_sample(sample.log)[0])]


@st.composite
def spoilt_samples(draw: st.DrawFn) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Logs of a sample, with what is inside their JSON replaced, left out, or written otherwise."""
    log, origin = split_sample(draw(st.sampled_from(WITH_JSON)).log)
    logs = []
    for _ in range(draw(st.integers(1, 3))):
        changed = dict(log)
        for name in draw(st.lists(st.sampled_from(list_holders(log)), max_size=2, unique=True)):
            tree = json.loads(log[name])
            places = [*walk(tree)]
            for holder, key in draw(st.lists(st.sampled_from(places), max_size=3)):
                holder[key] = draw(
                    st.sampled_from([None, "", "-", 1, 2.5, True, {}, [], {"a": " "}, "\U0001f600"])
                    | st.sampled_from(["x" * 1100, "é" * 400, " x", "a=b|c^", "10.0.0.1", "\u0085"])
                )
            options: Any = draw(
                st.fixed_dictionaries(
                    {
                        "ensure_ascii": st.booleans(),
                        "indent": st.sampled_from([None, None, 1]),
                        "separators": st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :")]),
                    }
                )
            )
            spoilt = draw(spoilt_json(st.just(json.dumps(tree, **options))))
            # Bytes that are not UTF-8 in a field that is not sent are counted by the payload only.
            changed[name] = spoilt.decode("utf-8", "ignore")
        logs.append(changed)
    return logs, origin


def walk(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place inside, as the array or object and the key."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in pairs:
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from walk(value)


@given(spoilt=spoilt_samples(), paths=st.sampled_from(PATHS))
def test_events_of_samples_with_spoilt_json_are_the_same(spoilt: Any, paths: Paths) -> None:
    logs, origin = spoilt
    paths.check(encode_logs(logs, origin))


@pytest.mark.parametrize("paths", PATHS, ids=PATH_IDS)
@pytest.mark.parametrize("sample", WITH_JSON, ids=lambda sample: sample.id)
def test_events_are_the_same_wherever_json_ends(sample: Any, paths: Paths) -> None:
    log, origin = split_sample(sample.log)
    for name in list_holders(log):
        value = log[name].encode()
        logs = [log | {name: value[:size]} for size in range(0, len(value), 7)]
        paths.check(encode_logs(logs, origin))


SMALL = b'{"a": ["x\\n", -1.5e3, {"b":null}], "b":{"c":"\xc3\xa9"}}'


@pytest.mark.gate
def test_of_json_with_another_byte_the_helper_finds_what_python_finds() -> None:
    paths = ["a", "a.2.b", "b.c", "b", "a.0"]
    found = 0
    for place in range(len(SMALL)):
        for octet in range(256):
            whole = SMALL[:place] + bytes([octet]) + SMALL[place + 1 :]
            got = find_with_helper(whole, *paths)
            found += got is not None
            assert got is None or got == find_with_python(whole.decode(), *paths)
    assert found > 200


@pytest.mark.parametrize(
    "source",
    [
        "__time__.a",
        "__time_ns_part__.a",
        "j.00",
        "j.a.01",
        "j.a..b",
        "j.",
        "j.٣",
        "j.1234567890",
        "j.\ud800",
        "j..a",
    ],
)
def test_unusual_paths_are_left_to_the_payload(source: str) -> None:
    paths = Paths(CefPayload(mapping=EventMapping(extension={"act": source, "k": "f"})))
    body = encode_logs([{"j": '{"00":"x","a":{"01":"y"},"":"z"}', "f": "1"}] * 3, {}, 7)
    paths.check(body)
    assert paths.count_slow_logs(body)[1] == 3


def test_a_field_may_be_sent_whole_besides_what_is_inside() -> None:
    whole = EventMapping(extension={"msg": "j", "act": "j.a", "k": "j.b"})
    both = EventMapping(extension={"act": ("j.a", "j")})
    for mapping, is_slow in ((whole, False), (both, True)):
        paths = Paths(CefPayload(mapping=mapping))
        body = encode_logs([{"j": '{"a":"x=y","b":1}'}, {"j": '{"b":2}'}, {"j": "{"}], {})
        paths.check(body)
        assert paths.count_slow_logs(body)[1] == 3 * is_slow


def test_a_field_with_the_name_of_a_path_counts_before_the_path() -> None:
    paths = Paths(CefPayload(mapping=EventMapping(extension={"act": "j.a", "k": "j.b"})))
    body = encode_logs([{"j": '{"a":"in","b":"b"}', "j.a": "flat"}] * 3, {})
    paths.check(body)
    assert paths.count_slow_logs(body)[1] == 0
    paths.check(encode_logs([{"j": '{"a":"in","b":"b"}', "j.a": ""}] * 3, {}))
