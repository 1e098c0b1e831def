"""docs/reference/mappings.md, made of the mappings and the samples.

`python -m tests.payloads.mapping_page` writes the page; `test_catalog.py` compares.
"""

from __future__ import annotations

import ast
import inspect
import json
import pkgutil
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import pairwise
from types import ModuleType

from sls_syslog.payloads import catalog
from sls_syslog.payloads.catalog import MAPPINGS, TOPICS
from sls_syslog.payloads.catalog.audit import KUBERNETES_NAMES
from sls_syslog.payloads.catalog.functions import SQL_COMMANDS, Derived
from sls_syslog.payloads.cef import CefPayload
from sls_syslog.payloads.dictionary import LEEF_LABELS, LEEF_NAMES
from sls_syslog.payloads.fields import Source
from sls_syslog.payloads.leef import LeefPayload
from sls_syslog.payloads.mapping import EventMapping, Labelled
from tests.support.processes import ROOT
from tests.support.samples import SAMPLES, Sample

__all__ = ["PAGE", "find_sources", "leef_key", "mapping_page"]

PAGE = ROOT / "docs" / "reference" / "mappings.md"

INTRODUCTION = """\
# Ready mappings for CEF and LEEF

What `payload="cef"` and `payload="leef"` make of the logs of Alibaba Cloud's services. `__topic__`
chooses the mapping (Kubernetes' audit logs have none and are known by `auditID` and `verb`);
`CefPayload(mapping="waf")` uses one for all logs, and `CefPayload(mapping="waf",
extension={"duser": "account"})` adds a key to it.

* What stands in no table is not sent. `payload="json"` sends all; a key of your own adds what you
  miss: `CefPayload(mapping="actiontrail", extension={"flexString1": "event.responseElements"})`.
  A log in which the mapping of its topic finds nothing is sent in the form for all others.
* Of several sources the first that fits counts: for an address, a number or a time, the first that
  is one; for any other key, the first that is not empty. SLS's `-` is nothing, and neither is
  `unknown` or `null` for an address, a number or a time. The source `log_service` is no host.
  `event.eventName` is what lies at that path in the JSON of the field `event`.
  Numbers keep their digits.
* Under `src`, `dst` and `dvc` an IPv6 address goes to `c6a2`, `c6a3` and `c6a1` instead (in LEEF
  the key stays `src`, `dst`, `dvc`), and a host name to `shost`, `dhost` and `dvchost`. Of several
  sources an IP address counts before a host name. `192.0.2.1:80` and `[2001:db8::1]:80` are read
  without the port; of a list with commas, such as `X-Forwarded-For`, the first address counts.
* `rt` (LEEF: `devTime`) is the log's own time where the table has none, or where what the table
  has holds no time. Times are milliseconds since 1970. They are read from ISO 8601 with a zone
  (`2026-11-03T04:00:00Z`, `2026-11-03 12:00:00.5+08:00`) and from seconds, milli-, micro- or
  nanoseconds since 1970; one without a zone could be any time of a day, and is left out.
* Free text is cut at CEF's limits, and then ends in `...`. A value that is not of its key's type is
  left out, and counted as [`omitted_value`](wire.md#what-logs-may-hold) in the ledger; so is a
  name, a path or an identifier that is too long for its key: half of it names another one.
* The order of keys is the same in all events: the time, addresses, ports, action and outcome; then
  users and hosts; then CEF's other keys, keys with labels, keys of your own; URLs and free text
  last. An event that is too long [loses free text first](wire.md#what-truncate-keeps).
* `in` is what flowed from the source to the destination and `out` what flowed back, as CEF demands:
  for a web request, `in` is what the client sent. Cloud Firewall counts what comes into the cloud
  and what leaves it; its `direction` says which of them the source sent. Cookies are never sent.
* An event class id is of a list that the product or this page gives, never a user's text. `fname`
  and the names of processes are names; a path is `filePath`. `outcome` is that of the request, as
  its client sees it.
* A rule that only monitors is graded as what it would do, and `act` says that nothing was stopped.
  A finding that is dealt with is graded lower than an open one.
* LEEF's `name` is the name, its `sev` the severity. An event whose mapping finds no severity in the
  log has [that of its message](wire.md#severity-of-cef-and-leef)."""


def mapping_page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for name, mapping in MAPPINGS.items():
        parts += section(name, mapping)
    parts += [f"## Anything else\n\n{GENERIC}", *samples_of("generic")]
    parts.append(f"## SQL commands\n\n{SQL}\n\n{listed(SQL_COMMANDS)}.")
    parts.append(f"## Kubernetes names\n\n{KUBERNETES}")
    parts += [f"* {kind}: {listed(names)}." for kind, names in KUBERNETES_NAMES.items()]
    return "\n\n".join(parts) + "\n"


