"""The command ``check``: tests the ends of the way with the settings of the environment.

It must only print what the reports say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sls_syslog.commands.output import tolerate_closed_pipe, write_note, write_text
from sls_syslog.consumer.check import check_source
from sls_syslog.consumer.config import consumer_config
from sls_syslog.errors import SettingsError
from sls_syslog.preflight.check import check_destination
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["run_check"]


class _Report(Protocol):
    """What a check has found; ``str`` makes a table of it."""

    @property
    def ok(self) -> bool:
        """Whether logs can be shipped, as far as this end is concerned."""
        ...


def _check_source() -> _Report:
    return check_source(consumer_config())


def _check_receivers() -> _Report:
    return check_destination(ShipperSettings.from_env())


# The check of each end of the way, in the order in which they are printed.
_CHECKS: tuple[Callable[[], _Report], ...] = (_check_source, _check_receivers)
_FAILED = 1
_WRONG = 2  # as argparse has it


def run_check() -> int:
    """Check each end, and print what was found; a wrong setting of one does not hide the other.

    Returns:
        The exit status: 0 if logs can be shipped, 1 if a check has failed, 2 if a setting is wrong.
    """
    statuses, gap = [0], ""
    for check in _CHECKS:
        try:
            report = check()
        except SettingsError as error:
            statuses.append(_WRONG)
            write_note(f"sls_syslog check: {' '.join(str(error).split())}")
            continue
        statuses.append(0 if report.ok else _FAILED)
        with tolerate_closed_pipe():  # a reader that has had enough must not skip a check
            write_text(f"{gap}{report}")
        gap = "\n"
    return max(statuses)
