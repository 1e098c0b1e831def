"""docs/reference/ocsf.md, made of the tables of OCSF's classes.

`python -m tests.payloads.ocsf_page` writes the page; `test_ocsf.py` compares.
"""

from __future__ import annotations

from collections.abc import Iterator

from sls_syslog.payloads.ocsf_classes import (
    CATEGORIES,
    CLASS_ID,
    CLASSES,
    CONTROLS,
    KINDS,
    SEVERITY_IDS,
    SEVERITY_IDS_BY_NUMBER,
    OcsfClass,
    State,
)
from tests.support.processes import ROOT

__all__ = ["PAGE", "list_classes", "make_page"]

PAGE = ROOT / "docs" / "reference" / "ocsf.md"

INTRODUCTION = """\
# OCSF

`payload="ocsf"` writes each log as one JSON object: an event of version 1.5.0 of the
[Open Cybersecurity Schema Framework](https://schema.ocsf.io/1.5.0/). It uses the same
[ready mappings](mappings.md) as CEF and LEEF. The mapping and the event class id choose the class;
this page has the tables. The tests validate every sample against the published schema.

* What the schema demands is always there. If the log has no such value, it is `Unknown`.
* The names of classes, categories, types and severities are not sent: the schema has them as
  optional, and they follow from the numbers.
* A value without an attribute in its class stands under `unmapped`, by its label or CEF's key. So
  does a value that is not of its attribute's type, such as the text of a port.
* `time`, `start_time` and `end_time` are milliseconds since 1970. If a log has no time, `time` is
  the present second. `metadata.original_time` is the time as the log has it, if the log has a time
  of its own. `metadata.uid` is the id of the log if the setting `event_id` is on, and else
  `externalId`. `metadata.event_code` is the event class id, and `metadata.log_name` the topic.
* `message` is the mapping's `msg`, or the event's name. `status_id` and `status` are the mapping's
  `outcome`, except for [findings](#findings). `status_code` is the log's code for the outcome. An
  event whose log does not say how it went has no `status_id`.
* `traffic.bytes_out` is what the source sent, and `traffic.bytes_in` what it got.
* `activity_id` comes from the method, the event class id or the action, in that order, if the class
  does not say otherwise below. The whole text or its first word is looked up, without regard to
  case. With 99, `activity_name` says what the log has.
* A snapshot of a port or of a process has the activity 99: OCSF's Listen and Launch say that
  something began. Flow records that are missing (`flow-skip-data`) or empty (`flow-no-data`) are
  99 as well: they are no traffic.
* `OcsfPayload(raw_data=True)` sends the log as well, in `raw_data`. A mapping all your own makes
  a Base Event; `OcsfPayload(mapping="waf", extension=...)` keeps the class of `waf`.
* An event that is too long loses whole attributes and members of `unmapped`; `message`,
  `status_detail` and long unmapped texts are cut. It stays valid: the required attributes stay, and
  lose what the schema does not demand only if nothing else helps. Then a required value may be
  `Unknown`.
* OCSF has no compiled writer: every event takes the slow path. It takes two to three times as long
  as a CEF event on the slow path."""


FINDINGS = """\
## Findings

`finding_info.uid` is the same for all events of one finding, so that a Close finds its Create. It
is the product's own id of the finding, or is made of the parts that the class names below.

`activity_id` and `status_id` follow from the state that the log has. If the table below has no
activity, the operation of the log says it: `new` is Create (1), and `verify`, `fix`, `update` and
`dealing` are Update (2). A state that the table does not have is 99, with the log's word in
`status`. A finding without any state is New (1) if it is a Create; otherwise it has no `status_id`.

* `status_id` 1 is New, 2 In Progress, 3 Suppressed, 4 Resolved, 5 Archived; `activity_id` 1 is
  Create, 2 Update, 3 Close. `compliance.status_id` 1 is Pass, 2 Warning, 3 Fail.
* A vulnerability whose fix waits for a restart is In Progress: it is still there.
* What has ended (a blackhole, traffic scrubbing, an insight) is Close, but not Resolved: nobody
  has said that it was looked into. An insight's end has another `finding_info.uid` than its start,
  because ActionTrail gives each its own id.
* Checks (baselines, configuration checks, Cloud Config) are Compliance Findings.
  `compliance.control` is the rule or the check item.
* Blackholing and scrubbing (Anti-DDoS Origin) are Detection Findings when they begin or end:
  Anti-DDoS has recognized an attack. Its sums of traffic are Network Activity.
* The numbers are those of the page "Log types and log fields" of Security Center
  (help/en/security-center/user-guide/log-category-and-field-description-v2-0). Older logs, up to
  August 2024, used some numbers of alerts and baselines otherwise: 2 was a fix that failed, and 7
  and 12 of an alert were fixed and gone. The new meaning counts where they disagree."""

CONTROL_TEXT = """\
## Decisions of security controls

If the log says what a security control did, `action_id` and `disposition_id` say it, and
`metadata.profiles` names the profile `security_control`. Without a decision, no profile is named.
`action_id`: 1 Allowed, 2 Denied, 3 Observed, 0 Unknown (a challenge may be solved or not)."""


def make_page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, *list_severities(), FINDINGS, *list_states(), *list_controls()]
    parts += ["## Classes", *list_mappings()]
    for kind in list_classes():
        parts += list_parts(kind)
    return "\n\n".join(parts) + "\n"


