"""``SharedRefresh``: asks the user's ``credentials_refresher`` once for all threads.

It must not wait for long: a stop, and the heartbeat, wait for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from aliyun.log.auth import make_auth
from aliyun.log.credentials import StaticCredentialsProvider
from aliyun.log.logexception import LogException

from sls_syslog.consumer.sdk import LogClient
from sls_syslog.safe_logger import SafeLogger
from sls_syslog.throttle import throttle

__all__ = ["SharedRefresh"]

logger = SafeLogger("sls_syslog.consumer")

# Seconds for which a new token counts as valid: longer than requests with the old token may still
# fail, and shorter than a token lives.
_FRESH_SECONDS = 20.0
# Seconds until a refresher that has failed is asked again, by one thread for all.
_RETRY_SECONDS = 5.0
# Seconds to wait for the thread that refreshes, before the request is sent again.
_WAIT_SECONDS = 1.0
_NEVER = float("-inf")

_make_auth: Callable[..., object] = make_auth  # it has no types


class SharedRefresh:
    """``_replace_credentials`` in which one thread fetches the new token for all.

    In the SDK, every other thread that has met the expired token, even the heartbeat's, sleeps for
    up to five minutes, or for longer if the clock is set back; a refresher that fails holds its
    thread for three minutes, at a stop too (``logclient.py``).

    Args:
        client: The SDK's client.
        is_stopping: Returns whether the program is about to stop.
        clock: Returns seconds that nobody sets; ``time.monotonic`` by default.
    """

    def __init__(
        self,
        client: LogClient,
        is_stopping: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._is_stopping = is_stopping
        self._clock = clock
        self._refreshing = threading.Lock()
        self._refreshed_at = _NEVER
        self._failed_at = _NEVER
        self._failure = ""

    def __call__(self) -> None:
        """Get new credentials, or wait a moment; the SDK then sends the request again.

        Raises:
            LogException: If the refresher fails, or if the program is to stop.
        """
        if not self._refreshing.acquire(timeout=_WAIT_SECONDS):
            self._raise_at_a_stop()
            return
        try:
            self._refresh_once()
        finally:
            self._refreshing.release()

    def _refresh_once(self) -> None:
        now = self._clock()
        if now - self._refreshed_at < _FRESH_SECONDS:
            self._raise_at_a_stop()
            time.sleep(_WAIT_SECONDS)
            return
        if now - self._failed_at >= _RETRY_SECONDS:
            self._ask()
        if self._failure:
            raise LogException("CredentialsNotRefreshed", self._failure)

    def _ask(self) -> None:
        client = self._client
        try:
            credentials: Any = client._credentials_auto_refresher()
            provider = StaticCredentialsProvider(credentials[0], credentials[1], credentials[2])
            client._auth = _make_auth(provider, client._auth_version, client._region)
        except Exception as error:
            self._failed_at = self._clock()
            self._failure = f"credentials_refresher failed ({type(error).__name__}: {error})"
            if throttle.is_due("refresh", id(self)):
                logger.error("%s, will retry; until it works, no log is fetched", self._failure)
        else:
            self._refreshed_at, self._failure = self._clock(), ""

    def _raise_at_a_stop(self) -> None:
        if self._is_stopping():
            raise LogException("CredentialsNotRefreshed", "the program is about to stop")
