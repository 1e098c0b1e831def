"""``SlsAdapter``: the HTTP connections of one worker to SLS, with a deadline for each request.

It must not know SLS's operations: ``patches.py`` mounts it, and ``worker.py`` calls
``cut_late_requests`` often.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, RequestException, Response, Timeout
from requests.adapters import HTTPAdapter
from requests.exceptions import TooManyRedirects
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from sls_syslog.errors import short_repr
from sls_syslog.network.deadline import Deadline, Stop
from sls_syslog.network.resolver import resolve
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.throttle import throttle

__all__ = ["REQUEST_SECONDS", "SlsAdapter"]

logger = SafeLogger("sls_syslog.consumer")

REQUEST_SECONDS = 10.0
"""Seconds from a request to SLS until the headers of its answer. The SDK's 120 would block a
thread, even the heartbeat's, for longer than SLS waits for a heartbeat."""

# Least bytes per second of a body: on a slow line a large batch may take minutes.
_SLOWEST_BODY = 10_000
# Most seconds for a body: also one whose Content-Length is wrong has an end.
_LONGEST_BODY = 600.0
# Seconds for a body without Content-Length. A heartbeat's must end before SLS misses the next one.
_UNKNOWN_BODY = 20.0
# Seconds to connect, and again for the TLS handshake: two lost packets are sent again by then.
_CONNECT_SECONDS = 5.0
# Seconds per request during a stop, which must end before a supervisor kills the process.
_STOP_SECONDS = 2.0
_SERVER_ERROR = 500  # first HTTP status that blames the server
_ANY_KIND = 0  # of a socket
_NEVER = float("inf")
_BOTH_WAYS = 2  # socket.SHUT_RDWR; only `network` imports `socket`


@dataclass(eq=False)
class _Exchange:
    """One request, from its beginning until its whole answer is here.

    Attributes:
        begun: When it began, on the monotonic clock.
        deadline: When the answer must be here, on the monotonic clock.
        look_up: The deadline for looking up the name of SLS.
        connection: The connection that is used at the moment.
        is_cut: Whether it was too late.
    """

    begun: float
    deadline: float
    look_up: Deadline
    connection: _Cuttable | None = None
    is_cut: bool = False

    def cut(self) -> None:
        """End the connection, so that the thread that waits for the answer gets an error."""
        connection = self.connection
        # The connection may serve another request by now.
        if connection is None or connection.exchange is not self:
            return
        self.is_cut = True
        with suppress(AttributeError, OSError):  # it is not connected yet, or closed already
            connection.sock.shutdown(_BOTH_WAYS)


class _Running(threading.local):
    """The exchange of this thread; urllib3 chooses the connection in the same thread."""

    exchange: _Exchange | None = None


_running = _Running()


class _Cuttable:
    """A connection that notes which exchange uses it."""

    sock: Any
    host: str
    port: int
    exchange: _Exchange | None = None

    def connect(self) -> None:
        self._note_exchange()
        if self.exchange is not None:
            self._look_up(self.exchange.look_up)
        super().connect()  # type: ignore[misc]  # of urllib3's class beside this one

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        self._note_exchange()
        super().putrequest(*args, **kwargs)  # type: ignore[misc]

    def _look_up(self, deadline: Deadline) -> None:
        """Look up the name before urllib3 does, which would wait for as long as the resolver.

        Raises:
            TimeoutError: If it takes too long.
        """
        try:
            resolve(self.host.strip("[]"), self.port, _ANY_KIND, deadline)
        except TimeoutError:
            raise
        except OSError:
            pass  # urllib3 tells of it in words that the SDK knows

    def _note_exchange(self) -> None:
        self.exchange = _running.exchange
        if self.exchange is not None:
            self.exchange.connection = self


class _PlainConnection(_Cuttable, HTTPConnection):
    """A connection over http."""


class _TlsConnection(_Cuttable, HTTPSConnection):
    """A connection over https."""


def _make_pool(pool: type[Any], connection: type[_Cuttable], *args: Any, **options: Any) -> Any:
    # Not a subclass: the SDK decides by the name of the pool in an error whether to try again.
    made = pool(*args, **options)
    made.ConnectionCls = connection
    return made


_POOLS = {
    "http": partial(_make_pool, HTTPConnectionPool, _PlainConnection),
    "https": partial(_make_pool, HTTPSConnectionPool, _TlsConnection),
}


