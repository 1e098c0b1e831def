"""``MaskRule`` and ``LogMask``: replace values of a log before anything else sees the log.

Sans-I/O. It must fail closed: a value in which it cannot look is replaced as a whole.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar, TypeAlias

from sls_syslog.errors import SettingsError
from sls_syslog.logs.caches import LogCache, weigh
from sls_syslog.logs.patterns import MAX_SEARCHED, compile_replace, compile_search
from sls_syslog.logs.rules import check_field

__all__ = ["DIGEST_LENGTH", "LogMask", "MaskRule"]

DIGEST_LENGTH = 32
"""Hexadecimal digits of a digest: 128 bits, so that no two values ever share one."""

_MASKED = "***"

_Replace: TypeAlias = Callable[[str], str]

_Names: TypeAlias = tuple[str, str, str]
"""The names of a value: its last key, the way to it, and the way with the numbers of items."""

_Plan: TypeAlias = "tuple[str, _Names, _Replace | None]"
"""What to do with the fields of a name: their new name, their names, and what replaces them."""

# The header and the ledger need these; no author of a log can choose them.
_NEVER = frozenset({"__time__", "__time_ns_part__", "__event_id__"})
# What the decoder writes before the names of tags, and of fields that are named as those of SLS.
_PREFIX = re.compile(r"(?:__tag__:|__content__:)*")
# What may stand around JSON: payloads remove white space, control characters and the like. U+FFFD
# stands for bytes that are not UTF-8.
_EDGES = "".join(
    character
    for character in map(chr, (*range(0x3001), *range(0xD800, 0xE000), 0xFEFF, 0xFFFD))
    if character.isspace() or not character.isprintable() or character == "\ufffd"
)
# Letters of a key or value may be written like this.
_ESCAPE = re.compile(r"\\u[0-9A-Fa-f]{4}")
# A key of JSON that stands within another text; its quotes may be escaped.
_KEY = re.compile(r'"((?:[^"\\]|\\+u[0-9A-Fa-f]{4})*)\\*"\s*:')


@dataclass(frozen=True, slots=True)
class MaskRule:
    r"""Values to replace, for the setting ``mask``.

    ``MaskRule("password")``, ``MaskRule(field_matches="(?i)token", hashed=True)``,
    ``MaskRule(value_matches=r"\b\d{13,19}\b", text="<card>")``. Give exactly one of ``field``,
    ``field_matches`` and ``value_matches``.

    Attributes:
        field: The name of a field or a tag, or of a key inside JSON at any depth; or the end of
            the way to it, with dots, such as ``user.email``.
        field_matches: This regular expression is found in such a name, or in the way to it.
        value_matches: This regular expression is found in any value, name or key; what it matches
            is replaced, and the rest of the value stays.
        text: What is sent in place of it.
        hashed: Whether to send a digest in place of ``text``: HMAC-SHA256 under ``mask_key``, the
            first 32 hexadecimal digits. Equal values have equal digests.

    Raises:
        SettingsError: If a part is missing or wrong; it names the part.
    """

    _key: ClassVar[str] = "mask"  # what errors name

    field: str | None = None
    field_matches: str | None = None
    value_matches: str | None = None
    text: str = _MASKED
    hashed: bool = False

    def __post_init__(self) -> None:
        targets = {name: getattr(self, name) for name in _TARGETS}
        given = [name for name, value in targets.items() if value is not None]
        if len(given) != 1:
            one_of, got = ", ".join(_TARGETS), given or "none"
            raise SettingsError(self._key, f"expected exactly one of {one_of}, got {got}")
        if not isinstance(self.text, str):
            raise SettingsError(self._key, f"text: expected a text, got {self.text!r}")
        if not isinstance(self.hashed, bool):
            raise SettingsError(self._key, f"hashed: expected true or false, got {self.hashed!r}")
        if self.hashed and self.text != _MASKED:
            raise SettingsError(self._key, "text: has no effect with hashed")
        try:
            self._check()
        except (ValueError, TypeError, OverflowError, RecursionError, re.error) as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(self._key, f"{given[0]}: {error}") from None

    def _check(self) -> None:
        if self.field is not None:
            check_field(self._key, self.field)
            if self.field in _NEVER:
                raise SettingsError(self._key, f"field: {self.field} cannot be masked")
        if self.field_matches is not None:
            compile_search(self.field_matches)
        if self.value_matches is not None:
            compile_replace(self.value_matches)


_TARGETS = ("field", "field_matches", "value_matches")


class LogMask:
    """Masks logs as rules say.

    A value that is JSON is read as JSON, and so is JSON in a text inside of it. What needs no mask
    stays as it was written. A value that begins like JSON and cannot be read is replaced as a
    whole if it may hold what has to be masked. An empty value stays empty.

    Args:
        rules: The rules. Of those that name fields, the first that fits a name counts; those for
            values apply in order to what is left.
        key: The key of digests; only rules with ``hashed`` need one.
    """

    def __init__(self, rules: Iterable[MaskRule], key: str | None) -> None:
        self._key = (key or "").encode("utf-8", "surrogatepass")
        self._by_name: list[tuple[Callable[[_Names], bool], _Replace]] = []
        self._by_value: list[tuple[Callable[[str, _Replace], str | None], _Replace]] = []
        self._last_keys: list[str] = []
        self._has_name_pattern = False
        for rule in rules:
            replace = self._make_replace(rule)
            if rule.field is not None:
                self._by_name.append((partial(_is_way, rule.field), replace))
                self._last_keys.append(rule.field.rpartition(".")[2])
            elif rule.field_matches is not None:
                self._by_name.append((_make_name_test(rule.field_matches), replace))
                self._has_name_pattern = True
            elif rule.value_matches is not None:
                self._by_value.append((compile_replace(rule.value_matches), replace))
        self._plans: LogCache[str, _Plan | None] = LogCache(
            self._make_plan, partial(weigh, times=4)
        )
        self._rules: LogCache[_Names, _Replace | None] = LogCache(self._find_rule, weigh)

    def apply(self, log: Mapping[str, str]) -> Mapping[str, str]:
        """Mask a log; return the log itself if nothing in it needs a mask."""
        changes: dict[str, tuple[str, str]] = {}
        for name, value in log.items():
            plan = self._plans[name]
            if plan is None:
                continue
            new_name, names, replace = plan
            if replace is not None:
                new = replace(value) if value else value
            elif value[:1].isalnum():  # no JSON begins like this
                new = self._mask_free_text(value)
            else:
                new = self._mask_value(value, names)
            if new != value or new_name != name:
                changes[name] = new_name, new
        return _change(log, changes) if changes else log

    def _make_plan(self, name: str) -> _Plan | None:
        """Make what to do with the fields of a name."""
        if name in _NEVER:
            return None
        prefix = name[: _PREFIX.match(name).end()]  # type: ignore[union-attr]  # may be empty
        bare = name[len(prefix) :]
        names = (bare, name, name)
        return prefix + self._mask_text(bare), names, self._find_rule(names)

    def _make_replace(self, rule: MaskRule) -> _Replace:
        if rule.hashed:
            return self._hash
        text = rule.text
        return lambda value: text

    def _hash(self, value: str) -> str:
        data = value.encode("utf-8", "surrogatepass")
        return hmac.new(self._key, data, sha256).hexdigest()[:DIGEST_LENGTH]

    def _find_rule(self, names: _Names) -> _Replace | None:
        return next((replace for is_meant, replace in self._by_name if is_meant(names)), None)

    def _mask_named(self, part: Any, names: _Names) -> Any:
        """Mask a value or a part of JSON; return the part itself if nothing in it needs a mask."""
        replace = self._rules[names]
        if replace is None:
            return self._mask_inside(part, names)
        if part is None or part == "":
            return part
        return replace(part if isinstance(part, str) else _write(part))

    def _mask_inside(self, part: Any, names: _Names) -> Any:
        if isinstance(part, _Raw):
            masked: Any = self._mask_text(part)
            return part if masked == part else masked
        if isinstance(part, str):
            return self._mask_value(part, names)
        if isinstance(part, _Object):
            masked = _Object(self._mask_pair(pair, names) for pair in part)
        elif isinstance(part, list):
            key, plain, numbered = names
            masked = [
                self._mask_named(item, (key, plain, f"{numbered}.{number}"))
                for number, item in enumerate(part)
            ]
        else:
            return part
        is_same = all(new is old for new, old in zip(masked, part, strict=True))
        return part if is_same else masked

    def _mask_pair(self, pair: tuple[str, Any], names: _Names) -> tuple[str, Any]:
        (key, inner), (_, plain, numbered) = pair, names
        new_key = self._mask_text(key)
        new = self._mask_named(inner, (key, f"{plain}.{key}", f"{numbered}.{key}"))
        return pair if new is inner and new_key == key else (new_key, new)

    def _mask_value(self, value: str, names: _Names) -> str:
        """Mask a text that no rule names; it may be JSON."""
        stripped = value.strip(_EDGES)
        if not stripped.startswith(("{", "[", '"')):
            return self._mask_free_text(value)
        try:
            parsed = _parse(stripped)
            masked = self._mask_inside(parsed, names)
            return value if masked is parsed else _write(masked)
        except (ValueError, RecursionError):
            return _MASKED if self._may_hide(value) else self._mask_free_text(value)

    def _mask_free_text(self, text: str) -> str:
        """Mask a text that is no JSON; if a part of it is JSON with a key that is meant, all."""
        if self._by_name and "{" in text and any(map(self._is_meant, _KEY.findall(text))):
            return _MASKED
        return self._mask_text(text)

    def _is_meant(self, key: str) -> bool:
        """Whether a rule may mean a key, as it is written, to which no way is known."""
        key = _ESCAPE.sub(lambda escape: chr(int(escape[0][2:], 16)), key).replace("\\", "")
        return key in self._last_keys or self._rules[key, key, key] is not None

    def _may_hide(self, text: str) -> bool:
        """Whether a text that looks like JSON and cannot be read may hold what has to be masked."""
        if _ESCAPE.search(text):
            return True
        if "{" not in text:  # it has no keys
            return False
        is_escaped = "\\" in text and bool(self._last_keys)
        return self._has_name_pattern or is_escaped or any(key in text for key in self._last_keys)

    def _mask_text(self, text: str) -> str:
        """Mask what the rules for values find in a text; return the text itself if nothing."""
        masked = text
        for replace_matches, replace in self._by_value:
            replaced = replace_matches(masked, replace)
            if replaced is None:
                return _MASKED
            masked = replaced
        return text if masked == text else masked


def _change(log: Mapping[str, str], changes: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Change names and values of a log; no field takes the place of another one."""
    changed: dict[str, str] = {}
    for name, value in log.items():
        new_name, new = changes.get(name, (name, value))
        while new_name != name and (new_name in changed or new_name in log):
            new_name += "'"
        changed[new_name] = new
    return changed


