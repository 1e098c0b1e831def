"""A link to a receiver that can be cut, so that packets vanish. It needs Linux and root.

A network namespace stands for the receiver's machine, a pair of virtual interfaces for the cable.
It must not touch anything else of the machine.
"""

from __future__ import annotations

import functools
import ipaddress
import itertools
import os
import shutil
import subprocess
import sys

TEST_NETWORKS = ipaddress.ip_network("198.18.0.0/15")  # reserved for tests, RFC 2544
LIMIT_SECONDS = 10.0  # longest run of `ip`; it takes milliseconds
_NUMBERS = itertools.count()


class Cable:
    """A context manager with a namespace and the link to it.

    Attributes:
        there: The address in the namespace.
        prefix: The command before a program that runs it in the namespace.

    Raises:
        subprocess.CalledProcessError: The system refuses to make the namespace.
    """

    def __init__(self) -> None:
        number = (os.getpid() * 64 + next(_NUMBERS)) % (TEST_NETWORKS.num_addresses // 4)
        self._here, self.there = (str(TEST_NETWORKS[4 * number + side]) for side in (1, 2))
        self._name, self._near, self._far = (f"{end}{number}" for end in ("faults", "fn", "ff"))
        self.prefix = ["ip", "netns", "exec", self._name]

    def __enter__(self) -> Cable:
        _ip("netns", "add", self._name)
        try:
            _ip("link", "add", self._near, "type", "veth", "peer", self._far, "netns", self._name)
            _ip("addr", "add", f"{self._here}/30", "dev", self._near)
            _ip("link", "set", self._near, "up")
            _ip("-n", self._name, "addr", "add", f"{self.there}/30", "dev", self._far)
            _ip("-n", self._name, "link", "set", self._far, "up")
        except subprocess.CalledProcessError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        _ip("netns", "del", self._name)  # also removes the pair of interfaces

    def cut(self) -> None:
        """Drop all packets."""
        _ip("-n", self._name, "link", "set", self._far, "down")

    def mend(self) -> None:
        """Let packets arrive again."""
        _ip("-n", self._name, "link", "set", self._far, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=LIMIT_SECONDS)


@functools.cache
def explain_missing_cable() -> str:
    """Return why a `Cable` is not possible here. An empty text means that it is."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        return "needs Linux, root and the program ip"
    try:
        with Cable():
            return ""
    except subprocess.CalledProcessError as error:
        return f"no network namespace: {error.stderr.decode(errors='replace').strip()}"
