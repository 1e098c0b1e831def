"""Runs the scenarios of the hazards side by side: nearly all of their time is waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

_AT_ONCE = 12


@pytest.fixture(scope="package")
def scenarios(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[None]]]:
    """The running scenarios of the selected tests, by the test's node id."""
    chosen = [item for item in request.session.items if isinstance(item, pytest.Function)]
    quiet = threading.excepthook  # threads that die are what some of these tests are about
    threading.excepthook = lambda arguments: None
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(_AT_ONCE) as pool:
        for name in ("NO_PROXY", "no_proxy"):  # for the scenarios that run between two tests
            patch.setenv(name, "127.0.0.1")
        yield {
            item.nodeid: pool.submit(item.function.scenario, item.callspec.params["way"])
            for item in chosen
            if hasattr(item.function, "scenario")
        }
        pool.shutdown(cancel_futures=True)
    threading.excepthook = quiet
