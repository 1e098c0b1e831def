"""Send one message to a syslog receiver, with the client alone, without SLS.

    python examples/send_one_message.py siem.example 6514 tls "it works"

For TLS, SYSLOG_CERT_PATH may name a file of trusted CA certificates.
"""

import argparse
import os
import sys

from sls_syslog import Facility, Severity, SyslogClient, SyslogError


def main() -> None:
    parser = argparse.ArgumentParser(description="Send one message to a syslog receiver.")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("protocol", choices=["tcp", "udp", "tls"], nargs="?", default="tcp")
    parser.add_argument("message", nargs="?", default="sent by sls_syslog")
    arguments = parser.parse_args()
    cert_path = os.environ.get("SYSLOG_CERT_PATH")

    with SyslogClient(
        arguments.host, arguments.port, protocol=arguments.protocol, cert_path=cert_path, timeout=10
    ) as client:
        client.log(
            os.fsencode(arguments.message).decode(errors="replace"),  # UTF-8 in any locale
            facility=Facility.LOCAL0,
            severity=Severity.NOTICE,
            app_name="send_one_message",
            procid=os.getpid(),
        )
    # No error here means that the receiver has the message. (Over UDP: that it was sent.)
    print(f"sent to {client.settings.destination}")


if __name__ == "__main__":
    try:
        main()
    except SyslogError as error:
        sys.exit(str(error))
