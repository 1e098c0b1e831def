"""What encoding costs, counted and not timed: calls of functions for each log.

A guard: whoever puts something on the way of every log sees it here. The figures are a little above
what was counted (Python 3.10 to 3.13 differ by a few); what they are worth in CPU is measured by
``tests/benchmarks``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sls_syslog import JsonPayload, KeyValuePayload, ShipperSettings
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from tests.support.batches import serve
from tests.support.native import need_helper, pure_python

LOGS, FIELDS = 1000, 16


@pytest.fixture(scope="module")
def batch() -> Any:
    """A thousand logs of one second and one shape, as ``process()`` is given them."""
    log = [(f"field_{number}", f"value {number} of 王小明") for number in range(FIELDS)]
    return serve(*[log] * LOGS, tags={"__path__": "/var/log"})


class OneHook(MessageHooks):
    def format_message(self, log: Mapping[str, str]) -> str:
        return log["field_3"]


def count_calls(function: Callable[[], object]) -> int:
    """Count the calls of Python and C functions by this thread."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls


def calls_for_each_log(batch: Any, hooks: Any, *, is_pure: bool = True, **settings: Any) -> float:
    """Calls while a batch is encoded."""
    chosen = ShipperSettings.from_mapping({"host": "siem", **settings})
    with pure_python(is_pure):
        encoder = LogEncoder(chosen, hooks(chosen))
    encoder.encode(batch)  # what is made once
    return count_calls(lambda: encoder.encode(batch)) / LOGS


@pytest.mark.parametrize(
    ("hooks", "settings", "most"),
    [
        (MessageHooks, {}, 7.5),
        (MessageHooks, {"syslog_format": "rfc3164"}, 7.5),
        (MessageHooks, {"framing": "octet-counting"}, 9.5),
        (MessageHooks, {"payload": "json"}, 10),
        (MessageHooks, {"payload": "cef"}, 25),
        (OneHook, {}, 30),
        (MessageHooks, {"tag": "{__topic__}"}, 78),
    ],
    ids=["default", "rfc3164", "octet-counting", "json", "cef", "one-hook", "template"],
)
def test_a_log_costs_few_calls(
    batch: Any, hooks: Any, settings: dict[str, Any], most: float
) -> None:
    assert calls_for_each_log(batch, hooks, **settings) <= most


@pytest.mark.parametrize("payload", ["key-value", "json"])
def test_the_helper_makes_no_call_for_each_log(batch: Any, payload: str) -> None:
    need_helper()
    assert calls_for_each_log(batch, MessageHooks, is_pure=False, payload=payload) <= 0.1


def test_the_count_sees_a_call_more(batch: Any) -> None:
    class Slower(OneHook):
        def format_message(self, log: Mapping[str, str]) -> str:
            return str(len(super().format_message(log)))

    plain, slower = (calls_for_each_log(batch, hooks) for hooks in (OneHook, Slower))
    assert slower > plain + 1.9  # some calls come once in a batch, such as those of caches


@pytest.mark.parametrize("hostile", [*'\n\x00\u2028\x85"\\]=|%', " -"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"newlines": "space"},
        {"payload": "json"},
        {"payload": JsonPayload(expand=("text",))},
        {"payload": KeyValuePayload(quote=True)},
        {"payload": "cef"},
        {"payload": "leef"},
        {"tag": "{text}", "hostname": "{text}"},
        {"tag": "{text}", "hostname": "{text}", "syslog_format": "rfc3164"},
        {"structured_data": {"a@1": {"b": "{text}"}}},
        {"max_message_bytes": 1000},
        {"structured_data": {"a@1": {"b": "{text}"}}, "max_message_bytes": 1000},
    ],
    ids=str,
)
def test_a_character_more_costs_no_call(settings: dict[str, Any], hostile: str) -> None:
    """Ten million line feeds in one log took four seconds with a call for each."""
    chosen = ShipperSettings.from_mapping({"host": "siem", **settings})
    encoder = LogEncoder(chosen, MessageHooks(chosen))
    short, long = (serve([("text", f"a{hostile * times}")]) for times in (1000, 10_000))
    encoder.encode(short)
    before = count_calls(lambda: encoder.encode(short))
    assert count_calls(lambda: encoder.encode(long)) < before + 1000
