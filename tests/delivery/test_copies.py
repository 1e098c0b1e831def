"""Copies of dropped logs: each is written, whole and before the drop, or nothing is dropped."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sls_syslog import DroppedLog, ShipperSettings
from sls_syslog.delivery.copies import Copies, CopyError

LOG = {"__topic__": "t", "text": "größer\n日本\ud800"}


def make_copies(dropped: Any, shard: str = "p/l/0") -> Copies:
    return Copies(ShipperSettings(host="siem", on_hook_error="drop", dropped=dropped), shard)


def read(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def test_a_file_gets_a_line_for_each_log(tmp_path: Path) -> None:
    path = tmp_path / "dropped.jsonl"
    copies = make_copies(path)
    assert not path.exists()
    copies.keep("c", 5, "hook_failed", log=LOG)
    copies.keep("c", 6, "refused", frame="<14>1 größer\n".encode())
    same = {"shard": "p/l/0", "cursor": "c"}
    assert read(path) == [
        {**same, "number": 5, "cause": "hook_failed", "log": LOG, "frame": None},
        {**same, "number": 6, "cause": "refused", "log": None, "frame": "<14>1 größer\n"},
    ]


def test_a_file_that_exists_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "dropped.jsonl"
    path.write_text("{}\n")
    make_copies(str(path)).keep("c", 1, "oversize", log=LOG)
    assert len(read(path)) == 2


def test_a_function_gets_each_log() -> None:
    kept: list[DroppedLog] = []
    make_copies(kept.append).keep("c", 1, "oversize", log=LOG)
    assert kept == [DroppedLog(shard="p/l/0", cursor="c", number=1, cause="oversize", log=LOG)]


def test_without_the_setting_nothing_is_kept() -> None:
    Copies(ShipperSettings(host="siem"), "p/l/0").keep("c", 1, "oversize", log=LOG)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt()], ids=repr)
def test_whatever_a_function_raises_is_one_error(error: BaseException) -> None:
    def fail(_: DroppedLog) -> None:
        raise error

    with pytest.raises(CopyError) as raised:
        make_copies(fail).keep("c", 1, "oversize", log=LOG)
    assert raised.value.__cause__ is error


def test_several_shards_write_whole_lines_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "dropped.jsonl"
    log = {"text": "x" * 5000}

    def write(shard: int) -> None:
        copies = make_copies(path, f"p/l/{shard}")
        for number in range(50):
            copies.keep("c", number, "oversize", log=log)

    threads = [threading.Thread(target=write, args=(shard,)) for shard in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sorted((line["shard"], line["number"]) for line in read(path))
    assert found == [(f"p/l/{shard}", number) for shard in range(8) for number in range(50)]


def test_a_line_that_was_torn_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dropped.jsonl"
    copies = make_copies(path)
    copies.keep("c", 1, "oversize", log=LOG)
    write, is_full = os.write, True

    def write_half(descriptor: int, data: bytes) -> int:
        """As a file system that becomes full within a line."""
        if len(data) < 20 and is_full:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: max(1, len(data) // 2)])

    monkeypatch.setattr(os, "write", write_half)
    with pytest.raises(CopyError, match="No space left"):
        copies.keep("c", 2, "oversize", log=LOG)
    is_full = False
    copies.keep("c", 2, "oversize", log=LOG)
    first, torn, last = path.read_text().splitlines()
    assert (json.loads(first)["number"], json.loads(last)["number"]) == (1, 2)
    assert json.loads(last)["log"] == LOG
    assert not torn.endswith("}")


def test_a_file_that_cannot_be_opened_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    copies = make_copies(folder / "dropped.jsonl")
    folder.rmdir()
    with pytest.raises(CopyError, match="No such file"):
        copies.keep("c", 1, "oversize", log=LOG)
    folder.mkdir()
    copies.keep("c", 1, "oversize", log=LOG)
    assert len(read(folder / "dropped.jsonl")) == 1
