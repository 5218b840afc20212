"""A Redis filled the way agent-memory-server 0.15 fills it, from the facts of its layout."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis, RedisCluster

CREATED = datetime(2025, 3, 4, 5, 6, 7, 250_000, UTC)
EVENT = datetime(2024, 12, 24, 18, tzinfo=UTC)
VECTOR = struct.pack("4f", 0.1, 0.2, 0.3, 0.4)


def memory(memory_id: str, text: str, **given: Any) -> dict[Any, Any]:
    """Return the fields of one hash, with what that server writes where nothing was given."""
    fields = {
        "id_": memory_id,
        "text": text,
        "session_id": "",
        "user_id": "",
        "namespace": "",
        "memory_type": "semantic",
        "topics": "",
        "entities": "",
        "memory_hash": "0" * 64,
        "discrete_memory_extracted": "t",
        "extraction_strategy": "discrete",
        "extraction_strategy_config": "{}",
        "metadata": "{}",
        "extracted_from": "",
        "pinned": 0,
        "access_count": 0,
        "created_at": CREATED.timestamp(),
        "last_accessed": CREATED.timestamp(),
        "updated_at": CREATED.timestamp(),
        "persisted_at": CREATED.timestamp(),
        "vector": VECTOR,
    }
    return fields | given


def session(session_id: str, **given: Any) -> dict[str, Any]:
    """Return one document of working memory."""
    document = {
        "messages": [
            {"role": "user", "content": "Hello", "id": "01A", "created_at": CREATED.isoformat(), "persisted_at": None},
            {"role": "assistant", "content": "Hi", "id": "01B", "created_at": CREATED.isoformat()},
        ],
        "memories": [],
        "context": "",
        "data": {},
        "user_id": None,
        "namespace": None,
        "tokens": 0,
        "session_id": session_id,
        "long_term_memory_strategy": {"strategy": "discrete", "config": {}},
        "ttl_seconds": None,
        "last_accessed": int(CREATED.timestamp()),
        "created_at": int(CREATED.timestamp()),
        "updated_at": int(CREATED.timestamp()),
    }
    return document | given


async def fill(redis: Redis | RedisCluster, *, prefix: str = "memory_idx", plain: int = 0) -> None:
    """Write memories, sessions, tokens and flags; ``plain`` memories more than the telling ones."""
    telling = [
        memory("01TEA", "User drinks green tea in the morning", namespace="work", user_id="ann",
               topics="drinks,morning", entities="User", event_date=EVENT.timestamp(), pinned=1, access_count=7,
               session_id="chat:1", extracted_from="01A,01B", metadata=json.dumps({"from": "chat"})),
        memory("01TEA", "Bob's memory of the same id", namespace="home", user_id="bob"),
        memory("01OLD", "A message of long ago", memory_type="", created_at="", last_accessed="", updated_at=""),
    ]  # fmt: skip
    for place, fields in enumerate(telling):
        await redis.hset(f"{prefix}:{fields['id_']}{place or ''}", mapping=fields)
    for number in range(plain):
        await redis.hset(f"{prefix}:P{number}", mapping=memory(f"P{number}", f"Fact number {number} of the plain ones"))
    # Left behind by a count of accesses after the memory was deleted.
    await redis.hset(f"{prefix}:gone", mapping={"last_accessed": 1.0, "access_count": 3})
    fact = {"id": "01TEA", "text": "User drinks green tea in the morning", "topics": ["drinks"]}
    fact |= {"created_at": CREATED.isoformat(), "persisted_at": CREATED.isoformat()}
    told = {"context": "So far: tea", "data": {"cart": [1, 2]}, "memories": [fact], "ttl_seconds": 3600}
    ann = session("chat:1", namespace="work", user_id="ann", **told)
    await redis.json().set("working_memory:work:ann:chat:1", "$", ann)
    await redis.expire("working_memory:work:ann:chat:1", 1800)
    await redis.json().set("working_memory:chat", "$", session("chat"))
    await redis.set("working_memory:before", json.dumps(session("before")))
    await redis.set("working_memory:migration:complete", "true")
    await redis.json().set("working_memory:broken", "$", {"messages": []})
    await redis.set("auth_token:$2b$12$abc", json.dumps({"description": "ci", "token_hash": "$2b$12$abc"}))
    await redis.sadd("auth_tokens:list", "$2b$12$abc")