GENERIC = """\
Every field under a key made of its name: ASCII's letters and digits stay, and the letter behind
anything else becomes a capital; a name with other letters ends in a digest of it, and of two that
become the same the second gets a number. A name to which CEF or LEEF have given a meaning gets
`sls` before it: short and full names (`src`, `source_address`), names of the header, and LEEF's
predefined names, in upper or lower case. The severity is
[that of the message](wire.md#severity-of-cef-and-leef)."""


SQL = """\
The commands by which SQL is known: the first word after comments. What MySQL and MariaDB run inside
`/*!50001 ... */` and `/*M!100100 ... */` counts as SQL. A statement that begins with any other
word has the event class id `SQL`."""


KUBERNETES = """\
The names of which the event class ids of Kubernetes' events are made. A request's path can name any
other resource; it becomes `other` there, and its name is in the event's name and in `cs2`."""


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def find_sources(mapping: EventMapping) -> str:
    """The pages that a mapping follows, from the text below it, or else from its module's."""
    modules = [
        import_module(f"{catalog.__name__}.{found.name}")
        for found in pkgutil.iter_modules(catalog.__path__)
    ]
    for module in modules:
        for name, value in vars(module).items():
            if value is mapping and _is_defined_in(module, name):
                texts = (_find_text_below(module, name), module.__doc__ or "")
                found = filter(None, (re.search(r"Sources?: .*", text, re.S) for text in texts))
                words = " ".join(next(found)[0].split()).replace("``", "`")
                return words.replace("/ ", "/")  # a path over two lines
    raise LookupError(mapping)


def _is_defined_in(module: ModuleType, name: str) -> bool:
    return bool(re.search(rf"^{name} = ", inspect.getsource(module), re.M))


def _find_text_below(module: ModuleType, name: str) -> str:
    body = ast.parse(inspect.getsource(module)).body
    for statement, below in pairwise(body):
        is_it = isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name
        if is_it and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            return str(below.value.value)
    return ""


def section(name: str, mapping: EventMapping) -> Iterator[str]:
    topics = ", ".join(f"`{topic}`" for topic, chosen in TOPICS.items() if chosen == name)
    yield f"## {mapping.product}: `{name}`"
    yield f"Topics: {topics or 'none'}."
    yield find_sources(mapping)
    header = (
        ("event class id, LEEF's event ID", mapping.event_class_id),
        ("name", mapping.name or mapping.event_class_id),
        ("severity", mapping.severity),
    )
    yield "\n".join(f"* {part}: {described(source)}" for part, source in header)
    rows = (row(mapping, key, value) for key, value in mapping.extension.items())
    yield "\n".join(("| CEF | label | LEEF | from |", "| --- | --- | --- | --- |", *rows))
    yield from samples_of(name)


def row(mapping: EventMapping, key: str, value: Source | Labelled) -> str:
    source = value.source if isinstance(value, Labelled) else value
    label = mapping.labels.get(key, "")
    cell = described(source).replace("|", "\\|")
    return f"| `{key}` | {label} | `{leef_key(mapping, key)}` | {cell} |"


def leef_key(mapping: EventMapping, key: str) -> str:
    """LEEF's key for one of CEF's."""
    if key in mapping.extension and key in mapping.labels:
        label = mapping.labels[key]
        return LEEF_LABELS.get(label, label)
    return LEEF_NAMES.get(key, key)


def described(source: Source | int | None) -> str:
    """Where a value comes from, in words."""
    if source is None:
        return "the message's"
    if isinstance(source, (int, str)):
        return f"`{source}`"
    if isinstance(source, tuple):
        return "; else ".join(map(described, source))
    if isinstance(source, Derived):
        parts = [described(part).replace("; else ", " or ") for part in source.sources]
        return source.how.format(*parts)
    return f"“{source({})}”"


def samples_of(name: str) -> Iterator[str]:
    for sample in SAMPLES:
        if sample.mapping == name:
            yield from example(sample)


def example(sample: Sample) -> Iterator[str]:
    yield f"### {sample.id[0].upper()}{sample.id[1:]}"
    yield fenced("json", json.dumps(sample.log, ensure_ascii=False, indent=1))
    yield fenced("text", CefPayload()(sample.log))
    yield fenced("text", LeefPayload()(sample.log))


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


if __name__ == "__main__":
    PAGE.write_text(mapping_page())
