"""The MCP door over a real store in a temporary folder, spoken to by the SDK's own client in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from mcp import Client

from mcp_memory.mcp_door.memory_server import MemoryServer
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Opened, from_environment
from mcp_memory.services.memory import Memory
from tests.doors import commands, rest_app
from tests.doors.commands import Run
from tests.doors.serving import GuestList


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which a new store is made and vectors need no model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMORY_STORE_URL", f"sqlite:///{tmp_path / 'memory.db'}")
    monkeypatch.setenv("EMBEDDING_MODEL", "hashing")
    return monkeypatch


@pytest.fixture
async def opened(settings: pytest.MonkeyPatch) -> AsyncIterator[Opened]:
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


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Memory]:
    """The use cases over a new store."""
    async with rest_app.opened(rest_app.settings_in(tmp_path)) as memory:
        yield memory


@pytest.fixture
async def rest(memory: Memory, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the REST door over that store, of whom nobody asks who they are."""
    async with rest_app.client_of(rest_app.settings_in(tmp_path), memory) as client:
        yield client


@pytest.fixture
async def guests(memory: Memory, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """The same, of one that knows its callers by their tokens."""
    async with rest_app.client_of(rest_app.settings_in(tmp_path), memory, GuestList()) as client:
        yield client


@pytest.fixture
def new_store(empty_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a store that the settings name, for which vectors need no model; it is not there yet."""
    monkeypatch.setenv("EMBEDDING_MODEL", "hashing")
    monkeypatch.setenv("MEMORY_STORE_URL", "sqlite:///memory.sqlite3")
    return tmp_path / "memory.sqlite3"


@pytest.fixture
def run(new_store: Path) -> Run:
    """Run a command over that store."""
    return commands.run
