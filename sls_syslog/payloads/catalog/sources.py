"""Sources that are worked out from others: the words in which the mappings are written.

Pure. Each says how it is worked out, so that the documentation can be made of the mappings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from sls_syslog.payloads.fields import Fields, Source, reader

__all__ = [
    "Derived",
    "address_in",
    "at_least",
    "choice",
    "decoded",
    "first_word_of_sql",
    "given",
    "host_in",
    "joined",
    "other_than",
    "port_in",
    "url",
    "within",
]

# Comments end where SQL says they end, and nothing can be read in two ways: what a hostile
# statement costs grows with its length only.
_SQL_START = re.compile(r"(?:[\s(;]|/\*(?:[^*]|\*(?!/))*\*/|(?:--|#)[^\n]*\n)*([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that is made of other values.

    Attributes:
        sources: Where those come from.
        how: What is made of them, in words; ``{0}`` stands for the first of them, and so on.
        make: Makes it of their texts, each ``""`` where there is none; ``""`` for nothing.
    """

    sources: tuple[Source, ...]
    how: str
    make: Callable[..., str]
    _readers: tuple[Callable[[Fields], str], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_readers", tuple(map(reader, self.sources)))

    def __call__(self, log: Mapping[str, str]) -> str:
        """The value for one log."""
        fields = log if isinstance(log, Fields) else Fields(log)
        return self.make(*[read(fields) for read in self._readers])


def choice(source: Source, table: Mapping[str, str], otherwise: str = "") -> Derived:
    """What a table has for a value, whose case does not matter.

    Args:
        source: Where the value comes from; where there is none, this gives nothing as well.
        table: The results by values in small letters.
        otherwise: The result for any other value.
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
    )


def at_least(source: Source, table: dict[int, str]) -> Derived:
    """What a table has for the greatest of its numbers that a number reaches.

    Args:
        source: Where the number comes from.
        table: The results by numbers from small to great.
    """

    def make(value: str) -> str:
        number = int(value) if value.isdecimal() and len(value) < 19 else -1
        return next((table[least] for least in reversed(table) if number >= least), "")

    rows = ", ".join(f"{least} or more → {result}" for least, result in table.items())
    return Derived((source,), "{0}: " + rows, make)


def given(source: Source, then: Source) -> Derived:
    """What ``then`` gives, for logs in which ``source`` gives something."""
    return Derived((source, then), "{1}, if there is {0}", lambda value, result: value and result)


def other_than(source: Source, *values: str) -> Derived:
    """A value, unless it is one of those, which mean that there is none."""
    return Derived(
        (source,),
        "{0} other than " + " or ".join(values),
        lambda value: "" if value.lower() in values else value,
    )


def within(source: Source, limit: int) -> Derived:
    """A value that has at most that many characters: half an identifier identifies nothing."""
    return Derived(
        (source,),
        f"{{0}}, if not longer than {limit}",
        lambda value: value if len(value) <= limit else "",
    )


def joined(*sources: Source, sep: str = " ") -> Derived:
    """The values that are there, with ``sep`` between them."""
    return Derived(
        sources,
        f" `{sep}` ".join(f"{{{n}}}" for n in range(len(sources))),
        lambda *values: sep.join(filter(None, values)),
    )


def url(scheme: Source, host: Source, path: Source, query: Source = ()) -> Derived:
    """A URL; the path alone, where the host is not known, and ``http`` for no scheme."""

    def make(scheme: str, host: str, path: str, query: str) -> str:
        start = f"{scheme or 'http'}://{host}" if host else ""
        return f"{start}{path}{'?' if query else ''}{query}" if path or query else ""

    how = "URL of {1}, {2}" + (", {3}" if query else "")
    return Derived((scheme, host, path, query), how, make)


def decoded(source: Source) -> Derived:
    """A value that is URL-encoded, as it was before."""
    return Derived((source,), "{0}, URL-decoded", unquote)


def address_in(source: Source) -> Derived:
    """The address of ``address:port``; the last one of several with commas between."""
    return Derived((source,), "address in {0}", lambda value: _split(value)[0].strip("[]"))


def port_in(source: Source) -> Derived:
    """The port of ``address:port``; the last one of several with commas between."""
    return Derived((source,), "port in {0}", lambda value: _split(value)[1])


def host_in(source: Source) -> Derived:
    """The host of HTTP's ``Host``, which may have a port behind it."""

    def make(value: str) -> str:
        host, _, port = value.rpartition(":")
        has_port = port.isdecimal() and (":" not in host or host.endswith("]"))
        return host if has_port else value

    return Derived((source,), "host in {0}", make)


def _split(value: str) -> tuple[str, str]:
    address, _, port = value.rpartition(",")[2].strip().rpartition(":")
    return address, port


def first_word_of_sql(source: Source) -> Derived:
    """What a statement does: its first word in capitals, whatever comments stand before it."""

    def make(statement: str) -> str:
        found = _SQL_START.match(statement)
        return found[1].upper() if found else ""

    return Derived((source,), "first word of {0}", make)
