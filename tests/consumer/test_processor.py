"""The processor under the real ``ConsumerWorker``: no fault may cost a log."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest
from aliyun.log.consumer import ConsumerProcessorBase, CursorPosition
from aliyun.log.consumer.checkpoint_tracker import ConsumerCheckpointTracker

from sls_syslog import (
    SettingsError,
    Severity,
    ShipperSettings,
    ShipperStats,
    SyslogClient,
    SyslogShipperProcessor,
    TransportError,
)
from sls_syslog.consumer.patches import patch_tracker
from sls_syslog.consumer.shard import Shard
from sls_syslog.encoding.encoder import LogEncoder
from sls_syslog.testing import SlsEmulator, SyslogReceiver
from tests.support.broken_logging import InterruptError, RaisingHandler, handling
from tests.support.datagrams import refuse_larger_datagrams
from tests.support.flattening import flatten
from tests.support.shipping import (
    GROUP,
    assert_balanced,
    make_worker,
    numbers,
    shipping,
)
from tests.support.timings import probe_soon
from tests.support.waiting import eventually

LOGS = 100


def fill(emulator: SlsEmulator, logs: int = LOGS) -> None:
    """Logs 0, 1, 2 ... in groups of ten, over all shards."""
    for first in range(0, logs, 10):
        emulator.put_logs([{"n": str(n)} for n in range(first, first + 10)], topic="t", source="s")


def quick(receiver: SyslogReceiver, **settings: Any) -> dict[str, Any]:
    """Settings under which failures are over soon."""
    return {**receiver.settings(), "timeout": 5, "retry_seconds": 0.5, **settings}


@pytest.fixture
def roll_backs(caplog: pytest.LogCaptureFixture) -> Callable[[], Counter[Any]]:
    """How often each shard has been rolled back so far."""
    caplog.set_level(logging.DEBUG, logger="sls_syslog.consumer")

    def count() -> Counter[Any]:
        return Counter(
            record.args[0]
            for record in caplog.records
            if record.msg.startswith("shard %s: SLS will deliver its logs again")
            and isinstance(record.args, tuple)
        )

    return count


def test_logs_are_shipped_and_the_checkpoints_end_at_the_end(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    fill(sls_emulator)
    with shipping(sls_emulator, quick(syslog_receiver)):
        sls_emulator.wait_until_drained(GROUP)
    assert numbers(syslog_receiver) == list(range(LOGS))
    assert len(syslog_receiver.frames) == LOGS
    assert sls_emulator.checkpoints(GROUP) == sls_emulator.end_cursors()


def test_the_default_message_is_the_documented_one(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs(
        [{"b": "2", "a": "1", "empty": ""}],
        topic="nginx",
        source="192.0.2.1",
        tags={"__path__": "/var/log/a"},
    )
    with shipping(sls_emulator, quick(syslog_receiver)):
        syslog_receiver.wait_for(1)
    (message,) = syslog_receiver.messages
    assert message.msg == (
        "||__topic__=nginx||__source__=192.0.2.1||__tag__:__path__=/var/log/a||b=2||a=1||empty="
    )


def test_a_restart_goes_on_at_the_checkpoint(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    fill(sls_emulator)
    with shipping(sls_emulator, quick(syslog_receiver)):
        sls_emulator.wait_until_drained(GROUP)
    syslog_receiver.clear()
    sls_emulator.put_logs([{"n": "100"}], topic="t", source="s")
    with shipping(sls_emulator, quick(syslog_receiver)):
        sls_emulator.wait_until_drained(GROUP)
    assert numbers(syslog_receiver) == [100]
    assert len(syslog_receiver.frames) == 1


def test_a_receiver_that_is_down_at_start_is_waited_for(
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    caplog: pytest.LogCaptureFixture,
    roll_backs: Callable[[], Counter[Any]],
) -> None:
    caplog.set_level(logging.DEBUG, logger="sls_syslog")
    fill(sls_emulator)
    syslog_receiver.stop_listening()
    with shipping(sls_emulator, quick(syslog_receiver)):
        # The first roll-back gives the batches back to SLS; the next ones have nothing to give.
        eventually(lambda: all(roll_backs()[shard] >= 2 for shard in sls_emulator.end_cursors()))
        pulls = sls_emulator.calls["PullLogs"]
        seen = roll_backs()
        eventually(lambda: all(roll_backs()[shard] >= seen[shard] + 2 for shard in seen))
        assert sls_emulator.calls["PullLogs"] == pulls, "fetched, and nobody to send it to"
        assert not any(
            sls_emulator.checkpoints(GROUP)[shard] == end
            for shard, end in sls_emulator.end_cursors().items()
            if shard in sls_emulator.checkpoints(GROUP)
        )
        syslog_receiver.listen_again()
        sls_emulator.wait_until_drained(GROUP)
    assert numbers(syslog_receiver) == list(range(LOGS))
    said = [record for record in caplog.records if record.name == "sls_syslog.network"]
    assert [record.levelname for record in said] == ["WARNING", "INFO"]
    assert f"tcp://127.0.0.1:{syslog_receiver.port}" in said[0].getMessage()


class Documented(ConsumerProcessorBase):
    """The documented pattern: raise when sending fails, leave shutdown to the SDK."""

    failed_shards: ClassVar[set[int]] = set()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self.host, self.port = settings["host"], settings["port"]

    def process(self, log_groups: Any, check_point_tracker: Any) -> None:
        try:
            with SyslogClient(self.host, self.port) as client:
                for log in flatten(log_groups):
                    client.log(f"||n={log['n']}")
        except TransportError:
            self.failed_shards.add(self.shard_id)
            raise
        self.save_checkpoint(check_point_tracker)


@pytest.mark.parametrize(
    ("processor", "lost"), [(Documented, True), (SyslogShipperProcessor, False)]
)
def test_a_shutdown_during_an_outage_saves_only_what_was_delivered(
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    roll_backs: Callable[[], Counter[Any]],
    processor: Any,
    lost: bool,
) -> None:
    fill(sls_emulator)
    syslog_receiver.stop_listening()
    Documented.failed_shards.clear()
    with shipping(sls_emulator, quick(syslog_receiver), processor):
        eventually(lambda: Documented.failed_shards | roll_backs().keys() == {0, 1})
    assert (sls_emulator.checkpoints(GROUP) == sls_emulator.end_cursors()) is lost
    syslog_receiver.listen_again()
    with shipping(sls_emulator, quick(syslog_receiver)):
        sls_emulator.wait_until_drained(GROUP)
    assert (numbers(syslog_receiver) == list(range(LOGS))) is not lost


def test_connections_that_are_reset_all_the_time_lose_nothing(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    fill(sls_emulator, 2000)
    with shipping(sls_emulator, quick(syslog_receiver), max_fetch_log_group_size=5):
        for _ in range(20):
            syslog_receiver.reset_connections()
            time.sleep(0.05)
        sls_emulator.wait_until_drained(GROUP)
    assert numbers(syslog_receiver) == list(range(2000))


@pytest.mark.gate
def test_checkpoints_that_cannot_be_saved_neither_stop_the_worker_nor_lose_anything(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    fill(sls_emulator)
    sls_emulator.fail(
        "ConsumerGroupUpdateCheckPoint", status=400, code="InvalidShardCheckPoint", times=None
    )
    with shipping(sls_emulator, quick(syslog_receiver)) as worker:
        syslog_receiver.wait_for(LOGS)
        sls_emulator.clear_faults()
        sls_emulator.put_logs([{"n": "100"}], shard=0, topic="t", source="s")
        sls_emulator.put_logs([{"n": "101"}], shard=1, topic="t", source="s")
        sls_emulator.wait_until_drained(GROUP)
        assert worker.is_alive()
    assert numbers(syslog_receiver) == list(range(LOGS + 2))


def test_an_empty_shard_keeps_the_place_where_it_began(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    with shipping(sls_emulator, quick(syslog_receiver)):
        eventually(lambda: sls_emulator.calls["PullLogs"] >= 4)
    assert sls_emulator.checkpoints(GROUP) == sls_emulator.begin_cursors()


def test_making_a_processor_touches_no_network() -> None:
    processor = SyslogShipperProcessor({"host": "no.such.name.invalid"})
    processor.initialize(3)
    processor.initialize(3)
    assert processor.shard_id == 3


def test_a_wrong_setting_is_refused_by_the_processor_too() -> None:
    with pytest.raises(SettingsError, match=r"protocol.*tlss.*did you mean 'tls'"):
        SyslogShipperProcessor({"host": "siem", "protocol": "tlss"})


def test_where_a_shard_began_outlives_a_crash(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    """With END as start position, "the end" would be another place after a restart (L7)."""
    syslog_receiver.stop_listening()
    with shipping(sls_emulator, quick(syslog_receiver), cursor_position=CursorPosition.END_CURSOR):
        eventually(lambda: sls_emulator.calls["PullLogs"] >= 2)
        began = sls_emulator.end_cursors()
        fill(sls_emulator)
        eventually(lambda: sls_emulator.checkpoints(GROUP) == began)


def test_without_run_worker_an_expired_cursor_does_not_skip_to_the_end_either(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    worker = make_worker(sls_emulator, quick(syslog_receiver))
    for n in range(4):
        sls_emulator.put_logs([{"n": str(n)}], shard=0)
    worker.start()
    try:
        syslog_receiver.wait_for(4)
        sls_emulator.fail("PullLogs", status=404, code="ShardNotExist", times=None)
        for n in range(4, 10):
            sls_emulator.put_logs([{"n": str(n)}], shard=0)
        sls_emulator.expire(0, 6)
        sls_emulator.clear_faults()
        syslog_receiver.wait_for(8)
    finally:
        worker.shutdown()
        worker.join(20)
    assert numbers(syslog_receiver) == [0, 1, 2, 3, 6, 7, 8, 9]


def test_an_event_id_is_the_same_whatever_the_borders_of_batches_are(
    syslog_receiver: SyslogReceiver,
) -> None:
    def ids(batch: int) -> dict[str, str]:
        syslog_receiver.clear()
        emulator.delete_consumer_group(GROUP)
        with shipping(
            emulator,
            quick(syslog_receiver, event_id=True, payload="json", enterprise_id=32473),
            max_fetch_log_group_size=batch,
        ):
            syslog_receiver.wait_for(LOGS, timeout=30)
        found = {}
        for message in syslog_receiver.messages:
            body = json.loads(message.msg)
            found[body["n"]] = body["__event_id__"]
            params = dict((message.structured_data or {})["sls@32473"])
            assert params["__event_id__"] == body["__event_id__"]
            assert params["__topic__"] == "t"
        return found

    with SlsEmulator(shards=2) as emulator:
        fill(emulator)
        with shipping(emulator, quick(syslog_receiver)):
            emulator.wait_until_drained(GROUP)
        one_by_one, all_at_once = ids(1), ids(1000)
    assert one_by_one == all_at_once
    assert len(set(one_by_one.values())) == LOGS


@pytest.mark.gate
def test_event_ids_stay_unique_and_the_same_when_logs_expire(
    syslog_receiver: SyslogReceiver,
) -> None:
    def ids(batch: int, logs: int) -> list[str]:
        syslog_receiver.clear()
        with shipping(
            emulator,
            quick(syslog_receiver, event_id=True, payload="json"),
            max_fetch_log_group_size=batch,
            consumer_group_name=f"{GROUP}-{batch}",
        ):
            syslog_receiver.wait_for(logs, timeout=30)
        assert emulator.checkpoints(f"{GROUP}-{batch}") == emulator.end_cursors()
        return [json.loads(message.msg)["__event_id__"] for message in syslog_receiver.messages]

    with SlsEmulator() as emulator:
        for _ in range(3):
            emulator.put_logs([{"same": "content"}], time=1_700_000_000)
        for batch in (5, 3):
            ids(batch, logs=3)
        for _ in range(17):
            emulator.put_logs([{"same": "content"}], time=1_700_000_000)
        emulator.expire(0, 6)
        by_five, by_three = ids(5, logs=14), ids(3, logs=14)
    assert by_five == by_three
    assert len(set(by_five)) == 14


@pytest.mark.parametrize(("oversize", "count"), [("truncate", 1), ("split", 3), ("drop", 0)])
def test_a_log_that_is_too_long_stalls_nothing(
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    caplog: pytest.LogCaptureFixture,
    oversize: str,
    count: int,
) -> None:
    long = {"n": "1", "text": "日" * 400}
    sls_emulator.put_logs([{"n": "0"}, long, long, {"n": "2"}], shard=0)
    settings = quick(syslog_receiver, max_message_bytes=600, oversize=oversize)
    with shipping(sls_emulator, settings):
        sls_emulator.wait_until_drained(GROUP)
    assert len(syslog_receiver.frames) == 2 + 2 * count
    assert all(len(message.raw) <= 600 for message in syslog_receiver.messages)
    warnings = [record for record in caplog.records if record.name == "sls_syslog.encoding"]
    assert len(warnings) == 1
    place = f"127/logs/0, batch at cursor {sls_emulator.begin_cursors()[0]}"
    assert place in warnings[0].getMessage()


@pytest.mark.parametrize("limit", [9216, 500])
@pytest.mark.parametrize("oversize", ["truncate", "split", "drop"])
def test_what_no_datagram_of_this_system_carries_is_treated_as_the_settings_say(
    sls_emulator: SlsEmulator, monkeypatch: pytest.MonkeyPatch, oversize: str, limit: int
) -> None:
    """The system does not tell its limit, so it is learnt from what it refuses."""
    refuse_larger_datagrams(monkeypatch, limit)
    long = {"text": "x" * 20_000}
    sls_emulator.put_logs([{"n": "0"}, long, {"n": "1"}, long, {"n": "2"}], shard=0)
    with SyslogReceiver("udp") as receiver:
        with shipping(sls_emulator, quick(receiver, oversize=oversize)) as worker:
            sls_emulator.wait_until_drained(GROUP)
            counts = worker.shard_consumers[0].processor.stats.snapshot()
        raw = {message.raw for message in receiver.messages}
    assert {str(n) for n in range(3)} <= {text[-1:].decode() for text in raw}
    sent = sum(text.count(b"x") for text in raw)
    dropped = counts["dropped"]["oversize"]
    assert (counts["confirmed"], dropped) == ((3, 2) if oversize == "drop" else (5, 0))
    if oversize == "split":
        assert sent >= 20_000
    else:
        assert bool(sent) == (oversize == "truncate")


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_megabyte_of_text_stalls_nothing(protocol: str, sls_emulator: SlsEmulator) -> None:
    sls_emulator.put_logs([{"n": "0"}, {"text": "x" * 1_000_000}, {"n": "2"}], shard=0)
    with SyslogReceiver(protocol) as receiver:
        with shipping(sls_emulator, quick(receiver)):
            sls_emulator.wait_until_drained(GROUP)
            receiver.wait_for(3)
        sizes = [len(message.raw) for message in receiver.messages]
    assert sizes[1] == (65_507 if protocol == "udp" else max(sizes)) > 60_000


def test_a_byte_order_mark_comes_only_when_it_is_asked_for(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs([{"n": "0"}], shard=0)
    with shipping(sls_emulator, quick(syslog_receiver, bom=True)):
        syslog_receiver.wait_for(1)
    (message,) = syslog_receiver.messages
    assert message.bom
    assert message.msg.startswith("||__topic__=")


def test_what_was_done_to_logs_is_counted(syslog_receiver: SyslogReceiver) -> None:
    with SlsEmulator() as emulator:
        emulator.put_logs(
            [
                {"bytes": b"\xff", "__topic__": "forged"},
                [("twice", "1"), ("twice", "2")],
                {"lines": "a\nb", "n": "1"},
            ],
            source="two words",
        )
        settings = quick(syslog_receiver, hostname="{__source__}")
        with shipping(emulator, settings, Customised) as worker:
            emulator.wait_until_drained(GROUP)
            (consumer,) = worker.shard_consumers.values()
            numbers_now = consumer.processor.stats.snapshot()["shards"][f"127/logs/{GROUP}/0"]
    repaired = numbers_now["repaired"]
    assert repaired["utf8"] == 1
    assert repaired["reserved_key"] == 1
    assert repaired["duplicate_key"] == 1
    assert repaired["hook_failed"] > 0
    assert numbers_now["received"] == 3
    assert numbers_now["filtered"] == 1
    assert numbers_now["confirmed"] == 2


# --- hooks ------------------------------------------------------------------------


class Customised(SyslogShipperProcessor):
    """Overrides every hook."""

    def format_message(self, log: Mapping[str, str]) -> str | None:
        return None if log["n"] == "1" else f"number {log['n']}\nof {log['__topic__']}"

    def severity(self, log: Mapping[str, str]) -> Severity:
        return Severity.ERROR if log["n"] == "2" else super().severity(log)  # type: ignore[return-value]

    def facility(self, log: Mapping[str, str]) -> str:
        return "local7"

    def hostname(self, log: Mapping[str, str]) -> str:
        return f"host of {log['n']}"

    def app_name(self, log: Mapping[str, str]) -> str:
        return "应用"

    def structured_data(self, log: Mapping[str, str]) -> dict[str, dict[str, str]]:
        return {"n@32473": {"value": log["n"]}}


def test_hooks_decide_what_is_sent(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs([{"n": str(n)} for n in range(4)], topic="t")
    with shipping(sls_emulator, quick(syslog_receiver), Customised):
        sls_emulator.wait_until_drained(GROUP)
    messages = syslog_receiver.messages
    assert [message.msg for message in messages] == [rf"number {n}\nof t" for n in (0, 2, 3)]
    assert [message.severity for message in messages] == [6, 3, 6]
    assert {message.facility for message in messages} == {23}
    assert messages[0].hostname == "host_of_0"
    assert messages[0].app_name == "__"
    assert messages[0].structured_data == {"n@32473": [("value", "0")]}


class Broken(SyslogShipperProcessor):
    """A hook with a mistake in it."""

    def format_message(self, log: Mapping[str, str]) -> str:
        return log["no such field"]

    def severity(self, log: Mapping[str, str]) -> int:
        return 99


def test_a_hook_that_fails_costs_no_log(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    fill(sls_emulator)
    with shipping(sls_emulator, quick(syslog_receiver), Broken):
        sls_emulator.wait_until_drained(GROUP)
    assert numbers(syslog_receiver) == list(range(LOGS))
    assert {message.severity for message in syslog_receiver.messages} == {6}
    reported = [record for record in caplog.records if record.name == "sls_syslog.encoding"]
    assert len(reported) == 2 * 2  # two hooks, two shards, and not a hundred logs


class Exiting(SyslogShipperProcessor):
    """A hook that tries to end the program, twice."""

    exits = 2

    def format_message(self, log: Mapping[str, str]) -> str | None:
        if Exiting.exits:
            Exiting.exits -= 1
            sys.exit("from a hook")
        return super().format_message(log)


def test_a_hook_that_exits_ends_no_thread_and_loses_nothing(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    fill(sls_emulator)
    with shipping(sls_emulator, quick(syslog_receiver), Exiting):
        sls_emulator.wait_until_drained(GROUP)
    assert numbers(syslog_receiver) == list(range(LOGS))


def test_settings_objects_and_dicts_are_the_same(syslog_receiver: SyslogReceiver) -> None:
    mapping = syslog_receiver.settings()
    settings = ShipperSettings.from_mapping(mapping)
    assert SyslogShipperProcessor(settings).settings is settings
    assert SyslogShipperProcessor(mapping).settings.port == settings.port


def test_its_repr_names_shard_and_receiver_and_no_secret(syslog_receiver: SyslogReceiver) -> None:
    settings = ShipperSettings.from_mapping({**syslog_receiver.settings(), "tag": "hunter2"})
    processor = Customised(settings)
    processor.initialize(3)
    assert repr(processor) == f"<Customised: shard 3 to {settings.destination}>"


# --- windows, replays, receivers that never close -----------------------------------


def test_a_quiet_shard_gets_its_checkpoint_while_the_worker_goes_on(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    """Without ``run_worker``: the SDK's empty fetches are what confirms the last window."""
    worker = make_worker(sls_emulator, quick(syslog_receiver))
    worker.start()
    try:
        for n in range(6):
            sls_emulator.put_logs([{"n": str(n)}], shard=0)
            syslog_receiver.wait_for(n + 1)
        sls_emulator.wait_until_drained(GROUP)
        assert syslog_receiver.connections < 6
    finally:
        worker.shutdown()
        worker.join()


