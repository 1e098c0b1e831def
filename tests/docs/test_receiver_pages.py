"""The pages about receivers say what the profiles are, and show settings that are valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sls_syslog import ShipperSettings
from sls_syslog.settings.profiles import PROFILES, Profile
from sls_syslog.testing import TemporaryCA
from tests.support.pages import blocks
from tests.support.processes import ROOT

RECEIVERS = ROOT / "docs" / "how-to" / "receivers"


def code_blocks(page: Path) -> list[str]:
    return [block.text for block in blocks(page, ["python"])]


def receivers_table() -> Iterator[str]:
    """The table of docs/how-to/receivers/index.md."""
    yield "| `receiver` | for | header | framing | payload | bytes | longer ones | newlines |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    keys = ("syslog_format", "framing", "payload", "max_message_bytes", "oversize", "newlines")
    for row in PROFILES.values():
        cells = [str(row.settings.get(key, "")) for key in keys]
        if "max_message_bytes" in row.udp:
            cells[3] += f" (UDP {row.udp['max_message_bytes']})"
        yield f"| [`{row.name}`]({row.name}.md) | {row.title} | {' | '.join(cells)} |"


def profile_section(row: Profile) -> str:
    """The end of a receiver's page: its row, why it is so, and where that is written."""
    values = [*row.settings.items(), *((f"{key}` over `udp", row.udp[key]) for key in row.udp)]
    table = "".join(f"| `{key}` | `{value}` |\n" for key, value in values)
    head = "## The profile\n\n| key | value |\n| --- | --- |\n"
    return f"{head}{table}\n{row.note}\n\nSource: {link(row.source)}.\n"


def link(text: str) -> str:
    """Make each address a link that shows its host."""
    return re.sub(r"https?://(?:www\.)?([^/\s]+)/\S*?(?=[.,;:]?(?:\s|$))", r"[\1](\g<0>)", text)


def test_the_index_of_receivers_is_what_the_code_says() -> None:
    page = (RECEIVERS / "index.md").read_text()
    assert "\n".join(receivers_table()) in page
    assert {path.stem for path in RECEIVERS.glob("*.md")} == {"index", *PROFILES}
    (block,) = code_blocks(RECEIVERS / "index.md")
    names: dict[str, Any] = {}
    exec(block, names)
    assert ShipperSettings.from_mapping(names["settings"]).receiver == "splunk"


each_receiver = pytest.mark.parametrize("row", PROFILES.values(), ids=lambda row: str(row.name))


@each_receiver
def test_a_receiver_s_page_ends_in_its_profile(row: Profile) -> None:
    page = (RECEIVERS / f"{row.name}.md").read_text()
    assert page.endswith(profile_section(row))
    headings = re.findall(r"^## (.+)", page, re.M)
    there = f"Configure {re.split('[,:]', row.title)[0]}"
    assert headings[:2] == ["Configure the shipper", there]
    assert headings[2:] == ["See that it arrived", "Usual mistakes", "The profile"]


@each_receiver
def test_settings_on_a_receiver_s_page_are_valid(row: Profile, temporary_ca: TemporaryCA) -> None:
    path = RECEIVERS / f"{row.name}.md"
    blocks = code_blocks(path)
    assert blocks
    for block in blocks:
        names: dict[str, Any] = {}
        exec(block, names)
        given = with_a_real_file(names["settings"], temporary_ca)
        assert given["receiver"] == row.name
        settings = ShipperSettings.from_mapping(given)
        environ = dict(re.findall(r"^(SYSLOG_\w+)=(.+)", path.read_text(), re.M))
        same = ShipperSettings.from_env(with_a_real_file(environ, temporary_ca))
        assert callable(given.get("payload")) or same == settings


def with_a_real_file(settings: dict[str, Any], authority: TemporaryCA) -> dict[str, Any]:
    """For the reader's own CA file stands one that is there."""
    return {
        key: authority.cert_path if key.lower().endswith("cert_path") else value
        for key, value in settings.items()
    }


def test_the_rule_for_graylog_keeps_the_fields_that_are_graylog_s_own() -> None:
    """Without a prefix, a log's `level` or `source` replaces them, or stops the message."""
    text = (RECEIVERS / "graylog.md").read_text()
    (rule,) = re.findall(r'^ +rule "sls"\n.*?^ +end\n', text, re.DOTALL | re.MULTILINE)
    assert re.search(r'set_fields\(\s+fields: .*,\s+prefix: "\w+",\s+clean_fields: true\s+\)', rule)
