"""What every test gets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import pytest

from tests import redis_cluster, redis_server

Kind = TypeVar("Kind")
NAMED_SERVER = os.environ.pop("REDIS_URL", None)
"""For the tests of Redis alone: no other test may find it in its environment."""
REQUIRED = bool(os.environ.get("MCP_MEMORY_REQUIRE_REDIS"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis with the Query Engine."""
    if NAMED_SERVER is not None:
        yield NAMED_SERVER
        return
    with to_be_had(redis_server.server(tmp_path_factory.mktemp("redis"))) as running:
        yield running.url


@pytest.fixture(scope="session")
def redis_cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real cluster of three nodes, always of our own."""
    with to_be_had(redis_cluster.cluster(tmp_path_factory.mktemp("cluster"))) as running:
        yield running.url


@contextmanager
def to_be_had(servers: AbstractContextManager[Kind]) -> Iterator[Kind]:
    """Run servers, or skip the test where there are none."""
    try:
        with servers as running:
            yield running
    except redis_server.NoRedis as error:
        if REQUIRED:
            pytest.fail(f"MCP_MEMORY_REQUIRE_REDIS is set, and {error}")
        pytest.skip(str(error))
