"""Check the signature of a request, versions 1 and 4, as the service does. Sans-I/O.

It follows the SDK's ``aliyun/log/auth.py``, but must not call it: a bug there would then stay
hidden.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import reduce
from urllib.parse import quote

from sls_syslog.testing.sls_shard import SlsError

__all__ = ["SignedRequest", "check_time", "verify_signature"]

# The SDK for Go writes SLS, the others LOG.
_V1 = re.compile(r"(?:LOG|SLS) (?P<id>[^:]+):(?P<signature>.+)")
_V4 = re.compile(
    r"SLS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>\d{8}/[^/]*/sls/aliyun_v4_request),"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class SignedRequest:
    """The parts of a request that a signature covers.

    Attributes:
        method: The HTTP method.
        path: The decoded path.
        params: The decoded query.
        headers: The headers, with names in lower case.
        body: The body as sent.
    """

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes


def check_time(request: SignedRequest, now: float, longest: float) -> None:
    """Refuse a request whose date is too far from the time of the service.

    Args:
        request: The request.
        now: The time of the service, in seconds since the epoch.
        longest: The longest difference in seconds.

    Raises:
        SlsError: InvalidRequestTime or RequestTimeExpired.
    """
    text = request.headers.get("date", "")
    try:
        sent = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        try:  # signature version 4
            sent = datetime.strptime(
                request.headers.get("x-log-date", "") + "+0000", "%Y%m%dT%H%M%SZ%z"
            ).timestamp()
        except ValueError:
            message = f"Request time {text} not follow RFC822 specification"
            raise SlsError(400, "InvalidRequestTime", message) from None
    if abs(now - sent) > longest:
        message = f"Request time {int(sent)} has been expired while server time is {int(now)}"
        raise SlsError(400, "RequestTimeExpired", message)


def verify_signature(request: SignedRequest, secrets: Mapping[str, str]) -> None:
    """Refuse a request without a valid signature.

    Args:
        request: The request.
        secrets: The known AccessKey secrets, by AccessKey ID.

    Raises:
        SlsError: Unauthorized, InvalidAccessKeyId or SignatureNotMatch.
    """
    authorization = request.headers.get("authorization", "")
    match = _V1.fullmatch(authorization) or _V4.fullmatch(authorization)
    if match is None:
        raise SlsError(401, "Unauthorized", "the Authorization header is missing or malformed")
    secret = secrets.get(match["id"])
    if secret is None:
        raise SlsError(401, "InvalidAccessKeyId", f"AccessKeyId not found: {match['id']}")
    if match.re is _V4:
        expected = _sign_v4(request, secret, match["scope"])
    else:
        expected = _sign_v1(request, secret)
    if not hmac.compare_digest(expected, match["signature"]):
        raise SlsError(401, "SignatureNotMatch", "signature does not match")


def _sign_v1(request: SignedRequest, secret: str) -> str:
    # Leave out x-log-date. The SDK adds it after signing, for proxies that drop Date.
    selected = _select_log_headers(request)
    signed = {name: text for name, text in selected.items() if name != "x-log-date"}
    query = "&".join(f"{name}={value}" for name, value in sorted(request.params.items()))
    body_sum = hashlib.md5(request.body, usedforsecurity=False).hexdigest().upper()
    lines = (
        request.method,
        body_sum if request.body else "",
        request.headers.get("content-type", ""),
        request.headers.get("date", ""),
        *(f"{name}:{text}" for name, text in sorted(signed.items())),
        f"{request.path}?{query}" if query else request.path,
    )
    digest = hmac.digest(secret.encode(), "\n".join(lines).encode(), "sha1")
    return base64.b64encode(digest).decode()


def _sign_v4(request: SignedRequest, secret: str, scope: str) -> str:
    signed = {
        name: request.headers[name] for name in ("content-type", "host") if name in request.headers
    } | _select_log_headers(request)
    canonical = (
        request.method,
        request.path,
        "&".join(_format_v4_parameter(*pair) for pair in sorted(request.params.items())),
        *(f"{name}:{text.strip()}" for name, text in sorted(signed.items())),
        "",
        ";".join(sorted(signed)),
        hashlib.sha256(request.body).hexdigest(),
    )
    lines = (
        "SLS4-HMAC-SHA256",
        request.headers.get("x-log-date", ""),
        scope,
        hashlib.sha256("\n".join(canonical).encode()).hexdigest(),
    )
    key = reduce(_compute_hmac, scope.split("/"), f"aliyun_v4{secret}".encode())
    return _compute_hmac(key, "\n".join(lines)).hex()


def _select_log_headers(request: SignedRequest) -> dict[str, str]:
    return {
        name: text
        for name, text in request.headers.items()
        if name.startswith(("x-log-", "x-acs-")) and not name.startswith("x-log-meta-")
    }


def _format_v4_parameter(name: str, value: str) -> str:
    return f"{name}={quote(value, safe='~')}" if value else name


def _compute_hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
