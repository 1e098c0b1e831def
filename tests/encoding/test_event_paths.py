"""The helper, pure Python and the payload itself write the same events, and count the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aliyun.log.proto import LogGroupList
from hypothesis import example, given
from hypothesis import strategies as st

from sls_syslog import CefPayload, EventMapping, Labelled, LeefPayload
from sls_syslog.encoding.native import load_helper
from sls_syslog.payloads.catalog import functions as vocabulary
from sls_syslog.payloads.fields import Constant, Source
from sls_syslog.testing.loggroup import frame_log_group
from tests.support.event_paths import PATH_IDS, PATHS, SECOND, Paths, encode_logs, split_sample
from tests.support.hostile import HOSTILE
from tests.support.samples import SAMPLES


def _split(words: str) -> list[str]:
    return words.split()


ODD = _split(
    """
    0 00 0080 8080 65535 65536 999999999 1000000000 2147483648 9999999999 +1 -1 1.5 1. .5 1e5
    1793678405 1793678405123 179367840512 2026-11-03T12:00:00+08:00 2026-11-03T12:00:00Z
    10.0.0.1 10.0.0.256 010.0.0.1 10.0.0.1:80 10.0.0.1,192.0.2.1 ::1 fe80::1%eth0 [2001:db8::1]:443
    ::ffff:10.0.0.1 two,words example.com example.com:8443 00:16:3e:00:00:01 00-16-3E-00-00-01
    true false block pass accept https unknown none null log_service a%20b %20 /a/b.txt a?b&c
    a%2Fb%2F a%2F- a%2F%20b %FF %E6%97%A5 select SELECT/**/1 /*x*/drop C:\\a\\b
"""
)
VALUES = [
    *("select\n1 from t", "a\t", "\na", "a\r\nb", "^a", "a|^b", "%x%", "a/\n", "a%2F%0Ab", "a%0Ab"),
    *(hostile.raw for hostile in HOSTILE.values()),
    *ODD,
    *("x" * size for size in (31, 32, 40, 41, 63, 64, 255, 256, 1023, 1024, 4001)),
    *(
        "é" * 40,
        "é" * 41,
        "日本" * 600,
        "\u3000x",
        "x\u3000",
        "x\u00a0",
        "\u1680x",
        "x\u2003y",
        "\ufeff",
    ),
    *(
        "-\x01",
        "\x01-",
        " - ",
        "\u2028",
        "\x85",
        "-\u2028",
        "\x12",
        "a\x12b",
        "\U0010f000",
        "\U0010f800",
    ),
    *("100000000", "200000000", "10.0.100.100", "10.1.100.100", "10000", "1000000000000"),
]
BY_NAME: dict[str, list[str]] = {}
for sample in SAMPLES:
    for name, value in sample.log.items():
        BY_NAME.setdefault(name, []).append(value)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
@pytest.mark.parametrize("paths", PATHS, ids=PATH_IDS)
def test_events_of_samples_are_written_quickly(paths: Paths, sample: Any) -> None:
    log, origin = split_sample(sample.log)
    body = encode_logs([log] * 3, origin)
    paths.check(body)
    # ActionTrail has many values inside JSON: the payload is quicker than pure Python.
    left = 3 * (sample.mapping == "actiontrail")
    assert paths.count_slow_logs(body) == [0 if load_helper()[0] else left, left]


WITH_PATH = [
    (sample, name)
    for sample in SAMPLES
    for name in ("request_path", "request_uri")
    if name in sample.log and "request" in [row.cef for row in sample.rows]
]


@pytest.mark.parametrize("is_pure", [False, True], ids=["helper", "pure"])
@pytest.mark.parametrize(
    ("sample", "name"), WITH_PATH, ids=[f"{sample.id}-{name}" for sample, name in WITH_PATH]
)
def test_paths_of_urls_need_no_evaluation_of_the_mapping(
    sample: Any, name: str, is_pure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, origin = split_sample(sample.log)
    paths = Paths(CefPayload())
    paths.check(encode_logs([log], origin))
    body = encode_logs([log | {name: f"/{is_pure}/{n}"} for n in range(20)], origin)
    evaluated = []
    make_event = EventMapping.event

    def note_event(self: EventMapping, log: Mapping[str, str]) -> Any:
        evaluated.append(log)
        return make_event(self, log)

    monkeypatch.setattr(EventMapping, "event", note_event)
    batch = LogGroupList()
    batch.ParseFromString(b"".join(frame_log_group(body)))
    (paths._pure if is_pure else paths._helper).encode(batch)
    assert not evaluated
    paths.check(body)


@pytest.mark.parametrize("paths", PATHS[:3], ids=PATH_IDS[:3])
def test_a_field_without_a_name_is_written_on_all_paths(paths: Paths) -> None:
    paths.check(encode_logs([{"level": "info", "": "kept"}] * 3, {"topic": "shop"}))


@st.composite
def spoilt_samples(draw: st.DrawFn) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Logs of a sample, with some values replaced and some fields left out."""
    log, origin = split_sample(draw(st.sampled_from(SAMPLES)).log)
    for name in draw(st.lists(st.sampled_from(sorted(log)), max_size=3)):
        log.pop(name, None)
    logs = []
    for _ in range(draw(st.integers(1, 3))):
        changed = dict(log)
        for name in draw(st.lists(st.sampled_from(sorted(log) or ["a"]), max_size=5)):
            likely = BY_NAME.get(name, ["x"])
            changed[name] = draw(
                st.sampled_from(likely) | st.sampled_from(VALUES) | st.text(max_size=5)
            )
        logs.append(changed)
    return logs, origin


