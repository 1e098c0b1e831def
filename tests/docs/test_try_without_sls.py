"""The page on trying the library without SLS: emulator, commands and rsyslog, as it shows them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.pages import blocks
from tests.support.processes import ROOT, program
from tests.support.servers import Rsyslog
from tests.support.waiting import eventually

PAGE = ROOT / "docs" / "how-to" / "try-without-sls.md"
EXPORT = re.compile(r"^export (\w+)=(\S*)$", re.M)
OTHER_EACH_TIME = re.compile(
    r"0\.0\.1:\d+|\b(?:[0-9a-f]{32}|[0-9a-f]{12})\b|\d{4}-\d\d-\d\dT[\d:+-]+ \S+"
    r"|(?<=__source__=)[^|]+(?=\|\|message=)"
)
PORT, FILE = 'port="5514"', 'file="/tmp/sls.log"'


def printed() -> list[str]:
    """The exports, the configuration of rsyslog, and its file."""
    return [block.text for block in blocks(PAGE, ["text"])]


class PageRsyslog(Rsyslog):
    """rsyslog with the configuration of the page, but for port and file."""

    def _configuration(self) -> str:
        _, text, _ = printed()
        assert PORT in text
        assert FILE in text
        return text.replace(PORT, f'port="{self.port}"').replace(FILE, f'file="{self.file}"')

    @property
    def file(self) -> Path:
        return self._file("sls.log")

    def read(self) -> str:
        return self.file.read_text("utf-8") if self.file.exists() else ""


def test_the_logs_of_the_emulator_reach_rsyslog_as_the_page_shows_them(tmp_path: Path) -> None:
    exports, _, arrived = printed()
    (settings,) = (b.text for b in blocks(PAGE, ["sh"]) if "SYSLOG_HOST=127" in b.text)
    receiver = dict(pair.split("=") for pair in settings.split()[1:])
    emulator = str(ROOT / "examples" / "emulate_sls.py")
    with PageRsyslog(tmp_path) as rsyslog, program(emulator) as sls:
        eventually(lambda: "2 logs are in SLS" in sls.output())
        assert OTHER_EACH_TIME.sub("…", sls.output()) == OTHER_EACH_TIME.sub("…", exports)
        environ = {**dict(EXPORT.findall(sls.output())), **receiver}
        environ["SYSLOG_PORT"] = str(rsyslog.port)
        for command in (["check"], ["preview", "-n", "2"]):
            with program("-m", "sls_syslog", *command, environ=environ) as run:
                assert run.wait() == 0, run.output()
        with program(str(ROOT / "examples" / "ship_to_siem.py"), environ=environ) as shipper:
            eventually(lambda: rsyslog.read().count("\n") == 3)
            shipper.process.terminate()
            assert shipper.wait() == 0, shipper.output()
        lines = rsyslog.read().splitlines()
    shown = [OTHER_EACH_TIME.sub("…", line) for line in arrived.splitlines()]
    assert sorted(OTHER_EACH_TIME.sub("…", line) for line in lines) == sorted(shown)
