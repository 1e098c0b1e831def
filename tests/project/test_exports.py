"""The public names: which there are, that they exist, and that each is documented."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import pkgutil
import sys
from pathlib import Path
from types import GenericAlias, ModuleType

import pytest

import sls_syslog
from sls_syslog.errors import SyslogError
from tests.project import public_api
from tests.support.tools import run

PUBLIC = [
    "CefPayload",
    "ClientSettings",
    "ConnectError",
    "DestinationReport",
    "DroppedLog",
    "EventMapping",
    "Facility",
    "InvalidMessageError",
    "JsonPayload",
    "KeyValuePayload",
    "Labelled",
    "LeefPayload",
    "LogPreview",
    "LogRule",
    "MaskRule",
    "MessageTooLongError",
    "OcsfPayload",
    "SendError",
    "SettingsError",
    "Severity",
    "SeverityRule",
    "ShipperSettings",
    "ShipperStats",
    "SourceError",
    "SourceReport",
    "SyslogClient",
    "SyslogError",
    "SyslogMessage",
    "SyslogShipperProcessor",
    "TlsError",
    "TransportError",
    "UnconfirmedError",
    "WorkerError",
    "check_destination",
    "check_source",
    "consumer_config",
    "make_worker",
    "preview",
    "run_worker",
]
MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(sls_syslog.__path__, "sls_syslog.")
    if not module.ispkg and not module.name.startswith("sls_syslog.testing")
]


def own_public_names(module: ModuleType) -> set[str]:
    """The classes and functions that a module defines without an underscore."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    }


def undocumented(name: str, value: object) -> list[str]:
    """The name itself, and of a class its own public methods, where they have no docstring."""
    members = vars(value) if inspect.isclass(value) else {}
    parts = {name: value} | {
        f"{name}.{key}": member
        for key, member in members.items()
        if not key.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, (property, classmethod)))
    }
    return [key for key, part in parts.items() if not inspect.getdoc(part)]


def test_the_public_names_are_these_and_sorted() -> None:
    assert sls_syslog.__all__ == PUBLIC == sorted(PUBLIC)


def test_the_signatures_of_the_public_names_are_these() -> None:
    pinned = Path(__file__).with_name("public_api.txt").read_text().splitlines()
    assert list(public_api.lines()) == pinned  # if it is meant: python -m tests.project.public_api


def test_the_public_names_are_there_and_documented() -> None:
    for name in PUBLIC:
        value = getattr(sls_syslog, name)
        assert undocumented(name, value) == []
        assert value.__name__ == name


def test_every_error_is_public() -> None:
    errors = importlib.import_module("sls_syslog.errors")
    classes = [value for name in errors.__all__ if inspect.isclass(value := getattr(errors, name))]
    assert {error.__name__ for error in classes} == set(errors.__all__) - {"short_repr"}
    assert {error.__name__ for error in classes} <= set(PUBLIC)
    assert all(issubclass(error, SyslogError) for error in classes)


def kind(name: str) -> int:
    """Constants stand before classes, and classes before functions."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2


def test_every_module_says_what_it_is_for_and_what_it_offers() -> None:
    for module in MODULES:
        assert module.__doc__, module
        assert module.__all__ == sorted(module.__all__, key=lambda name: (kind(name), name))
        assert len(set(module.__all__)) == len(module.__all__), module


def test_every_name_offered_exists_and_is_documented() -> None:
    for module in MODULES:
        offered = {name: getattr(module, name) for name in module.__all__}
        documentable = {
            name: value
            for name, value in offered.items()
            if inspect.isfunction(value)
            or (inspect.isclass(value) and not isinstance(value, GenericAlias))  # one, until 3.11
        }
        missing = [part for item in documentable.items() for part in undocumented(*item)]
        assert missing == [], module


def test_only_what_is_offered_is_without_an_underscore() -> None:
    for module in MODULES:
        assert own_public_names(module) <= set(module.__all__), module


def test_every_public_name_is_written_alike_in_all_its_places() -> None:
    assert list(sls_syslog._MODULES) == PUBLIC
    tree = ast.parse(Path(sls_syslog.__file__).read_text())
    for_type_checkers = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("sls_syslog.")
        for alias in node.names
    }
    at_run_time = {f"sls_syslog.{module}.{name}" for name, module in sls_syslog._MODULES.items()}
    assert for_type_checkers == at_run_time


def test_dir_shows_nothing_internal() -> None:
    shown = {name for name in dir(sls_syslog) if not name.startswith("__")}
    assert shown == set(PUBLIC)
    assert {"__all__", "__doc__", "__version__"} <= set(dir(sls_syslog))


def test_the_version_is_that_of_the_distribution() -> None:
    assert sls_syslog.__version__ == importlib.metadata.version("sls-syslog")


def test_a_name_that_is_not_public_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'SyslogCleint'"):
        sls_syslog.SyslogCleint  # type: ignore[attr-defined]  # noqa: B018


def test_a_public_name_is_imported_when_it_is_used() -> None:
    program = (
        "import sys, sls_syslog\n"
        "print(*(name for name in sys.modules if name.startswith('sls_syslog.')))\n"
        "from sls_syslog import ShipperSettings, SyslogShipperProcessor, run_worker\n"
        "print(*(name for name in sys.modules if name.startswith('sls_syslog.')))\n"
        "print(sls_syslog.SyslogClient.__name__, 'SyslogClient' in vars(sls_syslog))"
    )
    ran = run(sys.executable, "-c", program)
    at_once, with_the_worker, client = ran.stdout.splitlines()
    assert at_once == ""
    unneeded = {
        *(f"sls_syslog.payloads.{name}" for name in ("cef", "leef", "ocsf")),
        "sls_syslog.preflight.check",
    }
    assert not unneeded & set(with_the_worker.split())
    assert client == "SyslogClient True"


def test_a_star_import_brings_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from sls_syslog import *", names)
    assert sorted(set(names) - {"__builtins__"}) == PUBLIC
