"""Certificates made here are believed, or refused, by Python's own TLS for the right reason."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sls_syslog.testing.certificates import TemporaryCA
from sls_syslog.testing.receiver import SyslogReceiver

TIMEOUT = 10.0
LINE = b"<14>1 - - - - - - message"


@pytest.fixture
def authority() -> Iterator[TemporaryCA]:
    with TemporaryCA() as ca:
        yield ca


@contextmanager
def tls_peer(
    receiver: SyslogReceiver, context: ssl.SSLContext, name: str = "127.0.0.1"
) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection((receiver.host, receiver.port), timeout=TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=name) as peer,
    ):
        yield peer


def send_a_line(
    receiver: SyslogReceiver, context: ssl.SSLContext, name: str = "127.0.0.1"
) -> str | None:
    with tls_peer(receiver, context, name) as peer:
        peer.sendall(LINE + b"\n")
        version = peer.version()
        peer.unwrap().close()
    receiver.wait_for(1)
    return version


def trusting(authority: TemporaryCA) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.cert_path)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_server_is_believed_by_address_and_by_name(authority: TemporaryCA, name: str) -> None:
    with SyslogReceiver("tls", ssl_context=authority.server_context()) as receiver:
        send_a_line(receiver, trusting(authority), name)


@pytest.mark.parametrize("other", ["evil.example", "192.0.2.1"])
def test_a_certificate_for_another_name_is_refused(authority: TemporaryCA, other: str) -> None:
    with (
        SyslogReceiver("tls", ssl_context=authority.server_context(other)) as receiver,
        pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid for"),
        tls_peer(receiver, trusting(authority)),
    ):
        pass


def test_an_expired_certificate_is_refused(authority: TemporaryCA) -> None:
    with (
        SyslogReceiver("tls", ssl_context=authority.server_context(expired=True)) as receiver,
        pytest.raises(ssl.SSLCertVerificationError, match="expired"),
        tls_peer(receiver, trusting(authority)),
    ):
        pass


def test_two_authorities_do_not_trust_each_other(authority: TemporaryCA) -> None:
    with (
        TemporaryCA() as other,
        SyslogReceiver("tls", ssl_context=authority.server_context()) as receiver,
        pytest.raises(ssl.SSLCertVerificationError),
        tls_peer(receiver, trusting(other)),
    ):
        pass


@pytest.mark.parametrize(
    ("version", "name"),
    [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")],
)
def test_the_version_can_be_fixed(
    authority: TemporaryCA, version: ssl.TLSVersion, name: str
) -> None:
    context = authority.server_context(minimum_version=version, maximum_version=version)
    with SyslogReceiver("tls", ssl_context=context) as receiver:
        assert send_a_line(receiver, trusting(authority)) == name


@pytest.mark.parametrize("password", [None, "s3cret"])
def test_a_client_certificate_is_accepted_with_its_password(
    authority: TemporaryCA, password: str | None
) -> None:
    client = authority.issue("client.example", password=password)
    context = trusting(authority)
    context.load_cert_chain(client.cert_path, client.key_path, password=client.password)
    server = authority.server_context(require_client_cert=True)
    with SyslogReceiver("tls", ssl_context=server) as receiver:
        send_a_line(receiver, context)


def test_an_encrypted_key_needs_its_password_and_does_not_show_it(authority: TemporaryCA) -> None:
    client = authority.issue("client.example", password="s3cret")
    assert "ENCRYPTED" in Path(client.key_path).read_text()
    assert "s3cret" not in repr(client)
    with pytest.raises(ssl.SSLError):
        ssl.create_default_context().load_cert_chain(client.cert_path, client.key_path, "wrong")


@pytest.mark.parametrize("shown", ["none", "expired", "foreign"])
def test_a_server_refuses_a_client_without_a_valid_certificate(
    authority: TemporaryCA, shown: str
) -> None:
    context = trusting(authority)
    with TemporaryCA() as other:
        if shown != "none":
            issuer = other if shown == "foreign" else authority
            client = issuer.issue("client.example", expired=shown == "expired")
            context.load_cert_chain(client.cert_path, client.key_path)
    server = authority.server_context(require_client_cert=True)
    with SyslogReceiver("tls", ssl_context=server) as receiver:
        # Under TLS 1.3 the client's handshake succeeds, and the refusal comes when it reads.
        with tls_peer(receiver, context) as peer, pytest.raises((ssl.SSLError, ConnectionError)):
            peer.recv(1)
        receiver.wait_until(lambda: bool(receiver.errors))
        assert isinstance(receiver.errors[0], ssl.SSLError)
        assert receiver.frames == []


def test_files_live_as_long_as_their_authority() -> None:
    with TemporaryCA() as authority:
        issued = authority.issue("server.example")
        paths = [Path(authority.cert_path), Path(issued.cert_path), Path(issued.key_path)]
        assert all(path.is_file() for path in paths)
    assert not any(path.exists() for path in paths)


def test_files_lie_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    with TemporaryCA(directory=tmp_path) as authority:
        assert Path(authority.cert_path).parent.parent == tmp_path
    assert not list(tmp_path.iterdir())


def test_a_killed_pytest_leaves_nothing_that_pytest_does_not_clean(tmp_path: Path) -> None:
    killed, temporary = tmp_path / "test_killed.py", tmp_path / "temporary"
    killed.write_text(
        "import os, signal\n"
        "def test_killed(temporary_ca):\n"
        "    assert os.path.exists(temporary_ca.cert_path)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    temporary.mkdir()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(killed)]
    ended = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(temporary)}, cwd=tmp_path, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert [path.name.partition("-of-")[0] for path in temporary.iterdir()] == ["pytest"]


def test_the_kit_loads_without_trustme_and_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['trustme'] = None\n"
        "import sls_syslog.testing.pytest_plugin, sls_syslog.testing.receiver\n"
        "from sls_syslog.testing.certificates import TemporaryCA\n"
        "TemporaryCA()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert "pip install 'sls-syslog[testing]'" in ended.stderr.splitlines()[-1]
