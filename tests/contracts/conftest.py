"""The stores that the contract is asked of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_memory.ports.store import Store
from mcp_memory.stores.ephemeral.store import EphemeralStore
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.store import RedisStore
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import StandingClock


KINDS = ["ephemeral", "sqlite", "redis"]


def make(kind: str, folder: Path) -> Store:
    if kind == "ephemeral":
        return EphemeralStore(StandingClock())
    if kind == "redis":
        return RedisStore(Place("redis://127.0.0.1:6391", folder.name, folder.name), clock=StandingClock())
    return SqliteStore(folder / "memory.sqlite3", clock=StandingClock())


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = make(request.param, tmp_path)
    await made.open()
    yield made
    await made.close()
