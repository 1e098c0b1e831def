"""``check_source``: tests the way to SLS, and what the AccessKey may do there.

It must change nothing in SLS: it creates no consumer group, sends no heartbeat, and takes no shard.
What fails goes into the report and must never be raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from aliyun.log.consumer import LogHubConfig

from sls_syslog.consumer import sdk
from sls_syslog.consumer.adapter import REQUEST_SECONDS
from sls_syslog.consumer.endpoint import check_endpoint
from sls_syslog.consumer.mistakes import check_config
from sls_syslog.consumer.once import OnceAdapter, make_client, run_apart, send
from sls_syslog.consumer.source import (
    ACTIONS,
    Trouble,
    TroubleError,
    format_place,
    format_skew,
    measure_skew,
)
from sls_syslog.consumer.start import describe_start
from sls_syslog.network.deadline import Deadline
from sls_syslog.network.resolver import resolve
from sls_syslog.preflight.findings import describe_certificate
from sls_syslog.preflight.report import Finding, SourceReport

__all__ = ["check_source"]

# Seconds by which a clock may differ without a word. SLS refuses requests from 15 minutes on.
_NOTABLE_SKEW = 60.0
# Requests that would change something: they are not sent.
_UNTRIED = ("UpdateConsumerGroup", "ConsumerGroupHeartBeat", "ConsumerGroupUpdateCheckPoint")
# Steps that a request has passed if it fails at a later one.
_PASSED = {"Logstore": ("signature", "project"), "RAM": ("signature",), "group": ("signature",)}
_PORTS = {"https": 443, "http": 80}
_ANY_KIND = 0  # of a socket
_UNITS = ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"))

_Result = TypeVar("_Result")


def check_source(config: LogHubConfig, timeout: float = REQUEST_SECONDS) -> SourceReport:
    """Find out whether a Logstore can be shipped with this configuration, and if not, why.

    Look up the name, connect, verify the certificate, compare the clocks, and read what a worker
    reads: the consumer group with its checkpoints, the shards, and a cursor. Each request is sent
    once. Nothing in SLS is changed, so the report names the RAM actions that were not tried::

        report = check_source(consumer_config())
        print(report)
        sys.exit(0 if report.ok else 1)

    Args:
        config: The configuration; ``consumer_config()`` makes it.
        timeout: Seconds for each of the four requests.

    Returns:
        What was found, failures included.

    Raises:
        SettingsError: If the configuration is none, or the endpoint is none.
    """
    check_config(config)
    check_endpoint(config.endpoint)
    adapter = OnceAdapter(seconds=timeout)
    check = _Check(config, adapter, timeout)
    with suppress(_StepFailedError):
        run_apart(check.run, adapter)
    return SourceReport(source=format_place(config), findings=tuple(check.findings))


class _StepFailedError(Exception):
    """Raised when a step has failed, to skip all later steps."""


class _Check:
    """Checks one Logstore, step by step, and collects the findings."""

    def __init__(self, config: LogHubConfig, adapter: OnceAdapter, seconds: float) -> None:
        self.findings: list[Finding] = []
        self._config = config
        self._adapter = adapter
        self._seconds = seconds
        self._place = config.project, config.logstore
        self._allowed: list[str] = []
        self._denied: list[str] = []
        self._has_group = False
        self._needs_shards = bool(config.cursor_end_time)  # to know when a range is shipped

    def run(self) -> None:
        try:
            client = make_client(self._config, self._adapter)
        except TroubleError as error:
            self._fail(error.trouble)
        groups = self._ask("ListConsumerGroup", client.list_consumer_group, *self._place)
        self._note_way()
        shards = self._ask("ListShards", client.list_shards, *self._place)
        # SLS may deny an action before it looks whether there is such a Logstore.
        self._note_passed("signature", *(("project", "Logstore") if self._allowed else ()))
        listed = shards.get_shards_info() if shards else None
        self._note_shards(listed)
        self._check_group(client, groups)
        first = min((int(shard["shardID"]) for shard in listed or ()), default=0)
        self._ask("GetCursor", client.get_cursor, *self._place, first, "begin")
        self._note_actions()

    def _ask(self, operation: str, request: Callable[..., _Result], *args: Any) -> _Result | None:
        """Send a request; note whether the RAM user may.

        Returns:
            The answer; ``None`` if the RAM user may not.

        Raises:
            _StepFailedError: If it fails for another reason.
        """
        try:
            answer = send(self._config, [operation], request, *args)
        except TroubleError as error:
            if error.trouble.step == "RAM":
                self._denied.append(operation)
                return None
            if operation == "GetCheckPoint" and error.trouble.code == "ConsumerGroupNotExist":
                answer = None  # deleted meanwhile; but the RAM user may
            else:
                self._explain(error.trouble)
        self._allowed.append(operation)
        return answer

    def _explain(self, trouble: Trouble) -> NoReturn:
        """Note the steps that were passed until a request failed, and the one that failed."""
        if not self.findings and trouble.step != "resolve":
            self._note_way(has_failed=trouble.step in ("connect", "TLS"))
        self._note_passed(*_PASSED.get(trouble.step, ()))
        self._fail(trouble)

    def _note_passed(self, *steps: str) -> None:
        for step in steps:
            self._note(step, "ok", _DESCRIPTIONS[step].format(config=self._config))

    def _note_way(self, *, has_failed: bool = False) -> None:
        """Note what the first request has shown of the way to SLS."""
        contact = self._adapter.contact
        url = urlsplit(contact.url)
        if contact.proxy:
            self._note("proxy", "ok", f"{_hide_password(contact.proxy)} is used")
        elif url.hostname:
            port = url.port or _PORTS.get(url.scheme, 0)
            with suppress(OSError):
                found = resolve(url.hostname, port, _ANY_KIND, Deadline(self._seconds))
                addresses = dict.fromkeys(str(one[4][0]) for one in found)
                self._note("resolve", "ok", f"{url.hostname}: {', '.join(addresses)}")
        if has_failed:
            return
        self._note("connect", "ok", contact.address or "SLS has answered")
        self._note_tls(url.scheme)
        self._note_clock(contact.headers, contact.moment)

    def _note_tls(self, scheme: str) -> None:
        contact = self._adapter.contact
        if scheme != "https":
            found = "http: everybody on the way can read the logs"
            self._note("TLS", "warning", found, "begin SLS_ENDPOINT with https://")
            return
        self._note("TLS", "ok", contact.tls or "verified")
        with suppress(ValueError):
            self._note("certificate", "ok", describe_certificate(contact.certificate)[0])

    def _note_clock(self, headers: Mapping[str, str] | None, moment: float) -> None:
        skew = measure_skew(headers, moment)
        if skew is None:
            self._note("clock", "warning", "the answer of SLS has no date to compare with")
        elif abs(skew) < _NOTABLE_SKEW:
            self._note("clock", "ok", "it agrees with that of SLS within a minute")
        else:
            found = f"the clock of this machine is {format_skew(skew)}"
            self._note("clock", "warning", found, "set it: SLS refuses requests from 15 min on")

    def _note_shards(self, shards: Sequence[Mapping[str, Any]] | None) -> None:
        if shards is None:
            reason = "log:ListShards is not allowed"
            needed = "" if self._needs_shards else ", which shipping does not need"
            self._note("shards", "ok", f"not shown: {reason}{needed}")
            return
        kinds: dict[str, list[str]] = {}
        for shard in shards:
            kind = "read-only" if shard.get("status") == "readonly" else "read/write"
            created = float(shard.get("createTime") or 0)
            age = f" ({_format_age(time.time() - created)} old)" if created else ""
            kinds.setdefault(kind, []).append(f"{shard['shardID']}{age}")
        found = "; ".join(
            f"{len(names)} {kind}: {', '.join(names)}" for kind, names in kinds.items()
        )
        self._note("shards", "ok", found)

    def _check_group(self, client: sdk.LogClient, groups: sdk.GroupsResponse | None) -> None:
        """Note whether the consumer group exists, and where its checkpoints stand."""
        name = self._config.consumer_group_name
        listed = groups.get_consumer_groups() if groups else []
        self._has_group = any(one.get_consumer_group_name() == name for one in listed)
        answer = self._ask("GetCheckPoint", client.get_check_point, *self._place, name)
        if self._has_group:
            self._note("group", "ok", f"{name} exists")
        elif groups:
            start = describe_start(self._config)
            found = (
                f"{name} does not exist yet: the first start creates it, and begins with {start}"
            )
            self._note("group", "ok", found)
            return
        else:
            self._note("group", "ok", f"{name}; whether it exists is not known")
        if answer is not None:
            rows = answer.get_consumer_group_check_points()
            self._note("checkpoints", "ok", "; ".join(map(_describe_checkpoint, rows)) or "none")

    def _note_actions(self) -> None:
        """Note which RAM actions are missing, and which were not tried."""
        for operation in self._denied:
            action = ACTIONS[operation]
            if operation == "ListShards" and not self._needs_shards:  # see _note_shards
                continue
            if operation == "ListConsumerGroup":
                found = f"{action} is missing: a start does without it"
                self._note("RAM", "warning", found, "allow it, to see the group here")
            else:
                found = f"{action} is missing: {_CONSEQUENCES[operation]}"
                self._note(
                    "RAM", "failed", found, f"the policy of the RAM user must allow {action}"
                )
        allowed = dict.fromkeys(ACTIONS[operation] for operation in self._allowed)
        untried = _UNTRIED if self._has_group else ("CreateConsumerGroup", *_UNTRIED)
        names = ", ".join(ACTIONS[operation] for operation in untried)
        self._note(
            "RAM",
            "ok",
            f"allowed: {', '.join(allowed) or 'none'}; not tried, because that would change"
            f" something: {names}",
        )

    def _note(self, step: str, result: str, found: str, advice: str = "") -> None:
        self.findings.append(Finding(step=step, result=result, found=found, advice=advice))

    def _fail(self, trouble: Trouble) -> NoReturn:
        self._note(trouble.step, "failed", trouble.found, trouble.advice)
        raise _StepFailedError


_DESCRIPTIONS = {
    "signature": "the AccessKey and its secret belong together",
    "project": "{config.project}",
    "Logstore": "{config.logstore}",
}
_CONSEQUENCES = {
    "GetCheckPoint": "no shard can be taken up",
    "ListShards": "the end of the range is never reached",
    "GetCursor": "no log can be read",
}


def _describe_checkpoint(row: Mapping[str, Any]) -> str:
    shard, updated = row.get("shard"), float(row.get("updateTime") or 0) / 1e6
    if not row.get("checkpoint"):
        return f"shard {shard}: none"
    consumer = f" by {row['consumer']}" if row.get("consumer") else ""
    return f"shard {shard}: saved {_format_age(time.time() - updated)} ago{consumer}"


def _format_age(seconds: float) -> str:
    """Write a time in the largest unit that gives two or more."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def _hide_password(url: str) -> str:
    """Leave out the user and the password of a proxy's URL."""
    scheme, mark, rest = url.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
