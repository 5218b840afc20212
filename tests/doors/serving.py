"""A program over HTTP for tests: our own doors at a free port of this machine, let in by a list of names."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
import uvicorn
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from starlette.types import ASGIApp

from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import IssuerUnavailable, NotAuthenticated, TooManyAttempts
from tests.patience import PATIENCE

ANA = Caller("ana", Access.WRITE, Scope("harbour", "ana"))
BO = Caller("bo", Access.WRITE, Scope("bakery"))
READER = Caller("reader", Access.READ)
WRITER = Caller("writer", Access.WRITE)
ROOT = Caller("root", Access.ADMIN)


@dataclass(frozen=True)
class GuestList:
    """An authenticator that knows callers by their names."""

    guests: dict[str, Caller] = field(
        default_factory=lambda: {str(caller.name): caller for caller in (ANA, BO, READER, WRITER, ROOT)}
    )

    silent: dict[str, anyio.Event] = field(default_factory=dict)
    """Of these nobody can say who they are now; the event is set when it was asked."""

    async def identify(self, credentials: str | None, peer: str) -> Caller:
        assert peer == "127.0.0.1"
        if credentials == "too often":
            raise TooManyAttempts(7)
        if credentials == "whose issuer is gone":
            raise IssuerUnavailable("Nobody can be asked")
        if credentials in self.silent:
            self.silent[credentials].set()
            raise IssuerUnavailable("Nobody can be asked")
        if credentials is None or credentials not in self.guests:
            raise NotAuthenticated("Nobody is known by this token" if credentials else "Missing token")
        return self.guests[credentials]

    async def close(self) -> None:
        """Hold nothing."""


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve it at a free port and yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True


def http(token: str | None = None, **headers: str) -> httpx2.AsyncClient:
    """A client of HTTP that shows a token."""
    shown = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(headers=shown | headers, timeout=PATIENCE)


@asynccontextmanager
async def client(address: str, token: str, mode: Any = "auto") -> AsyncIterator[Client]:
    """A client of MCP that shows a token."""
    async with (
        http(token) as web,
        Client(streamable_http_client(address, http_client=web), mode=mode) as connected,
    ):
        yield connected


def older_client(address: str, token: str) -> AbstractAsyncContextManager[Client]:
    """A client of the transport of 2024-11-05."""
    return Client(sse_client(address, headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE), mode="legacy")
