"""The program serving MCP over HTTP: clients that others wrote use it, and it leaves in good order when told to."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from fastmcp import Client as OutsideClient
from fastmcp.client.transports import SSETransport, StreamableHttpTransport
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.acceptance.conftest import Starter, Wire

pytestmark = pytest.mark.anyio

ANA = "Ana Ruiz prefers aisle seats"
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows ends processes without asking")


class Served:
    """A started server and its address."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        assert wire.process.stderr
        for line in iter(wire.process.stderr.readline, b""):
            if found := re.search(rb"(http://\S+)/mcp,", line):
                self.address = found[1].decode()
                return
        raise AssertionError("the server has left")


@pytest.fixture
def serve(start: Starter) -> Callable[..., Served]:
    def serve(**environment: str) -> Served:
        start.environment.update(environment)
        return Served(start(*start.command, "--mode", "streamable-http", "--port", "0"))

    return serve


@pytest.fixture
def server(serve: Callable[..., Served]) -> Served:
    return serve()


@asynccontextmanager
async def shown(address: str, token: str) -> AsyncIterator[Client]:
    """A client that shows a token."""
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE) as web,
        Client(streamable_http_client(address, http_client=web)) as client,
    ):
        yield client


async def found(client: Client, text: str) -> list[str]:
    result = await client.call_tool("search_long_term_memory", {"text": text})
    assert result.structured_content is not None, result
    return [hit["text"] for hit in result.structured_content["memories"]]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_sdks_client_remembers_and_recalls(server: Served, mode: Any) -> None:
    async with Client(f"{server.address}/mcp", mode=mode) as client:
        assert len((await client.list_tools()).tools) == 11
        await client.call_tool("create_long_term_memories", {"memories": [{"text": ANA}]})
        assert await found(client, "which seats does Ana prefer") == [ANA]


@pytest.mark.parametrize("path", ["/mcp", "/sse", "/home/mcp", "/home/sse"])
async def test_an_outside_client_finds_everything_the_door_offers(server: Served, path: str) -> None:
    kind = SSETransport if path.endswith("sse") else StreamableHttpTransport
    async with OutsideClient(kind(f"{server.address}{path}")) as client:
        assert len(await client.list_tools()) == 11
        await client.call_tool("create_long_term_memories", {"memories": [{"text": ANA, "id": "ANA/1"}]})
        told = await client.call_tool("search_long_term_memory", {"text": "Ana"})
        namespaces = [hit["namespace"] for hit in told.structured_content["memories"]]
        assert namespaces == ["home" if path.startswith("/home") else None]
        assert ANA in (await client.read_resource("memory://ANA%2F1"))[0].text
        recalled = await client.get_prompt("recall", {"query": "Ana"})
        assert ANA in recalled.messages[0].content.text
        refused = await client.call_tool("search_long_term_memory", {"text": "x", "limit": 0}, raise_on_error=False)
        assert refused.is_error


async def test_the_defaults_of_the_environment_hold_where_an_address_names_nothing(
    serve: Callable[..., Served],
) -> None:
    address = serve(DEFAULT_MCP_NAMESPACE="home", DEFAULT_MCP_USER_ID="ana").address
    scopes = {}
    for path in ("/mcp", "/team/mcp"):
        async with Client(f"{address}{path}") as client:
            session = (await client.call_tool("set_working_memory", {"session_id": "s"})).structured_content or {}
            scopes[path] = (session["namespace"], session["user_id"])
    assert scopes == {"/mcp": ("home", "ana"), "/team/mcp": ("team", "ana")}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/mcp", {"host": "evil.example"}, 421),
        ("/mcp", {"origin": "https://evil.example"}, 403),
        ("/sse", {"host": "evil.example"}, 421),
        ("/nowhere", {}, 404),
    ],
)
async def test_web_pages_of_others_and_unknown_paths_are_refused(
    server: Served, path: str, headers: dict[str, str], status: int
) -> None:
    async with httpx2.AsyncClient(timeout=PATIENCE) as web:
        assert (await web.get(f"{server.address}{path}", headers=headers)).status_code == status


