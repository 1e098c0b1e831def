"""``SyslogMessage``: a message that exists is valid (RFC 5424 section 6).

Sans-I/O. It refuses illegal values and must not repair them: ``sanitize.py`` repairs
the values of logs before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from sls_syslog.errors import InvalidMessageError
from sls_syslog.syslog.codes import Facility, Severity, suggest_name

__all__ = ["Params", "StructuredData", "SyslogMessage", "get_header_parts"]

Params: TypeAlias = "Mapping[str, str] | Iterable[tuple[str, str]]"
"""The parameters of one SD-ELEMENT; use pairs if a PARAM-NAME occurs more than once."""

StructuredData: TypeAlias = "Mapping[str, Params]"
"""SD-ELEMENTs by SD-ID (RFC 5424 section 6.3)."""

_Code = TypeVar("_Code", Facility, Severity)

# RFC 5424 section 6: HOSTNAME = NILVALUE / 1*255PRINTUSASCII, and so on.
_HEADER_FIELDS = {
    "hostname": (255, "RFC 5424 section 6.2.4"),
    "app_name": (48, "RFC 5424 section 6.2.5"),
    "procid": (128, "RFC 5424 section 6.2.6"),
    "msgid": (32, "RFC 5424 section 6.2.7"),
}
# SD-NAME = 1*32PRINTUSASCII ; except '=', SP, ']', %d34 (")
_SD_NAME = re.compile(r"[!#-<>-\\^-~]{1,32}")
_SD_SECTION = "RFC 5424 section 6.3"
_NO_ELEMENTS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class SyslogMessage:
    """One syslog message.

    Attributes:
        message: The MSG part: any text that UTF-8 can carry. The client escapes what
            the framing cannot carry, such as a line feed under newline framing.
        facility: What kind of program the message comes from; a member, a number or a name.
        severity: How bad the event is; a member, a number or a name.
        timestamp: When the event happened, with a time zone. ``None`` for the NILVALUE;
            RFC 3164 has none, so there it means the time of sending.
        hostname: Where the event happened, at most 255 printable ASCII characters;
            ``None`` for the NILVALUE, also in the next three fields.
        app_name: The program, at most 48 characters.
        procid: The process, at most 128 characters.
        msgid: The type of message, at most 32 characters.
        structured_data: SD-ELEMENTs by SD-ID; each is a mapping, or pairs of
            PARAM-NAME and PARAM-VALUE. Empty for the NILVALUE. A name has at most
            32 characters; an SD-ID of your own is ``name@<enterprise number>``.

    Raises:
        InvalidMessageError: If a field breaks its rule; the text names field, rule and section.
    """

    message: str
    facility: Facility
    severity: Severity
    timestamp: datetime | None
    hostname: str | None
    app_name: str | None
    procid: str | None
    msgid: str | None
    structured_data: StructuredData = field(hash=False)

    def __init__(
        self,
        *,
        message: str = "",
        facility: Facility | int | str = Facility.USER,
        severity: Severity | int | str = Severity.INFO,
        timestamp: datetime | None = None,
        hostname: str | None = None,
        app_name: str | None = None,
        procid: str | None = None,
        msgid: str | None = None,
        structured_data: StructuredData = _NO_ELEMENTS,
    ) -> None:
        # Faster than the method that dataclass makes. The first test of each value is for the usual
        # one, and takes less time than its check.
        if type(facility) is not Facility:
            facility = _convert_code("facility", Facility, facility)
        if type(severity) is not Severity:
            severity = _convert_code("severity", Severity, severity)
        if timestamp is not None:
            _check_timestamp(timestamp)
        if hostname is not None:
            hostname = _check_header_field("hostname", hostname)
        if app_name is not None:
            app_name = _check_header_field("app_name", app_name)
        if procid is not None:
            procid = _check_header_field("procid", procid)
        if msgid is not None:
            msgid = _check_header_field("msgid", msgid)
        if type(message) is not str or not message.isascii():
            _check_text("message", message, "RFC 5424 section 6.4")
        if structured_data is not _NO_ELEMENTS:
            structured_data = _freeze_elements(structured_data)
        _put_message(self, message)
        _put_facility(self, facility)
        _put_severity(self, severity)
        _put_timestamp(self, timestamp)
        _put_hostname(self, hostname)
        _put_app_name(self, app_name)
        _put_procid(self, procid)
        _put_msgid(self, msgid)
        _put_structured_data(self, structured_data)

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickle the parts: the read-only view of structured_data cannot be pickled.
        parts = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return _rebuild, ({**parts, "structured_data": dict(self.structured_data)},)


get_header_parts = attrgetter("facility", "severity", "hostname", "app_name", "procid", "msgid")
"""The parts of a message's header, but the time."""

