"""A receiver behind a link that can be cut, so that packets vanish: needs root and Linux.

A namespace of the network is the receiver's machine; a pair of virtual interfaces is the cable.
Nothing but these two is touched.
"""

from __future__ import annotations

import functools
import ipaddress
import itertools
import os
import shutil
import subprocess
import sys

TEST_NETWORKS = ipaddress.ip_network("198.18.0.0/15")  # kept for tests by RFC 2544
LIMIT_SECONDS = 10.0
_NUMBERS = itertools.count()


class Cable:
    """A namespace, and the link to it; a context manager.

    Attributes:
        there: The address in the namespace.
        prefix: The command to run a program there.

    Raises:
        subprocess.CalledProcessError: The system refuses.
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
        _ip("netns", "del", self._name)  # takes the pair of interfaces with it

    def cut(self) -> None:
        """Let what is sent vanish."""
        _ip("-n", self._name, "link", "set", self._far, "down")

    def mend(self) -> None:
        """Let it arrive again."""
        _ip("-n", self._name, "link", "set", self._far, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=LIMIT_SECONDS)


@functools.cache
def why_no_cable() -> str:
    """Why a `Cable` cannot be had here; empty if it can."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        return "needs Linux, root and the program ip"
    try:
        with Cable():
            return ""
    except subprocess.CalledProcessError as error:
        return f"no namespace of the network: {error.stderr.decode(errors='replace').strip()}"
