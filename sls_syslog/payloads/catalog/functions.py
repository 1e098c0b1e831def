"""Sources that compute a value from other values: the vocabulary of the ready mappings.

Sans-I/O. Each source describes itself, so that the documentation can be made from the mappings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from urllib.parse import unquote

from sls_syslog.logs.columns import Form
from sls_syslog.payloads.event_code import Derived
from sls_syslog.payloads.fields import Source
from sls_syslog.payloads.values import split_port

__all__ = [
    "SQL_COMMANDS",
    "Derived",
    "build_url",
    "choose",
    "decode_url",
    "drop_larger",
    "drop_longer",
    "exclude",
    "extract_address",
    "extract_file_name",
    "extract_host",
    "extract_port",
    "extract_sql_command",
    "find_match",
    "give_if_absent",
    "give_if_equal",
    "give_if_present",
    "grade",
    "join",
    "keep_listed",
    "list_matches",
    "translate",
]

# A comment ends where SQL ends it. MySQL and MariaDB run what stands in ``/*!50001 ... */`` and
# ``/*M!100100 ... */``, so only the marks around it are skipped. No text can match in two ways, so
# the time for a hostile statement only grows with its length.
_SQL_START = re.compile(
    r"(?:[\s(;]|/\*M?!\d{0,6}|\*/|/\*(?!M?!)(?:[^*]|\*(?!/))*\*/|(?:--|#)[^\n]*\n)*([A-Za-z]+)"
)

_COMMANDS = """
    ALTER ANALYZE BACKUP BEGIN CALL CHANGE CHECK CHECKSUM CLOSE COMMENT COMMIT COPY CREATE
    DEALLOCATE DECLARE DELETE DENY DESC DESCRIBE DO DROP END EXEC EXECUTE EXPLAIN FETCH FLUSH GRANT
    HANDLER INSERT INSTALL KILL LOAD LOCK MERGE OPEN OPTIMIZE PREPARE PURGE RELEASE RENAME REPAIR
    REPLACE RESET RESTORE REVOKE ROLLBACK SAVEPOINT SELECT SET SHOW SHUTDOWN START STOP TABLE
    TRUNCATE UNINSTALL UNLOCK UPDATE USE VACUUM VALUES WITH XA
