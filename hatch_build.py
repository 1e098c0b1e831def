"""Builds the compiled helper of ``sls_syslog/encoding/native.py`` where that is possible.

Hatchling calls this for each wheel, and for each editable install. Without a C compiler or the
headers of Python the package is pure Python: it then writes the same bytes, slower.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "sls_syslog/encoding/helper/module.c"  # it includes the other files
TARGET = "sls_syslog/encoding/_native.abi3.so"
# One build serves CPython 3.10 and all later ones.
TAG = "cp310-abi3"
FLAGS = ["-std=c99", "-O3", "-fPIC", "-fvisibility=hidden", "-DNDEBUG"]
LINKS = {"Darwin": ["-bundle", "-undefined", "dynamic_lookup"], "Linux": ["-shared"]}


class HelperHook(BuildHookInterface):
    """Adds the helper to what is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the helper, into the clone if the install is editable.

        Args:
            version: ``standard`` or ``editable``.
            build_data: What to put into the wheel, and its tag.
        """
        self._folder = tempfile.TemporaryDirectory()
        if self.target_name != "wheel":
            return
        target = Path(self.root if version == "editable" else self._folder.name, TARGET)
        target.unlink(missing_ok=True)
        problem = find_obstacle() or compile_helper(Path(self.root, SOURCE), target)
        if problem:
            self.app.display_warning(f"pure Python, without the compiled helper: {problem}")
            return
        if version != "editable":
            build_data["force_include"][str(target)] = TARGET
        build_data["pure_python"] = False
        build_data["tag"] = f"{TAG}-{make_platform_tag()}"

    def finalize(self, *_: Any) -> None:
        """Remove what the wheel has a copy of."""
        self._folder.cleanup()


def find_obstacle() -> str:
    """Say why this Python cannot have the helper, or the user does not want it."""
    if os.environ.get("SLS_SYSLOG_PUREPYTHON", "0") not in {"", "0"}:
        return "SLS_SYSLOG_PUREPYTHON is set"
    if sys.implementation.name != "cpython":
        return "this Python is not CPython"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "this Python is free-threaded, and has no stable ABI"
    if platform.system() not in LINKS:
        return f"unknown system {platform.system()}"
    return ""


def compile_helper(source: Path, target: Path) -> str:
    """Compile and link; return what went wrong."""
    target.parent.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    flags = shlex.split(os.environ.get("CFLAGS", ""))
    include = f"-I{sysconfig.get_path('include')}"
    command = [*shlex.split(compiler), *FLAGS, *LINKS[platform.system()], include, *flags]
    try:
        done = subprocess.run(  # noqa: S603  # the user's own compiler
            [*command, str(source), "-o", str(target)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        return str(error)
    return done.stdout if done.returncode else ""


def make_platform_tag() -> str:
    """Make the last part of the wheel's tag, such as ``linux_x86_64``."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
