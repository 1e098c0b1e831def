"""How Sphinx builds this documentation; warnings are errors, see ``tests/docs/test_site.py``.

It must fetch nothing: the site is built where there may be no network.
"""

import builtins
import re
from pathlib import Path

from sphinx.application import Sphinx

PYPROJECT = (Path(__file__).parents[1] / "pyproject.toml").read_text()

project = "sls_syslog"
author = "the sls_syslog authors"
release = re.findall(r'^version = "(.+)"', PYPROJECT, re.M)[0]
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"sls_syslog {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["tables.js"]
html_search_scorer = str(Path(__file__).parent / "_static" / "scorer.js")
html_show_copyright = False  # LICENSE says it
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence"]  # tabs with code in them

myst_heading_anchors = 3  # for links such as api.md#hooks

autodoc_member_order = "bysource"
# Docstrings mark code by two backticks. One is a link: it has to lead somewhere.
default_role = "any"
napoleon_use_ivar = True  # attributes in one list, as in the docstring

nitpicky = True
# Names of others lead nowhere here: their inventories would have to be fetched, and a build
# that needs the network fails now and then. Only errors that exist are let off: one that is
# misspelt under "Raises" is a warning. The types of signatures are for mypy to check.
nitpick_ignore_regex = [
    ("py:class", ".*"),
    ("py:exc", "|".join(dir(builtins))),
    ("py:exc", r"(ssl\.SSLError|aliyun\.log\..+)"),
]


def skip_aliases(app, what, name, member, skip, options) -> bool:  # noqa: ANN001
    """Leave the fields of named tuples to the docstring of their class."""
    return skip or "Alias for field number" in (getattr(member, "__doc__", None) or "")


def setup(app: Sphinx) -> None:
    """Connect what is above."""
    app.connect("autodoc-skip-member", skip_aliases)
