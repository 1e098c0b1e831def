"""The kit's receiver in a process of its own, so that it can be stopped and killed.

What it has read is in the file before it reads on, so what a killed receiver had read counts as
received (but for the moment between the two, well under a millisecond). It is told what to do by
lines on its standard input, and ends at the end of that.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from typing import Any

from sls_syslog.testing import SyslogReceiver

VERSIONS = {"tls1.2": ssl.TLSVersion.TLSv1_2, "tls1.3": ssl.TLSVersion.TLSv1_3}


class FileReceiver(SyslogReceiver):
    """Appends each frame to a file before it reads on; one write for what came together."""

    def __init__(self, path: str, **options: Any) -> None:
        super().__init__(**options)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _keep(self, frames: list[bytes]) -> None:
        with self._changed:
            os.write(self._file, b"".join(frame + b"\n" for frame in frames))
        super()._keep(frames)
        self.clear()  # the errors too, which nobody asks for here


def server_context(version: str, files: dict[str, Any]) -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.load_cert_chain(files["certificate"], files["key"])
    context.load_verify_locations(files["ca"])
    context.verify_mode = ssl.CERT_REQUIRED if files["client_certificate"] else ssl.CERT_NONE
    return context


def obey(receiver: SyslogReceiver, line: str) -> None:
    """Do what a line says: call a method, or set an attribute."""
    name, *value = json.loads(line)
    if value:
        setattr(receiver, name, value[0])
    else:
        getattr(receiver, name)()


def main() -> None:
    options = json.loads(sys.argv[1])
    version, files = options.pop("transport"), options.pop("tls")
    if files:
        options["ssl_context"] = server_context(version, files)
    with FileReceiver(**options, protocol="tls" if files else version) as receiver:
        print("ready", flush=True)
        for line in sys.stdin:
            obey(receiver, line)
            print("done", flush=True)


if __name__ == "__main__":
    main()
