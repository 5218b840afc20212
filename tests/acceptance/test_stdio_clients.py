"""Clients that others wrote connect to the started program and use it: the SDK's own, in both eras, and fastmcp's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastmcp import Client as OutsideClient
from fastmcp.client.transports import StdioTransport
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import TextContent

pytestmark = pytest.mark.anyio

ANA = "Ana Ruiz prefers aisle seats"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_sdks_client_remembers_and_recalls(
    command: list[str], environment: dict[str, str], mode: Any
) -> None:
    transport = stdio_client(StdioServerParameters(command=command[0], args=command[1:], env=environment))
    async with Client(transport, mode=mode) as client:
        assert len((await client.list_tools()).tools) == 11
        await client.call_tool("create_long_term_memories", {"memories": [{"text": ANA}]})
        found = await client.call_tool("search_long_term_memory", {"text": "which seats does Ana prefer"})
    assert found.structured_content is not None
    assert found.structured_content["memories"][0]["text"] == ANA
    assert isinstance(found.content[0], TextContent)
    assert json.loads(found.content[0].text)["memories"][0]["text"] == ANA


async def test_an_outside_client_finds_everything_the_door_offers(
    command: list[str], environment: dict[str, str]
) -> None:
    transport = StdioTransport(command[0], command[1:], env=environment, keep_alive=False)
    async with OutsideClient(transport) as client:
        assert len(await client.list_tools()) == 11
        created = await client.call_tool("create_long_term_memories", {"memories": [{"text": ANA, "id": "ANA/1"}]})
        assert created.data.ids == ["ANA/1"]
        found = await client.call_tool("search_long_term_memory", {"text": "Ana", "topics": None})
        assert (found.data.total, found.structured_content["memories"][0]["id"]) == (1, "ANA/1")
        assert json.loads((await client.read_resource("memory://ANA%2F1"))[0].text)["text"] == ANA
        assert [str(resource.uri) for resource in await client.list_resources()] == ["memory://recent"]
        assert {prompt.name for prompt in await client.list_prompts()} == {
            "recall",
            "remember",
            "what-do-you-know-about",
        }
        recalled = await client.get_prompt("recall", {"query": "Ana"})
        assert ANA in recalled.messages[0].content.text
        refused = await client.call_tool("search_long_term_memory", {"text": "x", "limit": 0}, raise_on_error=False)
        assert refused.is_error
