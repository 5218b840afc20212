"""Each tool does what its use case does, answers programs and models alike, and refuses bad input in words."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from mcp_memory.domain.requests import Create, GetSession, Search
from mcp_memory.mcp_door.on_demand import Opened

pytestmark = pytest.mark.anyio

ANA = {"text": "Ana Ruiz prefers aisle seats", "id": "ana-seats", "topics": ["travel"], "entities": ["Ana Ruiz"]}
BO = {"text": "Bo moved to Lisbon", "id": "bo-lisbon", "topics": ["home", "travel"], "event_date": "2025-05-03"}
CY = {"text": "Cy hates early flights", "id": "cy-flights", "topics": ["travel"], "namespace": "work", "user_id": "cy"}


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured content of a call that must succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, said(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """What a call says that must fail."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, said(result)
    return said(result)


def said(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def ids(found: dict[str, Any]) -> set[str]:
    return {hit["id"] for hit in found["memories"]}


@pytest.fixture
async def known(client: Client) -> Client:
    """A client of a server that remembers three things."""
    await answer(client, "create_long_term_memories", memories=[ANA, BO, CY])
    return client


async def test_what_was_remembered_is_found_at_once(known: Client) -> None:
    found = await answer(known, "search_long_term_memory", text="which seats does Ana prefer", limit=1)
    assert found["memories"][0]["text"] == ANA["text"]
    assert found["memories"][0]["dist"] < 1


async def test_remembering_answers_an_id_for_each_memory_and_keeps_those_given(client: Client) -> None:
    created = await answer(client, "create_long_term_memories", memories=[ANA, {"text": "No id was given"}])
    assert created["ids"][0] == "ana-seats"
    assert (created["status"], created["stored"], len(created["ids"][1])) == ("ok", 2, 26)


async def test_the_text_is_json_without_nulls_and_bookkeeping(known: Client) -> None:
    result = await known.call_tool("search_long_term_memory", {"text": "seats on planes"})
    spoken = json.loads(said(result))
    assert result.structured_content is not None
    assert [hit["text"] for hit in spoken["memories"]] == [hit["text"] for hit in result.structured_content["memories"]]
    ana = next(hit for hit in spoken["memories"] if hit["id"] == "ana-seats")
    assert ana.keys() >= {"id", "text", "created_at", "dist", "topics", "entities"}
    assert ana.keys().isdisjoint(
        {"memory_hash", "discrete_memory_extracted", "extraction_strategy_config", "session_id"}
    )
    assert spoken.keys() >= {"total", "next_offset"}
    cy = next(hit for hit in spoken["memories"] if hit["id"] == "cy-flights")
    assert (cy["namespace"], cy["user_id"]) == ("work", "cy")


async def test_what_the_client_keeps_with_a_memory_is_spoken_to_the_letter(client: Client) -> None:
    metadata: dict[str, Any] = {"empty": [], "nothing": None, "pinned": False}
    await answer(
        client, "create_long_term_memories", memories=[{"text": "With metadata", "id": "m", "metadata": metadata}]
    )
    result = await client.call_tool("get_long_term_memory", {"memory_id": "m"})
    assert json.loads(said(result))["metadata"] == metadata


async def test_structured_content_keeps_to_the_schema_that_was_promised(known: Client) -> None:
    schemas = {tool.name: tool.output_schema for tool in (await known.list_tools()).tools}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_current_datetime", {}),
        ("create_long_term_memories", {"memories": [ANA]}),
        ("search_long_term_memory", {"text": "Lisbon", "explain": True}),
        ("search_long_term_memory", {"text": ""}),
        ("memory_prompt", {"query": "Where does Bo live?", "session_id": "s"}),
        ("set_working_memory", {"session_id": "s", "messages": [{"role": "user", "content": "Hi"}], "memories": [BO]}),
        ("append_working_memory", {"session_id": "s", "messages": [{"role": "user", "content": "Again"}]}),
        ("get_working_memory", {"session_id": "s", "context_window_max": 100}),
        ("get_working_memory", {"session_id": "none"}),
        ("get_long_term_memory", {"memory_id": "bo-lisbon"}),
        ("edit_long_term_memory", {"memory_id": "bo-lisbon", "pinned": True}),
        ("compact_long_term_memories", {}),
        ("delete_long_term_memories", {"memory_ids": ["bo-lisbon"]}),
    ]
    assert {name for name, _ in calls} == schemas.keys()
    for name, arguments in calls:
        jsonschema.validate(await answer(known, name, **arguments), schemas[name] or {})


