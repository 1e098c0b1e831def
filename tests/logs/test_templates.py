"""``hostname`` and ``tag`` made from a log."""

from __future__ import annotations

import pytest

from sls_syslog.logs.templates import Template

LOG = {
    "__source__": "10.0.0.1",
    "__tag__:__hostname__": "web-1",
    "a b": "blank",
    "empty": "",
    "brace": "{__source__}",
    r"back\1": r"\g<0>",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("portal", "portal"),
        ("", ""),
        ("{__source__}", "10.0.0.1"),
        ("{__tag__:__hostname__}", "web-1"),
        ("sls-{__source__}.{a b}!", "sls-10.0.0.1.blank!"),
        ("{__source__}{__source__}", "10.0.0.110.0.0.1"),
        ("{brace}", "{__source__}"),
        (r"{back\1}", r"\g<0>"),
        ("{missing}", "fallback"),
        ("{empty}", "fallback"),
        ("{__source__}/{missing}", "fallback"),
        ("{0}", "fallback"),
        ("{__source__.__class__}", "fallback"),
        ("{__source__!r}", "fallback"),
    ],
)
def test_a_template_is_filled_from_a_log(template: str, expected: str) -> None:
    assert Template(template, "fallback").render(LOG) == expected


@pytest.mark.parametrize("template", ["{", "}", "{}", "a{b", "a}b", "{{a}}", "{a}{", "{a}}"])
def test_a_brace_that_names_no_field_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        Template(template, "fallback")


def test_a_template_names_its_fields() -> None:
    assert Template("{a}-{b:c}-{a}", "").fields == ("a", "b:c", "a")
    assert Template("none", "").fields == ()
