"""What the library relies on in the SDK is there, in the release that is installed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from aliyun.log.consumer.checkpoint_tracker import ConsumerCheckpointTracker
from aliyun.log.consumer.shard_worker import ShardConsumerWorker

from sls_syslog.consumer import sdk
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.shipping import make_worker

PROTOCOLS: list[type] = [getattr(sdk, name) for name in sdk.__all__]


def list_members(protocol: type) -> list[str]:
    """The names of all attributes, properties and methods of a Protocol."""
    written = {
        name
        for name, value in vars(protocol).items()
        if (inspect.isfunction(value) or isinstance(value, property)) and not name.endswith("__")
    }
    return sorted(written | set(vars(protocol).get("__annotations__", {})))


def list_methods(protocol: type) -> dict[str, Callable[..., Any]]:
    return {
        name: vars(protocol)[name]
        for name in list_members(protocol)
        if inspect.isfunction(vars(protocol).get(name))
    }


def find_missing(protocol: type, real: object) -> list[str]:
    """The members of a Protocol that an object of the SDK's lacks."""
    return [name for name in list_members(protocol) if not hasattr(real, name)]


def find_refused(protocol: type, real: object) -> list[str]:
    """The parameters of a Protocol's methods that the SDK's own do not take by that name."""
    return [
        f"{name}({parameter.name})"
        for name, method in list_methods(protocol).items()
        for parameter in list(inspect.signature(method).parameters.values())[1:]
        if parameter.kind is not parameter.VAR_KEYWORD
        and hasattr(real, name)
        and parameter.name not in inspect.signature(getattr(real, name)).parameters
    ]


@pytest.fixture(scope="module")
def real() -> Iterator[dict[type, object]]:
    """An object of the SDK's for each Protocol, as a worker makes them; none is patched."""
    with SlsEmulator() as emulator, SyslogReceiver() as receiver:
        emulator.put_logs([{"n": "1"}], shard=0)
        worker = make_worker(emulator, receiver.settings())
        client = worker.consumer_client
        processor = worker.make_processor(*worker.process_args, **worker.process_kwargs)
        make_consumer: Any = ShardConsumerWorker
        make_tracker: Any = ConsumerCheckpointTracker
        option = worker.option
        consumer = make_consumer(
            client, 0, option.consumer_name, processor, option.cursor_position, "begin"
        )
        response = client.pull_logs(0, client.get_begin_cursor(0))
        place: Any = (option.project, option.logstore)
        groups = client.mclient.list_consumer_group(*place)
        yield {
            sdk.Answer: response,
            sdk.CheckpointsResponse: client.mclient.get_check_point(
                *place, option.consumer_group_name
            ),
            sdk.CheckpointTracker: make_tracker(client, option.consumer_name, 0),
            sdk.ConsumerClient: client,
            sdk.ConsumerGroup: groups.get_consumer_groups()[0],
            sdk.CursorResponse: client.mclient.get_cursor(*place, 0, "begin"),
            sdk.GroupsResponse: groups,
            sdk.HeartBeat: worker.heart_beat,
            sdk.LogClient: client.mclient,
            sdk.Options: option,
            sdk.Processor: processor,
            sdk.PullResponse: response,
            sdk.ShardConsumer: consumer,
            sdk.ShardsResponse: client.mclient.list_shards(*place),
            sdk.Worker: worker,
            sdk.WorkerLoop: worker,
        }


each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda kind: kind.__name__)


@each_protocol
def test_the_installed_sdk_has_all_that_we_rely_on(
    protocol: type, real: dict[type, object]
) -> None:
    assert find_missing(protocol, real[protocol]) == []


@each_protocol
def test_the_installed_sdk_s_methods_take_what_we_hand_them(
    protocol: type, real: dict[type, object]
) -> None:
    assert find_refused(protocol, real[protocol]) == []


def test_what_the_sdk_hands_on_is_of_the_kind_that_we_rely_on(real: dict[type, object]) -> None:
    client: Any = real[sdk.LogClient]
    consumer: Any = real[sdk.ShardConsumer]
    assert isinstance(client._session, requests.Session)
    assert client._credentials_auto_refresher is None
    assert consumer.shutdown is False
    assert consumer.checkpoint_tracker.consumer_group_client is real[sdk.ConsumerClient]
    # That of a batch is its identity: process() gets the object that pull_logs() parsed.
    response: Any = real[sdk.PullResponse]
    assert response.get_loggroup_list() is consumer.preprocessor(response)


class Lacking:
    """An object of the SDK's in a release that lacks one attribute, or whose method changed."""

    def __init__(self, real: object, lacks: str = "", changed: str = "") -> None:
        self._all = (real, lacks, changed)

    def __getattr__(self, name: str) -> Any:
        real, lacks, changed = self._all
        if name == lacks:
            raise AttributeError(name)
        return (lambda: None) if name == changed else getattr(real, name)


ATTRIBUTES = [(protocol, name) for protocol in PROTOCOLS for name in list_members(protocol)]


@pytest.mark.parametrize(
    ("protocol", "name"), ATTRIBUTES, ids=[f"{kind.__name__}.{name}" for kind, name in ATTRIBUTES]
)
def test_a_release_that_lacks_one_is_found_by_its_name(
    protocol: type, name: str, real: dict[type, object]
) -> None:
    assert find_missing(protocol, Lacking(real[protocol], lacks=name)) == [name]


def test_a_release_with_another_signature_is_found_by_its_parameter(
    real: dict[type, object],
) -> None:
    changed = Lacking(real[sdk.ConsumerClient], changed="get_begin_cursor")
    assert find_refused(sdk.ConsumerClient, changed) == ["get_begin_cursor(shard_id)"]