async def test_the_setting_says_how_long_a_request_may_be(serve: Callable[..., Served]) -> None:
    address = serve(MAX_REQUEST_BYTES="2000").address
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    async with httpx2.AsyncClient(headers={"accept": "application/json"}, timeout=PATIENCE) as web:
        assert (await web.post(f"{address}/mcp", json=asked)).status_code == 200
        assert (await web.post(f"{address}/mcp", json=asked | {"id": "x" * 2_000})).status_code == 413
        assert (await web.post(f"{address}/messages/", json=asked | {"id": "x" * 2_000})).status_code == 413


async def test_a_page_that_was_let_in_may_read_the_answer(serve: Callable[..., Served]) -> None:
    address = serve(ALLOWED_ORIGINS="https://app.example.com").address
    asks = {
        "origin": "https://app.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,mcp-protocol-version",
    }
    async with httpx2.AsyncClient(timeout=PATIENCE) as web:
        allowed = await web.options(f"{address}/mcp", headers=asks)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"


@posix_only
async def test_it_leaves_at_once_while_clients_only_listen(server: Served) -> None:
    async with (
        Client(f"{server.address}/mcp") as client,
        Client(sse_client(f"{server.address}/sse", timeout=PATIENCE), mode="legacy") as older,
        client.listen(resource_subscriptions=["memory://recent"]) as changes,
    ):
        await older.call_tool("create_long_term_memories", {"memories": [{"text": ANA}]})
        server.wire.process.terminate()
        with anyio.fail_after(PATIENCE):
            assert len([change async for change in changes]) <= 1
    code, err, _ = server.wire.leave()
    assert (code, "Traceback" in err, "ERROR" in err) == (0, False, False), err


@posix_only
async def test_what_is_being_done_when_it_is_told_to_leave_is_answered(
    server: Served, serve: Callable[..., Served]
) -> None:
    memories = [{"text": f"Fact {number} about the harbour"} for number in range(1000)]
    signals = [signal.SIGTERM]

    async def told(progress: float, total: float | None, message: str | None) -> None:
        if signals:
            server.wire.process.send_signal(signals.pop())

    async with Client(f"{server.address}/mcp") as client:
        # Else the client would ask for the schema of the answer when it has it.
        await client.list_tools()
        answer = await client.call_tool("create_long_term_memories", {"memories": memories}, progress_callback=told)
    assert (answer.structured_content or {})["stored"] == len(memories)
    assert server.wire.leave()[0] == 0
    async with Client(f"{serve().address}/mcp") as client:
        listed = (await client.call_tool("search_long_term_memory", {"text": ""})).structured_content or {}
    assert listed["total"] == len(memories)


