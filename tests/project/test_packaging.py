"""What is published: an sdist and a wheel, as somebody has them who has no clone of this."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from tests.support.tools import missing, module, run, tool

pytestmark = pytest.mark.gate
PACKAGE = ROOT / "sls_syslog"
USER_PROGRAM = ROOT / "tests" / "typing" / "user_program.py"
REFUSED = ROOT / "tests" / "typing" / "refused.py"
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
# Nothing of the clone is to be found by accident.
CLEAN = {"PYTHONPATH": "", "MYPYPATH": ""}
HELPER = "sls_syslog/encoding/_native.abi3.so"
WHICH_PATH = "import sls_syslog.encoding.native as it; print('helper:', it.load_helper())"

PLUGIN_TEST = """
def test_the_fixtures_are_there(sls_emulator, syslog_receiver):
    sls_emulator.put_logs([{"n": "1"}])
    assert syslog_receiver.port
"""

CONSUMER_PROGRAM = """
from concurrent.futures import ThreadPoolExecutor

from aliyun.log.consumer import CursorPosition, LogHubConfig

from sls_syslog import consumer_config


def fetch_token() -> tuple[str, str, str]:
    return "id", "secret", "token"


config: LogHubConfig = consumer_config(
    endpoint="cn-hangzhou.log.aliyuncs.com",
    access_key_id="id",
    access_key="secret",
    project="project",
    logstore="logstore",
    consumer_group_name="siem",
    consumer_name="shipper-0",
    cursor_position=CursorPosition.SPECIAL_TIMER_CURSOR,
    heartbeat_interval=10,
    data_fetch_interval=0.5,
    in_order=True,
    cursor_start_time="2026-01-01 00:00:00+8:00",
    security_token="token",
    max_fetch_log_group_size=100,
    worker_pool_size=16,
    shared_executor=ThreadPoolExecutor(16),
    cursor_end_time=1800000000,
    credentials_refresher=fetch_token,
    auth_version="v4",
    region="cn-hangzhou",
    query="* | where status > 499",
    accept_compress_type="zstd",
    processor=None,
)
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both, the wheel built from the sdist."""
    for needed in ("build", "hatchling"):
        module(needed)
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    assert built.returncode == 0, built.stdout
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new virtual environment with the wheel and what that requires."""
    venv = tmp_path_factory.mktemp("user") / "venv"
    assert run(sys.executable, "-m", "venv", venv).returncode == 0
    python = venv / "bin" / "python"
    install(python, str(wheel))
    return python


def install(python: Path, *what: str, **environ: str) -> None:
    """Install with pip; where there is no index, that is what the test lacks."""
    command = ("-m", "pip", "install", "-q", "--disable-pip-version-check", *what)
    done = run(python, *command, cwd=None, **environ)
    if done.returncode:
        missing(f"a package index ({done.stdout.strip().splitlines()[-1]})")


def texts(archive: Path) -> dict[str, str]:
    """The names in an archive, and what is in each."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name).decode(errors="replace") for name in wheel.namelist()}
    with tarfile.open(archive) as sdist:
        files = {entry.name: sdist.extractfile(entry) for entry in sdist.getmembers()}
        return {name: file.read().decode() for name, file in files.items() if file}


def has_compiler() -> bool:
    """Whether this machine can build the helper."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    return shutil.which(compiler) is not None


