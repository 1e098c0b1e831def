"""Mistakes in the program of a user: each is one sentence that says what to change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aliyun.log.consumer import ConsumerWorker

from sls_syslog import SettingsError, ShipperSettings, SyslogShipperProcessor, run_worker
from sls_syslog.consumer.mistakes import check_workers
from sls_syslog.testing import SlsEmulator
from tests.support.processors import Forgetful
from tests.support.shipping import make_worker

SETTINGS = {"host": "siem", "tag": "hunter2"}


class Documented(SyslogShipperProcessor):
    """Has its settings from elsewhere."""

    def __init__(self) -> None:
        super().__init__(SETTINGS)


class Keeps(SyslogShipperProcessor):
    """Does not call ``super().__init__()``, but keeps the settings as it does."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings


class Hasty(SyslogShipperProcessor):
    """Reads the settings before ``super().__init__()`` has set them."""

    def __init__(self, settings: Any) -> None:
        self.name = self.settings.host
        super().__init__(settings)


@pytest.fixture
def worker(sls_emulator: SlsEmulator) -> Callable[..., ConsumerWorker]:
    """Makes a worker, which is not started."""

    def make(processor: Any, args: Any = None, kwargs: Any = None) -> ConsumerWorker:
        option = make_worker(sls_emulator, SETTINGS).option
        return ConsumerWorker(processor, option, args, kwargs)

    return make


@pytest.mark.parametrize(
    ("processor", "args", "problem"),
    [
        (
            SyslogShipperProcessor,
            None,
            "args: SyslogShipperProcessor cannot be made, missing a required argument: 'settings':"
            " write args=(settings,)",
        ),
        (
            SyslogShipperProcessor,
            (SETTINGS),
            "args: expected a tuple, got dict: write args=(settings,), with the comma",
        ),
        (
            SyslogShipperProcessor,
            (ShipperSettings.from_mapping(SETTINGS)),
            "args: expected a tuple, got ShipperSettings: write args=(settings,), with the comma",
        ),
        (
            SyslogShipperProcessor,
            ("siem"),
            "args: expected a tuple, got str: write args=(settings,), with the comma",
        ),
        (
            SyslogShipperProcessor,
            (SETTINGS, None, "hunter2"),
            "args: SyslogShipperProcessor cannot be made, too many positional arguments",
        ),
        (
            Documented,
            (SETTINGS,),
            "args: Documented cannot be made, too many positional arguments",
        ),
        (
            SyslogShipperProcessor(SETTINGS),
            None,
            "make_processor: expected the class, got an object of it: write SyslogShipperProcessor,"
            " and args=(settings,)",
        ),
        (
            Forgetful,
            (SETTINGS,),
            "Forgetful.__init__: must begin with super().__init__(settings)",
        ),
        (Keeps, (SETTINGS,), "Keeps.__init__: must begin with super().__init__(settings)"),
        (Hasty, (SETTINGS,), "Hasty.__init__: must begin with super().__init__(settings)"),
    ],
)
def test_a_processor_that_cannot_be_made_is_one_sentence(
    processor: Any, args: Any, problem: str, worker: Callable[..., ConsumerWorker]
) -> None:
    made = worker(processor, args)
    with pytest.raises(SettingsError) as got:
        run_worker(made)
    assert str(got.value) == problem
    assert not made.is_alive()


@pytest.mark.parametrize(
    ("kwargs", "problem"),
    [
        (
            ShipperSettings.from_mapping(SETTINGS),
            "kwargs: expected a mapping, got ShipperSettings: write args=(settings,) in its place",
        ),
        (
            SETTINGS,
            "args: SyslogShipperProcessor cannot be made, missing a required argument: 'settings'",
        ),
        (
            {"settings": SETTINGS, "stat": None},
            "args: SyslogShipperProcessor cannot be made, got an unexpected keyword argument"
            " 'stat'",
        ),
    ],
)
def test_wrong_keywords_for_the_processor_are_one_sentence(
    kwargs: Any, problem: str, worker: Callable[..., ConsumerWorker]
) -> None:
    with pytest.raises(SettingsError) as got:
        run_worker(worker(SyslogShipperProcessor, kwargs=kwargs))
    assert str(got.value) == problem


