"""``consumer_config``: what it reads, what it refuses, and what it keeps secret."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from aliyun.log.consumer import CursorPosition, LogHubConfig

from sls_syslog import (
    SettingsError,
    consumer_config,
)
from sls_syslog.consumer.config import ConsumerOptions

VARIABLES = {
    "SLS_ENDPOINT": "cn-hangzhou.log.aliyuncs.com",
    "SLS_AK_ID": "id",
    "SLS_AK_KEY": "key",
    "SLS_PROJECT": "project",
    "SLS_LOGSTORE": "logstore",
    "SLS_CG": "siem",
}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("variables")
def test_the_documented_variables_make_a_configuration() -> None:
    config = consumer_config()
    assert (config.endpoint, config.project) == ("cn-hangzhou.log.aliyuncs.com", "project")
    assert (config.accessKeyId, config.accessKey) == ("id", "key")
    assert (config.logstore, config.consumer_group_name) == ("logstore", "siem")
    assert config.cursor_position is CursorPosition.BEGIN_CURSOR


@pytest.mark.usefixtures("variables")
def test_arguments_override_the_environment_and_the_defaults() -> None:
    config = consumer_config(
        logstore="other", consumer_name="me", data_fetch_interval=1, in_order=True
    )
    assert (config.logstore, config.consumer_name) == ("other", "me")
    assert (config.data_fetch_interval, config.in_order) == (1, True)


@pytest.mark.usefixtures("variables")
def test_no_two_consumers_get_the_same_name() -> None:
    names = {consumer_config().consumer_name for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("siem-") for name in names)


def test_missing_variables_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLS_PROJECT", "project")
    with pytest.raises(SettingsError, match="SLS_ENDPOINT, SLS_AK_ID, SLS_AK_KEY, SLS_LOGSTORE"):
        consumer_config()


def refresh(*credentials: str | None) -> tuple[str | None, ...]:
    """What the SDK gets if a user's refresher returns these."""
    config: Any = consumer_config(credentials_refresher=lambda: credentials)
    return tuple(config.credentials_refresher())


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {}", "\t{} "], ids=repr)
def test_white_space_around_a_variable_is_no_part_of_it(
    around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret made with ``echo key | base64`` ends with a line feed."""
    clean = consumer_config(consumer_name="shipper-0")
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, around.format(value))
    monkeypatch.setenv("SLS_CONSUMER", around.format("shipper-0"))
    assert vars(consumer_config()) == vars(clean)


@pytest.mark.usefixtures("variables")
def test_white_space_around_an_option_is_no_part_of_it() -> None:
    config = consumer_config(access_key="other\n", security_token="token\n", region=" cn ")
    assert (config.accessKey, config.securityToken, config.region) == ("other", "token", "cn")


@pytest.mark.usefixtures("variables")
def test_white_space_around_refreshed_credentials_is_no_part_of_them() -> None:
    assert refresh("id\n", "key\n", "token\n") == ("id", "key", "token")
    assert refresh("id", "key", None) == ("id", "key", None)


@pytest.mark.parametrize("variable", [*VARIABLES, "SLS_CONSUMER"])
@pytest.mark.parametrize("wrong", ["hunter2 hunter2", "hunter2\nhunter2", "hunter2\ufeff", "\x01h"])
@pytest.mark.usefixtures("variables")
def test_a_variable_that_cannot_be_right_is_refused_by_its_name(
    variable: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, wrong)
    with pytest.raises(SettingsError, match=f"{variable}: expected printable ASCII") as raised:
        consumer_config()
    assert ("hunter2" in str(raised.value)) is (variable != "SLS_AK_KEY" and "hunter2" in wrong)


@pytest.mark.usefixtures("variables")
def test_an_option_that_cannot_be_right_is_refused_by_its_name() -> None:
    with pytest.raises(SettingsError, match=r"security_token: .*, got a secret"):
        consumer_config(security_token="hunter 2")
    with pytest.raises(SettingsError, match=r"credentials_refresher \(access_key\): .* a secret"):
        refresh("id", "hunter 2", "")


@pytest.mark.usefixtures("variables")
def test_a_variable_of_white_space_alone_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLS_AK_KEY", "\n")
    with pytest.raises(SettingsError, match="SLS_AK_KEY: environment variable not set"):
        consumer_config()


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("SLS_PROJECT", "SLS_PROJET"),
        ("SLS_LOGSTORE", "SLS_LOG_STORE"),
        ("SLS_AK_KEY", "SLS_AKKEY"),
        ("SLS_ENDPOINT", "sls_endpoint"),
        ("SLS_CG", "SLS_GC"),
    ],
)
def test_a_missing_variable_that_is_set_under_almost_this_name_is_named(
    name: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name)
    monkeypatch.setenv(written, "hunter2")
    with pytest.raises(SettingsError) as got:
        consumer_config()
    hint = f"{written} is set: did you mean {name}?"
    assert str(got.value) == f"{name}: environment variable not set; {hint}"


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("htps://log.example", "expected http:// or https://, got .*; did you mean 'https'"),
        ("ftp://log.example", "expected http:// or https://, got 'ftp://log.example'"),
        ("https//log.example", None),  # a host name that DNS does not know
        ("log..example", "expected a host name"),
        ("log.example:https", "expected a host name"),
        ("https://", "expected a host name"),
        (":::", "expected a host name"),
        ("http://[::1]", "expected a host name"),
        ("https://user@log.example", "expected a host name"),
        (f"{'x' * 64}.example", "expected a host name"),
        ("https://log.example/", None),
        ("HTTPS://log.example.:8443", None),
        ("log.example", None),
    ],
)
def test_an_endpoint_that_is_none_is_refused(
    endpoint: str, problem: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLS_ENDPOINT", endpoint)
    if problem is None:
        assert consumer_config().endpoint == endpoint
        return
    with pytest.raises(SettingsError, match=f"^SLS_ENDPOINT: {problem}"):
        consumer_config()
    with pytest.raises(SettingsError, match=f"^endpoint: {problem}"):
        consumer_config(endpoint=endpoint)


@pytest.mark.usefixtures("variables")
def test_no_repr_of_the_configuration_s_values_shows_a_secret() -> None:
    config = consumer_config(access_key="hunter2", security_token="hunter2")
    assert "hunter2" not in repr(vars(config))


@pytest.mark.usefixtures("variables")
def test_an_unknown_argument_is_named() -> None:
    with pytest.raises(
        SettingsError, match=r"^data_fetch_intervall: .* did you mean 'data_fetch_interval'\?$"
    ):
        consumer_config(data_fetch_intervall=1)  # type: ignore[call-arg]  # a typo


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("endpont", "unknown option of consumer_config; did you mean 'endpoint'?"),
        ("zzzzz", "unknown option of consumer_config; the options are endpoint, access_key_id"),
        ("receiver", "unknown option of consumer_config; only ShipperSettings has it"),
    ],
)
def test_an_unknown_option_is_reported_before_a_missing_variable(key: str, words: str) -> None:
    unknown: Any = {key: "hunter2"}
    with pytest.raises(SettingsError) as got:
        consumer_config(**unknown)
    assert got.value.key == key
    assert str(got.value).startswith(f"{key}: {words}")
    assert "hunter2" not in str(got.value)


def test_every_option_of_the_sdk_s_configuration_is_typed_and_two_of_ours() -> None:
    sdk = inspect.signature(LogHubConfig).parameters
    assert list(ConsumerOptions.__annotations__) == [*sdk, "start", "end"]


@pytest.mark.usefixtures("variables")
def test_the_signature_shows_every_option_with_the_default_that_it_has() -> None:
    shown = {
        name: each.default for name, each in inspect.signature(consumer_config).parameters.items()
    }
    assert list(shown) == list(ConsumerOptions.__annotations__)
    computed = {name for name, default in shown.items() if repr(default).startswith("<SLS_")}
    assert {f"SLS_{name.upper()}" for name in computed} >= {"SLS_ENDPOINT", "SLS_PROJECT"}
    constant: Any = {name: shown[name] for name in shown if name not in computed}
    given = consumer_config(consumer_name="shipper-0", **constant)
    assert vars(given) == vars(consumer_config(consumer_name="shipper-0"))


def test_a_consumer_s_name_can_be_given(variables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLS_CONSUMER", "shipper-0")
    assert consumer_config().consumer_name == "shipper-0"


def test_a_refresher_stands_in_for_credentials(
    variables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLS_AK_ID")
    monkeypatch.delenv("SLS_AK_KEY")
    config = consumer_config(credentials_refresher=lambda: ("id", "key", "token"))
    assert config.accessKeyId == ""