def metadata(wheel: Path) -> Message:
    files = texts(wheel)
    (name,) = (name for name in files if name.endswith(".dist-info/METADATA"))
    return message_from_string(files[name])


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(texts(wheel))
    info = {name for name in names if name.startswith("sls_syslog-")}
    ours = {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*.py")}
    assert names - info == ours | {"sls_syslog/py.typed"} | ({HELPER} if has_compiler() else set())
    assert {name.partition("/")[2] for name in info} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_sdist_holds_what_a_packager_needs(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    names = {name.partition("/")[2] for name in texts(sdist)}
    for path in ("hatch_build.py", "pyproject.toml", "README.md", "LICENSE", "PKG-INFO"):
        assert path in names
    for folder in ("sls_syslog", "tests", "examples", "docs", ".github"):
        files = (path for path in (ROOT / folder).rglob("*.*") if path.is_file())
        paths = (path.relative_to(ROOT) for path in files)
        expected = {str(path) for path in paths if not {"__pycache__", "_build"} & {*path.parts}}
        expected -= {HELPER}
        assert {name for name in names if name.startswith(f"{folder}/")} >= expected
    assert not [
        name for name in names if re.search(r"\.pyc$|\.so$|\.cache|\.venv|__pycache__", name)
    ]


def test_no_path_of_the_machine_that_built_them_is_in_either(dist: Path) -> None:
    for archive in dist.iterdir():
        for name, text in texts(archive).items():
            for path in (ROOT, dist):
                assert f"{path}/" not in text, f"{archive.name}: {name}"


def test_the_metadata_says_what_it_is(wheel: Path) -> None:
    said = metadata(wheel)
    assert (said["Name"], said["Requires-Python"]) == ("sls-syslog", ">=3.10")
    assert (said["License-Expression"], said["License-File"]) == ("MIT", "LICENSE")
    assert said["Description-Content-Type"] == "text/markdown"
    assert said.get_payload() == (ROOT / "README.md").read_text()
    classifiers = said.get_all("Classifier", [])
    for python in PYTHONS:
        assert f"Programming Language :: Python :: {python}" in classifiers
    assert "Typing :: Typed" in classifiers
    needed = [line for line in said.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {re.split(r"[<>=]", line)[0] for line in needed} == {"aliyun-log-python-sdk"}


def test_the_version_is_written_in_one_place(wheel: Path) -> None:
    version = metadata(wheel)["Version"]
    assert f'\nversion = "{version}"\n' in (ROOT / "pyproject.toml").read_text()
    elsewhere = [*PACKAGE.rglob("*.py"), *(ROOT / "examples").rglob("*"), ROOT / "README.md"]
    for path in elsewhere:
        assert not path.is_file() or f"{version}" not in path.read_text(errors="ignore"), path


def test_quickstart_runs_with_what_the_wheel_requires(installed: Path, tmp_path: Path) -> None:
    script = tmp_path / "quickstart.py"
    script.write_text((ROOT / "examples" / "quickstart.py").read_text())
    ran = run(installed, script, cwd=tmp_path, **CLEAN)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^ +lost +0$", ran.stdout, re.M), ran.stdout


def test_pytest_finds_the_fixtures_by_the_entry_point(installed: Path, tmp_path: Path) -> None:
    install(installed, "--target", str(tmp_path / "pytest"), "pytest")
    (tmp_path / "test_it.py").write_text(PLUGIN_TEST)
    paths = {**CLEAN, "PYTHONPATH": str(tmp_path / "pytest")}
    ran = run(installed, "-m", "pytest", "-q", "test_it.py", cwd=tmp_path, **paths)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("editable", [[], ["-e"]], ids=["plain", "editable"])
@pytest.mark.parametrize(
    ("environ", "is_built"),
    [
        ({}, True),
        ({"PATH": "/nowhere", "CC": ""}, False),
        ({"CC": "no-such-compiler"}, False),
        ({"CFLAGS": "-no-such-flag"}, False),
        ({"SLS_SYSLOG_PUREPYTHON": "1"}, False),
    ],
    ids=["compiler", "no-path", "no-compiler", "error", "not-wanted"],
)
def test_the_helper_is_built_where_there_is_a_compiler(
    environ: dict[str, str], is_built: bool, editable: list[str], dist: Path, tmp_path: Path
) -> None:
    if is_built and not has_compiler():
        missing("a C compiler")
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):  # not in Python 3.11.2, which Debian 12 has
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path)
    assert run(sys.executable, "-m", "venv", tmp_path / "venv").returncode == 0
    python = tmp_path / "venv" / "bin" / "python"
    source = tmp_path / sdist.name.removesuffix(".tar.gz")
    install(python, "--no-deps", *editable, str(source), **environ)
    clean = {**CLEAN, "SLS_SYSLOG_PUREPYTHON": ""}
    said = run(python, "-c", WHICH_PATH, cwd=tmp_path, **clean).stdout
    assert ("_native.abi3.so" in said) == is_built, said
    assert is_built or "helper: (None" in said


def mypy(program: Path, installed: Path) -> str:
    """What ``mypy --strict`` finds wrong; it is told nothing of this repository."""
    options = ("--strict", "--config-file=", f"--python-executable={installed}")
    checked = run(tool("mypy"), *options, program.name, cwd=program.parent, **CLEAN)
    return checked.stdout if checked.returncode else ""


def pyright(program: Path, installed: Path) -> str:
    """What pyright finds wrong in strict mode; of the builds of it, one that needs no download."""
    settings = program.with_name("pyrightconfig.json")
    settings.write_text(json.dumps({"typeCheckingMode": "strict"}))
    options = (f"--pythonpath={installed}", program.name)
    checked = run(tool("basedpyright"), *options, cwd=program.parent, **CLEAN)
    return checked.stdout if checked.returncode else ""


each_checker = pytest.mark.parametrize("check", [mypy, pyright], ids=lambda check: check.__name__)


@each_checker
def test_type_checkers_are_content_with_a_user_s_program(
    check: Callable[[Path, Path], str], installed: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(USER_PROGRAM.read_text())
    assert check(program, installed) == ""


@each_checker
def test_type_checkers_find_each_of_a_user_s_mistakes(
    check: Callable[[Path, Path], str], installed: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    text = REFUSED.read_text()
    program.write_text(text)
    output = check(program, installed)
    found = {int(line) for line in re.findall(r"program\.py:(\d+):.*\berror:", output)}
    marked = {n for n, line in enumerate(text.splitlines(), 1) if line.endswith("  # refused")}
    assert found == marked, output


@each_checker
def test_type_checkers_take_every_option_of_a_consumer(
    check: Callable[[Path, Path], str], installed: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(CONSUMER_PROGRAM)
    assert check(program, installed) == ""
