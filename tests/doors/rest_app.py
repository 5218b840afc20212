"""The REST door for tests: an app over a real store, spoken to without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp

from mcp_memory.auth.disabled import DisabledAuthenticator
from mcp_memory.bootstrap import open_memory
from mcp_memory.config import Settings, read_settings
from mcp_memory.ports.access import Authenticator
from mcp_memory.rest import Parts, build_app
from mcp_memory.services.memory import Memory

ADDRESS = "http://127.0.0.1"


def settings_in(folder: Path, **given: Any) -> Settings:
    """Settings with a store of their own in the folder, whose vectors need no model."""
    store = f"sqlite:///{(folder / 'memory.sqlite3').as_posix()}"
    return read_settings(**({"memory_store_url": store, "embedding_model": "hashing"} | given))


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Memory]:
    """Memory, closed afterwards."""
    memory = await open_memory(settings)
    try:
        yield memory
    finally:
        await memory.close()


def client_of(settings: Settings, memory: Memory, authenticator: Authenticator | None = None) -> httpx2.AsyncClient:
    """A client of the app over this memory."""
    return web(build_app(settings, Parts(memory, authenticator or DisabledAuthenticator())))


def web(app: ASGIApp) -> httpx2.AsyncClient:
    """A client of an app, without a network."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ADDRESS)
