"""Configurations that lead to the emulator, and servers that answer in place of SLS."""

from __future__ import annotations

import socket
from typing import Any

from aliyun.log.consumer import LogHubConfig

from sls_syslog import consumer_config
from sls_syslog.testing import SlsEmulator

__all__ = ["GROUP", "answer_with", "configure"]

GROUP = "siem"


def configure(emulator: SlsEmulator, **options: Any) -> LogHubConfig:
    """The configuration that leads to an emulator; options override it."""
    return consumer_config(
        **{
            "endpoint": emulator.endpoint,
            "access_key_id": emulator.access_key_id,
            "access_key": emulator.access_key_secret,
            "project": emulator.project,
            "logstore": emulator.logstore,
            "consumer_group_name": GROUP,
            **options,
        }
    )


def answer_with(connection: socket.socket, head: str, body: str = "") -> None:
    """Answer one request over HTTP, and close the connection."""
    while b"\r\n\r\n" not in connection.recv(65536):
        pass
    text = f"HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    connection.sendall(text.encode())
