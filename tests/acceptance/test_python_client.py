"""Every method of the published Python client works against the sidecar, over a file and over a Redis."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from agent_memory_client import MemoryAPIClient, create_memory_client
from agent_memory_client.exceptions import MemoryNotFoundError, MemoryServerError
from agent_memory_client.filters import CreatedAt, Entities, MemoryType, Namespace, SessionId, Topics, UserId
from agent_memory_client.models import (
    ClientMemoryRecord,
    CreateSummaryViewRequest,
    ForgetPolicy,
    MemoryMessage,
    MemoryStrategyConfig,
    MemoryTypeEnum,
    RecencyConfig,
    WorkingMemory,
)

from tests import redis_server
from tests.acceptance.sidecar import started

pytestmark = [
    pytest.mark.anyio,
    # The client says so of its own method, which programs still call.
    pytest.mark.filterwarnings("ignore:get_working_memory is deprecated:DeprecationWarning"),
]

SEATS = "Ana Ruiz prefers aisle seats"
Drive = Callable[[MemoryAPIClient], Awaitable[None]]


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = {}
    if request.param == "redis":
        place = redis_server.place(request.getfixturevalue("redis_url"))
        store = {"MEMORY_STORE_URL": "", "REDIS_URL": place.url}
        store |= {"REDISVL_INDEX_NAME": place.index, "REDISVL_INDEX_PREFIX": place.prefix}
    with started(tmp_path_factory.mktemp("sidecar"), **store) as sidecar:
        yield sidecar.wait_until_it_serves()
        assert sidecar.leave() == 0
    if request.param == "redis":
        redis_server.erase(place)


@pytest.fixture
async def client(address: str, request: pytest.FixtureRequest) -> AsyncIterator[MemoryAPIClient]:
    """A client whose default namespace is that of its test alone."""
    made = await create_memory_client(address, default_namespace=request.node.name[:200])
    async with made:
        yield made


def fact(text: str, **fields: Any) -> ClientMemoryRecord:
    return ClientMemoryRecord(text=text, memory_type=MemoryTypeEnum.SEMANTIC, **fields)


def ours(client: MemoryAPIClient) -> Namespace:
    return Namespace(eq=client.config.default_namespace)


async def remembered(client: MemoryAPIClient, *facts: ClientMemoryRecord) -> None:
    assert (await client.create_long_term_memory(facts)).status == "ok"


async def health_check(client: MemoryAPIClient) -> None:
    assert (await client.health_check()).now > 0


async def working_memory(client: MemoryAPIClient) -> None:
    memory = WorkingMemory(
        session_id="trip",
        namespace=client.config.default_namespace,
        user_id="ana",
        messages=[MemoryMessage(role="user", content="an aisle seat, please", created_at=datetime.now(UTC))],
        memories=[fact(SEATS, topics=["travel"])],
        data={"seat": {"row": 12}},
        context="Ana books a flight.",
        ttl_seconds=3600,
        long_term_memory_strategy=MemoryStrategyConfig(strategy="summary", config={"max_summary_length": 80}),
    )
    put = await client.put_working_memory("trip", memory, user_id="ana", context_window_max=2000)
    assert put.context_percentage_total_used is not None
    got = await client.get_working_memory("trip", user_id="ana", model_name="gpt-4o")
    assert (got.messages[0].content, got.data, got.context) == (
        "an aisle seat, please",
        {"seat": {"row": 12}},
        "Ana books a flight.",
    )
    assert (got.ttl_seconds, got.long_term_memory_strategy.strategy) == (3600, "summary")
    assert (await client.list_sessions(user_id="ana")).sessions == ["trip"]
    found = await client.search_long_term_memory("aisle seats", namespace=ours(client))
    assert [(hit.text, hit.user_id, hit.session_id) for hit in found.memories] == [(SEATS, "ana", "trip")]
    assert (await client.delete_working_memory("trip", user_id="ana")).status == "ok"
    with pytest.raises(MemoryNotFoundError):
        await client.get_working_memory("trip")


async def get_or_create(client: MemoryAPIClient) -> None:
    created, _ = await client.get_or_create_working_memory("new", user_id="ana")
    again, memory = await client.get_or_create_working_memory("new", user_id="ana")
    assert (created, again, memory.user_id) == (True, False, "ana")


async def parts_of_working_memory(client: MemoryAPIClient) -> None:
    await client.append_messages_to_working_memory("talk", [{"role": "user", "content": "hello"}])
    await client.append_messages_to_working_memory("talk", [MemoryMessage(role="assistant", content="hi")])
    await client.set_working_memory_data("talk", {"theme": "dark"})
    await client.update_working_memory_data("talk", {"size": 12}, merge_strategy="deep_merge")
    await client.add_memories_to_working_memory("talk", [fact("Ana likes dark themes")])
    got = await client.get_working_memory("talk")
    assert [message.content for message in got.messages] == ["hello", "hi"]
    assert got.data == {"theme": "dark", "size": 12}
    assert (await client.promote_working_memories_to_long_term("talk")).status == "ok"
    found = await client.search_long_term_memory("dark themes", namespace=ours(client))
    assert [hit.text for hit in found.memories] == ["Ana likes dark themes"]


async def long_term_memory(client: MemoryAPIClient) -> None:
    await remembered(client, fact(SEATS, id="seats-1"), fact("Ana Ruiz lives in Porto", id="home-1"))
    got = await client.get_long_term_memory("seats-1")
    assert (got.text, got.topics, got.entities) == (SEATS, [], [])
    edited = await client.edit_long_term_memory(
        "seats-1", {"text": "Ana Ruiz prefers window seats", "topics": ["trip"]}
    )
    assert (edited.text, edited.topics) == ("Ana Ruiz prefers window seats", ["trip"])
    assert (await client.delete_long_term_memories(["seats-1", "nobody"])).status == "ok, deleted 1 memories"
    assert (await client.delete_long_term_memories([])).status == "ok, deleted 0 memories"
    with pytest.raises(MemoryNotFoundError):
        await client.get_long_term_memory("seats-1")
    with pytest.raises(MemoryServerError, match="No fields provided for update"):
        await client.edit_long_term_memory("home-1", {"colour": "blue"})


async def every_filter(client: MemoryAPIClient) -> None:
    await remembered(
        client,
        fact(SEATS, user_id="ana", session_id="s1", topics=["travel", "seats"], entities=["Ana Ruiz"]),
        fact("Bo Chen prefers aisle seats", user_id="bo", session_id="s2", topics=["travel"], entities=["Bo Chen"]),
    )
    narrowed: list[dict[str, Any]] = [
        {"user_id": UserId(eq="ana")},
        {"user_id": UserId(in_=["ana"])},
        {"user_id": UserId(not_eq="bo")},
        {"user_id": UserId(not_in=["bo"])},
        {"session_id": SessionId(in_=["s1", "s9"])},
        {"topics": Topics(all=["travel", "seats"])},
        {"topics": Topics(any=["seats"])},
        {"entities": Entities(none=["Bo Chen"])},
        {"memory_type": MemoryType(eq="semantic"), "user_id": UserId(eq="ana")},
        {"created_at": CreatedAt(gte=datetime(2020, 1, 1, tzinfo=UTC)), "user_id": UserId(eq="ana")},
        {"distance_threshold": 0.99, "user_id": UserId(eq="ana")},
        {"recency": RecencyConfig(recency_boost=True, semantic_weight=0.9), "user_id": UserId(eq="ana")},
    ]
    for given in narrowed:
        found = await client.search_long_term_memory("aisle seats", namespace=ours(client), **given)
        assert [hit.text for hit in found.memories] == [SEATS], given
    nothing = await client.search_long_term_memory(
        "aisle seats", created_at=CreatedAt(lte=datetime(2020, 1, 1, tzinfo=UTC))
    )
    assert nothing.memories == []


async def pages(client: MemoryAPIClient) -> None:
    batches = [[fact(f"Berth {number} is in the harbour")] for number in range(7)]
    replies = await client.bulk_create_long_term_memories(batches, delay_between_batches=0)
    assert [reply.status for reply in replies] == ["ok"] * 7
    names = {
        memory.text async for memory in client.search_all_long_term_memories("", namespace=ours(client), batch_size=3)
    }
    assert len(names) == 7
    page = await client.search_long_term_memory("harbour berth", namespace=ours(client), limit=3)
    assert (len(page.memories), page.total, page.next_offset) == (3, 7, 3)


async def forget(client: MemoryAPIClient) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    await remembered(client, fact(SEATS, created_at=old, last_accessed=old), fact("Ana Ruiz lives in Porto"))
    policy = ForgetPolicy(max_age_days=30)
    told = await client.forget_long_term_memories(policy, client.config.default_namespace, limit=10, dry_run=True)
    assert (told.scanned, told.deleted, told.dry_run) == (2, 1, True)
    # The published client does not send dry_run=False, so the server's safe default holds.
    assert (await client.forget_long_term_memories(policy, client.config.default_namespace)).dry_run is True


async def prompts(client: MemoryAPIClient) -> None:
    await remembered(client, fact(SEATS))
    await client.append_messages_to_working_memory("talk", [{"role": "user", "content": "hello"}])
    prompt = await client.memory_prompt(
        "which seats does Ana prefer?",
        session_id="talk",
        context_window_max=4000,
        model_name="gpt-5",
        long_term_search={"limit": 5},
        optimize_query=True,
    )
    said = [message["content"]["text"] for message in prompt["messages"]]
    assert (said[0], said[-1]) == ("hello", "which seats does Ana prefer?")
    assert SEATS in said[1]
    assert prompt["messages"][0]["content"] == {"type": "text", "text": "hello", "annotations": None, "_meta": None}
    hydrated = await client.hydrate_memory_prompt("which seats does Ana prefer?", namespace=ours(client).model_dump())
    assert [memory["text"] for memory in hydrated["long_term_memories"]] == [SEATS]


async def tools(client: MemoryAPIClient) -> None:
    await remembered(client, fact(SEATS, topics=["travel"]))
    found = await client.search_memory_tool("aisle seats", topics=["travel"], min_relevance=0.01)
    assert SEATS in [memory["text"] for memory in found["memories"]]
    assert (await client.add_memory_tool("talk", "Ana collects stamps", "semantic"))["success"]
    assert (await client.update_memory_data_tool("talk", {"theme": "dark"}))["success"]
    assert (await client.get_or_create_working_memory_tool("talk"))["created"] is False
    assert (await client.get_working_memory_tool("talk"))["data"] == {"theme": "dark"}


async def calls_of_models(client: MemoryAPIClient) -> None:
    asked = {"memories": [{"id": "seats-2", "text": SEATS, "memory_type": "semantic"}]}
    made = await client.resolve_function_call("eagerly_create_long_term_memory", json.dumps(asked), "talk")
    assert made["success"], made["error"]
    by_openai = {
        "id": "1",
        "type": "function",
        "function": {"name": "get_long_term_memory", "arguments": '{"memory_id": "seats-2"}'},
    }
    by_anthropic = {
        "type": "tool_use",
        "id": "2",
        "name": "edit_long_term_memory",
        "input": {"memory_id": "seats-2", "topics": ["travel"]},
    }
    assert (await client.resolve_tool_call(by_openai, "talk"))["success"]
    assert [reply["success"] for reply in await client.resolve_tool_calls([by_openai, by_anthropic], "talk")] == [
        True
    ] * 2
    several = [
        {"name": "search_memory", "arguments": {"query": "seats"}},
        {"name": "lazily_create_long_term_memory", "arguments": {"text": "Ana collects stamps"}},
        {"name": "update_working_memory_data", "arguments": {"data": {"a": 1}}},
        {"name": "get_or_create_working_memory", "arguments": {}},
        {"name": "delete_long_term_memories", "arguments": {"memory_ids": ["seats-2"]}},
        {"name": "get_current_datetime", "arguments": {}},
    ]
    replies = await client.resolve_function_calls(several, "talk")
    assert [reply["error"] for reply in replies] == [None] * len(several)


async def summary_views(client: MemoryAPIClient) -> None:
    await remembered(client, fact(SEATS, user_id="ana"))
    namespace = client.config.default_namespace
    asked = CreateSummaryViewRequest(source="long_term", group_by=["user_id"], filters={"namespace": namespace})
    view = await client.create_summary_view(asked)
    assert await client.get_summary_view(view.id) == view
    assert view in await client.list_summary_views()
    done = await client.run_summary_view_partition(view.id, {"user_id": "ana"})
    assert (done.memory_count, SEATS in done.summary) == (1, True)
    assert await client.list_summary_view_partitions(view.id, user_id="ana") == [done]
    task = await client.run_summary_view(view.id, force=True)
    followed = await client.get_task(task.id)
    assert followed is not None
    assert (followed.id, followed.view_id, followed.error_message) == (task.id, view.id, None)
    assert (await client.delete_summary_view(view.id)).status == "ok"
    assert [await client.get_summary_view(view.id), await client.get_task("none")] == [None, None]


DRIVES: dict[Drive, set[str]] = {
    health_check: {"health_check"},
    working_memory: {"put_working_memory", "get_working_memory", "list_sessions", "delete_working_memory"},
    get_or_create: {"get_or_create_working_memory"},
    parts_of_working_memory: {
        "append_messages_to_working_memory",
        "set_working_memory_data",
        "update_working_memory_data",
        "add_memories_to_working_memory",
        "promote_working_memories_to_long_term",
    },
    long_term_memory: {
        "create_long_term_memory",
        "get_long_term_memory",
        "edit_long_term_memory",
        "delete_long_term_memories",
    },
    every_filter: {"search_long_term_memory"},
    pages: {"bulk_create_long_term_memories", "search_all_long_term_memories"},
    forget: {"forget_long_term_memories"},
    prompts: {"memory_prompt", "hydrate_memory_prompt"},
    tools: {
        "search_memory_tool",
        "add_memory_tool",
        "update_memory_data_tool",
        "get_or_create_working_memory_tool",
        "get_working_memory_tool",
    },
    summary_views: {
        "create_summary_view",
        "delete_summary_view",
        "get_summary_view",
        "get_task",
        "list_summary_view_partitions",
        "list_summary_views",
        "run_summary_view",
        "run_summary_view_partition",
    },
    calls_of_models: {"resolve_function_call", "resolve_tool_call", "resolve_tool_calls", "resolve_function_calls"},
}
"""What drives the client, and the methods that it drives."""


@pytest.mark.parametrize("drive", DRIVES, ids=lambda drive: drive.__name__)
async def test_the_client_works(client: MemoryAPIClient, drive: Drive) -> None:
    await drive(client)


def test_every_method_that_talks_to_the_server_is_driven() -> None:
    talks = {
        name
        for name, method in inspect.getmembers(MemoryAPIClient)
        if not name.startswith("_") and (inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method))
    }
    assert talks - {"close"} == set().union(*DRIVES.values())
