"""Each way in which SLS refuses, or cannot be reached, is a sentence that names what to change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from functools import partial
from typing import Any

import pytest

from sls_syslog import SourceError
from sls_syslog.consumer.samples import fetch_newest
from sls_syslog.consumer.source import ACTIONS, ADVICE, measure_skew
from sls_syslog.testing import SlsEmulator, TemporaryCA
from tests.support.peers import hold_closed_port, serve
from tests.support.sources import answer_with, configure

DENIED = "denied by sts or ram, action: log:ListShards, resource: acs:log:cn:1:project/127"


@pytest.fixture
def emulator() -> Iterator[SlsEmulator]:
    with SlsEmulator() as running:
        yield running


def fail(emulator: SlsEmulator, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as failed:
        fetch_newest(configure(emulator, **options), 1)
    assert len(str(failed.value).splitlines()) == 1
    return failed.value


@pytest.mark.parametrize(
    ("status", "code", "message", "named"),
    [
        (404, "ProjectNotExist", "", ["SLS_PROJECT", "another region", "SLS_ENDPOINT"]),
        (404, "LogStoreNotExist", "", ["SLS_LOGSTORE"]),
        (404, "ConsumerGroupNotExist", "", ["SLS_CG"]),
        (400, "ConsumerGroupQuotaExceed", "", ["SLS_CG", "30"]),
        (401, "SignatureNotMatch", "", ["SLS_AK_KEY"]),
        (401, "InvalidAccessKeyId", "", ["SLS_AK_ID"]),
        (401, "Unauthorized", "AccessKeyId not found: LTAI", ["SLS_AK_ID names no"]),
        (401, "Unauthorized", "AccessKeyId is inactive: LTAI", ["enable the AccessKey"]),
        (401, "Unauthorized", DENIED, ["RAM user must allow log:ListShards, and"]),
        (401, "Unauthorized", "denied", ["log:ListShards and log:GetCursorOrData"]),
        (401, "Unauthorized", "The project does not belong to you.", ["another account"]),
        (403, "ProjectForbidden", "", ["RAM", "SLS_AK_ID"]),
        (401, "SecurityTokenExpired", "", ["STS token", "credentials_refresher"]),
        (401, "SecurityToken.Expired", "", ["STS token", "credentials_refresher"]),
        (401, "InvalidSecurityToken", "", ["STS token", "credentials_refresher"]),
        (403, "RequestTimeTooSkewed", "", ["clock"]),
        (400, "RequestTimeExpired", "", ["clock"]),
        (400, "ParameterInvalid", "", ["SLS_PROJECT", "SLS_LOGSTORE"]),
        (503, "ServerBusy", "", ["SLS itself"]),
        (500, "InternalServerError", "", ["SLS itself"]),
    ],
)
def test_an_answer_of_sls_says_what_to_change(
    status: int, code: str, message: str, named: list[str], emulator: SlsEmulator
) -> None:
    emulator.fail("ListShards", status=status, code=code, message=message or "see there")
    error = fail(emulator)
    assert (error.code, error.request_id) == (code, "000000000000000000000001")
    for part in (code, message, *named, "(request id 000000000000000000000001)", "127/logs at "):
        assert part in str(error)
    assert emulator.calls == {"ListShards": 1}


def test_a_clock_that_is_wrong_says_by_how_much() -> None:
    with SlsEmulator(clock=lambda: time.time() + 3600, longest_skew=900) as ahead:
        error = fail(ahead)
    assert error.code == "RequestTimeExpired"
    assert "set the clock of this machine, which is 3" in str(error)
    assert str(error).endswith(" s behind that of SLS")


def test_the_skew_is_read_from_the_date_of_an_answer() -> None:
    assert measure_skew({"date": formatdate(1000, usegmt=True)}, 1090.5) == 90.5
    for headers in ({}, {"Date": "soon"}, {"Date": ""}, "", None):
        assert measure_skew(headers, 0) is None


def test_what_somebody_else_writes_is_short_and_steers_no_terminal(emulator: SlsEmulator) -> None:
    emulator.fail("ListShards", status=404, code="x" * 999, message="\x1b[2J\r\n" + "y" * 9999)
    error = fail(emulator)
    assert len(str(error)) < 700
    assert str(error).isprintable()


def test_every_advice_names_something_to_change() -> None:
    for advice in ADVICE.values():
        assert any(name in advice.text for name in ("SLS_", "clock", "RAM"))
    assert len(set(ACTIONS.values())) == 8


# No answer, or one of somebody else


@pytest.mark.parametrize(
    ("head", "body", "named"),
    [
        ("404 Not Found", "<html>nginx</html>", ["is not SLS (status 404)", "proxy"]),
        ("200 OK", "<html>welcome</html>", ["is not SLS (status 200)", "SLS_ENDPOINT"]),
        ("400 Bad Request", "sent to HTTPS port", ["begin SLS_ENDPOINT with https://"]),
        ("502 Bad Gateway", "<html>haproxy</html>", ["status 502", "proxy", "SLS_ENDPOINT"]),
        ("302 Found\r\nLocation: http://portal/", "", ["http://portal", "SLS_ENDPOINT"]),
    ],
)
def test_an_answer_that_is_not_of_sls_is_told_from_one(
    head: str, body: str, named: list[str], emulator: SlsEmulator
) -> None:
    with serve(partial(answer_with, head=head, body=body)) as port:
        error = fail(emulator, endpoint=f"0.0.1:{port}")
    assert error.request_id is None
    for part in named:
        assert part in str(error)


def test_https_to_a_port_without_tls(emulator: SlsEmulator) -> None:
    error = fail(emulator, endpoint=f"https://{emulator.endpoint}")
    assert "the port does not speak TLS; begin SLS_ENDPOINT with http://" in str(error)


def test_a_certificate_that_is_not_trusted(emulator: SlsEmulator, authority: TemporaryCA) -> None:
    context = authority.server_context()

    def shake_hands(connection: Any) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with serve(shake_hands) as port:
        error = fail(emulator, endpoint=f"https://0.0.1:{port}")
    assert "the certificate is not trusted: " in str(error)
    assert "REQUESTS_CA_BUNDLE" in str(error)


def test_http_to_a_port_that_ends_the_connection(emulator: SlsEmulator) -> None:
    with serve(lambda connection: connection.recv(1)) as port:
        error = fail(emulator, endpoint=f"0.0.1:{port}")
    assert "SLS_ENDPOINT" in str(error)


def test_a_proxy_that_is_away(emulator: SlsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with hold_closed_port() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        error = fail(emulator)
    assert "the proxy does not let us through: Connection refused; check the variables" in str(
        error
    )


@pytest.mark.parametrize(
    "wrong",
    [{"endpoint": "cn-hang!zou.invalid"}, {"project": "x" * 70}, {"project": "a b"}],
    ids=str,
)
def test_a_name_that_does_not_exist(wrong: dict[str, str], emulator: SlsEmulator) -> None:
    if " " in str(wrong.get("project")):
        config = configure(emulator)
        config.project = wrong["project"]
        with pytest.raises(SourceError, match="SLS_ENDPOINT"):
            fetch_newest(config, 1)
        return
    error = fail(emulator, **wrong)
    assert "SLS_ENDPOINT" in str(error)


def test_a_project_that_stands_in_the_endpoint_too(emulator: SlsEmulator) -> None:
    """The console shows a project's address with the project in it."""
    hint = "; leave the project out of SLS_ENDPOINT, or check "
    assert hint in str(fail(emulator, endpoint="https://127.cn-hang!zou.invalid"))
    assert hint not in str(fail(emulator, endpoint="https://cn-hang!zou.invalid"))
    # DNS may know any name below an endpoint.
    with SlsEmulator(project="siem-logs") as other, pytest.MonkeyPatch.context() as patch:
        for name, value in other.environ().items():
            patch.setenv(name, value)
        error = fail(other, endpoint="other.localhost", project="other")
    assert error.code == "ProjectNotExist"
    assert hint in str(error)


def test_nothing_shows_a_secret(emulator: SlsEmulator) -> None:
    makers: list[Callable[[], SourceError]] = [
        lambda: fail(emulator, access_key="hunter2"),
        lambda: fail(emulator, access_key="hunter2", endpoint="cn-hang!zou.invalid"),
        lambda: fail(emulator, security_token="hunter2", logstore="other"),
    ]
    for make in makers:
        error = make()
        assert "hunter2" not in f"{error} {vars(error)} {error.args}"
