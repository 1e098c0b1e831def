"""Says what an error of SLS means, and which variable to change; ``ADVICE`` is the table for it.

It must not send a request. It shows what SLS has answered shortened, and without line breaks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from aliyun.log.consumer import LogHubConfig
from aliyun.log.logexception import LogException
from requests import RequestException, Response, Timeout
from requests.exceptions import ProxyError, SSLError, TooManyRedirects

from sls_syslog.errors import SourceError, short_repr
from sls_syslog.network.resolver import is_lookup_error, is_unknown_name

__all__ = [
    "ACTIONS",
    "ADVICE",
    "Advice",
    "Trouble",
    "TroubleError",
    "describe_refusal",
    "explain",
    "explain_timeout",
    "format_place",
    "format_skew",
    "is_refused_for_good",
    "measure_skew",
]

ACTIONS = {
    "ListConsumerGroup": "log:ListConsumerGroup",
    "CreateConsumerGroup": "log:CreateConsumerGroup",
    "UpdateConsumerGroup": "log:UpdateConsumerGroup",
    "ConsumerGroupHeartBeat": "log:ConsumerGroupHeartBeat",
    "ConsumerGroupUpdateCheckPoint": "log:ConsumerGroupUpdateCheckPoint",
    "GetCheckPoint": "log:GetConsumerGroupCheckPoint",
    "GetCursor": "log:GetCursorOrData",
    "PullLogs": "log:GetCursorOrData",
    "ListShards": "log:ListShards",
}
"""The RAM action that allows an operation, by the operation's name in the API reference."""


class Advice(NamedTuple):
    """What to do after an answer of SLS.

    Attributes:
        step: The step of ``check_source`` that has failed then.
        text: What to do; ``{actions}`` and ``{skew}`` are filled in.
    """

    step: str
    text: str


_DENIED = Advice(
    "RAM",
    "the policy of the RAM user must allow {actions}, and the AccessKey SLS_AK_ID be enabled",
)
_NO_KEY = Advice(
    "signature", "SLS_AK_ID names no enabled AccessKey: copy it again, or enable the AccessKey"
)
_OTHER_ACCOUNT = Advice(
    "project", "check SLS_PROJECT; if it is right, SLS_AK_ID is an AccessKey of another account"
)
_CLOCK = Advice("clock", "set the clock of this machine{skew}")
_TOKEN = Advice(
    "signature",
    "the STS token has expired or does not belong to the AccessKey SLS_AK_ID: get a new one, or"
    " give consumer_config a credentials_refresher, which gets new tokens",
)

ADVICE = {
    "ProjectNotExist": Advice(
        "project",
        "check SLS_PROJECT; if the project is in another region, set SLS_ENDPOINT to that of its"
        " region; if it was deleted, create it again",
    ),
    "LogStoreNotExist": Advice(
        "Logstore",
        "check SLS_LOGSTORE; if the Logstore was deleted or renamed, create it again",
    ),
    "ConsumerGroupNotExist": Advice(
        "group", "the consumer group SLS_CG was deleted; a restart creates it again"
    ),
    "ConsumerGroupQuotaExceed": Advice(
        "group",
        "the Logstore has as many consumer groups as it may have (30): set SLS_CG to one of them,"
        " or delete one that nobody uses",
    ),
    "SignatureNotMatch": Advice(
        "signature", "SLS_AK_KEY is not the secret of the AccessKey SLS_AK_ID: copy both again"
    ),
    "InvalidAccessKeyId": _NO_KEY,
    "InvalidAccessKeyId.NotFound": _NO_KEY,
    "MissAccessKeyId": _NO_KEY,
    "Unauthorized": _DENIED,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestTimeExpired": _CLOCK,
    "SecurityTokenExpired": _TOKEN,
    "SecurityToken.Expired": _TOKEN,
    "InvalidSecurityToken": _TOKEN,
    "SecurityTokenInvalid": _TOKEN,
}
"""What to do, by the error code of SLS."""

