"""What SLS refuses, and no retry mends: noted for each operation, until it works again."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from aliyun.log.logexception import LogException

from sls_syslog.consumer.refusals import REFUSAL_SECONDS, Refusals

PULL: tuple[Any, ...] = ("GET", "127", None, "/logstores/logs/shards/0", {"type": "log"}, {})
SHARDS: tuple[Any, ...] = ("GET", "127", None, "/logstores/logs/shards", {}, {})
GROUP = "/logstores/logs/consumergroups/cg"
CHECKPOINT: tuple[Any, ...] = ("POST", "127", "{}", GROUP, {"type": "checkpoint"}, {})


class Client:
    """The parts of the SDK's client that are watched; answers with an error, if there is one."""

    mproject, mlogstore = "127", "logs"

    def __init__(self) -> None:
        self.mclient = self
        self.now = 5.0
        self.error: Exception | None = None
        watched: Any = self
        self.refusals = Refusals(watched, lambda: self.now)

    def _send(self, *args: Any) -> object:
        if self.error:
            raise self.error
        return "answer"

    def refuse(self, code: str, status: int, request: Any = PULL, seconds: float = 30) -> None:
        """Refuse three times, within some seconds."""
        self.error = LogException(code, "x" * 1000, "id", status)
        for passes in (0, seconds / 2, seconds / 2):
            self.now += passes
            with pytest.raises(LogException):
                self.refusals(*request)
        self.error = None


@pytest.fixture
def client() -> Client:
    return Client()


def test_each_operation_is_named_and_counted_on_its_own(client: Client) -> None:
    """A range lists the shards, which needs a permission of its own."""
    client.refuse("Unauthorized", 401, SHARDS)
    client.refusals("GET", "127", None, GROUP, {"shard": 0}, {})  # GetCheckPoint works
    problem = client.refusals.describe_lasting(30)
    assert problem is not None
    assert problem.startswith("SLS has refused ListShards for 30 s: Unauthorized: xxx")


def test_it_lasts_from_the_first_refusal_to_the_last(client: Client) -> None:
    client.refuse("Unauthorized", 401)
    assert client.refusals.describe_lasting(31) is None
    problem = client.refusals.describe_lasting(30)
    assert problem is not None
    assert problem.startswith("SLS has refused PullLogs for 30 s: Unauthorized: xxx")
    assert len(problem) < 500
    client.now += 1000  # nothing was asked for meanwhile
    assert client.refusals.describe_lasting(31) is None


def test_once_it_works_it_is_forgotten(client: Client) -> None:
    client.refuse("Unauthorized", 401)
    assert client.refusals(*PULL) == "answer"
    assert client.refusals.describe_lasting(0) is None


def test_what_works_does_not_hide_another_operation(client: Client) -> None:
    client.refuse("Unauthorized", 401, CHECKPOINT)
    client.refusals(*PULL)
    problem = client.refusals.describe_lasting(30)
    assert problem is not None
    assert "ConsumerGroupUpdateCheckPoint" in problem


def test_one_refusal_is_not_enough(client: Client) -> None:
    client.error = LogException("LogStoreNotExist", "", "", 404)
    with pytest.raises(LogException):
        client.refusals(*PULL)
    assert client.refusals.describe_lasting(0) is None


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ReadQuotaExceed", 403),
        ("ShardReadQuotaExceed", 403),
        ("InternalServerError", 500),
        ("ServerBusy", 503),
        ("InvalidCursor", 400),
        ("ShardNotExist", 404),
        ("NotExistConsumerWithBody", 400),
        ("LogRequestError", 200),  # the SDK's own, for a network that fails
    ],
)
def test_what_a_retry_can_mend_is_none(
    code: str, status: int, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.refuse(code, status)
    assert client.refusals.describe_lasting(0) is None
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("LogStoreNotExist", 404, "deleted"),
        ("ProjectNotExist", 404, "another region"),
        ("ConsumerGroupNotExist", 404, "restart"),
        ("SignatureNotMatch", 401, "AccessKey"),
        ("InvalidAccessKeyId", 401, "AccessKey"),
        ("SecurityTokenExpired", 401, "credentials_refresher"),
        ("ProjectForbidden", 403, "RAM"),
        ("RequestTimeExpired", 400, "clock"),
        ("RequestTimeTooSkewed", 403, "clock"),
        ("SecurityToken.Expired", 401, "credentials_refresher"),
        ("Unauthorized", 401, "log:GetCursorOrData"),
    ],
)
def test_a_line_names_the_code_and_what_to_do_once_a_minute(
    code: str, status: int, advice: str, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.refuse(code, status)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    for part in ("127/logs", "PullLogs", code, advice):
        assert part in caplog.messages[0]
    client.refuse(code, status, seconds=REFUSAL_SECONDS)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.CRITICAL]


def test_a_group_that_was_deleted_is_known_at_once(client: Client) -> None:
    assert not client.refusals.is_group_deleted
    client.refuse("ConsumerGroupNotExist", 404)
    assert client.refusals.is_group_deleted
