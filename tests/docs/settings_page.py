"""docs/reference/settings.md, made from the settings themselves: a section for each key.

``python -m tests.docs.settings_page`` writes it; ``test_pages.py`` holds it against the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sls_syslog import ShipperSettings
from sls_syslog.settings.client import ClientSettings
from sls_syslog.settings.table import ENVIRONMENT_PREFIX
from tests.support.processes import ROOT

SETTINGS_PAGE = ROOT / "docs" / "reference" / "settings.md"

SECTIONS = {
    "Connection": [
        *("receiver", "host", "port", "protocol", "hosts", "timeout"),
        *("idle_seconds", "max_connection_seconds", "max_rate"),
    ],
    "TLS": [
        *("cert_path", "client_cert", "client_key", "client_key_password", "server_hostname"),
        *("verify_hostname", "fingerprint", "min_tls", "ssl_context"),
    ],
    "Format": [
        *("syslog_format", "framing", "newlines", "max_message_bytes", "oversize", "bom"),
        *("timezone", "facility", "severity", "hostname", "tag", "structured_data"),
        *("enterprise_id",),
    ],
    "Delivery": [
        *("confirm", "retry_seconds", "replay_seconds", "window_bytes"),
        *("on_hook_error", "on_refused", "refused_tries", "dropped"),
    ],
    "Content": [
        *("payload", "sep", "severity_rules", "skip", "only", "mask", "mask_key", "event_id"),
    ],
}
"""The keys in the order in which they are shown; each key is in one section."""

INTRODUCTION = """\
# Settings

Each setting is a key of the dict, an attribute of `ShipperSettings`, and a variable of the
environment. Only `host` is required, or `hosts` in its place. `None`, and an empty variable, mean
the default.

A key that has no effect is refused, because its user would rely on it. The error says what the key
needs. You may always repeat a default, and what the profile `receiver` sets.

A variable that is almost one of these is an error. Any other variable that begins with `SYSLOG_` is
left out, with a warning: it may belong to another program.

| section | keys |
| --- | --- |"""


def settings_page() -> Iterator[str]:
    """The lines of the page."""
    yield INTRODUCTION
    for section, keys in SECTIONS.items():
        yield f"| [{section}](#{section.lower()}) | {', '.join(f'[`{k}`](#{k})' for k in keys)} |"
    rows = {key: (default, meaning) for key, default, meaning in ShipperSettings.describe()}
    own = {key for key, *_ in ClientSettings.describe()}
    for section, keys in SECTIONS.items():
        yield f"\n## {section}"
        for key in keys:
            default, meaning = rows.pop(key)
            yield f"\n### `{key}`\n"
            yield " · ".join(_facts(key, default, meaning, key in own))
            yield f"\n{meaning}"
    assert not rows, f"in no section: {', '.join(rows)}"


def _facts(key: str, default: str, meaning: str, is_for_clients: bool) -> Iterator[str]:
    """What a reader looks up first."""
    if key != "ssl_context":
        yield f"`{ENVIRONMENT_PREFIX}{key.upper()}`"
    if default:
        yield f"default: `{default}`"
    elif not re.search("Default:|the default|Required", meaning):
        yield "not set by default"
    if not is_for_clients:
        yield "not for `SyslogClient`"


if __name__ == "__main__":
    SETTINGS_PAGE.write_text("\n".join(settings_page()) + "\n")
