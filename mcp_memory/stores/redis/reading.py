"""Reads of whole records."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from mcp_memory.domain.filters import Where
from mcp_memory.domain.forgetting import Aged
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Handle, Holders, StoreStats
from mcp_memory.ports.models import Generation
from mcp_memory.stores.redis import keys, queries
from mcp_memory.stores.redis.documents import USE, record_of, said
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.keys import handle_of
from mcp_memory.stores.redis.server import Command, Server
from mcp_memory.stores.redis.tallies import counted

NAMESPACES = 100
"""How many namespaces are listed at most."""
_TOGETHER = 500
"""Records asked for at once."""

Held = tuple[Handle, MemoryRecord]


async def records(server: Server, handles: Sequence[int]) -> list[MemoryRecord | None]:
    """Return the records behind the handles, None where one is gone."""
    distinct = list(dict.fromkeys(handles))
    found: dict[int, MemoryRecord] = {}
    for start in range(0, len(distinct), _TOGETHER):
        some = distinct[start : start + _TOGETHER]
        commands: list[Command] = [("HGET", server.keys.memory(handle), "doc") for handle in some]
        commands += [("HMGET", server.keys.access(handle), *USE) for handle in some]
        answers = await server.many(commands)
        for handle, doc, use in zip(some, answers[: len(some)], answers[len(some) :], strict=True):
            if doc is not None:
                found[handle] = record_of(doc, use)
    return [found.get(handle) for handle in handles]


async def held(server: Server, handles: Sequence[int]) -> list[Held]:
    """Return the memories behind the handles that are there."""
    found = zip(handles, await records(server, handles), strict=True)
    return [(handle, record) for handle, record in found if record is not None]


async def holders(server: Server, hashes: Sequence[tuple[Scope, str]], texts: Sequence[tuple[Scope, str]]) -> Holders:
    """Return what holds contents in exactly these scopes, and what said texts when it was touched."""
    listed = await server.many([("ZRANGE", server.keys.content(keys.content(*one)), 0, -1) for one in hashes])
    saying = [said(scope, text) for scope, text in texts]
    found = await _returned(server, sorted(set(saying)))
    handles = [int(handle) for among in listed for handle in among]
    handles += [*chain.from_iterable(found.values())]
    there = dict(zip(handles, await records(server, handles), strict=True))
    contents = [
        _holder(scope, digest, [there[int(h)] for h in among])
        for (scope, digest), among in zip(hashes, listed, strict=True)
    ]
    return Holders(
        contents,
        [
            [
                (handle, record)
                for handle in found.get(text, ())
                if (record := there[handle]) and said(record.scope, record.text) == text
            ]
            for text in saying
        ],
    )


def _holder(scope: Scope, memory_hash: str, found: Sequence[MemoryRecord | None]) -> MemoryRecord | None:
    same = [one for one in found if one is not None and one.scope == scope and one.memory_hash == memory_hash]
    return min(same, key=lambda record: record.valid_to is not None, default=None)


async def _returned(server: Server, saying: Sequence[str]) -> dict[str, list[int]]:
    """Return for each text, given by what stands for it, the memories that said it when they were touched."""
    if not saying:
        return {}
    words = ("LIMIT", 0, queries.MOST_ROWS, "RETURN", 1, "said")
    answer = await server.find("accesses", queries.tag("said", saying), *words)
    found: dict[str, list[int]] = {}
    for row in answer.rows:
        found.setdefault(row.fields[b"said"].decode(), []).append(handle_of(row.key))
    return {text: sorted(handles) for text, handles in found.items()}


async def named(server: Server, ids: Sequence[str], scope: Scope) -> list[Held]:
    """Return the memories that have, or took in, these ids within the scope."""
    asked = list(dict.fromkeys(ids))
    answers = await server.many([("HGETALL", server.keys.named(memory_id)) for memory_id in asked])
    handles: dict[int, None] = {}
    for answer in answers:
        leading = [bytes(value) for value in answer.values() if value]
        # Memories that have the id come before those that took one in.
        handles |= dict.fromkeys(int(value[1:]) for value in sorted(leading, key=lambda value: value[:1] == b"a"))
    where = Where(scope)
    return [(handle, record) for handle, record in await held(server, list(handles)) if where.matches(record)]


async def page(server: Server, where: Where, limit: int, offset: int) -> list[MemoryRecord]:
    """Return a page of matching memories, newest first."""
    query = await queries.condition(server, where)
    if query.nothing or not limit:
        return []
    if query.keys is not None:
        return await _page_among(server, query, limit, offset)
    order = ("SORTBY", 4, "@created", "DESC", "@h", "DESC", "MAX", offset + limit, "LIMIT", offset, limit)
    rows = await server.gather("memories", query.text, *order)
    return [record for _, record in await held(server, [int(row[b"h"]) for row in rows])]


async def _page_among(server: Server, query: queries.Query, limit: int, offset: int) -> list[MemoryRecord]:
    words = ("RETURN", 2, "created", "h", "LIMIT", 0, queries.MOST_ROWS, *query.among)
    found = await server.find("memories", query.text, *words)
    order = sorted(((int(row.fields[b"created"]), int(row.fields[b"h"])) for row in found.rows), reverse=True)
    return [record for _, record in await held(server, [handle for _, handle in order[offset : offset + limit]])]


async def total(server: Server, scope: Scope) -> tuple[int, int]:
    """Return how many memories lie within a scope, and how many words they have; this costs nothing."""
    reach = keys.reach(scope.namespace, scope.user_id, scope.session_id)
    return counted(await server.call("HGET", server.keys.counts, reach))


async def duplicates(server: Server, where: Where) -> list[list[Handle]]:
    """Return the groups of matching memories that share content and scope, oldest first."""
    query = await queries.condition(server, where)
    if query.nothing:
        return []
    steps = ("GROUPBY", 1, "@co", "REDUCE", "COUNT", 0, "AS", "n", "FILTER", "@n > 1")
    shared = [row[b"co"].decode() for row in await server.gather("memories", query.text, *steps) if row.get(b"co")]
    groups: dict[bytes, list[tuple[int, int]]] = {}
    for start in range(0, len(shared), _TOGETHER):
        among = query.besides(queries.tag("co", shared[start : start + _TOGETHER]))
        words = ("RETURN", 3, "co", "created", "h", "LIMIT", 0, queries.MOST_ROWS, *query.among)
        for row in (await server.find("memories", among, *words)).rows:
            member = (int(row.fields[b"created"]), int(row.fields[b"h"]))
            groups.setdefault(row.fields[b"co"], []).append(member)
    ordered = sorted(sorted(group) for group in groups.values() if len(group) > 1)
    return [[handle for _, handle in group] for group in ordered]


async def _handles(server: Server, query: str, limit: int) -> list[int]:
    """Return the first handles that a query finds, in their order."""
    answer = await server.find("memories", query, "NOCONTENT", "SORTBY", "h", "ASC", "LIMIT", 0, limit)
    return [handle_of(row.key) for row in answer.rows]


async def first_after(server: Server, after: int, limit: int) -> list[int]:
    """Return the first handles of memories after one, in their order."""
    return await _handles(server, queries.beyond("h", after), limit)


async def scan(server: Server, after: int, limit: int) -> list[Held]:
    """Return the memories after a handle, in order of storing."""
    return await held(server, await first_after(server, after, limit))


async def aged(server: Server, scope: Scope, after: int, limit: int) -> list[tuple[Handle, Aged]]:
    """Return what is asked of memories before they are forgotten, in order of storing."""
    query = queries.within(scope).besides(queries.beyond("h", after))
    found = await held(server, await _handles(server, query, limit))
    return [(handle, aged_of(record)) for handle, record in found]


def aged_of(record: MemoryRecord) -> Aged:
    """Return what is asked of a memory before it is forgotten."""
    return Aged(
        id=record.id,
        namespace=record.namespace,
        user_id=record.user_id,
        memory_type=str(record.memory_type),
        created_at=record.created_at,
        last_accessed=record.last_accessed,
        pinned=record.pinned,
        version=record.version,
    )


async def outdated(
    server: Server, generations: Generations, generation: Generation, after: int, limit: int
) -> list[Held]:
    """Return the memories after a handle that have no vector of the model, in order of storing."""
    others = queries.tag("g", map(str, await generations.others(generation)))
    return await held(server, await _handles(server, f"{others} {queries.beyond('h', after)}", limit))


async def count_outdated(server: Server, generations: Generations, generation: Generation) -> int:
    """Return how many memories have no vector of the model."""
    others = queries.tag("g", map(str, await generations.others(generation)))
    return await queries.count(server, queries.Query(), others)


async def namespaces(server: Server, scope: Scope, prefix: str) -> list[str]:
    """Return the first namespaces with the prefix that hold a memory of the scope."""
    if scope == Scope():
        return await queries.beginning(server, "namespace", prefix, NAMESPACES)
    found = await _by_namespace(server, scope)
    return sorted(name for name in found if name is not None and name.startswith(prefix))[:NAMESPACES]


async def _by_namespace(server: Server, scope: Scope) -> dict[str | None, int]:
    """Return how many memories of the scope each namespace holds."""
    steps = ("GROUPBY", 1, "@ns", "REDUCE", "COUNT", 0, "AS", "n", "REDUCE", "MIN", 1, "@h", "AS", "first")
    groups = await server.gather("memories", queries.within(scope).text, *steps)
    found = await records(server, [int(group[b"first"]) for group in groups])
    counted = zip(found, groups, strict=True)
    return {record.namespace: int(group[b"n"]) for record, group in counted if record is not None}


async def stats(server: Server, generations: Generations, scope: Scope, generation: Generation | None) -> StoreStats:
    """Return how much there is; sessions and schema are for the caller to add."""
    query = queries.within(scope)
    by_namespace = await _by_namespace(server, scope)
    steps = ("GROUPBY", 1, "@ty", "REDUCE", "COUNT", 0, "AS", "n", "REDUCE", "MIN", 1, "@h", "AS", "first")
    groups = await server.gather("memories", query.text, *steps)
    firsts = await records(server, [int(group[b"first"]) for group in groups])
    others = queries.tag("g", map(str, await generations.others(generation)))
    memory = await server.call("INFO", "memory")
    return StoreStats(
        memories=(await total(server, scope))[0],
        sessions=0,
        by_namespace={name or "": number for name, number in by_namespace.items()},
        by_type={str(r.memory_type): int(g[b"n"]) for r, g in zip(firsts, groups, strict=True) if r is not None},
        without_vector=await queries.count(server, query, others),
        location=server.place,
        bytes=int(memory["used_memory"]),
        schema_version=0,
    )
