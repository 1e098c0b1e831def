"""The documentation builds as a site without a warning, and has every public name."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest

import sls_syslog
import sls_syslog.testing
from tests.support.processes import ROOT

if importlib.util.find_spec("sphinx") is None and not os.environ.get("SLS_SYSLOG_REQUIRE_DOCS"):
    pytest.skip("Sphinx is not installed", allow_module_level=True)

pytestmark = pytest.mark.gate


def test_every_page_is_built(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        built = site / page.relative_to(ROOT / "docs").with_suffix(".html")
        assert built.exists(), page


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    pages = [page.read_text() for page in (site / "reference").glob("*.html")]
    for module in (sls_syslog, sls_syslog.testing):
        for name in module.__all__:
            anchor = f'id="{module.__name__}.{name}"'
            assert any(anchor in page for page in pages), anchor


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    index = (site / "index.html").read_text()
    for attribute in ('src="http', "@import", 'rel="stylesheet" href="http'):
        assert attribute not in index


SEARCHES = {
    "mask": "how-to/mask-and-filter",
    "personal data": "how-to/mask-and-filter",
    "backfill": "how-to/start-and-range",
    "start position": "how-to/start-and-range",
    "two SIEMs": "how-to/two-siems",
    "why is it behind": "how-to/watch-it",
    "alternatives": "explanation/alternatives",
    "filter in SLS": "how-to/filter-in-sls",
    "size a deployment": "how-to/size-a-deployment",
    "Grafana": "how-to/watch-it",
    "OpenTelemetry": "how-to/watch-it",
    "CRL": "how-to/tls",
    "PKCS#11": "how-to/tls",
    "rotate": "how-to/tls",
    "examples": "examples",
    "without SLS": "how-to/try-without-sls",
    "lost logs": "explanation/delivery",
    "duplicates": "how-to/outages-and-the-ledger",
    "QRadar TLS": "how-to/receivers/qradar",
    "proxy": "how-to/check-the-source",
}
"""What a reader types into the site's search, and the page that answers it."""


def test_the_search_finds_what_readers_look_for(site: Path) -> None:
    """By a heading that holds the words: Sphinx shows such pages first."""
    text = (site / "searchindex.js").read_text()
    index = json.loads(text[text.index("{") : text.rindex("}") + 1])
    for search, page in SEARCHES.items():
        found = {
            index["docnames"][number]
            for title, places in index["alltitles"].items()
            if search.casefold() in title.casefold()
            for number, _anchor in places
        }
        assert page in found, f"{search}: {sorted(found)}"
