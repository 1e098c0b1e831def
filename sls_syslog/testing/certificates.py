"""Throw-away certificates for tests of TLS, made with trustme.

It must not import trustme before a certificate is made: the rest of the kit works without it.
No certificate outlives its ``TemporaryCA``. Do not use them in production.
"""

from __future__ import annotations

import datetime as dt
import os
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, TracebackType

__all__ = ["IssuedCertificate", "TemporaryCA"]

_DEFAULT_NAMES = ("127.0.0.1", "localhost")
_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class IssuedCertificate:
    """A certificate and its private key, as PEM files. ``TemporaryCA.close`` removes them.

    Attributes:
        cert_path: The certificate and the chain up to the CA.
        key_path: The private key.
        password: The password of the private key. None means that the key is not encrypted.
    """

    cert_path: str
    key_path: str
    password: str | None = field(default=None, repr=False)


class TemporaryCA:
    """A certificate authority for one test. Use it as a context manager, or call ``close``.

    To get an untrusted certificate, make a second ``TemporaryCA``.

    Args:
        directory: Folder in which to make a directory for the files. ``close`` removes that
            directory; a process that is killed leaves it. None means the system's temporary folder.

    Attributes:
        cert_path: The CA's certificate as a PEM file. Give it to a sender as ``cert_path``.

    Raises:
        ImportError: trustme is not installed.
    """

    def __init__(self, *, directory: str | os.PathLike[str] | None = None) -> None:
        self._ca = _import_trustme().CA()
        self._directory = tempfile.TemporaryDirectory(prefix="sls-syslog-ca-", dir=directory)
        self._issued = 0
        self.cert_path = str(self._make_path("ca.pem"))
        self._ca.cert_pem.write_to_path(self.cert_path)

    def close(self) -> None:
        """Remove all files."""
        self._directory.cleanup()

    def __enter__(self) -> TemporaryCA:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def issue(
        self, *names: str, password: str | None = None, expired: bool = False
    ) -> IssuedCertificate:
        """Make a certificate for a server or a client.

        Args:
            *names: Host names and IP addresses of its owner. Default: 127.0.0.1 and localhost.
            password: Encrypt the private key with this password. None leaves it unencrypted.
            expired: Make a certificate that expired yesterday.

        Returns:
            The paths of the certificate and of its key.
        """
        not_after = dt.datetime.now(dt.timezone.utc) - _ONE_DAY if expired else None
        made = self._ca.issue_cert(*(names or _DEFAULT_NAMES), not_after=not_after)
        self._issued += 1
        cert_file = self._make_path(f"{self._issued}-cert.pem")
        key_file = self._make_path(f"{self._issued}-key.pem")
        cert_file.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        key_file.touch(mode=0o600)
        key_file.write_bytes(_encrypt_key(made.private_key_pem.bytes(), password))
        return IssuedCertificate(
            cert_path=str(cert_file), key_path=str(key_file), password=password
        )

    def server_context(
        self,
        *names: str,
        require_client_cert: bool = False,
        minimum_version: ssl.TLSVersion | None = None,
        maximum_version: ssl.TLSVersion | None = None,
        expired: bool = False,
    ) -> ssl.SSLContext:
        """Make the server's TLS context, for ``SyslogReceiver``.

        Args:
            *names: Names and addresses of the server. Default: 127.0.0.1 and localhost.
            require_client_cert: Refuse a client without a certificate of this CA.
            minimum_version: The lowest TLS version. None keeps Python's default.
            maximum_version: The highest TLS version. None keeps Python's default.
            expired: Use a certificate that expired yesterday.

        Returns:
            A new context. The caller may change it.
        """
        certificate = self.issue(*names, expired=expired)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert_path, certificate.key_path)
        context.load_verify_locations(self.cert_path)
        context.verify_mode = ssl.CERT_REQUIRED if require_client_cert else ssl.CERT_NONE
        if minimum_version is not None:
            context.minimum_version = minimum_version
        if maximum_version is not None:
            context.maximum_version = maximum_version
        return context

    def _make_path(self, name: str) -> Path:
        return Path(self._directory.name, name)


def _import_trustme() -> ModuleType:
    try:
        import trustme
    except ImportError as error:
        raise ImportError(
            "certificates for tests need trustme: pip install 'sls-syslog[testing]'"
        ) from error
    return trustme


def _encrypt_key(key: bytes, password: str | None) -> bytes:
    if password is None:
        return key
    from cryptography.hazmat.primitives import serialization  # trustme depends on it

    return serialization.load_pem_private_key(key, password=None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    )
