"""The logs of the benchmark: by default like audit logs, 16 fields, about 0.55 kB each.

Other kinds are the samples of the mapping tests, each with an id and an address of its own. Logs
must be the same in every run. This module must not import what is measured.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from sls_syslog.testing import LogEntry, encode_log_group
from sls_syslog.testing.loggroup import frame_log_group
from tests.support.samples import SAMPLES

__all__ = ["KINDS", "MARKER", "Workload", "make_groups"]

# Each log has it once: the receiver counts it to count logs in any format and framing.
MARKER = b"AE7Q-"

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


def make_groups(megabytes: float, kind: str = "audit") -> Iterator[tuple[bytes, Workload]]:
    """Make encoded LogGroups of this many decimal MB in total, each with its size.

    Args:
        megabytes: The size. There is at least one log.
        kind: A key of `KINDS`.
    """
    made = KINDS[kind]
    chance = random.Random(20)
    number, size = 0, 0
    while size < megabytes * 1e6 or not number:
        wanted = chance.choice(_GROUP_SIZES)
        left = max(1, round((megabytes * 1e6 - size) / made.log_bytes))
        count = min(wanted, left)
        raw = _make_group(made, range(number, number + count), chance)
        group = Workload(count, sum(map(len, frame_log_group(raw))))
        number, size = number + count, size + group.raw_bytes
        yield raw, group


def _make_group(kind: _Kind, numbers: range, chance: random.Random) -> bytes:
    logs = [
        LogEntry(kind.make(number, chance), time=_BEGAN + number // _LOGS_PER_SECOND)
        for number in numbers
    ]
    return encode_log_group(logs, topic=kind.topic, source="10.20.30.41", tags=_TAGS)


def _make_id(number: int) -> str:
    return f"{MARKER.decode()}{number:09d}"


def _make_log(number: int, chance: random.Random) -> dict[str, str]:
    action, service, description = chance.choice(_ACTIONS)
    octets = chance.randbytes(3)
    return {
        "event_id": _make_id(number),
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


def _list_samples(mapping: str) -> list[dict[str, str]]:
    """List the fields of the samples for a mapping."""
    return [
        {key: value for key, value in sample.log.items() if not key.startswith("__")}
        for sample in SAMPLES
        if sample.mapping == mapping
    ]


_WAF = _list_samples("waf")
# Insights are rare, and OCSF has their id twice.
_KUBERNETES = _list_samples("kubernetes")
_ACTIONTRAIL = [log for log in _list_samples("actiontrail") if "Insight" not in log["event"]]


def _make_waf_log(number: int, chance: random.Random) -> dict[str, str]:
    address = f"198.51.100.{chance.randrange(256)}"
    own = {"request_traceid": _make_id(number), "real_client_ip": address}
    return {**_WAF[number % len(_WAF)], **own, "status": str(chance.choice((200, 200, 403, 503)))}


def _make_actiontrail_log(number: int, chance: random.Random) -> dict[str, str]:
    fields = _ACTIONTRAIL[number % len(_ACTIONTRAIL)]
    own = {
        r'(?<="requestId":")[^"]*': f"REQ{number:09d}",
        r'(?<="eventId":")[^"]*': _make_id(number),
        r'(?<="sourceIpAddress":")[0-9.]+(?=")': f"198.51.100.{chance.randrange(256)}",
        r'(?<="eventTime":"2026-11-03T04:)[0-9:]+': f"{number // 60 % 60:02}:{number % 60:02}",
    }
    event = fields["event"]
    for pattern, value in own.items():
        event = re.sub(pattern, value, event)
    return {**fields, "event": event}


def _make_kubernetes_log(number: int, chance: random.Random) -> dict[str, str]:
    fields = _KUBERNETES[number % len(_KUBERNETES)]
    moment = f"2026-11-03T04:{number // 60_000 % 60:02d}:{number // 1000 % 60:02d}"
    times = {
        name: f"{moment}.{chance.randrange(10**6):06d}Z"
        for name in fields
        if name.endswith("stamp")
    }
    return {**fields, **times, "auditID": _make_id(number)}


@dataclass(frozen=True)
class _Kind:
    """One kind of logs.

    Attributes:
        topic: Its topic.
        log_bytes: About how many raw bytes a log has.
        make: Makes the log of a number.
    """

    topic: str
    log_bytes: int
    make: Callable[[int, random.Random], dict[str, str]]


KINDS: Mapping[str, _Kind] = {
    "audit": _Kind("actiontrail", 550, _make_log),
    "waf": _Kind("waf_access_log", 750, _make_waf_log),
    "actiontrail": _Kind("actiontrail_audit_event", 750, _make_actiontrail_log),
    "kubernetes": _Kind("", 650, _make_kubernetes_log),
}
"""The kinds of logs, by name."""
