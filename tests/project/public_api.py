"""The public API as text, to be compared with public_api.txt.

``python -m tests.project.public_api`` prints it: put that into the file after a change that is
meant.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import sls_syslog


def lines() -> Iterator[str]:
    """Each public name with its signature, followed by what it has."""
    for name in sls_syslog.__all__:
        value = getattr(sls_syslog, name)
        if not inspect.isclass(value):
            yield f"{name}{_signature(value)}"
        elif issubclass(value, enum.Enum):
            yield f"{name}: {', '.join(f'{member.name} {member.value}' for member in value)}"
        else:
            bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
            yield f"{name}({bases}):" if bases else f"{name}:"
            yield from (f"    {member}" for member in _members(value))


def _members(value: type) -> Iterator[str]:
    """How it is made, and its public methods and properties as far as they are written here."""
    specs = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
    public = [spec for spec in specs if not spec.name.startswith("_")]
    types = {spec.name: spec.type for spec in public if not hasattr(value, spec.name)}
    names = {name for name in dir(value) if not name.startswith("_")}
    for name in ("__init__", *sorted(names | types.keys())):
        if name in types:
            yield f"{name}: {types[name]}"
            continue
        owner = next(base for base in value.__mro__ if name in vars(base))
        if owner.__module__.startswith("sls_syslog."):
            member = getattr(value, name)
            yield f"{name}{_signature(member)}" if callable(member) else name


class _Bare(str):
    """An annotation, which is a string in this package, to be shown without quotes around it."""

    __slots__ = ()
    __repr__ = str.__str__


def _signature(value: Callable[..., Any]) -> str:
    signature = inspect.signature(value)
    parameters = [
        parameter.replace(annotation=_bare(parameter.annotation))
        for parameter in signature.parameters.values()
    ]
    result = _bare(signature.return_annotation)
    return str(signature.replace(parameters=parameters, return_annotation=result))


def _bare(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


if __name__ == "__main__":
    print("\n".join(lines()))
