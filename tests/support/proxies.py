"""The real HAProxy and nginx as unprivileged child processes, in front of receivers on 127.0.0.1.

A test starts one with `with HaProxy(tmp_path, backends=[port]) as proxy:`, and ships to
`proxy.settings()`. What the proxy logged is in `proxy.printed()`, for the message of a failure.
This module must never touch /etc, a port outside 127.0.0.1, or a process it did not start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from tests.support.servers import HOST, ChildServer, ServerTls, fail_or_skip

__all__ = ["HaProxy", "Nginx", "Proxy"]

CONNECTIONS = 1000
"""Connections that a proxy relays at the same time; fewer than the usual limit of open files."""


@dataclass(eq=False)
class Proxy(ChildServer):
    """What both proxies have in common; see `HaProxy` and `Nginx`.

    Args:
        tmp_path: Where a directory of its own is made.
        backends: The ports of the receivers, on 127.0.0.1.
        tls: Makes it a TLS terminator that shows this certificate and relays plain text. Without
            it, the proxy relays bytes as they are, those of TLS too.
        connect_timeout: Seconds for one attempt to connect to a receiver. None leaves the default
            of the package's own configuration (HAProxy 5 s) or of the program (nginx 60 s).
        port: On 127.0.0.1. None picks a free one, which then stays.
    """

    _: KW_ONLY
    backends: Sequence[int]
    tls: ServerTls | None = None
    connect_timeout: float | None = None

    def settings(self) -> dict[str, str | int]:
        """Return the settings of a sender to this proxy, without those of a certificate.

        Raises:
            RuntimeError: The proxy has never been started, so has no port.
        """
        if self.port is None:
            raise RuntimeError(f"{self.name} has no port yet")
        protocol = "tcp" if self.tls is None else "tls"
        return {"host": HOST, "port": self.port, "protocol": protocol}

    def _prepare(self) -> None:
        super()._prepare()
        if self.tls is not None:  # HAProxy wants both in one file, nginx does not mind
            pair = self._file("pair.pem")
            pair.touch(mode=0o600)
            pair.write_bytes(self.tls.certificate.read_bytes() + self.tls.key.read_bytes())

    def _milliseconds(self, seconds: float) -> str:
        return f"{round(seconds * 1000)}ms"


@dataclass(eq=False)
class HaProxy(Proxy):
    """HAProxy in `mode tcp`.

    Args:
        check_interval: Seconds between its health checks (`check inter`). None checks nothing.
        retries: Attempts to connect after the first; HAProxy waits a second between them.
        client_timeout: `timeout client`, in seconds.
        server_timeout: `timeout server`, in seconds.
        options: Words behind `option`, such as `nolinger` and `redispatch`.
        balance: How it chooses one of several receivers.

    The other arguments are those of `Proxy`.
    """

    _: KW_ONLY
    check_interval: float | None = None
    retries: int = 3
    client_timeout: float = 50.0
    server_timeout: float = 50.0
    options: Sequence[str] = field(default=())
    balance: str = "roundrobin"

    name = "haproxy"

    def _command(self) -> list[str]:
        return [str(self.program.path), "-db", "-f", str(self._file("server.conf"))]

    def _configuration(self) -> str:
        crt = "" if self.tls is None else f" ssl crt {self._file('pair.pem')}"
        lines = [
            "global",
            f"  maxconn {CONNECTIONS}",
            "  nbthread 1",
            "  log stdout format raw local0",
            "defaults",
            "  mode tcp",
            "  log global",
            "  option tcplog",
            *(f"  option {option}" for option in self.options),
            f"  retries {self.retries}",
            f"  timeout connect {self._milliseconds(self.connect_timeout or 5.0)}",
            f"  timeout client {self._milliseconds(self.client_timeout)}",
            f"  timeout server {self._milliseconds(self.server_timeout)}",
            "listen syslog",
            f"  bind {HOST}:{self.port}{crt}",
            f"  balance {self.balance}",
            *(f"  server receiver-{port} {HOST}:{port}{self._check()}" for port in self.backends),
        ]
        return "\n".join(lines) + "\n"

    def _check(self) -> str:
        if self.check_interval is None:
            return ""
        return f" check inter {self._milliseconds(self.check_interval)}"


@dataclass(eq=False)
class Nginx(Proxy):
    """nginx with its `stream` module.

    Args:
        half_close: `proxy_half_close`. It is off by default: after the sender's half-close, nginx
            hands its bytes to the kernel, then ends both sides. It asks the receiver nothing.

    The other arguments are those of `Proxy`.
    """

    _: KW_ONLY
    half_close: bool = False

    name = "nginx"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._module = self._find_module()

    def _find_module(self) -> Path:
        root = self.program.tree or Path("/")
        folders = ("usr/lib/nginx/modules", "usr/lib64/nginx/modules", "etc/nginx/modules")
        modules = [root / folder / "ngx_stream_module.so" for folder in folders]
        found = next(filter(Path.is_file, modules), None)
        return found or fail_or_skip("nginx's stream module")

    def _command(self) -> list[str]:
        files = ["-p", str(self.directory), "-c", str(self._file("server.conf"))]
        return [str(self.program.path), "-e", "stderr", *files]

    def _configuration(self) -> str:
        # One process, which then has no child that a SIGKILL would leave behind.
        servers = "\n".join(f"    server {HOST}:{port};" for port in self.backends)
        return f"""\
load_module {self._module};
daemon off;
master_process off;
pid {self._file("server.pid")};
error_log stderr info;
events {{ worker_connections {2 * CONNECTIONS + 10}; }}
stream {{
  upstream receivers {{
{servers}
  }}
  server {{
    listen {HOST}:{self.port}{" ssl" if self.tls else ""};
    proxy_pass receivers;
    proxy_half_close {"on" if self.half_close else "off"};
    {self._timeout()}
    {self._certificate()}
  }}
}}
"""

    def _timeout(self) -> str:
        if self.connect_timeout is None:
            return ""
        return f"proxy_connect_timeout {self._milliseconds(self.connect_timeout)};"

    def _certificate(self) -> str:
        if self.tls is None:
            return ""
        pair = self._file("pair.pem")
        return f"ssl_certificate {pair}; ssl_certificate_key {pair};"
