"""``SyslogShipperProcessor``: the class that a user gives to the SDK's ``ConsumerWorker``.

It has the hooks and the methods that the SDK calls; ``shard.py`` does the work. No method may
raise an exception into the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aliyun.log.consumer import ConsumerProcessorBase

from sls_syslog.consumer.mistakes import check_method_names
from sls_syslog.consumer.patches import hide_arguments
from sls_syslog.consumer.sdk import CheckpointTracker
from sls_syslog.consumer.shard import Shard
from sls_syslog.delivery.ledger import PROCESS_STATS, ShipperStats
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.encoding.hooks import MessageHooks
from sls_syslog.errors import SettingsError
from sls_syslog.logs.protobuf import LogGroupList
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["SyslogShipperProcessor"]


# The attributes that a subclass has only after our __init__.
_SET_BY_INIT = frozenset({"settings", "stats", "_preprocessor", "_shard"})


class SyslogShipperProcessor(MessageHooks, ConsumerProcessorBase):
    """Ships the logs of one shard to a syslog receiver, losing none.

    The SDK makes one for each shard::

        ConsumerWorker(SyslogShipperProcessor, consumer_config(), args=(settings,))

    A checkpoint is saved only when the receiver has confirmed every log before it. A delivery
    that fails is retried until it works: for ``retry_seconds`` inside ``process()``, then SLS
    delivers the same logs again. So delivery is at least once. The first batch opens the first
    connection.

    Override a hook (``format_message``, ``severity`` ...) to change what is sent.

    Args:
        settings: ``ShipperSettings``, or a plain dict of them.
        stats: The ledger to count in; ``None`` for the ledger that all processors of this
            process share.

    Attributes:
        stats: The ledger.

    Raises:
        SettingsError: If a key is unknown or its value is wrong, or a method's name is almost that
            of a hook.
    """

    def __init__(
        self,
        settings: ShipperSettings | Mapping[str, Any],
        stats: ShipperStats | None = None,
    ) -> None:
        hide_arguments()
        check_method_names(type(self), SyslogShipperProcessor)
        ConsumerProcessorBase.__init__(self)
        MessageHooks.__init__(self, ShipperSettings.of(settings))
        self.stats = stats or PROCESS_STATS
        self._usual_preprocessor = vars(self).get("_preprocessor")
        encoder = LogEncoder(self.settings, hooks=self)
        self._shard = Shard(self, encoder, gets_batches=self._gets_batches)

    if not TYPE_CHECKING:  # a type checker would believe that there is every attribute

        def __getattr__(self, name: str) -> Any:
            """Say why an attribute is missing that only our ``__init__`` sets.

            Raises:
                SettingsError: If ``__init__`` of a subclass has not called it.
                AttributeError: If it is any other attribute.
            """
            kind = type(self)
            if name in _SET_BY_INIT:
                raise SettingsError(
                    f"{kind.__name__}.__init__", "must begin with super().__init__(settings)"
                )
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._shard!r} to {self.settings.destination}>"

    def initialize(self, shard: int) -> None:
        """Note the shard. The SDK calls this, and again after each failure to begin.

        Args:
            shard: Its number.
        """
        super().initialize(shard)
        self._shard.initialize(shard)

    def process(
        self, log_groups: LogGroupList, check_point_tracker: CheckpointTracker
    ) -> str | None:
        """Ship one batch. The SDK calls this.

        Args:
            log_groups: The batch: the SDK's ``LogGroupList``.
            check_point_tracker: The shard's ``ConsumerCheckpointTracker``.

        Returns:
            ``None`` if the batch is sent; else the cursor from which the SDK must fetch again.
        """
        return self._shard.process(log_groups, check_point_tracker)

    def shutdown(self, check_point_tracker: CheckpointTracker) -> None:
        """Save the checkpoint, and close the connection. The SDK calls this last.

        It does not call the SDK's own ``shutdown``, which saves the end of the last submitted
        batch even if it was not delivered. An override must call this method.

        Args:
            check_point_tracker: The shard's ``ConsumerCheckpointTracker``.
        """
        self._shard.shut_down(check_point_tracker)

    def _gets_batches(self) -> bool:
        """Whether ``process`` gets each batch as SLS sent it, and nobody may have changed it."""
        own = vars(self)
        is_own = "process" not in own and type(self).process is _OWN_PROCESS
        return is_own and own.get("_preprocessor") is self._usual_preprocessor

    def request_stop(self) -> None:
        """Make a running ``process()`` return within seconds; any thread may call it."""
        self._shard.request_stop()


# A class or an object may get another one, for example from a library that traces calls.
_OWN_PROCESS = SyslogShipperProcessor.process
