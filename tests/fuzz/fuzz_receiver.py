"""Fuzz the receiving half of the testing kit, guided by coverage.

Invariant: whatever bytes come, and however they are cut, the deframers and the strict parsers
end in a result or in their documented errors, and what they accept is written back as it came.

    pip install atheris
    python tests/fuzz/fuzz_receiver.py -atheris_runs=20000

Without ``-atheris_runs`` it runs until it is interrupted. All of libFuzzer's options work, such as
a directory to keep the corpus in; inputs that break the invariant go to the temporary directory.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sls_syslog"]):
    from sls_syslog.testing.deframer import FramingError, make_deframer
    from sls_syslog.testing.grammar import (
        GrammarError,
        ParsedMessage,
        parse,
        parse_rfc3164,
        parse_rfc5424,
    )

FRAMINGS = ("newline", "octet-counting", None)
PARSERS = (parse, parse_rfc3164, parse_rfc5424)
# The first byte chooses framing and pieces, the rest is the stream.
SEEDS = (
    b"\x00<14>1 2026-11-23T11:15:00.123456+08:00 relay app 7 id - text\n<0>1 - - - - - -\n",
    b'\x00<165>1 2003-10-11T22:14:15.003Z h a - - [a@1 k="\\"\\\\\\]" k=""][b] \xef\xbb\xbfx\n',
    b"\x0442 <14>1 2026-11-23T03:15:00Z relay - - - - x16 <0>1 - - - - - -",
    b"\x01<34>Oct 11 22:14:15 mymachine su[9]: 'su root' failed\n<34>Feb 29 22:14:15 h CEF:0|\n",
    b"\x0528 <34>Oct  1 22:14:15 h tag: a0 01 x",
)


def test_one_input(data: bytes) -> None:
    """Hold one stream against the invariant."""
    choice, stream = (data[0] if data else 0), data[1:]
    framing = FRAMINGS[choice % 3]
    frames = deframed(stream, framing, len(stream) or 1)
    assert deframed(stream, framing, choice // 3 + 1) == frames, "the pieces made a difference"
    for frame in [*frames, stream]:
        for parser in PARSERS:
            try:
                message = parser(frame)
            except GrammarError:
                continue
            check_written_back(message, frame)


def deframed(stream: bytes, framing: str | None, size: int) -> list[bytes]:
    """The frames of a stream in pieces of ``size``, once it is seen that no byte got lost."""
    deframer, frames = make_deframer(framing), list[bytes]()
    octets = framing == "octet-counting" or (framing is None and not stream.startswith(b"<"))
    fed, rest = b"", b""
    try:
        for start in range(0, len(stream), size):
            fed += (chunk := stream[start : start + size])
            frames += deframer.feed(chunk)
        deframer.finish()
    except FramingError as error:
        frames, rest = frames + error.frames, error.partial
        assert rest, "an error over nothing"
    again = b"".join(b"%d %b" % (len(f), f) if octets else f + b"\n" for f in frames)
    assert again + rest == fed, "a byte was lost or invented"
    return frames


def check_written_back(message: ParsedMessage, frame: bytes) -> None:
    """What was understood is what was written, but for a space before an empty MSG."""
    moment = message.datetime
    assert moment is None or moment.utcoffset() is not None
    written = rfc3164(message) if message.version is None else rfc5424(message)
    again = written.encode()
    assert again == frame or (not message.msg and again == frame + b" "), (again, frame)


def rfc5424(message: ParsedMessage) -> str:
    fields = (message.timestamp, message.hostname, message.app_name, message.procid, message.msgid)
    header = " ".join("-" if field is None else field for field in fields)
    mark = "\ufeff" if message.bom else ""
    start = f"<{message.facility * 8 + message.severity}>1 {header} {structured_data(message)}"
    return f"{start} {mark}{message.msg}"


def structured_data(message: ParsedMessage) -> str:
    if message.structured_data is None:
        return "-"
    return "".join(
        f"[{sd_id}{''.join(f' {name}={quoted(value)}' for name, value in params)}]"
        for sd_id, params in message.structured_data.items()
    )


def quoted(value: str) -> str:
    for special in '\\"]':
        value = value.replace(special, f"\\{special}")
    return f'"{value}"'


def rfc3164(message: ParsedMessage) -> str:
    start = f"<{message.facility * 8 + message.severity}>{message.timestamp} {message.hostname} "
    if message.app_name is None:
        return start + message.msg
    process = "" if message.procid is None else f"[{message.procid}]"
    return f"{start}{message.app_name}{process}: {message.msg}"


def main() -> None:
    with tempfile.TemporaryDirectory() as seeds:
        for number, seed in enumerate(SEEDS):
            Path(seeds, str(number)).write_bytes(seed)
        program, *options = sys.argv
        artifacts = f"-artifact_prefix={tempfile.gettempdir()}/fuzz_receiver-"
        atheris.Setup([program, artifacts, *options, seeds], test_one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