async def test_the_tools_answer_what_the_use_cases_answer(known: Client, opened: Opened) -> None:
    long_term = opened.memory.long_term
    by_tool = await answer(known, "search_long_term_memory", text="", topics="travel")
    directly = await long_term.search(Search.model_validate({"text": "", "topics": "travel"}))
    assert by_tool == directly.model_dump(mode="json", by_alias=True)
    record = await answer(known, "get_long_term_memory", memory_id="ana-seats")
    assert record == (await long_term.get("ana-seats")).model_dump(mode="json")
    await answer(known, "set_working_memory", session_id="s", messages=[{"role": "user", "content": "Hi"}])
    session = await answer(known, "get_working_memory", session_id="s")
    kept = await opened.memory.working.get(GetSession(session_id="s"))
    assert session["messages"] == [message.model_dump(mode="json") for message in kept.messages]


async def test_what_another_door_wrote_is_seen(client: Client, opened: Opened) -> None:
    await opened.memory.long_term.create(Create.model_validate({"memories": [ANA]}))
    assert ids(await answer(client, "search_long_term_memory", text="Ana")) == {"ana-seats"}


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"topics": "home"}, {"bo-lisbon"}),
        ({"topics": ["home", "none-such"]}, {"bo-lisbon"}),
        ({"topics": {"any": ["home"]}}, {"bo-lisbon"}),
        ({"topics": {"all": ["home", "travel"]}}, {"bo-lisbon"}),
        ({"topics": {"none": ["home"]}}, {"ana-seats", "cy-flights"}),
        ({"topics": '{"any": ["home"]}'}, {"bo-lisbon"}),
        ({"topics": '["home"]'}, {"bo-lisbon"}),
        ({"namespace": {"eq": "work"}}, {"cy-flights"}),
        ({"namespace": {"in_": ["work"]}}, {"cy-flights"}),
        ({"user_id": {"startswith": "c"}}, {"cy-flights"}),
        ({"user_id": {"not_eq": "cy"}}, {"ana-seats", "bo-lisbon"}),
        ({"entities": {"eq": "Ana Ruiz", "ne": None, "field": "entities"}}, {"ana-seats"}),
        ({"event_date": "2025-05-03"}, {"bo-lisbon"}),
        ({"event_date": {"gte": "2025-05-01", "lt": "2025-06-01"}}, {"bo-lisbon"}),
        ({"event_date": {"between": ["2025-05-01", "2025-05-31"]}}, {"bo-lisbon"}),
        ({"event_date": {"gte": "2025-05-01", "lte": "2025-05-02"}}, set()),
        ({"topics": "travel", "namespace": "work"}, {"cy-flights"}),
        ({"memory_type": "episodic"}, set()),
        ({"namespace": None, "topics": None, "limit": "2", "toolCallId": "x"}, {"bo-lisbon", "cy-flights"}),
    ],
)
async def test_filters_of_both_vocabularies_hold_together(
    known: Client, filters: dict[str, Any], wanted: set[str]
) -> None:
    assert ids(await answer(known, "search_long_term_memory", text="", **filters)) == wanted


async def test_pages_meet_and_the_total_counts_all(known: Client) -> None:
    first = await answer(known, "search_long_term_memory", text="", limit=2)
    rest = await answer(known, "search_long_term_memory", text="", limit=2, offset=first["next_offset"])
    assert (first["total"], rest["total"], rest["next_offset"]) == (3, 3, None)
    assert ids(first) | ids(rest) == {"ana-seats", "bo-lisbon", "cy-flights"}


async def test_lists_and_objects_that_come_as_text_are_understood(client: Client) -> None:
    await answer(client, "create_long_term_memories", memories=json.dumps([ANA, BO]))
    await answer(client, "set_working_memory", session_id="[s]", data='{"step": 2}', messages="[]")
    assert (await answer(client, "get_working_memory", session_id="[s]"))["data"] == {"step": 2}
    assert await answer(client, "delete_long_term_memories", memory_ids='["ana-seats"]') == {
        "status": "ok, deleted 1 memories"
    }


async def test_a_prompt_joins_the_session_what_is_known_and_the_query(known: Client) -> None:
    await answer(
        known,
        "set_working_memory",
        session_id="trip",
        context="Planning a trip",
        messages=[{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}],
    )
    prompt = await answer(
        known, "memory_prompt", query="Which seats does Ana prefer?", session_id={"eq": "trip"}, limit=1
    )
    roles = [message["role"] for message in prompt["messages"]]
    assert roles == ["system", "user", "assistant", "system", "user"]
    assert ANA["text"] in prompt["messages"][3]["content"]["text"]
    assert prompt["messages"][-1]["content"] == {
        "type": "text",
        "text": "Which seats does Ana prefer?",
        "annotations": None,
        "_meta": None,
    }
    assert [hit["id"] for hit in prompt["long_term_memories"]] == ["ana-seats"]


