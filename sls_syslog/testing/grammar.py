"""A strict reader of syslog messages, from the grammars of RFC 5424 and RFC 3164. Sans-I/O.

It judges the sending side: it must share no code and no table with it. It must not repair, guess
or skip: a frame follows the grammar to its last byte, or the error names field, rule and byte.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import NoReturn

__all__ = ["GrammarError", "ParsedMessage", "parse", "parse_rfc3164", "parse_rfc5424"]

_BOM = b"\xef\xbb\xbf"
_SHOWN_BYTES = 24  # bytes that an error shows from the wrong byte on: enough to recognise them


def _compile(*rows: tuple[bytes, str]) -> tuple[tuple[re.Pattern[bytes], str], ...]:
    return tuple((re.compile(pattern), expected) for pattern, expected in rows)


_SPACE = re.compile(rb" ")
_PRI_PARTS = _compile(
    (rb"<", 'a "<"'),
    (rb"0|[1-9][0-9]{0,2}", "a number from 0 to 191 without a leading zero"),
    (rb">", 'a ">" after a number from 0 to 191 without a leading zero'),
)
_VERSION_PARTS = _compile((rb"1", 'the version "1"'), (rb" ", 'a space after the version "1"'))

_CLOCK = (
    (rb"[01][0-9]|2[0-3]", "an hour from 00 to 23"),
    (rb":", 'a ":" after the hour'),
    (rb"[0-5][0-9]", "a minute from 00 to 59"),
    (rb":", 'a ":" after the minute'),
    (rb"[0-5][0-9]", "a second from 00 to 59"),
)
# RFC 5424 section 6.2.3. The third part is the month, the fifth the day.
_RFC5424_TIME = _compile(
    (rb"[0-9]{4}", 'NILVALUE "-" or a year of four digits'),
    (rb"-", 'a "-" after the year'),
    (rb"0[1-9]|1[0-2]", "a month from 01 to 12"),
    (rb"-", 'a "-" after the month'),
    (rb"0[1-9]|[12][0-9]|3[01]", "a day from 01 to 31"),
    (rb"T", 'a capital "T" after the date'),
    *_CLOCK,
    (rb"(?:\.[0-9]{1,6})?", ""),
    (
        rb"Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]",
        "at most 6 digits of a fraction, then Z, +hh:mm or -hh:mm",
    ),
    (rb" ", "a space after the offset"),
)
# RFC 3164 section 4.1.2. The first part is the month, the third the day.
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_RFC3164_TIME = _compile(
    (b"|".join(_MONTHS), "an English month of three letters"),
    (rb" ", "a space after the month"),
    (rb" [1-9]|[12][0-9]|3[01]", "a day from 1 to 31, padded with a space to two characters"),
    (rb" ", "a space after the day"),
    *_CLOCK,
    (rb" ", "a space after the time"),
)
_LEAP_YEAR = 2000  # an RFC 3164 time stamp has no year: with a leap year, 29 February is valid

_HEADER_FIELDS = tuple(
    (
        name,
        re.compile(rb"[!-~]{1,%d}" % limit),
        f'NILVALUE "-" or 1 to {limit} printable ASCII characters, and a space',
    )
    for name, limit in (("HOSTNAME", 255), ("APP-NAME", 48), ("PROCID", 128), ("MSGID", 32))
)

_NAME = re.compile(rb'(?:(?![="\]])[!-~]){1,32}')
_NAME_RULE = '1 to 32 printable ASCII characters except "=", "]" and the quote'
_VALUE = re.compile(rb'[^"\\\]]*(?:\\["\\\]][^"\\\]]*)*')
_VALUE_RULE = 'UTF-8 text with "]", "\\" and the quote escaped, then a closing quote'
_ESCAPED = re.compile(r'\\(["\\\]])')
_EQUALS_QUOTE = re.compile(rb'="')
_QUOTE = re.compile(rb'"')
_OPEN = re.compile(rb"\[")
_CLOSE = re.compile(rb"\]")

_RFC3164_HOST = re.compile(rb"[A-Za-z0-9_.-]+")
_RFC3164_TAG = re.compile(rb"([A-Za-z0-9_./-]+)(?:\[([!-Z\\^-~]*)\])?:(?: |\Z)")
_TAG_LIMIT = 32  # characters; RFC 3164 section 4.1.3


class GrammarError(ValueError):
    """A frame does not follow the grammar.

    Attributes:
        field: The name of the field in the RFC, for example ``HOSTNAME``.
        expected: The rule of the grammar that the frame breaks.
        column: The index of the first wrong byte in the frame, from 0.
    """

    def __init__(self, field: str, expected: str, column: int, frame: bytes) -> None:
        self.field = field
        self.expected = expected
        self.column = column
        rest = frame[column : column + _SHOWN_BYTES]
        got = repr(rest) if rest else "the end of the frame"
        super().__init__(f"{field}: expected {expected}, got {got} at byte {column}")


@dataclass(frozen=True, kw_only=True)
class ParsedMessage:
    """The fields of a message. None means NILVALUE, or that the format has no such field.

    Attributes:
        raw: The frame as received.
        version: 1 for RFC 5424, None for RFC 3164.
        facility: 0 to 23.
        severity: 0 to 7.
        timestamp: The text of the time stamp.
        hostname: HOSTNAME.
        app_name: APP-NAME; in RFC 3164 the TAG.
        procid: PROCID; in RFC 3164 the text in brackets after the TAG.
        msgid: MSGID; None in RFC 3164.
        structured_data: The parameters of each SD-ID in their order, without escapes.
        bom: Whether MSG began with a byte order mark. ``msg`` leaves the mark out. RFC 3164 has no
            such mark: there ``bom`` is False, and a mark stays in ``msg``.
        msg: MSG; an empty text if the message has none.
    """

    raw: bytes
    version: int | None
    facility: int
    severity: int
    timestamp: str | None
    hostname: str | None
    app_name: str | None
    procid: str | None
    msgid: str | None
    structured_data: dict[str, list[tuple[str, str]]] | None
    bom: bool
    msg: str

    @property
    def datetime(self) -> dt.datetime | None:
        """The RFC 5424 time stamp with its offset. None for NILVALUE and for RFC 3164."""
        if self.version is None or self.timestamp is None:
            return None
        clock, dot, fraction_and_offset = self.timestamp.partition(".")
        if not dot:
            clock, fraction_and_offset = clock[:19], clock[19:]
        digits = re.match("[0-9]*", fraction_and_offset)
        fraction = digits[0] if digits else ""
        offset = fraction_and_offset[len(fraction) :].replace("Z", "+00:00")
        return dt.datetime.fromisoformat(f"{clock}.{fraction:0<6}{offset}")


class _Scanner:
    """A frame, and the position of the next byte to read."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.at = 0

    def refuse(self, field: str, expected: str, column: int | None = None) -> NoReturn:
        raise GrammarError(field, expected, self.at if column is None else column, self.frame)

    def read(self, field: str, pattern: re.Pattern[bytes], expected: str) -> bytes:
        match = pattern.match(self.frame, self.at)
        if match is None:
            self.refuse(field, expected)
        self.at = match.end()
        return match[0]

    def read_all(self, field: str, parts: tuple[tuple[re.Pattern[bytes], str], ...]) -> list[bytes]:
        return [self.read(field, pattern, expected) for pattern, expected in parts]

    def skip(self, prefix: bytes) -> bool:
        found = self.frame.startswith(prefix, self.at)
        if found:
            self.at += len(prefix)
        return found

    def is_at_end(self) -> bool:
        return self.at == len(self.frame)

    def decode(self, field: str, start: int, stop: int) -> str:
        try:
            return self.frame[start:stop].decode("utf-8")
        except UnicodeDecodeError as error:
            self.refuse(field, "valid UTF-8", start + error.start)


