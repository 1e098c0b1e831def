"""The real rsyslog and syslog-ng as unprivileged child processes, and what they understood.

A test starts one with `with Rsyslog(tmp_path) as server:`, sends to `server.settings()`, and
compares `server.wait_for(count)` with what it sent: the fields are the server's own parse, written
by the server itself, with nothing corrected on the way. Linux only. This module must never touch
/etc, a port outside 127.0.0.1, or a process it did not start.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, NoReturn

import pytest

from tests.support.waiting import holds_within

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from sls_syslog.testing import TemporaryCA
    from sls_syslog.testing.certificates import IssuedCertificate

__all__ = [
    "HOST",
    "INVALID",
    "ChildServer",
    "ParsedByServer",
    "Rsyslog",
    "ServerProgram",
    "ServerStartError",
    "ServerTls",
    "SyslogNg",
    "SyslogServer",
    "fail_or_skip",
    "find_free_port",
    "require_server",
]

HOST = "127.0.0.1"
INVALID = -1
"""A number of `ParsedByServer` that the server found invalid."""

START_SECONDS = 60.0  # GnuTLS alone takes 8 s on a machine with four times as much to do
STOP_SECONDS = 10.0
UDP_BUFFER_BYTES = 4 * 1024 * 1024
PORT_TAKEN = ("Address already in use", "Could not create udp listener")
"""How the servers complain of a port that another process has; rsyslog then lives on without it."""


class ServerStartError(RuntimeError):
    """The server ended, or did not listen in time; the text holds what it printed."""


@dataclass(frozen=True, kw_only=True)
class ParsedByServer:
    """One message as the server understood it; what it found absent reads as the server's `nil`.

    Bytes that are not UTF-8, where the server hands them on, are surrogate escapes.
    """

    pri: int
    facility: int
    severity: int
    timestamp: str
    hostname: str
    app_name: str
    procid: str
    msgid: str
    structured_data: str
    msg: str

    @classmethod
    def from_json_line(cls, line: bytes) -> ParsedByServer:
        """The record that one line of the server's output holds."""
        fields = json.loads(line.decode("utf-8", "surrogateescape"))
        for name in ("pri", "facility", "severity"):
            fields[name] = _number(fields[name])
        return cls(**fields)


def _number(text: str) -> int:
    """The number, or `INVALID` for rsyslog's "invld"."""
    return int(text) if text.isdigit() else INVALID


@dataclass(frozen=True, kw_only=True)
class ServerTls:
    """PEM files for a TLS server.

    Args:
        certificate: the server's certificate, with the rest of its chain behind it.
        key: its private key.
        ca: the authority that client certificates must come from.
        require_client_certificate: whether a client without such a certificate is refused.
    """

    certificate: Path
    key: Path
    ca: Path
    require_client_certificate: bool = False

    @classmethod
    def of(
        cls,
        authority: TemporaryCA,
        shown: IssuedCertificate | None = None,
        *,
        require_client_certificate: bool = False,
    ) -> ServerTls:
        """The files of an authority, and of the certificate that the server shows."""
        shown = shown or authority.issue()
        return cls(
            certificate=Path(shown.cert_path),
            key=Path(shown.key_path),
            ca=Path(authority.cert_path),
            require_client_certificate=require_client_certificate,
        )


class ServerProgram(NamedTuple):
    """A server's executable; `tree` is where its package lies if it is unpacked, not installed."""

    path: Path
    tree: Path | None


