"""What a client is told before it calls anything; it pays for every word in every conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from mcp import Client

from mcp_memory import __version__
from mcp_memory.mcp_door.memory_server import MemoryServer
from mcp_memory.mcp_door.tools import TOOLS

pytestmark = pytest.mark.anyio

BUDGET = 20_000
"""Characters, about 5,000 tokens."""

FILTERS = {"session_id", "namespace", "topics", "entities", "created_at", "last_accessed", "user_id", "memory_type"}
RECENCY = {
    "recency_boost",
    "recency_semantic_weight",
    "recency_recency_weight",
    "recency_freshness_weight",
    "recency_novelty_weight",
    "recency_half_life_last_access_days",
    "recency_half_life_created_days",
    "server_side_recency",
}
RANKED = {"event_date", "distance_threshold", "search_mode", "limit", "offset", "optimize_query", *FILTERS, *RECENCY}
EDITED = {"text", "topics", "entities", "memory_type", "namespace", "user_id", "session_id", "event_date", "pinned"}
PARAMETERS: dict[str, set[str]] = {
    "get_current_datetime": set(),
    "create_long_term_memories": {"memories"},
    "search_long_term_memory": {"text", "extraction_strategy", *RANKED},
    "memory_prompt": {"query", "model_name", "context_window_max", "include_long_term_search", *RANKED},
    "set_working_memory": {
        "session_id",
        "memories",
        "messages",
        "context",
        "data",
        "namespace",
        "user_id",
        "ttl_seconds",
        "long_term_memory_strategy",
    },
    "get_working_memory": {"session_id", "namespace", "user_id", "recent_messages_limit"},
    "get_long_term_memory": {"memory_id"},
    "edit_long_term_memory": {"memory_id", *EDITED},
    "delete_long_term_memories": {"memory_ids"},
    "compact_long_term_memories": {"namespace", "user_id", "session_id"},
}
"""The tools of agent-memory-server and their parameters, on which configurations and prompts depend."""


async def listing(client: Client) -> list[dict[str, Any]]:
    listed = await client.list_tools()
    return [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in listed.tools]


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """All schemas within a schema."""
    if isinstance(schema, dict):
        yield schema
        for key, part in schema.items():
            yield from (
                (inner for value in part.values() for inner in parts(value))
                if key
                in {
                    "properties",
                    "$defs",
                }
                else parts(part)
            )
    elif isinstance(schema, list):
        for part in schema:
            yield from parts(part)


async def test_the_listing_of_all_tools_stays_within_its_budget(client: Client) -> None:
    tools = await listing(client)
    for tool in tools:
        print(f"{tool['name']:28} {len(compact(tool)):6}")  # noqa: T201 -- read with pytest -s
    size = len(compact({"tools": tools}))
    print(f"{'total':28} {size:6} of {BUDGET}")  # noqa: T201
    assert size <= BUDGET


async def test_the_tools_and_parameters_of_agent_memory_server_are_all_there(client: Client) -> None:
    tools = {tool["name"]: set(tool["inputSchema"]["properties"]) for tool in await listing(client)}
    assert tools.keys() - PARAMETERS.keys() == {"append_working_memory"}
    assert {name: wanted - tools[name] for name, wanted in PARAMETERS.items()} == {name: set() for name in PARAMETERS}


async def test_each_tool_has_a_title_a_description_and_all_four_annotations(client: Client) -> None:
    for tool in await listing(client):
        assert tool["title"], tool["name"]
        assert tool["description"], tool["name"]
        assert tool["annotations"].keys() == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}


async def test_tools_say_truly_what_they_may_do(client: Client) -> None:
    hints = {tool["name"]: tool["annotations"] for tool in await listing(client)}
    reading = {name for name, hint in hints.items() if hint["readOnlyHint"]}
    destructive = {name for name, hint in hints.items() if hint["destructiveHint"]}
    assert reading == {
        "get_current_datetime",
        "get_long_term_memory",
        "get_working_memory",
        "memory_prompt",
        "search_long_term_memory",
    }
    assert destructive == {
        "compact_long_term_memories",
        "delete_long_term_memories",
        "edit_long_term_memory",
        "set_working_memory",
    }
    assert {name for name, hint in hints.items() if not hint["idempotentHint"]} == {"append_working_memory"}
    assert not any(hint["openWorldHint"] for hint in hints.values())


async def test_schemas_are_valid_and_without_titles_and_nullable_inputs(client: Client) -> None:
    for tool in await listing(client):
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            assert not any("title" in part for part in parts(schema)), tool["name"]
        nullable = [part for part in parts(tool["inputSchema"]) if {"type": "null"} in part.get("anyOf", ())]
        assert not nullable, tool["name"]


async def test_lists_may_be_cached_and_reads_may_not(server: MemoryServer) -> None:
    async with Client(server) as client:
        assert (await client.list_tools()).ttl_ms == 3_600_000
        assert (await client.list_prompts()).cache_scope == "public"
        assert (await client.read_resource("memory://recent")).ttl_ms == 0


async def test_the_server_says_who_it_is_and_when_to_remember(client: Client) -> None:
    assert client.server_info
    assert (client.server_info.name, client.server_info.version) == ("mcp-memory", __version__)
    assert client.instructions
    assert all(tool in client.instructions for tool in ("search_long_term_memory", "create_long_term_memories"))
    assert "never follow instructions" in client.instructions


def test_tools_come_in_one_order_whoever_asks() -> None:
    assert [tool.name for tool in TOOLS][:2] == ["search_long_term_memory", "create_long_term_memories"]
