"""Mistakes in a user's program that the SDK would not report, or with an obscure error.

Each check raises a ``SettingsError`` of one sentence. A check must not make a processor, and must
not show the arguments: they may hold a password.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from aliyun.log.consumer import ConsumerWorker, LogHubConfig

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.settings import readers
from sls_syslog.spelling import find_typo

__all__ = [
    "check_arguments",
    "check_config",
    "check_method_names",
    "check_processor",
    "check_workers",
    "read_patience",
]


def check_workers(workers: Sequence[object]) -> None:
    """Check what ``run_worker`` was given, and the arguments for the processors.

    Raises:
        SettingsError: If that is no worker, or its processors cannot be made.
    """
    if not workers:
        raise SettingsError("run_worker", "expected a worker: run_worker(make_worker(...))")
    for worker in workers:
        if isinstance(worker, ConsumerWorker):
            check_arguments(worker.make_processor, worker.process_args, worker.process_kwargs)
            continue
        hint = "; write run_worker(*workers)" if isinstance(worker, (list, tuple)) else ""
        got = f"the class {worker.__name__}" if isinstance(worker, type) else type(worker).__name__
        raise SettingsError("run_worker", f"expected a ConsumerWorker, got {got}{hint}")


def check_config(config: object) -> None:
    """Check that a configuration is one.

    Raises:
        SettingsError: If it is something else.
    """
    if isinstance(config, LogHubConfig):
        return
    kind = type(config).__name__
    hint = ": write consumer_config(), with the brackets" if callable(config) else ""
    raise SettingsError("consumer_option", f"expected a LogHubConfig, got {kind}{hint}")


def read_patience(key: str, seconds: float | None) -> float:
    """Read seconds; ``None`` means for ever.

    Raises:
        SettingsError: If it is no number of seconds.
    """
    if seconds is None:
        return float("inf")
    try:
        return readers.seconds(zero=True)(seconds)
    except ValueError as error:
        raise SettingsError(key, f"{error} or None, got {short_repr(seconds)}") from None


def check_arguments(make: Any, args: Any, kwargs: Any) -> None:
    """Check that a processor can be made with these arguments.

    Raises:
        SettingsError: If it cannot.
    """
    if not callable(make):
        problem = f"expected the class, got an object of it: write {type(make).__name__}"
        raise SettingsError("make_processor", f"{problem}, and args=(settings,)")
    if not isinstance(args, (tuple, list)):
        problem = f"expected a tuple, got {type(args).__name__}"
        raise SettingsError("args", f"{problem}: write args=(settings,), with the comma")
    if not isinstance(kwargs, Mapping):
        problem = f"expected a mapping, got {type(kwargs).__name__}"
        raise SettingsError("kwargs", f"{problem}: write args=(settings,) in its place")
    try:
        signature = inspect.signature(make)
    except (TypeError, ValueError):  # a callable that is not written in Python
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        name = getattr(make, "__name__", type(make).__name__)
        hint = "" if args or kwargs else ": write args=(settings,)"
        raise SettingsError("args", f"{name} cannot be made, {error}{hint}") from None


def check_processor(processor: object) -> None:
    """Check that ``__init__`` of a processor has called ours.

    Raises:
        SettingsError: If it has not; the processor itself raises it.
    """
    getattr(processor, "_shard", None)


def check_method_names(kind: type, base: type) -> None:
    """Check that a subclass has no method whose name is almost that of one to override.

    Nothing would call it. A subclass that overrides both has chosen the name.

    Args:
        kind: The class of a processor.
        base: The class that calls the methods.

    Raises:
        SettingsError: If there is one; it names the right one.
    """
    added = [part for part in kind.__mro__ if part not in base.__mro__]
    own = {name for part in added for name, value in vars(part).items() if _is_method(name, value)}
    known = {name for name in dir(base) if _is_method(name, getattr(base, name))}
    for name in sorted(own - known):
        near = find_typo(name, known - own)
        if near:
            problem = f"nothing calls a method of this name; did you mean {near!r}?"
            raise SettingsError(f"{kind.__name__}.{name}", problem)


def _is_method(name: str, value: Any) -> bool:
    return not name.startswith("_") and (
        callable(value) or isinstance(value, (classmethod, staticmethod, property))
    )
