"""The command ``check``: tests the ends of the way with the settings of the environment.

It must only print what the reports say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sls_syslog.commands.output import tolerate_closed_pipe, write_note, write_text
from sls_syslog.consumer.check import check_source
from sls_syslog.consumer.config import consumer_config
from sls_syslog.errors import SettingsError
from sls_syslog.preflight.check import check_destination
from sls_syslog.preflight.report import ReceiverReport, SourceReport
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["run_check"]


def _check_source() -> tuple[str, Sequence[SourceReport]]:
    report = check_source(consumer_config())
    return str(report), [report]


def _check_receivers() -> tuple[str, Sequence[ReceiverReport]]:
    report = check_destination(ShipperSettings.from_env())
    return str(report), report.receivers


# The check of each end of the way, in the order in which they are printed: it returns the text to
# print, and what was found at each place.
_CHECKS: dict[str, Callable[[], tuple[str, Sequence[SourceReport | ReceiverReport]]]] = {
    "SLS": _check_source,
    "receiver": _check_receivers,
}
_FAILED = 1
_WRONG = 2  # as argparse has it


def run_check() -> int:
    """Check each end, and print what was found; a wrong setting of one does not hide the other.

    Returns:
        The exit status: 0 if logs can be shipped, 1 if a check has failed, 2 if a setting is wrong.
    """
    failures: list[str] = []
    mistakes: list[str] = []
    gap = ""
    for end, check in _CHECKS.items():
        try:
            text, reports = check()
        except SettingsError as error:
            mistakes.append(" ".join(str(error).split()))
            continue
        failures += [f"{end} failed: {report.verdict}" for report in reports if not report.ok]
        _print(f"{gap}{text}")
        gap = "\n"
    # Last, because what failed stands above what was found at the other end.
    if gap and (failures or mistakes):
        _print("\n".join(["", *failures]))
    for mistake in mistakes:
        write_note(f"sls_syslog check: {mistake}")
    return _WRONG if mistakes else _FAILED if failures else 0


def _print(text: str) -> None:
    with tolerate_closed_pipe():  # a reader that has had enough must not skip a check
        write_text(text)
