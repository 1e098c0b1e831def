"""The hooks that a subclass may override, each with a working default.

Pure. ``SyslogShipperProcessor`` inherits them; the encoder falls back on them when an
overridden one fails.
"""

from __future__ import annotations

from datetime import datetime

from sls_syslog.codes import Facility, Severity
from sls_syslog.logs import Log, time_of
from sls_syslog.message import StructuredData
from sls_syslog.settings import ShipperSettings
from sls_syslog.template import Template
from sls_syslog.timestamps import LogClock

__all__ = ["MessageHooks"]


class MessageHooks:
    """How one log becomes one message.

    Every hook is called with one log, a mapping of str to str with the keys ``__time__``
    (seconds since 1970), ``__topic__``, ``__source__``, ``__tag__:...`` and the log's own.
    A hook that raises, or returns what the field cannot hold, costs no log: the default
    of that hook is used instead, and the failure is reported.

    Args:
        settings: What the defaults follow.
    """

    def __init__(self, settings: ShipperSettings) -> None:
        self.settings = settings
        this_machine = ShipperSettings(host=settings.host).hostname
        self._hostname = Template(settings.hostname, fallback=this_machine)
        self._app_name = Template(settings.tag, fallback="-")
        self._clock = LogClock(settings.timezone)

    def format_message(self, log: Log) -> str | None:
        """The MSG part; ``None`` to leave the log out. Default: the setting ``payload``.

        Raises:
            TypeError: If the payload returns anything but a text.
        """
        text = self.settings.payload(log)
        if not isinstance(text, str):  # only this hook may leave a log out
            raise TypeError(f"expected payload to return a str, got {type(text).__name__}")
        return text

    def severity(self, log: Log) -> Severity | int | str:
        """How bad it is, as a member, number or name. Default: the setting ``severity``."""
        return self.settings.severity

    def facility(self, log: Log) -> Facility | int | str:
        """What it comes from, as a member, number or name. Default: the setting ``facility``."""
        return self.settings.facility

    def hostname(self, log: Log) -> str:
        """HOSTNAME; what is illegal in it is replaced. Default: the setting ``hostname``."""
        return self._hostname.render(log)

    def app_name(self, log: Log) -> str:
        """APP-NAME, TAG in RFC 3164; what is illegal is replaced. Default: the setting ``tag``."""
        return self._app_name.render(log)

    def timestamp(self, log: Log) -> datetime:
        """When it happened, with a time zone. Default: the log's time in the set ``timezone``."""
        return self._clock.datetime(*time_of(log))

    def structured_data(self, log: Log) -> StructuredData:
        """STRUCTURED-DATA as SD-ID to parameters, for RFC 5424. Default: none."""
        return {}
