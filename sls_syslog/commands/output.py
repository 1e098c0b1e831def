"""Writes to standard output and standard error, also if they are pipes or know only ASCII.

No character may be refused, and a reader that has had enough must not be an error.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator

__all__ = ["tolerate_closed_pipe", "write_bytes", "write_note", "write_text"]


def write_text(text: str) -> None:
    """Write lines to standard output; a character that its encoding lacks is escaped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_bytes(data: bytes) -> None:
    """Write bytes to standard output as they are."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def write_note(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def tolerate_closed_pipe() -> Iterator[None]:
    """End the block quietly when the reader of the output has ended, such as ``head``."""
    try:
        yield
    except BrokenPipeError:
        # Python flushes both streams when it ends, and would report the same error again.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
