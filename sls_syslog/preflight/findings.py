"""Says what each observation of a check means, and which setting to look at.

It reads the clock, and must do no other I/O.
"""

from __future__ import annotations

from datetime import datetime, timezone

from sls_syslog.network.certificate import Certificate
from sls_syslog.network.half_close import UNANSWERED
from sls_syslog.network.tls import HandshakeCutError
from sls_syslog.preflight.report import Finding, ProbeMessage
from sls_syslog.settings.client import ClientSettings, get_machine_name
from sls_syslog.settings.profiles import Profile
from sls_syslog.settings.protocols import PROTOCOLS

__all__ = [
    "LOOK_AT_RELP",
    "describe_certificate",
    "explain_absence",
    "explain_no_connection",
    "explain_no_handshake",
    "explain_no_listener",
    "judge_acknowledgement",
    "judge_certificate",
    "judge_datagram",
    "judge_framing",
    "judge_level",
    "judge_reset",
    "judge_way",
]

# OpenSSL's reasons for an answer that is not TLS.
_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}
# Days before a certificate expires to warn: several people may have to approve a renewal.
_WARN_DAYS = 30
_MEANING = {  # the levels of confirmation, from the weakest to the strongest
    "written": "this machine's kernel has the message",
    "acked": "the receiver's kernel has every byte",
    "consumed": "the receiver's process has read everything",
}
_IS_CUT_OFF = "a proxy or load balancer takes connections while its receiver cannot be reached"
LOOK_AT_RELP = (
    "look at the receiver's own log, and at its limit for a message (imrelp: maxDataSize)"
)
"""What to do if a receiver does not acknowledge a message over RELP."""


def judge_certificate(der: bytes, settings: ClientSettings, is_verified: bool) -> Finding:
    """Say who has the certificate, who issued it, and when it expires.

    Args:
        der: The certificate.
        settings: The settings, which say what had to be verified.
        is_verified: Whether the certificate had to come from a trusted CA.
    """
    try:
        found, days = describe_certificate(der)
    except ValueError:
        return Finding(step="certificate", result="warning", found="it cannot be read")
    soon = "renew it at the receiver: once it has expired, no log is delivered"
    # The end counts only if the certificate is verified, and not pinned alone.
    counts = is_verified and days < _WARN_DAYS
    reasons = (_find_unchecked(settings, is_verified), soon if counts else "")
    advice = "; ".join(filter(None, reasons))
    return Finding(
        step="certificate", result="warning" if advice else "ok", found=found, advice=advice
    )


def describe_certificate(der: bytes) -> tuple[str, int]:
    """Say who has a certificate, who issued it, and when it expires.

    Returns:
        The text, which steers no terminal, and the days until it expires.

    Raises:
        ValueError: If it is not a certificate.
    """
    shown = Certificate.of(der)
    days = (shown.until - datetime.now(timezone.utc)).days
    found = (
        f"{shown.subject or 'no subject'}; names {', '.join(shown.names) or 'none'}; issued by"
        f" {shown.issuer}; {_describe_end(shown.until, days)}"
    )
    # An attacker may have written an unverified certificate.
    return "".join(character if character.isprintable() else "?" for character in found), days


def _describe_end(until: datetime, days: int) -> str:
    if days < 0:
        return f"expired {until:%Y-%m-%d}"
    return f"expires {until:%Y-%m-%d}, in {days} days"


def _find_unchecked(settings: ClientSettings, is_verified: bool) -> str:
    if settings.fingerprint:
        return ""
    if not is_verified:
        return "ssl_context verifies nothing: any machine that answers here gets the logs"
    if not settings.verify_hostname:
        return "verify_hostname is off: any certificate of this CA is accepted"
    return ""


def judge_datagram() -> Finding:
    """Say that UDP does not confirm datagrams."""
    return Finding(
        step="confirm",
        result="warning",
        found=f"'written': {_MEANING['written']}; UDP does not show whether a datagram arrives",
        advice="if the receiver has an input for it, set protocol='tcp' or 'tls': no log is lost",
    )


def judge_acknowledgement() -> Finding:
    """Say what an acknowledgement over RELP means."""
    found = "'consumed': the receiver itself has acknowledged the message, through any proxy"
    return Finding(step="confirm", result="ok", found=found)


def judge_framing(message: ProbeMessage, profile: Profile | None) -> Finding:
    """Say what is known about the framing of a message that was not refused.

    Args:
        message: The message.
        profile: The profile of the receiver; ``None`` if the user has named none.
    """
    if message.framing == "octet-counting" and profile and profile.reads_both_framings:
        found = f"octet-counting: not refused; {profile.name} reads both framings"
        return Finding(step="framing", result="ok", found=found)
    if message.framing == "newline":
        found = "newline: not refused; an input that requires octet counting would refuse it"
        return Finding(step="framing", result="ok", found=found)
    return Finding(
        step="framing",
        result="warning",
        found="octet-counting: not refused; but an input that reads lines accepts it too, and"
        " misreads the header",
        advice=f"look for {message.id!r} in the receiver, and compare it with what was sent",
    )