def test_an_address_that_is_taken_is_said_in_one_line(start: Starter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, err, _ = start(*start.command, "--mode", "sse", "--port", port).leave()
    assert (code, err.count("\n")) == (2, 1)
    assert f"MCP_PORT={port}" in err


def test_a_store_that_cannot_be_used_is_said_before_anybody_is_answered(start: Starter) -> None:
    wire = start(
        *start.command, "--mode", "sse", "--port", "0", MEMORY_STORE_URL="sqlite:////dev/null/nowhere/memory.db"
    )
    code, err, _ = wire.leave()
    assert (code, "Traceback" in err, "Error: " in err) == (1, False, True)


@pytest.mark.parametrize("host", ["192.0.2.1", "::", "memory.example"])
def test_other_machines_are_not_served_without_authentication(start: Starter, host: str) -> None:
    code, err, _ = start(*start.command, "--mode", "sse", "--host", host, "--port", "0").leave()
    assert code == 2
    assert all(word in err for word in ("AUTH_MODE=token", "AUTH_MODE=oauth2", "--allow-unauthenticated"))


def test_who_serves_them_all_the_same_is_warned(start: Starter) -> None:
    # 192.0.2.1 belongs to nobody, so that nothing is really opened.
    wire = start(*start.command, "--mode", "sse", "--host", "192.0.2.1", "--port", "0", "--allow-unauthenticated")
    code, err, _ = wire.leave()
    assert "ANYBODY WHO REACHES 192.0.2.1" in err
    assert (code, "cannot listen there" in err) == (2, True)


class TestTokens:
    """AUTH_MODE=token, with tokens that the command line made."""

    @pytest.fixture
    def token(self, start: Starter) -> Callable[..., str]:
        def token(*options: str) -> str:
            make = ("token", "add", "--description", "a test", "--format", "json", *options)
            code, err, out = start(*start.command[:-1], *make).leave()
            assert code == 0, err
            return str(json.loads(out)["token"])

        return token

    async def test_a_bound_token_reaches_its_own_and_nothing_else(
        self, token: Callable[..., str], serve: Callable[..., Served]
    ) -> None:
        bound, free = token("--namespace", "home"), token("--scope", "read")
        address = serve(AUTH_MODE="token").address
        async with shown(f"{address}/mcp", bound) as mine, shown(f"{address}/home/mcp", free) as reader:
            await mine.call_tool("create_long_term_memories", {"memories": [{"text": ANA}]})
            assert await found(reader, "Ana") == [ANA]
            assert (await mine.call_tool("search_long_term_memory", {"text": "", "namespace": "work"})).is_error
            assert (await reader.call_tool("create_long_term_memories", {"memories": [{"text": "x"}]})).is_error
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        async with httpx2.AsyncClient(
            headers={"accept": "application/json, text/event-stream"}, timeout=PATIENCE
        ) as web:
            for path, headers, status in (
                ("/mcp", {}, 401),
                ("/mcp", {"authorization": "Bearer wrong"}, 401),
                ("/mcp", {"x-api-key": bound}, 200),
                ("/team/mcp", {"x-api-key": bound}, 403),
                ("/.well-known/oauth-protected-resource/mcp", {"x-api-key": bound}, 404),
            ):
                method = web.get if path.startswith("/.well") else partial(web.post, json=asked)
                assert (await method(f"{address}{path}", headers=headers)).status_code == status, path

    async def test_a_removed_token_stops_while_the_server_runs(
        self, token: Callable[..., str], serve: Callable[..., Served], start: Starter
    ) -> None:
        mine = token()
        address = serve(AUTH_MODE="token").address
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {mine}"}, timeout=PATIENCE) as web:
            assert (await web.get(f"{address}/mcp")).status_code == 405
            listed = json.loads(start(*start.command[:-1], "token", "list", "--format", "json").leave()[2])
            (known,) = listed
            assert start(*start.command[:-1], "token", "remove", known["hash"], "--force").leave()[0] == 0
            with anyio.fail_after(PATIENCE):
                while (await web.get(f"{address}/mcp")).status_code != 401:
                    await anyio.lowlevel.checkpoint()


async def test_with_an_issuer_a_client_learns_where_to_get_a_token(serve: Callable[..., Served]) -> None:
    address = serve(
        AUTH_MODE="oauth2",
        OAUTH2_ISSUER_URL="https://issuer.example",
        OAUTH2_AUDIENCE="https://memory.example.com/mcp",
        PUBLIC_URL="https://memory.example.com",
    ).address
    async with httpx2.AsyncClient(timeout=PATIENCE) as web:
        refused = await web.post(f"{address}/mcp")
        told = await web.get(f"{address}/.well-known/oauth-protected-resource/mcp")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == (
        'Bearer resource_metadata="https://memory.example.com/.well-known/oauth-protected-resource/mcp"'
    )
    assert told.json()["authorization_servers"] == ["https://issuer.example"]
