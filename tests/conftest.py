"""What every test gets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_memory.config import Settings
from tests import redis_cluster, redis_server

NAMED_SERVER = os.environ.pop("REDIS_URL", None)
"""For the tests of Redis alone: no other test may find it in its environment."""


MOST_PROCESSES = 4


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run tests: one more than there are cores, for tests wait as much as they compute."""
    return min(MOST_PROCESSES, 1 + (os.cpu_count() or 1))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set, and the working folder is empty."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis with the Query Engine."""
    if NAMED_SERVER is not None:
        yield NAMED_SERVER
        return
    with redis_server.to_be_had(redis_server.server(tmp_path_factory.mktemp("redis"))) as running:
        yield running.url


@pytest.fixture(scope="session")
def redis_cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real cluster of three nodes, always of our own."""
    with redis_server.to_be_had(redis_cluster.cluster(tmp_path_factory.mktemp("cluster"))) as running:
        yield running.url
