"""docs/reference/ocsf.md, made of the tables of OCSF's classes.

`python -m tests.payloads.ocsf_page` writes the page; `test_ocsf.py` compares.
"""

from __future__ import annotations

from collections.abc import Iterator

from sls_syslog.payloads.ocsf_classes import (
    CLASSES,
    KINDS,
    SEVERITY_IDS,
    SEVERITY_IDS_BY_NUMBER,
    OcsfClass,
)
from tests.support.processes import ROOT

__all__ = ["PAGE", "make_page"]

PAGE = ROOT / "docs" / "reference" / "ocsf.md"

INTRODUCTION = """\
# OCSF

`payload="ocsf"` writes each log as one JSON object: an event of version 1.5.0 of the
[Open Cybersecurity Schema Framework](https://schema.ocsf.io/1.5.0/). It uses the same
[ready mappings](mappings.md) as CEF and LEEF. The mapping and the event class id choose the class;
this page has the tables. The tests validate every sample against the published schema.

* What the schema demands is always there. If the log has no such value, it is `Unknown`. No
  profile is used.
* A value without an attribute in its class stands under `unmapped`, by its label or CEF's key. So
  does a value that is not of its attribute's type, such as the text of a port.
* `time`, `start_time` and `end_time` are milliseconds since 1970. If a log has no time, `time` is
  the present second. `metadata.uid` is the id of the log if the setting `event_id` is on, and else
  `externalId`. `metadata.event_code` is the event class id, and `metadata.log_name` the topic.
* `message` is the mapping's `msg`, or the event's name. `status_id` and `status` are the mapping's
  `outcome`, except for findings: their `status_id` means something else.
* `traffic.bytes_out` is what the source sent, and `traffic.bytes_in` what it got.
* `activity_id` comes from the method, the event class id or the action, in that order. The whole
  text or its first word is looked up, without regard to case. With 99, `activity_name` says what
  the log has.
* `OcsfPayload(raw_data=True)` sends the log as well, in `raw_data`. A mapping all your own makes
  a Base Event; `OcsfPayload(mapping="waf", extension=...)` keeps the class of `waf`.
* An event that is too long loses whole attributes and members of `unmapped`; `message`,
  `status_detail` and long unmapped texts are cut. It stays valid: the required attributes stay, and
  lose what the schema does not demand only if nothing else helps. Then a required value may be
  `Unknown`.
* OCSF has no compiled writer: every event takes the slow path. It takes two to three times as long
  as a CEF event on the slow path."""


def make_page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, *list_severities(), "## Classes", *list_mappings()]
    for kind in dict.fromkeys(
        [*CLASSES.values(), *(k for one in KINDS.values() for k in one.values())]
    ):
        parts += list_parts(kind)
    return "\n\n".join(parts) + "\n"


def list_severities() -> Iterator[str]:
    yield "## Severity"
    yield (
        "No standard has these tables. If the mapping finds a severity, `severity_id` follows from"
        " it; if not, from that of the message."
    )
    yield make_table(("CEF", "`severity_id`"), SEVERITY_IDS_BY_NUMBER.items())
    rows = [(severity.name.lower(), number) for severity, number in SEVERITY_IDS.items()]
    yield make_table(("syslog", "`severity_id`"), rows)


def list_mappings() -> Iterator[str]:
    rows = [
        *((f"`{name}`", format_class(kind)) for name, kind in CLASSES.items()),
        *(
            (f"`{name}`, if the event class id is `{pattern}`", format_class(kind))
            for name, kinds in KINDS.items()
            for pattern, kind in kinds.items()
        ),
    ]
    yield make_table(("mapping", "class"), sorted(rows))


def list_parts(kind: OcsfClass) -> Iterator[str]:
    yield f"### {format_class(kind)}: {format_users(kind)}"
    rows = sorted(f"`{word}`: {number}" for word, number in kind.activities.items())
    others = f"anything {'else' if rows else 'at all'}: {kind.otherwise}"
    yield f"`activity_id`: {', '.join([*rows, others])}."
    if kind.required:
        demanded = (f"`{path}`: `{value}`" for path, value in kind.required.items())
        yield f"If no value of the log is there: {', '.join(demanded)}."
    rows_of_paths = [(f"`{key}`", f"`{path}`") for key, path in kind.attributes.items()]
    yield make_table(("CEF's key, or label", "attribute"), rows_of_paths)


def format_class(kind: OcsfClass) -> str:
    return f"{kind.caption} ({kind.uid})"


def format_users(kind: OcsfClass) -> str:
    names = [name for name, one in CLASSES.items() if one is kind]
    names += [name for name, kinds in KINDS.items() if kind in kinds.values() and name not in names]
    return ", ".join(names)


def make_table(header: tuple[str, str], rows: object) -> str:
    lines = [f"| {first} | {second} |" for first, second in [header, ("---", "---")]]
    lines += [f"| {first} | {second} |" for first, second in rows]  # type: ignore[attr-defined]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(make_page())
