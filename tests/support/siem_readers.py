"""Readers of CEF, LEEF and key-value pairs: models of what products are known to do.

``read_cef.py`` and ``read_leef.py`` judge by the standards and refuse what is wrong. These readers
take what they can get, as Logstash, Elastic, QRadar and SC4S do. They share no code with what
writes, and so must not import any of it.
"""

from __future__ import annotations

import re

__all__ = ["read_as_elastic", "read_as_logstash", "read_as_qradar", "read_as_sc4s", "read_quoted"]

_HEADER = ("vendor", "product", "version", "class id", "name", "severity")

# Logstash: HEADER_SCANNER, EXTENSION_KEY_PATTERN and EXTENSION_VALUE_PATTERN of
# logstash-plugins/logstash-codec-cef, lib/logstash/codecs/cef.rb, 6.2. Ruby's \w and \s know
# ASCII only. Its possessive run of white space is one that no white space follows.
_LOGSTASH_HEADER = re.compile(r"((?:\\[|\\]|[^|])*?)\|", re.DOTALL)
_LOGSTASH_KEY = r"\w+(?:\.[^.=\s|\\\[\]]+)*(?:\[[0-9]+\])?(?==)"
_LOGSTASH_PAIR = re.compile(rf"({_LOGSTASH_KEY})=((?:\S|\s+(?!\s|{_LOGSTASH_KEY}=))*)\s*", re.ASCII)
_RUBY_SPACE = "\0\t\n\v\f\r "

# Elastic: decode_cef of elastic/beats, x-pack/filebeat/processors/decode_cef/cef/cef.rl.
_ELASTIC_HEADER = re.compile(
    r"CEF:[0-9]+\|" + 5 * r"((?:\\[\\|]|[^|\\])*)\|" + r"([A-Za-z0-9-]*)\|", re.DOTALL
)
_ELASTIC_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,\[\]]*=")
_ELASTIC_NEXT = re.compile(r" ([A-Za-z0-9_][A-Za-z0-9_.,\[\]]*)=")
_ELASTIC_TEXT = re.compile(r"(?:\\[\\=nr]|[^=\\])*", re.DOTALL)
_ELASTIC_ESCAPES = {"n": "\n", "r": "\r"}


def read_as_logstash(text: str) -> dict[str, str]:
    """The header's fields and the pairs that Logstash's codec reads, by the keys of the text.

    It gives back the backslash and the equals sign, and leaves the escape of a line feed as it is.
    """
    if text.startswith('"'):
        text = text[1:-1]
    read: dict[str, str] = {}
    for name in ("format", *_HEADER):
        found = _LOGSTASH_HEADER.match(text)
        if found:
            read[f"header {name}"] = re.sub(r"\\([\\|])", r"\1", found[1])
            text = text[found.end() :]
    del read["header format"]
    for key, value in _LOGSTASH_PAIR.findall(text.strip(_RUBY_SPACE)):
        read[key] = re.sub(r"\\([\\=])", r"\1", value)
    return read


def read_as_elastic(text: str) -> dict[str, str]:
    """The header's fields and the pairs that ``decode_cef`` reads.

    A value with a wrong escape, or with an equals sign that ends no key, is dropped; it goes on
    with the next key. Such a fault of the event is the pair ``errors``, which is not there else.
    """
    header = _ELASTIC_HEADER.match(text)
    if header is None:
        return {"errors": "no header"}
    read = {
        f"header {name}": re.sub(r"\\([\\|])", r"\1", part)
        for name, part in zip(_HEADER, header.groups(), strict=True)
    }
    place = header.end()
    while text[place : place + 1] == " ":
        place += 1
    found = _ELASTIC_KEY.match(text, place)
    if found is None and place < len(text):
        return {**read, "errors": f"no key at {place}"}
    while found:
        key, begin = found[0].strip(" ="), found.end()
        value = _ELASTIC_TEXT.match(text, begin)
        assert value
        end, following = value.end(), None
        if end < len(text):
            # The last key before this equals sign; without one, the value is malformed.
            space = text.rfind(" ", begin, end)
            following = _ELASTIC_NEXT.match(text, space) if space >= 0 else None
            if following is None or following.end() != end + 1:
                read["errors"] = f"malformed value for {key}"
                found = _ELASTIC_NEXT.search(text, end)
                continue
            end = space
        raw = text[begin:end].rstrip(" \t\n\v\f\r") if following is None else text[begin:end]
        if raw or following is not None:
            read[key] = re.sub(
                r"\\([\\=nr])", lambda part: _ELASTIC_ESCAPES.get(part[1], part[1]), raw
            )
        found = following
    return read


def read_as_qradar(text: str) -> dict[str, str]:
    """The header's fields and the attributes that IBM's guide promises, of LEEF 1.0 or 2.0.

    The sixth field of 2.0 is the delimiter, as a character or as ``x`` or ``0x`` and its code. Of
    two attributes with the same key the first counts; what has no equals sign is none.
    """
    version, *rest = text.removeprefix("LEEF:").split("|")
    delimiter = "\t"
    if version == "2.0":
        field = rest.pop(4)
        code = re.fullmatch(r"0?x([0-9A-Fa-f]{1,4})", field)
        delimiter = chr(int(code[1], 16)) if code else field or "\t"
    header = {f"header {name}": part for name, part in zip(_HEADER[:4], rest, strict=False)}
    return header | _split_attributes("|".join(rest[4:]), delimiter)


def read_as_sc4s(text: str) -> dict[str, str]:
    """The attributes that Splunk Connect for Syslog finds: it looks behind the last pipe.

    Source: ``parser_leef.py`` of splunk/splunk-connect-for-syslog.
    """
    parts = text.split("|")
    return _split_attributes(parts[-1], parts[5] if parts[0] == "LEEF:2.0" else "\t")


def _split_attributes(text: str, delimiter: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for attribute in text.split(delimiter):
        key, equals, value = attribute.partition("=")
        if equals:
            attributes.setdefault(key, value)
    return attributes


def read_quoted(text: str, sep: str) -> list[tuple[str, str]]:
    """The fields of a text with quoted values, as a reader who knows only the rule finds them."""
    fields = []
    while text:
        assert text.startswith(sep)
        key, _, text = text[len(sep) :].partition("=")
        if text.startswith('"'):
            value, rest = "", iter(text[1:])
            for character in rest:
                if character == '"':
                    break
                following = next(rest) if character == "\\" else ""
                # A newline policy writes line feeds with a backslash as well: no escape here.
                value += following if following in {'"', "\\"} else f"{character}{following}"
            text = "".join(rest)
        else:
            at = text.find(sep)
            value, text = (text, "") if at < 0 else (text[:at], text[at:])
        fields.append((key, value))
    return fields
