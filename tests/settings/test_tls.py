"""What is kept between TLS connections, and when it has to go."""

from __future__ import annotations

import os
import shutil
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sls_syslog import SettingsError
from sls_syslog.settings.client import ClientSettings
from sls_syslog.settings.tls import TrustError, make_client_context
from sls_syslog.testing import TemporaryCA


@pytest.fixture
def files(temporary_ca: TemporaryCA, tmp_path: Path) -> dict[str, str]:
    """A CA, a client's certificate and its key, to be replaced at will."""
    mine = temporary_ca.issue("shipper.example", password="open sesame")
    made = {
        "cert_path": temporary_ca.cert_path,
        "client_cert": mine.cert_path,
        "client_key": mine.key_path,
    }
    return {key: shutil.copy(path, str(tmp_path / f"{key}.pem")) for key, path in made.items()}


def context_of(**changes: Any) -> ssl.SSLContext:
    arguments: dict[str, Any] = {
        "cert_path": None,
        "client_cert": None,
        "client_key": None,
        "client_key_password": None,
        "verify_hostname": True,
        "min_tls": ssl.TLSVersion.TLSv1_2,
    }
    return make_client_context(**{**arguments, **changes})


def in_place(path: str) -> None:
    os.utime(path, (1_000_000_000, 1_000_000_000))


def by_another_file(path: str) -> None:
    shutil.copy2(path, f"{path}.new")  # with the old one's time and size
    os.replace(f"{path}.new", path)


def behind_a_link(path: str) -> None:
    # As Kubernetes renews a mounted secret: the path is a link, and then leads elsewhere.
    shutil.copy2(path, f"{path}.target")
    os.unlink(path)
    os.symlink(f"{path}.target", path)


def test_a_context_is_made_once(files: dict[str, str]) -> None:
    trust = {**files, "client_key_password": "open sesame"}
    assert context_of(**trust) is context_of(**trust)
    assert context_of() is context_of()


@pytest.mark.parametrize("key", ["cert_path", "client_cert", "client_key"])
@pytest.mark.parametrize("renew", [in_place, by_another_file, behind_a_link])
def test_a_file_that_changes_makes_a_new_context(
    files: dict[str, str], key: str, renew: Any
) -> None:
    trust = {**files, "client_key_password": "open sesame"}
    before = context_of(**trust)
    renew(files[key])
    after = context_of(**trust)
    assert after is not before
    assert context_of(**trust) is after


def test_an_update_of_the_system_s_certificates_is_noticed(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", files["cert_path"])
    before = context_of()
    assert len(before.get_ca_certs()) == 1
    in_place(files["cert_path"])
    assert context_of() is not before


@pytest.mark.parametrize(
    "change",
    [
        {"verify_hostname": False},
        {"min_tls": ssl.TLSVersion.TLSv1_3},
        {"cert_path": None},
        {"verify": False},
    ],
)
def test_what_is_asked_for_differently_is_another_context(
    files: dict[str, str], change: dict[str, Any]
) -> None:
    trust = {"cert_path": files["cert_path"]}
    assert context_of(**trust) is not context_of(**{**trust, **change})


def test_a_wrong_password_is_an_error_although_the_right_one_was_used_before(
    files: dict[str, str],
) -> None:
    context_of(**files, client_key_password="open sesame")
    for _ in range(2):
        with pytest.raises(TrustError, match="client_key") as refused:
            context_of(**files, client_key_password="abracadabra")
        assert "abracadabra" not in str(refused.value)


def test_an_error_is_not_kept(files: dict[str, str], tmp_path: Path) -> None:
    good = Path(files["cert_path"]).read_bytes()
    for content in (good, b"", good):
        Path(files["cert_path"]).write_bytes(content)
        if content:
            context_of(cert_path=files["cert_path"])
        else:
            with pytest.raises(TrustError, match="cert_path"):
                context_of(cert_path=files["cert_path"])


def test_settings_that_say_the_same_share_a_context_and_show_nothing_of_it(
    files: dict[str, str],
) -> None:
    trust = {**files, "client_key_password": "open sesame"}
    settings = ClientSettings.of({"host": "siem.example", "protocol": "tls", **trust})
    renamed = replace(settings, tag="other")
    assert renamed.tls_context() is settings.tls_context()
    assert replace(renamed, tag=settings.tag) == settings
    assert "sesame" not in repr(settings)
    os.unlink(files["client_key"])
    with pytest.raises(SettingsError, match="client_key") as gone:
        settings.tls_context()
    assert "sesame" not in repr(gone.value)


def test_whoever_compares_fingerprints_alone_verifies_nothing_else(files: dict[str, str]) -> None:
    trust = {"host": "siem.example", "protocol": "tls", "fingerprint": "ab" * 32}
    pinned = ClientSettings.of(trust).tls_context()
    assert (pinned.verify_mode, pinned.check_hostname) == (ssl.CERT_NONE, False)
    both = ClientSettings.of({**trust, "cert_path": files["cert_path"]}).tls_context()
    assert (both.verify_mode, both.check_hostname) == (ssl.CERT_REQUIRED, True)


def problem_of(**trust: str | None) -> TrustError:
    with pytest.raises(TrustError) as refused:
        context_of(**trust)
    return refused.value


def test_what_is_wrong_with_a_private_key_is_said(
    files: dict[str, str], temporary_ca: TemporaryCA, tmp_path: Path
) -> None:
    mine = {key: files[key] for key in ("client_cert", "client_key")}
    missing = problem_of(**mine)
    assert missing.key == "client_key_password"
    assert missing.problem.startswith("is not set, but needed for the private key in")
    wrong = problem_of(**mine, client_key_password="abracadabra")
    assert wrong.key == "client_key_password"
    assert wrong.problem.startswith("is not the password of the private key in")
    other = problem_of(client_cert=files["client_cert"], client_key=temporary_ca.issue().key_path)
    assert other.key == "client_key"
    assert "does not belong to the certificate in" in other.problem
    (tmp_path / "not.pem").write_bytes(b"\x30\x82\x01\x00")
    unread = problem_of(client_cert=str(tmp_path / "not.pem"))
    assert unread.key == "client_cert"
    assert "in PEM" in unread.problem
