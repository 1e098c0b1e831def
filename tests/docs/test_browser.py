"""The built site in a real browser, at the width of a desk and at that of a telephone."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urldefrag, urlencode

import pytest

if not os.environ.get("SLS_SYSLOG_REQUIRE_DOCS"):
    if importlib.util.find_spec("selenium") is None or importlib.util.find_spec("sphinx") is None:
        pytest.skip("Sphinx or selenium is not installed", allow_module_level=True)
    if shutil.which("chromedriver") is None:
        pytest.skip("chromedriver is not installed", allow_module_level=True)

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.docs.test_site import SEARCHES

pytestmark = pytest.mark.gate

WIDTHS = (1280, 390)
LOOK = """
const wide = [...document.querySelectorAll("html, pre, .table-wrapper, article svg, article img")]
    .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth)
    .map((one) => `${one.scrollWidth - one.clientWidth} px: ${one.textContent.slice(0, 60)}`);
const ragged = [...document.querySelectorAll("table")].flatMap((table) => {
    const count = (row) => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
    return [...table.rows].filter((row) => count(row) !== count(table.rows[0]));
}).map((row) => row.textContent);
return {
    wide, ragged,
    links: [...document.links].map((link) => link.href),
    ids: [...document.querySelectorAll("[id]")].map((one) => one.id),
};
"""
"""What a page looks like: a script for the browser."""


class Look(NamedTuple):
    """What the browser found on a page."""

    wide: list[str]
    ragged: list[str]
    links: list[str]
    ids: list[str]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A headless Chromium of the system; selenium must not fetch one."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for option in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ):
        options.add_argument(option)
    places = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("browser"))}
    service = webdriver.ChromeService(shutil.which("chromedriver"), env=places)
    with webdriver.Chrome(options, service) as driver:
        yield driver


@pytest.fixture(scope="module", params=WIDTHS)
def looks(request: pytest.FixtureRequest, browser: webdriver.Chrome, site: Path) -> dict[str, Look]:
    """Each page as the browser shows it at one width, by its address."""
    screen = {"width": request.param, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    found = {}
    for page in sorted(site.rglob("*.html")):
        browser.get(page.as_uri())
        seen: dict[str, Any] = browser.execute_script(LOOK)
        found[page.as_uri()] = Look(**seen)
    return found


def test_no_page_scrolls_sideways(looks: dict[str, Look]) -> None:
    assert not {page: look.wide for page, look in looks.items() if look.wide}


def test_every_row_has_as_many_cells_as_the_head_of_its_table(looks: dict[str, Look]) -> None:
    assert not {page: look.ragged for page, look in looks.items() if look.ragged}


def test_every_link_within_the_site_leads_somewhere(looks: dict[str, Look], site: Path) -> None:
    for page, look in looks.items():
        for link in look.links:
            target, anchor = urldefrag(link)
            if target in looks:
                assert not anchor or anchor in looks[target].ids, f"{page}: {link}"
            elif target.startswith("file:"):
                assert Path(target.removeprefix("file://")).is_relative_to(site), f"{page}: {link}"
                assert Path(target.removeprefix("file://")).exists(), f"{page}: {link}"


@pytest.mark.parametrize(("search", "page"), SEARCHES.items())
def test_the_search_shows_the_page_first_that_answers(
    browser: webdriver.Chrome, site: Path, search: str, page: str
) -> None:
    browser.get(f"{(site / 'search.html').as_uri()}?{urlencode({'q': search})}")
    first = WebDriverWait(browser, 60).until(
        lambda driver: driver.find_elements(By.CSS_SELECTOR, "#search-results li a")
    )[0]
    assert urldefrag(first.get_attribute("href") or "").url == (site / f"{page}.html").as_uri()
