"""The mistakes of the first minutes: the shipped example says in one line what to change.

Each row of "SLS, at the start" in the page on troubleshooting is run here, as a user would see it.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import pytest

from sls_syslog.testing import SlsEmulator, TemporaryCA
from tests.support.peers import hold_closed_port, serve
from tests.support.processes import ROOT, program
from tests.support.sources import GROUP, answer_with
from tests.support.waiting import eventually

SHIP_TO_SIEM = str(ROOT / "examples" / "ship_to_siem.py")
PAGE = ROOT / "docs" / "how-to" / "troubleshooting.md"
RECEIVER = {"SYSLOG_HOST": "127.0.0.1"}
MOST_LINES = 5


class Scene:
    """What stands in place of SLS for one case; all of it ends with the test."""

    def __init__(self, authority: TemporaryCA) -> None:
        self.stack = ExitStack()
        self.authority = authority

    def emulate(self, **options: Any) -> SlsEmulator:
        return self.stack.enter_context(SlsEmulator(**options))

    def serve(self, behave: Callable[[Any], object]) -> int:
        return self.stack.enter_context(serve(behave))


Arrange = Callable[[Scene], Mapping[str, str]]


class Case(NamedTuple):
    """One mistake.

    Attributes:
        quotes: What the page quotes of the line, in order.
        names: What the line names as to be changed.
        arrange: Makes the mistake; returns the environment.
        is_retried: Whether the example tries again, with one warning.
    """

    quotes: tuple[str, ...]
    names: str
    arrange: Arrange
    is_retried: bool = False


def override(variables: Mapping[str, str], **options: Any) -> Arrange:
    """The environment of an emulator, but for some variables."""
    return lambda scene: {**scene.emulate(**options).environ(GROUP), **variables}


def refuse(code: str, status: int, message: str = "no") -> Arrange:
    """An emulator that refuses what the start asks for."""

    def arrange(scene: Scene) -> Mapping[str, str]:
        emulator = scene.emulate()
        for name in ("ListConsumerGroup", "CreateConsumerGroup"):
            emulator.fail(name, status=status, code=code, message=message, times=None)
        return emulator.environ(GROUP)

    return arrange


def answer(head: str, body: str = "") -> Arrange:
    """Something else answers, over http."""

    def arrange(scene: Scene) -> Mapping[str, str]:
        port = scene.serve(partial(answer_with, head=head, body=body))
        return {**scene.emulate().environ(GROUP), "SLS_ENDPOINT": f"0.0.1:{port}"}

    return arrange


def arrange_old_clock(scene: Scene) -> Mapping[str, str]:
    return scene.emulate(clock=lambda: time.time() + 7200, longest_skew=900).environ(GROUP)


def arrange_quota(scene: Scene) -> Mapping[str, str]:
    return scene.emulate(most_consumer_groups=0).environ(GROUP)


def arrange_denial(scene: Scene) -> Mapping[str, str]:
    emulator = scene.emulate()
    emulator.deny("log:CreateConsumerGroup")
    return emulator.environ(GROUP)


def arrange_closed_port(scene: Scene) -> Mapping[str, str]:
    port = scene.stack.enter_context(hold_closed_port())
    return {**scene.emulate().environ(GROUP), "SLS_ENDPOINT": f"0.0.1:{port}"}


def arrange_closed_proxy(scene: Scene) -> Mapping[str, str]:
    port = scene.stack.enter_context(hold_closed_port())
    environ = scene.emulate(project="siem-logs").environ(GROUP)
    return {**environ, "http_proxy": f"http://127.0.0.1:{port}"}


def arrange_silence(scene: Scene) -> Mapping[str, str]:
    emulator = scene.emulate()
    emulator.fail("ListConsumerGroup", status=None, delay=600, times=None)
    return emulator.environ(GROUP)


def arrange_https_to_http(scene: Scene) -> Mapping[str, str]:
    environ = scene.emulate().environ(GROUP)
    return {**environ, "SLS_ENDPOINT": f"https://{environ['SLS_ENDPOINT']}"}


def arrange_strange_certificate(scene: Scene) -> Mapping[str, str]:
    context = scene.authority.server_context()
    port = scene.serve(lambda one: context.wrap_socket(one, server_side=True).close())
    return {**scene.emulate().environ(GROUP), "SLS_ENDPOINT": f"https://0.0.1:{port}"}


REFUSED = "SLS refuses to serve "
UNREACHED = "SLS cannot be reached, "
NAME = "Name or service not known"
CASES = {
    "wrong key id": Case(
        (REFUSED, "InvalidAccessKeyId"), "SLS_AK_ID", override({"SLS_AK_ID": "nobody"})
    ),
    "wrong secret": Case(
        (REFUSED, "SignatureNotMatch"), "SLS_AK_KEY", override({"SLS_AK_KEY": "wrong"})
    ),
    "wrong project": Case(
        (REFUSED, "ProjectNotExist"),
        "SLS_PROJECT",
        override({"SLS_PROJECT": "other"}, project="siem-logs"),
    ),
    "other region": Case(
        (REFUSED, "ProjectNotExist"), "SLS_ENDPOINT", refuse("ProjectNotExist", 404)
    ),
    "wrong Logstore": Case(
        (REFUSED, "LogStoreNotExist"), "SLS_LOGSTORE", override({"SLS_LOGSTORE": "other"})
    ),
    "missing action": Case((REFUSED, "Unauthorized"), "log:CreateConsumerGroup", arrange_denial),
    "disabled key": Case(
        (REFUSED, "Unauthorized"),
        "SLS_AK_ID",
        refuse("Unauthorized", 401, "AccessKeyId is inactive: LTAI"),
    ),
    "clock": Case((REFUSED, "RequestTimeExpired"), "clock", arrange_old_clock),
    "skewed clock": Case(
        (REFUSED, "RequestTimeTooSkewed"), "clock", refuse("RequestTimeTooSkewed", 403)
    ),
    "expired token": Case(
        (REFUSED, "SecurityTokenExpired"), "STS token", refuse("SecurityTokenExpired", 401)
    ),
    "too many groups": Case((REFUSED, "ConsumerGroupQuotaExceed"), "SLS_CG", arrange_quota),
    "failing SLS": Case(
        ("SLS cannot serve ",), "SLS itself", refuse("ServerBusy", 503), is_retried=True
    ),
    "endpoint without scheme": Case(
        (UNREACHED, NAME), "SLS_ENDPOINT", override({"SLS_ENDPOINT": "cn-hang!zou.invalid"}), True
    ),
    "endpoint with https": Case(
        (UNREACHED, NAME),
        "SLS_ENDPOINT",
        override({"SLS_ENDPOINT": "https://cn-hang!zou.invalid"}),
        is_retried=True,
    ),
    "closed port": Case(
        (UNREACHED, "Connection refused"), "SLS_ENDPOINT", arrange_closed_port, is_retried=True
    ),
    "closed proxy": Case(
        ("the proxy does not let us through: ",), "http_proxy", arrange_closed_proxy, True
    ),
    "https to http": Case(("the port does not speak TLS",), "SLS_ENDPOINT", arrange_https_to_http),
    "http to https": Case(
        ("the port wants https",),
        "SLS_ENDPOINT",
        answer("400 Bad Request", "The plain HTTP request was sent to HTTPS port"),
    ),
    "strange certificate": Case(
        ("the certificate is not trusted: ",), "SLS_ENDPOINT", arrange_strange_certificate
    ),
    "web server": Case(
        ("what answers is not SLS (status ",), "SLS_ENDPOINT", answer("404 Not Found", "<html>")
    ),
    "portal": Case(
        ("answers with a redirect to ",),
        "SLS_ENDPOINT",
        answer("302 Found\r\nLocation: http://portal.invalid/"),
    ),
    "htps": Case(
        ("expected http:// or https://, got ",),
        "SLS_ENDPOINT",
        override({"SLS_ENDPOINT": "htps://cn-hangzhou.log.aliyuncs.com"}),
    ),
    "two dots": Case(
        ("expected a host name, or its URL",),
        "SLS_ENDPOINT",
        override({"SLS_ENDPOINT": "cn-hangzhou..aliyuncs.com"}),
    ),
    "misspelt variable": Case(
        ("environment variable not set", " is set: did you mean "),
        "SLS_PROJECT",
        override({"SLS_PROJECT": "", "SLS_PROJET": "siem-logs"}),
    ),
}
SLOW = {"no answer": Case((UNREACHED, "no answer in time"), "SLS_ENDPOINT", arrange_silence, True)}
# The example has no refresher; tests/consumer/test_factory.py has it.
ELSEWHERE = {"credentials_refresher failed: "}


@pytest.fixture
def scene(authority: TemporaryCA) -> Iterator[Scene]:
    scene = Scene(authority)
    with scene.stack:
        yield scene


def check(case: Case, output: str) -> None:
    lines = output.splitlines()
    assert len(lines) <= MOST_LINES, output
    assert "Traceback" not in output
    (last,) = [line for line in lines[-1:] if case.names in line]
    at = 0
    for quote in case.quotes:
        at = last.index(quote, at)


def run_case(case: Case, scene: Scene) -> None:
    environ = {**RECEIVER, **case.arrange(scene)}
    with program(SHIP_TO_SIEM, environ=environ) as example:
        if case.is_retried:
            eventually(lambda: "Trying again for " in example.output(), timeout=60)
            check(case, example.output())
            example.process.send_signal(signal.SIGINT)
            assert example.wait() == 130
            assert len(example.output().splitlines()) <= MOST_LINES
        else:
            assert example.wait() == 1, example.output()
            check(case, example.output())


@pytest.mark.parametrize("name", CASES)
def test_the_example_names_what_to_change(name: str, scene: Scene) -> None:
    run_case(CASES[name], scene)


@pytest.mark.gate
@pytest.mark.parametrize("name", SLOW)
def test_the_example_names_what_to_change_after_a_deadline(name: str, scene: Scene) -> None:
    run_case(SLOW[name], scene)


@pytest.mark.gate
def test_a_name_that_does_not_exist_ends_the_example(scene: Scene) -> None:
    case = CASES["endpoint without scheme"]
    with program(SHIP_TO_SIEM, environ={**RECEIVER, **case.arrange(scene)}) as example:
        assert example.wait() == 1
        check(case, example.output())


def test_a_setting_that_is_wrong_is_one_line(scene: Scene) -> None:
    environ = {**RECEIVER, **scene.emulate().environ(GROUP), "SYSLOG_PROTOCOL": "tpc"}
    with program(SHIP_TO_SIEM, environ=environ) as example:
        assert example.wait() == 1
        (line,) = example.output().splitlines()
    assert line.startswith("protocol: ")


@pytest.mark.parametrize(
    "name",
    [
        "custom_format",
        "otel_metrics",
        "prometheus_metrics",
        "ship_many_logstores",
        "ship_with_health",
    ],
)
def test_the_other_examples_end_with_one_line_too(name: str, scene: Scene) -> None:
    environ = {**RECEIVER, **override({"SLS_AK_KEY": "wrong"})(scene), "SLS_LOGSTORES": "logs"}
    with program(str(ROOT / "examples" / f"{name}.py"), environ=environ) as example:
        assert example.wait() == 1
        check(CASES["wrong secret"], example.output())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("ship_with_processes", ["2"]), ("send_one_message", ["127.0.0.1", "9"])],
)
def test_what_needs_no_sls_ends_with_one_line(name: str, arguments: list[str]) -> None:
    with program(str(ROOT / "examples" / f"{name}.py"), *arguments) as example:
        assert example.wait() == 1
        assert len(example.output().splitlines()) == 1


def test_every_row_of_the_page_is_one_of_these() -> None:
    text = PAGE.read_text()
    begin = text.index("## SLS, at the start")
    section = text[begin : text.index("\n## ", begin + 1)]
    symptoms = re.findall(r"^\| (`[^|]*) \|", section, re.M)
    assert len(symptoms) > 15
    run = {piece for case in (CASES | SLOW).values() for piece in case.quotes} | ELSEWHERE
    for symptom in symptoms:
        for quoted in re.findall(r"`([^`]+)`", symptom):
            pieces = [piece.strip() for piece in re.split(r"…:? ?", quoted)]
            for piece in filter(re.compile(r"\w").search, pieces):
                assert any(piece in one or one.strip() in piece for one in run), piece
