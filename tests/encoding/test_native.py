"""The compiled helper: when it is used; that it writes the same is in ``test_native_path.py``."""

from __future__ import annotations

import sys
import sysconfig

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sls_syslog.encoding.fast_path import is_legal
from sls_syslog.encoding.native import HELPER, PURE_PYTHON, load_helper
from tests.support.native import need_helper


@pytest.fixture(autouse=True)
def _not_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PURE_PYTHON, raising=False)


@pytest.mark.parametrize("value", ["1", "yes"])
def test_a_variable_turns_the_helper_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PURE_PYTHON, value)
    assert load_helper() == (None, f"{PURE_PYTHON} is set")


@pytest.mark.parametrize("value", ["0", ""])
def test_the_variable_may_say_that_the_helper_stays(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_helper()
    monkeypatch.setenv(PURE_PYTHON, value)
    assert load_helper() == (need_helper(), "")


def test_a_free_threaded_python_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", {"Py_GIL_DISABLED": 1}.get)
    assert load_helper() == (None, "this Python is free-threaded")


def test_a_helper_that_was_not_built_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, HELPER, None)
    helper, problem = load_helper()
    assert helper is None
    assert "cannot be loaded" in problem


def test_a_helper_that_was_built_before_an_update_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(need_helper(), "INTERFACE", 0)
    helper, problem = load_helper()
    assert helper is None
    assert "install again" in problem


# Bytes near each border of what is legal.
EDGES = st.lists(
    st.sampled_from(
        bytes.fromhex(
            "0008090a1f20222d415c7e7f808f909fa0a8a9aabfc0c1c2c3dfe0e1e2e3edeeeff0f1f3f4f5ff"
        )
    ),
    max_size=20,
).map(bytes)


@given(text=EDGES | st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
@example(text="\u2028".encode())
@example(text=b"\xed\xa0\x80")
def test_the_helper_calls_the_same_text_legal(text: bytes) -> None:
    assert need_helper().is_legal(text) == is_legal(text)


def test_the_helper_calls_the_same_characters_legal() -> None:
    helper = need_helper()
    for first in range(256):
        for second in range(256):
            for rest in (b"", b"\x80", b"\xa8", b"\xa9\x80", b"\x80\x80", b"A"):
                text = bytes([first, second]) + rest
                assert helper.is_legal(text) == is_legal(text), text


@pytest.mark.parametrize("value", ["text", None, bytearray(b"x")])
def test_the_helper_takes_bytes_only(value: object) -> None:
    with pytest.raises(TypeError):
        need_helper().is_legal(value)  # type: ignore[arg-type]
