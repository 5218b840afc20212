"""Resources, completions and prompts: what a person attaches or picks rather than the model."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import (
    INVALID_PARAMS,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)

from mcp_memory.mcp_door.memory_server import MemoryServer
from mcp_memory.mcp_door.resources import TEMPLATES
from mcp_memory.mcp_door.starters import STARTERS
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def known(client: Client) -> Client:
    """A client of a server that remembers some things."""
    await client.call_tool(
        "create_long_term_memories",
        {
            "memories": [
                {"text": "Ana Ruiz prefers aisle seats", "id": "ana/seats", "event_date": "2025-05-03"},
                {"text": "Bo moved to Lisbon", "id": "bo-lisbon", "namespace": "home"},
                {"text": "Cy hates early flights", "id": "cy", "namespace": "hotel"},
            ]
        },
    )
    await client.call_tool(
        "set_working_memory", {"session_id": "trip 1", "messages": [{"role": "user", "content": "Hi"}]}
    )
    return client


async def read(client: Client, uri: str) -> Any:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return json.loads(content.text)


async def test_the_newest_memories_are_a_resource(known: Client) -> None:
    (recent,) = (await known.list_resources()).resources
    assert (recent.uri, recent.title) == ("memory://recent", "Recent memories")
    assert [memory["id"] for memory in await read(known, recent.uri)] == ["cy", "bo-lisbon", "ana/seats"]


async def test_a_memory_a_session_and_a_namespace_are_resources(known: Client) -> None:
    assert (await read(known, "memory://bo-lisbon"))["text"] == "Bo moved to Lisbon"
    assert (await read(known, "memory://ana%2Fseats"))["text"] == "Ana Ruiz prefers aisle seats"
    assert (await read(known, "memory://session/trip%201"))["messages"][0]["content"] == "Hi"
    assert [memory["id"] for memory in await read(known, "memory://namespace/home")] == ["bo-lisbon"]


@pytest.mark.parametrize(
    "uri", ["memory://no-such", "memory://session/no-such", "memory://a/b/c", "other://x", "memory://"]
)
async def test_what_is_not_there_is_a_protocol_error(client: Client, uri: str) -> None:
    with pytest.raises(MCPError) as refused:
        await client.read_resource(uri)
    assert refused.value.error.code == INVALID_PARAMS


async def test_each_template_says_what_it_is(client: Client) -> None:
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == [template.uri for template in TEMPLATES]
    assert all(template.title and template.description for template in templates)


@pytest.mark.parametrize(
    ("uri", "argument", "begun", "wanted"),
    [
        ("memory://{id}", "id", "bo", ["bo-lisbon"]),
        ("memory://session/{session_id}", "session_id", "tr", ["trip 1"]),
        ("memory://namespace/{namespace}", "namespace", "ho", ["home", "hotel"]),
        ("memory://namespace/{namespace}", "namespace", "x", []),
        ("memory://namespace/{namespace}", "other", "", []),
        ("other://{id}", "id", "", []),
    ],
)
async def test_arguments_of_templates_are_completed(
    known: Client, uri: str, argument: str, begun: str, wanted: list[str]
) -> None:
    ref = ResourceTemplateReference(uri=uri)
    completed = await known.complete(ref, {"name": argument, "value": begun})
    assert completed.completion.values == wanted


async def test_no_completion_carries_more_than_the_protocol_allows(client: Client) -> None:
    memories = [{"text": f"Fact {number}", "id": f"fact-{number}"} for number in range(130)]
    await client.call_tool("create_long_term_memories", {"memories": memories})
    completed = await client.complete(ResourceTemplateReference(uri="memory://{id}"), {"name": "id", "value": "fact"})
    assert len(completed.completion.values) == 100


async def test_prompts_complete_namespaces_only(known: Client) -> None:
    ref = PromptReference(name="recall")
    assert (await known.complete(ref, {"name": "namespace", "value": "hom"})).completion.values == ["home"]
    assert (await known.complete(ref, {"name": "query", "value": "hom"})).completion.values == []


async def test_each_prompt_describes_itself_and_its_arguments(client: Client) -> None:
    prompts = (await client.list_prompts()).prompts
    assert [prompt.name for prompt in prompts] == [starter.name for starter in STARTERS]
    for prompt in prompts:
        assert prompt.title
        assert prompt.description
        assert all(argument.description for argument in prompt.arguments or ())


async def said(client: Client, prompt: str, **arguments: str) -> str:
    (message,) = (await client.get_prompt(prompt, arguments)).messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def test_recalling_puts_the_memories_with_dates_and_ids_into_the_prompt(known: Client) -> None:
    told = await said(known, "recall", query="Which seats does Ana prefer?")
    assert "Which seats does Ana prefer?" in told
    assert "- 2025-05-03 Ana Ruiz prefers aisle seats (id ana/seats)" in told
    assert (
        "Ana" not in (await said(known, "recall", query="Where did Bo move?", namespace="home")).partition("found")[2]
    )


async def test_all_that_is_known_of_a_topic_is_in_the_prompt(known: Client) -> None:
    told = await said(known, "what-do-you-know-about", topic="Lisbon")
    assert "Bo moved to Lisbon (id bo-lisbon)" in told
    assert "(none)" in await said(known, "what-do-you-know-about", topic="Lisbon", namespace="empty")


async def test_remembering_hands_over_the_text_as_it_is(client: Client) -> None:
    told = await said(client, "remember", text="Braces {like} these", namespace="home")
    assert "Braces {like} these" in told
    assert 'namespace "home"' in told


@pytest.mark.parametrize(
    ("prompt", "arguments", "words"),
    [
        ("no-such", {}, "Unknown prompt: no-such"),
        ("recall", {}, "query: required"),
        ("recall", {"query": "  "}, "query: required"),
        ("recall", {"query": "a\x00b"}, "NUL"),
    ],
)
async def test_a_prompt_that_cannot_be_made_says_why(
    client: Client, prompt: str, arguments: dict[str, str], words: str
) -> None:
    with pytest.raises(MCPError, match=words) as refused:
        await client.get_prompt(prompt, arguments)
    assert refused.value.error.code == INVALID_PARAMS


async def test_subscribers_hear_of_writes(server: MemoryServer) -> None:
    uris = ["memory://recent", "memory://session/s", "memory://a"]
    heard = set()
    async with Client(server) as client, client.listen(resource_subscriptions=uris) as changes:
        await client.call_tool("create_long_term_memories", {"memories": [{"text": "News", "id": "a"}]})
        messages = [{"role": "user", "content": "x"}]
        await client.call_tool("append_working_memory", {"session_id": "s", "messages": messages})
        await client.call_tool("edit_long_term_memory", {"memory_id": "a", "text": "Newer"})
        with anyio.fail_after(PATIENCE):
            async for change in changes:
                assert isinstance(change, ResourceUpdated)
                heard.add(change.uri)
                if len(heard) == len(uris):
                    break
    assert heard == set(uris)
