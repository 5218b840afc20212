"""Who was stored just before and after the rows of a search, in the same thread, and within what may be shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.filters import Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.stores.redis import queries
from mcp_memory.stores.redis.queries import Query
from mcp_memory.stores.redis.rows import Beside, Columns, beside
from mcp_memory.stores.redis.server import Server

Numbers32: TypeAlias = NDArray[np.int32]
Handles: TypeAlias = NDArray[np.int64]

_ROUNDS = 12
"""How often it is asked who stands beyond memories that have ended, before all that may be shown is asked for."""


def _none() -> Handles:
    return np.empty(0, np.int64)


@dataclass(slots=True)
class Surroundings:
    """The rows with their neighbours."""

    rows: dict[int, bytes]
    one: Handles = field(default_factory=_none)
    other: Handles = field(default_factory=_none)
    """Who may be shown next after each of the former in their thread."""

    def links(self, handles: Sequence[int]) -> tuple[Numbers32, Numbers32]:
        """Return for sorted handles who comes before and after among them."""
        known = np.array(handles, np.int64)
        one, other = np.searchsorted(known, self.one), np.searchsorted(known, self.other)
        last = len(known) - 1
        there = (known[np.minimum(one, last)] == self.one) & (known[np.minimum(other, last)] == self.other)
        before = np.full(len(known), -1, np.int32)
        after = before.copy()
        after[one[there]] = other[there]
        before[other[there]] = one[there]
        return before, after

    def follow(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Note who may be shown next after whom."""
        listed = list(pairs)
        self.one, self.other = np.array(listed, np.int64).reshape(-1, 2).T


async def around(
    server: Server, query: Query, where: Where, rows: dict[int, bytes], reach: int, *, ended: int
) -> Surroundings:
    """Return the rows with so many neighbours to each side.

    Args:
        server: where they are.
        query: what may be shown, for the engine.
        where: the same.
        rows: by their handles.
        reach: how many neighbours.
        ended: how many memories within the scope had ended.
    """
    surroundings = Surroundings(rows)
    if not rows:
        return surroundings
    if not queries.is_plain(where):
        await _add_allowed(server, query, surroundings, reach)
    elif not ended or where.current_at is None:
        await _add_beside(server, surroundings, reach)
    elif not await _add_standing(server, surroundings, reach, microseconds(where.current_at)):
        await _add_allowed(server, query, surroundings, reach)
    return surroundings


async def rows_of(server: Server, handles: Sequence[int]) -> dict[int, bytes]:
    """Return the rows of memories by their handles; those that are gone are left out."""
    if not handles:
        return {}
    rows = await server.call("MGET", *map(server.keys.row, handles))
    return {handle: row for handle, row in zip(handles, rows, strict=True) if row is not None}


async def _add_beside(server: Server, found: Surroundings, reach: int) -> None:
    """Add the neighbours where everything in the threads may be shown."""
    fresh = found.rows
    for _ in range(reach):
        head = Columns([*fresh.values()]).head
        near = {*head["before"].tolist(), *head["after"].tolist()}
        fresh = await rows_of(server, [*(near - found.rows.keys() - {0})])
        if not fresh:
            break
        found.rows |= fresh
    handles = [*found.rows]
    found.one, found.other = np.array(handles, np.int64), Columns([found.rows[one] for one in handles]).head["after"]


async def _add_standing(server: Server, found: Surroundings, reach: int, moment: int) -> bool:
    """Add the neighbours that had not ended at the moment; say whether they were found in so many rounds."""
    known = {handle: beside(row) for handle, row in found.rows.items()}
    rows = dict(found.rows)
    for _ in range(_ROUNDS):
        # Those one further are known too: they may be another one's neighbours.
        walks = [_walked(known, handle, reach + 1, moment) for handle in found.rows]
        missing = {handle for walk in walks for handle in walk.missing}
        if not missing:
            break
        fresh = await rows_of(server, [*missing])
        # What is gone meanwhile has nobody beside it.
        known |= {handle: beside(fresh[handle]) if handle in fresh else _NOBODY for handle in missing}
        rows |= fresh
    else:
        return False
    runs = [(*reversed(walk.before), handle, *walk.after) for handle, walk in zip(found.rows, walks, strict=True)]
    found.follow(pair for run in runs for pair in pairwise(run))
    chosen = {handle for walk in walks for side in (walk.before, walk.after) for handle in side[:reach]}
    found.rows |= {handle: rows[handle] for handle in chosen}
    return True


@dataclass(frozen=True, slots=True)
class _Walk:
    """Who stands around one memory, nearest first, and who must be known to say more."""

    before: list[int]
    after: list[int]
    missing: list[int]


_NOBODY = Beside(0, 0, 0)


def _walked(known: Mapping[int, Beside], handle: int, steps: int, moment: int) -> _Walk:
    walk = _Walk([], [], [])
    for side, there in (("before", walk.before), ("after", walk.after)):
        for one in _side(known, handle, side):
            if one not in known:
                walk.missing.append(one)
            elif known[one].until > moment:
                there.append(one)
            if len(there) == steps:
                break
    return walk


def _side(known: Mapping[int, Beside], handle: int, side: str) -> Iterator[int]:
    """Yield who stands to one side, as far as is known, and then the first who is not known."""
    while handle in known and (handle := getattr(known[handle], side)):
        yield handle


async def _add_allowed(server: Server, query: Query, found: Surroundings, reach: int) -> None:
    """Add the neighbours where it takes a search to know who may be shown."""
    runs = await _allowed_runs(server, query, Columns([*found.rows.values()]).named_threads())
    found.follow(pair for run in runs for pair in pairwise(run))
    near: set[int] = set()
    for run in runs:
        for at, handle in enumerate(run):
            if handle in found.rows:
                near.update(run[max(0, at - reach) : at + reach + 1])
    found.rows |= await rows_of(server, sorted(near - found.rows.keys()))


async def _allowed_runs(server: Server, query: Query, threads: Sequence[str]) -> list[list[int]]:
    """Return all that may be shown of threads, each in its order."""
    if not threads:
        return []
    words = ("RETURN", 1, "th", "LIMIT", 0, queries.MOST_ROWS, *query.among)
    answer = await server.find("memories", query.besides(queries.tag("th", threads)), *words)
    runs: dict[bytes, list[int]] = {}
    for hit in answer.rows:
        runs.setdefault(hit.fields[b"th"], []).append(int(hit.key.rpartition(b":")[2]))
    return [sorted(run) for run in runs.values()]
