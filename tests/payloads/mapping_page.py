"""docs/reference/mappings.md, made of the mappings and the samples.

`python -m tests.payloads.mapping_page` writes the page; `test_catalog.py` compares.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterable, Iterator

from sls_syslog.payloads import catalog
from sls_syslog.payloads.catalog import FIELDS, MAPPINGS, PREFIXES, SHARED_TOPICS, TOPICS
from sls_syslog.payloads.catalog.audit import KUBERNETES_NAMES
from sls_syslog.payloads.catalog.functions import SQL_COMMANDS, Derived
from sls_syslog.payloads.cef import CefPayload
from sls_syslog.payloads.dictionary import LEEF_LABELS, LEEF_NAMES
from sls_syslog.payloads.fields import Source
from sls_syslog.payloads.leef import LeefPayload
from sls_syslog.payloads.mapping import EventMapping, Labelled, get_source
from tests.support.processes import ROOT
from tests.support.samples import SAMPLES, Sample

__all__ = ["PAGE", "leef_key", "mapping_page"]

PAGE = ROOT / "docs" / "reference" / "mappings.md"

INTRODUCTION = """\
# Ready mappings for CEF and LEEF

What `payload="cef"` and `payload="leef"` make of the logs of Alibaba Cloud's services. `__topic__`
chooses the mapping. Logs whose topic is not documented are known by their fields. Each section
names topics, fields and sources; `help/en/...` is a page of `https://www.alibabacloud.com/`, and
`zh/...` or `document_detail/...` one of `https://help.aliyun.com/`.
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
Event class ids of Kubernetes' events are made of these names. A request's path can name any
other resource; it becomes `other` there, and its name is in the event's name and in `cs2`."""


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def section(name: str, mapping: EventMapping) -> Iterator[str]:
    yield f"## {mapping.product}: `{name}`"
    yield f"Known by {'; or by '.join(signs(name))}."
    yield notes()[mapping].replace("``", "`")
    header = (
        ("event class id, LEEF's event ID", mapping.event_class_id),
        ("name", mapping.name or mapping.event_class_id),
        ("severity", mapping.severity),
    )
    yield "\n".join(f"* {part}: {described(source)}" for part, source in header)
    rows = (row(mapping, key, value) for key, value in mapping.extension.items())
    yield "\n".join(("| CEF | label | LEEF | from |", "| --- | --- | --- | --- |", *rows))
    unsent = ", ".join(f"`{field}`" for field in list_unsent(name, mapping))
    yield f"Not sent, of the fields in the samples: {unsent or 'none'}."
    yield from samples_of(name)


def signs(name: str) -> Iterator[str]:
    """What the mapping is chosen by, in words."""
    topics = " or ".join(f"`{topic}`" for topic, chosen in TOPICS.items() if chosen == name)
    if topics:
        yield f"the topic {topics}"
    for topic, (field, chosen) in SHARED_TOPICS.items():
        if chosen == name:
            yield f"the topic `{topic}` with the field `{field}`"
    for start, chosen in PREFIXES.items():
        if chosen == name:
            yield f"a topic that begins with `{start}`"
    for fields, chosen in FIELDS.items():
        if chosen == name:
            yield f"the fields {', '.join(f'`{field}`' for field in fields)}"


def notes() -> dict[EventMapping, str]:
    """What the modules say below each mapping, with the sources of the whole module."""
    found = {}
    for info in pkgutil.iter_modules(catalog.__path__):
        module = importlib.import_module(f"{catalog.__name__}.{info.name}")
        _, begin, end = (module.__doc__ or "").partition("Source")
        tree = ast.parse(inspect.getsource(module))
        for node, below in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(text := below.value.value, str)
                and isinstance(value := getattr(module, node.targets[0].id), EventMapping)
            ):
                shared = f"\n\n{begin}{end}" if begin else ""
                found[value] = f"{text}{shared}".strip()
    return found


def list_unsent(name: str, mapping: EventMapping) -> list[str]:
    """The fields of the samples that no key is made from."""
    sources = (mapping.event_class_id, mapping.name or "", mapping.severity)
    parts = [*sources, *map(get_source, mapping.extension.values())]
    read = {field for part in parts for field in list_fields(part)}
    read |= {field.partition(".")[0] for field in read}
    logs = [sample.log for sample in SAMPLES if sample.mapping == name]
    return sorted({field for log in logs for field in log if field[:2] != "__"} - read)


def list_fields(source: Source | int | None) -> Iterator[str]:
    """The fields, and paths into fields, that a source reads."""
    if isinstance(source, str):
        yield source
    elif isinstance(source, Derived):
        yield from list_fields(source.sources)
    elif isinstance(source, tuple):
        for part in source:
            yield from list_fields(part)


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
