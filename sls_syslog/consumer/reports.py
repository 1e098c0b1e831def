"""``Reports``: tells in the log what the shards of a worker do, and asks SLS where they end.

It must not block: ``run_worker`` calls it between two checks of the worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sls_syslog.consumer.patches import Beginning, FetchListener, HardenedWorker
from sls_syslog.consumer.sdk import Worker
from sls_syslog.consumer.start import describe_start
from sls_syslog.delivery.ledger import mark_start
from sls_syslog.delivery.progress import format_numbers
from sls_syslog.safe_logger import SafeLogger

__all__ = ["Reports", "format_name"]

logger = SafeLogger("sls_syslog.consumer")

# Most seconds to wait for the other shards of a heartbeat, so that one line names all.
_GATHER_SECONDS = 5.0
# Seconds between two questions where a shard ends; the line in the log comes once a minute.
_END_SECONDS = 60.0
# Most shards whose cursors a line shows.
_MOST_CURSORS = 8


class Reports:
    """The reports of one worker.

    Args:
        hardened: The worker.
        end_seconds: Seconds between two questions where a shard ends.
        clock: Returns seconds that nobody sets, counted from any origin.
    """

    def __init__(
        self,
        hardened: HardenedWorker,
        end_seconds: float = _END_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._worker = hardened.worker
        self._listeners = hardened.listeners
        self._stats = hardened.stats
        self._end_seconds = end_seconds
        self._clock = clock
        self._reported: set[FetchListener] = set()
        self._gathers_since: float | None = None
        # Half of the time earlier, so that the first line has an answer.
        self._ask_at = clock() + end_seconds / 2
        self._asking: threading.Thread | None = None
        if self._stats is not None:
            mark_start(self._stats)

    def look(self) -> None:
        """Report what is new; call this often."""
        self._report_shards()
        if self._clock() >= self._ask_at:
            self._ask_at = self._clock() + self._end_seconds
            self._ask_for_ends()
        if self._stats is not None:
            self._stats.log_line()

    def _report_shards(self) -> None:
        """Report shards that have begun; those of one heartbeat together."""
        shards = dict(self._listeners)
        self._reported &= set(shards.values())
        begun = {
            number: shard.beginning
            for number, shard in shards.items()
            if shard.beginning is not None and shard not in self._reported
        }
        if not begun:
            self._gathers_since = None
            return
        now = self._clock()
        if self._gathers_since is None:
            self._gathers_since = now
        # Of a heartbeat, the SDK makes all consumers at once; each begins a moment later.
        held = set(self._worker.shard_consumers)
        is_complete = held <= {n for n, shard in shards.items() if shard.beginning is not None}
        if is_complete or now - self._gathers_since >= _GATHER_SECONDS:
            self._reported.update(shards[number] for number in begun)
            self._gathers_since = None
            logger.info("%s", _format_taken(self._worker, begun))

    def _ask_for_ends(self) -> None:
        if self._asking is None or not self._asking.is_alive():
            behind = [number for number, shard in list(self._listeners.items()) if shard.is_behind]
            if behind:
                thread = threading.Thread(
                    target=self._ask, args=(behind,), name="sls-syslog-ends", daemon=True
                )
                self._asking = thread
                thread.start()

    def _ask(self, shards: list[int]) -> None:
        """Ask SLS where shards end. If one question fails, the others wait for the next time."""
        for number in shards:
            if self._worker.shut_down_flag:
                return
            shard = self._listeners.get(number)
            consumer = self._worker.shard_consumers.get(number)
            if shard is None or consumer is None:
                continue
            try:
                end = consumer.fetch_end_cursor  # of a range
                end = end or self._worker.consumer_client.get_cursor(number, "end")
                shard.note_shard_end(end)
            except Exception as error:
                logger.debug("shard %s: SLS does not say where it ends: %s", number, error)
                return


def _format_taken(worker: Worker, shards: dict[int, Beginning]) -> str:
    """Say which shards begin, and where."""
    with_cursors = len(shards) <= _MOST_CURSORS
    saved = {number: shard for number, shard in shards.items() if shard.is_saved}
    fresh = {number: shard for number, shard in shards.items() if not shard.is_saved}
    parts = []
    if saved:
        parts.append(f"from the checkpoint: {_format_shards(saved, with_cursors)}")
    if fresh:
        where = describe_start(worker.option)
        parts.append(f"without a checkpoint, from {where}: {_format_shards(fresh, with_cursors)}")
    plural = "s" * (len(shards) > 1)
    return f"{format_name(worker)} takes up {len(shards)} shard{plural}; {'; '.join(parts)}"


def _format_shards(shards: dict[int, Beginning], with_cursors: bool) -> str:
    if not with_cursors:
        return format_numbers(shards)
    return ", ".join(f"{number} at cursor {shards[number].cursor}" for number in sorted(shards))


def format_name(worker: Worker) -> str:
    """Return the name of a worker, ``project/logstore/consumer``."""
    option = worker.option
    return f"{option.project}/{option.logstore}/{option.consumer_name}"