class SlsAdapter(HTTPAdapter):
    """Connections to SLS. Each request has an end, and no redirect is followed.

    The timeout of ``requests`` bounds each wait for the next bytes, not the answer: one byte per
    second would last for ever. A redirect would get the STS token, which ``requests`` does not
    know as a secret.

    Args:
        connections: How many connections to keep alive.
        request_seconds: Seconds until the headers of an answer must be here; its body has a
            second more for each 10 kB.
        stop_seconds: Seconds for each whole request during a stop.
    """

    def __init__(
        self,
        connections: int,
        request_seconds: float = REQUEST_SECONDS,
        stop_seconds: float = _STOP_SECONDS,
    ) -> None:
        self._request_seconds = request_seconds
        self._stop_seconds = stop_seconds
        self._exchanges: set[_Exchange] = set()
        self._hurried_at = _NEVER
        self._stop = Stop(stop_seconds)
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools; their connections can be cut."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS  # type: ignore[assignment]

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools of a proxy; their connections can be cut."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    @property
    def is_impatient(self) -> bool:
        """Whether the program is about to stop."""
        return self._hurried_at < _NEVER

    def hurry(self) -> None:
        """Make requests end soon, those on their way as well, because the program is to stop.

        Errors change, so that the SDK does not retry: it tries ten times, a second apart, if the
        text of an error names the connection pool, or after a server error (``logclient.py``).
        """
        self._hurried_at = time.monotonic()
        self._stop.request()

    def cut_late_requests(self) -> None:
        """Cut the connection of each request that takes too long; call this often."""
        now = time.monotonic()
        for exchange in list(self._exchanges):
            stop_deadline = max(exchange.begun, self._hurried_at) + self._stop_seconds
            if now > min(exchange.deadline, stop_deadline):
                exchange.cut()

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *args: Any,
        **options: Any,
    ) -> Response:
        """Send one request, and read the whole answer.

        Args:
            request: The request.
            stream: Ignored: the answer is read at once, under the deadline.
            timeout: Seconds for each wait; the smaller one of this and our own counts.
            *args: As ``HTTPAdapter.send``.
            **options: As ``HTTPAdapter.send``.

        Raises:
            Timeout: If the answer was not complete in time.
            TooManyRedirects: If it is answered with a redirect.
            RequestException: If it fails; if impatient, also after a server error.
        """
        waits = self._choose_timeouts(timeout)
        exchange = self._begin()
        try:
            response = super().send(request, stream, waits, *args, **options)
            self._allow_body(exchange, response)
            response.content  # noqa: B018  # reads the body now, under the deadline
        except Exception as error:
            if exchange.is_cut:
                raise Timeout(_format_cut(request)) from error
            if self.is_impatient:
                raise RequestException(type(error).__name__) from error
            raise
        finally:
            self._end(exchange)
        if exchange.is_cut:  # urllib3 1 takes what was cut for the end of the body
            raise Timeout(_format_cut(request))
        if response.is_redirect:
            raise TooManyRedirects(_report_redirect(response))
        if self.is_impatient and response.status_code >= _SERVER_ERROR:
            raise RequestException(f"status {response.status_code}")
        return response

    def _choose_timeouts(self, timeout: float | None) -> tuple[float, float]:
        """Return the longest waits for a connection, and for the next bytes."""
        longest = self._stop_seconds if self.is_impatient else self._request_seconds
        bound = longest if timeout is None else min(longest, timeout)
        # A handshake cannot be cut: Python hands its socket out when it is over.
        return min(bound, _CONNECT_SECONDS), bound

    def _begin(self) -> _Exchange:
        now = time.monotonic()
        # A stop shortens the look-ups on their way; later ones have a deadline of their own.
        stop = None if self.is_impatient else self._stop
        look_up = Deadline(self._choose_timeouts(None)[0], stop)
        exchange = _Exchange(now, now + self._request_seconds, look_up)
        self._exchanges.add(exchange)
        _running.exchange = exchange
        return exchange

    @staticmethod
    def _allow_body(exchange: _Exchange, response: Response) -> None:
        """Give a large body more time."""
        length = response.headers.get("Content-Length", "")
        seconds = int(length) / _SLOWEST_BODY if length.isdecimal() else _UNKNOWN_BODY
        exchange.deadline += min(seconds, _LONGEST_BODY)

    def _end(self, exchange: _Exchange) -> None:
        _running.exchange = None
        self._exchanges.discard(exchange)


def _format_cut(request: PreparedRequest) -> str:
    return f"the answer of {urlsplit(request.url or '').hostname} was not complete in time"


def _report_redirect(response: Response) -> str:
    """Log a redirect; return what is wrong. Its path may hold anything: it is not shown."""
    asked = urlsplit(response.url).netloc
    target = "a place that is no URL"
    with suppress(ValueError):
        named = urlsplit(response.headers["Location"])
        target = short_repr(f"{named.scheme}://{named.netloc}" if named.netloc else asked)
    problem = (
        f"{asked} answers with a redirect to {target}; it is not followed, because it would get the"
        " credentials. Set SLS_ENDPOINT to the endpoint of SLS itself, and look for a proxy before"
        " it"
    )
    if throttle.is_due("redirect", asked):
        logger.error("%s", problem)
    return problem
