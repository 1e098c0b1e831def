"""Logs as mappings, in the form in which SLS stores them."""

from __future__ import annotations

from collections.abc import Mapping

from sls_syslog.testing import encode_log_group

__all__ = ["encode_log"]


def encode_log(log: Mapping[str, str]) -> bytes:
    """The LogGroup in which SLS stores a log that a hook gets like this."""
    return encode_log_group(
        [{key: value for key, value in log.items() if not key.startswith("__")}],
        topic=log["__topic__"],
        source=log["__source__"],
        tags={key[8:]: value for key, value in log.items() if key.startswith("__tag__:")},
        time=int(log["__time__"]),
    )
