"""Read the report of `check_destination` about one receiver."""

from __future__ import annotations

from sls_syslog import DestinationReport

__all__ = ["failure", "ids", "results"]


def failure(report: DestinationReport) -> tuple[str, str]:
    """The step that failed, and all that is said about it, which the verdict says as well."""
    assert not report.ok
    (receiver,) = report.receivers
    last = receiver.findings[-1]
    assert last.result == "failed"
    assert [finding.step for finding in receiver.findings if finding.result == "failed"] == [
        last.step
    ]
    said = f"{last.found} {last.advice}"
    assert last.found in report.verdict
    assert last.advice in report.verdict
    return last.step, said


def results(report: DestinationReport) -> dict[str, str]:
    """The result of each step."""
    (receiver,) = report.receivers
    return {finding.step: finding.result for finding in receiver.findings}


def ids(report: DestinationReport) -> list[str]:
    """The marks of the messages that were sent."""
    (receiver,) = report.receivers
    return [message.id for message in receiver.messages]
