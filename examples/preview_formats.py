"""Preview: see one log as each SIEM would get it. No account and no server is needed.

The profile of a receiver sets header, framing and text together. For logs of your own Logstore, run
python -m sls_syslog preview.
"""

from sls_syslog import preview

LOG = {
    "__topic__": "waf_access_log",
    "__source__": "192.0.2.7",
    "__time__": "1793678405",
    "real_client_ip": "203.0.113.77",
    "request_method": "GET",
    "status": "403",
    "final_action": "block",
}
RECEIVERS = ("rsyslog", "qradar", "arcsight", "splunk", "sentinel", "elastic")


def main() -> None:
    for receiver in RECEIVERS:
        settings = {"host": "siem.example", "hostname": "shipper-1", "receiver": receiver}
        (shown,) = preview(settings, [LOG])
        print(f"{receiver}: {shown}\n")


if __name__ == "__main__":
    main()