# What SLS writes into the message of Unauthorized, and what it means.
_UNAUTHORIZED = {
    "accesskeyid": _NO_KEY,  # "AccessKeyId not found: ...", "AccessKeyId is inactive: ..."
    "belong to": _OTHER_ACCOUNT,  # "The project does not belong to you."
    "securitytoken": _TOKEN,
    "security token": _TOKEN,
}
_NAMED_ACTION = "action: log:"  # "denied by sts or ram, action: log:ListShards, resource: ..."
_OTHER_ANSWER = Advice(
    "request", "check SLS_PROJECT, SLS_LOGSTORE and SLS_CG; the API reference of SLS has the code"
)
_SERVER = Advice("request", "this is a failure of SLS itself, which ends with time")
_UNAUTHORIZED_STATUS, _FORBIDDEN = 401, 403
_SERVER_ERROR = 500  # first HTTP status that blames the server
# Steps that fail if the project is written twice in the name of the host.
_NAMING_STEPS = ("resolve", "TLS", "project")
_LONGEST_CODE = 80  # characters of an error code to keep: a proxy may answer in place of SLS
_LONGEST_MESSAGE = 200
_LONGEST_CHAIN = 20  # causes of an error to look at


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a request has failed.

    Attributes:
        step: The step of ``check_source`` that has failed.
        found: What SLS has answered, or why nothing has.
        advice: What to do.
        code: The error code of SLS; ``None`` without an answer.
        request_id: The id of the request; ``None`` without an answer.
        may_mend: Whether a retry may help.
        is_unknown_name: Whether DNS says that there is no such name.
    """

    step: str
    found: str
    advice: str
    code: str | None = None
    request_id: str | None = None
    may_mend: bool = False
    is_unknown_name: bool = False

    def describe(self, place: str) -> str:
        """Say in one line what has failed, why, and what to do."""
        if self.code is None:
            return f"SLS cannot be reached, {place}: {self.found}; {self.advice}"
        if self.may_mend:
            return f"SLS cannot serve {place}: {self.found}; {self.advice}"
        return f"SLS refuses to serve {place}: {self.found}; {self.advice}"

    def make_error(self, place: str) -> SourceError:
        """Make the error of a request that has failed."""
        return SourceError(self.describe(place), code=self.code, request_id=self.request_id)


class TroubleError(Exception):
    """Raised when a request has failed.

    Attributes:
        trouble: Why.
    """

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.found)
        self.trouble = trouble


def format_place(config: LogHubConfig, *, with_group: bool = False) -> str:
    """Return what is read from SLS, and where, for an error or a log line."""
    group = f" (consumer group {config.consumer_group_name})" if with_group else ""
    return f"{config.project}/{config.logstore}{group} at {config.endpoint}"


def explain(error: LogException, config: LogHubConfig, operations: Sequence[str]) -> Trouble:
    """Say why a request has failed.

    Args:
        error: What the SDK has raised.
        config: Says where the request went.
        operations: The operation, or the possible operations.
    """
    trouble = _explain(error, config, operations)
    if trouble.step in _NAMING_STEPS and _get_host(config).startswith(f"{config.project}."):
        advice = f"leave the project out of SLS_ENDPOINT, or {trouble.advice}"
        return replace(trouble, advice=advice)
    return trouble


def _explain(error: LogException, config: LogHubConfig, operations: Sequence[str]) -> Trouble:
    cause = error.__context__
    if isinstance(cause, RequestException) and cause.response is not None:
        return _explain_failure(cause.response)
    if not _get_headers(error) and cause is not None:
        return _explain_silence(cause, config)
    if not error.get_request_id():
        return _explain_stranger(error.get_resp_status(), str(error.get_resp_body()), config)
    return _explain_answer(error, operations)


def explain_timeout(config: LogHubConfig) -> Trouble:
    """Say what it means that no answer comes."""
    return Trouble(
        step="connect",
        found="no answer in time",
        advice=f"check SLS_ENDPOINT ({short_repr(config.endpoint)}: an internal or VPC endpoint"
        " answers inside Alibaba Cloud only), and the firewalls on the way",
        may_mend=True,
    )


def describe_refusal(error: LogException, operation: str) -> str:
    """Say what SLS has answered, and what to do."""
    trouble = _explain_answer(error, [operation])
    return f"{trouble.found}; {trouble.advice}"


def is_refused_for_good(error: LogException) -> bool:
    """Return whether SLS refuses what it has served before, and no retry can mend that.

    A quota can be mended: it is a matter of seconds.
    """
    status, code = error.get_resp_status(), error.get_error_code()
    is_denied = status == _UNAUTHORIZED_STATUS or (status == _FORBIDDEN and "Quota" not in code)
    return is_denied or code in ADVICE


def measure_skew(headers: object, now: float) -> float | None:
    """Return by how many seconds this machine's clock is ahead of SLS's.

    Args:
        headers: The headers of an answer.
        now: When the answer came, on the clock of this machine.

    Returns:
        The seconds, negative if it is behind; ``None`` if the answer has no date.
    """
    if not isinstance(headers, Mapping):
        return None
    dates = [value for name, value in headers.items() if str(name).lower() == "date"]
    with suppress(TypeError, ValueError, IndexError):
        return now - parsedate_to_datetime(dates[0]).timestamp()
    return None


def _get_headers(error: LogException) -> object:
    """Return the headers of the answer; empty if there is none."""
    return getattr(error, "resp_header", None)


def _explain_answer(error: LogException, operations: Sequence[str]) -> Trouble:
    """Say what a refusal of SLS means."""
    code, message = error.get_error_code(), error.get_error_message()
    advice = ADVICE.get(code)
    if code == "Unauthorized":
        written = message.lower()
        found = (row for text, row in _UNAUTHORIZED.items() if text in written)
        advice = _DENIED if _NAMED_ACTION in written else next(found, _DENIED)
    elif advice is None:
        is_denied = error.get_resp_status() in (_UNAUTHORIZED_STATUS, _FORBIDDEN)
        advice = _DENIED if is_denied else _OTHER_ANSWER
    skew = measure_skew(_get_headers(error), time.time())
    text = advice.text.format(
        actions=_find_action(message) or _join_actions(operations),
        skew=f", which is {format_skew(skew)}" if skew is not None else "",
    )
    return Trouble(
        step=advice.step,
        found=_format_answer(code, message, error.get_request_id()),
        advice=text,
        code=_shorten(code, _LONGEST_CODE),
        request_id=error.get_request_id() or None,
        may_mend="Quota" in code and code not in ADVICE,
    )


def format_skew(skew: float) -> str:
    """Say how far this machine's clock is ahead of SLS's, or behind it."""
    return f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} that of SLS"


def _find_action(message: str) -> str | None:
    """Return the RAM action that SLS names in its message."""
    _, _, rest = message.partition(_NAMED_ACTION)
    name = rest.partition(",")[0].strip()
    return f"log:{name}" if name.isalnum() else None


def _join_actions(operations: Sequence[str]) -> str:
    actions = dict.fromkeys(ACTIONS.get(name, "what the RAM page lists") for name in operations)
    return " and ".join(actions)


def _explain_failure(response: Response) -> Trouble:
    """Say what an answer means that blames SLS itself, or a proxy before it."""
    request_id = response.headers.get("x-log-requestid")
    code, message = f"status {response.status_code}", ""
    with suppress(ValueError, TypeError, KeyError):
        content = response.json()
        code, message = str(content["errorCode"]), str(content["errorMessage"])
    return Trouble(
        step=_SERVER.step,
        found=_format_answer(code, message, request_id or ""),
        advice=_SERVER.text
        if request_id
        else "if it lasts, check SLS_ENDPOINT, and look for a proxy before SLS",
        code=_shorten(code, _LONGEST_CODE),
        request_id=request_id,
        may_mend=True,
    )


def _explain_stranger(status: int, body: str, config: LogHubConfig) -> Trouble:
    """Say what to look at if the answer is none of SLS."""
    found = f"what answers is not SLS (status {status})"
    advice = "set SLS_ENDPOINT to the endpoint of SLS, and look for a proxy before it"
    if "https" in body.lower() and not config.endpoint.lower().startswith("https://"):
        found, advice = "the port wants https", "begin SLS_ENDPOINT with https://"
    return Trouble(step="connect", found=found, advice=advice)


def _explain_silence(error: BaseException, config: LogHubConfig) -> Trouble:
    """Say why there is no answer."""
    chain = list(_list_causes(error))
    endpoint = f"SLS_ENDPOINT ({short_repr(config.endpoint)})"
    if any(isinstance(one, TooManyRedirects) for one in chain):
        return Trouble(step="connect", found=_shorten(str(error)), advice="check SLS_ENDPOINT")
    system = [one for one in chain if isinstance(one, OSError) and one.strerror]
    cause = _shorten(str(system[-1].strerror if system else error))
    if any(isinstance(one, ProxyError) for one in chain):
        return Trouble(
            step="connect",
            found=f"the proxy does not let us through: {cause}",
            advice="check the variables http_proxy, https_proxy and no_proxy",
            may_mend=True,
        )
    if any(map(is_lookup_error, chain)):
        is_unknown = any(map(is_unknown_name, chain))
        return Trouble(
            step="resolve",
            found=f"{config.project}.{_get_host(config)}: {cause}",
            advice=f"check {endpoint}, such as cn-hangzhou.log.aliyuncs.com, and SLS_PROJECT"
            if is_unknown
            else f"check the DNS of this machine, and {endpoint}",
            may_mend=True,
            is_unknown_name=is_unknown,
        )
    if any(isinstance(one, SSLError) for one in chain):
        return _explain_handshake(chain, cause, config)
    if any(isinstance(one, (Timeout, TimeoutError)) for one in chain):
        return explain_timeout(config)
    return Trouble(
        step="connect", found=cause, advice=f"check {endpoint}, its scheme and port", may_mend=True
    )


def _get_host(config: LogHubConfig) -> str:
    """Return the host of the endpoint; the SDK puts the project before it."""
    host: str = config.endpoint.partition("://")[2] or config.endpoint
    return host.partition("/")[0].partition(":")[0]


def _explain_handshake(chain: Sequence[BaseException], cause: str, config: LogHubConfig) -> Trouble:
    reasons = {str(getattr(one, "reason", "")) for one in chain}
    problems = [one.verify_message for one in chain if hasattr(one, "verify_message")]
    if reasons & {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
        found = "the port does not speak TLS"
        advice = "begin SLS_ENDPOINT with http://, or name the port for https in it"
    elif problems:
        found = f"the certificate is not trusted: {_shorten(str(problems[-1]))}"
        advice = (
            f"check SLS_ENDPOINT ({short_repr(config.endpoint)}) and the clock; if a proxy opens"
            " TLS, set REQUESTS_CA_BUNDLE to the file of its CA"
        )
    else:
        found = f"the TLS handshake fails: {cause}"
        advice = "check SLS_ENDPOINT, its scheme and port"
        return Trouble(step="TLS", found=found, advice=advice, may_mend=True)
    return Trouble(step="TLS", found=found, advice=advice)


def _list_causes(error: BaseException) -> Iterator[BaseException]:
    """List an error and all that it comes from, the outermost first."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _LONGEST_CHAIN:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        nested = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [other for other in nested if isinstance(other, BaseException)]


def _format_answer(code: str, message: str, request_id: str) -> str:
    shown = f"{_shorten(code, _LONGEST_CODE)}: {_shorten(message)}" if message else code
    return f"{shown} (request id {_shorten(request_id, _LONGEST_CODE)})" if request_id else shown


def _shorten(text: str, limit: int = _LONGEST_MESSAGE) -> str:
    """Put a text of somebody else on one line, without what steers a terminal."""
    line = " ".join(text.split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in line)
    return shown if len(shown) <= limit else f"{shown[:limit]}..."
