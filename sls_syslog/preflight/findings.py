"""What a check's observations mean: the rows of its report, with the setting to look at.

Pure, but for the clock.
"""

from __future__ import annotations

from datetime import datetime, timezone

from sls_syslog.network.certificate import Certificate
from sls_syslog.network.connection import HandshakeCutError
from sls_syslog.network.half_close import UNANSWERED
from sls_syslog.preflight.report import Finding, ProbeMessage
from sls_syslog.settings.client import ClientSettings

__all__ = [
    "explain_no_connection",
    "explain_no_handshake",
    "explain_no_listener",
    "judge_certificate",
    "judge_datagram",
    "judge_framing",
    "judge_level",
]

# OpenSSL's names for an answer that is not TLS.
_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}
# Renewing takes days where several people have a say.
_WARN_DAYS = 30
_MEANING = {  # the levels of confirmation, from the weakest to the strongest
    "written": "this machine's kernel has taken the message",
    "acked": "the receiver's kernel has every byte",
    "consumed": "the receiver's process has read everything",
}


def judge_certificate(der: bytes, settings: ClientSettings, is_verified: bool) -> Finding:
    """Whom a receiver's certificate is for, who says so, and for how long.

    Args:
        der: The certificate.
        settings: What of it was to be checked.
        is_verified: Whether it had to come from a trusted CA.
    """
    try:
        shown = Certificate.of(der)
    except ValueError:
        return Finding(step="certificate", result="warning", found="it cannot be read")
    days = (shown.until - datetime.now(timezone.utc)).days
    found = (
        f"{shown.subject or 'no subject'}; names {', '.join(shown.names) or 'none'}; issued by"
        f" {shown.issuer}; {_end(shown.until, days)}"
    )
    soon = "have it renewed at the receiver: once it has ended, no log is delivered"
    # A certificate that nobody verifies, or that is pinned alone, may have ended.
    counts = is_verified and days < _WARN_DAYS
    reasons = (_unchecked(settings, is_verified), soon if counts else "")
    advice = "; ".join(filter(None, reasons))
    # Where nothing verifies it, anybody may have written it.
    printable = "".join(character if character.isprintable() else "?" for character in found)
    return Finding(
        step="certificate", result="warning" if advice else "ok", found=printable, advice=advice
    )


def _end(until: datetime, days: int) -> str:
    if days < 0:
        return f"ended {until:%Y-%m-%d}"
    return f"ends {until:%Y-%m-%d}, in {days} days"


def _unchecked(settings: ClientSettings, is_verified: bool) -> str:
    if settings.fingerprint:
        return ""
    if not is_verified:
        return "ssl_context verifies nothing: whoever answers at this address gets the logs"
    if not settings.verify_hostname:
        return "verify_hostname is off: any certificate of that CA would do"
    return ""


def judge_datagram() -> Finding:
    """What is known of a datagram."""
    return Finding(
        step="confirm",
        result="warning",
        found=f"'written': {_MEANING['written']}, and nobody can know whether a datagram arrives",
        advice="protocol='tcp' or 'tls' loses nothing, if the receiver has an input for it",
    )


def judge_framing(message: ProbeMessage) -> Finding:
    """What is known of the framing of a message that was not refused."""
    if message.framing == "newline":
        found = "newline: not refused, as it is by an input that requires octet counting"
        return Finding(step="framing", result="ok", found=found)
    return Finding(
        step="framing",
        result="warning",
        found="octet-counting: whether the receiver reads it cannot be seen from here; one that"
        " reads lines takes it without a word, and spoils the header",
        advice=f"look once for {message.id!r} in the receiver, where it should look as sent",
    )


def judge_level(level: str, wanted: str) -> Finding:
    """What the strongest level that works means for the setting ``confirm``."""
    levels = list(_MEANING)
    found = f"{level!r}: {_MEANING[level]}"
    if wanted == "auto" and level == "acked":
        return Finding(step="confirm", result="warning", found=found, advice=UNANSWERED)
    least = "acked" if wanted == "auto" else wanted
    if levels.index(level) < levels.index(least):
        advice = f"confirm={wanted!r} would never be had here: {UNANSWERED}"
        return Finding(step="confirm", result="failed", found=f"only {found}", advice=advice)
    advice = f"confirm={wanted!r} asks for less" if level != least and wanted != "auto" else ""
    return Finding(step="confirm", result="ok", found=found, advice=advice)


def explain_no_connection(settings: ClientSettings, cause: BaseException | None) -> str:
    """What to look at when no connection could be made."""
    if isinstance(cause, ConnectionRefusedError):
        return explain_no_listener(settings)
    return (
        f"nothing answers: are host and port {settings.port} right, and does every firewall on"
        " the way let this machine through?"
    )


def explain_no_handshake(settings: ClientSettings, cause: BaseException | None) -> str:
    """What to look at when something takes connections, and does not speak TLS.

    Empty where it does: then the error says all there is to say.
    """
    is_silent = isinstance(cause, HandshakeCutError) and not cause.answered
    if is_silent or getattr(cause, "reason", None) in _NOT_TLS:
        return f"if port {settings.port} is for plain text, set protocol='tcp', or the port for TLS"
    return ""


def explain_no_listener(settings: ClientSettings) -> str:
    """What to look at when the receiver's machine says that nobody listens."""
    return (
        f"no program listens for {settings.protocol} at port {settings.port} there: is it running,"
        " and are port and protocol those of its input?"
    )
