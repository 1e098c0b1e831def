"""The service's state machine under a clock that the test turns."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sls_syslog.testing.sls_consumer_group import ConsumerGroup, ServerRules, ShardState
from sls_syslog.testing.sls_model import Logstore
from sls_syslog.testing.sls_shard import (
    MAX_PULL_BYTES,
    Shard,
    SlsError,
    decode_cursor,
    encode_cursor,
)

TIMEOUT = 40.0


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A Logstore with one consumer group, and short names for what the tests do to it."""

    def __init__(
        self, shards: int, *, in_order: bool = False, rules: ServerRules | None = None
    ) -> None:
        self.clock = Clock()
        self.store = Logstore("logs", shards, self.clock, rules or ServerRules())
        self.store.add_consumer_group("cg", timeout=TIMEOUT, in_order=in_order)
        self.held: dict[str, list[int]] = {}

    @property
    def group(self) -> ConsumerGroup:
        return self.store.get_consumer_group("cg")

    def beat(self, consumer: str, *, keep: bool = False) -> list[int]:
        """One heartbeat as a client sends it; with `keep` it does not let go of anything."""
        held = self.held.setdefault(consumer, [])
        answer = self.group.accept_heartbeat(consumer, held)
        self.held[consumer] = sorted({*held, *answer}) if keep else answer
        return answer

    def consume(self, shard: int, consumer: str = "a") -> None:
        end = encode_cursor(self.store.get_shard(shard).end)
        self.group.save_checkpoint(shard, end, consumer=consumer, force=True)

    def state(self, shard: int) -> ShardState:
        return self.group.list_states()[shard]


def code_of(refusal: pytest.ExceptionInfo[SlsError]) -> tuple[int, str]:
    return refusal.value.status, refusal.value.code


# Cursors and shards


@given(st.integers(0, 2**64))
def test_a_cursor_reads_back(position: int) -> None:
    assert decode_cursor(encode_cursor(position)) == position