"""
SQL_COMMANDS = tuple(_COMMANDS.split())
"""The commands that ``extract_sql_command`` knows: the first words of statements in the manuals of
MySQL 8.0, PostgreSQL 16 and SQL Server."""


def translate(source: Source, table: Mapping[str, str], otherwise: str = "") -> Derived:
    """Look a value up in a table, in any case.

    Args:
        source: Where the value comes from; without a value, there is no result.
        table: The results by value in lower case.
        otherwise: The result for every other value.
    """
    rows: dict[str, list[str]] = {}
    for value, result in table.items():
        rows.setdefault(result, []).append(value)
    if otherwise:
        rows.setdefault(otherwise, []).append("any other")
    return Derived(
        (source,),
        "{0}: " + ", ".join(f"{'/'.join(values)} → {result}" for result, values in rows.items()),
        lambda value: table.get(value.lower(), otherwise) if value else "",
        lambda value: value.lower() in table,
        table=table,
        otherwise=otherwise,
    )


def grade(source: Source, table: dict[int, str]) -> Derived:
    """Find the result of the highest threshold that a number reaches.

    Args:
        source: Where the number comes from.
        table: The results by threshold, from low to high.
    """

    def make(value: str) -> str:
        number = int(value) if value.isdecimal() and len(value) < 19 else -1
        return next((table[least] for least in reversed(table) if number >= least), "")

    rows = ", ".join(f"{least} or more → {result}" for least, result in table.items())
    return Derived((source,), "{0}: " + rows, make, lambda value: bool(make(value)))


def give_if_present(source: Source, then: Source) -> Derived:
    """Give the value of ``then`` if ``source`` has a value."""
    return Derived(
        (source, then),
        "{1}, if there is {0}",
        lambda value, result: result,
        needs_first=True,
        gives=1,
        copied=(0, 1),
    )


def choose(source: Source, table: Mapping[str, Source], how: str = "") -> Derived:
    """Choose a source by a value, in any case.

    Args:
        source: Where the value comes from; any other value, or none, gives no result.
        table: The sources by value in lower case.
        how: How the value is computed, in words, if the table is long.
    """
    picks = {value: place for place, value in enumerate(table, start=1)}
    rows = ", ".join(f"{value} → {{{place}}}" for value, place in picks.items())
    sources = (source, *table.values())
    copied = tuple(picks.values())
    return Derived(sources, how or f"{{0}}: {rows}", _make_nothing, picks=picks, copied=copied)


def _make_nothing(*texts: str) -> str:
    """Stand in for what computes a value from texts, where a source is only chosen."""
    return ""


def keep_listed(
    source: Source, values: Iterable[str], otherwise: str = "", where: str = ""
) -> Derived:
    """Keep a value that is in a list, as the list writes it; any other value becomes ``otherwise``.

    An event class id must come from a list: a user's text would make a new kind of event.

    Args:
        source: Where the value comes from; without a value, there is no result.
        values: The list.
        otherwise: The result for every other value.
        where: Where the documentation has the list, if it is long.
    """
    listed = {value.lower(): value for value in values}
    return Derived(
        (source,),
        f"{{0}}, if it is {where or '/'.join(listed.values())}"
        + (f", else {otherwise}" if otherwise else ""),
        lambda value: listed.get(value.lower(), otherwise) if value else "",
        lambda value: value.lower() in listed,
        table=listed,
        otherwise=otherwise,
    )


def give_if_equal(source: Source, other: Source, then: Source) -> Derived:
    """Give the value of ``then`` if ``source`` has the value of ``other``, or none."""
    return Derived(
        (source, other, then),
        "{2}, if {0} is {1} or missing",
        lambda value, same, result: result if value in {"", same} else "",
        is_clean=True,
        copied=(2,),
        is_compared=True,
    )


def give_if_absent(source: Source, then: Source) -> Derived:
    """Give the value of ``then`` if ``source`` has no value."""
    return Derived(
        (source, then),
        "{1}, if there is no {0}",
        lambda value, result: "" if value else result,
        is_clean=True,
        copied=(0, 1),
    )


def exclude(source: Source, *values: str) -> Derived:
    """Give a value, unless it is one of ``values``, which mean that there is no value."""
    return Derived(
        (source,),
        "{0} other than " + " or ".join(values),
        lambda value: "" if value.lower() in values else value,
        lambda value: value.lower() not in values,
        is_clean=True,
    )


def drop_longer(source: Source, limit: int) -> Derived:
    """Drop a value of more than ``limit`` characters: a cut identifier is useless."""
    return Derived(
        (source,),
        f"{{0}}, if not longer than {limit}",
        lambda value: value if len(value) <= limit else "",
        lambda value: len(value) <= limit,
        is_clean=True,
        copied=(0,),
        longest=limit,
    )


def find_match(prefixes: Sequence[str], passes: Collection[str]) -> Derived:
    """Find the first prefix of fields that tell of a rule that matched.

    Args:
        prefixes: The prefixes. The field ``*_test`` is ``true`` if a rule only monitors, and
            ``*_action`` is what a rule does.
        passes: The actions that are no findings.
    """
    how = "module of the first rule that matched"
    return _read_matches(prefixes, passes, how, lambda matches: matches[0][0] if matches else "")


def list_matches(prefixes: Sequence[str], passes: Collection[str]) -> Derived:
    """List the rules that matched, as ``prefix:id:action``; see ``find_match``."""
    how = "module, `*_rule_id` and action of each rule that matched"
    return _read_matches(
        prefixes,
        passes,
        how,
        lambda matches: ", ".join(":".join(filter(None, match)) for match in matches),
    )


def _read_matches(
    prefixes: Sequence[str],
    passes: Collection[str],
    how: str,
    write: Callable[[list[tuple[str, str, str]]], str],
) -> Derived:
    sources = [f"{prefix}_{part}" for part in ("test", "action", "rule_id") for prefix in prefixes]
    many = len(prefixes)

    def make(*values: str) -> str:
        tests, actions, rules = values[:many], values[many : 2 * many], values[2 * many :]
        matches = []
        for prefix, test, action, rule in zip(prefixes, tests, actions, rules, strict=True):
            if test.lower() == "true":
                matches.append((prefix, rule, "monitor"))
            elif action and action.lower() not in passes:
                matches.append((prefix, rule, action))
        return write(matches)

    any_of = tuple(sources[: 2 * many])
    return Derived(tuple(sources), how, make, any_of=any_of)


def drop_larger(source: Source, most: int) -> Derived:
    """Drop a number above ``most``, which a key cannot hold."""

    def fits(value: str) -> bool:
        return not value.isdecimal() or (len(value) < 19 and int(value) <= most)

    return Derived(
        (source,),
        f"{{0}}, if not above {most}",
        lambda value: value if fits(value) else "",
        fits,
        is_clean=True,
        copied=(0,),
        largest=most,
    )


def join(*sources: Source, sep: str = " ") -> Derived:
    """Join the values that are present, with ``sep`` between them."""
    return Derived(
        sources,
        f" `{sep}` ".join(f"{{{n}}}" for n in range(len(sources))),
        lambda *values: sep.join(filter(None, values)),
        copied=tuple(range(len(sources))),
    )


def build_url(scheme: Source, host: Source, path: Source, query: Source = ()) -> Derived:
    """Build a URL; without a scheme it has ``http``, and without a host only the path.

    A slash stands between the host and a path that begins with none, so that it adds nothing to
    the host: a client may ask for ``@evil.example`` or ``.evil.example``.
    """

    def make(scheme: str, host: str, path: str, query: str) -> str:
        slash = "" if path.startswith("/") or not path else "/"
        start = f"{scheme or 'http'}://{host}{slash}" if host else ""
        return f"{start}{path}{'?' if query else ''}{query}" if path or query else ""

    how = "URL of {1}, {2}" + (", {3}" if query else "")
    copied = (0, 1, 2, 3)
    return Derived((scheme, host, path, query), how, make, copied=copied, slashed=(2,))


def decode_url(source: Source) -> Derived:
    """Decode a value that is URL-encoded."""
    return Derived((source,), "{0}, URL-decoded", unquote, form=Form.DECODED)


def extract_address(source: Source) -> Derived:
    """Extract the address from ``address:port``; from a list with commas, the last one."""
    return Derived((source,), "address in {0}", lambda value: _split(value)[0])


def extract_port(source: Source) -> Derived:
    """Extract the port from ``address:port``; from a list with commas, the last one."""
    return Derived((source,), "port in {0}", lambda value: _split(value)[1])


def extract_file_name(source: Source, separators: str = "/") -> Derived:
    """Extract the name of a file from its path."""
    ends = re.compile(f"[{re.escape(separators)}]")
    is_decoded = isinstance(source, Derived) and source.form is Form.DECODED
    form = _NAME_FORMS.get((is_decoded, separators))
    return Derived((source,), "name in {0}", lambda value: ends.split(value)[-1], form=form)


_NAME_FORMS = {
    (False, "/"): Form.NAME,
    (True, "/"): Form.DECODED_NAME,
    (False, "/\\"): Form.NAME_OF_ANY,
    (False, "\\/"): Form.NAME_OF_ANY,
}


def extract_host(source: Source) -> Derived:
    """Extract the host from HTTP's ``Host``, which may have a port."""

    def make(value: str) -> str:
        host, _, port = value.rpartition(":")
        has_port = port.isdecimal() and (":" not in host or host.endswith("]"))
        return host if has_port else value

    return Derived((source,), "host in {0}", make, form=Form.HOST)


def _split(value: str) -> tuple[str, str]:
    return split_port(value.rpartition(",")[2].strip())


def extract_sql_command(source: Source) -> Derived:
    """Extract the command of an SQL statement: its first word after comments, if it is known."""

    def make(statement: str) -> str:
        found = _SQL_START.match(statement)
        word = found[1].upper() if found else ""
        return word if word in _KNOWN_COMMANDS else ""

    return Derived((source,), "[SQL command](#sql-commands) of {0}", make, is_of_word=True)


_KNOWN_COMMANDS = frozenset(SQL_COMMANDS)
