"""Around the calls: defaults of the connection, opening on demand, faults, progress, cancellation."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, TextContent

from mcp_memory.errors import StoreUnavailable
from mcp_memory.mcp_door.memory_server import MemoryServer
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Opened, from_environment
from mcp_memory.server import build_server
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio

MANY = [{"text": f"Fact number {number} about the harbour", "id": f"fact-{number}"} for number in range(600)]


def text_of(result: Any) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def test_an_unknown_tool_is_a_protocol_error(client: Client) -> None:
    with pytest.raises(MCPError, match="Unknown tool: no_such") as refused:
        await client.call_tool("no_such", {})
    assert refused.value.error.code == INVALID_PARAMS


async def test_the_time_is_told_without_a_store() -> None:
    async def open_it() -> Opened:
        raise AssertionError("nothing needed to be opened")

    memory = MemoryOnDemand(open_it, clock=lambda: datetime(2026, 5, 20, 12, 0, 7, 900_000, tzinfo=UTC))
    async with Client(MemoryServer(memory)) as client:
        told = (await client.call_tool("get_current_datetime", {})).structured_content
    assert told == {"iso_utc": "2026-05-20T12:00:07Z", "unix_ts": 1_779_278_407}


async def test_listing_opens_nothing() -> None:
    async def open_it() -> Opened:
        raise AssertionError("nothing needed to be opened")

    async with Client(MemoryServer(MemoryOnDemand(open_it))) as client:
        assert (await client.list_tools()).tools
        assert (await client.list_resources()).resources
        assert (await client.list_resource_templates()).resource_templates
        assert (await client.list_prompts()).prompts


async def test_the_defaults_of_the_environment_hold_in_every_tool(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("DEFAULT_MCP_NAMESPACE", "home")
    settings.setenv("DEFAULT_MCP_USER_ID", "ana")
    async with Client(build_server()) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, text_of(result)
            return result.structured_content or {}

        there = {"namespace": "work", "user_id": "bo"}
        await call(
            "create_long_term_memories",
            memories=[{"text": "Mine", "id": "mine"}, {"text": "Bo's", "id": "bos"} | there],
        )
        assert (await call("get_long_term_memory", memory_id="mine"))["namespace"] == "home"
        found = await call("search_long_term_memory", text="")
        assert [(hit["id"], hit["user_id"]) for hit in found["memories"]] == [("mine", "ana")]
        prompt = await call("memory_prompt", query="Mine?")
        assert [hit["id"] for hit in prompt["long_term_memories"]] == ["mine"]
        session = await call("set_working_memory", session_id="s")
        assert (session["namespace"], session["user_id"]) == ("home", "ana")
        assert (await call("append_working_memory", session_id="s", messages=[{"role": "user", "content": "Hi"}]))[
            "version"
        ] == 2
        assert (await call("get_working_memory", session_id="s"))["version"] == 2
        assert await call("delete_long_term_memories", memory_ids=["bos"]) == {"status": "ok, deleted 0 memories"}
        assert await call("compact_long_term_memories") == {"status": "ok, 1 memories remaining after compaction"}
        assert (await client.call_tool("edit_long_term_memory", {"memory_id": "bos", "text": "x"})).is_error
        assert (await client.call_tool("get_long_term_memory", {"memory_id": "bos"})).is_error
        assert (await call("get_long_term_memory", memory_id="bos", **there))["text"] == "Bo's"
        assert (await call("search_long_term_memory", text="", **there))["total"] == 1


async def test_a_store_that_cannot_be_opened_is_an_error_and_the_next_call_tries_again(opened: Opened) -> None:
    tries = iter([StoreUnavailable("the disk is not mounted: mount it"), None])

    async def open_it() -> Opened:
        if fault := next(tries):
            raise fault
        return opened

    async with Client(MemoryServer(MemoryOnDemand(open_it))) as client:
        refused = await client.call_tool("search_long_term_memory", {"text": "x"})
        assert (refused.is_error, text_of(refused)) == (True, "the disk is not mounted: mount it")
        assert (refused.meta or {})["mcp-memory/code"] == "store_unavailable"
        assert not (await client.call_tool("search_long_term_memory", {"text": "x"})).is_error


async def test_a_setting_that_cannot_be_used_is_the_tools_error(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("MEMORY_STORE_URL", "carrier-pigeon://coop")
    async with Client(build_server()) as client:
        refused = await client.call_tool("search_long_term_memory", {"text": "x"})
        assert refused.is_error
        assert "MEMORY_STORE_URL" in text_of(refused)
        settings.setenv("MEMORY_STORE_URL", "ephemeral://")
        assert not (await client.call_tool("search_long_term_memory", {"text": "x"})).is_error


async def test_calls_at_the_same_time_open_memory_once(opened: Opened) -> None:
    openings = 0
    may_open = anyio.Event()

    async def open_it() -> Opened:
        nonlocal openings
        openings += 1
        await may_open.wait()
        return opened

    async with Client(MemoryServer(MemoryOnDemand(open_it))) as client, anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(client.call_tool, "search_long_term_memory", {"text": "x"})
        assert (await client.call_tool("get_current_datetime", {})).structured_content
        may_open.set()
    assert openings == 1


@pytest.mark.usefixtures("settings")
async def test_what_was_opened_is_closed_with_the_connection_and_opened_again() -> None:
    server = build_server()
    async with Client(server) as client:
        await client.call_tool("create_long_term_memories", {"memories": [MANY[0]]})
    async with Client(server) as client:
        kept = await client.call_tool("get_long_term_memory", {"memory_id": "fact-0"})
    assert kept.structured_content is not None
    assert kept.structured_content["text"] == MANY[0]["text"]


async def test_a_fault_of_ours_is_logged_with_its_traceback_and_told_in_general_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def open_it() -> Opened:
        raise ZeroDivisionError("the secret of the store")

    async with Client(MemoryServer(MemoryOnDemand(open_it))) as client:
        with caplog.at_level(logging.ERROR):
            result = await client.call_tool("search_long_term_memory", {"text": "x"})
            with pytest.raises(MCPError) as unread:
                await client.read_resource("memory://recent")
            with pytest.raises(MCPError) as unasked:
                await client.get_prompt("recall", {"query": "x"})
    assert text_of(result) == "search_long_term_memory failed unexpectedly; the server's log (stderr) says why"
    for told in (text_of(result), str(unread.value), str(unasked.value)):
        assert "secret" not in told
    assert caplog.text.count("ZeroDivisionError: the secret of the store") >= 3


async def test_long_calls_tell_how_far_they_are(client: Client) -> None:
    heard: list[tuple[float, float | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        assert message
        heard.append((progress, total))

    await client.call_tool("create_long_term_memories", {"memories": MANY}, progress_callback=listen)
    assert heard
    assert [progress for progress, _ in heard] == sorted({progress for progress, _ in heard})
    assert heard[-1] == (len(MANY), len(MANY))
    heard.clear()
    again = [memory | {"id": f"again-{memory['id']}"} for memory in MANY]
    await client.call_tool("create_long_term_memories", {"memories": again, "deduplicate": False})
    assert not heard
    await client.call_tool("compact_long_term_memories", {}, progress_callback=listen)
    assert heard


async def test_a_cancelled_call_leaves_all_of_its_memories_or_none(client: Client) -> None:
    begun = anyio.Event()

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    async def create() -> None:
        await client.call_tool("create_long_term_memories", {"memories": MANY}, progress_callback=listen)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(create)
            await begun.wait()
            tasks.cancel_scope.cancel()
        left = (await client.call_tool("search_long_term_memory", {"text": ""})).structured_content
        assert left is not None
        assert left["total"] in {0, len(MANY)}
        await client.call_tool("create_long_term_memories", {"memories": MANY})
        whole = (await client.call_tool("search_long_term_memory", {"text": ""})).structured_content
    assert whole is not None
    assert whole["total"] == len(MANY)


async def test_a_call_cancelled_while_memory_opens_leaves_it_usable(opened: Opened) -> None:
    openings = 0
    opening, may_open = anyio.Event(), anyio.Event()

    async def open_it() -> Opened:
        nonlocal openings
        openings += 1
        opening.set()
        await may_open.wait()
        return opened

    with anyio.fail_after(PATIENCE):
        async with Client(MemoryServer(MemoryOnDemand(open_it))) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "search_long_term_memory", {"text": "x"})
                await opening.wait()
                tasks.cancel_scope.cancel()
                may_open.set()
            assert not (await client.call_tool("search_long_term_memory", {"text": "x"})).is_error
    assert openings == 1


async def test_the_environment_is_what_opens_memory_when_nothing_else_is_said(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("DEFAULT_MCP_NAMESPACE", "home")
    at = await from_environment()
    assert at.caller.default.namespace == "home"
    await at.memory.close()
