"""The typed keywords of the settings say the same as the settings tables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin

import pytest

from sls_syslog import ClientSettings, SettingsError, ShipperSettings, SyslogClient
from sls_syslog.settings.keywords import ClientKeywords, ClientOptions, ShipperOptions
from sls_syslog.settings.table import get_rows

CALLABLES = [
    pytest.param(SyslogClient, ClientSettings, ClientOptions, id="SyslogClient"),
    pytest.param(ClientSettings, ClientSettings, ClientOptions, id="ClientSettings"),
    pytest.param(ShipperSettings, ShipperSettings, ShipperOptions, id="ShipperSettings"),
]
# Arguments of SyslogClient that are written by hand.
BY_HAND = {"host": None, "port": None}


def read_literals(annotation: Any) -> Iterator[str]:
    """The members of each ``Literal`` in an annotation."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for part in get_args(annotation):
            if not isinstance(part, (list, str)):
                yield from read_literals(part)


def read_choices(read: Callable[[Any], Any]) -> list[str]:
    """What a reader of a closed set accepts, by its own error; nothing for another reader."""
    try:
        read("\0")
    except ValueError as error:
        head, _, names = str(error.args[0]).partition("expected one of ")
        return [] if head else names.split(", ") if names else []
    return []


@pytest.mark.parametrize(
    ("table", "options"), [(ClientSettings, ClientOptions), (ShipperSettings, ShipperOptions)]
)
def test_the_keywords_are_the_keys(table: type[ClientSettings], options: Any) -> None:
    assert set(options.__annotations__) == set(get_rows(table))
    assert options.__required_keys__ == frozenset()


def test_the_client_s_keywords_are_all_but_its_own_arguments() -> None:
    assert ClientOptions.__annotations__.keys() - ClientKeywords.__annotations__.keys() == {
        *BY_HAND
    }


def test_the_literals_are_the_choices_of_the_reader() -> None:
    for key, row in get_rows(ShipperSettings).items():
        literals = list(read_literals(ShipperOptions.__annotations__[key]))
        assert literals == read_choices(row["read"]), key


def test_there_are_closed_sets() -> None:
    closed = {key for key, row in get_rows(ShipperSettings).items() if read_choices(row["read"])}
    assert closed >= {"protocol", "payload", "receiver", "min_tls", "confirm", "framing"}


def test_none_means_the_default_of_each_key() -> None:
    plain: dict[str, Any] = {"hosts": "siem"}
    for key in get_rows(ShipperSettings):
        assert type(None) in get_args(ShipperOptions.__annotations__[key]), key
        assert ShipperSettings(**{**plain, key: plain.get(key)}) == ShipperSettings(**plain), key


@pytest.mark.parametrize(("function", "table", "options"), CALLABLES)
def test_the_signature_shows_each_key_with_its_default_and_type(
    function: Callable[..., Any], table: type[ClientSettings], options: Any
) -> None:
    rows = get_rows(table)
    parameters = inspect.signature(function).parameters
    assert list(parameters) == list(rows)
    for key, parameter in parameters.items():
        if function is SyslogClient and key in BY_HAND:
            assert parameter.default is BY_HAND[key]
            continue
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default == rows[key]["default"]
        assert parameter.annotation == options.__annotations__[key]


def test_a_subclass_with_arguments_of_its_own_shows_those() -> None:
    class Mine(SyslogClient):
        def __init__(self, name: str) -> None:
            super().__init__(name)

    assert list(inspect.signature(Mine).parameters) == ["name"]


@pytest.mark.parametrize("kind", [ClientSettings, ShipperSettings])
def test_an_unknown_keyword_is_refused_with_the_nearest(kind: type[ClientSettings]) -> None:
    keywords: dict[str, Any] = {"host": "siem", "protcol": "tcp"}
    with pytest.raises(SettingsError, match="protcol: unknown setting; did you mean 'protocol'"):
        kind(**keywords)