def _is_way(field: str, names: _Names) -> bool:
    """Whether a field is the end of the way to a value."""
    return any(
        way.endswith(field) and (len(way) == len(field) or way[-len(field) - 1] in ".:")
        for way in names[1:]
    )


def _make_name_test(pattern: str) -> Callable[[_Names], bool]:
    search = compile_search(pattern)
    # A name that is too long to be searched counts as one that is meant.
    return lambda names: any(len(name) > MAX_SEARCHED or search(name) for name in names)


class _Object(list[tuple[str, Any]]):
    """An object of JSON: keys may come twice."""


class _Raw(str):
    """A number of JSON, as it is written; also ``NaN`` and the like."""

    __slots__ = ()


_parse: Callable[[str], Any] = json.JSONDecoder(
    object_pairs_hook=_Object,
    parse_int=_Raw,
    parse_float=_Raw,
    parse_constant=_Raw,
    strict=False,
).decode
_write_unicode = json.JSONEncoder(ensure_ascii=False).encode


def _write_text(text: Any) -> str:
    written = _write_unicode(text)
    try:
        written.encode()
    except UnicodeEncodeError:  # UTF-8 carries no halves of surrogate pairs
        return json.dumps(text)
    return written


def _write(part: Any) -> str:
    """Write a part of JSON; a text alone is written with quotes."""
    if isinstance(part, _Raw):
        return part
    if isinstance(part, _Object):
        return f"{{{','.join(f'{_write_text(key)}:{_write(inner)}' for key, inner in part)}}}"
    if isinstance(part, list):
        return f"[{','.join(map(_write, part))}]"
    return _write_text(part)
