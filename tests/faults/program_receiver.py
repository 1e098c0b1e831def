"""The kit's receiver as a separate program, so that a fault can stop and kill it.

It must write frames to the file before it reads on: then frames that a killed receiver had read
count as received. Lines on standard input tell it what to do. It ends when its input ends.
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
    """A receiver that appends frames to a file before it reads on, with one write per read."""

    def __init__(self, path: str, **options: Any) -> None:
        super().__init__(**options)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _keep(self, frames: list[bytes]) -> None:
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
