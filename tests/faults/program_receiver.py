"""The kit's receiver as a separate program, so that a fault can stop and kill it.

It must write frames to the file before it reads on: then frames that a killed receiver had read
count as received. Lines on standard input tell it what to do. It ends when its input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from typing import Any

from sls_syslog.testing import SyslogReceiver

LINGER_ZERO = struct.pack("ii", 1, 0)  # `close` sends a reset
TALK_SECONDS = 0.05  # pause between two words of a receiver that talks
VERSIONS = {"tls1.2": ssl.TLSVersion.TLSv1_2, "tls1.3": ssl.TLSVersion.TLSv1_3}


class FileReceiver(SyslogReceiver):
    """A receiver that appends frames to a file before it reads on, with one write per read.

    Args:
        path: The file.
        resets: Whether it ends each connection with a reset, after it has read everything.
        longest_frame: Frames over this many bytes reset the connection. None has no limit. It may
            be changed while running.
        says: What it sends to each connection, again and again, until the connection ends.
        **options: Options of `SyslogReceiver`.
    """

    def __init__(
        self,
        path: str,
        *,
        resets: bool = False,
        longest_frame: int | None = None,
        says: str = "",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.longest_frame = longest_frame
        self._resets = resets
        self._says = says.encode()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _accept(self, listener: Any) -> None:
        known = self.connections
        if self._resets:  # what is accepted inherits it
            listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        super()._accept(listener)
        with self._changed:
            for connection in self._connections[known:]:
                if self._says:
                    threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: Any) -> None:
        """Talk over plain TCP, until the connection ends."""
        with contextlib.suppress(OSError):
            while connection.is_open:
                connection._socket.send(self._says)
                time.sleep(TALK_SECONDS)

    def _keep(self, frames: list[bytes]) -> None:
        limit = self.longest_frame
        if limit is not None:
            refused = [at for at, frame in enumerate(frames) if len(frame) > limit]
            if refused:
                self._keep_all(frames[: refused[0]])
                self._reset_own_connection()
                raise ConnectionAbortedError("a frame is over the limit")
        self._keep_all(frames)

    def _reset_own_connection(self) -> None:
        """Let the connection of this thread end with a reset: it has bytes that nobody takes."""
        with self._changed:
            for connection in self._connections:
                if connection.thread is threading.current_thread():
                    connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)

    def _keep_all(self, frames: list[bytes]) -> None:
        with self._changed:
            os.write(self._file, b"".join(frame + b"\n" for frame in frames))
        super()._keep(frames)
        self.clear()  # saves memory; nobody asks for frames or errors here


def make_server_context(version: str, files: dict[str, Any]) -> ssl.SSLContext:
    """Make the server's TLS context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.load_cert_chain(files["certificate"], files["key"])
    context.load_verify_locations(files["ca"])
    context.verify_mode = ssl.CERT_REQUIRED if files["client_certificate"] else ssl.CERT_NONE
    return context


def obey(receiver: SyslogReceiver, line: str) -> None:
    """Follow a line: `[method]` calls a method, `[attribute, value]` sets an attribute."""
    name, *value = json.loads(line)
    if value:
        setattr(receiver, name, value[0])
    else:
        getattr(receiver, name)()


def main() -> None:
    options = json.loads(sys.argv[1])
    version, files = options.pop("transport"), options.pop("tls")
    if files:
        options["ssl_context"] = make_server_context(version, files)
    with FileReceiver(**options, protocol="tls" if files else version) as receiver:
        print("ready", flush=True)
        for line in sys.stdin:
            obey(receiver, line)
            print("done", flush=True)


if __name__ == "__main__":
    main()
