"""The command ``check``: tests the ends of the way with the settings of the environment.

It must only print what the reports of ``preflight`` say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sls_syslog.commands.output import tolerate_closed_pipe, write_text
from sls_syslog.preflight.check import check_destination
from sls_syslog.settings.shipper import ShipperSettings

__all__ = ["run_check"]


class _Report(Protocol):
    """What a check has found; ``str`` makes a table of it."""

    @property
    def ok(self) -> bool:
        """Whether logs can be shipped, as far as this end is concerned."""
        ...


def _check_receivers() -> _Report:
    return check_destination(ShipperSettings.from_env())


# The check of each end of the way, in the order in which they are printed.
_CHECKS: tuple[Callable[[], _Report], ...] = (_check_receivers,)


def run_check() -> int:
    """Check each end, and print what was found.

    Returns:
        The exit status: 0 if logs can be shipped, else 1.

    Raises:
        SettingsError: If a setting is wrong.
    """
    reports = [check() for check in _CHECKS]
    with tolerate_closed_pipe():
        write_text("\n\n".join(map(str, reports)))
    return 0 if all(report.ok for report in reports) else 1