@given(
    spoilt=spoilt_samples(),
    paths=st.sampled_from(PATHS),
    ns=st.sampled_from([None, 1, 999_999_999, 5_000_000, 4_000_000_000]),
    event_id=st.sampled_from([None, None, "event {}/{}".format, ("e" * 41 + "{}/{}").format]),
)
def test_events_of_ready_mappings_are_the_same_on_all_paths(
    spoilt: Any, paths: Paths, ns: int | None, event_id: Any
) -> None:
    logs, origin = spoilt
    paths.check(encode_logs(logs, origin, ns), event_id)


# Mappings of any sources of the vocabulary.

NAMES = ["a", "b", "c", "a.b", "", "__topic__", "__time__", "__tag__:t", "__event_id__"]
NAMES += ["c.a", "c.b", "c.a.b", "c.0", "b.a", "__time__.a", "__tag__:t.a"]
INSIDE = [
    *('{"a":"x","b":"10.0.0.1"}', '{"a":"x","b":"x"}', '{"a":8080,"b":true}', '{"a":{"b":"1"}}'),
    *('{ "b" : ["x"], "a.b": null }', '["x",1]', '{"a":"a b","b":" b"}', '{"a":"/p","a":1}'),
]
TABLE = {"true": "https", "1": "success", "10.0.0.1": "10.0.0.2", "8080": "443", "x": "-"}


def combine(inner: st.SearchStrategy[Source]) -> st.SearchStrategy[Source]:
    """Draw sources that are made of other sources."""
    two, three, four = (st.tuples(*[inner] * count) for count in (2, 3, 4))
    return st.one_of(
        two,
        three,
        inner.map(lambda one: vocabulary.translate(one, TABLE)),
        inner.map(lambda one: vocabulary.translate(one, TABLE, "8081")),
        inner.map(lambda one: vocabulary.grade(one, {0: "low", 8080: "high"})),
        inner.map(lambda one: vocabulary.keep_listed(one, ["TRUE", "8080"])),
        inner.map(lambda one: vocabulary.exclude(one, "unknown", "8080")),
        inner.map(lambda one: vocabulary.drop_longer(one, 8)),
        inner.map(lambda one: vocabulary.drop_longer(one, 40)),
        inner.map(lambda one: vocabulary.drop_larger(one, 9000)),
        inner.map(lambda one: vocabulary.drop_larger(one, 2**31 - 1)),
        inner.map(vocabulary.decode_url),
        inner.map(vocabulary.extract_address),
        inner.map(vocabulary.extract_port),
        inner.map(vocabulary.extract_file_name),
        inner.map(vocabulary.extract_host),
        inner.map(vocabulary.extract_sql_command),
        inner.map(lambda one: vocabulary.extract_file_name(one, "/\\")),
        inner.map(vocabulary.decode_url).map(vocabulary.extract_file_name),
        two.map(lambda some: vocabulary.give_if_present(*some)),
        two.map(lambda some: vocabulary.give_if_absent(*some)),
        two.map(lambda some: vocabulary.join(*some, sep="")),
        two.map(lambda some: vocabulary.join(*some, sep="^")),
        three.map(lambda some: vocabulary.give_if_equal(*some)),
        three.map(lambda some: vocabulary.choose(some[0], {"true": some[1], "1": some[2]})),
        four.map(lambda some: vocabulary.build_url(*some)),
    )


SOURCES: st.SearchStrategy[Source] = st.recursive(
    st.sampled_from(NAMES)
    | st.sampled_from(["8080", "10.0.0.9", "x|y", "-", "é" * 1020]).map(Constant),
    combine,
    max_leaves=6,
)
KEYS = _split(
    """
    rt src dst shost c6a2 dvc spt cn1 in fsize type cfp1 start act suser request requestContext msg
    cs1 externalId destinationTranslatedAddress dmac myKey app deviceExternalId
"""
)


