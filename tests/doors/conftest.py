"""The MCP door over a real store in a temporary folder, spoken to by the SDK's own client in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from mcp_memory.mcp_door.memory_server import MemoryServer
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Opened, from_environment


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which a new store is made and vectors need no model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMORY_STORE_URL", f"sqlite:///{tmp_path / 'memory.db'}")
    monkeypatch.setenv("EMBEDDING_MODEL", "hashing")
    return monkeypatch


@pytest.fixture
async def opened(settings: pytest.MonkeyPatch) -> AsyncIterator[Opened]:  # noqa: ARG001 -- it makes the environment
    """The use cases themselves, to compare the door with."""
    at = await from_environment()
    yield at
    await at.memory.close()


@pytest.fixture
def server(opened: Opened) -> MemoryServer:
    async def open_it() -> Opened:
        return opened

    return MemoryServer(MemoryOnDemand(open_it))


@pytest.fixture(params=["legacy", "auto"])
async def client(server: MemoryServer, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A client of each era of the protocol."""
    async with Client(server, mode=request.param) as connected:
        yield connected
