"""The hooks that a subclass may override, each with a working default.

``SyslogShipperProcessor`` inherits them; ``safe_hooks.py`` falls back on them if an overridden one
fails. A hook must need only the settings and the log.
"""

from __future__ import annotations

from datetime import datetime

from sls_syslog.logs.decode import Log, is_sls_field, read_time
from sls_syslog.logs.severity_rules import make_severity_function
from sls_syslog.logs.templates import Template
from sls_syslog.payloads.by_name import Payload
from sls_syslog.payloads.severity import bind_severities
from sls_syslog.settings.client import get_machine_name
from sls_syslog.settings.shipper import ShipperSettings
from sls_syslog.syslog.codes import Facility, Severity
from sls_syslog.syslog.message import StructuredData
from sls_syslog.syslog.sanitize import sanitize_sd_name
from sls_syslog.syslog.timestamps import LogClock

__all__ = ["MessageHooks", "choose_severity", "make_text"]


class MessageHooks:
    """How one log becomes one message.

    Each hook gets one log, a mapping of str to str with the keys ``__time__`` (seconds since
    1970), ``__topic__``, ``__source__``, ``__tag__:...`` and the log's own fields. If a hook
    raises, or returns what the field cannot hold, its default is used for this log, and the
    failure is reported. No log is lost.

    Args:
        settings: The settings that the defaults use.

    Attributes:
        settings: The same.
    """

    def __init__(self, settings: ShipperSettings) -> None:
        self.settings = settings
        self._hostname = Template(settings.hostname, fallback=get_machine_name())
        self._app_name = Template(settings.tag, fallback="-")
        self._clock = LogClock(settings.timezone)
        self._severity = make_severity_function(settings.severity_rules, settings.severity)
        self._payloads = bind_severities(settings.payload)
        self._chosen: Severity | None = None
        self._elements = [
            (sd_id, [(name, Template(text, fallback="")) for name, text in params.items()])
            for sd_id, params in settings.structured_data.items()
        ]

    def format_message(self, log: Log) -> str | None:
        """Return the MSG part. Default: the setting ``payload`` makes it.

        An event of CEF or LEEF that has no severity of its own has that of the message.

        Args:
            log: The log.

        Returns:
            The text; ``None`` to leave the log out. It is then counted as filtered.

        Raises:
            TypeError: If the payload returns anything but a text.
        """
        payload = self.settings.payload
        if self._payloads is not None:
            chosen = Severity.of(self.severity(log)) if self._chosen is None else self._chosen
            payload = self._payloads[chosen]
        return make_text(payload, log)

    def severity(self, log: Log) -> Severity | int | str:
        """Return the severity. Default: of the first matching rule, else the setting.

        Args:
            log: The log.

        Returns:
            A member, number or name.
        """
        return self._severity(log)

    def facility(self, log: Log) -> Facility | int | str:
        """Return the facility. Default: the setting ``facility``.

        Args:
            log: The log.

        Returns:
            A member, number or name.
        """
        return self.settings.facility

    def hostname(self, log: Log) -> str:
        """Return the HOSTNAME. Default: the setting ``hostname``.

        Args:
            log: The log.

        Returns:
            The name; illegal characters in it are replaced.
        """
        return self._hostname.render(log)

    def app_name(self, log: Log) -> str:
        """Return the APP-NAME, TAG in RFC 3164. Default: the setting ``tag``.

        Args:
            log: The log.

        Returns:
            The name; illegal characters in it are replaced.
        """
        return self._app_name.render(log)

    def timestamp(self, log: Log) -> datetime:
        """Return the time of the log. Default: its own, in the setting ``timezone``.

        Args:
            log: The log.

        Returns:
            A time with a time zone.
        """
        return self._clock.make_datetime(*read_time(log))

    def structured_data(self, log: Log) -> StructuredData:
        """Return the STRUCTURED-DATA, for RFC 5424 only.

        Default: the settings ``structured_data`` and ``enterprise_id``.

        Args:
            log: The log.

        Returns:
            A mapping of SD-ID to parameters.
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


def make_text(payload: Payload, log: Log) -> str:
    """Make the text of a log; only the hook may leave one out.

    Raises:
        TypeError: If the payload returns anything but a text.
    """
    text = payload(log)
    if not isinstance(text, str):
        raise TypeError(f"expected payload to return a str, got {type(text).__name__}")
    return text


def choose_severity(hooks: MessageHooks, severity: Severity | None) -> None:
    """Fix the severity of the log that ``format_message`` gets next.

    The encoder asks the hook ``severity`` once for each log, and repairs its answer. It needs this
    only where ``format_message`` is overridden, and may call the default with a log of its own.

    Args:
        hooks: The hooks.
        severity: The severity; ``None`` to ask the hook ``severity``.
    """
    hooks._chosen = severity
