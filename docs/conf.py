"""How Sphinx builds this documentation; warnings are errors, see ``tests/docs/test_site.py``.

It must fetch nothing: the site is built where there may be no network.
"""

import builtins
import re
from pathlib import Path

PYPROJECT = (Path(__file__).parents[1] / "pyproject.toml").read_text()

project = "sls_syslog"
author = "the sls_syslog authors"
release = re.findall(r'^version = "(.+)"', PYPROJECT, re.M)[0]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"sls_syslog {release}"

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