@pytest.mark.gate
def test_a_plain_receiver_that_never_closes_is_found_out_once(
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    syslog_receiver.answer_half_close = False
    probe_soon(syslog_receiver.settings())
    pieces = 600
    for first in range(0, pieces, 10):
        group = [{"n": str(n), "text": "x" * 30_000} for n in range(first, first + 10)]
        sls_emulator.put_logs(group, topic="t")
    with shipping(sls_emulator, quick(syslog_receiver)):
        sls_emulator.wait_until_drained(GROUP)
    assert numbers(syslog_receiver) == list(range(pieces))
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "does not answer a half-close" in warning.getMessage()


def test_logs_go_on_to_a_plain_receiver_that_has_yet_to_show_that_it_reads(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    syslog_receiver.answer_half_close = False
    probe_soon(syslog_receiver.settings())
    with shipping(sls_emulator, quick(syslog_receiver)):
        for n in range(6):
            sls_emulator.put_logs([{"n": str(n)}], shard=n % 2)
            syslog_receiver.wait_for(1)
            eventually(lambda n=n: n in numbers(syslog_receiver))  # type: ignore[misc]  # bound here
    assert sls_emulator.checkpoints(GROUP) == sls_emulator.begin_cursors()
    assert len(syslog_receiver.frames) <= 2 * 6


def test_what_a_hung_receiver_s_kernel_took_is_not_checkpointed(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    probe_soon(syslog_receiver.settings())
    syslog_receiver.pause()
    fill(sls_emulator)
    begin = sls_emulator.begin_cursors()
    with shipping(sls_emulator, quick(syslog_receiver, timeout=0.5)):
        eventually(lambda: syslog_receiver.connections > 4)
        assert sls_emulator.checkpoints(GROUP) == begin
        syslog_receiver.stop()  # it dies with all that is unread
        syslog_receiver.resume()
        syslog_receiver.start()
        eventually(lambda: numbers(syslog_receiver) == list(range(LOGS)))


def test_a_receiver_that_dies_while_nothing_is_sent_gets_the_last_seconds_again(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    fill(sls_emulator)
    with shipping(sls_emulator, quick(syslog_receiver, replay_seconds=3600)):
        syslog_receiver.wait_for(LOGS)
        eventually(lambda: syslog_receiver.open_connections >= len(sls_emulator.end_cursors()))
        syslog_receiver.stop()
        syslog_receiver.clear()
        syslog_receiver.start()
        eventually(lambda: numbers(syslog_receiver) == list(range(LOGS)))
        assert sls_emulator.checkpoints(GROUP) == sls_emulator.begin_cursors()


class Sdk:
    """Fetches and processes as the SDK does, in the order that a test wants."""

    def __init__(self, emulator: SlsEmulator, settings: Any) -> None:
        owner = SyslogShipperProcessor(settings, ShipperStats())
        self.stats = owner.stats
        self.shard = Shard(owner, LogEncoder(owner.settings, hooks=owner))
        self.client = make_worker(emulator, settings).consumer_client
        tracker: Any = ConsumerCheckpointTracker
        self.tracker = tracker(self.client, "shipper", 0)
        self.begin = self.client.get_begin_cursor(0)
        self.tracker.set_memory_check_point(self.begin)
        self.shard.initialize(0)
        patch_tracker(self.tracker, self.shard)

    def fetch(self, cursor: str) -> tuple[Any, str]:
        """One group, as what ``process()`` is given, and the cursor behind it."""
        response = self.client.pull_logs(0, cursor, count=1)
        return response.get_loggroup_list(), response.get_next_cursor()

    def process(self, batch: Any, end: str) -> str | None:
        self.tracker.set_cursor(end)
        return self.shard.process(batch, self.tracker)

    def ship(self, cursor: str) -> str:
        """Fetch and process one group; return the cursor behind it."""
        batch, end = self.fetch(cursor)
        assert self.process(batch, end) is None
        return end


@pytest.fixture
def sdk(sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver) -> Iterator[Sdk]:
    for n in range(3):
        sls_emulator.put_logs([{"n": str(n)}], shard=0)
    sdk = Sdk(sls_emulator, quick(syslog_receiver))
    yield sdk
    sdk.shard.shut_down(sdk.tracker)
    assert_balanced(sdk.stats)


def test_a_batch_is_taken_only_where_the_last_one_ended(
    sdk: Sdk, sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    """The SDK fetches ahead, and may do so from where it should not, after a roll-back."""
    first, end_of_first = sdk.fetch(sdk.begin)
    second, end_of_second = sdk.fetch(end_of_first)
    assert sdk.process(second, end_of_second) == sdk.begin
    assert sls_emulator.checkpoints(GROUP) == {0: sdk.begin}
    assert sdk.process(first, end_of_first) is None
    again, end = sdk.fetch(sdk.begin)
    assert sdk.process(again, end) == end_of_first, "taken twice"
    assert numbers(syslog_receiver) == [0]


def test_a_fetch_that_rolls_back_is_done_elsewhere_until_it_works(
    sdk: Sdk, syslog_receiver: SyslogReceiver
) -> None:
    end_of_first = sdk.ship(sdk.begin)
    end_of_second = sdk.ship(end_of_first)  # sent, and waits for its confirmation
    syslog_receiver.wait_for(2)
    syslog_receiver.stop()
    # Nothing happens until the window is due.
    eventually(lambda: sdk.shard.choose_start(end_of_second) == (end_of_first, False))
    assert sdk.shard.choose_start(end_of_second) == (end_of_first, False)
    syslog_receiver.start()
    sdk.shard.request_stop()
    assert sdk.shard.choose_start(end_of_second)[0] == end_of_first


@pytest.fixture
def interrupting(caplog: pytest.LogCaptureFixture) -> Iterator[RaisingHandler]:
    caplog.set_level(logging.DEBUG, logger="sls_syslog")
    handler = RaisingHandler(InterruptError)
    with handling(handler, "sls_syslog"):
        yield handler


def test_a_fetch_does_not_raise_what_a_log_handler_raises(
    sdk: Sdk, syslog_receiver: SyslogReceiver, interrupting: RaisingHandler
) -> None:
    syslog_receiver.stop()
    assert sdk.process(*sdk.fetch(sdk.begin)) == sdk.begin
    for _ in range(2):
        lines = interrupting.lines
        assert sdk.shard.choose_start(sdk.begin) == (sdk.begin, False)
        assert interrupting.lines > lines
    syslog_receiver.start()


def test_a_shutdown_does_not_raise_what_a_log_handler_raises(
    sdk: Sdk, syslog_receiver: SyslogReceiver, interrupting: RaisingHandler
) -> None:
    sdk.ship(sdk.ship(sdk.begin))  # the second is sent, and waits for its confirmation
    syslog_receiver.wait_for(2)
    syslog_receiver.stop()
    sdk.shard.shut_down(sdk.tracker)
    assert interrupting.lines
    syslog_receiver.start()


def test_what_was_done_to_a_log_is_counted_once_although_it_is_served_again(
    sls_emulator: SlsEmulator, syslog_receiver: SyslogReceiver
) -> None:
    sls_emulator.put_logs([{"n": "0", "text": "two\nlines"}], shard=0)
    sdk = Sdk(sls_emulator, quick(syslog_receiver, replay_seconds=3600))
    batch, end = sdk.fetch(sdk.begin)
    assert sdk.process(batch, end) is None  # confirmed, and kept in mind for a replay
    assert sdk.process("no batch at all", end) == sdk.begin
    assert sdk.process(batch, end) is None
    sdk.shard.shut_down(sdk.tracker)  # confirms it once more
    assert len(syslog_receiver.frames) == 2
    snapshot = sdk.stats.snapshot()
    assert (snapshot["confirmed"], snapshot["replayed"]) == (1, 1)
    assert snapshot["repaired"]["control_characters"] == 1


def test_a_gap_that_is_known_before_the_batch_in_front_of_it_is_crossed_later(sdk: Sdk) -> None:
    first, end = sdk.fetch(sdk.begin)
    sdk.shard.note_fetch(end, end, "behind the gap", None, False)
    assert sdk.process(first, end) is None
    assert sdk.shard.choose_start("behind the gap") == ("behind the gap", True)


@pytest.mark.gate
def test_a_window_that_fails_while_nothing_comes_is_sent_once_more_and_no_more(
    sls_emulator: SlsEmulator,
    syslog_receiver: SyslogReceiver,
    roll_backs: Callable[[], Counter[Any]],
) -> None:
    with shipping(sls_emulator, quick(syslog_receiver)) as worker:
        sls_emulator.put_logs([{"n": "0"}], shard=0)
        sls_emulator.wait_until_drained(GROUP)
        sls_emulator.put_logs([{"n": "1"}], shard=0)
        syslog_receiver.wait_for(2)  # sent, not confirmed
        syslog_receiver.stop()
        eventually(lambda: roll_backs()[0] >= 2)  # the SDK is free to fetch at once
        syslog_receiver.start()
        sls_emulator.put_logs([{"n": "2"}], shard=0)
        sls_emulator.wait_until_drained(GROUP)
        snapshot = worker.shard_consumers[0].processor.stats.snapshot()
        assert (snapshot["received"], snapshot["confirmed"]) == (3, 3)
    assert numbers(syslog_receiver) == [0, 1, 2]
    assert len(syslog_receiver.frames) <= 4