def parse(frame: bytes) -> ParsedMessage:
    """Find out the format of a frame and read it.

    Args:
        frame: One message without its framing.

    Returns:
        The message. A frame that begins with ``<digits>1`` and a space is read as RFC 5424, any
        other frame as RFC 3164.

    Raises:
        GrammarError: The frame breaks the grammar of its format.
    """
    return parse_rfc5424(frame) if re.match(rb"<[0-9]+>1 ", frame) else parse_rfc3164(frame)


def parse_rfc5424(frame: bytes) -> ParsedMessage:
    """Read an RFC 5424 message (section 6, its ABNF).

    Two rules bind only the sender in the RFC. They are checked too:

    - A backslash in a PARAM-VALUE must escape one of the three characters (section 6.3.3).
    - MSG must be UTF-8, even without a byte order mark (section 6.4 asks for UTF-8 if the sender
      can know the encoding).

    The registration of an SD-ID is not part of the grammar. It is not checked.

    Args:
        frame: One message without its framing.

    Returns:
        The message.

    Raises:
        GrammarError: The frame breaks the grammar.
    """
    scanner = _Scanner(frame)
    facility, severity = _read_priority(scanner)
    scanner.read_all("VERSION", _VERSION_PARTS)
    timestamp = _read_rfc5424_timestamp(scanner)
    hostname, app_name, procid, msgid = (
        _read_header_field(scanner, *row) for row in _HEADER_FIELDS
    )
    structured_data = _read_structured_data(scanner)
    bom, msg = _read_rfc5424_msg(scanner)
    return ParsedMessage(
        raw=frame,
        version=1,
        facility=facility,
        severity=severity,
        timestamp=timestamp,
        hostname=hostname,
        app_name=app_name,
        procid=procid,
        msgid=msgid,
        structured_data=structured_data,
        bom=bom,
        msg=msg,
    )


