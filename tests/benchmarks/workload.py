"""The logs of the benchmark: like audit logs, 16 fields, about 0.55 kB each as SLS counts it.

They must be the same in every run. This module must not import what is measured.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group

__all__ = ["MARKER", "Workload", "make_groups"]

# Each log has it once: the receiver counts it to count logs in any format and framing.
MARKER = b"AE7Q-"

_LOG_BYTES = 550
_GROUP_SIZES = (100, 200, 300, 400, 500)
_BEGAN = 1_790_000_000  # seconds since the epoch
_LOGS_PER_SECOND = 50  # of one group
_TAGS = {"__hostname__": "audit-collector-03", "__receive_time__": "1790000007"}
_ACTIONS = (
    ("CreateSecurityGroup", "Ecs", "创建安全组"),
    ("ConsoleSignin", "AasCustomer", "控制台登录"),
    ("PutBucketAcl", "Oss", "修改存储空间权限"),
    ("DescribeInstances", "Ecs", "查询实例列表"),
    ("AttachPolicyToUser", "Ram", "为用户授权"),
    ("ModifyDBInstanceSpec", "Rds", "变更实例规格"),
)
_USERS = ("王小明", "李娜", "alice.chen", "ops-bot", "bob@example.com", "deploy")
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    "AlibabaCloud (Linux; amd64) Python/3.11.4 Core/2.15.1 HTTPClient/requests",
    "aliyun-cli/3.0.210 (Darwin; arm64) Go/1.21.5",
)
_RESULTS = ("Success", "Success", "Success", "NoPermission", "Throttling")


@dataclass(frozen=True)
class Workload:
    """The size of some logs.

    Attributes:
        logs: The number of logs.
        raw_bytes: Their uncompressed size, as `x-log-bodyrawsize` counts it.
    """

    logs: int
    raw_bytes: int


def make_groups(megabytes: float) -> Iterator[tuple[bytes, Workload]]:
    """Make encoded LogGroups of this many decimal MB in total, each with its size."""
    chance = random.Random(20)
    number, size = 0, 0
    while size < megabytes * 1e6:
        wanted = chance.choice(_GROUP_SIZES)
        left = max(1, round((megabytes * 1e6 - size) / _LOG_BYTES))
        count = min(wanted, left)
        raw = _make_group(range(number, number + count), chance)
        group = Workload(count, sum(map(len, frame_log_group(raw))))
        number, size = number + count, size + group.raw_bytes
        yield raw, group


def _make_group(numbers: range, chance: random.Random) -> bytes:
    logs = [
        LogEntry(_make_log(number, chance), time=_BEGAN + number // _LOGS_PER_SECOND)
        for number in numbers
    ]
    return encode_log_group(logs, topic="actiontrail", source="10.20.30.41", tags=_TAGS)


def _make_log(number: int, chance: random.Random) -> dict[str, str]:
    action, service, description = chance.choice(_ACTIONS)
    octets = chance.randbytes(3)
    return {
        "event_id": f"{MARKER.decode()}{number:09d}",
        "event_name": action,
        "event_description": description,
        "event_time": str((_BEGAN + number // _LOGS_PER_SECOND) * 1000 + number % 1000),
        "service_name": service,
        "region": "cn-hangzhou",
        "account_id": "1234567890123456",
        "user_name": chance.choice(_USERS),
        "source_ip": f"198.{octets[0]}.{octets[1]}.{octets[2]}",
        "user_agent": chance.choice(_AGENTS),
        "request_id": str(UUID(bytes=chance.randbytes(16))).upper(),
        "resource": f"acs:{service.lower()}:*:12345678:instance/i-bp1f0j7xk2q3{octets.hex()}",
        "result": chance.choice(_RESULTS),
        "status": str(chance.choice((200, 200, 200, 403, 503))),
        "latency_ms": str(chance.randrange(3, 900)),
        "bytes_sent": str(chance.randrange(180, 70_000)),
    }
