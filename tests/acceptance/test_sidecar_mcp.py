"""MCP in the sidecar: the same server as by itself, behind the threshold that REST has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from fastmcp import Client as OutsideClient
from fastmcp.client.transports import SSETransport, StreamableHttpTransport
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.acceptance.sidecar import environment_in, started
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio

ANA = "Ana Ruiz prefers aisle seats"
TOOLS_LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows ends processes without asking")


@pytest.fixture
def token(tmp_path: Path) -> Callable[..., str]:
    def token(*options: str) -> str:
        add = [sys.executable, "-m", "mcp_memory", "token", "add", "-d", "test", "--format", "json", *options]
        done = subprocess.run(add, env=environment_in(tmp_path), cwd=tmp_path, capture_output=True, check=True)
        return str(json.loads(done.stdout)["token"])

    return token


@asynccontextmanager
async def shown(address: str, token: str, mode: Any) -> AsyncIterator[Client]:
    """A client that shows a token."""
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE) as web,
        Client(streamable_http_client(address, http_client=web), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_token_holds_through_both_doors(tmp_path: Path, token: Callable[..., str], mode: str) -> None:
    bound, other = token("--namespace", "home"), token("--namespace", "bakery")
    with started(tmp_path, AUTH_MODE="token") as sidecar:
        address = sidecar.wait_until_it_serves()
        async with shown(f"{address}/mcp", bound, mode) as mine, shown(f"{address}/bakery/mcp", other, mode) as theirs:
            await mine.call_tool("create_long_term_memories", {"memories": [{"text": ANA, "id": "seats"}]})
            found = await theirs.call_tool("search_long_term_memory", {"text": "Ana"})
            assert (found.structured_content or {})["total"] == 0
            assert (await mine.call_tool("compact_long_term_memories", {})).is_error
        path = f"{address}/v1/long-term-memory/seats"
        statuses = [
            httpx2.get(path, headers={"x-api-key": key}, timeout=PATIENCE).status_code for key in (bound, other)
        ]
        assert statuses == [200, 404]
        for place, headers, status in (
            ("/mcp", {}, 401),
            ("/bakery/mcp", {"x-api-key": bound}, 403),
            ("/home/mcp", {"x-api-key": bound}, 200),
        ):
            accept = {"accept": "application/json, text/event-stream"}
            answer = httpx2.post(f"{address}{place}", headers=headers | accept, json=TOOLS_LIST, timeout=PATIENCE)
            assert answer.status_code == status, place


async def test_outside_clients_remember_and_recall_at_every_path(tmp_path: Path) -> None:
    namespaces = {}
    with started(tmp_path) as sidecar:
        address = sidecar.wait_until_it_serves()
        for path, kind in (
            ("/mcp", StreamableHttpTransport),
            ("/sse", SSETransport),
            ("/home/mcp", StreamableHttpTransport),
            ("/home/sse", SSETransport),
        ):
            async with OutsideClient(kind(f"{address}{path}")) as client:
                await client.call_tool(
                    "create_long_term_memories", {"memories": [{"text": f"{ANA} {path}", "id": path}]}
                )
                told = await client.call_tool("get_long_term_memory", {"memory_id": path})
                namespaces[path] = told.structured_content["namespace"]
    assert namespaces == {"/mcp": None, "/sse": None, "/home/mcp": "home", "/home/sse": "home"}


async def test_web_pages_and_long_requests_are_refused_as_by_the_server_alone(tmp_path: Path) -> None:
    """The setting for long requests is one for REST and MCP."""
    with started(tmp_path, MAX_REQUEST_BYTES="6000000") as sidecar:
        address = sidecar.wait_until_it_serves()
        async with httpx2.AsyncClient(headers={"accept": "application/json"}, timeout=PATIENCE) as web:
            for headers, status in (
                ({}, 200),
                ({"host": "evil.example"}, 421),
                ({"origin": "https://evil.example"}, 403),
            ):
                assert (await web.post(f"{address}/mcp", json=TOOLS_LIST, headers=headers)).status_code == status
            memories = [{"text": f"Fact {number}: {'x' * 40_000}"} for number in range(125)]
            long = TOOLS_LIST | {
                "method": "tools/call",
                "params": {"name": "create_long_term_memories", "arguments": {"memories": memories}},
            }
            assert len(json.dumps(long)) > 5_000_000
            assert (await web.post(f"{address}/mcp", json=long, timeout=PATIENCE)).status_code == 200
        refused = await answer_to_a_request_announced_as(6_000_001, f"{address}/mcp")
        assert refused.startswith("HTTP/1.1 413")
        assert "connection: close" in refused.splitlines()


async def answer_to_a_request_announced_as(length: int, address: str) -> str:
    """Only the head is sent: who is refused at once need not send the rest."""
    place = urlsplit(address)
    head = f"POST {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {length}\r\n\r\n"
    async with await anyio.connect_tcp(str(place.hostname), place.port or 80) as wire:
        await wire.send(head.encode())
        with anyio.fail_after(PATIENCE):
            return (await wire.receive()).decode()


async def test_with_an_issuer_a_client_learns_where_to_get_a_token(tmp_path: Path) -> None:
    issuer = {"OAUTH2_ISSUER_URL": "https://issuer.example", "OAUTH2_AUDIENCE": "https://memory.example.com/mcp"}
    with started(tmp_path, AUTH_MODE="oauth2", PUBLIC_URL="https://memory.example.com", **issuer) as sidecar:
        address = sidecar.wait_until_it_serves()
        refused = httpx2.post(f"{address}/mcp", json=TOOLS_LIST, timeout=PATIENCE)
        told = httpx2.get(f"{address}/.well-known/oauth-protected-resource/mcp", timeout=PATIENCE).json()
    document = "https://memory.example.com/.well-known/oauth-protected-resource/mcp"
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == f'Bearer resource_metadata="{document}"'
    assert (told["resource"], told["authorization_servers"]) == (
        "https://memory.example.com/mcp",
        ["https://issuer.example"],
    )


@posix_only
async def test_it_leaves_at_once_while_clients_only_listen(tmp_path: Path) -> None:
    with started(tmp_path) as sidecar:
        address = sidecar.wait_until_it_serves()
        async with (
            Client(f"{address}/mcp") as client,
            Client(sse_client(f"{address}/sse", timeout=PATIENCE), mode="legacy"),
            client.listen(resource_subscriptions=["memory://recent"]) as changes,
        ):
            sidecar.process.terminate()
            with anyio.fail_after(PATIENCE):
                assert [change async for change in changes] == []
        assert sidecar.ended() == 0
    assert [line for line in sidecar.said if "Traceback" in line or "ERROR" in line] == []
