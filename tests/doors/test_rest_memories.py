"""Long-term memory and prompts over REST, as existing clients know them."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import AsyncClient

pytestmark = pytest.mark.anyio

MEMORIES = "/v1/long-term-memory"
SEATS = {"id": "seats", "text": "Ana Ruiz prefers aisle seats", "topics": ["Travel"], "user_id": "ana"}
OLD = "2020-01-01T00:00:00Z"


async def remember(rest: AsyncClient, *memories: dict[str, Any], query: str = "") -> None:
    response = await rest.post(f"{MEMORIES}/{query}", json={"memories": list(memories)})
    assert (response.status_code, response.json()["status"]) == (200, "ok"), response.text


async def found(rest: AsyncClient, **asked: Any) -> list[str]:
    response = await rest.post(f"{MEMORIES}/search?optimize_query=false", json=asked)
    assert response.status_code == 200, response.text
    return [memory["id"] for memory in response.json()["memories"]]


async def test_what_was_acknowledged_is_found(rest: AsyncClient) -> None:
    await remember(rest, SEATS)
    assert await found(rest, text="which seats does Ana prefer?") == ["seats"]
    assert await found(rest, text=None, topics={"any": ["travel"], "all": None, "field": "topics"}) == ["seats"]


async def test_both_vocabularies_of_filters_are_understood_and_all_must_hold(rest: AsyncClient) -> None:
    await remember(rest, SEATS, {"id": "bo", "text": "Bo Chen prefers aisle seats", "user_id": "bo"})
    for narrowed in (
        {"eq": "ana"},
        {"in_": ["ana"]},
        {"not_eq": "bo"},
        {"none": ["bo"]},
        {"startswith": "a", "ne": "bo"},
    ):
        assert await found(rest, text="aisle seats", user_id=narrowed) == ["seats"], narrowed
    assert await found(rest, text="aisle seats", user_id={"eq": "ana"}, topics={"all": ["travel", "food"]}) == []


async def test_a_search_says_why_if_asked(rest: AsyncClient) -> None:
    await remember(rest, SEATS)
    response = await rest.post(f"{MEMORIES}/search", json={"text": "aisle seats", "explain": True})
    assert response.json()["memories"][0]["why"]


async def test_a_threshold_needs_a_distance(rest: AsyncClient) -> None:
    asked = {"text": "seats", "search_mode": "keyword", "distance_threshold": 0.5}
    response = await rest.post(f"{MEMORIES}/search", json=asked)
    expected = "distance_threshold is only supported for semantic search mode"
    assert (response.status_code, response.json()["detail"]) == (400, expected)
    prompt = await rest.post("/v1/memory/prompt", json={"query": "seats", "long_term_search": asked})
    assert (prompt.status_code, prompt.json()["detail"]) == (400, expected)


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 101},
        {"offset": 10**30},
        {"user_id": {"like": "a"}},
        {"user_id": {}},
        {"memory_type": {"eq": "dream"}},
        {"topics": {"any": []}},
    ],
    ids=str,
)
async def test_a_search_that_cannot_be_done_is_refused(rest: AsyncClient, asked: dict[str, Any]) -> None:
    response = await rest.post(f"{MEMORIES}/search", json={"text": "seats"} | asked)
    assert (response.status_code, response.json()["detail"][0]["loc"][0]) == (422, "body")


@pytest.mark.parametrize("date", ["9999-12-31", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00"])
async def test_the_ends_of_the_calendar_are_dates(rest: AsyncClient, date: str) -> None:
    await remember(rest, SEATS)
    assert await found(rest, text="aisle seats", created_at={"ne": date, "gte": "0001-01-01", "lte": "9999-12-31"})
    await remember(rest, {"id": "end", "text": "The calendar has an end", "event_date": date})
    assert await found(rest, text="calendar", event_date={"gte": date}) == ["end"]


async def test_a_memory_has_its_names(rest: AsyncClient) -> None:
    await remember(rest, {"id": "plain", "text": "Ana lives in Porto", "namespace": None, "entities": None})
    got = (await rest.get(f"{MEMORIES}/plain")).json()
    assert (got["topics"], got["entities"], got["namespace"], got["memory_type"]) == ([], [], None, "semantic")
    assert got["created_at"].endswith("Z")


async def test_an_id_is_made_if_there_is_none_and_refused_if_empty(rest: AsyncClient) -> None:
    response = await rest.post(MEMORIES, json={"memories": [{"text": "Ana lives in Porto"}]})
    assert (await rest.get(f"{MEMORIES}/{response.json()['ids'][0]}")).status_code == 200
    assert (await rest.post(MEMORIES, json={"memories": [{"id": "", "text": "Ana"}]})).status_code == 422
    assert (await rest.post(MEMORIES, json={"memories": []})).json()["status"] == "ok"


async def test_the_namespace_of_the_query_counts_where_several_have_the_id(rest: AsyncClient) -> None:
    await remember(rest, SEATS | {"namespace": "harbour"})
    assert (await rest.get(f"{MEMORIES}/seats?namespace=elsewhere")).json()["namespace"] == "harbour"
    await remember(rest, SEATS | {"namespace": "bakery"})
    assert (await rest.get(f"{MEMORIES}/seats?namespace=bakery")).json()["namespace"] == "bakery"
    assert (await rest.get(f"{MEMORIES}/seats?namespace=elsewhere")).status_code == 404
    ambiguous = await rest.get(f"{MEMORIES}/seats")
    assert (ambiguous.status_code, ambiguous.json()["code"]) == (409, "ambiguous_id")
    assert (await rest.delete(f"{MEMORIES}?memory_ids=seats")).status_code == 409
    deleted = await rest.delete(f"{MEMORIES}?memory_ids=seats&namespace=bakery")
    assert deleted.json() == {"status": "ok, deleted 1 memories"}
    assert (await rest.get(f"{MEMORIES}/seats")).json()["namespace"] == "harbour"


async def test_the_namespace_of_the_query_is_that_of_new_memories_that_name_none(rest: AsyncClient) -> None:
    await remember(rest, SEATS, SEATS | {"id": "named", "namespace": "bakery"}, query="?namespace=harbour")
    for memory_id, namespace in (("seats", "harbour"), ("named", "bakery")):
        assert (await rest.get(f"{MEMORIES}/{memory_id}")).json()["namespace"] == namespace


async def test_a_memory_is_changed_at_the_version_that_was_read(rest: AsyncClient) -> None:
    await remember(rest, SEATS)
    read = {"If-Match": (await rest.get(f"{MEMORIES}/seats")).headers["ETag"]}
    edited = await rest.patch(f"{MEMORIES}/seats/", json={"text": "Ana prefers windows", "user_id": None}, headers=read)
    assert (edited.json()["text"], edited.json()["user_id"], edited.json()["version"]) == (
        "Ana prefers windows",
        "ana",
        2,
    )
    late = await rest.patch(f"{MEMORIES}/seats", json={"pinned": True}, headers=read)
    assert (late.status_code, late.json()["code"]) == (409, "version_conflict")
    assert (await rest.patch(f"{MEMORIES}/seats", json={"pinned": True, "expected_version": 1})).status_code == 409
    assert (await rest.patch(f"{MEMORIES}/seats", json={"pinned": True}, headers={"If-Match": "*"})).status_code == 200


async def test_a_change_of_nothing_is_refused(rest: AsyncClient) -> None:
    await remember(rest, SEATS)
    for body in ({}, {"colour": "blue"}, {"text": None}):
        response = await rest.patch(f"{MEMORIES}/seats", json=body)
        assert (response.status_code, response.json()["detail"]) == (400, "No fields provided for update")
    missing = await rest.patch(f"{MEMORIES}/nobody", json={"text": "Ana"})
    assert (missing.status_code, missing.json()["detail"]) == (404, "Memory with ID nobody not found")


async def test_memories_are_deleted_by_their_ids(rest: AsyncClient) -> None:
    await remember(rest, SEATS, {"id": "home", "text": "Ana lives in Porto"})
    response = await rest.delete(f"{MEMORIES}/?memory_ids=seats&memory_ids=home&memory_ids=nobody")
    assert response.json() == {"status": "ok, deleted 2 memories"}
    assert (await rest.delete(MEMORIES)).json() == {"status": "ok, deleted 0 memories"}


async def test_what_was_done_is_shown_and_undone(rest: AsyncClient) -> None:
    await remember(rest, SEATS)
    done = (await rest.delete(f"{MEMORIES}?memory_ids=seats")).headers["X-Operation-ID"]
    assert (await rest.get("/v1/operations")).json()["operations"][0]["id"] == done
    assert (await rest.get(f"/v1/operations/{done}")).json()["changes"][0]["memory_id"] == "seats"
    page = (await rest.get(f"/v1/operations/{done}?limit=5&offset=1")).json()
    assert (page["changes"], page["total"]) == ([], 1)
    assert (await rest.get(f"/v1/operations/{done}?limit=101")).status_code == 422
    undone = await rest.post(f"/v1/operations/{done}/undo")
    assert (undone.status_code, undone.json()["restored"]) == (200, 1)
    history = (await rest.get(f"{MEMORIES}/seats/history")).json()["changes"]
    assert [change["kind"] for change in history] == ["create", "delete", "undo"]
    assert (await rest.post(f"/v1/operations/{done}/undo", json={})).status_code == 409
    assert (await rest.post("/v1/operations/none/undo")).status_code == 404


async def test_forgetting_is_told_before_it_is_done(rest: AsyncClient) -> None:
    await remember(rest, SEATS | {"created_at": OLD, "last_accessed": OLD})
    policy = {"policy": {"max_age_days": 30, "max_inactive_days": None}, "pinned_ids": None}
    told = (await rest.post(f"{MEMORIES}/forget?limit=1000", json=policy)).json()
    assert told == {"scanned": 1, "deleted": 1, "deleted_ids": ["seats"], "dry_run": True}
    assert (await rest.post(f"{MEMORIES}/forget", json=policy | {"pinned_ids": ["seats"]})).json()["deleted"] == 0
    assert (await rest.post(f"{MEMORIES}/forget?dry_run=false&user_id=bo", json=policy)).json()["scanned"] == 0
    assert (await rest.post(f"{MEMORIES}/forget?dry_run=false", json=policy)).json()["deleted"] == 1
    assert (await rest.get(f"{MEMORIES}/seats")).status_code == 404
    assert (await rest.post(f"{MEMORIES}/forget", json={})).status_code == 422


async def test_compaction_says_what_remains(rest: AsyncClient) -> None:
    await rest.post(MEMORIES, json={"deduplicate": False, "memories": [SEATS, SEATS | {"id": "again"}]})
    assert (await rest.post(f"{MEMORIES}/compact?dry_run=true")).json()["merged"] == 1
    response = await rest.post(f"{MEMORIES}/compact/?user_id=ana")
    assert response.json()["status"] == "ok, 1 memories remaining after compaction"


async def test_a_prompt_has_the_conversation_what_is_known_and_the_query(rest: AsyncClient) -> None:
    await remember(rest, SEATS)
    message = {"role": "tool", "content": "hello"}
    await rest.put("/v1/working-memory/trip", json={"messages": [message], "context": "Before.", "user_id": "ana"})
    session = {
        "session_id": "trip",
        "user_id": "ana",
        "namespace": None,
        "context_window_max": "4000",
        "model_name": "x",
    }
    for search in (True, {"text": "ignored", "limit": 5}):
        response = await rest.post(
            "/v1/memory/prompt", json={"query": "Ana's seats?", "session": session, "long_term_search": search}
        )
        messages = response.json()["messages"]
        assert [message["role"] for message in messages] == ["system", "assistant", "system", "user"]
        assert messages[1]["content"] == {"type": "text", "text": "hello", "annotations": None, "_meta": None}
        assert messages[2]["content"]["text"].startswith("## Long term memories related to the user's query\n")
        assert [memory["id"] for memory in response.json()["long_term_memories"]] == ["seats"]
    without = await rest.post(
        "/v1/memory/prompt", json={"query": "seats?", "session": session, "long_term_search": False}
    )
    assert without.json()["long_term_memories"] is None


async def test_what_is_known_keeps_to_the_user_of_the_session(rest: AsyncClient) -> None:
    await remember(rest, SEATS, SEATS | {"id": "bo", "user_id": "bo"})
    asked = {"query": "aisle seats", "session": {"session_id": "s", "user_id": "bo"}, "long_term_search": True}
    known = (await rest.post("/v1/memory/prompt", json=asked)).json()["long_term_memories"]
    assert [memory["id"] for memory in known] == ["bo"]


@pytest.mark.parametrize("search", [None, False])
async def test_a_prompt_of_nothing_is_refused(rest: AsyncClient, search: Any) -> None:
    response = await rest.post("/v1/memory/prompt", json={"query": "seats?", "long_term_search": search})
    expected = "Either session or long_term_search must be provided"
    assert (response.status_code, response.json()["detail"]) == (400, expected)
