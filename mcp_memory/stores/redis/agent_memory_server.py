"""What agent-memory-server 0.15 keeps in Redis: hashes of memories, JSON documents of sessions. It is only read."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar, cast

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster

from mcp_memory.domain.identity import content_hash
from mcp_memory.domain.records import MemoryRecord, MemoryType, Session, without_nulls
from mcp_memory.ports.archive import Archived, Census, Page
from mcp_memory.ports.given import Clock
from mcp_memory.stores.redis.failures import translated
from mcp_memory.stores.redis.place import is_cluster, nodes, plain, shown

PREFIX = "memory_idx"
"""REDISVL_INDEX_PREFIX of that server, if nobody set it."""
SESSIONS = "working_memory"
FLAGS = frozenset({f"{SESSIONS}:migration:complete", f"{SESSIONS}:migration:remaining"})
"""Keys beside the sessions that are none."""
TOKENS = "auth_token"
AT_ONCE = 200
"""Records read together."""
_LISTS = ("topics", "entities", "extracted_from")
_DOCUMENTS = ("extraction_strategy_config", "metadata")
_MOMENTS = ("created_at", "last_accessed", "updated_at", "persisted_at", "event_date")
_PLAIN = (
    "id_", "text", "session_id", "user_id", "namespace", "memory_type", "discrete_memory_extracted",
    "extraction_strategy", "pinned", "access_count",
)  # fmt: skip
FIELDS = (*_PLAIN, *_LISTS, *_DOCUMENTS, *_MOMENTS)
"""All of a memory but its vector, which another model made."""

Fields: TypeAlias = Mapping[str, str | None]
Kind = TypeVar("Kind")


class AgentMemoryServer:
    """The port ``Source`` over the Redis at ``url``."""

    def __init__(self, url: str, clock: Clock, *, prefix: str = PREFIX) -> None:
        self._place = shown(url)
        self._redis: Redis | RedisCluster
        if is_cluster(url):
            seeds = [ClusterNode(*node) for node in nodes(url)]
            self._redis = RedisCluster.from_url(plain(url), startup_nodes=seeds, decode_responses=True)
        else:
            self._redis = Redis.from_url(plain(url), decode_responses=True)
        self._clock = clock
        self._prefix = prefix

    async def census(self) -> Census:
        with translated(self._place):
            return Census(
                memories=await self._number(self._prefix, "hash"),
                sessions=await self._number(SESSIONS, "ReJSON-RL") + await self._number(SESSIONS, "string"),
                tokens=await self._number(TOKENS, "string"),
            )

    async def pages(self) -> AsyncGenerator[Page, None]:
        sources: list[tuple[str, str, Callable[[Sequence[str]], Awaitable[Page]]]] = [
            (self._prefix, "hash", self._memories),
            (SESSIONS, "ReJSON-RL", self._documents),
            (SESSIONS, "string", self._texts),
        ]
        for prefix, kind, read in sources:
            batch: list[str] = []
            async for key in self._keys(prefix, kind):
                batch.append(key)
                if len(batch) == AT_ONCE:
                    yield await read(batch)
                    batch = []
            if batch:
                yield await read(batch)

    async def close(self) -> None:
        await self._redis.aclose()

    async def _number(self, prefix: str, kind: str) -> int:
        return sum([1 async for _ in self._keys(prefix, kind)])

    async def _keys(self, prefix: str, kind: str) -> AsyncIterator[str]:
        # A cursor may yield a key twice.
        seen: set[str] = set()
        with translated(self._place):
            async for key in self._redis.scan_iter(match=f"{_literally(prefix)}:*", count=1000, _type=kind):
                if key not in seen and key not in FLAGS:
                    seen.add(key)
                    yield key

    async def _memories(self, keys: Sequence[str]) -> Page:
        with translated(self._place):
            async with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.hmget(key, list(FIELDS))
                rows = await pipe.execute()
        now = self._clock()
        # A key that went since it was listed has no fields.
        there = [(key, dict(zip(FIELDS, row, strict=True))) for key, row in zip(keys, rows, strict=True) if any(row)]
        found, unreadable = _read(there, lambda fields: memory(fields, now))
        return Page(memories=[*map(Archived, found)], unreadable=unreadable)

    async def _documents(self, keys: Sequence[str]) -> Page:
        return await self._sessions(keys, "JSON.GET")

    async def _texts(self, keys: Sequence[str]) -> Page:
        """Read sessions as versions before 0.13 wrote them."""
        return await self._sessions(keys, "GET")

    async def _sessions(self, keys: Sequence[str], command: str) -> Page:
        with translated(self._place):
            async with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.execute_command(command, key)
                    pipe.pttl(key)
                answers = await pipe.execute()
        now = self._clock()
        there = [
            (key, (document, left))
            for key, document, left in zip(keys, answers[::2], answers[1::2], strict=True)
            if document is not None
        ]
        found, unreadable = _read(there, lambda pair: session(pair[0], pair[1], now))
        return Page(sessions=found, unreadable=unreadable)


Given = TypeVar("Given")


def _read(there: Iterable[tuple[str, Given]], make: Callable[[Given], Kind]) -> tuple[list[Kind], list[str]]:
    """Return the records, and the keys of those that are none, each with why."""
    found: list[Kind] = []
    unreadable: list[str] = []
    for key, given in there:
        try:
            found.append(make(given))
        except (ValidationError, ValueError, TypeError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            unreadable.append(f"{key}: {reason}")
    return found, unreadable


def memory(fields: Fields, now: datetime) -> MemoryRecord:
    """Return the memory that a hash holds; what is missing or empty there was not given.

    Raises:
        ValueError: it is no memory.
    """
    given: dict[str, Any] = {name: value for name in _PLAIN if (value := fields.get(name))}
    given |= {name: value.split(",") for name in _LISTS if (value := fields.get(name))}
    given |= {name: json.loads(value) for name in _DOCUMENTS if (value := fields.get(name))}
    given |= {name: _moment(value) for name in _MOMENTS if (value := fields.get(name))}
    if "id_" not in given or not str(given.get("text", "")).strip():
        raise ValueError("it has no id or no text")
    return _whole({**given, "id": given.pop("id_")}, now)


def _whole(given: dict[str, Any], now: datetime) -> MemoryRecord:
    created = given.setdefault("created_at", now)
    given.setdefault("updated_at", created)
    given.setdefault("last_accessed", created)
    # Which of their kinds it does not say was a message there.
    given.setdefault("memory_type", MemoryType.MESSAGE)
    record = MemoryRecord.model_validate({**given, "version": 1})
    digest = content_hash(record.text, record.memory_type, record.event_date)
    return record.model_copy(update={"memory_hash": digest})


def session(document: str, milliseconds_left: int, now: datetime) -> Session:
    """Return the session that a document holds; it lives as long as it would have lived there.

    Raises:
        ValueError: it is no session.
    """
    given = json.loads(document)
    if not isinstance(given, dict) or not given.get("session_id"):
        raise ValueError("it names no session")
    given = _given(given)
    for name in ("created_at", "updated_at", "last_accessed"):
        given.setdefault(name, now)
    given["memories"] = [_whole(_given(one), now) for one in given.get("memories", [])]
    given["messages"] = [
        {"id": f"{given['session_id']}-{place}", "created_at": given["created_at"]} | _given(one)
        for place, one in enumerate(given.get("messages", []))
    ]
    given["ttl_seconds"] = None if milliseconds_left < 0 else max(1, milliseconds_left // 1000)
    return Session.model_validate({**given, "version": 1})


def _given(fields: Any) -> dict[str, Any]:
    """Return the fields that say something: there, an empty text means the same as none."""
    return {name: value for name, value in cast("dict[str, Any]", without_nulls(fields)).items() if value != ""}


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _literally(text: str) -> str:
    """Return a pattern that matches the text alone."""
    return "".join(f"\\{sign}" if sign in "*?[]^-\\" else sign for sign in text)
