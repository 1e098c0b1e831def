"""What an import brings along, seen in a fresh process."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("aliyun", "google.protobuf")
LIST = "import sys; print(*sorted(sys.modules))"


@pytest.mark.parametrize("name", ["SyslogClient", "SyslogMessage"])
def test_sending_without_sls_imports_neither_the_sdk_nor_protobuf(name: str) -> None:
    code = f"from sls_syslog import {name}; {LIST}"
    listed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "sls_syslog" in listed
    assert [module for module in listed if module.startswith(HEAVY)] == []


def test_the_pytest_plugin_imports_nothing_of_the_kit_before_a_fixture_is_used() -> None:
    code = f"import sls_syslog.testing.pytest_plugin; {LIST}"
    listed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    ours = {module for module in listed if module.startswith("sls_syslog")}
    assert ours == {"sls_syslog", "sls_syslog.testing", "sls_syslog.testing.pytest_plugin"}
