"""Who was stored just before and after the rows of a search, in the same thread, and within what may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.filters import Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.stores.redis import queries
from mcp_memory.stores.redis.documents import Row, read_row
from mcp_memory.stores.redis.queries import Query
from mcp_memory.stores.redis.server import Server

Numbers32: TypeAlias = NDArray[np.int32]

SPARE = 4
"""How many further to each side are looked at: among those that may not be shown, who comes next is found."""


@dataclass(slots=True)
class Surroundings:
    """The rows with their neighbours, and what is known of their threads."""

    rows: dict[int, Row]
    moments: dict[int, int] = field(default_factory=dict)
    """When each was last used, in microseconds."""
    following: dict[int, int] = field(default_factory=dict)
    """Who may be shown next after whom in the thread."""

    def links(self, handles: Sequence[int]) -> tuple[Numbers32, Numbers32, Numbers32]:
        """Return for sorted handles who comes before and after among them, and the number of the thread."""
        place = {handle: number for number, handle in enumerate(handles)}
        before: Numbers32 = np.full(len(handles), -1, np.int32)
        after, session = before.copy(), before.copy()
        together = {*self.following, *self.following.values()}
        numbers: dict[str | None, int] = {}
        for handle in handles:
            following = self.following.get(handle)
            if following in place:
                after[place[handle]], before[place[following]] = place[following], place[handle]
            if handle in together:
                thread = self.rows[handle].thread
                session[place[handle]] = numbers.setdefault(thread, len(numbers))
        return before, after, session


async def around(server: Server, query: Query, where: Where, rows: Mapping[int, Row], reach: int) -> Surroundings:
    """Return the rows with so many neighbours to each side."""
    found = Surroundings(dict(rows))
    if not rows:
        return found
    runs = await _runs(server, where, found, reach)
    if runs is None:
        runs = await _allowed_runs(server, query, rows)
    chosen: set[int] = set()
    for run in runs:
        found.following.update(pairwise(run))
        for at, handle in enumerate(run):
            if handle in rows:
                chosen.update(run[max(0, at - reach) : at + reach + 1])
    await _fetch(server, found, sorted(chosen - rows.keys()))
    return found


async def _runs(server: Server, where: Where, found: Surroundings, reach: int) -> list[list[int]] | None:
    """Note when the rows were used; return who stands around each in its thread, as far as needed.

    Returns None where it takes a search to know who may be shown.
    """
    handles = list(found.rows)
    threaded = [(handle, thread) for handle in handles if (thread := found.rows[handle].thread) is not None]
    aside = reach + SPARE
    places = " ".join(f"{handle}={thread}" for handle, thread in threaded)
    words = (server.keys.accesses, server.keys.threads, " ".join(map(str, handles)), places, aside)
    moments, *answers = await server.run("around", [server.keys.schema], words)
    _note(found, handles, moments)
    if not queries.is_plain(where):
        return None if threaded else []
    runs = [[int(handle) for handle in run.split()] for run in answers]
    if where.current_at is None or not runs:
        return runs
    ended = await _ended(server, {thread for _, thread in threaded}, microseconds(where.current_at))
    for (handle, _), run in zip(threaded, runs, strict=True):
        if not _enough(handle, run, ended, aside, reach):
            return None
    return [[handle for handle in run if handle not in ended] for run in runs]


def _enough(handle: int, run: Sequence[int], ended: set[int], aside: int, reach: int) -> bool:
    """Say whether so many neighbours are known to each side, or the end of the thread is."""
    if handle not in run:
        return True
    at = run.index(handle)
    sides = (run[:at], run[at + 1 :])
    return all(len(side) < aside or sum(one not in ended for one in side) > reach for side in sides)


async def _ended(server: Server, threads: set[str], moment: int) -> set[int]:
    text = f"{queries.tag('th', sorted(threads))} {queries.until('until', moment)}"
    return {*await queries.keys_of(server, "memories", text)}


async def _allowed_runs(server: Server, query: Query, rows: Mapping[int, Row]) -> list[list[int]]:
    """Return all that may be shown of the threads of the rows, each thread in its order."""
    threads = sorted({row.thread for row in rows.values() if row.thread is not None})
    if not threads:
        return []
    words = ("RETURN", 1, "th", "LIMIT", 0, queries.MOST_ROWS, *query.among)
    answer = await server.find("memories", query.besides(queries.tag("th", threads)), *words)
    runs: dict[bytes, list[int]] = {}
    for hit in answer.rows:
        runs.setdefault(hit.fields[b"th"], []).append(int(hit.key.rpartition(b":")[2]))
    return [sorted(run) for run in runs.values()]


async def _fetch(server: Server, found: Surroundings, handles: Sequence[int]) -> None:
    """Add the rows of the handles; those that are gone meanwhile are left out."""
    if not handles:
        return
    words = (server.keys.memories, server.keys.accesses, " ".join(map(str, handles)))
    answers = await server.run("rows", [server.keys.schema], words)
    for handle, row in zip(handles, answers[::2], strict=True):
        if row is not None:
            found.rows[handle] = read_row(row)
    _note(found, handles, answers[1::2])


def _note(found: Surroundings, handles: Sequence[int], moments: Sequence[bytes | None]) -> None:
    for handle, moment in zip(handles, moments, strict=False):
        if moment:
            found.moments[handle] = int(moment)
        else:
            # It was removed since the search found it.
            found.rows.pop(handle, None)
