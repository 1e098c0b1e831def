"""Sources that compute a value from other values: the vocabulary of the ready mappings.

Sans-I/O. Each source describes itself, so that the documentation can be made from the mappings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from sls_syslog.payloads.fields import Accept, Fields, Source, make_reader
from sls_syslog.payloads.values import split_port

__all__ = [
    "Derived",
    "build_url",
    "decode_url",
    "drop_longer",
    "exclude",
    "extract_address",
    "extract_host",
    "extract_port",
    "extract_sql_command",
    "give_if_present",
    "grade",
    "join",
    "translate",
]

# A comment ends where SQL ends it. No text can match in two ways, so the time for a hostile
# statement only grows with its length.
_SQL_START = re.compile(r"(?:[\s(;]|/\*(?:[^*]|\*(?!/))*\*/|(?:--|#)[^\n]*\n)*([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Derived:
    """A source that computes a value from other sources.

    Attributes:
        sources: Where the other values come from.
        how: How the value is computed, in words; ``{0}`` stands for the first source, and so on.
        make: Computes the value from the texts. A missing text is ``""``; the result ``""`` means
            that there is no value.
        accept: Tells which texts ``make`` knows: of several sources the first with such a text
            counts. ``None`` for any text.
    """

    sources: tuple[Source, ...]
    how: str
    make: Callable[..., str]
    accept: Accept | None = None
    _readers: tuple[Callable[[Fields], str], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        accepts = () if self.accept is None else (self.accept,)
        readers = tuple(make_reader(source, *accepts) for source in self.sources)
        object.__setattr__(self, "_readers", readers)

    def __call__(self, log: Mapping[str, str]) -> str:
        """Compute the value for one log."""
        fields = log if isinstance(log, Fields) else Fields(log)
        return self.make(*[read(fields) for read in self._readers])


def translate(source: Source, table: Mapping[str, str], otherwise: str = "") -> Derived:
    """Look a value up in a table, in any case.

    Args:
        source: Where the value comes from; without a value, there is no result.
        table: The results by value in lower case.
        otherwise: The result for every other value.
    """
    rows: dict[str, list[str]] = {}
    for value, result in table.items():
        rows.setdefault(result, []).append(value)
    if otherwise:
        rows.setdefault(otherwise, []).append("any other")
    return Derived(
        (source,),
        "{0}: " + ", ".join(f"{'/'.join(values)} → {result}" for result, values in rows.items()),
        lambda value: table.get(value.lower(), otherwise) if value else "",
        lambda value: value.lower() in table,
    )


def grade(source: Source, table: dict[int, str]) -> Derived:
    """Find the result of the highest threshold that a number reaches.

    Args:
        source: Where the number comes from.
        table: The results by threshold, from low to high.
    """

    def make(value: str) -> str:
        number = int(value) if value.isdecimal() and len(value) < 19 else -1
        return next((table[least] for least in reversed(table) if number >= least), "")

    rows = ", ".join(f"{least} or more → {result}" for least, result in table.items())
    return Derived((source,), "{0}: " + rows, make, lambda value: bool(make(value)))


def give_if_present(source: Source, then: Source) -> Derived:
    """Give the value of ``then`` if ``source`` has a value."""
    return Derived((source, then), "{1}, if there is {0}", lambda value, result: value and result)


def exclude(source: Source, *values: str) -> Derived:
    """Give a value, unless it is one of ``values``, which mean that there is no value."""
    return Derived(
        (source,),
        "{0} other than " + " or ".join(values),
        lambda value: "" if value.lower() in values else value,
        lambda value: value.lower() not in values,
    )


def drop_longer(source: Source, limit: int) -> Derived:
    """Drop a value of more than ``limit`` characters: a cut identifier is useless."""
    return Derived(
        (source,),
        f"{{0}}, if not longer than {limit}",
        lambda value: value if len(value) <= limit else "",
        lambda value: len(value) <= limit,
    )


def join(*sources: Source, sep: str = " ") -> Derived:
    """Join the values that are present, with ``sep`` between them."""
    return Derived(
        sources,
        f" `{sep}` ".join(f"{{{n}}}" for n in range(len(sources))),
        lambda *values: sep.join(filter(None, values)),
    )


def build_url(scheme: Source, host: Source, path: Source, query: Source = ()) -> Derived:
    """Build a URL; without a scheme it has ``http``, and without a host only the path."""

    def make(scheme: str, host: str, path: str, query: str) -> str:
        start = f"{scheme or 'http'}://{host}" if host else ""
        return f"{start}{path}{'?' if query else ''}{query}" if path or query else ""

    how = "URL of {1}, {2}" + (", {3}" if query else "")
    return Derived((scheme, host, path, query), how, make)


def decode_url(source: Source) -> Derived:
    """Decode a value that is URL-encoded."""
    return Derived((source,), "{0}, URL-decoded", unquote)


def extract_address(source: Source) -> Derived:
    """Extract the address from ``address:port``; from a list with commas, the last one."""
    return Derived((source,), "address in {0}", lambda value: _split(value)[0])


def extract_port(source: Source) -> Derived:
    """Extract the port from ``address:port``; from a list with commas, the last one."""
    return Derived((source,), "port in {0}", lambda value: _split(value)[1])


def extract_host(source: Source) -> Derived:
    """Extract the host from HTTP's ``Host``, which may have a port."""

    def make(value: str) -> str:
        host, _, port = value.rpartition(":")
        has_port = port.isdecimal() and (":" not in host or host.endswith("]"))
        return host if has_port else value

    return Derived((source,), "host in {0}", make)


def _split(value: str) -> tuple[str, str]:
    return split_port(value.rpartition(",")[2].strip())


def extract_sql_command(source: Source) -> Derived:
    """Extract the first word of an SQL statement after its comments, in capitals."""

    def make(statement: str) -> str:
        found = _SQL_START.match(statement)
        return found[1].upper() if found else ""

    return Derived((source,), "first word of {0}", make)
