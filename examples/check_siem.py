"""See whether a receiver takes messages, before the first log is shipped to it.

The variables are those of ship_to_siem.py: SYSLOG_HOST, SYSLOG_PORT, SYSLOG_PROTOCOL,
SYSLOG_CERT_PATH ... SLS plays no part. It sends one probe message, prints what it has found, and
what to change if something is wrong; it ends with 0 if logs can be shipped like that, else with 1.
"""

import sys

from sls_syslog import SettingsError, ShipperSettings, check_destination


def main() -> int:
    try:
        settings = ShipperSettings.from_env()
    except SettingsError as error:
        print(error)
        return 1
    report = check_destination(settings)
    print(report)
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
