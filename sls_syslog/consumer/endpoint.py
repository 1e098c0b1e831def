"""Reads the endpoint of SLS, as a user writes it. It must not look up the name."""

from __future__ import annotations

from urllib.parse import urlsplit

from sls_syslog.errors import SettingsError, short_repr
from sls_syslog.spelling import did_you_mean

__all__ = ["check_endpoint"]

_EXPECTED = "expected a host name, or its URL, such as https://cn-hangzhou.log.aliyuncs.com"
_SCHEMES = ("https", "http")
_LONGEST_LABEL = 63  # RFC 1035 section 2.3.4


def check_endpoint(endpoint: str, key: str = "SLS_ENDPOINT") -> None:
    """Check that requests can be sent to an endpoint.

    Args:
        endpoint: A host name, or a URL with ``http`` or ``https``.
        key: What the endpoint comes from, for the error.

    Raises:
        SettingsError: If it is no valid address; the name is not resolved.
    """
    scheme, mark, rest = endpoint.partition("://")
    if mark and scheme.lower() not in _SCHEMES:
        hint = did_you_mean(scheme, _SCHEMES)
        raise SettingsError(key, f"expected http:// or https://, got {short_repr(endpoint)}{hint}")
    try:
        url = urlsplit(f"//{rest if mark else endpoint}")
        is_one = bool(url.hostname) and "[" not in url.netloc and "@" not in url.netloc
        url.port  # noqa: B018  # raises if it is no number
    except ValueError:
        is_one = False
    labels = (url.hostname or "").removesuffix(".").split(".") if is_one else [""]
    if not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise SettingsError(key, f"{_EXPECTED}, got {short_repr(endpoint)}")
