"""Support for tests: `python -m sls_syslog` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.processes import ROOT

__all__ = ["command", "started"]

LIMIT_SECONDS = 120.0


def command(
    *arguments: str,
    environ: Mapping[str, str],
    cwd: Path | None = None,
    stdin: bytes = b"",
    pipe: str = "",
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end.

    Args:
        arguments: What follows ``python -m sls_syslog``.
        environ: Variables on top of the bare minimum.
        cwd: Where it runs.
        stdin: Its input.
        pipe: What reads its output, such as ``| head -1``; the exit status is the command's own.
    """
    program = _make_program(arguments)
    if pipe:
        program = ["bash", "-c", f'"$@" {pipe}; exit ${{PIPESTATUS[0]}}', "bash", *program]
    return subprocess.run(
        program,
        cwd=cwd,
        env=_make_environ(environ),
        input=stdin,
        capture_output=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


@contextmanager
def started(*arguments: str, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs, with pipes; it does not outlive the block."""
    options: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    # A shell lets what it starts in the background ignore SIGINT, and so would the command.
    options["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    program = _make_program(arguments)
    with subprocess.Popen(program, env=_make_environ(environ), **options) as running:
        try:
            yield running
        finally:
            running.kill()


def _make_program(arguments: Iterable[str]) -> list[str]:
    return [sys.executable, "-m", "sls_syslog", *arguments]


def _make_environ(environ: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ}