async def test_a_prompt_can_do_without_the_search_or_the_session(known: Client) -> None:
    alone = await answer(known, "memory_prompt", query="Hello?", session_id="new", include_long_term_search=False)
    assert [message["role"] for message in alone["messages"]] == ["user"]
    assert alone["long_term_memories"] is None
    searched = await answer(known, "memory_prompt", query="Where did Bo move?")
    assert [message["role"] for message in searched["messages"]] == ["system", "user"]
    assert "session" in await refusal(known, "memory_prompt", query="Hello?", include_long_term_search=False)


async def test_memories_of_all_sessions_come_into_the_prompt_of_one(client: Client) -> None:
    await answer(client, "create_long_term_memories", memories=[ANA | {"session_id": "earlier"}])
    prompt = await answer(client, "memory_prompt", query="Ana's seat", session_id="now")
    assert [hit["id"] for hit in prompt["long_term_memories"]] == ["ana-seats"]


async def test_a_session_is_replaced_whole_and_appended_to(client: Client) -> None:
    hello, bye = {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Bye"}
    first = await answer(client, "set_working_memory", session_id="s", messages=[hello], data={"a": 1})
    assert (first["ttl_seconds"], first["version"]) == (3600, 1)
    longer = await answer(client, "append_working_memory", session_id="s", messages=[bye])
    assert [message["content"] for message in longer["messages"]] == ["Hello", "Bye"]
    assert longer["data"] == {"a": 1}
    emptied = await answer(client, "set_working_memory", session_id="s", ttl_seconds=None)
    assert (emptied["messages"], emptied["data"], emptied["ttl_seconds"]) == ([], None, None)
    late = await refusal(client, "set_working_memory", session_id="s", expected_version=1)
    assert "read it again" in late


async def test_a_session_that_does_not_exist_comes_back_empty(client: Client) -> None:
    session = await answer(client, "get_working_memory", session_id="none")
    assert (session["session_id"], session["messages"], session["version"]) == ("none", [], 0)


async def test_facts_of_a_session_are_remembered_for_good_in_its_scope(client: Client) -> None:
    await answer(
        client, "set_working_memory", session_id="s", namespace="home", user_id="ana", memories=[{"text": "Likes tea"}]
    )
    found = await answer(client, "search_long_term_memory", text="tea", namespace="home", user_id="ana", session_id="s")
    assert [hit["text"] for hit in found["memories"]] == ["Likes tea"]


async def test_only_the_newest_messages_are_read_when_asked(client: Client) -> None:
    messages = [{"role": "user", "content": f"Message {number}"} for number in range(5)]
    await answer(client, "set_working_memory", session_id="s", messages=messages)
    session = await answer(client, "get_working_memory", session_id="s", recent_messages_limit=2)
    assert [message["content"] for message in session["messages"]] == ["Message 3", "Message 4"]


async def test_a_memory_is_corrected_and_forgotten_by_its_id(known: Client) -> None:
    edited = await answer(known, "edit_long_term_memory", memory_id="ana-seats", text="Ana Ruiz prefers window seats")
    assert (edited["text"], edited["topics"], edited["version"]) == ("Ana Ruiz prefers window seats", ["travel"], 2)
    gone = await answer(known, "delete_long_term_memories", memory_ids=["ana-seats", "no-such"])
    assert gone == {"status": "ok, deleted 1 memories"}
    assert await refusal(known, "get_long_term_memory", memory_id="ana-seats") == "Memory with ID ana-seats not found"


async def test_compaction_makes_exact_duplicates_one(client: Client) -> None:
    await answer(client, "create_long_term_memories", memories=[ANA, ANA | {"id": "ana-again"}], deduplicate=False)
    assert await answer(client, "compact_long_term_memories") == {"status": "ok, 1 memories remaining after compaction"}
    assert (await answer(client, "get_long_term_memory", memory_id="ana-again"))["text"] == ANA["text"]


async def test_an_id_of_another_scope_is_not_there(known: Client) -> None:
    assert "not found" in await refusal(known, "get_long_term_memory", memory_id="cy-flights", namespace="home")
    assert await answer(known, "delete_long_term_memories", memory_ids=["cy-flights"], user_id="ana") == {
        "status": "ok, deleted 0 memories"
    }
    assert (await answer(known, "get_long_term_memory", memory_id="cy-flights", namespace="work"))["user_id"] == "cy"


async def test_an_id_in_two_scopes_must_be_narrowed(client: Client) -> None:
    twice = [ANA | {"user_id": "ana"}, ANA | {"user_id": "bo"}]
    await answer(client, "create_long_term_memories", memories=twice)
    assert "namespace and user_id" in await refusal(client, "get_long_term_memory", memory_id="ana-seats")
    assert (await answer(client, "get_long_term_memory", memory_id="ana-seats", user_id="bo"))["user_id"] == "bo"


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("create_long_term_memories", {}, "memories: required"),
        ("create_long_term_memories", {"memories": []}, "memories: List should have at least 1 item"),
        ("create_long_term_memories", {"memories": [{"text": "  "}]}, "memories.0.text: text is empty"),
        ("create_long_term_memories", {"memories": [{}]}, "memories.0.text: Field required"),
        ("create_long_term_memories", {"memories": [{"text": "x" * 1_048_577}]}, "at most 1,048,576"),
        ("create_long_term_memories", {"memories": [{"text": "a\x00b"}]}, "NUL"),
        ("create_long_term_memories", {"memories": [{"text": 5}]}, "memories.0.text: Input should be a valid string"),
        ("create_long_term_memories", {"memories": "tea"}, "memories: Input should be a valid list"),
        ("create_long_term_memories", {"memories": [ANA | {"event_date": "soon"}]}, "memories.0.event_date: "),
        ("create_long_term_memories", {"memories": [ANA | {"memory_type": "secret"}]}, "memories.0.memory_type: "),
        ("search_long_term_memory", {}, "text: required"),
        ("search_long_term_memory", {"query": "Ana"}, "text: required (not a parameter here: query)"),
        ("search_long_term_memory", {"text": "x", "limit": 0}, "limit: Input should be greater than or equal to 1"),
        ("search_long_term_memory", {"text": "x", "limit": 1000}, "limit: Input should be less than or equal to 100"),
        ("search_long_term_memory", {"text": "x", "limit": 0, "offset": -1}, "1; offset: Input should be greater"),
        ("search_long_term_memory", {"text": "x", "topics": {"like": "a"}}, "topics: unknown operator like"),
        ("search_long_term_memory", {"text": "x", "topics": {}}, "topics: a filter needs an operator"),
        ("search_long_term_memory", {"text": "x", "topics": {"any": []}}, "topics.any: "),
        ("search_long_term_memory", {"text": "x", "created_at": "soon"}, "'soon' is no date; write 2026-01-31"),
        ("search_long_term_memory", {"text": "x", "created_at": {"gt": [1]}}, "created_at.gt: "),
        ("search_long_term_memory", {"text": "x", "memory_type": "secret"}, "memory_type 'secret' is unknown"),
        ("search_long_term_memory", {"text": "x", "search_mode": "magic"}, "search_mode: "),
        (
            "search_long_term_memory",
            {"text": "x", "search_mode": "keyword", "distance_threshold": 0.5},
            "only supported for semantic",
        ),
        ("memory_prompt", {"query": ""}, "query: text is empty"),
        ("memory_prompt", {"query": "x", "session_id": {"any": ["a", "b"]}}, "session_id: name one session"),
        ("memory_prompt", {"query": "x", "session_id": "s" * 600}, "session_id: "),
        ("set_working_memory", {"session_id": ""}, "session_id: "),
        (
            "set_working_memory",
            {"session_id": "s", "messages": [{"role": "user"}]},
            "messages.0.content: Field required",
        ),
        ("set_working_memory", {"session_id": "s", "ttl_seconds": 0}, "ttl_seconds: "),
        ("append_working_memory", {"session_id": "s", "messages": []}, "messages: List should have at least 1 item"),
        ("get_long_term_memory", {"memory_id": None}, "memory_id: Field required"),
        ("get_long_term_memory", {"memory_id": "nope"}, "Memory with ID nope not found"),
        ("edit_long_term_memory", {"memory_id": "nope", "text": "x"}, "Memory with ID nope not found"),
        ("edit_long_term_memory", {"memory_id": "nope"}, "No fields provided for update"),
        ("delete_long_term_memories", {"memory_ids": []}, "memory_ids: List should have at least 1 item"),
        ("delete_long_term_memories", {"memory_ids": "ana"}, "memory_ids: Input should be a valid list"),
    ],
)
async def test_bad_input_is_refused_in_a_line_that_says_what_to_do(
    client: Client, tool: str, arguments: dict[str, Any], words: str
) -> None:
    refused = await refusal(client, tool, **arguments)
    assert words in refused
    assert len(refused) < 300
    assert "\n" not in refused
    assert "pydantic" not in refused
    assert (await answer(client, "search_long_term_memory", text=""))["total"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{GRINNING FACE} party",
        "שלום עולם",
        "東京に住んでいます",
        "a\tb\r\n\x1b[31mred",
        "x" * 1_048_576,
    ],
    ids=["emoji", "right-to-left", "Japanese", "controls", "1 MB"],
)
async def test_any_text_comes_back_as_it_was_given(client: Client, text: str) -> None:
    await answer(client, "create_long_term_memories", memories=[{"text": text, "id": "t"}])
    result = await client.call_tool("get_long_term_memory", {"memory_id": "t"})
    assert result.structured_content is not None
    assert result.structured_content["text"] == text
    assert json.loads(said(result))["text"] == text
