"""Run the scenarios of the hazards concurrently: they mostly wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

_CONCURRENT_SCENARIOS = 12  # enough to keep two cores busy


@pytest.fixture(scope="package")
def scenarios(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[None]]]:
    """Run the scenarios of the selected tests. The keys are the node ids of the tests."""
    chosen = [item for item in request.session.items if isinstance(item, pytest.Function)]
    hook = threading.excepthook
    threading.excepthook = lambda arguments: None  # in some of these tests threads die on purpose
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(_CONCURRENT_SCENARIOS) as pool:
        for name in ("NO_PROXY", "no_proxy"):  # scenarios run outside of the tests' own fixtures
            patch.setenv(name, "127.0.0.1")
        yield {
            item.nodeid: pool.submit(item.function.scenario, item.callspec.params["variant"])
            for item in chosen
            if hasattr(item.function, "scenario")
        }
        pool.shutdown(cancel_futures=True)
    threading.excepthook = hook
