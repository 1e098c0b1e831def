"""Caches keyed by what logs hold: what they keep, and that no cache is bounded by number only."""

from __future__ import annotations

import ast

import pytest

from sls_syslog.logs.caches import Budget, LogCache, weigh
from tests.support.processes import ROOT


def make_cache(budget: Budget) -> tuple[LogCache[str, str], list[str]]:
    """A cache whose entries weigh their length, and the keys that values were made for."""
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key.upper()

    return LogCache(make, len, budget), made


def test_a_value_is_made_once() -> None:
    cache, made = make_cache(Budget(1000))
    assert [cache["a"], cache["b"], cache["a"]] == ["A", "B", "A"]
    assert made == ["a", "b"]
    assert cache.size == 2


def test_an_entry_that_would_drive_out_the_others_is_not_kept() -> None:
    budget = Budget(80)
    cache, made = make_cache(budget)
    large, largest = "x" * 11, "x" * 10
    assert [cache[large], cache[large], cache[largest], cache[largest]] == [
        *[large.upper()] * 2,
        *[largest.upper()] * 2,
    ]
    assert made == [large, large, largest]
    assert budget.measure() == 10


def test_caches_of_one_budget_never_hold_more_together() -> None:
    budget = Budget(100)
    caches = [make_cache(budget)[0] for _ in range(3)]
    for number in range(1000):
        cache = caches[number % 3]
        assert cache[f"key{number:06}"] == f"KEY{number:06}"
        assert budget.measure() == sum(len(key) for cache in caches for key in cache) <= 100


def test_what_is_emptied_at_once_is_all_caches() -> None:
    """What one of them holds keeps alive what another one held."""
    budget = Budget(100)
    first, second = make_cache(budget)[0], make_cache(budget)[0]
    assert first["x"]
    for number in range(12):
        assert second[f"key{number:06}"]
    assert not first


def test_what_has_gone_makes_no_cache_empty() -> None:
    budget = Budget(100)
    lasting = make_cache(budget)[0]
    assert lasting["kept"]
    for number in range(100):
        passing = make_cache(budget)[0]
        assert passing[f"key{number:06}"]
    assert list(lasting) == ["kept"]


def test_an_error_keeps_nothing() -> None:
    def fail(key: str) -> str:
        raise ValueError(key)

    cache = LogCache(fail, len, Budget(100))
    with pytest.raises(ValueError, match="a"):
        cache["a"]
    assert not cache
    assert cache.size == 0


def test_a_weight_counts_each_text() -> None:
    nothing = weigh()
    assert weigh(("a" * 50, "b" * 50)) - nothing >= 100
    assert weigh(("a" * 50, ("b" * 50,)), times=3) - nothing >= 300
    assert weigh(object(), 1, besides=70) == nothing + 70


@pytest.mark.parametrize("name", ["lru_cache", "cache"])
def test_no_other_cache_has_keys_that_others_write(name: str) -> None:
    """Settings and codes are few, and header fields short; whoever runs the program writes them."""
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "sls_syslog").rglob("*.py")
        if "testing" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "functools"
        for alias in node.names
        if alias.name == name
    }
    expected = {
        "lru_cache": {"settings/tls.py", "client.py", "syslogclient.py"},
        "cache": {"syslog/codes.py"},
    }
    assert found == {f"sls_syslog/{path}" for path in expected[name]}
