"""Masks: what is replaced, in which form, and that nothing stays open."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import MaskRule
from sls_syslog.logs.masking import DIGEST_LENGTH, LogMask
from sls_syslog.logs.patterns import MAX_SEARCHED
from tests.support.strategies import CHARACTERS

KEY = "a key of 24 characters.."
CARD = "4111111111111111"
BY_VALUE = MaskRule(value_matches=r"\b\d{13,19}\b", text="<card>")


def mask(*rules: MaskRule, **log: str) -> dict[str, str]:
    return dict(LogMask(rules, KEY).apply(log))


def digest(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:DIGEST_LENGTH]


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (MaskRule("email"), "email"),
        (MaskRule("email"), "__tag__:email"),
        (MaskRule("__tag__:email"), "__tag__:email"),
        (MaskRule("email"), "user.email"),
        (MaskRule("user.email"), "event.user.email"),
        (MaskRule("__topic__"), "__topic__"),
        (MaskRule("__topic__"), "__content__:__topic__"),
        (MaskRule(field_matches="(?i)^e-?mail$"), "E-Mail"),
        (MaskRule(field_matches="^email$"), "__tag__:email"),
        (MaskRule(field_matches="secret"), "my_secrets"),
        (MaskRule(field_matches="^secret$"), "x" * (MAX_SEARCHED + 1)),  # it cannot be searched
    ],
    ids=str,
)
def test_a_rule_finds_a_field_by_its_name(rule: MaskRule, name: str) -> None:
    assert mask(rule, **{name: "li@x.example", "other": "kept"}) == {name: "***", "other": "kept"}


@pytest.mark.parametrize("name", ["Email", "emails", "my_email", "email.x", "e", ""])
def test_a_rule_leaves_other_names_alone(name: str) -> None:
    assert mask(MaskRule("email"), **{name: "kept"}) == {name: "kept"}


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ('{"email":"li@x.example","n":1.10}', '{"email":"***","n":1.10}'),
        ('{"\\u0065m\\u0061il":"li"}', '{"email":"***"}'),
        ('{"email":"a","email":"b"}', '{"email":"***","email":"***"}'),
        ('{"email":{"a":[1]},"x":[true,null,"y"]}', '{"email":"***","x":[true,null,"y"]}'),
        ('[{"a":{"email":5}}]', '[{"a":{"email":"***"}}]'),
        (' \x00\ufeff{"email":true}\u3000', '{"email":"***"}'),
        ('\ufffd{"email":true}', '{"email":"***"}'),
        ('{"in":"{\\"email\\":\\"li\\"}"}', '{"in":"{\\"email\\":\\"***\\"}"}'),
        ('"{\\"email\\":\\"li\\"}"', '"{\\"email\\":\\"***\\"}"'),
        ('{"email":null,"a":""}', '{"email":null,"a":""}'),
        ('{"email":"","n":NaN,"m":1e999}', '{"email":"","n":NaN,"m":1e999}'),
        ('{"email":"x","é":"\\ud800"}', '{"email":"***","é":"\\ud800"}'),
        ('{"em\\nail":"a\\nb"}', '{"em\\nail":"a\\nb"}'),
        # JSON that cannot be read, and holds the name
        ('{"email":"li@x.exam', "***"),
        ('{"email":"li"} {"email":"wang"}', "***"),
        ("{'email': 'li'}", "***"),
        ('{"e\\u006dail":"li', "***"),
        ('[1,"\\u006ci"', "***"),
        ("[" * 100_000 + '{"email":1}', "***"),
        ('INFO got {"email":"li"}', "***"),
        ('INFO got "{\\"\\u0065mail\\" : \\"li\\"}"', "***"),
        ('<{"a":1,"em\\u0061il":1}>', "***"),
        # and what cannot hold it
        ('INFO got {"a":"email"}', 'INFO got {"a":"email"}'),
        ('{"user":"li@x.exam', '{"user":"li@x.exam'),
        ("[2026-11-28] email sent", "[2026-11-28] email sent"),
        ('"C:\\users" email', '"C:\\users" email'),
        ("email=li", "email=li"),
        ("", ""),
    ],
    ids=lambda text: text[:30],
)
def test_a_name_is_found_inside_json(value: str, masked: str) -> None:
    assert mask(MaskRule("email"), field=value) == {"field": masked}


def test_a_way_leads_through_fields_objects_and_lists() -> None:
    rules = [MaskRule("user.email"), MaskRule("ips.0"), MaskRule("a.b.c")]
    log = {
        "user": '{"email":1,"name":"li"}',
        "event": '{"user":{"email":1},"email":2,"ips":["x","y"],"users":[{"email":3}]}',
        "a": '[{"b.c":1,"b":[{"c":2}]}]',
    }
    assert mask(*rules, **log) == {
        "user": '{"email":"***","name":"li"}',
        "event": '{"user":{"email":"***"},"email":2,"ips":["***","y"],"users":[{"email":3}]}',
        "a": '[{"b.c":"***","b":[{"c":"***"}]}]',
    }


def test_a_name_pattern_masks_all_json_that_cannot_be_read() -> None:
    rule = MaskRule(field_matches="token")
    log = {"a": '{"t":', "b": "[x] {y", "c": "[x]", "d": '{"my_token":1}'}
    log |= {"e": 'got {"my_token":1}', "f": 'got {"id":1}'}
    assert mask(rule, **log) == {
        **{"a": "***", "b": "***", "c": "[x]", "e": "***", "f": 'got {"id":1}'},
        "d": '{"my_token":"***"}',
    }


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (f"paid with {CARD}.", "paid with <card>."),
        (f"{CARD} {CARD}", "<card> <card>"),
        (f'{{"n":{CARD},"{CARD}":"x {CARD}"}}', '{"n":"<card>","<card>":"x <card>"}'),
        ('{"n":"4\\u003111111111111111"}', '{"n":"<card>"}'),
        (f'{{"in":"[{CARD}]"}}', '{"in":"[\\"<card>\\"]"}'),
        ('{"n":"4\\u003111111111111111', "***"),
        (f'{{"n":"{CARD}', '{"n":"<card>'),
        ("x " * 5000 + CARD, "x " * 5000 + "<card>"),
        ("1" * 20, "1" * 20),
    ],
    ids=lambda text: text[:30],
)
def test_a_value_pattern_replaces_what_it_matches(value: str, masked: str) -> None:
    assert mask(BY_VALUE, field=value) == {"field": masked}


def test_a_value_that_cannot_be_searched_is_masked_as_a_whole() -> None:
    rule = MaskRule(value_matches=r"\d+", text="#")
    short, long = "x" * MAX_SEARCHED, "x" * (MAX_SEARCHED + 1)
    assert mask(rule, short=short, long=long) == {"short": short, "long": "***"}
    assert mask(rule, field=json.dumps([short, long])) == {"field": f'["{short}","***"]'}


def test_the_names_of_fields_and_tags_are_masked_too_and_none_takes_another_s_place() -> None:
    log = {CARD: "a", "<card>": "b", f"__tag__:{CARD}": "c", CARD[:-1]: "d"}
    assert mask(BY_VALUE, **log) == {
        "<card>'": "a",
        "<card>": "b",
        "__tag__:<card>": "c",
        "<card>''": "d",
    }


def test_equal_values_have_equal_digests_wherever_they_are() -> None:
    rules = [MaskRule("id", hashed=True), MaskRule(value_matches=r"\d{13,19}", hashed=True)]
    log = {"id": CARD, "json": f'{{"id":"{CARD}"}}', "number": f'{{"id":{CARD}}}', "x": f"n {CARD}"}
    one = digest(CARD)
    assert mask(*rules, **log) == {
        "id": one,
        "json": f'{{"id":"{one}"}}',
        "number": f'{{"id":"{one}"}}',
        "x": f"n {one}",
    }
    assert digest("another") != one
    assert mask(MaskRule("id", hashed=True), id="\ud800")["id"] != "\ud800"


def test_what_needs_no_mask_is_the_same_log() -> None:
    log = {"__time__": "1795403700", "a": ' { "b" : [1.0] } ', "c": "x"}
    rules = [MaskRule("email"), BY_VALUE, MaskRule(field_matches="^__time")]
    assert LogMask(rules, None).apply(log) is log


def test_the_first_rule_for_a_name_counts_and_its_result_is_not_searched() -> None:
    rules = [MaskRule("a", text=CARD), MaskRule(field_matches="a", text="second"), BY_VALUE]
    assert mask(*rules, a="x", ab="x", c=CARD) == {"a": CARD, "ab": "second", "c": "<card>"}


SECRET = "s3cr3t-l1"
KEYS = st.one_of(st.just("secret"), st.text(CHARACTERS, max_size=5))


def escape(draw: st.DrawFn, text: str) -> str:
    """JSON in which some characters are escapes."""
    escaped = (f"\\u{ord(char):04x}" if draw(st.booleans()) else char for char in text)
    return f'"{"".join(escaped)}"'


@st.composite
def documents(draw: st.DrawFn) -> str:
    """JSON whose values of the key ``secret`` hold the secret, and perhaps a part of it."""

    def write(depth: int) -> str:
        kind = draw(st.sampled_from(["object", "list", "text", "inner", "leaf"][: depth + 2]))
        if kind == "object" or depth == 0:
            pairs = [f'"x":{draw(st.integers())}', f"{escape(draw, 'secret')}:{hide()}"]
            if depth:
                pairs += [f"{json.dumps(draw(KEYS))}:{write(depth - 1)}" for _ in range(2)]
            return f"{{{','.join(draw(st.permutations(pairs)))}}}"
        if kind == "list":
            return f"[{write(depth - 1)},{write(depth - 1)}]"
        if kind == "inner":
            return json.dumps(write(depth - 1))
        return json.dumps(draw(st.text(CHARACTERS, max_size=5)))

    def hide() -> str:
        plain = escape(draw, SECRET)
        return draw(st.sampled_from([plain, f"[{plain}]", f'{{"a":{plain}}}', json.dumps(plain)]))

    whole = write(draw(st.integers(0, 3)))
    cut = draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    around = draw(st.sampled_from(["", " ", "\t", "\ufeff", "\x00"]))
    return around + whole[:cut] + draw(st.sampled_from(["", " ", "}", "\n"]))


def read_all(text: str) -> str:
    """A text, and what a reader finds who decodes every escape in it, several times."""
    found = [text]
    for _ in range(5):
        text = text.replace("\\\\", "\\")
        for code in range(0x20, 0x7F):
            text = text.replace(f"\\u{code:04x}", chr(code))
        found.append(text)
    return "\n".join(found)


@given(documents(), st.sampled_from([{"field": "secret"}, {"field_matches": "^secret$"}]))
def test_no_secret_stays_in_any_json(document: str, rule: dict[str, Any]) -> None:
    masked = mask(MaskRule(**rule), field=document)["field"]
    assert SECRET not in read_all(masked)


@given(documents())
def test_no_value_stays_in_any_json_that_a_pattern_finds(document: str) -> None:
    masked = mask(MaskRule(value_matches=SECRET), field=document)["field"]
    assert SECRET not in read_all(masked)