# Of a frozen dataclass only a descriptor sets a value quickly.
(
    _put_message,
    _put_facility,
    _put_severity,
    _put_timestamp,
    _put_hostname,
    _put_app_name,
    _put_procid,
    _put_msgid,
    _put_structured_data,
) = (vars(SyslogMessage)[spec.name].__set__ for spec in fields(SyslogMessage))


def _rebuild(parts: dict[str, Any]) -> SyslogMessage:
    return SyslogMessage(**parts)


def _convert_code(field: str, code: type[_Code], value: object) -> _Code:
    try:
        return code.of(value)  # type: ignore[arg-type]  # of() refuses other types
    except ValueError as error:
        hint = suggest_name(code, value).removeprefix("; ")
        expected = str(error).removeprefix("expected ") + (f" ({hint})" if hint else "")
        raise InvalidMessageError(field, expected, value, "RFC 5424 section 6.2.1") from None


def _check_timestamp(value: object) -> None:
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return
    raise InvalidMessageError(
        "timestamp", "a datetime with a time zone, or None", value, "RFC 5424 section 6.2.3"
    )


def _check_header_field(name: str, value: object) -> str:
    limit, section = _HEADER_FIELDS[name]
    # 1*255PRINTUSASCII, and so on; PRINTUSASCII = %d33-126
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= limit
        or not (value.isascii() and value.isprintable())
        or " " in value
    ):
        expected = f"1 to {limit} printable ASCII characters without a space, or None"
        raise InvalidMessageError(name, expected, value, section)
    # An enum's member, for example, is formatted as something else than it is.
    return value if type(value) is str else str.__str__(value)


def _check_text(field: str, value: object, section: str) -> None:
    try:
        value.encode()  # type: ignore[attr-defined]  # only a str can do this
    except (UnicodeEncodeError, AttributeError):
        raise InvalidMessageError(field, "text that UTF-8 can carry", value, section) from None


def _freeze_elements(elements: StructuredData) -> Mapping[str, tuple[tuple[str, str], ...]]:
    # Check every name and value, and return a read-only copy.
    if not isinstance(elements, Mapping):
        expected = "a mapping of SD-ID to parameters"
        raise InvalidMessageError("structured_data", expected, elements, _SD_SECTION)
    return MappingProxyType(
        {
            _check_sd_name("SD-ID", sd_id): tuple(
                _check_param(*pair) for pair in _list_pairs(params)
            )
            for sd_id, params in elements.items()
        }
    )


def _list_pairs(params: object) -> list[tuple[object, object]]:
    pairs = params.items() if isinstance(params, Mapping) else params
    if isinstance(pairs, Iterable) and not isinstance(pairs, (str, bytes)):
        pairs = list(pairs)
        if all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
            return pairs
    expected = "the parameters of an SD-ID as a mapping or as pairs of text"
    raise InvalidMessageError("structured_data", expected, params, _SD_SECTION)


def _check_param(name: object, value: object) -> tuple[str, str]:
    checked = _check_sd_name("PARAM-NAME", name)
    _check_text(f"structured_data[{checked!r}]", value, f"{_SD_SECTION}.3")
    return checked, str(value)


def _check_sd_name(what: str, name: object) -> str:
    if isinstance(name, str) and _SD_NAME.fullmatch(name):
        return name
    expected = f'as {what} 1 to 32 printable ASCII characters other than = ] " and space'
    raise InvalidMessageError("structured_data", expected, name, _SD_SECTION)
