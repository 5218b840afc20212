"""What every test gets."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import redis_server

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
    try:
        with redis_server.server(tmp_path_factory.mktemp("redis")) as running:
            yield running.url
    except redis_server.NoRedis as error:
        if REQUIRED:
            pytest.fail(f"MCP_MEMORY_REQUIRE_REDIS is set, and {error}")
        pytest.skip(str(error))
