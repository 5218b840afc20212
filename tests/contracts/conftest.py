"""The stores that the contract is asked of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_memory.ports.store import Store
from mcp_memory.stores.ephemeral.store import EphemeralStore
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import StandingClock


def make(kind: str, folder: Path) -> Store:
    if kind == "ephemeral":
        return EphemeralStore(StandingClock())
    return SqliteStore(folder / "memory.sqlite3", clock=StandingClock())


@pytest.fixture(params=["ephemeral", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = make(request.param, tmp_path)
    await made.open()
    yield made
    await made.close()