def test_settings_from_elsewhere_need_no_arguments(
    worker: Callable[..., ConsumerWorker],
) -> None:
    check_workers([worker(Documented)])


@pytest.mark.parametrize(
    ("workers", "problem"),
    [
        ((), "run_worker: expected a worker: run_worker(make_worker(...))"),
        (
            ([],),
            "run_worker: expected a ConsumerWorker, got list; write run_worker(*workers)",
        ),
        (
            (ConsumerWorker,),
            "run_worker: expected a ConsumerWorker, got the class ConsumerWorker",
        ),
        ((None,), "run_worker: expected a ConsumerWorker, got NoneType"),
    ],
)
def test_what_is_no_worker_is_refused(workers: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(SettingsError) as got:
        run_worker(*workers)
    assert str(got.value) == problem


def test_a_forgotten_init_is_explained_without_run_worker_too(
    sls_emulator: SlsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(args.exc_value))
    worker = make_worker(sls_emulator, SETTINGS, Forgetful)
    worker.start()
    worker.join()
    worker.heart_beat.shutdown()
    assert [str(error) for error in errors] == [
        "Forgetful.__init__: must begin with super().__init__(settings)"
    ]


def test_any_other_missing_attribute_is_a_usual_error() -> None:
    processor = SyslogShipperProcessor(SETTINGS)
    with pytest.raises(AttributeError, match="object has no attribute 'nothing'"):
        processor.nothing  # type: ignore[attr-defined]  # noqa: B018


# Names of methods


def with_methods(*names: str) -> type[SyslogShipperProcessor]:
    """A subclass with methods of these names."""

    def answer(self: Any, *_: Any) -> str:
        return "x"

    return type("Own", (SyslogShipperProcessor,), dict.fromkeys(names, answer))


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("format_mesage", "format_message"),
        ("formatmessage", "format_message"),
        ("fromat_message", "format_message"),
        ("severty", "severity"),
        ("facilty", "facility"),
        ("host_name", "hostname"),
        ("appname", "app_name"),
        ("time_stamp", "timestamp"),
        ("structure_data", "structured_data"),
        ("initialise", "initialize"),
        ("proces", "process"),
        ("shut_down", "shutdown"),
    ],
)
def test_a_method_that_is_almost_a_hook_is_refused(name: str, right: str) -> None:
    with pytest.raises(SettingsError) as got:
        with_methods(name)(SETTINGS)
    assert got.value.key == f"Own.{name}"
    assert str(got.value) == (
        f"Own.{name}: nothing calls a method of this name; did you mean {right!r}?"
    )


def test_a_method_that_a_mixin_adds_is_looked_at_too() -> None:
    class Masks:
        @staticmethod
        def format_mesage(log: Mapping[str, str]) -> str:
            return "x"

    class Own(Masks, SyslogShipperProcessor):
        pass

    with pytest.raises(SettingsError, match=r"^Own\.format_mesage: .* 'format_message'"):
        Own(SETTINGS)


@pytest.mark.parametrize(
    "names",
    [
        ("format_message",),
        ("_format_message", "mask", "format", "message"),
        ("severity", "severity_"),
        ("process", "initialize", "shutdown", "request_stop"),
    ],
    ids=" ".join,
)
def test_a_method_with_a_name_of_its_own_is_not_refused(names: tuple[str, ...]) -> None:
    assert with_methods(*names)(SETTINGS).settings.host == "siem"


def test_a_misspelt_hook_ends_the_program_at_once(
    worker: Callable[..., ConsumerWorker], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SettingsError, match="format_mesage"):
        run_worker(worker(with_methods("format_mesage"), (SETTINGS,)))
    assert "hunter2" not in caplog.text
