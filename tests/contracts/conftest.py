"""The stores that the contract is asked of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcp_memory.ports.store import Store
from mcp_memory.stores.ephemeral.store import EphemeralStore
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.store import RedisStore
from mcp_memory.stores.sqlite.store import SqliteStore
from tests import redis_server
from tests.standing_clock import StandingClock

SERVERS = {"redis": "redis_url", "redis cluster": "redis_cluster_url"}
"""The fixtures that start them."""
KINDS = ["ephemeral", "sqlite", *SERVERS]


class Stores:
    """Makes stores of every kind; a Redis is started for the first that needs one."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    @asynccontextmanager
    async def opened(self, kind: str, folder: Path) -> AsyncIterator[Store]:
        """Open an empty store; nothing is left of it afterwards but files in the folder."""
        place = self._place(kind)
        if place is not None:
            made: Store = RedisStore(place, clock=StandingClock())
        elif kind == "sqlite":
            made = SqliteStore(folder / "memory.sqlite3", clock=StandingClock())
        else:
            made = EphemeralStore(StandingClock())
        await made.open()
        try:
            yield made
        finally:
            await made.close()
            if place is not None:
                redis_server.erase(place)

    def _place(self, kind: str) -> Place | None:
        if kind not in SERVERS:
            return None
        return redis_server.place(self._request.getfixturevalue(SERVERS[kind]))


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest) -> Stores:
    return Stores(request)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, stores: Stores, tmp_path: Path) -> AsyncIterator[Store]:
    async with stores.opened(request.param, tmp_path) as made:
        yield made