def list_classes() -> list[OcsfClass]:
    """Each class once, in the order of the tables."""
    kinds = [
        kind for table in (KINDS, CATEGORIES) for one in table.values() for kind in one.values()
    ]
    return list(dict.fromkeys([*CLASSES.values(), *kinds]))


def list_severities() -> Iterator[str]:
    yield "## Severity"
    yield (
        "No standard has these tables. If the mapping finds a severity, `severity_id` follows from"
        " it; if not, from that of the message."
    )
    yield make_table(("CEF", "`severity_id`"), SEVERITY_IDS_BY_NUMBER.items())
    rows = [(severity.name.lower(), number) for severity, number in SEVERITY_IDS.items()]
    yield make_table(("syslog", "`severity_id`"), rows)


def list_states() -> Iterator[str]:
    rows = [
        (f"{format_users(kind)}: `{word}`", format_state(state))
        for kind in list_classes()
        for word, state in kind.states.items()
    ]
    yield make_table(("mapping and state", "meaning"), rows)


def format_state(state: State) -> str:
    parts = [] if state.activity is None else [f"`activity_id` {state.activity}"]
    parts.append(f"`status_id` {state.status}")
    if state.compliance:
        parts.append(f"`compliance.status_id` {state.compliance}")
    return ", ".join(parts)


def list_controls() -> Iterator[str]:
    yield CONTROL_TEXT
    tables = {id(decisions): (source, decisions) for source, decisions in CONTROLS.values()}
    for number, (source, decisions) in tables.items():
        users = [name for name, (_, own) in CONTROLS.items() if id(own) == number]
        yield f"By `{source}`, for {', '.join(f'`{name}`' for name in users)}:"
        rows = [
            (f"`{word}`", f"{decision.action}, {decision.disposition}")
            for word, decision in decisions.items()
        ]
        yield make_table(("word", "`action_id`, `disposition_id`"), rows)


def list_mappings() -> Iterator[str]:
    rows = [
        *((f"`{name}`", format_class(kind)) for name, kind in CLASSES.items()),
        *(
            (f"`{name}`, if the event class id is `{pattern}`", format_class(kind))
            for name, kinds in KINDS.items()
            for pattern, kind in kinds.items()
        ),
        *(
            (f"`{name}`, if `cat` is `{category}`", format_class(kind))
            for name, kinds in CATEGORIES.items()
            for category, kind in kinds.items()
        ),
    ]
    yield make_table(("mapping", "class"), sorted(rows))


def list_parts(kind: OcsfClass) -> Iterator[str]:
    yield f"### {format_class(kind)}: {format_users(kind)}"
    rows = sorted(f"`{word}`: {number}" for word, number in kind.activities.items())
    others = f"anything {'else' if rows else 'at all'}: {kind.otherwise}"
    by_value = [f"if `{name}` is there: {number}" for name, number in kind.presence.items()]
    yield f"`activity_id`: {', '.join([*by_value, *rows, others])}."
    if rows and kind.words != OcsfClass.words:
        yield f"The words are those of {format_names(kind.words)}."
    if kind.names:
        renamed = (f"`{word}`: `{name}`" for word, name in kind.names.items())
        yield f"`activity_name`: {', '.join(renamed)}; otherwise the word of the log."
    if kind.compound:
        numbers = (
            f"{number} `{name}`: {activity or 'none'}"
            for number, (name, activity) in kind.compound.items()
        )
        order = ", ".join(map(str, kind.compound_order))
        yield (
            f"If there is no such word, `{kind.compound_source}` is a list of numbers:"
            f" {', '.join(numbers)}. Of several activities, the first of {order} counts."
        )
    if kind.operation != OcsfClass.operation:
        yield f"`api.operation`: the first of {format_names(kind.operation)}."
    if kind.is_finding:
        own = "`externalId`, or " if kind.has_own_uid else ""
        yield f"`finding_info.uid`: {own}{format_names(kind.finding_uid)}, joined by `:`."
    if kind.required:
        demanded = (f"`{path}`: `{value}`" for path, value in kind.required.items())
        yield f"If no value of the log is there: {', '.join(demanded)}."
    rows_of_paths = [(f"`{key}`", f"`{path}`") for key, path in kind.attributes.items()]
    yield make_table(("CEF's key, or label", "attribute"), rows_of_paths)


def format_class(kind: OcsfClass) -> str:
    return f"{kind.caption} ({kind.uid})"


def format_names(names: tuple[str, ...]) -> str:
    words = {CLASS_ID: "the event class id", "name": "the event's name"}
    return ", ".join(words.get(name) or f"`{name.removeprefix('=')}`" for name in names)


def format_users(kind: OcsfClass) -> str:
    names = [name for name, one in CLASSES.items() if one is kind]
    for table in (KINDS, CATEGORIES):
        for name, kinds in table.items():
            for word, one in kinds.items():
                if one is kind and name not in names:
                    names.append(f"{name} ({word})")
    return ", ".join(names)


def make_table(header: tuple[str, str], rows: object) -> str:
    lines = [f"| {first} | {second} |" for first, second in [header, ("---", "---")]]
    lines += [f"| {first} | {second} |" for first, second in rows]  # type: ignore[attr-defined]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(make_page())
