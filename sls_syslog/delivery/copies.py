"""``Copies``: hands a copy of each dropped log to the setting ``dropped``.

A log may be dropped only after its copy is kept. After an error the caller must not drop it.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import Any

from sls_syslog.errors import SyslogError
from sls_syslog.logs.dropped import DroppedLog
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["Copies", "CopyError"]


class CopyError(SyslogError):
    """Raised when no copy of a log can be kept, so that it must not be dropped."""


class Copies:
    """Keeps copies of the dropped logs of one shard.

    Args:
        settings: ``dropped``; without it, nothing is kept.
        shard: The shard's name.
    """

    def __init__(self, settings: ShipperSettings, shard: str) -> None:
        target = settings.dropped
        self._write = _find_file(target).append if isinstance(target, str) else target
        self._shard = shard

    def keep(self, cursor: str, number: int, cause: str, **what: Any) -> None:
        """Keep a copy of a log.

        Args:
            cursor: The cursor at which its batch begins.
            number: Its number in the batch, from 1; with ``frame``, that of the message.
            cause: Why it is dropped.
            **what: ``log`` or ``frame``, as in ``DroppedLog``.

        Raises:
            CopyError: If that fails.
        """
        if self._write is None:
            return
        copy = DroppedLog(shard=self._shard, cursor=cursor, number=number, cause=cause, **what)
        try:
            self._write(copy)
        except BaseException as error:  # the user's function, as a hook
            raise CopyError(f"no copy of a log to drop can be kept (dropped): {error}") from error


class _File:
    """A file of copies, which is opened with the first one. Several threads may use it.

    Args:
        path: The file. Only its owner may read it if it is made here.
    """

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)
        self._lock = Lock()
        self._descriptor: int | None = None
        self._is_torn = False  # whether the last line may be without its end

    def append(self, copy: DroppedLog) -> None:
        """Append a line, and hand it to the system."""
        with self._lock:
            if self._descriptor is None:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
                self._descriptor = os.open(self._path, flags, 0o600)
            line = f"{chr(10) * self._is_torn}{copy.to_json()}\n".encode()
            self._is_torn = True
            _write_all(self._descriptor, line)
            self._is_torn = False


def _write_all(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]


_files: dict[str, _File] = {}
_files_lock = Lock()


def _find_file(path: str) -> _File:
    """Return the file of a path: one for all shards of this process."""
    with _files_lock:
        return _files.setdefault(os.path.abspath(path), _File(path))