def parse_rfc3164(frame: bytes) -> ParsedMessage:
    """Read an RFC 3164 message (section 4.1): ``<PRI>Mmm dd hh:mm:ss HOST TAG[PID]: MSG``.

    HOST has letters, digits, ``_``, ``.`` and ``-``. TAG has 1 to 32 of these characters and ``/``.
    A PID of printable ASCII may follow in brackets. A colon comes next, then a space or the end of
    the frame. Content without such a TAG, for example ``CEF:0|...``, is read whole as ``msg``, and
    ``app_name`` is None. MSG must be UTF-8. The RFC's limit of 1024 bytes is not checked.

    Args:
        frame: One message without its framing.

    Returns:
        The message.

    Raises:
        GrammarError: The frame breaks the grammar.
    """
    scanner = _Scanner(frame)
    facility, severity = _read_priority(scanner)
    timestamp = _read_rfc3164_timestamp(scanner)
    host_rule = 'letters, digits, "_", "." and "-", and a space'
    hostname = scanner.read("HOSTNAME", _RFC3164_HOST, host_rule)
    scanner.read("HOSTNAME", _SPACE, host_rule)
    tag, pid = _read_rfc3164_tag(scanner)
    return ParsedMessage(
        raw=frame,
        version=None,
        facility=facility,
        severity=severity,
        timestamp=timestamp,
        hostname=hostname.decode("ascii"),
        app_name=tag,
        procid=pid,
        msgid=None,
        structured_data=None,
        bom=False,
        msg=scanner.decode("MSG", scanner.at, len(frame)),
    )


def _read_priority(scanner: _Scanner) -> tuple[int, int]:
    value = int(scanner.read_all("PRI", _PRI_PARTS)[1])
    if value > 191:
        scanner.refuse("PRI", _PRI_PARTS[1][1], 1)
    return divmod(value, 8)


