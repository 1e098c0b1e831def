"""Addresses of receivers as users write them: ``name``, ``name:port``, ``[IPv6 address]:port``.

Sans-I/O: this module must not resolve a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sls_syslog.settings import readers

__all__ = ["format_address", "has_every_port", "parse_distinct_addresses", "read_addresses"]

# Without brackets, an IPv6 address and a port together can be another IPv6 address.
_ADDRESS = re.compile(r"(?:\[([^\[\]]*:[^\[\]]*)\]|([^:]+))(?::([0-9]+))?")
_read_port = readers.integer(1, 65535)


def read_addresses(value: Any) -> tuple[str, ...]:
    """Read a list of addresses, or a text with commas between them.

    Raises:
        ValueError: If one of them is not an address; the third argument is that one.
    """
    entries = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(entries, (list, tuple)):
        raise ValueError("expected a list of receivers")
    for entry in entries:
        try:
            if "[" in _parse_address(entry)[0]:
                raise ValueError
        except ValueError:
            expected = "expected each receiver as name, name:port or [IPv6 address]:port"
            raise ValueError(expected, "", entry) from None
    return tuple(entries)


def parse_distinct_addresses(entries: Iterable[str], port: int) -> list[tuple[str, int]]:
    """Return the hosts and ports of ``entries`` in their order, each once.

    Args:
        entries: Addresses that ``read_addresses`` has accepted.
        port: Port of each entry that names none.
    """
    distinct: dict[tuple[str, int], tuple[str, int]] = {}
    for host, own_port in map(_parse_address, entries):
        pair = host, own_port or port
        distinct.setdefault((host.lower(), pair[1]), pair)
    return list(distinct.values())


def has_every_port(entries: Iterable[str]) -> bool:
    """Return whether each of ``entries``, which ``read_addresses`` has accepted, names its port."""
    return all(port is not None for _, port in map(_parse_address, entries))


def format_address(host: str, port: int) -> str:
    """Write ``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse_address(entry: Any) -> tuple[str, int | None]:
    found = _ADDRESS.fullmatch(entry) if isinstance(entry, str) else None
    if found is None:
        raise ValueError
    address, name, port = found.groups()
    return readers.host(address or name), _read_port(port) if port else None
