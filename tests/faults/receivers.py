"""Receivers that a fault can kill, hang and change: the kit's, rsyslog, syslog-ng.

Each is a separate process on a fixed port, and writes what it receives to a file.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Protocol

from sls_syslog.testing import TemporaryCA
from tests.faults.names import NAME, name_protocol
from tests.support.processes import ROOT
from tests.support.servers import Rsyslog, ServerStartError, ServerTls, SyslogNg, find_free_port

ANSWER_SECONDS = 60.0  # longest wait for an answer or an end; a busy machine is slow
HOST = "127.0.0.1"


class Receiver(Protocol):
    """What a fault can do to any receiver.

    Attributes:
        port: Its port, the same after a restart.
        received: The file of what it received.
    """

    port: int
    received: Path

    def start(self, **changes: Any) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class KitReceiver:
    """The kit's `SyslogReceiver` in a separate process.

    Args:
        directory: The directory for its file.
        transport: `tcp`, `udp`, `tls1.2` or `tls1.3`.
        authority: Issues its certificates.
        options: Options of `SyslogReceiver`, and `prefix`: a command that runs the process.
    """

    def __init__(
        self, directory: Path, transport: str, authority: TemporaryCA, options: dict[str, Any]
    ) -> None:
        self.port = find_free_port()
        self.received = directory / "received.txt"
        self._transport = transport
        self._authority = authority
        self._options: dict[str, Any] = {"host": HOST, **options}
        self._process: subprocess.Popen[str] | None = None
        self._is_frozen = False

    def start(self, **changes: Any) -> None:
        """Start the process. The changes stay for later starts.

        Args:
            **changes: Options as for the class, and two more. `certificate` is `good`, `expired`,
                `wrong name` or `untrusted`. `client_certificate` says whether one is demanded.
        """
        self._options |= changes
        options = dict(self._options)
        prefix = options.pop("prefix", [])
        certificate = options.pop("certificate", "good")
        demanded = options.pop("client_certificate", False)
        tls = self._make_tls(options["host"], certificate, demanded)
        options |= {"path": str(self.received), "port": self.port}
        options |= {"transport": self._transport, "tls": tls}
        program = str(Path(__file__).with_name("program_receiver.py"))
        self._process = subprocess.Popen(
            [*prefix, sys.executable, program, json.dumps(options)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "TMPDIR": tempfile.gettempdir(),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._await("ready")

    def _make_tls(self, host: str, kind: str, demanded: bool) -> dict[str, Any] | None:
        if not self._transport.startswith("tls"):
            return None
        names = ("evil.example",) if kind == "wrong name" else (host, NAME)
        if kind == "untrusted":
            with TemporaryCA() as other:
                return self._write_tls_files(other, names, demanded, kind)
        return self._write_tls_files(self._authority, names, demanded, kind)

    def _write_tls_files(
        self, authority: TemporaryCA, names: tuple[str, ...], demanded: bool, kind: str
    ) -> dict[str, Any]:
        issued = authority.issue(*names, expired=kind == "expired")
        copies = {}
        for name, path in {"certificate": issued.cert_path, "key": issued.key_path}.items():
            copy = self.received.with_name(f"{name}.pem")
            copy.write_bytes(Path(path).read_bytes())  # the issuer may remove its own file
            copies[name] = str(copy)
        return {**copies, "ca": self._authority.cert_path, "client_certificate": bool(demanded)}

    def tell(self, name: str, *value: Any) -> None:
        """Call a method of the receiver (without `value`), or set an attribute to `value`."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, *value]) + "\n")
        self._process.stdin.flush()
        self._await("done")

    def _await(self, word: str) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            assert selector.select(ANSWER_SECONDS), f"the receiver did not answer {word!r}"
        answer = self._process.stdout.readline()
        assert answer == word + "\n", f"the receiver answered {answer!r}, not {word!r}"

    def hang(self) -> None:
        """Freeze the process. Its kernel still accepts connections and acknowledges bytes."""
        self._is_frozen = True
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let the process run again."""
        self._is_frozen = False
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """Send SIGKILL. It works on a frozen process too.

        Not between reading and writing to the file: what lies there is lost with any receiver, and
        the suite asks what the shipper loses.
        """
        if self._process is not None:
            if not self._is_frozen:
                self.tell("pause")
            self._process.kill()
            self._forget()

    def stop(self) -> None:
        """End the process cleanly, or kill it if that takes too long."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                self._process.wait(ANSWER_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._forget()

    def _forget(self) -> None:
        process, self._process = self._process, None
        self._is_frozen = False
        if process is not None:
            process.wait(ANSWER_SECONDS)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


class ServerReceiver:
    """rsyslog or syslog-ng, from `servers.py`.

    Args:
        kind: `rsyslog` or `syslog-ng`.
        directory: The directory for its files.
        transport: `tcp`, `udp`, `tls1.2` or `tls1.3`; for rsyslog also `relp` and `relp+tls`. The
            server chooses the version of TLS.
        authority: Issues its certificate.
        options: Arguments of the server's class.
    """

    def __init__(
        self,
        kind: str,
        directory: Path,
        transport: str,
        authority: TemporaryCA,
        options: dict[str, Any],
    ) -> None:
        protocol = name_protocol(transport)
        files = ServerTls.of(authority) if "tls" in protocol else None
        self._server = {"rsyslog": Rsyslog, "syslog-ng": SyslogNg}[kind](
            directory,
            protocol=protocol,
            tls=files,
            port=find_free_port(),
            **options,
        )
        self.port = self._server.port or 0
        self.received = self._server.directory / "received.jsonl"

    def start(self, **changes: Any) -> None:
        assert not changes, f"rsyslog and syslog-ng cannot take changes: {changes}"
        try:
            self._server.start()
        except ServerStartError:  # rsyslog sometimes crashes if a client resets a TLS handshake
            self._server.start()

    def kill(self) -> None:
        self._server.kill()

    def stop(self) -> None:
        self._server.stop()
