"""The hooks that a subclass may override, each with a working default.

Pure. ``SyslogShipperProcessor`` inherits them; the encoder falls back on them when an
overridden one fails.
"""

from __future__ import annotations

from datetime import datetime

from sls_syslog.logs.flatten import Log, is_sls_field, time_of
from sls_syslog.logs.severity_rules import make_severity_function
from sls_syslog.logs.templates import Template
from sls_syslog.settings.client import get_machine_name
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.syslog.message import StructuredData
from sls_syslog.syslog.sanitize import sanitize_sd_name
from sls_syslog.syslog.timestamps import LogClock

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
        self._hostname = Template(settings.hostname, fallback=get_machine_name())
        self._app_name = Template(settings.tag, fallback="-")
        self._clock = LogClock(settings.timezone)
        self._severity = make_severity_function(settings.severity_rules, settings.severity)
        self._elements = [
            (sd_id, [(name, Template(text, fallback="")) for name, text in params.items()])
            for sd_id, params in settings.structured_data.items()
        ]

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
        """How bad it is, as a member, number or name.

        Default: what the first matching of ``severity_rules`` says, else ``severity``.
        """
        return self._severity(log)

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
        return self._clock.to_datetime(*time_of(log))

    def structured_data(self, log: Log) -> StructuredData:
        """STRUCTURED-DATA as SD-ID to parameters, for RFC 5424.

        Default: the settings ``structured_data`` and ``enterprise_id``.
        """
        elements: dict[str, list[tuple[str, str]]] = {}
        for sd_id, params in self._elements:
            values = [(name, template.render(log)) for name, template in params]
            elements[sd_id] = [(name, value) for name, value in values if value]
        if self.settings.enterprise_id is not None:
            elements[f"sls@{self.settings.enterprise_id}"] = [
                (sanitize_sd_name(key), value) for key, value in log.items() if is_sls_field(key)
            ]
        return elements
