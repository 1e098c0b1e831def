"""Mistakes that type checkers find: each line that ends in ``# refused``, and no other one."""

from __future__ import annotations

from pathlib import Path

import sls_syslog
from sls_syslog import ClientSettings, ShipperSettings, SyslogClient
from sls_syslog import SyslogCleint  # refused

# A key that is misspelt, or is not a client's.
ShipperSettings(host="siem", protcol="tcp")  # refused
ClientSettings(host="siem", protcol="tcp")  # refused
SyslogClient("siem", protcol="tcp")  # refused
SyslogClient("siem", payload="json")  # refused
ClientSettings(host="siem", retry_seconds=5)  # refused

# A value that is misspelt.
ShipperSettings(host="siem", protocol="tpc")  # refused
SyslogClient("siem", protocol="tpc")  # refused
ShipperSettings(host="siem", payload="jsno")  # refused
ShipperSettings(host="siem", receiver="qradr")  # refused
ShipperSettings(host="siem", syslog_format="rfc5425")  # refused
ShipperSettings(host="siem", framing="octet_counting")  # refused
ShipperSettings(host="siem", newlines="spaces")  # refused
ShipperSettings(host="siem", oversize="cut")  # refused
ShipperSettings(host="siem", confirm="consume")  # refused
ShipperSettings(host="siem", min_tls="1.1")  # refused

# A value of another type.
SyslogClient(1)  # refused
SyslogClient("siem", "514")  # refused
ShipperSettings(host="siem", port="x")  # refused
ShipperSettings(host="siem", timeout="5s")  # refused
ShipperSettings(host="siem", bom="yes")  # refused
ShipperSettings(host="siem", timezone=8)  # refused
ShipperSettings(host="siem", facility=None, severity=3.5)  # refused
ShipperSettings(host="siem", severity_rules=[("level", "ERROR")])  # refused
ShipperSettings(host="siem", structured_data={"origin": "x"})  # refused
ShipperSettings(host="siem", mask=["password"])  # refused
ShipperSettings(host="siem", on_hook_error="ignore")  # refused
ShipperSettings(host="siem", dropped=5)  # refused
ShipperSettings(host="siem", fingerprint=5)  # refused
ShipperSettings(host="siem", cert_path=b"ca.pem")  # refused
ShipperSettings(host="siem", cert_path=Path("ca.pem"))
ShipperSettings(host="siem", payload=len)  # refused
ShipperSettings("siem")  # refused

# What is read has its own type, and is frozen.
number: str = ShipperSettings(host="siem").facility  # refused
ShipperSettings(host="siem").port = 514  # refused
print(sls_syslog.client_settings)  # refused
sls_syslog.consumer_config(foo=3)  # refused
sls_syslog.consumer_config(region=3)  # refused
sls_syslog.consumer_config(start=5)  # refused
sls_syslog.SyslogMessage(severity=1.5)  # refused
sls_syslog.SyslogMessage(mesage="hello")  # refused