def judge_level(level: str, wanted: str) -> Finding:
    """Compare the strongest level that works with the setting ``confirm``."""
    levels = list(_MEANING)
    found = f"{level!r}: {_MEANING[level]}"
    if wanted == "auto" and level == "acked":
        advice = (
            f"{UNANSWERED}; if it never answers one, the shipper uses 'acked' without a setting"
        )
        return Finding(step="confirm", result="warning", found=found, advice=advice)
    least = "acked" if wanted == "auto" else wanted
    if levels.index(level) < levels.index(least):
        advice = f"confirm={wanted!r} cannot work here: {UNANSWERED}"
        return Finding(step="confirm", result="failed", found=f"only {found}", advice=advice)
    advice = f"confirm={wanted!r} asks for less" if level != least and wanted != "auto" else ""
    return Finding(step="confirm", result="ok", found=found, advice=advice)


def judge_reset(level: str, wanted: str) -> Finding:
    """Say what works with a receiver that ends each connection with a reset.

    Args:
        level: The strongest level that works.
        wanted: The setting ``confirm``.
    """
    found = (
        f"only {level!r}: {_MEANING[level]}; each connection ends with a reset, even if nothing was"
        " sent over it"
    )
    cause = (
        "the receiver closes with linger 0 (Fluentd's in_syslog), or HAProxy has `option nolinger`:"
        " remove that, or use RELP"
    )
    if wanted == "consumed":
        advice = f"confirm='consumed' cannot work here: {cause}; or set confirm='auto'"
        return Finding(step="confirm", result="failed", found=found, advice=advice)
    used = level if wanted == "auto" else wanted
    advice = f"{cause}; the shipper uses {used!r}"
    return Finding(step="confirm", result="warning", found=found, advice=advice)


def judge_way(has_bare_end: bool) -> Finding:
    """Say what the ends of two connections show about what stands before the receiver.

    Args:
        has_bare_end: Whether TLS ended without a close_notify.
    """
    if has_bare_end:
        found = (
            "TLS ended without close_notify, as behind nginx as a TLS terminator; rsyslog with"
            " GnuTLS does so too"
        )
        advice = "if the proxy is nginx, set `proxy_half_close on` in it"
        return Finding(step="way", result="ok", found=found, advice=advice)
    found = (
        "no proxy was found; one is seen only while its receiver cannot be reached. If there is"
        " one, it confirms for the receiver"
    )
    return Finding(step="way", result="ok", found=found)


def explain_absence(settings: ClientSettings, seconds: float) -> str:
    """Say what it means that connections are accepted, and end unasked with nothing sent.

    Args:
        settings: The receiver.
        seconds: How long such a connection stayed open.
    """
    return (
        "a connection over which nothing was sent was accepted too, and ended after"
        f" {seconds:.1f} s: {_IS_CUT_OFF} (HAProxy ends them after 3 s, nginx at once): start the"
        " receiver behind it, or check the address that the proxy has; if there is no proxy,"
        f" check whether port {settings.port} belongs to another service, or the receiver refuses"
        f" this machine ({get_machine_name()})"
    )


def explain_no_connection(settings: ClientSettings, cause: BaseException | None) -> str:
    """Say what to look at if no connection can be made."""
    if isinstance(cause, ConnectionRefusedError):
        return explain_no_listener(settings)
    if isinstance(cause, (ConnectionAbortedError, ConnectionResetError)):  # says itself what to do
        return ""
    return f"nothing answers: check host and port {settings.port}, and every firewall on the way"


def explain_no_handshake(settings: ClientSettings, cause: BaseException | None) -> str:
    """Say what to look at if the port accepts connections but does not speak TLS.

    Returns:
        The advice; ``""`` if the port speaks TLS, because the error then says everything.
    """
    is_silent = isinstance(cause, HandshakeCutError) and not cause.answered
    if is_silent or getattr(cause, "reason", None) in _NOT_TLS:
        plain = "relp" if PROTOCOLS[settings.protocol].is_relp else "tcp"
        port = f"port {settings.port}"
        return f"if {port} is for plain text, set protocol={plain!r}, or the port for TLS"
    if isinstance(cause, HandshakeCutError):
        return f"or {_IS_CUT_OFF}, and ends them at once: start the receiver behind it"
    return ""


def explain_no_listener(settings: ClientSettings) -> str:
    """Say what to look at if the receiver's machine says that no program listens."""
    return (
        f"no program listens for {settings.protocol} at port {settings.port}: check that the"
        " receiver runs, and that port and protocol are those of its input"
    )
