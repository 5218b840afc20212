"""Working memory over REST, as existing clients know it."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import AsyncClient

from mcp_memory.domain.requests import ListSessions
from mcp_memory.services.memory import Memory

pytestmark = pytest.mark.anyio

SESSIONS = "/v1/working-memory"
DATED = {"role": "user", "content": "An aisle seat, please", "created_at": "2026-01-31T12:00:00Z"}


async def put(rest: AsyncClient, session_id: str = "trip", query: str = "", **body: Any) -> dict[str, Any]:
    response = await rest.put(f"{SESSIONS}/{session_id}{query}", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def test_a_session_comes_back_as_it_was_put(rest: AsyncClient) -> None:
    body = {
        "session_id": "another",
        "messages": [DATED],
        "memories": [{"text": "Ana prefers aisle seats", "topics": None}],
        "data": {"seat": {"row": 12}},
        "context": "Ana books a flight.",
        "namespace": "harbour",
        "user_id": "ana",
        "ttl_seconds": None,
        "tokens": 3,
        "long_term_memory_strategy": {"strategy": "summary", "config": {"max_summary_length": 80}},
    }
    await rest.put(f"{SESSIONS}/trip", json=body)
    got = (await rest.get(f"{SESSIONS}/trip?namespace=harbour&user_id=ana")).json()
    assert got["messages"][0]["created_at"] == "2026-01-31T12:00:00Z"
    assert got["memories"][0]["topics"] == []
    assert (got["session_id"], got["data"], got["context"]) == ("trip", body["data"], body["context"])
    assert (got["ttl_seconds"], got["long_term_memory_strategy"]) == (None, body["long_term_memory_strategy"])


async def test_a_session_is_found_without_its_scope_if_it_is_the_only_one(rest: AsyncClient) -> None:
    await put(rest, messages=[DATED], namespace="harbour", user_id="ana")
    assert (await rest.get(f"{SESSIONS}/trip")).json()["user_id"] == "ana"
    await put(rest, messages=[DATED], namespace="harbour", user_id="bo")
    response = await rest.get(f"{SESSIONS}/trip")
    assert (response.status_code, response.json()["detail"]) == (404, "Session trip not found")


async def test_a_session_is_deleted_without_its_scope_if_it_is_the_only_one(rest: AsyncClient) -> None:
    await put(rest, messages=[DATED], namespace="harbour", user_id="ana")
    for _ in range(2):
        response = await rest.delete(f"{SESSIONS}/trip")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert (await rest.get(f"{SESSIONS}/trip")).status_code == 404


async def test_the_query_says_whose_a_session_is_where_the_body_does_not(rest: AsyncClient) -> None:
    await put(rest, query="?user_id=ana&namespace=harbour", messages=[DATED])
    assert (await put(rest, query="?user_id=bo", messages=[DATED], user_id="ana"))["user_id"] == "ana"
    assert (await rest.get(f"{SESSIONS}/trip?user_id=ana&namespace=harbour")).status_code == 200


async def test_undated_messages_are_warned_about(rest: AsyncClient) -> None:
    undated = await rest.put(f"{SESSIONS}/trip", json={"messages": [{"role": "user", "content": "hello"}]})
    dated = await rest.put(f"{SESSIONS}/trip", json={"messages": [DATED]})
    assert "created_at" in undated.headers["X-Deprecation-Warning"]
    assert "X-Deprecation-Warning" not in dated.headers


@pytest.mark.parametrize("named", ["?model_name=gpt-5", "?context_window_max=100", "?model_name=no-such-model"])
async def test_how_full_the_window_is_is_said_to_whoever_names_one(rest: AsyncClient, named: str) -> None:
    assert (await put(rest, messages=[DATED]))["context_percentage_total_used"] is None
    assert (await put(rest, query=named, messages=[DATED]))["context_percentage_total_used"] > 0
    assert (await rest.get(f"{SESSIONS}/trip{named}")).json()["context_percentage_until_summarization"] > 0
    assert (await put(rest, query=named))["context_percentage_total_used"] == 0.0


async def test_only_the_last_messages_are_read(rest: AsyncClient) -> None:
    await put(rest, messages=[DATED | {"content": text} for text in ("one", "two", "three")])
    got = (await rest.get(f"{SESSIONS}/trip?recent_messages_limit=2")).json()
    assert [message["content"] for message in got["messages"]] == ["two", "three"]
    assert len((await rest.get(f"{SESSIONS}/trip?recent_messages_limit=0")).json()["messages"]) == 3


async def test_sessions_are_listed_by_whose_they_are(rest: AsyncClient) -> None:
    for user in ("ana", "bo"):
        await put(rest, f"of-{user}", messages=[DATED], user_id=user)
    assert (await rest.get(f"{SESSIONS}/?user_id=ana")).json() == {"sessions": ["of-ana"], "total": 1}
    assert (await rest.get(f"{SESSIONS}?limit=1")).json()["total"] == 2
    assert (await rest.get(f"{SESSIONS}?limit=101")).status_code == 422


async def test_messages_are_added_without_reading_the_session_first(rest: AsyncClient) -> None:
    for text in ("one", "two"):
        response = await rest.post(f"{SESSIONS}/trip/messages", json={"messages": [DATED | {"content": text}]})
        assert response.status_code == 200
    assert [message["content"] for message in response.json()["messages"]] == ["one", "two"]


async def test_nothing_that_another_wrote_meanwhile_is_overwritten(rest: AsyncClient) -> None:
    first = await rest.put(f"{SESSIONS}/trip", json={"messages": [DATED]}, headers={"If-None-Match": "*"})
    read = {"If-Match": (await rest.get(f"{SESSIONS}/trip")).headers["ETag"]}
    assert read["If-Match"] == first.headers["ETag"]
    assert (await rest.put(f"{SESSIONS}/trip", json={}, headers=read)).status_code == 200
    late = await rest.put(f"{SESSIONS}/trip", json={}, headers=read)
    assert (late.status_code, late.json()["code"]) == (409, "version_conflict")
    assert (await rest.put(f"{SESSIONS}/trip", json={}, headers={"If-None-Match": "*"})).status_code == 409
    assert (await rest.put(f"{SESSIONS}/trip", json={"expected_version": 1})).status_code == 409
    assert (await rest.put(f"{SESSIONS}/trip", json={}, headers={"If-Match": "yesterday"})).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"messages": [{"id": "m1", "role": "user", "content": "  "}]}, 400),
        ({"messages": [DATED | {"created_at": "2999-01-01T00:00:00Z"}]}, 422),
        ({"memories": [{"id": "", "text": "Ana"}]}, 422),
        ({"memories": [{"text": " "}]}, 422),
        ({"messages": [{"role": "user"}]}, 422),
        ({"ttl_seconds": 10**18}, 422),
    ],
    ids=repr,
)
async def test_what_cannot_be_used_is_refused_in_the_shape_that_clients_know(
    rest: AsyncClient, body: dict[str, Any], status: int
) -> None:
    response = await rest.put(f"{SESSIONS}/trip", json=body)
    detail = response.json()["detail"]
    assert response.status_code == status
    if status == 400:
        assert detail == "Message content cannot be empty (message ID: m1)"
    else:
        assert {"type", "loc", "msg"} <= set(detail[0])
    assert (await rest.get(f"{SESSIONS}/trip")).status_code == 404


@pytest.mark.parametrize("session_id", ["a/b", "ünïcode id", "..", "100%", "a?b#c", "a%2Fb"])
async def test_any_session_id_can_stand_in_a_path(rest: AsyncClient, memory: Memory, session_id: str) -> None:
    written = "".join(f"%{byte:02X}" for byte in session_id.encode())
    await put(rest, written, messages=[DATED])
    assert (await rest.get(f"{SESSIONS}/{written}/")).json()["session_id"] == session_id
    assert (await memory.working.list(ListSessions())).sessions == [session_id]
