"""The tree of errors: who inherits what, and what each one says."""

from __future__ import annotations

import copy
import pickle

import pytest

from sls_syslog import errors
from sls_syslog.errors import (
    ConnectError,
    InvalidMessageError,
    MessageTooLongError,
    SendError,
    SettingsError,
    SyslogError,
    TlsError,
    TransportError,
    UnconfirmedError,
    WorkerError,
)

TREE = [
    (SettingsError, SyslogError),
    (InvalidMessageError, SyslogError),
    (MessageTooLongError, InvalidMessageError),
    (TransportError, SyslogError),
    (ConnectError, TransportError),
    (TlsError, ConnectError),
    (SendError, TransportError),
    (UnconfirmedError, TransportError),
    (WorkerError, SyslogError),
]
EXAMPLES: list[SyslogError] = [
    SyslogError("any"),
    SettingsError("port", "expected a number"),
    InvalidMessageError("hostname", "one word", "two words", "RFC 5424 section 6.2.4"),
    MessageTooLongError(70_000, 65_507, "RFC 5426 section 3.2"),
    TransportError("tcp://siem:514", "failed"),
    ConnectError("tcp://siem:514", "refused"),
    TlsError("tls://siem:6514", "certificate expired"),
    SendError("tcp://siem:514", "reset"),
    UnconfirmedError("tcp://siem:514", "consumed", "reset"),
    WorkerError("heartbeat died"),
]


@pytest.mark.parametrize(("error", "parent"), TREE, ids=lambda kind: kind.__name__)
def test_each_error_stands_where_the_tree_has_it(
    error: type[SyslogError], parent: type[SyslogError]
) -> None:
    assert error.__bases__[0] is parent


def test_the_tree_in_the_documentation_names_every_error() -> None:
    assert errors.__doc__ is not None
    drawn = errors.__doc__.split()
    classes = [name for name in errors.__all__ if name[0].isupper()]
    assert [name for name in classes if name not in drawn] == []


@pytest.mark.parametrize(
    ("error", "builtin"),
    [(SettingsError, ValueError), (InvalidMessageError, ValueError), (TransportError, OSError)],
)
def test_an_error_is_also_what_python_would_have_raised(
    error: type[SyslogError], builtin: type[Exception]
) -> None:
    assert issubclass(error, builtin)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SettingsError("port", "expected a number"), "port: expected a number"),
        (
            InvalidMessageError("msgid", "one word", "a b", "RFC 5424 section 6.2.7"),
            "msgid: expected one word, got 'a b' (RFC 5424 section 6.2.7)",
        ),
        (
            MessageTooLongError(5, 4, "RFC 5426 section 3.2"),
            "message: expected at most 4 bytes, got '5 bytes' (RFC 5426 section 3.2)",
        ),
        (
            MessageTooLongError(5, None, "RFC 5426 section 3.2"),
            "message: expected what one datagram can carry, got '5 bytes' (RFC 5426 section 3.2)",
        ),
        (SendError("udp://[::1]:514", "refused"), "udp://[::1]:514: refused"),
        (
            UnconfirmedError("tcp://siem:514", "acked", "no answer"),
            "tcp://siem:514: delivery not confirmed as 'acked': no answer",
        ),
    ],
    ids=["key", "field", "limit", "no-limit", "destination", "level"],
)
def test_an_error_says_where_and_what(error: SyslogError, text: str) -> None:
    assert str(error) == text


def test_an_error_carries_its_parts_as_attributes() -> None:
    too_long = MessageTooLongError(70_000, 65_507, "RFC 5426 section 3.2")
    assert (too_long.field, too_long.size, too_long.limit) == ("message", 70_000, 65_507)
    assert too_long.section == "RFC 5426 section 3.2"
    assert SettingsError("port", "wrong").key == "port"
    assert TlsError("tls://siem:6514", "expired").destination == "tls://siem:6514"
    unconfirmed = UnconfirmedError("tcp://siem:514", "acked", "no answer")
    assert (unconfirmed.destination, unconfirmed.level) == ("tcp://siem:514", "acked")


@pytest.mark.parametrize(("length", "shortened"), [(78, False), (80, True), (1_000_000, True)])
def test_a_value_too_long_for_a_log_line_is_shortened(length: int, shortened: bool) -> None:
    text = str(InvalidMessageError("msgid", "one word", "x" * length, "RFC 5424 section 6.2.7"))
    assert ("x" * length not in text) is shortened
    assert len(text) < 200


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_crosses_the_border_of_a_process(error: SyslogError) -> None:
    # A process pool that cannot unpickle an error reports a broken pool instead of it.
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert (str(twin), vars(twin)) == (str(error), vars(error))