@st.composite
def mappings(draw: st.DrawFn) -> EventMapping:
    extension: dict[str, Any] = draw(st.dictionaries(st.sampled_from(KEYS), SOURCES, max_size=4))
    for key in {"cs1", "cn1", "c6a2"} & extension.keys():
        extension[key] = Labelled("Of | ^ = it", extension[key])
    return EventMapping(
        event_class_id=draw(SOURCES),
        name=draw(st.none() | SOURCES),
        severity=draw(st.none() | SOURCES),
        extension=extension,
    )


FEW = st.sampled_from([*ODD[:16], "true", "1", "8080", "x", "-", "", "10.0.0.1", "::1"])


@given(
    mapping=mappings(),
    format_=st.sampled_from(["cef", "leef", "sc4s"]),
    logs=st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c", "a.b", ""]),
            FEW | st.sampled_from(VALUES) | st.sampled_from(INSIDE),
        ),
        min_size=1,
        max_size=4,
    ),
    tag=FEW | st.sampled_from(INSIDE),
    ns=st.sampled_from([None, 7_000_000]),
    event_id=st.sampled_from([None, "event {}/{}".format]),
)
@example(
    # What is dropped for its length decides for another source.
    mapping=EventMapping(
        extension={"act": vocabulary.give_if_present(vocabulary.drop_longer("a", 8), "b")}
    ),
    format_="cef",
    logs=[{"a": "1", "b": "2"}, {"a": "x" * 9, "b": "2"}],
    tag="",
    ns=None,
    event_id=None,
)
@example(
    # What is dropped for its length is no time.
    mapping=EventMapping(
        extension={"rt": vocabulary.drop_longer("a", 24), "end": (vocabulary.drop_longer("a", 24),)}
    ),
    format_="cef",
    logs=[{"a": "2026-11-03T12:00:00+08:00"}, {"a": "2026-11-03T04:00:00.123Z"}],
    tag="",
    ns=None,
    event_id=None,
)
@example(
    # Of one field the word decides, and all of it is copied.
    mapping=EventMapping(extension={"act": (vocabulary.extract_sql_command("a"), "a")}),
    format_="cef",
    logs=[{"a": "select 1"}, {"a": "selected"}],
    tag="",
    ns=None,
    event_id=None,
)
@example(
    # The log's own time decides, and is not only copied.
    mapping=EventMapping(
        extension={
            "rt": vocabulary.translate("__time__", {f"{SECOND}": "1700000000000"}),
            "act": "a",
        }
    ),
    format_="cef",
    logs=[{"a": "1"}],
    tag="x",
    ns=None,
    event_id=None,
)
@example(
    # What is decoded is no host or path as it stands in the log.
    mapping=EventMapping(
        extension={
            "act": vocabulary.extract_host(vocabulary.decode_url("a")),
            "request": vocabulary.build_url((), "a", vocabulary.decode_url("b")),
        }
    ),
    format_="cef",
    logs=[{"a": "a%41.example", "b": "/%41"}],
    tag="",
    ns=None,
    event_id=None,
)
@example(
    # A compared value decides for another source, too.
    mapping=EventMapping(
        extension={
            "act": vocabulary.join(
                vocabulary.give_if_equal("a", "b", "c"), vocabulary.translate("b", TABLE)
            )
        }
    ),
    format_="cef",
    logs=[{"a": "true", "b": "true", "c": "2"}],
    tag="",
    ns=None,
    event_id=None,
)
@example(
    # A field is compared twice.
    mapping=EventMapping(
        extension={
            "act": vocabulary.join(
                vocabulary.give_if_equal("a", "b", "c"), vocabulary.give_if_equal("c", "b", "a")
            )
        }
    ),
    format_="cef",
    logs=[{"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "1", "c": "2"}],
    tag="",
    ns=None,
    event_id=None,
)
@example(
    # The constant is one side of the comparison.
    mapping=EventMapping(extension={"act": vocabulary.give_if_equal("a", "__topic__", "b")}),
    format_="cef",
    logs=[{"a": "t", "b": "2"}, {"a": "x", "b": "2"}],
    tag="",
    ns=None,
    event_id=None,
)
def test_events_of_any_mapping_are_the_same_on_all_paths(
    mapping: EventMapping, format_: str, logs: Any, tag: str, ns: int | None, event_id: Any
) -> None:
    payload: Any = CefPayload(mapping=mapping)
    if format_ != "cef":
        payload = LeefPayload(mapping=mapping, dialect="ibm" if format_ == "leef" else "sc4s")
    origin = {"topic": "t", "source": "s", "tags": {"t": tag}}
    Paths(payload).check(encode_logs(logs, origin, ns), event_id)