def require_server(name: str) -> ServerProgram:
    """Find `rsyslog`, `syslog-ng`, `haproxy` or `nginx`, or skip the running test.

    With SLS_SYSLOG_REQUIRE_SERVERS=1 in the environment a missing server fails the test instead.
    """
    executable = {"rsyslog": "rsyslogd"}.get(name, name)
    installed = shutil.which(executable, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if installed is not None:
        return ServerProgram(Path(installed), None)
    default = Path(__file__).resolve().parents[2] / ".cache" / "servers"
    tree = Path(os.environ.get("SLS_SYSLOG_SERVERS_DIR") or default) / name
    unpacked = tree / "usr" / "sbin" / executable
    if not unpacked.is_file():
        fail_or_skip(name)
    return ServerProgram(unpacked, tree)


def fail_or_skip(what: str) -> NoReturn:
    """Skip the running test because `what` is missing, or fail it where that is demanded."""
    if os.environ.get("SLS_SYSLOG_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{what} is required and not there: run .ci/install-servers")
    pytest.skip(f"{what} is not installed (.ci/install-servers does it)")


def find_free_port() -> int:
    """A port free for TCP and UDP, outside the range the kernel gives to outgoing connections.

    Inside that range a server that is down would lose its port to any client, even to the sender
    that tries to reach it: TCP lets a socket connect to itself.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    chance = random.SystemRandom()  # no seed may give another worker the same port
    for port in chance.sample(range(max(1024, lowest - 12000), lowest), k=100):
        if all(map(_can_bind, (socket.SOCK_STREAM, socket.SOCK_DGRAM), (port, port))):
            return port
    raise ServerStartError("no free port")


def _can_bind(kind: int, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _listens(pid: int, protocol: str, port: int) -> bool:
    """Whether the process itself has the port bound (UDP) or listens on it.

    Asking the kernel instead of connecting leaves no stray connection in the server's log.
    """
    table, state = ("udp", "07") if protocol == "udp" else ("tcp", "0A")
    rows = [row.split() for row in Path("/proc/net", table).read_text("ascii").splitlines()[1:]]
    bound = {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == state}
    try:
        descriptors = [os.readlink(entry) for entry in Path("/proc", str(pid), "fd").iterdir()]
    except OSError:  # the process, or a file it had open, has just gone
        return False
    return any(f"socket:[{inode}]" in descriptors for inode in bound)


def _says_port_taken(printed: str) -> bool:
    return any(complaint in printed for complaint in PORT_TAKEN)


@dataclass(eq=False)
class ChildServer(ABC):
    """A server that runs as an unprivileged child process, on a port of its own.

    Args:
        tmp_path: where a directory of its own is made.
        port: on 127.0.0.1; None picks a free one, which then stays.
    """

    tmp_path: Path
    _: KW_ONLY
    port: int | None = None

    program: ServerProgram = field(init=False)
    directory: Path = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    name: ClassVar[str]

    def __post_init__(self) -> None:
        self.program = require_server(self.name)
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.tmp_path))

    @abstractmethod
    def _configuration(self) -> str:
        """The text of the configuration file."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command that runs the server in the foreground, in its own directory."""

    def _environment(self) -> dict[str, str]:
        return {"LC_ALL": "C"}

    def _kernel_table(self) -> str:
        """The table of /proc/net in which its port appears: `tcp` or `udp`."""
        return "tcp"

    def _prepare(self) -> None:
        """Write what it reads at a start; `port` is set."""
        self._file("server.conf").write_text(self._configuration(), encoding="utf-8")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start it, or start it again on the same port, and wait until it listens.

        Raises:
            RuntimeError: it runs already.
            ServerStartError: it ended, or does not listen within a minute.
        """
        if self._process is not None:
            raise RuntimeError(f"{self.name} has not been stopped")
        if self.port is not None:
            self._start_on(self.port)
            return self
        for _ in range(2):  # a free port may be taken before the server binds it
            try:
                self._start_on(find_free_port())
            except ServerStartError as error:
                if not _says_port_taken(str(error)):
                    raise
            else:
                return self
        self._start_on(find_free_port())
        return self

    def _start_on(self, port: int) -> None:
        before, self.port = self.port, port
        self._prepare()
        with self._file("printed.txt").open("wb") as printed:
            self._process = subprocess.Popen(
                self._command(),
                # Unix sockets are named relative to it: a whole path may exceed 108 bytes.
                cwd=self.directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        if not self._listens_soon(self._process, port):
            printed_text = self.printed()
            self.kill()
            self.port = before
            raise ServerStartError(f"{self.name} does not listen on {port}:\n{printed_text}")

    def _listens_soon(self, process: subprocess.Popen[bytes], port: int) -> bool:
        def listens() -> bool:
            return _listens(process.pid, self._kernel_table(), port)

        def hopeless() -> bool:
            return process.poll() is not None or _says_port_taken(self.printed())

        return holds_within(START_SECONDS, lambda: listens() or hopeless()) and listens()

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it in order (SIGTERM), by force after 10 seconds; nothing if it is not running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would: what it kept in memory is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        self._process = None

    def printed(self) -> str:
        """What the server said about itself since its last start."""
        return _read_all(self._file("printed.txt"))

    def _file(self, name: str) -> Path:
        return self.directory / name


def _read_all(*files: Path) -> str:
    return "".join(file.read_text("utf-8", "replace") for file in files if file.exists())


@dataclass(eq=False)
class SyslogServer(ChildServer):
    """What both servers have in common; see `Rsyslog` and `SyslogNg`.

    Args:
        tmp_path: where a directory of its own is made.
        protocol: `tcp`, `udp` or `tls`; of rsyslog also `relp` and `relp+tls`.
        framing: `newline` or `octet-counting`; UDP and RELP have none.
        syslog_format: `rfc5424` or `rfc3164`.
        tls: for `tls` and `relp+tls`, and only there.
        max_message_bytes: the server's limit for one message, header included.
        timezone: the server's TZ, which the time stamps of RFC 3164 are read in.
        port: on 127.0.0.1; None picks a free one, which then stays.
    """

    _: KW_ONLY
    protocol: str = "tcp"
    framing: str = "newline"
    syslog_format: str = "rfc5424"
    tls: ServerTls | None = None
    max_message_bytes: int = 65536
    timezone: str = "UTC"

    _counted_bytes: int = field(init=False, default=0)
    _counted_messages: int = field(init=False, default=0)

    nil: ClassVar[str]
    """How this server reports a field that is absent."""

    def __post_init__(self) -> None:
        if (self.protocol in {"tls", "relp+tls"}) != (self.tls is not None):
            raise ValueError("tls= and a protocol with TLS go together")
        super().__post_init__()

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "TZ": self.timezone}

    def _kernel_table(self) -> str:
        return "udp" if self.protocol == "udp" else "tcp"

    def _prepare(self) -> None:
        super()._prepare()
        self._file("internal.log").unlink(missing_ok=True)
        self._drop_cut_line()

    def _drop_cut_line(self) -> None:
        """Remove what a kill left of a line, before the server appends the next one to it."""
        file = self._file("received.jsonl")
        if file.exists():
            whole = file.read_bytes().rpartition(b"\n")
            os.truncate(file, len(whole[0] + whole[1]))
        self._counted_bytes = self._counted_messages = 0

    def settings(self) -> dict[str, str | int]:
        """The settings of a sender to this server, except for those of TLS.

        Raises:
            RuntimeError: the server has never been started, so has no port.
        """
        if self.port is None:
            raise RuntimeError(f"{self.name} has no port yet")
        settings: dict[str, str | int] = {
            "host": HOST,
            "port": self.port,
            "protocol": self.protocol,
            "syslog_format": self.syslog_format,
        }
        has_framing = self.protocol in {"tcp", "tls"}
        return {**settings, "framing": self.framing} if has_framing else settings

    def received(self) -> list[ParsedByServer]:
        """Every message stored so far, over all starts, in the order of the server's file."""
        file = self._file("received.jsonl")
        if not file.exists():
            return []
        # What follows the last line end is still being written, or was cut by a kill.
        lines = file.read_bytes().split(b"\n")[:-1]
        return [ParsedByServer.from_json_line(line) for line in lines]

    def wait_for(self, count: int, timeout: float = 20.0) -> list[ParsedByServer]:
        """Wait until the server has stored `count` messages, and return all it has.

        Raises:
            AssertionError: there are fewer after `timeout` seconds, or the server has ended.
        """
        holds_within(timeout, lambda: self._stored() >= count or not self.running)
        received = self.received()
        if len(received) < count:
            state = "running" if self.running else "ended"
            raise AssertionError(
                f"{self.name} ({state}) stored {len(received)} of {count} messages within "
                f"{timeout} s, last {received[-1:]}, and printed:\n{self.printed()}"
            )
        return received

    def _stored(self) -> int:
        """The number of messages in the file, of which only the new part is read."""
        if self._file("received.jsonl").exists():
            with self._file("received.jsonl").open("rb") as file:
                file.seek(self._counted_bytes)
                new = file.read()
            self._counted_bytes += len(new)
            self._counted_messages += new.count(b"\n")
        return self._counted_messages

    def printed(self) -> str:
        """What the server said about itself since its last start: refused clients, bad frames."""
        return _read_all(self._file("printed.txt"), self._file("internal.log"))


@dataclass(eq=False)
class Rsyslog(SyslogServer):
    """rsyslog, with imtcp, imudp or imrelp: it tells framing and format by itself.

    Args:
        tls_driver: `ossl` (OpenSSL) or `gtls` (GnuTLS), for RELP too.
        escape_control_characters: rsyslog's own default writes a TAB as `#011`, and so on.
        main_queue: its `queue.type`. `Direct` stores a message before the next one is read;
            `LinkedList` keeps many in memory, where a kill loses them.

    The other arguments are those of `SyslogServer`.
    """

    _: KW_ONLY
    tls_driver: str = "ossl"
    escape_control_characters: bool = True
    main_queue: str = "Direct"

    name = "rsyslog"
    nil = "-"

    # Record field -> rsyslog's property.
    PROPERTIES: ClassVar[dict[str, str]] = {
        "pri": 'name="pri"',
        "facility": 'name="syslogfacility"',
        "severity": 'name="syslogseverity"',
        "timestamp": 'name="timereported" dateFormat="rfc3339"',
        "hostname": 'name="hostname"',
        "app_name": 'name="app-name"',
        "procid": 'name="procid"',
        "msgid": 'name="msgid"',
        "structured_data": 'name="structured-data"',
        "msg": 'name="msg"',
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._is_relp and not _has_module("imrelp"):
            fail_or_skip("rsyslog's RELP")
        if self.protocol == "tls" and not _has_module(f"lmnsd_{self.tls_driver}"):
            fail_or_skip(f"rsyslog's TLS driver {self.tls_driver}")

    @property
    def _is_relp(self) -> bool:
        return self.protocol.startswith("relp")

    def _command(self) -> list[str]:
        pid_file = str(self._file("server.pid"))
        return [str(self.program.path), "-n", "-f", str(self._file("server.conf")), "-i", pid_file]

    def _configuration(self) -> str:
        escape = "on" if self.escape_control_characters else "off"
        properties = "\n".join(
            f'  property(outname="{name}" {source} format="jsonf")'
            for name, source in self.PROPERTIES.items()
        )
        # The server's own messages go to the default ruleset, apart from the received ones.
        return f"""\
global(workDirectory="{self.directory}" net.enableDNS="off"
       maxMessageSize="{self.max_message_bytes}"
       parser.escapeControlCharactersOnReceive="{escape}")
main_queue(queue.type="{self.main_queue}")
template(name="parsed" type="list" option.jsonf="on") {{
{properties}
}}
ruleset(name="received") {{
  action(type="omfile" file="{self._file("received.jsonl")}" template="parsed")
}}
action(type="omfile" file="{self._file("internal.log")}")
{self._module()}
input({self._input()} address="{HOST}" port="{self.port}" ruleset="received")
"""

    def _input(self) -> str:
        if self.protocol == "udp":
            return f'type="imudp" rcvbufSize="{UDP_BUFFER_BYTES}"'
        if self._is_relp:
            return f'type="imrelp" {self._relp_tls()}'
        return 'type="imtcp"'

    def _relp_tls(self) -> str:
        if self.tls is None:
            return ""
        files = (
            f'tls="on" tls.caCert="{self.tls.ca}" tls.myCert="{self.tls.certificate}"'
            f' tls.myPrivKey="{self.tls.key}"'
        )
        # Without a mode, imrelp asks for no certificate.
        return files + (' tls.authMode="certvalid"' if self.tls.require_client_certificate else "")

    def _module(self) -> str:
        if self._is_relp:
            library = {"ossl": "openssl", "gtls": "gnutls"}[self.tls_driver]
            return f'module(load="imrelp" tls.tlslib="{library}")'
        if self.tls is None:
            return f'module(load="{"imudp" if self.protocol == "udp" else "imtcp"}")'
        auth_mode = "x509/certvalid" if self.tls.require_client_certificate else "anon"
        return f"""\
global(defaultNetstreamDriverCAFile="{self.tls.ca}"
       defaultNetstreamDriverCertFile="{self.tls.certificate}"
       defaultNetstreamDriverKeyFile="{self.tls.key}")
module(load="imtcp" streamDriver.name="{self.tls_driver}" streamDriver.mode="1"
       streamDriver.authMode="{auth_mode}")"""


def _has_module(name: str) -> bool:
    """Whether this module of rsyslog is installed."""
    places = ("usr/lib", "usr/lib64", "usr/lib/*")
    return any(any(Path("/").glob(f"{place}/rsyslog/{name}.so")) for place in places)


@dataclass(eq=False)
class SyslogNg(SyslogServer):
    """syslog-ng: `network()` for lines and datagrams, `syslog()` for octet counting.

    The arguments are those of `SyslogServer`.
    """

    name = "syslog-ng"
    nil = ""

    MAX_CONNECTIONS: ClassVar[int] = 100

    # Record field -> syslog-ng's macro.
    MACROS: ClassVar[dict[str, str]] = {
        "pri": "$PRI",
        "facility": "$FACILITY_NUM",
        "severity": "$LEVEL_NUM",
        "timestamp": "$S_ISODATE",
        "hostname": "$HOST",
        "app_name": "$PROGRAM",
        "procid": "$PID",
        "msgid": "$MSGID",
        "structured_data": "$SDATA",
        "msg": "$MSG",
    }

    def _environment(self) -> dict[str, str]:
        if self.program.tree is None:
            return super()._environment()
        libraries = str(_directory_of(self.program.tree, "libsyslog-ng-*.so*"))
        return {**super()._environment(), "LD_LIBRARY_PATH": libraries}

    def _command(self) -> list[str]:
        command = [str(self.program.path), "--foreground", "--stderr", "--no-caps"]
        if self.program.tree is not None:
            modules = _directory_of(self.program.tree, "libafsocket.so")
            command.append(f"--module-path={modules}")
        return [
            *command,
            f"--cfgfile={self._file('server.conf')}",
            f"--persist-file={self._file('persist')}",
            f"--pidfile={self._file('server.pid')}",
            "--control=control",
        ]

    def _configuration(self) -> str:
        pairs = " ".join(f"{name}={macro}" for name, macro in self.MACROS.items())
        return f"""\
@version: 3.38
options {{
  use-dns(no); dns-cache(no); keep-hostname(yes); keep-timestamp(yes); chain-hostnames(no);
  frac-digits(6); log-msg-size({self.max_message_bytes}); stats-freq(0);
}};
source received {{ {self._source()}; }};
destination parsed {{
  file("{self._file("received.jsonl")}" template("$(format-json {pairs})\\n"));
}};
log {{ source(received); destination(parsed); }};
"""

    def _source(self) -> str:
        octets = self.framing == "octet-counting" and self.protocol != "udp"
        # syslog() always reads RFC 5424, and falls back to RFC 3164 by itself.
        lines_of_5424 = self.syslog_format == "rfc5424" and not octets
        options = [
            f'ip("{HOST}") port({self.port}) transport("{self.protocol}")',
            "flags(syslog-protocol)" if lines_of_5424 else "",
            self._capacity(),
            self._tls_options(),
        ]
        return f"{'syslog' if octets else 'network'}({' '.join(options)})"

    def _capacity(self) -> str:
        if self.protocol == "udp":
            return f"so-rcvbuf({UDP_BUFFER_BYTES})"
        # The window is shared out, and 100 messages are the least for one connection.
        return f"max-connections({self.MAX_CONNECTIONS}) log-iw-size({self.MAX_CONNECTIONS * 100})"

    def _tls_options(self) -> str:
        if self.tls is None:
            return ""
        verify = "required-trusted" if self.tls.require_client_certificate else "optional-untrusted"
        return (
            f'tls(key-file("{self.tls.key}") cert-file("{self.tls.certificate}") '
            f'ca-file("{self.tls.ca}") peer-verify({verify}))'
        )


def _directory_of(tree: Path, pattern: str) -> Path:
    """The directory below `tree` that holds the files `pattern` names."""
    return next(tree.rglob(pattern)).parent
