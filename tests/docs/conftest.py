"""What tests of the built site share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import ROOT, program


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; that it is there means that no link and no name was amiss."""
    target = tmp_path_factory.mktemp("site")
    options = ["-n", "-W", "--keep-going", "-q", "-d", str(target / "doctrees")]
    html = target / "html"
    with program("-m", "sphinx", *options, str(ROOT / "docs"), str(html)) as build:
        assert build.wait(300) == 0, build.output()
    return html
