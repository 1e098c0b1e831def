"""What keeps a log, or a part of it, from being sent: filters, masks, and hooks that fail."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog import CefPayload, JsonPayload, KeyValuePayload, ShipperSettings
from sls_syslog.encoding.encoder import EncodedLogs, LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.payloads.by_name import PAYLOADS
from tests.support.batches import serve
from tests.support.strategies import CHARACTERS

SECRET = "S3CR3T"
HOOKS = [
    *("format_message", "severity", "facility", "hostname", "app_name", "timestamp"),
    "structured_data",
]


def make_encoder(hooks: type[MessageHooks] = MessageHooks, **options: Any) -> LogEncoder:
    settings = ShipperSettings.from_mapping({"host": "siem", "hostname": "relay", **options})
    return LogEncoder(settings, hooks(settings), logs_before_writer=0)


def encode(encoder: LogEncoder, *logs: dict[str, str], begin: int = 0) -> EncodedLogs:
    return encoder.encode(serve(*(log.items() for log in logs)), begin=begin)


def count(encoded: EncodedLogs) -> int:
    return sum(frame.count(b"\n") for frame in encoded.frames)


# Filters


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"skip": [{"field": "n", "equals": "1"}]}, [b"n=0", b"n=2"]),
        ({"only": [{"field": "n", "at_least": 1}]}, [b"n=1", b"n=2"]),
        ({"only": [{"field": "__topic__", "equals": "t"}], "skip": [{"field": "n", "at_least": 1}]},
         [b"n=0"]),
        ({"skip": [{"field": "n", "equals": "1"}], "mask": [{"field": "n"}]}, [b"n=***"] * 2),
    ],
    ids=str,
)  # fmt: skip
def test_a_log_that_the_rules_leave_out_is_filtered(options: Any, sent: list[bytes]) -> None:
    encoded = encode(make_encoder(**options), *({"n": str(n)} for n in range(3)))
    assert [frame.rpartition(b"||")[2].strip() for frame in encoded.frames] == sent
    filtered = [kind for _, kind in encoded.outcomes if kind == "filtered"]
    assert len(filtered) == 3 - len(sent)


# Masks


class Watching(MessageHooks):
    """Notes what hooks get."""

    def __init__(self, settings: ShipperSettings) -> None:
        super().__init__(settings)
        self.seen: list[Mapping[str, str]] = []

    def format_message(self, log: Mapping[str, str]) -> str | None:
        self.seen.append(log)
        return super().format_message(log)

    def severity(self, log: Mapping[str, str]) -> Any:
        self.seen.append(log)
        return super().severity(log)


MASKS = [{"field": "secret"}, {"value_matches": SECRET}]
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    **{
        f"{payload} {syslog_format}": {"payload": payload, "syslog_format": syslog_format}
        for payload in PAYLOADS
        for syslog_format in ("rfc5424", "rfc3164")
    },
    "templates": {"hostname": "{__source__}", "tag": "{__tag__:secret}"},
    "elements": {"enterprise_id": 32473, "structured_data": {"a@1": {"s": "{secret}"}}},
    "expanded": {"payload": JsonPayload(expand=("a", "secret", "__tag__:b"))},
    "paths": {"payload": CefPayload(extension={"msg": "a.secret", "suser": ("b.0", "secret")})},
    "function": {"payload": lambda log: repr(dict(log))},
    "split": {"max_message_bytes": 480, "oversize": "split"},
    "ids": {"event_id": True},
    "rules": {"severity_rules": [{"field": "a", "contains": SECRET, "severity": "alert"}]},
}


@functools.cache
def keep_watched(name: str) -> tuple[LogEncoder, Watching]:
    """Make one encoder for all logs of a configuration, as a shard has one, and its hooks.

    To read the rules takes ten times as long as to encode a log.
    """
    encoder = make_encoder(Watching, mask=MASKS, **CONFIGURATIONS[name])
    hooks: Any = encoder._slow_path._hooks._hooks
    return encoder, hooks


HIDING = st.sampled_from(
    [
        SECRET,
        f"user {SECRET} logged in",
        f'{{"secret":"{SECRET}"}}',
        f'[{{"secret":"{SECRET}","n":1}},"{SECRET}"]',
        '{"\\u0073ecret":"\\u00533CR3T","x":"\\u00533CR3T"}',
        f'{{"secret":"a","secret":"{SECRET}"}}',
        '{"in":"{\\"x\\":\\"\\\\u00533CR3T\\"}"}',
        '{"x":"\\u00533CR3T',
        f'{{"secret":["{SECRET}"',
        f'{{"{SECRET}":1}}',
        "|" * 3000 + SECRET,
    ]
)
NAMES = st.one_of(st.sampled_from(["secret", "a", "b", SECRET, "__topic__"]),
                  st.text(CHARACTERS, max_size=4))  # fmt: skip
FIELDS = st.dictionaries(NAMES, st.one_of(HIDING, st.text(CHARACTERS, max_size=5)), max_size=4)


@pytest.mark.parametrize("name", CONFIGURATIONS)
@given(log=FIELDS, tags=FIELDS, topic=HIDING, source=HIDING)
def test_no_frame_holds_what_is_masked(
    name: str, log: dict[str, str], tags: dict[str, str], topic: str, source: str
) -> None:
    encoder, hooks = keep_watched(name)
    hooks.seen.clear()
    batch = serve(log.items(), topic=topic, source=source, tags=tags)
    encoded = encoder.encode(batch, lambda group, number: f"{group}/{number}")
    assert count(encoded) >= 1
    assert ("masked" in [kind for _, kind in encoded.outcomes]) is True
    for text in [*(frame.decode() for frame in encoded.frames), *map(str, hooks.seen)]:
        assert SECRET not in text.replace("\\\\", "\\").replace("\\u0053", "S")


def test_times_and_ids_are_never_masked() -> None:
    encoder = make_encoder(mask=[{"field_matches": "."}, {"value_matches": "."}], event_id=True)
    batch = serve({"a": "b"}.items())
    (frame,) = encoder.encode(batch, lambda group, number: f"{group}/{number}").frames
    assert b" 2026-" in frame
    assert b"||__event_id__=0/0||***=***" in frame


def test_a_log_in_which_nothing_is_masked_is_the_same_as_without_rules() -> None:
    log = {"a": '{"b" : 1.10}', "c": "x"}
    assert encode(make_encoder(mask=MASKS), log) == encode(make_encoder(), log)


# Hooks that fail


def make_hooks(*failing: str, error: BaseException) -> type[MessageHooks]:
    """Hooks of which some fail for the log 1."""

    def make(name: str) -> Any:
        def hook(self: MessageHooks, log: Mapping[str, str]) -> Any:
            if log.get("n") == "1":
                raise error
            return getattr(MessageHooks, name)(self, log)

        return hook

    return type("Failing", (MessageHooks,), {name: make(name) for name in failing})


THREE = [{"n": "0"}, {"n": "1"}, {"n": "2"}]


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("hook", HOOKS)
def test_a_log_of_which_a_hook_fails_is_dropped_if_the_settings_say_so(
    hook: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = make_encoder(make_hooks(hook, error=error), on_hook_error="drop")
    dropped: list[Any] = []
    encoder.on_drop = lambda *what: dropped.append(what)
    encoded = encode(encoder, *THREE)
    assert count(encoded) == 2
    assert b"n=1" not in b"".join(encoded.frames)
    assert encoded.outcomes == [(1, "hook_failed"), (1, "dropped_hook_failed")]
    assert encoded.held is None
    ((number, cause, log),) = dropped
    assert (number, cause, log["n"]) == (1, "hook_failed", "1")
    assert f"hook {hook} failed; the log is dropped (on_hook_error)" in caplog.text


@pytest.mark.parametrize("hook", HOOKS)
def test_a_log_of_which_a_hook_fails_holds_the_batch_if_the_settings_say_so(hook: str) -> None:
    error = ValueError("x")
    encoder = make_encoder(make_hooks(hook, error=error), on_hook_error="hold")
    encoded = encode(encoder, *THREE)
    assert count(encoded) == 1
    assert b"n=0" in b"".join(encoded.frames)
    assert encoded.outcomes == []
    assert encoded.held is not None
    assert (encoded.held.number, encoded.held.error) == (1, error)
    assert hook in encoded.held.problem
    assert count(encode(encoder, *THREE, begin=2)) == 1


class OwnJson(JsonPayload):
    def __call__(self, log: Mapping[str, str]) -> str:
        raise ValueError(log)


class OwnKeyValue(KeyValuePayload):
    def __call__(self, log: Mapping[str, str]) -> str:
        raise SystemExit(1)


def own(log: Mapping[str, str]) -> str:
    raise ValueError(log)


def own_number(log: Mapping[str, str]) -> Any:
    return 5


OWN = [OwnJson(), OwnKeyValue(), own, own_number, CefPayload(extension={"msg": own})]


@pytest.mark.parametrize("policy", ["default", "drop", "hold"])
@pytest.mark.parametrize("payload", OWN, ids=["json", "key-value", "function", "number", "cef"])
def test_the_payload_is_a_hook_too(payload: Any, policy: str) -> None:
    encoded = encode(make_encoder(payload=payload, on_hook_error=policy), *THREE)
    assert count(encoded) == (3 if policy == "default" else 0)
    assert (encoded.held is not None) is (policy == "hold")
    kinds = {kind for _, kind in encoded.outcomes}
    assert kinds == {"default": {"hook_failed"}, "hold": set()}.get(
        policy, {"hook_failed", "dropped_hook_failed"}
    )


@pytest.mark.parametrize("begin", range(5))
def test_a_batch_can_be_encoded_from_any_log_on(begin: int) -> None:
    logs = [{"n": str(n)} for n in range(4)]
    whole = encode(make_encoder(), *logs)
    part = encode(make_encoder(), *logs, begin=begin)
    lines = b"".join(whole.frames).splitlines(keepends=True)
    assert b"".join(part.frames).splitlines(keepends=True) == lines[begin:]


# Copies of what is dropped


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"max_message_bytes": 480, "oversize": "drop"}, "oversize"),
        ({"payload": own, "on_hook_error": "drop"}, "hook_failed"),
    ],
)
def test_a_copy_of_a_dropped_log_has_its_masks(options: dict[str, Any], cause: str) -> None:
    encoder = make_encoder(mask=MASKS, **options)
    dropped: list[Any] = []
    encoder.on_drop = lambda *what: dropped.append(what)
    encoded = encode(encoder, {"a": "x" * 500, "secret": SECRET})
    assert encoded.frames == []
    ((number, seen, log),) = dropped
    assert (number, seen, log["secret"]) == (0, cause, "***")


@pytest.mark.parametrize("error", [OSError("disk full"), SystemExit(1)], ids=repr)
def test_a_log_is_held_if_its_copy_cannot_be_kept(error: BaseException) -> None:
    encoder = make_encoder(max_message_bytes=480, oversize="drop")

    def fail(*_: Any) -> None:
        raise error

    encoder.on_drop = fail
    encoded = encode(encoder, {"n": "0"}, {"n": "1" * 500}, {"n": "2"})
    assert count(encoded) == 1
    assert encoded.held is not None
    assert (encoded.held.number, encoded.held.error) == (1, error)
    assert "no copy of it can be kept" in encoded.held.problem


def test_what_is_filtered_is_not_dropped() -> None:
    encoder = make_encoder(skip=[{"field": "n", "equals": "1"}])
    dropped: list[Any] = []
    encoder.on_drop = lambda *what: dropped.append(what)
    assert count(encode(encoder, *THREE)) == 2
    assert not dropped
