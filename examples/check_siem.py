"""Check a receiver before you ship the first log to it. No SLS is needed.

It reads SYSLOG_HOST, SYSLOG_PORT, SYSLOG_PROTOCOL, SYSLOG_CERT_PATH ... as ship_to_siem.py does. It
sends one probe message and prints the result, with what to change. The exit status is 0 if logs
can be shipped with these settings, otherwise 1.
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
