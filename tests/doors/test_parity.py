"""One request through every door, over one store: the same answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from click.testing import CliRunner
from mcp import Client

from mcp_memory.bootstrap import open_memory
from mcp_memory.cli.main import cli
from mcp_memory.config import read_settings
from mcp_memory.domain.requests import Create, Search
from mcp_memory.mcp_door.on_demand import Opened
from mcp_memory.server import build_server
from mcp_memory.services.memory import Memory
from tests.doors.rest_app import client_of

pytestmark = pytest.mark.anyio

Ask = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

FACTS: list[dict[str, Any]] = [
    {"id": "tea", "text": "Ann drinks green tea every morning", "namespace": "home", "topics": ["drinks"]},
    {"id": "dog", "text": "Ann has a dog called Rex", "namespace": "home", "event_date": "2025-03-01T00:00:00Z"},
    {"id": "bike", "text": "Bob repairs bicycles in Lyon", "namespace": "work", "user_id": "bob"},
]

QUESTIONS: list[dict[str, Any]] = [
    {"text": "which hot drink does she like?"},
    {"text": "dog", "search_mode": "keyword"},
    {"text": "pets", "search_mode": "semantic", "limit": 1},
    {"text": "pets", "search_mode": "semantic", "limit": 1, "offset": 1},
    {"text": "", "namespace": {"eq": "home"}},
    {"text": "tea", "namespace": {"eq": "work"}},
    {"text": "tea", "topics": {"any": ["drinks"]}, "distance_threshold": 0.9},
]


@pytest.fixture
async def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Memory]:
    monkeypatch.setenv("MEMORY_STORE_URL", f"sqlite:///{(tmp_path / 'memory.sqlite3').as_posix()}")
    monkeypatch.setenv("EMBEDDING_MODEL", "hashing")
    memory = await open_memory(read_settings())
    await memory.long_term.create(Create.model_validate({"memories": FACTS}))
    yield memory
    await memory.close()


def by_python(memory: Memory) -> Ask:
    async def ask(request: dict[str, Any]) -> dict[str, Any]:
        return (await memory.long_term.search(Search.model_validate(request))).model_dump(mode="json")

    return ask


def by_mcp(memory: Memory) -> Ask:
    async def opened() -> Opened:
        return Opened(memory)

    async def ask(request: dict[str, Any]) -> dict[str, Any]:
        async with Client(build_server(opened)) as client:
            result = await client.call_tool("search_long_term_memory", request)
        assert result.structured_content is not None
        return dict(result.structured_content)

    return ask


def by_rest(memory: Memory) -> Ask:
    async def ask(request: dict[str, Any]) -> dict[str, Any]:
        async with client_of(read_settings(), memory) as client:
            response = await client.post("/v1/long-term-memory/search", json=request)
        return dict(response.json())

    return ask


def by_command_line(_: Memory) -> Ask:
    async def ask(request: dict[str, Any]) -> dict[str, Any]:
        arguments = ["search", request["text"], "--format", "json"]
        for name, option in (("limit", "-l"), ("offset", "-o"), ("search_mode", "--search-mode")):
            arguments += [option, str(request[name])] if name in request else []
        arguments += ["-d", str(request["distance_threshold"])] if "distance_threshold" in request else []
        arguments += ["-n", request["namespace"]["eq"]] if "namespace" in request else []
        arguments += ["-t", ",".join(request["topics"]["any"])] if "topics" in request else []
        return await in_thread(arguments)

    return ask


async def in_thread(arguments: list[str]) -> dict[str, Any]:
    """The command runs an event loop of its own, so it needs a thread of its own."""
    result = await anyio.to_thread.run_sync(CliRunner().invoke, cli, arguments)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


@pytest.mark.parametrize("door", [by_mcp, by_rest, by_command_line])
@pytest.mark.parametrize("question", QUESTIONS, ids=json.dumps)
async def test_every_door_gives_the_same_answer(
    memory: Memory, door: Callable[[Memory], Ask], question: dict[str, Any]
) -> None:
    """The doors hold no rules of their own."""
    await by_python(memory)(question)
    # The first search counted its accesses, which the later ones show.
    expected = await by_python(memory)(question)
    assert await door(memory)(question) == expected