def _read_rfc5424_timestamp(scanner: _Scanner) -> str | None:
    if scanner.skip(b"- "):
        return None
    start = scanner.at
    parts = scanner.read_all("TIMESTAMP", _RFC5424_TIME)
    _require_real_date(scanner, start + 8, int(parts[0]), int(parts[2]), int(parts[4]))
    return b"".join(parts[:-1]).decode("ascii")


def _read_rfc3164_timestamp(scanner: _Scanner) -> str:
    start = scanner.at
    parts = scanner.read_all("TIMESTAMP", _RFC3164_TIME)
    month = _MONTHS.index(parts[0]) + 1
    _require_real_date(scanner, start + 4, _LEAP_YEAR, month, int(parts[2]))
    return b"".join(parts[:-1]).decode("ascii")


def _require_real_date(scanner: _Scanner, column: int, year: int, month: int, day: int) -> None:
    try:
        dt.date(year, month, day)
    except ValueError:
        scanner.refuse("TIMESTAMP", "a day that the calendar has", column)


def _read_header_field(
    scanner: _Scanner, name: str, pattern: re.Pattern[bytes], expected: str
) -> str | None:
    value = scanner.read(name, pattern, expected)
    scanner.read(name, _SPACE, expected)
    return None if value == b"-" else value.decode("ascii")


def _read_structured_data(scanner: _Scanner) -> dict[str, list[tuple[str, str]]] | None:
    if scanner.skip(b"-"):
        return None
    elements: dict[str, list[tuple[str, str]]] = {}
    scanner.read("STRUCTURED-DATA", _OPEN, 'NILVALUE "-" or "["')
    _read_element(scanner, elements)
    while scanner.skip(b"["):
        _read_element(scanner, elements)
    return elements


def _read_element(scanner: _Scanner, elements: dict[str, list[tuple[str, str]]]) -> None:
    start = scanner.at
    sd_id = scanner.read("SD-ID", _NAME, _NAME_RULE).decode("ascii")
    if sd_id in elements:
        scanner.refuse("SD-ID", "each SD-ID once in a message", start)
    elements[sd_id] = parameters = []
    while scanner.skip(b" "):
        parameters.append(_read_parameter(scanner))
    # A name that is too long, or has a forbidden character, fails here too.
    field, rule = ("SD-PARAM", "a space or") if parameters else ("SD-ID", f"{_NAME_RULE}, then")
    scanner.read(field, _CLOSE, f'{rule} "]"')


def _read_parameter(scanner: _Scanner) -> tuple[str, str]:
    name = scanner.read("PARAM-NAME", _NAME, _NAME_RULE)
    scanner.read("PARAM-NAME", _EQUALS_QUOTE, f'{_NAME_RULE}, then "=" and a quote')
    start = scanner.at
    scanner.read("PARAM-VALUE", _VALUE, _VALUE_RULE)
    text = scanner.decode("PARAM-VALUE", start, scanner.at)
    scanner.read("PARAM-VALUE", _QUOTE, _VALUE_RULE)
    return name.decode("ascii"), _ESCAPED.sub(r"\1", text)


def _read_rfc5424_msg(scanner: _Scanner) -> tuple[bool, str]:
    if scanner.is_at_end():
        return False, ""
    scanner.read("STRUCTURED-DATA", _SPACE, "a space before MSG or the end of the frame")
    bom = scanner.skip(_BOM)
    return bom, scanner.decode("MSG", scanner.at, len(scanner.frame))


def _read_rfc3164_tag(scanner: _Scanner) -> tuple[str | None, str | None]:
    start = scanner.at
    match = _RFC3164_TAG.match(scanner.frame, start)
    if match is None:
        return None, None
    if len(match[1]) > _TAG_LIMIT:
        scanner.refuse("TAG", f"at most {_TAG_LIMIT} characters", start + _TAG_LIMIT)
    if match[2] == b"":
        scanner.refuse("PID", "printable ASCII between the brackets", match.start(2))
    scanner.at = match.end()
    return match[1].decode("ascii"), match[2].decode("ascii") if match[2] else None
