"""A client of SLS that tries each request once, and tasks that a deadline or Ctrl-C ends.

The SDK's own client tries ten times, a second apart.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from aliyun.log import LogClient, LogException
from aliyun.log.consumer import LogHubConfig
from requests import PreparedRequest, RequestException, Response
from requests.utils import select_proxy

from sls_syslog.consumer import sdk
from sls_syslog.consumer.adapter import REQUEST_SECONDS, SlsAdapter
from sls_syslog.consumer.endpoint import check_endpoint
from sls_syslog.consumer.source import Trouble, TroubleError, explain

__all__ = ["Contact", "OnceAdapter", "finish", "make_client", "run_apart", "send"]

# Seconds between two checks for late requests.
_LOOK_SECONDS = 0.1
# What urllib3 puts before the cause of a failure.
_POOL = re.compile(r"HTTPS?Connection(Pool)?\([^)]*\): ", re.IGNORECASE)
_SERVER_ERROR = 500  # first HTTP status that blames the server
# Codes after which the SDK tries again, whatever the status is (logclient.py).
_RETRIED = ("InternalServerError", "RequestTimeout")

_Result = TypeVar("_Result")


@dataclass
class Contact:
    """What the last request has shown of the way to SLS.

    Attributes:
        url: Where it went.
        proxy: The proxy that it went through; empty for none.
        headers: The headers of the answer; ``None`` if there was none.
        moment: When the answer came, in seconds since 1970.
        address: The address of the other side.
        tls: Version and cipher; empty without TLS.
        certificate: The certificate of SLS in DER; empty without TLS.
    """

    url: str = ""
    proxy: str = ""
    headers: Mapping[str, str] | None = None
    moment: float = 0.0
    address: str = ""
    tls: str = ""
    certificate: bytes = b""


class OnceAdapter(SlsAdapter):
    """Connections to SLS that fail at once.

    The SDK tries ten times, a second apart, if the text of an error names the connection pool, and
    after a server error (``logclient.py``).

    Args:
        connections: How many connections to keep alive.
        seconds: Seconds until the headers of an answer must be here.

    Attributes:
        contact: What the last request has shown.
    """

    def __init__(self, connections: int = 1, seconds: float = REQUEST_SECONDS) -> None:
        self.contact = Contact()
        super().__init__(connections, seconds)

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send one request.

        Raises:
            RequestException: If SLS cannot be reached; its text is the cause alone. Also after an
                answer that makes the SDK try again; then it has the response.
        """
        url = request.url or ""
        self.contact = Contact(url, select_proxy(url, options.get("proxies")) or "")
        try:
            response = super().send(request, *args, **options)
        except RequestException as error:
            cause = next(iter(error.args), error)
            text = _POOL.sub("", str(getattr(cause, "reason", cause)))
            raise RequestException(text) from error
        self.contact.headers, self.contact.moment = response.headers, time.time()
        if response.status_code >= _SERVER_ERROR or _read_code(response) in _RETRIED:
            raise RequestException(f"status {response.status_code}", response=response)
        return response

    def _end(self, exchange: Any) -> None:
        super()._end(exchange)
        with suppress(AttributeError, OSError, ValueError):  # it is closed, or has no TLS
            stream = exchange.connection.sock
            self.contact.address = stream.getpeername()[0]
            self.contact.tls = f"{stream.version()}, {stream.cipher()[0]}"
            self.contact.certificate = stream.getpeercert(True)


def _read_code(response: Response) -> object:
    if not response.ok:
        with suppress(ValueError, AttributeError):
            return response.json().get("errorCode")
    return None


def make_client(config: LogHubConfig, adapter: OnceAdapter) -> sdk.LogClient:
    """Make the SDK's client for a configuration.

    The credentials are those of now: a client for a short time needs no newer ones.

    Raises:
        SettingsError: If the endpoint is none.
        TroubleError: If ``credentials_refresher`` fails.
    """
    check_endpoint(config.endpoint)
    credentials = config.accessKeyId, config.accessKey, config.securityToken
    if config.credentials_refresher is not None:
        try:
            credentials = config.credentials_refresher()
        except Exception as error:
            raise TroubleError(
                Trouble(
                    step="signature",
                    found=f"credentials_refresher failed: {type(error).__name__}: {error}",
                    advice="it must return AccessKey ID, secret and security token",
                    may_mend=True,
                )
            ) from error
    client: Any = LogClient(
        config.endpoint,
        *credentials,
        source="sls_syslog",  # else the SDK finds out this machine's address
        auth_version=config.auth_version,
        region=config.region,
    )
    client._session.adapters = {"https://": adapter, "http://": adapter}
    return client  # type: ignore[no-any-return]  # the SDK has no types


def send(
    config: LogHubConfig, operations: Sequence[str], request: Callable[..., _Result], *args: Any
) -> _Result:
    """Send a request.

    Args:
        config: Says where the request goes.
        operations: The operation, or the possible operations.
        request: A method of the client.
        *args: Its arguments.

    Raises:
        TroubleError: If it fails.
    """
    try:
        return request(*args)
    except LogException as error:
        raise TroubleError(explain(error, config, operations)) from None


def run_apart(
    task: Callable[[], _Result], adapter: SlsAdapter, seconds: float = float("inf")
) -> _Result:
    """Run a task that sends requests, in a thread of its own.

    So the deadline holds for everything that the task waits for, the system's resolver included;
    and Ctrl-C ends the wait at once, without the frames of the SDK.

    Args:
        task: What to run.
        adapter: The connections that the task uses; they are closed with its end.
        seconds: Seconds until the end. After that the thread continues alone, without a result.

    Raises:
        TimeoutError: If it takes too long.
    """
    outcome: Future[_Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(task())
        except BaseException as error:
            outcome.set_exception(error)
        finally:
            adapter.close()

    threading.Thread(target=run, name="sls_syslog-source", daemon=True).start()
    finish(adapter, outcome, seconds=seconds)
    return outcome.result()


def finish(adapter: SlsAdapter, *running: Future[Any], seconds: float = float("inf")) -> None:
    """Wait until tasks have ended, and cut their requests that are late meanwhile.

    Raises:
        TimeoutError: If it takes too long.
    """
    deadline = time.monotonic() + seconds
    while wait(running, _LOOK_SECONDS).not_done:
        adapter.cut_late_requests()
        if time.monotonic() > deadline:
            raise TimeoutError("no answer in time")
