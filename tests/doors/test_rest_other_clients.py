"""What the published JS and Java clients send, to the letter: paths, queries, headers and nulls."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import AsyncClient, Response

pytestmark = pytest.mark.anyio

JS = {
    "User-Agent": "agent-memory-client-js/0.3.2",
    "X-Client-Version": "0.3.2",
    "Content-Type": "application/json",
    "X-API-Key": "root",
}
JAVA = {"User-Agent": "agent-memory-client-java/0.1.0", "X-Client-Version": "0.1.0", "Authorization": "Bearer root"}


class Sender:
    """Sends as one of the clients does."""

    def __init__(self, web: AsyncClient, headers: dict[str, str]) -> None:
        self._web = web
        self._headers = headers

    async def __call__(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.raw(method, path, body)
        assert response.status_code == 200, response.text
        return response.json()

    async def raw(self, method: str, path: str, body: Any = None) -> Response:
        return await self._web.request(method, path, json=body, headers=self._headers)


@pytest.fixture
def js(guests: AsyncClient) -> Sender:
    return Sender(guests, JS)


@pytest.fixture
def java(guests: AsyncClient) -> Sender:
    return Sender(guests, JAVA)


async def test_sessions_of_js(js: Sender) -> None:
    body = {
        "session_id": "trip",
        "messages": [{"role": "user", "content": "hello"}],
        "memories": [],
        "context": "",
        "data": {},
        "namespace": "harbour",
        "long_term_memory_strategy": {"strategy": "discrete", "config": {}},
    }
    put = await js("PUT", "/v1/working-memory/trip?model_name=gpt-4o&context_window_max=8000&background=true", body)
    assert put["context_percentage_total_used"] is not None
    assert (await js("GET", "/v1/working-memory/?limit=20&offset=0&namespace=harbour"))["sessions"] == ["trip"]
    assert (await js("GET", "/v1/working-memory/trip?namespace=harbour"))["messages"][0]["content"] == "hello"
    assert (await js("DELETE", "/v1/working-memory/trip?namespace=harbour"))["status"] == "ok"
    assert (await js.raw("GET", "/v1/working-memory/trip?namespace=harbour")).status_code == 404


async def test_memories_of_js(js: Sender) -> None:
    fact = {"id": "seats", "text": "Ana prefers aisle seats", "memory_type": "semantic", "user_id": "ana"}
    assert (await js("POST", "/v1/long-term-memory/?namespace=harbour", {"memories": [fact]}))["status"] == "ok"
    asked = {"text": "aisle seats", "user_id": {"ne": "bo", "in_": ["ana"]}, "limit": 10, "offset": 0}
    (hit,) = (await js("POST", "/v1/long-term-memory/search", asked))["memories"]
    assert (hit["id"], type(hit["dist"])) == ("seats", float)
    assert (await js("GET", "/v1/long-term-memory/seats?namespace=harbour"))["text"] == fact["text"]
    assert (await js("PATCH", "/v1/long-term-memory/seats", {"topics": ["travel"]}))["topics"] == ["travel"]
    prompt = {"query": "seats?", "session": {"session_id": "trip", "namespace": "harbour"}, "long_term_search": True}
    assert (await js("POST", "/v1/memory/prompt?optimize_query=false", prompt))["long_term_memories"]
    forget = {"policy": {"max_age_days": 1}, "pinned_ids": []}
    assert (await js("POST", "/v1/long-term-memory/forget?dry_run=true&limit=10", forget))["scanned"] == 1
    deleted = await js("DELETE", "/v1/long-term-memory?memory_ids=seats&memory_ids=other&namespace=harbour")
    assert deleted["status"] == "ok, deleted 1 memories"
    assert (await js.raw("GET", "/v1/long-term-memory/seats?namespace=harbour")).status_code == 404


async def test_java_sends_nulls(java: Sender) -> None:
    message = {"role": "user", "content": "hello", "id": None, "created_at": None, "persisted_at": None}
    fact = {"id": "seats", "text": "Ana prefers aisle seats", "session_id": None, "last_accessed": None, "pinned": None}
    fact |= {"memory_type": "semantic", "topics": None, "entities": None, "memory_hash": None, "event_date": None}
    body = {"session_id": "trip", "messages": [message], "memories": [fact], "data": None, "ttl_seconds": None}
    body |= {"long_term_memory_strategy": None, "context": None, "tokens": None, "created_at": None}
    await java("PUT", "/v1/working-memory/trip?user_id=ana&namespace=harbour", body)
    assert (await java("GET", "/v1/working-memory/trip?user_id=ana&namespace=harbour"))["messages"][0]["id"]
    operators = {"eq": "ana", "ne": None, "any": None, "all": None, "startswith": None}
    asked = {"text": "aisle seats", "user_id": operators, "topics": None, "distance_threshold": None, "limit": 10}
    asked |= {"search_mode": None, "hybrid_alpha": None, "recency_boost": None, "server_side_recency": None}
    assert len((await java("POST", "/v1/long-term-memory/search?optimize_query=false", asked))["memories"]) == 1
    edited = await java("PATCH", "/v1/long-term-memory/seats", {"text": None, "topics": ["travel"], "pinned": None})
    assert (edited["text"], edited["topics"]) == ("Ana prefers aisle seats", ["travel"])
    session = {"session_id": "trip", "user_id": "ana", "model_name": None, "context_window_max": None}
    prompt = {"query": "seats?", "session": session, "long_term_search": asked}
    assert len((await java("POST", "/v1/memory/prompt", prompt))["long_term_memories"]) == 1
