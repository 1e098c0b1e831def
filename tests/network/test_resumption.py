"""TLS sessions: few are read, because each read leaks, and each one is resumed many times."""

from __future__ import annotations

import ssl
import sys

import pytest

from sls_syslog.testing import SyslogReceiver, TemporaryCA
from tests.support.deliveries import FRAMES, deliver
from tests.support.processes import program

each_version = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])

# Reading a session at each connection costs 6.5 KB each, which is 19 MB.
CONNECTIONS = 3000
MOST_MB = 5.0

CLIENT = """
import socket, sys
from sls_syslog.network.connection import Connection
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.destination import Destination
from sls_syslog.settings.client import ClientSettings

port, cert_path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
settings = ClientSettings(host="127.0.0.1", port=port, protocol="tls", cert_path=cert_path)
address = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (settings.host, settings.port))
resumption = Destination("").resumption
context = settings.tls_context()

def measure():
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if "VmRSS" in line)
    return int(line.split()[1]) / 1024

def connect():
    connection = Connection(address, Deadline(30), context, settings.host, resumption)
    connection.send(b"<14>1 - - - - - - x\\n", Deadline(30))
    connection.finish(Deadline(30))
    connection.close()

for _ in range(500):
    connect()
before = measure()
for _ in range(count):
    connect()
print(measure() - before)
"""


def context_of(ca: TemporaryCA, version: ssl.TLSVersion) -> ssl.SSLContext:
    return ca.server_context(minimum_version=version, maximum_version=version)


@pytest.mark.gate  # 3,500 handshakes
@pytest.mark.skipif(sys.platform != "linux", reason="/proc says how much memory there is")
@each_version
def test_connections_over_tls_leak_no_memory(
    temporary_ca: TemporaryCA, version: ssl.TLSVersion
) -> None:
    with SyslogReceiver("tls", ssl_context=context_of(temporary_ca, version)) as receiver:
        arguments = str(receiver.port), temporary_ca.cert_path, str(CONNECTIONS)
        with program("-c", CLIENT, *arguments) as client:
            assert client.wait(240) == 0, client.output()
            assert float(client.output()) < MOST_MB


@each_version
def test_all_clients_of_a_receiver_share_its_session(
    temporary_ca: TemporaryCA, version: ssl.TLSVersion
) -> None:
    """A program may make a new client for each batch, and a shipper has one for each shard."""
    context = context_of(temporary_ca, version)
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        for _ in range(4):
            deliver({**receiver.settings(), "cert_path": temporary_ca.cert_path})
        receiver.wait_for(4 * len(FRAMES))
    assert context.session_stats()["hits"] >= 3


@each_version
def test_a_session_belongs_to_the_name_that_was_verified(
    temporary_ca: TemporaryCA, version: ssl.TLSVersion
) -> None:
    context = temporary_ca.server_context("siem.example", "127.0.0.1")
    context.maximum_version = version
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        trust = {**receiver.settings(), "cert_path": temporary_ca.cert_path}
        deliver({**trust, "server_hostname": "siem.example"})
        deliver(trust)
        assert context.session_stats()["hits"] == 0
