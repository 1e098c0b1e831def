"""Where receivers are, as one writes it: ``name``, ``name:port``, ``[IPv6 address]:port``.

Pure: nothing is looked up here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sls_syslog.errors import short_repr
from sls_syslog.settings import readers as readers

__all__ = ["format_address", "parse_distinct_addresses", "read_addresses"]

# Without its brackets an IPv6 address with a port may be another address altogether.
_ADDRESS = re.compile(r"(?:\[([^\[\]]*:[^\[\]]*)\]|([^:]+))(?::([0-9]+))?")
_port = readers.integer(1, 65535)


def read_addresses(value: Any) -> tuple[str, ...]:
    """A reader of a list of addresses, or of a text in which commas part them.

    Raises:
        ValueError: If one of them is none, with that one as second argument.
    """
    entries = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(entries, (list, tuple)):
        raise ValueError("expected a list of receivers")
    for entry in entries:
        try:
            if "[" in _parts(entry)[0]:
                raise ValueError
        except ValueError:
            expected = "expected each receiver as name, name:port or [IPv6 address]:port"
            raise ValueError(expected, f"; {short_repr(entry)} is none") from None
    return tuple(entries)


def parse_distinct_addresses(entries: Iterable[str], port: int) -> list[tuple[str, int]]:
    """The hosts and ports of ``entries`` in their order, each once.

    Args:
        entries: What ``read_addresses`` has found to be right.
        port: That of each entry without one of its own.
    """
    distinct: dict[tuple[str, int], tuple[str, int]] = {}
    for host, own in map(_parts, entries):
        pair = host, own or port
        distinct.setdefault((host.lower(), pair[1]), pair)
    return list(distinct.values())


def format_address(host: str, port: int) -> str:
    """``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parts(entry: Any) -> tuple[str, int | None]:
    found = _ADDRESS.fullmatch(entry) if isinstance(entry, str) else None
    if found is None:
        raise ValueError
    address, name, port = found.groups()
    return readers.host(address or name), _port(port) if port else None
