"""``python -m sls_syslog``: the commands ``check`` and ``preview``, which ship nothing.

This module only parses arguments, and turns errors into one line and an exit status.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from sls_syslog.errors import SettingsError, SyslogError

__all__ = ["main"]

_FAILED = 1
_WRONG = 2  # as argparse has it
_INTERRUPTED = 130  # as a shell has it for SIGINT

_DESCRIPTION = """\
Looks at both ends before the first log is shipped; it ships nothing. The settings are those of the
programs in examples: SLS_ENDPOINT, SLS_AK_ID, SLS_AK_KEY, SLS_PROJECT and SLS_LOGSTORE in the
environment, and SYSLOG_HOST, SYSLOG_PORT, SYSLOG_PROTOCOL ..."""
_STATUS = """\
exit status: 0 if all is well, 1 if the check has failed or SLS does not answer, 2 if an argument
or a setting is wrong"""
_CHECK = """\
Tests both ends, and prints what was found and which variable to change. SLS: name, connection,
certificate, clock, signature, project, Logstore, shards, consumer group and RAM actions; nothing
there is changed. The receiver: name, connection, certificate, framing, confirmation; it gets one
message with a random id."""
_PREVIEW = """\
Writes the bytes that logs would become to standard output, one message after another, and what is
said about each log to standard error: the profile and mapping that apply, what is repaired or cut.
It sends nothing, and creates or changes nothing in SLS."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The arguments; ``None`` for those of this process.

    Returns:
        The exit status.
    """
    options = _make_parser().parse_args(arguments)
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    try:
        return _run(options)
    except SettingsError as error:
        return _fail(options.command, error, _WRONG)
    except SyslogError as error:
        return _fail(options.command, error, _FAILED)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    # What a command needs is imported for it: a preview of a file needs no SDK.
    if options.command == "check":
        from sls_syslog.commands.check import run_check

        return run_check()
    from sls_syslog.commands.preview import run_preview

    return run_preview(options.n, options.file, options.start, options.processor)


def _fail(command: str, error: SyslogError, status: int) -> int:
    sys.stderr.write(f"sls_syslog {command}: {' '.join(str(error).split())}\n")
    return status


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sls_syslog", description=_DESCRIPTION, epilog=_STATUS
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="check | preview")
    commands.add_parser("check", help="test both ends", description=_CHECK, epilog=_STATUS)
    preview = commands.add_parser(
        "preview",
        help="show logs as they would be sent",
        description=_PREVIEW,
        epilog=_STATUS,
    )
    preview.add_argument("-n", type=_read_count, default=10, metavar="LOGS", help="how many (10)")
    source = preview.add_mutually_exclusive_group()
    source.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="a file of logs instead of SLS, one JSON object a line; - for standard input",
    )
    source.add_argument(
        "--from",
        dest="start",
        type=_read_start,
        metavar="TIME",
        help="the first logs that SLS received since then, not the newest: begin, or a time such"
        " as 2026-11-28T08:00:00+08:00; without an offset, in the time zone of this machine",
    )
    preview.add_argument(
        "--processor",
        metavar="MODULE:CLASS",
        help="your own subclass of SyslogShipperProcessor, whose hooks are used",
    )
    return parser


def _read_count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def _read_start(text: str) -> int | str:
    from sls_syslog.consumer.start import read_start

    try:
        return read_start(text, "begin")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
