"""Pairs of near memories: what is read of the store for it; the search among it is the same for every store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mcp_memory.domain.filters import Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.ports.memories import NearPair
from mcp_memory.ports.models import Generation
from mcp_memory.retrieval.shared_words import RARE
from mcp_memory.stores import vectors
from mcp_memory.stores.near_field import Field
from mcp_memory.stores.redis import queries
from mcp_memory.stores.redis.documents import OWNERS
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.keys import handle_of
from mcp_memory.stores.redis.queries import Query
from mcp_memory.stores.redis.rows import read_row
from mcp_memory.stores.redis.server import Server

_CHUNK = 2_000
"""Memories read at a time."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which pairs are asked for; see the port."""

    where: Where
    generation: Generation
    distance: float
    most: int
    since: datetime | None


async def near(server: Server, generations: Generations, wish: Wish) -> Sequence[NearPair]:
    """Return the pairs."""
    field = await _field(server, generations, wish)
    return [] if field is None else await asyncio.to_thread(field.pairs, wish.distance, wish.most)


async def _field(server: Server, generations: Generations, wish: Wish) -> Field | None:
    """Return what is to be compared; None where there is nothing."""
    number = await generations.number(wish.generation)
    query = await queries.condition(server, wish.where)
    if not number or query.nothing:
        return None
    query.wanted.append(queries.tag("g", [str(number)]))
    owners = await _owners(server, query)
    fresh = {*owners}
    if wish.since is not None:
        new = Query([*query.wanted, _since(wish.since)], query.unwanted, keys=query.keys)
        fresh = {*await _owners(server, new)}
        busy = {owners[handle] for handle in fresh if handle in owners}
        # Where nothing is new, nothing is read.
        owners = {handle: owner for handle, owner in owners.items() if owner in busy}
    if len(owners) < 2:  # noqa: PLR2004 -- a pair takes two
        return None
    return await _read(server, owners, fresh)


def _since(moment: datetime) -> str:
    return f"@fresh:[{microseconds(moment)} +inf]"


async def _owners(server: Server, query: Query) -> dict[int, tuple[bytes | None, ...]]:
    """Return whose each memory is, in order of storing."""
    words = ("RETURN", len(OWNERS), *OWNERS, "SORTBY", "h", "ASC", "LIMIT", 0, queries.MOST_ROWS, *query.among)
    answer = await server.find("memories", query.text, *words)
    return {handle_of(hit.key): tuple(hit.fields.get(name.encode()) for name in OWNERS) for hit in answer.rows}


async def _read(server: Server, owners: dict[int, tuple[bytes | None, ...]], fresh: set[int]) -> Field | None:
    handles: list[int] = []
    stored: list[bytes] = []
    holding: dict[bytes, list[int]] = {}
    every = list(owners)
    for start in range(0, len(every), _CHUNK):
        some = every[start : start + _CHUNK]
        found = await server.call("MGET", *map(server.keys.row, some))
        answers = await server.many([("HGET", server.keys.memory(handle), "words") for handle in some])
        for handle, row, words in zip(some, found, answers, strict=True):
            if row is None or words is None or (vector := read_row(row).vector) is None:
                continue
            for word in set(words.split()):
                holding.setdefault(word, []).append(len(handles))
            handles.append(handle)
            stored.append(vector.packed)
    if not handles:
        return None
    parts, scale = vectors.unpacked(stored, len(stored[0]) - vectors.SCALE)
    numbers: dict[tuple[bytes | None, ...], int] = {}
    return Field(
        np.array(handles, np.int64),
        np.array([numbers.setdefault(owners[handle], len(numbers)) for handle in handles], np.int64),
        np.array([handle in fresh for handle in handles], np.bool_),
        parts,
        scale,
        [np.array(among, np.int64) for among in holding.values() if 1 < len(among) <= RARE],
    )