@pytest.mark.parametrize("cursor", ["", "ok", "True", "1", "bm8=", "MTI", "ü"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_cursor(cursor)


def a_shard(*groups: bytes) -> Shard:
    shard = Shard(0, 0, 10, created=5)
    for time, group in enumerate(groups):
        shard.append(group, 100 + time)
    return shard


def test_reading_starts_at_the_cursor_and_ends_before_the_end() -> None:
    shard = a_shard(b"a", b"b", b"c", b"d")
    assert shard.read(shard.begin, 1000) == [b"a", b"b", b"c", b"d"]
    assert shard.read(shard.begin + 1, 2) == [b"b", b"c"]
    assert shard.read(shard.begin + 1, 1000, shard.begin + 2) == [b"b"]
    assert shard.read(shard.begin + 3, 1000, shard.begin + 1) == []
    assert shard.read(shard.end, 1000) == []


def test_an_answer_ends_at_ten_megabytes_but_never_empty() -> None:
    half = b"x" * (MAX_PULL_BYTES // 2)
    shard = a_shard(half, half, half, half * 3, half)
    sizes = [len(shard.read(shard.begin + n, 1000)) for n in range(5)]
    assert sizes == [2, 2, 1, 1, 1]


def test_a_time_finds_the_first_group_received_then_or_later() -> None:
    shard = a_shard(b"a", b"b", b"c")
    found = [shard.find_position(time) - shard.begin for time in (0, 100, 100.5, 102, 103)]
    assert found == [0, 0, 1, 2, 3]


def test_expiry_moves_the_begin_and_leaves_the_end() -> None:
    shard = a_shard(b"a", b"b", b"c")
    end = shard.end
    shard.expire(2)
    assert (shard.read(shard.begin, 9), shard.end - shard.begin, shard.end) == ([b"c"], 1, end)
    shard.expire()
    assert shard.begin == shard.end == end
    assert shard.ever_written


# The Logstore


def test_shards_share_the_hash_keys_without_gaps() -> None:
    shards = list(Bench(3).store.shards.values())
    assert shards[0].describe()["inclusiveBeginKey"] == "0" * 32
    assert shards[-1].describe()["exclusiveEndKey"] == "f" * 32
    for left, right in pairwise(shards):
        assert left.end_key == right.begin_key


@pytest.mark.parametrize("key", [0, 1, 2**126, 2**127, 2**128 - 2, 2**128 - 1])
def test_a_hash_key_belongs_to_one_shard_also_after_a_split(key: int) -> None:
    store = Bench(2).store
    store.split(0)
    store.split(1, 2**127 + 5)
    assert not store.find_shard_by_key(key).readonly
    assert sum(shard.covers(min(key, 2**128 - 2)) for shard in store.shards.values()) == 1


def test_groups_go_to_the_writable_shards_in_turn() -> None:
    store = Bench(2).store
    assert [store.put(b"") for _ in range(4)] == [0, 1, 0, 1]
    store.split(0)
    assert {store.put(b"") for _ in range(6)} == {1, 2, 3}
    with pytest.raises(SlsError, match="ShardNotWritable"):
        store.put(b"", 0)


def test_a_shard_is_split_once_and_within_its_keys() -> None:
    store = Bench(1).store
    for key in (0, 2**128 - 1):
        with pytest.raises(SlsError, match="ParameterInvalid"):
            store.split(0, key)
    store.split(0)
    with pytest.raises(SlsError, match="ParameterInvalid"):
        store.split(0)


@pytest.mark.parametrize("offset", [-1, 2])
def test_a_cursor_outside_of_the_shard_is_invalid(offset: int) -> None:
    store = Bench(1).store
    store.put(b"")
    with pytest.raises(SlsError) as refusal:
        store.pull(0, encode_cursor(store.get_shard(0).begin + offset), 10)
    assert code_of(refusal) == (400, "InvalidCursor")


def test_an_expired_cursor_is_invalid_unless_the_rules_say_otherwise() -> None:
    for refuse in (True, False):
        store = Bench(1, rules=ServerRules(refuse_expired_cursor=refuse)).store
        first = encode_cursor(store.get_shard(0).begin)
        store.put(b"old")
        store.put(b"new")
        store.get_shard(0).expire(1)
        if refuse:
            with pytest.raises(SlsError, match="InvalidCursor"):
                store.pull(0, first, 10)
        else:
            assert store.pull(0, first, 10) == (store.get_shard(0).begin, [b"new"])


def test_the_read_quota_counts_each_shard_and_second_by_itself() -> None:
    bench = Bench(2, rules=ServerRules(reads_per_second=2))
    cursors = {n: encode_cursor(shard.begin) for n, shard in bench.store.shards.items()}
    for shard in (0, 1, 0, 1):
        bench.store.pull(shard, cursors[shard], 1)
    with pytest.raises(SlsError) as refusal:
        bench.store.pull(0, cursors[0], 1)
    assert code_of(refusal) == (403, "ShardReadQuotaExceed")
    bench.clock.now += 1
    bench.store.pull(0, cursors[0], 1)


# Sharing out


def test_one_consumer_gets_all_shards_with_its_first_heartbeat() -> None:
    assert Bench(3).beat("a") == [0, 1, 2]


def test_a_moved_shard_is_in_transfer_until_its_owner_lets_go() -> None:
    bench = Bench(2)
    bench.beat("a")
    assert bench.beat("b") == []
    (moved,) = (n for n, state in bench.group.list_states().items() if state is ShardState.TRANSFER)
    for _ in range(3):  # the owner is told, but its processor is still busy
        assert moved not in bench.beat("a", keep=True)
        assert bench.beat("b") == []
        assert bench.group.list_owners()[moved] == "a"
    bench.held["a"].remove(moved)
    bench.beat("a")
    assert bench.beat("b") == [moved]
    assert sorted(bench.group.list_owners().values(), key=str) == ["a", "b"]


@given(
    shards=st.integers(1, 9),
    events=st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=40),
)
def test_consumers_never_share_a_shard_and_end_up_even(
    shards: int, events: list[tuple[str, bool]]
) -> None:
    bench = Bench(shards)
    for consumer, keep in events:
        bench.beat(consumer, keep=keep)
        held = [shard for each in bench.held.values() for shard in each]
        assert len(held) == len(set(held)), "two consumers hold one shard"
    for _ in range(3):
        for consumer in bench.held:
            bench.beat(consumer)
    counts = [len(each) for each in bench.held.values()]
    assert not counts or max(counts) - min(counts) <= 1
    assert not counts or sum(counts) == shards


def test_a_newcomer_that_leaves_before_the_hand_over_gives_the_shard_back() -> None:
    bench = Bench(2)
    bench.beat("a")
    bench.beat("b")
    bench.group.evict("b")
    assert bench.beat("a", keep=True) == [0, 1]


def test_a_transfer_is_taken_back_when_its_owner_runs_out_of_shards() -> None:
    bench = Bench(6)
    bench.beat("a", keep=True)
    bench.beat("b")
    kept = bench.beat("a", keep=True)
    assert len(kept) == 3
    for shard in kept:
        bench.store.split(shard)
    bench.beat("b")
    for shard in kept:
        bench.consume(shard)
    assert list(bench.group.list_states().values()).count(ShardState.TRANSFER) == 2
    assert len(set(bench.beat("a", keep=True)) & set(range(6))) == 1


# Eviction


def test_a_silent_consumer_loses_its_shards_at_once() -> None:
    bench = Bench(2)
    bench.beat("a")
    bench.clock.now += TIMEOUT
    assert bench.group.list_owners() == {0: "a", 1: "a"}
    bench.clock.now += 0.1
    assert bench.group.list_owners() == {0: None, 1: None}
    assert bench.beat("b") == [0, 1]


def test_an_evicted_consumer_is_refused_until_it_holds_nothing() -> None:
    bench = Bench(1)
    bench.beat("a")
    bench.clock.now += TIMEOUT + 1
    with pytest.raises(SlsError) as refusal:
        bench.beat("a")
    assert code_of(refusal) == (400, "NotExistConsumerWithBody")
    bench.held["a"] = []
    assert bench.beat("a") == [0]


def test_evicting_a_stranger_is_refused() -> None:
    with pytest.raises(SlsError, match="ConsumerNotExist"):
        Bench(1).group.evict("nobody")


# Checkpoints


def test_a_forced_checkpoint_is_stored_whoever_sends_it() -> None:
    bench = Bench(1)
    bench.beat("a")
    bench.consume(0, "somebody else")
    assert bench.group.checkpoints[0].consumer == "somebody else"
    assert bench.group.checkpoints[0].updated == bench.clock.now


@pytest.mark.parametrize(
    ("rules", "force"),
    [(ServerRules(), False), (ServerRules(honour_force_success=False), True)],
    ids=["not forced", "force not honoured"],
)
def test_only_the_owner_may_store_an_unforced_checkpoint(rules: ServerRules, force: bool) -> None:
    bench = Bench(2, rules=rules)
    bench.beat("a")
    bench.beat("b")
    bench.beat("a")
    cursor = encode_cursor(bench.store.get_shard(0).begin)
    owner = bench.group.list_owners()[0]
    assert owner is not None
    bench.group.save_checkpoint(0, cursor, consumer=owner, force=force)
    other = {"a": "b", "b": "a"}[owner]
    for consumer, expected in (
        (other, (400, "ConsumerNotMatch")),
        ("x", (404, "ConsumerNotExist")),
    ):
        with pytest.raises(SlsError) as refusal:
            bench.group.save_checkpoint(0, cursor, consumer=consumer, force=force)
        assert code_of(refusal) == expected


@pytest.mark.parametrize(
    ("shard", "cursor", "expected"),
    [
        (7, encode_cursor(0), (404, "ShardNotExist")),
        (0, "True", (400, "InvalidShardCheckPoint")),
        (0, encode_cursor(0), (400, "InvalidShardCheckPoint")),
        (0, encode_cursor(10**30), (400, "InvalidShardCheckPoint")),
    ],
)
def test_a_checkpoint_that_cannot_be_is_refused(
    shard: int, cursor: str, expected: tuple[int, str]
) -> None:
    with pytest.raises(SlsError) as refusal:
        Bench(1).group.save_checkpoint(shard, cursor, consumer="a", force=True)
    assert code_of(refusal) == expected


# Split shards


def test_in_order_the_children_wait_until_the_parent_is_consumed() -> None:
    bench = Bench(1, in_order=True)
    bench.beat("a")
    bench.store.put(b"")
    bench.store.split(0)
    assert bench.beat("a") == [0]
    assert bench.state(1) is bench.state(2) is ShardState.WAIT
    bench.consume(0)
    assert bench.state(0) is ShardState.OVER
    assert bench.beat("a") == [1, 2]


def test_without_order_the_children_are_shared_out_at_once() -> None:
    bench = Bench(1)
    bench.beat("a")
    bench.store.split(0)
    assert bench.beat("a") == [0, 1, 2]


def test_in_order_grandchildren_wait_for_each_ancestor() -> None:
    bench = Bench(1, in_order=True)
    bench.store.split(0)
    bench.store.split(1)
    bench.beat("a")
    bench.consume(0)
    assert bench.beat("a") == [1, 2]
    bench.consume(1)
    assert bench.beat("a") == [2, 3, 4]


def test_children_that_wait_start_when_order_is_given_up() -> None:
    bench = Bench(1, in_order=True)
    bench.store.split(0)
    assert bench.beat("a") == [0]
    bench.group.in_order = False
    assert bench.beat("a") == [0, 1, 2]


@pytest.mark.parametrize("look", [True, False])
def test_a_checkpoint_older_than_the_split_counts_as_the_rules_say(look: bool) -> None:
    bench = Bench(1, in_order=True, rules=ServerRules(over_at_heartbeat=look))
    bench.store.put(b"")
    bench.beat("a")
    bench.consume(0)
    bench.store.split(0)
    assert bench.beat("a") == ([1, 2] if look else [0])
    bench.consume(0)
    assert bench.beat("a") == [1, 2]


def test_a_checkpoint_moved_back_makes_a_consumed_shard_consumable_again() -> None:
    bench = Bench(1)
    bench.beat("a")
    bench.store.put(b"")
    bench.store.split(0)
    bench.consume(0)
    assert 0 not in bench.beat("a")
    begin = encode_cursor(bench.store.get_shard(0).begin)
    bench.group.save_checkpoint(0, begin, consumer="a", force=True)
    assert 0 in bench.beat("a")


def test_a_logstore_has_a_shard() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Bench(0)
