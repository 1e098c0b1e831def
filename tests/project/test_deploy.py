"""examples/deploy: each file holds before its own tool, and the program it starts ships."""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.benchmarks.variants import VARIANTS
from tests.support.processes import ROOT, Program, program
from tests.support.shipping import GROUP
from tests.support.tools import SERVERS, module, run, tool
from tests.support.waiting import eventually

EXAMPLES = ROOT / "examples"
UNIT = EXAMPLES / "deploy" / "systemd" / "sls-syslog@.service"
ENVIRONMENT_FILE = UNIT.with_name("sls-syslog.env")
DOCKERFILE = EXAMPLES / "deploy" / "docker" / "Dockerfile"
DEPLOYMENT = EXAMPLES / "deploy" / "kubernetes" / "deployment.yaml"
KUBERNETES_VERSIONS = ("1.28", "1.37")
MOST_EXPOSED = "20"  # tenths; systemd calls up to 2.0 well protected
LONGEST_STOP = 13  # seconds: docs/explanation/delivery.md


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The template unit, whose interpreter is this one: verify looks whether it is there."""
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"(?<=ExecStart=)\S+", sys.executable, UNIT.read_text()))
    return copy


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    verified = run(tool("systemd-analyze", SERVERS), "verify", "--man=no", unit)
    assert "sls-syslog" not in verified.stdout
    assert verified.returncode == 0, verified.stdout


def test_systemd_finds_a_mistake_in_the_unit(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("TimeoutStopSec=30", "TimeoutStopSec=soon"))
    verified = run(tool("systemd-analyze", SERVERS), "verify", "--man=no", unit)
    assert "Failed to parse time value" in verified.stdout


def test_systemd_finds_the_service_well_protected(unit: Path) -> None:
    analyze = tool("systemd-analyze", SERVERS)
    judged = run(analyze, "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", unit)
    if "unrecognized option" in judged.stdout:
        pytest.skip("this systemd judges no units that are not installed")
    assert judged.returncode == 0, judged.stdout


def test_a_linter_finds_nothing_wrong_with_the_dockerfile() -> None:
    linted = run(tool("hadolint"), "--no-color", DOCKERFILE)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_what_the_image_copies_is_there_and_sent_to_the_builder() -> None:
    lines = DOCKERFILE.read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if re.match(r"COPY (?!--from)", line)]
    ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for source in (source for sources in copied for source in sources):
        assert (ROOT / source).exists()
        assert any(ROOT / source in ROOT.glob(line[1:]) for line in ignored[1:] if line[0] == "!")


def test_the_image_starts_a_program_of_the_examples_without_a_shell() -> None:
    text = DOCKERFILE.read_text()
    entry, command = (
        json.loads(re.findall(rf"^{word} (.*)$", text, re.M)[0]) for word in ("ENTRYPOINT", "CMD")
    )
    assert entry == ["python"]
    assert (EXAMPLES / command[0]).is_file()
    assert f"examples/{command[0]}" in text


def test_the_image_and_the_unit_set_what_the_benchmark_measures() -> None:
    measured = VARIANTS["default-malloc"].environ
    for path in (DOCKERFILE, UNIT):
        assert dict(re.findall(r"\b(MALLOC_\w+)=(\d+)", path.read_text())) == measured


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_the_deployment_keeps_to_the_schema(version: str) -> None:
    validate = tool("kubernetes-validate")
    validated = run(validate, "--strict", "--kubernetes-version", version, DEPLOYMENT)
    assert validated.returncode == 0, validated.stdout
    assert validated.stdout.count(" passed ") == len(manifests())


def manifests() -> dict[str, Any]:
    """What the Deployment's file holds, by kind."""
    documents = module("yaml").safe_load_all(DEPLOYMENT.read_text())
    return {document["kind"]: document for document in documents}


def test_every_supervisor_gives_a_stop_its_time() -> None:
    (unit_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.M)
    (docker_s,) = re.findall(r"--stop-timeout (\d+)", DOCKERFILE.read_text())
    (pod_s,) = re.findall(r"terminationGracePeriodSeconds: (\d+)", DEPLOYMENT.read_text())
    (own_s,) = re.findall(
        r"^GRACE = (\d+)\.0", (EXAMPLES / "ship_with_processes.py").read_text(), re.M
    )
    assert unit_s == docker_s == pod_s
    assert LONGEST_STOP < int(own_s) < int(unit_s)


def environment_file() -> dict[str, str]:
    lines = ENVIRONMENT_FILE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_unit_s_program_ships_with_the_variables_of_its_file(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    (name,) = re.findall(r"^ExecStart=\S+ /opt/sls-syslog/(\S+)$", UNIT.read_text(), re.M)
    given = environment_file()
    sls_emulator.put_logs([{"n": "1"}])
    real = {**sls_emulator.environ(given["SLS_CG"]), **syslog_receiver.environ()}
    assert set(real) - {"NO_PROXY", "no_proxy", "http_proxy"} <= set(given)
    environ = {**given, **real, "SLS_CONSUMER": "host-1"}
    with program(str(EXAMPLES / name), environ=environ) as shipper:
        (message,) = syslog_receiver.wait_for(1, timeout=30)
        owners = sls_emulator.owners(given["SLS_CG"])
        shipper.process.terminate()
        assert shipper.wait() == 0, shipper.output()
    assert b"||n=1" in message
    (parsed,) = syslog_receiver.messages
    assert (parsed.facility, parsed.app_name) == (16, "sls")
    assert set(owners.values()) == {"host-1"}


@contextmanager
def healthy(
    emulator: SlsEmulator, receiver: SyslogReceiver, **environ: str
) -> Iterator[tuple[Program, str]]:
    """ship_with_health.py, and where it answers."""
    addresses = {**emulator.environ(GROUP), **receiver.environ()}
    own = {"HEALTH_HOST": "127.0.0.1", "HEALTH_PORT": "0"}
    with program(
        str(EXAMPLES / "ship_with_health.py"), environ={**environ, **addresses, **own}
    ) as shipper:
        eventually(lambda: "health on port" in shipper.output())
        (port,) = re.findall(r"health on port (\d+)", shipper.output())
        yield shipper, f"http://127.0.0.1:{port}"


def answer(url: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_pod_s_program_ships_and_answers_its_probes(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    found = manifests()
    pod = found["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == ["ship_with_health.py"]
    sls_emulator.put_logs([{"n": "1"}])
    with healthy(sls_emulator, syslog_receiver, **found["ConfigMap"]["data"]) as (shipper, url):
        syslog_receiver.wait_for(1, timeout=30)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            path = container[probe]["httpGet"]["path"]
            eventually(lambda path=path: answer(url + path) == (200, "ok\n"))  # type: ignore[misc]
        shipper.process.terminate()
        assert shipper.wait() == 0, shipper.output()


@pytest.mark.gate
def test_a_receiver_that_is_down_makes_a_shipper_unready_but_not_dead(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    with healthy(sls_emulator, syslog_receiver) as (shipper, url):
        eventually(lambda: answer(f"{url}/readyz") == (200, "ok\n"))
        syslog_receiver.stop_listening()
        sls_emulator.put_logs([{"n": "1"}])
        eventually(lambda: answer(f"{url}/readyz")[0] == 503)
        assert "a shard has made no progress for" in answer(f"{url}/readyz")[1]
        assert answer(f"{url}/livez") == (200, "ok\n")
        syslog_receiver.listen_again()
        eventually(lambda: answer(f"{url}/readyz") == (200, "ok\n"))
        assert answer(f"{url}/")[0] == 404
        shipper.process.terminate()
        assert shipper.wait() == 0, shipper.output()
