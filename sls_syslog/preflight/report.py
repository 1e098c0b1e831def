"""``DestinationReport`` and ``SourceReport``: what checks have found, as data and as tables.

Sans-I/O. It must never hold a secret: users print it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

__all__ = ["DestinationReport", "Finding", "ProbeMessage", "ReceiverReport", "SourceReport"]

_WIDTH = 100
_INDENT = " " * 23  # where the third column begins
_COLUMNS = "  {:<12} {:<8}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One step of a check.

    Attributes:
        step: What was checked: ``"resolve"``, ``"connect"``, ``"TLS"`` ...
        result: ``"ok"``, ``"warning"`` or ``"failed"``.
        found: What was observed.
        advice: What to do, with the name of the setting; empty for nothing.
    """

    step: str
    result: str
    found: str
    advice: str = ""


@dataclass(frozen=True, kw_only=True)
class ProbeMessage:
    """One probe message that was sent.

    Attributes:
        id: What to look for in the SIEM.
        framing: The setting ``framing`` that was used; ``None`` for UDP and RELP.
        frames: The exact bytes; several elements if the message was too long for one.
    """

    id: str
    framing: str | None
    frames: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class _Steps:
    """The steps of a check, in order."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether no step has failed."""
        return not self._find_results("failed")

    def _find_results(self, result: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.result == result]

    def _describe_failure(self, place: str) -> str:
        """Say in one line what failed first."""
        failed = self._find_results("failed")[0]
        advice = f"; {failed.advice}" if failed.advice else ""
        return f"{place}: {failed.step}: {failed.found}{advice}"

    def _describe_warnings(self) -> str:
        """Name the steps to look at."""
        names = dict.fromkeys(finding.step for finding in self._find_results("warning"))
        return f"see {', '.join(names)}" if names else "nothing to change"

    def _format_findings(self) -> Iterator[str]:
        for finding in self.findings:
            yield from _format_row(finding.step, finding.result, finding.found)
            if finding.advice:
                yield from _format_row("", "", f"-> {finding.advice}")


@dataclass(frozen=True, kw_only=True)
class ReceiverReport(_Steps):
    """What was found at one receiver.

    Attributes:
        destination: The receiver, as ``protocol://host:port``.
        findings: The steps in order; a failed step is the last one.
        messages: The probe messages: one, and a second one if the first was refused.
        level: The strongest level of ``confirm`` that works; ``None`` if none is known to work.
        looks: How the message looks in the SIEM if a setting is wrong.
    """

    destination: str
    messages: tuple[ProbeMessage, ...]
    level: str | None
    looks: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The outcome in one line."""
        if not self.ok:
            return self._describe_failure(self.destination)
        if self.level is None:
            return f"{self.destination} has not refused a message; UDP shows no more"
        taken = f"{self.destination} takes messages and confirms at {self.level!r}"
        return f"{taken}: {self._describe_warnings()}"

    def __str__(self) -> str:
        return "\n".join(self._format_lines())

    def _format_lines(self) -> Iterator[str]:
        yield self.destination
        yield from self._format_findings()
        for message in self.messages:
            for frame in message.frames:
                yield _COLUMNS.format("sent", "") + repr(frame)  # on one line, to be copied
            yield from _format_row("look for", "", message.id)
        for look in self.looks:
            yield from _format_row("", "", look)


@dataclass(frozen=True, kw_only=True)
class DestinationReport:
    """What ``check_destination`` has found; print it.

    Attributes:
        receivers: A report for each receiver of ``hosts``, in order.
    """

    receivers: tuple[ReceiverReport, ...]

    @property
    def ok(self) -> bool:
        """Whether no step has failed at any receiver."""
        return all(receiver.ok for receiver in self.receivers)

    @property
    def verdict(self) -> str:
        """The outcome, one line per receiver."""
        return "\n".join(receiver.verdict for receiver in self.receivers)

    def __str__(self) -> str:
        return "\n\n".join([*map(str, self.receivers), self.verdict])


@dataclass(frozen=True, kw_only=True)
class SourceReport(_Steps):
    """What ``check_source`` has found; print it.

    Attributes:
        source: What is read, as ``project/logstore at endpoint``.
        findings: The steps in order; a missing RAM action does not end them.
    """

    source: str

    @property
    def verdict(self) -> str:
        """The outcome in one line."""
        if not self.ok:
            return self._describe_failure(self.source)
        return f"{self.source} can be read: {self._describe_warnings()}"

    def __str__(self) -> str:
        return "\n".join([self.source, *self._format_findings(), "", self.verdict])


def _format_row(step: str, result: str, text: str) -> list[str]:
    first, *rest = wrap(
        text, _WIDTH - len(_INDENT), break_long_words=False, break_on_hyphens=False
    ) or [""]
    head = _COLUMNS.format(step, result)
    return [head + first, *(_INDENT + line for line in rest)]
